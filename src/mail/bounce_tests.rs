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
    assert_eq!(seen, [(Some("5.1.1"), true), (Some("4.7.1"), false)]);
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
    let many = "Final-Recipient: rfc822; a@b.example\nAction: failed\n\n".repeat(10_000);
    assert_eq!(report(&dsn(&many)).unwrap().recipients.len(), RECIPIENTS_MAX);
    let lines = "<a@b.example>:\n".repeat(100_000);
    let plain =
        format!("Return-Path: <>\nFrom: mailer-daemon@x.example\nReferences: {}\n\n{lines}", "<a@b>".repeat(9000));
    let read = report(&plain).unwrap();
    assert_eq!((read.recipients.len(), read.original_message_ids.len()), (RECIPIENTS_MAX, 1));
}

