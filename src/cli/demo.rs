//! `postern demo`: a whole case played without any server or set-up, shown as a timeline and left in a folder.
//!
//! The mails go through the same engine as those of the daemon, with a clock set by hand and keys made for
//! the occasion. Never decides anything itself: it writes for the people of the story and shows what comes of
//! it. A folder that holds anything is refused before anything is made.

mod album;
mod captions;
mod cast;
mod guide;
mod screen;
mod stage;
mod story;

use std::path::Path;

use super::arguments::DemoOptions;
use crate::daemon::exit::{CANNOT_CREATE, Failure};
use stage::Stage;

/// Plays the story into the folder.
///
/// # Errors
/// The folder cannot be made, holds anything, or cannot be written.
pub fn demo(options: &DemoOptions) -> Result<(), Failure> {
    let dir = options.dir.as_path();
    prepare(dir)?;
    let mut stage = Stage::set_up(dir)?;
    story::play(&mut stage)?;
    stage.close()
}

/// Makes the folder, or sees that it is empty.
fn prepare(dir: &Path) -> Result<(), Failure> {
    let failed = |error| Failure::new(CANNOT_CREATE, format!("failed to make {}: {error}", dir.display()));
    std::fs::create_dir_all(dir).map_err(failed)?;
    match std::fs::read_dir(dir).map_err(failed)?.next() {
        None => Ok(()),
        Some(_) => {
            let why = format!("{} is not empty; name another folder with --dir, or remove it first", dir.display());
            Err(Failure::new(CANNOT_CREATE, why))
        }
    }
}
