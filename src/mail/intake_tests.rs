//! Which mail is that of a source, and whom it names as its reporter.

use super::*;
use crate::domain::token::InstanceKey;
use crate::mail::classify::{AutoKind, MailClass, OwnMarks, classify};
use crate::mail::parse::{Limits, parse};

fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

fn read(head: &str, text: &str) -> (MailClass, Option<Reporter>) {
    let key = InstanceKey::from_secret(b"a secret of the tests");
    let addresses = [address("security@ours.example")];
    let intake = [
        Source::Form(address("www@ours.example")),
        Source::Tracker(address("noreply@tracker.example")),
        Source::List("Reports.Lists.example".to_owned()),
        Source::List("security.ours.example".to_owned()),
    ];
    let own = OwnMarks { key: &key, addresses: &addresses, loop_header_value: "instance-1", intake: &intake };
    let mail = parse(format!("{head}\nSubject: s\n\n{text}\n").as_bytes(), &Limits::default());
    let class = classify(&mail, &own);
    let found = match &class {
        MailClass::Intake { kind } => Some(reporter(&mail, kind, &addresses)),
        MailClass::Person
        | MailClass::Automatic(_)
        | MailClass::Bounce(_)
        | MailClass::List { .. }
        | MailClass::Own => None,
    };
    (class, found)
}

fn named(text: &str) -> Option<Reporter> {
    Some(Reporter::Named(address(text)))
}

const FORM: &str = "From: Website <WWW@ours.example>";
const TRACKER: &str = "From: Ana (Tracker) <noreply@tracker.example>";

#[test]
fn a_form_or_tracker_brings_reports_whatever_machine_it_says_it_is() {
    for machine in [
        "Auto-Submitted: auto-generated",
        "List-Id: <repo.tracker.example>\nPrecedence: list",
        "Precedence: bulk",
        "Return-Path: <>",
        "X-Auto-Response-Suppress: All",
    ] {
        let form = MailClass::Intake { kind: IntakeKind::Form };
        assert_eq!(read(&format!("{FORM}\n{machine}"), "").0, form, "{machine}");
        let tracker = MailClass::Intake { kind: IntakeKind::Tracker };
        assert_eq!(read(&format!("{TRACKER}\n{machine}"), "").0, tracker, "{machine}");
    }
    let stranger = read("From: www@elsewhere.example\nAuto-Submitted: auto-generated", "");
    assert_eq!(stranger.0, MailClass::Automatic(AutoKind::Generated));
    let two = read("From: www@ours.example, ana@reporter.example\nAuto-Submitted: auto-generated", "");
    assert_eq!(two.0, MailClass::Automatic(AutoKind::Generated));
    assert_eq!(read(&format!("{FORM}\nX-Postern-Instance: instance-1"), "").0, MailClass::Own);
}

#[test]
fn the_reporter_is_the_one_foreign_address_of_the_reply_to() {
    let ana = "ana@reporter.example";
    for reply_to in [ana, "Ana <ana@reporter.example>, security@ours.example", "www@ours.example, ana@reporter.example"]
    {
        assert_eq!(
            read(&format!("{FORM}\nReply-To: {reply_to}"), "E-mail: bo@other.example").1,
            named(ana),
            "{reply_to}"
        );
    }
    let two = format!("{FORM}\nReply-To: ana@reporter.example, bo@other.example");
    assert_eq!(read(&two, "").1, Some(Reporter::Unnamed));
    assert_eq!(read(&two, "Email: bo@other.example").1, named("bo@other.example"));
    let ours = format!("{FORM}\nReply-To: security+x@ours.example");
    assert_eq!(read(&ours, "").1, Some(Reporter::Unnamed));
}

#[test]
fn else_the_reporter_is_who_the_text_names_first() {
    for line in [
        "E-mail: ana@reporter.example",
        "  email : Ana <ana@reporter.example>",
        "From: \"Ana\" (ana@reporter.example).",
        "**Reporter:** mailto:ana@reporter.example",
        "E-Mail: none\nReporter: ana@reporter.example",
        "Email: security@ours.example\nEmail: ana@reporter.example",
    ] {
        let text = format!("Name: Ana\n{line}\nEmail: bo@other.example\n\nIt is here.");
        assert_eq!(read(FORM, &text).1, named("ana@reporter.example"), "{line}");
    }
    for text in [
        "Write to ana@reporter.example",
        "> Email: ana@reporter.example",
        "Email: ana at reporter",
        "",
        "My email: a@b.example",
    ] {
        assert_eq!(read(TRACKER, text).1, Some(Reporter::Unnamed), "{text}");
    }
}

#[test]
fn a_lists_author_is_the_reporter_unless_the_list_stands_in_the_from() {
    let list = "List-Id: Reports <reports.lists.example>";
    assert_eq!(
        read(&format!("From: ana@reporter.example\n{list}\nReply-To: bo@other.example"), "").1,
        Some(Reporter::Author)
    );
    let via = format!("From: Ana via Reports <reports@lists.example>\n{list}");
    for head in [
        "Reply-To: Ana <ana@reporter.example>",
        "Reply-To: ana@reporter.example, reports@lists.example",
        "X-Original-From: Ana <ana@reporter.example>\nReply-To: reports@lists.example",
    ] {
        assert_eq!(read(&format!("{via}\n{head}"), "").1, named("ana@reporter.example"), "{head}");
    }
    assert_eq!(read(&via, "Email: ana@reporter.example").1, Some(Reporter::Unnamed), "a list writes no form");
    let posted = "From: Ana via Reports <post@lists.example>\nList-Id: <reports.lists.example>\n\
                  List-Post: <mailto:post@lists.example>\nReply-To: ana@reporter.example";
    assert_eq!(read(posted, "").1, named("ana@reporter.example"));
    let address_itself = "From: 'Ana' via security <security@ours.example>\nList-Id: <security.ours.example>\n\
                          X-Original-From: ana@reporter.example";
    assert_eq!(read(address_itself, "").1, named("ana@reporter.example"));
}
