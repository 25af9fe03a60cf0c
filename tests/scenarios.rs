//! Stories told to the real engine: real database, real keys, Maildirs and a clock set by hand.
#![expect(clippy::expect_used, clippy::panic, reason = "a story that cannot go on has failed")]

use std::time::Duration;

use postern::daemon::rehearsal::people::{Person, Protect, Seen, Writing};
use postern::daemon::rehearsal::{Plan, Rehearsal, Sent};
use postern::domain::id::{Address, CaseId};
use postern::domain::party::Audience;
use postern::domain::rules::ExternalList;
use postern::domain::state::{ContactState, EmbargoState, PublicationState};
use postern::domain::time::{DAY, HOUR, Timestamp};

/// A house with its people.
struct Story {
    _dir: tempfile::TempDir,
    site: std::path::PathBuf,
    house: Person,
    rehearsal: Rehearsal,
}

fn address(text: &str) -> Address {
    Address::parse(text).expect("address")
}

fn start() -> Timestamp {
    Timestamp::parse("2026-03-02T09:00Z").expect("instant")
}

fn keyed(name: &str, text: &str) -> Person {
    Person::with_key(name, address(text), start()).expect("key")
}

fn keyless(name: &str, text: &str) -> Person {
    Person::without_key(name, address(text))
}

impl Story {
    fn new(team: &[&Person], pinned: &[&Person], clear: &[Audience]) -> Self {
        let dir = tempfile::tempdir().expect("folder");
        let house = keyed("Example", "security@example.org");
        let plan = Plan {
            house: house.clone(),
            team: team.iter().map(|person| (*person).clone()).collect(),
            pinned: pinned.iter().map(|person| (*person).clone()).collect(),
            clear: clear.to_vec(),
            lists: vec![ExternalList {
                name: "announce".to_owned(),
                address: address("announce@lists.example.org"),
                prefix: "[SECURITY] ".to_owned(),
            }],
            start: start(),
            seed: 7,
        };
        let rehearsal = Rehearsal::set_up(dir.path(), &plan).expect("house");
        Self { site: dir.path().join("site"), _dir: dir, house, rehearsal }
    }

    fn mail(&mut self, from: &Person, writing: &Writing<'_>) -> Vec<Sent> {
        let (seed, now) = (self.rehearsal.draw(), self.rehearsal.now());
        let raw = from.write(&self.house, writing, now, seed).expect("a mail");
        self.rehearsal.receive(&raw).expect("the house works")
    }

    fn report(&mut self, from: &Person, protect: Protect) -> Vec<Sent> {
        let text = "The login form accepts anything.\n\n!publish\n\nAna";
        self.mail(from, &Writing { subject: "Login bypass", protect, ..to_house(text) })
    }

    fn answer(&mut self, from: &Person, seen: &Seen, text: &str, protect: Protect) -> Vec<Sent> {
        let to = seen.reply_to.clone().expect("a reply address");
        let subject = format!("Re: {}", seen.subject);
        self.mail(from, &Writing { to, subject: &subject, text, answers: Some(seen), protect, vouched: true })
    }

    fn pass(&mut self, time: Duration) -> Vec<Sent> {
        self.rehearsal.pass(time).expect("the house works")
    }

    /// What one person got, opened.
    fn got(&self, who: &Person, sent: &[Sent]) -> Vec<Seen> {
        let mine = sent.iter().filter(|mail| mail.to.same_mailbox(&who.address));
        mine.map(|mail| who.open(&self.house, &mail.raw, self.rehearsal.now()).expect("opens")).collect()
    }

    fn one(&self, who: &Person, sent: &[Sent]) -> Seen {
        let mut got = self.got(who, sent);
        assert_eq!(got.len(), 1, "{}: {got:#?}", who.name);
        got.remove(0)
    }

    fn case(&self, number: i64) -> postern::domain::case::Case {
        self.rehearsal.engine().store().session().case(CaseId(number)).expect("store").expect("case")
    }

    fn cases(&self) -> usize {
        self.rehearsal.engine().store().session().open_cases(100).expect("store").len()
    }
}

fn to_house(text: &str) -> Writing<'_> {
    Writing {
        to: address("security@example.org"),
        subject: "",
        text,
        answers: None,
        protect: Protect::Clear,
        vouched: true,
    }
}

/// Finds the token of the `!confirm` line in a mail.
fn confirm_line(seen: &Seen) -> String {
    let found = seen.text.lines().find(|line| line.starts_with("!confirm "));
    found.unwrap_or_else(|| panic!("no confirmation in {}", seen.text)).to_owned()
}

#[test]
fn the_whole_story_encrypted() {
    let (ana, bo, cy) =
        (keyed("Ana", "ana@reporter.example"), keyed("Bo", "bo@team.example"), keyed("Cy", "cy@team.example"));
    let dev = keyed("Dev", "dev@module.example");
    let mut story = Story::new(&[&bo, &cy], &[&ana, &dev], &[]);

    let sent = story.report(&ana, Protect::Sealed);
    let ack = story.one(&ana, &sent);
    assert!(ack.encrypted && ack.signed, "{ack:?}");
    assert_eq!(ack.outer_subject, "[EX-2026-0001]");
    assert!(!ack.text.contains("login form"), "the acknowledgement echoes nothing");
    let report = story.one(&bo, &sent);
    assert!(report.encrypted && report.text.contains("login form") && report.text.contains("good signature by"));
    assert_eq!(report.outer_subject, "[EX-2026-0001]", "the subject is secret outside");
    assert_eq!(sent.len(), 3);

    let sent = story.answer(
        &bo,
        &report,
        "!state valid\n!state accepted\n!maintainer dev@module.example\n!to maintainer\n\nPlease look at login.php.",
        Protect::Sealed,
    );
    let receipt = story.one(&bo, &sent);
    assert!(receipt.text.contains("Done"), "{}", receipt.text);
    let notice = story.got(&dev, &sent);
    assert!(
        notice
            .iter()
            .any(|mail| mail.text.contains("login.php") && mail.text.contains(": The login form") && mail.encrypted),
        "{notice:#?}"
    );
    assert_eq!(story.case(1).contacts[0].state, ContactState::Contacted, "the relay took it");

    let mut reminders = 0;
    let mut drafts = Vec::new();
    for _ in 0..32 {
        let sent = story.pass(DAY);
        reminders += story.got(&dev, &sent).len();
        drafts.extend(story.got(&bo, &sent).into_iter().filter(|mail| mail.text.contains("!publish")));
    }
    assert_eq!(reminders, 3);
    let draft = drafts.last().expect("a draft after a month").clone();
    assert_eq!(story.case(1).contacts[0].state, ContactState::Silent);

    let sent = story.answer(&bo, &draft, "!publish", Protect::Sealed);
    let preview = story.got(&bo, &sent).into_iter().find(|mail| mail.text.contains("!confirm ")).expect("a preview");
    assert_eq!(story.case(1).publication, PublicationState::Approved);
    assert!(sent.iter().all(|mail| mail.to.domain() != "lists.example.org"), "nothing leaves before it is confirmed");
    let sent = story.answer(&bo, &preview, &confirm_line(&preview), Protect::Sealed);
    let list = keyless("list", "announce@lists.example.org");
    let advisory = story.one(&list, &sent);
    assert!(advisory.signed && !advisory.encrypted);
    assert!(advisory.subject.starts_with("[SECURITY] "));
    assert_eq!(story.case(1).publication, PublicationState::Public);
    assert_eq!(story.case(1).embargo, EmbargoState::Exited);
    assert!(story.site.join("advisories/ex-2026-0001.html").exists());
    assert!(story.site.join("advisories/ex-2026-0001.txt").exists());
    assert!(story.got(&ana, &sent).iter().any(|mail| mail.encrypted), "the reporter learns that it is public");
    story.rehearsal.engine().store().check().expect("the journal chain and all references hold");
}

#[test]
fn the_whole_story_in_clear() {
    let (ana, bo, cy) =
        (keyless("Ana", "ana@reporter.example"), keyless("Bo", "bo@team.example"), keyless("Cy", "cy@team.example"));
    let dev = keyless("Dev", "dev@module.example");
    let clear = [Audience::Team, Audience::Reporter, Audience::Maintainer];
    let mut story = Story::new(&[&bo, &cy], &[], &clear);

    let sent = story.report(&ana, Protect::Clear);
    let ack = story.one(&ana, &sent);
    assert!(ack.signed && !ack.encrypted);
    assert_eq!(ack.subject, "[EX-2026-0001]");
    let report = story.one(&bo, &sent);

    let sent = story.answer(&bo, &report, "!maintainer dev@module.example", Protect::Clear);
    assert!(story.got(&dev, &sent).is_empty(), "a keyless member's strong command waits for a second member");
    let asked = story.one(&cy, &sent);
    let own = story.one(&bo, &sent);
    let sent = story.answer(&bo, &own, &confirm_line(&asked), Protect::Clear);
    assert!(story.got(&dev, &sent).is_empty(), "nobody confirms himself");
    let sent = story.answer(&cy, &asked, &confirm_line(&asked), Protect::Clear);
    assert_eq!(story.got(&dev, &sent).len(), 1, "{:#?}", story.got(&cy, &sent));

    let mut draft = None;
    for _ in 0..32 {
        let sent = story.pass(DAY);
        draft = story.got(&bo, &sent).into_iter().find(|mail| mail.text.contains("!publish")).or(draft);
    }
    let sent = story.answer(&bo, &draft.expect("a draft"), "!publish", Protect::Clear);
    let preview = story.got(&cy, &sent).into_iter().find(|mail| mail.text.contains("!confirm ")).expect("a preview");
    let sent = story.answer(&cy, &preview, &confirm_line(&preview), Protect::Clear);
    let list = keyless("list", "announce@lists.example.org");
    assert!(story.one(&list, &sent).signed);
}

#[test]
fn m36_a_plain_reply_is_a_note_and_its_receipt_says_so() {
    let (ana, bo, cy) =
        (keyless("Ana", "ana@reporter.example"), keyed("Bo", "bo@team.example"), keyed("Cy", "cy@team.example"));
    let mut story = Story::new(&[&bo, &cy], &[], &[Audience::Reporter]);
    let sent = story.report(&ana, Protect::Clear);
    let report = story.one(&bo, &sent);
    let sent = story.answer(&bo, &report, "I think this is a duplicate.", Protect::Sealed);
    assert!(story.got(&ana, &sent).is_empty());
    assert!(story.one(&bo, &sent).text.trim_start().starts_with("NOT sent to the reporter"));
    assert!(story.one(&cy, &sent).text.contains("duplicate"));
}

#[test]
fn a_members_text_goes_to_the_reporter_and_stops_the_answer_clock() {
    let (ana, bo) = (keyless("Ana", "ana@reporter.example"), keyed("Bo", "bo@team.example"));
    let mut story = Story::new(&[&bo], &[], &[Audience::Reporter]);
    let sent = story.report(&ana, Protect::Clear);
    let report = story.one(&bo, &sent);
    let sent = story.answer(&bo, &report, "!to reporter\n\nThank you, we are looking.", Protect::Sealed);
    let letter = story.one(&ana, &sent);
    assert!(letter.text.contains("we are looking") && !letter.text.contains("!to"));
    assert!(story.pass(DAY * 2).is_empty(), "nobody is nudged");

    let sent = story.answer(&ana, &letter, "Here is more.", Protect::Clear);
    let reply = story.one(&bo, &sent);
    assert!(reply.text.contains("Here is more") && reply.text.contains("Bo answered last"));
    assert_eq!(story.cases(), 1);
}

#[test]
fn x12_nobody_answered_within_a_day_is_told_to_the_team() {
    let (ana, bo) = (keyless("Ana", "ana@reporter.example"), keyed("Bo", "bo@team.example"));
    let mut story = Story::new(&[&bo], &[], &[Audience::Reporter]);
    story.report(&ana, Protect::Clear);
    assert!(story.pass(HOUR * 23).is_empty());
    let sent = story.pass(HOUR * 2);
    assert_eq!(story.got(&bo, &sent).len(), 1);
    assert!(story.pass(DAY * 3).is_empty(), "it fires once");
}

#[test]
fn i9_an_encrypted_reporter_without_a_known_key_is_never_written_in_clear() {
    let (ana, bo) = (keyed("Ana", "ana@reporter.example"), keyed("Bo", "bo@team.example"));
    let mut story = Story::new(&[&bo], &[], &[Audience::Reporter]);
    let sent = story.report(&ana, Protect::Sealed);
    let notice = story.one(&ana, &sent);
    assert!(!notice.encrypted && notice.signed);
    let report = story.one(&bo, &sent);
    let sent = story.answer(&bo, &report, "!to reporter\n\nThe secret answer.", Protect::Sealed);
    assert!(story.one(&bo, &sent).text.contains("NOT SENT"));
    assert!(story.got(&ana, &sent).iter().all(|mail| !mail.text.contains("secret answer")));
}

#[test]
fn a2_a_stranger_with_a_leaked_reference_is_held_and_can_be_admitted() {
    let (ana, bo) = (keyless("Ana", "ana@reporter.example"), keyed("Bo", "bo@team.example"));
    let eve = keyless("Eve", "eve@elsewhere.example");
    let mut story = Story::new(&[&bo], &[], &[Audience::Reporter]);
    let sent = story.report(&ana, Protect::Clear);
    let ack = story.one(&ana, &sent);
    let sent = story.answer(&eve, &ack, "What is the state?", Protect::Clear);
    assert!(story.got(&eve, &sent).is_empty(), "a stranger gets nothing");
    let held = story.one(&bo, &sent);
    assert!(held.text.contains("What is the state?"));
    let waiting = story.rehearsal.engine().store().session().waiting(10).expect("store");
    assert_eq!(waiting.len(), 1);

    let alarm = story.pass(DAY * 2);
    assert_eq!(story.got(&bo, &alarm).len(), 2, "the held mail and the unanswered report");
    let sent = story.answer(&bo, &held, &format!("!admit {}", waiting[0].mail), Protect::Sealed);
    assert!(story.got(&bo, &sent).iter().any(|mail| mail.text.contains("Done")), "{:#?}", story.got(&bo, &sent));
    assert_eq!(story.case(1).parties.len(), 2);
    assert!(story.rehearsal.engine().store().session().waiting(10).expect("store").is_empty());
}

#[test]
fn a1_a_guessed_tag_opens_a_case_of_its_own() {
    let (ana, bo) = (keyless("Ana", "ana@reporter.example"), keyed("Bo", "bo@team.example"));
    let eve = keyless("Eve", "eve@elsewhere.example");
    let mut story = Story::new(&[&bo], &[], &[Audience::Reporter]);
    story.report(&ana, Protect::Clear);
    story.mail(&eve, &Writing { subject: "Re: [EX-2026-0001] Login bypass", ..to_house("hello") });
    assert_eq!(story.cases(), 2);
    assert_eq!(story.case(1).parties.len(), 1);
}

#[test]
fn b1_nothing_unproved_commands() {
    let (ana, bo, cy) =
        (keyless("Ana", "ana@reporter.example"), keyed("Bo", "bo@team.example"), keyed("Cy", "cy@team.example"));
    let forger = keyless("Bo", "bo@team.example");
    let mut story = Story::new(&[&bo, &cy], &[], &[Audience::Reporter]);
    let sent = story.report(&ana, Protect::Clear);
    let report = story.one(&bo, &sent);
    let text = "!case EX-2026-0001 aaaaaaaaaaaaaaaa\n!severity high";
    story.mail(&forger, &Writing { subject: "x", vouched: true, ..to_house(text) });
    assert_eq!(story.case(1).severity, None, "a forged nonce");
    let nonce = report.text.lines().find(|line| line.starts_with("!case ")).expect("a case line").to_owned();
    story.mail(&forger, &Writing { subject: "x", vouched: false, ..to_house(&format!("{nonce}\n!severity high")) });
    assert_eq!(story.case(1).severity, None, "a nonce without authentication");
    let sent =
        story.mail(&forger, &Writing { subject: "x", vouched: true, ..to_house(&format!("{nonce}\n!embargo lift")) });
    assert_eq!(story.case(1).embargo, EmbargoState::Proposed, "a strong command without a signature");
    assert!(story.one(&bo, &sent).text.contains("signature"), "the refusal says what to do");
    let sent = story.answer(&bo, &report, "!severity high\n!owner me", Protect::Sealed);
    assert!(story.got(&bo, &sent)[0].text.contains("Done"), "{}", story.got(&bo, &sent)[0].text);
    assert_eq!(story.case(1).severity.as_deref(), Some("high"));
}

#[test]
fn b3_a_signed_command_runs_once() {
    let (ana, bo) = (keyless("Ana", "ana@reporter.example"), keyed("Bo", "bo@team.example"));
    let mut story = Story::new(&[&bo], &[], &[Audience::Reporter]);
    let sent = story.report(&ana, Protect::Clear);
    let report = story.one(&bo, &sent);
    let nonce = report.text.lines().find(|line| line.starts_with("!case ")).expect("a case line").to_owned();
    let text = format!("{nonce}\n!embargo lift");
    let (seed, now) = (story.rehearsal.draw(), story.rehearsal.now());
    let writing = Writing { subject: "x", protect: Protect::Signed, ..to_house(&text) };
    let raw = bo.write(&story.house, &writing, now, seed).expect("a mail");
    story.rehearsal.receive(&raw).expect("works");
    assert_eq!(story.case(1).embargo, EmbargoState::Exited);
    let text = String::from_utf8(raw).expect("ascii");
    let again = text.replacen("Message-ID: <", "Message-ID: <another", 1).into_bytes();
    let sent = story.rehearsal.receive(&again).expect("works");
    let refusal = story.one(&bo, &sent);
    assert!(refusal.text.contains("used before"), "{}", refusal.text);
}

#[test]
fn i14_all_lines_of_a_mail_or_none() {
    let (ana, bo) = (keyless("Ana", "ana@reporter.example"), keyed("Bo", "bo@team.example"));
    let mut story = Story::new(&[&bo], &[], &[Audience::Reporter]);
    let sent = story.report(&ana, Protect::Clear);
    let report = story.one(&bo, &sent);
    for wrong in
        ["!severity high\n!ownr me", "!severity high\n!state closed nothing", "!severity high\n!severity purple"]
    {
        let sent = story.answer(&bo, &report, wrong, Protect::Sealed);
        let refusal = story.one(&bo, &sent);
        assert!(refusal.text.contains("Nothing was done"), "{}", refusal.text);
        assert_eq!(story.case(1).severity, None, "{wrong}");
    }
}

#[test]
fn d4_a_human_reply_stops_the_maintainers_clock() {
    let (ana, bo, dev) =
        (keyless("Ana", "ana@reporter.example"), keyed("Bo", "bo@team.example"), keyed("Dev", "dev@module.example"));
    let mut story = Story::new(&[&bo], &[&dev], &[Audience::Reporter]);
    let sent = story.report(&ana, Protect::Clear);
    let report = story.one(&bo, &sent);
    let sent =
        story.answer(&bo, &report, "!to reporter\n!maintainer dev@module.example\n\nThank you.", Protect::Sealed);
    let notice = story.one(&dev, &sent);
    story.pass(DAY * 8);
    let sent = story.answer(&dev, &notice, "Looking into it, give me a week.", Protect::Sealed);
    assert!(story.one(&bo, &sent).text.contains("give me a week"));
    assert_eq!(story.case(1).contacts[0].state, ContactState::Replied);
    let sent = story.pass(DAY * 25);
    assert!(story.got(&dev, &sent).is_empty(), "no reminder after an answer");
    assert!(story.case(1).advisory.is_none());
}

#[test]
fn d4_an_out_of_office_notice_does_not_stop_the_clock_and_a_bounce_suspends_it() {
    let (ana, bo, dev) =
        (keyless("Ana", "ana@reporter.example"), keyed("Bo", "bo@team.example"), keyed("Dev", "dev@module.example"));
    let mut story = Story::new(&[&bo], &[&dev], &[Audience::Reporter]);
    let sent = story.report(&ana, Protect::Clear);
    let report = story.one(&bo, &sent);
    let sent =
        story.answer(&bo, &report, "!to reporter\n!maintainer dev@module.example\n\nThank you.", Protect::Sealed);
    let notice = story.one(&dev, &sent);
    let id = notice.message_id.clone().expect("an id");
    let reply_to = notice.reply_to.clone().expect("an address");
    let vacation = format!(
        "From: dev@module.example\r\nTo: {reply_to}\r\nSubject: Away\r\nAuto-Submitted: auto-replied\r\nIn-Reply-To: {id}\r\n\
         Message-ID: <away@module.example>\r\n\r\nI am away.\r\n"
    );
    story.rehearsal.receive(vacation.as_bytes()).expect("works");
    assert_eq!(story.case(1).contacts[0].state, ContactState::Contacted);

    let dsn = format!(
        "Return-Path: <>\r\nFrom: MAILER-DAEMON@module.example\r\nTo: security@example.org\r\nSubject: Undelivered\r\n\
         Message-ID: <dsn@module.example>\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n\r\nSorry.\r\n--b\r\n\
         Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; module.example\r\n\r\n\
         Final-Recipient: rfc822; dev@module.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--b\r\n\
         Content-Type: text/rfc822-headers\r\n\r\nMessage-ID: {id}\r\nSubject: x\r\n\r\n--b--\r\n"
    );
    let sent = story.rehearsal.receive(dsn.as_bytes()).expect("works");
    assert_eq!(story.case(1).contacts[0].state, ContactState::Suspended);
    assert!(story.one(&bo, &sent).text.contains("came back"), "the team is alerted");
    let sent = story.pass(DAY * 40);
    assert!(story.got(&dev, &sent).is_empty(), "a suspended clock reminds nobody");
    assert!(story.case(1).advisory.is_none());
}

#[test]
fn i5_one_acknowledgement_a_report_and_none_to_machines() {
    let (ana, bo) = (keyless("Ana", "ana@reporter.example"), keyed("Bo", "bo@team.example"));
    let mut story = Story::new(&[&bo], &[], &[Audience::Reporter]);
    let (seed, now) = (story.rehearsal.draw(), story.rehearsal.now());
    let raw = ana.write(&story.house, &Writing { subject: "x", ..to_house("Report.") }, now, seed).expect("a mail");
    let sent = story.rehearsal.receive(&raw).expect("works");
    assert_eq!(story.got(&ana, &sent).len(), 1);
    let again = [b"Received: from somewhere else\r\n".as_slice(), &raw].concat();
    let sent = story.rehearsal.receive(&again).expect("works");
    assert!(sent.is_empty(), "f6: the same mail again is linked, not acknowledged");
    assert_eq!(story.cases(), 1);
    let list = b"From: x@y.example\r\nTo: security@example.org\r\nList-Id: <a.b>\r\nSubject: s\r\nMessage-ID: <l@y>\r\n\r\nhi\r\n";
    assert!(story.rehearsal.receive(list).expect("works").is_empty());
    assert_eq!(story.cases(), 1);
}

#[test]
fn a5_three_acknowledgements_an_address_a_day() {
    let (ana, bo) = (keyless("Ana", "ana@reporter.example"), keyed("Bo", "bo@team.example"));
    let mut story = Story::new(&[&bo], &[], &[Audience::Reporter]);
    let mut acks = 0;
    for number in 0..6 {
        let text = format!("Report {number}.");
        let sent = story.mail(&ana, &Writing { subject: "x", ..to_house(&text) });
        acks += story.got(&ana, &sent).len();
        assert_eq!(story.got(&bo, &sent).len(), 1);
    }
    assert_eq!((acks, story.cases()), (3, 6));
}

#[test]
fn h1_a_publication_is_refused_while_the_embargo_runs() {
    let (ana, bo) = (keyless("Ana", "ana@reporter.example"), keyed("Bo", "bo@team.example"));
    let mut story = Story::new(&[&bo], &[], &[Audience::Reporter]);
    let sent = story.report(&ana, Protect::Clear);
    let report = story.one(&bo, &sent);
    let sent = story.answer(&bo, &report, "!publish\n\n# Title\n\nUpgrade.", Protect::Sealed);
    let refusal = story.one(&bo, &sent);
    assert!(refusal.text.contains("under embargo"), "{}", refusal.text);
    let sent = story.answer(&bo, &refusal, "!embargo lift\n!publish\n\n# A title\n\nUpgrade now.", Protect::Sealed);
    let preview = story.got(&bo, &sent).into_iter().find(|mail| mail.text.contains("!confirm ")).expect("a preview");
    assert!(preview.text.contains("Upgrade now."));
    story.pass(DAY + HOUR);
    let sent = story.answer(&bo, &preview, &confirm_line(&preview), Protect::Sealed);
    assert!(story.got(&bo, &sent)[0].text.contains("24 hours"), "an old confirmation is void");
    assert_eq!(story.case(1).publication, PublicationState::Approved);
}

#[test]
fn c3_what_an_outsider_gets_back_does_not_depend_on_what_could_be_opened() {
    let (ana, bo) = (keyed("Ana", "ana@reporter.example"), keyed("Bo", "bo@team.example"));
    let eve = keyless("Eve", "eve@elsewhere.example");
    let mut story = Story::new(&[&bo], &[&ana], &[Audience::Reporter]);
    let sent = story.report(&ana, Protect::Sealed);
    let ack = story.one(&ana, &sent);
    // Ana's answer, captured on its way: its inside points at the case, in her name.
    let (seed, now) = (story.rehearsal.draw(), story.rehearsal.now());
    let writing = Writing {
        subject: "Re: secret",
        answers: Some(&ack),
        protect: Protect::Sealed,
        ..to_house("The second secret.")
    };
    let captured = String::from_utf8(ana.write(&story.house, &writing, now, seed).expect("a mail")).expect("ascii");
    let resent = |body: &str| {
        let strip = |line: &&str| {
            !line.starts_with("In-Reply-To:")
                && !line.starts_with("References:")
                && (!line.starts_with(" <") || line.contains("ana@"))
        };
        let (head, rest) = body.split_once("\r\n\r\n").expect("a head");
        let head: Vec<_> = head.split("\r\n").filter(strip).collect();
        let mail = format!("{}\r\n\r\n{rest}", head.join("\r\n"));
        mail.replace("ana@reporter.example", "eve@elsewhere.example").replace("Ana", "Eve").into_bytes()
    };
    let opened = story.rehearsal.receive(&resent(&captured)).expect("works");
    let broken = captured.replacen("\r\nw", "\r\nx", 1).replace("Message-ID: <", "Message-ID: <2");
    let unopened = story.rehearsal.receive(&resent(&broken)).expect("works");
    let notices = |sent: &[Sent]| -> Vec<(String, String)> {
        let seen = story.got(&eve, sent);
        seen.iter()
            .map(|mail| {
                (
                    mail.subject.replace("0002", "N").replace("0003", "N"),
                    mail.text.replace("0002", "N").replace("0003", "N"),
                )
            })
            .collect()
    };
    assert_eq!(notices(&opened), notices(&unopened));
    assert_eq!(notices(&opened).len(), 1);
    assert!(notices(&opened)[0].1.contains("EX-2026-N") && !notices(&opened)[0].1.contains("secret"));
    assert!(story.got(&bo, &opened)[0].text.contains("NOT SHOWN: its protected author"), "the team is warned");
    assert_eq!(story.case(1).parties.len(), 1, "it joined nothing");
}

#[test]
fn d4_a_new_address_takes_the_place_of_one_that_bounced() {
    let (ana, bo) = (keyless("Ana", "ana@reporter.example"), keyed("Bo", "bo@team.example"));
    let mut story = Story::new(&[&bo], &[], &[Audience::Reporter, Audience::Maintainer]);
    let sent = story.report(&ana, Protect::Clear);
    let report = story.one(&bo, &sent);
    let sent = story.answer(&bo, &report, "!maintainer old@module.example", Protect::Sealed);
    let id = story.one(&keyless("Old", "old@module.example"), &sent).message_id.expect("an id");
    let next = story.one(&bo, &sent);
    let dsn = format!(
        "Return-Path: <>\r\nFrom: MAILER-DAEMON@module.example\r\nTo: security@example.org\r\nSubject: Undelivered\r\n\
         Message-ID: <dsn@module.example>\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n\r\nSorry.\r\n--b\r\n\
         Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; module.example\r\n\r\n\
         Final-Recipient: rfc822; old@module.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--b\r\n\
         Content-Type: text/rfc822-headers\r\n\r\nMessage-ID: {id}\r\n\r\n--b--\r\n"
    );
    story.rehearsal.receive(dsn.as_bytes()).expect("works");
    assert_eq!(story.case(1).contacts[0].state, ContactState::Suspended);
    let sent = story.answer(&bo, &next, "!maintainer new@module.example", Protect::Sealed);
    assert_eq!(story.got(&keyless("New", "new@module.example"), &sent).len(), 1);
    assert_eq!(story.case(1).contacts.len(), 1, "one maintainer, one clock");
    assert_eq!(story.case(1).contacts[0].state, ContactState::Contacted);
}
