//! `postern run`: the daemon, or one round of it.

use super::arguments::{AdoptChoice, RunOptions};
use crate::daemon::exit::{CONFIG, Failure};
use crate::daemon::log;
use crate::daemon::run::{Until, run as run_daemon};
use crate::engine::step::Adopt;
use crate::settings::Settings;

/// Reads the settings and runs.
pub fn run(options: &RunOptions) -> Result<(), Failure> {
    let settings = settings(&options.config)?;
    log::start(&settings.log);
    let adopt = options.adopt.map(|choice| match choice {
        AdoptChoice::Quiet => Adopt::Quiet,
        AdoptChoice::Ack => Adopt::Ack,
        AdoptChoice::Ignore => Adopt::Ignore,
    });
    let until = if options.once { Until::Done } else { Until::Stopped };
    run_daemon(&settings, adopt, until)
}

/// The checked settings of a file and the environment.
///
/// # Errors
/// Every mistake in them, one a line.
pub fn settings(path: &std::path::Path) -> Result<Settings, Failure> {
    Settings::load(path, environment()).map_err(|mistakes| Failure::new(CONFIG, mistakes.to_string()))
}

/// The variables that may override settings.
pub fn environment() -> impl Iterator<Item = (String, String)> {
    // `vars()` would panic on text that is not UTF-8; such variables are none of ours.
    std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}
