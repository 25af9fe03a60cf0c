//! What is asked of DKIM, and what its answers mean.

use std::sync::Mutex;

use super::*;
use crate::daemon::rehearsal::people::Person;
use crate::daemon::rehearsal::{Plan, setup};
use crate::engine::step::Setup;

/// Says the same of every mail, and remembers what it was asked.
struct Says(Option<bool>, Mutex<Vec<String>>);

impl DkimCheck for Says {
    fn aligned_pass(&self, _raw: &[u8], author_domain: &str) -> Option<bool> {
        self.1.lock().unwrap().push(author_domain.to_owned());
        self.0
    }
}

fn start() -> Timestamp {
    Timestamp::parse("2026-03-02T09:00Z").unwrap()
}

fn plain_setup() -> Setup {
    let house = Person::with_key("Example", Address::parse("security@example.org").unwrap(), start()).unwrap();
    let plan = Plan { house, team: vec![], pinned: vec![], clear: vec![], lists: vec![], start: start(), seed: 1 };
    setup(&plan).unwrap()
}

fn reader<'a>(setup: &'a Setup, dkim: Option<&'a dyn DkimCheck>) -> Reader<'a> {
    Reader {
        instance: (&setup.rules).into(),
        keyring: &setup.keyring,
        authserv_ids: &setup.authserv_ids,
        dkim,
        intake: &setup.intake,
        limits: &setup.limits,
    }
}

#[test]
fn dkim_is_asked_only_where_the_host_says_nothing_of_a_persons_mail() {
    let setup = plain_setup();
    let mail = "From: Ana <ana@Reporter.example>\nTo: security@example.org\nSubject: A flaw\n";
    let host = "Authentication-Results: mx.example.org; dmarc=";
    for (head, says, expected, asked) in [
        ("", Some(true), Authenticity::Pass, true),
        ("", Some(false), Authenticity::Unknown, true),
        ("", None, Authenticity::Unknown, true),
        ("Auto-Submitted: auto-replied\n", Some(true), Authenticity::Unknown, false),
        (&format!("{host}fail header.from=reporter.example\n"), Some(true), Authenticity::Fail, false),
        (&format!("{host}pass header.from=reporter.example\n"), Some(false), Authenticity::Pass, false),
        ("From: Bo <bo@reporter.example>\n", Some(true), Authenticity::Unknown, false),
    ] {
        let dkim = Says(says, Mutex::new(Vec::new()));
        let reading = reader(&setup, Some(&dkim)).read(format!("{head}{mail}\nIt is here.\n").as_bytes(), start());
        assert_eq!(reading.authenticity, expected, "{head} {says:?}");
        let expected: &[&str] = if asked { &["reporter.example"] } else { &[] };
        assert_eq!(*dkim.1.lock().unwrap(), expected, "{head}");
    }
    let reading = reader(&setup, None).read(format!("{mail}\nIt is here.\n").as_bytes(), start());
    assert_eq!(reading.authenticity, Authenticity::Unknown);
}
