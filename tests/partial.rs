//! Mail of which only a part is encrypted, perhaps with a ciphertext stolen from somebody else: the team may see what it
//! holds; nobody else ever does, and nothing follows from it.
#![expect(clippy::expect_used, reason = "a story that cannot go on has failed")]

use postern::daemon::rehearsal::people::{Person, Protect, Seen, Writing};
use postern::daemon::rehearsal::{Plan, Rehearsal, Sent};
use postern::domain::id::{Address, CaseId};
use postern::domain::party::Audience;
use postern::domain::state::ReportState;
use postern::domain::time::Timestamp;
use postern::pgp::keyring::Keyring;
use postern::pgp::seal::{Signing, encrypt};

const SECRET: &str = "The key under the mat opens everything.";
const MARK: &str = "--- a part was encrypted; this is its content, of unproved origin ---";

fn address(text: &str) -> Address {
    Address::parse(text).expect("address")
}

fn start() -> Timestamp {
    Timestamp::parse("2026-03-02T09:00Z").expect("instant")
}

fn keyed(name: &str, text: &str) -> Person {
    Person::with_key(name, address(text), start()).expect("key")
}

/// A house with a keyed and a keyless member, and Ana, whose secrets somebody collects.
struct Story {
    _dir: tempfile::TempDir,
    house: Person,
    lea: Person,
    max: Person,
    ana: Person,
    rehearsal: Rehearsal,
}

fn story() -> Story {
    let dir = tempfile::tempdir().expect("folder");
    let (house, lea) = (keyed("Example", "security@example.org"), keyed("Lea", "lea@example.org"));
    let max = Person::without_key("Max", address("max@example.org"));
    let plan = Plan {
        house: house.clone(),
        team: vec![lea.clone(), max.clone()],
        pinned: Vec::new(),
        clear: vec![Audience::Team, Audience::Reporter],
        lists: Vec::new(),
        start: start(),
        seed: 5,
    };
    let rehearsal = Rehearsal::set_up(dir.path(), &plan).expect("house");
    Story { _dir: dir, house, lea, max, ana: keyed("Ana", "ana@reporter.example"), rehearsal }
}

/// How a ciphertext is wrapped.
#[derive(Debug, Clone, Copy)]
enum Wrapped {
    /// `multipart/encrypted` beside a text of the attacker's.
    Mime,
    /// A file.
    Attached,
    /// A block within the text.
    Inline,
}

const WAYS: [Wrapped; 3] = [Wrapped::Mime, Wrapped::Attached, Wrapped::Inline];

impl Story {
    /// What Ana once encrypted, for the house or for somebody else.
    fn ciphertext(&self, to: &Person, way: Wrapped) -> String {
        let secret = self.ana.secret().expect("a key");
        let ring = Keyring::from_armored(&[secret], &[to.certificate().expect("a key")], start()).expect("keys");
        let text = format!("!publish\n!state valid\n\n{SECRET}\n");
        let entity = match way {
            Wrapped::Mime => format!("Content-Type: text/plain; charset=utf-8\n\n{text}"),
            Wrapped::Attached | Wrapped::Inline => text,
        };
        let key = to.fingerprint().expect("a key");
        let armored = encrypt(entity.as_bytes(), &[key], Signing::Signed, &ring, start()).expect("encrypts");
        String::from_utf8(armored).expect("armor").replace('\r', "")
    }

    /// Mail of somebody's own with a ciphertext in it.
    fn wrap(from: &str, head: &str, text: &str, ciphertext: &str, way: Wrapped) -> String {
        let head = format!(
            "From: <{from}>\nTo: security@example.org\nDate: Mon, 2 Mar 2026 08:59:00 +0000\n{head}\nMIME-Version: 1.0\n"
        );
        let mixed = "Content-Type: multipart/mixed; boundary=m\n\n--m\nContent-Type: text/plain\n\n";
        match way {
            Wrapped::Mime => format!(
                "{head}{mixed}{text}\n--m\nContent-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\"; \
                 boundary=e\n\n--e\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n--e\n\
                 Content-Type: application/octet-stream\n\n{ciphertext}\n--e--\n--m--\n"
            ),
            Wrapped::Attached => format!(
                "{head}{mixed}{text}\n--m\nContent-Type: application/octet-stream; name=old.asc\n\n{ciphertext}\n--m--\n"
            ),
            Wrapped::Inline => format!("{head}\n{text}\n\n{ciphertext}\nand more of it.\n"),
        }
    }

    fn eve(ciphertext: &str, way: Wrapped) -> String {
        let head = "Message-ID: <e1@eve.example>\nSubject: A flaw\n\
                    Authentication-Results: mx.example.org; dmarc=pass header.from=eve.example";
        Self::wrap("eve@eve.example", head, "Please answer me in full.", ciphertext, way)
    }

    fn receive(&mut self, raw: &str) -> Vec<Sent> {
        self.rehearsal.receive(raw.as_bytes()).expect("the house works")
    }

    fn got(&self, who: &Person, sent: &[Sent]) -> Vec<Seen> {
        let mine = sent.iter().filter(|mail| mail.to.same_mailbox(&who.address));
        mine.map(|mail| who.open(&self.house, &mail.raw, self.rehearsal.now()).expect("opens")).collect()
    }

    fn one(&self, who: &Person, sent: &[Sent]) -> Seen {
        let mut got = self.got(who, sent);
        assert_eq!(got.len(), 1, "{}: {got:#?}", who.name);
        got.remove(0)
    }
}

#[test]
fn the_team_sees_it_marked_and_only_in_encrypted_mail() {
    for way in WAYS {
        let mut story = story();
        let raw = Story::eve(&story.ciphertext(&story.house, way), way);
        let sent = story.receive(&raw);
        let lea = story.one(&story.lea, &sent);
        let (above, below) = lea.text.split_once(MARK).unwrap_or_else(|| panic!("{way:?}: {}", lea.text));
        assert!(lea.encrypted && above.contains("answer me in full") && !above.contains(SECRET), "{way:?}: {above}");
        assert!(above.contains("ONLY A PART"), "{above}");
        assert!(below.contains(SECRET) && below.contains("  !publish"), "{way:?}: {below}");
        let max = story.one(&story.max, &sent);
        assert!(!max.encrypted && max.text.contains("ONLY A PART"), "{way:?}: {}", max.text);
        assert!(!max.text.contains(SECRET) && !max.text.contains(MARK), "{way:?}: {}", max.text);
    }
}

#[test]
fn i19_the_sender_is_answered_in_the_same_words_whether_or_not_we_could_decrypt() {
    for way in WAYS {
        let mut answers = Vec::new();
        for ours in [true, false] {
            let mut story = story();
            let stranger = keyed("Bo", "bo@elsewhere.example");
            let to = if ours { story.house.clone() } else { stranger };
            let raw = Story::eve(&story.ciphertext(&to, way), way);
            let sent = story.receive(&raw);
            assert_eq!(story.one(&story.lea, &sent).text.contains(SECRET), ours);
            // The mail itself stands behind colons; its ciphertexts differ, and so do nonces.
            let max = story.one(&story.max, &sent).text;
            let differs = |line: &&str| line.starts_with(':') || line.contains("!case");
            let max: String = max.lines().filter(|line| !differs(line)).collect();
            let eve = story.one(&Person::without_key("Eve", address("eve@eve.example")), &sent);
            assert!(!eve.encrypted && !eve.text.contains(SECRET));
            // Each house has a key of its own; all else is equal.
            let fingerprint = story.house.fingerprint().expect("a key").to_string();
            let digits: String = eve.text.chars().filter(|c| !c.is_whitespace()).collect();
            answers.push((max, eve.subject, digits.replace(&fingerprint, "F"), eve.attachments.len(), sent.len()));
        }
        assert_eq!(answers.first(), answers.last(), "{way:?}");
    }
}

#[test]
fn nothing_of_it_goes_outward_or_moves_anything() {
    for way in WAYS {
        let mut story = story();
        let raw = Story::eve(&story.ciphertext(&story.house, way), way);
        let sent = story.receive(&raw);
        let forward = story.one(&story.lea, &sent);
        let session = story.rehearsal.engine().store().session();
        let case = session.case(CaseId(1)).expect("store").expect("case");
        assert_eq!((case.report, case.title.as_str()), (ReportState::Received, "A flaw"));
        assert!(session.search("mat", 10).expect("store").is_empty(), "it is not indexed");
        assert!(!session.search("answer", 10).expect("store").is_empty(), "the text around it is");
        let writing = Writing {
            to: forward.reply_to.clone().expect("a reply address"),
            subject: "Re: A flaw",
            text: "!to reporter\n\nThank you, we look into it.",
            answers: Some(&forward),
            protect: Protect::Sealed,
            vouched: true,
        };
        let (seed, now) = (story.rehearsal.draw(), story.rehearsal.now());
        let raw = story.lea.write(&story.house, &writing, now, seed).expect("a mail");
        let sent = story.rehearsal.receive(&raw).expect("the house works");
        let letter = story.one(&Person::without_key("Eve", address("eve@eve.example")), &sent);
        assert!(letter.text.contains("we look into it") && !letter.text.contains("mat"), "{}", letter.text);
        let outward = sent.iter().filter(|mail| !mail.to.same_mailbox(&story.lea.address));
        assert!(outward.into_iter().all(|mail| !String::from_utf8_lossy(&mail.raw).contains("under the mat")));
    }
}

#[test]
fn a_members_partly_encrypted_mail_is_a_note_whose_commands_do_nothing() {
    let mut story = story();
    let sent = story.receive(
        "From: ana@reporter.example\nTo: security@example.org\nMessage-ID: <a1@reporter.example>\nSubject: A flaw\n\nHere.\n",
    );
    let forward = story.one(&story.max, &sent);
    let to = forward.reply_to.expect("a reply address");
    let head = format!(
        "Message-ID: <m1@example.org>\nSubject: Re: A flaw\nDelivered-To: {to}\n\
         Authentication-Results: mx.example.org; dmarc=pass header.from=example.org"
    );
    let ciphertext = story.ciphertext(&story.house, Wrapped::Attached);
    let raw = Story::wrap("max@example.org", &head, "!state valid\n\nSee the file.", &ciphertext, Wrapped::Attached);
    let sent = story.receive(&raw);
    let note = story.one(&story.lea, &sent);
    assert!(
        note.text.contains("See the file.") && note.text.contains(MARK) && note.text.contains(SECRET),
        "{}",
        note.text
    );
    assert!(story.one(&story.max, &sent).text.contains("NOT sent to the reporter"));
    let case = story.rehearsal.engine().store().session().case(CaseId(1)).expect("store").expect("case");
    assert_eq!(case.report, ReportState::Received);
}
