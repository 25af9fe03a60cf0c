//! The way to the database for other commands than `run`: the running daemon's socket, or the database itself.
//!
//! Never both: whoever holds the lock is the one writer. Where somebody else holds it and listens to nobody, the command
//! fails with a code that says to try again.

use std::path::{Path, PathBuf};

use super::run::settings;
use crate::adapters::clock::SystemClock;
use crate::adapters::entropy::SystemEntropy;
use crate::daemon::desk::{self, Answer, CHANGES_MAX, Office, Question, rows::Change};
use crate::daemon::exit::{DATA, Failure, NO_INPUT, SOFTWARE, TEMPORARY};
use crate::daemon::lock::Lock;
use crate::daemon::{assemble, control};
use crate::domain::rules::Rules;
use crate::mail::parse::Limits;
use crate::ports::Clock;
use crate::settings::Settings;
use crate::store::Store;

/// Where the database is reached.
pub enum Door {
    /// Behind the running daemon.
    Socket(PathBuf),
    /// Here: nobody else has it open.
    Store {
        /// The database.
        store: Box<Store>,
        /// Randomness.
        entropy: SystemEntropy,
        /// How much of a mail is read, as the settings say.
        limits: Limits,
        /// Held as long as it is open.
        _lock: Lock,
    },
}

/// The operator's desk, wherever it stands.
pub struct Desk {
    door: Door,
    rules: Rules,
}

impl Door {
    /// The daemon's socket where a daemon runs, else the database, made if it is not there.
    ///
    /// # Errors
    /// The lock or the database.
    pub fn open(settings: &Settings) -> Result<Self, Failure> {
        match Lock::take(&settings.instance.state_dir) {
            Ok(lock) => {
                let store = Store::open(&settings.store.path, settings.store.key.bytes(), &settings.instance.name)?;
                let raw_bytes = usize::try_from(settings.limits.message_bytes).unwrap_or(usize::MAX);
                let limits = Limits { raw_bytes, ..Limits::default() };
                Ok(Self::Store { store: Box::new(store), entropy: SystemEntropy::open()?, limits, _lock: lock })
            }
            Err(failure) if failure.code == TEMPORARY => Ok(Self::Socket(settings.daemon.socket.clone())),
            Err(failure) => Err(failure),
        }
    }
}

impl Desk {
    /// Reads the settings and goes to the desk.
    ///
    /// # Errors
    /// The settings; the lock or the database, which must exist.
    pub fn open(config: &Path) -> Result<Self, Failure> {
        let settings = settings(config)?;
        let rules = assemble::desk_rules(&settings)?;
        if !settings.store.path.exists() {
            let path = settings.store.path.display();
            return Err(Failure::new(
                NO_INPUT,
                format!("there is no database at {path}; the daemon's first start makes it"),
            ));
        }
        Ok(Self { door: Door::open(&settings)?, rules })
    }

    /// The rules, for zone and names.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Whether a daemon is at work.
    pub fn is_running(&self) -> bool {
        matches!(self.door, Door::Socket(_))
    }

    /// Asks, and takes a refusal for the end of the command.
    ///
    /// # Errors
    /// The refusal; the socket or the database.
    pub fn ask(&mut self, question: &Question) -> Result<Answer, Failure> {
        let answer = match &mut self.door {
            Door::Socket(socket) => control::ask(socket, question)?,
            Door::Store { store, entropy, .. } => {
                let mut office = Office { store: store.as_mut(), rules: &self.rules, entropy };
                desk::answer(&mut office, question, SystemClock.now())?
            }
        };
        match answer {
            Answer::Refused { code, reason } => Err(Failure::new(code, reason)),
            Answer::Cases(..)
            | Answer::Case(_)
            | Answer::Text(_)
            | Answer::Log(..)
            | Answer::Chain { .. }
            | Answer::Found(_)
            | Answer::Waiting(..)
            | Answer::Waits(..)
            | Answer::Outbox(..)
            | Answer::Changed(_) => Ok(answer),
        }
    }

    /// Asks for changes, as many at once as one question may hold, and shows what became of each.
    ///
    /// # Errors
    /// As [`Desk::ask`]; or some were not changed, after all were tried and shown.
    pub fn change(
        &mut self,
        ids: &[i64],
        question: impl Fn(Vec<i64>) -> Question,
        mut show: impl FnMut(&Change) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut refused = 0;
        for part in ids.chunks(CHANGES_MAX) {
            let Answer::Changed(changes) = self.ask(&question(part.to_vec()))? else { return Err(other_answer()) };
            for change in &changes {
                refused += usize::from(!change.done);
                show(change)?;
            }
        }
        if refused > 0 {
            return Err(Failure::new(DATA, format!("{refused} of {} were left as they are", ids.len())));
        }
        Ok(())
    }
}

/// The desk answered another question than was asked.
pub fn other_answer() -> Failure {
    Failure::new(SOFTWARE, "the daemon answered another question; is it of the same version as this program?")
}
