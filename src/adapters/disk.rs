//! Free space of the file system on which the database lies. Never writes; what cannot be told is `None`.

use std::path::PathBuf;

use crate::ports::Disk;

/// The file system of one folder.
#[derive(Debug)]
pub struct FreeSpace {
    folder: PathBuf,
}

impl FreeSpace {
    /// The file system that this folder lies on.
    #[must_use]
    pub fn of(folder: PathBuf) -> Self {
        Self { folder }
    }
}

impl Disk for FreeSpace {
    fn free_bytes(&self) -> Option<u64> {
        let stat = rustix::fs::statvfs(&self.folder).ok()?;
        Some(stat.f_bavail.saturating_mul(stat.f_frsize))
    }
}
