//! Fields and encodings of MIME, read by mail-parser; the only file that talks to it.
//!
//! Never sees a whole mail: the tree of parts is walked by [`super::mime`] without recursion and
//! within limits, which the library's own walk cannot promise (dropping its nested messages
//! recurses). Never fails: what cannot be read is given back as it stands, or as `None`.

use std::borrow::Cow;

use mail_parser::decoders::base64::base64_decode;
use mail_parser::decoders::charsets::map::charset_decoder;
use mail_parser::decoders::quoted_printable::quoted_printable_decode;
use mail_parser::parsers::MessageStream;
use mail_parser::{Addr, Address as AddressField, HeaderValue};

/// Encoded words (RFC 2047) looked at in one field. A field with more is hostile and stays undecoded:
/// looking for the end of each of many unfinished words takes quadratic time.
const ENCODED_WORDS_MAX: usize = 500;

/// Bytes of a Content-Type or Content-Disposition that are read; parameters are looked up one by one.
const MEDIA_TYPE_MAX_BYTES: usize = 8 * 1024;

/// A media type or disposition with its parameters (RFC 2045 section 5, RFC 2231).
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

    /// The first parameter of that name (names are given in lower case).
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// One entry of an address header before it is checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawAddress {
    /// Display name or comment, decoded.
    pub name: Option<String>,
    /// What stands where the address belongs.
    pub address: Option<String>,
}

/// Decodes the encoded words of an unstructured field (RFC 2047).
#[must_use]
pub fn unstructured(raw: &str) -> String {
    if !raw.contains("=?") || too_many_words(raw) {
        return raw.to_owned();
    }
    let line = format!("{}\n", join_words(raw));
    if let HeaderValue::Text(text) = MessageStream::new(line.as_bytes()).parse_unstructured() {
        return text.into_owned();
    }
    raw.to_owned()
}

/// The entries of an address header (RFC 5322 section 3.4), groups opened, at most `most` of them.
#[must_use]
pub fn addresses(raw: &str, most: usize) -> Vec<RawAddress> {
    let line = if too_many_words(raw) { format!("{}\n", raw.replace("=?", "= ?")) } else { format!("{raw}\n") };
    let entry = |addr: Addr<'_>| RawAddress {
        name: addr.name.map(Cow::into_owned),
        address: addr.address.map(Cow::into_owned),
    };
    let HeaderValue::Address(field) = MessageStream::new(line.as_bytes()).parse_address() else { return Vec::new() };
    match field {
        AddressField::List(list) => list.into_iter().take(most).map(entry).collect(),
        AddressField::Group(groups) => {
            groups.into_iter().flat_map(|group| group.addresses).take(most).map(entry).collect()
        }
    }
}

/// Reads a Content-Type or Content-Disposition.
#[must_use]
pub fn media_type(raw: &str) -> MediaType {
    let line = format!("{}\n", cut(raw, MEDIA_TYPE_MAX_BYTES));
    let HeaderValue::ContentType(read) = MessageStream::new(line.as_bytes()).parse_content_type() else {
        return MediaType::default();
    };
    let essence = match &read.c_subtype {
        Some(subtype) => format!("{}/{subtype}", read.c_type),
        None => read.c_type.to_string(),
    };
    let parameters = read.attributes.unwrap_or_default();
    MediaType {
        essence: essence.to_ascii_lowercase(),
        parameters: parameters.into_iter().map(|a| (a.name.to_ascii_lowercase(), unstructured(&a.value))).collect(),
    }
}

/// Undoes base64 (RFC 2045 section 6.8). `false` beside it: something else stood between and was left out.
#[must_use]
pub fn base64(bytes: &[u8]) -> (Vec<u8>, bool) {
    if let Some(decoded) = base64_decode(bytes) {
        return (decoded, true);
    }
    let inside = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    let kept: Vec<u8> = bytes.iter().copied().filter(inside).collect();
    (base64_decode(&kept).unwrap_or_default(), false)
}

/// Undoes quoted-printable (RFC 2045 section 6.7). `false` beside it: it was not so encoded and is given back as it stands.
#[must_use]
pub fn quoted_printable(bytes: &[u8]) -> (Vec<u8>, bool) {
    match quoted_printable_decode(bytes) {
        Some(decoded) => (decoded, true),
        None => (bytes.to_vec(), false),
    }
}

/// Text in a charset (RFC 2978 name). Without one, or with a wrong one, UTF-8 is tried first and Windows-1252 last.
#[must_use]
pub fn text(bytes: &[u8], charset: Option<&str>) -> String {
    let name = charset.unwrap_or_default().trim().to_ascii_lowercase();
    let vague =
        matches!(name.as_str(), "" | "us-ascii" | "ascii" | "utf-8" | "utf8" | "unknown-8bit" | "8bit" | "binary");
    if vague {
        return match (std::str::from_utf8(bytes), charset_decoder(b"windows-1252")) {
            (Ok(text), _) => text.trim_start_matches('\u{feff}').to_owned(),
            (Err(_), Some(decode)) if !name.starts_with("utf") => decode(bytes),
            (Err(_), _) => String::from_utf8_lossy(bytes).into_owned(),
        };
    }
    match charset_decoder(name.as_bytes()) {
        Some(decode) => decode(bytes),
        None => text(bytes, None),
    }
}

/// Takes the tags out of HTML, without layout.
#[must_use]
pub fn html_without_tags(html: &str) -> String {
    mail_parser::decoders::html::html_to_text(html)
}

/// The longest beginning of `text` of at most `most` bytes that ends between two characters.
#[must_use]
pub fn cut(text: &str, most: usize) -> &str {
    text.get(..text.floor_char_boundary(most)).unwrap_or_default()
}

/// Joins neighbouring encoded words of one charset and encoding: many programs cut a character in two between them.
fn join_words(raw: &str) -> String {
    let mut joined = String::with_capacity(raw.len());
    let mut before: Option<String> = None;
    for word in raw.split_ascii_whitespace() {
        let parts = encoded_word(word);
        let prefix = parts.map(|(prefix, _)| prefix.to_ascii_lowercase());
        // Base64 that ends in padding cannot be continued.
        let continues = prefix.is_some() && prefix == before && !joined.ends_with("=?=");
        match parts {
            Some((_, data)) if continues => {
                joined.truncate(joined.len() - 2);
                joined.push_str(data);
            }
            _ => {
                if !joined.is_empty() {
                    joined.push(' ');
                }
                joined.push_str(word);
            }
        }
        before = prefix;
    }
    joined
}

/// `=?charset?encoding?` and the rest of a word that is wholly one encoded word.
fn encoded_word(word: &str) -> Option<(&str, &str)> {
    let mut fields = word.strip_prefix("=?")?.strip_suffix("?=")?.split('?');
    let (charset, encoding, data) = (fields.next()?, fields.next()?, fields.next()?);
    let whole = fields.next().is_none() && !charset.is_empty() && encoding.len() == 1 && !data.is_empty();
    if whole { word.split_at_checked(charset.len() + encoding.len() + 4) } else { None }
}

fn too_many_words(raw: &str) -> bool {
    raw.matches("=?").nth(ENCODED_WORDS_MAX).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_cut_in_two_between_encoded_words_is_whole() {
        for (raw, expected) in [
            ("=?utf-8?q?gr=C3?= =?UTF-8?Q?=BCn?=", "grün"),
            ("=?utf-8?b?Z3LD?= =?utf-8?b?vG4=?= =?utf-8?b?IQ==?=", "grün!"),
            ("a =?utf-8?q?b?= c =?iso-8859-1?q?=FC?= =?utf-8?q?d?=", "a b c üd"),
            ("=?x =?utf-8?q?a", "=?x =?utf-8?q?a"),
        ] {
            assert_eq!(unstructured(raw).replace("  ", " "), expected, "{raw}");
        }
    }

    #[test]
    fn broken_encodings_give_what_can_be_read() {
        assert_eq!(base64(b"aGVs\r\nbG8="), (b"hello".to_vec(), true));
        assert_eq!(base64(b"aGVs*bG8="), (b"hello".to_vec(), false));
        assert_eq!(quoted_printable(b"a=3Db=\r\nc"), (b"a=bc".to_vec(), true));
        assert_eq!(quoted_printable(b"a=ZZ"), (b"a=ZZ".to_vec(), false));
    }

    #[test]
    fn parameters_of_rfc_2231_and_2047_are_read() {
        let read = media_type("Attachment; filename*0*=utf-8''gr%C3%BC; filename*1*=n.txt");
        assert_eq!((read.essence.as_str(), read.parameter("filename")), ("attachment", Some("grün.txt")));
        assert_eq!(media_type("text/plain; name=\"=?utf-8?q?=C3=BC?=\"").parameter("name"), Some("ü"));
    }
}
