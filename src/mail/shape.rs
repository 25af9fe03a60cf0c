//! Whether a file holds a mail, the mere text of one, or neither: judged from its beginning.
//!
//! Never reads more than the first lines; never fails. In doubt, a text that has a field which only mail has in the
//! place of a header is a mail.

use super::decode;

/// Lines of a header block that are looked at.
const LINES_MAX: usize = 200;
/// Bytes in which a zero octet makes a file that is no mail a binary one.
const BINARY_BYTES: usize = 8 * 1024;
/// Blank lines that may stand before the header block; some archives put one there.
const BLANKS_MAX: usize = 20;

/// Fields that stand in nearly every mail, or only in mail.
const FIELDS: [&str; 20] = [
    "from",
    "to",
    "cc",
    "bcc",
    "subject",
    "sender",
    "reply-to",
    "received",
    "return-path",
    "delivered-to",
    "envelope-to",
    "message-id",
    "in-reply-to",
    "references",
    "mime-version",
    "dkim-signature",
    "authentication-results",
    "auto-submitted",
    "autocrypt",
    "precedence",
];

/// Beginnings of further names that only mail has.
const PREFIXES: [&str; 5] = ["x-", "content-", "list-", "resent-", "arc-"];

/// Fields of mail enough to see a header block whose first line is broken.
const FIELDS_MIN: usize = 3;

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A mail, its header block first.
    Mail,
    /// Text without a header block, such as the stored body of a mail.
    Body,
    /// Neither, and what it seems to be.
    Other(&'static str),
}

/// Tells the shape of a file.
///
/// A first line such as `Note: …` makes no header block: one of the fields must be one that mail has.
#[must_use]
pub fn of(bytes: &[u8]) -> Shape {
    if bytes.trim_ascii().is_empty() {
        return Shape::Other("the file is empty");
    }
    if has_header_block(bytes) {
        return Shape::Mail;
    }
    let beginning = bytes.get(..bytes.len().min(BINARY_BYTES)).unwrap_or_default();
    if beginning.contains(&0) || beginning.first().is_some_and(|octet| octet & 0x80 != 0 && !is_text(beginning)) {
        return Shape::Other("no mail: the file is binary");
    }
    let first = beginning.trim_ascii_start();
    if first.starts_with(b"-----BEGIN PGP PUBLIC KEY") || first.starts_with(b"-----BEGIN PGP PRIVATE KEY") {
        return Shape::Other("no mail: the file is an OpenPGP key");
    }
    Shape::Body
}

/// The beginning of a mail, up to the first blank line behind its header block.
#[must_use]
pub fn head(bytes: &[u8]) -> &[u8] {
    let begun = bytes.len() - bytes.trim_ascii_start().len();
    let rest = bytes.get(begun..).unwrap_or_default();
    let blank = |line: &&[u8]| matches!(**line, [] | [b'\r'] | [b'\n'] | [b'\r', b'\n']);
    let length: usize =
        rest.split_inclusive(|byte| *byte == b'\n').take_while(|line| !blank(line)).map(<[u8]>::len).sum();
    bytes.get(..begun + length).unwrap_or_default()
}

/// A header block for a text that has none, so that it is read as the body of a mail is.
#[must_use]
pub fn as_mail(body: &[u8]) -> Vec<u8> {
    let charset = if std::str::from_utf8(body).is_ok() { "utf-8" } else { "windows-1252" };
    let head =
        format!("MIME-Version: 1.0\nContent-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: 8bit\n\n");
    [head.as_bytes(), body].concat()
}

/// UTF-8, apart from a character that the end may have cut in two.
fn is_text(beginning: &[u8]) -> bool {
    std::str::from_utf8(beginning).map_or_else(|error| error.valid_up_to() + 4 >= beginning.len(), |_| true)
}

fn has_header_block(bytes: &[u8]) -> bool {
    let mut lines = bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end).peekable();
    for _ in 0..BLANKS_MAX {
        if lines.next_if(|line| line.is_empty()).is_none() {
            break;
        }
    }
    if lines.next_if(|line| line.starts_with(b"From ") || line.starts_with(b">From ")).is_some() {
        // The line that begins a mail in an mbox; a text may begin with the word too.
        return lines.peek().is_some_and(|line| field_name(line).is_some());
    }
    let first = lines.peek().is_some_and(|line| field_name(line).is_some());
    let (mut of_mail, mut fields, mut others) = (Vec::new(), 0, 0);
    let folded = |line: &[u8]| matches!(line.first(), Some(b' ' | b'\t'));
    for line in lines.take(LINES_MAX).take_while(|line| !line.is_empty()) {
        match field_name(line) {
            Some(name) if is_of_mail(&name) => of_mail.push(name),
            Some(_) => fields += 1,
            None if folded(line) => {}
            None => others += 1,
        }
    }
    // A text that begins with a mail quoted without marks: the header as programs show it, not as it is sent.
    let shown = of_mail.iter().all(|name| matches!(name.as_str(), "from" | "to" | "cc" | "subject"));
    if shown && is_shown_header(bytes) {
        return false;
    }
    let enough = if first { 1 } else { FIELDS_MIN };
    of_mail.len() >= enough && of_mail.len() + fields >= others
}

/// Whether the first lines have the `Sent:` that programs show where a mail has Date.
fn is_shown_header(bytes: &[u8]) -> bool {
    let lines = bytes.split(|byte| *byte == b'\n').take(LINES_MAX).map(<[u8]>::trim_ascii);
    let mut block = lines.skip_while(|line| line.is_empty()).take_while(|line| !line.is_empty());
    block.any(|line| field_name(line).as_deref() == Some("sent"))
}

/// The name of a field in lower case (RFC 5322 section 2.2); `None` when the line is no field.
fn field_name(line: &[u8]) -> Option<String> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let name = line.get(..colon)?.trim_ascii_end();
    let plain = !name.is_empty() && name.iter().all(u8::is_ascii_graphic);
    plain.then(|| decode::text(name, None).to_ascii_lowercase())
}

fn is_of_mail(name: &str) -> bool {
    FIELDS.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_blocks_make_a_mail_even_when_they_begin_badly() {
        for mail in [
            "From: a@b.example\nTo: c@d.example\n\nHello",
            "Subject : old\r\n\r\nHello",
            "From  : a@b.example\nTo    : c@d.example\n__\n   more\n\nHello",
            "From a@b.example Mon Nov  2 10:00:00 2026\nX-Spam: no\n\nHello",
            "\n   \nReceived: from x by y;\n\tMon\nSubject: a\n\nHello",
            "garbage here\nFrom: a@b.example\nTo: c@d.example\nSubject: x\n\nHello",
            "Content-Type: multipart/mixed; boundary=a\n\n--a--",
            "Fro :umm\nTo: c@d.example\nSubject: x\n\nHello",
        ] {
            assert_eq!(of(mail.as_bytes()), Shape::Mail, "{mail}");
        }
    }

    #[test]
    fn texts_that_begin_like_a_field_are_bodies() {
        for body in [
            "Hello\n\nSubject: this is not one",
            "Hi: how are you?\n\nFrom: me",
            "Note: the server is down.\nFrom now on: use the other.\n\n> From: x",
            "Reference : T1/2\n\nThank you",
            "From now on I am away.\n\nAna",
            "From: Ana\nSent: Monday, 2 November 2026 10:00\nTo: Bo\nSubject: x\n\nHello",
            "Subject: to a word of yours\nI write to you\nbecause it is so\nand not so",
            "https://example.org/\n\nsee there",
            "-----BEGIN PGP MESSAGE-----\nVersion: x\n\nabc",
            "Grüße\n",
        ] {
            assert_eq!(of(body.as_bytes()), Shape::Body, "{body}");
        }
    }

    #[test]
    fn what_is_neither_is_said() {
        assert!(matches!(of(b" \r\n"), Shape::Other(_)));
        assert!(matches!(of(b"PK\x03\x04\0\0"), Shape::Other(_)));
        assert!(matches!(of(b"\x99\x01\x0d\xff\xfe\x01\x02\x03\x04\x05"), Shape::Other(_)));
        assert!(matches!(of(b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nabc"), Shape::Other(_)));
    }

    #[test]
    fn a_body_in_an_old_charset_is_read() {
        let read = |body: &[u8]| crate::mail::parse::parse(&as_mail(body), &crate::mail::parse::Limits::default()).text;
        assert_eq!(read("Grüße\n".as_bytes()).trim(), "Grüße");
        assert_eq!(read(b"Gr\xfc\xdfe\n").trim(), "Grüße");
        assert_eq!(read(b"\nSubject: no header\n").trim(), "Subject: no header");
    }
}
