//! The thread behind the inbox: connect, settle, fetch, wait for news, and again.
//!
//! Never holds more than two batches, and never changes a mail that was not reported as stored. Every
//! failure ends in [`InboxEvent::Lost`] and another try; even a panic inside the IMAP library does.

mod fetch;
mod settle;

use std::hash::{BuildHasher, RandomState};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use rustls::ClientConfig;

use super::ledger::Ledger;
use super::session::{self, Fault, Leave, Listed, News, Places, Server};
use super::stream::{Signals, now};
use super::{ImapConfig, Settle};
use crate::adapters::command::SecretHolder;
use crate::ports::{ErrorClass, Folder, InboxEvent, PortError, RemoteUid, Wake};

/// Batches sent and not yet polled.
const BATCHES_MAX: usize = 2;
/// First wait after a loss; doubles.
const RETRY_FIRST: Duration = Duration::from_secs(1);
/// Longest wait after a loss.
const RETRY_MAX: Duration = Duration::from_secs(300);
/// Waits after a server that asked us to come back later, each up to a quarter longer, so that several programs of
/// one account do not come back together. Large hosts lock an account out for longer when it goes on knocking.
const BUSY_WAITS: [Duration; 7] = [
    Duration::from_secs(15),
    Duration::from_secs(60),
    Duration::from_secs(120),
    Duration::from_secs(300),
    Duration::from_secs(600),
    Duration::from_secs(900),
    Duration::from_secs(1800),
];
/// A session that lived this long was a good one: the next loss waits the first wait again.
const GOOD_SESSION: Duration = Duration::from_secs(60);
/// IDLE is renewed after this; servers and routers forget a silent connection after 29 minutes and less (RFC 2177).
const IDLE_MAX: Duration = Duration::from_secs(9 * 60);
/// After a server was too slow to agree to IDLE it is polled for this long.
const IDLE_PAUSE: Duration = Duration::from_secs(30 * 60);
/// A connection that waits for the engine says NOOP this often.
const KEEPALIVE: Duration = Duration::from_secs(30);
/// How often a full queue of batches is looked at.
const FULL_WAIT: Duration = Duration::from_millis(200);
/// Marks stored mail that stays in the inbox.
const KEYWORD_STORED: &str = "$PosternStored";
/// Marks stored junk; another word, so that a mail dragged from junk to the inbox counts as new there.
const KEYWORD_JUNK: &str = "$PosternJunkStored";
/// Marks stored mail of the Sent folder.
const KEYWORD_SENT: &str = "$PosternSentStored";

/// What the owner of the inbox asks for.
#[derive(Debug)]
pub(super) enum Command {
    /// These are stored.
    Settle(Vec<RemoteUid>),
    /// Look now.
    Nudge,
    /// End.
    Stop,
}

/// What one step found to do.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    Worked,
    Full,
    Nothing,
}

/// Which of the mailboxes.
type Which = Folder;

/// The thread's state.
pub(super) struct Worker {
    config: ImapConfig,
    secret: SecretHolder,
    tls: Option<Arc<ClientConfig>>,
    signals: Arc<Signals>,
    commands: Receiver<Command>,
    events: Sender<InboxEvent>,
    unpolled: Arc<AtomicUsize>,
    wake: Wake,
    inbox: Ledger,
    junk: Ledger,
    sent: Ledger,
    /// The folders under the names that the server gave them last.
    places: Places,
    /// Times in a row that the server asked us to come back later.
    busy: usize,
    /// Fetching was under way for these when the connection broke.
    fetching: Option<(Which, Vec<Listed>)>,
    /// IDLE is under way, so that a panic now is its fault.
    idling: bool,
    no_idle: bool,
    /// IDLE is not tried before this.
    idle_from: Instant,
    drained: bool,
    round_ends: Instant,
    opened_at: Option<Instant>,
}

impl Worker {
    pub(super) fn new(
        config: ImapConfig,
        tls: Option<Arc<ClientConfig>>,
        signals: Arc<Signals>,
        commands: Receiver<Command>,
        events: Sender<InboxEvent>,
        unpolled: Arc<AtomicUsize>,
        wake: Wake,
    ) -> Self {
        let secret = SecretHolder::new(config.secret.clone());
        Self {
            config,
            secret,
            tls,
            signals,
            commands,
            events,
            unpolled,
            wake,
            inbox: Ledger::default(),
            junk: Ledger::default(),
            sent: Ledger::default(),
            places: Places::default(),
            busy: 0,
            fetching: None,
            idling: false,
            no_idle: false,
            idle_from: now(),
            drained: false,
            round_ends: now(),
            opened_at: None,
        }
    }

    /// Runs until the inbox is dropped.
    pub(super) fn run(mut self) {
        let mut retry = RETRY_FIRST;
        while !self.stopped() {
            self.opened_at = None;
            // The library asserts some of what a server says. A panic there must not end the daemon's only ear.
            let outcome = catch_unwind(AssertUnwindSafe(|| self.session()));
            let fault = match outcome {
                Ok(Ok(())) => return,
                Ok(Err(fault)) => fault,
                Err(_) if self.idling => Fault::NoIdle,
                Err(_) => Fault::Lost(PortError {
                    class: ErrorClass::Temporary,
                    message: "the IMAP library could not cope with the server's answer; trying again".to_owned(),
                }),
            };
            self.idling = false;
            self.no_idle |= matches!(fault, Fault::NoIdle);
            if matches!(fault, Fault::IdleStalled) {
                self.idle_from = now() + IDLE_PAUSE;
            }
            if self.stopped() {
                return;
            }
            self.note_failed_fetch(&fault);
            if self.opened_at.is_some_and(|at| now().duration_since(at) >= GOOD_SESSION) {
                retry = RETRY_FIRST;
                self.busy = 0;
            }
            let asked = match &fault {
                Fault::Busy(named) => Some(self.busy_wait(*named)),
                Fault::Refused | Fault::OverLimit | Fault::NoIdle | Fault::IdleStalled | Fault::Lost(_) => None,
            };
            let error = fault.into_error();
            // Trying again before could lock the account, or make the host's patience shorter.
            let patient = asked.is_some() || error.class != ErrorClass::Temporary;
            let wait = asked.unwrap_or(retry);
            self.emit(InboxEvent::Lost { error, retry_in_seconds: wait.as_secs() });
            self.back_off(wait, patient);
            if asked.is_none() {
                retry = (retry * 2).min(RETRY_MAX);
            }
        }
    }

    /// One connection, from dialling to its end; `Ok` only when the inbox was dropped.
    fn session(&mut self) -> Result<(), Fault> {
        let mut server = session::connect(&self.config, &mut self.secret, self.tls.as_ref(), &self.signals)?;
        let places = server.find_places(&self.config)?;
        self.arrive(places);
        self.drained = false;
        self.round_ends = now() + self.config.poll_every;
        let waiting = match self.open(&mut server, Folder::Inbox, true) {
            Err(Fault::Refused) => return Err(Fault::Lost(no_mailbox())),
            outcome => outcome?.0,
        };
        self.opened_at = Some(now());
        // That it is open, or lost, the engine says, of any inbox.
        tracing::debug!(leave = ?server.leave, idle = server.can_idle, "logged in");
        self.emit(InboxEvent::Opened { waiting });
        loop {
            self.take_commands();
            if self.stopped() {
                return Ok(());
            }
            self.settle(&mut server, Folder::Inbox)?;
            self.settle(&mut server, Folder::Junk)?;
            self.settle(&mut server, Folder::Sent)?;
            match self.work(&mut server)? {
                Step::Worked => {}
                Step::Full if self.unpolled.load(Ordering::SeqCst) >= BATCHES_MAX => self.wait_for_command(FULL_WAIT),
                Step::Full => self.wait_for_engine(&mut server)?,
                Step::Nothing => self.rest(&mut server)?,
            }
        }
    }

    fn work(&mut self, server: &mut Server) -> Result<Step, Fault> {
        for which in [Folder::Inbox, Folder::Junk, Folder::Sent] {
            if self.mailbox(which).is_empty() {
                continue;
            }
            let step = self.fetch(server, which)?;
            if step != Step::Nothing {
                return Ok(step);
            }
        }
        Ok(Step::Nothing)
    }

    /// A new connection, on which the folders have these names.
    fn arrive(&mut self, places: Places) {
        if self.opened_before().is_none() {
            tracing::info!(junk = places.junk.is_some(), sent = places.sent.is_some(), "folders found");
        }
        self.places = places;
        for which in [Folder::Inbox, Folder::Junk, Folder::Sent] {
            self.ledger(which).reconnected();
        }
    }

    /// The UIDVALIDITY of the inbox, when it was open before.
    fn opened_before(&self) -> Option<u32> {
        (self.inbox.validity() != 0).then(|| self.inbox.validity())
    }

    /// Mails that were handed out and are not known to be stored yet.
    pub(super) fn awaiting(&self) -> usize {
        self.inbox.awaiting() + self.junk.awaiting() + self.sent.awaiting()
    }

    fn busy_wait(&mut self, named: Option<Duration>) -> Duration {
        let step = BUSY_WAITS.get(self.busy).or(BUSY_WAITS.last()).copied().unwrap_or(RETRY_MAX);
        self.busy = self.busy.saturating_add(1);
        let wait = named.map_or(step, |named| named.max(step));
        wait + wait.mul_f64(0.25 * spread())
    }

    /// Nothing to fetch: wait for the engine, or say that all is done and wait for news.
    fn rest(&mut self, server: &mut Server) -> Result<(), Fault> {
        if self.awaiting() > 0 {
            return self.wait_for_engine(server);
        }
        if self.open(server, Folder::Inbox, false)?.1 {
            // Another folder was open meanwhile: mail that came in since was not announced.
            self.inbox.look = true;
            return Ok(());
        }
        if !self.drained {
            self.drained = true;
            self.emit(InboxEvent::Drained);
        }
        let wait = self.round_ends.saturating_duration_since(now());
        if wait.is_zero() {
            self.begin_round();
            return Ok(());
        }
        let news = if server.can_idle && !self.no_idle && now() >= self.idle_from {
            self.idling = true;
            let news = server.idle(wait.min(IDLE_MAX))?;
            self.idling = false;
            news
        } else {
            self.wait_for_command(wait.min(IDLE_MAX));
            server.noop()?
        };
        self.inbox.look |= news == News::Mail;
        Ok(())
    }

    fn begin_round(&mut self) {
        self.round_ends = now() + self.config.poll_every;
        for which in [Folder::Inbox, Folder::Junk, Folder::Sent] {
            self.ledger(which).begin_round();
        }
    }

    /// Opens a folder unless it is open, `again` in any case; returns the number of mails in it and whether it was opened now.
    fn open(&mut self, server: &mut Server, which: Which, again: bool) -> Result<(u32, bool), Fault> {
        let mailbox = self.mailbox(which);
        let Some(opened) = server.select(&mailbox, again)? else { return Ok((0, false)) };
        let validity = opened.uid_validity.unwrap_or(0);
        if self.ledger(which).opened(validity) {
            tracing::warn!(folder = ?which, "UIDVALIDITY changed; everything there is fetched once more");
        }
        self.ledger(which).keeps_keyword = session::keeps(&opened, self.keyword(which));
        Ok((opened.exists, true))
    }

    fn stays(&self, server: &Server, which: Which) -> bool {
        which != Folder::Inbox || self.config.settle == Settle::Keep || server.leave == Leave::Keyword
    }

    fn keyword(&self, which: Which) -> &'static str {
        match which {
            Folder::Inbox => KEYWORD_STORED,
            Folder::Junk => KEYWORD_JUNK,
            Folder::Sent => KEYWORD_SENT,
        }
    }

    fn mailbox(&self, which: Which) -> String {
        match which {
            Folder::Inbox => self.config.mailbox.clone(),
            Folder::Junk => self.places.junk.clone().unwrap_or_default(),
            Folder::Sent => self.places.sent.clone().unwrap_or_default(),
        }
    }

    fn ledger(&mut self, which: Which) -> &mut Ledger {
        match which {
            Folder::Inbox => &mut self.inbox,
            Folder::Junk => &mut self.junk,
            Folder::Sent => &mut self.sent,
        }
    }

    fn note_failed_fetch(&mut self, fault: &Fault) {
        let Some((which, mails)) = self.fetching.take() else { return };
        match fault {
            Fault::OverLimit => self.ledger(which).fetch_over_limit(&mails),
            // It is not the mails' fault.
            Fault::Busy(_) => {}
            Fault::Refused | Fault::NoIdle | Fault::IdleStalled | Fault::Lost(_) => {
                self.ledger(which).fetch_failed(&mails);
            }
        }
    }

    fn wait_for_engine(&mut self, server: &mut Server) -> Result<(), Fault> {
        match self.commands.recv_timeout(KEEPALIVE) {
            Ok(command) => self.obey(command),
            Err(RecvTimeoutError::Disconnected) => self.signals.stop.store(true, Ordering::SeqCst),
            Err(RecvTimeoutError::Timeout) => {
                if server.noop()? == News::Mail {
                    self.inbox.look = true;
                }
                if now() >= self.round_ends {
                    self.begin_round();
                }
            }
        }
        Ok(())
    }

    fn wait_for_command(&mut self, at_most: Duration) {
        match self.commands.recv_timeout(at_most) {
            Ok(command) => self.obey(command),
            Err(RecvTimeoutError::Disconnected) => self.signals.stop.store(true, Ordering::SeqCst),
            Err(RecvTimeoutError::Timeout) => {}
        }
    }

    /// Waits after a loss. A nudge ends the waiting, unless it must be waited out.
    fn back_off(&mut self, retry: Duration, patient: bool) {
        let until = now() + retry;
        while !self.stopped() {
            let wait = until.saturating_duration_since(now());
            if wait.is_zero() {
                return;
            }
            match self.commands.recv_timeout(wait) {
                Ok(Command::Nudge) if !patient => return,
                Ok(command) => self.obey(command),
                Err(RecvTimeoutError::Disconnected) => self.signals.stop.store(true, Ordering::SeqCst),
                Err(RecvTimeoutError::Timeout) => return,
            }
        }
    }

    fn take_commands(&mut self) {
        // The flag first: a command that comes in between sets it again.
        self.signals.wake.store(false, Ordering::SeqCst);
        while let Ok(command) = self.commands.try_recv() {
            self.obey(command);
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Settle(stored) => {
                for remote in stored {
                    let which = if remote.mailbox == self.config.mailbox {
                        Folder::Inbox
                    } else if let Some(which) = self.places.which(&remote.mailbox) {
                        which
                    } else {
                        continue;
                    };
                    if !self.ledger(which).stored(remote.uid_validity, remote.uid) {
                        tracing::debug!(folder = ?which, "a stored mail is of an older UIDVALIDITY");
                    }
                }
            }
            Command::Nudge => self.begin_round(),
            Command::Stop => self.signals.stop.store(true, Ordering::SeqCst),
        }
    }

    fn stopped(&self) -> bool {
        self.signals.stop.load(Ordering::SeqCst)
    }

    fn emit(&self, event: InboxEvent) {
        // The owner is gone only when it is being dropped, and then nobody listens.
        if self.events.send(event).is_ok() {
            (self.wake)();
        }
    }
}

/// Between 0 and 1, another at each call.
fn spread() -> f64 {
    // The hasher's own random key is enough to keep programs apart; nothing secret hangs on it.
    let number = RandomState::new().hash_one(0);
    f64::from(u32::try_from(number >> 32).unwrap_or(0)) / f64::from(u32::MAX)
}

fn no_mailbox() -> PortError {
    PortError {
        class: ErrorClass::Configuration,
        message: "the server refuses to open the inbox; correct `mailbox` or the account's rights".to_owned(),
    }
}
