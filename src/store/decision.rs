//! Records a decision: case, outgoing mail, timers, nonces, pages and journal, all or nothing.
//!
//! Chooses nothing: every effect is written as it is. What is good for one time only and was used
//! before is [`StoreError::AlreadyUsed`], and nothing of the decision is kept.

use rusqlite::params;

use super::error::StoreError;
use super::row;
use super::session::Session;
use crate::domain::effect::{Decision, Effect, MailKind, OutgoingMail, Pending};
use crate::domain::event::AckCounts;
use crate::domain::id::{Address, CaseId, MailId, OccurrenceId, Seed};
use crate::domain::party::PartyKey;
use crate::domain::time::{DAY, HOUR, Timestamp};

impl Session<'_> {
    /// Stores an occurrence before it is decided. `kind` is the event's name, for people.
    ///
    /// # Errors
    /// What the database says.
    pub fn open_occurrence(
        &self,
        at: Timestamp,
        seed: Seed,
        kind: &str,
        mail: Option<MailId>,
        case: Option<CaseId>,
    ) -> Result<OccurrenceId, StoreError> {
        let sql = "INSERT INTO occurrences (at, seed, kind, mail_id, case_id) VALUES (?1, ?2, ?3, ?4, ?5)";
        let values = params![at.0, seed.0, kind, mail.map(|mail| mail.0), case.map(|case| case.0)];
        self.insert("store an occurrence", sql, values).map(OccurrenceId)
    }

    /// Writes a decision: the case as it is now, each effect, and the journal.
    ///
    /// # Errors
    /// [`StoreError::AlreadyUsed`] for a nonce, signature, confirmation or waiting mail that was used before; else
    /// what the database says. Then nothing of the decision is kept.
    pub fn record(
        &self,
        occurrence: OccurrenceId,
        at: Timestamp,
        decision: &Decision,
        policy_digest: &str,
    ) -> Result<(), StoreError> {
        self.atomically(|| {
            let case = decision.case.as_ref().map(|case| case.id);
            if let Some(case) = &decision.case {
                self.write_case(case)?;
            }
            decision.effects.iter().try_for_each(|effect| self.write_effect(occurrence, at, case, effect))?;
            self.append_journal(occurrence, at, case, &decision.journal, policy_digest)
        })
    }

    /// Whether a nonce was issued to this member for this case and not used yet.
    ///
    /// # Errors
    /// What the database says.
    pub fn nonce_live(&self, nonce: &str, member: &PartyKey, case: Option<CaseId>) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM nonces WHERE nonce = ?1 AND member = ?2 AND case_id IS ?3 AND used_at IS NULL";
        self.any("look up a nonce", sql, params![nonce, member.0, case.map(|case| case.0)])
    }

    /// Whether a signature has commanded something before.
    ///
    /// # Errors
    /// What the database says.
    pub fn signature_seen(&self, digest: &str) -> Result<bool, StoreError> {
        self.any("look up a signature", "SELECT 1 FROM ledger WHERE digest = ?1", [digest])
    }

    /// What a confirmation would set going, if it exists for this case and was not used. The caller looks at `expires`.
    ///
    /// # Errors
    /// What the database says.
    pub fn confirmation(&self, token: &str, case: CaseId) -> Result<Option<Pending>, StoreError> {
        let sql = "SELECT token, member, second_member, action, expires FROM confirmations
            WHERE token = ?1 AND case_id = ?2 AND used_at IS NULL";
        self.one("look up a confirmation", sql, params![token, case.0], |row| {
            Ok(Pending {
                token: row.get("token")?,
                member: PartyKey(row.get("member")?),
                second_member: row.get("second_member")?,
                action: row::word(row, "action", row::json)?,
                expires: row::instant(row, "expires")?,
            })
        })
    }

    /// How many answers to reports were queued lately, whatever became of them. A notice without content stands for an
    /// acknowledgement, and all `+details` of an address are one person: else forged senders could fill his mailbox.
    ///
    /// # Errors
    /// What the database says.
    pub fn ack_counts(&self, to: &Address, now: Timestamp) -> Result<AckCounts, StoreError> {
        // Both are as cheap on a busy day as on a quiet one: one person's mails by an index, the hour by the minute.
        let sql = "SELECT (SELECT count(*) FROM outbox WHERE kind IN ('acknowledgement', 'notice')
                AND recipient_base = ?1 AND created_at > ?2) AS to_address,
            (SELECT coalesce(sum(count), 0) FROM answered_minutes WHERE minute > ?3) AS in_an_hour";
        let values = params![to.without_detail().key(), now.before(DAY).0, minute(now.before(HOUR))];
        let counts = self.one("count acknowledgements", sql, values, |row| {
            Ok(AckCounts { to_address_in_a_day: row.get("to_address")?, in_an_hour: row.get("in_an_hour")? })
        })?;
        Ok(counts.unwrap_or_default())
    }

    /// How many transcripts a member got about a case since an instant.
    ///
    /// # Errors
    /// What the database says.
    pub fn transcripts(&self, case: CaseId, member: &PartyKey, since: Timestamp) -> Result<u32, StoreError> {
        let sql = "SELECT count(*) FROM outbox
            WHERE kind = 'transcript' AND case_id = ?1 AND party = ?2 AND created_at > ?3";
        let count = self.one("count transcripts", sql, params![case.0, member.0, since.0], |row| row.get(0))?;
        Ok(count.unwrap_or_default())
    }

    /// Pages to write into the site folder, in order: number, relative path, content.
    ///
    /// # Errors
    /// What the database says.
    pub fn due_pages(&self, limit: usize) -> Result<Vec<(i64, String, String)>, StoreError> {
        let sql = "SELECT id, path, content FROM pages WHERE written_at IS NULL ORDER BY id LIMIT ?1";
        self.all("load due pages", sql, [row::limit(limit)], |row| {
            Ok((row.get("id")?, row.get("path")?, row.get("content")?))
        })
    }

    /// Notes that a page was written.
    ///
    /// # Errors
    /// What the database says.
    pub fn page_written(&self, page: i64, at: Timestamp) -> Result<(), StoreError> {
        let sql = "UPDATE pages SET written_at = ?2 WHERE id = ?1";
        self.run("note a written page", sql, params![page, at.0]).map(|_| ())
    }

    fn write_effect(
        &self,
        occurrence: OccurrenceId,
        at: Timestamp,
        case: Option<CaseId>,
        effect: &Effect,
    ) -> Result<(), StoreError> {
        match effect {
            Effect::Mail(mail) => self.queue_mail(occurrence, at, case, mail),
            Effect::SetTimer { key, due, action } => self.set_timer(of_a_case(case)?, key, *due, *action),
            Effect::ClearTimers { rule, party } => self.clear_timers(of_a_case(case)?, rule, party.as_ref()),
            Effect::IssueNonce { nonce, member } => {
                let sql = "INSERT INTO nonces (nonce, member, case_id, issued_at) VALUES (?1, ?2, ?3, ?4)";
                let values = params![nonce, member.0, case.map(|case| case.0), at.0];
                self.run("issue a nonce", sql, values).map(|_| ())
            }
            Effect::UseNonce(nonce) => {
                let sql = "UPDATE nonces SET used_at = ?2 WHERE nonce = ?1 AND used_at IS NULL";
                once("a nonce", self.run("use a nonce", sql, params![nonce, at.0])?)
            }
            Effect::Remember { digest } => {
                let sql = "INSERT INTO ledger (digest, seen_at) VALUES (?1, ?2) ON CONFLICT (digest) DO NOTHING";
                once("a signature", self.run("remember a signature", sql, params![digest, at.0])?)
            }
            Effect::AwaitConfirmation(pending) => self.await_confirmation(case, pending),
            Effect::UseConfirmation(token) => {
                let sql =
                    "UPDATE confirmations SET used_at = ?2 WHERE token = ?1 AND case_id IS ?3 AND used_at IS NULL";
                let values = params![token, at.0, case.map(|case| case.0)];
                once("a confirmation", self.run("use a confirmation", sql, values)?)
            }
            Effect::DropAcknowledgement(party) => self.drop_acknowledgement(of_a_case(case)?, party),
            Effect::Requeue { mail, case } => self.requeue(*mail, *case, at),
            Effect::Page { path, content } => {
                let sql = "INSERT INTO pages (occurrence_id, path, content) VALUES (?1, ?2, ?3)";
                self.run("queue a page", sql, params![occurrence.0, path, content]).map(|_| ())
            }
        }
    }

    fn queue_mail(
        &self,
        occurrence: OccurrenceId,
        at: Timestamp,
        case: Option<CaseId>,
        mail: &OutgoingMail,
    ) -> Result<(), StoreError> {
        let step = "queue a mail";
        let id = mail.message_id.as_str();
        let local = id.split('@').next().unwrap_or_default();
        let unique = local.split('.').next().unwrap_or_default();
        let sql = "INSERT INTO outbox (occurrence_id, case_id, party, kind, recipient, recipient_base, message_id,
            message_local, message_unique, created_at, changed_at)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10)";
        let values = params![
            occurrence.0,
            case.map(|case| case.0),
            mail.party.as_ref().map(|party| party.0.as_str()),
            mail.kind.word(),
            mail.to.as_str(),
            mail.to.without_detail().key(),
            id,
            local,
            unique,
            at.0
        ];
        let row = self.insert(step, sql, values)?;
        let plan = "INSERT INTO outbox_plans (outbox_id, plan) VALUES (?1, ?2)";
        self.run(step, plan, params![row, row::to_json(step, mail)?])?;
        match mail.kind {
            MailKind::Acknowledgement | MailKind::Notice => {
                let sql = "INSERT INTO answered_minutes (minute, count) VALUES (?1, 1)
                    ON CONFLICT (minute) DO UPDATE SET count = count + 1";
                self.run("count an answer", sql, [minute(at)])?;
                let sql = "DELETE FROM answered_minutes WHERE minute < ?1";
                self.run("forget old answers", sql, [minute(at.before(DAY))]).map(|_| ())
            }
            MailKind::Forward
            | MailKind::Note
            | MailKind::Transcript
            | MailKind::Letter
            | MailKind::MaintainerNotice
            | MailKind::Reminder
            | MailKind::Alert
            | MailKind::Advisory => Ok(()),
        }
    }

    fn await_confirmation(&self, case: Option<CaseId>, pending: &Pending) -> Result<(), StoreError> {
        let step = "await a confirmation";
        let sql = "INSERT INTO confirmations (token, case_id, member, second_member, action, expires)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let action = row::to_json(step, &pending.action)?;
        let case = case.map(|case| case.0);
        let values = params![pending.token, case, pending.member.0, pending.second_member, action, pending.expires.0];
        self.run(step, sql, values).map(|_| ())
    }
}

fn minute(at: Timestamp) -> i64 {
    at.0.div_euclid(60)
}

fn once(what: &'static str, changed: usize) -> Result<(), StoreError> {
    if changed == 1 { Ok(()) } else { Err(StoreError::AlreadyUsed { what }) }
}

fn of_a_case(case: Option<CaseId>) -> Result<CaseId, StoreError> {
    case.ok_or(StoreError::Query { step: "write a timer that belongs to no case", code: 0 })
}

#[cfg(test)]
#[path = "decision_tests.rs"]
mod tests;
