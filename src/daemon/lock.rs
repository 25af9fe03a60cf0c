//! One daemon for one database: an exclusive lock on a file in the state folder, freed by the kernel at any end.

use std::fs::{File, OpenOptions};
use std::path::Path;

use rustix::fs::{FlockOperation, flock};

use super::exit::{CANNOT_CREATE, Failure, TEMPORARY};

/// Held as long as the process may write.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of a state folder, or says that somebody else has it.
    ///
    /// # Errors
    /// Another process holds it (temporary), or the file cannot be made.
    pub fn take(state_dir: &Path) -> Result<Self, Failure> {
        let path = state_dir.join("postern.lock");
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(|error| {
            Failure::new(CANNOT_CREATE, format!("failed to make the lock file {}: {error}", path.display()))
        })?;
        flock(&file, FlockOperation::NonBlockingLockExclusive).map_err(|_| {
            Failure::new(TEMPORARY, format!("another postern is running with {}; stop it first", state_dir.display()))
        })?;
        Ok(Self { _file: file })
    }
}
