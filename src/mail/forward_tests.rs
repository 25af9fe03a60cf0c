//! Proves that the inner sender is found where a mail program says it, and nowhere else.

use super::*;

fn read(subject: &str, text: &str) -> Option<Forwarded> {
    let raw = format!("From: bo@team.example\nSubject: {subject}\nContent-Type: text/plain; charset=utf-8\n\n{text}");
    forwarded(&parse::parse(raw.as_bytes(), &Limits::default()))
}

fn from(subject: &str, text: &str) -> Option<String> {
    read(subject, text).map(|found| found.from.as_str().to_owned())
}

const GMAIL: &str = "FYI\n\n---------- Forwarded message ---------\nFrom: Ana Müller <ana@example.org>\nDate: Mon, 2 Mar 2026 \
                     at 10:00\nSubject: XSS in forms\nTo: <info@team.example>\n\n\nHello,\n\nthere is a hole.\n";

#[test]
fn the_forms_of_common_programs_give_the_inner_sender() {
    let found = read("Fwd: XSS in forms", GMAIL).unwrap();
    assert_eq!((found.from.as_str(), found.name.as_deref()), ("ana@example.org", Some("Ana Müller")));
    assert_eq!((found.subject.as_str(), found.text.as_str()), ("XSS in forms", "Hello,\n\nthere is a hole."));
    assert_eq!((found.date, found.message_id), (None, None));
    for (subject, text) in [
        ("anything", GMAIL.to_owned()),
        ("x", "Begin forwarded message:\n\n> From: Ana <ana@example.org>\n> Subject: s\n> Date: 2 March 2026 at 10:00:00 CET\n> To: b@team.example\n> \n> Hello\n".to_owned()),
        ("Fwd: s", "-----Original Message-----\nFrom: Ana [mailto:ana@example.org]\nSent: Monday, March 2, 2026 10:00 AM\nTo: Team\nSubject: s\n\nHello\n".to_owned()),
        ("WG: s", "Zur Info\n________________________________\nVon: Ana <ana@example.org>\nGesendet: Montag, 2. März 2026 10:00\nAn: Team <t@team.example>\nBetreff: s\n\nHello\n".to_owned()),
        ("x", "-------- Weitergeleitete Nachricht --------\nBetreff: \ts\nDatum: \tMon, 2 Mar 2026 10:00:00 +0100\nVon: \tAna <ana@example.org>\nAn: \tt@team.example\n\n\nHello\n".to_owned()),
        ("TR : s", "De : Ana <ana@example.org>\nEnvoyé : lundi 2 mars 2026 10:00\nÀ : Team\nObjet : s\n\nHello\n".to_owned()),
        ("x", "----- Forwarded message from Ana <ana@example.org> -----\n\nDate: Mon, 2 Mar 2026 10:00:00 +0100\nFrom: Ana <ana@example.org>\nTo: t@team.example\nSubject: s\nMessage-ID: <1@example.org>\n\nHello\n\n----- End forwarded message -----\n".to_owned()),
        ("x", "---------- 转发的邮件 ---------\n发件人： Ana <ana@example.org>\n日期： 2026年3月2日\n主题： s\n收件人： t@team.example\n\nHello\n".to_owned()),
        ("x", "---------- Пересылаемое сообщение ----------\nОт кого: Ana <ana@example.org>\nКому: t@team.example\nДата: 2 марта\nТема: s\n\nHello\n".to_owned()),
        ("FW: s", "*From:* Ana\n<ana@example.org<mailto:ana@example.org>>\n*Sent:* Monday\n*To:* Team\n*Subject:* s\n\nHello\n".to_owned()),
        ("x", "Begin forwarded message:\n\nFrom: Ana <ana@example.org>\n\nSubject: s\n\nDate: Monday\n\nTo: t@team.example\n\nHello\n".to_owned()),
    ] {
        assert_eq!(from(subject, &text).as_deref(), Some("ana@example.org"), "{text}");
        assert!(read(subject, &text).unwrap().text.starts_with("Hello"), "{text}");
    }
    let mutt = "---- Forwarded message ----\nDate: Mon, 2 Mar 2026 10:00:00 +0100\nFrom: a@b.example\nSubject: s\nMessage-ID: <1@b.example>\n\nx\n-- End forwarded message --\n-- \nBo";
    let mutt = read("x", mutt).unwrap();
    assert_eq!(mutt.date.unwrap().to_string(), "2026-03-02T09:00:00Z");
    assert_eq!((mutt.message_id.unwrap().as_str(), mutt.text.as_str()), ("1@b.example", "x"));
}

#[test]
fn without_one_clear_address_there_is_no_inner_mail() {
    for sender in
        ["Ana", "", "Ana <ana@example.org>, Bo <bo@example.org>", "Office on behalf of Ana <ana@example.org>", "a b@"]
    {
        let text = GMAIL.replace("Ana Müller <ana@example.org>", sender);
        assert_eq!(from("Fwd: x", &text), None, "{sender}");
    }
}

#[test]
fn an_answer_is_no_forward() {
    let quoted: String = GMAIL.lines().map(|line| format!("> {line}\n")).collect();
    let block = "Thanks\n\nFrom: Ana <ana@example.org>\nSent: Monday\nTo: Team\nSubject: s\n\nHello\n";
    for (subject, text) in [
        ("Re: x", quoted.as_str()),
        ("Fwd: x", quoted.as_str()),
        ("Re: x", block),
        ("Re: Fwd: x", block),
        ("x", "I got a forwarded message from them:\nIt said: hello\n"),
        ("Fwd: x", "From: here on it is clear\nTo: do\n"),
    ] {
        assert_eq!(from(subject, text), None, "{subject}: {text}");
    }
}

#[test]
fn an_attached_mail_is_the_inner_mail_unless_a_host_gives_it_back() {
    let raw = |kind: &str| {
        format!(
            "From: bo@team.example\nSubject: see\nContent-Type: {kind}; boundary=b\n\n--b\n\nplease see\n--b\nContent-Type: \
             message/rfc822\n\nFrom: Ana <ana@example.org>\nSubject: hole\nMessage-ID: <1@example.org>\nDate: Mon, 2 Mar \
             2026 10:00:00 +0000\n\nHello\n--b--\n"
        )
    };
    let found = forwarded(&parse::parse(raw("multipart/mixed").as_bytes(), &Limits::default())).unwrap();
    assert_eq!((found.from.as_str(), found.subject.as_str(), found.text.trim()), ("ana@example.org", "hole", "Hello"));
    assert!(found.date.is_some() && found.message_id.is_some());
    let report = parse::parse(raw("multipart/report; report-type=delivery-status").as_bytes(), &Limits::default());
    assert_eq!(forwarded(&report), None);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 200, failure_persistence: None, ..Default::default() })]

    #[test]
    fn any_text_is_read_without_panic(
        text in "((> ){0,2}(From|Von|Date|To|Subject|发件人)[:：] ?|a@b.example|-- |-----Original Message-----|\n|Begin forwarded message:|[<>\\[\\]é ]){0,60}",
    ) {
        if let Some(found) = read("Fwd: x", &text) {
            proptest::prop_assert!(found.text.len() <= text.len() + 1);
        }
    }
}
