//! The folders of a rehearsal's mail host: the Maildir that is its inbox, and beside it mails of any folder, handed over
//! in one batch as a server would. Nothing can fail here but the Maildir.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use crate::adapters::maildir::MaildirInbox;
use crate::domain::time::Timestamp;
use crate::ports::{Fetched, Folder, Inbox, InboxEvent, RemoteUid};

/// What `RemoteUid::mailbox` says of mail that was handed over here.
const MAILBOX: &str = "rehearsal";

/// The inbox port of a rehearsal; clones share one mail host.
#[derive(Debug, Clone)]
pub(super) struct Folders(Arc<Mutex<Host>>);

#[derive(Debug)]
struct Host {
    maildir: MaildirInbox,
    batches: VecDeque<Vec<Fetched>>,
    uid: u32,
}

impl Folders {
    pub(super) fn around(maildir: MaildirInbox) -> Self {
        Self(Arc::new(Mutex::new(Host { maildir, batches: VecDeque::new(), uid: 0 })))
    }

    /// Puts mails into folders; they are fetched together, in this order.
    pub(super) fn put(&self, mails: &[(Folder, &[u8])], at: Timestamp) {
        self.with(|host| {
            let mut batch = Vec::new();
            for (folder, bytes) in mails {
                host.uid = host.uid.saturating_add(1);
                let remote =
                    RemoteUid { mailbox: MAILBOX.to_owned(), uid_validity: 1, uid: host.uid, key: String::new() };
                let bytes = bytes.to_vec();
                batch.push(Fetched { remote, folder: *folder, arrived: Some(at), bytes, oversize: None });
            }
            host.batches.push_back(batch);
        });
    }

    fn with<T>(&self, act: impl FnOnce(&mut Host) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Inbox for Folders {
    fn poll(&mut self) -> Option<InboxEvent> {
        self.with(|host| host.batches.pop_front().map(InboxEvent::Batch).or_else(|| host.maildir.poll()))
    }

    fn settle(&mut self, stored: Vec<RemoteUid>) {
        self.with(|host| host.maildir.settle(stored));
    }

    fn nudge(&mut self) {
        self.with(|host| host.maildir.nudge());
    }
}
