//! `postern outbox`: outgoing mail, and what the operator may do about it.

use super::arguments::desk::{OutboxAct, OutboxOptions};
use super::case::{OUTBOX, outbox_cells};
use super::door::{Desk, other_answer};
use super::paper::Paper;
use crate::daemon::desk::rows::OutboxRow;
use crate::daemon::desk::{Answer, Question};
use crate::daemon::exit::Failure;
use crate::store::{OutboxCursor, OutboxGroup};

/// What is listed where no state is asked for: everything that was not sent yet.
const UNSENT: &[OutboxGroup] =
    &[OutboxGroup::Held, OutboxGroup::Failed, OutboxGroup::Deferred, OutboxGroup::Sending, OutboxGroup::Queued];
/// What can be tried again.
const RETRIED: &[OutboxGroup] = &[OutboxGroup::Held, OutboxGroup::Failed, OutboxGroup::Deferred];

/// Looks or acts.
pub fn outbox(options: &OutboxOptions) -> Result<(), Failure> {
    let mut desk = Desk::open(&options.desk.config)?;
    let paper = Paper::new(&options.desk, desk.rules());
    match &options.act {
        OutboxAct::List { state, case } => {
            let groups = match (state, case) {
                (Some(group), _) => vec![*group],
                (None, Some(_)) => OutboxGroup::ALL.to_vec(),
                (None, None) => UNSENT.to_vec(),
            };
            let mut sheet = paper.sheet(OUTBOX);
            each(&mut desk, &groups, case.as_deref(), |row| {
                if paper.is_json() { paper.object(&row) } else { sheet.row(&outbox_cells(&paper, &row)) }
            })?;
            sheet.end_or("no such mail")
        }
        OutboxAct::Retry { rows, all } => {
            let mut ids = rows.clone();
            if *all {
                each(&mut desk, RETRIED, None, |row| {
                    ids.push(row.id);
                    Ok(())
                })?;
            }
            desk.change(&ids, |rows| Question::Retry { rows }, |change| paper.change(change))
        }
        OutboxAct::Hold { rows } => desk.change(rows, |rows| Question::Hold { rows }, |change| paper.change(change)),
    }
}

fn each(
    desk: &mut Desk,
    groups: &[OutboxGroup],
    case: Option<&str>,
    mut take: impl FnMut(OutboxRow) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut from = OutboxCursor::default();
    loop {
        let question = Question::Outbox { groups: groups.to_vec(), case: case.map(str::to_owned), from };
        let Answer::Outbox(rows, next) = desk.ask(&question)? else { return Err(other_answer()) };
        rows.into_iter().try_for_each(&mut take)?;
        match next {
            Some(next) => from = next,
            None => return Ok(()),
        }
    }
}
