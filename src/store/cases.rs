//! Cases with their parties and conversations, as they are now.
//!
//! Never changes a state by itself: writes what a decision says, and reads it back equal.

use rusqlite::{Row, params};

use super::error::StoreError;
use super::row;
use super::session::Session;
use crate::domain::case::{Case, Contact};
use crate::domain::event::CaseLine;
use crate::domain::id::{Address, CaseId, Fingerprint, MessageId};
use crate::domain::label::Label;
use crate::domain::party::{Party, PartyKey, Role};
use crate::domain::state::{ContactState, EmbargoState, PublicationState, ReportState};
use crate::domain::time::Timestamp;

const CASE: &str = "SELECT id, label, title, opened_at, report, close_reason, severity, owner, embargo, embargo_until,
    publication, advisory, answered_at, answered_by FROM cases";

/// The most cases that one Message-ID is looked up in.
const MESSAGE_MAX_CASES: u32 = 20;

/// Who wrote a mail that another mail refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// We did, to this party or member; to nobody in particular where it went to a public list.
    ByUs(Option<PartyKey>),
    /// Somebody else, whose mail joined the case.
    ByOthers,
}

impl Session<'_> {
    /// A new case with the next number, which is never used again once this is committed.
    ///
    /// # Errors
    /// What the database says.
    pub fn new_case(&self, prefix: &str, at: Timestamp) -> Result<Case, StoreError> {
        let step = "open a case";
        self.atomically(|| {
            let sql = "INSERT INTO cases (label, title, opened_at, report, embargo, publication)
                VALUES ('', '', ?1, ?2, ?3, ?4)";
            let (report, embargo) = (ReportState::Received.word(), EmbargoState::None.word());
            let number = self.insert(step, sql, params![at.0, report, embargo, PublicationState::None.word()])?;
            let label = Label::new(prefix, at, CaseId(number));
            self.run(step, "UPDATE cases SET label = ?2 WHERE id = ?1", params![number, label.as_str()])?;
            Ok(Case::opened(CaseId(number), label, at))
        })
    }

    /// A case, whole.
    ///
    /// # Errors
    /// What the database says.
    pub fn case(&self, id: CaseId) -> Result<Option<Case>, StoreError> {
        let found = self.one("load a case", &format!("{CASE} WHERE id = ?1"), [id.0], case)?;
        found
            .map(|mut case| {
                case.parties = self.parties(id)?;
                case.contacts = self.contacts(id)?;
                Ok(case)
            })
            .transpose()
    }

    /// Cases that are not closed, newest first.
    ///
    /// # Errors
    /// What the database says.
    pub fn open_cases(&self, limit: usize) -> Result<Vec<CaseLine>, StoreError> {
        let sql = format!("{CASE} WHERE report <> 'closed' ORDER BY id DESC LIMIT ?1");
        self.all("load open cases", &sql, [row::limit(limit)], |row| {
            let case = case(row)?;
            let summary = case.summary();
            let label = case.label.as_str().to_owned();
            Ok(CaseLine { label, summary, owner: case.owner, opened_at: case.opened_at })
        })
    }

    /// The cases a Message-ID belongs to, newest first, and who wrote the mail: ours are compared by what
    /// stands before the `@`, because hosts rewrite the domain. Else a mail that joined the case carries it.
    ///
    /// # Errors
    /// What the database says.
    pub fn cases_of_message(&self, id: &MessageId) -> Result<Vec<(CaseId, Written)>, StoreError> {
        let step = "find the cases of a Message-ID";
        let local = id.as_str().split('@').next().unwrap_or_default();
        let unique = local.split('.').next().unwrap_or_default();
        let sql = "SELECT DISTINCT case_id, party FROM outbox
            WHERE message_unique = ?1 AND message_local = ?2 AND case_id IS NOT NULL ORDER BY case_id DESC LIMIT ?3";
        let ours = self.all(step, sql, params![unique, local, MESSAGE_MAX_CASES], |row| {
            Ok((CaseId(row.get(0)?), Written::ByUs(row.get::<_, Option<String>>(1)?.map(PartyKey))))
        })?;
        if !ours.is_empty() {
            return Ok(ours);
        }
        let sql = "SELECT DISTINCT case_id FROM mail WHERE message_id = ?1 AND fate IN ('joined', 'noted')
            ORDER BY case_id DESC LIMIT ?2";
        self.all(step, sql, params![id.as_str(), MESSAGE_MAX_CASES], |row| Ok((CaseId(row.get(0)?), Written::ByOthers)))
    }

    /// Writes a case as it is now.
    pub(super) fn write_case(&self, case: &Case) -> Result<(), StoreError> {
        let step = "write a case";
        let advisory = case.advisory.as_ref().map(|advisory| row::to_json(step, advisory)).transpose()?;
        let sql =
            "UPDATE cases SET title = ?2, report = ?3, close_reason = ?4, severity = ?5, owner = ?6, embargo = ?7,
            embargo_until = ?8, publication = ?9, advisory = ?10, answered_at = ?11, answered_by = ?12 WHERE id = ?1";
        let changed = self.run(
            step,
            sql,
            params![
                case.id.0,
                case.title,
                case.report.word(),
                case.close_reason,
                case.severity,
                key_text(case.owner.as_ref()),
                case.embargo.word(),
                case.embargo_until.map(|at| at.0),
                case.publication.word(),
                advisory,
                case.answered_at.map(|at| at.0),
                key_text(case.answered_by.as_ref()),
            ],
        )?;
        if changed != 1 {
            return Err(StoreError::Query { step: "write a case that was never opened", code: 0 });
        }
        self.write_parties(case)?;
        self.write_contacts(case)
    }

    fn write_parties(&self, case: &Case) -> Result<(), StoreError> {
        let step = "write the parties of a case";
        self.run(step, "DELETE FROM aliases WHERE case_id = ?1", [case.id.0])?;
        self.run(step, "DELETE FROM parties WHERE case_id = ?1", [case.id.0])?;
        let sql = "INSERT INTO parties (case_id, position, key, role, address, fingerprint, form, last_message)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        let alias = "INSERT INTO aliases (case_id, party, address) VALUES (?1, ?2, ?3)";
        for (position, party) in (0_u32..).zip(&case.parties) {
            let form = row::form_word(party.form);
            let fingerprint = party.fingerprint.as_ref().map(Fingerprint::as_str);
            let last = party.last_message.as_ref().map(MessageId::as_str);
            let (key, role, address) = (&party.key.0, party.role.word(), party.address.as_str());
            self.run(step, sql, params![case.id.0, position, key, role, address, fingerprint, form, last])?;
            for other in &party.aliases {
                self.run(step, alias, params![case.id.0, key, other.as_str()])?;
            }
        }
        Ok(())
    }

    fn write_contacts(&self, case: &Case) -> Result<(), StoreError> {
        let step = "write the contacts of a case";
        self.run(step, "DELETE FROM contacts WHERE case_id = ?1", [case.id.0])?;
        let sql = "INSERT INTO contacts (case_id, party, state, since) VALUES (?1, ?2, ?3, ?4)";
        for contact in &case.contacts {
            let since = contact.since.map(|at| at.0);
            self.run(step, sql, params![case.id.0, contact.party.0, contact.state.word(), since])?;
        }
        Ok(())
    }

    fn parties(&self, id: CaseId) -> Result<Vec<Party>, StoreError> {
        let step = "load the parties of a case";
        let sql = "SELECT key, role, address, fingerprint, form, last_message FROM parties
            WHERE case_id = ?1 ORDER BY position";
        let mut parties = self.all(step, sql, [id.0], party)?;
        let sql = "SELECT party, address FROM aliases WHERE case_id = ?1 ORDER BY id";
        let aliases =
            self.all(step, sql, [id.0], |row| Ok((PartyKey(row.get("party")?), row::address(row, "address")?)))?;
        for (key, address) in aliases {
            if let Some(party) = parties.iter_mut().find(|party| party.key == key) {
                party.aliases.push(address);
            }
        }
        Ok(parties)
    }

    fn contacts(&self, id: CaseId) -> Result<Vec<Contact>, StoreError> {
        let sql = "SELECT party, state, since FROM contacts WHERE case_id = ?1 ORDER BY id";
        self.all("load the contacts of a case", sql, [id.0], |row| {
            Ok(Contact {
                party: PartyKey(row.get("party")?),
                state: row::word(row, "state", ContactState::from_word)?,
                since: row::maybe_instant(row, "since")?,
            })
        })
    }
}

fn case(row: &Row<'_>) -> rusqlite::Result<Case> {
    let label: String = row.get("label")?;
    let mut case = Case::opened(CaseId(row.get("id")?), Label::stored(label), row::instant(row, "opened_at")?);
    case.title = row.get("title")?;
    case.report = row::word(row, "report", ReportState::from_word)?;
    case.close_reason = row.get("close_reason")?;
    case.severity = row.get("severity")?;
    case.owner = row::party(row, "owner")?;
    case.embargo = row::word(row, "embargo", EmbargoState::from_word)?;
    case.embargo_until = row::maybe_instant(row, "embargo_until")?;
    case.publication = row::word(row, "publication", PublicationState::from_word)?;
    case.advisory = row::maybe(row, "advisory", row::json)?;
    case.answered_at = row::maybe_instant(row, "answered_at")?;
    case.answered_by = row::party(row, "answered_by")?;
    Ok(case)
}

fn party(row: &Row<'_>) -> rusqlite::Result<Party> {
    Ok(Party {
        key: PartyKey(row.get("key")?),
        role: row::word(row, "role", Role::from_word)?,
        address: row::word(row, "address", Address::parse)?,
        aliases: Vec::new(),
        fingerprint: row::fingerprint(row, "fingerprint")?,
        form: row::word(row, "form", row::from_serde_word)?,
        last_message: row::message_id(row, "last_message")?,
    })
}

fn key_text(key: Option<&PartyKey>) -> Option<&str> {
    key.map(|key| key.0.as_str())
}

#[cfg(test)]
#[path = "cases_tests.rs"]
mod tests;
