//! Names of things: cases, stored mails, outbox rows, addresses, Message-IDs, fingerprints.
//!
//! Never does IO. Text that is not a valid name is refused by the constructor (`parse`), so a
//! value of one of these types can be used anywhere without a second look.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! row_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }
    };
}

row_id!(
    /// A case, by its number in this instance. Never used again.
    CaseId
);
row_id!(
    /// A stored incoming mail.
    MailId
);
row_id!(
    /// One outgoing mail to one recipient.
    OutboxId
);
row_id!(
    /// One occurrence: what `decide` was called with.
    OccurrenceId
);

/// 128 bits drawn once for an occurrence and stored with it, so that a decision can be repeated.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seed(pub [u8; 16]);

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(..)")
    }
}

/// Longest address accepted, in bytes (RFC 5321 section 4.5.3.1.3).
pub const ADDRESS_MAX_BYTES: usize = 254;

/// An addr-spec (RFC 5322 section 3.4.1) of the dot-atom form; the domain is kept in lower case.
///
/// Quoted local parts, comments, domain literals and control characters are refused: an address
/// that two programs may read in two ways is not written to.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Address(String);

impl Address {
    /// Reads an address; `None` for anything but `dot-atom@dot-atom`.
    ///
    /// ```
    /// use postern::domain::id::Address;
    /// assert_eq!(Address::parse("Ana@Example.ORG").unwrap().as_str(), "Ana@example.org");
    /// assert!(Address::parse("\"a b\"@example.org").is_none());
    /// assert!(Address::parse("-f@example.org").is_none());
    /// ```
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.len() > ADDRESS_MAX_BYTES || text.starts_with('-') {
            return None;
        }
        let (local, domain) = text.rsplit_once('@')?;
        if local.len() > 64 || !is_dot_atom(local, is_atext) || !is_dot_atom(domain, is_domain_char) {
            return None;
        }
        Some(Self(format!("{local}@{}", domain.to_lowercase())))
    }

    /// The whole address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands before the last `@`.
    #[must_use]
    pub fn local(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(local, _)| local)
    }

    /// What stands after the last `@`, in lower case.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, domain)| domain)
    }

    /// Whether both name one mailbox: the local part is compared without regard to case, as every mail host does.
    #[must_use]
    pub fn same_mailbox(&self, other: &Self) -> bool {
        self.0.to_lowercase() == other.0.to_lowercase()
    }

    /// The form to look up by: the whole address in lower case.
    #[must_use]
    pub fn key(&self) -> String {
        self.0.to_lowercase()
    }

    /// The address with `+detail` put behind its local part (RFC 5233), replacing a detail that is there.
    #[must_use]
    pub fn with_detail(&self, detail: &str) -> Self {
        let base = self.local().split('+').next().unwrap_or_default();
        Self(format!("{base}+{detail}@{}", self.domain()))
    }

    /// The address without its `+detail`: the person behind all of them.
    #[must_use]
    pub fn without_detail(&self) -> Self {
        Self(format!("{}@{}", self.local().split('+').next().unwrap_or_default(), self.domain()))
    }

    /// The `+detail` of the local part, if there is one.
    #[must_use]
    pub fn detail(&self) -> Option<&str> {
        self.local().split_once('+').map(|(_, detail)| detail)
    }
}

/// Whether one lower-case domain speaks for the other (RFC 7489 section 3.1, relaxed, without the public suffix list):
/// they are equal, or one of at least two labels is the parent of the other.
#[must_use]
pub fn aligned(a: &str, b: &str) -> bool {
    let parent_of = |parent: &str, child: &str| {
        parent.contains('.') && child.strip_suffix(parent).is_some_and(|labels| labels.ends_with('.'))
    };
    a == b || parent_of(a, b) || parent_of(b, a)
}

fn is_atext(c: char) -> bool {
    c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c)
}

/// A-labels only (RFC 5890): lower-casing other letters may change their length, and what was read must read back.
fn is_domain_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-'
}

fn is_dot_atom(text: &str, accept: fn(char) -> bool) -> bool {
    !text.is_empty() && text.split('.').all(|atom| !atom.is_empty() && atom.chars().all(accept))
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Addresses stay out of logs: the debug form shows only the domain.
impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address(..@{})", self.domain())
    }
}

impl TryFrom<String> for Address {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or_else(|| "not a mail address of the form name@domain".to_owned())
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.0
    }
}

/// A Message-ID without its angle brackets (RFC 5322 section 3.6.4).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MessageId(String);

impl MessageId {
    /// Reads an id with or without angle brackets; `None` when empty, over 998 bytes, or holding blanks or controls.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let id = text.trim().trim_start_matches('<').trim_end_matches('>');
        let plain = |c: char| !c.is_whitespace() && !c.is_control() && c != '<' && c != '>';
        (!id.is_empty() && id.len() <= 998 && id.chars().all(plain)).then(|| Self(id.to_owned()))
    }

    /// An id from its two halves, which the caller made of letters, digits, dots and hyphens.
    #[must_use]
    pub fn of(local: &str, domain: &str) -> Self {
        Self(format!("{local}@{domain}"))
    }

    /// The id without brackets.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}>", self.0)
    }
}

/// A full OpenPGP fingerprint: 40 (v4) or 64 (v6) hexadecimal digits in upper case (RFC 9580 section 5.5.4).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fingerprint(String);

impl Fingerprint {
    /// Reads a full fingerprint; blanks between the digits are allowed, short key ids are refused.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let hex: String = text.chars().filter(|c| *c != ' ').collect::<String>().to_uppercase();
        let full = hex.len() == 40 || hex.len() == 64;
        (full && hex.chars().all(|c| c.is_ascii_hexdigit())).then_some(Self(hex))
    }

    /// The digits, in upper case, without blanks.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({})", self.0)
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or_else(|| "not a full OpenPGP fingerprint (40 or 64 hexadecimal digits)".to_owned())
    }
}

impl From<Fingerprint> for String {
    fn from(fingerprint: Fingerprint) -> Self {
        fingerprint.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_two_programs_may_read_in_two_ways_are_refused() {
        for bad in [
            "",
            "a",
            "@b",
            "a@",
            "a@b@",
            "a b@c.org",
            "\"a\"@c.org",
            "a..b@c.org",
            "a@c..org",
            "a@[127.0.0.1]",
            "a(c)@d.org",
            "a@c.org\r\nBcc: x@y",
            "-oQ@c.org",
            "a,b@c.org",
            "a@b_c.org",
        ] {
            assert!(Address::parse(bad).is_none(), "{bad:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn an_address_that_was_read_reads_back_as_itself(text in "\\PC{0,20}@\\PC{1,20}") {
            if let Some(address) = Address::parse(&text) {
                proptest::prop_assert_eq!(Address::parse(address.as_str()), Some(address));
            }
        }
    }

    #[test]
    fn detail_replaces_detail() {
        let address = Address::parse("security+old@example.org").unwrap();
        assert_eq!(address.with_detail("7.abc").as_str(), "security+7.abc@example.org");
        assert_eq!(address.detail(), Some("old"));
    }

    #[test]
    fn short_key_ids_are_not_fingerprints() {
        assert!(Fingerprint::parse("DEADBEEF").is_none());
        assert!(Fingerprint::parse("0123 4567 89AB CDEF 0123  4567 89ab cdef 0123 4567").is_some());
    }
}
