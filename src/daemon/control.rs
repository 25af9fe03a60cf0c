//! The unix socket through which other commands reach the running daemon.
//!
//! One request a connection: a line of JSON, then the bytes it announces; the answer is one line of JSON. Only the
//! daemon's own user can connect (the socket has mode 0600 in the state folder). A long list is several requests.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream as StdStream;
use std::path::Path;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::oneshot;

use super::desk;
use super::exit::{CANNOT_CREATE, Failure, NO_PERMISSION, TEMPORARY, UNAVAILABLE};

/// Largest mail taken through the socket, in bytes.
const MAIL_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Longest request line, in bytes.
const REQUEST_BYTES_MAX: u64 = 16 * 1024;
/// Longest answer line, in bytes: a page of rows, or a whole text, with every character escaped.
const ANSWER_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// A client that says nothing for this long, or takes no answer, is dropped.
const CLIENT_PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);
/// A daemon that does not answer for this long is given up. One step of its work takes far less.
const DAEMON_PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);

/// What another command asks.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Request {
    /// Store the mail whose bytes follow.
    Ingest {
        /// Number of bytes.
        bytes: u64,
        /// Whether it comes from an archive and is not acknowledged.
        old: bool,
    },
    /// A question of the operator.
    Desk(desk::Question),
}

/// What the daemon answers.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// Stored; `new` is false where it was known.
    Stored {
        /// Whether it was new.
        new: bool,
    },
    /// The desk's answer.
    Desk(desk::Answer),
    /// Not done.
    Refused {
        /// Why.
        reason: String,
    },
}

/// A request on its way to the engine's thread.
pub struct Errand {
    /// What is to be done.
    pub task: Task,
    /// Where the answer goes.
    pub answer: oneshot::Sender<Answer>,
}

/// What is to be done on the engine's thread, between two steps.
pub enum Task {
    /// Store a mail.
    Ingest {
        /// The mail.
        mail: Vec<u8>,
        /// Whether it comes from an archive.
        old: bool,
    },
    /// Answer a question.
    Desk(desk::Question),
}

/// Listens at a path, taking the place of a socket that a dead process left there.
///
/// # Errors
/// The socket cannot be made.
pub fn listen(path: &Path) -> Result<UnixListener, Failure> {
    let failed = |error: std::io::Error| {
        Failure::new(CANNOT_CREATE, format!("failed to make the socket {}: {error}", path.display()))
    };
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(error)),
        Ok(()) | Err(_) => {}
    }
    let listener = UnixListener::bind(path).map_err(failed)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).map_err(failed)?;
    Ok(listener)
}

/// Serves one client: reads its request, passes it on, writes the answer.
pub async fn serve(stream: UnixStream, pass_on: impl Fn(Errand)) {
    let (read, mut write) = stream.into_split();
    let answer = match tokio::time::timeout(CLIENT_PATIENCE, task(read)).await {
        Ok(Some(task)) => {
            let (sender, receiver) = oneshot::channel();
            pass_on(Errand { task, answer: sender });
            receiver
                .await
                .unwrap_or_else(|_| Answer::Refused { reason: "the daemon is stopping; try again".to_owned() })
        }
        Ok(None) | Err(_) => Answer::Refused { reason: "the request was not understood".to_owned() },
    };
    let mut line = serde_json::to_vec(&answer).unwrap_or_default();
    line.push(b'\n');
    drop(tokio::time::timeout(CLIENT_PATIENCE, write.write_all(&line)).await);
}

async fn task(read: tokio::net::unix::OwnedReadHalf) -> Option<Task> {
    let mut reader = tokio::io::BufReader::new(read);
    let mut line = Vec::new();
    (&mut reader).take(REQUEST_BYTES_MAX).read_until(b'\n', &mut line).await.ok()?;
    let (bytes, old) = match serde_json::from_slice(&line).ok()? {
        Request::Desk(question) => return Some(Task::Desk(question)),
        Request::Ingest { bytes, old } => (bytes, old),
    };
    if bytes > MAIL_BYTES_MAX {
        return None;
    }
    let mut mail = Vec::new();
    reader.take(bytes).read_to_end(&mut mail).await.ok()?;
    (u64::try_from(mail.len()).ok() == Some(bytes)).then_some(Task::Ingest { mail, old })
}

/// Hands one mail to the daemon behind the socket. Gives whether it was new there.
///
/// # Errors
/// As [`ask`]; or the daemon refuses.
pub fn ingest(socket: &Path, mail: &[u8], old: bool) -> Result<bool, Failure> {
    let bytes = u64::try_from(mail.len()).unwrap_or(u64::MAX);
    match exchange(socket, &Request::Ingest { bytes, old }, mail)? {
        Answer::Stored { new } => Ok(new),
        Answer::Refused { reason } => Err(Failure::new(TEMPORARY, reason)),
        Answer::Desk(_) => Err(not_understood()),
    }
}

/// Asks the daemon behind the socket.
///
/// # Errors
/// Somebody has the database and listens to nobody (temporary), or the daemon does not answer (unavailable).
pub fn ask(socket: &Path, question: &desk::Question) -> Result<desk::Answer, Failure> {
    match exchange(socket, &Request::Desk(question.clone()), b"")? {
        Answer::Desk(answer) => Ok(answer),
        Answer::Refused { reason } => Err(Failure::new(TEMPORARY, reason)),
        Answer::Stored { .. } => Err(not_understood()),
    }
}

fn exchange(socket: &Path, request: &Request, bytes: &[u8]) -> Result<Answer, Failure> {
    let silent = |error: std::io::Error| {
        let socket = socket.display();
        Failure::new(UNAVAILABLE, format!("the daemon does not answer at {socket} ({error}); look at its log"))
    };
    let mut stream = StdStream::connect(socket).map_err(|error| not_reached(socket, &error))?;
    stream.set_read_timeout(Some(DAEMON_PATIENCE)).map_err(silent)?;
    stream.set_write_timeout(Some(DAEMON_PATIENCE)).map_err(silent)?;
    let mut line = serde_json::to_vec(request).unwrap_or_default();
    line.push(b'\n');
    stream.write_all(&line).and_then(|()| stream.write_all(bytes)).map_err(silent)?;
    let mut answer = String::new();
    BufReader::new(stream.take(ANSWER_BYTES_MAX)).read_line(&mut answer).map_err(silent)?;
    if answer.is_empty() {
        return Err(Failure::new(UNAVAILABLE, "the daemon ended before it answered; look at its log"));
    }
    serde_json::from_str(&answer).map_err(|_| not_understood())
}

/// Somebody holds the lock, but nobody listens: a round by hand, a start, a stop.
fn not_reached(socket: &Path, error: &std::io::Error) -> Failure {
    let path = socket.display();
    let nobody_listens = [ErrorKind::NotFound, ErrorKind::ConnectionRefused].contains(&error.kind());
    if nobody_listens {
        let problem = format!("another postern is at work and does not listen at {path}: `run --once`, or a start");
        return Failure::new(TEMPORARY, format!("{problem}; try again when it has ended"));
    }
    if error.kind() == ErrorKind::PermissionDenied {
        let problem = format!("failed to reach the daemon at {path}: {error}; ask as its user, or root");
        return Failure::new(NO_PERMISSION, problem);
    }
    Failure::new(UNAVAILABLE, format!("failed to reach the daemon at {path}: {error}; look at its log"))
}

fn not_understood() -> Failure {
    Failure::new(UNAVAILABLE, "the daemon's answer was not understood; is it of the same version as this program?")
}
