//! What the store refuses to record for good is put aside and told to the team, so that it holds up nothing else and
//! does not end the process at each start.
//!
//! Faults of the disk and of the database as a whole are no such thing: those end the process.

use crate::domain::decide::decide;
use crate::domain::event::{Event, Occurrence, Snapshot};
use crate::domain::id::{CaseId, Seed};
use crate::domain::rules::Rules;
use crate::domain::time::Timestamp;
use crate::store::{Batch, Session, StoreError};

/// Decides what follows from an event of a case, and records it.
pub(super) fn follow(
    session: &Session<'_>,
    rules: &Rules,
    case: CaseId,
    event: Event,
    kind: &str,
    now: Timestamp,
    seed: Seed,
) -> Result<(), StoreError> {
    let snapshot = Snapshot { case: session.case(case)?, ..Snapshot::default() };
    let id = session.open_occurrence(now, seed, kind, None, Some(case))?;
    let decision = decide(snapshot, &Occurrence { id, at: now, seed, event }, rules);
    session.record(id, now, &decision, &rules.policy_digest)
}

/// Tells the team what could not be recorded. When even that is refused, the log has it.
pub(super) fn tell(batch: &mut Batch<'_>, rules: &Rules, case: CaseId, what: String, now: Timestamp, seed: Seed) {
    let event = Event::Stuck(what);
    let told: Result<(), StoreError> = batch.each(|session| follow(session, rules, case, event, "stuck", now, seed));
    if let Err(error) = told {
        tracing::error!(case = case.0, %error, "the team could not be told of what was put aside");
    }
}
