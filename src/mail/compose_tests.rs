//! Tests of composing: what another parser reads back is what was meant, and nothing else.

use mail_parser::{MessageParser, MimeHeaders};
use proptest::prelude::*;

use super::*;

fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

fn draft() -> Draft {
    Draft {
        from_name: "Example Security".to_owned(),
        from: address("security@example.org"),
        to: address("ana@example.net"),
        reply_to: Some(address("security+1.abcdefghijkmnpqr@example.org")),
        date: Timestamp(1_800_000_000),
        message_id: MessageId::of("aaaa.bbbb", "example.org"),
        in_reply_to: MessageId::parse("<first@example.net>"),
        references: vec![MessageId::of("zero", "example.net"), MessageId::of("first", "example.net")],
        subject: "Case EX-2026-0001".to_owned(),
        outer_subject: None,
        automatic: Automatic::AutoReplied,
        instance: "example".to_owned(),
        headers: vec![("List-Id".to_owned(), "<announce.example.org>".to_owned())],
        text: "Hello\n".to_owned(),
        html: None,
        attachments: Vec::new(),
        autocrypt: None,
    }
}

fn parse(bytes: &[u8]) -> mail_parser::Message<'_> {
    MessageParser::default().parse(bytes).unwrap()
}

fn assert_travels(bytes: &[u8]) {
    assert!(is_canonical(bytes));
    assert!(bytes.is_ascii(), "seven bits");
    for line in String::from_utf8(bytes.to_vec()).unwrap().split("\r\n") {
        assert!(line.len() <= 78, "{line}");
        assert_eq!(line.trim_end(), line, "no blank at the end of a line");
    }
}

const SIGNATURE: &[u8] = b"-----BEGIN PGP SIGNATURE-----\n\nAAAA\n-----END PGP SIGNATURE-----\n";
const MESSAGE: &[u8] = b"-----BEGIN PGP MESSAGE-----\n\nAAAA\n-----END PGP MESSAGE-----\n";

#[test]
fn fields_are_read_back_as_they_were_meant() {
    let bytes = plain(&draft()).unwrap();
    let mail = parse(&bytes);
    let from = mail.from().unwrap().first().unwrap();
    assert_eq!((from.name(), from.address()), (Some("Example Security"), Some("security@example.org")));
    assert_eq!(mail.to().unwrap().first().unwrap().address(), Some("ana@example.net"));
    assert_eq!(mail.reply_to().unwrap().first().unwrap().address(), Some("security+1.abcdefghijkmnpqr@example.org"));
    assert_eq!(mail.message_id(), Some("aaaa.bbbb@example.org"));
    assert_eq!(mail.in_reply_to().as_text(), Some("first@example.net"));
    assert_eq!(mail.references().as_text_list().unwrap(), ["zero@example.net", "first@example.net"]);
    assert_eq!(mail.date().unwrap().to_timestamp(), 1_800_000_000);
    assert_eq!(mail.header_raw("Auto-Submitted").map(str::trim), Some("auto-replied"));
    assert_eq!(mail.header_raw("X-Postern-Instance").map(str::trim), Some("example"));
    assert_eq!(mail.header_raw("List-Id").map(str::trim), Some("<announce.example.org>"));
    assert_travels(&bytes);
}

#[test]
fn subjects_and_names_of_many_scripts_survive() {
    for text in [
        "Größe und Maß, Übermaß",
        "Уязвимость в обработке вложенных сообщений, повторяемая на всех версиях",
        "セキュリティ上の問題に関する報告ありがとうございます。受領いたしました。",
        "漏洞报告",
        "ثغرة أمنية",
        "👩‍💻 emoji with joiners 🏳️‍🌈",
        "=?utf-8?Q?looks_encoded?=",
        "two  blanks and a long tail that needs to be folded somewhere along the way of it",
        "a plain subject that is long enough to be folded at one of its blanks, and then once again, somewhere",
        "quotes \" and \\ and <angle@example.org>, (comment); group: x;",
        " leading and trailing ",
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    ] {
        let bytes = plain(&Draft { subject: text.to_owned(), from_name: text.to_owned(), ..draft() }).unwrap();
        let mail = parse(&bytes);
        assert_eq!(mail.subject(), Some(text));
        assert_eq!(mail.from().unwrap().first().unwrap().name(), Some(text));
        assert_eq!(mail.from().unwrap().first().unwrap().address(), Some("security@example.org"));
        assert_travels(&bytes);
    }
}

#[test]
fn control_characters_are_refused_wherever_a_header_is_made_of_them() {
    for hostile in ["x\r\nBcc: e@example.net", "x\ny", "x\ry", "x\0", "x\u{85}y", "\u{1b}[31m", "x\u{2028}y", "\t"] {
        let control = |header: &str| Err(ComposeError::Control { header: header.to_owned() });
        let hostile = || hostile.to_owned();
        let subject = Draft { subject: hostile(), ..draft() };
        assert_eq!(entity(&subject), control("Subject"));
        assert_eq!(plain(&subject), control("Subject"));
        assert_eq!(plain(&Draft { from_name: hostile(), ..draft() }), control("From"));
        assert_eq!(encrypted(&Draft { outer_subject: Some(hostile()), ..draft() }, MESSAGE), control("Subject"));
        assert_eq!(plain(&Draft { instance: hostile(), ..draft() }), control("X-Postern-Instance"));
        let list = Draft { headers: vec![("List-Id".to_owned(), hostile())], ..draft() };
        assert_eq!(plain(&list), control("List-Id"));
        let autocrypt = Draft { autocrypt: Some(format!("addr=a@b.org; {} keydata=AAAA", hostile())), ..draft() };
        assert_eq!(plain(&autocrypt), control("Autocrypt"));
        let name = Draft { headers: vec![(hostile(), "x".to_owned())], ..draft() };
        assert_eq!(plain(&name), Err(ComposeError::Name));
    }
}

#[test]
fn a_further_header_cannot_stand_in_for_a_field() {
    for name in ["Bcc", "from", "Content-Type", "MIME-Version", "", "X Y", "X:", "Auto-Submitted"] {
        let other = Draft { headers: vec![(name.to_owned(), "x".to_owned())], ..draft() };
        assert_eq!(plain(&other), Err(ComposeError::Name), "{name}");
    }
    let value = |value: String| plain(&Draft { headers: vec![("List-Id".to_owned(), value)], ..draft() });
    assert_eq!(value("ä".to_owned()), Err(ComposeError::NotAscii { header: "List-Id".to_owned() }));
    assert_eq!(value("x".repeat(1000)), Err(ComposeError::TooLong { header: "List-Id".to_owned() }));
}

#[test]
fn long_threads_keep_their_first_and_last_ids_and_hostile_ids_are_left_out() {
    let mut references: Vec<MessageId> = (0..50).map(|n| MessageId::of(&n.to_string(), "example.net")).collect();
    references.push(MessageId::parse(&"x".repeat(998)).unwrap());
    references.push(MessageId::parse("ü@example.net").unwrap());
    let in_reply_to = MessageId::parse(&"x".repeat(998));
    let bytes = plain(&Draft { references, in_reply_to, ..draft() }).unwrap();
    let mail = parse(&bytes);
    let got = mail.references().as_text_list().unwrap();
    assert_eq!(got.len(), REFERENCES_MAX);
    assert_eq!(
        (got[0].as_ref(), got[1].as_ref(), got[19].as_ref()),
        ("0@example.net", "31@example.net", "49@example.net")
    );
    assert!(mail.in_reply_to().as_text().is_none());
    assert_travels(&bytes);
}

#[test]
fn text_html_and_files_are_read_back() {
    let attachments = vec![
        Attachment {
            name: "../../etc/passwd".to_owned(),
            content_type: "application/gzip".to_owned(),
            bytes: vec![0, 255, 13, 10, 46],
        },
        Attachment {
            name: "отчёт о находке.pdf".to_owned(),
            content_type: "multipart/mixed".to_owned(),
            bytes: vec![7; 1000],
        },
        Attachment {
            name: "a\"\r\nX: y\u{202e}.txt".to_owned(),
            content_type: "x\r\ny/z".to_owned(),
            bytes: Vec::new(),
        },
        Attachment {
            name: format!("{}.bin", "長".repeat(80)),
            content_type: "application/zip".to_owned(),
            bytes: vec![1],
        },
    ];
    let bytes =
        plain(&Draft { html: Some("<p>Grüße</p>".to_owned()), attachments, text: "Grüße".to_owned(), ..draft() })
            .unwrap();
    let mail = parse(&bytes);
    assert_eq!(mail.body_text(0).unwrap().trim_end(), "Grüße");
    assert_eq!(mail.body_html(0).unwrap().trim_end(), "<p>Grüße</p>");
    let files: Vec<_> = mail.attachments().collect();
    let names: Vec<_> = files.iter().map(|file| file.attachment_name().unwrap()).collect();
    assert_eq!(names, ["passwd", "отчёт о находке.pdf", "a_X_ y.txt", &format!("{}.bin", "長".repeat(80))]);
    assert_eq!(files[0].contents(), [0, 255, 13, 10, 46]);
    assert_eq!(files[1].contents(), vec![7; 1000]);
    assert_eq!(files[1].content_type().unwrap().subtype(), Some("octet-stream"));
    assert_eq!(files[2].content_type().unwrap().subtype(), Some("octet-stream"));
    assert_travels(&bytes);
}

#[test]
fn the_entity_carries_the_real_headers_and_repeats_byte_for_byte() {
    let draft = Draft { subject: "XSS in forms: größer".to_owned(), html: Some("<p>x</p>".to_owned()), ..draft() };
    let first = entity(&draft).unwrap();
    assert_eq!(first, entity(&draft.clone()).unwrap());
    let mail = parse(&first);
    assert_eq!(mail.subject(), Some("XSS in forms: größer"));
    assert_eq!(mail.message_id(), Some("aaaa.bbbb@example.org"));
    assert_eq!(mail.content_type().unwrap().attribute("protected-headers"), Some("v1"));
    assert_travels(&first);
    let other = Draft { message_id: MessageId::of("cccc.dddd", "example.org"), ..draft };
    assert_ne!(
        parse(&first).content_type().unwrap().attribute("boundary"),
        parse(&entity(&other).unwrap()).content_type().unwrap().attribute("boundary")
    );
}

#[test]
fn a_signed_mail_holds_the_entity_octet_for_octet() {
    let entity = entity(&Draft { text: "a \n-- \nFrom me\n.\n".to_owned(), ..draft() }).unwrap();
    let bytes = signed(&draft(), &entity, SIGNATURE, "pgp-sha512").unwrap();
    let mail = parse(&bytes);
    assert_eq!(mail.content_type().unwrap().attribute("micalg"), Some("pgp-sha512"));
    assert_eq!(mail.content_type().unwrap().attribute("protocol"), Some("application/pgp-signature"));
    let part = &mail.parts[1];
    assert_eq!(&bytes[part.raw_header_offset() as usize..part.raw_end_offset() as usize], entity);
    assert_eq!(mail.parts[2].content_type().unwrap().subtype(), Some("pgp-signature"));
    assert_travels(&bytes);
    for broken in [b"a\nb\r\n".as_slice(), b"a\rb\r\n", b"a", b"", b"a\0\r\n", &[b'x'; 2000]] {
        assert_eq!(signed(&draft(), broken, SIGNATURE, "pgp-sha512"), Err(ComposeError::NotCanonical));
    }
    assert_eq!(signed(&draft(), &entity, b"x", "pgp-sha512"), Err(ComposeError::NotCanonical));
    assert_eq!(signed(&draft(), &entity, SIGNATURE, "pgp\r\nX: y"), Err(ComposeError::NotCanonical));
}

#[test]
fn the_outside_of_an_encrypted_mail_does_not_show_the_subject() {
    let secret = Draft { subject: "XSS in forms".to_owned(), ..draft() };
    let bytes = encrypted(&secret, MESSAGE).unwrap();
    assert!(!String::from_utf8(bytes.clone()).unwrap().contains("XSS"));
    let mail = parse(&bytes);
    assert_eq!(mail.subject(), Some("..."));
    assert_eq!(mail.in_reply_to().as_text(), Some("first@example.net"));
    assert_eq!(mail.content_type().unwrap().subtype(), Some("encrypted"));
    assert_eq!(mail.parts[1].contents(), b"Version: 1\r\n");
    assert_eq!(mail.parts[2].contents(), body::crlf_lines(std::str::from_utf8(MESSAGE).unwrap()).as_bytes());
    let named = Draft { outer_subject: Some("EX-2026-0001".to_owned()), ..secret };
    assert_eq!(parse(&encrypted(&named, MESSAGE).unwrap()).subject(), Some("EX-2026-0001"));
    assert_travels(&bytes);
}

#[test]
fn text_cannot_end_the_smtp_data_or_lose_its_form_on_the_way() {
    let text = "a\n.\nb\r.\rc\r\n.\r\nd\n\r\n.\n\0 \u{1b}[0m\nFrom here\n>From\ntrailing \ttab\t\n-- \nend  ";
    let bytes = plain(&Draft { text: text.to_owned(), ..draft() }).unwrap();
    assert_travels(&bytes);
    let shown = String::from_utf8(bytes.clone()).unwrap();
    assert!(!shown.contains("\r\n.") && !shown.contains("\r\nFrom ") && !shown.contains('\0'));
    let want = "a\n.\nb\n.\nc\n.\nd\n\n.\n\0 \u{1b}[0m\nFrom here\n>From\ntrailing \ttab\t\n-- \nend  \n";
    assert_eq!(parse(&bytes).body_text(0).unwrap().replace("\r\n", "\n"), want);
}

#[test]
fn a_boundary_that_the_content_holds_is_not_taken() {
    let id = MessageId::of("a", "example.org");
    let first = body::boundary(&id, "mixed", &[]).unwrap();
    let second = body::boundary(&id, "mixed", &[first.clone().into_bytes()]).unwrap();
    assert_ne!(first, second);
    let mut all: Vec<Vec<u8>> = Vec::new();
    while let Ok(boundary) = body::boundary(&id, "mixed", &all) {
        all.push(boundary.into_bytes());
        assert!(all.len() < 100);
    }
    assert_eq!(body::boundary(&id, "mixed", &all), Err(ComposeError::Boundary));
}

#[test]
fn autocrypt_is_folded_and_reads_back() {
    let key = "QUJD".repeat(400);
    for value in [
        format!("addr=a@b.org; prefer-encrypt=mutual; keydata={key}"),
        format!("addr=a@b.org; prefer-encrypt=mutual;\r\n keydata=\r\n {key}"),
    ] {
        let bytes = plain(&Draft { autocrypt: Some(value), ..draft() }).unwrap();
        let got: String = parse(&bytes).header_raw("Autocrypt").unwrap().split_whitespace().collect();
        assert_eq!(got, format!("addr=a@b.org;prefer-encrypt=mutual;keydata={key}"));
        assert_travels(&bytes);
    }
}

#[test]
fn an_empty_subject_leaves_no_blank_that_a_relay_could_strip() {
    assert_travels(&entity(&Draft { subject: String::new(), text: String::new(), ..draft() }).unwrap());
    let keyless = Draft { autocrypt: Some("addr=a@b.org".to_owned()), ..draft() };
    assert_eq!(plain(&keyless), Err(ComposeError::NoKey));
}

#[test]
fn too_much_content_is_refused() {
    let text = "x".repeat(CONTENT_BYTES_MAX + 1);
    assert_eq!(plain(&Draft { text, ..draft() }), Err(ComposeError::TooLarge));
    let file = Attachment { name: "a".to_owned(), content_type: "a/b".to_owned(), bytes: Vec::new() };
    assert_eq!(entity(&Draft { attachments: vec![file; ATTACHMENTS_MAX + 1], ..draft() }), Err(ComposeError::TooLarge));
}

#[test]
fn base64_agrees_with_the_rfc() {
    for (plain, encoded) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
        assert_eq!(body::base64(plain.as_bytes()), encoded);
    }
}

proptest! {
    #[test]
    fn any_text_comes_back(text in "(\\PC|[ .\tF=\r\n-]){0,300}", html in proptest::option::of("\\PC{0,50}")) {
        let bytes = plain(&Draft { text: text.clone(), html, ..draft() }).unwrap();
        let normal = |text: &str| text.replace("\r\n", "\n").replace('\r', "\n").trim_end_matches('\n').to_owned();
        let mail = parse(&bytes);
        prop_assert_eq!(normal(&mail.body_text(0).unwrap()), normal(&text));
        prop_assert!(bytes.is_ascii() && is_canonical(&bytes));
    }

    #[test]
    fn any_subject_and_name_come_back_or_are_refused(subject in ".{1,120}", name in ".{1,80}") {
        let made = plain(&Draft { subject: subject.clone(), from_name: name.clone(), ..draft() });
        if let Ok(bytes) = made {
            let mail = parse(&bytes);
            prop_assert_eq!(mail.subject(), Some(subject.as_str()));
            prop_assert_eq!(mail.from().unwrap().first().unwrap().name(), Some(name.as_str()));
            prop_assert!(mail.header_raw("Bcc").is_none());
        }
    }
}
