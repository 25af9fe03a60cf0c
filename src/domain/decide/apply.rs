//! Commands, one by one, on a trial desk: each says what it did, or why it cannot.

use super::acting::{Acting, World, share_note, stored_block};
use super::desk::{Desk, Letter as Mail, Way, one_line};
use super::maintainer::{self, told_maintainer};
use super::{admission, by_hand, publish};
use crate::domain::command::{Block, Command, Letter, OwnerChoice, help_text, internal_line};
use crate::domain::effect::{Automatic, Effect, MailKind, PendingAction};
use crate::domain::id::{Address, MailId};
use crate::domain::party::{Party, PartyKey, Role};
use crate::domain::policy::Fact;
use crate::domain::state::{ContactState, EmbargoTrigger, ReportState, ReportTrigger};
use crate::domain::template::Template;
use crate::domain::time::Timestamp;

/// A block that went well.
pub(super) struct Applied {
    pub first: String,
    pub lines: String,
    pub next: String,
}

/// Applies a whole block; on an error gives the annotated lines and their number of errors.
pub(super) fn block(
    desk: &mut Desk<'_>,
    acting: &Acting,
    block: &Block,
    world: &World,
) -> Result<Applied, (String, usize)> {
    let (mut lines, mut errors) = (String::new(), 0);
    let mut sent_out = false;
    for line in &block.lines {
        lines.push_str(&line.written);
        lines.push('\n');
        let Ok(Some(command)) = &line.meaning else { continue };
        match one(desk, acting, command, block, world) {
            Ok(done) => {
                sent_out |= matches!(command, Command::To(_));
                done.lines().for_each(|line| lines.push_str(&format!("    {line}\n")));
            }
            Err(problem) => {
                errors += 1;
                lines.push_str(&format!("    error: {problem}\n"));
            }
        }
    }
    if errors > 0 {
        return Err((lines, errors));
    }
    let publishes = block.commands().any(|command| *command == Command::Publish);
    if publishes && sent_out {
        let problem = "the text below would be both a letter and the advisory: send them in two mails";
        return Err((format!("{lines}    error: {problem}\n"), 1));
    }
    let noted = !block.body.is_empty() && !sent_out && !publishes;
    if noted && desk.case.is_some() {
        desk.record(Some(&acting.member), &acting.proof, "note", "", "");
        share_note(desk, &acting.member, "the team", &block.body);
    } else if !sent_out && desk.case.is_some() && block.commands().any(|command| !command.only_reads()) {
        share_note(desk, &acting.member, "the team", &lines);
    }
    let first = match (sent_out, noted) {
        (true, _) => "Done. See below to whom your text went.",
        (false, true) => "Done. NOT sent to the reporter: your text is a note for the team.",
        (false, false) => "Done.",
    };
    Ok(Applied { first: first.to_owned(), lines, next: next_step(desk) })
}

fn one(
    desk: &mut Desk<'_>,
    acting: &Acting,
    command: &Command,
    block: &Block,
    world: &World,
) -> Result<String, String> {
    match command {
        Command::Help => return Ok(help_text()),
        Command::List => return Ok(listed(desk, world)),
        Command::Requeue(mail) => return requeue(desk, acting, *mail, world),
        Command::Note
        | Command::To(_)
        | Command::Owner(_)
        | Command::State(..)
        | Command::Severity(_)
        | Command::EmbargoUntil(_)
        | Command::EmbargoLift
        | Command::Maintainer(..)
        | Command::Admit(..)
        | Command::Reporter(_)
        | Command::Status
        | Command::Publish
        | Command::Confirm(_) => {}
    }
    if desk.case.is_none() {
        return Err("say which case: answer one of our mails about it, or add its !case line".to_owned());
    }
    if leaves_the_team(command, block)
        && let Some(line) = internal_line(&block.body)
    {
        return Err(format!(
            "nothing is sent: the text below holds the line {:?}, which is for the team alone; put commands above the \
             empty line, and take quoted mail of ours out",
            one_line(line)
        ));
    }
    match command {
        Command::Note | Command::Help | Command::List | Command::Requeue(_) => Ok("noted".to_owned()),
        Command::To(audience) => letter(desk, acting, *audience, block),
        Command::Owner(choice) => owner(desk, acting, choice),
        Command::State(trigger, reason) => state(desk, acting, *trigger, reason.as_deref()),
        Command::Severity(level) => severity(desk, acting, level.as_deref()),
        Command::EmbargoUntil(until) => embargo_until(desk, acting, *until),
        Command::EmbargoLift => embargo_lift(desk, acting),
        Command::Maintainer(address, fingerprint) => {
            maintainer::tell(desk, acting, address, fingerprint.as_ref(), block, world)
        }
        Command::Admit(mail, party) => admission::admit(desk, acting, *mail, party.as_deref(), world),
        Command::Reporter(address) => admission::reporter(desk, acting, address, world),
        Command::Status => Ok(status(desk)),
        Command::Publish => publish::show(desk, acting, &block.body),
        Command::Confirm(token) => confirm(desk, acting, token, world),
    }
}

/// Whether a command sends the text below the block to somebody outside.
fn leaves_the_team(command: &Command, block: &Block) -> bool {
    match command {
        Command::To(_) | Command::Publish => true,
        Command::Maintainer(..) => block.commands().any(|c| matches!(c, Command::To(Letter::Maintainer | Letter::All))),
        Command::Note
        | Command::Owner(_)
        | Command::State(..)
        | Command::Severity(_)
        | Command::EmbargoUntil(_)
        | Command::EmbargoLift
        | Command::Admit(..)
        | Command::Reporter(_)
        | Command::Requeue(_)
        | Command::Status
        | Command::List
        | Command::Confirm(_)
        | Command::Help => false,
    }
}

fn letter(desk: &mut Desk<'_>, acting: &Acting, audience: Letter, block: &Block) -> Result<String, String> {
    let body = block.body.as_str();
    if body.is_empty() {
        return Err("there is no text below the commands to send".to_owned());
    }
    let Some(case) = desk.case.as_ref() else { return Err("no case".to_owned()) };
    let wanted = |role: Role| match audience {
        Letter::Reporter => role == Role::Reporter,
        Letter::Maintainer => role == Role::Maintainer,
        Letter::All => true,
    };
    let parties: Vec<Party> = case.parties.iter().filter(|party| wanted(party.role)).cloned().collect();
    // The notice to a maintainer who is told in this very mail carries the text already.
    let told: Vec<&Address> =
        block.commands().filter_map(told_maintainer).filter(|_| wanted(Role::Maintainer)).collect();
    let is_told =
        |party: &Party| party.role == Role::Maintainer && told.iter().any(|address| party.writes_from(address));
    let parties: Vec<Party> = parties.into_iter().filter(|party| !is_told(party)).collect();
    if parties.is_empty() && told.is_empty() {
        return Err("the case has nobody in that role".to_owned());
    }
    let mut said: Vec<String> = told.iter().map(|address| format!("goes with the notice to {address}")).collect();
    let mut answered = false;
    for party in &parties {
        let mail = Mail::new(MailKind::Letter, Template::Letter, Automatic::No).with("text", body);
        let (role, address) = (party.role.word(), &party.address);
        let way = desk.mail_party(party, mail);
        said.push(match way {
            Way::Goes => format!("sent to {role} {address}"),
            Way::Withheld => format!(
                "NOT SENT: no certificate of {role} {address} is known, and this conversation may not go in clear; a \
                 notice without content asks for one. Send the text again when it has come"
            ),
        });
        answered |= way == Way::Goes && party.role == Role::Reporter;
        let to = if way == Way::Goes { "sent" } else { "withheld" };
        desk.record(Some(&acting.member), &acting.proof, "letter", &party.key.0, to);
    }
    if answered {
        desk.reporter_answered(&acting.member, desk.at);
    }
    let audience = match audience {
        _ if said.iter().any(|line| line.starts_with("NOT SENT")) => {
            "the team; it could NOT be sent to everybody outside"
        }
        Letter::Reporter => "the team and the reporter",
        Letter::Maintainer => "the team and the maintainer",
        Letter::All => "everybody in the case",
    };
    share_note(desk, &acting.member, audience, body);
    Ok(said.join("\n"))
}

fn owner(desk: &mut Desk<'_>, acting: &Acting, choice: &OwnerChoice) -> Result<String, String> {
    let new = match choice {
        OwnerChoice::Nobody => None,
        OwnerChoice::Me => Some(acting.member.clone()),
        OwnerChoice::Named(name) => {
            let found = desk.rules.team.iter().find(|member| {
                member.name.eq_ignore_ascii_case(name)
                    || Address::parse(name).is_some_and(|a| a.same_mailbox(&member.address))
            });
            let names = || desk.rules.team.iter().map(|member| member.name.clone()).collect::<Vec<_>>().join(", ");
            Some(found.ok_or_else(|| format!("no member is called that; the members are {}", names()))?.key.clone())
        }
    };
    let Some(case) = desk.case.as_mut() else { return Err("no case".to_owned()) };
    let old = std::mem::replace(&mut case.owner, new.clone());
    let word = |key: &Option<PartyKey>| key.as_ref().map_or_else(|| "-".to_owned(), |key| key.0.clone());
    desk.record(Some(&acting.member), &acting.proof, "owner", &word(&old), &word(&new));
    Ok(new.map_or_else(
        || "nobody looks after the case now".to_owned(),
        |key| format!("{} looks after the case", desk.rules.name_of(&key)),
    ))
}

fn state(desk: &mut Desk<'_>, acting: &Acting, trigger: ReportTrigger, reason: Option<&str>) -> Result<String, String> {
    let Some(case) = desk.case.as_mut() else { return Err("no case".to_owned()) };
    let from = case.report;
    let next = from
        .next(trigger)
        .ok_or_else(|| format!("a report that is {} can become {}", from.word(), from.reachable().join(" or ")))?;
    if next == ReportState::Closed && case.embargo.in_force() && from != ReportState::Invalid {
        return Err("the case is under embargo: publish, or lift the embargo, before you close it".to_owned());
    }
    case.report = next;
    case.close_reason = (next == ReportState::Closed).then(|| reason.map(one_line)).flatten();
    let to = reason.map_or_else(|| next.word().to_owned(), |reason| format!("{}: {}", next.word(), one_line(reason)));
    let embargo = case.embargo;
    let exits = next == ReportState::Closed && embargo.in_force();
    if exits {
        // Nothing is kept secret about what is no vulnerability.
        case.embargo = embargo.next(EmbargoTrigger::Exit).unwrap_or(embargo);
    }
    desk.record(Some(&acting.member), &acting.proof, "report", from.word(), &to);
    if exits {
        desk.record(Some(&acting.member), &acting.proof, "embargo", embargo.word(), "exited");
        desk.fact(Fact::EmbargoEnded, None, desk.at);
    }
    if next == ReportState::Closed {
        desk.fact(Fact::Closed, None, desk.at);
    }
    Ok(format!("report: {} -> {}", from.word(), next.word()))
}

fn severity(desk: &mut Desk<'_>, acting: &Acting, level: Option<&str>) -> Result<String, String> {
    let levels = &desk.rules.policy.levels;
    if let Some(unknown) = level.filter(|level| !levels.iter().any(|known| known == level)) {
        return Err(format!("{unknown:?} is no level here; the levels are {}", levels.join(", ")));
    }
    let Some(case) = desk.case.as_mut() else { return Err("no case".to_owned()) };
    let old = std::mem::replace(&mut case.severity, level.map(str::to_owned));
    let (from, to) = (old.unwrap_or_else(|| "-".to_owned()), level.unwrap_or("-"));
    desk.record(Some(&acting.member), &acting.proof, "severity", &from, to);
    let word = |level: &str| if level == "-" { "none".to_owned() } else { level.to_owned() };
    Ok(format!("severity: {} -> {}", word(&from), word(to)))
}

fn embargo_until(desk: &mut Desk<'_>, acting: &Acting, until: Timestamp) -> Result<String, String> {
    let at = desk.at;
    let Some(case) = desk.case.as_mut() else { return Err("no case".to_owned()) };
    if until <= at {
        return Err("that instant is past; to end the embargo now write !embargo lift".to_owned());
    }
    let from = case.embargo;
    let proposed = from.next(EmbargoTrigger::Propose).ok_or("the embargo is over; it cannot begin again")?;
    let next = proposed.next(EmbargoTrigger::Accept).unwrap_or(proposed);
    case.embargo = next;
    case.embargo_until = Some(until);
    desk.record(Some(&acting.member), &acting.proof, "embargo", from.word(), &format!("{} until {until}", next.word()));
    desk.fact(Fact::EmbargoSet, None, at);
    Ok(format!("embargo until {}", until.to_text()))
}

fn embargo_lift(desk: &mut Desk<'_>, acting: &Acting) -> Result<String, String> {
    let at = desk.at;
    let Some(case) = desk.case.as_mut() else { return Err("no case".to_owned()) };
    let from = case.embargo;
    let next = from.next(EmbargoTrigger::Exit).ok_or("the embargo is over already")?;
    case.embargo = next;
    case.embargo_until = Some(at);
    desk.record(Some(&acting.member), &acting.proof, "embargo", from.word(), next.word());
    desk.fact(Fact::EmbargoEnded, None, at);
    Ok("the embargo is over".to_owned())
}

fn requeue(desk: &mut Desk<'_>, acting: &Acting, mail: MailId, world: &World) -> Result<String, String> {
    let waiting = world.waiting.iter().find(|waiting| waiting.mail == mail);
    if waiting.is_none() || desk.requeues(mail) {
        return Err(format!("mail {mail} does not wait; !list shows what does"));
    }
    desk.record(Some(&acting.member), &acting.proof, "requeued", "", &mail.to_string());
    desk.push(Effect::Requeue { mail, case: None });
    Ok(format!("mail {mail} will be decided again"))
}

fn confirm(desk: &mut Desk<'_>, acting: &Acting, token: &str, world: &World) -> Result<String, String> {
    let pending = world.confirmation.as_ref().filter(|pending| pending.token == token);
    let pending = pending.ok_or("nothing waits under this token in this case, or it was confirmed already")?;
    if desk.at > pending.expires {
        return Err("the 24 hours for this confirmation are over; ask again".to_owned());
    }
    let second_needed = pending.second_member || acting.keyless;
    if second_needed && pending.member == acting.member {
        return Err("a member other than the one who asked must confirm this".to_owned());
    }
    desk.push(Effect::UseConfirmation(token.to_owned()));
    desk.record(Some(&acting.member), &acting.proof, "confirmed", "", token);
    match &pending.action {
        PendingAction::Publish { digest } => publish::publish(desk, acting, digest),
        PendingAction::Apply { block: written, body } => {
            let stored = stored_block(written, body, &desk.rules.case_prefix);
            let first = Acting {
                member: pending.member.clone(),
                proof: format!("{} and {} of {}", "token", acting.proof, acting.member),
                keyless: true,
            };
            block(desk, &first, &stored, world).map(|applied| applied.lines).map_err(|(lines, _)| lines)
        }
    }
}

fn listed(desk: &Desk<'_>, world: &World) -> String {
    let mut lines: Vec<String> = world
        .open_cases
        .iter()
        .map(|case| {
            let owner = case.owner.as_ref().map_or_else(|| "nobody".to_owned(), |key| desk.rules.name_of(key));
            format!("{}  {}  owner {owner}  since {}", case.label, case.summary, case.opened_at.to_text())
        })
        .collect();
    if lines.is_empty() {
        lines.push("no open case".to_owned());
    }
    lines.extend(
        world
            .waiting
            .iter()
            .map(|mail| format!("mail {}  {}  since {}", mail.mail, mail.reason, mail.arrived.to_text())),
    );
    lines.join("\n")
}

fn status(desk: &Desk<'_>) -> String {
    let Some(case) = &desk.case else { return String::new() };
    let owner = case.owner.as_ref().map_or_else(|| "nobody".to_owned(), |key| desk.rules.name_of(key));
    let mut lines = vec![
        format!("{}: {}", case.label, case.summary()),
        format!("opened {}, owner {owner}", case.opened_at.to_text()),
    ];
    lines.push(match case.answered_at.zip(case.answered_by.as_ref()) {
        Some((at, who)) => format!("{} answered the reporter last, {}", desk.rules.name_of(who), at.to_text()),
        None => "nobody has answered the reporter".to_owned(),
    });
    lines.extend(desk.by_hand.iter().map(|answer| by_hand::line(desk.rules, answer)));
    for party in &case.parties {
        let contact = case.contacts.iter().find(|contact| contact.party == party.key);
        let contact = contact.map_or_else(String::new, |contact| format!(", {}", contact.state.word()));
        let key = if party.fingerprint.is_some() { "encrypted" } else { "no certificate" };
        lines.push(format!("{} {} {}, {key}{contact}", party.key, party.role.word(), party.address));
    }
    lines.join("\n")
}

/// What happens next, in one line: the transcript's answer to "and now?".
fn next_step(desk: &Desk<'_>) -> String {
    let Some(case) = &desk.case else { return String::new() };
    let waits = case.contacts.iter().any(|contact| contact.state == ContactState::Contacted);
    match (case.report, case.embargo_until.filter(|_| case.embargo.in_force())) {
        (ReportState::Closed, _) => "Nothing: the case is closed.".to_owned(),
        (_, Some(until)) if until <= desk.at => {
            "The term of the embargo is over: !publish when you are ready.".to_owned()
        }
        (_, Some(until)) if waits => format!("The maintainer's month runs; the embargo ends {}.", until.to_text()),
        (_, Some(until)) => format!("The embargo ends {}; you are warned before.", until.to_text()),
        (_, None) => "Nothing waits for a date.".to_owned(),
    }
}
