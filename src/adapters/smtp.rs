//! The way out over SMTP submission (RFC 5321, RFC 6409): the [`Relay`] port over a few kept connections.
//!
//! Each connection is a tokio task that takes jobs from one bounded queue and sends one mail to one
//! recipient at a time. Never tries a job again of itself once it has a verdict: the schedule is the
//! engine's. Never logs and never passes on the server's words. When the server cannot be reached,
//! all waiting jobs come back [`RelayVerdict::Deferred`] at once, and no new connection is tried for
//! [`CONNECT_PAUSE`]; [`SmtpRelay::last_error`] says why.
//!
//! When the server asks us to slow down, the whole relay rests: what it holds comes back [`RelayVerdict::Untried`].
//!
//! `connect` opens a session, `transaction` sends one mail in it, `reply` reads answers, `pause` knows which of them
//! speak of all our mail, `wire` is the byte stream.

mod connect;
mod pause;
pub mod probe;
mod reply;
mod transaction;
mod wire;

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc as outcomes};
use std::time::Duration;

use crate::adapters::command::SecretHolder;
use crate::adapters::tls::{self, TlsTrust};
use crate::domain::id::OutboxId;
use crate::ports::{ErrorClass, PortError, Relay, RelayJob, RelayOutcome, RelayVerdict, Wake};
use crate::settings::checked::LoginSecret;
use connect::{Login, Session, Trouble};
use pause::Rest;
use tokio::runtime::Handle;
use tokio::sync::{Mutex as TaskMutex, mpsc as jobs};
use tokio::time::{Instant, timeout};
use transaction::Ended;

/// A connection without work is closed after this time; servers close theirs after five minutes (RFC 5321 section 4.5.3.2.7).
const IDLE_MAX: Duration = Duration::from_secs(60);
/// A connection is closed after this many mails, so that the load spreads over the server's machines.
const MAILS_PER_CONNECTION_MAX: u32 = 500;
/// After a failed connect nothing is tried for this time, and waiting jobs are deferred at once.
const CONNECT_PAUSE: Duration = Duration::from_secs(5);
/// Jobs taken at once, per connection: enough to keep it busy, few enough to be repeated after a crash.
const JOBS_PER_CONNECTION: usize = 16;
/// Jobs taken at least, so that one commit of their ends serves many even where there is one connection.
const JOBS_MIN: usize = 256;
/// Most connections to one server.
const CONNECTIONS_MAX: usize = 64;

/// How a session is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// TLS from the first byte, port 465 (RFC 8314 section 3.3).
    Tls,
    /// The STARTTLS command, port 587 (RFC 3207). A server that does not offer it is not written to.
    StartTls,
    /// No protection: only to this machine, refused for any other.
    Plain,
}

/// The longest wait for each phase (RFC 5321 section 4.5.3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// TCP and TLS handshakes.
    pub connect: Duration,
    /// The server's first words.
    pub greeting: Duration,
    /// The answer to a command.
    pub command: Duration,
    /// The server taking the next 64 KiB of a mail.
    pub data: Duration,
    /// The answer to the final dot. Too short a wait makes duplicates (RFC 1047).
    pub final_dot: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(30),
            greeting: Duration::from_secs(300),
            command: Duration::from_secs(300),
            data: Duration::from_secs(180),
            final_dot: Duration::from_secs(600),
        }
    }
}

/// Where and how to hand mail over.
#[derive(Clone)]
pub struct SmtpConfig {
    /// Host name or IP address, also the name its certificate must carry.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Protection of the session.
    pub security: Security,
    /// Which certificates are trusted.
    pub trust: TlsTrust,
    /// User and password or token for AUTH (RFC 4954), or none.
    pub credentials: Option<(String, LoginSecret)>,
    /// Mails in any 24 hours; the engine keeps count.
    pub daily_budget: Option<u32>,
    /// Connections kept at once, 1 to 64; four is a good number.
    pub connections: usize,
    /// Our name for EHLO.
    pub hello_name: String,
    /// Deadlines.
    pub timeouts: Timeouts,
}

/// The SMTP relay. Dropped, it gives up the jobs that have not begun and closes its connections.
pub struct SmtpRelay {
    jobs: jobs::Sender<RelayJob>,
    outcomes: outcomes::Receiver<RelayOutcome>,
    /// Jobs taken whose outcome has not been polled.
    outstanding: usize,
    capacity: usize,
    shared: Arc<Shared>,
}

/// What the connection tasks have in common.
struct Shared {
    config: SmtpConfig,
    tls: Arc<rustls::ClientConfig>,
    jobs: TaskMutex<jobs::Receiver<RelayJob>>,
    outcomes: outcomes::Sender<RelayOutcome>,
    wake: Wake,
    /// What to log in with.
    secret: Option<Arc<Mutex<SecretHolder>>>,
    /// One task connects at a time; holds the last failure and when to try again.
    door: TaskMutex<Option<(Instant, PortError)>>,
    resting: Mutex<Resting>,
    last_error: Mutex<Option<PortError>>,
    stopping: Arc<AtomicBool>,
}

/// Whether the server asked for a rest, and how often it did since it last took a mail.
#[derive(Debug, Default)]
struct Resting {
    until: Option<Instant>,
    times: u32,
}

impl SmtpRelay {
    /// Starts the connection tasks on `runtime`. Connects only when there is a job.
    ///
    /// # Errors
    /// The settings cannot work: an unreadable CA file, a host that is no name, clear text to another machine.
    pub fn start(config: SmtpConfig, runtime: &Handle, wake: Wake) -> Result<Self, PortError> {
        check(&config)?;
        let tls = tls::client_config(&config.trust)?;
        let connections = config.connections;
        let capacity = (connections * JOBS_PER_CONNECTION).max(JOBS_MIN);
        let (job_sender, job_receiver) = jobs::channel(capacity);
        let (outcome_sender, outcome_receiver) = outcomes::channel();
        let secret = config.credentials.as_ref().map(|(_, secret)| SecretHolder::new(secret.clone()));
        let shared = Arc::new(Shared {
            config,
            secret: secret.map(|holder| Arc::new(Mutex::new(holder))),
            resting: Mutex::new(Resting::default()),
            tls,
            jobs: TaskMutex::new(job_receiver),
            outcomes: outcome_sender,
            wake,
            door: TaskMutex::new(None),
            last_error: Mutex::new(None),
            stopping: Arc::new(AtomicBool::new(false)),
        });
        for _ in 0..connections {
            runtime.spawn(Arc::clone(&shared).stand());
        }
        Ok(Self { jobs: job_sender, outcomes: outcome_receiver, outstanding: 0, capacity, shared })
    }

    /// What last kept mail from being handed over, for as long as it does; `None` while the server answers.
    #[must_use]
    pub fn last_error(&self) -> Option<PortError> {
        self.shared.last_error.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Relay for SmtpRelay {
    fn submit(&mut self, job: RelayJob) -> Result<(), RelayJob> {
        if self.outstanding >= self.capacity || self.rests_for().is_some() {
            return Err(job);
        }
        self.jobs.try_send(job).map_err(|refused| match refused {
            jobs::error::TrySendError::Full(job) | jobs::error::TrySendError::Closed(job) => job,
        })?;
        self.outstanding += 1;
        Ok(())
    }

    fn poll(&mut self) -> Option<RelayOutcome> {
        let outcome = self.outcomes.try_recv().ok()?;
        self.outstanding = self.outstanding.saturating_sub(1);
        Some(outcome)
    }

    fn rests_for(&self) -> Option<Duration> {
        self.shared.rest_left()
    }

    fn daily_budget(&self) -> Option<u32> {
        self.shared.config.daily_budget
    }

    fn name(&self) -> String {
        format!("{}:{}", self.shared.config.host, self.shared.config.port)
    }
}

impl Drop for SmtpRelay {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
    }
}

/// An outcome that is owed for a job: whatever ends the task, the job does not stay under way for ever.
struct Owed<'a> {
    shared: &'a Shared,
    id: OutboxId,
    /// The mail itself has begun to go out, so that the server may have it.
    begun: AtomicBool,
    paid: bool,
}

impl<'a> Owed<'a> {
    fn new(shared: &'a Shared, id: OutboxId) -> Self {
        Self { shared, id, begun: AtomicBool::new(false), paid: false }
    }

    fn pay(mut self, verdict: RelayVerdict, detail: String) {
        self.tell(verdict, detail);
    }

    fn tell(&mut self, verdict: RelayVerdict, detail: String) {
        self.paid = true;
        // The receiver is gone only when the relay is, and then nobody asks any more.
        let _unasked = self.shared.outcomes.send(RelayOutcome { id: self.id, verdict, detail });
        (self.shared.wake)();
    }
}

impl Drop for Owed<'_> {
    fn drop(&mut self) {
        if !self.paid {
            let begun = self.begun.load(Ordering::SeqCst);
            let verdict = if begun { RelayVerdict::Unknown } else { RelayVerdict::Deferred };
            self.tell(verdict, "the connection's task ended before it had an answer".to_owned());
        }
    }
}

impl Shared {
    /// Keeps one connection at work: a task that panics is followed by another.
    async fn stand(self: Arc<Self>) {
        while let Err(error) = tokio::spawn(Arc::clone(&self).work()).await {
            if !error.is_panic() {
                return;
            }
            tracing::error!("a connection's task ended by a mistake of ours; a new one takes its place");
        }
    }

    /// One connection: takes jobs until the relay is dropped.
    async fn work(self: Arc<Self>) {
        let mut session: Option<Session> = None;
        loop {
            let job = match timeout(IDLE_MAX, async { self.jobs.lock().await.recv().await }).await {
                Ok(Some(job)) if !self.stopping.load(Ordering::SeqCst) => job,
                Ok(_) => break,
                Err(_idle) => {
                    Session::close(session.take()).await;
                    continue;
                }
            };
            let owed = Owed::new(&self, job.id);
            if self.rest_left().is_some() {
                owed.pay(RelayVerdict::Untried, "the server asked for a rest".to_owned());
                continue;
            }
            let ended = self.carry(&mut session, &job, &owed.begun).await;
            self.note(&ended);
            owed.pay(ended.verdict, ended.detail);
        }
        Session::close(session).await;
    }

    /// Sends one mail, over the kept session or a new one.
    async fn carry(&self, session: &mut Option<Session>, job: &RelayJob, begun: &AtomicBool) -> Ended {
        let kept = session.is_some();
        let ended = self.carry_once(session, job, begun).await;
        if kept && ended.lost_before_mail {
            // The server had closed the idle session: no word of this mail has gone out.
            return self.carry_once(session, job, begun).await;
        }
        ended
    }

    async fn carry_once(&self, slot: &mut Option<Session>, job: &RelayJob, begun: &AtomicBool) -> Ended {
        let mut session = match slot.take() {
            Some(session) => session,
            None => match self.connect().await {
                Ok(session) => session,
                Err(trouble) => return Ended::unreachable(trouble),
            },
        };
        let ended = transaction::send(&mut session, job, &self.config.timeouts, begun).await;
        session.mails += 1;
        if ended.keeps_session && session.mails < MAILS_PER_CONNECTION_MAX {
            *slot = Some(session);
        } else {
            Session::close(ended.keeps_session.then_some(session)).await;
        }
        ended
    }

    /// Connects, one task at a time, unless it failed a moment ago.
    async fn connect(&self) -> Result<Session, Trouble> {
        let mut door = self.door.lock().await;
        if let Some((_, error)) = door.as_ref().filter(|(until, _)| Instant::now() < *until) {
            return Err(Trouble::from(error.clone()));
        }
        let connected = self.log_in().await;
        *door = connected.as_ref().err().map(|trouble| (Instant::now() + CONNECT_PAUSE, trouble.error.clone()));
        connected
    }

    /// Opens a session. A secret that a program prints, and that is refused, is asked for anew once.
    async fn log_in(&self) -> Result<Session, Trouble> {
        let mut asked_anew = false;
        loop {
            let login = self.login().await?;
            let opened = connect::open(&self.config, login.as_ref(), &self.tls).await;
            let refused = opened.as_ref().is_err_and(|trouble| trouble.error.class == ErrorClass::Authentication);
            let renewable = || self.secret.as_ref().is_some_and(|secret| held(secret).refused());
            if refused && renewable() && !asked_anew {
                asked_anew = true;
                continue;
            }
            return opened;
        }
    }

    /// What to log in with, asked of its program on a thread where waiting holds nobody up.
    async fn login(&self) -> Result<Option<Login>, PortError> {
        let (Some(secret), Some((user, _))) = (self.secret.clone(), &self.config.credentials) else { return Ok(None) };
        let stopping = Arc::clone(&self.stopping);
        let user = user.clone();
        let asked = tokio::task::spawn_blocking(move || {
            let mut holder = held(&secret);
            let token = holder.is_token();
            holder.current(&|| stopping.load(Ordering::SeqCst)).map(|secret| Login { user, secret, token })
        });
        let lost = |_| PortError {
            class: ErrorClass::Temporary,
            message: "the thread that asks for the secret ended by a mistake of ours; trying again".to_owned(),
        };
        asked.await.map_err(lost)?.map(Some)
    }

    fn resting(&self) -> MutexGuard<'_, Resting> {
        self.resting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is left of the rest that the server asked for.
    fn rest_left(&self) -> Option<Duration> {
        let until = self.resting().until?;
        let left = until.saturating_duration_since(Instant::now());
        (!left.is_zero()).then_some(left)
    }

    /// The server asks for a rest. Connections that hear it together make one of it.
    fn rest(&self, rest: Rest, answer: &str) {
        let mut resting = self.resting();
        let now = Instant::now();
        if resting.until.is_some_and(|until| now < until) {
            return;
        }
        let length = pause::length(rest, resting.times);
        resting.times = resting.times.saturating_add(1);
        resting.until = Some(now + length);
        let seconds = length.as_secs();
        tracing::warn!(host = %self.config.host, answer, ?rest, seconds, "the relay rests; its mails stay queued");
    }

    /// Keeps the fault that holds mail up, until the server gives a verdict again.
    fn note(&self, ended: &Ended) {
        if let Some(rest) = ended.rest {
            self.rest(rest, &ended.detail);
        } else if ended.verdict == RelayVerdict::Accepted {
            self.resting().times = 0;
        }
        *self.last_error.lock().unwrap_or_else(PoisonError::into_inner) = ended.fault.clone();
    }
}

fn check(config: &SmtpConfig) -> Result<(), PortError> {
    let wrong = |message: &str| Err(PortError { class: ErrorClass::Configuration, message: message.to_owned() });
    let named = |c: char| c.is_ascii_alphanumeric() || "-.[]:".contains(c);
    if config.hello_name.is_empty() || config.hello_name.len() > 255 || !config.hello_name.chars().all(named) {
        return wrong("the name for EHLO is not a host name; set it to this machine's full name");
    }
    if !(1..=CONNECTIONS_MAX).contains(&config.connections) {
        return wrong("the number of connections must be from 1 to 64");
    }
    let local = config.host == "localhost" || config.host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
    if config.security == Security::Plain && !local {
        return wrong("mail is not sent in clear to another machine; use TLS or STARTTLS");
    }
    tls::server_name(&config.host).map(drop)
}

/// A panic while it was held leaves it as usable as before.
fn held(secret: &Mutex<SecretHolder>) -> MutexGuard<'_, SecretHolder> {
    secret.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Ended {
    fn unreachable(trouble: Trouble) -> Self {
        Self {
            verdict: RelayVerdict::Deferred,
            detail: trouble.error.message.clone(),
            keeps_session: false,
            lost_before_mail: false,
            fault: Some(trouble.error),
            rest: trouble.rest,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> SmtpConfig {
        SmtpConfig {
            host: "127.0.0.1".to_owned(),
            port: 25,
            security: Security::Plain,
            trust: TlsTrust { ca_file: None },
            credentials: None,
            daily_budget: None,
            connections: 1,
            hello_name: "postern.test".to_owned(),
            timeouts: Timeouts::default(),
        }
    }

    fn fault(config: &SmtpConfig) -> ErrorClass {
        check(config).unwrap_err().class
    }

    #[test]
    fn clear_text_is_for_this_machine_only() {
        for host in ["127.0.0.1", "127.8.8.8", "::1", "localhost"] {
            assert_eq!(check(&SmtpConfig { host: host.to_owned(), ..config() }), Ok(()), "{host}");
        }
        for host in ["192.0.2.1", "localhost.example.org", "mail.example.org", "0.0.0.0"] {
            assert_eq!(fault(&SmtpConfig { host: host.to_owned(), ..config() }), ErrorClass::Configuration, "{host}");
            let tls = SmtpConfig { host: host.to_owned(), security: Security::Tls, ..config() };
            assert_eq!(check(&tls), Ok(()), "{host}");
        }
    }

    #[test]
    fn a_name_for_ehlo_cannot_carry_another_command() {
        for name in ["", "a b", "a\r\nQUIT", "a\n"] {
            assert_eq!(fault(&SmtpConfig { hello_name: name.to_owned(), ..config() }), ErrorClass::Configuration);
        }
        assert_eq!(fault(&SmtpConfig { connections: 0, ..config() }), ErrorClass::Configuration);
    }
}
