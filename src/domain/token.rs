//! Keyed tokens: party reply addresses, Message-IDs of ours, nonces.
//!
//! Each is a truncated HMAC-SHA-256 (RFC 2104) over a purpose, the instance and what it names, so
//! that a token for one purpose, case or party never passes for another. Never draws randomness:
//! what must be unguessable comes from the instance key or from an occurrence's seed.

use std::fmt;

use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::id::{Address, CaseId, MessageId, Seed};

/// The secret every token of this instance is made with.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct InstanceKey([u8; 32]);

impl fmt::Debug for InstanceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InstanceKey(..)")
    }
}

/// 80 bits, as 16 letters and digits.
const TOKEN_CHARS: usize = 16;
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

impl InstanceKey {
    /// A key derived from secret bytes of any length by hashing them; give at least 32 random bytes.
    #[must_use]
    pub fn from_secret(secret: &[u8]) -> Self {
        Self(Sha256::digest(secret).into())
    }

    /// The token of one party in one case: 80 bits in lower-case base 32.
    #[must_use]
    pub fn party_token(&self, case: CaseId, party: &str) -> String {
        self.mac("party", &[&case.0.to_string(), party])
    }

    /// The reply address of one party in one case: `security+<case>.<token>@…`.
    #[must_use]
    pub fn reply_address(&self, base: &Address, case: CaseId, party: &str) -> Address {
        base.with_detail(&format!("{}.{}", case.0, self.party_token(case, party)))
    }

    /// A Message-ID of ours: `<purpose.unique.mac@domain>`, repeatable from the seed and the effect's position.
    #[must_use]
    pub fn message_id(&self, domain: &str, seed: Seed, position: usize) -> MessageId {
        let unique = encode(&Sha256::digest([&seed.0[..], &position.to_be_bytes()[..]].concat()), 20);
        let mac = self.mac("message-id", &[&unique]);
        MessageId::of(&format!("{unique}.{mac}"), domain)
    }

    /// The Message-ID that all mail to one party about one case refers to, so that mail programs show one thread.
    /// No mail ever has it.
    #[must_use]
    pub fn thread_root(&self, domain: &str, case: CaseId, party: &str) -> MessageId {
        let unique = self.mac("thread", &[&case.0.to_string(), party]);
        MessageId::of(&format!("{unique}.{}", self.mac("message-id", &[&unique])), domain)
    }

    /// Whether this instance made the Message-ID. Hosts that rewrite the domain do not matter: only the MAC does.
    #[must_use]
    pub fn made(&self, id: &MessageId) -> bool {
        let local = id.as_str().split('@').next().unwrap_or_default();
        local.split_once('.').is_some_and(|(unique, mac)| same(mac, &self.mac("message-id", &[unique])))
    }

    /// The keyed return path of one outgoing mail (VERP): `security+b.<message unique>.<mac>@…`.
    #[must_use]
    pub fn bounce_address(&self, base: &Address, id: &MessageId) -> Address {
        let unique = id.as_str().split('.').next().unwrap_or_default();
        base.with_detail(&format!("b.{unique}.{}", self.mac("bounce", &[unique])))
    }

    /// The unique part of the Message-ID a keyed return path belongs to, if the MAC is ours.
    #[must_use]
    pub fn bounced_unique<'a>(&self, address: &'a Address) -> Option<&'a str> {
        let (unique, mac) = address.detail()?.strip_prefix("b.")?.split_once('.')?;
        same(&mac.to_lowercase(), &self.mac("bounce", &[unique])).then_some(unique)
    }

    /// A nonce or confirmation token, different for each seed, purpose and position.
    #[must_use]
    pub fn nonce(&self, purpose: &str, seed: Seed, position: usize) -> String {
        self.mac(purpose, &[&encode(&seed.0, 26), &position.to_string()])
    }

    fn mac(&self, purpose: &str, fields: &[&str]) -> String {
        // HMAC takes keys of any length, so this cannot fail; an empty key would only make tokens that match nothing.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return String::new() };
        mac.update(purpose.as_bytes());
        for field in fields {
            mac.update(&[0]);
            mac.update(field.as_bytes());
        }
        encode(&mac.finalize().into_bytes(), TOKEN_CHARS)
    }
}

/// The `<case>` and `<token>` of a party's reply address, if it has that form.
#[must_use]
pub fn split_reply_address(address: &Address) -> Option<(CaseId, &str)> {
    let (case, token) = address.detail()?.split_once('.')?;
    Some((CaseId(case.parse().ok()?), token))
}

/// Compares secrets in a time that does not depend on where they differ.
#[must_use]
pub fn same(a: &str, b: &str) -> bool {
    !b.is_empty() && a.len() == b.len() && a.bytes().zip(b.bytes()).fold(0, |acc, (x, y)| acc | (x ^ y)) == 0
}

/// The SHA-256 of some bytes, in lower-case hexadecimal.
#[must_use]
pub fn digest_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Bytes in lower-case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn encode(bytes: &[u8], chars: usize) -> String {
    (0..chars)
        .map(|i| {
            let bit = i * 5;
            let high = u16::from(bytes.get(bit / 8).copied().unwrap_or(0)) << 8;
            let pair = high | u16::from(bytes.get(bit / 8 + 1).copied().unwrap_or(0));
            let index = usize::from((pair >> (11 - bit % 8)) & 31);
            char::from(ALPHABET.get(index).copied().unwrap_or(b'a'))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> InstanceKey {
        InstanceKey::from_secret(b"a secret of the tests")
    }

    #[test]
    fn a_token_is_good_for_one_case_and_one_party() {
        let base = Address::parse("security@example.org").unwrap();
        let address = key().reply_address(&base, CaseId(42), "r1");
        let (case, token) = split_reply_address(&address).unwrap();
        assert_eq!(case, CaseId(42));
        assert!(same(token, &key().party_token(CaseId(42), "r1")));
        assert!(!same(token, &key().party_token(CaseId(43), "r1")));
        assert!(!same(token, &key().party_token(CaseId(42), "m1")));
        assert_eq!(token.len(), TOKEN_CHARS);
    }

    #[test]
    fn message_ids_are_known_again_whatever_domain_the_host_gives_them() {
        let id = key().message_id("example.org", Seed([7; 16]), 3);
        assert_eq!(id, key().message_id("example.org", Seed([7; 16]), 3));
        assert!(key().made(&id));
        let local = id.as_str().split('@').next().unwrap();
        assert!(key().made(&MessageId::of(local, "host.rewrote.invalid")));
        assert!(!key().made(&MessageId::parse("abc.defghijkmnpqrst@example.org").unwrap()));
        assert!(!InstanceKey::from_secret(b"another").made(&id));
    }

    #[test]
    fn bounce_addresses_name_the_mail_they_belong_to() {
        let base = Address::parse("security@example.org").unwrap();
        let id = key().message_id("example.org", Seed([7; 16]), 3);
        let address = key().bounce_address(&base, &id);
        assert!(id.as_str().starts_with(key().bounced_unique(&address).unwrap()));
        assert!(InstanceKey::from_secret(b"another").bounced_unique(&address).is_none());
    }

    #[test]
    fn nothing_is_the_same_as_an_empty_secret() {
        assert!(!same("", ""));
    }
}
