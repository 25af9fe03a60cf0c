//! The engine: everything that one step of it needs, and the step itself.
//!
//! On an error the engine changes nothing more and must be dropped: what was committed is whole,
//! what was not will be done again.

use std::num::NonZeroUsize;
use std::sync::Arc;

use crate::domain::rules::Rules;
use crate::domain::time::Timestamp;
use crate::engine::budget::Books;
use crate::mail::intake::Source;
use crate::mail::parse::Limits;
use crate::pgp::keyring::Keyring;
use crate::ports::{Disk, DkimCheck, Entropy, ErrorClass, Inbox, PortError, Relay, Site};
use crate::store::{Store, StoreError};

/// How long clocks wait for an inbox that cannot be read.
const CLOCKS_WAIT_MAX: std::time::Duration = crate::domain::time::HOUR;

/// What to do with mail that lay in the INBOX before the first start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Adopt {
    /// Open cases, send no acknowledgements.
    Quiet,
    /// Open cases and acknowledge, as if it had come today.
    Ack,
    /// Store it and put it aside.
    Ignore,
}

/// Which keyed or plain return path our mail carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReturnPath {
    /// A keyed address for each mail (VERP).
    Keyed,
    /// `<>`.
    Null,
    /// The address itself.
    Plain,
}

/// What an engine is set up with.
pub struct Setup {
    /// The rules that decide.
    pub rules: Rules,
    /// Our keys, and those we know.
    pub keyring: Keyring,
    /// Whose Authentication-Results count, in lower case.
    pub authserv_ids: Vec<String>,
    /// Verifies DKIM where nobody has said anything of the sender; `None` asks no DNS.
    pub dkim: Option<Arc<dyn DkimCheck>>,
    /// Sources of reports that stand between the reporter and us.
    pub intake: Vec<Source>,
    /// Limits of parsing.
    pub limits: Limits,
    /// What to do with mail from before the first start; `None` refuses it.
    pub adopt: Option<Adopt>,
    /// Return path of our mail.
    pub return_path: ReturnPath,
    /// Attempts on one mail before it is quarantined.
    pub attempts_max: u32,
    /// No mail is fetched while fewer bytes are free where the database lies.
    pub free_bytes_min: u64,
}

/// The ports of an engine.
pub struct Ports {
    /// Where mail comes from.
    pub inbox: Box<dyn Inbox>,
    /// Ways out; due mails are shared among them.
    pub relays: Vec<Box<dyn Relay>>,
    /// The folder that is served, if there is one.
    pub site: Option<Box<dyn Site>>,
    /// Randomness.
    pub entropy: Box<dyn Entropy>,
    /// Free space.
    pub disk: Box<dyn Disk>,
}

/// The engine.
pub struct Engine {
    pub(super) setup: Setup,
    pub(super) ports: Ports,
    pub(super) store: Store,
    pub(super) adopting: bool,
    pub(super) inbox_state: InboxState,
    pub(super) in_flight: usize,
    pub(super) disk_low: bool,
    pub(super) relays_full: bool,
    pub(super) outgoing_held: bool,
    pub(super) books: Books,
    pub(super) started: Timestamp,
    pub(super) threads: NonZeroUsize,
}

/// What is known of the inbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboxState {
    /// Whether it is open now.
    pub open: bool,
    /// Whether everything that was there has been taken since it was opened.
    pub drained: bool,
    /// Whether it was open at any time since the start.
    pub was_open: bool,
}

/// What a step did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Whether anything was done: if so, step again at once.
    pub worked: bool,
    /// When something is due by the clock.
    pub wake_at: Option<Timestamp>,
    /// Mails handed to a relay whose answer has not come.
    pub in_flight: usize,
}

/// Why the engine stops.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The inbox cannot be used at all: wrong password, certificate or settings at the first connection.
    #[error("failed to open the inbox: {0}")]
    Inbox(PortError),
    /// There is mail from before the first start.
    #[error(
        "the inbox already holds {0} mails; start once with --adopt quiet (open cases, no acknowledgements), --adopt ack \
         (acknowledge them too) or --adopt ignore (store them and put them aside)"
    )]
    Adopt(u32),
}

impl Engine {
    /// An engine on an open store. Mails that were claimed when the last process ended are sent again as they are.
    ///
    /// # Errors
    /// The store.
    pub fn new(setup: Setup, ports: Ports, store: Store, at: Timestamp) -> Result<Self, EngineError> {
        let again = store.session().reclaim_all(at)?;
        if !again.is_empty() {
            tracing::warn!(mails = again.len(), "sending again what was under way when the last process ended");
        }
        let cut_off = store.session().count_interrupted()?;
        if cut_off > 0 {
            tracing::warn!(mails = cut_off, "trying again what was being worked on when the last process ended");
        }
        let adopting = !store.session().adopted()?;
        let threads = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        let inbox_state = InboxState { open: false, drained: false, was_open: false };
        Ok(Self {
            setup,
            ports,
            store,
            adopting,
            inbox_state,
            in_flight: 0,
            disk_low: false,
            relays_full: false,
            outgoing_held: false,
            books: Books::default(),
            started: at,
            threads,
        })
    }

    /// Does a bounded amount of what is due: fetch and store, decide, clocks, seal and send.
    ///
    /// # Errors
    /// The engine must be dropped after one.
    pub fn step(&mut self, now: Timestamp) -> Result<Progress, EngineError> {
        let mut worked = self.accept(now)?;
        if self.disk_low {
            // What is under way is settled; nothing new is begun on a disk that cannot hold it.
            self.settle_only(now)?;
        } else {
            worked |= self.work(now)?;
            if self.knows_the_mail(now) {
                worked |= self.fire_timers(now)?;
            }
            worked |= self.dispatch(now)?;
        }
        let waits = self.disk_low || self.relays_full || !self.knows_the_mail(now);
        let wake_at = if waits { None } else { self.next_wake()? };
        Ok(Progress { worked, wake_at, in_flight: self.in_flight })
    }

    /// After a time of standing still, the answer that stops a clock may lie in the inbox: clocks wait until it has
    /// been read, but not for ever.
    fn knows_the_mail(&self, now: Timestamp) -> bool {
        self.inbox_state.drained || now.since(self.started) > CLOCKS_WAIT_MAX
    }

    /// What is known of the inbox.
    #[must_use]
    pub fn inbox_state(&self) -> &InboxState {
        &self.inbox_state
    }

    /// The store, to read from.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The store, for mail that comes in by another door.
    pub fn store_mut(&mut self) -> &mut Store {
        &mut self.store
    }

    /// Holds outgoing mail: it is decided and sealed as ever, and handed to no relay until it is let go.
    pub fn hold_outgoing(&mut self, held: bool) {
        self.outgoing_held = held;
    }

    /// What the operator's desk works with: the store, the rules, and randomness.
    pub fn at_the_desk(&mut self) -> (&mut Store, &Rules, &mut dyn Entropy) {
        (&mut self.store, &self.setup.rules, self.ports.entropy.as_mut())
    }

    /// Asks the inbox to look now.
    pub fn nudge(&mut self) {
        self.ports.inbox.nudge();
    }
}

/// Whether the first connection failing like this means that the settings must be mended before anything can work.
#[must_use]
pub fn needs_a_person(class: ErrorClass) -> bool {
    match class {
        ErrorClass::Temporary => false,
        ErrorClass::Authentication | ErrorClass::Security | ErrorClass::Configuration => true,
    }
}
