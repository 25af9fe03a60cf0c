//! Clocks that are due, in the order in which they were due, each fired once.
//!
//! A clock that the store refuses three times is put aside, and the team is told; it holds up no other.

use crate::domain::decide::{decide, mail_of_held_rule};
use crate::domain::event::{Event, Occurrence, Snapshot};
use crate::domain::id::Seed;
use crate::domain::rules::Rules;
use crate::domain::time::Timestamp;
use crate::engine::aside;
use crate::engine::step::{Engine, EngineError};
use crate::engine::work::ends_the_batch;
use crate::store::{DueTimer, Session, StoreError, TIMER_ATTEMPTS_MAX};

/// Clocks fired in one step.
const TIMERS_PER_STEP: usize = 100;

impl Engine {
    /// Fires due clocks; true when there were some.
    pub(super) fn fire_timers(&mut self, now: Timestamp) -> Result<bool, EngineError> {
        let due = self.store.session().due_timers(now, TIMERS_PER_STEP)?;
        if due.is_empty() {
            return Ok(false);
        }
        let mut fired = 0;
        let (rules, entropy) = (&self.setup.rules, &mut self.ports.entropy);
        self.store.batch::<_, StoreError>(|batch| {
            for timer in due {
                let seed = entropy.seed();
                let done: Result<(), StoreError> = batch.each(|session| fire(session, rules, &timer, now, seed));
                let Err(error) = done else {
                    fired += 1;
                    continue;
                };
                tracing::error!(case = timer.case.0, %error, "a clock could not be fired");
                if ends_the_batch(&error) {
                    return Err(error);
                }
                let attempts: u32 = batch.each(|session| session.timer_failed(&timer))?;
                if attempts == TIMER_ATTEMPTS_MAX {
                    let what = format!("the clock {:?}: {}", timer.key.rule, timer.action.word());
                    aside::tell(batch, rules, timer.case, what, now, entropy.seed());
                }
            }
            Ok(())
        })?;
        tracing::info!(fired, "clocks fired");
        Ok(true)
    }
}

fn fire(session: &Session<'_>, rules: &Rules, timer: &DueTimer, now: Timestamp, seed: Seed) -> Result<(), StoreError> {
    let case = session.case(timer.case)?;
    let (Some(case), true) = (case, session.drop_timer(timer)?) else { return Ok(()) };
    let id = session.open_occurrence(now, seed, "timer", None, Some(timer.case))?;
    let event = Event::TimerDue(timer.key.clone(), timer.action);
    let held = mail_of_held_rule(&timer.key.rule).map(|mail| session.waiting_mail(mail)).transpose()?;
    let waiting = held.flatten().into_iter().collect();
    let snapshot = Snapshot { case: Some(case), waiting, ..Snapshot::default() };
    let decision = decide(snapshot, &Occurrence { id, at: now, seed, event }, rules);
    session.record(id, now, &decision, &rules.policy_digest)
}
