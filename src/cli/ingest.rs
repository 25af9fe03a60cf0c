//! `postern ingest`: mails from files through the same door as those of the inbox.
//!
//! While the daemon runs they go through its socket; otherwise they are stored at once and decided
//! at the next start. What comes on standard input is new mail; files are archives, which are never
//! acknowledged by themselves.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::arguments::IngestOptions;
use super::run::settings;
use crate::adapters::clock::SystemClock;
use crate::adapters::entropy::SystemEntropy;
use crate::daemon::control;
use crate::daemon::exit::{Failure, NO_INPUT, TEMPORARY};
use crate::daemon::lock::Lock;
use crate::domain::event::Answerable;
use crate::engine::accept::{self};
use crate::mail::mbox;
use crate::mail::parse::Limits;
use crate::ports::Clock;
use crate::settings::Settings;
use crate::store::Store;

/// Largest file read, in bytes; larger archives are split by their owner.
const FILE_BYTES_MAX: u64 = 1024 * 1024 * 1024;
/// Deepest folder below the one named.
const DEPTH_MAX: usize = 16;
/// Mails stored in one commit.
const BATCH: usize = 50;

/// Where mails go.
enum Door {
    /// The running daemon.
    Socket(PathBuf),
    /// The database itself, which nobody else has open.
    Store { store: Box<Store>, entropy: SystemEntropy, _lock: Lock },
}

/// Stores every mail of every path.
pub fn ingest(options: &IngestOptions) -> Result<(), Failure> {
    let settings = settings(&options.config)?;
    let mut door = open(&settings)?;
    let (mut read, mut new) = (0, 0);
    for path in &options.paths {
        let old = path.as_os_str() != "-";
        for file in files(path)? {
            let mails = mbox::split(&content(&file)?);
            read += mails.len();
            new += door.take(mails, old)?;
        }
    }
    report(read, new);
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the result of the command")]
fn report(read: usize, new: usize) {
    println!("{read} mails read, {new} new");
}

fn open(settings: &Settings) -> Result<Door, Failure> {
    match Lock::take(&settings.instance.state_dir) {
        Ok(lock) => {
            let store = Store::open(&settings.store.path, settings.store.key.bytes(), &settings.instance.name)?;
            Ok(Door::Store { store: Box::new(store), entropy: SystemEntropy::open()?, _lock: lock })
        }
        Err(failure) if failure.code == TEMPORARY => Ok(Door::Socket(settings.daemon.socket.clone())),
        Err(failure) => Err(failure),
    }
}

impl Door {
    fn take(&mut self, mails: Vec<Vec<u8>>, old: bool) -> Result<usize, Failure> {
        match self {
            Self::Socket(socket) => {
                let mut new = 0;
                for mail in &mails {
                    new += usize::from(control::ingest(socket, mail, old)?);
                }
                Ok(new)
            }
            Self::Store { store, entropy, .. } => {
                let answerable = if old { Answerable::Old } else { Answerable::Yes };
                let mut new = 0;
                let mut mails = mails.into_iter().peekable();
                while mails.peek().is_some() {
                    let batch = mails.by_ref().take(BATCH).collect();
                    new += accept::store(store, entropy, &Limits::default(), batch, answerable, SystemClock.now())?;
                }
                Ok(new)
            }
        }
    }
}

/// The files of a path: itself, or all below it but hidden ones and a Maildir's unfinished deliveries.
fn files(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    let mut folders = vec![(path.to_path_buf(), 0)];
    while let Some((path, depth)) = folders.pop() {
        if !path.is_dir() {
            found.push(path);
            continue;
        }
        // Beside its mails a Maildir holds files of its server, such as lists of UIDs.
        let maildir = path.join("cur").is_dir() && path.join("new").is_dir();
        let entries = std::fs::read_dir(&path).map_err(|error| unreadable(&path, &error))?;
        for entry in entries {
            let entry = entry.map_err(|error| unreadable(&path, &error))?;
            let name = entry.file_name();
            let foreign = maildir && name != "cur" && name != "new";
            let hidden = foreign || name.to_string_lossy().starts_with('.') || name == "tmp";
            if !hidden && depth < DEPTH_MAX {
                folders.push((entry.path(), depth + 1));
            }
        }
    }
    found.sort();
    Ok(found)
}

fn content(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = if path.as_os_str() == "-" {
        std::io::stdin().take(FILE_BYTES_MAX).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(FILE_BYTES_MAX).read_to_end(&mut bytes))
    };
    read.map_err(|error| unreadable(path, &error))?;
    Ok(bytes)
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(NO_INPUT, format!("failed to read {}: {error}", path.display()))
}
