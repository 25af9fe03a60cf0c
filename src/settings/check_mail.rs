//! The sections that say where mail comes from and goes to: inbox, relays, intake, publishing.
//!
//! Same rules as in `check`, of which this is a part: all keys first, `None` means a mistake was noted.

use super::check::Check;
use super::checked::{
    FolderChoice, ImapInbox, Inbox, Intake, LoginSecret, Publish, PublishList, PublishSite, Relay, SmtpLogin, SmtpRelay,
};
use super::choice::{ImapAuth, InboxKind, IntakeKind, RelayKind, Security, Settle};
use super::raw;

/// Word for a mailbox that is found by what the server says of it.
const AUTO: &str = "auto";
/// Word for a mailbox that is not used.
const NONE: &str = "none";

/// What stands in the file to log in with.
struct Given {
    file: Option<String>,
    password: Option<Vec<String>>,
    token: Option<Vec<String>>,
}

impl Given {
    fn is_empty(&self) -> bool {
        self.file.is_none() && self.password.is_none() && self.token.is_none()
    }
}

fn choice(name: String) -> FolderChoice {
    if name == AUTO { FolderChoice::Auto } else { FolderChoice::Named(name) }
}

fn polled(name: String) -> Option<FolderChoice> {
    (name != NONE).then(|| choice(name))
}

impl Check {
    pub(super) fn inbox(&mut self, raw: raw::Inbox) -> Option<Inbox> {
        match self.word("inbox.kind", raw.kind.clone(), InboxKind::parse)? {
            InboxKind::Imap => self.imap(raw).map(Inbox::Imap),
            InboxKind::Maildir => {
                let path = self.needed_folder("inbox.path", raw.path)?;
                let archive = match raw.archive {
                    Some(text) => self.place("inbox.archive", &text)?,
                    None => path.join(".postern"),
                };
                if archive == path {
                    self.findings.mistake("inbox.archive", "is the Maildir itself; stored mail must go somewhere else");
                }
                Some(Inbox::Maildir { path, archive })
            }
        }
    }

    fn imap(&mut self, raw: raw::Inbox) -> Option<ImapInbox> {
        let host = self.host("inbox.host", raw.host);
        let security = self.security("inbox", raw.security, host.as_deref());
        let user = self.text("inbox.user", raw.user);
        let given = Given { file: raw.password, password: raw.password_command, token: raw.token_command };
        let secret = self.login_secret("inbox", given);
        let auth = self.word("inbox.auth", raw.auth, ImapAuth::parse);
        let ca_file = self.optional(raw.ca_file, |check, text| check.file("inbox.ca_file", &text));
        let mailbox = self.text("inbox.mailbox", raw.mailbox);
        let archive = self.text("inbox.archive", Some(raw.archive.unwrap_or_else(|| "postern".to_owned())));
        let junk = self.optional(raw.junk, |check, text| check.text("inbox.junk", Some(text)));
        let settle = self.word("inbox.settle", raw.settle, Settle::parse);
        let sent = match raw.sent {
            Some(text) => self.text("inbox.sent", Some(text)).map(Some),
            None => Some((settle == Some(Settle::Keep)).then(|| AUTO.to_owned())),
        };
        let poll_seconds = self.needed("inbox.poll_seconds", raw.poll_seconds);
        if archive.is_some() && archive == mailbox {
            self.findings.mistake("inbox.archive", "is the inbox's own mailbox; stored mail must go somewhere else");
        }
        let (archive, junk, sent) = (archive?, junk?.and_then(polled), sent?.and_then(polled));
        let archive = choice(archive);
        let inbox = mailbox.clone().map(FolderChoice::Named);
        let taken = |folder: &Option<FolderChoice>, others: &[Option<&FolderChoice>]| {
            let named = folder.as_ref().filter(|folder| **folder != FolderChoice::Auto);
            named.is_some() && others.contains(&named)
        };
        if taken(&junk, &[inbox.as_ref(), Some(&archive)]) {
            let text = "is the mailbox of the inbox or the archive; name the spam folder, or remove it";
            self.findings.mistake("inbox.junk", text);
        }
        if taken(&sent, &[inbox.as_ref(), Some(&archive), junk.as_ref()]) {
            let text =
                "is the mailbox of the inbox, the archive or the spam; name the folder of sent mail, or remove it";
            self.findings.mistake("inbox.sent", text);
        }
        Some(ImapInbox {
            host: host?,
            port: raw.port.unwrap_or(if security? == Security::Tls { 993 } else { 143 }),
            security: security?,
            user: user?,
            secret: secret?,
            auth: auth?,
            ca_file: ca_file?,
            mailbox: mailbox?,
            archive,
            junk,
            sent,
            settle: settle?,
            poll_seconds: poll_seconds?,
        })
    }

    pub(super) fn relays(&mut self, raw: Vec<raw::Relay>) -> Option<Vec<Relay>> {
        if raw.is_empty() && !self.findings.is_wrong("relay") {
            self.findings.mistake("relay", "missing; give at least one [[relay]] that takes our mail");
        }
        let relays: Vec<Option<Relay>> =
            raw.into_iter().enumerate().map(|(n, raw)| self.relay(&format!("relay[{n}]"), raw)).collect();
        relays.into_iter().collect()
    }

    fn relay(&mut self, path: &str, raw: raw::Relay) -> Option<Relay> {
        match self.word(&format!("{path}.kind"), raw.kind.clone(), RelayKind::parse)? {
            RelayKind::Smtp => self.smtp(path, raw).map(Relay::Smtp),
            RelayKind::Folder => {
                let path = self.needed_folder(&format!("{path}.path"), raw.path)?;
                Some(Relay::Folder { path })
            }
        }
    }

    fn smtp(&mut self, path: &str, raw: raw::Relay) -> Option<SmtpRelay> {
        let host = self.host(&format!("{path}.host"), raw.host);
        let security = self.security(path, raw.security, host.as_deref());
        let at = format!("{path}.ca_file");
        let ca_file = self.optional(raw.ca_file, |check, text| check.file(&at, &text));
        let connections = self.needed(&format!("{path}.connections"), raw.connections);
        let budget = self.needed(&format!("{path}.daily_budget"), raw.daily_budget);
        let given = Given { file: raw.password, password: raw.password_command, token: raw.token_command };
        let login = self.login(path, raw.user, given);
        let security = security?;
        let usual = match security {
            Security::Tls => 465,
            Security::Starttls => 587,
            Security::Plain => 25,
        };
        Some(SmtpRelay {
            host: host?,
            port: raw.port.unwrap_or(usual),
            security,
            login: login?,
            ca_file: ca_file?,
            connections: connections?,
            daily_budget: budget.map(|mails| (mails > 0).then_some(mails))?,
        })
    }

    /// Name and secret of a relay, or neither.
    fn login(&mut self, path: &str, user: Option<String>, given: Given) -> Option<Option<SmtpLogin>> {
        let at_user = format!("{path}.user");
        match (user, given.is_empty()) {
            (None, true) => Some(None),
            (None, false) => {
                self.needed::<()>(&at_user, None);
                None
            }
            (Some(user), _) => {
                let user = self.text(&at_user, Some(user));
                let secret = self.login_secret(path, given);
                user.zip(secret).map(|(user, secret)| Some(SmtpLogin { user, secret }))
            }
        }
    }

    /// Exactly one of a password file, a program for the password and a program for a token.
    fn login_secret(&mut self, path: &str, given: Given) -> Option<LoginSecret> {
        let (at_file, at_password, at_token) =
            (format!("{path}.password"), format!("{path}.password_command"), format!("{path}.token_command"));
        match (given.file, given.password, given.token) {
            (Some(file), None, None) => self.secret_text(&at_file, &file, "the password").map(LoginSecret::Password),
            (None, Some(words), None) => self.secret_command(&at_password, words).map(LoginSecret::PasswordCommand),
            (None, None, Some(words)) => self.secret_command(&at_token, words).map(LoginSecret::TokenCommand),
            (None, None, None) => {
                if ![&at_password, &at_token].iter().any(|at| self.findings.is_wrong(at)) {
                    let text =
                        "missing; name a file that holds the password, or give password_command or token_command";
                    self.needed_with::<()>(&at_file, None, text);
                }
                None
            }
            (file, password, token) => {
                let given = [file.map(|_| &at_file), password.map(|_| &at_password), token.map(|_| &at_token)];
                let mut given = given.into_iter().flatten();
                let kept = given.next().and_then(|path| path.rsplit('.').next()).unwrap_or_default();
                let text = format!("says again what \"{kept}\" says; keep one of the two");
                given.for_each(|path| self.findings.mistake(path, text.clone()));
                None
            }
        }
    }

    pub(super) fn intake(&mut self, raw: Vec<raw::Intake>) -> Option<Vec<Intake>> {
        let mut all = Some(Vec::new());
        for (position, raw) in raw.into_iter().enumerate() {
            let path = format!("intake[{position}]");
            match self.source(&path, raw) {
                Some(source) if all.as_ref().is_some_and(|known| known.contains(&source)) => {
                    self.findings.mistake(&path, "stands here twice; remove one");
                }
                Some(source) => all.iter_mut().for_each(|known| known.push(source.clone())),
                None => all = None,
            }
        }
        all
    }

    fn source(&mut self, path: &str, raw: raw::Intake) -> Option<Intake> {
        let kind = self.word(&format!("{path}.kind"), raw.kind, IntakeKind::parse)?;
        let at = format!("{path}.address");
        match kind {
            IntakeKind::List => {
                let objection = "must be the list's List-Id, such as \"security.example.org\"";
                let list_id = self.parsed(&format!("{path}.list_id"), raw.list_id, objection, |text| {
                    let id = text.trim().trim_start_matches('<').trim_end_matches('>').to_lowercase();
                    let plain = |c: char| c.is_ascii_graphic() && !"<>\"()".contains(c);
                    (id.contains('.') && id.len() <= 255 && id.chars().all(plain)).then_some(id)
                })?;
                Some(Intake::List { list_id })
            }
            IntakeKind::Form => Some(Intake::Form { address: self.address(&at, raw.address)? }),
            IntakeKind::Tracker => Some(Intake::Tracker { address: self.address(&at, raw.address)? }),
        }
    }

    pub(super) fn publish(&mut self, raw: raw::Publish) -> Option<Publish> {
        let folder = self.optional(raw.site, |check, text| check.folder("publish.site", &text));
        let base_url = self.optional(raw.base_url, Self::base_url);
        if folder == Some(None) && base_url.as_ref().is_some_and(Option::is_some) {
            self.needed::<()>("publish.site", None);
        }
        if base_url == Some(None) && folder.as_ref().is_some_and(Option::is_some) {
            self.needed::<()>("publish.base_url", None);
        }
        let mut lists: Option<Vec<PublishList>> = Some(Vec::new());
        for (position, raw) in raw.list.unwrap_or_default().into_iter().enumerate() {
            let path = format!("publish.list[{position}]");
            match self.publish_list(&path, raw) {
                Some(list) if lists.iter().flatten().any(|other| other.name == list.name) => {
                    self.findings.mistake(
                        &format!("{path}.name"),
                        "belongs to another list already; give each a name of its own",
                    );
                }
                Some(list) => lists.iter_mut().for_each(|known| known.push(list.clone())),
                None => lists = None,
            }
        }
        let site = folder?.zip(base_url?).map(|(folder, base_url)| PublishSite { folder, base_url });
        Some(Publish { site, lists: lists? })
    }

    fn publish_list(&mut self, path: &str, raw: raw::PublishList) -> Option<PublishList> {
        let name = self.short_name(&format!("{path}.name"), raw.name);
        let address = self.address(&format!("{path}.address"), raw.address);
        let prefix = match raw.prefix {
            Some(text) if !text.is_empty() => self.shown(&format!("{path}.prefix"), Some(text)),
            Some(_) | None => Some(String::new()),
        };
        Some(PublishList { name: name?, address: address?, prefix: prefix? })
    }

    fn base_url(&mut self, text: String) -> Option<String> {
        let objection = "must be a web address such as \"https://security.example.org/advisories\", without a slash, query or fragment at the end";
        self.parsed("publish.base_url", Some(text), objection, |text| {
            let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
            let plain = |c: char| c.is_ascii_graphic() && !"\"'<>\\^`{|}?#@".contains(c);
            let host = rest.split('/').next().unwrap_or_default();
            (!host.is_empty() && !rest.ends_with('/') && rest.chars().all(plain)).then(|| text.to_owned())
        })
    }

    fn host(&mut self, path: &str, value: Option<String>) -> Option<String> {
        self.parsed(path, value, "must be a host name or an IP address, without port and without brackets", |text| {
            let label =
                |label: &str| !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
            let named = text.len() <= 253 && text.trim_end_matches('.').split('.').all(label);
            (named || text.parse::<std::net::IpAddr>().is_ok()).then(|| text.to_owned())
        })
    }

    /// Passwords and mail go unprotected to this machine alone.
    fn security(&mut self, section: &str, value: Option<String>, host: Option<&str>) -> Option<Security> {
        let path = format!("{section}.security");
        let security = self.word(&path, value, Security::parse)?;
        if security == Security::Plain && host.is_some_and(|host| !is_this_machine(host)) {
            self.findings
                .mistake(&path, "\"plain\" is for this machine alone; choose \"tls\" or \"starttls\" for another host");
        }
        Some(security)
    }
}

/// Whether the host is a loopback address or the reserved name for it (RFC 6761 section 6.3).
fn is_this_machine(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    host == "localhost"
        || host.ends_with(".localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}
