//! Publication: the exact text is shown, confirmed, and only those bytes go out.

use super::acting::Acting;
use super::desk::{Desk, Letter};
use crate::domain::advisory::{Advisory, AdvisoryKind, Rendition, page_path, page_url, text_path};
use crate::domain::effect::{Automatic, Effect, MailKind, Pending, PendingAction};
use crate::domain::party::{Party, Role};
use crate::domain::policy::Fact;
use crate::domain::rules::ExternalList;
use crate::domain::state::{EmbargoTrigger, PublicationTrigger};
use crate::domain::template::Template;
use crate::domain::time::DAY;
use crate::domain::token::digest_hex;

/// The advisory as it would go out now.
pub(super) fn rendition(desk: &Desk<'_>) -> Option<Rendition> {
    let advisory = desk.case.as_ref()?.advisory.as_ref()?;
    Some((desk.rules.render)(advisory, &desk.rules.publisher))
}

/// Shows the exact text to the team, for confirmation. A text below the command becomes the advisory's.
pub(super) fn show(desk: &mut Desk<'_>, acting: &Acting, body: &str) -> Result<String, String> {
    let at = desk.at;
    let Some(case) = desk.case.as_mut() else { return Err("no case".to_owned()) };
    if let Some(until) = case.embargo_until.filter(|until| case.embargo.in_force() && *until > at) {
        return Err(format!("the case is under embargo until {}; !embargo lift ends it before", until.to_text()));
    }
    if !body.is_empty() {
        let next = case.publication.next(PublicationTrigger::Write).ok_or("the advisory is public already")?;
        case.advisory = Some(written(&case.label.to_string(), &case.title, case.severity.clone(), body));
        case.publication = next;
    }
    let from = case.publication;
    let next = from.next(PublicationTrigger::Show).ok_or(if case.advisory.is_none() {
        "there is no advisory yet: write its text below the command, with \"# Title\" as its first line"
    } else {
        "the advisory is public already"
    })?;
    case.publication = next;
    let rendition = rendition(desk).ok_or("there is no advisory yet")?;
    let token = desk.draw("confirm");
    let second_member = desk.rules.policy.second_member || acting.keyless;
    let expires = desk.at.after(DAY);
    desk.push(Effect::AwaitConfirmation(Pending {
        token: token.clone(),
        member: acting.member.clone(),
        second_member,
        action: PendingAction::Publish { digest: digest(desk, &rendition) },
        expires,
    }));
    desk.record(Some(&acting.member), &acting.proof, "publication", from.word(), next.word());
    let shown = |list: &ExternalList| match list.prefix.trim() {
        "" => list.address.to_string(),
        prefix => format!("{} (subject begins with {prefix})", list.address),
    };
    let recipients = desk.rules.lists.iter().map(shown).collect::<Vec<_>>().join(", ");
    let title = desk.title();
    let page = page_of(desk);
    desk.mail_team(None, || {
        Letter::new(MailKind::Alert, Template::Preview, Automatic::Generated)
            .with("title", title.clone())
            .with("subject", rendition.subject.clone())
            .with("recipients", recipients.clone())
            .with("page", page.clone())
            .with("text", rendition.text.trim_end())
            .with("confirm_line", format!("!confirm {token}"))
            .with("expires", expires.to_text())
            .with("second", if second_member { "by a member other than the one who asked" } else { "" })
    });
    Ok(format!(
        "the exact text follows in a mail of its own; nothing is sent before it is confirmed, until {}",
        expires.to_text()
    ))
}

fn written(id: &str, title: &str, severity: Option<String>, body: &str) -> Advisory {
    let (title, body) = match body.strip_prefix("# ").and_then(|rest| rest.split_once('\n')) {
        Some((title, rest)) => (title.trim(), rest.trim()),
        None => (title, body),
    };
    Advisory {
        id: id.to_owned(),
        kind: AdvisoryKind::Notice,
        title: super::desk::one_line(title),
        severity,
        body: body.to_owned(),
    }
}

fn page_of(desk: &Desk<'_>) -> String {
    let advisory = desk.case.as_ref().and_then(|case| case.advisory.as_ref());
    advisory.and_then(|advisory| page_url(&advisory.id, &desk.rules.publisher)).unwrap_or_default()
}

/// What a confirmation is bound to: every byte that goes out, and to whom.
fn digest(desk: &Desk<'_>, rendition: &Rendition) -> String {
    let mut bytes = Vec::new();
    for list in &desk.rules.lists {
        bytes.extend_from_slice(format!("{}\0{}\0", list.address, list.prefix).as_bytes());
    }
    for text in [&rendition.subject, &rendition.text, &rendition.html] {
        bytes.extend_from_slice(text.as_bytes());
        bytes.push(0);
    }
    digest_hex(&bytes)
}

/// Sends what was confirmed, if it is still exactly that.
pub(super) fn publish(desk: &mut Desk<'_>, acting: &Acting, confirmed: &str) -> Result<String, String> {
    let rendition = rendition(desk).ok_or("there is no advisory")?;
    if digest(desk, &rendition) != confirmed {
        return Err(
            "the text or its recipients have changed since they were shown; write !publish to see them".to_owned()
        );
    }
    let at = desk.at;
    let Some(case) = desk.case.as_mut() else { return Err("no case".to_owned()) };
    if let Some(until) = case.embargo_until.filter(|until| case.embargo.in_force() && *until > at) {
        return Err(format!("the case is under embargo until {}", until.to_text()));
    }
    let from = case.publication;
    case.publication = from.next(PublicationTrigger::Publish).ok_or("the advisory is public already")?;
    let embargo = case.embargo;
    if let Some(next) = embargo.next(EmbargoTrigger::Exit) {
        case.embargo = next;
    }
    let id = case.advisory.as_ref().map_or_else(String::new, |advisory| advisory.id.clone());
    desk.record(Some(&acting.member), &acting.proof, "publication", from.word(), "public");
    if embargo.next(EmbargoTrigger::Exit).is_some() {
        desk.record(Some(&acting.member), &acting.proof, "embargo", embargo.word(), "exited");
    }
    desk.fact(Fact::EmbargoEnded, None, at);
    desk.fact(Fact::Published, None, at);
    let lists = desk.rules.lists.clone();
    for list in &lists {
        desk.mail_list(list.address.clone(), subject_for(list, &rendition), rendition.text.clone());
    }
    let site = !desk.rules.publisher.base_url.is_empty();
    if site {
        desk.push(Effect::Page { path: text_path(&id), content: rendition.text.clone() });
        desk.push(Effect::Page { path: page_path(&id), content: rendition.html.clone() });
    }
    tell_parties(desk);
    let count = if lists.len() == 1 { "1 list".to_owned() } else { format!("{} lists", lists.len()) };
    let pages = if site { "and written to the site" } else { "and to no site, for none is in the settings" };
    Ok(format!("published: sent to {count} {pages}"))
}

/// The subject on one list, with its prefix in front.
fn subject_for(list: &ExternalList, rendition: &Rendition) -> String {
    format!("{} {}", list.prefix.trim(), rendition.subject).trim().to_owned()
}

/// Reporters and maintainers learn that it is public, and that they are free to write about it.
fn tell_parties(desk: &mut Desk<'_>) {
    let page = page_of(desk);
    let title =
        desk.case.as_ref().and_then(|case| case.advisory.as_ref()).map_or_else(String::new, |a| a.title.clone());
    let parties: Vec<Party> = desk.case.as_ref().map_or_else(Vec::new, |case| case.parties.clone());
    for party in parties.iter().filter(|party| matches!(party.role, Role::Reporter | Role::Maintainer)) {
        let letter = Letter::new(MailKind::Letter, Template::Published, Automatic::Generated)
            .with("title", title.clone())
            .with("page", page.clone());
        desk.mail_party(party, letter);
    }
}
