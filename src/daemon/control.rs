//! The unix socket through which other commands reach the running daemon.
//!
//! One request a connection: a line of JSON, then the bytes it announces. Only the daemon's own
//! user can connect (the socket has mode 0600 in the state folder).

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream as StdStream;
use std::path::Path;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::oneshot;

use super::exit::{CANNOT_CREATE, Failure, TEMPORARY};

/// Largest mail taken through the socket, in bytes.
const MAIL_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Longest request or answer line, in bytes.
const LINE_BYTES_MAX: u64 = 4096;
/// A client that says nothing for this long is dropped.
const CLIENT_PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);

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
    /// Not done.
    Refused {
        /// Why.
        reason: String,
    },
}

/// A request on its way to the engine's thread.
pub struct Errand {
    /// The mail.
    pub mail: Vec<u8>,
    /// Whether it comes from an archive.
    pub old: bool,
    /// Where the answer goes.
    pub answer: oneshot::Sender<Answer>,
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
    let answer = match tokio::time::timeout(CLIENT_PATIENCE, errand(read)).await {
        Ok(Some((mail, old))) => {
            let (sender, receiver) = oneshot::channel();
            pass_on(Errand { mail, old, answer: sender });
            receiver
                .await
                .unwrap_or_else(|_| Answer::Refused { reason: "the daemon is stopping; try again".to_owned() })
        }
        Ok(None) | Err(_) => Answer::Refused { reason: "the request was not understood".to_owned() },
    };
    let mut line = serde_json::to_vec(&answer).unwrap_or_default();
    line.push(b'\n');
    drop(write.write_all(&line).await);
}

async fn errand(read: tokio::net::unix::OwnedReadHalf) -> Option<(Vec<u8>, bool)> {
    let mut reader = tokio::io::BufReader::new(read);
    let mut line = Vec::new();
    (&mut reader).take(LINE_BYTES_MAX).read_until(b'\n', &mut line).await.ok()?;
    let Request::Ingest { bytes, old } = serde_json::from_slice(&line).ok()?;
    if bytes > MAIL_BYTES_MAX {
        return None;
    }
    let mut mail = Vec::new();
    reader.take(bytes).read_to_end(&mut mail).await.ok()?;
    (u64::try_from(mail.len()).ok() == Some(bytes)).then_some((mail, old))
}

/// Hands one mail to the daemon behind the socket. Gives whether it was new there.
///
/// # Errors
/// Nobody listens, or the daemon refuses.
pub fn ingest(socket: &Path, mail: &[u8], old: bool) -> Result<bool, Failure> {
    let failed = |error: std::io::Error| {
        Failure::new(TEMPORARY, format!("failed to reach the daemon at {}: {error}; try again", socket.display()))
    };
    let mut stream = StdStream::connect(socket).map_err(failed)?;
    let request = Request::Ingest { bytes: u64::try_from(mail.len()).unwrap_or(u64::MAX), old };
    let mut line = serde_json::to_vec(&request).unwrap_or_default();
    line.push(b'\n');
    stream.write_all(&line).and_then(|()| stream.write_all(mail)).map_err(failed)?;
    let mut answer = String::new();
    BufReader::new(stream.take(LINE_BYTES_MAX)).read_line(&mut answer).map_err(failed)?;
    match serde_json::from_str(&answer) {
        Ok(Answer::Stored { new }) => Ok(new),
        Ok(Answer::Refused { reason }) => Err(Failure::new(TEMPORARY, reason)),
        Err(_) => Err(Failure::new(TEMPORARY, "the daemon gave no answer; try again")),
    }
}
