//! The story: a report, a maintainer who stays silent for a month, and an advisory.
//!
//! Only what people write stands here; everything else is the engine's answer to it.

use super::stage::{Letter, Stage, one};
use crate::daemon::exit::{Failure, SOFTWARE};
use crate::daemon::rehearsal::people::{Person, Protect, Seen};
use crate::domain::time::{HOUR, MINUTE};

/// Who is who.
const PEOPLE: &[(&str, &str)] = &[
    ("Ana", "found a hole in a module of the project"),
    ("Bo, Cy", "the project's security team"),
    ("Max", "maintains the module, and will be very silent"),
    ("Eve", "a stranger"),
];

const REPORT: &str = "\
Hello,

the login form of the Guestbook module lets anybody in: send an
empty list instead of a password, and you are administrator. I
tried versions 2.3 and 2.4. Nobody else knows of it.

Ana";

const TAKEN: &str = "\
!owner me
!state valid
!severity high
!to reporter

Thank you, Ana. We see it too, on 2.4. We now ask the maintainer for a
fix, in confidence. By which name may we credit you?

Bo";

const ANSWER: &str = "\
\"Ana of Reporter Labs\" is fine. One more thing: version 2.2 is not
affected.";

const FORGED: &str = "\
!case EX-2026-0001 2222222222222222
!embargo lift";

const MAINTAINER: &str = "\
!state accepted
!maintainer max@guestbook.example
!to maintainer

login.py, line 88: the result of the comparison is never looked at
when a list comes in. Versions 2.3 and 2.4 are affected.";

/// Plays it.
pub(super) fn play(stage: &mut Stage) -> Result<(), Failure> {
    stage.title(
        "postern demo: one report, from the first mail to the public advisory",
        "postern reads the mail of security@example.org, a project's address for reports, and answers for its team. \
         Everything below really happens, in a folder on this machine: the mails are written, encrypted, signed, opened \
         and checked. Only the clock is set by hand: the story begins on Monday, 2 March 2026 (UTC), and takes a month.",
        PEOPLE,
    );
    let (ack, report) = reported(stage)?;
    let reply = taken(stage, &report)?;
    strangers(stage, &ack)?;
    maintainer(stage, &reply)?;
    let draft = silence(stage)?;
    published(stage, &draft)
}

fn reported(stage: &mut Stage) -> Result<(Seen, Seen), Failure> {
    stage.chapter(
        "1. A report comes in",
        "Ana found a hole and writes to security@example.org. postern opens her mail, starts a case, acknowledges it, \
         and gives it to the team, each in a mail of their own.",
    );
    let cast = stage.cast.clone();
    let letter = Letter {
        subject: "Guestbook: anybody can log in",
        ..letter(None, REPORT, Protect::Sealed, "Report", "report")
    };
    let got = stage.writes(&cast.ana, &letter)?;
    let report = got.iter().find(|mail| mail.to.same_mailbox(&cast.bo.address)).map(|mail| mail.seen.clone());
    let report = report.ok_or_else(|| Failure::new(SOFTWARE, "the report was not forwarded"))?;
    let outside = format!("On the way, anybody sees only the subject \"{}\".", report.outer_subject);
    stage.remark(&outside);
    Ok((one(got, &cast.ana, "ack")?, report))
}

fn taken(stage: &mut Stage, report: &Seen) -> Result<Seen, Failure> {
    stage.chapter(
        "2. A member takes it",
        "Bo replies to the forwarded mail. Lines that begin with \"!\" are commands; the text below them goes where \
         they say. Without \"!to reporter\" it would stay inside the team.",
    );
    let cast = stage.cast.clone();
    stage.pass(MINUTE * 40)?;
    let got = stage.writes(&cast.bo, &letter(Some(report), TAKEN, Protect::Sealed, "Commands", "commands"))?;
    let question = one(got, &cast.ana, "letter")?;
    stage.pass(HOUR * 2)?;
    let got = stage.writes(&cast.ana, &letter(Some(&question), ANSWER, Protect::Sealed, "Answer", "answer"))?;
    one(got, &cast.bo, "reply")
}

fn strangers(stage: &mut Stage, ack: &Seen) -> Result<(), Failure> {
    stage.chapter(
        "3. A stranger tries",
        "Eve got hold of the address in Ana's acknowledgement and asks for news. Then she forges Bo's address and \
         guesses at a command.",
    );
    let cast = stage.cast.clone();
    stage.pass(HOUR)?;
    let text = "Hi, Ana asked me to take over. What is the state of this?";
    let subject = format!("Re: {}", ack.outer_subject);
    let plain = letter(None, text, Protect::Clear, "Question", "question");
    let asks = Letter { subject: &subject, to: ack.reply_to.as_ref(), ..plain };
    stage.writes(&cast.eve, &asks)?;
    stage.remark("Eve gets no answer at all, and nothing of hers joins the case unless a member admits it.");
    stage.pass(MINUTE * 10)?;
    let plain = letter(None, FORGED, Protect::Clear, "Forged command", "forged-command");
    let forged = Letter { subject: &subject, forger: Some(&cast.eve), vouched: false, ..plain };
    stage.writes(&Person::without_key("Bo", cast.bo.address.clone()), &forged)?;
    stage.remark("Nothing was done, and Bo, whose name was used, knows of it.");
    Ok(())
}

fn maintainer(stage: &mut Stage, reply: &Seen) -> Result<(), Failure> {
    stage.chapter(
        "4. The maintainer is told",
        "Telling somebody new is a strong command: it needs Bo's own signature. From the moment the mail is out, the \
         maintainer has a calendar month to answer; any answer will do.",
    );
    let cast = stage.cast.clone();
    stage.pass(MINUTE * 20)?;
    stage.writes(&cast.bo, &letter(Some(reply), MAINTAINER, Protect::Sealed, "Commands", "commands"))?;
    Ok(())
}

fn silence(stage: &mut Stage) -> Result<Seen, Failure> {
    stage.chapter(
        "5. A month of silence",
        "Nobody has to remember anything. The clocks remind the maintainer after one, two and three weeks; after a \
         month the team gets a draft.",
    );
    let cast = stage.cast.clone();
    let got = stage.pass_until("draft")?;
    one(got, &cast.bo, "draft")
}

fn published(stage: &mut Stage, draft: &Seen) -> Result<(), Failure> {
    stage.chapter(
        "6. Publish, confirm, public",
        "Bo asks to publish, and everybody in the team is shown exactly what would go out. Cy reads it and confirms by \
         signed mail; only then it leaves, and only those bytes.",
    );
    let cast = stage.cast.clone();
    stage.pass(HOUR)?;
    let got = stage.writes(&cast.bo, &letter(Some(draft), "!publish", Protect::Sealed, "Command", "publish"))?;
    let preview = one(got, &cast.cy, "preview")?;
    let line = preview.text.lines().find(|line| line.starts_with("!confirm "));
    let line = line.ok_or_else(|| Failure::new(SOFTWARE, "the preview has nothing to confirm"))?.to_owned();
    stage.pass(MINUTE * 30)?;
    stage.writes(&cast.cy, &letter(Some(&preview), &line, Protect::Sealed, "Command", "confirm"))?;
    stage.show_page()
}

fn letter<'a>(answers: Option<&'a Seen>, text: &'a str, protect: Protect, what: &'a str, name: &'a str) -> Letter<'a> {
    Letter { answers, to: None, forger: None, subject: "", text, protect, vouched: true, what, name }
}
