//! People with GnuPG and a mailbox on a real mail server: they write PGP/MIME by hand and read what comes.
//!
//! Written apart from postern's own code: mail-parser reads, GnuPG opens and judges, the rest is text.
//! A mail that does not come in time, or that cannot be opened, fails the test.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a story that cannot go on has failed")]
#![expect(clippy::disallowed_methods, reason = "a reader waits for mail")]

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use mail_parser::{Message, MessageParser, MimeHeaders};

use crate::gnupg::{Gnupg, Kind};
use crate::postfix::Postfix;

/// Longest wait for a mail: a daemon looks at its clock every five seconds.
const PATIENCE: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Somebody with an address, a mailbox, and perhaps a key.
pub struct Person {
    pub name: &'static str,
    pub address: &'static str,
    pub maildir: PathBuf,
    /// GnuPG, with the house's certificate and, for who has one, the own key.
    pub gpg: Gnupg,
    /// The fingerprint of the own key.
    pub key: Option<String>,
    /// Names of the files that were read.
    read: HashSet<OsString>,
    written: u32,
}

/// A mail as its reader sees it.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The bytes, lines ended by CRLF as they travelled.
    pub raw: Vec<u8>,
    /// Subject outside.
    pub outer_subject: String,
    /// Subject, the protected one where there is one.
    pub subject: String,
    pub text: String,
    pub encrypted: bool,
    /// Fingerprint of the key whose good signature covers the whole.
    pub signed_by: Option<String>,
    pub reply_to: String,
    pub message_id: String,
    pub attachments: Vec<String>,
}

impl Person {
    /// Somebody with a new key, made at `now` (seconds since 1970).
    pub fn with_key(name: &'static str, address: &'static str, boxes: &Path, now: i64) -> Self {
        let mut person = Self::without_key(name, address, boxes);
        person.gpg.set_clock(now);
        person.key = Some(person.gpg.generate(name, address, Kind::Curve25519, "never"));
        person.gpg.set_clock(0);
        person
    }

    /// Somebody who can check signatures and has no key.
    pub fn without_key(name: &'static str, address: &'static str, boxes: &Path) -> Self {
        let maildir = boxes.join(address);
        Self { name, address, maildir, gpg: Gnupg::new(), key: None, read: HashSet::new(), written: 0 }
    }

    /// The armored certificate.
    pub fn certificate(&self) -> Vec<u8> {
        self.gpg.export(self.key.as_deref().expect("a key"))
    }

    /// Writes a new mail. Gives its bytes.
    pub fn write(&mut self, to: &str, subject: &str, text: &str, house: Option<&str>, now: i64) -> Vec<u8> {
        self.compose(to, subject, "", text, house, now)
    }

    /// Answers a mail to where it says, with all of it quoted.
    pub fn answer(&mut self, seen: &Seen, text: &str, house: Option<&str>, now: i64) -> Vec<u8> {
        let quote: String = seen.text.lines().map(|line| format!("> {line}\n")).collect();
        let text = format!("{text}\n\nOn Mon, 2 Mar 2026 at 10:00, the team wrote:\n{quote}");
        let thread = format!("In-Reply-To: <{0}>\r\nReferences: <{0}>\r\n", seen.message_id);
        let subject = format!("Re: {}", seen.outer_subject);
        self.compose(&seen.reply_to.clone(), &subject, &thread, &text, house, now)
    }

    /// A mail, signed and encrypted to the key `house` if one is given, else in clear.
    fn compose(&mut self, to: &str, subject: &str, thread: &str, text: &str, house: Option<&str>, now: i64) -> Vec<u8> {
        self.written += 1;
        let date = jiff::Timestamp::from_second(now).unwrap().to_zoned(jiff::tz::TimeZone::UTC);
        let date = jiff::fmt::rfc2822::to_string(&date).unwrap();
        let domain = self.address.rsplit('@').next().unwrap();
        let outside = format!(
            "From: {} <{}>\r\nTo: {to}\r\nSubject: {subject}\r\nDate: {date}\r\nMessage-ID: <{}.{now}@{domain}>\r\n{thread}MIME-Version: 1.0\r\n",
            self.name, self.address, self.written
        );
        let inside = format!(
            "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{}\r\n",
            text.replace('\n', "\r\n")
        );
        let Some(house) = house else { return (outside + &inside).into_bytes() };
        self.gpg.set_clock(now);
        let armor = self.gpg.encrypt(inside.as_bytes(), &[house], self.key.as_deref(), &[]);
        self.gpg.set_clock(0);
        let armor = String::from_utf8(armor).unwrap().replace('\n', "\r\n");
        let mail = format!(
            "{outside}Content-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=\"cut here\"\r\n\r\n\
             --cut here\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n\r\n\
             --cut here\r\nContent-Type: application/octet-stream; name=\"encrypted.asc\"\r\n\r\n{armor}\r\n--cut here--\r\n"
        );
        mail.into_bytes()
    }

    /// Hands a mail to the mail server of the outside world.
    pub fn send(&self, server: &Postfix, mail: &[u8]) {
        let to = MessageParser::default().parse(mail).and_then(|mail| Some(mail.to()?.first()?.address()?.to_owned()));
        assert_eq!(server.send(self.address, &to.expect("a recipient"), mail), 250, "{}'s mail is taken", self.name);
    }

    /// Number of mails that came and were not read.
    pub fn unread(&self) -> usize {
        self.new_files().len()
    }

    /// Waits for the next mail and reads it.
    pub fn next(&mut self) -> Seen {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(file) = self.new_files().into_iter().next() {
                let mail = fs::read(&file).unwrap();
                self.read.insert(file.file_name().unwrap().to_owned());
                return self.open(&mail);
            }
            assert!(Instant::now() < end, "no mail came to {}", self.name);
            std::thread::sleep(LOOK_EVERY);
        }
    }

    /// What was not read, oldest first: a name orders only by the second.
    fn new_files(&self) -> Vec<PathBuf> {
        let listed = fs::read_dir(self.maildir.join("new")).into_iter().flatten().map(|entry| entry.unwrap().path());
        let mut files: Vec<PathBuf> = listed.filter(|file| !self.read.contains(file.file_name().unwrap())).collect();
        files.sort_by_key(|file| fs::metadata(file).and_then(|data| data.modified()).unwrap());
        files
    }

    /// Reads mail after mail until one is such.
    pub fn next_that(&mut self, what: &str, is_it: impl Fn(&Seen) -> bool) -> Seen {
        let end = Instant::now() + PATIENCE;
        let mut others = Vec::new();
        while Instant::now() < end {
            if self.unread() == 0 {
                std::thread::sleep(LOOK_EVERY);
                continue;
            }
            let seen = self.next();
            if is_it(&seen) {
                return seen;
            }
            others.push(seen.text);
        }
        panic!("{} got no {what}, but {others:#?}", self.name);
    }

    /// Opens a mail with GnuPG.
    pub fn open(&self, delivered: &[u8]) -> Seen {
        let raw = travelled(delivered);
        let outer = MessageParser::default().parse(&raw).expect("a mail");
        let kind = outer.content_type().map(|kind| format!("{}/{}", kind.ctype(), kind.subtype().unwrap_or_default()));
        let mut seen = Seen {
            outer_subject: outer.subject().unwrap_or_default().to_owned(),
            reply_to: outer.reply_to().and_then(|list| list.first()?.address().map(str::to_owned)).unwrap_or_default(),
            message_id: outer.message_id().unwrap_or_default().to_owned(),
            subject: String::new(),
            text: String::new(),
            encrypted: false,
            signed_by: None,
            attachments: Vec::new(),
            raw: raw.clone(),
        };
        match kind.as_deref() {
            Some("multipart/encrypted") => {
                let (inside, verdict) = self.gpg.decrypt(&armor(&raw));
                seen.encrypted = true;
                seen.signed_by = verdict.good;
                read_inside(&mut seen, &inside);
            }
            Some("multipart/signed") => {
                let (entity, signature) = signed_parts(&raw);
                seen.signed_by = self.gpg.verify_detached(&entity, &signature).good;
                read_inside(&mut seen, &entity);
            }
            _ => read_inside(&mut seen, &raw),
        }
        seen
    }
}

impl Seen {
    /// The first line that begins so.
    pub fn line(&self, begins: &str) -> String {
        let found = self.text.lines().find(|line| line.starts_with(begins));
        found.unwrap_or_else(|| panic!("no line {begins:?} in {}", self.text)).to_owned()
    }
}

fn read_inside(seen: &mut Seen, entity: &[u8]) {
    let inside: Message<'_> = MessageParser::default().parse(entity).expect("an entity");
    seen.subject = inside.subject().unwrap_or(&seen.outer_subject).to_owned();
    seen.text = inside.body_text(0).unwrap_or_default().replace("\r\n", "\n");
    seen.attachments = inside.attachments().filter_map(|part| part.attachment_name().map(str::to_owned)).collect();
}

/// What a Maildir holds has its line ends changed to LF; on the way they were CRLF, and that is what is signed.
fn travelled(delivered: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(delivered.len() + 1024);
    for line in delivered.split_inclusive(|byte| *byte == b'\n') {
        bytes.extend_from_slice(line.strip_suffix(b"\n").unwrap_or(line));
        if line.ends_with(b"\n") {
            bytes.extend_from_slice(b"\r\n");
        }
    }
    bytes
}

fn armor(raw: &[u8]) -> Vec<u8> {
    let (begin, end) = ("-----BEGIN PGP MESSAGE-----", "-----END PGP MESSAGE-----");
    let text = String::from_utf8(raw.to_vec()).expect("armor is ASCII");
    let from = text.find(begin).expect("an armored message");
    let to = text.find(end).expect("its end") + end.len();
    text.get(from..to).expect("in this order").as_bytes().to_vec()
}

/// The octets that were signed and the signature: between the boundaries, without the line end that belongs to the next one.
pub fn signed_parts(raw: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let text = std::str::from_utf8(raw).expect("what we sign is ASCII");
    let boundary = text.split("boundary=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a boundary");
    let cut = format!("\r\n--{boundary}");
    let mut parts = text.split(cut.as_str()).skip(1);
    let (entity, signature) = (parts.next().expect("the entity"), parts.next().expect("the signature"));
    let (_, signature) = signature.split_once("\r\n\r\n").expect("a body");
    (entity.strip_prefix("\r\n").expect("a line end").as_bytes().to_vec(), signature.as_bytes().to_vec())
}
