//! From stored bytes to a decision (T2): read in parallel, then thread, decide and record, each mail
//! in a savepoint of its own, many in one commit.
//!
//! What is touched is written down and committed before, so that a mail that ends the process has an attempt counted at
//! the next start; one whose attempts are used up is put aside and the team is told, so that it never blocks the next.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::crash;
use crate::domain::decide::decide;
use crate::domain::event::{Event, Fate, Occurrence, Snapshot};
use crate::domain::id::{MailId, Seed};
use crate::domain::rules::Rules;
use crate::domain::time::Timestamp;
use crate::engine::fate::{Ruling, judge};
use crate::engine::read::{Reader, Reading};
use crate::engine::step::{Engine, EngineError};
use crate::store::{Session, StoreError, StoreErrorClass, StoredMail, Work};

/// Mails worked on in one step.
pub(super) const MAILS_PER_STEP: usize = 200;

impl Engine {
    /// Decides undecided mail; true when there was some.
    pub(super) fn work(&mut self, now: Timestamp) -> Result<bool, EngineError> {
        let attempts_max = self.setup.attempts_max;
        let exhausted = self.store.session().exhausted(attempts_max)?;
        self.quarantine(&exhausted, &format!("it could not be read in {attempts_max} attempts"), now)?;
        let mails = self.store.session().undecided(MAILS_PER_STEP, attempts_max)?;
        if mails.is_empty() {
            return Ok(!exhausted.is_empty());
        }
        self.store.session().begin_deciding(&mails.iter().map(|mail| mail.id).collect::<Vec<_>>())?;
        crash::point("reading");
        let readings = self.read_all(&mails, now);
        crash::point("opened");
        let rules = &self.setup.rules;
        let (mut decided, mut found) = (0, Vec::new());
        let done = self.store.batch::<_, StoreError>(|batch| {
            for (mail, reading) in mails.iter().zip(readings) {
                let Some(reading) = reading else {
                    tracing::error!(
                        mail = mail.id.0,
                        "a mail could not be read, by a mistake of ours; it is tried again"
                    );
                    batch.session().raise_attempts(&[mail.id])?;
                    continue;
                };
                match batch.each(|session| decide_mail(session, rules, mail, reading, now)) {
                    Ok(text) => {
                        decided += 1;
                        found.extend(text);
                    }
                    Err(error) if ends_the_batch(&error) => return Err(error),
                    Err(error) => {
                        tracing::error!(mail = mail.id.0, %error, "a mail could not be decided; it is tried again");
                        batch.session().raise_attempts(&[mail.id])?;
                    }
                }
            }
            crash::point("deciding");
            batch.session().end_work(Work::Deciding)?;
            found.iter().try_for_each(|text| batch.session().index_mail(text.mail, &text.subject, &text.body))
        });
        if done.as_ref().is_err_and(is_want_of_room) {
            // Else a disk that stays full would use up the attempts of every mail, one start after another.
            drop(self.store.session().end_work(Work::Deciding));
        }
        done?;
        crash::point("decided");
        tracing::info!(decided, "decided");
        Ok(true)
    }

    /// Reads mails on all cores, in their order; `None` for one that our code cannot read.
    fn read_all(&self, mails: &[StoredMail], now: Timestamp) -> Vec<Option<Reading>> {
        let reader = self.reader();
        in_parallel(mails, self.threads.get(), |mail| reader.read(&mail.bytes, now))
    }

    /// What reading needs.
    pub(super) fn reader(&self) -> Reader<'_> {
        Reader {
            instance: (&self.setup.rules).into(),
            keyring: &self.setup.keyring,
            authserv_ids: &self.setup.authserv_ids,
            dkim: self.setup.dkim.as_deref(),
            intake: &self.setup.intake,
            limits: &self.setup.limits,
        }
    }

    /// Puts mails aside and tells the team, each in a savepoint of its own.
    fn quarantine(&mut self, mails: &[MailId], reason: &str, now: Timestamp) -> Result<(), EngineError> {
        if mails.is_empty() {
            return Ok(());
        }
        let (rules, entropy) = (&self.setup.rules, &mut self.ports.entropy);
        self.store.batch::<_, StoreError>(|batch| {
            for mail in mails {
                let seed = entropy.seed();
                batch.each(|session| put_aside(session, rules, *mail, reason, now, seed))?;
            }
            Ok(())
        })?;
        Ok(())
    }
}

/// A fault of the disk or the database is no fault of one mail.
pub(super) fn ends_the_batch(error: &StoreError) -> bool {
    matches!(error.class(), StoreErrorClass::Fatal | StoreErrorClass::Unknown) || is_want_of_room(error)
}

/// The first of these errors says why; after it the whole transaction is gone, and every mail in it would fail.
fn is_want_of_room(error: &StoreError) -> bool {
    matches!(error, StoreError::DiskFull | StoreError::RolledBack)
}

/// Applies a function to every item on several threads. Results stand at the places of their items; that of an item
/// with which the function panics is `None`, so that it takes nothing from the others.
pub fn in_parallel<T: Sync, R: Send>(items: &[T], threads: usize, work: impl Fn(&T) -> R + Sync) -> Vec<Option<R>> {
    let share = items.len().div_ceil(threads.max(1)).max(1);
    let guarded = |item: &T| catch_unwind(AssertUnwindSafe(|| work(item))).ok();
    if items.len() <= 1 {
        return items.iter().map(guarded).collect();
    }
    let guarded = &guarded;
    std::thread::scope(|scope| {
        let shares: Vec<_> = items
            .chunks(share)
            .map(|share| (share.len(), scope.spawn(move || share.iter().map(guarded).collect::<Vec<_>>())))
            .collect();
        let lost = |len| std::iter::repeat_with(|| None).take(len).collect();
        shares.into_iter().flat_map(|(len, share)| share.join().unwrap_or_else(|_| lost(len))).collect()
    })
}

fn decide_mail(
    session: &Session<'_>,
    rules: &Rules,
    mail: &StoredMail,
    reading: Reading,
    now: Timestamp,
) -> Result<Option<Searchable>, StoreError> {
    if !session.is_undecided(mail.id)? {
        return Ok(None);
    }
    let stolen = match (&reading.opened, &reading.author) {
        (Some(_), Some(author)) if !mail.sent => session.said_by_another(&reading.content_digest, author, mail.id)?,
        (Some(_) | None, _) => false,
    };
    let reading = if stolen { reading.withheld() } else { reading };
    if let Some(author) = &reading.author {
        session.note_read(mail.id, author, reading.authenticity, &reading.content_digest)?;
    }
    match judge(session, rules, mail, &reading, now)? {
        Ruling::Settled(fate) => {
            session.settle_mail(mail.id, &fate, now, reading.author.as_ref())?;
            Ok(None)
        }
        Ruling::Alarming(reason) => put_aside(session, rules, mail.id, &reason, now, mail.seed).map(|()| None),
        Ruling::Happens { event, fate, snapshot } => {
            let case = snapshot.case.as_ref().map(|case| case.id);
            let id = session.open_occurrence(now, mail.seed, kind(&event), Some(mail.id), case)?;
            let occurrence = Occurrence { id, at: now, seed: mail.seed, event: *event };
            let decision = decide(*snapshot, &occurrence, rules);
            session.record(id, now, &decision, &rules.policy_digest)?;
            session.settle_mail(mail.id, &fate, now, reading.author.as_ref())?;
            if let (Fate::Joined(..), Some(id), false) = (&fate, &reading.outer_message_id, mail.sent) {
                session.decide_answers_again(id)?;
            }
            Ok(Some(Searchable { mail: mail.id, subject: reading.mail.subject, body: reading.mail.text }))
        }
    }
}

/// What a mail is found by.
struct Searchable {
    mail: MailId,
    subject: String,
    body: String,
}

fn put_aside(
    session: &Session<'_>,
    rules: &Rules,
    mail: MailId,
    reason: &str,
    now: Timestamp,
    seed: Seed,
) -> Result<(), StoreError> {
    let id = session.open_occurrence(now, seed, "quarantined", Some(mail), None)?;
    let event = Event::Quarantined { mail, reason: reason.to_owned() };
    let decision = decide(Snapshot::default(), &Occurrence { id, at: now, seed, event }, rules);
    session.record(id, now, &decision, &rules.policy_digest)?;
    session.settle_mail(mail, &Fate::Quarantined(reason.to_owned()), now, None)?;
    Ok(())
}

fn kind(event: &Event) -> &'static str {
    match event {
        Event::ReportReceived(_) => "report",
        Event::ReplyReceived(..) => "reply",
        Event::TeamMail(_) => "team-mail",
        Event::MailHeld(..) => "held",
        Event::AnsweredByHand(_) => "by-hand",
        Event::AutomaticReply(..) => "automatic",
        Event::TimerDue(..) => "timer",
        Event::Delivery(_) => "delivery",
        Event::SealFailed(_) => "seal-failed",
        Event::Stuck(_) => "stuck",
        Event::Quarantined { .. } => "quarantined",
        Event::Operator(_) => "operator",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_that_panics_takes_nothing_from_the_others() {
        let items: Vec<u32> = (0..9).collect();
        for threads in [1, 2, 4] {
            let results = in_parallel(&items, threads, |item| {
                assert_ne!(item % 4, 1, "a mistake of ours");
                item * 10
            });
            let expected: Vec<_> = items.iter().map(|item| (item % 4 != 1).then_some(item * 10)).collect();
            assert_eq!(results, expected);
        }
        assert_eq!(in_parallel(&[1], 2, |_| -> u32 { panic!("a mistake of ours") }), [None]);
    }
}
