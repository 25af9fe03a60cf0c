//! `postern ingest`: mails from files through the same door as those of the inbox.
//!
//! While the daemon runs they go through its socket; otherwise they are stored at once and decided
//! at the next start. What comes on standard input is new mail; files are archives, which are never
//! acknowledged by themselves.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::arguments::IngestOptions;
use super::door::Door;
use super::progress::Progress;
use super::run::settings;
use crate::adapters::clock::SystemClock;
use crate::daemon::control;
use crate::daemon::exit::{DATA, Failure, NO_INPUT};
use crate::domain::event::Answerable;
use crate::engine::accept::{self};
use crate::mail::mbox;
use crate::ports::Clock;

/// Largest file read, in bytes; a larger one is refused, and split by its owner.
const FILE_BYTES_MAX: u64 = 1024 * 1024 * 1024;
/// Deepest folder below the one named.
const DEPTH_MAX: usize = 16;
/// Mails stored in one commit.
const BATCH: usize = 50;

/// Stores every mail of every path.
pub fn ingest(options: &IngestOptions) -> Result<(), Failure> {
    let settings = settings(&options.config)?;
    let mut door = Door::open(&settings)?;
    let mut found = Vec::new();
    for path in &options.paths {
        found.extend(files(path)?);
    }
    let progress = Progress::new(Some(found.len() as u64), "storing mails");
    let (mut read, mut new) = (0, 0);
    for file in found {
        let old = file.as_os_str() != "-";
        let mails = mbox::split(&content(&file)?);
        read += mails.len();
        // A file was counted as one mail.
        progress.more((mails.len() as u64).saturating_sub(1));
        new += take(&mut door, mails, old, &progress)?;
    }
    progress.done();
    report(read, new);
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the result of the command")]
fn report(read: usize, new: usize) {
    println!("{read} mails read, {new} new");
}

fn take(door: &mut Door, mails: Vec<Vec<u8>>, old: bool, progress: &Progress) -> Result<usize, Failure> {
    let mut new = 0;
    match door {
        Door::Socket(socket) => {
            for mail in &mails {
                new += usize::from(control::ingest(socket, mail, old)?);
                progress.tick(1);
            }
        }
        Door::Store { store, entropy, limits, .. } => {
            let answerable = if old { Answerable::Old } else { Answerable::Yes };
            let mut mails = mails.into_iter().peekable();
            while mails.peek().is_some() {
                let batch: Vec<_> = mails.by_ref().take(BATCH).collect();
                let stored = batch.len() as u64;
                new += accept::store(store, entropy, limits, batch, answerable, SystemClock.now())?;
                progress.tick(stored);
            }
        }
    }
    Ok(new)
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
    if path.as_os_str() == "-" {
        return read_whole(path, std::io::stdin(), FILE_BYTES_MAX);
    }
    let file = std::fs::File::open(path).map_err(|error| unreadable(path, &error))?;
    read_whole(path, file, FILE_BYTES_MAX)
}

/// All of a source, or a failure: a part of an archive would pass for the whole of it.
fn read_whole(path: &Path, source: impl Read, most: u64) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    source.take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(|error| unreadable(path, &error))?;
    if bytes.len() as u64 > most {
        let message = format!("{} is longer than {most} bytes; split it and ingest the parts", path.display());
        return Err(Failure::new(DATA, message));
    }
    Ok(bytes)
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(NO_INPUT, format!("failed to read {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_over_the_limit_is_refused_by_name_and_not_cut() {
        let path = Path::new("old/archive.mbox");
        assert_eq!(read_whole(path, &b"12345"[..], 5).unwrap(), b"12345");
        let failure = read_whole(path, &b"123456"[..], 5).unwrap_err();
        assert_eq!(failure.code, DATA);
        assert!(failure.message.contains("old/archive.mbox"), "{failure}");
    }
}
