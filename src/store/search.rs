//! Search over what the team may see: subjects and texts of opened mail.
//!
//! Never interprets the words asked for: each is one quoted term, and all must occur. Newest first
//! by number, never ranked: ranking costs as much as there are hits.

use rusqlite::params;

use super::error::StoreError;
use super::row;
use super::session::Session;
use crate::domain::id::{CaseId, MailId};

/// Words of a query that are looked at; the rest is left out.
const QUERY_MAX_WORDS: usize = 16;

/// A mail that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The mail.
    pub mail: MailId,
    /// The case it joined, or claims.
    pub case: Option<CaseId>,
    /// Its subject.
    pub subject: String,
}

impl Session<'_> {
    /// Lets a mail be found by its subject and text. Again for the same mail: the new text replaces the old.
    ///
    /// Within a batch it is best called after everything else, and outside any savepoint: the index writes out what it has
    /// gathered at each savepoint, and many small pieces cost several times as much as one.
    ///
    /// # Errors
    /// What the database says.
    pub fn index_mail(&self, mail: MailId, subject: &str, text: &str) -> Result<(), StoreError> {
        let step = "index a mail";
        let there = "SELECT 1 FROM mail_text WHERE rowid = ?1";
        if self.any(step, there, [mail.0])? {
            self.run(step, "DELETE FROM mail_text WHERE rowid = ?1", [mail.0])?;
        }
        let sql = "INSERT INTO mail_text (rowid, subject, body) VALUES (?1, ?2, ?3)";
        self.run(step, sql, params![mail.0, subject, text]).map(|_| ())
    }

    /// The text of the mail that opened a case.
    ///
    /// # Errors
    /// What the database says.
    pub fn first_report(&self, case: CaseId) -> Result<Option<String>, StoreError> {
        let sql = "SELECT body FROM mail_text
            WHERE rowid = (SELECT min(id) FROM mail WHERE case_id = ?1 AND fate = 'joined' AND sent = 0)";
        self.one("load the first report", sql, [case.0], |row| row.get(0))
    }

    /// Mails in which every word occurs, newest first. A query without a word finds nothing.
    ///
    /// # Errors
    /// What the database says.
    pub fn search(&self, query: &str, limit: usize) -> Result<Vec<Found>, StoreError> {
        let terms: Vec<String> = query
            .split_whitespace()
            .filter(|word| word.chars().any(char::is_alphanumeric))
            .take(QUERY_MAX_WORDS)
            .map(|word| format!("\"{}\"", word.replace(['"', '\0'], " ")))
            .collect();
        if terms.is_empty() {
            return Ok(Vec::new());
        }
        let sql =
            "SELECT mail.id, mail.case_id, mail_text.subject FROM mail_text JOIN mail ON mail.id = mail_text.rowid
            WHERE mail_text MATCH ?1 ORDER BY mail_text.rowid DESC LIMIT ?2";
        self.all("search", sql, params![terms.join(" "), row::limit(limit)], |row| {
            Ok(Found {
                mail: row.get("id").map(MailId)?,
                case: row::case(row, "case_id")?,
                subject: row.get("subject")?,
            })
        })
    }
}
