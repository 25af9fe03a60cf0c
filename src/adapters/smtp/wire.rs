//! One connection's byte stream, plain or under TLS, that lettre and our own transaction share.
//!
//! Lettre wants to own the stream while it greets and authenticates; the transaction afterwards is
//! ours. So this is a handle: lettre is given a clone. It is handed at most one line per read, so
//! that no byte of a later reply stays behind in lettre's own buffer. Never interprets what it
//! carries. A fault of the stream comes back as the `io::Error` it was.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, BufReader, ReadBuf};

/// Anything that can carry a session: a TCP stream, or TLS over one.
pub(super) trait Duplex: AsyncRead + AsyncWrite + Send + Sync + Unpin + std::fmt::Debug {}
impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin + std::fmt::Debug> Duplex for T {}

/// A shared handle on one session's stream.
#[derive(Debug, Clone)]
pub(super) struct Wire {
    inner: Arc<Mutex<Inner>>,
    peer: SocketAddr,
}

#[derive(Debug)]
struct Inner {
    /// Read before the stream itself.
    preface: &'static [u8],
    stream: BufReader<Box<dyn Duplex>>,
}

impl Wire {
    /// A handle on `stream`. What stands in `preface` is read first, as if the server had sent it.
    pub(super) fn new(stream: Box<dyn Duplex>, preface: &'static [u8], peer: SocketAddr) -> Self {
        let stream = BufReader::new(stream);
        Self { inner: Arc::new(Mutex::new(Inner { preface, stream })), peer }
    }

    /// Tasks take turns on one session, so the lock is always free; a poisoned one still holds a stream.
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AsyncTokioStream for Wire {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.peer)
    }
}

impl AsyncRead for Wire {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut guard = self.inner();
        let inner = &mut *guard;
        if !inner.preface.is_empty() {
            let (now, later) = inner.preface.split_at(out.remaining().min(inner.preface.len()));
            out.put_slice(now);
            inner.preface = later;
            return Poll::Ready(Ok(()));
        }
        let buffered = ready!(Pin::new(&mut inner.stream).poll_fill_buf(cx))?;
        let line = buffered.split_inclusive(|byte| *byte == b'\n').next().unwrap_or_default();
        let part = line.get(..out.remaining()).unwrap_or(line);
        out.put_slice(part);
        let taken = part.len();
        Pin::new(&mut inner.stream).consume(taken);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner().stream).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner().stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    #[tokio::test]
    async fn hands_out_the_preface_and_then_one_line_at_a_time() {
        let (here, mut there) = tokio::io::duplex(256);
        there.write_all(b"250-one\r\n250 two\r\n").await.unwrap();
        let mut wire = Wire::new(Box::new(here), b"220 ready\r\n", SocketAddr::from(([127, 0, 0, 1], 25)));
        let mut seen = Vec::new();
        for _ in 0..3 {
            let mut buffer = [0; 256];
            let count = wire.read(&mut buffer).await.unwrap();
            seen.push(String::from_utf8_lossy(&buffer[..count]).into_owned());
        }
        assert_eq!(seen, ["220 ready\r\n", "250-one\r\n", "250 two\r\n"]);
    }
}
