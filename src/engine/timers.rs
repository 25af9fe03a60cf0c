//! Clocks that are due, in the order in which they were due, each fired once.

use crate::domain::decide::{decide, mail_of_held_rule};
use crate::domain::event::{Event, Occurrence, Snapshot};
use crate::domain::time::Timestamp;
use crate::engine::step::{Engine, EngineError};
use crate::store::StoreError;

/// Clocks fired in one step.
const TIMERS_PER_STEP: usize = 100;

impl Engine {
    /// Fires due clocks; true when there were some.
    pub(super) fn fire_timers(&mut self, now: Timestamp) -> Result<bool, EngineError> {
        let due = self.store.session().due_timers(now, TIMERS_PER_STEP)?;
        if due.is_empty() {
            return Ok(false);
        }
        let fired = due.len();
        let (rules, entropy) = (&self.setup.rules, &mut self.ports.entropy);
        self.store.batch::<_, StoreError>(|batch| {
            for timer in due {
                let seed = entropy.seed();
                let fired: Result<(), StoreError> = batch.each(|session| {
                    let case = session.case(timer.case)?;
                    let (Some(case), true) = (case, session.drop_timer(&timer)?) else { return Ok(()) };
                    let id = session.open_occurrence(now, seed, "timer", None, Some(timer.case))?;
                    let event = Event::TimerDue(timer.key.clone(), timer.action);
                    let occurrence = Occurrence { id, at: now, seed, event };
                    let held = mail_of_held_rule(&timer.key.rule).map(|mail| session.waiting_mail(mail)).transpose()?;
                    let waiting = held.flatten().into_iter().collect();
                    let snapshot = Snapshot { case: Some(case), waiting, ..Snapshot::default() };
                    let decision = decide(snapshot, &occurrence, rules);
                    session.record(id, now, &decision, &rules.policy_digest)
                });
                if let Err(error) = fired {
                    tracing::error!(case = timer.case.0, %error, "a clock could not be fired");
                    return Err(error);
                }
            }
            Ok(())
        })?;
        tracing::info!(fired, "clocks fired");
        Ok(true)
    }
}
