//! The Autocrypt header of a mail (Autocrypt Level 1): the key that its sender offers for answers.
//!
//! Never looks into the key, never stores or trusts it: it is a claim of whoever could write this mail. Never fails: a
//! header that breaks the rules is none.

use super::decode;
use super::parse::ParsedMail;
use crate::domain::id::Address;

/// Headers of one mail that are looked at.
const HEADERS_MAX: usize = 20;
/// Longest header value that is believed, in bytes; reading cuts a field that is longer, and half a key is none.
const VALUE_MAX_BYTES: usize = 60 * 1024;

/// A valid header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Autocrypt {
    /// Whose key it is: the author of the mail.
    pub addr: Address,
    /// Whether he wants encrypted mail without being asked.
    pub prefer_encrypt: PreferEncrypt,
    /// The key, in binary.
    pub keydata: Vec<u8>,
}

/// The `prefer-encrypt` attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PreferEncrypt {
    /// He does, if we do too.
    Mutual,
    /// He did not say so.
    NoPreference,
}

/// The outcome of looking for the header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// There is none.
    None,
    /// The only valid one.
    Valid(Autocrypt),
    /// There are some, but none is valid, or more than one is.
    Invalid,
}

/// The Autocrypt header of a mail. Several valid ones are as good as none, and so is one of another address.
#[must_use]
pub fn header(mail: &ParsedMail) -> Found {
    if mail.headers.count("Autocrypt") == 0 {
        return Found::None;
    }
    // Not the author that we would answer, whom less doubt unseats: the rule asks for one address in From.
    let [from] = mail.from.as_slice() else { return Found::Invalid };
    let Some(from) = &from.address else { return Found::Invalid };
    let mut valid = mail.headers.all_raw("Autocrypt").take(HEADERS_MAX).filter_map(|value| parse(value, from));
    match (valid.next(), valid.next()) {
        (Some(only), None) => Found::Valid(only),
        (Some(_) | None, _) => Found::Invalid,
    }
}

fn parse(value: &str, from: &Address) -> Option<Autocrypt> {
    if value.len() > VALUE_MAX_BYTES {
        return None;
    }
    let (mut addr, mut prefer_encrypt, mut keydata) = (None, None, None);
    for attribute in value.split(';').map(str::trim).filter(|attribute| !attribute.is_empty()) {
        let (name, value) = attribute.split_once('=')?;
        let name = name.trim().to_ascii_lowercase();
        let place = match name.as_str() {
            "addr" => &mut addr,
            "prefer-encrypt" => &mut prefer_encrypt,
            "keydata" => &mut keydata,
            // Attributes that may be ignored begin with an underscore; any other unknown one is critical.
            name if name.starts_with('_') => continue,
            _ => return None,
        };
        if place.replace(value.trim()).is_some() {
            return None;
        }
    }
    let addr = Address::parse(addr?).filter(|addr| addr.same_mailbox(from))?;
    let mutual = prefer_encrypt.is_some_and(|value| value.eq_ignore_ascii_case("mutual"));
    Some(Autocrypt {
        addr,
        prefer_encrypt: if mutual { PreferEncrypt::Mutual } else { PreferEncrypt::NoPreference },
        keydata: key(keydata?)?,
    })
}

/// Strict base64 with any white space between (RFC 4648 section 4): half a key is worse than none.
fn key(text: &str) -> Option<Vec<u8>> {
    let packed: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let data = packed.trim_end_matches('=');
    let plain = data.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'));
    if data.is_empty() || !plain || packed.len() - data.len() > 2 || !packed.len().is_multiple_of(4) {
        return None;
    }
    let (bytes, whole) = decode::base64(packed.as_bytes());
    (whole && !bytes.is_empty()).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::parse::{Limits, parse};

    fn found(headers: &str) -> Found {
        header(&parse(format!("From: Ana <Ana@example.org>\n{headers}\n\nHello").as_bytes(), &Limits::default()))
    }

    #[test]
    fn a_valid_header_gives_the_key() {
        let Found::Valid(header) = found("Autocrypt: addr=ana@example.org; prefer-encrypt=mutual; keydata=AAEC\n AwQF")
        else {
            panic!("not valid")
        };
        assert_eq!(header.keydata, [0, 1, 2, 3, 4, 5]);
        assert_eq!(header.prefer_encrypt, PreferEncrypt::Mutual);
        assert_eq!(header.addr.as_str(), "ana@example.org");
    }

    #[test]
    fn unknown_attributes_count_only_with_an_underscore() {
        let preference =
            |attribute: &str| match found(&format!("Autocrypt: addr=ana@example.org;{attribute}keydata=AAEC")) {
                Found::Valid(header) => Some(header.prefer_encrypt),
                Found::None | Found::Invalid => None,
            };
        assert_eq!(preference("_mine=1; "), Some(PreferEncrypt::NoPreference));
        assert_eq!(preference("prefer-encrypt=nonsense; "), Some(PreferEncrypt::NoPreference));
        assert_eq!(preference("type=1; "), None);
        assert_eq!(preference("critical; "), None);
    }

    #[test]
    fn headers_that_break_the_rules_are_none() {
        for value in [
            "addr=bo@example.org; keydata=AAEC",
            "addr=ana@example.org",
            "keydata=AAEC",
            "addr=ana@example.org; keydata=AA*C",
            "addr=ana@example.org; keydata=AAE",
            "addr=ana@example.org; keydata=A===",
            "addr=ana@example.org; addr=ana@example.org; keydata=AAEC",
        ] {
            assert_eq!(found(&format!("Autocrypt: {value}")), Found::Invalid, "{value}");
        }
        assert_eq!(found("Subject: x"), Found::None);
        let long = format!("Autocrypt: addr=ana@example.org; keydata={}", "A".repeat(100_000));
        assert_eq!(found(&long), Found::Invalid);
    }

    #[test]
    fn several_valid_headers_are_none_and_a_broken_one_beside_does_no_harm() {
        let valid = "Autocrypt: addr=ana@example.org; keydata=AAEC";
        assert_eq!(found(&format!("{valid}\n{valid}")), Found::Invalid);
        assert!(matches!(found(&format!("{valid}\nAutocrypt: nonsense")), Found::Valid(_)));
        assert_eq!(found(&format!("From: Bo <bo@example.org>\n{valid}")), Found::Invalid);
    }
}
