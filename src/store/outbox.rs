//! Outgoing mail, one row for each recipient: queued → sealed → claimed → delivered, deferred or failed; or held.
//!
//! Sealed bytes are stored once and every attempt sends them. A row is claimed, and its attempt
//! counted, before anything is sent; after a crash, claimed rows are marked and wait as sealed ones do, for
//! the relay may have taken them. Never composes, seals or sends.

use rusqlite::{Row, params};

use super::error::StoreError;
use super::row;
use super::session::Session;
use crate::domain::effect::{MailKind, OutgoingMail};
use crate::domain::id::{Address, CaseId, MessageId, OutboxId};
use crate::domain::party::PartyKey;
use crate::domain::time::Timestamp;

/// Where a row stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutboxState {
    /// Decided, not sealed yet.
    Queued,
    /// Sealed; to be sent.
    Sealed,
    /// Handed to the relay.
    Claimed,
    /// The relay took it.
    Delivered,
    /// To be sent again later.
    Deferred,
    /// Refused for good.
    Failed,
    /// Cannot be sealed.
    Held,
}

/// A mail to compose and seal.
#[derive(Debug, Clone)]
pub struct QueuedMail {
    /// The row.
    pub id: OutboxId,
    /// Its case.
    pub case: Option<CaseId>,
    /// The mail.
    pub plan: OutgoingMail,
    /// How often sealing failed or was cut off before.
    pub attempts: u32,
    /// When it was decided: its Date.
    pub created_at: Timestamp,
}

/// A mail to send now.
#[derive(Debug, Clone)]
pub struct ClaimedMail {
    /// The row.
    pub id: OutboxId,
    /// Its case.
    pub case: Option<CaseId>,
    /// The party or member it goes to.
    pub party: Option<PartyKey>,
    /// What it is for.
    pub kind: MailKind,
    /// Envelope recipient.
    pub recipient: Address,
    /// Its Message-ID.
    pub message_id: MessageId,
    /// The sealed bytes.
    pub bytes: Vec<u8>,
    /// Which attempt this is, from 1.
    pub attempts: u32,
    /// When it was decided: the start of its schedule.
    pub created_at: Timestamp,
}

/// A row without its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxRow {
    /// The row.
    pub id: OutboxId,
    /// Its case.
    pub case: Option<CaseId>,
    /// The party or member it goes to.
    pub party: Option<PartyKey>,
    /// What it is for.
    pub kind: MailKind,
    /// Envelope recipient.
    pub recipient: Address,
    /// Its Message-ID.
    pub message_id: MessageId,
    /// Where it stands.
    pub state: OutboxState,
    /// How often sending was begun.
    pub attempts: u32,
    /// How often a send ended without a known answer: each may be a copy more at the recipient.
    pub ambiguous: u32,
    /// When it was decided.
    pub created_at: Timestamp,
    /// The last answer or reason.
    pub detail: String,
}

/// What became of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settlement {
    /// The relay took it.
    Delivered,
    /// To be sent again.
    Deferred {
        /// Not before this.
        next_at: Timestamp,
    },
    /// No answer came to the final dot: to be sent again, and noted that the relay may have it.
    Ambiguous {
        /// Not before this.
        next_at: Timestamp,
    },
    /// Refused for good, or the schedule ran out.
    Failed,
}

const ROW: &str =
    "SELECT id, case_id, party, kind, recipient, message_id, state, attempts, ambiguous, created_at, detail
    FROM outbox";

impl Session<'_> {
    /// Mails to seal: fresh ones, oldest first, but reporters' receipts before all others, so that they wait behind no
    /// broadcast. When there are none, one whose sealing was begun before, alone: a mail that ends the process must stop
    /// no other.
    ///
    /// # Errors
    /// What the database says.
    pub fn unsealed(&self, limit: usize) -> Result<Vec<QueuedMail>, StoreError> {
        let step = "load mail to seal";
        let select = "SELECT id, case_id, plan, seal_attempts, created_at
            FROM outbox JOIN outbox_plans ON outbox_id = id WHERE state = 'queued'";
        let receipts = "kind IN ('acknowledgement', 'notice')";
        let fresh = |which: &str| format!("{select} AND {which} AND seal_attempts = 0 ORDER BY id LIMIT ?1");
        let mut found = self.all(step, &fresh(receipts), [row::limit(limit)], queued)?;
        let room = limit.saturating_sub(found.len());
        if room > 0 {
            found.extend(self.all(step, &fresh(&format!("NOT {receipts}")), [row::limit(room)], queued)?);
        }
        if !found.is_empty() {
            return Ok(found);
        }
        let tried = format!("{select} AND seal_attempts > 0 ORDER BY seal_attempts, id LIMIT 1");
        self.all(step, &tried, [], queued)
    }

    /// Counts one more attempt to seal each.
    ///
    /// # Errors
    /// What the database says.
    pub fn raise_seal_attempts(&self, rows: &[OutboxId]) -> Result<(), StoreError> {
        let sql = "UPDATE outbox SET seal_attempts = seal_attempts + 1 WHERE id = ?1";
        self.for_each("count a seal", sql, rows)
    }

    /// T3: stores sealed bytes, all in one commit. A row that is no longer queued keeps what it has.
    ///
    /// # Errors
    /// What the database says; then none is stored.
    pub fn store_sealed(&self, sealed: &[(OutboxId, Vec<u8>)], at: Timestamp) -> Result<(), StoreError> {
        let step = "store a sealed mail";
        let state =
            "UPDATE outbox SET state = 'sealed', next_at = 0, changed_at = ?2 WHERE id = ?1 AND state = 'queued'";
        let content = "INSERT INTO outbox_bytes (outbox_id, bytes) VALUES (?1, ?2)";
        self.atomically(|| {
            sealed.iter().try_for_each(|(id, bytes)| {
                if self.run(step, state, params![id.0, at.0])? == 1 {
                    self.run(step, content, params![id.0, bytes])?;
                }
                Ok(())
            })
        })
    }

    /// Puts aside a queued mail that cannot be sealed. `false` when it is not queued.
    ///
    /// # Errors
    /// What the database says.
    pub fn hold(&self, row: OutboxId, reason: &str, at: Timestamp) -> Result<bool, StoreError> {
        let sql = "UPDATE outbox SET state = 'held', detail = ?2, changed_at = ?3 WHERE id = ?1 AND state = 'queued'";
        Ok(self.run("hold a mail", sql, params![row.0, reason, at.0])? == 1)
    }

    /// T4: claims what is due, until 32 MiB are passed, all in one commit, with its attempt counted. Deferred mail goes in the order of its due
    /// times, after what was never tried.
    ///
    /// # Errors
    /// What the database says; then none is claimed.
    pub fn claim_due(&self, now: Timestamp, limit: usize) -> Result<Vec<ClaimedMail>, StoreError> {
        let step = "claim due mail";
        let due =
            "SELECT outbox.id, case_id, party, kind, recipient, message_id, bytes, attempts + 1 AS attempts, created_at
            FROM outbox JOIN outbox_bytes ON outbox_bytes.outbox_id = outbox.id
            WHERE outbox.id IN (SELECT id FROM (
                SELECT id, sum(size) OVER (ORDER BY next_at, id) - size AS before FROM (
                    SELECT id, next_at, length(bytes) AS size
                    FROM outbox JOIN outbox_bytes ON outbox_bytes.outbox_id = outbox.id
                    WHERE state IN ('sealed', 'deferred') AND next_at <= ?1 ORDER BY next_at, id LIMIT ?2))
                WHERE before < ?3)
            ORDER BY next_at, outbox.id";
        let claim = "UPDATE outbox SET state = 'claimed', attempts = attempts + 1, changed_at = ?2 WHERE id = ?1";
        self.atomically(|| {
            let mails = self.all(step, due, params![now.0, row::limit(limit), row::BATCH_BYTES], claimed)?;
            for mail in &mails {
                self.run(step, claim, params![mail.id.0, now.0])?;
            }
            Ok(mails)
        })
    }

    /// T5: writes down what became of a claimed mail. `false` when it is not claimed: then nothing is changed.
    ///
    /// # Errors
    /// What the database says.
    pub fn settle(
        &self,
        row: OutboxId,
        settlement: Settlement,
        detail: &str,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let (state, next_at, doubt) = match settlement {
            Settlement::Delivered => (OutboxState::Delivered, at, false),
            Settlement::Deferred { next_at } => (OutboxState::Deferred, next_at, false),
            Settlement::Ambiguous { next_at } => (OutboxState::Deferred, next_at, true),
            Settlement::Failed => (OutboxState::Failed, at, false),
        };
        let sql = "UPDATE outbox SET state = ?2, next_at = ?3, ambiguous = ambiguous + ?4, detail = ?5, changed_at = ?6
            WHERE id = ?1 AND state = 'claimed'";
        let values = params![row.0, state_word(state), next_at.0, doubt, detail, at.0];
        Ok(self.run("settle an outgoing mail", sql, values)? == 1)
    }

    /// Gives back claimed mails that were never handed over: due again at once, the attempt not counted.
    ///
    /// # Errors
    /// What the database says.
    pub fn unclaim(&self, rows: &[OutboxId]) -> Result<(), StoreError> {
        let sql = "UPDATE outbox SET state = 'sealed', next_at = 0, attempts = max(attempts - 1, 0)
            WHERE id = ?1 AND state = 'claimed'";
        self.for_each("give back a mail", sql, rows)
    }

    /// At start-up: mails claimed by a process that ended are due again. The relay may have taken any of them; each is
    /// marked, and the answer names them.
    ///
    /// # Errors
    /// What the database says.
    pub fn reclaim_all(&self, at: Timestamp) -> Result<Vec<OutboxId>, StoreError> {
        let step = "take back claimed mail";
        self.atomically(|| {
            let find = "SELECT id FROM outbox WHERE state = 'claimed' ORDER BY id";
            let rows = self.all(step, find, [], |row| row.get(0).map(OutboxId))?;
            let sql = "UPDATE outbox SET state = 'sealed', next_at = 0, ambiguous = ambiguous + 1, changed_at = ?1
                WHERE state = 'claimed'";
            self.run(step, sql, [at.0])?;
            Ok(rows)
        })
    }

    /// The row whose Message-ID begins with this unique part, which a returned mail names.
    ///
    /// # Errors
    /// What the database says.
    pub fn row_of_message_unique(&self, unique: &str) -> Result<Option<OutboxRow>, StoreError> {
        let sql = format!("{ROW} WHERE message_unique = ?1 ORDER BY id LIMIT 1");
        self.one("find an outgoing mail", &sql, [unique], outbox_row)
    }

    /// One row.
    ///
    /// # Errors
    /// What the database says.
    pub fn row(&self, id: OutboxId) -> Result<Option<OutboxRow>, StoreError> {
        self.one("load an outgoing mail", &format!("{ROW} WHERE id = ?1"), [id.0], outbox_row)
    }

    /// The plan of one row: the mail before it was sealed.
    ///
    /// # Errors
    /// What the database says.
    pub fn plan_of(&self, id: OutboxId) -> Result<Option<OutgoingMail>, StoreError> {
        let sql = "SELECT plan FROM outbox_plans WHERE outbox_id = ?1";
        self.one("load a plan", sql, [id.0], |row| row::word(row, "plan", row::json))
    }

    /// Rows, newest first.
    ///
    /// # Errors
    /// What the database says.
    pub fn outbox_rows(&self, limit: usize) -> Result<Vec<OutboxRow>, StoreError> {
        let sql = format!("{ROW} ORDER BY id DESC LIMIT ?1");
        self.all("load the outbox", &sql, [row::limit(limit)], outbox_row)
    }

    fn for_each(&self, step: &'static str, sql: &str, rows: &[OutboxId]) -> Result<(), StoreError> {
        self.atomically(|| rows.iter().try_for_each(|id| self.run(step, sql, [id.0]).map(|_| ())))
    }
}

impl OutboxState {
    /// The word that is stored and shown.
    #[must_use]
    pub fn word(self) -> &'static str {
        state_word(self)
    }
}

fn state_word(state: OutboxState) -> &'static str {
    match state {
        OutboxState::Queued => "queued",
        OutboxState::Sealed => "sealed",
        OutboxState::Claimed => "claimed",
        OutboxState::Delivered => "delivered",
        OutboxState::Deferred => "deferred",
        OutboxState::Failed => "failed",
        OutboxState::Held => "held",
    }
}

pub(super) fn outbox_state(word: &str) -> Option<OutboxState> {
    use OutboxState as S;
    let all = [S::Queued, S::Sealed, S::Claimed, S::Delivered, S::Deferred, S::Failed, S::Held];
    all.into_iter().find(|state| state_word(*state) == word)
}

fn queued(row: &Row<'_>) -> rusqlite::Result<QueuedMail> {
    Ok(QueuedMail {
        id: OutboxId(row.get("id")?),
        case: row::case(row, "case_id")?,
        plan: row::word(row, "plan", row::json)?,
        attempts: row.get("seal_attempts")?,
        created_at: row::instant(row, "created_at")?,
    })
}

fn claimed(row: &Row<'_>) -> rusqlite::Result<ClaimedMail> {
    Ok(ClaimedMail {
        id: OutboxId(row.get("id")?),
        case: row::case(row, "case_id")?,
        party: row::party(row, "party")?,
        kind: row::word(row, "kind", row::from_serde_word)?,
        recipient: row::address(row, "recipient")?,
        message_id: row::word(row, "message_id", MessageId::parse)?,
        bytes: row.get("bytes")?,
        attempts: row.get("attempts")?,
        created_at: row::instant(row, "created_at")?,
    })
}

fn outbox_row(row: &Row<'_>) -> rusqlite::Result<OutboxRow> {
    Ok(OutboxRow {
        id: OutboxId(row.get("id")?),
        case: row::case(row, "case_id")?,
        party: row::party(row, "party")?,
        kind: row::word(row, "kind", row::from_serde_word)?,
        recipient: row::address(row, "recipient")?,
        message_id: row::word(row, "message_id", MessageId::parse)?,
        state: row::word(row, "state", outbox_state)?,
        attempts: row.get("attempts")?,
        ambiguous: row.get("ambiguous")?,
        created_at: row::instant(row, "created_at")?,
        detail: row.get("detail")?,
    })
}

#[cfg(test)]
#[path = "outbox_tests.rs"]
mod tests;
