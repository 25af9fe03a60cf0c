//! Files and folders that are made together or not at all.
//!
//! Never writes over a file and never takes away one that it did not make. When a file cannot be made, or the value is
//! dropped before [`Standing::keep`], everything made so far is taken away again.

use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::in_the_way;
use crate::daemon::exit::{CANNOT_CREATE, Failure};

/// What is to be made.
#[derive(Default)]
pub(super) struct Ground {
    folders: Vec<(PathBuf, u32)>,
    files: Vec<(PathBuf, u32, Zeroizing<Vec<u8>>)>,
    later: Vec<PathBuf>,
}

/// What was made, and goes again unless it is kept.
pub(super) struct Standing {
    made: Vec<PathBuf>,
    later: Vec<PathBuf>,
    kept: bool,
}

impl Ground {
    /// A folder, which may be there.
    pub(super) fn folder(&mut self, path: PathBuf, mode: u32) {
        self.folders.push((path, mode));
    }

    /// A file for its owner alone.
    pub(super) fn secret(&mut self, path: PathBuf, bytes: &[u8]) {
        self.files.push((path, 0o600, Zeroizing::new(bytes.to_vec())));
    }

    /// A file that everybody may read.
    pub(super) fn public(&mut self, path: PathBuf, bytes: &[u8]) {
        self.files.push((path, 0o644, Zeroizing::new(bytes.to_vec())));
    }

    /// A file that somebody else makes afterwards.
    pub(super) fn later(&mut self, path: PathBuf) {
        self.later.push(path);
    }

    /// Makes all of it.
    ///
    /// # Errors
    /// Something is in the way, all of it named; or the first thing that cannot be made.
    pub(super) fn make(self) -> Result<Standing, Failure> {
        let all = self.files.iter().map(|(path, _, _)| path).chain(&self.later);
        let there: Vec<&Path> = all.map(PathBuf::as_path).filter(|path| path.symlink_metadata().is_ok()).collect();
        if !there.is_empty() {
            return Err(in_the_way(&there));
        }
        let mut standing = Standing { made: Vec::new(), later: self.later, kept: false };
        let failed = |path: &Path, error: &io::Error| {
            Failure::new(CANNOT_CREATE, format!("nothing was made: failed to make {}: {error}", path.display()))
        };
        for (path, mode) in &self.folders {
            standing.folder(path, *mode).map_err(|error| failed(path, &error))?;
        }
        for (path, mode, bytes) in &self.files {
            standing.file(path, *mode, bytes).map_err(|error| failed(path, &error))?;
        }
        Ok(standing)
    }
}

impl Standing {
    /// Everything went well.
    pub(super) fn keep(mut self) {
        self.kept = true;
    }

    fn folder(&mut self, path: &Path, mode: u32) -> io::Result<()> {
        let missing: Vec<&Path> =
            path.ancestors().take_while(|path| !path.as_os_str().is_empty() && !path.exists()).collect();
        for folder in missing.into_iter().rev() {
            DirBuilder::new().mode(mode).create(folder)?;
            self.made.push(folder.to_path_buf());
            fs::set_permissions(folder, Permissions::from_mode(mode))?;
        }
        if path.is_dir() { Ok(()) } else { Err(io::ErrorKind::NotADirectory.into()) }
    }

    fn file(&mut self, path: &Path, mode: u32, bytes: &[u8]) -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        self.made.push(path.to_path_buf());
        file.write_all(bytes)?;
        file.set_permissions(Permissions::from_mode(mode))?;
        // A key that is lost with the power would take the database with it.
        file.sync_all()
    }
}

impl Drop for Standing {
    fn drop(&mut self) {
        if self.kept {
            return;
        }
        for path in &self.later {
            for suffix in ["", "-wal", "-shm"] {
                let mut name = path.clone().into_os_string();
                name.push(suffix);
                drop(fs::remove_file(name));
            }
        }
        for path in self.made.iter().rev() {
            // A folder in which somebody else has put something stays.
            drop(if path.is_dir() { fs::remove_dir(path) } else { fs::remove_file(path) });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> usize {
        fs::read_dir(folder).unwrap().count()
    }

    #[test]
    fn what_is_not_kept_goes_again_and_nothing_else() {
        let place = tempfile::tempdir().unwrap();
        let of = |name: &str| place.path().join(name);
        fs::write(of("mine"), "x").unwrap();
        let plan = || {
            let mut ground = Ground::default();
            ground.folder(of("a/b"), 0o700);
            ground.secret(of("a/b/key"), b"secret");
            ground.public(of("page"), b"all");
            ground.later(of("database"));
            ground
        };
        let standing = plan().make().unwrap();
        assert_eq!(fs::metadata(of("a/b/key")).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(of("page")).unwrap().permissions().mode() & 0o777, 0o644);
        fs::write(of("database"), "x").unwrap();
        drop(standing);
        assert_eq!(names(place.path()), 1, "only the file that was there");
        plan().make().unwrap().keep();
        let refused = plan().make().err().expect("refused").message;
        for name in ["a/b/key", "page"] {
            assert!(refused.contains(&of(name).display().to_string()), "{refused}");
        }
        assert_eq!(fs::read(of("page")).unwrap(), b"all");
    }

    #[test]
    fn a_file_that_cannot_be_made_takes_the_others_with_it() {
        let place = tempfile::tempdir().unwrap();
        let mut ground = Ground::default();
        ground.folder(place.path().join("a"), 0o700);
        ground.secret(place.path().join("a/key"), b"secret");
        ground.secret(place.path().join("nowhere/key"), b"secret");
        assert!(ground.make().is_err());
        assert_eq!(names(place.path()), 0);
    }
}
