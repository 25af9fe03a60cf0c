//! A house with two members, and mails made by hand in any folder of its mail host.

use std::time::Duration;

use postern::daemon::rehearsal::people::{Person, Protect, Seen, Writing};
use postern::daemon::rehearsal::{Plan, Rehearsal, Sent};
use postern::domain::case::Case;
use postern::domain::event::WaitingMail;
use postern::domain::id::{Address, CaseId};
use postern::domain::party::Audience;
use postern::domain::time::Timestamp;
use postern::ports::Folder;
use postern::store::Session;

pub struct House {
    dir: tempfile::TempDir,
    key: Person,
    pub works: Rehearsal,
    pub bo: Person,
    pub cy: Person,
    pub ana: Person,
}

pub fn address(text: &str) -> Address {
    Address::parse(text).expect("address")
}

fn start() -> Timestamp {
    Timestamp::parse("2026-03-02T09:00Z").expect("instant")
}

/// A mail of header lines and a text; `id` makes its Message-ID.
pub fn mail(id: &str, headers: &str, text: &str) -> Vec<u8> {
    format!("{headers}\nMessage-ID: <{id}@mail.example>\n\n{text}\n").replace('\n', "\r\n").into_bytes()
}

/// What the mail host writes above a mail that it vouches for.
pub fn vouched(domain: &str) -> String {
    format!("Authentication-Results: mx.example.org; dmarc=pass header.from={domain}")
}

/// Ana's report, with its Message-ID `<report@mail.example>`.
pub fn report() -> Vec<u8> {
    let head = format!(
        "{}\nFrom: Ana <ana@reporter.example>\nTo: security@example.org\nSubject: Login bypass",
        vouched("reporter.example")
    );
    mail("report", &head, "The login form accepts anything.")
}

impl House {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().expect("folder");
        let keyed = |name: &str, text: &str| Person::with_key(name, address(text), start()).expect("key");
        let key = keyed("Example", "security@example.org");
        let (bo, cy) = (keyed("Bo", "bo@team.example"), keyed("Cy", "cy@team.example"));
        let plan = Plan {
            house: key.clone(),
            team: vec![bo.clone(), cy.clone()],
            pinned: Vec::new(),
            clear: vec![Audience::Reporter, Audience::Maintainer],
            lists: Vec::new(),
            start: start(),
            seed: 23,
        };
        let works = Rehearsal::set_up(dir.path(), &plan).expect("house");
        let ana = Person::without_key("Ana", address("ana@reporter.example"));
        Self { dir, key, works, bo, cy, ana }
    }

    /// A house with Ana's case; what Bo and Ana got of it.
    pub fn with_case() -> (Self, Seen, Seen) {
        let mut house = Self::new();
        let sent = house.inbox(&report());
        let (seen, ack) = (house.one(&house.bo, &sent), house.one(&house.ana, &sent));
        (house, seen, ack)
    }

    pub fn inbox(&mut self, raw: &[u8]) -> Vec<Sent> {
        self.fetch(&[(Folder::Inbox, raw)])
    }

    pub fn sent(&mut self, raw: &[u8]) -> Vec<Sent> {
        self.fetch(&[(Folder::Sent, raw)])
    }

    pub fn fetch(&mut self, mails: &[(Folder, &[u8])]) -> Vec<Sent> {
        self.works.fetch(mails).expect("the house works")
    }

    pub fn pass(&mut self, time: Duration) -> Vec<Sent> {
        self.works.pass(time).expect("the house works")
    }

    /// Bo answers a mail of the house, sealed.
    pub fn bo_answers(&mut self, seen: &Seen, text: &str) -> Vec<Sent> {
        let (seed, at) = (self.works.draw(), self.works.now());
        let to = seen.reply_to.clone().expect("a reply address");
        let writing =
            Writing { to, subject: "Re: it", text, answers: Some(seen), protect: Protect::Sealed, vouched: true };
        let raw = self.bo.write(&self.key, &writing, at, seed).expect("a mail");
        self.inbox(&raw)
    }

    /// What a person got, opened.
    pub fn got(&self, who: &Person, sent: &[Sent]) -> Vec<Seen> {
        let mine = sent.iter().filter(|mail| mail.to.same_mailbox(&who.address));
        mine.map(|mail| who.open(&self.key, &mail.raw, self.works.now()).expect("opens")).collect()
    }

    pub fn one(&self, who: &Person, sent: &[Sent]) -> Seen {
        let mut got = self.got(who, sent);
        assert_eq!(got.len(), 1, "{}: {got:#?}", who.name);
        got.remove(0)
    }

    pub fn session(&self) -> Session<'_> {
        self.works.engine().store().session()
    }

    pub fn case(&self, number: i64) -> Case {
        self.session().case(CaseId(number)).expect("store").expect("case")
    }

    pub fn cases(&self) -> usize {
        self.session().open_cases(100).expect("store").len()
    }

    pub fn waiting(&self) -> Vec<WaitingMail> {
        self.session().waiting(100).expect("store")
    }

    /// The journal of a case: what, from, to.
    pub fn journal(&self, number: i64, what: &str) -> Vec<(String, String)> {
        let lines = self.session().journal_lines(CaseId(number), 1000).expect("store").into_iter();
        lines.filter(|line| line.entry.what == what).map(|line| (line.entry.from, line.entry.to)).collect()
    }

    /// Makes the database refuse journal rows for good, as a mistake of ours would.
    #[expect(clippy::disallowed_methods, reason = "the fault is made behind the back of the store")]
    pub fn refuse_journal(&self, when: &str) {
        let key = postern::domain::token::digest_hex(b"a rehearsal keeps no secrets from anybody");
        let file = self.dir.path().join("state/postern.db");
        let database = rusqlite::Connection::open(file).expect("the database");
        let trigger = format!(
            "PRAGMA key = \"x'{key}'\"; PRAGMA cipher_hmac_algorithm = HMAC_SHA256; CREATE TRIGGER refused BEFORE INSERT ON journal WHEN {when}
            BEGIN SELECT RAISE(ABORT, 'refused'); END;"
        );
        database.execute_batch(&trigger).expect("a trigger");
    }

    pub fn whole(&self) {
        self.works.engine().store().check().expect("the journal chain and all references hold");
    }
}

/// Mails to people outside the team.
pub fn outside(sent: &[Sent]) -> Vec<&str> {
    sent.iter().map(|mail| mail.to.as_str()).filter(|to| !to.ends_with("@team.example")).collect()
}
