//! Checked settings into an engine: rules, keys, store and adapters.
//!
//! Everything that can be wrong is found here, before the first mail is fetched.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroizing;

use super::exit::{CONFIG, Failure, NO_INPUT};
use crate::adapters::clock::SystemClock;
use crate::adapters::disk::FreeSpace;
use crate::adapters::dkim::DnsDkim;
use crate::adapters::entropy::SystemEntropy;
use crate::adapters::imap::{self, ImapConfig, ImapInbox, SentFolder};
use crate::adapters::maildir::MaildirInbox;
use crate::adapters::outbox_folder::OutboxFolder;
use crate::adapters::site_folder::SiteFolder;
use crate::adapters::smtp::{self, SmtpConfig, SmtpRelay};
use crate::adapters::tls::TlsTrust;
use crate::domain::advisory::Publisher;
use crate::domain::party::{Audience, Member, TeamRole};
use crate::domain::policy::Policy;
use crate::domain::rules::{ExternalList, Rules};
use crate::domain::template::Templates;
use crate::domain::time::Timestamp;
use crate::domain::token::digest_hex;
use crate::engine::step::{Adopt, Engine, Ports, ReturnPath, Setup};
use crate::mail::intake::Source;
use crate::mail::parse::Limits;
use crate::pgp::keyring::{KeyProblem, Keyring};
use crate::ports::{Clock, Inbox, Relay, Site, Wake};
use crate::render;
use crate::settings::checked::{self, Settings};
use crate::settings::choice;
use crate::store::Store;

/// The policy where the settings name none.
pub const DEFAULT_POLICY: &str = include_str!("../../contrib/policies/default.toml");
/// Largest policy or template file, in bytes.
const FILE_MAX_BYTES: u64 = 1024 * 1024;

/// An engine on the system's clock and servers.
///
/// # Errors
/// The first thing that cannot be used, with the exit code that says which kind it is.
pub fn engine(
    settings: &Settings,
    adopt: Option<Adopt>,
    runtime: &tokio::runtime::Handle,
    wake: &Wake,
) -> Result<Engine, Failure> {
    let now = SystemClock.now();
    let mut setup = setup(settings, adopt, now)?;
    if settings.authentication.verify_dkim {
        setup.dkim = Some(Arc::new(DnsDkim::start(runtime)?));
    }
    let store = Store::open(&settings.store.path, settings.store.key.bytes(), &settings.instance.name)?;
    store.check()?;
    let mut relays: Vec<Box<dyn Relay>> = Vec::new();
    for relay in &settings.relays {
        relays.push(make_relay(relay, settings, runtime, wake)?);
    }
    let site = settings.publish.site.as_ref().map(|site| SiteFolder::open(&site.folder)).transpose()?;
    let folder = settings.store.path.parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf);
    let ports = Ports {
        inbox: make_inbox(settings, &store, now, wake)?,
        relays,
        site: site.map(|site| Box::new(site) as Box<dyn Site>),
        entropy: Box::new(SystemEntropy::open()?),
        disk: Box::new(FreeSpace::of(folder)),
    };
    Ok(Engine::new(setup, ports, store, now)?)
}

/// Rules, keys and limits from the settings; nothing in it touches a network.
///
/// # Errors
/// A key, policy or template that cannot be used.
pub fn setup(settings: &Settings, adopt: Option<Adopt>, now: Timestamp) -> Result<Setup, Failure> {
    let (keyring, policy, templates) =
        together(keyring(settings, now), policy(settings.policy.as_deref()), templates(settings.templates.as_deref()))?;
    let rules = rules(settings, keyring.own_fingerprint().to_string(), policy, templates);
    check_certificates(&rules, &keyring, now)?;
    let raw_bytes = usize::try_from(settings.limits.message_bytes).unwrap_or(usize::MAX);
    let limits = Limits { raw_bytes, ..Limits::default() };
    Ok(Setup {
        keyring,
        authserv_ids: settings.authentication.authserv_ids.clone(),
        dkim: None,
        intake: settings.intake.iter().map(source).collect(),
        limits,
        adopt,
        return_path: match settings.addressing.bounce_address {
            choice::BounceAddress::Verp => ReturnPath::Keyed,
            choice::BounceAddress::Null => ReturnPath::Null,
            choice::BounceAddress::Plain => ReturnPath::Plain,
        },
        attempts_max: settings.limits.attempts,
        free_bytes_min: settings.daemon.free_bytes_min,
        rules,
    })
}

fn source(intake: &checked::Intake) -> Source {
    match intake {
        checked::Intake::List { list_id } => Source::List(list_id.clone()),
        checked::Intake::Form { address } => Source::Form(address.clone()),
        checked::Intake::Tracker { address } => Source::Tracker(address.clone()),
    }
}

pub(super) fn keyring(settings: &Settings, now: Timestamp) -> Result<Keyring, Failure> {
    let secret: Vec<&[u8]> = settings.keys.secret.iter().map(checked::SecretBytes::bytes).collect();
    let passphrase = settings.keys.passphrase.as_ref().map(|text| Zeroizing::new(text.text().to_owned()));
    Keyring::of_bytes(&secret, passphrase.as_ref(), settings.keys.certificates.as_deref(), now)
        .map_err(|error| Failure::new(CONFIG, format!("keys: {error}")))
}

/// Every pinned fingerprint must be there: a missing certificate would hold back all mail to its owner.
fn check_certificates(rules: &Rules, keyring: &Keyring, now: Timestamp) -> Result<(), Failure> {
    let members = rules.team.iter().filter_map(|member| member.fingerprint.as_ref());
    for fingerprint in members.chain(rules.pins.values()) {
        match keyring.usable_for_encryption(fingerprint, now) {
            Ok(()) => {}
            Err(KeyProblem::Unknown) => {
                let advice = "put the certificate into the folder keys.certificates, or correct the fingerprint";
                return Err(Failure::new(CONFIG, format!("keys: {fingerprint}: {}; {advice}", KeyProblem::Unknown)));
            }
            // Time makes certificates expire; mail to their owners is held then, and everything else goes on.
            Err(problem) => tracing::warn!(%fingerprint, %problem, "a pinned certificate cannot be used"),
        }
    }
    Ok(())
}

/// What is wrong with keys, policy and templates is said at once.
fn together<A, B, C>(
    first: Result<A, Failure>,
    second: Result<B, Failure>,
    third: Result<C, Failure>,
) -> Result<(A, B, C), Failure> {
    match (first, second, third) {
        (Ok(first), Ok(second), Ok(third)) => Ok((first, second, third)),
        (first, second, third) => {
            let found: Vec<Failure> = [first.err(), second.err(), third.err()].into_iter().flatten().collect();
            let code = found.first().map_or(CONFIG, |failure| failure.code);
            let lines: Vec<_> = found.into_iter().map(|failure| failure.message).collect();
            Err(Failure::new(code, lines.join("\n")))
        }
    }
}

/// The rules as far as they need no key: for the desk, which mails nobody. The fingerprint of the address is missing.
///
/// # Errors
/// A policy or template that cannot be used.
pub fn desk_rules(settings: &Settings) -> Result<Rules, Failure> {
    let (policy, templates, ()) =
        together(policy(settings.policy.as_deref()), templates(settings.templates.as_deref()), Ok(()))?;
    Ok(rules(settings, String::new(), policy, templates))
}

fn rules(
    settings: &Settings,
    fingerprint: String,
    (mut policy, policy_digest): (Policy, String),
    templates: Templates,
) -> Rules {
    policy.second_member |= settings.commands.second_member;
    let base_url = settings.publish.site.as_ref().map_or_else(String::new, |site| site.base_url.clone());
    Rules {
        instance: settings.instance.name.clone(),
        publisher: Publisher {
            project: settings.instance.project.clone(),
            contact: settings.instance.address.to_string(),
            base_url,
            fingerprint,
        },
        address: settings.instance.address.clone(),
        case_prefix: settings.instance.case_prefix.clone(),
        key: settings.instance.key.clone(),
        team: settings.members.iter().map(member).collect(),
        clear: settings.privacy.clear.iter().map(|audience| clear(*audience)).collect::<BTreeSet<_>>(),
        pins: settings.keys.pins.iter().map(|(address, fingerprint)| (address.key(), fingerprint.clone())).collect(),
        require_signature: settings.commands.require_signature,
        plus_addresses: settings.addressing.plus,
        message_id_rewritten: settings.addressing.message_id_rewritten,
        lists: settings
            .publish
            .lists
            .iter()
            .map(|list| ExternalList {
                name: list.name.clone(),
                address: list.address.clone(),
                prefix: list.prefix.clone(),
            })
            .collect(),
        policy,
        policy_digest,
        templates,
        render: render::rendition,
        acks_per_address_per_day: settings.limits.acks_per_address_per_day,
        acks_per_hour: settings.limits.acks_per_hour,
    }
}

fn member(member: &checked::Member) -> Member {
    let role = match member.role {
        choice::MemberRole::Lead => TeamRole::Lead,
        choice::MemberRole::Deputy => TeamRole::Deputy,
        choice::MemberRole::Member => TeamRole::Member,
        choice::MemberRole::Triage => TeamRole::Triage,
    };
    Member::new(member.name.clone(), member.address.clone(), role, member.fingerprint.clone())
}

fn clear(audience: choice::Audience) -> Audience {
    match audience {
        choice::Audience::Team => Audience::Team,
        choice::Audience::Reporter => Audience::Reporter,
        choice::Audience::Maintainer => Audience::Maintainer,
        choice::Audience::Stakeholder => Audience::Stakeholder,
    }
}

/// Reads a policy, or the default one, and checks it whole.
///
/// # Errors
/// Every mistake in it, one a line.
pub fn policy(path: Option<&Path>) -> Result<(Policy, String), Failure> {
    let text = path.map_or_else(|| Ok(DEFAULT_POLICY.to_owned()), read_text)?;
    let name = path.map_or_else(|| "the default policy".to_owned(), |path| path.display().to_string());
    let policy: Policy = toml::from_str(&text).map_err(|error| {
        // The library's own text has several lines, with a picture.
        let line =
            error.span().and_then(|span| text.get(..span.start)).map_or(1, |before| before.matches('\n').count() + 1);
        let problem: Vec<_> = error.message().split_whitespace().collect();
        Failure::new(CONFIG, format!("{name}:{line}: {}; see contrib/policies/default.toml", problem.join(" ")))
    })?;
    let mistakes = policy.mistakes();
    if mistakes.is_empty() {
        Ok((policy, digest_hex(text.as_bytes())))
    } else {
        let lines: Vec<_> = mistakes.iter().map(|mistake| format!("{name}: {mistake}")).collect();
        Err(Failure::new(CONFIG, lines.join("\n")))
    }
}

/// The default templates, with those replaced for which the folder has a file.
///
/// # Errors
/// Every template that cannot be used, one a line.
pub fn templates(folder: Option<&Path>) -> Result<Templates, Failure> {
    let mut overrides = BTreeMap::new();
    if let Some(folder) = folder {
        let unreadable =
            |error| Failure::new(NO_INPUT, format!("failed to read the templates in {}: {error}", folder.display()));
        for entry in std::fs::read_dir(folder).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            let name = path.file_stem().and_then(|name| name.to_str()).map(str::to_owned);
            if let (Some(name), true) = (name, path.extension().is_some_and(|extension| extension == "txt")) {
                overrides.insert(name, read_text(&path)?);
            }
        }
    }
    Templates::load(&overrides).map_err(|mistakes| {
        let lines: Vec<_> = mistakes.iter().map(ToString::to_string).collect();
        Failure::new(CONFIG, lines.join("\n"))
    })
}

fn read_text(path: &Path) -> Result<String, Failure> {
    let size = std::fs::metadata(path).map(|meta| meta.len());
    let text = size.and_then(|size| {
        if size > FILE_MAX_BYTES {
            Err(std::io::Error::other("larger than 1 MiB"))
        } else {
            std::fs::read_to_string(path)
        }
    });
    text.map_err(|error| Failure::new(NO_INPUT, format!("failed to read {}: {error}", path.display())))
}

fn make_inbox(settings: &Settings, store: &Store, now: Timestamp, wake: &Wake) -> Result<Box<dyn Inbox>, Failure> {
    let limit = settings.limits.message_bytes;
    Ok(match &settings.inbox {
        checked::Inbox::Maildir { path, archive } => Box::new(MaildirInbox::new(path.clone(), archive.clone(), limit)),
        checked::Inbox::Imap(inbox) => {
            let since = inbox.sent.as_ref().map(|_| store.session().sent_since(now)).transpose()?;
            Box::new(ImapInbox::start(imap_config(inbox, limit, since), wake.clone())?)
        }
    })
}

/// The account that mail is fetched from.
pub(super) fn imap_config(
    inbox: &checked::ImapInbox,
    message_limit_bytes: u64,
    sent_since: Option<Timestamp>,
) -> ImapConfig {
    ImapConfig {
        host: inbox.host.clone(),
        port: inbox.port,
        security: match inbox.security {
            choice::Security::Tls => imap::Security::Tls,
            choice::Security::Starttls => imap::Security::StartTls,
            choice::Security::Plain => imap::Security::Plain,
        },
        trust: TlsTrust { ca_file: inbox.ca_file.clone() },
        user: inbox.user.clone(),
        secret: inbox.secret.clone(),
        auth: match inbox.auth {
            choice::ImapAuth::Login => imap::AuthMechanism::Login,
            choice::ImapAuth::Plain => imap::AuthMechanism::Plain,
        },
        mailbox: inbox.mailbox.clone(),
        junk: inbox.junk.clone(),
        sent: inbox.sent.clone().zip(sent_since).map(|(folder, since)| SentFolder { folder, since }),
        archive: inbox.archive.clone(),
        settle: match inbox.settle {
            choice::Settle::Move => imap::Settle::Move,
            choice::Settle::Keep => imap::Settle::Keep,
        },
        poll_every: Duration::from_secs(inbox.poll_seconds),
        message_limit_bytes,
        timeouts: imap::Timeouts::default(),
    }
}

fn make_relay(
    relay: &checked::Relay,
    settings: &Settings,
    runtime: &tokio::runtime::Handle,
    wake: &Wake,
) -> Result<Box<dyn Relay>, Failure> {
    Ok(match relay {
        checked::Relay::Folder { path } => Box::new(OutboxFolder::open(path)?),
        checked::Relay::Smtp(smtp) => Box::new(SmtpRelay::start(smtp_config(smtp, settings), runtime, wake.clone())?),
    })
}

/// A mail server that takes our mail.
pub(super) fn smtp_config(smtp: &checked::SmtpRelay, settings: &Settings) -> SmtpConfig {
    let login = smtp.login.as_ref();
    SmtpConfig {
        host: smtp.host.clone(),
        port: smtp.port,
        security: match smtp.security {
            choice::Security::Tls => smtp::Security::Tls,
            choice::Security::Starttls => smtp::Security::StartTls,
            choice::Security::Plain => smtp::Security::Plain,
        },
        trust: TlsTrust { ca_file: smtp.ca_file.clone() },
        credentials: login.map(|login| (login.user.clone(), login.secret.clone())),
        daily_budget: smtp.daily_budget,
        connections: usize::try_from(smtp.connections).unwrap_or(1),
        hello_name: settings.instance.address.domain().to_owned(),
        timeouts: smtp::Timeouts::default(),
    }
}
