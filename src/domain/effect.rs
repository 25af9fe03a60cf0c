//! What a decision wants done. Effects are complete: recipients, texts, protection. The executor chooses nothing.

use serde::{Deserialize, Serialize};

use super::case::Case;
use super::id::{Address, CaseId, Fingerprint, MailId, MessageId};
use super::party::PartyKey;
use super::policy::TimerAction;
use super::time::Timestamp;

/// The result of `decide`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The case as it is now; `None` when the occurrence belongs to no case.
    pub case: Option<Case>,
    /// What is to be done, in order.
    pub effects: Vec<Effect>,
    /// What is to be remembered.
    pub journal: Vec<JournalEntry>,
}

/// One thing to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Queue a mail to one recipient.
    Mail(Box<OutgoingMail>),
    /// Start a clock, or start it anew.
    SetTimer {
        /// Which clock.
        key: TimerKey,
        /// When it is due.
        due: Timestamp,
        /// What it does then.
        action: TimerAction,
    },
    /// Stop the clocks of one rule: of one party, or of all where no party is named.
    ClearTimers {
        /// The policy's rule.
        rule: String,
        /// The party, or everybody.
        party: Option<PartyKey>,
    },
    /// Let a member use this nonce once.
    IssueNonce {
        /// The nonce.
        nonce: String,
        /// For whom.
        member: PartyKey,
    },
    /// This nonce is used up.
    UseNonce(String),
    /// Remember a signature for ever, so that it commands nothing twice.
    Remember {
        /// Digest of the signature.
        digest: String,
    },
    /// Wait for a confirmation.
    AwaitConfirmation(Pending),
    /// This confirmation is used up.
    UseConfirmation(String),
    /// Take the acknowledgement to a party back, if it is not sealed yet.
    DropAcknowledgement(PartyKey),
    /// Decide a mail again: as a mail of this case, or from the beginning.
    Requeue {
        /// The mail.
        mail: MailId,
        /// The case it was admitted to.
        case: Option<CaseId>,
    },
    /// Write a page into the site folder.
    Page {
        /// Relative path.
        path: String,
        /// Content.
        content: String,
    },
}

/// A clock of a case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TimerKey {
    /// The policy's rule, or a name of our own for clocks that are not policy.
    pub rule: String,
    /// The party it is about.
    pub party: Option<PartyKey>,
    /// Which of the rule's spans, from 0.
    pub step: u32,
}

/// Something that waits for `!confirm`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// The word to confirm with.
    pub token: String,
    /// Who asked.
    pub member: PartyKey,
    /// Who may not confirm: the member who asked, where a second one is needed.
    pub second_member: bool,
    /// What happens on confirmation.
    pub action: PendingAction,
    /// No longer valid after this.
    pub expires: Timestamp,
}

/// What a confirmation sets going.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum PendingAction {
    /// Publish the advisory whose renderings and recipients have this digest.
    Publish {
        /// SHA-256 in hexadecimal over the exact bytes.
        digest: String,
    },
    /// Apply this command block, whose author could not prove himself strongly enough alone.
    Apply {
        /// The block as written.
        block: String,
        /// The text below it.
        body: String,
    },
}

/// What a mail is for. The word is stored and journalled, and shown in lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MailKind {
    /// Acknowledgement of a report.
    Acknowledgement,
    /// A report or reply forwarded to a member.
    Forward,
    /// What a member wrote, to the other members.
    Note,
    /// The answer to a member's mail.
    Transcript,
    /// What a member wrote to an outside party.
    Letter,
    /// First contact with a maintainer.
    MaintainerNotice,
    /// Reminder to a maintainer.
    Reminder,
    /// A warning or reminder to the team.
    Alert,
    /// Says, without content, that something waits which may not be sent in clear.
    Notice,
    /// An advisory to a mailing list.
    Advisory,
}

impl MailKind {
    /// The stored word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Acknowledgement => "acknowledgement",
            Self::Forward => "forward",
            Self::Note => "note",
            Self::Transcript => "transcript",
            Self::Letter => "letter",
            Self::MaintainerNotice => "maintainer-notice",
            Self::Reminder => "reminder",
            Self::Alert => "alert",
            Self::Notice => "notice",
            Self::Advisory => "advisory",
        }
    }
}

/// How a mail is protected. There is no third way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Protection {
    /// Signed and encrypted to this certificate.
    Sealed(Fingerprint),
    /// Signed, in clear: only where the settings allow it for this audience, or where the content is public or empty.
    Signed,
}

/// The Auto-Submitted header (RFC 3834 section 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Automatic {
    /// A person wrote it; no header.
    No,
    /// Made in answer to a mail.
    Replied,
    /// Made by a clock or an event.
    Generated,
}

/// One mail to one recipient, complete but for its seal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutgoingMail {
    /// What it is for.
    pub kind: MailKind,
    /// The party or member it goes to; `None` for a mailing list.
    pub party: Option<PartyKey>,
    /// Envelope and header recipient.
    pub to: Address,
    /// Its Message-ID, made from the occurrence's seed.
    pub message_id: MessageId,
    /// Where answers go.
    pub reply_to: Option<Address>,
    /// What it is in reply to.
    pub in_reply_to: Option<MessageId>,
    /// The thread it belongs to.
    pub references: Vec<MessageId>,
    /// The subject; inside the encryption where there is one.
    pub subject: String,
    /// The subject outside, where it differs.
    pub outer_subject: Option<String>,
    /// The text, LF line ends.
    pub text: String,
    /// Protection.
    pub protection: Protection,
    /// Whether a machine speaks.
    pub automatic: Automatic,
    /// A received mail whose content goes along, sealed mail only.
    pub attach: Option<MailId>,
    /// Whether our certificate goes along.
    pub attach_key: bool,
}

/// One line of the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalEntry {
    /// Who: a party or member, or `None` for postern itself.
    pub actor: Option<PartyKey>,
    /// What proves it: `signature <fingerprint>`, `token`, `clock`, `relay`, `operator`.
    pub proof: String,
    /// What changed: a dimension of the case, or the kind of an act.
    pub what: String,
    /// From which state.
    pub from: String,
    /// To which state.
    pub to: String,
}
