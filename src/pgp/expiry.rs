//! When a certificate stops being of use.
//!
//! Answers about one instant; never extends or renews anything. A certificate that is of no use already has no answer:
//! [`Keyring::usable_for_encryption`] says why.

use std::time::SystemTime;

use super::keyring::{Keyring, policy, standing, system_time};
use crate::domain::id::Fingerprint;
use crate::domain::time::Timestamp;

impl Keyring {
    /// The instant from which the certificate can no longer be encrypted to, or, for one of our own, no longer sign
    /// either; `None` where that never comes, or is past.
    #[must_use]
    pub fn expiry(&self, fingerprint: &Fingerprint, at: Timestamp) -> Option<Timestamp> {
        let cert = self.cert(fingerprint)?;
        let policy = policy(at);
        let valid = standing(cert, &policy, at).ok()?;
        let encrypting = || valid.keys().supported().for_transport_encryption().for_storage_encryption();
        let last = |times: Vec<Option<SystemTime>>| {
            // One key without an end is enough; else the last one counts.
            if times.contains(&None) { None } else { times.into_iter().flatten().max() }
        };
        let encrypts = last(encrypting().alive().revoked(false).map(|ka| ka.key_expiration_time()).collect());
        let signing = || valid.keys().supported().alive().revoked(false).for_signing();
        let signs = if self.own().iter().any(|own| own.fingerprint() == cert.fingerprint()) {
            last(signing().map(|ka| ka.key_expiration_time()).collect())
        } else {
            None
        };
        let whole = valid.primary_key().key_expiration_time();
        let end = [whole, encrypts, signs].into_iter().flatten().min()?;
        let seconds = end.duration_since(system_time(Timestamp(0))).ok()?.as_secs();
        i64::try_from(seconds).ok().map(Timestamp)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::id::Address;
    use crate::pgp::keyring::generate_with;

    #[test]
    fn the_end_of_a_key_is_known_and_an_endless_one_has_none() {
        let address = Address::parse("security@example.org").unwrap();
        let at = Timestamp(1_800_000_000);
        for lifetime in [None, Some(Duration::from_secs(86_400))] {
            let key = generate_with("Example", &address, at, lifetime).unwrap();
            let ring = Keyring::from_armored(&[key.secret_armored.as_slice()], &[], at).unwrap();
            let expected = lifetime.map(|_| Timestamp(at.0 + 86_400));
            assert_eq!(ring.expiry(&key.fingerprint, at), expected);
        }
    }
}
