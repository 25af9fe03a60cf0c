//! The folder that a web server serves, written page by page.
//!
//! Never writes outside the folder: a path is relative and of plain names. A page is replaced
//! whole, by a rename, and is readable for everybody whatever the umask, since it is public. A fault
//! leaves the old page in place.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::ports::{ErrorClass, PortError, Site};

/// Longest name of a folder or page, in bytes.
const NAME_MAX_BYTES: usize = 200;
/// Deepest page, in names.
const DEPTH_MAX: usize = 8;
/// Begins the name of a page that is not written yet.
const UNFINISHED: &str = ".unfinished-";

/// A folder of public pages.
#[derive(Debug, Clone)]
pub struct SiteFolder {
    root: PathBuf,
}

impl SiteFolder {
    /// Opens the folder, which must be there: its owner decides where and for whom.
    ///
    /// # Errors
    /// It is not a folder.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, PortError> {
        let root = root.into();
        if root.is_dir() {
            Ok(Self { root })
        } else {
            Err(PortError {
                class: ErrorClass::Configuration,
                message: "the site folder is not there; make it, writable for postern".to_owned(),
            })
        }
    }
}

impl Site for SiteFolder {
    fn write(&mut self, path: &str, bytes: &[u8]) -> Result<(), PortError> {
        let names = plain_names(path).ok_or_else(|| PortError {
            class: ErrorClass::Configuration,
            message: "a page's path is not relative and of plain names; nothing was written".to_owned(),
        })?;
        replace(&self.root, &names, bytes).map_err(|error| PortError {
            class: ErrorClass::Temporary,
            message: format!("the site folder cannot be written ({}); check its rights and space", error.kind()),
        })
    }
}

/// The names of a relative path, or `None` if one of them is not plain.
fn plain_names(path: &str) -> Option<Vec<&str>> {
    let names: Vec<&str> = path.split('/').collect();
    let plain = |name: &&str| {
        let known = |c: char| c.is_ascii_alphanumeric() || "._-+".contains(c);
        !name.is_empty()
            && name.len() <= NAME_MAX_BYTES
            && *name != "."
            && *name != ".."
            && !name.starts_with(UNFINISHED)
            && name.chars().all(known)
    };
    (names.len() <= DEPTH_MAX && names.iter().all(plain)).then_some(names)
}

fn replace(root: &Path, names: &[&str], bytes: &[u8]) -> io::Result<()> {
    let Some((page, folders)) = names.split_last() else { return Err(io::ErrorKind::InvalidInput.into()) };
    let mut folder = root.to_owned();
    for name in folders {
        let inside = folder.join(name);
        make_folder(&inside)?;
        sync(&folder)?;
        folder = inside;
    }
    let unfinished = folder.join(format!("{UNFINISHED}{page}"));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o644).open(&unfinished)?;
    file.set_permissions(Permissions::from_mode(0o644))?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&unfinished, folder.join(page))?;
    sync(&folder)
}

fn make_folder(path: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o755).create(path) {
        Ok(()) => fs::set_permissions(path, Permissions::from_mode(0o755)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_replaced_whole_and_readable_for_everybody() {
        let folder = tempfile::tempdir().unwrap();
        let mut site = SiteFolder::open(folder.path()).unwrap();
        for text in ["old and longer", "new"] {
            site.write(".well-known/csaf/2026/ex-2026-001.json", text.as_bytes()).unwrap();
        }
        site.write("index.html", b"index").unwrap();
        let page = folder.path().join(".well-known/csaf/2026/ex-2026-001.json");
        assert_eq!(fs::read_to_string(&page).unwrap(), "new");
        assert_eq!(fs::metadata(&page).unwrap().permissions().mode() & 0o777, 0o644);
        assert_eq!(fs::metadata(page.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o755);
        assert_eq!(fs::read_dir(page.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn nothing_is_written_outside_or_under_odd_names() {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("site");
        fs::create_dir(&inside).unwrap();
        let mut site = SiteFolder::open(&inside).unwrap();
        let long = "a".repeat(NAME_MAX_BYTES + 1);
        let deep = ["a"; DEPTH_MAX + 1].join("/");
        let odd = ["", "/etc/x", "../x", "a/../../x", "a//b", "a/", ".", "a/./b", "a b", "a\0b", "a\\b", "\u{e9}"];
        for path in odd.into_iter().chain([long.as_str(), deep.as_str(), ".unfinished-a"]) {
            assert_eq!(site.write(path, b"x").unwrap_err().class, ErrorClass::Configuration, "{path:?}");
        }
        assert_eq!(fs::read_dir(&inside).unwrap().count(), 0);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_page_that_cannot_be_written_leaves_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let mut site = SiteFolder::open(folder.path()).unwrap();
        site.write("a", b"old").unwrap();
        fs::create_dir(folder.path().join(".unfinished-a")).unwrap();
        assert_eq!(site.write("a", b"new").unwrap_err().class, ErrorClass::Temporary);
        assert_eq!(site.write("a/b", b"new").unwrap_err().class, ErrorClass::Temporary);
        assert_eq!(fs::read(folder.path().join("a")).unwrap(), b"old");
        assert!(SiteFolder::open(folder.path().join("missing")).is_err());
    }
}
