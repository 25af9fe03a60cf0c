//! The loop: the engine steps on a thread of its own, woken by adapters, clock, socket and signals.
//!
//! tokio carries signals, watchdog, socket and the SMTP connections. A stop ends the step that is
//! under way, gives mail that is being sent a moment to be answered, and closes the database.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::Instant;

use super::control::{Answer, Errand, Task, listen, serve};
use super::desk::{self, Office};
use super::exit::{Failure, IO, OS_FILE, SOFTWARE, UNAVAILABLE};
use super::{assemble, lock::Lock};
use crate::adapters::clock::SystemClock;
use crate::domain::event::Answerable;
use crate::domain::time::Timestamp;
use crate::engine::step::{Adopt, Engine};
use crate::ports::{Clock, Wake};
use crate::settings::Settings;
use crate::store::StoreErrorClass;

/// After a client could not be taken, none is for this time.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);
/// Longest sleep of the loop: clocks are looked at this often even if nothing wakes it.
const SLEEP_MAX: Duration = Duration::from_secs(5);
/// How long a stop waits for answers of relays. A stop takes less than 5 seconds in all.
const STOP_PATIENCE: Duration = Duration::from_secs(3);
/// How long `run --once` waits for an inbox that cannot be reached.
const ONCE_PATIENCE: i64 = 60;

/// Where systemd sets no watchdog the pulse is felt this often, for nobody.
const PULSE_EVERY: Duration = Duration::from_secs(20);

/// The pulse of the engine's thread: beats at each turn. Measured by the monotonic clock, which nobody sets.
struct Pulse {
    last: Mutex<Instant>,
    /// A third of the watchdog's period.
    every: Duration,
}

impl Pulse {
    fn start() -> Self {
        let every = sd_notify::watchdog_enabled().map_or(PULSE_EVERY, |period| period / 3);
        Self { last: Mutex::new(Instant::now()), every }
    }

    fn beat(&self) {
        if let Ok(mut last) = self.last.lock() {
            *last = Instant::now();
        }
    }

    /// The engine's thread beats at each turn; one that hangs lets the watchdog run out.
    fn is_felt(&self) -> bool {
        self.last.lock().is_ok_and(|last| last.elapsed() < self.every.saturating_mul(3))
    }
}

/// What wakes the engine's thread.
enum Nudge {
    /// A port has something, or time has passed.
    Look,
    /// Another command asks something.
    Errand(Box<Errand>),
    /// Finish and end.
    Stop,
}

/// How long to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// A signal comes.
    Stopped,
    /// Everything due is done.
    Done,
}

/// Runs the daemon.
///
/// # Errors
/// Anything that keeps it from starting, or that it must not go on after.
pub fn run(settings: &Settings, adopt: Option<Adopt>, until: Until) -> Result<(), Failure> {
    let _lock = Lock::take(&settings.instance.state_dir)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Failure::new(OS_FILE, format!("failed to start the runtime: {error}")))?;
    let (nudges, nudged) = channel();
    let pending = Arc::new(AtomicBool::new(false));
    let wake = waker(nudges.clone(), Arc::clone(&pending));
    let engine = assemble::engine(settings, adopt, runtime.handle(), &wake)?;
    let pulse = Arc::new(Pulse::start());
    let thread_pulse = Arc::clone(&pulse);
    let stop = nudges.clone();
    let (ended, end) = tokio::sync::oneshot::channel();
    let thread = std::thread::Builder::new().name("engine".to_owned()).spawn(move || {
        let mut engine = engine;
        let result = turn(&mut engine, &nudged, &pending, until, &thread_pulse);
        drop(engine);
        let _ = ended.send(());
        result
    });
    let thread =
        thread.map_err(|error| Failure::new(OS_FILE, format!("failed to start the engine's thread: {error}")))?;
    let attended = runtime.block_on(attend(settings, &nudges, &pulse, end, until));
    drop(stop.send(Nudge::Stop));
    let result = thread
        .join()
        .unwrap_or_else(|_| Err(Failure::new(SOFTWARE, "the engine ended by a mistake of ours; see the log")));
    runtime.shutdown_timeout(Duration::from_millis(500));
    if until == Until::Stopped {
        drop(std::fs::remove_file(&settings.daemon.socket));
    }
    result.and(attended)
}

/// Adapters wake the engine as often as they like; one nudge at a time is enough.
fn waker(nudges: Sender<Nudge>, pending: Arc<AtomicBool>) -> Wake {
    let nudges = Mutex::new(nudges);
    Arc::new(move || {
        if !pending.swap(true, Ordering::AcqRel)
            && let Ok(sender) = nudges.lock()
        {
            drop(sender.send(Nudge::Look));
        }
    })
}

/// Signals, socket and watchdog, until the engine ends or a signal asks for it.
async fn attend(
    settings: &Settings,
    nudges: &Sender<Nudge>,
    pulse: &Pulse,
    mut end: tokio::sync::oneshot::Receiver<()>,
    until: Until,
) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::new(OS_FILE, format!("failed to wait for signals: {error}"));
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let listener = match until {
        Until::Stopped => Some(listen(&settings.daemon.socket)?),
        Until::Done => None,
    };
    let mut tick = tokio::time::interval(pulse.every);
    notify(NotifyState::Ready);
    loop {
        tokio::select! {
            _ = &mut end => return Ok(()),
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            _ = tick.tick() => if pulse.is_felt() { notify(NotifyState::Watchdog) },
            client = accept(listener.as_ref()) => if let Some(stream) = client {
                let nudges = nudges.clone();
                tokio::spawn(serve(stream, move |errand| drop(nudges.send(Nudge::Errand(Box::new(errand))))));
            },
        }
    }
    tracing::info!("stopping");
    notify(NotifyState::Stopping);
    Ok(())
}

async fn accept(listener: Option<&tokio::net::UnixListener>) -> Option<tokio::net::UnixStream> {
    match listener {
        Some(listener) => match listener.accept().await {
            Ok((stream, _)) => Some(stream),
            Err(error) => {
                // Out of descriptors, for instance: the next try would fail as fast.
                tracing::warn!(kind = ?error.kind(), "a client of the socket could not be taken");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                None
            }
        },
        None => std::future::pending().await,
    }
}

fn notify(state: NotifyState<'_>) {
    drop(sd_notify::notify(&[state]));
}

/// Steps the engine until it is told to stop, or until everything is done.
fn turn(
    engine: &mut Engine,
    nudged: &Receiver<Nudge>,
    pending: &AtomicBool,
    until: Until,
    pulse: &Pulse,
) -> Result<(), Failure> {
    let started = SystemClock.now();
    loop {
        let now = SystemClock.now();
        pulse.beat();
        let progress = engine.step(now)?;
        let wait = if progress.worked { Duration::ZERO } else { sleep(progress.wake_at, now).min(pulse.every) };
        if !progress.worked && until == Until::Done && all_done(engine, progress.in_flight, started, now)? {
            return Ok(());
        }
        match nudged.recv_timeout(wait) {
            Ok(Nudge::Look) => pending.store(false, Ordering::Release),
            Err(RecvTimeoutError::Timeout) => {}
            // It may have come long after this turn began.
            Ok(Nudge::Errand(errand)) => run_errand(engine, *errand, SystemClock.now())?,
            Ok(Nudge::Stop) | Err(RecvTimeoutError::Disconnected) => return finish(engine, nudged),
        }
    }
}

fn sleep(wake_at: Option<Timestamp>, now: Timestamp) -> Duration {
    // A port calls when it has something, so the loop sleeps until the next clock; never so long that the watchdog bites.
    wake_at.map_or(SLEEP_MAX, |at| at.since(now).max(Duration::from_millis(50))).min(SLEEP_MAX)
}

fn all_done(engine: &Engine, in_flight: usize, started: Timestamp, now: Timestamp) -> Result<bool, Failure> {
    if engine.inbox_state().drained {
        return Ok(in_flight == 0);
    }
    if engine.waits_for_disk() {
        return Err(Failure::new(IO, "the disk is nearly full: no mail was fetched, it waits in the inbox; make room"));
    }
    if !engine.inbox_state().open && now.0.saturating_sub(started.0) > ONCE_PATIENCE {
        return Err(Failure::new(UNAVAILABLE, "the inbox cannot be reached; see the log, and try again"));
    }
    Ok(false)
}

/// Does what another command asks, between two steps. What the database cannot do at all ends the daemon.
fn run_errand(engine: &mut Engine, errand: Errand, now: Timestamp) -> Result<(), Failure> {
    let (answer, result) = match errand.task {
        Task::Ingest { mail, old } => {
            let answerable = if old { Answerable::Old } else { Answerable::Yes };
            match engine.ingest(vec![mail], answerable, now) {
                Ok(new) => (Answer::Stored { new: new > 0 }, Ok(())),
                Err(error) => (Answer::Refused { reason: error.to_string() }, Err(Failure::from(error))),
            }
        }
        Task::Desk(question) => {
            let (store, rules, entropy) = engine.at_the_desk();
            match desk::answer(&mut Office { store, rules, entropy }, &question, now) {
                Ok(answer) => (Answer::Desk(answer), Ok(())),
                Err(error) => {
                    let goes_on = matches!(error.class(), StoreErrorClass::Temporary | StoreErrorClass::Permanent);
                    let end = if goes_on { Ok(()) } else { Err(Failure::from(error.clone())) };
                    (Answer::Refused { reason: error.to_string() }, end)
                }
            }
        }
    };
    drop(errand.answer.send(answer));
    result
}

/// Waits a moment for the answers to what is under way, so that as little as possible is sent again.
fn finish(engine: &mut Engine, nudged: &Receiver<Nudge>) -> Result<(), Failure> {
    let stopped = Instant::now();
    while engine.settle_only(SystemClock.now())? > 0 && stopped.elapsed() < STOP_PATIENCE {
        drop(nudged.recv_timeout(Duration::from_millis(100)));
    }
    Ok(())
}
