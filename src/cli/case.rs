//! `postern case`: the cases of this instance, one of them, its journal, and search. Changes nothing.

use super::arguments::desk::{CaseLook, CaseOptions};
use super::door::{Desk, other_answer};
use super::paper::Paper;
use super::progress::Progress;
use crate::daemon::desk::rows::{At, CaseRow, CaseSheet, ClockRow, LogRow, OutboxRow, PartyRow};
use crate::daemon::desk::{Answer, CaseChoice, Question};
use crate::daemon::exit::Failure;
use crate::domain::policy::TimerAction;
use crate::store::CaseCursor;

/// Columns of a list of cases.
const CASES: &[&str] = &["ID", "CASE", "STATE", "AGE", "OWNER", "NEXT", "TITLE"];
/// Columns of a list of cases that were not acknowledged.
const UNACKNOWLEDGED: &[&str] = &["ID", "CASE", "STATE", "AGE", "ANSWERED", "ACKNOWLEDGEMENT", "TITLE"];
/// Columns of outgoing mail.
pub(super) const OUTBOX: &[&str] = &["MAIL", "STATE", "CASE", "KIND", "TO", "TRIED", "NEXT", "ANSWER"];

/// Answers.
pub fn case(options: &CaseOptions) -> Result<(), Failure> {
    let mut desk = Desk::open(&options.desk.config)?;
    let paper = Paper::new(&options.desk, desk.rules());
    match &options.look {
        CaseLook::List { all, state, owner, unacknowledged } => {
            let choice =
                CaseChoice { all: *all, state: state.clone(), owner: owner.clone(), unacknowledged: *unacknowledged };
            list(&mut desk, &paper, &choice)
        }
        CaseLook::Show { case, mail: None } => {
            let Answer::Case(sheet) = desk.ask(&Question::Case { case: case.clone() })? else {
                return Err(other_answer());
            };
            if paper.is_json() { paper.object(&sheet) } else { show(&paper, &sheet) }
        }
        CaseLook::Show { case, mail: Some(mail) } => {
            let question = Question::Text { case: case.clone(), mail: *mail };
            let Answer::Text(passage) = desk.ask(&question)? else { return Err(other_answer()) };
            if paper.is_json() {
                return paper.object(&passage);
            }
            paper.text(&passage.text)?;
            if passage.cut { paper.line("[there is more than is shown here]") } else { Ok(()) }
        }
        CaseLook::Log { case, verify } => {
            log(&mut desk, &paper, case)?;
            if *verify { follow(&mut desk, &paper) } else { Ok(()) }
        }
        CaseLook::Search { words, limit } => search(&mut desk, &paper, &words.join(" "), *limit),
    }
}

fn list(desk: &mut Desk, paper: &Paper, choice: &CaseChoice) -> Result<(), Failure> {
    let unacknowledged = choice.unacknowledged;
    let mut sheet = paper.sheet(if unacknowledged { UNACKNOWLEDGED } else { CASES });
    let mut from = CaseCursor::Clock { due: i64::MIN, timer: 0 };
    loop {
        let question = Question::Cases { filter: choice.clone(), from };
        let Answer::Cases(rows, next) = desk.ask(&question)? else { return Err(other_answer()) };
        for row in rows {
            if paper.is_json() {
                paper.object(&row)?;
                continue;
            }
            let (third, fourth) = if unacknowledged {
                (paper.maybe_time(row.answered), row.acknowledgement.clone().unwrap_or_default())
            } else {
                (
                    row.owner.clone().unwrap_or_else(|| "nobody".to_owned()),
                    due(paper, row.next, row.next_action.as_deref()),
                )
            };
            let age = paper.age(row.opened);
            sheet.row(&[row.id.to_string(), row.label, row.state, age, third, fourth, row.title])?;
        }
        match next {
            Some(next) => from = next,
            None => return sheet.end_or("no such case"),
        }
    }
}

/// When something is due, and what.
fn due(paper: &Paper, at: Option<At>, action: Option<&str>) -> String {
    let Some(at) = at else { return String::new() };
    let what = action.map_or("", action_words);
    let late = if paper.is_past(at) { " (due)" } else { "" };
    format!("{} {what}{late}", paper.time(at))
}

/// What a clock does, for people.
fn action_words(word: &str) -> &str {
    match TimerAction::from_word(word) {
        Some(TimerAction::NudgeAnswer) => "first answer to the reporter",
        Some(TimerAction::NudgeProgress) => "progress",
        Some(TimerAction::RemindMaintainer) => "reminder to the maintainer",
        Some(TimerAction::DraftUninstall) => "end of the maintainer's time",
        Some(TimerAction::AcceptEmbargo) => "embargo counts as accepted",
        Some(TimerAction::WarnEmbargo) => "warning before the embargo ends",
        Some(TimerAction::EndEmbargo) => "embargo ends",
        Some(TimerAction::NudgeHeld) => "reminder of a held mail",
        None => word,
    }
}

fn show(paper: &Paper, sheet: &CaseSheet) -> Result<(), Failure> {
    head(paper, &sheet.case, sheet.close_reason.as_deref())?;
    section(paper, "Parties", sheet.parties.is_empty())?;
    let mut table = paper.sheet(&["PARTY", "ROLE", "ADDRESS", "FORM", "CONTACT", "CERTIFICATE"]);
    for party in &sheet.parties {
        table.row(&party_cells(paper, party))?;
    }
    table.end()?;
    section(paper, "Clocks", sheet.clocks.is_empty())?;
    let mut table = paper.sheet(&["DUE", "WHAT", "PARTY"]);
    for ClockRow { due, action, party } in &sheet.clocks {
        table.row(&[paper.time(*due), action_words(action).to_owned(), party.clone().unwrap_or_default()])?;
    }
    table.end()?;
    section(paper, "Waits for a confirmation", sheet.awaits.is_empty())?;
    let mut table = paper.sheet(&["WHAT", "ASKED BY", "UNTIL"]);
    for awaited in &sheet.awaits {
        table.row(&[awaited.what.clone(), awaited.by.clone(), paper.time(awaited.expires)])?;
    }
    table.end()?;
    section(paper, "Mails", sheet.mails.is_empty())?;
    let mut table = paper.sheet(&["MAIL", "DATE", "FROM", "CLASS", "PARTY", "SUBJECT"]);
    for mail in sheet.mails.iter().cloned() {
        let [from, party, subject] = [mail.from, mail.party, mail.subject].map(Option::unwrap_or_default);
        table.row(&[mail.mail.to_string(), paper.time(mail.date), from, mail.class, party, subject])?;
    }
    table.end()?;
    section(paper, "Outgoing mail", sheet.outbox.is_empty())?;
    let mut table = paper.sheet(OUTBOX);
    for row in &sheet.outbox {
        table.row(&outbox_cells(paper, row))?;
    }
    table.end()
}

fn head(paper: &Paper, case: &CaseRow, close_reason: Option<&str>) -> Result<(), Failure> {
    paper.line(&format!("{}  {}", case.label, case.title))?;
    let state = close_reason.map_or_else(|| case.state.clone(), |reason| format!("{}: {reason}", case.state));
    let embargo = match case.embargo_until {
        Some(until) => format!("{}, until {}", case.embargo, paper.time(until)),
        None => case.embargo.clone(),
    };
    let none = || "none".to_owned();
    let lines = [
        ("state", state),
        ("severity", case.severity.clone().unwrap_or_else(none)),
        ("owner", case.owner.clone().unwrap_or_else(|| "nobody".to_owned())),
        ("embargo", embargo),
        ("advisory", case.advisory.clone()),
        ("opened", format!("{} ({} ago)", paper.time(case.opened), paper.age(case.opened))),
        ("acknowledgement", case.acknowledgement.clone().unwrap_or_else(none)),
        ("last answer", case.answered.map_or_else(none, |at| paper.time(at))),
    ];
    for (name, value) in lines {
        paper.field(name, "acknowledgement".len(), &value)?;
    }
    Ok(())
}

fn section(paper: &Paper, title: &str, is_empty: bool) -> Result<(), Failure> {
    if is_empty {
        return Ok(());
    }
    paper.text(&format!("\n{title}"))
}

fn party_cells(paper: &Paper, party: &PartyRow) -> Vec<String> {
    let address = std::iter::once(&party.address).chain(&party.aliases).cloned().collect::<Vec<_>>().join(", ");
    let contact = match (&party.contact, party.contacted) {
        (Some(state), Some(at)) => format!("{state} {}", paper.time(at)),
        (Some(state), None) => state.clone(),
        (None, _) => String::new(),
    };
    let certificate = party.fingerprint.clone().unwrap_or_default();
    vec![party.key.clone(), party.role.clone(), address, party.form.clone(), contact, certificate]
}

pub(super) fn outbox_cells(paper: &Paper, row: &OutboxRow) -> Vec<String> {
    let doubt = if row.unknown > 0 { format!(" ({} without an answer)", row.unknown) } else { String::new() };
    vec![
        row.id.to_string(),
        row.state.clone(),
        row.case.clone().unwrap_or_default(),
        row.kind.clone(),
        row.to.clone(),
        format!("{}{doubt}", row.attempts),
        paper.maybe_time(row.next),
        row.answer.clone(),
    ]
}

fn log(desk: &mut Desk, paper: &Paper, case: &str) -> Result<(), Failure> {
    let mut sheet = paper.sheet(&["ROW", "WHEN", "WHO", "PROVED BY", "WHAT", "FROM", "TO"]);
    let mut after = 0;
    loop {
        let question = Question::Log { case: case.to_owned(), after };
        let Answer::Log(rows, next) = desk.ask(&question)? else { return Err(other_answer()) };
        for row in rows {
            if paper.is_json() {
                paper.object(&row)?;
                continue;
            }
            let LogRow { seq, at, who, proof, what, from, to, .. } = row;
            let nobody = if proof == "operator" { "operator" } else { "postern" };
            let who = who.unwrap_or_else(|| nobody.to_owned());
            sheet.row(&[seq.to_string(), paper.time(at), who, proof, what, from, to])?;
        }
        match next {
            Some(next) => after = next,
            None => return sheet.end(),
        }
    }
}

/// Follows the chain of the whole journal, stretch by stretch, so that nobody waits for it.
fn follow(desk: &mut Desk, paper: &Paper) -> Result<(), Failure> {
    let progress = Progress::new(None, "following the journal's chain");
    let (mut after, mut hash) = (0, String::new());
    loop {
        let question = Question::Chain { after, head: hash };
        let Answer::Chain { seq, head, end } = desk.ask(&question)? else { return Err(other_answer()) };
        progress.tick(seq.saturating_sub(after));
        (after, hash) = (seq, head);
        if end {
            break;
        }
    }
    progress.done();
    if paper.is_json() {
        return paper.object(&serde_json::json!({ "rows": after, "head": hash }));
    }
    paper.line(&format!("the chain of the journal is whole: {after} rows, head {hash}"))
}

fn search(desk: &mut Desk, paper: &Paper, words: &str, limit: u32) -> Result<(), Failure> {
    let question = Question::Search { words: words.to_owned(), limit };
    let Answer::Found(rows) = desk.ask(&question)? else { return Err(other_answer()) };
    let mut sheet = paper.sheet(&["CASE", "MAIL", "DATE", "FROM", "SUBJECT", "TEXT"]);
    for row in rows {
        if paper.is_json() {
            paper.object(&row)?;
            continue;
        }
        let [case, from] = [row.case, row.from].map(Option::unwrap_or_default);
        sheet.row(&[case, row.mail.to_string(), paper.time(row.date), from, row.subject, row.snippet])?;
    }
    sheet.end_or("nothing found")
}
