//! `decide`: everything that may happen to a case, as one pure and total function.
//!
//! Never fails: what is refused is answered by a mail, which is an effect like any other. Mails,
//! timers and journal rows of a decision are recorded in one transaction by the store.

mod acting;
mod apply;
mod delivery;
mod desk;
mod maintainer;
mod operator;
mod publish;
mod report;
mod team;
mod timer;

use super::effect::Decision;
use super::event::{Event, Occurrence, Snapshot};
use super::rules::Rules;
use desk::Desk;

/// What follows from an occurrence.
#[must_use]
pub fn decide(snapshot: Snapshot, occurrence: &Occurrence, rules: &Rules) -> Decision {
    let Snapshot { case, open_cases, waiting, confirmation, acks, report_text } = snapshot;
    let mut desk = Desk::new(rules, occurrence.at, occurrence.seed, case);
    match &occurrence.event {
        Event::ReportReceived(mail) => report::opens(&mut desk, mail, acks),
        Event::ReplyReceived(party, mail) => report::reply(&mut desk, party, mail),
        Event::MailHeld(mail) => report::held(&mut desk, mail),
        Event::AutomaticReply(party, mail) => report::automatic(&mut desk, party, *mail),
        Event::TeamMail(mail) => {
            team::received(&mut desk, mail, &acting::World { open_cases, waiting, confirmation, report_text });
        }
        Event::TimerDue(key, action) => timer::due(&mut desk, key, *action),
        Event::Delivery(delivery) => delivery::ended(&mut desk, delivery),
        Event::SealFailed(delivery) => delivery::not_sealed(&mut desk, delivery),
        Event::Quarantined { mail, reason } => report::quarantined(&mut desk, *mail, reason),
        Event::Operator(act) => operator::acted(&mut desk, act),
    }
    desk.into_decision()
}

#[cfg(test)]
#[path = "decide/tests.rs"]
mod tests;
