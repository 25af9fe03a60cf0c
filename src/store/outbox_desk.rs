//! The outbox as the operator sees it: pages by where mail stands, and the two changes that are his to make.
//!
//! Never seals and never sends: a mail that is tried again goes the way of every other, with the bytes that were sealed
//! for it. A mail that a relay has, or that was delivered, is not touched.

use rusqlite::{Row, params};
use serde::{Deserialize, Serialize};

use super::error::StoreError;
use super::outbox::{OutboxState, outbox_state};
use super::row;
use super::session::Session;
use crate::domain::effect::MailKind;
use crate::domain::id::{CaseId, OutboxId};
use crate::domain::party::PartyKey;
use crate::domain::time::Timestamp;

/// Where outgoing mail stands, as a list is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OutboxGroup {
    /// Cannot be sealed, or stopped by the operator.
    Held,
    /// Refused for good, or given up.
    Failed,
    /// To be tried again later.
    Deferred,
    /// A relay has it and has not answered.
    Sending,
    /// Waits for its turn.
    Queued,
    /// A relay took it.
    Sent,
}

/// Where a page begins: in the list's groups, one after the other, newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboxCursor {
    /// How many parts of the list are done.
    pub part: usize,
    /// Before this row.
    pub before: i64,
}

/// An outgoing mail, for a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxLine {
    /// The row.
    pub id: OutboxId,
    /// Its case.
    pub case: Option<CaseId>,
    /// The label of its case.
    pub label: Option<String>,
    /// The party or member it goes to.
    pub party: Option<PartyKey>,
    /// What it is for.
    pub kind: MailKind,
    /// Envelope recipient.
    pub recipient: String,
    /// Where it stands.
    pub state: OutboxState,
    /// How often sending was begun.
    pub attempts: u32,
    /// How often a send ended without a known answer.
    pub ambiguous: u32,
    /// When it was decided.
    pub created_at: Timestamp,
    /// When its state last changed.
    pub changed_at: Timestamp,
    /// Not sent before this.
    pub next_at: Timestamp,
    /// The last answer or reason.
    pub detail: String,
}

const LINE: &str = "SELECT outbox.id, outbox.case_id, cases.label, party, kind, recipient, state, attempts, ambiguous,
    created_at, changed_at, next_at, detail FROM outbox";

impl OutboxGroup {
    /// Every group, with what needs somebody first.
    pub const ALL: [Self; 6] = [Self::Held, Self::Failed, Self::Deferred, Self::Sending, Self::Queued, Self::Sent];

    /// The word that is typed and shown.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Failed => "failed",
            Self::Deferred => "deferred",
            Self::Sending => "sending",
            Self::Queued => "queued",
            Self::Sent => "sent",
        }
    }

    /// The group in which a mail of this state is listed.
    #[must_use]
    pub fn of(state: OutboxState) -> Self {
        match state {
            OutboxState::Queued | OutboxState::Sealed => Self::Queued,
            OutboxState::Claimed => Self::Sending,
            OutboxState::Delivered => Self::Sent,
            OutboxState::Deferred => Self::Deferred,
            OutboxState::Failed => Self::Failed,
            OutboxState::Held => Self::Held,
        }
    }

    /// Index and condition of each of its states, spelt out so that the partial indices serve.
    fn parts(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Held => &[("INDEXED BY outbox_held", "state = 'held'")],
            Self::Failed => &[("INDEXED BY outbox_failed", "state = 'failed'")],
            Self::Deferred => &[("INDEXED BY outbox_due", "state IN ('sealed', 'deferred') AND state = 'deferred'")],
            Self::Sending => &[("INDEXED BY outbox_claimed", "state = 'claimed'")],
            Self::Queued => &[
                ("INDEXED BY outbox_due", "state IN ('sealed', 'deferred') AND state = 'sealed'"),
                ("INDEXED BY outbox_queued", "state = 'queued'"),
            ],
            Self::Sent => &[("", "state = 'delivered'")],
        }
    }
}

impl Session<'_> {
    /// A page of outgoing mail in these groups, of one case or of all, and where the next begins.
    ///
    /// # Errors
    /// What the database says.
    pub fn outbox_page(
        &self,
        groups: &[OutboxGroup],
        case: Option<CaseId>,
        from: OutboxCursor,
        most: usize,
    ) -> Result<(Vec<OutboxLine>, Option<OutboxCursor>), StoreError> {
        let parts: Vec<_> = groups.iter().flat_map(|group| group.parts()).collect();
        let (mut rows, mut at) = (Vec::new(), from);
        while let Some((index, condition)) = parts.get(at.part) {
            let of_case = case.is_some();
            let index = if of_case { "INDEXED BY outbox_case" } else { index };
            let chosen = if of_case { "outbox.case_id = ?3 AND" } else { "?3 IS NULL AND" };
            let sql = format!(
                "{LINE} {index} LEFT JOIN cases ON cases.id = outbox.case_id
                WHERE {chosen} {condition} AND outbox.id < ?1 ORDER BY outbox.id DESC LIMIT ?2"
            );
            let room = most.saturating_sub(rows.len());
            let values = params![at.before, row::limit(room), case.map(|case| case.0)];
            let found = self.all("list outgoing mail", &sql, values, line)?;
            let full = found.len() >= room;
            let last = found.last().map_or(at.before, |row| row.id.0);
            rows.extend(found);
            if full {
                return Ok((rows, Some(OutboxCursor { before: last, ..at })));
            }
            at = OutboxCursor { part: at.part + 1, ..OutboxCursor::default() };
        }
        Ok((rows, None))
    }

    /// The newest outgoing mails of a case, oldest first.
    ///
    /// # Errors
    /// What the database says.
    pub fn outbox_of(&self, case: CaseId, most: usize) -> Result<Vec<OutboxLine>, StoreError> {
        let sql = format!(
            "{LINE} INDEXED BY outbox_case LEFT JOIN cases ON cases.id = outbox.case_id
            WHERE outbox.case_id = ?1 ORDER BY outbox.id DESC LIMIT ?2"
        );
        let mut rows = self.all("list the outgoing mail of a case", &sql, params![case.0, row::limit(most)], line)?;
        rows.reverse();
        Ok(rows)
    }

    /// Makes a held, failed or deferred mail due now: with the bytes that were sealed for it, or, where there are none,
    /// to be sealed. A failed one begins its schedule anew. `false` when it is in no such state: nothing is changed.
    ///
    /// # Errors
    /// What the database says.
    pub fn retry(&self, id: OutboxId, at: Timestamp) -> Result<bool, StoreError> {
        let sql = "UPDATE outbox SET seal_attempts = 0, next_at = 0, changed_at = ?2,
            attempts = CASE state WHEN 'failed' THEN 0 ELSE attempts END,
            state = CASE WHEN EXISTS (SELECT 1 FROM outbox_bytes WHERE outbox_id = outbox.id) THEN 'sealed' ELSE 'queued' END
            WHERE id = ?1 AND state IN ('held', 'failed', 'deferred')";
        Ok(self.run("try a mail again", sql, params![id.0, at.0])? == 1)
    }

    /// Holds a mail that no relay has: it stays as it is until it is tried again. `false` when it is in no such state.
    ///
    /// # Errors
    /// What the database says.
    pub fn stop(&self, id: OutboxId, reason: &str, at: Timestamp) -> Result<bool, StoreError> {
        let sql = "UPDATE outbox SET state = 'held', detail = ?2, changed_at = ?3
            WHERE id = ?1 AND state IN ('queued', 'sealed', 'deferred')";
        Ok(self.run("stop a mail", sql, params![id.0, reason, at.0])? == 1)
    }
}

impl Default for OutboxCursor {
    /// The beginning.
    fn default() -> Self {
        Self { part: 0, before: i64::MAX }
    }
}

fn line(row: &Row<'_>) -> rusqlite::Result<OutboxLine> {
    Ok(OutboxLine {
        id: OutboxId(row.get("id")?),
        case: row::case(row, "case_id")?,
        label: row.get("label")?,
        party: row::party(row, "party")?,
        kind: row::word(row, "kind", row::from_serde_word)?,
        recipient: row.get("recipient")?,
        state: row::word(row, "state", outbox_state)?,
        attempts: row.get("attempts")?,
        ambiguous: row.get("ambiguous")?,
        created_at: row::instant(row, "created_at")?,
        changed_at: row::instant(row, "changed_at")?,
        next_at: row::instant(row, "next_at")?,
        detail: row.get("detail")?,
    })
}

#[cfg(test)]
#[path = "outbox_desk_tests.rs"]
mod tests;
