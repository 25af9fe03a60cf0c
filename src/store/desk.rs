//! What the operator looks at: pages of cases and of mail that waits, and what belongs to one case.
//!
//! Each page looks at a bounded number of rows and says where the next begins, so that a list of any length keeps
//! nobody waiting. Between two pages the tables may change: a case whose clock moves meanwhile may be met twice. Never
//! decides anything.

use rusqlite::{Row, params};
use serde::{Deserialize, Serialize};

use super::error::{StoreError, failed};
use super::row;
use super::session::Session;
use crate::domain::effect::PendingAction;
use crate::domain::id::{Address, CaseId, MailId};
use crate::domain::party::PartyKey;
use crate::domain::policy::TimerAction;
use crate::domain::state::{EmbargoState, PublicationState, ReportState};
use crate::domain::time::Timestamp;

/// Which cases are listed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CaseFilter {
    /// Closed ones too.
    pub closed: bool,
    /// Only those in this state.
    pub state: Option<ReportState>,
    /// Only those of this owner; `Some(None)` for those of nobody.
    pub owner: Option<Option<PartyKey>>,
    /// Only those whose reporter got no automatic acknowledgement.
    pub unacknowledged: bool,
}

/// Where a page of cases begins: first those with a clock, as they fall due, then the others, newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CaseCursor {
    /// After this clock.
    Clock {
        /// When it is due.
        due: i64,
        /// Its number.
        timer: i64,
    },
    /// Cases without a clock, before this number.
    Quiet {
        /// The number.
        before: i64,
    },
}

/// A case, for a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseOverview {
    /// Its number.
    pub id: CaseId,
    /// Its label.
    pub label: String,
    /// Its title.
    pub title: String,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// Report state.
    pub report: ReportState,
    /// Severity.
    pub severity: Option<String>,
    /// Owner.
    pub owner: Option<PartyKey>,
    /// Embargo state.
    pub embargo: EmbargoState,
    /// End of the embargo.
    pub embargo_until: Option<Timestamp>,
    /// The way of the advisory.
    pub publication: PublicationState,
    /// When a member last answered a reporter by hand.
    pub answered_at: Option<Timestamp>,
    /// What became of the acknowledgement, as the journal has it.
    pub acknowledgement: Option<String>,
    /// The clock that is due first.
    pub next: Option<(Timestamp, TimerAction)>,
}

/// A running clock of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClockLine {
    /// When it is due.
    pub due: Timestamp,
    /// What it does then.
    pub action: TimerAction,
    /// The maintainer it is about.
    pub party: Option<PartyKey>,
}

/// A received mail, for a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailLine {
    /// Its number.
    pub mail: MailId,
    /// When the server got it.
    pub arrived: Timestamp,
    /// When it got its fate.
    pub decided_at: Option<Timestamp>,
    /// Its author, if it has one.
    pub from: Option<Address>,
    /// Its fate, in the store's word.
    pub fate: String,
    /// The case it joined or claims.
    pub case: Option<CaseId>,
    /// The label of that case.
    pub label: Option<String>,
    /// The party or member it joined as.
    pub party: Option<PartyKey>,
    /// Why it was put aside.
    pub reason: Option<String>,
    /// How often a decision failed or was cut off.
    pub attempts: u32,
    /// Its subject, where it was read.
    pub subject: Option<String>,
}

/// What waits for a confirmation. Its word stays in the store: it is a secret of the member who asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AwaitedLine {
    /// Who asked.
    pub member: PartyKey,
    /// What happens on confirmation.
    pub action: PendingAction,
    /// No longer valid after this.
    pub expires: Timestamp,
}

/// Begins like this where no acknowledgement was sent; written by the decision on a report.
const NOT_SENT: &str = "not sent";

const OVERVIEW: &str =
    "cases.id, label, title, opened_at, report, severity, owner, embargo, embargo_until, publication,
    answered_at, (SELECT to_state FROM journal WHERE journal.case_id = cases.id AND what = 'acknowledgement'
        ORDER BY seq LIMIT 1) AS acknowledgement";
const CHOSEN: &str = "(?1 OR report <> 'closed') AND (?2 IS NULL OR report = ?2)
    AND (NOT ?3 OR owner IS ?4) AND (NOT ?5 OR acknowledgement LIKE ?6 || '%')";
const MAIL: &str =
    "SELECT mail.id, arrived, decided_at, author, fate, mail.case_id, cases.label, party, reason, attempts,
    mail_text.subject FROM mail";
const MAIL_JOINED: &str = "LEFT JOIN cases ON cases.id = mail.case_id LEFT JOIN mail_text ON mail_text.rowid = mail.id";

impl Session<'_> {
    /// A page of cases, and where the next begins. Looks at `most` cases; fewer, or none, may be those asked for.
    ///
    /// # Errors
    /// What the database says.
    pub fn case_page(
        &self,
        filter: &CaseFilter,
        from: CaseCursor,
        most: usize,
    ) -> Result<(Vec<CaseOverview>, Option<CaseCursor>), StoreError> {
        match from {
            CaseCursor::Clock { due, timer } => self.clocked_cases(filter, (due, timer), most),
            CaseCursor::Quiet { before } => self.quiet_cases(filter, before, most),
        }
    }

    fn clocked_cases(
        &self,
        filter: &CaseFilter,
        (due, timer): (i64, i64),
        most: usize,
    ) -> Result<(Vec<CaseOverview>, Option<CaseCursor>), StoreError> {
        let step = "list cases by their clocks";
        let last = "SELECT due, id FROM timers WHERE (due, id) > (?1, ?2) ORDER BY due, id LIMIT 1 OFFSET ?3";
        let last = self.one(step, last, params![due, timer, row::limit(most.saturating_sub(1))], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
        })?;
        let end = last.unwrap_or((i64::MAX, i64::MAX));
        // A case stands at its first clock only.
        let sql = format!(
            "SELECT {OVERVIEW}, timers.due, timers.action FROM timers JOIN cases ON cases.id = timers.case_id
            WHERE (timers.due, timers.id) > (?7, ?8) AND (timers.due, timers.id) <= (?9, ?10) AND {CHOSEN}
            AND NOT EXISTS (SELECT 1 FROM timers AS earlier WHERE earlier.case_id = timers.case_id
                AND (earlier.due, earlier.id) < (timers.due, timers.id))
            ORDER BY timers.due, timers.id"
        );
        let (state, owner) = (filter.state.map(ReportState::word), owner(filter));
        let values = params![
            filter.closed,
            state,
            filter.owner.is_some(),
            owner,
            filter.unacknowledged,
            NOT_SENT,
            due,
            timer,
            end.0,
            end.1
        ];
        let rows = self.all(step, &sql, values, |row| {
            let next = Some((row::instant(row, "due")?, row::word(row, "action", TimerAction::from_word)?));
            Ok(CaseOverview { next, ..overview(row)? })
        })?;
        let next = match last {
            Some((due, timer)) => CaseCursor::Clock { due, timer },
            None => CaseCursor::Quiet { before: i64::MAX },
        };
        Ok((rows, Some(next)))
    }

    fn quiet_cases(
        &self,
        filter: &CaseFilter,
        before: i64,
        most: usize,
    ) -> Result<(Vec<CaseOverview>, Option<CaseCursor>), StoreError> {
        let step = "list cases without clocks";
        // Spelt out, so that the index of open cases serves.
        let open = if filter.closed { "" } else { "AND report <> 'closed'" };
        let last = format!("SELECT id FROM cases WHERE id < ?1 {open} ORDER BY id DESC LIMIT 1 OFFSET ?2");
        let last = self.one(step, &last, params![before, row::limit(most.saturating_sub(1))], |row| row.get(0))?;
        let sql = format!(
            "SELECT {OVERVIEW} FROM cases WHERE cases.id < ?7 AND cases.id >= ?8 {open} AND {CHOSEN}
            AND NOT EXISTS (SELECT 1 FROM timers WHERE timers.case_id = cases.id) ORDER BY cases.id DESC"
        );
        let (state, owner) = (filter.state.map(ReportState::word), owner(filter));
        let end = last.unwrap_or(i64::MIN);
        let asked = filter.owner.is_some();
        let values = params![filter.closed, state, asked, owner, filter.unacknowledged, NOT_SENT, before, end];
        let rows = self.all(step, &sql, values, overview)?;
        Ok((rows, last.map(|before| CaseCursor::Quiet { before })))
    }

    /// The label of a case, if it exists.
    ///
    /// # Errors
    /// What the database says.
    pub fn label_of(&self, case: CaseId) -> Result<Option<String>, StoreError> {
        self.one("look up a label", "SELECT label FROM cases WHERE id = ?1", [case.0], |row| row.get(0))
    }

    /// The label of the case whose number is nearest.
    ///
    /// # Errors
    /// What the database says.
    pub fn nearest_case(&self, case: CaseId) -> Result<Option<String>, StoreError> {
        let sql =
            "SELECT label FROM (SELECT * FROM (SELECT id, label FROM cases WHERE id <= ?1 ORDER BY id DESC LIMIT 1)
            UNION ALL SELECT * FROM (SELECT id, label FROM cases WHERE id > ?1 ORDER BY id LIMIT 1))
            ORDER BY abs(id - ?1) LIMIT 1";
        self.one("look for a case near by", sql, [case.0], |row| row.get(0))
    }

    /// What became of the acknowledgement of a case, as the journal has it.
    ///
    /// # Errors
    /// What the database says.
    pub fn acknowledgement_of(&self, case: CaseId) -> Result<Option<String>, StoreError> {
        let sql = "SELECT to_state FROM journal WHERE case_id = ?1 AND what = 'acknowledgement' ORDER BY seq LIMIT 1";
        self.one("look up an acknowledgement", sql, [case.0], |row| row.get(0))
    }

    /// The running clocks of a case, as they fall due.
    ///
    /// # Errors
    /// What the database says.
    pub fn clocks_of(&self, case: CaseId, most: usize) -> Result<Vec<ClockLine>, StoreError> {
        let sql = "SELECT due, action, party FROM timers WHERE case_id = ?1 ORDER BY due, id LIMIT ?2";
        self.all("list the clocks of a case", sql, params![case.0, row::limit(most)], |row| {
            let party: String = row.get("party")?;
            Ok(ClockLine {
                due: row::instant(row, "due")?,
                action: row::word(row, "action", TimerAction::from_word)?,
                party: (!party.is_empty()).then_some(PartyKey(party)),
            })
        })
    }

    /// The newest mails of a case, oldest first.
    ///
    /// # Errors
    /// What the database says.
    pub fn mails_of(&self, case: CaseId, most: usize) -> Result<Vec<MailLine>, StoreError> {
        let sql = format!("{MAIL} {MAIL_JOINED} WHERE mail.case_id = ?1 ORDER BY mail.id DESC LIMIT ?2");
        let mut mails = self.all("list the mails of a case", &sql, params![case.0, row::limit(most)], mail_line)?;
        mails.reverse();
        Ok(mails)
    }

    /// One mail.
    ///
    /// # Errors
    /// What the database says.
    pub fn mail_line(&self, mail: MailId) -> Result<Option<MailLine>, StoreError> {
        self.one("look at a mail", &format!("{MAIL} {MAIL_JOINED} WHERE mail.id = ?1"), [mail.0], mail_line)
    }

    /// A page of mail that waits for a member, newest first, before a number: put aside, or held for a case.
    ///
    /// # Errors
    /// What the database says.
    pub fn waiting_page(&self, held: bool, before: MailId, most: usize) -> Result<Vec<MailLine>, StoreError> {
        let sql = format!(
            "{MAIL} INDEXED BY mail_waiting {MAIL_JOINED} WHERE fate IN ('held', 'quarantined') AND fate = ?1
            AND mail.id < ?2 ORDER BY mail.id DESC LIMIT ?3"
        );
        let fate = if held { "held" } else { "quarantined" };
        self.all("list waiting mail", &sql, params![fate, before.0, row::limit(most)], mail_line)
    }

    /// What waits for a confirmation in a case.
    ///
    /// # Errors
    /// What the database says.
    pub fn awaited_in(&self, case: CaseId, now: Timestamp, most: usize) -> Result<Vec<AwaitedLine>, StoreError> {
        let sql = "SELECT member, action, expires FROM confirmations
            WHERE case_id = ?1 AND used_at IS NULL AND expires >= ?2 ORDER BY expires LIMIT ?3";
        self.all("list what awaits a confirmation", sql, params![case.0, now.0, row::limit(most)], |row| {
            Ok(AwaitedLine {
                member: PartyKey(row.get("member")?),
                action: row::word(row, "action", row::json)?,
                expires: row::instant(row, "expires")?,
            })
        })
    }

    /// The text of a mail as it was read, where it was.
    ///
    /// # Errors
    /// What the database says.
    pub fn text_of(&self, mail: MailId) -> Result<Option<String>, StoreError> {
        self.one("load a text", "SELECT body FROM mail_text WHERE rowid = ?1", [mail.0], |row| row.get(0))
    }

    /// The first bytes of a mail as received; nothing else of it is loaded. Empty where there is no such mail.
    ///
    /// # Errors
    /// What the database says.
    pub fn head_of(&self, mail: MailId, most_bytes: usize) -> Result<Vec<u8>, StoreError> {
        let step = "load the head of a mail";
        if !self.any(step, "SELECT 1 FROM mail_bytes WHERE mail_id = ?1", [mail.0])? {
            return Ok(Vec::new());
        }
        let blob = self.connection().blob_open("main", "mail_bytes", "bytes", mail.0, true).map_err(failed(step))?;
        let mut head = vec![0; most_bytes.min(blob.len())];
        blob.read_at_exact(&mut head, 0).map_err(failed(step))?;
        Ok(head)
    }
}

fn owner(filter: &CaseFilter) -> Option<&str> {
    filter.owner.as_ref().and_then(Option::as_ref).map(|key| key.0.as_str())
}

fn overview(row: &Row<'_>) -> rusqlite::Result<CaseOverview> {
    Ok(CaseOverview {
        id: CaseId(row.get("id")?),
        label: row.get("label")?,
        title: row.get("title")?,
        opened_at: row::instant(row, "opened_at")?,
        report: row::word(row, "report", ReportState::from_word)?,
        severity: row.get("severity")?,
        owner: row::party(row, "owner")?,
        embargo: row::word(row, "embargo", EmbargoState::from_word)?,
        embargo_until: row::maybe_instant(row, "embargo_until")?,
        publication: row::word(row, "publication", PublicationState::from_word)?,
        answered_at: row::maybe_instant(row, "answered_at")?,
        acknowledgement: row.get("acknowledgement")?,
        next: None,
    })
}

fn mail_line(row: &Row<'_>) -> rusqlite::Result<MailLine> {
    Ok(MailLine {
        mail: row.get("id").map(MailId)?,
        arrived: row::instant(row, "arrived")?,
        decided_at: row::maybe_instant(row, "decided_at")?,
        from: row::maybe(row, "author", Address::parse)?,
        fate: row.get("fate")?,
        case: row::case(row, "case_id")?,
        label: row.get("label")?,
        party: row::party(row, "party")?,
        reason: row.get("reason")?,
        attempts: row.get("attempts")?,
        subject: row.get("subject")?,
    })
}

#[cfg(test)]
#[path = "desk_tests.rs"]
mod tests;
