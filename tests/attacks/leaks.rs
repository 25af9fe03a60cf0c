//! What leaves the house: no word of a stranger in automatic mail, no word of a case in clear, nothing in logs.

use std::io::Write;
use std::sync::{Arc, Mutex};

use postern::daemon::rehearsal::people::{Protect, Writing};
use postern::domain::party::Audience;
use postern::domain::time::DAY;

use crate::house::{House, ana, keyed, keyless, opened, writing};

#[test]
fn i8_an_automatic_answer_holds_no_word_of_its_sender() {
    let (ana, bo) = (ana(), keyed("Bo", "bo@team.example"));
    let mut house = House::new(&[&bo], &[], &[Audience::Reporter]);
    let sent = house.raw(
        "From: \"Canary Buy Now\" <ana@reporter.example>\nTo: Canary <security@example.org>\nSubject: canary {{ address }}\n\
         Keywords: canary\nComments: canary\nOrganization: canary\nThread-Topic: canary",
        "canary http://evil.example {{ project }} {% for x in y %}",
    );
    let raw = sent.iter().find(|mail| mail.to.same_mailbox(&ana.address)).expect("an acknowledgement");
    let text = String::from_utf8_lossy(&raw.raw).to_lowercase();
    assert!(!text.contains("canary") && !text.contains("evil.example/") && !text.contains("y2fuyxj5"));
    let report = house.one(&bo, &sent);
    assert!(report.subject.contains("canary {{ address }}"), "{}", report.subject);
    assert!(report.text.contains("{{ project }} {% for x in y %}"), "values are never read as templates");
}

#[test]
fn h1_no_subject_text_or_file_name_of_a_case_is_readable_outside() {
    let bo = keyed("Bo", "bo@team.example");
    let team_in_clear = keyless("Cy", "cy@team.example");
    let mut house = House::new(&[&bo, &team_in_clear], &[], &[Audience::Reporter]);
    let mut all = house.raw_part(
        "From: ana@reporter.example\nTo: security@example.org\nSubject: Canary in the login form",
        "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nThe canary sings.\n--b\n\
         Content-Type: application/x-canary; name=canary.py\nContent-Disposition: attachment; filename=canary.py\n\ncanary()\n--b--\n",
    );
    let report = house.one(&bo, &all);
    all.extend(house.answer(&bo, &report, "!severity high\n!owner me\n\nThe canary is real.", Protect::Sealed));
    for _ in 0..100 {
        all.extend(house.pass(DAY));
    }
    assert!(all.len() > 8);
    for mail in &all {
        let text = String::from_utf8_lossy(&mail.raw).to_lowercase();
        assert!(!text.contains("canary") && !text.contains("login form"), "{text}");
    }
}

#[test]
fn a9_a_name_or_file_name_brings_no_header_and_no_escape() {
    let mut o = opened();
    let sent = o.house.raw_part(
        "From: =?utf-8?q?Ana=0D=0ABcc:_eve=40evil.example?= <ana2@reporter.example>\nTo: security@example.org\n\
         Subject: =?utf-8?q?a=0D=0ABcc:_eve=40evil.example=0D=0A=0D=0Abody?= =?utf-8?b?4oCuG1szMW0A?=",
        "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nhello\n--b\n\
         Content-Type: text/x; name*=utf-8''a%0D%0ABcc%3A%20eve%40evil.example%1B%5B31m%E2%80%AE.exe\n\
         Content-Disposition: attachment; filename=\"../../etc/passwd\"\n\nx\n--b--\n",
    );
    for mail in &sent {
        let raw = String::from_utf8_lossy(&mail.raw).into_owned();
        assert!(!raw.contains("\r\nBcc"), "{raw}");
    }
    let report = o.house.one(&o.bo, &sent);
    for text in [&report.subject, &report.text] {
        assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}') && !text.contains('\0'), "{text:?}");
        assert!(!text.lines().any(|line| line.starts_with("Bcc")), "{text}");
    }
    assert!(!report.text.contains("etc/passwd"));
}

#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("a lock").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn h5_no_word_of_a_mail_gets_into_the_log() {
    let sink = Sink::default();
    let to = sink.clone();
    let log = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(move || to.clone()).finish();
    // For the whole process: the other attacks may log what they like, but no word of a mail either.
    tracing::subscriber::set_global_default(log).expect("the only one");
    {
        let (ana, bo) = (keyless("Canary", "canary@reporter.example"), keyed("Bo", "bo@team.example"));
        let mut house = House::new(&[&bo], &[], &[Audience::Reporter]);
        let sent = house.mail(&ana, &Writing { subject: "the canary", ..writing("the canary sings") });
        let report = house.one(&bo, &sent);
        house.answer(&bo, &report, "!canary\n\nthe canary", Protect::Sealed);
        house.answer(&bo, &report, "!to reporter\n\nthe canary", Protect::Sealed);
        house
            .raw("From: canary@a.example\nFrom: canary@b.example\nTo: security@example.org\nSubject: canary", "canary");
        house.pass(DAY * 40);
    }
    let text = String::from_utf8_lossy(&sink.0.lock().expect("a lock")).to_lowercase();
    assert!(text.contains("stored"), "the log was on");
    assert!(!text.contains("canary") && !text.contains("reporter.example"), "{text}");
}

#[test]
fn i19_a_database_that_was_touched_is_not_believed() {
    let mut o = opened();
    o.house.answer(&o.bo.clone(), &o.report.clone(), "!severity high", Protect::Sealed);
    o.house.whole();
    let file = o.house.dir.join("state/postern.db");
    let copy = o.house.dir.join("copy.db");
    let mut bytes = std::fs::read(&file).expect("the database");
    for end in ["-wal", "-shm"] {
        let from = o.house.dir.join(format!("state/postern.db{end}"));
        if from.exists() {
            std::fs::copy(from, o.house.dir.join(format!("copy.db{end}"))).expect("a copy");
        }
    }
    assert!(!String::from_utf8_lossy(&bytes).contains("login form"), "encrypted at rest");
    for at in (1000..bytes.len()).step_by(4096) {
        bytes[at] ^= 1;
    }
    std::fs::write(&copy, bytes).expect("written");
    std::fs::remove_file(o.house.dir.join("copy.db-wal")).ok();
    let key = b"a rehearsal keeps no secrets from anybody";
    let believed = postern::store::Store::open(&copy, key, "rehearsal").and_then(|store| store.check());
    assert!(believed.is_err());
    assert!(postern::store::Store::open(&file, b"another key", "rehearsal").is_err());
}
