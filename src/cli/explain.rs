//! `postern explain`: what postern sees in mails, and why, for people or as JSON lines.
//!
//! Needs no settings and no store, and changes nothing. A file that cannot be read is told in its place and stops
//! nothing; only when no file at all could be read the command fails.

mod page;

use std::fs::{self, File};
use std::io::{self, BufWriter, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use zeroize::Zeroizing;

use super::arguments::ExplainOptions;
use super::progress::Progress;
use crate::adapters::clock::SystemClock;
use crate::daemon::exit::{Failure, IO, NO_INPUT};
use crate::domain::token::InstanceKey;
use crate::engine::explain::threads::{Place, Threads};
use crate::engine::explain::{Explainer, Explanation, Keys, TakenFor};
use crate::engine::read::{Instance, Reader};
use crate::engine::work::in_parallel;
use crate::mail::parse::{self, Limits};
use crate::mail::shape::{self, Shape};
use crate::pgp::keyring::reading::{Found, Gathered, gather};
use crate::ports::Clock;

/// Deepest folder below the one named.
const DEPTH_MAX: usize = 32;
/// Most files of one run; further ones are told of and left out.
const FILES_MAX: usize = 1_000_000;
/// Files read and told before the next ones are read, for each thread.
const FILES_PER_THREAD: usize = 8;
/// Most key files in the folder of keys.
const KEY_FILES_MAX: usize = 10_000;
/// Largest key file, in bytes.
const KEY_FILE_MAX_BYTES: u64 = 4 * 1024 * 1024;
/// The file of passphrases among the keys.
const PASSPHRASES: &str = "passphrases";

/// A file that was not explained.
#[derive(Debug, Serialize)]
struct Unread {
    file: String,
    error: String,
}

/// A file to look at, or why it cannot be.
struct Candidate {
    /// As it is told: the path as given, joined with what lies below it.
    path: PathBuf,
    problem: Option<String>,
}

/// Tells all that is below the paths.
pub fn explain(options: &ExplainOptions) -> Result<(), Failure> {
    let limits = Limits::default();
    let at = SystemClock.now();
    let gathered = keyring(options.keys.as_deref())?;
    let key = InstanceKey::from_secret(b"nobody");
    let instance = Instance { addresses: &[], key: &key, name: "", case_prefix: "" };
    let (keyring, authserv_ids) = (&gathered.keyring, &[][..]);
    let reader = Reader { instance, keyring, authserv_ids, dkim: None, intake: &[], limits: &limits };
    let keys = if options.keys.is_some() { Keys::Given } else { Keys::NotGiven };
    let teller = Teller { explainer: Explainer { reader, keys, at }, body: options.body, limits: &limits };
    let files = candidates(&options.paths);
    let told = teller.tell(&files, options.json).map_err(|error| failed(&error))?;
    if told == 0 {
        return Err(Failure::new(NO_INPUT, "no file could be read as a mail: name a mail or a folder of mails"));
    }
    Ok(())
}

struct Teller<'a> {
    explainer: Explainer<'a>,
    body: bool,
    limits: &'a Limits,
}

impl Teller<'_> {
    /// Prints every file in order; gives how many were explained. A reader that has gone away ends it in peace.
    fn tell(&self, files: &[Candidate], json: bool) -> io::Result<usize> {
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let batch = threads * FILES_PER_THREAD;
        let mut seen = Threads::default();
        let mut places: Vec<Place> = Vec::with_capacity(files.len());
        let progress = Progress::new(u64::try_from(files.len()).ok(), "looking for conversations");
        for files in files.chunks(batch) {
            progress.tick(files.len() as u64);
            let heads = in_parallel(files, threads, |file| self.head(file));
            places.extend(heads.into_iter().map(|mail| seen.add_maybe(mail.flatten().as_ref())));
        }
        progress.done();
        let named = seen.finish();
        let mut out = BufWriter::new(io::stdout().lock());
        // On a terminal the pages themselves show how far it is.
        let progress =
            (!io::stdout().is_terminal()).then(|| Progress::new(u64::try_from(files.len()).ok(), "explaining"));
        let (mut told, mut last) = (0, false);
        for (files, places) in files.chunks(batch).zip(places.chunks(batch)) {
            let all = in_parallel(files, threads, |file| self.one(file));
            if let Some(progress) = &progress {
                progress.tick(files.len() as u64);
            }
            for ((file, place), one) in files.iter().zip(places).zip(all) {
                let name = file.path.display().to_string();
                let lost = || Err("postern could not read it, by a mistake of its own".to_owned());
                let line = match one.unwrap_or_else(lost) {
                    Ok(mut explanation) => {
                        if let Some(head) = &mut explanation.head {
                            head.thread = named.of(*place, &name);
                        }
                        explanation.file = name;
                        told += 1;
                        if json { to_json(&explanation)? } else { page::page(&explanation) }
                    }
                    Err(error) if json => to_json(&Unread { file: name, error })?,
                    Err(error) => page::unread(&name, &error),
                };
                let gap = if json || !std::mem::replace(&mut last, true) { "" } else { "\n" };
                match out.write_all(gap.as_bytes()).and_then(|()| out.write_all(line.as_bytes())) {
                    Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(told.max(1)),
                    done => done?,
                }
            }
        }
        match out.flush() {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(told.max(1)),
            done => done.map(|()| told),
        }
    }

    /// The header block of a mail, for its place among the conversations.
    fn head(&self, file: &Candidate) -> Option<parse::ParsedMail> {
        if self.body || file.problem.is_some() {
            return None;
        }
        let most = u64::try_from(self.limits.header_block_bytes).ok()?;
        let mut bytes = Vec::new();
        open(&file.path).ok()?.take(most).read_to_end(&mut bytes).ok()?;
        (shape::of(&bytes) == Shape::Mail).then(|| parse::parse(shape::head(&bytes), self.limits))
    }

    fn one(&self, file: &Candidate) -> Result<Explanation, String> {
        if let Some(problem) = &file.problem {
            return Err(problem.clone());
        }
        let most = u64::try_from(self.limits.raw_bytes).unwrap_or(u64::MAX);
        let mut bytes = Vec::new();
        let source = open(&file.path).map_err(|error| format!("cannot be read: {error}"))?;
        source
            .take(most.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(|error| format!("cannot be read: {error}"))?;
        if bytes.len() as u64 > most {
            return Err(format!("larger than {most} bytes, the most that is read of a mail"));
        }
        let taken_for = match shape::of(&bytes) {
            Shape::Other(what) => return Err(what.to_owned()),
            Shape::Mail if !self.body => TakenFor::Mail,
            Shape::Mail | Shape::Body => TakenFor::Body,
        };
        Ok(self.explainer.explain(&bytes, taken_for))
    }
}

/// Opens a regular file only: a pipe or a device would be waited for.
fn open(path: &Path) -> io::Result<File> {
    if fs::metadata(path)?.is_file() {
        return File::open(path);
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, "no regular file"))
}

fn to_json(value: &impl Serialize) -> io::Result<String> {
    serde_json::to_string(value).map(|line| line + "\n").map_err(io::Error::other)
}

/// The files of all paths in their order, those of a folder by name.
fn candidates(paths: &[PathBuf]) -> Vec<Candidate> {
    let mut found = Vec::new();
    // The next one stands last.
    let mut waiting: Vec<(PathBuf, usize)> = paths.iter().rev().map(|path| (path.clone(), 0)).collect();
    while let Some((path, depth)) = waiting.pop() {
        if found.len() >= FILES_MAX {
            let problem = Some(format!("left out: more than {FILES_MAX} files; name fewer"));
            found.push(Candidate { path, problem });
            break;
        }
        // Links to folders inside of a folder may lead in a circle.
        let folder =
            if depth == 0 { path.is_dir() } else { fs::symlink_metadata(&path).is_ok_and(|meta| meta.is_dir()) };
        if !folder {
            let linked_folder = depth > 0 && path.is_dir();
            let problem = linked_folder.then(|| "a link to a folder, which is not followed".to_owned());
            found.push(Candidate { path, problem });
            continue;
        }
        match below(&path) {
            Ok(_) if depth >= DEPTH_MAX => {
                found.push(Candidate { path, problem: Some("a folder too deep to be read".to_owned()) });
            }
            Ok(entries) => waiting.extend(entries.into_iter().rev().map(|entry| (entry, depth + 1))),
            Err(error) => found.push(Candidate { path, problem: Some(format!("cannot be read: {error}")) }),
        }
    }
    found
}

/// What lies in a folder, by name and without hidden files.
fn below(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder)?.take(FILES_MAX) {
        let entry = entry?;
        if !entry.file_name().to_string_lossy().starts_with('.') {
            entries.push(entry.path());
        }
    }
    entries.sort();
    Ok(entries)
}

/// The keys of a folder; none at all without one.
fn keyring(folder: Option<&Path>) -> Result<Gathered, Failure> {
    let mut found = Found::default();
    let files = folder.map(below).transpose().map_err(|error| unreadable_keys(folder, &error))?.unwrap_or_default();
    for path in files.into_iter().take(KEY_FILES_MAX) {
        if !path.is_file() {
            continue;
        }
        let mut bytes = Zeroizing::new(Vec::new());
        File::open(&path)
            .and_then(|file| file.take(KEY_FILE_MAX_BYTES).read_to_end(&mut bytes))
            .map_err(|error| unreadable_keys(Some(&path), &error))?;
        if path.file_name().is_some_and(|name| name == PASSPHRASES) {
            let text = Zeroizing::new(String::from_utf8_lossy(&bytes).into_owned());
            let lines = text.lines().filter(|line| !line.is_empty());
            found.passphrases.extend(lines.map(|line| Zeroizing::new(line.to_owned())));
        } else {
            found.files.push((path.display().to_string(), bytes));
        }
    }
    let gathered = gather(&found).ok_or_else(|| Failure::new(NO_INPUT, "failed to make a keyring of the keys"))?;
    for name in &gathered.no_keys {
        warn(&format!("{name} holds no OpenPGP key; left out"));
    }
    for name in &gathered.locked {
        warn(&format!("{name} is locked, and no line of {PASSPHRASES} opens it; only its public half is used"));
    }
    Ok(gathered)
}

fn unreadable_keys(path: Option<&Path>, error: &io::Error) -> Failure {
    let path = path.map(|path| path.display().to_string()).unwrap_or_default();
    Failure::new(NO_INPUT, format!("failed to read the keys in {path}: {error}"))
}

fn failed(error: &io::Error) -> Failure {
    Failure::new(IO, format!("failed to print: {error}"))
}

#[expect(clippy::print_stderr, reason = "what is left out is said beside the result of the command")]
fn warn(line: &str) {
    eprintln!("postern: {}", page::plain(line));
}
