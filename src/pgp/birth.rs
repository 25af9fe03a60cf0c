//! A new key of the address: locked with a passphrase, and where people look for its certificate.
//!
//! Never writes a file and never draws a passphrase; a failure makes no key.

use sequoia_openpgp as openpgp;

use openpgp::cert::Cert;
use openpgp::cert::amalgamation::key::PrimaryKey;
use openpgp::crypto::Password;
use openpgp::packet::Packet;
use openpgp::parse::Parse;
use openpgp::serialize::SerializeInto;
use openpgp::types::HashAlgorithm;
use zeroize::Zeroizing;

use super::keyring::{GeneratedKey, KeyringError, generate};
use crate::domain::id::Address;
use crate::domain::time::Timestamp;

/// The alphabet of z-base-32, 5 bits a character.
const Z_BASE_32: &[u8; 32] = b"ybndrfg8ejkmcpqxot1uwisza345h769";
/// Bytes of a SHA-1 digest.
const SHA1_BYTES: usize = 20;

/// As [`generate`], the secret parts locked with a passphrase.
///
/// # Errors
/// As [`generate`].
pub fn generate_locked(
    user_id_name: &str,
    address: &Address,
    at: Timestamp,
    passphrase: &str,
) -> Result<GeneratedKey, KeyringError> {
    let made = generate(user_id_name, address, at)?;
    let secret_armored = locked(&made.secret_armored, passphrase).map_err(|_| KeyringError::NotGenerated)?;
    Ok(GeneratedKey { secret_armored, ..made })
}

fn locked(secret: &[u8], passphrase: &str) -> openpgp::Result<Zeroizing<Vec<u8>>> {
    let password = Password::from(passphrase);
    let cert = Cert::from_bytes(secret)?;
    let mut packets = Vec::new();
    for ka in cert.keys().secret() {
        let key = ka.key().clone().encrypt_secret(&password)?;
        packets.push(match ka.primary() {
            true => Packet::from(key.role_into_primary()),
            false => Packet::from(key.role_into_subordinate()),
        });
    }
    let (cert, _) = cert.insert_packets(packets)?;
    Ok(Zeroizing::new(cert.as_tsk().armored().to_vec()?))
}

/// Where mail programs look for the certificate of an address: the advanced method of the Web Key Directory
/// (draft-koch-openpgp-webkey-service, section 3.1). The file there is the certificate in binary form.
#[must_use]
pub fn web_key_directory(address: &Address) -> Option<String> {
    let (local, domain) = (address.local(), address.domain());
    let mut hash = HashAlgorithm::SHA1.context().ok()?.for_digest();
    hash.update(local.to_lowercase().as_bytes());
    let mut digest = [0; SHA1_BYTES];
    hash.digest(&mut digest).ok()?;
    let name = z_base_32(&digest);
    Some(format!("https://openpgpkey.{domain}/.well-known/openpgpkey/{domain}/hu/{name}?l={local}"))
}

fn z_base_32(bytes: &[u8]) -> String {
    let bits = bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| (byte >> bit) & 1)).collect::<Vec<u8>>();
    let letter = |five: &[u8]| five.iter().fold(0_usize, |sum, bit| (sum << 1) | usize::from(*bit));
    bits.chunks(5).filter_map(|five| Z_BASE_32.get(letter(five))).map(|octet| char::from(*octet)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pgp::keyring::Keyring;

    #[test]
    fn a_locked_key_opens_with_its_passphrase_alone() {
        let address = Address::parse("security@example.org").unwrap();
        let at = Timestamp(1_800_000_000);
        let made = generate_locked("Example", &address, at, "correct horse").unwrap();
        let with = |words: Option<&str>| {
            let words = words.map(|words| Zeroizing::new(words.to_owned()));
            Keyring::of_bytes(&[made.secret_armored.as_slice()], words.as_ref(), None, at)
        };
        assert!(matches!(with(None), Err(KeyringError::PassphraseNeeded { .. })));
        assert!(matches!(with(Some("another")), Err(KeyringError::PassphraseWrong { .. })));
        assert_eq!(with(Some("correct horse")).unwrap().own_fingerprint(), made.fingerprint);
    }

    #[test]
    fn the_place_in_the_web_key_directory_is_that_of_the_draft() {
        let address = Address::parse("Joe.Doe@Example.ORG").unwrap();
        assert_eq!(
            web_key_directory(&address).unwrap(),
            "https://openpgpkey.example.org/.well-known/openpgpkey/example.org/hu/iy9q119eutrkn8s1mk4r39qejnbu3n5q?l=Joe.Doe"
        );
    }
}
