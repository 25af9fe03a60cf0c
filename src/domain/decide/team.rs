//! Mail from a member: a note, commands, or both. All commands of a mail, or none.
//!
//! Reads everything, checks everything, then applies it on a copy of the desk; the copy becomes the
//! desk only when every line went well. One transcript answers, always.

use super::acting::{Acting, World, share};
use super::apply;
use super::by_hand;
use super::desk::{Desk, Letter};
use super::report;
use crate::domain::command::{Block, Command, Grade};
use crate::domain::effect::{Automatic, Effect, MailKind, Pending, PendingAction};
use crate::domain::event::{Proof, SignatureSeen, TeamMail};
use crate::domain::party::Member;
use crate::domain::template::Template;
use crate::domain::time::{DAY, HOUR, MINUTE, Timestamp};

/// A signature this much older than now commands nothing.
const SIGNATURE_AGE_MAX: std::time::Duration = HOUR.saturating_mul(48);
/// A signature this much ahead of now commands nothing: clocks differ, but not by more.
const SIGNATURE_AHEAD_MAX: std::time::Duration = MINUTE.saturating_mul(10);

/// The answer to commands in a member's name that nothing proves.
const NOTHING_PROVES: &str = "nothing proves that you sent this: sign it with your OpenPGP key, or send it through your \
                              own mail host so that DMARC or DKIM passes";

/// How far a mail proves its author.
enum Proved {
    /// Enough; the words for the journal.
    Enough(String),
    /// Enough for a keyless member, if a second member confirms.
    WithSecond(String),
    /// Not enough, and what to do.
    No(String),
}

pub(super) fn received(desk: &mut Desk<'_>, mail: &TeamMail, world: &World) {
    let Some(member) = desk.rules.member(&mail.member) else { return };
    if mail.block.commands().next().is_none() && !mail.block.has_errors() {
        // Nothing, or a frame without a command such as a bare !case line: the text is a note, never an error.
        note_only(desk, member, mail);
        return;
    }
    if !mail.proof.authenticated {
        // Anybody may have written this, so the answer repeats nothing of it.
        desk.record(Some(&member.key), "none", "refused", "", NOTHING_PROVES);
        return answer(desk, member, mail, &Outcome::refused(format!("error: {NOTHING_PROVES}"), 1));
    }
    remember(desk, mail);
    if mail.block.has_errors() {
        let errors = mail.block.lines.iter().filter(|line| line.meaning.is_err()).count();
        desk.record(Some(&member.key), "unchecked", "refused", "", &counted(errors));
        return answer(desk, member, mail, &Outcome::refused(listed_errors(&mail.block), errors));
    }
    match proved(desk, member, mail) {
        Proved::No(reason) => {
            desk.record(Some(&member.key), "none", "refused", "", &reason);
            let lines = mail.block.lines.iter().map(|line| format!("{}\n", line.written)).collect::<String>();
            answer(desk, member, mail, &Outcome::refused(format!("{lines}\nerror: {reason}"), 1));
        }
        Proved::WithSecond(proof) => ask_second(desk, member, mail, &proof),
        Proved::Enough(proof) => run(desk, member, mail, world, &proof),
    }
}

fn run(desk: &mut Desk<'_>, member: &Member, mail: &TeamMail, world: &World, proof: &str) {
    let mut trial = desk.clone();
    let acting = Acting { member: member.key.clone(), proof: proof.to_owned(), keyless: member.fingerprint.is_none() };
    let result = apply::block(&mut trial, &acting, &mail.block, world);
    match result {
        Ok(applied) => {
            *desk = trial;
            let given = mail.block.commands().count().to_string();
            desk.record(Some(&member.key), proof, "commands", "", &given);
            spend(desk, mail);
            let outcome = Outcome { first: applied.first, lines: applied.lines, errors: 0, next: applied.next };
            answer(desk, member, mail, &outcome);
        }
        Err((lines, errors)) => {
            desk.record(Some(&member.key), proof, "refused", "", "command");
            answer(desk, member, mail, &Outcome::refused(lines, errors));
        }
    }
}

/// Uses up what proved the mail, so that it proves nothing again.
fn spend(desk: &mut Desk<'_>, mail: &TeamMail) {
    if mail.block.commands().all(Command::only_reads) {
        return;
    }
    if let Some(nonce) = mail.proof.nonce.as_ref().filter(|nonce| nonce.live) {
        desk.push(Effect::UseNonce(nonce.nonce.clone()));
    }
}

/// A signature is good for one mail, whatever becomes of it: one that was refused must not be kept for a better moment.
fn remember(desk: &mut Desk<'_>, mail: &TeamMail) {
    if let Some(signature) = mail.proof.signature.as_ref().filter(|signature| !signature.seen_before) {
        desk.push(Effect::Remember { digest: signature.digest.clone() });
    }
}

fn proved(desk: &Desk<'_>, member: &Member, mail: &TeamMail) -> Proved {
    let proof = &mail.proof;
    let only_reads = mail.block.commands().all(Command::only_reads);
    // What is about no case has no nonce, which belongs to one.
    let caseless = mail.block.commands().all(|command| command.only_reads() || !command.needs_case());
    let strong = mail.block.grade() == Grade::Strong || (desk.rules.require_signature && !only_reads);
    if let Some(signature) = &proof.signature {
        return match fresh(signature, desk.at, only_reads) {
            Err(reason) => Proved::No(reason),
            Ok(words) if caseless => Proved::Enough(words),
            Ok(words) if strong => alone(desk.rules.policy.second_member, mail, strongly(proof, words)),
            Ok(words) => token(mail, words),
        };
    }
    if caseless && !strong {
        return Proved::Enough("authenticated address".to_owned());
    }
    match (strong, &member.fingerprint) {
        (true, Some(_)) => {
            Proved::No("this command needs a signature by your pinned OpenPGP key over the whole mail".to_owned())
        }
        (true, None) if desk.rules.require_signature => Proved::No(
            "here every command needs an OpenPGP signature, and no key of yours is in the settings".to_owned(),
        ),
        (true, None) => alone(true, mail, token(mail, "token".to_owned())),
        (false, _) => token(mail, "token".to_owned()),
    }
}

/// Whether one member is enough for a strong command. Publication and confirmation have their second member built in.
fn alone(second_needed: bool, mail: &TeamMail, proved: Proved) -> Proved {
    let built_in = mail.block.commands().all(|command| command.grade() != Grade::Strong || confirms_itself(command));
    match proved {
        Proved::Enough(words) if second_needed && !built_in => Proved::WithSecond(words),
        enough @ (Proved::Enough(_) | Proved::WithSecond(_) | Proved::No(_)) => enough,
    }
}

fn confirms_itself(command: &Command) -> bool {
    matches!(command, Command::Publish | Command::Confirm(_))
}

fn token(mail: &TeamMail, words: String) -> Proved {
    let proof = &mail.proof;
    match &proof.nonce {
        _ if proof.by_reply_address => Proved::Enough(words),
        Some(nonce) if nonce.live => Proved::Enough(words),
        // A nonce belongs to a case; what is about no case cannot have one.
        _ if mail.block.commands().all(|command| !command.needs_case()) => Proved::Enough(words),
        Some(_) => Proved::No(
            "the nonce of the !case line is not yours, or was used before; answer this mail instead".to_owned(),
        ),
        None => {
            Proved::No("name the case with the !case line of one of our mails to you, or answer such a mail".to_owned())
        }
    }
}

fn strongly(proof: &Proof, words: String) -> Proved {
    match &proof.nonce {
        Some(nonce) if nonce.live && proof.names_case => Proved::Enough(words),
        Some(_) => Proved::No(
            "the nonce of the !case line is not yours, or was used before; answer this mail instead".to_owned(),
        ),
        None => Proved::No("what you sign must name the case: keep the !case line of our mail within it".to_owned()),
    }
}

fn fresh(signature: &SignatureSeen, at: Timestamp, only_reads: bool) -> Result<String, String> {
    if signature.seen_before && !only_reads {
        return Err("this signature was used before; sign a new mail".to_owned());
    }
    if signature.made_at < at.before(SIGNATURE_AGE_MAX) {
        return Err("the signature is older than 48 hours; sign a new mail".to_owned());
    }
    if signature.made_at > at.after(SIGNATURE_AHEAD_MAX) {
        return Err(
            "the signature was made more than 10 minutes ahead of our clock; set your clock and sign again".to_owned()
        );
    }
    Ok(format!("signature {}", signature.fingerprint))
}

/// A keyless member gave a strong command: another member must confirm it.
fn ask_second(desk: &mut Desk<'_>, member: &Member, mail: &TeamMail, proof: &str) {
    let token = desk.draw("confirm");
    desk.record(Some(&member.key), proof, "asked", "", "second member");
    desk.push(Effect::AwaitConfirmation(Pending {
        token: token.clone(),
        member: member.key.clone(),
        second_member: true,
        action: PendingAction::Apply { block: mail.block.written(), body: mail.block.body.clone() },
        expires: desk.at.after(DAY),
    }));
    spend(desk, mail);
    let (title, expires) = (desk.title(), desk.at.after(DAY).to_text());
    let shown = format!("{}\n{}", mail.block.written(), mail.block.body);
    desk.mail_team(Some(&member.key), || {
        Letter::new(MailKind::Alert, Template::SecondMember, Automatic::Generated)
            .with("title", title.clone())
            .with("author", member.name.clone())
            .with("text", shown.trim().lines().map(|line| format!("  {line}\n")).collect::<String>().trim_end())
            .with("confirm_line", format!("!confirm {token}"))
            .with("expires", expires.clone())
    });
    let outcome = Outcome {
        first: "Waiting for a second member.".to_owned(),
        lines: mail.block.written(),
        errors: 0,
        next: format!("The other members were asked to confirm until {expires}; nothing happens before."),
    };
    answer(desk, member, mail, &outcome);
}

fn note_only(desk: &mut Desk<'_>, member: &Member, mail: &TeamMail) {
    desk.record(Some(&member.key), "reference and address", "note", "", &mail.incoming.mail.to_string());
    // A note that looks like nothing but a quote is shown whole: better too much than nothing.
    let text = if mail.block.body.is_empty() { &mail.incoming.text } else { &mail.block.body };
    let partial = mail.incoming.partial_text.as_deref().map(report::shown);
    share(desk, &member.key, "the team", text, partial.as_deref());
    let next = if mail.plain {
        "To write to the reporter, begin your mail with the line \"!to reporter\"."
    } else {
        "Commands are read from plain text alone, and from mail that is signed or encrypted as a whole: this one was not."
    };
    let outcome = Outcome {
        first: "NOT sent to the reporter. Recorded as a note for the team.".to_owned(),
        lines: "0 commands".to_owned(),
        errors: 0,
        next: next.to_owned(),
    };
    answer(desk, member, mail, &outcome);
}

/// What the transcript says.
struct Outcome {
    first: String,
    lines: String,
    errors: usize,
    next: String,
}

impl Outcome {
    fn refused(lines: String, errors: usize) -> Self {
        Self {
            first: format!("Nothing was done: {}.", counted(errors)),
            lines,
            errors,
            next: "Correct the lines and answer this mail; all lines of a mail are done, or none.".to_owned(),
        }
    }
}

fn counted(errors: usize) -> String {
    if errors == 1 { "1 error".to_owned() } else { format!("{errors} errors") }
}

fn listed_errors(block: &Block) -> String {
    let lines = block.lines.iter().map(|line| match &line.meaning {
        Ok(_) => format!("{}\n", line.written),
        Err(problem) => format!("{}\n    error: {problem}\n", line.written),
    });
    lines.collect()
}

fn answer(desk: &mut Desk<'_>, member: &Member, mail: &TeamMail, outcome: &Outcome) {
    let mut state = desk.case.as_ref().map_or_else(String::new, |case| format!("{}: {}", case.label, case.summary()));
    for answer in desk.by_hand.iter().rev().filter(|answer| answer.unseen) {
        state.push_str(&format!("\n{}", by_hand::line(desk.rules, answer)));
    }
    let errors = if outcome.errors == 0 { String::new() } else { counted(outcome.errors) };
    // What the member wrote stands indented, so that quoting the transcript never repeats a command.
    let lines: String = outcome.lines.trim_end().lines().map(|line| format!("  {line}\n")).collect();
    let letter = Letter::new(MailKind::Transcript, Template::Transcript, Automatic::Replied)
        .with("outcome", outcome.first.clone())
        .with("lines", lines.trim_end())
        .with("state", state)
        .with("next", outcome.next.clone())
        .with("errors", errors);
    desk.mail_member(member, letter, mail.incoming.message_id.clone());
}
