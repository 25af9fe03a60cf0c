//! `decide`: everything that may happen to a case, as one pure and total function.
//!
//! Never fails: what is refused is answered by a mail, which is an effect like any other. Mails,
//! timers and journal rows of a decision are recorded in one transaction by the store.

mod acting;
mod admission;
mod apply;
mod by_hand;
mod delivery;
mod desk;
mod maintainer;
mod operator;
mod publish;
mod report;
mod team;
mod timer;

use super::effect::Decision;
use super::event::{AckCounts, Event, Occurrence, Snapshot};
use super::id::Address;
use super::rules::Rules;
pub use admission::{held_rule, mail_of_held_rule};
pub use by_hand::ANSWERED_BY_HAND;
use desk::Desk;

/// What follows from an occurrence.
#[must_use]
pub fn decide(snapshot: Snapshot, occurrence: &Occurrence, rules: &Rules) -> Decision {
    let Snapshot {
        case,
        open_cases,
        waiting,
        confirmation,
        acks,
        answered_before,
        unsealed_acks,
        by_hand,
        report_text,
    } = snapshot;
    let mut desk = Desk::new(rules, occurrence.at, occurrence.seed, case);
    match &occurrence.event {
        Event::ReportReceived(mail) => report::opens(&mut desk, mail, counts_of(&acks, &mail.from), answered_before),
        Event::ReplyReceived(party, mail) => report::reply(&mut desk, party, mail),
        Event::MailHeld(mail, given_to) => admission::held(&mut desk, mail, given_to.as_ref()),
        Event::AnsweredByHand(answer) => by_hand::answered(&mut desk, answer, &unsealed_acks),
        Event::AutomaticReply(party, mail) => report::automatic(&mut desk, party, *mail),
        Event::TeamMail(mail) => {
            desk.by_hand = by_hand;
            let world = acting::World { open_cases, waiting, confirmation, acks, report_text };
            team::received(&mut desk, mail, &world);
        }
        Event::TimerDue(key, action) => timer::due(&mut desk, key, *action, &waiting),
        Event::Delivery(delivery) => delivery::ended(&mut desk, delivery),
        Event::SealFailed(delivery) => delivery::not_sealed(&mut desk, delivery),
        Event::Stuck(what) => report::stuck(&mut desk, what),
        Event::Quarantined { mail, reason } => report::quarantined(&mut desk, *mail, reason),
        Event::Operator(act) => operator::acted(&mut desk, act),
    }
    desk.into_decision()
}

/// The acknowledgements that an address had lately.
fn counts_of(acks: &[(Address, AckCounts)], to: &Address) -> AckCounts {
    acks.iter().find(|(address, _)| address.same_mailbox(to)).map_or_else(AckCounts::default, |(_, counts)| *counts)
}

#[cfg(test)]
#[path = "decide/tests.rs"]
mod tests;
