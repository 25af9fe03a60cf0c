//! The words that a setting may be chosen from, each list once.
//!
//! Never does IO. A word that is not in the list is `None`; the reader has reported it by then.

macro_rules! choices {
    ($(#[$doc:meta])* $name:ident { $($(#[$about:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$about])* $variant),+
        }

        impl $name {
            /// Every word, as written in the file.
            pub const WORDS: &'static [&'static str] = &[$($word),+];

            /// The value for a word of the file.
            #[must_use]
            pub fn parse(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$variant),)+
                    _ => None,
                }
            }

            /// The word of the file.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word),+
                }
            }
        }
    };
}

choices! {
    /// Where mail is fetched from.
    InboxKind {
        /// An IMAP server (RFC 9051 or RFC 3501).
        Imap = "imap",
        /// A Maildir on this machine.
        Maildir = "maildir",
    }
}

choices! {
    /// Where mail is handed over.
    RelayKind {
        /// A mail server (RFC 5321, or RFC 6409 on port 587 and 465).
        Smtp = "smtp",
        /// A folder on this machine, one file for each mail.
        Folder = "folder",
    }
}

choices! {
    /// How a connection is protected.
    Security {
        /// TLS from the first byte (RFC 8314).
        Tls = "tls",
        /// TLS after a command on the plain connection; a server that does not offer it is refused.
        Starttls = "starttls",
        /// No protection: this machine only.
        Plain = "plain",
    }
}

choices! {
    /// How we tell the IMAP server who we are.
    ImapAuth {
        /// The LOGIN command.
        Login = "login",
        /// AUTHENTICATE PLAIN (RFC 4616).
        Plain = "plain",
    }
}

choices! {
    /// What happens to a mail on the server once it is stored here.
    Settle {
        /// It is moved to the archive mailbox.
        Move = "move",
        /// It stays and gets a keyword: for an inbox that people read too.
        Keep = "keep",
    }
}

choices! {
    /// What a team member is to the team.
    MemberRole {
        /// Works on cases.
        Member = "member",
        /// Leads the team, and is asked when nobody else answers.
        Lead = "lead",
        /// Stands in for the lead.
        Deputy = "deputy",
        /// Sorts new reports before the rest of the team sees them.
        Triage = "triage",
    }
}

choices! {
    /// People who may be written to in clear text when they have no key.
    Audience {
        /// Members of the team.
        Team = "team",
        /// Who reported, where he began in clear himself.
        Reporter = "reporter",
        /// Maintainers who are asked for a fix.
        Maintainer = "maintainer",
        /// Everybody who is told before the public.
        Stakeholder = "stakeholder",
    }
}

choices! {
    /// The return path (envelope sender) of what we send.
    BounceAddress {
        /// A keyed address for each mail, so that a bounce names the mail it belongs to.
        Verp = "verp",
        /// The null return path `<>` (RFC 5321 section 4.5.5): no bounces at all.
        Null = "null",
        /// The instance's address as it is, for hosts that refuse any other sender.
        Plain = "plain",
    }
}

choices! {
    /// Whether the relay leaves our Message-ID as it is.
    MessageIdFate {
        /// It does.
        Kept = "kept",
        /// It writes one of its own, so that ours must stand in another field too.
        Rewritten = "rewritten",
    }
}

choices! {
    /// Where reports come from that no reporter wrote to us directly.
    IntakeKind {
        /// The security address is itself a mailing list, known by its List-Id (RFC 2919).
        List = "list",
        /// A web form that writes mails.
        Form = "form",
        /// An issue tracker's notifications.
        Tracker = "tracker",
    }
}

choices! {
    /// The form of a log line.
    LogFormat {
        /// For people.
        Text = "text",
        /// One JSON object a line.
        Json = "json",
    }
}

choices! {
    /// The least important line that is still written.
    LogLevel {
        /// Something that needs a person.
        Error = "error",
        /// Something that may.
        Warn = "warn",
        /// Each step of each mail.
        Info = "info",
        /// Decisions inside a step.
        Debug = "debug",
        /// Everything.
        Trace = "trace",
    }
}
