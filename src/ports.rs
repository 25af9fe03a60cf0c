//! The edges of the engine: clock, entropy, inbox, relay, site, disk, and the check of DKIM.
//!
//! Traits only; the implementations stand in `adapters`. Ports are polled and never block for
//! longer than local disk takes: an adapter that talks to a network owns a thread or task of its
//! own and answers here from a bounded channel. It calls the [`Wake`] it was given when there is
//! something new to poll.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::id::{Address, OutboxId, Seed};
use crate::domain::time::Timestamp;

/// Called by an adapter, from any thread, when a poll would find something.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// The wall clock.
pub trait Clock: Send {
    /// The present instant.
    fn now(&self) -> Timestamp;
}

/// Randomness for occurrences and first keys.
pub trait Entropy: Send {
    /// 128 unguessable bits.
    fn seed(&mut self) -> Seed;
}

/// Which of the polled folders a mail lay in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Folder {
    /// The queue of new mail.
    Inbox,
    /// What the mail host took for spam: stored and listed, never answered.
    Junk,
    /// Mail that people sent by hand from this address: stored, never answered.
    Sent,
}

/// Where a mail lies on its server. A `UIDVALIDITY` of zero stands for a Maildir or a file, whose `key` is the name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RemoteUid {
    /// Name of the mailbox, as the server gives it.
    pub mailbox: String,
    /// UIDVALIDITY of the mailbox when the mail was fetched (RFC 9051 section 2.3.1.1).
    pub uid_validity: u32,
    /// UID, or 0 for a Maildir.
    pub uid: u32,
    /// File name for a Maildir or an ingested file, else empty.
    pub key: String,
}

/// One mail as fetched: nothing on the server has changed yet.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// Where it lies.
    pub remote: RemoteUid,
    /// Which of the polled folders that is.
    pub folder: Folder,
    /// When the server (or the file system) says that it arrived; `None` where that is unknown.
    pub arrived: Option<Timestamp>,
    /// The bytes as the server gave them.
    pub bytes: Vec<u8>,
    /// Size on the server in bytes, when the mail was over the limit and `bytes` holds only its header block.
    pub oversize: Option<u64>,
}

/// What an inbox has to say.
#[derive(Debug)]
pub enum InboxEvent {
    /// Connected and the folders are open; `waiting` mails lie in INBOX.
    Opened {
        /// Number of mails in INBOX.
        waiting: u32,
    },
    /// Mails to store, at most one batch. The next batch follows when these were settled.
    Batch(Vec<Fetched>),
    /// Everything that was there has been fetched and settled; the inbox now waits for more.
    Drained,
    /// A mail that had been fetched was gone when it was to be settled: somebody else moved it.
    Vanished(RemoteUid),
    /// The connection is lost; the adapter tries again by itself after `retry_in_seconds`.
    Lost {
        /// Why, in words that hold no address or text of a mail.
        error: PortError,
        /// Seconds until the next try.
        retry_in_seconds: u64,
    },
}

/// Why a port could not do its work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct PortError {
    /// Whether waiting helps.
    pub class: ErrorClass,
    /// A lower-case fragment that says what failed and what to do; holds no secret and no text of a mail.
    pub message: String,
}

/// Whether trying again later can help. An error that was not judged is temporary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorClass {
    /// A network or server fault: try again.
    Temporary,
    /// The server refuses our name or password.
    Authentication,
    /// The server's certificate is not the one expected, or the server broke the protocol in a way that may be an attack.
    Security,
    /// The settings name something that is not there.
    Configuration,
}

/// A source of mail.
pub trait Inbox: Send {
    /// The next event, or `None` when there is none yet.
    fn poll(&mut self) -> Option<InboxEvent>;

    /// Tells that these mails are stored durably, so that they may leave the INBOX. Returns at once.
    fn settle(&mut self, stored: Vec<RemoteUid>);

    /// Asks for a look at the server now, without waiting for its push or the next poll.
    fn nudge(&mut self);
}

/// One transaction: one envelope with one recipient.
#[derive(Debug, Clone)]
pub struct RelayJob {
    /// The outbox row.
    pub id: OutboxId,
    /// Envelope sender; `None` is the null return path `<>` (RFC 5321 section 4.5.5).
    pub sender: Option<Address>,
    /// Envelope recipient.
    pub recipient: Address,
    /// The sealed mail, lines ended by CRLF; sent exactly as it stands.
    pub bytes: Arc<Vec<u8>>,
}

/// What became of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelayOutcome {
    /// The outbox row.
    pub id: OutboxId,
    /// The verdict.
    pub verdict: RelayVerdict,
    /// Reply code and enhanced status of the server, or our own words; never raw server text.
    pub detail: String,
}

/// The verdict on one recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RelayVerdict {
    /// The relay has taken responsibility (2xx after the final dot).
    Accepted,
    /// Temporary: 4xx, or the connection failed before the final dot was sent.
    Deferred,
    /// Permanent: 5xx for this recipient or this mail.
    Refused,
    /// The final dot was sent and no answer came: the relay may have the mail (RFC 1047).
    Unknown,
    /// Not begun: the server asked for a rest meanwhile. It counts as no attempt.
    Untried,
}

/// A way out for mail.
pub trait Relay: Send {
    /// Takes a job, or gives it back when its queue is full.
    ///
    /// # Errors
    /// Returns the job itself when no more can be taken now.
    fn submit(&mut self, job: RelayJob) -> Result<(), RelayJob>;

    /// The next outcome, or `None` when none has come in since.
    fn poll(&mut self) -> Option<RelayOutcome>;

    /// How long the relay rests, when its server asked for it; it takes no job meanwhile.
    fn rests_for(&self) -> Option<Duration> {
        None
    }

    /// Mails that it may be given in any 24 hours; `None` for as many as there are.
    fn daily_budget(&self) -> Option<u32> {
        None
    }

    /// Its name in the log and in the count of what it was given: the same after a restart. No secret, no address.
    fn name(&self) -> String {
        String::new()
    }
}

/// The folder that the project's web server serves.
pub trait Site: Send {
    /// Writes a page so that a reader sees the old or the new one whole. `path` is relative, of plain names.
    ///
    /// # Errors
    /// The folder cannot be written.
    fn write(&mut self, path: &str, bytes: &[u8]) -> Result<(), PortError>;
}

/// DKIM (RFC 6376) verified by ourselves. Asked from the engine's threads, and the one port that may block: as long as
/// the DNS takes, within bounds that its adapter keeps.
pub trait DkimCheck: Send + Sync {
    /// Whether a signature of a domain aligned with `author_domain` (in lower case) covers the From and fits the mail.
    ///
    /// `Some(true)`: one does. `Some(false)`: there are such signatures, and each is wrong or has no key; the mail may
    /// still be honest, since lists and gateways change what they pass on. `None`: there is none, or the DNS did not
    /// answer in time. Neither of the last two says that the author is forged; that is for DMARC alone to say.
    fn aligned_pass(&self, raw: &[u8], author_domain: &str) -> Option<bool>;
}

/// Free space where the database lies.
pub trait Disk: Send {
    /// Bytes that may still be written; `None` where it cannot be told.
    fn free_bytes(&self) -> Option<u64>;
}
