//! Mails made to cost time or memory: each gets its fate, and the next one is read as if nothing had been.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use postern::daemon::rehearsal::people::Protect;

use crate::house::{Opened, opened, writing};

/// Longest time one mail may take here, unoptimised and with others at work beside it.
const PATIENCE: Duration = Duration::from_secs(20);

#[expect(clippy::disallowed_methods, reason = "what is measured here is the machine's time, not the story's")]
fn survives(o: &mut Opened, what: &str, raw: &[u8]) {
    let begun = Instant::now();
    o.house.octets(raw);
    assert!(begun.elapsed() < PATIENCE, "{what} took {:?}", begun.elapsed());
}

fn next_is_read(o: &mut Opened) {
    let (ana, cases) = (o.ana.clone(), o.house.cases());
    let sent = o.house.mail(&ana, &writing("An honest report."));
    assert_eq!(o.house.cases(), cases + 1);
    assert!(o.house.one(&o.bo, &sent).text.contains("An honest report."));
    o.house.whole();
}

const HEAD: &str = "From: eve@evil.example\r\nTo: security@example.org\r\nSubject: x\r\nMessage-ID: <load@evil.example>\r\nMIME-Version: 1.0\r\n";

#[test]
fn d1_deep_and_wide_trees_are_bounded() {
    let mut o = opened();
    let mut deep = HEAD.to_owned();
    for level in 0..5000 {
        write!(deep, "Content-Type: multipart/mixed; boundary=b{level}\r\n\r\n--b{level}\r\n").expect("text");
    }
    survives(&mut o, "5000 levels", deep.as_bytes());
    let nested = "Content-Type: message/rfc822\r\n\r\n".repeat(5000);
    survives(&mut o, "5000 mails in mails", format!("{}{nested}", HEAD.replace("load", "load2")).as_bytes());
    let mut wide = format!("{}Content-Type: multipart/mixed; boundary=b\r\n\r\n", HEAD.replace("load", "load3"));
    for number in 0..1000 {
        write!(
            wide,
            "--b\r\nContent-Type: text/plain; name=f{number}\r\nContent-Disposition: attachment\r\n\r\n{number}\r\n"
        )
        .expect("text");
    }
    survives(&mut o, "1000 attachments", wide.as_bytes());
    let same = format!(
        "{}Content-Type: multipart/mixed; boundary=b\r\n\r\n{}",
        HEAD.replace("load", "load4"),
        "--b\r\n".repeat(50_000)
    );
    survives(&mut o, "200,000 boundaries", same.as_bytes());
    next_is_read(&mut o);
}

#[test]
fn d2_headers_without_end_are_bounded() {
    let mut o = opened();
    let many = "a@b.example, ".repeat(100_000);
    survives(
        &mut o,
        "100,000 recipients in a line",
        format!("To: {many}\r\n{}\r\nhi\r\n", HEAD.replace("load", "r1")).as_bytes(),
    );
    let folded = "a@b.example,\r\n ".repeat(100_000);
    survives(
        &mut o,
        "100,000 recipients in lines",
        format!("Cc: {folded}\r\n{}\r\nhi\r\n", HEAD.replace("load", "r2")).as_bytes(),
    );
    survives(
        &mut o,
        "a huge subject",
        format!("Subject: {}\r\n{}\r\nhi\r\n", "x".repeat(3_000_000), HEAD.replace("load", "r3")).as_bytes(),
    );
    let words = "=?utf-8?q?=41?= ".repeat(50_000);
    survives(
        &mut o,
        "50,000 encoded words",
        format!("Subject: {words}\r\n{}\r\nhi\r\n", HEAD.replace("load", "r4")).as_bytes(),
    );
    let comments = format!("From: {}eve@evil.example{}\r\n", "(".repeat(30_000), ")".repeat(30_000));
    survives(&mut o, "30,000 comments", format!("{comments}To: security@example.org\r\n\r\nhi\r\n").as_bytes());
    let parameters: String = (0..20_000).map(|n| format!(";\r\n name*{n}*=utf-8''%41")).collect();
    survives(
        &mut o,
        "20,000 parameters",
        format!("{}Content-Type: text/plain{parameters}\r\n\r\nhi\r\n", HEAD.replace("load", "r5")).as_bytes(),
    );
    next_is_read(&mut o);
}

#[test]
fn i4_odd_octets_and_large_texts_get_their_fate() {
    let mut o = opened();
    for (number, body) in [
        b"\0\0\0\0\xff\xfe\xc0\x80\xed\xa0\x80\xf4\x90\x80\x80 not text".to_vec(),
        b"-----BEGIN PGP MESSAGE-----\r\n".repeat(5_000),
        b"> ".repeat(100_000),
        b"On Mon, 2 Mar 2026 at 09:00, a wrote:\r\n".repeat(5_000),
        b"From: a\r\nSent: b\r\nTo: c\r\n".repeat(5_000),
        b"x".repeat(1_000_000),
        b"\r\n".repeat(500_000),
        b"-- \r\n__________\r\n**********\r\n".repeat(5_000),
    ]
    .into_iter()
    .enumerate()
    {
        let head = HEAD.replace("load", &format!("odd{number}"));
        survives(&mut o, &format!("body {number}"), &[head.as_bytes(), b"\r\n", &body].concat());
        if number % 2 == 1 {
            continue;
        }
        let html = format!("{}Content-Type: text/html\r\n\r\n<div>", HEAD.replace("load", &format!("html{number}")));
        survives(&mut o, &format!("html {number}"), &[html.as_bytes(), &body].concat());
    }
    survives(&mut o, "an empty mail", b"");
    survives(&mut o, "no header", b"\r\n\r\nhello\r\n");
    next_is_read(&mut o);
}

#[test]
fn i4_a_mail_of_50_mebibytes_is_named_and_put_aside() {
    let mut o = opened();
    let mut raw = HEAD.as_bytes().to_vec();
    raw.extend_from_slice(b"\r\n");
    raw.resize(50 * 1024 * 1024, b'x');
    survives(&mut o, "50 MiB", &raw);
    assert_eq!(o.house.waiting(), 1);
    next_is_read(&mut o);
}

#[test]
fn b10_ten_thousand_command_lines_do_nothing() {
    let mut o = opened();
    let lines = "!severity high\n".repeat(10_000);
    let (bo, report) = (o.bo.clone(), o.report.clone());
    for text in
        [lines.clone(), format!("!note\n{}", " x\n".repeat(100_000)), format!("{}!severity high", "!end\n".repeat(60))]
    {
        let sent = o.house.answer(&bo, &report, &text, Protect::Sealed);
        assert_eq!(o.house.case(1).severity, None);
        assert!(o.house.one(&bo, &sent).text.len() < 100_000);
    }
    next_is_read(&mut o);
}
