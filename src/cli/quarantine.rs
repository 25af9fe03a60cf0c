//! `postern quarantine`: mail that waits for somebody, and its way back.

use super::arguments::desk::{QuarantineAct, QuarantineOptions};
use super::door::{Desk, other_answer};
use super::paper::Paper;
use crate::daemon::desk::rows::WaitingRow;
use crate::daemon::desk::{Answer, Question};
use crate::daemon::exit::Failure;

/// Looks or acts.
pub fn quarantine(options: &QuarantineOptions) -> Result<(), Failure> {
    let mut desk = Desk::open(&options.desk.config)?;
    let paper = Paper::new(&options.desk, desk.rules());
    match &options.act {
        QuarantineAct::List => list(&mut desk, &paper),
        QuarantineAct::Show { mail } => show(&mut desk, &paper, *mail),
        QuarantineAct::Requeue { mails, all } => {
            let mut ids = mails.clone();
            if *all {
                each(&mut desk, false, |row| {
                    ids.push(row.mail);
                    Ok(())
                })?;
            }
            desk.change(&ids, |mails| Question::Requeue { mails }, |change| paper.change(change))?;
            let when =
                if desk.is_running() { "the daemon is at it now" } else { "the daemon does it at its next start" };
            if paper.is_json() || ids.is_empty() { Ok(()) } else { paper.line(when) }
        }
    }
}

fn list(desk: &mut Desk, paper: &Paper) -> Result<(), Failure> {
    if paper.is_json() {
        each(desk, false, |row| paper.object(&row))?;
        return each(desk, true, |row| paper.object(&row));
    }
    let mut aside = paper.sheet(&["MAIL", "DATE", "FROM", "SUBJECT", "TRIED", "WHY"]);
    each(desk, false, |row| {
        let [from, subject] = [row.from, row.subject].map(Option::unwrap_or_default);
        aside.row(&[row.mail.to_string(), paper.time(row.date), from, subject, row.attempts.to_string(), row.reason])
    })?;
    aside.end_or("nothing was put aside")?;
    let mut held = paper.sheet(&["MAIL", "DATE", "FROM", "SUBJECT", "HELD, CLAIMS"]);
    let mut first = true;
    each(desk, true, |row| {
        if std::mem::take(&mut first) {
            paper.text("\nHeld until a member admits it to the case it claims (!admit)")?;
        }
        let [from, subject, claims] = [row.from, row.subject, row.claims].map(Option::unwrap_or_default);
        held.row(&[row.mail.to_string(), paper.time(row.date), from, subject, format!("claims {claims}")])
    })?;
    held.end()
}

/// Every mail that was put aside, or is held, newest first.
fn each(desk: &mut Desk, held: bool, mut take: impl FnMut(WaitingRow) -> Result<(), Failure>) -> Result<(), Failure> {
    let mut before = i64::MAX;
    loop {
        let Answer::Waiting(rows, next) = desk.ask(&Question::Waiting { held, before })? else {
            return Err(other_answer());
        };
        rows.into_iter().try_for_each(&mut take)?;
        match next {
            Some(next) => before = next,
            None => return Ok(()),
        }
    }
}

fn show(desk: &mut Desk, paper: &Paper, mail: i64) -> Result<(), Failure> {
    let Answer::Waits(row, passage) = desk.ask(&Question::Waits { mail })? else { return Err(other_answer()) };
    if paper.is_json() {
        return paper.object(&serde_json::json!({
            "mail": row.mail, "state": row.state, "claims": row.claims, "reason": row.reason, "date": row.date,
            "since": row.since, "from": row.from, "subject": row.subject, "attempts": row.attempts,
            "source": passage.text, "cut": passage.cut,
        }));
    }
    let since = row.since.map_or_else(String::new, |at| format!(" since {} ({})", paper.time(at), paper.age(at)));
    let claims = row.claims.as_ref().map_or_else(String::new, |case| format!(", claims {case}"));
    paper.line(&format!("mail {}: {}{since}{claims}", row.mail, row.state))?;
    for (name, value) in [
        ("why", row.reason.clone()),
        ("arrived", paper.time(row.date)),
        ("from", row.from.clone().unwrap_or_default()),
        ("subject", row.subject.clone().unwrap_or_default()),
        ("tried", row.attempts.to_string()),
    ] {
        paper.field(name, "subject".len(), &value)?;
    }
    paper.text("\nAs it came:\n")?;
    paper.text(&passage.text)?;
    if passage.cut { paper.line("[there is more than is shown here]") } else { Ok(()) }
}
