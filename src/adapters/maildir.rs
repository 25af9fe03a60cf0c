//! The inbox over a Maildir: `new/` and `cur/` are the queue, settling moves a file to an archive Maildir.
//!
//! Works while it is polled and has no thread. Never changes a file before it was told that the mail is
//! stored. One file that cannot be read or archived holds up no other: it is tried again at each poll. A folder
//! that cannot be read, or an archive that refuses, is reported as lost, and again every hour while that lasts.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, UNIX_EPOCH};

use crate::domain::time::Timestamp;
use crate::ports::{ErrorClass, Fetched, Folder, Inbox, InboxEvent, PortError, RemoteUid};

/// Largest number of mails in one batch.
const BATCH_MAX_MAILS: usize = 50;
/// Longest header block kept of a mail over the limit, in bytes.
const HEADER_MAX_BYTES: u64 = 256 * 1024;
/// What `RemoteUid::mailbox` says of a Maildir.
const MAILBOX: &str = "maildir";
/// What the caller may take as the time of the next try: the folder is looked at whenever it polls.
const RETRY_SECONDS: u64 = 60;
/// The same trouble is told again after this.
const TELL_AGAIN: Duration = Duration::from_secs(60 * 60);

/// A Maildir as a source of mail.
#[derive(Debug)]
pub struct MaildirInbox {
    path: PathBuf,
    archive: PathBuf,
    limit_bytes: u64,
    events: VecDeque<InboxEvent>,
    awaiting: BTreeSet<String>,
    /// Stored, but the archive refused them: tried again at each poll.
    stuck: BTreeSet<String>,
    opened: bool,
    drained: bool,
    /// When the trouble with a folder or the archive was last told; `None` while there is none.
    lost: Trouble,
    /// As `lost`, of mails that cannot be read.
    unreadable: Trouble,
}

/// Trouble that is told once, and again every [`TELL_AGAIN`] while it lasts.
#[derive(Debug, Default)]
struct Trouble(Option<Instant>);

impl Trouble {
    #[expect(clippy::disallowed_methods, reason = "an adapter measures waiting time")]
    fn is_due(&mut self) -> bool {
        let now = Instant::now();
        let due = self.0.is_none_or(|told| now.duration_since(told) >= TELL_AGAIN);
        if due {
            self.0 = Some(now);
        }
        due
    }

    fn is_over(&mut self) {
        self.0 = None;
    }
}

impl MaildirInbox {
    /// An inbox over the Maildir `path`, whose stored mail goes to the Maildir `archive`, best on the same file
    /// system; of mails over `limit_bytes` only the header is read.
    #[must_use]
    pub fn new(path: PathBuf, archive: PathBuf, limit_bytes: u64) -> Self {
        Self {
            path,
            archive,
            limit_bytes,
            events: VecDeque::new(),
            awaiting: BTreeSet::new(),
            stuck: BTreeSet::new(),
            opened: false,
            drained: false,
            lost: Trouble::default(),
            unreadable: Trouble::default(),
        }
    }

    fn look(&mut self) -> io::Result<Option<InboxEvent>> {
        let refused = self.archive_stuck();
        let mut waiting = list(&self.path)?;
        waiting.retain(|key, _| !self.stuck.contains(key));
        if refused.is_none() {
            self.lost.is_over();
        }
        if !self.opened {
            self.opened = true;
            return Ok(Some(InboxEvent::Opened { waiting: u32::try_from(waiting.len()).unwrap_or(u32::MAX) }));
        }
        let (batch, unreadable) = read_batch(waiting, self.limit_bytes);
        self.tell_unreadable(&unreadable);
        if !batch.is_empty() {
            self.awaiting = batch.iter().map(|mail| mail.remote.key.clone()).collect();
            self.drained = false;
            return Ok(Some(InboxEvent::Batch(batch)));
        }
        if let Some(error) = refused {
            return Err(error);
        }
        Ok((!std::mem::replace(&mut self.drained, true)).then_some(InboxEvent::Drained))
    }

    /// Tries to archive what the archive refused before; the last error when it still refuses some.
    fn archive_stuck(&mut self) -> Option<io::Error> {
        let mut refused = None;
        for key in std::mem::take(&mut self.stuck) {
            // Vanished or archived: either way it is not stuck any more.
            refused = self.archive_or_keep(&key).err().or(refused);
        }
        refused
    }

    fn tell_unreadable(&mut self, errors: &[io::Error]) {
        match errors.first() {
            None => self.unreadable.is_over(),
            Some(first) if self.unreadable.is_due() => tracing::warn!(
                mails = errors.len(),
                kind = ?first.kind(),
                "mails in the Maildir cannot be read and wait; check the rights of the files"
            ),
            Some(_) => {}
        }
    }

    fn archive_one(&self, key: &str) -> io::Result<()> {
        for folder in ["tmp", "new", "cur"] {
            fs::create_dir_all(self.archive.join(folder))?;
        }
        let file = find(&self.path, key)?;
        let target = self.archive.join("cur").join(format!("{key}:2,"));
        match fs::rename(&file, &target) {
            Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
                copy_over(&file, &self.archive.join("tmp").join(key), &target)
            }
            outcome => outcome,
        }
    }

    /// Moves a mail to the archive; false when it is gone. What fails is kept for the next try.
    fn archive_or_keep(&mut self, key: &str) -> io::Result<bool> {
        self.awaiting.remove(key);
        match self.archive_one(key) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => {
                self.stuck.insert(key.to_owned());
                Err(error)
            }
        }
    }

    fn lost(&mut self, error: &io::Error) -> Option<InboxEvent> {
        if !self.lost.is_due() {
            return None;
        }
        self.drained = false;
        tracing::warn!(kind = ?error.kind(), "maildir lost");
        let message = format!(
            "the Maildir or its archive cannot be read or written ({}); check the folders and their rights",
            error.kind()
        );
        let error = PortError { class: ErrorClass::Configuration, message };
        Some(InboxEvent::Lost { error, retry_in_seconds: RETRY_SECONDS })
    }
}

impl Inbox for MaildirInbox {
    fn poll(&mut self) -> Option<InboxEvent> {
        if let Some(event) = self.events.pop_front() {
            return Some(event);
        }
        if !self.awaiting.is_empty() {
            return None;
        }
        self.look().unwrap_or_else(|error| self.lost(&error))
    }

    fn settle(&mut self, stored: Vec<RemoteUid>) {
        for remote in stored.into_iter().filter(|remote| remote.mailbox == MAILBOX) {
            match self.archive_or_keep(&remote.key) {
                Ok(true) => {}
                Ok(false) => self.events.push_back(InboxEvent::Vanished(remote)),
                Err(error) => {
                    let event = self.lost(&error);
                    self.events.extend(event);
                }
            }
        }
    }

    fn nudge(&mut self) {
        // Each poll looks at the folder.
    }
}

/// Delivers a mail as Maildir says: written and synced in `tmp/`, then renamed into `new/`.
///
/// The folders are created where they are missing. Delivering the same name again replaces the mail.
///
/// # Errors
/// The name is no plain file name, or the file system refuses; then the mail is not in `new/`.
pub fn deliver(maildir: &Path, unique_name: &str, bytes: &[u8]) -> io::Result<()> {
    if !is_plain(unique_name) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a plain file name"));
    }
    for folder in ["tmp", "new", "cur"] {
        fs::create_dir_all(maildir.join(folder))?;
    }
    let temporary = maildir.join("tmp").join(unique_name);
    let mut file = File::create(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    let new = maildir.join("new");
    fs::rename(&temporary, new.join(unique_name))?;
    File::open(new)?.sync_all()
}

/// The header block of a mail with the empty line that ends it, or all of `bytes` where there is none; bounded.
pub(super) fn header_block(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.get(..usize::try_from(HEADER_MAX_BYTES).unwrap_or(usize::MAX)).unwrap_or(bytes);
    let crlf = bytes.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4);
    let lf = bytes.windows(2).position(|two| two == b"\n\n").map(|at| at + 2);
    let end = crlf.into_iter().chain(lf).min().unwrap_or(bytes.len());
    bytes.get(..end).unwrap_or(bytes)
}

fn is_plain(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\0', ':'])
}

/// The mails of `new/` and `cur/`: file name without its flags, and path; in the order of names.
fn list(maildir: &Path) -> io::Result<BTreeMap<String, PathBuf>> {
    let mut found = BTreeMap::new();
    for folder in ["cur", "new"] {
        for entry in fs::read_dir(maildir.join(folder))? {
            let entry = entry?;
            // What has no UTF-8 name is no mail that a mail server put there.
            let Ok(name) = entry.file_name().into_string() else { continue };
            let key = name.split(':').next().unwrap_or_default().to_owned();
            if is_plain(&key) && entry.file_type()?.is_file() {
                found.insert(key, entry.path());
            }
        }
    }
    Ok(found)
}

fn find(maildir: &Path, key: &str) -> io::Result<PathBuf> {
    let direct = maildir.join("new").join(key);
    if is_plain(key) && direct.is_file() {
        return Ok(direct);
    }
    list(maildir)?.remove(key).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
}

/// At most a batch of mails, and why some before its end cannot be read.
fn read_batch(waiting: BTreeMap<String, PathBuf>, limit_bytes: u64) -> (Vec<Fetched>, Vec<io::Error>) {
    let (mut batch, mut unreadable, mut bytes) = (Vec::new(), Vec::new(), 0);
    for (key, file) in waiting {
        if batch.len() == BATCH_MAX_MAILS || bytes >= limit_bytes {
            break;
        }
        match read_mail(&file, &key, limit_bytes) {
            Ok(mail) => {
                bytes += mail.bytes.len() as u64;
                batch.push(mail);
            }
            // A reader of this Maildir renamed or took it: the next look shows which.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => unreadable.push(error),
        }
    }
    (batch, unreadable)
}

/// Moves a file to another file system. The old one goes only when the new one is on its disk; a crash in between
/// leaves both, and the next attempt begins anew.
fn copy_over(from: &Path, temporary: &Path, to: &Path) -> io::Result<()> {
    let mut source = File::open(from)?;
    let mut copy = File::create(temporary)?;
    io::copy(&mut source, &mut copy)?;
    // Its time says when the mail arrived.
    copy.set_modified(source.metadata()?.modified()?)?;
    copy.sync_all()?;
    fs::rename(temporary, to)?;
    if let Some(folder) = to.parent() {
        File::open(folder)?.sync_all()?;
    }
    fs::remove_file(from)
}

fn read_mail(path: &Path, key: &str, limit_bytes: u64) -> io::Result<Fetched> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    let size = metadata.len();
    let oversize = (size > limit_bytes).then_some(size);
    let mut bytes = Vec::new();
    file.take(if oversize.is_some() { HEADER_MAX_BYTES } else { limit_bytes }).read_to_end(&mut bytes)?;
    if oversize.is_some() {
        bytes.truncate(header_block(&bytes).len());
    }
    let seconds =
        metadata.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok()).map(|since| since.as_secs());
    let arrived = seconds.and_then(|seconds| i64::try_from(seconds).ok()).map(Timestamp);
    let remote = RemoteUid { mailbox: MAILBOX.to_owned(), uid_validity: 0, uid: 0, key: key.to_owned() };
    Ok(Fetched { remote, folder: Folder::Inbox, arrived, bytes, oversize })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_that_cannot_be_read_holds_up_no_other() {
        let place = tempfile::tempdir().unwrap();
        deliver(place.path(), "2.b", b"B: 2\n\n").unwrap();
        let mut waiting = list(place.path()).unwrap();
        // A folder cannot be read as a file, not even by root.
        waiting.insert("1.a".to_owned(), place.path().join("cur"));
        let (batch, unreadable) = read_batch(waiting, 1000);
        assert_eq!(batch.iter().map(|mail| mail.remote.key.as_str()).collect::<Vec<_>>(), ["2.b"]);
        assert_eq!(unreadable.len(), 1);
    }

    #[test]
    fn trouble_is_told_once_until_it_is_over() {
        let mut trouble = Trouble::default();
        assert!(trouble.is_due() && !trouble.is_due());
        trouble.is_over();
        assert!(trouble.is_due());
    }
}
