//! Due clocks. Each fires once; what it says depends on the case as it is now.

use super::admission;
use super::desk::{Desk, Letter};
use crate::domain::advisory::{Advisory, AdvisoryKind};
use crate::domain::effect::{Automatic, MailKind, TimerKey};
use crate::domain::event::WaitingMail;
use crate::domain::party::{Party, PartyKey};
use crate::domain::policy::{Fact, TimerAction};
use crate::domain::state::{ContactState, ContactTrigger, EmbargoTrigger, PublicationTrigger};
use crate::domain::template::{Fields, Template};
use crate::domain::time::{DAY, Timestamp};

/// A clock is due. `waiting` has the held mail whose clock it is, as long as it waits.
pub(super) fn due(desk: &mut Desk<'_>, key: &TimerKey, action: TimerAction, waiting: &[WaitingMail]) {
    if desk.case.is_none() {
        return;
    }
    desk.record(None, "clock", action.word(), &key.rule, &key.step.to_string());
    match action {
        TimerAction::NudgeAnswer => unanswered(desk),
        TimerAction::NudgeProgress => no_progress(desk),
        TimerAction::RemindMaintainer => remind(desk, key),
        TimerAction::DraftUninstall => draft_uninstall(desk, key),
        TimerAction::AcceptEmbargo => accept_embargo(desk),
        TimerAction::WarnEmbargo => embargo(desk, false),
        TimerAction::EndEmbargo => embargo(desk, true),
        TimerAction::NudgeHeld => admission::still_held(desk, key, waiting),
    }
}

fn alert(template: Template, title: &str) -> Letter {
    Letter::new(MailKind::Alert, template, Automatic::Generated).with("title", title)
}

fn unanswered(desk: &mut Desk<'_>) {
    let Some((title, opened)) = desk.case.as_ref().map(|case| (case.title.clone(), case.opened_at)) else { return };
    desk.mail_team(None, || alert(Template::Unanswered, &title).with("received", opened.to_text()));
}

fn no_progress(desk: &mut Desk<'_>) {
    let Some((title, state)) = desk.case.as_ref().map(|case| (case.title.clone(), case.summary())) else { return };
    desk.mail_team(None, || alert(Template::NoProgress, &title).with("state", state.clone()));
}

/// The maintainer and the start of his clock, while it runs.
fn running(desk: &Desk<'_>, party: Option<&PartyKey>) -> Option<(Party, Timestamp)> {
    let case = desk.case.as_ref()?;
    let contact = case.contacts.iter().find(|contact| Some(&contact.party) == party)?;
    let since = contact.since.filter(|_| contact.state == ContactState::Contacted)?;
    Some((case.party(&contact.party)?.clone(), since))
}

fn remind(desk: &mut Desk<'_>, key: &TimerKey) {
    let Some((party, since)) = running(desk, key.party.as_ref()) else { return };
    let policy = &desk.rules.policy;
    let zone = policy.time_zone();
    let deadline = policy.span_of(TimerAction::DraftUninstall).map(|span| span.after(since, &zone));
    let days_left = deadline.map_or(0, |deadline| deadline.since(desk.at).as_secs().div_ceil(DAY.as_secs()));
    let rule = policy.timers.iter().find(|rule| rule.id == key.rule);
    let steps = rule.map_or(0, |rule| rule.after.len());
    let step = usize::try_from(key.step).unwrap_or(usize::MAX);
    let (number, last) = match step {
        _ if step.saturating_add(1) >= steps => ("last", true),
        0 => ("first", false),
        1 => ("second", false),
        _ => ("further", false),
    };
    let consequence = if last {
        "Without any answer by then, the team prepares a public advisory that\nurges users to uninstall."
    } else {
        ""
    };
    let letter = Letter::new(MailKind::Reminder, Template::Reminder, Automatic::Generated)
        .with("since", since.to_text())
        .with("deadline", deadline.map_or_else(String::new, Timestamp::to_text))
        .with("days_left", days_left.to_string())
        .with("number", number)
        .with("consequence", consequence);
    desk.mail_party(&party, letter);
}

/// A calendar month without an answer: the team gets the draft, to publish or not.
///
/// The maintainer was told this instant, so the embargo's term is over with it: the shorter term
/// wins. That permits publication; the embargo itself ends when a member publishes.
fn draft_uninstall(desk: &mut Desk<'_>, key: &TimerKey) {
    let Some((party, since)) = running(desk, key.party.as_ref()) else { return };
    let at = desk.at;
    let title = desk.title();
    let fields = Fields::from([("title", title.clone())]);
    let words = desk.words(Template::AdvisoryUninstall, fields);
    let Some(case) = desk.case.as_mut() else { return };
    let mut changes: Vec<(&'static str, &'static str, &'static str)> = Vec::new();
    if let Some(contact) = case.contact_mut(&party.key)
        && let Some(next) = contact.state.next(ContactTrigger::Lapse)
    {
        changes.push(("contact", contact.state.word(), next.word()));
        contact.state = next;
    }
    if case.embargo.in_force() && case.embargo_until.is_none_or(|until| until > at) {
        case.embargo_until = Some(at);
        changes.push(("embargo term", "running", "over"));
    }
    // What a member has written stays; the team hears of the silence all the same.
    let written = case.advisory.as_ref().is_some_and(|advisory| advisory.kind == AdvisoryKind::Notice);
    let next = case.publication.next(PublicationTrigger::Write).filter(|_| !written);
    if let Some(next) = next {
        changes.push(("publication", case.publication.word(), next.word()));
        case.publication = next;
        case.advisory = Some(Advisory {
            id: case.label.to_string(),
            kind: AdvisoryKind::Uninstall,
            title: words.subject,
            severity: case.severity.clone(),
            body: words.text.trim().to_owned(),
        });
    }
    for (what, from, to) in changes {
        desk.record(None, "clock", what, from, to);
    }
    // The clocks of the old term would warn of an end that has come.
    desk.fact(Fact::EmbargoSet, None, at);
    let draft = super::publish::rendition(desk).map_or_else(String::new, |rendition| rendition.text);
    desk.mail_team(None, || {
        alert(Template::UninstallDraft, &title).with("since", since.to_text()).with("draft", draft.clone())
    });
}

fn accept_embargo(desk: &mut Desk<'_>) {
    let Some(case) = desk.case.as_mut() else { return };
    let from = case.embargo;
    if let Some(next) = from.next(EmbargoTrigger::Accept) {
        case.embargo = next;
        desk.record(None, "clock", "embargo", from.word(), next.word());
    }
}

fn embargo(desk: &mut Desk<'_>, ended: bool) {
    let Some(case) = desk.case.as_ref().filter(|case| case.embargo.in_force()) else { return };
    let title = case.title.clone();
    let until = case.embargo_until.map_or_else(String::new, Timestamp::to_text);
    let ended = if ended { until.clone() } else { String::new() };
    desk.mail_team(None, || {
        alert(Template::EmbargoNear, &title).with("embargo_until", until.clone()).with("ended", ended.clone())
    });
}
