//! `!maintainer`: a maintainer is told, and once the relay has taken the notice his month begins.

use super::acting::{Acting, World};
use super::desk::{Desk, Letter as Mail, Way};
use super::report;
use crate::domain::case::{Case, Contact};
use crate::domain::command::{Block, Command, Letter};
use crate::domain::effect::{Automatic, MailKind};
use crate::domain::id::{Address, Fingerprint};
use crate::domain::party::{Form, Party, Role};
use crate::domain::policy::TimerAction;
use crate::domain::state::{ContactState, ContactTrigger};
use crate::domain::template::Template;
use crate::domain::time::Timestamp;

/// Tells a maintainer: a new one, or one whom mail did not reach, under a new address.
pub(super) fn tell(
    desk: &mut Desk<'_>,
    acting: &Acting,
    address: &Address,
    fingerprint: Option<&Fingerprint>,
    block: &Block,
    world: &World,
) -> Result<String, String> {
    let Some(case) = desk.case.as_ref() else { return Err("no case".to_owned()) };
    if let Some(known) = case.party_at(address).filter(|party| party.role != Role::Maintainer) {
        return Err(format!("this address is the {} of the case", known.role.word()));
    }
    let known = case.party_at(address).or_else(|| unreached(case)).cloned();
    let mut party = known.unwrap_or_else(|| Party {
        key: case.next_key(Role::Maintainer),
        role: Role::Maintainer,
        address: address.clone(),
        aliases: Vec::new(),
        fingerprint: None,
        form: Form::Clear,
        last_message: None,
    });
    if !party.address.same_mailbox(address) {
        let old = std::mem::replace(&mut party.address, address.clone());
        party.aliases.retain(|alias| !alias.same_mailbox(address));
        party.aliases.push(old);
        party.fingerprint = None;
    }
    let pinned =
        fingerprint.cloned().or(party.fingerprint.clone()).or_else(|| desk.rules.pins.get(&address.key()).cloned());
    let party = Party { fingerprint: pinned, ..party };
    let Some(case) = desk.case.as_mut() else { return Err("no case".to_owned()) };
    case.parties.retain(|known| known.key != party.key);
    case.parties.push(party.clone());
    let to_maintainer = block.commands().any(|c| matches!(c, Command::To(Letter::Maintainer | Letter::All)));
    let text = if to_maintainer { block.body.as_str() } else { "" };
    let mail = notice(desk, acting, text).with("report", report_of(desk, world));
    if desk.mail_party(&party, mail) == Way::Withheld {
        desk.record(Some(&acting.member), &acting.proof, &format!("contact {}", party.key), "none", "withheld");
        return Ok(format!(
            "NOT SENT: no certificate of {address} is known, and the settings allow no mail in clear to maintainers; a notice without \
             content asks for one, and no clock runs"
        ));
    }
    let Some(case) = desk.case.as_mut() else { return Err("no case".to_owned()) };
    if case.contact_mut(&party.key).is_none() {
        case.contacts.push(Contact { party: party.key.clone(), state: ContactState::None, since: None });
    }
    let Some(contact) = case.contact_mut(&party.key) else { return Err("no contact".to_owned()) };
    let from = contact.state;
    contact.state = from.next(ContactTrigger::Notify).unwrap_or(from);
    contact.since = None;
    let what = format!("contact {}", party.key);
    desk.record(Some(&acting.member), &acting.proof, &what, from.word(), ContactState::Notified.word());
    Ok(format!("notice to {address} queued; the one-month clock starts when the relay has taken it"))
}

/// The maintainer whom a command tells.
pub(super) fn told_maintainer(command: &Command) -> Option<&Address> {
    if let Command::Maintainer(address, _) = command { Some(address) } else { None }
}

/// The one maintainer whom mail did not reach: a new address is taken to be his.
fn unreached(case: &Case) -> Option<&Party> {
    let mut suspended = case.contacts.iter().filter(|contact| contact.state == ContactState::Suspended);
    match (suspended.next(), suspended.next()) {
        (Some(contact), None) => case.party(&contact.party),
        (Some(_) | None, _) => None,
    }
}

/// What the maintainer is to look at: the first report as its author wrote it. A member commands this and the
/// recipient is bound by the embargo, so it is no echo of a stranger's text by a machine.
fn report_of(desk: &Desk<'_>, world: &World) -> String {
    let text = world.report_text.as_deref().unwrap_or_default();
    format!("{}\n\n{}", desk.title(), report::shown(text)).trim().to_owned()
}

fn notice(desk: &Desk<'_>, acting: &Acting, text: &str) -> Mail {
    let zone = desk.rules.policy.time_zone();
    let deadline = desk.rules.policy.span_of(TimerAction::DraftUninstall).map(|span| span.after(desk.at, &zone));
    let until = desk.case.as_ref().and_then(|case| case.embargo_until);
    let mut mail = Mail::new(MailKind::MaintainerNotice, Template::MaintainerNotice, Automatic::No)
        .with("deadline", deadline.map_or_else(String::new, Timestamp::to_text))
        .with("embargo_until", until.map_or_else(String::new, Timestamp::to_text))
        .with("contact", desk.rules.name_of(&acting.member))
        .with("text", text);
    mail.attach_key = true;
    mail
}
