//! Proves that a mail is read as people read it, that hostile mail is bounded, and that no layer passes for more than it is.

use super::*;

fn mail(raw: &str) -> ParsedMail {
    parse(raw.as_bytes(), &Limits::default())
}

fn author(headers: &str) -> Option<String> {
    mail(&format!("{headers}\n\nt\n")).author().map(|a| a.as_str().to_owned())
}

const ARMOR: &str = "-----BEGIN PGP MESSAGE-----\n\nwcBMA\n-----END PGP MESSAGE-----\n";
const SIGNED: &str = "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\nhello\n- -----BEGIN x\n\
                      -----BEGIN PGP SIGNATURE-----\n\nwsB\n-----END PGP SIGNATURE-----\n";

fn multipart(kind: &str, parts: &[&str]) -> String {
    let parts: String = parts.iter().map(|part| format!("--b1\n{part}\n")).collect();
    format!("From: ana@example.org\nContent-Type: {kind}; boundary=b1\n\n{parts}--b1--\n")
}

fn encrypted() -> String {
    let data = format!("Content-Type: application/octet-stream; name=encrypted.asc\n\n{ARMOR}");
    multipart(
        "multipart/encrypted; protocol=\"application/pgp-encrypted\"",
        &["Content-Type: application/pgp-encrypted\n\nVersion: 1\n", &data],
    )
}

fn signed(entity: &str) -> String {
    multipart(
        "multipart/signed; protocol=\"application/pgp-signature\"",
        &[entity, "Content-Type: application/pgp-signature\n\nSIG\n"],
    )
}

#[test]
fn an_ordinary_mail_is_read_whole() {
    let read = mail(
        "Return-Path: <ana@mail.example.org>\r\nDelivered-To: security@ours.example\r\nFrom: =?utf-8?q?An=C3=A1?= \
         <ana@example.org>\r\nTo: Team <security+1.tok@ours.example>\r\nCc: g: a@b.example, c@d.example;\r\nSubject: \
         =?utf-8?b?WFNT?= in\r\n forms\r\nMessage-ID: <1@example.org>\r\nIn-Reply-To: <0@ours.example>\r\nDate: Mon, 02 \
         Mar 2026 10:00:00 +0100\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\
         Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
         gr=FC=\r\nn\r\nzwei\r\n--x\r\nContent-Type: text/x-python; name=\"../p.py\"\r\n\
         Content-Transfer-Encoding: base64\r\n\r\ncHJpbnQ=\r\n--x--\r\n",
    );
    assert_eq!(read.author().unwrap().as_str(), "ana@example.org");
    assert_eq!(read.from[0].name.as_deref(), Some("Aná"));
    assert_eq!(read.cc.len(), 2);
    let recipients: Vec<&str> = read.recipients.iter().map(Address::as_str).collect();
    assert_eq!(recipients, ["security@ours.example", "security+1.tok@ours.example", "a@b.example", "c@d.example"]);
    assert_eq!((read.subject.as_str(), read.text.as_str()), ("XSS in forms", "grün\nzwei"));
    assert_eq!(read.message_id.unwrap().as_str(), "1@example.org");
    assert_eq!(read.in_reply_to[0].as_str(), "0@ours.example");
    assert_eq!(read.date.unwrap().to_string(), "2026-03-02T09:00:00Z");
    assert_eq!(read.return_path, Some(ReturnPath::Address(Address::parse("ana@mail.example.org").unwrap())));
    assert_eq!(read.attachments.len(), 1);
    assert_eq!(
        (read.attachments[0].name.as_deref(), read.attachments[0].bytes.as_slice()),
        (Some("p.py"), &b"print"[..])
    );
    assert!(read.defects.is_empty(), "{:?}", read.defects);
}

#[test]
fn from_counts_only_when_it_can_be_read_in_one_way() {
    assert_eq!(author("From: Ana <ana@example.org>").as_deref(), Some("ana@example.org"));
    assert_eq!(
        author("From: \"evil@x.example\" <ana@example.org> (evil@y.example)").as_deref(),
        Some("ana@example.org")
    );
    assert_eq!(author("From: ana@example.org <ana@Example.org>").as_deref(), Some("ana@example.org"));
    for doubtful in [
        "Subject: none",
        "From: ",
        "From: undisclosed",
        "From: a@b.example\nFrom: a@b.example",
        "From: a@b.example, c@d.example",
        "From: c@d.example <a@b.example>",
        "From: <a@b.example> <c@d.example>",
        "From: a@b.example\0@c.example",
        "From: \"<a@b.example>\" c@d.example\" <e@f.example>",
        "From: (<a@b.example> c@d.example",
        "From: =?utf-8?q?c@d.example?= <a@b.example>",
        "From: <@relay.example:a@b.example>",
    ] {
        assert_eq!(author(doubtful), None, "{doubtful}");
    }
    let two = mail("From: a@b.example\nfrom : c@d.example\n\n");
    assert_eq!(two.from.len(), 2);
    assert!(two.defects.contains(&Defect::AmbiguousFrom) && two.defects.contains(&Defect::DuplicateHeader));
}

#[test]
fn a_from_behind_the_header_limit_makes_the_author_doubtful() {
    let raw = format!("From: a@b.example\n{}From: c@d.example\n\n", "X: y\n".repeat(1500));
    assert_eq!(mail(&raw).author(), None);
}

#[test]
fn singletons_that_stand_twice_are_noted() {
    for name in ["Subject", "Message-ID", "To", "Content-Type", "Date"] {
        let read = mail(&format!("From: a@b.example\n{name}: text/plain\n{name}: text/html\n\n"));
        assert!(read.defects.contains(&Defect::DuplicateHeader), "{name}");
    }
}

#[test]
fn subjects_and_names_can_hide_nothing() {
    let read =
        mail("From: \"ad\u{202e}min\u{1b}[1m\" <a@b.example>\nSubject: a\u{200b}b =?utf-8?q?=0d=0aBcc:_x=00?=\n\n");
    assert_eq!(read.from[0].name.as_deref(), Some("admin[1m"));
    assert_eq!(read.subject, "ab Bcc: x");
    assert_eq!(mail(&format!("Subject: {}\n\n", "x".repeat(5000))).subject.len(), 998);
}

#[test]
fn html_is_shown_only_where_there_is_no_other_text() {
    let html = "Content-Type: text/html\n\n<p>hello <script>x()</script><a href='javascript:y'>you</a>\n";
    let both = mail(&multipart("multipart/alternative", &["\nplain\n", html]));
    assert_eq!((both.text.trim(), both.text_from, both.attachments.len()), ("plain", TextSource::Plain, 0));
    let only = mail(&multipart("multipart/alternative", &["\n\n", html]));
    assert_eq!((only.text.trim(), only.text_from, only.attachments.len()), ("hello you", TextSource::Html, 0));
    // Outside of an alternative nothing is dropped unseen.
    let beside = mail(&multipart("multipart/mixed", &["\nplain\n", html, "\nmore\n"]));
    assert_eq!((beside.text.trim(), beside.first_text.trim()), ("plain\n\nmore", "plain"));
    assert_eq!((beside.attachments.len(), beside.has_html), (1, true));
}

#[test]
fn an_attached_text_is_not_the_body() {
    let log = "Content-Type: text/plain; name=log.txt\nContent-Disposition: attachment\n\nlog\n";
    let read = mail(&multipart("multipart/mixed", &[log, "Content-Type: text/html\n\n<p>body\n"]));
    assert_eq!((read.text.trim(), read.text_from), ("body", TextSource::Html));
    assert_eq!(read.attachments[0].name.as_deref(), Some("log.txt"));
}

#[test]
fn charsets_are_decoded_and_wrong_ones_survived() {
    let body = |charset: &str, bytes: &[u8]| {
        let mut raw = format!("Content-Type: text/plain{charset}\n\n").into_bytes();
        raw.extend_from_slice(bytes);
        parse(&raw, &Limits::default()).text
    };
    assert_eq!(body("; charset=utf-8", "grün".as_bytes()), "grün");
    assert_eq!(body("", "grün".as_bytes()), "grün");
    assert_eq!(body("", b"gr\xfcn"), "grün");
    assert_eq!(body("; charset=us-ascii", b"gr\xfcn"), "grün");
    assert_eq!(body("; charset=no-such-thing", "grün".as_bytes()), "grün");
    assert_eq!(body("; charset=\"koi8-r\"", b"\xd0\xd2\xc9"), "при");
    assert!(body("; charset=utf-8", b"a\xff").starts_with('a'));
}

#[test]
fn a_whole_encrypted_mail_gives_its_ciphertext() {
    let read = mail(&encrypted());
    assert_eq!(read.layer, CryptoLayer::Encrypted { ciphertext: ARMOR.as_bytes().to_vec() });
    assert!(read.text.is_empty() && read.attachments.is_empty());
}

#[test]
fn what_exchange_makes_of_an_encrypted_mail_is_known() {
    let control = "Content-Type: application/pgp-encrypted; name=\"PGPMIME Versions Identification\"\n\nVersion: 1\n";
    let data = format!("Content-Type: application/octet-stream\n\n{ARMOR}");
    for parts in [vec!["\n\n", control, &data], vec![control, data.as_str()]] {
        assert!(matches!(mail(&multipart("multipart/mixed", &parts)).layer, CryptoLayer::Encrypted { .. }));
    }
    let text_before = mail(&multipart("multipart/mixed", &["\nhello\n", control, &data]));
    assert_eq!(text_before.layer, CryptoLayer::Partial);
}

#[test]
fn encryption_or_signature_below_the_root_or_beside_text_is_partial() {
    let nested = encrypted();
    let inner = nested.split_once('\n').unwrap().1.replace("b1", "b2");
    let inner_signed = signed("\nhello\n").split_once('\n').unwrap().1.replace("b1", "b2");
    let attached = format!("Content-Type: message/rfc822\n\n{}", nested.replace("b1", "b2"));
    let armor_file = format!("Content-Type: application/octet-stream; name=x.asc\n\n{ARMOR}");
    let binary_file = "Content-Type: application/octet-stream; name=x.gpg\n\nbinary\n";
    for (what, raw) in [
        ("nested", multipart("multipart/mixed", &["\nhi\n", &inner])),
        ("alone but nested", multipart("multipart/mixed", &[&inner])),
        ("footer under signature", multipart("multipart/mixed", &[&inner_signed, "\nlist footer\n"])),
        ("forwarded", multipart("multipart/mixed", &["\nhi\n", &attached])),
        ("armored file", multipart("multipart/mixed", &["\nhi\n", &armor_file])),
        ("binary file", multipart("multipart/mixed", &["\nhi\n", binary_file])),
        ("encrypted in signed", signed(&inner)),
        ("armor in signed", signed(&format!("\n{ARMOR}"))),
        (
            "third part",
            multipart("multipart/signed", &["\na\n", "\nb\n", "Content-Type: application/pgp-signature\n\nx\n"]),
        ),
        (
            "third part encrypted",
            multipart(
                "multipart/encrypted",
                &["Content-Type: application/pgp-encrypted\n\nVersion: 1\n", &armor_file, "\nx\n"],
            ),
        ),
        ("text before armor", format!("\nhello\n\n{ARMOR}")),
        ("text after armor", format!("\n{ARMOR}hello\n")),
        ("two armors", format!("\n{ARMOR}{ARMOR}")),
        ("text before cleartext signature", format!("\nhello\n{SIGNED}")),
        ("text after cleartext signature", format!("\n{SIGNED}hello\n")),
        ("two cleartext signatures", format!("\n{SIGNED}{SIGNED}")),
        ("armor in html", format!("Content-Type: text/html\n\n<pre>{ARMOR}</pre>")),
    ] {
        assert_eq!(mail(&raw).layer, CryptoLayer::Partial, "{what}");
    }
}

#[test]
fn mail_about_openpgp_is_not_partial() {
    for raw in [
        "\nPut -----BEGIN PGP MESSAGE----- in front.\n> -----BEGIN PGP MESSAGE-----\n".to_owned(),
        multipart(
            "multipart/mixed",
            &[
                "\nmy key\n",
                "Content-Type: application/pgp-keys; name=key.asc\n\n-----BEGIN PGP PUBLIC KEY BLOCK-----\nx\n",
            ],
        ),
        multipart(
            "multipart/signed; protocol=\"application/pkcs7-signature\"",
            &["\nhi\n", "Content-Type: application/pkcs7-signature\n\nx\n"],
        ),
    ] {
        assert_eq!(mail(&raw).layer, CryptoLayer::None, "{raw}");
    }
}

#[test]
fn a_body_that_is_wholly_armor_is_an_inline_layer() {
    let read = mail(&format!("\n\n  \n{ARMOR}\n\n"));
    assert_eq!(read.layer, CryptoLayer::InlineEncrypted { armor: ARMOR.trim_end().as_bytes().to_vec() });
    let read = mail(&format!("Subject: s\r\n\r\n{}\r\n", SIGNED.replace('\n', "\r\n")));
    let armored = SIGNED.trim_end().replace('\n', "\r\n").into_bytes();
    assert_eq!(read.layer, CryptoLayer::InlineSigned { armored });
    let html = format!("Content-Type: text/html\n\n<pre>{ARMOR}</pre>\n");
    let both = mail(&multipart("multipart/alternative", &[&format!("\n{ARMOR}"), &html]));
    assert!(matches!(both.layer, CryptoLayer::InlineEncrypted { .. }));
}

#[test]
fn the_signed_octets_are_exact_with_canonical_line_ends() {
    let entity = "Content-Type: multipart/mixed; boundary=in\n\n--in\n\n trailing blank \n\n--in\nContent-Type: \
                  image/png; name=a.png\n\nx\n--in--\n";
    for raw in [signed(entity), signed(entity).replace('\n', "\r\n")] {
        let read = mail(&raw);
        let CryptoLayer::Signed { entity: octets, signature } = read.layer.clone() else { panic!("{read:?}") };
        assert_eq!(String::from_utf8(octets).unwrap(), entity.replace('\n', "\r\n"));
        assert_eq!(signature.trim_ascii(), b"SIG");
        assert_eq!(read.text.trim_end(), " trailing blank");
        assert_eq!(read.attachments.len(), 1);
    }
}

#[test]
fn protected_fields_win_and_others_stay() {
    let outer = mail(&format!(
        "Return-Path: <>\nMessage-ID: <o@x.example>\nTo: security+1.t@ours.example\nSubject: ...\nX-A: b\n{}",
        encrypted()
    ));
    let inner = parse_inner(
        b"Content-Type: text/plain; protected-headers=\"v1\"\r\nSubject: real\r\nFrom: ANA@example.org\r\nX-A: c\r\n\r\ntext",
        &outer,
        &Limits::default(),
    );
    assert_eq!((inner.subject.as_str(), inner.text.as_str()), ("real", "text"));
    assert_eq!(inner.message_id, outer.message_id);
    assert_eq!(inner.recipients, outer.recipients);
    assert_eq!((inner.headers.first("X-A"), &inner.return_path), (Some("b"), &Some(ReturnPath::Null)));
    assert_eq!(inner.author().unwrap().as_str(), "ANA@example.org");
    let hp = parse_inner(b"Content-Type: text/plain; hp=\"cipher\"; hp-legacy-display=\"1\"\nSubject: real\nIn-Reply-To: <p@x>\n\nSubject: real\n\ntext", &outer, &Limits::default());
    assert_eq!((hp.subject.as_str(), hp.text.as_str(), hp.in_reply_to.len()), ("real", "text", 1));
    let unmarked = parse_inner(b"Subject: real\nTo: security+9.x@ours.example\n\ntext", &outer, &Limits::default());
    assert_eq!((unmarked.subject.as_str(), &unmarked.recipients), ("...", &outer.recipients));
    let legacy = "Content-Type: multipart/mixed; boundary=q; protected-headers=v1\nSubject: real\n\n--q\nContent-Type: \
                  text/plain; protected-headers=v1\n\nSubject: real\n--q\n\nbody\n--q--\n";
    let legacy = parse_inner(legacy.as_bytes(), &outer, &Limits::default());
    assert_eq!((legacy.text.trim(), legacy.attachments.len()), ("body", 0));
}

#[test]
fn a_text_that_only_claims_to_repeat_headers_is_shown() {
    let claims = "Content-Type: text/plain; protected-headers=v1\n\nthe report\n";
    assert_eq!(mail(&multipart("multipart/mixed", &[claims])).text.trim(), "the report");
    assert_eq!(mail(&multipart("multipart/mixed; protected-headers=v1", &[claims])).text.trim(), "the report");
}

#[test]
fn a_signed_entity_inside_is_seen_and_its_protected_fields_count() {
    let outer = mail(&encrypted());
    let raw = signed("Content-Type: text/plain; protected-headers=v1\nSubject: deep\n\ntext\n");
    let inner = parse_inner(raw.as_bytes(), &outer, &Limits::default());
    assert!(matches!(inner.layer, CryptoLayer::Signed { .. }));
    assert_eq!((inner.subject.as_str(), inner.text.trim()), ("deep", "text"));
}

#[test]
fn an_inner_from_of_somebody_else_leaves_no_author() {
    let outer = mail(&encrypted());
    for inner in [
        "Content-Type: text/plain; protected-headers=v1\nFrom: bo@example.org\n\nt",
        "From: bo@example.org\n\nt",
        "Content-Type: text/plain; hp=clear\nFrom: ana@example.org, bo@example.org\n\nt",
    ] {
        let inner = parse_inner(inner.as_bytes(), &outer, &Limits::default());
        assert!(inner.defects.contains(&Defect::FromMismatch) && inner.author().is_none(), "{inner:?}");
    }
    assert!(parse_inner(b"\nt", &outer, &Limits::default()).author().is_some());
}

#[test]
fn two_hundred_thousand_addresses_stop_at_the_limit() {
    for raw in [
        format!("To: {}\n\n", "a@b.example, ".repeat(200_000)),
        format!("{}\n", "To: a@b.example\n".repeat(200_000)),
        format!("To: {}\n\n", "a@b.example,\n ".repeat(900)),
    ] {
        let read = mail(&raw);
        assert!(read.to.len() <= 200 && read.to.len() > 100);
        assert!(read.defects.contains(&Defect::AddressesCut), "{:?}", read.defects);
    }
}

#[test]
fn hostile_structures_are_capped() {
    let nested: String =
        (0..20_000).map(|n| format!("Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n")).collect();
    assert!(mail(&nested).defects.contains(&Defect::TooDeep));
    let parts = mail(&multipart("multipart/mixed", &vec!["Content-Type: image/png\n\nx"; 300_000]));
    assert_eq!(parts.attachments.len(), 249);
    assert!(parts.defects.contains(&Defect::PartsCut));
    let long = mail(&format!("\n{}", "x".repeat(3 * 1024 * 1024)));
    assert_eq!(long.text.len(), 1024 * 1024);
    assert!(long.defects.contains(&Defect::TextCut));
    let words = mail(&format!("Subject: {}\nTo: {}\n\n", "=?utf-8?q?".repeat(6000), "=?utf-8?q?".repeat(6000)));
    assert!(!words.subject.is_empty());
    let parameters: String = (0..6000).map(|n| format!(";a{n}*1=b")).collect();
    assert!(mail(&format!("Content-Type: text/plain{parameters}\n\nt")).text == "t");
    let small = Limits { decoded_bytes: 10, ..Limits::default() };
    let cut =
        parse(multipart("multipart/mixed", &["\n12345678", "Content-Type: image/x\n\n12345678"]).as_bytes(), &small);
    assert!(cut.defects.contains(&Defect::DecodedCut));
    assert_eq!(cut.attachments[0].bytes.len(), 2);
}

#[test]
fn nothing_at_all_is_still_a_mail() {
    for raw in ["", "\n", "\r\n\r\n", "no header at all", "--", ":", "\0", "From "] {
        let read = mail(raw);
        assert!(read.author().is_none() && read.defects.contains(&Defect::NoFrom), "{raw:?}");
    }
}

#[test]
fn the_debug_form_tells_no_content() {
    let shown = format!("{:?}", mail("From: Ana <ana@example.org>\nSubject: topsecret\n\ntopsecret\n"));
    assert!(!shown.contains("topsecret") && !shown.contains("ana@"), "{shown}");
}

mod any_bytes {
    use super::*;
    use proptest::prelude::*;

    /// Pieces that mail is made of, so that random mail reaches every branch.
    fn piece() -> impl Strategy<Value = Vec<u8>> {
        let known = [
            "From: a@b.example\n",
            "To: \"x\\\" (y",
            "Subject: =?utf-8?q?=ff?=\n",
            "\n",
            "\r\n",
            "--b\n",
            "--b--\n",
            "<",
            ">",
            "Content-Type: multipart/mixed; boundary=b\n",
            "Content-Type: multipart/signed; boundary=b\n",
            "Content-Type: message/delivery-status\n",
            "Content-Type: text/html\n",
            "Content-Type: message/rfc822\n\n",
            "Content-Transfer-Encoding: base64\n",
            "Content-Transfer-Encoding: quoted-printable\n",
            "=3D=\n",
            "=?a?b?",
            "Final-Recipient: rfc822; a@b.example\nAction: failed\n",
            "Date: 32 Foo 99999 99:99:99 +9999\n",
            "filename*1*=u''%",
            "-----BEGIN PGP MESSAGE-----\n",
            "Auto-Submitted: x\n",
            "Content-Type: multipart/mixed\n\n",
            "Content-Type: text/plain; format=flowed; delsp=yes\n\n> a \n>b \n",
            "Content-Type: text/calendar\n\nBEGIN:VEVENT\n",
            "Content-Type: application/ms-tnef\n\n",
            "x\u{9f}>\"",
            "Content-Transfer-Encoding: x-uuencode\n\nbegin 644 a\n#0V%T\nend\n",
            "Subject: =?iso-2022-jp?b?GyRC?= =?x?q?=\n",
            "Authentication-Results: a; dkim=pass\n",
            "\u{202e}",
        ];
        prop_oneof![
            3 => proptest::sample::select(known.to_vec()).prop_map(|text| text.as_bytes().to_vec()),
            1 => proptest::collection::vec(any::<u8>(), 0..20),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn are_read_without_panic_and_within_limits(pieces in proptest::collection::vec(piece(), 0..60)) {
            let raw = pieces.concat();
            let limits = Limits::default();
            let read = parse(&raw, &limits);
            prop_assert!(read.subject.chars().count() <= 998);
            prop_assert!(read.from.len() + read.to.len() + read.cc.len() <= limits.addresses);
            prop_assert!(!read.subject.chars().any(char::is_control));
            prop_assert_eq!(stable_digest(&raw).len(), 64);
            let _ = crate::mail::forward::forwarded(&read);
            let inner = parse_inner(&raw, &read, &limits);
            prop_assert_eq!(inner.headers, read.headers);
        }
    }
}
