//! Foreign mail in a case, acknowledgements as a weapon, loops, and forged reports of mail hosts.

use postern::daemon::rehearsal::Sent;
use postern::daemon::rehearsal::people::{Protect, Seen, Writing};
use postern::domain::party::Audience;
use postern::domain::state::ContactState;
use postern::domain::time::HOUR;

use crate::house::{House, Opened, TEAM_PASSES, ana, eve, keyed, keyless, opened, writing};

#[test]
fn a1_guessed_tags_join_nothing() {
    let (ana, bo) = (ana(), keyless("Bo", "bo@team.example"));
    let mut house = House::new(&[&bo], &[], &[Audience::Team, Audience::Reporter]);
    house.mail(&ana, &writing("A hole."));
    let labels: String = (0..10_000).map(|number| format!("EX-2026-{number:04} ")).collect();
    house.mail(&eve(), &Writing { subject: &labels, ..writing("ten thousand") });
    for number in 0..12 {
        let subject = format!("Re: [EX-2026-{number:04}] hole");
        house.mail(&eve(), &Writing { subject: &subject, ..writing("What is the state?") });
    }
    assert_eq!(house.case(1).parties.len(), 1);
    // In Ana's name, but not proved to be hers.
    let sent = house.raw("From: ana@reporter.example\nTo: security@example.org\nSubject: [EX-2026-0001]", "I am Ana");
    assert!(house.got(&bo, &sent).iter().all(|mail| !mail.text.contains("The reporter wrote")));
}

#[test]
fn a2_ten_thousand_references_cost_little_and_join_nothing() {
    let mut o = opened();
    let ours = o.ack.message_id.clone().expect("an id");
    let many: String = (0..10_000).map(|number| format!("\n <{number}@evil.example>")).collect();
    let sent = o.house.raw(
        &format!(
            "From: eve@evil.example\nTo: security@example.org\nReferences:{many}\nIn-Reply-To: {ours}\nSubject: x"
        ),
        "hm",
    );
    assert!(o.house.got(&eve(), &sent).is_empty());
    assert_eq!((o.house.case(1).parties.len(), o.house.waiting()), (1, 1));
}

#[test]
fn a2_a_token_of_another_case_or_party_does_not_fit() {
    let mut o = opened();
    o.house.mail(&keyless("Dan", "dan@other.example"), &writing("Another hole."));
    let ours = o.ack.reply_to.clone().expect("an address").to_string();
    let token = ours.split(['.', '@']).nth(1).expect("a token").to_owned();
    for to in [
        format!("security+2.{token}@example.org"),
        format!("security+1.{}@example.org", "a".repeat(16)),
        "security+1.@example.org".to_owned(),
        format!("security+b.{token}@example.org"),
        format!("security+99999999999999999999.{token}@example.org"),
    ] {
        let sent = o.house.raw(&format!("From: ana@reporter.example\nTo: {to}\nSubject: x"), &format!("hello {to}"));
        assert!(o.house.got(&o.bo, &sent).iter().all(|mail| !mail.text.contains("The reporter wrote")), "{to}");
    }
    assert_eq!(o.house.case(2).parties.len(), 1);
}

/// A case with a maintainer, and what the maintainer got.
fn with_maintainer() -> (Opened, postern::daemon::rehearsal::people::Person, Seen) {
    let mut o = {
        let (ana, bo, cy) = (ana(), keyed("Bo", "bo@team.example"), keyed("Cy", "cy@team.example"));
        let mut house = House::new(&[&bo, &cy], &[], &[Audience::Reporter, Audience::Maintainer]);
        let sent = house.mail(&ana, &writing("The login form accepts anything."));
        let (ack, report, other) = (house.one(&ana, &sent), house.one(&bo, &sent), house.one(&cy, &sent));
        Opened { house, ana, bo, cy, ack, report, other }
    };
    let dev = keyless("Dev", "dev@module.example");
    let sent = o.house.answer(&o.bo.clone(), &o.report.clone(), "!maintainer dev@module.example", Protect::Sealed);
    let notice = o.house.one(&dev, &sent);
    (o, dev, notice)
}

#[test]
fn b1_one_party_does_not_speak_in_the_name_of_another() {
    let (mut o, _dev, notice) = with_maintainer();
    let (to, id) = (notice.reply_to.clone().expect("an address"), notice.message_id.clone().expect("an id"));
    for headers in [
        format!("From: ana@reporter.example\nTo: {to}\nSubject: x"),
        format!("From: ana@reporter.example\nTo: security@example.org\nIn-Reply-To: {id}\nSubject: y"),
    ] {
        let sent = o.house.raw(&headers, "I withdraw my report.");
        let shown = o.house.one(&o.bo, &sent);
        assert!(!shown.text.contains("The reporter wrote"), "{headers}\n{}", shown.text);
    }
    assert_eq!(o.house.waiting(), 2, "both are held, and the team sees them");
}

#[test]
fn b1_a_mail_that_dmarc_calls_forged_stops_no_clock_and_joins_nothing() {
    let (mut o, _dev, notice) = with_maintainer();
    let to = notice.reply_to.clone().expect("an address");
    let fails = "Authentication-Results: mx.example.org; dmarc=fail header.from=module.example";
    let sent = o.house.raw(&format!("{fails}\nFrom: dev@module.example\nTo: {to}\nSubject: x"), "I am on it.");
    assert_eq!(o.house.case(1).contacts[0].state, ContactState::Contacted);
    assert!(o.house.one(&o.bo, &sent).text.contains("I am on it"), "the team sees it");
    assert_eq!(o.house.waiting(), 1);
    // The true mail, word for word the same, is no repetition of the forged one.
    let passes = fails.replace("fail", "pass");
    o.house.raw(&format!("{passes}\nFrom: dev@module.example\nTo: {to}\nSubject: x"), "I am on it.");
    assert_eq!(o.house.case(1).contacts[0].state, ContactState::Replied);
}

#[test]
fn a7_no_forged_report_of_a_mail_host_suspends_a_clock() {
    let (mut o, _dev, notice) = with_maintainer();
    let id = notice.message_id.clone().expect("an id").to_string();
    let (unique, mac) = id.trim_matches(['<', '>']).split('@').next().expect("local").split_once('.').expect("a mac");
    let wrong = format!("{unique}.{}", "a".repeat(mac.len()));
    let dsn = |to: &str, original: &str| {
        (
            format!(
                "Return-Path: <>\nFrom: MAILER-DAEMON@module.example\nTo: {to}\nSubject: Undelivered\nMIME-Version: 1.0\n\
                 Content-Type: multipart/report; report-type=delivery-status; boundary=b"
            ),
            format!(
                "--b\n\nSorry.\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; m.example\n\n\
                 Final-Recipient: rfc822; dev@module.example\nAction: failed\nStatus: 5.1.1\n\n--b\n\
                 Content-Type: text/rfc822-headers\n\nMessage-ID: {original}\n\n--b--"
            ),
        )
    };
    for (to, original) in [
        ("security@example.org".to_owned(), format!("<{wrong}@example.org>")),
        ("security@example.org".to_owned(), format!("<{unique}@example.org>")),
        (format!("security+b.{wrong}@example.org"), "<x@y.example>".to_owned()),
        (format!("security+b.{unique}.{mac}@example.org"), "<x@y.example>".to_owned()),
        (format!("dev@module.example, security+1.{mac}@example.org"), "<x@y.example>".to_owned()),
        ("security@example.org".to_owned(), "<x@y.example>".to_owned()),
    ] {
        let (headers, body) = dsn(&to, &original);
        let sent = o.house.raw(&headers, &body);
        assert!(sent.is_empty(), "a report is never answered");
        assert_eq!(o.house.case(1).contacts[0].state, ContactState::Contacted, "{to} {original}");
    }
}

#[test]
fn a6_an_out_of_office_notice_stops_no_clock_whoever_signs_it() {
    let (mut o, _dev, notice) = with_maintainer();
    let (to, id) = (notice.reply_to.clone().expect("an address"), notice.message_id.clone().expect("an id"));
    let passes = "Authentication-Results: mx.example.org; dmarc=pass header.from=module.example";
    for sign in [
        "Auto-Submitted: auto-replied",
        "X-Autoreply: yes",
        "Precedence: auto_reply",
        "Return-Path: <>",
        "Precedence: bulk",
    ] {
        let headers = format!("{passes}\n{sign}\nFrom: dev@module.example\nTo: {to}\nIn-Reply-To: {id}\nSubject: Away");
        let sent = o.house.raw(&headers, &format!("I am away. {sign}"));
        assert!(sent.is_empty());
        assert_eq!(o.house.case(1).contacts[0].state, ContactState::Contacted, "{sign}");
    }
}

#[test]
fn a4_a_copy_sent_ahead_with_the_null_path_does_not_swallow_the_report() {
    let (ana, bo) = (ana(), keyed("Bo", "bo@team.example"));
    let mut house = House::new(&[&bo], &[], &[Audience::Reporter]);
    let report = house.compose(&ana, &Writing { vouched: false, ..writing("The hole is here.") });
    house.octets(&[b"Return-Path: <>\r\n".as_slice(), &report].concat());
    let sent = house.octets(&[b"Return-Path: <ana@reporter.example>\r\n".as_slice(), &report].concat());
    assert!(house.one(&bo, &sent).text.contains("The hole is here."));
    assert_eq!(house.got(&ana, &sent).len(), 1);
}

#[test]
fn a4_a_message_id_taken_ahead_costs_nobody_his_report() {
    let (ana, bo) = (ana(), keyed("Bo", "bo@team.example"));
    let mut house = House::new(&[&bo], &[], &[Audience::Reporter]);
    let id = "Message-ID: <the-same@reporter.example>";
    house.octets(
        format!("From: eve@evil.example\r\nTo: security@example.org\r\n{id}\r\nSubject: x\r\n\r\nfirst\r\n").as_bytes(),
    );
    let sent = house.octets(
        format!("From: ana@reporter.example\r\nTo: security@example.org\r\n{id}\r\nSubject: x\r\n\r\nsecond\r\n")
            .as_bytes(),
    );
    assert_eq!((house.cases(), house.got(&ana, &sent).len()), (2, 1));
    assert!(house.one(&bo, &sent).text.contains("second"));
}

fn to_victim(sent: &[Sent]) -> usize {
    sent.iter().filter(|mail| mail.to.domain() == "victim.example").count()
}

#[test]
fn a5_no_form_of_mail_makes_us_write_more_than_three_times_a_day() {
    let (bo, victim) = (keyed("Bo", "bo@team.example"), keyless("V", "v@victim.example"));
    let mut house = House::new(&[&bo], &[], &[Audience::Reporter]);
    let (mut clear, mut sealed, mut details) = (0, 0, 0);
    for number in 0..5 {
        clear += to_victim(&house.mail(&victim, &writing(&format!("clear {number}"))));
    }
    assert_eq!(clear, 3);
    house.pass(HOUR * 25);
    for number in 0..5 {
        let body = format!("-----BEGIN PGP MESSAGE-----\n\nhQ{number}=\n-----END PGP MESSAGE-----");
        sealed += to_victim(&house.raw("From: v@victim.example\nTo: security@example.org\nSubject: x", &body));
    }
    assert_eq!(sealed, 3, "notices without content are answers too");
    house.pass(HOUR * 25);
    for number in 0..5 {
        let headers = format!("From: v+{number}@victim.example\nTo: security@example.org\nSubject: x");
        details += to_victim(&house.raw(&headers, "detail"));
    }
    assert_eq!(details, 3, "a +detail is no other person");
    house.pass(HOUR * 25);
    let fails = "Authentication-Results: mx.example.org; dmarc=fail header.from=victim.example";
    let sent = house.raw(&format!("{fails}\nFrom: v@victim.example\nTo: security@example.org\nSubject: x"), "forged");
    assert_eq!(to_victim(&sent), 0);
}

#[test]
fn a3_recipients_come_from_the_case_alone() {
    let (ana, bo) = (ana(), keyed("Bo", "bo@team.example"));
    let mut house = House::new(&[&bo], &[], &[Audience::Reporter]);
    let mut all = house.raw(
        "From: ana@reporter.example\nReply-To: eve@evil.example\nSender: eve@evil.example\nReturn-Path: <eve@evil.example>\n\
         To: security@example.org, eve@evil.example\nCc: eve@evil.example, mallory@evil.example\nBcc: eve@evil.example\n\
         Resent-To: eve@evil.example\nErrors-To: eve@evil.example\nDisposition-Notification-To: eve@evil.example\n\
         Return-Receipt-To: eve@evil.example\nMail-Followup-To: eve@evil.example\nDelivered-To: eve@evil.example\nSubject: x",
        "A hole.",
    );
    let report = house.one(&bo, &all);
    all.extend(house.answer(&bo, &report, "!to all\n\nThank you.", Protect::Sealed));
    let to = report.reply_to.clone().expect("an address");
    all.extend(house.raw(
        &format!("{TEAM_PASSES}\nFrom: bo@team.example\nTo: {to}\nCc: eve@evil.example\nReply-To: eve@evil.example\nSubject: x"),
        "!status",
    ));
    assert!(all.iter().all(|mail| mail.to.same_mailbox(&ana.address) || mail.to.same_mailbox(&bo.address)));
    for mail in &all {
        assert!(!String::from_utf8_lossy(&mail.raw).contains("evil.example>\r\nTo"), "no header of ours names her");
        assert!(!String::from_utf8_lossy(&mail.raw).to_lowercase().contains("cc: "));
    }
}

#[test]
fn a3_nobody_makes_our_own_list_a_reporter() {
    let bo = keyed("Bo", "bo@team.example");
    let mut house = House::new(&[&bo], &[], &[Audience::Reporter]);
    for from in ["announce@lists.example.org", "Announce@Lists.Example.Org"] {
        let sent = house.raw(&format!("From: {from}\nTo: security@example.org\nSubject: x"), "A hole.");
        assert!(sent.iter().all(|mail| mail.to.domain() != "lists.example.org"), "{from}");
        assert_eq!(house.got(&bo, &sent).len(), 1, "the team is told");
    }
    assert_eq!(house.cases(), 0);
}

#[test]
fn a6_two_houses_that_write_to_each_other_fall_silent() {
    let bo = keyed("Bo", "bo@team.example");
    let mut house = House::new(&[&bo], &[], &[Audience::Reporter, Audience::Team]);
    // The other house has the same program: its answer is one of ours with other names on it.
    let sent = house.raw("From: security@other.example\nTo: security@example.org\nSubject: x", "A hole.");
    let answer = sent.iter().find(|mail| mail.to.domain() == "other.example").expect("an acknowledgement");
    let theirs = String::from_utf8_lossy(&answer.raw).replace("rehearsal", "other-house");
    let theirs = theirs
        .replace("security@example.org", "SECURITY@OTHER.TMP")
        .replace("security@other.example", "security@example.org");
    let theirs = theirs.replace("SECURITY@OTHER.TMP", "security@other.example");
    assert!(house.octets(theirs.as_bytes()).is_empty(), "an automatic answer is never answered");
    // Our own mail that comes back says nothing to anybody.
    assert!(house.octets(&answer.raw).is_empty());
    let renamed = String::from_utf8_lossy(&answer.raw)
        .replace("X-Postern-Instance", "X-Gone")
        .replace("Auto-Submitted", "X-Gone2");
    assert!(house.octets(renamed.as_bytes()).is_empty());
}

#[test]
fn a6_a_robot_without_any_sign_of_one_is_answered_a_few_times_and_no_more() {
    let mut o = opened();
    let mut out: Vec<(usize, Seen)> = vec![(0, o.report.clone()), (1, o.other.clone())];
    let mut mails = 0;
    for round in 0..120 {
        let Some((who, seen)) = out.pop() else { break };
        let (person, name) = if who == 0 { (o.bo.clone(), "bo") } else { (o.cy.clone(), "cy") };
        let to = seen.reply_to.clone().expect("an address");
        let headers = format!("{TEAM_PASSES}\nFrom: {name}@team.example\nTo: {to}\nSubject: I am away");
        let sent = o.house.raw(&headers, &format!("I am away until Monday. {round}"));
        mails += sent.len();
        let _ = person;
        out.splice(0..0, o.house.got(&o.bo, &sent).into_iter().map(|mail| (0, mail)));
        out.splice(0..0, o.house.got(&o.cy, &sent).into_iter().map(|mail| (1, mail)));
    }
    assert!(out.is_empty(), "two robots keep each other busy: {mails} mails and {} still to answer", out.len());
}
