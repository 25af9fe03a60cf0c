//! Reports that come by a form, a tracker or a list: whose they are, and what the house makes of a claim.
#![expect(clippy::expect_used, reason = "a story that cannot go on has failed")]

use postern::daemon::rehearsal::people::{Person, Protect, Seen, Writing};
use postern::daemon::rehearsal::{Plan, Rehearsal, Sent, setup};
use postern::domain::case::Case;
use postern::domain::id::{Address, CaseId};
use postern::domain::party::Audience;
use postern::domain::time::Timestamp;
use postern::mail::intake::Source;

struct Story {
    _dir: tempfile::TempDir,
    house: Person,
    lea: Person,
    rehearsal: Rehearsal,
}

fn address(text: &str) -> Address {
    Address::parse(text).expect("address")
}

fn start() -> Timestamp {
    Timestamp::parse("2026-03-02T09:00Z").expect("instant")
}

/// A house with one keyed member and three sources.
fn story() -> Story {
    let dir = tempfile::tempdir().expect("folder");
    let keyed = |name: &str, text: &str| Person::with_key(name, address(text), start()).expect("key");
    let (house, lea) = (keyed("Example", "security@example.org"), keyed("Lea", "lea@example.org"));
    let plan = Plan {
        house: house.clone(),
        team: vec![lea.clone()],
        pinned: Vec::new(),
        clear: vec![Audience::Reporter],
        lists: Vec::new(),
        start: start(),
        seed: 11,
    };
    let mut setup = setup(&plan).expect("a setup");
    setup.intake = vec![
        Source::Form(address("www@example.org")),
        Source::Tracker(address("noreply@tracker.example")),
        Source::List("security.lists.example.org".to_owned()),
    ];
    let rehearsal = Rehearsal::set_up_as(dir.path(), &plan, setup).expect("house");
    Story { _dir: dir, house, lea, rehearsal }
}

impl Story {
    fn receive(&mut self, head: &str, text: &str) -> Vec<Sent> {
        let raw = format!("{head}\nTo: security@example.org\nDate: Mon, 2 Mar 2026 08:59:00 +0000\n\n{text}\n");
        self.rehearsal.receive(raw.as_bytes()).expect("the house works")
    }

    fn case(&self, number: i64) -> Case {
        self.rehearsal.engine().store().session().case(CaseId(number)).expect("store").expect("case")
    }

    fn cases(&self) -> usize {
        self.rehearsal.engine().store().session().open_cases(100).expect("store").len()
    }

    /// What Lea got.
    fn seen(&self, sent: &[Sent]) -> Vec<Seen> {
        let mine = sent.iter().filter(|mail| mail.to.same_mailbox(&self.lea.address));
        mine.map(|mail| self.lea.open(&self.house, &mail.raw, self.rehearsal.now()).expect("opens")).collect()
    }

    /// The one mail that Lea got.
    fn forward(&self, sent: &[Sent]) -> Seen {
        let mut seen = self.seen(sent);
        assert_eq!(seen.len(), 1, "{seen:#?}");
        seen.remove(0)
    }
}

fn to<'a>(text: &str, sent: &'a [Sent]) -> Option<&'a Sent> {
    let address = address(text);
    sent.iter().find(|mail| mail.to.same_mailbox(&address))
}

const FORM: &str = "From: Website <www@example.org>\nAuto-Submitted: auto-generated\nSubject: Contact form\n\
                    Authentication-Results: mx.example.org; dmarc=pass header.from=example.org";

#[test]
fn a_form_opens_a_case_of_the_reporter_it_names() {
    let mut story = story();
    let head = format!("{FORM}\nMessage-ID: <1@example.org>\nReply-To: Ana <ana@reporter.example>");
    let sent = story.receive(&head, "Name: Ana\n\nThe login form accepts anything.");
    assert_eq!(story.case(1).parties.first().expect("a reporter").address, address("ana@reporter.example"));
    let forward = story.forward(&sent);
    assert!(forward.text.contains("reporter as named by the form, unverified"), "{}", forward.text);
    assert!(forward.text.contains("ana@reporter.example") && forward.text.contains("accepts anything"));
    assert!(to("ana@reporter.example", &sent).is_some(), "she is acknowledged");
    assert!(to("www@example.org", &sent).is_none());
    assert_eq!(sent.len(), 2);
}

#[test]
fn a_form_that_names_nobody_opens_a_case_and_answers_nobody() {
    let mut story = story();
    let sent = story.receive(&format!("{FORM}\nMessage-ID: <1@example.org>"), "The login form accepts anything.");
    assert_eq!(story.case(1).parties.first().expect("a reporter").address, address("www@example.org"));
    assert!(story.forward(&sent).text.contains("the form names no reporter"));
    assert_eq!(sent.len(), 1, "only the team is written to");
}

#[test]
fn a_trackers_notice_is_a_report_though_a_machine_and_a_list_sent_it() {
    let mut story = story();
    let head = "From: Ana <noreply@tracker.example>\nSubject: New finding\nMessage-ID: <1@tracker.example>\n\
                List-Id: <findings.tracker.example>\nPrecedence: list\nReturn-Path: <>";
    let sent = story.receive(head, "Reporter: ana@reporter.example\n\nThe login form accepts anything.");
    assert!(story.forward(&sent).text.contains("reporter as named by the tracker, unverified"));
    assert!(to("ana@reporter.example", &sent).is_some());
    // Whoever forges the tracker makes us write to nobody.
    let forged = format!("{}\nAuthentication-Results: mx.example.org; dmarc=fail", head.replace("<1@", "<2@"));
    let sent = story.receive(&forged, "Reporter: eve@victim.example\n\nBuy this.");
    assert!(to("eve@victim.example", &sent).is_none());
    assert_eq!(story.cases(), 2);
}

#[test]
fn i12_the_forms_own_authentication_never_speaks_for_whom_it_names() {
    let mut story = story();
    let ana = "From: Ana <ana@reporter.example>\nMessage-ID: <a1@reporter.example>\nSubject: A flaw\n\
               Authentication-Results: mx.example.org; dmarc=pass header.from=reporter.example";
    story.receive(ana, "The login form accepts anything.");
    let label = story.case(1).label.to_string();
    let form = FORM.replace("Contact form", &format!("[{label}] Contact form"));
    let head = format!(
        "{form}\nMessage-ID: <2@example.org>\nReferences: <a1@reporter.example>\nReply-To: ana@reporter.example"
    );
    let sent = story.receive(&head, "Please send the details to my new address.");
    assert_eq!(story.cases(), 1);
    let held = story.forward(&sent);
    assert!(held.text.contains("It is held"), "{}", held.text);
    assert_eq!(sent.len(), 1);
}

#[test]
fn a_reporter_named_inside_an_encrypted_form_is_not_answered_by_a_machine() {
    let mut story = story();
    let website = Person::with_key("Website", address("www@example.org"), start()).expect("key");
    let writing = Writing {
        to: address("security@example.org"),
        subject: "Contact form",
        text: "E-mail: ana@reporter.example\n\nIt is here.",
        answers: None,
        protect: Protect::Encrypted,
        vouched: false,
    };
    let seed = story.rehearsal.draw();
    let raw = website.write(&story.house, &writing, start(), seed).expect("a mail");
    let sent = story.rehearsal.receive(&raw).expect("the house works");
    assert_eq!(story.case(1).parties.first().expect("a reporter").address, address("ana@reporter.example"));
    assert!(story.forward(&sent).text.contains("reporter as named by the form, unverified"));
    assert_eq!(sent.len(), 1, "an answer would show that we could decrypt it");
}

#[test]
fn a_form_gives_no_commands_in_a_members_name() {
    let mut story = story();
    story
        .receive("From: Ana <ana@reporter.example>\nMessage-ID: <a1@reporter.example>\nSubject: A flaw", "It is here.");
    let label = story.case(1).label.to_string();
    let text = format!("!case {label} abcdef\n!state valid\n\nE-mail: lea@example.org");
    let sent = story.receive(&format!("{FORM}\nMessage-ID: <2@example.org>"), &text);
    assert_eq!(story.case(1).report, story.case(2).report, "nothing has moved");
    // She is written to as the reporter, and as a member who is shown a report; no transcript answers her.
    let seen = story.seen(&sent);
    assert_eq!(seen.len(), 2, "{seen:#?}");
    assert!(seen.iter().any(|mail| mail.text.contains("reporter as named by the form, unverified")));
    assert!(seen.iter().all(|mail| !mail.text.contains("Nothing was done")));
}

#[test]
fn a_list_that_rewrites_its_from_still_names_the_reporter() {
    let mut story = story();
    let list = "List-Id: <security.lists.example.org>\nPrecedence: list\nSubject: A flaw";
    let plain = format!("From: Ana <ana@reporter.example>\n{list}\nMessage-ID: <1@reporter.example>");
    let sent = story.receive(&plain, "It is here.");
    assert!(!story.forward(&sent).text.contains("unverified"));
    let via = format!(
        "From: Ana via Security <security@lists.example.org>\n{list}\nMessage-ID: <2@reporter.example>\n\
         Reply-To: Bo <bo@reporter.example>\nAuthentication-Results: mx.example.org; dmarc=pass"
    );
    let sent = story.receive(&via, "It is there.");
    assert!(story.forward(&sent).text.contains("reporter as named by the list, unverified"));
    assert_eq!(story.case(1).parties.first().expect("a reporter").address, address("ana@reporter.example"));
    assert_eq!(story.case(2).parties.first().expect("a reporter").address, address("bo@reporter.example"));
}
