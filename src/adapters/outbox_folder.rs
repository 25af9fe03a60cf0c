//! A relay that writes mail into a Maildir instead of sending it: for the demo, and for looking before going live.
//!
//! Each mail becomes one file in `new/`, with the envelope on top as `Return-Path` and
//! `Delivered-To`; the bytes below are exactly the job's. The same job written twice leaves one
//! file. Never uses the network. A folder that cannot be written defers the job.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::PathBuf;

use crate::domain::token::digest_hex;
use crate::ports::{ErrorClass, PortError, Relay, RelayJob, RelayOutcome, RelayVerdict};

/// Outcomes kept for polling before no more jobs are taken.
const OUTCOMES_MAX: usize = 64;

/// A Maildir that mail is "sent" to.
#[derive(Debug)]
pub struct OutboxFolder {
    root: PathBuf,
    outcomes: VecDeque<RelayOutcome>,
}

impl OutboxFolder {
    /// Opens the Maildir, making `tmp`, `new` and `cur` where they are missing.
    ///
    /// # Errors
    /// The folders cannot be made.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, PortError> {
        let root = root.into();
        for folder in ["tmp", "new", "cur"] {
            fs::create_dir_all(root.join(folder)).map_err(|error| PortError {
                class: ErrorClass::Configuration,
                message: format!("the outgoing folder cannot be made ({}); check its path and rights", error.kind()),
            })?;
        }
        Ok(Self { root, outcomes: VecDeque::new() })
    }

    /// Writes, syncs and renames, so that a reader sees the whole mail or nothing.
    fn write(&self, job: &RelayJob) -> io::Result<()> {
        let name = file_name(job);
        let unfinished = self.root.join("tmp").join(&name);
        let mut file = File::create(&unfinished)?;
        let sender = job.sender.as_ref().map_or("", |address| address.as_str());
        write!(file, "Return-Path: <{sender}>\r\nDelivered-To: {}\r\n", job.recipient)?;
        file.write_all(&job.bytes)?;
        file.sync_all()?;
        let folder = self.root.join("new");
        fs::rename(&unfinished, folder.join(&name))?;
        File::open(folder)?.sync_all()
    }
}

impl Relay for OutboxFolder {
    fn submit(&mut self, job: RelayJob) -> Result<(), RelayJob> {
        if self.outcomes.len() >= OUTCOMES_MAX {
            return Err(job);
        }
        let (verdict, detail) = match self.write(&job) {
            Ok(()) => (RelayVerdict::Accepted, "written to the outgoing folder".to_owned()),
            Err(error) => (RelayVerdict::Deferred, format!("the outgoing folder cannot be written: {}", error.kind())),
        };
        self.outcomes.push_back(RelayOutcome { id: job.id, verdict, detail });
        Ok(())
    }

    fn poll(&mut self) -> Option<RelayOutcome> {
        self.outcomes.pop_front()
    }
}

/// `<row>.<sixteen digits of the recipient's hash>.postern`: sorts by row, the same for the same job.
fn file_name(job: &RelayJob) -> String {
    let recipient: String = digest_hex(job.recipient.key().as_bytes()).chars().take(16).collect();
    format!("{:010}.{recipient}.postern", job.id.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::{Address, OutboxId};
    use std::sync::Arc;

    fn job(id: i64, sender: Option<&str>) -> RelayJob {
        RelayJob {
            id: OutboxId(id),
            sender: sender.map(|text| Address::parse(text).unwrap()),
            recipient: Address::parse("ana@example.org").unwrap(),
            bytes: Arc::new(b"Subject: x\r\n\r\n.body \xff\r\n".to_vec()),
        }
    }

    fn mails(root: &std::path::Path) -> Vec<Vec<u8>> {
        let mut paths: Vec<_> = fs::read_dir(root.join("new")).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths.iter().map(|path| fs::read(path).unwrap()).collect()
    }

    #[test]
    fn a_mail_is_one_file_with_its_envelope_on_top_however_often_it_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let mut relay = OutboxFolder::open(folder.path()).unwrap();
        for (id, sender) in [(1, Some("security@example.org")), (2, None), (1, Some("security@example.org"))] {
            relay.submit(job(id, sender)).unwrap();
            let outcome = relay.poll().unwrap();
            assert_eq!((outcome.id, outcome.verdict), (OutboxId(id), RelayVerdict::Accepted));
        }
        let body = "Delivered-To: ana@example.org\r\nSubject: x\r\n\r\n.body \u{ff}\r\n".replace('\u{ff}', "\0");
        let expected = |sender: &str| {
            let text = format!("Return-Path: <{sender}>\r\n{body}").into_bytes();
            text.into_iter().map(|byte| if byte == 0 { 0xff } else { byte }).collect::<Vec<u8>>()
        };
        assert_eq!(mails(folder.path()), [expected("security@example.org"), expected("")]);
        assert_eq!(fs::read_dir(folder.path().join("tmp")).unwrap().count(), 0);
    }

    #[test]
    fn a_folder_that_is_gone_defers_and_a_backlog_gives_jobs_back() {
        let folder = tempfile::tempdir().unwrap();
        let mut relay = OutboxFolder::open(folder.path().join("out")).unwrap();
        fs::remove_dir_all(folder.path().join("out")).unwrap();
        for id in 0..OUTCOMES_MAX {
            relay.submit(job(i64::try_from(id).unwrap(), None)).unwrap();
        }
        assert_eq!(relay.submit(job(99, None)).unwrap_err().id, OutboxId(99));
        assert_eq!(relay.poll().unwrap().verdict, RelayVerdict::Deferred);
    }
}
