//! Where the letters of a round trip come back to: an IMAP account or a Maildir.
//!
//! Looks only at mail that came after it was opened, and takes away only what it is told of.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::servers::{imap_config, named};
use crate::adapters::imap::probe::{Leaving, Probe};
use crate::daemon::exit::{CONFIG, Failure, IO};
use crate::ports::Folder;
use crate::settings::Settings;
use crate::settings::checked::Inbox;

/// Of a mail in a Maildir no more than this is read, in bytes.
const HEAD_BYTES: u64 = 16 * 1024;

/// The place, with what lay there before.
pub(super) enum Place {
    Imap { probe: Box<Probe>, host: String, mailboxes: Vec<Mailbox>, archive_next: Option<u32> },
    Maildir { path: PathBuf, before: BTreeSet<PathBuf> },
}

/// A folder and the UID that the next mail in it gets.
#[derive(Debug, Clone)]
pub(super) struct Mailbox {
    name: String,
    folder: Folder,
    uid_next: u32,
}

/// A mail that came since.
#[derive(Debug, Clone)]
pub(super) struct Lying {
    pub(super) folder: Folder,
    at: At,
    /// Its head.
    pub(super) bytes: Vec<u8>,
}

#[derive(Debug, Clone)]
enum At {
    Uid { mailbox: String, uid: u32 },
    File(PathBuf),
}

/// What became of a mail that was to go to the archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Archived {
    /// It was found there, and taken away.
    Found,
    /// It is not there.
    Missing,
    /// Mail stays in the inbox, as the settings or the server want it.
    Stays,
}

impl Place {
    /// Opens the inbox and notes where it ends.
    pub(super) fn open(settings: &Settings) -> Result<Self, Failure> {
        match &settings.inbox {
            Inbox::Maildir { path, .. } => Ok(Self::Maildir { path: path.clone(), before: files(path)? }),
            Inbox::Imap(imap) => {
                let failed = |error| named(&error, &imap.host);
                let mut probe = Probe::open(&imap_config(imap, settings)).map_err(failed)?;
                let mut mailboxes = Vec::new();
                let junk = match probe.junk() {
                    Some(junk) => Some(junk.to_owned()),
                    None => probe.marked_as_junk().map_err(failed)?,
                };
                let wanted = [(Some(imap.mailbox.clone()), Folder::Inbox), (junk, Folder::Junk)];
                for (name, folder) in wanted.into_iter().filter_map(|(name, folder)| Some((name?, folder))) {
                    match probe.open_mailbox(&name).map_err(failed)? {
                        Some(opened) => mailboxes.push(Mailbox { name, folder, uid_next: opened.uid_next }),
                        None if folder == Folder::Inbox => {
                            return Err(Failure::new(CONFIG, format!("{}: the inbox does not open", imap.host)));
                        }
                        None => {}
                    }
                }
                let archive = probe.archive().to_owned();
                let archive_next = match probe.leaving() {
                    Leaving::Moved | Leaving::Copied => probe.open_mailbox(&archive).map_err(failed)?,
                    Leaving::Stays => None,
                };
                let archive_next = archive_next.map(|opened| opened.uid_next);
                Ok(Self::Imap { probe: Box::new(probe), host: imap.host.clone(), mailboxes, archive_next })
            }
        }
    }

    /// What came since the place was opened.
    pub(super) fn new_mails(&mut self) -> Result<Vec<Lying>, Failure> {
        match self {
            Self::Maildir { path, before } => {
                Ok(files(path)?.difference(before).filter_map(|file| lying(file)).collect())
            }
            Self::Imap { probe, host, mailboxes, .. } => {
                let mut all = Vec::new();
                for mailbox in mailboxes {
                    let mails =
                        probe.new_mails(&mailbox.name, mailbox.uid_next).map_err(|error| named(&error, host))?;
                    all.extend(mails.into_iter().map(|(uid, bytes)| Lying {
                        folder: mailbox.folder,
                        at: At::Uid { mailbox: mailbox.name.clone(), uid },
                        bytes,
                    }));
                }
                Ok(all)
            }
        }
    }

    /// Treats a mail as stored mail is treated, looks for it in the archive, and takes it away there.
    pub(super) fn archive(&mut self, mail: &Lying, is_it: impl Fn(&[u8]) -> bool) -> Result<Archived, Failure> {
        let Self::Imap { probe, host, archive_next, .. } = self else { return Ok(Archived::Stays) };
        let (At::Uid { mailbox, uid }, Some(next)) = (&mail.at, *archive_next) else { return Ok(Archived::Stays) };
        let failed = |error| named(&error, host);
        if !probe.archive_these(mailbox, &[*uid]).map_err(failed)? {
            return Ok(Archived::Stays);
        }
        let archive = probe.archive().to_owned();
        let there = probe.new_mails(&archive, next).map_err(failed)?;
        let ours: Vec<u32> = there.into_iter().filter(|(_, bytes)| is_it(bytes)).map(|(uid, _)| uid).collect();
        probe.take_away(&archive, &ours).map_err(failed)?;
        Ok(if ours.is_empty() { Archived::Missing } else { Archived::Found })
    }

    /// Takes these mails away; `false` where the server can only mark them as deleted.
    pub(super) fn take_away(&mut self, mails: &[Lying]) -> Result<bool, Failure> {
        match self {
            Self::Maildir { .. } => {
                for mail in mails {
                    if let At::File(path) = &mail.at {
                        fs::remove_file(path).map_err(|error| unreadable(path, &error))?;
                    }
                }
                Ok(true)
            }
            Self::Imap { probe, host, mailboxes, .. } => {
                let mut gone = true;
                for here in mailboxes {
                    let uids: Vec<u32> = mails
                        .iter()
                        .filter_map(|mail| match &mail.at {
                            At::Uid { mailbox, uid } if *mailbox == here.name => Some(*uid),
                            At::Uid { .. } | At::File(_) => None,
                        })
                        .collect();
                    if !uids.is_empty() {
                        gone &= probe.take_away(&here.name, &uids).map_err(|error| named(&error, host))?;
                    }
                }
                Ok(gone)
            }
        }
    }
}

fn files(maildir: &Path) -> Result<BTreeSet<PathBuf>, Failure> {
    let mut found = BTreeSet::new();
    for part in ["new", "cur"] {
        let folder = maildir.join(part);
        for entry in fs::read_dir(&folder).map_err(|error| unreadable(&folder, &error))? {
            found.insert(entry.map_err(|error| unreadable(&folder, &error))?.path());
        }
    }
    Ok(found)
}

/// A mail that somebody takes away meanwhile is none.
fn lying(file: &Path) -> Option<Lying> {
    let mut bytes = Vec::new();
    fs::File::open(file).ok()?.take(HEAD_BYTES).read_to_end(&mut bytes).ok()?;
    Some(Lying { folder: Folder::Inbox, at: At::File(file.to_path_buf()), bytes })
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(IO, format!("failed to use {}: {error}", path.display()))
}
