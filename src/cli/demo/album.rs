//! The folder that the demo leaves: mails numbered in the order of the story, keys, texts.
//!
//! Never writes over a file of an earlier run, since the folder was empty. A file that cannot be written ends
//! the demo with its name.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::daemon::exit::{CANNOT_CREATE, Failure};
use crate::mail::parse::{CryptoLayer, Limits, parse};

/// The folder.
pub(super) struct Album {
    dir: PathBuf,
    mails: usize,
}

impl Album {
    /// Makes the folders inside `dir`, which exists.
    pub(super) fn open(dir: &Path) -> Result<Self, Failure> {
        for name in ["mails", "keys"] {
            let path = dir.join(name);
            std::fs::create_dir_all(&path).map_err(|error| failed(&path, &error))?;
        }
        Ok(Self { dir: dir.to_path_buf(), mails: 0 })
    }

    /// Keeps the next mail as it was sent, with what its reader saw beside it where it was encrypted. Gives the name of
    /// its file, as seen from the folder.
    pub(super) fn keep(&mut self, name: &str, raw: &[u8], opened: Option<&str>) -> Result<String, Failure> {
        self.mails += 1;
        let stem = format!("mails/{:02}-{name}", self.mails);
        self.write(&format!("{stem}.eml"), raw)?;
        if let Some(text) = opened {
            self.write(&format!("{stem}.txt"), text.as_bytes())?;
        }
        Ok(format!("{stem}.eml"))
    }

    /// Writes the signed part of a mail and its signature as two files, for programs that cannot take a mail apart.
    /// Gives the names, or nothing where the mail is not signed.
    pub(super) fn take_apart(&self, stem: &str, raw: &[u8]) -> Result<Option<(String, String)>, Failure> {
        let mail = parse(raw, &Limits::default());
        let CryptoLayer::Signed { entity, signature } = &mail.layer else { return Ok(None) };
        let (part, detached) = (format!("{stem}.signed-part"), format!("{stem}.signed-part.asc"));
        self.write(&part, entity)?;
        self.write(&detached, signature)?;
        Ok(Some((part, detached)))
    }

    /// Writes a text or certificate that everybody may read.
    pub(super) fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Failure> {
        let path = self.dir.join(name);
        std::fs::write(&path, bytes).map_err(|error| failed(&path, &error))
    }

    /// Writes a secret key, readable by its owner alone.
    pub(super) fn write_secret(&self, name: &str, bytes: &[u8]) -> Result<(), Failure> {
        let path = self.dir.join(name);
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .map_err(|error| failed(&path, &error))?;
        file.write_all(bytes).map_err(|error| failed(&path, &error))
    }
}

fn failed(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(CANNOT_CREATE, format!("failed to write {}: {error}", path.display()))
}
