//! Content-Type and Content-Disposition with their parameters (RFC 2045 section 5, RFC 2183, RFC 2231), as they are written.
//!
//! Never fails: what cannot be read is left out. Looks at a bounded number of bytes.

use super::charset;
use super::decode;
use super::words;

/// Bytes of a Content-Type or Content-Disposition that are read; parameters are looked up one by one.
const FIELD_MAX_BYTES: usize = 8 * 1024;

/// Parameters of one field.
const PARAMETERS_MAX: usize = 200;

/// A media type or disposition with its parameters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MediaType {
    /// `type/subtype`, or the disposition alone, in lower case.
    pub essence: String,
    parameters: Vec<(String, String)>,
}

impl MediaType {
    /// A type without parameters.
    #[must_use]
    pub fn of(essence: &str) -> Self {
        Self { essence: essence.to_owned(), parameters: Vec::new() }
    }

    /// The parameter of that name (names are given in lower case); of two, the first.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Reads a Content-Type or Content-Disposition.
#[must_use]
pub fn media_type(raw: &str) -> MediaType {
    let field = decode::cut(raw, FIELD_MAX_BYTES);
    let bare = after_comments(field);
    let end = bare.find(|c: char| c == ';' || c == '(' || c.is_whitespace() || c == '=').unwrap_or(bare.len());
    let (mut essence, mut rest) = bare.split_at_checked(end).unwrap_or((bare, ""));
    if rest.starts_with('=') {
        // There is no type, only parameters.
        (essence, rest) = ("", bare);
    }
    let essence: String = joined_type(essence, &mut rest);
    MediaType { essence, parameters: combined(parameters(rest)) }
}

/// The type, also where blanks or comments stand around its slash.
fn joined_type(first: &str, rest: &mut &str) -> String {
    let mut essence = first.trim_matches('"').to_ascii_lowercase();
    let behind = after_comments(rest);
    if essence.ends_with('/') || behind.starts_with('/') {
        let end = behind.find([';', '(']).unwrap_or(behind.len());
        let (second, tail) = behind.split_at_checked(end).unwrap_or((behind, ""));
        if !second.contains('=') {
            essence.push_str(&second.split_whitespace().collect::<String>().to_ascii_lowercase());
            *rest = tail;
        }
    }
    essence
}

/// One parameter as it is written.
struct Written {
    name: String,
    value: String,
}

fn parameters(text: &str) -> Vec<Written> {
    let mut found = Vec::new();
    let mut rest = text;
    while found.len() < PARAMETERS_MAX {
        rest = after_comments(rest.trim_start_matches(|c: char| c == ';' || c == ',' || c.is_whitespace()));
        if rest.is_empty() {
            break;
        }
        if rest.starts_with(';') {
            continue;
        }
        let end = rest.find(['=', ';']).unwrap_or(rest.len());
        let (name, tail) = rest.split_at_checked(end).unwrap_or((rest, ""));
        let Some(tail) = tail.strip_prefix('=') else {
            rest = tail;
            continue;
        };
        let name = name.split_whitespace().next_back().unwrap_or_default().to_ascii_lowercase();
        let (value, after) = value(tail, is_file_name(&name));
        rest = after;
        found.push(Written { name, value });
    }
    found
}

/// Whether a parameter names a file: blanks and brackets in it are part of the name.
fn is_file_name(name: &str) -> bool {
    name.starts_with("name") || name.starts_with("filename")
}

/// The value at the beginning of `text`, and what stands behind it.
fn value(text: &str, file_name: bool) -> (String, &str) {
    let text = text.trim_start();
    if let Some(inner) = text.strip_prefix('"') {
        if let Some((value, after)) = quoted(inner) {
            return (value, after);
        }
        // The quote never ends: what stands before the next parameter is the value.
        let end = inner.find(';').unwrap_or(inner.len());
        let (value, after) = inner.split_at_checked(end).unwrap_or((inner, ""));
        return (value.trim().to_owned(), after);
    }
    let stops = |c: char| c == ';' || (!file_name && (c.is_whitespace() || c == '('));
    let end = text.find(stops).unwrap_or(text.len());
    let (value, after) = text.split_at_checked(end).unwrap_or((text, ""));
    (value.trim().trim_end_matches('"').to_owned(), after)
}

/// A quoted value up to its end; only quotes and backslashes can be escaped, so that a path survives.
fn quoted(inner: &str) -> Option<(String, &str)> {
    let (mut value, mut escaped) = (String::new(), false);
    for (at, c) in inner.char_indices() {
        match c {
            '"' | '\\' if escaped => value.push(c),
            '\\' => {
                escaped = true;
                continue;
            }
            '"' => return Some((value, inner.get(at + 1..)?)),
            c if escaped => value.extend(['\\', c]),
            c => value.push(c),
        }
        escaped = false;
    }
    None
}

/// The text behind any comments and blanks at its beginning; the whole when a comment never ends.
fn after_comments(text: &str) -> &str {
    let mut rest = text.trim_start();
    while rest.starts_with('(') {
        let (mut depth, mut end) = (0_usize, None);
        for (at, c) in rest.char_indices() {
            match c {
                '(' => depth += 1,
                ')' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                end = Some(at + 1);
                break;
            }
        }
        let Some(after) = end.and_then(|end| rest.get(end..)) else { return "" };
        rest = after.trim_start();
    }
    rest
}

/// Puts the pieces of each parameter together (RFC 2231 section 3) and decodes them (section 4).
fn combined(written: Vec<Written>) -> Vec<(String, String)> {
    let mut whole: Vec<(String, String)> = Vec::new();
    let mut pieces: Vec<(String, Vec<Piece>)> = Vec::new();
    for Written { name, value } in written {
        let Some((base, section)) = name.split_once('*') else {
            if !whole.iter().any(|(known, _)| *known == name) {
                whole.push((name, value));
            }
            continue;
        };
        let coded = section.is_empty() || section.ends_with('*');
        let number = section.trim_end_matches('*').parse().unwrap_or(0_usize);
        let piece = Piece { number, coded, value };
        match pieces.iter_mut().find(|(known, _)| known == base) {
            Some((_, list)) => list.push(piece),
            None => pieces.push((base.to_owned(), vec![piece])),
        }
    }
    for (_, value) in &mut whole {
        *value = words::unstructured(value);
    }
    for (name, mut list) in pieces {
        list.sort_by_key(|piece| piece.number);
        let value = join(&list);
        // What is encoded so says more than what is repeated for old programs.
        whole.retain(|(known, _)| *known != name);
        whole.push((name, value));
    }
    whole
}

struct Piece {
    number: usize,
    coded: bool,
    value: String,
}

fn join(pieces: &[Piece]) -> String {
    let mut charset: Option<&str> = None;
    let mut octets = Vec::new();
    for (at, piece) in pieces.iter().enumerate() {
        let mut value = piece.value.as_str();
        if at == 0 && piece.coded {
            let mut parts = value.splitn(3, '\'');
            if let (Some(name), Some(_), Some(rest)) = (parts.next(), parts.next(), parts.next()) {
                (charset, value) = (Some(name), rest);
            }
        }
        if piece.coded {
            percent(value, &mut octets);
        } else {
            octets.extend(value.as_bytes());
        }
    }
    words::unstructured(&charset::text(&octets, charset))
}

fn percent(value: &str, octets: &mut Vec<u8>) {
    let mut rest = value.as_bytes();
    while let Some((byte, tail)) = rest.split_first() {
        let hex = tail.get(..2).filter(|hex| *byte == b'%' && hex.iter().all(u8::is_ascii_hexdigit));
        let code = hex.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        octets.push(code.unwrap_or(*byte));
        rest = if code.is_some() { tail.get(2..).unwrap_or_default() } else { tail };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(raw: &str) -> Option<String> {
        let read = media_type(raw);
        read.parameter("filename").or_else(|| read.parameter("name")).map(str::to_owned)
    }

    #[test]
    fn parameters_of_rfc_2231_and_2047_are_read() {
        for (raw, expected) in [
            ("Attachment; filename*0*=utf-8''gr%C3%BC; filename*1*=n.txt", "grün.txt"),
            ("attachment; filename*1=\"n.txt\"; filename*0*=utf-8''gr%C3%BC", "grün.txt"),
            ("attachment; filename*0*=utf-8''gr%C3; filename*1*=%BCn.txt", "grün.txt"),
            ("attachment; filename*=windows-1251''%CF%F0%E8.txt; filename=x.txt", "При.txt"),
            ("attachment; filename*=\"utf-8'de'it's%20it\"", "it's it"),
            ("attachment; filename*=plain%20name", "plain name"),
            ("attachment; filename*0=\"=?utf-8?q?gr=C3?= \"; filename*1=\"=?utf-8?q?=BCn?=\"", "grün"),
            ("text/plain; name=\"=?utf-8?q?gr=C3?= =?utf-8?q?=BCn?=\"", "grün"),
            ("text/plain; name=?= x", "?= x"),
            ("attachment; filename=my report (1).pdf; size=3", "my report (1).pdf"),
            ("attachment; filename=\"a;\\\"b\\\\c\\d.txt\"", "a;\"b\\c\\d.txt"),
            ("attachment; filename=\"never ends.txt; size=3", "never ends.txt"),
            ("attachment;filename = x.txt ;", "x.txt"),
        ] {
            assert_eq!(name(raw).as_deref(), Some(expected), "{raw}");
        }
    }

    #[test]
    fn types_are_read_however_they_are_written() {
        for (raw, essence, charset) in [
            ("Text/HTML; Charset=\"UTF-8\"", "text/html", "UTF-8"),
            ("text/plain (a; comment); charset=us-ascii (Plain text); x=y", "text/plain", "us-ascii"),
            ("text/plain charset=utf-8 format=flowed", "text/plain", "utf-8"),
            ("text/plain;; charset=utf-8", "text/plain", "utf-8"),
            ("text / plain; charset=utf-8", "text/plain", "utf-8"),
            ("(x) text/plain;charset = \"utf-8\"", "text/plain", "utf-8"),
            ("\"text/plain\"; charset=utf-8; charset=other", "text/plain", "utf-8"),
            ("charset=utf-8", "", "utf-8"),
            ("text; charset=utf-8", "text", "utf-8"),
        ] {
            let read = media_type(raw);
            assert_eq!((read.essence.as_str(), read.parameter("charset")), (essence, Some(charset)), "{raw}");
        }
        assert_eq!(
            media_type("multipart/mixed; boundary=\"----=_a (b) \"").parameter("boundary"),
            Some("----=_a (b) ")
        );
        assert_eq!(media_type("multipart/mixed; boundary=----=_a==").parameter("boundary"), Some("----=_a=="));
    }

    proptest::proptest! {
        #[test]
        fn any_field_is_read_without_panic(text in "([;=\"*'%( )\\\\/]|name|text|0|1|C3|é|.){0,60}") {
            let read = media_type(&text);
            proptest::prop_assert!(read.parameters.len() <= PARAMETERS_MAX);
        }
    }
}
