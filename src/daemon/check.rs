//! Trying the real thing: settings, keys, store, servers, policy, words. One finding a line, with what to do.
//!
//! Never stops at the first finding, and changes nothing but what a first start would make anyway (the archive folder).
//! With the round trip it sends mails to itself, and takes them away again. A fault of the check itself is a finding.

mod house;
mod letters;
mod place;
mod roundtrip;
mod servers;

use std::path::Path;

use super::exit::{Failure, OS_FILE};
use crate::adapters::clock::SystemClock;
use crate::ports::Clock;
use crate::settings::Settings;

/// How a thing stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// As it should be.
    Well,
    /// It works, and something should be known or done before long.
    Warning,
    /// It does not work before something is done.
    ToDo,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it is about: `settings`, `keys`, `store`, `inbox`, `relay` and so on.
    pub area: &'static str,
    /// How it stands.
    pub level: Level,
    /// What was found and what to do, in one line, without any text of a mail.
    pub text: String,
}

/// What is said while the check runs.
#[derive(Debug)]
pub enum News {
    /// This is tried now, and may take a while.
    Trying(String),
    /// This was found.
    Found(Finding),
}

/// What was tried, for the exit code.
pub(super) struct Report<'a> {
    say: &'a mut dyn FnMut(News),
    area: &'static str,
    first: Option<u8>,
    to_do: usize,
}

impl Report<'_> {
    /// From here on it is about this.
    fn about(&mut self, area: &'static str) {
        self.area = area;
    }

    fn trying(&mut self, what: impl Into<String>) {
        (self.say)(News::Trying(what.into()));
    }

    fn well(&mut self, text: impl Into<String>) {
        self.found(Level::Well, text.into());
    }

    fn warning(&mut self, text: impl Into<String>) {
        self.found(Level::Warning, text.into());
    }

    /// Something that must be done; `code` is of sysexits.h.
    fn needs(&mut self, code: u8, text: impl Into<String>) {
        self.first = self.first.or(Some(code));
        self.to_do += 1;
        self.found(Level::ToDo, text.into());
    }

    /// Every line of a failure.
    fn failed(&mut self, failure: impl Into<Failure>) {
        let failure = failure.into();
        for line in failure.message.lines() {
            self.needs(failure.code, line);
        }
    }

    fn found(&mut self, level: Level, text: String) {
        (self.say)(News::Found(Finding { area: self.area, level, text }));
    }
}

/// Checks everything that the settings name; with `roundtrip` also what the mail host does to mail.
///
/// # Errors
/// Something is to be done: how much, with the exit code of the first.
pub fn check(
    config: &Path,
    environment: impl IntoIterator<Item = (String, String)>,
    roundtrip: bool,
    say: &mut dyn FnMut(News),
) -> Result<(), Failure> {
    let mut report = Report { say, area: "settings", first: None, to_do: 0 };
    let now = SystemClock.now();
    if let Some(settings) = house::settings(config, environment, &mut report) {
        house::files(config, &settings, now, &mut report);
        house::keys(&settings, now, &mut report);
        let adopted = house::store(&settings, &mut report);
        house::words(&settings, &mut report);
        house::site(&settings, &mut report);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        match runtime {
            Ok(runtime) => {
                servers::inbox(&settings, adopted, &mut report);
                servers::relays(&settings, &runtime, &mut report);
                if roundtrip {
                    roundtrip::roundtrip(&settings, &runtime, now, &mut report);
                }
            }
            Err(error) => report.needs(OS_FILE, format!("failed to start the runtime: {error}")),
        }
    }
    match report.first {
        None => Ok(()),
        Some(code) => Err(Failure::new(code, format!("{} to do, see above", count(report.to_do, "thing")))),
    }
}

/// `1 mail`, `2 mails`.
fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// Whether this is the daemon that holds the lock now.
fn daemon_runs(settings: &Settings) -> bool {
    super::lock::Lock::is_held(&settings.instance.state_dir)
}
