//! MIME bodies: quoted-printable text, base64 files, multiparts (RFC 2045, 2046, 2183, 2231).
//!
//! Everything is encoded to 7 bits, so that a signature over it survives any relay. Never uses a boundary that
//! occurs in the content.

use crate::domain::id::MessageId;
use crate::domain::token::digest_hex;

use super::{ATTACHMENTS_MAX, CONTENT_BYTES_MAX, ComposeError, Draft};

/// Characters of an encoded line (RFC 2045 sections 6.7 and 6.8).
const ENCODED_LINE: usize = 76;
/// Boundaries tried before giving up: content that holds one was made to.
const BOUNDARIES_MAX: u32 = 16;
/// Characters of a file name that are kept.
const NAME_CHARS_MAX: usize = 100;

/// One MIME part.
pub(super) struct Part {
    /// Value of Content-Type.
    pub(super) content_type: String,
    /// Its other fields, each with CRLF.
    pub(super) fields: String,
    /// The encoded content, ended by CRLF.
    pub(super) bytes: Vec<u8>,
}

impl Part {
    /// What follows the Content-Type field.
    pub(super) fn write_rest(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.fields.as_bytes());
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(&self.bytes);
    }

    /// The whole part.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.bytes.len() + 256);
        out.extend_from_slice(format!("Content-Type: {}\r\n", self.content_type).as_bytes());
        self.write_rest(&mut out);
        out
    }
}

/// The content of a draft: text, or text and HTML, with files around them where there are any.
pub(super) fn tree(draft: &Draft) -> Result<Part, ComposeError> {
    let files: usize = draft.attachments.iter().map(|file| file.bytes.len()).sum();
    let content = files + draft.text.len() + draft.html.as_ref().map_or(0, String::len);
    if content > CONTENT_BYTES_MAX || draft.attachments.len() > ATTACHMENTS_MAX {
        return Err(ComposeError::TooLarge);
    }
    let mut part = text_part("plain", &draft.text);
    if let Some(html) = &draft.html {
        part = multipart("alternative", &draft.message_id, &[part, text_part("html", html)])?;
    }
    if !draft.attachments.is_empty() {
        let files = draft.attachments.iter().map(|file| file_part(&file.name, &file.content_type, &file.bytes));
        part = multipart("mixed", &draft.message_id, &std::iter::once(part).chain(files).collect::<Vec<_>>())?;
    }
    Ok(part)
}

fn multipart(subtype: &str, id: &MessageId, parts: &[Part]) -> Result<Part, ComposeError> {
    let parts: Vec<Vec<u8>> = parts.iter().map(Part::to_bytes).collect();
    let boundary = boundary(id, subtype, &parts)?;
    let mut bytes = Vec::new();
    write_parts(&mut bytes, &boundary, &parts);
    Ok(Part { content_type: format!("multipart/{subtype};\r\n boundary=\"{boundary}\""), fields: String::new(), bytes })
}

/// A boundary that derives from the Message-ID and the level (each kind of multipart occurs once), and does not
/// occur in the parts.
pub(super) fn boundary(id: &MessageId, level: &str, parts: &[Vec<u8>]) -> Result<String, ComposeError> {
    (0..BOUNDARIES_MAX)
        .map(|attempt| {
            let digest = digest_hex(format!("{id} {level} {attempt}").as_bytes());
            format!("=_{}", digest.chars().take(32).collect::<String>())
        })
        .find(|boundary| !parts.iter().any(|part| occurs(part, boundary.as_bytes())))
        .ok_or(ComposeError::Boundary)
}

/// Whether octets occur in others. Looks closer only where the first of them stands: in encoded text that is seldom.
fn occurs(content: &[u8], sought: &[u8]) -> bool {
    let Some(first) = sought.first() else { return true };
    let mut rest = content;
    while let Some(at) = rest.iter().position(|octet| octet == first) {
        rest = rest.get(at..).unwrap_or_default();
        if rest.starts_with(sought) {
            return true;
        }
        rest = rest.get(1..).unwrap_or_default();
    }
    false
}

/// The parts between their boundaries. The CRLF before a boundary belongs to it (RFC 2046 section 5.1.1), so each
/// part stands there octet for octet.
pub(super) fn write_parts(out: &mut Vec<u8>, boundary: &str, parts: &[Vec<u8>]) {
    for (at, part) in parts.iter().enumerate() {
        out.extend_from_slice(format!("{}--{boundary}\r\n", if at == 0 { "" } else { "\r\n" }).as_bytes());
        out.extend_from_slice(part);
    }
    out.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
}

fn text_part(subtype: &str, text: &str) -> Part {
    Part {
        content_type: format!("text/{subtype}; charset=\"utf-8\""),
        fields: "Content-Transfer-Encoding: quoted-printable\r\n".to_owned(),
        bytes: quoted_printable(&crlf_lines(text)),
    }
}

/// The text with every CR, LF and CRLF as CRLF, and one at its end.
pub(super) fn crlf_lines(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut out = text.trim_end_matches('\n').replace('\n', "\r\n");
    out.push_str("\r\n");
    out
}

/// Quoted-printable (RFC 2045 section 6.7). Also encoded: blanks at the end of a line, which relays strip; the F of
/// `From ` and a dot at the start of a line, which some relays and stores change (RFC 3156 section 5).
fn quoted_printable(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + text.len() / 4);
    for line in text.split_terminator("\r\n") {
        let bytes = line.as_bytes();
        let mut column = 0;
        for (at, byte) in bytes.iter().enumerate() {
            let rest = bytes.get(at..).unwrap_or_default();
            let blank_at_end = matches!(byte, b' ' | b'\t') && rest.len() == 1;
            let literal = matches!(byte, b' ' | b'\t' | b'!'..=b'<' | b'>'..=b'~') && !blank_at_end;
            if column + if literal { 1 } else { 3 } > ENCODED_LINE - 1 {
                out.extend_from_slice(b"=\r\n");
                column = 0;
            }
            let fragile = column == 0 && (*byte == b'.' || rest.starts_with(b"From "));
            if literal && !fragile {
                out.push(*byte);
                column += 1;
            } else {
                out.extend_from_slice(format!("={byte:02X}").as_bytes());
                column += 3;
            }
        }
        out.extend_from_slice(b"\r\n");
    }
    out
}

/// Base64 (RFC 4648 section 4) without line breaks.
pub(super) fn base64(bytes: &[u8]) -> String {
    let mut out = Vec::with_capacity(bytes.len().div_ceil(3) * 4);
    write_base64(&mut out, bytes);
    String::from_utf8(out).unwrap_or_default()
}

fn write_base64(out: &mut Vec<u8>, bytes: &[u8]) {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let sextet = |group: u32, shift: u32| ALPHABET.get((group >> shift & 63) as usize).copied().unwrap_or(b'A');
    let (whole, rest) = bytes.as_chunks::<3>();
    for [first, second, third] in whole {
        let group = u32::from(*first) << 16 | u32::from(*second) << 8 | u32::from(*third);
        out.extend_from_slice(&[18, 12, 6, 0].map(|shift| sextet(group, shift)));
    }
    match rest {
        [first] => {
            let group = u32::from(*first) << 16;
            out.extend_from_slice(&[sextet(group, 18), sextet(group, 12), b'=', b'=']);
        }
        [first, second] => {
            let group = u32::from(*first) << 16 | u32::from(*second) << 8;
            out.extend_from_slice(&[sextet(group, 18), sextet(group, 12), sextet(group, 6), b'=']);
        }
        _ => {}
    }
}

fn file_part(name: &str, content_type: &str, bytes: &[u8]) -> Part {
    let mut encoded = Vec::with_capacity(bytes.len() + bytes.len() / 2);
    for chunk in bytes.chunks(ENCODED_LINE / 4 * 3) {
        write_base64(&mut encoded, chunk);
        encoded.extend_from_slice(b"\r\n");
    }
    if encoded.is_empty() {
        encoded.extend_from_slice(b"\r\n");
    }
    Part {
        content_type: media_type(content_type),
        fields: format!(
            "Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment;\r\n {}\r\n",
            file_name_parameter(&plain_file_name(name))
        ),
        bytes: encoded,
    }
}

/// A media type that may be sent in base64, else the one of unknown bytes.
fn media_type(given: &str) -> String {
    let lower = given.to_ascii_lowercase();
    let token = |text: &str| {
        !text.is_empty()
            && text.len() <= 64
            && text.chars().all(|c| c.is_ascii_alphanumeric() || "!#$&^_.+-".contains(c))
    };
    match lower.split_once('/') {
        Some((main, sub)) if token(main) && token(sub) && main != "multipart" && main != "message" => lower,
        Some(_) | None => "application/octet-stream".to_owned(),
    }
}

/// A file name without folders, and without what a shell, a file system or a person could be misled by.
fn plain_file_name(given: &str) -> String {
    let last = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let invisible = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    let kept: String = last
        .chars()
        .filter(|c| !invisible(*c))
        .map(|c| if "\"<>:|?*;`$%".contains(c) { '_' } else { c })
        .take(NAME_CHARS_MAX)
        .collect();
    let bare = kept.trim_matches(|c: char| c == '.' || c.is_whitespace());
    if bare.is_empty() { "attachment".to_owned() } else { bare.to_owned() }
}

/// `filename="…"`, or the continued and encoded form (RFC 2231 sections 3 and 4) for long or non-ASCII names.
fn file_name_parameter(name: &str) -> String {
    if name.is_ascii() && name.len() <= 60 {
        return format!("filename=\"{name}\"");
    }
    let mut lines: Vec<String> = Vec::new();
    let mut line = "utf-8''".to_owned();
    // Split between characters only: readers decode the pieces one by one.
    for c in name.chars() {
        if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') {
            line.push(c);
        } else {
            line.extend(c.encode_utf8(&mut [0; 4]).bytes().map(|byte| format!("%{byte:02X}")));
        }
        if line.len() > 48 {
            lines.push(std::mem::take(&mut line));
        }
    }
    if !line.is_empty() {
        lines.push(line);
    }
    let single = lines.len() == 1;
    let numbered = lines
        .iter()
        .enumerate()
        .map(|(at, line)| if single { format!("filename*={line}") } else { format!("filename*{at}*={line}") });
    numbered.collect::<Vec<_>>().join(";\r\n ")
}
