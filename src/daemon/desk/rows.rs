//! What the desk answers with, row by row. The names of the fields are what `--json` prints (docs/cli.md), and stay.
//!
//! A field without a value is `null`, never left out. Texts of strangers are as they were stored: whoever shows them
//! makes them harmless first.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::domain::time::Timestamp;

/// An instant, written as RFC 3339 in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct At(pub Timestamp);

/// A case, for a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseRow {
    /// Its number.
    pub id: i64,
    /// Its label.
    pub label: String,
    /// Report state.
    pub state: String,
    /// Severity.
    pub severity: Option<String>,
    /// Embargo state.
    pub embargo: String,
    /// End of the embargo.
    pub embargo_until: Option<At>,
    /// The way of the advisory.
    pub advisory: String,
    /// Name of the owner.
    pub owner: Option<String>,
    /// When it was opened.
    pub opened: At,
    /// When its next clock is due.
    pub next: Option<At>,
    /// What that clock does.
    pub next_action: Option<String>,
    /// When a member last answered a reporter by hand.
    pub answered: Option<At>,
    /// What became of the acknowledgement.
    pub acknowledgement: Option<String>,
    /// Its title.
    pub title: String,
}

/// One case, whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseSheet {
    /// As in a list.
    #[serde(flatten)]
    pub case: CaseRow,
    /// Why it was closed.
    pub close_reason: Option<String>,
    /// Reporters, maintainers and others.
    pub parties: Vec<PartyRow>,
    /// The running clocks.
    pub clocks: Vec<ClockRow>,
    /// Received mail, oldest first; of very many the newest.
    pub mails: Vec<MailRow>,
    /// Outgoing mail, oldest first; of very many the newest.
    pub outbox: Vec<OutboxRow>,
    /// What waits for a confirmation.
    pub awaits: Vec<AwaitedRow>,
}

/// Somebody outside who takes part in a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartyRow {
    /// Name within the case.
    pub key: String,
    /// The part played.
    pub role: String,
    /// Where mail goes.
    pub address: String,
    /// Further addresses.
    pub aliases: Vec<String>,
    /// The certificate that mail is sealed to.
    pub fingerprint: Option<String>,
    /// How the conversation began.
    pub form: String,
    /// Where the conversation with a maintainer stands.
    pub contact: Option<String>,
    /// When the relay took the notice to a maintainer.
    pub contacted: Option<At>,
}

/// A running clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockRow {
    /// When it is due.
    pub due: At,
    /// What it does then.
    pub action: String,
    /// The party it is about.
    pub party: Option<String>,
}

/// A received mail of a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailRow {
    /// Its number.
    pub mail: i64,
    /// When it arrived.
    pub date: At,
    /// Its author.
    pub from: Option<String>,
    /// What it is: `outside`, `team`, `automatic` or `held`.
    pub class: String,
    /// The party or member it joined as.
    pub party: Option<String>,
    /// Its subject, where it was read.
    pub subject: Option<String>,
}

/// An outgoing mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboxRow {
    /// Its number.
    pub id: i64,
    /// The label of its case.
    pub case: Option<String>,
    /// What it is for.
    pub kind: String,
    /// Envelope recipient.
    pub to: String,
    /// Where it stands.
    pub state: String,
    /// How often sending was begun.
    pub attempts: u32,
    /// How often a send ended without a known answer: each may be a copy more at the recipient.
    pub unknown: u32,
    /// When it was decided.
    pub queued: At,
    /// When its state last changed.
    pub changed: At,
    /// When it is tried next, where that is later.
    pub next: Option<At>,
    /// The last answer or reason.
    pub answer: String,
}

/// What waits for a confirmation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AwaitedRow {
    /// Who asked.
    pub by: String,
    /// What happens then: `publish` or `commands`.
    pub what: String,
    /// No longer valid after this.
    pub expires: At,
}

/// A row of a journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogRow {
    /// Its place in the whole journal.
    pub seq: u64,
    /// When.
    pub at: At,
    /// Who; `null` for postern itself.
    pub who: Option<String>,
    /// What proved it.
    pub proof: String,
    /// What changed, or the kind of an act.
    pub what: String,
    /// From which state.
    pub from: String,
    /// To which state.
    pub to: String,
    /// Message-ID of the mail that caused it.
    pub cause: Option<String>,
}

/// A mail that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundRow {
    /// The label of the case it joined or claims.
    pub case: Option<String>,
    /// Its number.
    pub mail: i64,
    /// When it arrived.
    pub date: At,
    /// Its author.
    pub from: Option<String>,
    /// Its subject.
    pub subject: String,
    /// What stands around the first word.
    pub snippet: String,
}

/// A mail that waits for a member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingRow {
    /// Its number.
    pub mail: i64,
    /// `quarantined`, or `held` for the case it claims.
    pub state: String,
    /// The label of the case it claims.
    pub claims: Option<String>,
    /// Why it waits.
    pub reason: String,
    /// When it arrived.
    pub date: At,
    /// Since when it waits.
    pub since: Option<At>,
    /// Its author as it was read, or as its header says.
    pub from: Option<String>,
    /// Its subject, as its header says; of encrypted mail the outer one.
    pub subject: Option<String>,
    /// How often a decision failed or was cut off.
    pub attempts: u32,
}

/// A text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passage {
    /// The mail.
    pub mail: i64,
    /// Its text, or the beginning of it as it came.
    pub text: String,
    /// Whether there is more than is shown.
    pub cut: bool,
}

/// What became of one mail that was to be changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Its number.
    pub id: i64,
    /// Whether it was changed.
    pub done: bool,
    /// What was done, or why nothing was.
    pub line: String,
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<At> for String {
    fn from(at: At) -> Self {
        at.to_string()
    }
}

impl TryFrom<String> for At {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Timestamp::parse(&text).map(Self).ok_or("no instant")
    }
}
