//! The header block of a mail or part, field by field.
//!
//! Never interprets a field beyond unfolding and encoded words; never fails: a line that is no
//! field is left out and noted, a block over the limits is cut and noted.

use std::fmt;

use super::charset;
use super::decode;
use super::limits::{Defect, Defects, Limits};
use crate::domain::id::MessageId;

/// The prefix of header names that only this program writes.
const OWN_PREFIX: &str = "x-postern-";

/// The one of them that is looked at in incoming mail, and only to know our own mail again.
pub const INSTANCE_HEADER: &str = "X-Postern-Instance";

/// Bytes of a body in which the charset of its first part is looked for.
const CHARSET_WITHIN_BYTES: usize = 16 * 1024;

/// Lines behind one that is no field in which another field is looked for.
const AHEAD_LINES_MAX: usize = 20;

/// Message-IDs taken from one field.
const MESSAGE_IDS_MAX: usize = 100;

/// One header field.
#[derive(Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name as written.
    pub name: String,
    /// Its unfolded value before encoded words are decoded: what structured fields are read from.
    pub raw: String,
    /// Its unfolded value with encoded words decoded (RFC 2047).
    pub value: String,
}

/// Header fields in the order they stand. Control fields of ours (`X-Postern-…`) are left out on reading: a
/// stranger may write them as well as we. Only `X-Postern-Instance` stays, for loop detection.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers {
    fields: Vec<Field>,
}

impl Headers {
    /// The decoded value of the topmost field of that name; names are compared without regard to case.
    #[must_use]
    pub fn first(&self, name: &str) -> Option<&str> {
        self.topmost(name).map(|field| field.value.as_str())
    }

    /// The decoded values of all fields of that name, topmost first.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.named(name).map(|field| field.value.as_str())
    }

    /// The undecoded value of the topmost field of that name.
    #[must_use]
    pub fn first_raw(&self, name: &str) -> Option<&str> {
        self.topmost(name).map(|field| field.raw.as_str())
    }

    /// The undecoded values of all fields of that name, topmost first.
    pub fn all_raw<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.named(name).map(|field| field.raw.as_str())
    }

    /// How often a field of that name stands there.
    #[must_use]
    pub fn count(&self, name: &str) -> usize {
        self.named(name).count()
    }

    /// Every field in order.
    pub fn iter(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter()
    }

    /// The Message-IDs of all fields of that name, in order.
    #[must_use]
    pub fn message_ids(&self, name: &str) -> Vec<MessageId> {
        self.all_raw(name).flat_map(message_ids).take(MESSAGE_IDS_MAX).collect()
    }

    /// Reads a header block alone, such as that of a returned mail.
    #[must_use]
    pub fn parse(bytes: &[u8], limits: &Limits) -> Self {
        read(bytes, limits, &mut Defects::default(), |_| false).headers
    }

    fn topmost(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name.eq_ignore_ascii_case(name))
    }

    fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Field> {
        self.fields.iter().filter(move |field| field.name.eq_ignore_ascii_case(name))
    }
}

/// Values stay out of logs: the debug form shows only the names.
impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.fields.iter().map(|field| &field.name)).finish()
    }
}

/// A header block and where its body begins.
#[derive(Debug)]
pub(super) struct Block {
    /// The fields.
    pub(super) headers: Headers,
    /// Offset of the first byte of the body.
    pub(super) body: usize,
}

/// Reads the block at the beginning of `bytes`, up to an empty line or a line at which `stops` says so.
pub(super) fn read(bytes: &[u8], limits: &Limits, defects: &mut Defects, stops: impl Fn(&[u8]) -> bool) -> Block {
    let mut fields: Vec<(String, Vec<u8>)> = Vec::new();
    let mut position = 0;
    let (mut lines, mut kept_bytes) = (0, 0_usize);
    let mut in_field = false;
    while let Some((line, next)) = line_at(bytes, position) {
        if line.is_empty() {
            position = next;
            break;
        }
        if stops(line) {
            break;
        }
        let begun = std::mem::replace(&mut position, next);
        lines += 1;
        // Of an endless line no more counts than is kept of it.
        kept_bytes = kept_bytes.saturating_add(line.len().min(limits.line_bytes));
        if lines > limits.header_lines || kept_bytes > limits.header_block_bytes {
            defects.note(Defect::HeadersCut);
            continue;
        }
        if matches!(line.first(), Some(b' ' | b'\t')) {
            if let Some((_, value)) = fields.last_mut().filter(|_| in_field) {
                value.push(b' ');
                append(value, line.trim_ascii(), limits, defects);
            }
            continue;
        }
        in_field = false;
        if let Some((name, value)) = split_field(line) {
            // Our own control fields are dropped with their continuation lines.
            if name.to_ascii_lowercase().starts_with(OWN_PREFIX) && !name.eq_ignore_ascii_case(INSTANCE_HEADER) {
                continue;
            }
            let mut kept = Vec::new();
            append(&mut kept, value.trim_ascii(), limits, defects);
            fields.push((name, kept));
            in_field = true;
        } else if !(lines == 1 && (line.starts_with(b"From ") || line.starts_with(b">From "))) {
            defects.note(Defect::MalformedHeader);
            if !fields.is_empty() && !goes_on(bytes.get(next..).unwrap_or_default()) {
                // The empty line is missing: here the body begins.
                position = begun;
                break;
            }
        }
    }
    let charset = declared_charset(&fields, bytes.get(position..).unwrap_or_default());
    let fields = fields.into_iter().map(|named| field(named, charset.as_deref())).collect();
    Block { headers: Headers { fields }, body: position }
}

/// The charset that a mail declares, for header fields that are neither encoded nor UTF-8: that of its Content-Type, else
/// of its first part.
fn declared_charset(fields: &[(String, Vec<u8>)], body: &[u8]) -> Option<String> {
    if fields.iter().all(|(_, value)| std::str::from_utf8(value).is_ok()) {
        return None;
    }
    let own = fields.iter().find(|(name, _)| name.eq_ignore_ascii_case("Content-Type"));
    let own = own.and_then(|(_, value)| {
        let media = decode::media_type(&String::from_utf8_lossy(value));
        media.parameter("charset").map(str::to_owned)
    });
    own.or_else(|| {
        let beginning = body.get(..body.len().min(CHARSET_WITHIN_BYTES))?.to_ascii_lowercase();
        let text = String::from_utf8_lossy(&beginning);
        let (_, behind) = text.split_once("charset=")?;
        let inside = |c: char| c.is_ascii_alphanumeric() || "-_:.".contains(c);
        Some(behind.trim_start_matches('"').chars().take(40).take_while(|c| inside(*c)).collect())
    })
}

/// The line at `position` without its end (LF or CRLF), and where the next begins; `None` at the end.
pub(super) fn line_at(bytes: &[u8], position: usize) -> Option<(&[u8], usize)> {
    let rest = bytes.get(position..).filter(|rest| !rest.is_empty())?;
    let (line, next) = match rest.iter().position(|byte| *byte == b'\n') {
        Some(end) => (rest.get(..end).unwrap_or_default(), position + end + 1),
        None => (rest, bytes.len()),
    };
    Some((line.strip_suffix(b"\r").unwrap_or(line), next))
}

/// The ids of a Message-ID, In-Reply-To or References field; without angle brackets, each word that has an `@`.
fn message_ids(raw: &str) -> Vec<MessageId> {
    let joined = |id: &str| MessageId::parse(&id.split_whitespace().collect::<String>());
    if raw.contains('<') {
        // A bracket that is not closed ends at the next blank.
        let id = |piece: &str| match piece.split_once('>') {
            Some((id, _)) => joined(id),
            None => piece.split_whitespace().next().filter(|word| word.contains('@')).and_then(joined),
        };
        return raw.split('<').skip(1).filter_map(id).take(MESSAGE_IDS_MAX).collect();
    }
    let around = |c: char| c == ',' || c == ';' || c == '"' || c == '>';
    raw.split_whitespace()
        .map(|word| word.trim_matches(around))
        .filter(|word| word.contains('@'))
        .filter_map(MessageId::parse)
        .take(MESSAGE_IDS_MAX)
        .collect()
}

/// Whether another field, and the empty line that ends a block, follow soon.
fn goes_on(bytes: &[u8]) -> bool {
    let (mut position, mut field) = (0, false);
    for _ in 0..AHEAD_LINES_MAX {
        let Some((line, next)) = line_at(bytes, position) else { return false };
        if line.trim_ascii().is_empty() {
            return field;
        }
        field |= split_field(line).is_some();
        position = next;
    }
    field
}

fn split_field(line: &[u8]) -> Option<(String, &[u8])> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let name = line.get(..colon)?.trim_ascii_end();
    let value = line.get(colon + 1..)?;
    if name.is_empty() || !name.iter().all(u8::is_ascii_graphic) {
        return None;
    }
    Some((String::from_utf8_lossy(name).into_owned(), value))
}

fn append(value: &mut Vec<u8>, piece: &[u8], limits: &Limits, defects: &mut Defects) {
    let room = limits.line_bytes.saturating_sub(value.len());
    if piece.len() > room {
        defects.note(Defect::LineCut);
    }
    value.extend(piece.iter().take(room).map(|byte| if matches!(byte, 0 | b'\r') { b' ' } else { *byte }));
}

fn field((name, bytes): (String, Vec<u8>), charset: Option<&str>) -> Field {
    let raw = charset::header(&bytes, charset).trim().to_owned();
    let value = decode::unstructured(&raw);
    Field { name, raw, value }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(text: &str) -> (Headers, usize, Vec<Defect>) {
        let mut defects = Defects::default();
        let block = read(text.as_bytes(), &Limits::default(), &mut defects, |_| false);
        (block.headers, block.body, defects.into_vec())
    }

    #[test]
    fn fields_are_unfolded_decoded_and_kept_in_order() {
        let (headers, body, defects) =
            block("Subject: =?utf-8?q?gr=C3=BC?=\r\n =?utf-8?q?n?=\r\nsubject : b\r\n\r\nrest: c");
        assert_eq!(headers.first("SUBJECT"), Some("grün"));
        assert_eq!(headers.first_raw("subject"), Some("=?utf-8?q?gr=C3=BC?= =?utf-8?q?n?="));
        assert_eq!(headers.all("Subject").collect::<Vec<_>>(), ["grün", "b"]);
        assert_eq!((headers.count("subject"), headers.count("rest")), (2, 0));
        assert!(defects.is_empty() && body == 62, "{body}");
    }

    #[test]
    fn our_own_control_fields_in_a_strangers_mail_are_not_there() {
        let (headers, _, _) = block("X-Postern-Verdict: signed\n by us\nx-postern-INSTANCE: a\nSubject: s\n\n");
        assert_eq!(headers.count("X-Postern-Verdict"), 0);
        assert_eq!(headers.first(INSTANCE_HEADER), Some("a"));
        assert_eq!(headers.iter().count(), 2);
    }

    #[test]
    fn a_block_over_the_limits_is_cut_and_the_body_still_found() {
        let (headers, body, defects) = block(&format!("{}\nbody", "A: b\n".repeat(5000)));
        assert_eq!((headers.iter().count(), body), (1000, 25_001));
        assert_eq!(defects, [Defect::HeadersCut]);
        let (headers, _, defects) = block(&format!("To: {}\n\n", "a@b.c,".repeat(20_000)));
        assert_eq!(headers.first_raw("to").unwrap().len(), 64 * 1024);
        assert!(defects.contains(&Defect::LineCut));
    }

    #[test]
    fn lines_that_are_no_fields_are_noted_but_an_mbox_line_is_not() {
        let (headers, _, defects) = block("From a@b Mon\nSubject: s\n\n");
        assert!(headers.first("Subject") == Some("s") && defects.is_empty());
        assert_eq!(block("Subject: s\nwhat is this\n\n").2, [Defect::MalformedHeader]);
    }

    #[test]
    fn ids_are_found_with_and_without_brackets() {
        let ids = |text: &str| message_ids(text).iter().map(|id| id.as_str().to_owned()).collect::<Vec<_>>();
        assert_eq!(ids("<a@b> <c@d>, <e@\t f>"), ["a@b", "c@d", "e@f"]);
        assert_eq!(ids("a@b c@d"), ["a@b", "c@d"]);
        assert_eq!(ids("your message of Monday"), Vec::<String>::new());
        assert_eq!(ids(&"<a@b>".repeat(100_000)).len(), MESSAGE_IDS_MAX);
    }
}
