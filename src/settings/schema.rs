//! The list of every section and key: what may stand in the file, its default, and what it means.
//!
//! The reader refuses what is not listed here, and fills in the defaults from here; the reference
//! page is made from it. Never does IO; constants only.

use super::choice::{
    Audience, BounceAddress, ImapAuth, InboxKind, IntakeKind, LogFormat, LogLevel, MemberRole, MessageIdFate,
    RelayKind, Security, Settle,
};

/// A table of the file.
pub struct Section {
    /// `inbox`, `publish.list`; empty for the file's top, which holds sections alone.
    pub path: &'static str,
    /// Whether it is a list of tables, `[[relay]]`.
    pub list: bool,
    /// What it is about, as a sentence.
    pub about: &'static str,
    /// Its keys, in the order of the reference page.
    pub keys: &'static [Key],
}

/// A key of a section.
pub struct Key {
    /// Its name in the file.
    pub name: &'static str,
    /// What may stand behind it.
    pub kind: Kind,
    /// What holds when it is not there.
    pub default: Default,
    /// The values of the section's `kind` it belongs to; empty: always.
    pub only: &'static [&'static str],
    /// What it means: a fragment in lower case.
    pub meaning: &'static str,
}

/// What may stand behind a key.
#[derive(Clone, Copy)]
pub enum Kind {
    /// Text.
    Text,
    /// The path of a file or folder; a relative one starts at the folder of the settings file.
    Path,
    /// A reference to a file that holds a secret.
    Secret,
    /// A list of such references.
    Secrets,
    /// A program that prints a secret, and its arguments.
    Command,
    /// A whole number within bounds, both included.
    Number {
        /// The smallest.
        least: i64,
        /// The largest.
        most: i64,
    },
    /// `true` or `false`.
    Switch,
    /// A list of texts.
    Texts,
    /// One word of a list.
    Choice(&'static [&'static str]),
    /// Any number of words of a list.
    Choices(&'static [&'static str]),
    /// A table of texts with keys of the writer's own.
    Pairs,
}

/// What holds when a key is not there.
#[derive(Clone, Copy)]
pub enum Default {
    /// It must be there.
    Required,
    /// Nothing.
    Unset,
    /// This text.
    Text(&'static str),
    /// This number.
    Number(i64),
    /// This switch.
    Switch(bool),
    /// This list.
    Texts(&'static [&'static str]),
    /// Something that follows from other keys, in words.
    Follows(&'static str),
}

impl Kind {
    /// Whether the key names secrets: never overridden from the environment, never shown.
    #[must_use]
    pub fn is_secret(self) -> bool {
        matches!(self, Self::Secret | Self::Secrets | Self::Command)
    }
}

/// Every section, in the order of the reference page.
#[must_use]
pub fn schema() -> &'static [Section] {
    SECTIONS
}

/// The section of this path, if there is one.
#[must_use]
pub fn section(path: &str) -> Option<&'static Section> {
    SECTIONS.iter().find(|section| section.path == path)
}

impl Section {
    /// The key of this name, if the section has it.
    #[must_use]
    pub fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }

    /// The names of the sections that stand directly in this one.
    pub fn subsections(&self) -> impl Iterator<Item = &'static str> {
        let parent = self.path;
        SECTIONS.iter().filter(move |section| section.path != parent).filter_map(move |section| {
            let name =
                if parent.is_empty() { section.path } else { section.path.strip_prefix(parent)?.strip_prefix('.')? };
            (!name.contains('.')).then_some(name)
        })
    }
}

/// The largest file or message size that a setting may name, in bytes.
const BYTES_MOST: i64 = 1 << 40;

const fn key(name: &'static str, kind: Kind, default: Default, meaning: &'static str) -> Key {
    Key { name, kind, default, only: &[], meaning }
}

const fn only(
    only: &'static [&'static str],
    name: &'static str,
    kind: Kind,
    default: Default,
    meaning: &'static str,
) -> Key {
    Key { name, kind, default, only, meaning }
}

const fn security(kind: &'static [&'static str]) -> Key {
    let meaning = "TLS at once, TLS by STARTTLS, or none; none only to this machine itself";
    only(kind, "security", Kind::Choice(Security::WORDS), Default::Text("tls"), meaning)
}

const fn password_command(kind: &'static [&'static str]) -> Key {
    let meaning = "program that prints the password, with its arguments, instead of `password`; run without a shell";
    only(kind, "password_command", Kind::Command, Default::Unset, meaning)
}

const fn token_command(kind: &'static [&'static str]) -> Key {
    let meaning = "program that prints an OAuth 2 access token, instead of a password; run at each connection";
    only(kind, "token_command", Kind::Command, Default::Unset, meaning)
}

const fn ca_file(kind: &'static [&'static str]) -> Key {
    only(kind, "ca_file", Kind::Path, Default::Unset, "PEM file of the authorities to trust instead of the system's")
}

const IMAP: &[&str] = &["imap"];
const MAILDIR: &[&str] = &["maildir"];
const SMTP: &[&str] = &["smtp"];
const FOLDER: &[&str] = &["folder"];

const TOP: Section = Section { path: "", list: false, about: "The file.", keys: &[] };

const INSTANCE: Section = Section {
    path: "instance",
    list: false,
    about: "Who this instance is.",
    keys: &[
        key(
            "name",
            Kind::Text,
            Default::Required,
            "short name, lower-case letters, digits and hyphens; tokens and commands are bound to it, so never change it",
        ),
        key("project", Kind::Text, Default::Required, "the project's name as people read it"),
        key(
            "address",
            Kind::Text,
            Default::Required,
            "the address that reports are sent to; with `addressing.plus` at most 24 bytes before its `@`",
        ),
        key("case_prefix", Kind::Text, Default::Required, "2 to 10 capital letters before a case's number"),
        key("language", Kind::Text, Default::Text("en"), "language of the mails; only `en` for now"),
        key("state_dir", Kind::Path, Default::Required, "folder that belongs to the daemon; must exist"),
        key("key", Kind::Secret, Default::Required, "file with at least 32 random bytes; every token is made with it"),
    ],
};

const STORE: Section = Section {
    path: "store",
    list: false,
    about: "The database.",
    keys: &[
        key("path", Kind::Path, Default::Follows("`postern.db` in `instance.state_dir`"), "the database file"),
        key(
            "key",
            Kind::Secret,
            Default::Required,
            "file with at least 32 random bytes; the database is encrypted with it",
        ),
    ],
};

const INBOX: Section = Section {
    path: "inbox",
    list: false,
    about: "Where mail is fetched from.",
    keys: &[
        key("kind", Kind::Choice(InboxKind::WORDS), Default::Required, "an IMAP server or a Maildir on this machine"),
        only(IMAP, "host", Kind::Text, Default::Required, "host name of the IMAP server"),
        only(
            IMAP,
            "port",
            Kind::Number { least: 1, most: 65535 },
            Default::Follows("993 with `tls`, else 143"),
            "port of the IMAP server",
        ),
        security(IMAP),
        only(IMAP, "user", Kind::Text, Default::Required, "name to log in with"),
        only(IMAP, "password", Kind::Secret, Default::Unset, "file that holds the password"),
        password_command(IMAP),
        token_command(IMAP),
        only(
            IMAP,
            "auth",
            Kind::Choice(ImapAuth::WORDS),
            Default::Text("login"),
            "the LOGIN command or AUTHENTICATE PLAIN",
        ),
        ca_file(IMAP),
        only(IMAP, "mailbox", Kind::Text, Default::Text("INBOX"), "mailbox that new mail arrives in"),
        only(MAILDIR, "path", Kind::Path, Default::Required, "the Maildir; must exist"),
        key(
            "archive",
            Kind::Text,
            Default::Follows("`postern`; for a Maildir `.postern` inside `inbox.path`"),
            "where stored mail is moved to: a mailbox, `auto` for the host's own archive, or for a Maildir a folder",
        ),
        only(
            IMAP,
            "junk",
            Kind::Text,
            Default::Text("auto"),
            "mailbox where the host puts spam, `auto` to find it, `none`; its mail is listed, never answered",
        ),
        only(
            IMAP,
            "settle",
            Kind::Choice(Settle::WORDS),
            Default::Text("move"),
            "move stored mail to the archive, or keep it in place with a keyword",
        ),
        only(
            IMAP,
            "sent",
            Kind::Text,
            Default::Follows("`auto` with `settle = \"keep\"`, else `none`"),
            "mailbox of mail that people send by hand from this address, `auto` to find it, `none`; read from the first \
             start on, never answered",
        ),
        only(
            IMAP,
            "poll_seconds",
            Kind::Number { least: 5, most: 1740 },
            Default::Number(60),
            "seconds between looks where the server does not push",
        ),
    ],
};

const RELAY: Section = Section {
    path: "relay",
    list: true,
    about: "Where mail is handed over; at least one. Due mail is shared among all of them.",
    keys: &[
        key("kind", Kind::Choice(RelayKind::WORDS), Default::Required, "a mail server or a folder on this machine"),
        only(SMTP, "host", Kind::Text, Default::Required, "host name of the mail server"),
        only(
            SMTP,
            "port",
            Kind::Number { least: 1, most: 65535 },
            Default::Follows("465 with `tls`, 587 with `starttls`, 25 with `plain`"),
            "port of the mail server",
        ),
        security(SMTP),
        only(SMTP, "user", Kind::Text, Default::Unset, "name to log in with, if the server asks for one"),
        only(SMTP, "password", Kind::Secret, Default::Unset, "file that holds the password; goes with `user`"),
        password_command(SMTP),
        token_command(SMTP),
        ca_file(SMTP),
        only(
            SMTP,
            "connections",
            Kind::Number { least: 1, most: 50 },
            Default::Number(4),
            "connections at the same time",
        ),
        only(
            SMTP,
            "daily_budget",
            Kind::Number { least: 0, most: 1_000_000 },
            Default::Number(0),
            "mails in any 24 hours that the host takes; 0 for no limit. Another relay takes over, or the mails wait",
        ),
        only(FOLDER, "path", Kind::Path, Default::Required, "folder that gets one file for each mail; must exist"),
    ],
};

const KEYS: Section = Section {
    path: "keys",
    list: false,
    about: "OpenPGP keys and certificates.",
    keys: &[
        key("secret", Kind::Secrets, Default::Required, "files with the instance's secret keys; the first one signs"),
        key("passphrase", Kind::Secret, Default::Unset, "file with the passphrase of those keys"),
        key(
            "certificates",
            Kind::Path,
            Default::Unset,
            "folder with the certificates of members and known parties; must exist",
        ),
        key(
            "pins",
            Kind::Pairs,
            Default::Unset,
            "table from address to full fingerprint: the only certificate that is used for that address",
        ),
    ],
};

const MEMBER: Section = Section {
    path: "member",
    list: true,
    about: "A member of the team; at least one.",
    keys: &[
        key("name", Kind::Text, Default::Required, "the name that the team sees"),
        key("address", Kind::Text, Default::Required, "the member's own address"),
        key("role", Kind::Choice(MemberRole::WORDS), Default::Text("member"), "what the member is to the team"),
        key(
            "fingerprint",
            Kind::Text,
            Default::Unset,
            "full fingerprint of the member's OpenPGP certificate; may stand in `keys.pins` instead",
        ),
    ],
};

const PRIVACY: Section = Section {
    path: "privacy",
    list: false,
    about: "Who may be written to in clear text.",
    keys: &[key(
        "clear",
        Kind::Choices(Audience::WORDS),
        Default::Texts(&["reporter"]),
        "people who get clear text when they have no key; everybody else gets a notice without content",
    )],
};

const COMMANDS: Section = Section {
    path: "commands",
    list: false,
    about: "What the team must prove when it gives commands by mail.",
    keys: &[
        key(
            "require_signature",
            Kind::Switch,
            Default::Switch(false),
            "ask for an OpenPGP signature under every command that changes a case, not only the strong ones",
        ),
        key(
            "second_member",
            Kind::Switch,
            Default::Switch(false),
            "ask for a second member's confirmation of every strong command",
        ),
    ],
};

const ADDRESSING: Section = Section {
    path: "addressing",
    list: false,
    about: "What the mail host lets through.",
    keys: &[
        key("plus", Kind::Switch, Default::Switch(true), "the host delivers `security+anything@…` to the inbox"),
        key(
            "bounce_address",
            Kind::Choice(BounceAddress::WORDS),
            Default::Text("verp"),
            "return path: a keyed address for each mail, the null address, or the instance's own",
        ),
        key(
            "message_id",
            Kind::Choice(MessageIdFate::WORDS),
            Default::Text("kept"),
            "whether the relay leaves our Message-ID as it is; `rewritten` puts it into References too",
        ),
    ],
};

const AUTHENTICATION: Section = Section {
    path: "authentication",
    list: false,
    about: "How we know that a sender is who he says.",
    keys: &[
        key(
            "authserv_ids",
            Kind::Texts,
            Default::Texts(&[]),
            "authserv-ids (RFC 8601) that the mail host writes; the topmost such header is believed",
        ),
        key(
            "verify_dkim",
            Kind::Switch,
            Default::Switch(false),
            "verify DKIM ourselves where the host writes no results, which asks the DNS for keys of the sender's domain; \
             that DMARC fails cannot be told this way, only by the host",
        ),
    ],
};

const POLICY: Section = Section {
    path: "policy",
    list: false,
    about: "The project's disclosure policy.",
    keys: &[key(
        "file",
        Kind::Path,
        Default::Unset,
        "the policy, a TOML file of its own; without it the built-in policy holds",
    )],
};

const TEMPLATES: Section = Section {
    path: "templates",
    list: false,
    about: "The words of the mails.",
    keys: &[key(
        "folder",
        Kind::Path,
        Default::Unset,
        "folder with templates that replace the built-in ones; must exist",
    )],
};

const PUBLISH: Section = Section {
    path: "publish",
    list: false,
    about: "Where advisories are published.",
    keys: &[
        key("site", Kind::Path, Default::Unset, "folder that a web server serves; must exist"),
        key(
            "base_url",
            Kind::Text,
            Default::Unset,
            "address of that folder on the web, without a slash at the end; goes with `site`",
        ),
    ],
};

const PUBLISH_LIST: Section = Section {
    path: "publish.list",
    list: true,
    about: "A mailing list elsewhere that advisories are sent to.",
    keys: &[
        key(
            "name",
            Kind::Text,
            Default::Required,
            "short name that commands and policies use: lower-case letters, digits and hyphens",
        ),
        key("address", Kind::Text, Default::Required, "the list's address"),
        key("prefix", Kind::Text, Default::Text(""), "words put before the subject, as the list asks for"),
    ],
};

const INTAKE: Section = Section {
    path: "intake",
    list: true,
    about: "A source of reports that stands between the reporter and us.",
    keys: &[
        key(
            "kind",
            Kind::Choice(IntakeKind::WORDS),
            Default::Required,
            "a mailing list, a web form, or an issue tracker",
        ),
        only(&["list"], "list_id", Kind::Text, Default::Required, "the list's List-Id (RFC 2919)"),
        only(&["form", "tracker"], "address", Kind::Text, Default::Required, "the address that its mails come from"),
    ],
};

const LIMITS: Section = Section {
    path: "limits",
    list: false,
    about: "How much is too much.",
    keys: &[
        key(
            "message_bytes",
            Kind::Number { least: 65536, most: 104_857_600 },
            Default::Number(36_700_160),
            "largest mail that is read whole, in bytes; of a larger one only the header",
        ),
        key(
            "acks_per_address_per_day",
            Kind::Number { least: 0, most: 1000 },
            Default::Number(3),
            "acknowledgements to one address in 24 hours",
        ),
        key(
            "acks_per_hour",
            Kind::Number { least: 0, most: 100_000 },
            Default::Number(60),
            "acknowledgements to everybody in an hour",
        ),
        key(
            "attempts",
            Kind::Number { least: 1, most: 20 },
            Default::Number(3),
            "tries with a mail before it is put aside and the team told",
        ),
    ],
};

const LOG: Section = Section {
    path: "log",
    list: false,
    about: "The log, on standard error.",
    keys: &[
        key("format", Kind::Choice(LogFormat::WORDS), Default::Text("text"), "for people or for programs"),
        key("level", Kind::Choice(LogLevel::WORDS), Default::Text("info"), "the least important line that is written"),
    ],
};

const DAEMON: Section = Section {
    path: "daemon",
    list: false,
    about: "The running daemon.",
    keys: &[
        key(
            "socket",
            Kind::Path,
            Default::Follows("`postern.sock` in `instance.state_dir`"),
            "unix socket for the subcommands that write",
        ),
        key(
            "free_bytes_min",
            Kind::Number { least: 0, most: BYTES_MOST },
            Default::Number(536_870_912),
            "free space below which no mail is fetched, in bytes; it waits on the server",
        ),
    ],
};

const SECTIONS: &[Section] = &[
    TOP,
    INSTANCE,
    STORE,
    INBOX,
    RELAY,
    KEYS,
    MEMBER,
    PRIVACY,
    COMMANDS,
    ADDRESSING,
    AUTHENTICATION,
    POLICY,
    TEMPLATES,
    PUBLISH,
    PUBLISH_LIST,
    INTAKE,
    LIMITS,
    LOG,
    DAEMON,
];
