//! Mail from outside: a report that opens a case, a reply that joins one, mail that is put aside.

use super::desk::{Desk, Letter, Way, one_line};
use crate::domain::case::Case;
use crate::domain::effect::{Automatic, MailKind};
use crate::domain::event::{AckCounts, Answerable, Authenticity, Incoming};
use crate::domain::id::MailId;
use crate::domain::party::{Form, Party, PartyKey, Role};
use crate::domain::policy::{Fact, TimerAction};
use crate::domain::state::{ContactTrigger, EmbargoTrigger};
use crate::domain::template::Template;
use crate::domain::time::Timestamp;

/// Most characters of a mail's text that are shown in a forward; the rest is in the attached original.
const SHOWN_CHARS_MAX: usize = 100_000;

/// A report opens the case that lies on the desk; `answered` says that one of us has answered it by hand already.
pub(super) fn opens(desk: &mut Desk<'_>, mail: &Incoming, acks: AckCounts, answered: bool) {
    let Some(mut case) = desk.case.take() else { return };
    let party = reporter(desk, &case, mail);
    let zone = desk.rules.policy.time_zone();
    let title = one_line(&mail.subject);
    case.title = if title.is_empty() { "(no subject)".to_owned() } else { title };
    case.parties.push(party.clone());
    if let Some(next) = case.embargo.next(EmbargoTrigger::Propose) {
        desk.record(None, "policy", "embargo", case.embargo.word(), next.word());
        case.embargo = next;
        case.embargo_until = Some(desk.rules.policy.embargo_default.after(desk.at, &zone));
    }
    let proof = proof_of(mail);
    desk.record(Some(&party.key), &proof, "report", "none", case.report.word());
    desk.case = Some(case);
    let since = if mail.answerable == Answerable::Old { desk.at } else { mail.arrived };
    desk.fact(Fact::Received, None, since);
    desk.fact(Fact::EmbargoSet, None, desk.at);
    let answer_by = answer_by(desk, since);
    let ack = acknowledge(desk, &party, mail, acks, answered);
    desk.record(None, "rule", "acknowledgement", "", &ack);
    forward_report(desk, mail, &answer_by, &ack);
}

fn reporter(desk: &Desk<'_>, case: &Case, mail: &Incoming) -> Party {
    Party {
        key: case.next_key(Role::Reporter),
        role: Role::Reporter,
        address: mail.from.clone(),
        aliases: Vec::new(),
        fingerprint: desk.rules.pins.get(&mail.from.key()).cloned(),
        form: mail.form,
        last_message: mail.message_id.clone(),
    }
}

fn answer_by(desk: &Desk<'_>, since: Timestamp) -> String {
    let zone = desk.rules.policy.time_zone();
    let span = desk.rules.policy.span_of(TimerAction::NudgeAnswer);
    span.map_or_else(String::new, |span| span.after(since, &zone).to_text())
}

/// Sends the acknowledgement, or says in a few words why not. What it says depends on nothing but
/// the outer form of the mail and what we know of the address (design: no decryption oracle).
fn acknowledge(desk: &mut Desk<'_>, party: &Party, mail: &Incoming, acks: AckCounts, answered: bool) -> String {
    let passed_on_by_us = mail.forwarded.is_some() && desk.rules.member_at(&mail.from).is_some();
    let refused = match (mail.answerable, mail.authenticity) {
        (Answerable::Yes | Answerable::Old | Answerable::NotWanted, _) if passed_on_by_us => {
            Some("not sent: a member passed the report on")
        }
        (Answerable::NotWanted, _) => Some("not sent: the sender asks for no automatic answers"),
        (Answerable::Old, _) => Some("not sent: old or archived mail"),
        (Answerable::Yes, Authenticity::Fail) => Some("not sent: DMARC says that the sender is forged"),
        (Answerable::Yes, _) if answered => Some("not sent: answered by hand already"),
        (Answerable::Yes, Authenticity::Pass | Authenticity::Unknown) => used_up(desk, acks),
    };
    let since = if mail.answerable == Answerable::Old { desk.at } else { mail.arrived };
    let letter = Letter::new(MailKind::Acknowledgement, Template::Acknowledgement, Automatic::Replied)
        .with("received", mail.arrived.to_text())
        .with("answer_by", answer_by(desk, since));
    refused.map_or_else(|| send_acknowledgement(desk, party, letter), str::to_owned)
}

/// The same to somebody whose report another one passed on to us, once a member has named him.
pub(super) fn acknowledge_passed_on(desk: &mut Desk<'_>, party: &Party, acks: AckCounts) -> String {
    let Some((opened, answered)) = desk.case.as_ref().map(|case| (case.opened_at, case.answered_at)) else {
        return "not sent: no case".to_owned();
    };
    let zone = desk.rules.policy.time_zone();
    let due = desk.rules.policy.span_of(TimerAction::NudgeAnswer).map(|span| span.after(opened, &zone));
    // A date that is past would be no promise.
    let answer_by = due.filter(|due| answered.is_none() && *due > desk.at).map_or_else(String::new, Timestamp::to_text);
    let letter = Letter::new(MailKind::Acknowledgement, Template::Acknowledgement, Automatic::Generated)
        .with("received", opened.to_text())
        .with("passed_on", "somebody")
        .with("answer_by", answer_by);
    used_up(desk, acks).map_or_else(|| send_acknowledgement(desk, party, letter), str::to_owned)
}

fn used_up(desk: &Desk<'_>, acks: AckCounts) -> Option<&'static str> {
    if acks.to_address_in_a_day >= desk.rules.acks_per_address_per_day {
        Some("not sent: this address had its daily number of acknowledgements")
    } else if acks.in_an_hour >= desk.rules.acks_per_hour {
        Some("not sent: the hourly number of acknowledgements is used up")
    } else {
        None
    }
}

fn send_acknowledgement(desk: &mut Desk<'_>, party: &Party, letter: Letter) -> String {
    let until = desk.case.as_ref().and_then(|case| case.embargo_until).map_or_else(String::new, Timestamp::to_text);
    let span = desk.rules.policy.embargo_default.words();
    let mut letter = letter.with("embargo_until", until).with("embargo_span", span);
    letter.attach_key = true;
    match desk.mail_party(party, letter) {
        Way::Goes => "sent".to_owned(),
        Way::Withheld => "sent as a notice without content: no certificate to encrypt to".to_owned(),
    }
}

fn forward_report(desk: &mut Desk<'_>, mail: &Incoming, answer_by: &str, ack: &str) {
    let until = desk.case.as_ref().and_then(|case| case.embargo_until).map_or_else(String::new, Timestamp::to_text);
    let title = desk.title();
    desk.mail_team(None, || {
        described(Letter::new(MailKind::Forward, Template::Report, Automatic::Generated), mail)
            .with("title", title.clone())
            .with("received", mail.arrived.to_text())
            .with("answer_by", answer_by)
            .with("embargo_until", until.clone())
            .with("ack", ack)
            .with("claims", mail.claims.clone().unwrap_or_default())
            .with("forwarded", mail.forwarded.as_ref().map_or_else(String::new, ToString::to_string))
            .with("text", shown(&mail.text))
            .attaching(mail.mail)
    });
}

/// A known outside party writes.
pub(super) fn reply(desk: &mut Desk<'_>, key: &PartyKey, mail: &Incoming) {
    let Some(case) = desk.case.as_mut() else { return };
    let Some(party) = case.parties.iter_mut().find(|party| party.key == *key) else { return };
    if mail.message_id.is_some() {
        party.last_message.clone_from(&mail.message_id);
    }
    if mail.form == Form::Encrypted {
        // From the first encrypted mail on, the conversation never falls back to clear by itself.
        party.form = Form::Encrypted;
    }
    let role = party.role;
    desk.record(Some(key), &proof_of(mail), "mail", "", role.word());
    if role == Role::Maintainer {
        replied(desk, key, mail);
    }
    let (title, last_answer) = (desk.title(), last_answer(desk));
    // A reply that looks like nothing but a quote is shown whole: better too much than nothing.
    let words = if mail.own_text.trim().is_empty() { &mail.text } else { &mail.own_text };
    desk.mail_team(None, || {
        described(Letter::new(MailKind::Forward, Template::Reply, Automatic::Generated), mail)
            .with("title", title.clone())
            .with("role", role.word())
            .with("text", shown(words))
            .with("last_answer", last_answer.clone())
            .attaching(mail.mail)
    });
}

/// A person answered in a maintainer's name: his clock stops, the clock of the work starts.
fn replied(desk: &mut Desk<'_>, key: &PartyKey, mail: &Incoming) {
    let Some(contact) = desk.case.as_mut().and_then(|case| case.contact_mut(key)) else { return };
    let from = contact.state;
    if let Some(next) = from.next(ContactTrigger::Reply) {
        contact.state = next;
        desk.record(Some(key), &proof_of(mail), "contact", from.word(), next.word());
        desk.fact(Fact::MaintainerReplied, Some(key), desk.at);
    }
}

fn last_answer(desk: &Desk<'_>) -> String {
    match desk.case.as_ref().and_then(|case| case.answered_at.zip(case.answered_by.as_ref())) {
        Some((at, who)) => format!("{} answered last, {}", desk.rules.name_of(who), at.to_text()),
        None => "nobody has answered yet".to_owned(),
    }
}

/// A machine answered one of our mails: it stops no clock and moves no state.
pub(super) fn automatic(desk: &mut Desk<'_>, party: &PartyKey, mail: MailId) {
    desk.record(Some(party), "reference", "automatic reply", "", &mail.to_string());
}

/// A mail was put aside: the team is told, without any of its text.
pub(super) fn quarantined(desk: &mut Desk<'_>, mail: MailId, reason: &str) {
    desk.record(None, "rule", "quarantine", "", &mail.to_string());
    desk.mail_team(None, || {
        Letter::new(MailKind::Alert, Template::Quarantined, Automatic::Generated)
            .with("mail", mail.to_string())
            .with("reason", reason)
    });
}

/// Something of the case could not be recorded and was put aside.
pub(super) fn stuck(desk: &mut Desk<'_>, what: &str) {
    desk.record(None, "rule", "put aside", "", what);
    let title = desk.title();
    desk.mail_team(None, || {
        Letter::new(MailKind::Alert, Template::Stuck, Automatic::Generated)
            .with("title", title.clone())
            .with("what", what)
    });
}

pub(super) fn described(letter: Letter, mail: &Incoming) -> Letter {
    let candidates: Vec<String> = mail.candidates.iter().map(ToString::to_string).collect();
    letter
        .with_partial(mail.partial_text.as_deref().map(shown))
        .with("from", mail.from.to_string())
        .with("verdict", mail.verdict.clone())
        .with("attachments", mail.attachments.join(", "))
        .with("candidates", candidates.join(", "))
}

/// A stranger's text as it is shown to the team: bounded, and no line of it a command when it is quoted back.
pub(super) fn shown(text: &str) -> String {
    // A line that looks like one of ours must not be taken for it when the mail is quoted back.
    let lines = text.lines().map(|line| if line.starts_with('!') { format!(" {line}") } else { line.to_owned() });
    lines.collect::<Vec<_>>().join("\n").chars().take(SHOWN_CHARS_MAX).collect()
}

/// What proves the author of a mail, for the journal.
pub(super) fn proof_of(mail: &Incoming) -> String {
    match (&mail.signed_by, mail.authenticity) {
        (Some(fingerprint), _) => format!("signature {fingerprint}"),
        (None, Authenticity::Pass) => "authenticated address".to_owned(),
        (None, Authenticity::Fail) => "address, DMARC failed".to_owned(),
        (None, Authenticity::Unknown) => "address".to_owned(),
    }
}
