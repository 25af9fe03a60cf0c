//! One daemon for one database: an exclusive lock on a file in the state folder, freed by the kernel at any end.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::{MetadataExt, fchown};
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
        if let Ok(folder) = std::fs::metadata(state_dir) {
            // A command that root runs must not leave a file that keeps the service's user from starting.
            drop(fchown(&file, Some(folder.uid()), Some(folder.gid())));
        }
        flock(&file, FlockOperation::NonBlockingLockExclusive).map_err(|_| {
            Failure::new(TEMPORARY, format!("another postern is running with {}; stop it first", state_dir.display()))
        })?;
        Ok(Self { _file: file })
    }

    /// Whether another process holds the lock of a state folder now. Makes nothing.
    #[must_use]
    pub fn is_held(state_dir: &Path) -> bool {
        // Freed again when the file is closed at the end of this function.
        let taken = |file: File| flock(&file, FlockOperation::NonBlockingLockShared);
        File::open(state_dir.join("postern.lock")).is_ok_and(|file| taken(file).is_err())
    }
}
