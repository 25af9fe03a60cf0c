//! Facts about the database itself, and how much waits in it.

use rusqlite::params;

use super::error::StoreError;
use super::row;
use super::session::Session;
use super::timers::TIMER_ATTEMPTS_MAX;
use crate::domain::time::Timestamp;

/// How many things wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Backlog {
    /// Received mail without a fate.
    pub undecided: u64,
    /// Received mail, held or quarantined, that waits for a member.
    pub waiting: u64,
    /// Outgoing mail not sealed yet.
    pub queued: u64,
    /// Outgoing mail to be sent now: sealed, or deferred and due.
    pub sealed_due: u64,
    /// Outgoing mail deferred to later.
    pub deferred: u64,
    /// Outgoing mail handed to the relay, without an answer yet.
    pub claimed: u64,
    /// Outgoing mail that cannot be sealed.
    pub held: u64,
    /// Pages not written yet.
    pub pages: u64,
}

impl Session<'_> {
    /// Whether the first start on this inbox was settled before (`--adopt`).
    ///
    /// # Errors
    /// What the database says.
    pub fn adopted(&self) -> Result<bool, StoreError> {
        self.any("read the adoption", "SELECT 1 FROM meta WHERE name = 'adopted_at'", [])
    }

    /// Notes that the inbox is adopted. The first time stands.
    ///
    /// # Errors
    /// What the database says.
    pub fn mark_adopted(&self, at: Timestamp) -> Result<(), StoreError> {
        let sql = "INSERT INTO meta (name, value) VALUES ('adopted_at', ?1) ON CONFLICT (name) DO NOTHING";
        self.run("note the adoption", sql, [at.0.to_string()]).map(|_| ())
    }

    /// When the folder of sent mail was first to be read; that is now, if it never was.
    ///
    /// # Errors
    /// What the database says.
    pub fn sent_since(&self, now: Timestamp) -> Result<Timestamp, StoreError> {
        let step = "read since when sent mail is read";
        let sql = "INSERT INTO meta (name, value) VALUES ('sent_since', ?1) ON CONFLICT (name) DO NOTHING";
        self.run(step, sql, [now.0.to_string()])?;
        let sql = "SELECT CAST(value AS INTEGER) AS at FROM meta WHERE name = 'sent_since'";
        Ok(self.one(step, sql, [], |row| row::instant(row, "at"))?.unwrap_or(now))
    }

    /// Whether any mail was ever stored.
    ///
    /// # Errors
    /// What the database says.
    pub fn has_mail(&self) -> Result<bool, StoreError> {
        self.any("look for mail", "SELECT 1 FROM mail LIMIT 1", [])
    }

    /// How much waits.
    ///
    /// # Errors
    /// What the database says.
    pub fn backlog(&self, now: Timestamp) -> Result<Backlog, StoreError> {
        let sql = "SELECT (SELECT count(*) FROM mail WHERE fate = 'undecided') AS undecided,
            (SELECT count(*) FROM mail WHERE fate IN ('held', 'quarantined')) AS waiting,
            (SELECT count(*) FROM outbox WHERE state = 'queued') AS queued,
            (SELECT count(*) FROM outbox WHERE state IN ('sealed', 'deferred') AND next_at <= ?1) AS sealed_due,
            (SELECT count(*) FROM outbox WHERE state IN ('sealed', 'deferred') AND next_at > ?1) AS deferred,
            (SELECT count(*) FROM outbox WHERE state = 'claimed') AS claimed,
            (SELECT count(*) FROM outbox WHERE state = 'held') AS held,
            (SELECT count(*) FROM pages WHERE written_at IS NULL) AS pages";
        let found = self.one("count what waits", sql, params![now.0], |row| {
            Ok(Backlog {
                undecided: row::count(row, "undecided")?,
                waiting: row::count(row, "waiting")?,
                queued: row::count(row, "queued")?,
                sealed_due: row::count(row, "sealed_due")?,
                deferred: row::count(row, "deferred")?,
                claimed: row::count(row, "claimed")?,
                held: row::count(row, "held")?,
                pages: row::count(row, "pages")?,
            })
        })?;
        Ok(found.unwrap_or_default())
    }

    /// The earliest instant at which something is due by itself: a clock, or a deferred mail.
    ///
    /// # Errors
    /// What the database says.
    pub fn next_wake(&self) -> Result<Option<Timestamp>, StoreError> {
        let sql = "SELECT min(at) FROM (SELECT min(due) AS at FROM timers WHERE attempts < ?1 UNION ALL
            SELECT min(next_at) FROM outbox WHERE state IN ('sealed', 'deferred'))";
        let found = self.one("find the next wake-up", sql, [TIMER_ATTEMPTS_MAX], |row| row.get::<_, Option<i64>>(0))?;
        Ok(found.flatten().map(Timestamp))
    }

    /// Makes sure that the database is this instance's; a new one becomes it.
    pub(super) fn belongs_to(&self, instance: &str) -> Result<(), StoreError> {
        let step = "read the instance's name";
        let sql = "SELECT value FROM meta WHERE name = 'instance'";
        match self.one(step, sql, [], |row| row.get::<_, String>(0))? {
            Some(found) if found == instance => Ok(()),
            Some(found) => Err(StoreError::OtherInstance { found }),
            None => self.run(step, "INSERT INTO meta (name, value) VALUES ('instance', ?1)", [instance]).map(|_| ()),
        }
    }
}
