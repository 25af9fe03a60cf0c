//! Senders whom a case does not know: shown to the team at once, told nothing, and let in by a member's word.

use postern::daemon::rehearsal::people::Person;
use postern::domain::id::{CaseId, MessageId};
use postern::domain::time::DAY;

use crate::house::{House, address, mail, outside, vouched};

/// A mail to the address that answers Ana's report.
fn reply_all(id: &str, from: &str, text: &str) -> Vec<u8> {
    let domain = from.rsplit('@').next().expect("a domain");
    let head = format!(
        "{}\nFrom: {from}\nTo: ana@reporter.example\nCc: security@example.org\nSubject: Re: Login bypass\n\
         In-Reply-To: <report@mail.example>",
        vouched(domain)
    );
    mail(id, &head, text)
}

#[test]
fn three_colleagues_who_reply_all_are_each_shown_at_once_and_each_alarmed() {
    let (mut house, _, _) = House::with_case();
    for number in 1..=3 {
        let from = format!("carl{number}@reporter.example");
        let sent = house.inbox(&reply_all(&format!("c{number}"), &from, &format!("I am number {number}.")));
        assert!(outside(&sent).is_empty(), "a sender who is held is told nothing");
        for member in [&house.bo, &house.cy] {
            let shown = house.one(member, &sent);
            let held = house.waiting()[0].mail;
            for part in [
                from.as_str(),
                "EX-2026-0001",
                "the mail host vouches for the address",
                "the Message-ID of a mail of the case",
                &format!("I am number {number}."),
                &format!("\n  !admit {held} "),
                &format!("\n  !admit {held} r1 "),
                "another address of reporter ana@reporter.example",
            ] {
                assert!(shown.text.contains(part), "{part}\n{}", shown.text);
            }
        }
    }
    assert_eq!((house.cases(), house.case(1).parties.len(), house.waiting().len()), (1, 1, 3));
    let sent = house.pass(DAY);
    let alarms = house.got(&house.bo, &sent).into_iter().filter(|mail| mail.text.contains("has been held since"));
    let alarms: Vec<_> = alarms.collect();
    assert_eq!(alarms.len(), 3);
    assert!(alarms[0].text.contains("!admit") && alarms[0].text.contains("carl1@reporter.example"));
    house.whole();
}

#[test]
fn a_second_address_with_the_first_ones_token_joins_in_order_once_it_is_admitted() {
    let (mut house, seen, ack) = House::with_case();
    let to = ack.reply_to.expect("a reply address");
    let from_home =
        |id: &str, text: &str| mail(id, &format!("From: Ana <ana@home.example>\nTo: {to}\nSubject: Re: it"), text);
    let sent = house.inbox(&from_home("h1", "First from home."));
    let shown = house.one(&house.bo, &sent);
    assert!(
        shown.text.contains("NOT PROVED") && shown.text.contains("what we gave to reporter r1 alone"),
        "{}",
        shown.text
    );
    house.inbox(&from_home("h2", "Second from home."));
    house.inbox(&from_home("h3", "Third from home."));
    let mut held: Vec<_> = house.waiting().into_iter().map(|mail| mail.mail).collect();
    held.sort();
    assert_eq!(held.len(), 3);

    // Any of them lets all of them in.
    let sent = house.bo_answers(&seen, &format!("!admit {} reporter", held[1]));
    assert!(outside(&sent).is_empty(), "being admitted is answered by a person, or not at all");
    let texts: Vec<String> = house.got(&house.cy, &sent).into_iter().map(|mail| mail.text).collect();
    let joined: Vec<&String> = texts.iter().filter(|text| text.contains("The reporter wrote")).collect();
    assert_eq!(joined.len(), 3, "{texts:#?}");
    for (text, word) in joined.iter().zip(["First", "Second", "Third"]) {
        assert!(text.contains(word), "in order");
    }
    let case = house.case(1);
    assert_eq!((case.parties.len(), case.parties[0].aliases.as_slice()), (1, [address("ana@home.example")].as_slice()));
    assert_eq!(case.parties[0].last_message.as_ref().map(MessageId::as_str), Some("h3@mail.example"));
    assert!(house.waiting().is_empty());

    let sent = house.inbox(&from_home("h4", "Fourth from home."));
    assert!(house.one(&house.bo, &sent).text.contains("The reporter wrote"), "from now on he is known");
    let sent = house.pass(DAY);
    assert!(house.got(&house.bo, &sent).iter().all(|mail| !mail.text.contains("held")), "nothing waits any more");
    house.whole();
}

#[test]
fn b1_what_the_mail_host_calls_forged_is_not_admitted_along() {
    let (mut house, seen, _) = House::with_case();
    house.inbox(&reply_all("c1", "carl@reporter.example", "It is me."));
    let head = "Authentication-Results: mx.example.org; dmarc=fail header.from=reporter.example\n\
                From: carl@reporter.example\nTo: security@example.org\nIn-Reply-To: <report@mail.example>";
    let sent = house.inbox(&mail("c2", head, "Send me everything."));
    assert!(house.one(&house.bo, &sent).text.contains("FORGED"));
    let true_one = house.waiting()[1].mail;
    let sent = house.bo_answers(&seen, &format!("!admit {true_one}"));
    assert!(house.got(&house.cy, &sent).iter().all(|mail| !mail.text.contains("Send me everything")));
    assert_eq!((house.case(1).parties.len(), house.waiting().len()), (2, 1));
}

#[test]
fn a2_an_unknown_authenticated_sender_with_our_references_is_held_and_becomes_a_reporter_of_his_own() {
    let (mut house, seen, ack) = House::with_case();
    let dan = Person::without_key("Dan", address("dan@elsewhere.example"));
    let head = format!(
        "{}\nFrom: dan@elsewhere.example\nTo: security@example.org\nReferences: {}\nSubject: Re: it",
        vouched("elsewhere.example"),
        ack.message_id.expect("an id")
    );
    let sent = house.inbox(&mail("d1", &head, "Ana passed this on to me."));
    assert!(house.got(&dan, &sent).is_empty());
    let held = house.waiting()[0].mail;
    let sent = house.bo_answers(&seen, &format!("!admit {held}\n!admit {held}"));
    assert!(
        house.got(&house.bo, &sent).iter().any(|mail| mail.text.contains("let in already")),
        "twice is not an error"
    );
    let sent = house.bo_answers(&seen, "!to reporter\n\nThank you both.");
    let letter = house.one(&dan, &sent);
    assert_ne!(letter.reply_to, ack.reply_to, "each party has a token of its own");
    assert!(letter.text.starts_with("Thank you both."));
    let head = format!("From: dan@elsewhere.example\nTo: {}\nSubject: x", letter.reply_to.expect("an address"));
    let sent = house.inbox(&mail("d2", &head, "You are welcome."));
    assert!(house.one(&house.bo, &sent).text.contains("The reporter wrote"));
}

#[test]
fn a_mail_in_the_name_of_a_known_party_makes_no_second_party() {
    let (mut house, seen, _) = House::with_case();
    let head = "From: ana@reporter.example\nTo: security@example.org\nIn-Reply-To: <report@mail.example>\nSubject: x";
    let sent = house.inbox(&mail("a2", head, "More of it."));
    let shown = house.one(&house.bo, &sent);
    assert!(shown.text.contains("it is a mail of reporter r1"), "{}", shown.text);
    let held = house.waiting()[0].mail;
    let sent = house.bo_answers(&seen, &format!("!admit {held} r7"));
    assert!(house.one(&house.bo, &sent).text.contains("no party"));
    house.bo_answers(&seen, &format!("!admit {held}"));
    let case = house.case(1);
    assert_eq!((case.parties.len(), case.parties[0].aliases.len(), house.waiting().len()), (1, 0, 0));
}

#[test]
fn a_note_of_a_member_that_nothing_proved_is_his_note_once_it_is_admitted() {
    let (mut house, seen, _) = House::with_case();
    let head = "From: cy@team.example\nTo: security@example.org\nIn-Reply-To: <report@mail.example>\nSubject: x";
    let sent = house.inbox(&mail("cy", head, "I have seen this before."));
    assert!(house.one(&house.bo, &sent).text.contains("it is a note of Cy"));
    let held = house.waiting()[0].mail;
    let sent = house.bo_answers(&seen, &format!("!admit {held}"));
    assert!(house.got(&house.bo, &sent).iter().any(|mail| mail.text.contains("Cy wrote in case")), "shown as his note");
    assert!(house.got(&house.cy, &sent).iter().any(|mail| mail.text.contains("NOT sent to the reporter")));
    assert_eq!((house.case(1).parties.len(), house.waiting().len()), (1, 0));
}

#[test]
fn a_held_mail_that_is_decided_again_is_not_alarmed_about_by_its_old_number() {
    let (mut house, seen, _) = House::with_case();
    house.inbox(&reply_all("c1", "carl@reporter.example", "It is me."));
    let held = house.waiting()[0].mail;
    house.bo_answers(&seen, &format!("!admit {held}"));
    let sent = house.pass(DAY * 2);
    assert!(house.got(&house.bo, &sent).iter().all(|mail| !mail.text.contains("still held")));
}

#[test]
fn a1_what_a_stranger_is_answered_does_not_say_whether_a_case_exists() {
    let (mut house, _, ack) = House::with_case();
    let token = ack.reply_to.expect("an address").to_string();
    let token = token.split(['.', '@']).nth(1).expect("a token").to_owned();
    let wrong = token.chars().rev().collect::<String>();
    let mut answers = Vec::new();
    for (number, case) in [1, 77].into_iter().enumerate() {
        let from = format!("eve{number}@evil.example");
        let head = format!(
            "{}\nFrom: {from}\nTo: security+{case}.{wrong}@example.org\nSubject: Re: [EX-2026-{case:04}] it\n\
             In-Reply-To: <guess{case}@mail.example>",
            vouched("evil.example")
        );
        let sent = house.inbox(&mail(&format!("e{number}"), &head, "What is the state?"));
        let eve = Person::without_key("Eve", address(&from));
        let seen = house.one(&eve, &sent);
        let neutral = |text: &str| text.replace("EX-2026-0002", "LABEL").replace("EX-2026-0003", "LABEL");
        answers.push((neutral(&seen.subject), neutral(&seen.text)));
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(house.case(1).parties.len(), 1);
    assert_eq!(house.session().case(CaseId(77)).expect("store"), None);
}
