//! Answers that people wrote by hand: found again when what they answer becomes a case, and shown.
//!
//! Never decides which case an answer joins: keeps what it answers, and makes it undecided again.

use rusqlite::params;

use super::error::StoreError;
use super::inbound::StoredMail;
use super::row;
use super::session::Session;
use crate::domain::decide::ANSWERED_BY_HAND;
use crate::domain::event::{AnswerByHand, WaitingMail};
use crate::domain::id::{Address, CaseId, MailId, MessageId};
use crate::domain::party::PartyKey;
use crate::domain::time::Timestamp;

/// Mails that one answer may be found again by.
const ANSWERED_MAX: usize = 20;
/// Answers that one mail makes undecided again.
const AGAIN_MAX: u32 = 50;
/// Answers of one case that are shown.
const SHOWN_MAX: u32 = 5;

/// What answers a report by itself: the acknowledgement, or the notice without content that stands for it.
const UNSEALED_ACK: &str = "state = 'queued' AND case_id = ?1 AND (kind = 'acknowledgement' OR (kind = 'notice'
    AND occurrence_id IN (SELECT id FROM occurrences WHERE case_id = ?1 AND kind = 'report')))";

impl Session<'_> {
    /// The same mail of the Sent folder, when it joined a case before: equal apart from trace headers, or rendered anew.
    ///
    /// # Errors
    /// What the database says.
    pub fn same_sent(&self, mail: &StoredMail, message_id: Option<&MessageId>) -> Result<Option<MailId>, StoreError> {
        let sql = "SELECT id FROM mail WHERE sent = 1 AND fate = 'joined' AND id <> ?1 AND (
            stable_digest = (SELECT stable_digest FROM mail WHERE id = ?1) OR
            (message_id = ?2 AND text_digest = (SELECT text_digest FROM mail WHERE id = ?1))) ORDER BY id LIMIT 1";
        let values = params![mail.id.0, message_id.map(MessageId::as_str)];
        self.one("find the same sent mail", sql, values, |row| row.get(0).map(MailId))
    }

    /// Keeps what an answer by hand answers, and to whom it went, as long as no case knows of it.
    ///
    /// # Errors
    /// What the database says.
    pub fn await_answered(&self, mail: MailId, answers: &[MessageId], to: &[Address]) -> Result<(), StoreError> {
        // Blanks stand in no address.
        let recipients = to.iter().map(Address::key).collect::<Vec<_>>().join(" ");
        let sql = "INSERT INTO unplaced (message_id, mail_id, recipients) VALUES (?1, ?2, ?3)
            ON CONFLICT (message_id, mail_id) DO UPDATE SET recipients = excluded.recipients";
        answers.iter().take(ANSWERED_MAX).try_for_each(|id| {
            self.run("keep what a mail answers", sql, params![id.as_str(), mail.0, recipients]).map(|_| ())
        })
    }

    /// Whether somebody of ours has answered a mail of this author before it was decided.
    ///
    /// # Errors
    /// What the database says.
    pub fn answered_before(&self, id: &MessageId, author: &Address) -> Result<bool, StoreError> {
        let sql = "SELECT recipients FROM unplaced JOIN mail ON mail.id = unplaced.mail_id
            WHERE unplaced.message_id = ?1 AND fate = 'sent' LIMIT ?2";
        let found: Vec<String> =
            self.all("look for an answer by hand", sql, params![id.as_str(), AGAIN_MAX], |row| row.get(0))?;
        let key = author.key();
        Ok(found.iter().any(|recipients| recipients.split(' ').any(|recipient| recipient == key)))
    }

    /// A mail has joined a case: the answers to it that were written by hand are to be decided again.
    ///
    /// # Errors
    /// What the database says.
    pub fn decide_answers_again(&self, id: &MessageId) -> Result<(), StoreError> {
        // Almost every mail is one that nobody answered yet.
        if !self.any("look for answers by hand", "SELECT 1 FROM unplaced WHERE message_id = ?1", [id.as_str()])? {
            return Ok(());
        }
        let sql = "UPDATE mail SET fate = 'undecided', reason = NULL, decided_at = NULL, attempts = 0
            WHERE fate = 'sent' AND id IN (SELECT mail_id FROM unplaced WHERE message_id = ?1 LIMIT ?2)";
        self.run("take up answers by hand", sql, params![id.as_str(), AGAIN_MAX]).map(|_| ())
    }

    /// Parties of a case whose acknowledgement is queued and not sealed.
    ///
    /// # Errors
    /// What the database says.
    pub fn unsealed_acks(&self, case: CaseId) -> Result<Vec<PartyKey>, StoreError> {
        let sql = format!("SELECT DISTINCT party FROM outbox WHERE {UNSEALED_ACK} AND party IS NOT NULL");
        self.all("look for unsealed acknowledgements", &sql, [case.0], |row| row.get(0).map(PartyKey))
    }

    /// Takes back what is queued for a party as acknowledgement, or as the notice that stands for it.
    pub(super) fn drop_acknowledgement(&self, case: CaseId, party: &PartyKey) -> Result<(), StoreError> {
        let step = "take an acknowledgement back";
        let which = format!("{UNSEALED_ACK} AND party = ?2");
        let plans = format!("DELETE FROM outbox_plans WHERE outbox_id IN (SELECT id FROM outbox WHERE {which})");
        self.run(step, &plans, params![case.0, party.0])?;
        self.run(step, &format!("DELETE FROM outbox WHERE {which}"), params![case.0, party.0]).map(|_| ())
    }

    /// The last answers by hand in a case, newest first; `member` has not seen those that are newer than the last
    /// transcript to him.
    ///
    /// # Errors
    /// What the database says.
    pub fn answers_by_hand(&self, case: CaseId, member: &PartyKey) -> Result<Vec<AnswerByHand>, StoreError> {
        let step = "look for answers by hand";
        let sql = "SELECT max(created_at) FROM outbox WHERE kind = 'transcript' AND case_id = ?1 AND party = ?2";
        let last: Option<i64> = self.one(step, sql, params![case.0, member.0], |row| row.get(0))?.flatten();
        let sql = "SELECT at, actor, to_state FROM journal WHERE case_id = ?1 AND what = ?2 ORDER BY seq DESC LIMIT ?3";
        self.all(step, sql, params![case.0, ANSWERED_BY_HAND, SHOWN_MAX], |row| {
            let at = row::instant(row, "at")?;
            Ok(AnswerByHand {
                at,
                writer: row::party(row, "actor")?.unwrap_or_else(PartyKey::of_the_address),
                to: row.get("to_state")?,
                unseen: last.is_none_or(|last| at >= Timestamp(last)),
            })
        })
    }

    /// Mails written by hand that joined no case, newest first.
    ///
    /// # Errors
    /// What the database says.
    pub fn unplaced(&self, limit: usize) -> Result<Vec<WaitingMail>, StoreError> {
        let sql =
            format!("{} WHERE fate = 'sent' AND reason IS NOT NULL ORDER BY id DESC LIMIT ?1", super::inbound::WAITING);
        self.all("load unplaced mail", &sql, [row::limit(limit)], super::inbound::waiting)
    }

    /// What else is held of one sender in a case, oldest first.
    ///
    /// # Errors
    /// What the database says.
    pub fn held_of(&self, case: CaseId, from: &Address, limit: usize) -> Result<Vec<WaitingMail>, StoreError> {
        let sql = format!(
            "{} WHERE fate = 'held' AND case_id = ?1 AND lower(author) = ?2 ORDER BY id LIMIT ?3",
            super::inbound::WAITING
        );
        self.all("load held mail", &sql, params![case.0, from.key(), row::limit(limit)], super::inbound::waiting)
    }
}
