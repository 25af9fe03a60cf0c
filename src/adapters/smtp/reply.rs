//! Replies of an SMTP server (RFC 5321 section 4.2), read with limits.
//!
//! Never keeps more of the server's text than the code, the enhanced status (RFC 2034), whether it
//! speaks of limits and, for EHLO, the keywords: the text may quote addresses or hold anything. A reply that is no reply is a
//! fault of the connection, which must then be closed, since replies can no longer be matched to commands.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

use super::pause::speaks_of_limits;

/// Longest reply line in bytes; RFC 5321 section 4.5.3.1.5 asks for 512, servers send more.
const LINE_MAX_BYTES: usize = 4096;
/// Most lines of one reply.
const LINES_MAX: usize = 128;

/// One reply, without its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reply {
    /// The three-digit code.
    pub(super) code: u16,
    /// The enhanced status code, such as `5.1.1`, if the first line has one that agrees with the code.
    pub(super) enhanced: Option<String>,
    /// Its words speak of rates and limits of sending.
    pub(super) limits: bool,
}

impl Reply {
    /// A reply of one line, of which code and text were read by somebody else.
    pub(super) fn of(code: u16, text: &str) -> Self {
        Self { code, enhanced: enhanced_status(code, text), limits: speaks_of_limits(text) }
    }

    /// Whether the command was carried out.
    pub(super) fn is_done(&self) -> bool {
        (200..300).contains(&self.code)
    }

    /// Whether the server waits for the mail (RFC 5321 section 4.1.1.4).
    pub(super) fn wants_data(&self) -> bool {
        self.code == 354
    }

    /// Code and enhanced status, for the record.
    pub(super) fn status(&self) -> String {
        match &self.enhanced {
            Some(enhanced) => format!("{} {enhanced}", self.code),
            None => self.code.to_string(),
        }
    }
}

/// Reads one reply. Bytes after it stay in the reader.
///
/// # Errors
/// The stream ended or failed, or what it held is not a reply (`InvalidData`).
pub(super) async fn read_reply<R: AsyncRead + Unpin>(reader: &mut R) -> io::Result<Reply> {
    read_reply_with(reader, &mut |_| {}).await
}

/// Reads one reply and shows the text of each of its lines to `line`.
///
/// # Errors
/// As [`read_reply`].
pub(super) async fn read_reply_with<R: AsyncRead + Unpin>(
    reader: &mut R,
    line: &mut (dyn FnMut(&str) + Send),
) -> io::Result<Reply> {
    let mut first: Option<Reply> = None;
    for _ in 0..LINES_MAX {
        let bytes = read_line(reader).await?;
        let (code, more, text) = split_line(&bytes).ok_or(io::ErrorKind::InvalidData)?;
        line(&text);
        let reply = first.get_or_insert_with(|| Reply::of(code, &text));
        if reply.code != code {
            return Err(io::ErrorKind::InvalidData.into());
        }
        reply.limits |= speaks_of_limits(&text);
        if !more {
            return Ok(reply.clone());
        }
    }
    Err(io::ErrorKind::InvalidData.into())
}

async fn read_line<R: AsyncRead + Unpin>(reader: &mut R) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    loop {
        // The reader is buffered, so that a byte at a time costs no system call.
        match reader.read_u8().await? {
            b'\n' => return Ok(line),
            _ if line.len() == LINE_MAX_BYTES => return Err(io::ErrorKind::InvalidData.into()),
            byte => line.push(byte),
        }
    }
}

/// Code, whether more lines follow, and the text. A code alone is a whole line (RFC 5321 section 4.2).
fn split_line(line: &[u8]) -> Option<(u16, bool, String)> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let (digits, rest) = line.split_at_checked(3)?;
    let in_range = digits.iter().all(u8::is_ascii_digit) && matches!(digits.first(), Some(b'2'..=b'5'));
    let code = std::str::from_utf8(digits).ok().filter(|_| in_range)?.parse().ok()?;
    let (more, text) = match rest.split_first() {
        None => (false, rest),
        Some((b' ', text)) => (false, text),
        Some((b'-', text)) => (true, text),
        Some(_) => return None,
    };
    Some((code, more, String::from_utf8_lossy(text).into_owned()))
}

fn enhanced_status(code: u16, text: &str) -> Option<String> {
    let word = text.split(' ').next()?;
    let parts: Vec<&str> = word.split('.').collect();
    let digits = |part: &&str| (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    let agrees = parts.first().is_some_and(|class| *class == (code / 100).to_string());
    (parts.len() == 3 && agrees && parts.iter().all(digits)).then(|| word.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(mut bytes: &[u8]) -> io::Result<Reply> {
        read_reply(&mut bytes).await
    }

    #[tokio::test]
    async fn keeps_code_and_enhanced_status_and_none_of_the_text() {
        let reply = read(b"550-5.1.1 <ana@example.org> unknown\r\n550 5.1.1 try elsewhere\r\n").await.unwrap();
        assert_eq!(reply.status(), "550 5.1.1");
        assert_eq!(read(b"250\r\n").await.unwrap().status(), "250");
        assert_eq!(read(b"250 4.0.0 the class does not agree\r\n").await.unwrap().status(), "250");
        assert_eq!(read(b"250 2.0.0.1 four parts\r\n").await.unwrap().status(), "250");
        assert_eq!(read(b"450 4.7.1 not utf-8 \xff\xfe\r\n").await.unwrap().status(), "450 4.7.1");
    }

    #[tokio::test]
    async fn what_is_no_reply_is_a_fault() {
        for bytes in [&b"hello\r\n"[..], b"2\r\n", b"250_ok\r\n", b"950 ok\r\n", b"+50 ok\r\n", b"250-a\r\n354 b\r\n"] {
            assert_eq!(read(bytes).await.unwrap_err().kind(), io::ErrorKind::InvalidData, "{bytes:?}");
        }
        assert_eq!(read(b"250 cut").await.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }

    #[tokio::test]
    async fn endless_lines_and_endless_replies_are_cut_off() {
        let line = [b"250 ".as_slice(), &vec![b'a'; LINE_MAX_BYTES], b"\r\n"].concat();
        assert_eq!(read(&line).await.unwrap_err().kind(), io::ErrorKind::InvalidData);
        let lines = b"250-a\r\n".repeat(LINES_MAX + 1);
        assert_eq!(read(&lines).await.unwrap_err().kind(), io::ErrorKind::InvalidData);
    }

    #[tokio::test]
    async fn the_next_reply_stays_in_the_reader() {
        let mut bytes = &b"250 one\r\n354 two\r\n"[..];
        assert_eq!(read_reply(&mut bytes).await.unwrap().code, 250);
        assert!(read_reply(&mut bytes).await.unwrap().wants_data());
    }
}
