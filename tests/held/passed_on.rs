//! Reports that somebody passes on: the inner author is proposed, believed by nobody, and written to only when a member
//! says so.

use postern::daemon::rehearsal::people::Person;
use postern::domain::time::HOUR;

use crate::house::{House, address, mail, outside, vouched};

const INLINE: &str = "Please see below.\n\n---------- Forwarded message ---------\nFrom: Rita <rita@finder.example>\n\
                      Date: Mon, 2 Mar 2026 at 07:00\nSubject: A hole\nTo: Fred <fred@partner.example>\n\n\n\
                      The parser reads too far.";

fn forward(from: &str) -> Vec<u8> {
    let domain = from.rsplit('@').next().expect("a domain");
    mail("fwd", &format!("{}\nFrom: {from}\nTo: security@example.org\nSubject: Fwd: A hole", vouched(domain)), INLINE)
}

fn rita() -> Person {
    Person::without_key("Rita", address("rita@finder.example"))
}

#[test]
fn an_outsiders_forward_is_acknowledged_to_him_alone_and_proposes_the_author() {
    let mut house = House::new();
    let sent = house.inbox(&forward("fred@partner.example"));
    assert_eq!(outside(&sent), ["fred@partner.example"], "nobody unverified is written to");
    let report = house.one(&house.bo, &sent);
    assert!(report.text.contains("Forwarded:    rita@finder.example"), "{}", report.text);
    assert!(report.text.contains("\n                !reporter rita@finder.example\n"), "{}", report.text);
    assert_eq!(house.case(1).parties.len(), 1);

    let sent = house.bo_answers(&report, "!reporter rita@finder.example");
    assert_eq!(outside(&sent), ["rita@finder.example"]);
    let ack = house.one(&rita(), &sent);
    assert!(
        ack.text.contains("passed a report of yours on to Example") && ack.text.contains("EX-2026-0001"),
        "{}",
        ack.text
    );
    assert!(!ack.text.contains("parser"), "the acknowledgement echoes nothing");
    assert_eq!(house.case(1).parties.len(), 2, "he who passed it on stays");
    let head = format!("From: rita@finder.example\nTo: {}\nSubject: Re: it", ack.reply_to.expect("a reply address"));
    let sent = house.inbox(&mail("r1", &head, "I can show you more."));
    assert!(house.one(&house.bo, &sent).text.contains("The reporter wrote"), "her token is her own");
    house.whole();
}

#[test]
fn a_members_forward_is_acknowledged_to_nobody_and_he_makes_room_for_the_author() {
    let mut house = House::new();
    let sent = house.inbox(&forward("bo@team.example"));
    assert!(outside(&sent).is_empty());
    let got = house.got(&house.bo, &sent);
    assert_eq!(got.len(), 1, "the member gets the report like the others, and no acknowledgement");
    assert!(got[0].text.contains("not sent: a member passed the report on"), "{}", got[0].text);

    let sent = house.bo_answers(&got[0], "!reporter rita@finder.example\n!to reporter\n\nThank you, Rita.");
    assert_eq!(outside(&sent), ["rita@finder.example", "rita@finder.example"], "the acknowledgement and the letter");
    let case = house.case(1);
    assert_eq!(case.parties.len(), 1);
    assert_eq!((case.parties[0].key.0.as_str(), &case.parties[0].address), ("r2", &address("rita@finder.example")));
    house.whole();
}

#[test]
fn a_mail_that_is_attached_whole_proposes_its_author_too() {
    let mut house = House::new();
    let head = format!(
        "{}\nFrom: fred@partner.example\nTo: security@example.org\nSubject: for you\nMIME-Version: 1.0\n\
         Content-Type: multipart/mixed; boundary=b",
        vouched("partner.example")
    );
    let body = "--b\n\nSee the attached mail.\n--b\nContent-Type: message/rfc822\n\nFrom: rita@finder.example\n\
                To: fred@partner.example\nSubject: A hole\nMessage-ID: <inner@finder.example>\n\nIt is here.\n--b--";
    let sent = house.inbox(&mail("fwd", &head, body));
    assert!(house.one(&house.bo, &sent).text.contains("!reporter rita@finder.example"));
    assert_eq!(outside(&sent), ["fred@partner.example"]);
}

#[test]
fn a5_an_acknowledgement_that_a_member_asks_for_counts_like_any_other() {
    let mut house = House::new();
    for number in 0..3 {
        let head = format!(
            "{}\nFrom: rita@finder.example\nTo: security@example.org\nSubject: {number}",
            vouched("finder.example")
        );
        house.inbox(&mail(&format!("own{number}"), &head, &format!("Report {number}.")));
    }
    let sent = house.inbox(&forward("fred@partner.example"));
    let report = house.one(&house.bo, &sent);
    let sent = house.bo_answers(&report, "!reporter rita@finder.example");
    assert!(outside(&sent).is_empty());
    assert!(house.one(&house.bo, &sent).text.contains("daily number of acknowledgements"));
    assert_eq!(house.case(4).parties.len(), 2, "she is a reporter all the same");
}

#[test]
fn nobody_of_ours_and_nobody_twice_is_made_a_reporter() {
    let mut house = House::new();
    let sent = house.inbox(&forward("fred@partner.example"));
    let mut seen = house.one(&house.bo, &sent);
    for who in ["security@example.org", "security+1.x@example.org", "cy@team.example", "FRED@partner.example", "nobody"]
    {
        house.pass(HOUR / 2);
        let sent = house.bo_answers(&seen, &format!("!reporter {who}"));
        assert!(outside(&sent).is_empty(), "{who}");
        seen = house.one(&house.bo, &sent);
        assert!(seen.text.contains("error"), "{who}: {}", seen.text);
    }
    assert_eq!(house.case(1).parties.len(), 1);
}

#[test]
fn b1_nothing_but_a_members_proved_word_makes_a_reporter() {
    let mut house = House::new();
    let sent = house.inbox(&forward("fred@partner.example"));
    let report = house.one(&house.bo, &sent);
    let line = report.text.lines().find(|line| line.starts_with("!case ")).expect("a case line").to_owned();
    let head = "From: bo@team.example\nTo: security@example.org\nSubject: x";
    let sent = house.inbox(&mail("forged", head, &format!("{line}\n!reporter eve@evil.example")));
    assert!(outside(&sent).is_empty());
    assert_eq!(house.case(1).parties.len(), 1);
}
