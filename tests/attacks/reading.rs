//! Mails whose words mislead: what a person wrote must reach a person.

use crate::house::{Opened, opened};

const ABOUT_MAIL: [(&str, &str); 5] = [
    (
        "From: Postmaster <postmaster@uni.example>\nSubject: Mail delivery failure reports leak internal addresses",
        "Your mail server shows all addresses when a message could not be delivered.\n\n<nobody@product.example>: user unknown",
    ),
    (
        "From: taro@mail.example.jp\nSubject: =?utf-8?b?5LiN6YGU44Oh44O844Or44Gu6ISG5byx5oCn?=",
        "\u{6b21}\u{306e}\u{5b9b}\u{5148}\u{306b}\u{9001}\u{4fe1}\u{3067}\u{304d}\u{307e}\u{305b}\u{3093}\u{3067}\u{3057}\u{305f}:\n\nnobody@product.example",
    ),
    (
        "From: researcher@mail.example\nSubject: XSS in the page \"Mail delivery\"",
        "When a message was rejected the page shows\n\nrecipient: <script@product.example>\n\nand the script runs.",
    ),
    (
        "From: Ana <ana@x.example>\nSubject: Out of office: stored XSS in the autoresponder",
        "It renders HTML: I am out of the office<script>alert(1)</script> runs.",
    ),
    ("From: no-reply@tracker.example\nSubject: New report", "The sender verification of your product can be bypassed."),
];

fn told(o: &Opened, sent: &[postern::daemon::rehearsal::Sent]) -> bool {
    o.house.got(&o.bo, sent).iter().any(|mail| !mail.text.is_empty())
}

#[test]
fn i1_a_report_that_only_reads_like_a_bounce_or_vacation_notice_is_told_to_the_team() {
    let mut o = opened();
    for (head, text) in ABOUT_MAIL {
        let part = format!("Content-Type: text/plain; charset=utf-8\n\n{text}\n");
        let sent = o.house.raw_part(&format!("{head}\nTo: security@example.org"), &part);
        assert!(told(&o, &sent), "{head}");
    }
    o.house.whole();
}

#[test]
fn a7_what_a_mail_host_marks_as_its_own_is_put_aside_in_silence() {
    let mut o = opened();
    for mark in ["Return-Path: <>", "Auto-Submitted: auto-replied"] {
        let (head, text) = ABOUT_MAIL[0];
        let sent = o.house.raw(&format!("{mark}\n{head}\nTo: security@example.org"), text);
        assert!(!told(&o, &sent), "{mark}");
    }
}
