//! Who belongs to a case: mail that is held until a member lets it in, and reporters whom a member names.
//!
//! Nothing of the case goes to a sender who is held, and nobody is written to whom no member has let in.

use super::acting::{Acting, World};
use super::desk::{Desk, Letter};
use super::report::{self, described, proof_of, shown};
use crate::domain::case::Case;
use crate::domain::effect::{Automatic, Effect, MailKind, TimerKey};
use crate::domain::event::{Authenticity, Incoming, WaitingMail};
use crate::domain::id::{Address, MailId};
use crate::domain::party::{Form, Party, PartyKey, Role};
use crate::domain::policy::TimerAction;
use crate::domain::template::Template;
use crate::domain::time::DAY;

/// Parties that a held mail offers to be another address of.
const OFFERED_MAX: usize = 8;

/// A mail points at the case, but nothing proves that its sender belongs there: the team sees it at once.
pub(super) fn held(desk: &mut Desk<'_>, mail: &Incoming, given_to: Option<&PartyKey>) {
    let proof = proof_of(mail);
    desk.record(None, &proof, "held", "", &mail.mail.to_string());
    let key = TimerKey { rule: held_rule(mail.mail), party: None, step: 0 };
    desk.push(Effect::SetTimer { key, due: desk.at.after(DAY), action: TimerAction::NudgeHeld });
    let (title, points) = (desk.title(), points_with(desk, given_to));
    let lines = admit_lines(desk, mail.mail, Some(&mail.from), given_to);
    desk.mail_team(None, || {
        described(Letter::new(MailKind::Alert, Template::Held, Automatic::Generated), mail)
            .with("title", title.clone())
            .with("mail", mail.mail.to_string())
            .with("sender", sender(mail))
            .with("points", points.clone())
            .with("admit", lines.clone())
            .with("text", shown(&mail.text))
            .attaching(mail.mail)
    });
}

/// A day later it still waits. A mail that somebody has let in or decided again by then is not spoken of.
pub(super) fn still_held(desk: &mut Desk<'_>, key: &TimerKey, waiting: &[WaitingMail]) {
    let Some(mail) = waiting.iter().find(|mail| held_rule(mail.mail) == key.rule) else { return };
    let (title, since) = (desk.title(), desk.at.before(DAY).to_text());
    let lines = admit_lines(desk, mail.mail, mail.from.as_ref(), None);
    let from = mail.from.as_ref().map_or_else(String::new, ToString::to_string);
    desk.mail_team(None, || {
        Letter::new(MailKind::Alert, Template::HeldWaiting, Automatic::Generated)
            .with("title", title.clone())
            .with("mail", mail.mail.to_string())
            .with("from", from.clone())
            .with("admit", lines.clone())
            .with("since", since.clone())
    });
}

/// Name of the clock of a held mail.
#[must_use]
pub fn held_rule(mail: MailId) -> String {
    format!("held:{mail}")
}

/// The held mail whose clock this is.
#[must_use]
pub fn mail_of_held_rule(rule: &str) -> Option<MailId> {
    rule.strip_prefix("held:")?.parse().ok().map(MailId)
}

/// Lets a held mail in, and with it all that is held of the same sender in this case, oldest first; but not what the
/// mail host calls forged, for that is another's.
pub(super) fn admit(
    desk: &mut Desk<'_>,
    acting: &Acting,
    mail: MailId,
    party: Option<&str>,
    world: &World,
) -> Result<String, String> {
    let Some(case) = desk.case.as_ref() else { return Err("no case".to_owned()) };
    let case = case.id;
    let of_case = |waiting: &&WaitingMail| waiting.claims == Some(case);
    let waiting = world.waiting.iter().filter(of_case).find(|waiting| waiting.mail == mail);
    let from = waiting
        .and_then(|waiting| waiting.from.clone())
        .ok_or_else(|| format!("mail {mail} is not held for this case; !list shows what waits"))?;
    if desk.requeues(mail) {
        return Ok(format!("mail {mail} is let in already, see above"));
    }
    let key = seat(desk, &from, party)?;
    let same = |waiting: &&WaitingMail| waiting.from.as_ref().is_some_and(|other| other.same_mailbox(&from));
    let others = world.waiting.iter().filter(of_case).filter(same);
    // What nothing proves may be another's in his name, and goes along only where the member let in such a mail.
    let proved = waiting.is_some_and(|waiting| waiting.authenticity == Authenticity::Pass);
    let his = |proof: Authenticity| match proof {
        Authenticity::Pass => true,
        Authenticity::Unknown => !proved,
        Authenticity::Fail => false,
    };
    let others = others.filter(|other| other.mail != mail && his(other.authenticity));
    let mut mails: Vec<MailId> = others.map(|other| other.mail).filter(|other| !desk.requeues(*other)).collect();
    mails.push(mail);
    mails.sort();
    mails.dedup();
    for mail in &mails {
        desk.record(Some(&acting.member), &acting.proof, "admitted", &mail.to_string(), &key.0);
        desk.push(Effect::ClearTimers { rule: held_rule(*mail), party: None });
        desk.push(Effect::Requeue { mail: *mail, case: Some(case) });
    }
    mails.retain(|other| *other != mail);
    let too: Vec<String> = mails.iter().map(ToString::to_string).collect();
    let too =
        if too.is_empty() { String::new() } else { format!("; with it what else waits of him: {}", too.join(", ")) };
    Ok(format!("mail {mail} joins as mail of {from} {key}{too}"))
}

/// Makes somebody a reporter whose report another one passed on to us. This is the first time that we write to him, and
/// he gets what every reporter gets: the acknowledgement, within its limits.
pub(super) fn reporter(
    desk: &mut Desk<'_>,
    acting: &Acting,
    address: &Address,
    world: &World,
) -> Result<String, String> {
    let rules = desk.rules;
    if address.without_detail().same_mailbox(&rules.address.without_detail()) {
        return Err("this is our own address".to_owned());
    }
    if let Some(member) = rules.member_at(address) {
        return Err(format!("{} is a member of the team", member.name));
    }
    if rules.lists.iter().any(|list| list.address.same_mailbox(address)) {
        return Err("this is a mailing list that we publish on".to_owned());
    }
    let Some(case) = desk.case.as_mut() else { return Err("no case".to_owned()) };
    if let Some(known) = case.party_at(address) {
        return Err(format!("this address is {} {} of the case already", known.role.word(), known.key));
    }
    let began_encrypted = case.with_role(Role::Reporter).any(|party| party.form == Form::Encrypted);
    let key = case.next_key(Role::Reporter);
    // The member who passed the report on has stood in for its author; he is of the team all the same.
    let stood_in = |party: &Party| party.role == Role::Reporter && rules.member_at(&party.address).is_some();
    let left: Vec<String> = case.parties.extract_if(.., |party| stood_in(party)).map(|party| party.key.0).collect();
    let party = Party {
        key: key.clone(),
        role: Role::Reporter,
        address: address.clone(),
        aliases: Vec::new(),
        fingerprint: rules.pins.get(&address.key()).cloned(),
        form: if began_encrypted { Form::Encrypted } else { Form::Clear },
        last_message: None,
    };
    case.parties.push(party.clone());
    desk.record(Some(&acting.member), &acting.proof, "reporter", &left.join(" "), &key.0);
    let counts = super::counts_of(&world.acks, address);
    let ack = report::acknowledge_passed_on(desk, &party, counts);
    desk.record(None, "rule", "acknowledgement", "", &ack);
    Ok(format!("{address} is reporter {key} now; acknowledgement: {ack}"))
}

/// Whose mail it is from now on: that of the party or member who has the address, of a named party, or of a new reporter.
fn seat(desk: &mut Desk<'_>, from: &Address, party: Option<&str>) -> Result<PartyKey, String> {
    let rules = desk.rules;
    let Some(case) = desk.case.as_mut() else { return Err("no case".to_owned()) };
    let named = party.map(|name| named_party(case, name)).transpose()?;
    let (known, who) = match (rules.member_at(from), case.party_at(from)) {
        (Some(member), _) => (Some(member.key.clone()), member.name.clone()),
        (None, Some(party)) => (Some(party.key.clone()), format!("{} {}", party.role.word(), party.key)),
        (None, None) => (None, String::new()),
    };
    match (known, named) {
        (Some(known), Some(named)) if known != named => {
            Err(format!("its sender is {who} already; write !admit with the number alone"))
        }
        (Some(known), _) => Ok(known),
        (None, Some(named)) => {
            let place = case.parties.iter_mut().find(|party| party.key == named);
            place.ok_or("no such party")?.aliases.push(from.clone());
            Ok(named)
        }
        (None, None) => {
            let key = case.next_key(Role::Reporter);
            case.parties.push(Party {
                key: key.clone(),
                role: Role::Reporter,
                address: from.clone(),
                aliases: Vec::new(),
                fingerprint: rules.pins.get(&from.key()).cloned(),
                form: Form::Clear,
                last_message: None,
            });
            Ok(key)
        }
    }
}

/// A party by its key, or by its role where it is the only one of that role.
fn named_party(case: &Case, name: &str) -> Result<PartyKey, String> {
    if let Some(party) = case.parties.iter().find(|party| party.key.0.eq_ignore_ascii_case(name)) {
        return Ok(party.key.clone());
    }
    let unknown = || format!("the case has no party {name:?}; !status lists them");
    let role = Role::from_word(&name.to_lowercase()).ok_or_else(unknown)?;
    let keys: Vec<&PartyKey> = case.with_role(role).map(|party| &party.key).collect();
    match keys.as_slice() {
        [only] => Ok((*only).clone()),
        [] => Err(unknown()),
        [_, _, ..] => {
            let keys: Vec<&str> = keys.iter().map(|key| key.0.as_str()).collect();
            Err(format!("there is more than one {}; say which: {}", role.word(), keys.join(", ")))
        }
    }
}

/// What is known of the sender, beside his address.
fn sender(mail: &Incoming) -> String {
    match (&mail.signed_by, mail.authenticity) {
        (Some(fingerprint), _) => format!("signed with the known key {fingerprint}"),
        (None, Authenticity::Pass) => "the mail host vouches for the address".to_owned(),
        (None, Authenticity::Unknown) => "NOT PROVED: anybody may write this address into a mail".to_owned(),
        (None, Authenticity::Fail) => "FORGED, as the mail host says (DMARC failed)".to_owned(),
    }
}

/// What the mail points at the case with: a hint at whose other address it may be, or who passed his mail on.
fn points_with(desk: &Desk<'_>, given_to: Option<&PartyKey>) -> String {
    let Some(key) = given_to else { return "the Message-ID of a mail of the case, or its label".to_owned() };
    match desk.case.as_ref().and_then(|case| case.party(key)) {
        Some(party) => format!("what we gave to {} {key} alone", party.role.word()),
        None => format!("what we gave to the member {} alone", desk.rules.name_of(key)),
    }
}

/// The exact lines by which the mail can be let in, the likeliest party first.
fn admit_lines(desk: &Desk<'_>, mail: MailId, from: Option<&Address>, given_to: Option<&PartyKey>) -> String {
    let Some(case) = &desk.case else { return String::new() };
    let line = |party: &str, means: String| format!("  {:<20} {means}", format!("!admit {mail} {party}").trim_end());
    if let Some(member) = from.and_then(|from| desk.rules.member_at(from)) {
        return line("", format!("it is a note of {}", member.name));
    }
    if let Some(party) = from.and_then(|from| case.party_at(from)) {
        return line("", format!("it is a mail of {} {}", party.role.word(), party.key));
    }
    let mut parties: Vec<&Party> = case.parties.iter().collect();
    parties.sort_by_key(|party| Some(&party.key) != given_to);
    let others = parties
        .into_iter()
        .take(OFFERED_MAX)
        .map(|party| line(&party.key.0, format!("another address of {} {}", party.role.word(), party.address)));
    let new = line("", "the sender becomes a new reporter of the case".to_owned());
    std::iter::once(new).chain(others).collect::<Vec<_>>().join("\n")
}
