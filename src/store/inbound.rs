//! Received mail: stored once with its bytes, decided once, listed while it waits.
//!
//! Accepted → decided. A mail is never deleted and its bytes are never changed. A mail that was
//! fetched before is known again by its place *and* its bytes, never by its Message-ID.

use rusqlite::{Row, params};
use sha2::{Digest, Sha256};

use super::error::StoreError;
use super::row;
use super::session::Session;
use crate::domain::event::{Answerable, Authenticity, Fate, WaitingMail};
use crate::domain::id::{Address, CaseId, MailId, MessageId, Seed};
use crate::domain::time::Timestamp;
use crate::domain::token::digest_hex;

/// A mail as fetched, with what the engine gives it.
#[derive(Debug, Clone)]
pub struct NewMail {
    /// The mailbox.
    pub mailbox: String,
    /// UIDVALIDITY (RFC 9051 section 2.3.1.1), 0 for a Maildir or a file.
    pub uid_validity: u32,
    /// UID, 0 for a Maildir or a file.
    pub uid: u32,
    /// File name for a Maildir or a file, else empty.
    pub name: String,
    /// Whether it lay in the junk folder.
    pub junk: bool,
    /// Whether it lay in the Sent folder.
    pub sent: bool,
    /// When the server got it.
    pub arrived: Timestamp,
    /// Now.
    pub accepted_at: Timestamp,
    /// Randomness for its decision.
    pub seed: Seed,
    /// Whether it may be acknowledged.
    pub answerable: Answerable,
    /// Its size on the server in bytes, when `bytes` is only its header.
    pub oversize: Option<u64>,
    /// Digest of what stays the same when the mail comes again.
    pub stable_digest: String,
    /// Its Message-ID.
    pub message_id: Option<MessageId>,
    /// The bytes as received.
    pub bytes: Vec<u8>,
}

/// A mail that is durable now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepted {
    /// Its number.
    pub id: MailId,
    /// Whether it was here before: same place, same bytes.
    pub known: bool,
}

/// A mail that is to be decided.
#[derive(Debug, Clone)]
pub struct StoredMail {
    /// Its number.
    pub id: MailId,
    /// The bytes as received.
    pub bytes: Vec<u8>,
    /// When the server got it.
    pub arrived: Timestamp,
    /// Randomness for its decision.
    pub seed: Seed,
    /// How often a decision failed or was cut off before.
    pub attempts: u32,
    /// Whether it lay in the junk folder.
    pub junk: bool,
    /// Whether it lay in the Sent folder: people of ours sent it, or we did.
    pub sent: bool,
    /// Whether it may be acknowledged.
    pub answerable: Answerable,
    /// Its size on the server in bytes, when `bytes` is only its header.
    pub oversize: Option<u64>,
    /// The case a member admitted it to.
    pub admitted: Option<CaseId>,
}

const STORED: &str = "SELECT mail.id, bytes, arrived, seed, attempts, junk, sent, answerable, oversize, admitted
    FROM mail JOIN mail_bytes ON mail_bytes.mail_id = mail.id";
pub(super) const WAITING: &str = "SELECT id, fate, case_id, author, authenticity, reason, arrived FROM mail";

impl Session<'_> {
    /// T1: stores mails, all in one commit; the answers are in the same order.
    ///
    /// # Errors
    /// What the database says; then none is stored.
    pub fn accept(&self, mails: &[NewMail]) -> Result<Vec<Accepted>, StoreError> {
        self.atomically(|| mails.iter().map(|mail| self.accept_one(mail)).collect())
    }

    /// Mails to decide: fresh ones, oldest first, until 32 MiB are passed. When there are none, one that was tried before, alone, the
    /// least tried first: a mail that ends the process must not use up the attempts of others.
    ///
    /// # Errors
    /// What the database says.
    pub fn undecided(&self, limit: usize, max_attempts: u32) -> Result<Vec<StoredMail>, StoreError> {
        let step = "load undecided mail";
        // Large mails come in small batches: the sum of those before must stay under the limit.
        let fresh = format!(
            "WITH next AS (SELECT id, length(bytes) AS size FROM mail JOIN mail_bytes ON mail_bytes.mail_id = mail.id
                WHERE fate = 'undecided' AND attempts = 0 ORDER BY id LIMIT ?1),
            fit AS (SELECT id, sum(size) OVER (ORDER BY id) - size AS before FROM next)
            {STORED} WHERE mail.id IN (SELECT id FROM fit WHERE before < ?2) ORDER BY mail.id"
        );
        let found = self.all(step, &fresh, params![row::limit(limit), row::BATCH_BYTES], stored)?;
        if !found.is_empty() {
            return Ok(found);
        }
        let tried = format!(
            "{STORED} WHERE fate = 'undecided' AND attempts BETWEEN 1 AND ?1 - 1 ORDER BY attempts, mail.id LIMIT 1"
        );
        self.all(step, &tried, [max_attempts], stored)
    }

    /// Undecided mails whose attempts are used up, oldest first, at most 50.
    ///
    /// # Errors
    /// What the database says.
    pub fn exhausted(&self, max_attempts: u32) -> Result<Vec<MailId>, StoreError> {
        let sql = "SELECT id FROM mail WHERE fate = 'undecided' AND attempts >= ?1 ORDER BY id LIMIT 50";
        self.all("load exhausted mail", sql, [max_attempts], |row| row.get(0).map(MailId))
    }

    /// Counts one more attempt for each.
    ///
    /// # Errors
    /// What the database says.
    pub fn raise_attempts(&self, mails: &[MailId]) -> Result<(), StoreError> {
        let sql = "UPDATE mail SET attempts = attempts + 1 WHERE id = ?1";
        self.atomically(|| mails.iter().try_for_each(|mail| self.run("count an attempt", sql, [mail.0]).map(|_| ())))
    }

    /// Gives a mail its fate. `false` when it has one already: then nothing is changed.
    ///
    /// # Errors
    /// What the database says.
    pub fn settle_mail(
        &self,
        mail: MailId,
        fate: &Fate,
        at: Timestamp,
        author: Option<&Address>,
    ) -> Result<bool, StoreError> {
        let (word, case, party, reason, duplicate_of) = match fate {
            Fate::Joined(case, party) => ("joined", Some(case.0), Some(party.0.as_str()), None, None),
            Fate::Held(case) => ("held", Some(case.0), None, None, None),
            Fate::Quarantined(reason) => ("quarantined", None, None, Some(reason.as_str()), None),
            Fate::Duplicate(first) => ("duplicate", None, None, None, Some(first.0)),
            Fate::Noted(case) => ("noted", Some(case.0), None, None, None),
            Fate::Answered => ("answered", None, None, None, None),
            Fate::Sent(reason) => ("sent", None, None, reason.as_deref(), None),
        };
        let sql =
            "UPDATE mail SET fate = ?2, case_id = ?3, party = ?4, reason = ?5, duplicate_of = ?6, decided_at = ?7,
            author = coalesce(?8, author) WHERE id = ?1 AND fate = 'undecided'";
        let author = author.map(Address::as_str);
        let values = params![mail.0, word, case, party, reason, duplicate_of, at.0, author];
        Ok(self.run("settle a mail", sql, values)? == 1)
    }

    /// Notes what was read in a mail, by which the same mail rendered anew is found.
    ///
    /// # Errors
    /// What the database says.
    pub fn note_read(
        &self,
        mail: MailId,
        author: &Address,
        authenticity: Authenticity,
        text_digest: &str,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE mail SET author = ?2, text_digest = ?3, authenticity = ?4 WHERE id = ?1";
        let values = params![mail.0, author.as_str(), key_of(text_digest), row::authenticity_word(authenticity)];
        self.run("note what was read", sql, values).map(|_| ())
    }

    /// Whether the mail has no fate yet.
    ///
    /// # Errors
    /// What the database says.
    pub fn is_undecided(&self, mail: MailId) -> Result<bool, StoreError> {
        self.any("look at a mail", "SELECT 1 FROM mail WHERE id = ?1 AND fate = 'undecided'", [mail.0])
    }

    /// The first mail that is the same but for its way here, and that joined a case. A mail that was put aside or held is
    /// no such mail: a copy sent ahead on a worse way must not swallow the true one, and who moves a mail out of the
    /// junk folder wants it read.
    ///
    /// # Errors
    /// What the database says.
    pub fn find_same(&self, mail: MailId) -> Result<Option<MailId>, StoreError> {
        let sql = "SELECT id FROM mail WHERE stable_digest = (SELECT stable_digest FROM mail WHERE id = ?1)
            AND id < ?1 AND fate = 'joined' ORDER BY id LIMIT 1";
        self.one("find the same mail", sql, [mail.0], |row| row.get(0).map(MailId))
    }

    /// The first mail with the same Message-ID, author and text, for servers that render mail anew at each fetch.
    ///
    /// # Errors
    /// What the database says.
    pub fn find_same_rendered(
        &self,
        message_id: &MessageId,
        from: &Address,
        text_digest: &str,
        before: MailId,
    ) -> Result<Option<MailId>, StoreError> {
        let sql =
            "SELECT id, author FROM mail WHERE message_id = ?1 AND text_digest = ?2 AND id < ?3 AND fate = 'joined'
            AND author IS NOT NULL ORDER BY id LIMIT 50";
        let values = params![message_id.as_str(), key_of(text_digest), before.0];
        let found = self.all("find the same mail rendered anew", sql, values, |row| {
            Ok((row.get("id").map(MailId)?, row::address(row, "author")?))
        })?;
        Ok(found.into_iter().find(|(_, author)| author.same_mailbox(from)).map(|(id, _)| id))
    }

    /// Whether an earlier mail of another author said exactly this.
    ///
    /// # Errors
    /// What the database says.
    pub fn said_by_another(&self, text_digest: &str, from: &Address, before: MailId) -> Result<bool, StoreError> {
        let sql = "SELECT DISTINCT author FROM mail WHERE text_digest = ?1 AND id < ?2 AND author IS NOT NULL LIMIT 50";
        let values = params![key_of(text_digest), before.0];
        let found = self.all("look for the same words of another", sql, values, |row| row::address(row, "author"))?;
        Ok(found.iter().any(|author| !author.same_mailbox(from)))
    }

    /// The bytes of a mail, exactly as received.
    ///
    /// # Errors
    /// What the database says.
    pub fn bytes_of(&self, mail: MailId) -> Result<Option<Vec<u8>>, StoreError> {
        self.one("load a mail", "SELECT bytes FROM mail_bytes WHERE mail_id = ?1", [mail.0], |row| row.get(0))
    }

    /// Mails that wait for a member, newest first.
    ///
    /// # Errors
    /// What the database says.
    pub fn waiting(&self, limit: usize) -> Result<Vec<WaitingMail>, StoreError> {
        let sql = format!("{WAITING} WHERE fate IN ('held', 'quarantined') ORDER BY id DESC LIMIT ?1");
        self.all("load waiting mail", &sql, [row::limit(limit)], waiting)
    }

    /// One mail, if it waits for a member.
    ///
    /// # Errors
    /// What the database says.
    pub fn waiting_mail(&self, mail: MailId) -> Result<Option<WaitingMail>, StoreError> {
        let sql = format!("{WAITING} WHERE fate IN ('held', 'quarantined', 'sent') AND id = ?1");
        self.one("load a waiting mail", &sql, [mail.0], waiting)
    }

    /// Makes a waiting mail undecided again, as a mail of this case or from the beginning, with a new seed made
    /// from the old: two decisions on one seed would make the same Message-IDs.
    ///
    /// # Errors
    /// [`StoreError::AlreadyUsed`] when the mail does not wait.
    pub fn requeue(&self, mail: MailId, case: Option<CaseId>, at: Timestamp) -> Result<(), StoreError> {
        let step = "take up a waiting mail";
        let waits = "SELECT seed FROM mail WHERE id = ?1 AND fate IN ('held', 'quarantined', 'sent')";
        let Some(seed) = self.one(step, waits, [mail.0], |row| row::seed(row, "seed"))? else {
            return Err(StoreError::AlreadyUsed { what: "a waiting mail" });
        };
        let sql = "UPDATE mail SET fate = 'undecided', case_id = NULL, party = NULL, reason = NULL, decided_at = NULL,
            attempts = 0, junk = 0, admitted = ?2, seed = ?3 WHERE id = ?1";
        self.run(step, sql, params![mail.0, case.map(|case| case.0), next_seed(seed, at).0]).map(|_| ())
    }

    fn accept_one(&self, mail: &NewMail) -> Result<Accepted, StoreError> {
        let step = "store a mail";
        let digest = digest_hex(&mail.bytes);
        let place = params![mail.mailbox, mail.uid_validity, mail.uid, mail.name, digest];
        let known = "SELECT id FROM mail
            WHERE mailbox = ?1 AND uid_validity = ?2 AND uid = ?3 AND name = ?4 AND digest = ?5";
        if let Some(id) = self.one(step, known, place, |row| row.get(0).map(MailId))? {
            return Ok(Accepted { id, known: true });
        }
        let sql =
            "INSERT INTO mail (mailbox, uid_validity, uid, name, digest, stable_digest, message_id, junk, arrived,
            accepted_at, seed, answerable, oversize, sent)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)";
        let id = self.insert(
            step,
            sql,
            params![
                mail.mailbox,
                mail.uid_validity,
                mail.uid,
                mail.name,
                digest,
                key_of(&mail.stable_digest),
                mail.message_id.as_ref().map(MessageId::as_str),
                mail.junk,
                mail.arrived.0,
                mail.accepted_at.0,
                mail.seed.0,
                row::answerable_word(mail.answerable),
                mail.oversize.map(|size| i64::try_from(size).unwrap_or(i64::MAX)),
                mail.sent,
            ],
        )?;
        self.run(step, "INSERT INTO mail_bytes (mail_id, bytes) VALUES (?1, ?2)", params![id, mail.bytes])?;
        Ok(Accepted { id: MailId(id), known: false })
    }
}

/// What a digest is looked up by: 160 bits of it, which nobody makes collide, in a third of the room. These keys fall all over
/// their index, so the more of them a page holds the fewer pages are read and written.
fn key_of(digest: &str) -> [u8; 20] {
    let whole: [u8; 32] = Sha256::digest(digest.as_bytes()).into();
    let mut key = [0; 20];
    key.iter_mut().zip(whole).for_each(|(octet, from)| *octet = from);
    key
}

fn stored(row: &Row<'_>) -> rusqlite::Result<StoredMail> {
    Ok(StoredMail {
        id: row.get("id").map(MailId)?,
        bytes: row.get("bytes")?,
        arrived: row::instant(row, "arrived")?,
        seed: row::seed(row, "seed")?,
        attempts: row.get("attempts")?,
        junk: row.get("junk")?,
        sent: row.get("sent")?,
        answerable: row::word(row, "answerable", row::answerable)?,
        oversize: row.get::<_, Option<i64>>("oversize")?.map(i64::unsigned_abs),
        admitted: row::case(row, "admitted")?,
    })
}

pub(super) fn waiting(row: &Row<'_>) -> rusqlite::Result<WaitingMail> {
    let reason: Option<String> = row.get("reason")?;
    Ok(WaitingMail {
        mail: row.get("id").map(MailId)?,
        claims: row::case(row, "case_id")?,
        from: row::maybe(row, "author", Address::parse)?,
        authenticity: row::maybe(row, "authenticity", row::authenticity)?.unwrap_or(Authenticity::Unknown),
        reason: reason.unwrap_or_else(|| "its sender is not known in the case it points at".to_owned()),
        arrived: row::instant(row, "arrived")?,
    })
}

fn next_seed(seed: Seed, at: Timestamp) -> Seed {
    let digest =
        Sha256::new().chain_update(b"requeue").chain_update(seed.0).chain_update(at.0.to_be_bytes()).finalize();
    let mut next = seed;
    next.0.iter_mut().zip(digest).for_each(|(old, new)| *old = new);
    next
}

#[cfg(test)]
#[path = "inbound_tests.rs"]
mod tests;
