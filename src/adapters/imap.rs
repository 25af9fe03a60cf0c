//! The inbox over IMAP (RFC 9051, RFC 3501): INBOX is the queue, the archive folder is where stored mail goes.
//!
//! Owns one thread, which does all the waiting. Never changes a mail on the server before it was told that
//! the mail is stored, and never trusts a high-water mark: what lies in INBOX is fetched. A failure ends the
//! connection, is reported as [`InboxEvent::Lost`] and followed by another try: after a second at first and five
//! minutes at most; where the server asks us to wait, after 15 seconds at first and half an hour at most, or as long
//! as it says.

mod answer;
mod folders;
mod ledger;
pub mod probe;
mod session;
mod stream;
mod worker;

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

use self::stream::Signals;
use self::worker::{Command, Worker};
use super::tls::{self, TlsTrust};
use crate::domain::time::Timestamp;
use crate::ports::{ErrorClass, Inbox, InboxEvent, PortError, RemoteUid, Wake};
use crate::settings::checked::{FolderChoice, LoginSecret};

/// Default limit of one mail: 35 MiB. A longer one is fetched by its header only.
pub const MESSAGE_LIMIT_BYTES: u64 = 35 * 1024 * 1024;
/// How long dropping the inbox waits for its thread before it is left to end by itself.
const STOP_WAIT: Duration = Duration::from_secs(1);

const PLAIN_REFUSED: &str =
    "clear text is spoken only to this machine itself; set `security` to \"tls\" or \"starttls\"";

/// How the connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// TLS from the first byte (RFC 8314), usually port 993.
    Tls,
    /// STARTTLS before anything else, usually port 143.
    StartTls,
    /// Clear text; only to a loopback address.
    Plain,
}

/// Name of the archive folder that is made where the server has none of its own.
pub const ARCHIVE: &str = "postern";

/// How a password is shown to the server. A token has mechanisms of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthMechanism {
    /// The LOGIN command.
    Login,
    /// `AUTHENTICATE PLAIN` (RFC 4616).
    Plain,
}

/// What becomes of a stored mail on the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settle {
    /// It moves to the archive folder.
    Move,
    /// It stays and gets a keyword, for an inbox that people read too.
    Keep,
}

/// How long the server may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For the TCP connection to each of its addresses.
    pub connect: Duration,
    /// For the next byte of a response.
    pub silence: Duration,
    /// For a whole response, however slowly it drips.
    pub response: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(15), silence: Duration::from_secs(60), response: Duration::from_secs(900) }
    }
}

/// The folder of what people send by hand.
#[derive(Debug, Clone)]
pub struct SentFolder {
    /// Which it is.
    pub folder: FolderChoice,
    /// Mail that came into it before this is left alone.
    pub since: Timestamp,
}

/// One IMAP account.
#[derive(Debug, Clone)]
pub struct ImapConfig {
    /// DNS name or address; the certificate must bear it.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Protection of the connection.
    pub security: Security,
    /// Which certificates are trusted.
    pub trust: TlsTrust,
    /// Login name.
    pub user: String,
    /// Password or token, or what prints them; never logged.
    pub secret: LoginSecret,
    /// How to log in with a password.
    pub auth: AuthMechanism,
    /// The queue of new mail, usually `INBOX`.
    pub mailbox: String,
    /// A second folder, whose mail is fetched and stays where it is.
    pub junk: Option<FolderChoice>,
    /// A third folder, of what people send by hand, whose mail is fetched and stays where it is.
    pub sent: Option<SentFolder>,
    /// Where stored mail goes; created if it is missing.
    pub archive: FolderChoice,
    /// What becomes of stored mail.
    pub settle: Settle,
    /// How often the folders are looked at, beside the server's push.
    pub poll_every: Duration,
    /// Longest mail that is fetched whole, in bytes.
    pub message_limit_bytes: u64,
    /// Deadlines.
    pub timeouts: Timeouts,
}

/// The inbox; see the module.
pub struct ImapInbox {
    events: Receiver<InboxEvent>,
    commands: Sender<Command>,
    signals: Arc<Signals>,
    /// Batches that were sent and not yet taken by `poll`.
    unpolled: Arc<AtomicUsize>,
    finished: Receiver<()>,
}

impl ImapInbox {
    /// Checks the settings and starts the thread. Failures of the network come later, as events.
    ///
    /// # Errors
    /// The settings cannot work: a CA file without certificates, clear text to another machine, a folder name
    /// that is used twice or holds a wildcard or a control character.
    pub fn start(mut config: ImapConfig, wake: Wake) -> Result<Self, PortError> {
        check(&config)?;
        config.mailbox = folders::encoded(&config.mailbox);
        let tls = tls::client_config(&config.trust);
        let tls = match config.security {
            Security::Tls | Security::StartTls => Some(tls?),
            Security::Plain => None,
        };
        let (event_sender, events) = mpsc::channel();
        let (commands, command_receiver) = mpsc::channel();
        let (finish, finished) = mpsc::channel();
        let signals = Arc::new(Signals::default());
        let unpolled = Arc::new(AtomicUsize::new(0));
        let worker =
            Worker::new(config, tls, Arc::clone(&signals), command_receiver, event_sender, Arc::clone(&unpolled), wake);
        let body = move || {
            // Dropped when the thread ends, in whatever way.
            let _finish = finish;
            worker.run();
        };
        std::thread::Builder::new().name("imap".to_owned()).spawn(body).map_err(|error| PortError {
            class: ErrorClass::Temporary,
            message: format!("no thread for the inbox ({}); raise the limit of tasks", error.kind()),
        })?;
        Ok(Self { events, commands, signals, unpolled, finished })
    }

    fn tell(&self, command: Command) {
        // A thread that has ended reported why; there is nobody else to tell.
        let _ = self.commands.send(command);
        self.signals.wake.store(true, Ordering::SeqCst);
    }
}

impl Inbox for ImapInbox {
    fn poll(&mut self) -> Option<InboxEvent> {
        let event = self.events.try_recv().ok()?;
        if matches!(event, InboxEvent::Batch(_)) {
            self.unpolled.fetch_sub(1, Ordering::SeqCst);
        }
        Some(event)
    }

    fn settle(&mut self, stored: Vec<RemoteUid>) {
        self.tell(Command::Settle(stored));
    }

    fn nudge(&mut self) {
        self.tell(Command::Nudge);
    }
}

impl Drop for ImapInbox {
    fn drop(&mut self) {
        self.signals.stop.store(true, Ordering::SeqCst);
        self.tell(Command::Stop);
        // Either way the thread ends by itself: at the latest when the name resolver or `connect` returns.
        let _ = self.finished.recv_timeout(STOP_WAIT);
    }
}

fn check(config: &ImapConfig) -> Result<(), PortError> {
    let wrong = |message: &str| Err(PortError { class: ErrorClass::Configuration, message: message.to_owned() });
    let sent = config.sent.as_ref().map(|sent| &sent.folder);
    let named = [Some(&config.archive), config.junk.as_ref(), sent].into_iter().flatten().filter_map(wire_name);
    let folders: Vec<String> = std::iter::once(folders::encoded(&config.mailbox)).chain(named).collect();
    for (position, name) in folders.iter().enumerate() {
        if name.is_empty() || !name.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
            return wrong(
                "a folder name is empty or holds a control character; write it as your mail program shows it",
            );
        }
        if name.contains(['*', '%']) {
            return wrong("a folder name holds a wildcard (`*` or `%`); name one folder");
        }
        if folders.iter().skip(position + 1).any(|other| other.eq_ignore_ascii_case(name)) {
            return wrong("`mailbox`, `archive`, `junk` and `sent` must be different folders");
        }
    }
    let literal = config.host.parse::<IpAddr>().ok();
    let local = config.host.eq_ignore_ascii_case("localhost") || literal.is_some_and(session::is_loopback);
    if config.security == Security::Plain && !local {
        return wrong(PLAIN_REFUSED);
    }
    Ok(())
}

/// The name as it is written on the wire, where one is given.
fn wire_name(choice: &FolderChoice) -> Option<String> {
    match choice {
        FolderChoice::Auto => None,
        FolderChoice::Named(name) => Some(folders::encoded(name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::checked::SecretCommand;

    fn config() -> ImapConfig {
        ImapConfig {
            host: "127.0.0.1".to_owned(),
            port: 1,
            security: Security::Plain,
            trust: TlsTrust::default(),
            user: "security".to_owned(),
            secret: LoginSecret::TokenCommand(SecretCommand {
                setting: String::new(),
                words: Vec::new(),
                environment: Vec::new(),
            }),
            auth: AuthMechanism::Login,
            mailbox: "INBOX".to_owned(),
            junk: Some(FolderChoice::Named("Junk".to_owned())),
            sent: None,
            archive: FolderChoice::Named("Archive".to_owned()),
            settle: Settle::Move,
            poll_every: Duration::from_secs(60),
            message_limit_bytes: MESSAGE_LIMIT_BYTES,
            timeouts: Timeouts::default(),
        }
    }

    fn refused(change: impl FnOnce(&mut ImapConfig)) -> bool {
        let mut config = config();
        change(&mut config);
        check(&config).is_err_and(|error| error.class == ErrorClass::Configuration)
    }

    #[test]
    fn clear_text_is_spoken_only_to_this_machine() {
        assert!(!refused(|_| {}));
        assert!(!refused(|config| config.host = "::1".to_owned()));
        assert!(!refused(|config| config.host = "localhost".to_owned()));
        assert!(refused(|config| config.host = "192.0.2.1".to_owned()));
        assert!(refused(|config| config.host = "localhost.example.org".to_owned()));
    }

    #[test]
    fn folder_names_that_could_mean_two_things_are_refused() {
        let named = |name: &str| FolderChoice::Named(name.to_owned());
        for name in ["inbox", "Junk", "Arch*", "a\r\nb", ""] {
            assert!(refused(|config| config.archive = named(name)), "{name:?}");
            let sent = || SentFolder { folder: named(name), since: Timestamp(0) };
            assert!(refused(|config| config.sent = Some(sent())), "{name:?}");
        }
        assert!(refused(|config| config.junk = Some(named("Archive"))));
        assert!(!refused(|config| config.archive = named("Éléments")), "it is written in modified UTF-7");
        assert!(!refused(|config| config.archive = FolderChoice::Auto));
    }
}
