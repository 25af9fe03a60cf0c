//! The round trip: mails to ourselves through each relay, and what the mail host makes of them.
//!
//! Only while no daemon runs, which would take the mails for its own and move them away. Never touches other mail, and
//! takes away what came back; what comes later than the limit is left to the daemon, which knows it by its mark.

use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::time::Instant;

use super::letters::{Kind, Letter, Seen, letters, recognised};
use super::place::{Archived, Lying, Place};
use super::servers::{named, smtp_config};
use super::{Report, daemon_runs};
use crate::adapters::entropy::SystemEntropy;
use crate::adapters::smtp::probe;
use crate::daemon::exit::{CONFIG, Failure, TEMPORARY, UNAVAILABLE};
use crate::daemon::lock::Lock;
use crate::domain::id::{Address, MessageId};
use crate::domain::time::Timestamp;
use crate::ports::{Entropy, Folder, RelayOutcome, RelayVerdict};
use crate::settings::Settings;
use crate::settings::checked::{BounceAddress, Relay, SmtpRelay};

/// How long the letters may be on their way.
const LIMIT: Duration = Duration::from_secs(60);
/// How often the inbox is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// What became of one letter.
struct Fate<'a> {
    letter: &'a Letter,
    outcome: RelayOutcome,
    back: Option<Back>,
}

/// A letter that is back.
struct Back {
    seen: Seen,
    mail: Lying,
    after: Duration,
}

pub(super) fn roundtrip(settings: &Settings, runtime: &Runtime, now: Timestamp, report: &mut Report<'_>) {
    report.about("roundtrip");
    if daemon_runs(settings) {
        return report.needs(
            TEMPORARY,
            "a daemon is running and would take the mails for its own; stop it (systemctl stop postern), check, and \
             start it again",
        );
    }
    let _lock = match Lock::take(&settings.instance.state_dir) {
        Ok(lock) => lock,
        Err(failure) => return report.failed(failure),
    };
    for relay in &settings.relays {
        match relay {
            Relay::Folder { .. } => report.well("a relay is a folder: no mail is sent through it"),
            Relay::Smtp(smtp) => {
                if let Err(failure) = through(smtp, settings, runtime, now, report) {
                    report.failed(failure);
                }
            }
        }
    }
}

/// One round trip through one relay.
fn through(
    smtp: &SmtpRelay,
    settings: &Settings,
    runtime: &Runtime,
    now: Timestamp,
    report: &mut Report<'_>,
) -> Result<(), Failure> {
    let letters = letters(settings, now, SystemEntropy::open()?.seed());
    let mut place = Place::open(settings)?;
    report.trying(format!("mailing itself through {}, which may take a minute", smtp.host));
    let jobs: Vec<_> = letters.iter().map(|letter| letter.job.clone()).collect();
    let sent = Instant::now();
    let outcomes = runtime
        .block_on(probe::deliver(&smtp_config(smtp, settings), &jobs))
        .map_err(|error| named(&error, &smtp.host))?;
    let mut fates: Vec<Fate<'_>> =
        letters.iter().zip(outcomes).map(|(letter, outcome)| Fate { letter, outcome, back: None }).collect();
    let mut ours = Vec::new();
    loop {
        ours.clear();
        for mail in place.new_mails()? {
            let Some(seen) = recognised(&mail.bytes, &letters) else { continue };
            ours.push(mail.clone());
            if let Some(fate) = fates.get_mut(seen.letter)
                && fate.back.is_none()
            {
                fate.back = Some(Back { seen, mail, after: sent.elapsed() });
            }
        }
        let awaited = |fate: &Fate<'_>| fate.back.is_none() && fate.outcome.verdict == RelayVerdict::Accepted;
        if !fates.iter().any(awaited) || sent.elapsed() >= LIMIT {
            break;
        }
        runtime.block_on(async { tokio::time::sleep(LOOK_EVERY).await });
    }
    judge(smtp, settings, &fates, report);
    archive(&mut place, &letters, &fates, &mut ours, report)?;
    if !place.take_away(&ours)? {
        report.warning("the server has no UIDPLUS: our mails are marked as deleted and still lie in the inbox");
    }
    Ok(())
}

/// Tries the way into the archive with one of the letters, which is then gone from the inbox.
fn archive(
    place: &mut Place,
    letters: &[Letter],
    fates: &[Fate<'_>],
    ours: &mut Vec<Lying>,
    report: &mut Report<'_>,
) -> Result<(), Failure> {
    let in_inbox = |back: &&Back| back.mail.folder == Folder::Inbox;
    let Some(back) = fates.iter().filter_map(|fate| fate.back.as_ref()).find(in_inbox) else { return Ok(()) };
    let is_it = |bytes: &[u8]| recognised(bytes, letters).is_some_and(|seen| seen.letter == back.seen.letter);
    match place.archive(&back.mail, is_it)? {
        Archived::Found => {
            ours.retain(|mail| !is_it(&mail.bytes));
            report.well("inbox.archive: stored mail gets there");
        }
        Archived::Missing => {
            ours.retain(|mail| !is_it(&mail.bytes));
            report.needs(CONFIG, "inbox.archive: a mail was moved there and is not to be found; choose another folder");
        }
        Archived::Stays => report.well("stored mail stays where it is, or is moved on this machine"),
    }
    Ok(())
}

impl Fate<'_> {
    /// What kept the letter from the inbox, if anything did.
    fn fault(&self) -> Option<String> {
        let detail = &self.outcome.detail;
        match (self.outcome.verdict, &self.back) {
            (RelayVerdict::Refused, _) => Some(format!("the relay refuses it ({detail})")),
            (RelayVerdict::Deferred | RelayVerdict::Untried, _) => {
                Some(format!("the relay does not take it now ({detail})"))
            }
            (RelayVerdict::Accepted | RelayVerdict::Unknown, None) => {
                Some(format!("it did not come back within {} seconds", LIMIT.as_secs()))
            }
            (RelayVerdict::Accepted | RelayVerdict::Unknown, Some(back)) => {
                back.seen.returned.then(|| "the host takes it and returns it as undeliverable".to_owned())
            }
        }
    }

    /// What is wrong with the envelope sender at the other end; an empty text where it cannot be told.
    fn sender_fault(&self) -> Option<String> {
        if let Some(fault) = self.fault() {
            return Some(fault);
        }
        let expected = self.letter.sender.as_ref().map_or("", Address::as_str);
        match self.back.as_ref().and_then(|back| back.seen.return_path.as_deref()) {
            Some(found) if found.eq_ignore_ascii_case(expected) => None,
            Some(_) => Some("the host puts another sender in its place".to_owned()),
            None => Some(String::new()),
        }
    }
}

fn judge(smtp: &SmtpRelay, settings: &Settings, fates: &[Fate<'_>], report: &mut Report<'_>) {
    let of = |kind: Kind| fates.iter().find(|fate| fate.letter.kind == kind);
    if let Some(plain) = of(Kind::Plain) {
        delivery(plain, &smtp.host, report);
    }
    let null_works = of(Kind::Null).is_some_and(|null| null.sender_fault().is_none_or(|fault| fault.is_empty()));
    let instead = if null_works { BounceAddress::Null } else { BounceAddress::Plain };
    let plus_fault = of(Kind::Plus).and_then(Fate::fault);
    match (&plus_fault, settings.addressing.plus) {
        (None, true) => report.well("addressing.plus: an address with +detail is delivered"),
        (None, false) => report.well("addressing.plus: an address with +detail is delivered, so that it may be true"),
        (Some(fault), true) => report.needs(
            CONFIG,
            format!(
                "addressing.plus: mail to an address with +detail: {fault}; turn that on at the host (in Postfix \
                 recipient_delimiter = +), or set addressing.plus = false and addressing.bounce_address = \"{}\"",
                instead.as_str()
            ),
        ),
        (Some(_), false) => report.well("addressing.plus: an address with +detail is not delivered, and not used"),
    }
    for (kind, choice, name) in [(Kind::Keyed, BounceAddress::Verp, "keyed"), (Kind::Null, BounceAddress::Null, "null")]
    {
        if let Some(fate) = of(kind) {
            let other = if choice == BounceAddress::Null { BounceAddress::Plain } else { instead };
            sender(fate, settings.addressing.bounce_address == choice, name, other, report);
        }
    }
    let seen: Vec<_> = fates
        .iter()
        .filter_map(|fate| Some((fate.letter, &fate.back.as_ref()?.seen)))
        .filter(|(_, seen)| !seen.returned)
        .collect();
    if seen.is_empty() {
        return;
    }
    message_ids(settings, &seen, report);
    results(settings, seen.iter().find_map(|(_, seen)| seen.authserv_id.as_deref()), report);
}

fn delivery(plain: &Fate<'_>, host: &str, report: &mut Report<'_>) {
    if let Some(fault) = plain.fault() {
        return report.needs(
            UNAVAILABLE,
            format!("mail from the address to itself through {host}: {fault}; let this account send as the address"),
        );
    }
    let Some(back) = &plain.back else { return };
    let seconds = back.after.as_secs_f64();
    match back.mail.folder {
        Folder::Inbox | Folder::Sent => report.well(format!("a mail through {host} is in the inbox after {seconds:.1} seconds")),
        Folder::Junk => report.warning(format!(
            "a mail through {host} is in the junk folder after {seconds:.1} seconds; tell the host that it is none, and \
             publish SPF, DKIM and DMARC for the domain"
        )),
    }
}

/// What became of a return path, and whether that matters.
fn sender(fate: &Fate<'_>, used: bool, name: &str, instead: BounceAddress, report: &mut Report<'_>) {
    match (fate.sender_fault(), used) {
        (None, true) => report.well(format!("addressing.bounce_address: the {name} sender is kept")),
        (None, false) => report.well(format!("addressing.bounce_address: a {name} sender would be kept; it is not used")),
        (Some(fault), _) if fault.is_empty() => report.well(format!(
            "addressing.bounce_address: a {name} sender is taken; the host notes no sender, so that no more can be told"
        )),
        (Some(fault), true) => report.needs(
            CONFIG,
            format!(
                "addressing.bounce_address: mail with the {name} sender: {fault}; set addressing.bounce_address = \"{}\"",
                instead.as_str()
            ),
        ),
        (Some(_), false) => {
            report.well(format!("addressing.bounce_address: a {name} sender would not be kept; it is not used"));
        }
    }
}

fn message_ids(settings: &Settings, seen: &[(&Letter, &Seen)], report: &mut Report<'_>) {
    let made = |text: &String| MessageId::parse(text).is_some_and(|id| settings.instance.key.made(&id));
    let kept = |(letter, seen): &(&Letter, &Seen)| seen.message_id.as_deref() == Some(letter.id.as_str());
    if seen.iter().all(kept) {
        report.well("Message-IDs are kept");
    } else if seen.iter().all(|(_, seen)| seen.message_id.as_ref().is_some_and(made)) {
        report.well("Message-IDs get another domain, by which they are known all the same");
    } else if settings.addressing.message_id_rewritten {
        report.well("addressing.message_id: the host writes Message-IDs of its own, and ours stand in References");
    } else {
        report.warning("the host writes Message-IDs of its own; set addressing.message_id = \"rewritten\"");
    }
}

fn results(settings: &Settings, found: Option<&str>, report: &mut Report<'_>) {
    let ids = &settings.authentication.authserv_ids;
    match found {
        Some(id) if ids.iter().any(|known| known == id) => {
            report.well(format!("authentication.authserv_ids: the host writes {id}"));
        }
        Some(id) if ids.is_empty() => report.warning(format!(
            "the host writes Authentication-Results as {id}; if that is your own host, set authentication.authserv_ids \
             = [\"{id}\"]: without it an address proves nothing, and commands must be signed"
        )),
        Some(id) => report.needs(
            CONFIG,
            format!("the host writes Authentication-Results as {id}, which authentication.authserv_ids does not name"),
        ),
        None if ids.is_empty() => report.warning(
            "the host writes no Authentication-Results into mail from itself; look at a mail from outside, and put the \
             first word of that header into authentication.authserv_ids: without it commands must be signed",
        ),
        None => report.well("authentication.authserv_ids: mail from the host itself bears none, as is usual"),
    }
}
