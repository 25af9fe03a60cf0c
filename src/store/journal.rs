//! The journal: what happened, each row chained to the one before by its hash.
//!
//! Rows are only ever added; triggers refuse anything else. Whoever edits the file behind our back
//! breaks the chain, and whoever cuts its end leaves the counter of rows behind: both are
//! [`StoreError::Damaged`].

use rusqlite::{Row, params};
use sha2::{Digest, Sha256};

use super::error::{StoreError, failed};
use super::row;
use super::session::Session;
use crate::domain::effect::JournalEntry;
use crate::domain::id::{CaseId, MessageId, OccurrenceId};
use crate::domain::party::PartyKey;
use crate::domain::time::Timestamp;
use crate::domain::token::hex;

/// One row of the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalLine {
    /// Its place: 1, 2, 3 …
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// What happened, by whom, and what proves it.
    pub entry: JournalEntry,
    /// The mail that caused it.
    pub cause: Option<MessageId>,
}

/// What a hash covers, beside the hash before.
struct Link {
    seq: i64,
    occurrence: i64,
    at: i64,
    case: Option<i64>,
    entry: JournalEntry,
    cause: Option<String>,
    policy_digest: String,
}

/// A stretch of the chain that was followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainPart {
    /// Place of its last row.
    pub seq: u64,
    /// Hash of its last row: where the next stretch begins.
    pub head: String,
    /// Whether that is the end of the journal, and the end that was counted.
    pub end: bool,
}

const LINK: &str = "SELECT seq, occurrence_id, at, case_id, actor, proof, what, from_state, to_state, cause,
    policy_digest, prev, hash FROM journal WHERE seq > ?1 ORDER BY seq LIMIT ?2";

impl Session<'_> {
    /// Follows the whole chain; the hash of the last row, or the empty word while there is none. An earlier answer,
    /// kept elsewhere, must stay in the chain for ever.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when a row was changed, added or taken away behind our back.
    pub fn verify_journal(&self) -> Result<String, StoreError> {
        self.follow_chain(0, "", usize::MAX).map(|part| part.head)
    }

    /// Follows the chain over at most so many rows, from the place and hash at which an earlier call ended; from 0 and the
    /// empty word at first.
    ///
    /// # Errors
    /// As [`Session::verify_journal`].
    pub fn follow_chain(&self, after: u64, head: &str, most: usize) -> Result<ChainPart, StoreError> {
        let step = "read the journal";
        let broken = || StoreError::Damaged { what: "the chain of the journal" };
        let after = i64::try_from(after).map_err(|_| broken())?;
        let mut statement = self.connection().prepare_cached(LINK).map_err(failed(step))?;
        let mut rows = statement.query(params![after, row::limit(most)]).map_err(failed(step))?;
        let (mut head, mut last, mut met) = (head.to_owned(), after, 0);
        while let Some(row) = rows.next().map_err(failed(step))? {
            let (link, prev, hash) = link(row).map_err(failed(step))?;
            if link.seq != last + 1 || prev != head || hash != link.hash(&prev) {
                return Err(broken());
            }
            (head, last) = (hash, link.seq);
            met += 1;
        }
        let end = met < most;
        let sql = "SELECT seq FROM sqlite_sequence WHERE name = 'journal'";
        let counted: i64 = self.one(step, sql, [], |row| row.get(0))?.unwrap_or(0);
        if end && counted != last {
            return Err(broken());
        }
        Ok(ChainPart { seq: u64::try_from(last).unwrap_or_default(), head, end })
    }

    /// Rows of a case after a place, oldest first.
    ///
    /// # Errors
    /// What the database says.
    pub fn journal_page(&self, case: CaseId, after: u64, most: usize) -> Result<Vec<JournalLine>, StoreError> {
        let sql = "SELECT seq, at, actor, proof, what, from_state, to_state, cause FROM journal
            WHERE case_id = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3";
        let after = i64::try_from(after).unwrap_or(i64::MAX);
        self.all("read the journal", sql, params![case.0, after, row::limit(most)], journal_line)
    }

    /// The last rows of a case, oldest first.
    ///
    /// # Errors
    /// What the database says.
    pub fn journal_lines(&self, case: CaseId, limit: usize) -> Result<Vec<JournalLine>, StoreError> {
        let sql = "SELECT seq, at, actor, proof, what, from_state, to_state, cause FROM journal WHERE case_id = ?1
            ORDER BY seq DESC LIMIT ?2";
        let mut lines = self.all("read the journal", sql, params![case.0, row::limit(limit)], journal_line)?;
        lines.reverse();
        Ok(lines)
    }

    /// Adds the entries of one decision.
    pub(super) fn append_journal(
        &self,
        occurrence: OccurrenceId,
        at: Timestamp,
        case: Option<CaseId>,
        entries: &[JournalEntry],
        policy_digest: &str,
    ) -> Result<(), StoreError> {
        if entries.is_empty() {
            return Ok(());
        }
        let step = "write the journal";
        let head = "SELECT seq, hash FROM journal ORDER BY seq DESC LIMIT 1";
        let found = self.one(step, head, [], |row| Ok((row.get::<_, i64>("seq")?, row.get::<_, String>("hash")?)))?;
        let (mut seq, mut prev) = found.unwrap_or_default();
        let cause = "SELECT message_id FROM occurrences JOIN mail ON mail.id = occurrences.mail_id
            WHERE occurrences.id = ?1";
        let cause: Option<String> = self.one(step, cause, [occurrence.0], |row| row.get(0))?.flatten();
        for entry in entries {
            seq += 1;
            let link = Link {
                seq,
                occurrence: occurrence.0,
                at: at.0,
                case: case.map(|case| case.0),
                entry: entry.clone(),
                cause: cause.clone(),
                policy_digest: policy_digest.to_owned(),
            };
            prev = self.append_link(step, &link, &prev)?;
        }
        Ok(())
    }

    fn append_link(&self, step: &'static str, link: &Link, prev: &str) -> Result<String, StoreError> {
        let hash = link.hash(prev);
        let sql =
            "INSERT INTO journal (seq, occurrence_id, at, case_id, actor, proof, what, from_state, to_state, cause,
            policy_digest, prev, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
        let actor = link.entry.actor.as_ref().map(|actor| actor.0.as_str());
        self.run(
            step,
            sql,
            params![
                link.seq,
                link.occurrence,
                link.at,
                link.case,
                actor,
                link.entry.proof,
                link.entry.what,
                link.entry.from,
                link.entry.to,
                link.cause,
                link.policy_digest,
                prev,
                hash
            ],
        )?;
        Ok(hash)
    }
}

impl Link {
    /// SHA-256 over the hash before and every field, each with its length in front, an absent one as length −1: no
    /// two rows are written the same.
    fn hash(&self, prev: &str) -> String {
        let numbers = [self.seq.to_string(), self.occurrence.to_string(), self.at.to_string()];
        let case = self.case.map(|case| case.to_string());
        let entry = &self.entry;
        let mut hasher = Sha256::new();
        let mut add = |field: Option<&str>| {
            let length = field.map_or(-1, |text| i64::try_from(text.len()).unwrap_or(i64::MAX));
            hasher.update(length.to_be_bytes());
            hasher.update(field.unwrap_or_default());
        };
        add(Some(prev));
        numbers.iter().for_each(|number| add(Some(number)));
        add(case.as_deref());
        add(entry.actor.as_ref().map(|actor| actor.0.as_str()));
        [&entry.proof, &entry.what, &entry.from, &entry.to].into_iter().for_each(|text| add(Some(text)));
        add(self.cause.as_deref());
        add(Some(&self.policy_digest));
        hex(&hasher.finalize())
    }
}

fn journal_line(row: &Row<'_>) -> rusqlite::Result<JournalLine> {
    Ok(JournalLine {
        seq: row::count(row, "seq")?,
        at: row::instant(row, "at")?,
        entry: entry(row)?,
        cause: row::message_id(row, "cause")?,
    })
}

fn entry(row: &Row<'_>) -> rusqlite::Result<JournalEntry> {
    Ok(JournalEntry {
        actor: row.get::<_, Option<String>>("actor")?.map(PartyKey),
        proof: row.get("proof")?,
        what: row.get("what")?,
        from: row.get("from_state")?,
        to: row.get("to_state")?,
    })
}

fn link(row: &Row<'_>) -> rusqlite::Result<(Link, String, String)> {
    let link = Link {
        seq: row.get("seq")?,
        occurrence: row.get("occurrence_id")?,
        at: row.get("at")?,
        case: row.get("case_id")?,
        entry: entry(row)?,
        cause: row.get("cause")?,
        policy_digest: row.get("policy_digest")?,
    };
    Ok((link, row.get("prev")?, row.get("hash")?))
}

#[cfg(test)]
#[path = "journal_tests.rs"]
mod tests;
