//! Clocks that run. Never says what time it is: the caller does.

use rusqlite::params;

use super::error::StoreError;
use super::row;
use super::session::Session;
use crate::domain::effect::TimerKey;
use crate::domain::id::CaseId;
use crate::domain::party::PartyKey;
use crate::domain::policy::TimerAction;
use crate::domain::time::Timestamp;

/// How often a clock is tried that the store refuses.
pub const TIMER_ATTEMPTS_MAX: u32 = 3;

/// A clock that has run out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueTimer {
    /// The case.
    pub case: CaseId,
    /// Which clock.
    pub key: TimerKey,
    /// What it does.
    pub action: TimerAction,
    /// When it was due.
    pub due: Timestamp,
}

impl Session<'_> {
    /// Clocks due at `now`, in the order in which they became due, but for those that were put aside.
    ///
    /// # Errors
    /// What the database says.
    pub fn due_timers(&self, now: Timestamp, limit: usize) -> Result<Vec<DueTimer>, StoreError> {
        let sql = "SELECT case_id, rule, party, step, due, action FROM timers
            WHERE due <= ?1 AND attempts < ?3 ORDER BY due, id LIMIT ?2";
        self.all("load due timers", sql, params![now.0, row::limit(limit), TIMER_ATTEMPTS_MAX], |row| {
            let party: String = row.get("party")?;
            let party = (!party.is_empty()).then_some(PartyKey(party));
            Ok(DueTimer {
                case: row.get("case_id").map(CaseId)?,
                key: TimerKey { rule: row.get("rule")?, party, step: row.get("step")? },
                action: row::word(row, "action", TimerAction::from_word)?,
                due: row::instant(row, "due")?,
            })
        })
    }

    /// Takes away a clock that fires now. `false` when it is gone or was set anew: then it does not fire.
    ///
    /// # Errors
    /// What the database says.
    pub fn drop_timer(&self, timer: &DueTimer) -> Result<bool, StoreError> {
        let sql = "DELETE FROM timers WHERE case_id = ?1 AND rule = ?2 AND party = ?3 AND step = ?4 AND due = ?5";
        let key = &timer.key;
        let values = params![timer.case.0, key.rule, party_text(key.party.as_ref()), key.step, timer.due.0];
        Ok(self.run("take away a timer", sql, values)? == 1)
    }

    /// The earliest instant at which a clock is due, outgoing mail and what was put aside left out.
    ///
    /// # Errors
    /// What the database says.
    pub fn next_timer(&self) -> Result<Option<Timestamp>, StoreError> {
        let sql = "SELECT min(due) AS at FROM timers WHERE attempts < ?1";
        let found = self.one("find the next clock", sql, [TIMER_ATTEMPTS_MAX], |row| row::maybe_instant(row, "at"))?;
        Ok(found.flatten())
    }

    /// Counts that a clock could not be fired; how often by now. At [`TIMER_ATTEMPTS_MAX`] it is put aside: it stays, and
    /// is not due any more unless it is set anew.
    ///
    /// # Errors
    /// What the database says.
    pub fn timer_failed(&self, timer: &DueTimer) -> Result<u32, StoreError> {
        let sql = "UPDATE timers SET attempts = attempts + 1
            WHERE case_id = ?1 AND rule = ?2 AND party = ?3 AND step = ?4 RETURNING attempts";
        let key = &timer.key;
        let values = params![timer.case.0, key.rule, party_text(key.party.as_ref()), key.step];
        Ok(self.one("count a failed clock", sql, values, |row| row.get(0))?.unwrap_or_default())
    }

    pub(super) fn set_timer(
        &self,
        case: CaseId,
        key: &TimerKey,
        due: Timestamp,
        action: TimerAction,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO timers (case_id, rule, party, step, due, action) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
            ON CONFLICT (case_id, rule, party, step) DO UPDATE SET due = excluded.due, action = excluded.action,
            attempts = 0";
        let values = params![case.0, key.rule, party_text(key.party.as_ref()), key.step, due.0, action.word()];
        self.run("set a timer", sql, values).map(|_| ())
    }

    pub(super) fn clear_timers(&self, case: CaseId, rule: &str, party: Option<&PartyKey>) -> Result<(), StoreError> {
        let sql = "DELETE FROM timers WHERE case_id = ?1 AND rule = ?2 AND (?3 IS NULL OR party = ?3)";
        let values = params![case.0, rule, party.map(|party| party.0.as_str())];
        self.run("clear timers", sql, values).map(|_| ())
    }
}

/// The empty word stands for no party: in a unique index, NULLs would all differ.
fn party_text(party: Option<&PartyKey>) -> &str {
    party.map_or("", |party| party.0.as_str())
}
