//! Proves that machines are never taken for people where the standards give a sign, nor people for machines.

use super::*;
use crate::domain::id::Seed;
use crate::mail::parse::{Limits, parse};

fn classified(headers: &str) -> (MailClass, bool) {
    classified_from("ana@example.org", headers)
}

fn classified_from(from: &str, headers: &str) -> (MailClass, bool) {
    let key = InstanceKey::from_secret(b"a secret of the tests");
    let addresses = [Address::parse("security@ours.example").unwrap()];
    let intake = [Source::List("Security.Ours.example".to_owned())];
    let own = OwnMarks { key: &key, addresses: &addresses, loop_header_value: "instance-1", intake: &intake };
    let raw = format!("From: {from}\n{headers}\n\ntext\n");
    let mail = parse(raw.as_bytes(), &Limits::default());
    let class = classify(&mail, &own);
    let answered = may_be_answered(&mail, &class);
    (class, answered)
}

fn own_id() -> String {
    InstanceKey::from_secret(b"a secret of the tests").message_id("ours.example", Seed([1; 16]), 0).to_string()
}

#[test]
fn a_mail_without_signs_is_a_persons() {
    for headers in [
        "Return-Path: <ana@example.org>\nSubject: Out of memory",
        "Auto-Submitted: no",
        "Auto-Submitted: No; x=y",
        "Subject: Automatic reply leaks data",
        "Precedence: first-class",
        "Subject: Absence of output escaping in module X\nX-Auto-Response-Suppress: DR",
        "Subject: Automatic reply bot XSS",
        "Subject: Vacation plugin: SQL injection\nX-MS-Exchange-Inbox-Rules-Loop: a@b.example",
        "Delivered-To: security@vacation.example",
        "X-Loop: security@vacation.example",
        "X-Mailer: Apple Mail",
        "X-Postern-Verdict: ours\nX-Postern-Instance: another",
    ] {
        assert_eq!(classified(headers), (MailClass::Person, true), "{headers}");
    }
}

#[test]
fn machines_are_known_by_every_sign() {
    use AutoKind::{AutoReply, Bulk, Generated, Mdn, Report};
    for (headers, kind) in [
        ("Auto-Submitted: auto-replied (vacation)", AutoReply),
        ("auto-submitted: Auto-Generated", Generated),
        ("Auto-Submitted: auto-notified; owner-email=x", Generated),
        ("Auto-Submitted: no\nAuto-Submitted: auto-replied", AutoReply),
        ("X-Autoreply: yes", AutoReply),
        ("X-Autorespond:", AutoReply),
        ("Precedence: auto_reply", AutoReply),
        ("Precedence: Bulk", Bulk),
        ("Precedence: junk", Bulk),
        ("Return-Path: <>", AutoReply),
        ("Subject: Automatic reply: away\nX-Auto-Response-Suppress: All", AutoReply),
        ("Content-Type: multipart/report; report-type=disposition-notification; boundary=b\n\n--b\n\nread\n--b--", Mdn),
        ("Content-Type: multipart/report; report-type=feedback-report; boundary=b\n\n--b\n\nspam\n--b--", Report),
    ] {
        assert_eq!(classified(headers), (MailClass::Automatic(kind), false), "{headers}");
    }
    assert_eq!(classified_from("MAILER-DAEMON@x.example", "").0, MailClass::Automatic(Report));
    assert_eq!(classified_from("postmaster@x.example", "").0, MailClass::Person);
}

#[test]
fn a_wish_for_silence_is_kept_but_makes_nobody_a_machine() {
    assert_eq!(classified("X-Auto-Response-Suppress: DR, OOF, AutoReply"), (MailClass::Person, false));
    assert_eq!(classified("X-Auto-Response-Suppress: DR, RN"), (MailClass::Person, true));
    assert_eq!(classified_from("no-reply@x.example", ""), (MailClass::Person, false));
    assert_eq!(classified_from("a@x.example, b@x.example", ""), (MailClass::Person, false));
    assert_eq!(classified_from("postmaster@x.example", ""), (MailClass::Person, false));
}

#[test]
fn lists_are_known_and_our_own_list_brings_reports() {
    let list = |id: &str| MailClass::List { list_id: id.to_owned() };
    assert_eq!(classified("List-Id: \"The <x> list\" <Dev.Example.org>\nPrecedence: bulk").0, list("dev.example.org"));
    assert_eq!(classified("List-Unsubscribe: <mailto:x@y>").0, list(""));
    assert_eq!(classified("Precedence: list").0, list(""));
    let (class, answered) = classified("List-Id: Reports <security.ours.example>\nPrecedence: list");
    let kind = IntakeKind::List { list_id: "security.ours.example".to_owned() };
    assert_eq!((class, answered), (MailClass::Intake { kind }, true));
    // A vacation notice to our list is no report.
    let away = "List-Id: <security.ours.example>\nAuto-Submitted: auto-replied";
    assert_eq!(classified(away).0, MailClass::Automatic(AutoKind::AutoReply));
}

#[test]
fn our_own_mail_is_known_and_a_strangers_with_our_id_is_not_ours() {
    assert_eq!(classified("X-Postern-Instance: instance-1").0, MailClass::Own);
    let id = format!("Message-ID: {}", own_id());
    assert_eq!(classified_from("Security <security+7.tok@ours.example>", &id).0, MailClass::Own);
    assert_eq!(classified(&id).0, MailClass::Person);
    assert_eq!(classified_from("security@ours.example", "Message-ID: <a.b@ours.example>").0, MailClass::Person);
}

#[test]
fn a_bounce_is_known_even_when_it_carries_our_marks() {
    let headers = "X-Postern-Instance: instance-1\nReturn-Path: <>\nContent-Type: multipart/report; \
                   report-type=delivery-status; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\n\
                   Final-Recipient: rfc822; x@y.example\nAction: failed\nStatus: 5.0.0\n--b--";
    let (class, answered) = classified(headers);
    assert!(matches!(class, MailClass::Bounce(_)) && !answered, "{class:?}");
}

fn with_text(headers: &str, text: &str) -> MailClass {
    classified(&format!("{headers}\n\n{text}")).0
}

#[test]
fn subject_and_text_of_a_vacation_notice_count_together() {
    let away = MailClass::Automatic(AutoKind::AutoReply);
    for (headers, text) in [
        (
            "Subject: Out of Office AutoReply: Your mail",
            "I am out of the office and have limited access to my mail until Monday.",
        ),
        ("Subject: AUTO: Ana is out of the office (returning 05/01/2010)", "I am out of the office until 05/01/2010."),
        ("Subject: Abwesenheitsnotiz", "Vielen Dank. Ich bin nicht im Büro."),
        (
            "Subject: =?utf-8?q?R=C3=A9ponse_automatique_=3A_x?=\nContent-Type: text/plain; charset=utf-8",
            "Je suis absent du bureau.",
        ),
        ("Subject: Automatic reply: x\nX-MS-Exchange-Inbox-Rules-Loop: a@b.example", "Thanks."),
        ("Subject: Re: x\nPrecedence: bulk", "I am on vacation until Monday."),
        ("X-Bluebottle-Request: <1>", "This account is protected by us."),
        ("X-Mailer: vacation 1.2", "x"),
        ("X-POST-MessageClass: 9; Autoresponder", "x"),
        ("Delivered-To: Autoresponder", "x"),
        ("X-Auto-Response-Suppress: All", "This mailbox is protected by us. Please click the link to confirm."),
    ] {
        assert_eq!(with_text(headers, text), away, "{headers}");
    }
}

#[test]
fn words_alone_make_nobody_a_machine() {
    for (headers, text) in [
        (
            "Subject: XSS in the calendar",
            "I am out of the office until Monday, but this cannot wait: the title is not escaped.",
        ),
        ("Subject: Automatic reply: XSS", "The subject of the answering bot is not escaped. Steps to reproduce: ..."),
        ("Subject: Automatic reply bot XSS", "This is an automatic reply, says the bot, and runs my script."),
        ("Subject: Absence of checks\nX-MS-Exchange-Inbox-Rules-Loop: a@b.example", "The upload checks nothing."),
        (
            "Subject: Phishing",
            "Somebody sends this: your account is protected by us, click to verify you are a person.",
        ),
        ("Subject: Undeliverable", "My last report came back, so I send it again: the login can be bypassed."),
    ] {
        assert_eq!(with_text(headers, text), MailClass::Person, "{headers}");
    }
}

#[test]
fn a_report_that_a_person_attaches_leaves_him_a_person() {
    let headers = "Subject: spam\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nLook.\n--b\nContent-Type: \
                   message/feedback-report\n\nFeedback-Type: abuse\n--b--";
    assert_eq!(classified(headers).0, MailClass::Person);
}

#[test]
fn reasons_are_told_in_fixed_words() {
    let why = |from: &str, headers: &str| {
        let key = InstanceKey::from_secret(b"a secret of the tests");
        let own = OwnMarks { key: &key, addresses: &[], loop_header_value: "", intake: &[] };
        let raw = format!("From: {from}\n{headers}\n\ntext\n");
        reasons(&parse(raw.as_bytes(), &Limits::default()), &own)
    };
    assert!(why("ana@example.org", "Subject: s").is_empty());
    assert_eq!(why("ana@example.org", "Auto-Submitted: auto-replied"), ["Auto-Submitted: auto-replied"]);
    assert_eq!(why("ana@example.org", "Return-Path: <>"), ["null return path"]);
    assert_eq!(why("mailer-daemon@example.org", "Subject: s"), ["from a mail daemon"]);
    let dsn = "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\nContent-Type: \
               message/delivery-status\n\nFinal-Recipient: rfc822; x@y.example\nAction: failed\n--b--";
    assert_eq!(why("x@y.example", dsn), ["a delivery-status part (RFC 3464)"]);
}
