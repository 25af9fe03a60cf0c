//! Trying a relay out: what it offers, and a few mails with the answer to each.
//!
//! For commands, never for the daemon: nothing is tried again. A fault of the session ends the probe; a refused mail
//! does not.

use std::sync::atomic::AtomicBool;

use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use super::connect::{self, Login, Session};
use super::reply::read_reply_with;
use super::{SmtpConfig, check, transaction};
use crate::adapters::command::SecretHolder;
use crate::adapters::tls;
use crate::ports::{ErrorClass, PortError, RelayJob, RelayOutcome, RelayVerdict};

/// What a relay offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offer {
    /// Largest mail in bytes (RFC 1870), where it says.
    pub size_max: Option<u64>,
}

/// Connects, greets and logs in as the settings say.
///
/// # Errors
/// What the relay would report before its first mail.
pub async fn look(config: &SmtpConfig) -> Result<Offer, PortError> {
    let mut session = open(config).await?;
    let mut offer = Offer { size_max: None };
    let asked = async {
        session.wire.write_all(format!("EHLO {}\r\n", config.hello_name).as_bytes()).await?;
        session.wire.flush().await?;
        read_reply_with(&mut session.wire, &mut |line| offer.add(line)).await
    };
    let answer = timeout(config.timeouts.command, asked).await;
    Session::close(Some(session)).await;
    match answer {
        Ok(Ok(reply)) if reply.is_done() => Ok(offer),
        Ok(Ok(_) | Err(_)) | Err(_) => Err(temporary("the server did not answer a second EHLO; try again")),
    }
}

/// Hands these mails over, one after the other, and gives each one's verdict.
///
/// # Errors
/// The relay cannot be reached or refuses us; then nothing was sent.
pub async fn deliver(config: &SmtpConfig, jobs: &[RelayJob]) -> Result<Vec<RelayOutcome>, PortError> {
    let mut session = Some(open(config).await?);
    let mut outcomes = Vec::with_capacity(jobs.len());
    for job in jobs {
        // A server may close the session after a refusal.
        let mut open_session = match session.take() {
            Some(session) => session,
            None => match open(config).await {
                Ok(session) => session,
                Err(error) => {
                    outcomes.push(RelayOutcome { id: job.id, verdict: RelayVerdict::Deferred, detail: error.message });
                    continue;
                }
            },
        };
        let ended = transaction::send(&mut open_session, job, &config.timeouts, &AtomicBool::new(false)).await;
        outcomes.push(RelayOutcome { id: job.id, verdict: ended.verdict, detail: ended.detail });
        session = ended.keeps_session.then_some(open_session);
    }
    Session::close(session).await;
    Ok(outcomes)
}

async fn open(config: &SmtpConfig) -> Result<Session, PortError> {
    check(config)?;
    let tls = tls::client_config(&config.trust)?;
    let login = match &config.credentials {
        Some((user, secret)) => {
            let mut holder = SecretHolder::new(secret.clone());
            let token = holder.is_token();
            // Its program may take its time: nobody else waits in a command.
            holder.current(&|| false).map(|secret| Some(Login { user: user.clone(), secret, token }))?
        }
        None => None,
    };
    connect::open(config, login.as_ref(), &tls).await.map_err(|trouble| trouble.error)
}

impl Offer {
    fn add(&mut self, line: &str) {
        let mut words = line.split_ascii_whitespace();
        if words.next().is_some_and(|word| word.eq_ignore_ascii_case("SIZE")) {
            // Zero says that there is no limit (RFC 1870 section 4).
            self.size_max = words.next().and_then(|word| word.parse().ok()).filter(|bytes| *bytes > 0);
        }
    }
}

fn temporary(message: &str) -> PortError {
    PortError { class: ErrorClass::Temporary, message: message.to_owned() }
}
