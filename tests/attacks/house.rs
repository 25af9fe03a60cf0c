//! A house under attack: the real engine, people with keys, and mails made by hand.

use std::path::PathBuf;
use std::time::Duration;

use postern::daemon::rehearsal::people::{Person, Protect, Seen, Writing};
use postern::daemon::rehearsal::{Plan, Rehearsal, Sent};
use postern::domain::case::Case;
use postern::domain::id::{Address, CaseId};
use postern::domain::party::Audience;
use postern::domain::rules::ExternalList;
use postern::domain::time::Timestamp;
use postern::pgp::keyring::Keyring;
use postern::pgp::seal::{Signing, encrypt, sign_detached};

/// What the mail host writes above a mail of the team's domain that it has checked.
pub const TEAM_PASSES: &str = "Authentication-Results: mx.example.org; dmarc=pass header.from=team.example";

pub struct House {
    _dir: tempfile::TempDir,
    pub dir: PathBuf,
    pub key: Person,
    pub works: Rehearsal,
    mails: u64,
}

pub fn address(text: &str) -> Address {
    Address::parse(text).expect("address")
}

pub fn start() -> Timestamp {
    Timestamp::parse("2026-03-02T09:00Z").expect("instant")
}

pub fn keyed(name: &str, text: &str) -> Person {
    Person::with_key(name, address(text), start()).expect("key")
}

pub fn keyless(name: &str, text: &str) -> Person {
    Person::without_key(name, address(text))
}

pub fn ana() -> Person {
    keyless("Ana", "ana@reporter.example")
}

pub fn eve() -> Person {
    keyless("Eve", "eve@evil.example")
}

pub fn writing(text: &str) -> Writing<'_> {
    let to = address("security@example.org");
    Writing { to, subject: "A report", text, answers: None, protect: Protect::Clear, vouched: true }
}

/// The `!case` line of a mail of ours.
pub fn case_line(seen: &Seen) -> String {
    seen.text.lines().rev().find(|line| line.starts_with("!case ")).expect("a case line").to_owned()
}

/// Octets with CRLF line ends.
pub fn crlf(text: &str) -> Vec<u8> {
    text.replace('\n', "\r\n").into_bytes()
}

impl House {
    pub fn new(team: &[&Person], pinned: &[&Person], clear: &[Audience]) -> Self {
        let dir = tempfile::tempdir().expect("folder");
        let key = keyed("Example", "security@example.org");
        let list = |name: &str, text: &str| ExternalList {
            name: name.to_owned(),
            address: address(text),
            prefix: "[SECURITY] ".to_owned(),
        };
        let plan = Plan {
            house: key.clone(),
            team: team.iter().map(|person| (*person).clone()).collect(),
            pinned: pinned.iter().map(|person| (*person).clone()).collect(),
            clear: clear.to_vec(),
            lists: vec![list("announce", "announce@lists.example.org")],
            start: start(),
            seed: 11,
        };
        let works = Rehearsal::set_up(dir.path(), &plan).expect("house");
        Self { dir: dir.path().to_path_buf(), _dir: dir, key, works, mails: 0 }
    }

    /// A mail made by hand: header lines without Message-ID, then the body.
    pub fn raw(&mut self, headers: &str, body: &str) -> Vec<Sent> {
        self.mails += 1;
        self.octets(&crlf(&format!("{headers}\nMessage-ID: <raw{}@evil.example>\n\n{body}\n", self.mails)))
    }

    /// A mail made by hand: header lines without Message-ID, then an entity that begins with its own header lines.
    pub fn raw_part(&mut self, headers: &str, part: &str) -> Vec<Sent> {
        self.mails += 1;
        let version = if part.starts_with("MIME-Version") { "" } else { "MIME-Version: 1.0\n" };
        self.octets(&crlf(&format!("{headers}\nMessage-ID: <raw{}@evil.example>\n{version}{part}", self.mails)))
    }

    pub fn octets(&mut self, raw: &[u8]) -> Vec<Sent> {
        self.works.receive(raw).expect("the house works")
    }

    pub fn compose(&mut self, from: &Person, writing: &Writing<'_>) -> Vec<u8> {
        let (seed, now) = (self.works.draw(), self.works.now());
        from.write(&self.key, writing, now, seed).expect("a mail")
    }

    pub fn mail(&mut self, from: &Person, writing: &Writing<'_>) -> Vec<Sent> {
        let raw = self.compose(from, writing);
        self.octets(&raw)
    }

    pub fn answer(&mut self, from: &Person, seen: &Seen, text: &str, protect: Protect) -> Vec<Sent> {
        let to = seen.reply_to.clone().expect("a reply address");
        let subject = format!("Re: {}", seen.subject);
        self.mail(from, &Writing { to, subject: &subject, text, answers: Some(seen), protect, vouched: true })
    }

    pub fn pass(&mut self, time: Duration) -> Vec<Sent> {
        self.works.pass(time).expect("the house works")
    }

    pub fn got(&self, who: &Person, sent: &[Sent]) -> Vec<Seen> {
        let mine = sent.iter().filter(|mail| mail.to.same_mailbox(&who.address));
        mine.map(|mail| who.open(&self.key, &mail.raw, self.works.now()).expect("opens")).collect()
    }

    pub fn one(&self, who: &Person, sent: &[Sent]) -> Seen {
        let mut got = self.got(who, sent);
        assert_eq!(got.len(), 1, "{}: {got:#?}", who.name);
        got.remove(0)
    }

    pub fn case(&self, number: i64) -> Case {
        self.works.engine().store().session().case(CaseId(number)).expect("store").expect("case")
    }

    pub fn cases(&self) -> usize {
        self.works.engine().store().session().open_cases(1000).expect("store").len()
    }

    pub fn waiting(&self) -> usize {
        self.works.engine().store().session().waiting(1000).expect("store").len()
    }

    pub fn whole(&self) {
        self.works.engine().store().check().expect("the journal chain and all references hold");
    }

    fn ring(&self, person: &Person) -> Keyring {
        let secret = person.secret().expect("a key");
        Keyring::from_armored(&[secret], &[self.key.certificate().expect("a key")], start()).expect("a keyring")
    }

    /// A detached signature over these octets.
    pub fn sign(&self, by: &Person, entity: &[u8], at: Timestamp) -> String {
        let made = sign_detached(entity, &self.ring(by), at).expect("a signature");
        String::from_utf8(made.armored).expect("ascii")
    }

    /// The octets encrypted to the house.
    pub fn encrypt(&self, by: &Person, entity: &[u8], signing: Signing) -> String {
        let to = self.key.fingerprint().expect("a key");
        let made = encrypt(entity, &[to], signing, &self.ring(by), self.works.now()).expect("ciphertext");
        String::from_utf8(made).expect("ascii")
    }

    /// Body and Content-Type of a `multipart/signed` around an entity.
    pub fn signed_part(&self, by: &Person, entity: &str) -> String {
        let octets = crlf(entity);
        let signature = self.sign(by, &octets, self.works.now());
        let plain = signature.replace("\r\n", "\n");
        format!(
            "Content-Type: multipart/signed; micalg=pgp-sha512; protocol=\"application/pgp-signature\"; boundary=sig\n\n\
             --sig\n{entity}\n--sig\nContent-Type: application/pgp-signature\n\n{plain}\n--sig--\n"
        )
    }
}

/// The header and body of a `multipart/encrypted` mail.
pub fn encrypted_body(armor: &str) -> String {
    let plain = armor.replace("\r\n", "\n");
    format!(
        "MIME-Version: 1.0\nContent-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=enc\n\n\
         --enc\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n\n--enc\nContent-Type: application/octet-stream\n\n\
         {plain}\n--enc--\n"
    )
}

/// A house with one case of Ana's, and what Ana, Bo and Cy got of it.
pub struct Opened {
    pub house: House,
    pub ana: Person,
    pub bo: Person,
    pub cy: Person,
    pub ack: Seen,
    pub report: Seen,
    pub other: Seen,
}

pub fn opened() -> Opened {
    let (ana, bo, cy) = (ana(), keyed("Bo", "bo@team.example"), keyed("Cy", "cy@team.example"));
    let mut house = House::new(&[&bo, &cy], &[], &[Audience::Reporter]);
    let sent = house.mail(&ana, &writing("The login form accepts anything."));
    let (ack, report, other) = (house.one(&ana, &sent), house.one(&bo, &sent), house.one(&cy, &sent));
    Opened { house, ana, bo, cy, ack, report, other }
}
