//! What can happen to a case, and what `decide` is told about the rest of the world.

use serde::{Deserialize, Serialize};

use super::case::Case;
use super::command::Block;
use super::effect::{MailKind, Pending, TimerKey};
use super::id::{Address, CaseId, Fingerprint, MailId, MessageId, OccurrenceId, OutboxId, Seed};
use super::party::{Form, PartyKey};
use super::policy::TimerAction;
use super::time::Timestamp;

/// One thing that happened, with its time and its randomness.
#[derive(Debug, Clone)]
pub struct Occurrence {
    /// The stored occurrence.
    pub id: OccurrenceId,
    /// When it is decided.
    pub at: Timestamp,
    /// Randomness for nonces and Message-IDs.
    pub seed: Seed,
    /// What happened.
    pub event: Event,
}

/// The kinds of occurrences.
#[derive(Debug, Clone)]
pub enum Event {
    /// A mail opens the case.
    ReportReceived(Box<Incoming>),
    /// A known outside party writes.
    ReplyReceived(PartyKey, Box<Incoming>),
    /// A member writes: a note, commands, or both.
    TeamMail(Box<TeamMail>),
    /// A mail points at the case, but its sender is nobody's known address; with the party to whom we gave what it
    /// points with.
    MailHeld(Box<Incoming>, Option<PartyKey>),
    /// A mail of the Sent folder: somebody of ours answered a party by hand.
    AnsweredByHand(Box<ByHand>),
    /// A machine answered one of our mails; noted, nothing else.
    AutomaticReply(PartyKey, MailId),
    /// A clock is due.
    TimerDue(TimerKey, TimerAction),
    /// The relay's last word on a mail of the case.
    Delivery(Delivery),
    /// A mail could not be sealed.
    SealFailed(Delivery),
    /// Something of the case could not be recorded and was put aside; what, in our own words.
    Stuck(String),
    /// A mail was put aside: its attempts are used up, or its fate wants it.
    Quarantined {
        /// The mail.
        mail: MailId,
        /// Why, in our own words.
        reason: String,
    },
    /// The operator did something with mail that waits.
    Operator(OperatorAct),
}

/// What the operator does at his terminal. The row or mail itself is changed in the same transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OperatorAct {
    /// A held or quarantined mail is decided again, from the beginning.
    Requeued(MailId),
    /// An outgoing mail that was held, deferred or failed is tried again now.
    Retried(TurnedMail),
    /// An outgoing mail that was not sent yet is held.
    Stopped(TurnedMail),
}

/// An outgoing mail that the operator has retried or stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TurnedMail {
    /// The row.
    pub row: OutboxId,
    /// What it is for.
    pub kind: MailKind,
    /// To whom.
    pub party: Option<PartyKey>,
    /// Where it stood before, in the store's word.
    pub was: String,
}

/// An answer that was written by hand, past us.
#[derive(Debug, Clone)]
pub struct ByHand {
    /// The mail in the Sent folder.
    pub mail: MailId,
    /// The member who wrote it, or [`PartyKey::of_the_address`].
    pub writer: PartyKey,
    /// The parties of the case among its recipients.
    pub to: Vec<PartyKey>,
    /// When it was sent.
    pub at: Timestamp,
}

/// The end of one outgoing mail's way.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// What the mail was for.
    pub kind: MailKind,
    /// To whom.
    pub party: Option<PartyKey>,
    /// The address it went to.
    pub recipient: Address,
    /// How it ended.
    pub outcome: DeliveryOutcome,
    /// Code and status, or why it cannot be sealed; in our own words.
    pub detail: String,
}

/// How a delivery ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryOutcome {
    /// The relay took it.
    Accepted,
    /// The relay refused it for good, the schedule ran out, or it cannot be sealed.
    Failed,
    /// It was taken and came back (RFC 3464).
    Bounced,
}

/// What the mail system says of the From address (RFC 8601).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Authenticity {
    /// DMARC passed, or DKIM with an aligned domain.
    Pass,
    /// DMARC failed.
    Fail,
    /// Nobody whom we trust has said anything.
    Unknown,
}

/// A mail from a person, read.
#[derive(Debug, Clone)]
pub struct Incoming {
    /// The stored mail.
    pub mail: MailId,
    /// When it arrived.
    pub arrived: Timestamp,
    /// The one author (RFC 5322 section 3.6.2).
    pub from: Address,
    /// Subject; the protected one where there is one.
    pub subject: String,
    /// The whole readable text.
    pub text: String,
    /// What was encrypted in only a part of the mail. Anybody may have taken it from elsewhere: the team sees it, marked
    /// and in encrypted mail; nothing else is done with it.
    pub partial_text: Option<String>,
    /// The author's own words, without quotes and signature.
    pub own_text: String,
    /// Its Message-ID.
    pub message_id: Option<MessageId>,
    /// The outer structure.
    pub form: Form,
    /// One line on encryption and signature, for the team.
    pub verdict: String,
    /// What the mail system says of the author.
    pub authenticity: Authenticity,
    /// The pinned fingerprint by which the whole content is signed, if so.
    pub signed_by: Option<Fingerprint>,
    /// Names and sizes of attachments, for the team.
    pub attachments: Vec<String>,
    /// Certificates that came along: candidates, never pinned by themselves.
    pub candidates: Vec<Fingerprint>,
    /// A case that its subject names without any proof.
    pub claims: Option<String>,
    /// The author whom a forwarded mail in it names, on nobody's word but the forwarder's.
    pub forwarded: Option<Address>,
    /// Whether an automatic answer is allowed (RFC 3834), and wanted: not for old or archived mail.
    pub answerable: Answerable,
}

/// Whether a mail may be acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answerable {
    /// Yes.
    Yes,
    /// The sender asked for no automatic answers.
    NotWanted,
    /// Older than seven days, from an archive, or there before the first start.
    Old,
}

/// A mail from a member of the team.
#[derive(Debug, Clone)]
pub struct TeamMail {
    /// The mail.
    pub incoming: Incoming,
    /// The member.
    pub member: PartyKey,
    /// What proves it.
    pub proof: Proof,
    /// The command block, possibly empty.
    pub block: Block,
    /// Whether commands could be read from it: plain text, signed or encrypted as a whole or not at all.
    pub plain: bool,
}

/// What proves that a member wrote a mail.
#[derive(Debug, Clone, Default)]
pub struct Proof {
    /// The address is authenticated by the mail system, or the content is signed by the member's pinned key.
    pub authenticated: bool,
    /// It came to the member's own reply address of this case.
    pub by_reply_address: bool,
    /// A nonce it quotes.
    pub nonce: Option<NonceSeen>,
    /// A good signature over the whole, by the member's pinned key.
    pub signature: Option<SignatureSeen>,
    /// Whether the mail names the case itself, within what is signed.
    pub names_case: bool,
}

/// A nonce as quoted.
#[derive(Debug, Clone)]
pub struct NonceSeen {
    /// The nonce.
    pub nonce: String,
    /// Whether it was issued to this member for this case and not used yet.
    pub live: bool,
}

/// A good signature by a member's pinned key.
#[derive(Debug, Clone)]
pub struct SignatureSeen {
    /// The member's fingerprint.
    pub fingerprint: Fingerprint,
    /// When it was made.
    pub made_at: Timestamp,
    /// Digest for the ledger.
    pub digest: String,
    /// Whether the ledger holds it already.
    pub seen_before: bool,
}

/// What a decision may need to know beside its case.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// The case, where the occurrence has one.
    pub case: Option<Case>,
    /// Open cases, newest first, where they are to be listed.
    pub open_cases: Vec<CaseLine>,
    /// Held and quarantined mails, where they are to be listed or admitted.
    pub waiting: Vec<WaitingMail>,
    /// The confirmation a mail names, if it exists for this case, unused.
    pub confirmation: Option<Pending>,
    /// Acknowledgements already queued: to the author, or to each address that `!reporter` names.
    pub acks: Vec<(Address, AckCounts)>,
    /// Whether somebody of ours has answered the report by hand before it was decided.
    pub answered_before: bool,
    /// Parties of the case whose acknowledgement is not sealed yet.
    pub unsealed_acks: Vec<PartyKey>,
    /// The last answers by hand in the case, newest first.
    pub by_hand: Vec<AnswerByHand>,
    /// Text of the case's first report, for a maintainer who is told.
    pub report_text: Option<String>,
}

/// One line of a list of cases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseLine {
    /// The label.
    pub label: String,
    /// The state in words.
    pub summary: String,
    /// The owner, if any.
    pub owner: Option<PartyKey>,
    /// When it was opened.
    pub opened_at: Timestamp,
}

/// One line on an answer that was written by hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerByHand {
    /// When it was noticed.
    pub at: Timestamp,
    /// Who wrote it.
    pub writer: PartyKey,
    /// To whom, in words.
    pub to: String,
    /// Whether the member who writes has had no transcript since.
    pub unseen: bool,
}

/// A mail that waits for a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingMail {
    /// The mail.
    pub mail: MailId,
    /// The case it claims, for held mail; quarantined mail has none.
    pub claims: Option<CaseId>,
    /// Its author, if it has one.
    pub from: Option<Address>,
    /// What the mail system said of him; `Unknown` where it was never read.
    pub authenticity: Authenticity,
    /// Why it waits.
    pub reason: String,
    /// When it arrived.
    pub arrived: Timestamp,
}

/// How many acknowledgements were queued lately.
#[derive(Debug, Clone, Copy, Default)]
pub struct AckCounts {
    /// To this address in 24 hours.
    pub to_address_in_a_day: u32,
    /// To anybody in an hour.
    pub in_an_hour: u32,
}

/// What became of a received mail. Each stored mail gets exactly one, at last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// Opened a case, or joined one as this party's or member's mail.
    Joined(CaseId, PartyKey),
    /// Waits for a member; claims this case.
    Held(CaseId),
    /// Put aside, with the reason in our own words.
    Quarantined(String),
    /// The same mail again: equal apart from its way here.
    Duplicate(MailId),
    /// A machine's answer or a bounce, noted with its case.
    Noted(CaseId),
    /// Commands of a member about no case; answered, and nothing is left to do.
    Answered,
    /// From the Sent folder, and of no case: with the reason in our own words where people are to see it, without one
    /// where it is a mail of ours, a program's, or among ourselves.
    Sent(Option<String>),
}
