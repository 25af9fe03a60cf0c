//! Mail of the Sent folder: what somebody of ours answered by hand counts, and nothing there is ever answered.

use postern::domain::id::CaseId;
use postern::domain::state::ReportState;
use postern::domain::time::{DAY, HOUR};
use postern::ports::Folder;

use crate::house::{House, address, mail, outside, report, vouched};

/// An answer to Ana's report from the address itself.
fn answer() -> Vec<u8> {
    mail(
        "answer",
        "From: Example <security@example.org>\nTo: ana@reporter.example\nSubject: Re: Login bypass\nIn-Reply-To: <report@mail.example>",
        "Thank you, we look into it.",
    )
}

/// The report was answered by hand, once, and nothing waits for an answer.
fn answered(house: &mut House) {
    let case = house.case(1);
    assert!(case.answered_at.is_some());
    assert_eq!(house.journal(1, "answered by hand").len(), 1);
    assert_eq!((house.cases(), house.waiting().len()), (1, 0));
    assert!(house.pass(DAY * 2).is_empty(), "nobody is nudged to answer");
    house.whole();
}

#[test]
fn an_answer_by_hand_stops_the_wait_and_the_team_gets_no_mail_for_it() {
    let (mut house, seen, _) = House::with_case();
    assert!(house.sent(&answer()).is_empty());
    let found = house.session().search("look into", 10).expect("store");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].case, Some(CaseId(1)), "it lies with the case");
    answered(&mut house);

    let sent = house.bo_answers(&seen, "!owner me");
    let line = "somebody at security@example.org answered reporter r1 by hand";
    let first = house.one(&house.bo, &sent);
    assert_eq!(first.text.matches(line).count(), 1, "{}", first.text);
    house.pass(HOUR);
    let sent = house.bo_answers(&first, "!severity high");
    let second = house.one(&house.bo, &sent);
    assert!(!second.text.contains(line), "it was said once");
    let sent = house.bo_answers(&second, "!status");
    let status = house.one(&house.bo, &sent);
    assert!(status.text.contains(line) && status.text.contains("answered the reporter last"), "{}", status.text);
}

#[test]
fn without_an_answer_the_team_is_nudged() {
    let (mut house, _, _) = House::with_case();
    assert!(!house.pass(DAY * 2).is_empty());
}

#[test]
fn an_answer_and_its_report_may_come_in_one_batch_in_either_order() {
    for answer_first in [false, true] {
        let mut house = House::new();
        let (report, answer) = (report(), answer());
        let mut mails = [(Folder::Inbox, report.as_slice()), (Folder::Sent, answer.as_slice())];
        if answer_first {
            mails.reverse();
        }
        let sent = house.fetch(&mails);
        assert!(outside(&sent).is_empty(), "a person answered before the acknowledgement was sealed: it does not go");
        assert_eq!(house.got(&house.bo, &sent).len(), 1, "the team gets the report");
        answered(&mut house);
    }
}

#[test]
fn an_answer_that_comes_long_before_its_report_is_found_again() {
    let mut house = House::new();
    assert!(house.sent(&answer()).is_empty());
    assert_eq!((house.cases(), house.session().unplaced(10).expect("store").len()), (0, 1));
    house.pass(HOUR);
    let sent = house.inbox(&report());
    assert!(outside(&sent).is_empty());
    assert!(house.one(&house.bo, &sent).text.contains("answered by hand already"));
    assert!(house.session().unplaced(10).expect("store").is_empty());
    answered(&mut house);
    let text = house.session().first_report(CaseId(1)).expect("store").expect("a report");
    assert!(text.contains("login form"), "the report is the report, though the answer came first");
}

#[test]
fn an_answer_to_somebody_else_takes_no_acknowledgement_away() {
    let mut house = House::new();
    let head = "From: security@example.org\nTo: friend@elsewhere.example\nSubject: Fwd: Login bypass\n\
                In-Reply-To: <report@mail.example>";
    house.sent(&mail("to-friend", head, "Have you seen this?"));
    let sent = house.inbox(&report());
    assert_eq!(outside(&sent), ["ana@reporter.example"]);
    assert_eq!(house.case(1).answered_at, None);
    assert!(house.journal(1, "answered by hand").is_empty());
}

#[test]
fn a_member_who_sends_from_the_mailbox_is_named() {
    let (mut house, seen, ack) = House::with_case();
    let head = format!(
        "From: Bo <bo@team.example>\nTo: Ana <ANA@reporter.example>\nSubject: x\nReferences: {}",
        ack.message_id.expect("an id")
    );
    assert!(house.sent(&mail("m", &head, "!state valid\n\nThank you.")).is_empty());
    assert_eq!(house.case(1).report, ReportState::Received, "no command is read from it");
    let sent = house.bo_answers(&seen, "!status");
    let status = house.one(&house.bo, &sent);
    assert!(status.text.contains("Bo answered reporter r1 by hand"), "{}", status.text);
    answered(&mut house);
}

#[test]
fn a_label_or_a_reply_address_points_as_well() {
    for tag in [true, false] {
        let (mut house, _, ack) = House::with_case();
        let (subject, cc) = if tag {
            ("[EX-2026-0001] Your report", String::new())
        } else {
            ("Your report", format!("\nCc: {}", ack.reply_to.expect("an address")))
        };
        let head = format!("From: security@example.org\nTo: ana@reporter.example{cc}\nSubject: {subject}");
        assert!(house.sent(&mail("m", &head, "Thank you.")).is_empty());
        answered(&mut house);
    }
}

#[test]
fn what_the_host_keeps_of_our_own_mail_is_only_linked() {
    let mut house = House::new();
    let mut ours = house.inbox(&report());
    ours.extend(house.pass(DAY * 2));
    // About no case: an alert on a mail that was put aside.
    ours.extend(house.inbox(&mail("two", "From: a@b.example, c@d.example\nTo: security@example.org", "hm")));
    assert!(ours.len() >= 7);
    let waiting = house.waiting().len();
    for own in &ours {
        assert!(house.sent(&own.raw).is_empty());
    }
    assert_eq!((house.cases(), house.waiting().len()), (1, waiting));
    assert!(house.session().unplaced(10).expect("store").is_empty());
    assert_eq!(house.case(1).answered_at, None, "an acknowledgement is no person's answer");
}

#[test]
fn an_answer_to_nobody_we_know_is_listed_and_changes_nothing() {
    let (mut house, seen, _) = House::with_case();
    let case = house.case(1);
    let head =
        "From: security@example.org\nTo: shop@elsewhere.example\nSubject: Our order\nIn-Reply-To: <9@shop.example>";
    assert!(house.sent(&mail("m", head, "Three chairs, please.")).is_empty());
    let foreign =
        "From: someone@else.example\nTo: ana@reporter.example\nSubject: x\nIn-Reply-To: <report@mail.example>";
    assert!(house.sent(&mail("n", foreign, "Hello.")).is_empty());
    let program = "From: security@example.org\nTo: ana@reporter.example\nAuto-Submitted: auto-replied\nSubject: Away\n\
                   In-Reply-To: <report@mail.example>";
    assert!(house.sent(&mail("o", program, "We are away.")).is_empty());
    let inside = "From: security@example.org\nTo: bo@team.example, security@example.org\nSubject: [EX-2026-0001] psst";
    assert!(house.sent(&mail("p", inside, "What do you think?")).is_empty());
    assert_eq!((house.case(1), house.cases(), house.waiting().len()), (case, 1, 0));
    assert_eq!(house.session().unplaced(10).expect("store").len(), 2);
    let sent = house.bo_answers(&seen, "!list");
    let list = house.one(&house.bo, &sent);
    assert!(list.text.contains("written by hand to somebody whom no case knows"), "{}", list.text);
    assert!(list.text.contains("neither the address nor a member"), "{}", list.text);
}

#[test]
fn f6_the_same_answer_again_counts_once() {
    let (mut house, _, _) = House::with_case();
    house.sent(&answer());
    house.sent(&answer());
    // Rendered anew by its server, and a copy to ourselves.
    house.sent(&[b"X-Rendered: anew\r\n".as_slice(), &answer()].concat());
    assert!(house.inbox(&answer()).is_empty(), "a copy in the inbox is no mail of its own");
    answered(&mut house);
}

#[test]
fn a_reply_to_an_answer_by_hand_joins_the_case() {
    let (mut house, _, _) = House::with_case();
    house.sent(&answer());
    let head = format!(
        "{}\nFrom: ana@reporter.example\nTo: security@example.org\nSubject: Re: Re: Login bypass\n\
         In-Reply-To: <answer@mail.example>",
        vouched("reporter.example")
    );
    let sent = house.inbox(&mail("again", &head, "Here is more."));
    let reply = house.one(&house.bo, &sent);
    assert!(
        reply.text.contains("Here is more") && reply.text.contains("somebody at security@example.org answered last")
    );
    assert_eq!((house.cases(), outside(&sent).len()), (1, 0));
}

#[test]
fn an_answer_to_somebody_who_is_held_is_found_again_when_he_is_admitted() {
    let (mut house, seen, _) = House::with_case();
    let head = format!(
        "{}\nFrom: carl@reporter.example\nTo: security@example.org\nIn-Reply-To: <report@mail.example>\nSubject: x",
        vouched("reporter.example")
    );
    house.inbox(&mail("carl", &head, "I found it with Ana."));
    let head = "From: bo@team.example\nTo: carl@reporter.example\nSubject: x\nIn-Reply-To: <carl@mail.example>";
    house.sent(&mail("m", head, "Thank you, Carl."));
    assert_eq!(house.case(1).answered_at, None);
    let held = house.waiting()[0].mail;
    house.bo_answers(&seen, &format!("!admit {held}"));
    let case = house.case(1);
    assert_eq!(case.parties[1].address, address("carl@reporter.example"));
    assert!(case.answered_at.is_some());
    assert_eq!(house.journal(1, "answered by hand").len(), 1);
}
