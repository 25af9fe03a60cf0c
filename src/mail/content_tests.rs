//! Proves what of a mail is its text and what is a file, part by part.

use super::super::parse::{Limits, ParsedMail, TextSource, named_parts, parse};

fn mail(raw: &str) -> ParsedMail {
    parse(raw.as_bytes(), &Limits::default())
}

fn multipart(kind: &str, parts: &[&str]) -> String {
    let parts: String = parts.iter().map(|part| format!("--b1\n{part}\n")).collect();
    format!("From: ana@example.org\nContent-Type: {kind}; boundary=b1\n\n{parts}--b1--\n")
}

const IMAGE: &str = "Content-Type: image/png; name=a.png\nContent-Disposition: inline\n\nx";
const INVITATION: &str = "Content-Type: text/calendar; method=REQUEST\n\nBEGIN:VCALENDAR\nMETHOD:REQUEST\nBEGIN:VEVENT\n\
                          SUMMARY:Talk\nEND:VEVENT\nEND:VCALENDAR\n";

#[test]
fn a_text_split_around_an_image_is_read_whole() {
    let read = mail(&multipart("multipart/mixed", &["\nbefore\n", IMAGE, "\nafter\n"]));
    assert_eq!((read.text.as_str(), read.first_text.trim()), ("before\n\nafter\n", "before"));
    let html = "Content-Type: text/html\n\n<p>part\n";
    let read = mail(&multipart("multipart/mixed", &[html, IMAGE, html]));
    assert_eq!(read.text.matches("part").count(), 2);
    assert_eq!((read.attachments.len(), read.text_from, read.has_html), (1, TextSource::Html, true));
}

#[test]
fn alternatives_and_reports_show_one_text() {
    let read = mail(&multipart("multipart/alternative", &["\nfirst\n", "\nsecond\n"]));
    assert_eq!(read.text.trim(), "first");
    let read = mail(&multipart("multipart/report; report-type=delivery-status", &["\nfailed\n", "\nyour mail\n"]));
    assert_eq!((read.text.trim(), read.attachments.len()), ("failed", 1));
}

#[test]
fn an_image_within_the_text_is_an_attachment_known_by_its_id() {
    let image = "Content-Type: image/png\nContent-ID: <logo@mail>\n\nx";
    let read =
        mail(&multipart("multipart/related", &["Content-Type: text/html\n\n<img src='cid:logo@mail'>hello\n", image]));
    assert_eq!(read.text.trim(), "hello");
    assert_eq!(read.attachments[0].name.as_deref(), Some("logo@mail"));
}

#[test]
fn an_invitation_is_text_where_there_is_no_other() {
    let read = mail(&multipart("multipart/alternative", &["\n\n", INVITATION]));
    assert_eq!((read.text.as_str(), read.text_from), ("Invitation: Talk", TextSource::File));
    assert_eq!(mail(&multipart("multipart/alternative", &["\nplease come\n", INVITATION])).text.trim(), "please come");
}

#[test]
fn winmail_gives_its_text_and_files() {
    // Signature and key, then the attributes: text, beginning of a file, its name, its content.
    let attribute = |id: u32, data: &[u8]| {
        let length = u32::try_from(data.len()).unwrap().to_le_bytes();
        [&[1][..], &id.to_le_bytes(), &length, data, &[0, 0]].concat()
    };
    let bytes = [
        vec![0x78, 0x9f, 0x3e, 0x22, 1, 0],
        attribute(0x0002_800c, b"hello\r\nyou\0"),
        attribute(0x0006_9002, &[0; 14]),
        attribute(0x0001_8010, b"../poc.txt\0"),
        attribute(0x0006_800f, b"content"),
    ]
    .concat();
    let mut raw = b"Content-Type: multipart/mixed; boundary=b1\n\n--b1\n\n\n--b1\nContent-Type: application/ms-tnef; \
                    name=winmail.dat\n\n"
        .to_vec();
    raw.extend(bytes);
    raw.extend(b"\n--b1--\n");
    let read = parse(&raw, &Limits::default());
    assert_eq!((read.text.as_str(), read.text_from), ("hello\nyou", TextSource::File));
    let named: Vec<_> = read.attachments.iter().map(|part| (part.name.as_deref().unwrap(), part.unpacked)).collect();
    assert_eq!(named, [("winmail.dat", false), ("poc.txt", true)]);
    assert_eq!(read.attachments[1].bytes, b"content");
}

#[test]
fn uuencoded_files_are_attachments_and_the_first_text_stays_as_it_stood() {
    let read = mail("From: a@b.example\n\nsee\nbegin 644 cat.txt\n#0V%T\n`\nend\nbye\n");
    assert_eq!(read.text, "see\nbye\n");
    assert!(read.first_text.contains("begin 644"));
    assert_eq!(
        (read.attachments[0].name.as_deref(), read.attachments[0].bytes.as_slice()),
        (Some("cat.txt"), &b"Cat"[..])
    );
}

#[test]
fn flowed_lines_are_joined_in_the_text_and_not_in_the_first_text() {
    let read = mail("Content-Type: text/plain; format=flowed; delsp=yes\n\nhttp://a.example/lo \nng\n");
    assert_eq!(
        (read.text.as_str(), read.first_text.as_str()),
        ("http://a.example/long\n", "http://a.example/lo \nng\n")
    );
}

#[test]
fn named_parts_are_those_of_the_layer_too() {
    let raw = multipart(
        "multipart/signed; protocol=\"application/pgp-signature\"",
        &[
            "\nhi\n",
            "Content-Type: application/pgp-signature; name=\"it's.asc\"\n\nx",
            "Content-Type: message/rfc822; name=m\n\nx",
        ],
    );
    let named: Vec<_> =
        named_parts(raw.as_bytes(), &Limits::default()).into_iter().filter_map(|part| part.name).collect();
    assert_eq!(named, ["it's.asc"]);
}

#[test]
fn broken_header_blocks_lose_neither_fields_nor_body() {
    let no_empty_line = mail("From: a@b.example\nSubject: s\nHello,\nthis is it.\n\nBye: now\n");
    assert_eq!(
        (no_empty_line.subject.as_str(), no_empty_line.text.as_str()),
        ("s", "Hello,\nthis is it.\n\nBye: now\n")
    );
    let junk_between = mail("From: a@b.example\nno field at all\nSubject: s\n\nbody\n");
    assert_eq!((junk_between.subject.as_str(), junk_between.text.as_str()), ("s", "body\n"));
    let blanks = mail(">From a@b Mon\nSubject: s\n  \n\tt\nFrom: a@b.example\n\nbody\n");
    assert_eq!((blanks.subject.as_str(), blanks.text.as_str(), blanks.from.len()), ("s t", "body\n", 1));
    let only_cr = mail("From: a@b.example\rSubject: s\r\rbody\r");
    assert_eq!((only_cr.subject.as_str(), only_cr.text.as_str()), ("s", "body\n"));
}

#[test]
fn a_raw_header_is_read_in_the_charset_of_the_body() {
    let subject = |before: &[u8], raw: &[u8], after: &[u8]| {
        parse(&[before, b"Subject: ", raw, b"\n", after].concat(), &Limits::default()).subject
    };
    assert_eq!(subject(b"Content-Type: text/plain; charset=koi8-r\n", b"\xd0\xd2\xc9", b"\n"), "при");
    assert_eq!(subject(b"", b"\x93\xfa\x96\x7b", b"Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain; charset=\"Shift_JIS\"\n\nx\n--b--\n"), "日本");
    assert_eq!(subject(b"Content-Type: text/plain; charset=koi8-r\n", "при".as_bytes(), b"\n"), "при");
    assert_eq!(subject(b"", b"gr\xfcn", b"\nx"), "grün");
}

#[test]
fn a_container_without_a_boundary_is_read_by_the_one_it_uses() {
    let read = mail(
        "Content-Type: multipart/mixed\n\npreamble\n--x y\nContent-Type: text/plain\n\nhello\n--x y\nContent-Type: image/png; name=a.png\n\nx\n--x y--\n",
    );
    assert_eq!((read.text.trim(), read.attachments.len()), ("hello", 1));
}
