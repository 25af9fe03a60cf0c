//! What the operator did at his terminal with mail that waits: remembered, and what follows from it.
//!
//! Mails nobody: the operator sees what he did. His acts are proved by access to the machine, so each is journalled
//! as `operator`, without a name.

use super::admission::held_rule;
use super::desk::Desk;
use crate::domain::effect::{Effect, MailKind};
use crate::domain::event::{OperatorAct, TurnedMail};
use crate::domain::party::PartyKey;
use crate::domain::state::{ContactState, ContactTrigger};

/// What proves an act of the operator.
const PROOF: &str = "operator";

/// The operator has acted.
pub(super) fn acted(desk: &mut Desk<'_>, act: &OperatorAct) {
    match act {
        OperatorAct::Requeued(mail) => {
            desk.record(None, PROOF, "requeued", "", &mail.to_string());
            if desk.case.is_some() {
                // It waits no longer, so nobody is reminded of it; if it is held again, its clock starts anew.
                desk.push(Effect::ClearTimers { rule: held_rule(*mail), party: None });
            }
            desk.push(Effect::Requeue { mail: *mail, case: None });
        }
        OperatorAct::Retried(mail) => {
            desk.record(None, PROOF, &format!("retry:{}", mail.kind.word()), &mail.was, &mail.row.to_string());
            if let Some(party) = mail.party.as_ref().filter(|_| mail.kind == MailKind::MaintainerNotice) {
                notified_again(desk, party);
            }
        }
        OperatorAct::Stopped(TurnedMail { row, kind, was, .. }) => {
            desk.record(None, PROOF, &format!("hold:{}", kind.word()), was, &row.to_string());
        }
    }
}

/// A notice that had not reached a maintainer is on its way again: his clock starts when the relay takes it.
fn notified_again(desk: &mut Desk<'_>, party: &PartyKey) {
    let Some(contact) = desk.case.as_mut().and_then(|case| case.contact_mut(party)) else { return };
    let from = contact.state;
    if from != ContactState::Suspended {
        return;
    }
    if let Some(next) = from.next(ContactTrigger::Notify) {
        contact.state = next;
        contact.since = None;
        desk.record(None, PROOF, &format!("contact {party}"), from.word(), next.word());
    }
}
