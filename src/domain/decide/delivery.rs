//! How our mails ended: taken, failed, come back, or never sealed.

use super::desk::{Desk, Letter};
use crate::domain::effect::{Automatic, MailKind};
use crate::domain::event::{Delivery, DeliveryOutcome};
use crate::domain::party::PartyKey;
use crate::domain::policy::Fact;
use crate::domain::state::{ContactState, ContactTrigger};
use crate::domain::template::Template;

/// The relay's last word, or a bounce.
pub(super) fn ended(desk: &mut Desk<'_>, delivery: &Delivery) {
    match delivery.outcome {
        DeliveryOutcome::Accepted => accepted(desk, delivery),
        DeliveryOutcome::Failed => failed(desk, delivery, "could not be delivered"),
        DeliveryOutcome::Bounced => failed(desk, delivery, "came back"),
    }
}

/// A mail could not be sealed: it is held, its recipient gets a notice without content, the team is told.
pub(super) fn not_sealed(desk: &mut Desk<'_>, delivery: &Delivery) {
    if let Some(key) = delivery.party.as_ref().filter(|_| delivery.kind != MailKind::Notice) {
        let party = desk.case.as_ref().and_then(|case| case.party(key));
        let outside = party.map(|party| (party.address.clone(), party.last_message.clone()));
        let member = || desk.rules.member(key).map(|member| (member.address.clone(), None));
        if let Some((to, in_reply_to)) = outside.or_else(member) {
            desk.mail_notice(key, to, in_reply_to);
        }
    }
    failed(desk, delivery, "could not be sealed and is held");
}

/// A clock for a party starts when the relay took its mail, never before.
fn accepted(desk: &mut Desk<'_>, delivery: &Delivery) {
    let at = desk.at;
    let Some(key) = delivery.party.as_ref().filter(|_| delivery.kind == MailKind::MaintainerNotice) else { return };
    let Some(contact) = desk.case.as_mut().and_then(|case| case.contact_mut(key)) else { return };
    let from = contact.state;
    if let Some(next) = from.next(ContactTrigger::Accepted) {
        contact.state = next;
        contact.since = Some(at);
        desk.record(Some(key), "relay", "contact", from.word(), next.word());
        desk.fact(Fact::MaintainerContacted, Some(key), at);
    }
}

fn failed(desk: &mut Desk<'_>, delivery: &Delivery, outcome: &'static str) {
    desk.record(delivery.party.as_ref(), "relay", &format!("delivery:{}", delivery.kind.word()), "", outcome);
    let suspended = delivery.party.as_ref().is_some_and(|key| suspend(desk, key));
    // An alert that cannot be delivered is not followed by another: two failing members would mail for ever.
    if delivery.kind == MailKind::Alert {
        return;
    }
    let consequence = if suspended {
        "The clock of this maintainer is suspended. Give another address with !maintainer to start it anew."
    } else {
        ""
    };
    let recipient = recipient(desk, delivery);
    let title = desk.title();
    desk.mail_team(delivery.party.as_ref(), || {
        Letter::new(MailKind::Alert, Template::Undelivered, Automatic::Generated)
            .with("title", title.clone())
            .with("kind", delivery.kind.word())
            .with("recipient", recipient.clone())
            .with("outcome", outcome)
            .with("detail", delivery.detail.clone())
            .with("consequence", consequence)
    });
}

/// Suspends the clock of a maintainer whom mail does not reach; true where one was suspended.
fn suspend(desk: &mut Desk<'_>, key: &PartyKey) -> bool {
    let Some(contact) = desk.case.as_mut().and_then(|case| case.contact_mut(key)) else { return false };
    let from = contact.state;
    let Some(next) = from.next(ContactTrigger::Bounce) else { return from == ContactState::Suspended };
    contact.state = next;
    desk.record(Some(key), "relay", "contact", from.word(), next.word());
    desk.fact(Fact::MaintainerBounced, Some(key), desk.at);
    true
}

fn recipient(desk: &Desk<'_>, delivery: &Delivery) -> String {
    let Some(key) = &delivery.party else { return format!("the list {}", delivery.recipient) };
    let party = desk.case.as_ref().and_then(|case| case.party(key));
    party.map_or_else(|| desk.rules.name_of(key), |party| format!("{} ({})", party.address, party.role.word()))
}
