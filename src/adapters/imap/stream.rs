//! The socket under the IMAP session: TLS or plain, with deadlines, size limits and a way to be woken.
//!
//! Never buffers without a limit: one response may be as long as a mail plus a margin, one line 64 KiB. Never
//! waits without a deadline: reads come back every [`TICK`] to look whether they are still wanted. A limit or
//! a deadline that is passed ends the connection; nothing is read from it any more.

use std::cell::Cell;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use imap::extensions::idle::SetReadTimeout;
use rustls::{ClientConnection, StreamOwned};

/// How often a waiting read looks at its deadline and at the signals.
pub(super) const TICK: Duration = Duration::from_millis(250);
/// Longest line outside literals, in bytes.
pub(super) const LINE_MAX_BYTES: usize = 64 * 1024;
/// The end of a line that is kept to see whether a literal follows: a length of 27 digits fits,
/// and what has more is counted as lines.
const LITERAL_TAIL_BYTES: usize = 32;

/// The present instant, for deadlines only.
#[expect(clippy::disallowed_methods, reason = "an adapter measures waiting time")]
pub(super) fn now() -> Instant {
    Instant::now()
}

/// What other threads may tell the one that reads.
#[derive(Debug, Default)]
pub(super) struct Signals {
    /// End everything: the inbox is dropped.
    pub(super) stop: AtomicBool,
    /// End the waiting in IDLE: there is a command to carry out.
    pub(super) wake: AtomicBool,
}

/// What the session is doing, which decides how long a read may take.
#[derive(Debug, Clone, Copy)]
enum Phase {
    /// A command was sent and its response is awaited.
    Command,
    /// IDLE was sent; the server must say `+` before this instant.
    IdleStart(Instant),
    /// In IDLE until this instant, or until somebody wakes us.
    Idle(Instant),
}

/// The deadlines of one connection, shared between the session's owner and the stream inside the session.
#[derive(Debug)]
pub(super) struct Pace {
    phase: Cell<Phase>,
    asked: Cell<Instant>,
    silence: Duration,
    response: Duration,
}

impl Pace {
    /// `silence` is the longest wait for the next byte, `response` for a whole response.
    pub(super) fn new(silence: Duration, response: Duration) -> Rc<Self> {
        Rc::new(Self { phase: Cell::new(Phase::Command), asked: Cell::new(now()), silence, response })
    }

    /// The next command is IDLE, and the server has this long to agree to it.
    pub(super) fn idle_starts(&self, within: Duration) {
        self.phase.set(Phase::IdleStart(now() + within));
    }

    /// IDLE is over, in whatever way.
    pub(super) fn idle_over(&self) {
        self.phase.set(Phase::Command);
    }

    fn asked_now(&self) {
        self.asked.set(now());
    }

    fn is_over(&self, read_began: Instant, signals: &Signals) -> bool {
        let now = now();
        match self.phase.get() {
            Phase::Command => now >= read_began + self.silence || now >= self.asked.get() + self.response,
            Phase::IdleStart(until) => now >= until,
            Phase::Idle(until) => now >= until || signals.wake.load(Ordering::SeqCst),
        }
    }
}

/// A TCP connection whose reads and writes end in time.
#[derive(Debug)]
pub(super) struct Wire {
    tcp: TcpStream,
    pace: Rc<Pace>,
    signals: std::sync::Arc<Signals>,
}

impl Wire {
    pub(super) fn new(tcp: TcpStream, pace: Rc<Pace>, signals: std::sync::Arc<Signals>) -> io::Result<Self> {
        tcp.set_nodelay(true)?;
        tcp.set_read_timeout(Some(TICK))?;
        tcp.set_write_timeout(Some(TICK))?;
        Ok(Self { tcp, pace, signals })
    }

    fn wait<T>(&mut self, mut attempt: impl FnMut(&mut TcpStream) -> io::Result<T>) -> io::Result<T> {
        let began = now();
        loop {
            if self.signals.stop.load(Ordering::SeqCst) {
                return Err(io::Error::from(io::ErrorKind::ConnectionAborted));
            }
            if self.pace.is_over(began, &self.signals) {
                return Err(io::Error::from(io::ErrorKind::TimedOut));
            }
            match attempt(&mut self.tcp) {
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted
                    ) => {}
                outcome => return outcome,
            }
        }
    }
}

impl Read for Wire {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.wait(|tcp| tcp.read(buf))
    }
}

impl Write for Wire {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.wait(|tcp| tcp.write(buf))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.wait(Write::flush)
    }
}

/// Clear text or TLS.
#[derive(Debug)]
pub(super) enum Transport {
    Plain(Wire),
    Tls(Box<StreamOwned<ClientConnection, Wire>>),
}

impl Transport {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(wire) => wire.read(buf),
            Self::Tls(tls) => tls.read(buf),
        }
    }

    fn writer(&mut self) -> &mut dyn Write {
        match self {
            Self::Plain(wire) => wire,
            Self::Tls(tls) => tls,
        }
    }
}

/// A response, a line or a literal was longer than we take.
#[derive(Debug, thiserror::Error)]
#[error("the server sent more than the limit")]
pub(super) struct OverLimit;

/// The server closed the connection after a BYE, with these words (RFC 9051 section 7.1.5).
///
/// The library reads over a BYE and knows only that the connection ended.
#[derive(Debug, thiserror::Error)]
#[error("the server said goodbye")]
pub(super) struct Goodbye(pub(super) String);

/// Last bytes of a connection that are kept to see whether it ended with a BYE.
const LAST_WORDS_BYTES: usize = 1024;

fn over_limit() -> io::Error {
    io::Error::other(OverLimit)
}

/// Counts what the server sends, and refuses more than the limits.
#[derive(Debug)]
pub(super) struct Meter {
    response_max: u64,
    response_left: u64,
    literal_left: u64,
    line_bytes: usize,
    tail: Vec<u8>,
}

impl Meter {
    pub(super) fn new(response_max: u64) -> Self {
        Self { response_max, response_left: response_max, literal_left: 0, line_bytes: 0, tail: Vec::new() }
    }

    /// A new command was sent: its response has the whole budget again.
    fn refill(&mut self) {
        self.response_left = self.response_max;
    }

    /// Counts bytes that came in.
    pub(super) fn count(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.response_left = self.response_left.checked_sub(bytes.len() as u64).ok_or_else(over_limit)?;
        let mut rest = bytes;
        while !rest.is_empty() {
            if self.literal_left > 0 {
                let skip = usize::try_from(self.literal_left).unwrap_or(usize::MAX).min(rest.len());
                self.literal_left -= skip as u64;
                rest = rest.get(skip..).unwrap_or_default();
                continue;
            }
            let end = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |at| at + 1);
            let (line, more) = rest.split_at(end);
            rest = more;
            self.line_part(line)?;
        }
        Ok(())
    }

    fn line_part(&mut self, part: &[u8]) -> io::Result<()> {
        self.line_bytes += part.len();
        if self.line_bytes > LINE_MAX_BYTES {
            return Err(over_limit());
        }
        self.tail.extend_from_slice(part.get(part.len().saturating_sub(LITERAL_TAIL_BYTES)..).unwrap_or_default());
        let excess = self.tail.len().saturating_sub(LITERAL_TAIL_BYTES);
        self.tail.drain(..excess);
        if part.ends_with(b"\n") {
            self.literal_left = literal_bytes(&self.tail).unwrap_or(0);
            if self.literal_left > self.response_left.saturating_add(LINE_MAX_BYTES as u64) {
                return Err(over_limit());
            }
            self.line_bytes = 0;
            self.tail.clear();
        }
        Ok(())
    }
}

/// The length announced at the end of a line, `{12}` or `{12+}` (RFC 9051 section 4.3).
fn literal_bytes(line: &[u8]) -> Option<u64> {
    let line = line.strip_suffix(b"\n")?;
    let line = line.strip_suffix(b"\r").unwrap_or(line).strip_suffix(b"}")?;
    let open = line.iter().rposition(|byte| *byte == b'{')?;
    let digits = std::str::from_utf8(line.get(open + 1..)?).ok()?;
    let digits = digits.strip_suffix('+').unwrap_or(digits);
    // A number too long to read is longer than any limit.
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().unwrap_or(u64::MAX))
}

/// What the IMAP session reads from and writes to.
#[derive(Debug)]
pub(super) struct Bounded {
    transport: Transport,
    meter: Meter,
    pace: Rc<Pace>,
    last_words: Vec<u8>,
}

impl Bounded {
    pub(super) fn new(transport: Transport, response_max: u64, pace: Rc<Pace>) -> Self {
        Self { transport, meter: Meter::new(response_max), pace, last_words: Vec::new() }
    }

    fn remember(&mut self, bytes: &[u8]) {
        let tail = bytes.get(bytes.len().saturating_sub(LAST_WORDS_BYTES)..).unwrap_or(bytes);
        self.last_words.extend_from_slice(tail);
        self.last_words.drain(..self.last_words.len().saturating_sub(LAST_WORDS_BYTES));
    }

    /// The words of a BYE among the last lines.
    fn goodbye(&self) -> Option<String> {
        let mut lines = self.last_words.split(|byte| *byte == b'\n').rev().take(3);
        let bye = lines
            .find_map(|line| line.get(..6).filter(|start| start.eq_ignore_ascii_case(b"* BYE ")).and(line.get(6..)))?;
        Some(String::from_utf8_lossy(bye).into_owned())
    }
}

impl Read for Bounded {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let outcome = self.transport.read(buf);
        // Under TLS many servers hang up without a farewell of TLS itself, which is an error of the stream.
        let ended = match &outcome {
            Ok(read) => *read == 0,
            Err(error) => matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset),
        };
        if ended && let Some(words) = self.goodbye() {
            return Err(io::Error::other(Goodbye(words)));
        }
        let read = outcome?;
        let bytes = buf.get(..read).unwrap_or_default();
        self.meter.count(bytes)?;
        self.remember(bytes);
        Ok(read)
    }
}

impl Write for Bounded {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        // DONE ends IDLE: from here on its tagged response is awaited like that of any command.
        if buf.starts_with(b"DONE") {
            self.pace.idle_over();
        }
        self.meter.refill();
        self.pace.asked_now();
        self.transport.writer().write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.transport.writer().flush()
    }
}

/// Called by the `imap` crate when the server has agreed to IDLE (with a duration) and when IDLE is over (without).
impl SetReadTimeout for Bounded {
    fn set_read_timeout(&mut self, timeout: Option<Duration>) -> imap::Result<()> {
        match timeout {
            Some(duration) => self.pace.phase.set(Phase::Idle(now() + duration)),
            None => self.pace.idle_over(),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(response_max: u64, parts: &[&[u8]]) -> bool {
        let mut meter = Meter::new(response_max);
        parts.iter().all(|part| meter.count(part).is_ok())
    }

    #[test]
    fn a_line_may_be_long_but_not_endless() {
        let chunk = vec![b'a'; LINE_MAX_BYTES];
        assert!(counted(1 << 20, &[&chunk]));
        assert!(!counted(1 << 20, &[&chunk, b"a"]));
        assert!(counted(1 << 20, &[chunk.get(1..).unwrap(), b"\n", &chunk]));
    }

    #[test]
    fn a_literal_is_not_a_line_even_when_it_comes_in_pieces() {
        let body = vec![b'x'; 3 * LINE_MAX_BYTES];
        let announce = format!("* 1 FETCH (UID 7 BODY[] {{{}}}\r\n", body.len());
        let (a, b) = announce.as_bytes().split_at(announce.len() - 4);
        assert!(counted(1 << 20, &[a, b, &body[..100], &body[100..], b")\r\n"]));
        assert!(!counted(1 << 20, &[b"* 1 FETCH (UID 7 BODY[] x3\r\n", &body]));
    }

    #[test]
    fn a_giant_literal_is_refused_when_it_is_announced() {
        assert!(!counted(1 << 20, &[b"* 1 FETCH (BODY[] {4294967295}\r\n"]));
        assert!(!counted(1 << 20, &[b"* 1 FETCH (BODY[] {99999999999999999999999}\r\n"]));
    }

    #[test]
    fn many_short_lines_use_the_budget_up() {
        let line = b"* 1 EXISTS\r\n".repeat(10);
        assert!(counted(130, &[&line]));
        assert!(!counted(130, &[&line, &line]));
    }
}
