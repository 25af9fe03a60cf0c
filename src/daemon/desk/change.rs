//! The three changes that are the operator's to make: decide a waiting mail again, try an outgoing mail again, hold one.
//!
//! Each mail has a savepoint of its own, in which the change and its journal row are made together. What cannot be
//! changed is said, and harms no other.

use super::look::fate_words;
use super::rows::Change;
use super::{Answer, Office, Problem};
use crate::domain::decide::decide;
use crate::domain::event::{Event, Occurrence, OperatorAct, Snapshot, TurnedMail};
use crate::domain::id::{CaseId, MailId, OutboxId, Seed};
use crate::domain::rules::Rules;
use crate::domain::time::Timestamp;
use crate::store::{OutboxRow, OutboxState, Session, StoreError};

/// What the outbox says of a mail that the operator holds.
const HELD: &str = "held by the operator";

/// What a change is made with.
struct Hand<'a> {
    session: &'a Session<'a>,
    rules: &'a Rules,
    seed: Seed,
    now: Timestamp,
}

pub(super) fn requeue(office: &mut Office<'_>, mails: &[i64], now: Timestamp) -> Result<Answer, Problem> {
    each(office, mails, now, |hand, id| {
        let mail = MailId(id);
        let Some(waiting) = hand.session.waiting_mail(mail)? else {
            let line = hand.session.mail_line(mail)?;
            return Ok(Err(line.map_or_else(
                || format!("there is no mail {id}"),
                |line| format!("mail {id} does not wait: {}", fate_words(&line)),
            )));
        };
        hand.decide(Some(mail), waiting.claims, OperatorAct::Requeued(mail))?;
        Ok(Ok(format!("mail {id} will be decided again")))
    })
}

pub(super) fn retry(office: &mut Office<'_>, rows: &[i64], now: Timestamp) -> Result<Answer, Problem> {
    each(office, rows, now, |hand, id| {
        let Some(row) = hand.session.row(OutboxId(id))? else { return Ok(Err(unknown(id))) };
        let refused = match row.state {
            OutboxState::Held | OutboxState::Failed | OutboxState::Deferred => None,
            OutboxState::Delivered => Some("a relay took it; no second copy is made"),
            OutboxState::Claimed => Some("a relay has it; wait for the answer"),
            OutboxState::Queued | OutboxState::Sealed => Some("it waits for its turn already"),
        };
        if let Some(reason) = refused {
            return Ok(Err(format!("{}: {reason}", named(&row))));
        }
        if !hand.session.retry(row.id, hand.now)? {
            return Ok(Err(format!("{}: it has changed meanwhile", named(&row))));
        }
        hand.decide(None, row.case, OperatorAct::Retried(turned(&row)))?;
        let doubt =
            if row.ambiguous > 0 { "; a relay may have taken it before, so a copy may arrive twice" } else { "" };
        Ok(Ok(format!("{} goes out again{doubt}", named(&row))))
    })
}

pub(super) fn hold(office: &mut Office<'_>, rows: &[i64], now: Timestamp) -> Result<Answer, Problem> {
    each(office, rows, now, |hand, id| {
        let Some(row) = hand.session.row(OutboxId(id))? else { return Ok(Err(unknown(id))) };
        let refused = match row.state {
            OutboxState::Queued | OutboxState::Sealed | OutboxState::Deferred => None,
            OutboxState::Held => Some("it is held already"),
            OutboxState::Failed => Some("it has failed, and is not tried any more"),
            OutboxState::Claimed => Some("a relay has it; it cannot be stopped any more"),
            OutboxState::Delivered => Some("a relay took it; it cannot be stopped any more"),
        };
        if let Some(reason) = refused {
            return Ok(Err(format!("{}: {reason}", named(&row))));
        }
        if !hand.session.stop(row.id, HELD, hand.now)? {
            return Ok(Err(format!("{}: it has changed meanwhile", named(&row))));
        }
        hand.decide(None, row.case, OperatorAct::Stopped(turned(&row)))?;
        Ok(Ok(format!("{} is held until it is tried again", named(&row))))
    })
}

/// Makes one change after the other, all in one commit; the outer error is the store's, the inner one a refusal.
fn each(
    office: &mut Office<'_>,
    ids: &[i64],
    now: Timestamp,
    change: impl Fn(&Hand<'_>, i64) -> Result<Result<String, String>, StoreError>,
) -> Result<Answer, Problem> {
    let (rules, entropy) = (office.rules, &mut *office.entropy);
    let changes = office.store.batch::<_, StoreError>(|batch| {
        let mut changes = Vec::new();
        for id in ids {
            let seed = entropy.seed();
            let outcome = batch.each(|session| change(&Hand { session, rules, seed, now }, *id))?;
            let done = outcome.is_ok();
            let (Ok(line) | Err(line)) = outcome;
            changes.push(Change { id: *id, done, line });
        }
        Ok(changes)
    })?;
    Ok(Answer::Changed(changes))
}

impl Hand<'_> {
    /// Records the act, with what follows from it.
    fn decide(&self, mail: Option<MailId>, case: Option<CaseId>, act: OperatorAct) -> Result<(), StoreError> {
        let Self { session, rules, seed, now } = *self;
        let snapshot =
            Snapshot { case: case.map(|case| session.case(case)).transpose()?.flatten(), ..Snapshot::default() };
        let id = session.open_occurrence(now, seed, "operator", mail, case)?;
        let occurrence = Occurrence { id, at: now, seed, event: Event::Operator(act) };
        session.record(id, now, &decide(snapshot, &occurrence, rules), &rules.policy_digest)
    }
}

fn unknown(id: i64) -> String {
    format!("there is no outgoing mail {id}")
}

fn named(row: &OutboxRow) -> String {
    format!("mail {} ({} to {})", row.id, row.kind.word(), row.recipient)
}

fn turned(row: &OutboxRow) -> TurnedMail {
    TurnedMail { row: row.id, kind: row.kind, party: row.party.clone(), was: row.state.word().to_owned() }
}
