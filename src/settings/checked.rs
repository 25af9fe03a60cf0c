//! The settings as used: types that cannot be wrong.
//!
//! Made by [`Settings::load`] alone, from a file without a mistake. Never holds the types of an
//! adapter. Printing it for debugging shows no secret.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::domain::id::{Address, Fingerprint};
use crate::domain::token::InstanceKey;

pub use super::choice::{Audience, BounceAddress, ImapAuth, LogFormat, LogLevel, MemberRole, Security, Settle};
use super::mistake::Mistakes;
pub use super::secret::{LoginSecret, SecretBytes, SecretCommand, SecretText};

/// Everything one instance is told. The field comments say what is certain; `schema` says what each key means.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Who this instance is.
    pub instance: Instance,
    /// The database.
    pub store: Store,
    /// Where mail is fetched from.
    pub inbox: Inbox,
    /// Where mail is handed over; at least one.
    pub relays: Vec<Relay>,
    /// OpenPGP keys and certificates.
    pub keys: Keys,
    /// The team; at least one, no address twice.
    pub members: Vec<Member>,
    /// Who may be written to in clear text.
    pub privacy: Privacy,
    /// What the team must prove when it gives commands.
    pub commands: Commands,
    /// What the mail host lets through.
    pub addressing: Addressing,
    /// How we know that a sender is who he says.
    pub authentication: Authentication,
    /// The policy file, which exists; `None` is the built-in policy.
    pub policy: Option<PathBuf>,
    /// Folder of templates, which exists; `None` is the built-in templates.
    pub templates: Option<PathBuf>,
    /// Where advisories are published.
    pub publish: Publish,
    /// Sources of reports that stand between the reporter and us.
    pub intake: Vec<Intake>,
    /// How much is too much.
    pub limits: Limits,
    /// The log.
    pub log: Log,
    /// The running daemon.
    pub daemon: Daemon,
}

impl Settings {
    /// Reads the file, laid over by the variables `POSTERN__SECTION__KEY` of `environment`, and every secret it names.
    ///
    /// `environment` is also where `CREDENTIALS_DIRECTORY` is looked up.
    ///
    /// # Errors
    /// Every mistake that was found, in the order of the file.
    pub fn load(path: &Path, environment: impl IntoIterator<Item = (String, String)>) -> Result<Self, Mistakes> {
        super::check::load(path, environment)
    }

    /// The member with this mailbox, if there is one.
    #[must_use]
    pub fn member(&self, address: &Address) -> Option<&Member> {
        self.members.iter().find(|member| member.address.same_mailbox(address))
    }
}

/// Who this instance is.
#[derive(Debug, Clone)]
pub struct Instance {
    /// 1 to 32 lower-case letters, digits and hyphens.
    pub name: String,
    /// The project's name as people read it: 1 to 100 characters, no control characters.
    pub project: String,
    /// The address that reports are sent to.
    pub address: Address,
    /// 2 to 10 capital letters.
    pub case_prefix: String,
    /// A language tag (RFC 5646); only `en` for now.
    pub language: String,
    /// The daemon's folder, which exists.
    pub state_dir: PathBuf,
    /// Makes every token.
    pub key: InstanceKey,
}

/// The database.
#[derive(Debug, Clone)]
pub struct Store {
    /// The database file, which need not exist yet.
    pub path: PathBuf,
    /// At least 32 bytes, exactly as the file holds them.
    pub key: SecretBytes,
}

/// Where mail is fetched from.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "there is one in a process")]
pub enum Inbox {
    /// An IMAP server.
    Imap(ImapInbox),
    /// A Maildir on this machine.
    Maildir {
        /// The Maildir, a folder that exists.
        path: PathBuf,
        /// Maildir that stored mail is moved to; need not exist yet.
        archive: PathBuf,
    },
}

/// An IMAP server and its mailboxes.
#[derive(Debug, Clone)]
pub struct ImapInbox {
    /// Host name or IP address; for [`Security::Plain`] this machine.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// How the connection is protected.
    pub security: Security,
    /// Name to log in with.
    pub user: String,
    /// What to log in with.
    pub secret: LoginSecret,
    /// How a password is shown; a token has its own way.
    pub auth: ImapAuth,
    /// PEM file of the authorities to trust instead of the system's; exists.
    pub ca_file: Option<PathBuf>,
    /// Mailbox that new mail arrives in.
    pub mailbox: String,
    /// Mailbox that stored mail is moved to; another one than `mailbox`.
    pub archive: FolderChoice,
    /// Mailbox of spam; another one than the two above.
    pub junk: Option<FolderChoice>,
    /// Mailbox of what people send by hand; another one than the three above.
    pub sent: Option<FolderChoice>,
    /// What happens to stored mail.
    pub settle: Settle,
    /// Seconds between looks where the server does not push; 5 to 1740.
    pub poll_seconds: u64,
}

/// Which mailbox is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FolderChoice {
    /// The one that the server marks as such (RFC 6154), else one of a usual name.
    Auto,
    /// This one.
    Named(String),
}

/// Where mail is handed over.
#[derive(Debug, Clone)]
pub enum Relay {
    /// A mail server.
    Smtp(SmtpRelay),
    /// A folder that gets one file for each mail.
    Folder {
        /// The folder, which exists.
        path: PathBuf,
    },
}

/// A mail server.
#[derive(Debug, Clone)]
pub struct SmtpRelay {
    /// Host name or IP address; for [`Security::Plain`] this machine.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// How the connection is protected.
    pub security: Security,
    /// Name and password, if the server asks for them.
    pub login: Option<SmtpLogin>,
    /// PEM file of the authorities to trust instead of the system's; exists.
    pub ca_file: Option<PathBuf>,
    /// Connections at the same time; 1 to 50.
    pub connections: u32,
    /// Mails in any 24 hours; `None` for no limit.
    pub daily_budget: Option<u32>,
}

/// Name and password or token for a mail server.
#[derive(Debug, Clone)]
pub struct SmtpLogin {
    /// The name.
    pub user: String,
    /// What to log in with.
    pub secret: LoginSecret,
}

/// OpenPGP keys and certificates. The bytes were read and not looked into.
#[derive(Debug, Clone)]
pub struct Keys {
    /// Secret keys, armoured or not; at least one, and the first one signs.
    pub secret: Vec<SecretBytes>,
    /// Passphrase of those keys.
    pub passphrase: Option<SecretText>,
    /// Folder with certificates, which exists.
    pub certificates: Option<PathBuf>,
    /// The only certificate that is used for an address. No mailbox stands here twice.
    pub pins: BTreeMap<Address, Fingerprint>,
}

/// A member of the team.
#[derive(Debug, Clone)]
pub struct Member {
    /// 1 to 100 characters, no control characters.
    pub name: String,
    /// The member's own address, never the instance's.
    pub address: Address,
    /// What the member is to the team.
    pub role: MemberRole,
    /// The member's certificate; `None` only where the team may be written to in clear text.
    pub fingerprint: Option<Fingerprint>,
}

/// Who may be written to in clear text when they have no key.
#[derive(Debug, Clone)]
pub struct Privacy {
    /// Everybody else gets a notice without content.
    pub clear: BTreeSet<Audience>,
}

/// What the team must prove when it gives commands by mail.
#[derive(Debug, Clone, Copy)]
pub struct Commands {
    /// Every command needs an OpenPGP signature, not only the strong ones.
    pub require_signature: bool,
    /// Every strong command needs a second member's confirmation.
    pub second_member: bool,
}

/// What the mail host lets through.
#[derive(Debug, Clone, Copy)]
pub struct Addressing {
    /// The host delivers `local+detail` to `local`.
    pub plus: bool,
    /// The return path of what we send; never [`BounceAddress::Verp`] without `plus`.
    pub bounce_address: BounceAddress,
    /// The relay writes a Message-ID of its own.
    pub message_id_rewritten: bool,
}

/// How we know that a sender is who he says.
#[derive(Debug, Clone)]
pub struct Authentication {
    /// The authserv-ids whose topmost Authentication-Results header is believed (RFC 8601), in lower case.
    pub authserv_ids: Vec<String>,
    /// Verify DKIM ourselves where the host says nothing, which asks the DNS. It never tells that DMARC fails.
    pub verify_dkim: bool,
}

/// Where advisories are published.
#[derive(Debug, Clone)]
pub struct Publish {
    /// The web site's folder and address.
    pub site: Option<PublishSite>,
    /// Mailing lists elsewhere; no name twice.
    pub lists: Vec<PublishList>,
}

/// The web site that advisories are written to.
#[derive(Debug, Clone)]
pub struct PublishSite {
    /// The folder, which exists.
    pub folder: PathBuf,
    /// Its address on the web: http or https, no slash at the end.
    pub base_url: String,
}

/// A mailing list elsewhere.
#[derive(Debug, Clone)]
pub struct PublishList {
    /// 1 to 32 lower-case letters, digits and hyphens.
    pub name: String,
    /// The list's address.
    pub address: Address,
    /// Words put before the subject; may be empty.
    pub prefix: String,
}

/// A source of reports that stands between the reporter and us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Intake {
    /// The security address is itself a mailing list.
    List {
        /// Its List-Id without angle brackets, in lower case (RFC 2919).
        list_id: String,
    },
    /// A web form.
    Form {
        /// The sender of its mails.
        address: Address,
    },
    /// An issue tracker.
    Tracker {
        /// The sender of its notifications.
        address: Address,
    },
}

/// How much is too much.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Largest mail that is read whole, in bytes.
    pub message_bytes: u64,
    /// Acknowledgements to one address in 24 hours.
    pub acks_per_address_per_day: u32,
    /// Acknowledgements to everybody in an hour.
    pub acks_per_hour: u32,
    /// Tries with a mail before it is put aside; at least 1.
    pub attempts: u32,
}

/// The log.
#[derive(Debug, Clone, Copy)]
pub struct Log {
    /// The form of a line.
    pub format: LogFormat,
    /// The least important line that is written.
    pub level: LogLevel,
}

/// The running daemon.
#[derive(Debug, Clone)]
pub struct Daemon {
    /// Unix socket for the subcommands that write.
    pub socket: PathBuf,
    /// Free space below which no mail is fetched, in bytes.
    pub free_bytes_min: u64,
}
