//! What the store's tests share: a database in a folder of its own, mails, decisions.

use std::path::PathBuf;

use super::{NewMail, Session, Store, StoreError};
use crate::domain::case::Case;
use crate::domain::effect::{Automatic, Decision, Effect, JournalEntry, MailKind, OutgoingMail, Protection};
use crate::domain::event::Answerable;
use crate::domain::id::{Address, MailId, MessageId, OccurrenceId, Seed};
use crate::domain::time::Timestamp;

pub(super) const KEY: &[u8] = b"a key file of the tests, long enough for anybody";
pub(super) const NOW: Timestamp = Timestamp(1_772_442_000);

/// A folder with one database, taken away at the end.
pub(super) struct Room {
    pub(super) folder: tempfile::TempDir,
}

impl Room {
    pub(super) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(super) fn path(&self) -> PathBuf {
        self.folder.path().join("postern.db")
    }

    pub(super) fn open(&self) -> Store {
        self.try_open(KEY).unwrap()
    }

    pub(super) fn try_open(&self, key: &[u8]) -> Result<Store, StoreError> {
        Store::open(&self.path(), key, "example")
    }

    /// Every byte of every file of the database.
    pub(super) fn bytes_on_disk(&self) -> Vec<u8> {
        let files = std::fs::read_dir(self.folder.path()).unwrap();
        files.flat_map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect()
    }
}

pub(super) fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

pub(super) fn mail(uid: u32, bytes: &[u8]) -> NewMail {
    NewMail {
        mailbox: "INBOX".to_owned(),
        uid_validity: 7,
        uid,
        name: String::new(),
        junk: false,
        sent: false,
        arrived: NOW,
        accepted_at: NOW,
        seed: Seed([u8::try_from(uid % 256).unwrap(); 16]),
        answerable: Answerable::Yes,
        oversize: None,
        stable_digest: format!("stable-{uid}"),
        message_id: MessageId::parse(&format!("<mail-{uid}@reporter.example>")),
        bytes: bytes.to_vec(),
    }
}

pub(super) fn accept_one(session: &Session<'_>, uid: u32) -> MailId {
    session.accept(&[mail(uid, format!("mail {uid}").as_bytes())]).unwrap()[0].id
}

pub(super) fn outgoing(unique: &str, to: &str, kind: MailKind) -> OutgoingMail {
    OutgoingMail {
        kind,
        party: None,
        to: address(to),
        message_id: MessageId::of(&format!("{unique}.mac"), "example.org"),
        reply_to: Some(address("security+1.token@example.org")),
        in_reply_to: None,
        references: vec![MessageId::of("first", "reporter.example")],
        subject: "subject".to_owned(),
        outer_subject: None,
        text: "text\n".to_owned(),
        protection: Protection::Signed,
        automatic: Automatic::Replied,
        attach: None,
        attach_key: false,
    }
}

pub(super) fn decision(case: Option<Case>, effects: Vec<Effect>) -> Decision {
    Decision { case, effects, journal: Vec::new() }
}

pub(super) fn entry(to: &str) -> JournalEntry {
    JournalEntry {
        actor: None,
        proof: "clock".to_owned(),
        what: "report".to_owned(),
        from: "received".to_owned(),
        to: to.to_owned(),
    }
}

pub(super) fn occurrence(session: &Session<'_>) -> OccurrenceId {
    session.open_occurrence(NOW, Seed([1; 16]), "test", None, None).unwrap()
}

/// Records effects as a decision of their own.
pub(super) fn record(session: &Session<'_>, case: Option<&Case>, effects: Vec<Effect>) -> Result<(), StoreError> {
    session.record(occurrence(session), NOW, &decision(case.cloned(), effects), "policy")
}

/// Queues one mail.
pub(super) fn queue(session: &Session<'_>, case: Option<&Case>, mail: OutgoingMail) {
    record(session, case, vec![Effect::Mail(Box::new(mail))]).unwrap();
}
