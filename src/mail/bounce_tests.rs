//! Proves that reports of mail hosts are read, and that other mail is not taken for one.

use super::*;
use crate::mail::parse::{Limits, parse as parse_mail};

fn report(raw: &str) -> Option<BounceReport> {
    parse(&parse_mail(raw.as_bytes(), &Limits::default()))
}

fn dsn(status: &str) -> String {
    format!(
        "Return-Path: <>\nFrom: MAILER-DAEMON@mx.example\nTo: security+b.abc.mac@ours.example\nContent-Type: \
         multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nSorry.\n--b\nContent-Type: \
         message/delivery-status\n\nReporting-MTA: dns; mx.example\n\n{status}\n--b\nContent-Type: \
         text/rfc822-headers\n\nMessage-ID: <ours@ours.example>\nSubject: s\n--b--\n"
    )
}

fn ids(report: &BounceReport) -> Vec<&str> {
    report.original_message_ids.iter().map(MessageId::as_str).collect()
}

#[test]
fn a_delivery_status_is_read_per_recipient() {
    let read = report(&dsn(
        "Original-Recipient: rfc822;ana@example.org\nFinal-Recipient: rfc822; ana@inner.example\nAction: failed\n\
         Status: 5.1.1 (no such user)\n\nFinal-Recipient: RFC822; <bo@example.org>\nAction: delayed (soon)\nStatus: 4.4.1\n\
         \nFinal-Recipient: rfc822; cy@example.org\nAction: failed\nDiagnostic-Code: smtp; 452 4.2.2 full",
    ))
    .unwrap();
    let seen: Vec<_> = read
        .recipients
        .iter()
        .map(|r| (r.address.as_ref().unwrap().as_str(), r.action, r.status.as_deref(), r.permanent))
        .collect();
    assert_eq!(
        seen,
        [
            ("ana@example.org", Action::Failed, Some("5.1.1"), true),
            ("bo@example.org", Action::Delayed, Some("4.4.1"), false),
            ("cy@example.org", Action::Failed, Some("4.2.2"), false),
        ]
    );
    assert_eq!(ids(&read), ["ours@ours.example"]);
    assert_eq!(read.verp, [Address::parse("security+b.abc.mac@ours.example").unwrap()]);
}

#[test]
fn a_report_of_success_is_no_bounce() {
    assert_eq!(report(&dsn("Final-Recipient: rfc822; a@b.example\nAction: delivered\nStatus: 2.0.0")), None);
    assert_eq!(report(&dsn("Final-Recipient: rfc822; a@b.example\nAction: relayed")), None);
}

#[test]
fn a_report_that_names_nobody_still_names_our_mail() {
    let read = report(&dsn("X-Nothing: here")).unwrap();
    assert!(read.recipients.is_empty());
    assert_eq!(ids(&read), ["ours@ours.example"]);
}

#[test]
fn failed_recipients_of_exim_are_read() {
    let raw = "Return-Path: <>\nFrom: Mail Delivery System <Mailer-Daemon@mx.example>\nX-Failed-Recipients: a@b.example, \
               c@d.example\n\nIt failed.\n------ This is a copy\n\nMessage-Id: <ours@ours.example>\nSubject: s\n";
    let read = report(raw).unwrap();
    assert_eq!(read.recipients.len(), 2);
    assert!(read.recipients.iter().all(|r| r.permanent && r.action == Action::Failed));
    assert_eq!(ids(&read), ["ours@ours.example"]);
}

#[test]
fn plain_reports_of_qmail_and_postfix_are_read() {
    let raw = "Return-Path: <>\nFrom: MAILER-DAEMON@mx.example\n\nHi. This is the qmail-send program at mx.example.\n\n\
               <a@b.example>:\n10.0.0.1 does not like recipient.\nRemote host said: 550 5.1.1 unknown\n\n\
               <c@d.example>: host mx said: 451 4.7.1 later\n\n--- Below this line is a copy of the message.\n\n\
               Message-ID: <ours@ours.example>\n";
    let read = report(raw).unwrap();
    let seen: Vec<_> = read.recipients.iter().map(|r| (r.status.as_deref(), r.permanent)).collect();
    // Who writes such a notice has given up, whatever the last answer was.
    assert_eq!(seen, [(Some("5.1.1"), true), (Some("4.7.1"), true)]);
    assert_eq!(ids(&read), ["ours@ours.example"]);
}

#[test]
fn people_who_quote_a_bounce_send_none() {
    let quoted = "<a@b.example>: host said 550 5.1.1\nMessage-ID: <ours@ours.example>\n";
    assert_eq!(report(&format!("Return-Path: <ana@x.example>\nFrom: ana@x.example\n\n{quoted}")), None);
    assert_eq!(report("Return-Path: <>\nFrom: ana@x.example\nSubject: Out of office\n\nBack on Monday.\n"), None);
}

#[test]
fn hostile_reports_are_capped() {
    let many: String =
        (0..10_000).map(|n| format!("Final-Recipient: rfc822; a{n}@b.example\nAction: failed\n\n")).collect();
    assert_eq!(report(&dsn(&many)).unwrap().recipients.len(), RECIPIENTS_MAX);
    let lines: String = (0..100_000).map(|n| format!("<a{n}@b.example>:\n")).collect();
    let plain =
        format!("Return-Path: <>\nFrom: mailer-daemon@x.example\nReferences: {}\n\n{lines}", "<a@b>".repeat(9000));
    let read = report(&plain).unwrap();
    assert_eq!((read.recipients.len(), read.original_message_ids.len()), (RECIPIENTS_MAX, 1));
}

/// The whole mail of a person who writes about bounces, or passes one on.
const PEOPLE: [&str; 11] = [
    // Words of a report in the subject, and a notice quoted below.
    "Subject: Undeliverable mail leaks addresses\n\nHi,\n\nyour server answers\n\nDelivery to the following recipients \
     failed.\n\n       bo@there.example\n\nand shows the address.\n",
    "Subject: Fwd: Undelivered Mail Returned to Sender\n\nThis is the mail system at host mx.example.\n\n<bo@there.example>: \
     host mx said: 550 5.1.1 unknown\n",
    "Subject: Delivery failure\nUser-Agent: Mozilla Thunderbird\n\nYour message could not be delivered to:\n\nbo@there.example\n",
    "Subject: Re: Returned mail\nIn-Reply-To: <a@b>\n\nYour mail could not be delivered to bo@there.example, why?\n",
    // A status part that is attached, and one that is pasted.
    "Subject: Returned mail\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nSee the attached bounce.\n--b\nContent-Type: \
     message/delivery-status\n\nReporting-MTA: dns; mx\n\nFinal-Recipient: rfc822; bo@there.example\nAction: failed\nStatus: \
     5.1.1\n--b--\n",
    "Subject: Returned mail\n\nI found this:\n\nReporting-MTA: dns; mx\n\nFinal-Recipient: rfc822; bo@there.example\nAction: \
     failed\nStatus: 5.1.1\n",
    // A returned mail that is attached as a whole.
    "Subject: Undeliverable: my report\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nDid you get it?\n--b\nContent-Type: \
     message/rfc822\n\nFrom: MAILER-DAEMON@mx\nSubject: Undeliverable\n\nfailed\n--b--\n",
    // Nothing but words that also stand in reports.
    "Subject: User unknown enumeration\n\nThe login page says \"user unknown\" for names that do not exist.\n",
    "Subject: Mail delivery to root\n\nA message that you sent could not be delivered: your form mails root@there.example.\n",
    "Subject: SMTP injection\n\n>>> RCPT TO:<bo@there.example>\n<<< 550 5.1.1 User unknown\n",
    "Subject: Failure notice without escaping\n\nThe page prints it raw: Final-Recipient: x\n",
];

#[test]
fn people_who_write_about_bounces_send_none() {
    for (mail, name) in PEOPLE.iter().flat_map(|mail| [(mail, "Ana Doe <ana@x.example>"), (mail, "ana@x.example")]) {
        let raw = format!("Return-Path: <ana@x.example>\nFrom: {name}\nTo: security@ours.example\n{mail}");
        assert_eq!(report(&raw), None, "{mail}");
    }
}

#[test]
fn a_postmaster_may_be_a_person() {
    let person = "From: Postmaster <postmaster@x.example>\nSubject: Undeliverable mail from your host\n\nHello,\n\nyour mail could \
                  not be delivered to\n\n<bo@there.example>:\n\nPlease mend it.\n";
    assert_eq!(report(person), None);
    let host = person.replace("Hello,\n\n", "");
    assert!(report(&host).is_some());
}

#[test]
fn a_vacation_notice_with_the_null_path_is_no_bounce() {
    let away = "Return-Path: <>\nFrom: Ana <ana@x.example>\nSubject: Automatic reply: Undeliverable: s\n\nI am away. Write to \
                bo@x.example.\n";
    assert_eq!(report(away), None);
}

#[test]
fn a_status_part_that_is_not_marked_counts_from_a_mail_host_only() {
    let raw = "From: Mail Delivery System <mds@mx.example>\nTo: security+b.x.y@ours.example\nContent-Type: multipart/mixed; \
               boundary=b\n\n--b\n\nSorry.\n--b\nContent-Type: text/plain; name=details.txt\n\nReporting-MTA: dns; \
               mx.example\n\nFinal-Recipient: rfc822; bo@there.example\nAction: failed\nStatus: 5.1.1\n--b--\n";
    let read = report(raw).unwrap();
    assert_eq!(read.recipients[0].address, Address::parse("bo@there.example"));
    assert_eq!(report(&raw.replace("Mail Delivery System <mds@", "Ana <ana@")), None);
}

#[test]
fn a_challenge_is_no_bounce() {
    let status = "Final-Recipient: rfc822; a@b.example\nAction: failed\nStatus: 4.7.0\nDiagnostic-Code: X-Boxbe-Notice; Sender not \
                  pre-approved";
    assert_eq!(report(&dsn(status)), None);
}

#[test]
fn what_succeeded_is_not_among_the_recipients() {
    let read = report(&dsn(
        "Final-Recipient: rfc822; a@b.example\nAction: delivered\nStatus: 2.0.0\n\nFinal-Recipient: rfc822; c@d.example\nAction: \
         failed\nStatus: 5.1.1",
    ));
    assert_eq!(read.unwrap().recipients.len(), 1);
}

#[test]
fn the_return_path_that_the_reporter_saw_is_kept() {
    let raw = dsn("Final-Recipient: rfc822; a@b.example\nAction: failed")
        .replace("To: security+b.abc.mac@ours.example", "To: alias@ours.example")
        .replace("dns; mx.example", "dns; mx.example\nX-Postfix-Sender: rfc822; security+b.abc.mac@ours.example");
    assert_eq!(report(&raw).unwrap().verp, [Address::parse("security+b.abc.mac@ours.example").unwrap()]);
}
