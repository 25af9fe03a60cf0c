//! The Maildir inbox on a real file system.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use std::path::Path;

use postern::adapters::maildir::{MaildirInbox, deliver};
use postern::ports::{ErrorClass, Fetched, Inbox, InboxEvent};

const LIMIT_BYTES: u64 = 10_000;

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        for part in ["new", "cur", "tmp"] {
            std::fs::create_dir_all(place.inbox().join(part)).unwrap();
        }
        place
    }

    fn inbox(&self) -> std::path::PathBuf {
        self.folder.path().join("inbox")
    }

    fn archive(&self) -> std::path::PathBuf {
        self.folder.path().join("archive")
    }

    fn open(&self) -> MaildirInbox {
        MaildirInbox::new(self.inbox(), self.archive(), LIMIT_BYTES)
    }
}

fn count(folder: &Path) -> usize {
    std::fs::read_dir(folder).map_or(0, Iterator::count)
}

fn batch(inbox: &mut MaildirInbox) -> Vec<Fetched> {
    loop {
        match inbox.poll() {
            Some(InboxEvent::Batch(mails)) => return mails,
            Some(InboxEvent::Opened { .. } | InboxEvent::Drained) => {}
            other => panic!("not a batch: {other:?}"),
        }
    }
}

fn settle(inbox: &mut MaildirInbox, mails: &[Fetched]) {
    inbox.settle(mails.iter().map(|mail| mail.remote.clone()).collect());
}

#[test]
fn mail_comes_in_the_order_of_names_and_leaves_only_when_stored() {
    let place = Place::new();
    deliver(&place.inbox(), "2.b", b"B: 2\n\ntwo\n").unwrap();
    deliver(&place.inbox(), "1.a", b"A: 1\r\n\r\none\r\n").unwrap();
    std::fs::write(place.inbox().join("cur/3.c:2,S"), "C: 3\n\nread by somebody\n").unwrap();
    let mut inbox = place.open();
    assert!(matches!(inbox.poll(), Some(InboxEvent::Opened { waiting: 3 })));
    let mails = batch(&mut inbox);
    let keys: Vec<&str> = mails.iter().map(|mail| mail.remote.key.as_str()).collect();
    assert_eq!(keys, ["1.a", "2.b", "3.c"]);
    assert_eq!(mails[0].bytes, b"A: 1\r\n\r\none\r\n");
    assert!(mails.iter().all(|mail| mail.arrived.is_some() && mail.oversize.is_none()));
    assert!(inbox.poll().is_none(), "nothing more before these are settled");
    assert_eq!(count(&place.archive().join("cur")), 0);
    settle(&mut inbox, &mails);
    assert!(matches!(inbox.poll(), Some(InboxEvent::Drained)));
    assert!(inbox.poll().is_none(), "drained is said once");
    assert_eq!(count(&place.archive().join("cur")), 3);
    assert_eq!(count(&place.inbox().join("new")) + count(&place.inbox().join("cur")), 0);
    deliver(&place.inbox(), "4.d", b"D: 4\n\n").unwrap();
    let more = batch(&mut inbox);
    settle(&mut inbox, &more);
    assert!(matches!(inbox.poll(), Some(InboxEvent::Drained)), "and again after new mail");
}

#[test]
fn batches_are_bounded_and_complete() {
    let place = Place::new();
    (0..120).for_each(|n| deliver(&place.inbox(), &format!("{n:03}.x"), b"A: b\n\n").unwrap());
    let mut inbox = place.open();
    let mut sizes = Vec::new();
    for _ in 0..3 {
        let mails = batch(&mut inbox);
        sizes.push(mails.len());
        settle(&mut inbox, &mails);
    }
    assert_eq!(sizes, [50, 50, 20]);
    assert!(matches!(inbox.poll(), Some(InboxEvent::Drained)));
}

#[test]
fn of_a_mail_over_the_limit_only_the_header_comes() {
    let place = Place::new();
    let header = b"Subject: big\r\n\r\n".to_vec();
    let big = [header.clone(), vec![b'x'; 20_000]].concat();
    deliver(&place.inbox(), "1.big", &big).unwrap();
    let mails = batch(&mut place.open());
    assert_eq!((mails[0].bytes.clone(), mails[0].oversize), (header, Some(20_016)));
}

#[test]
fn a_mail_taken_by_somebody_else_is_reported_as_vanished() {
    let place = Place::new();
    deliver(&place.inbox(), "1.a", b"A: 1\n\n").unwrap();
    deliver(&place.inbox(), "2.b", b"B: 2\n\n").unwrap();
    let mut inbox = place.open();
    let mails = batch(&mut inbox);
    std::fs::remove_file(place.inbox().join("new/1.a")).unwrap();
    std::fs::rename(place.inbox().join("new/2.b"), place.inbox().join("cur/2.b:2,S")).unwrap();
    settle(&mut inbox, &mails);
    assert!(matches!(inbox.poll(), Some(InboxEvent::Vanished(remote)) if remote.key == "1.a"));
    assert!(matches!(inbox.poll(), Some(InboxEvent::Drained)));
    assert_eq!(count(&place.archive().join("cur")), 1, "renamed by a reader is not gone");
}

#[test]
fn a_missing_folder_is_reported_once_and_works_when_it_appears() {
    let place = Place::new();
    let path = place.folder.path().join("later");
    let mut inbox = MaildirInbox::new(path.clone(), place.archive(), LIMIT_BYTES);
    assert!(matches!(inbox.poll(), Some(InboxEvent::Lost { error, .. }) if error.class == ErrorClass::Configuration));
    assert!(inbox.poll().is_none());
    deliver(&path, "1.a", b"A: 1\n\n").unwrap();
    assert_eq!(batch(&mut inbox).len(), 1);
}

#[test]
fn mail_that_cannot_be_archived_stays_and_is_archived_later() {
    let place = Place::new();
    std::fs::write(place.archive(), "a file in the way").unwrap();
    deliver(&place.inbox(), "1.a", b"A: 1\n\n").unwrap();
    let mut inbox = place.open();
    let mails = batch(&mut inbox);
    settle(&mut inbox, &mails);
    assert!(matches!(inbox.poll(), Some(InboxEvent::Lost { .. })));
    assert!(inbox.poll().is_none() && inbox.poll().is_none(), "reported once");
    assert_eq!(count(&place.inbox().join("new")), 1);
    std::fs::remove_file(place.archive()).unwrap();
    assert!(matches!(inbox.poll(), Some(InboxEvent::Drained)));
    assert_eq!(count(&place.archive().join("cur")), 1);
}

#[test]
fn a_mail_that_the_archive_refuses_holds_up_no_other() {
    let place = Place::new();
    std::fs::create_dir_all(place.archive().join("cur/1.a:2,")).unwrap();
    deliver(&place.inbox(), "1.a", b"A: 1\n\n").unwrap();
    let mut inbox = place.open();
    let mails = batch(&mut inbox);
    settle(&mut inbox, &mails);
    assert!(matches!(inbox.poll(), Some(InboxEvent::Lost { .. })));
    deliver(&place.inbox(), "2.b", b"B: 2\n\n").unwrap();
    let more = batch(&mut inbox);
    assert_eq!(more.iter().map(|mail| mail.remote.key.as_str()).collect::<Vec<_>>(), ["2.b"]);
    settle(&mut inbox, &more);
    assert!(place.archive().join("cur/2.b:2,").is_file());
    assert!(inbox.poll().is_none(), "the same trouble is not told again at each poll");
    std::fs::remove_dir(place.archive().join("cur/1.a:2,")).unwrap();
    assert!(matches!(inbox.poll(), Some(InboxEvent::Drained)));
    assert!(place.archive().join("cur/1.a:2,").is_file());
}

#[test]
fn an_archive_on_another_file_system_gets_a_copy() {
    use std::os::unix::fs::MetadataExt;
    let place = Place::new();
    let Ok(other) = tempfile::tempdir_in("/dev/shm") else { return };
    if other.path().metadata().unwrap().dev() == place.folder.path().metadata().unwrap().dev() {
        return;
    }
    deliver(&place.inbox(), "1.a", b"A: 1\n\n").unwrap();
    let arrived = place.inbox().join("new/1.a").metadata().unwrap().modified().unwrap();
    let mut inbox = MaildirInbox::new(place.inbox(), other.path().to_owned(), LIMIT_BYTES);
    let mails = batch(&mut inbox);
    settle(&mut inbox, &mails);
    assert!(matches!(inbox.poll(), Some(InboxEvent::Drained)));
    let copy = other.path().join("cur/1.a:2,");
    assert_eq!(std::fs::read(&copy).unwrap(), b"A: 1\n\n");
    assert_eq!(copy.metadata().unwrap().modified().unwrap(), arrived);
    assert_eq!(count(&place.inbox().join("new")) + count(&other.path().join("tmp")), 0);
}

#[test]
fn links_hidden_files_and_bad_names_are_left_alone() {
    let place = Place::new();
    std::fs::write(place.folder.path().join("secret"), "Subject: secret\n\n").unwrap();
    std::os::unix::fs::symlink(place.folder.path().join("secret"), place.inbox().join("new/1.link")).unwrap();
    std::fs::write(place.inbox().join("new/.hidden"), "A: 1\n\n").unwrap();
    assert!(matches!(place.open().poll(), Some(InboxEvent::Opened { waiting: 0 })));
    for name in ["", "../x", "a/b", ".x", "a:2,S"] {
        assert!(deliver(&place.inbox(), name, b"").is_err(), "{name}");
    }
    let mut inbox = place.open();
    inbox.settle(vec![postern::ports::RemoteUid {
        mailbox: "maildir".to_owned(),
        uid_validity: 0,
        uid: 0,
        key: "../../secret".to_owned(),
    }]);
    assert!(place.folder.path().join("secret").exists());
}
