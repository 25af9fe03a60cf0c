//! Seal: sign and encrypt octets.
//!
//! Never chooses who reads a message: it encrypts to the fingerprints it is given and to nobody
//! else, and never compresses, so that sizes tell nothing about repeated text. One certificate
//! that cannot be encrypted to refuses the whole seal: nothing is sealed for the others.

use std::io::Write;

use sequoia_openpgp as openpgp;

use openpgp::armor::Kind;
use openpgp::cert::Cert;
use openpgp::crypto::KeyPair;
use openpgp::serialize::stream::{Armorer, Encryptor, LiteralWriter, Message, Recipient, Signer};
use openpgp::types::HashAlgorithm;

use super::keyring::{KeyProblem, Keyring, encryption_keys, policy, signing_key, system_time};
use crate::domain::id::Fingerprint;
use crate::domain::time::Timestamp;

/// Most recipients of one message.
pub const RECIPIENTS_MAX: usize = 64;
/// The hash of all our signatures, as PGP/MIME names it (RFC 3156 section 5).
const MICALG: &str = "pgp-sha512";

/// A detached signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detached {
    /// The armored signature.
    pub armored: Vec<u8>,
    /// The value of the `micalg` parameter (RFC 3156 section 5).
    pub micalg: &'static str,
}

/// Whether an encrypted message is signed inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signing {
    /// By the first own key, naming the recipients it is meant for.
    Signed,
    /// Not at all.
    Unsigned,
}

/// Why nothing was sealed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The own key cannot sign at this time: hold the mail and tell the team.
    #[error("cannot sign: {0}")]
    NoSigningKey(KeyProblem),
    /// No recipient at all, or more than 64: a mistake of the caller, permanent.
    #[error("cannot encrypt to this number of recipients")]
    RecipientCount,
    /// One certificate cannot be encrypted to: hold the mail and ask its owner for a usable one.
    #[error("cannot encrypt to {fingerprint}: {problem}")]
    Unusable {
        /// The recipient.
        fingerprint: Fingerprint,
        /// What is wrong with its certificate.
        problem: KeyProblem,
    },
    /// The cryptographic library failed; trying again may help.
    #[error("the cryptographic library failed to seal")]
    Library,
}

/// Signs the entity, exactly these octets, with the first own key; the signature says it was made at `at`.
/// Lines must end with CRLF already (RFC 3156 section 5).
///
/// # Errors
/// `NoSigningKey` or `Library`.
pub fn sign_detached(entity: &[u8], keyring: &Keyring, at: Timestamp) -> Result<Detached, SealError> {
    let signer = own_signer(keyring, at)?;
    let write = || -> openpgp::Result<Vec<u8>> {
        let mut armored = Vec::new();
        let message = Armorer::new(Message::new(&mut armored)).kind(Kind::Signature).build()?;
        let mut message = Signer::new(message, signer)?
            .hash_algo(HashAlgorithm::SHA512)?
            .creation_time(system_time(at))
            .detached()
            .build()?;
        message.write_all(entity)?;
        message.finalize()?;
        Ok(armored)
    };
    let armored = write().map_err(|_| SealError::Library)?;
    Ok(Detached { armored, micalg: MICALG })
}

/// Encrypts the entity to these certificates, and to nobody else, as one armored message; signed inside if asked.
/// Uses the integrity protection that every recipient announces (RFC 9580 section 5.13).
///
/// # Errors
/// `Unusable` names the first recipient without a usable certificate; nothing is sealed for the others then.
pub fn encrypt(
    entity: &[u8],
    recipients: &[Fingerprint],
    signing: Signing,
    keyring: &Keyring,
    at: Timestamp,
) -> Result<Vec<u8>, SealError> {
    let mut names = recipients.to_vec();
    names.sort();
    names.dedup();
    if names.is_empty() || names.len() > RECIPIENTS_MAX {
        return Err(SealError::RecipientCount);
    }
    let signer = match signing {
        Signing::Signed => Some(own_signer(keyring, at)?),
        Signing::Unsigned => None,
    };
    let policy = policy(at);
    let mut certs = Vec::new();
    let mut keys = Vec::new();
    for fingerprint in names {
        let cert = keyring.cert(&fingerprint).ok_or(KeyProblem::Unknown);
        match cert.and_then(|cert| Ok((cert, encryption_keys(cert, &policy, at)?))) {
            Ok((cert, usable)) => {
                certs.push(cert);
                keys.extend(usable.into_iter().map(Recipient::from));
            }
            Err(problem) => return Err(SealError::Unusable { fingerprint, problem }),
        }
    }
    write_encrypted(entity, keys, &certs, signer, at).map_err(|_| SealError::Library)
}

fn own_signer(keyring: &Keyring, at: Timestamp) -> Result<KeyPair, SealError> {
    let cert = keyring.own().first().ok_or(SealError::NoSigningKey(KeyProblem::Unknown))?;
    signing_key(cert, at).map_err(SealError::NoSigningKey)
}

fn write_encrypted(
    entity: &[u8],
    keys: Vec<Recipient<'_>>,
    certs: &[&Cert],
    signer: Option<KeyPair>,
    at: Timestamp,
) -> openpgp::Result<Vec<u8>> {
    let mut armored = Vec::new();
    let message = Armorer::new(Message::new(&mut armored)).kind(Kind::Message).build()?;
    let message = Encryptor::for_recipients(message, keys).build()?;
    let message = match signer {
        Some(signer) => {
            let mut signer =
                Signer::new(message, signer)?.hash_algo(HashAlgorithm::SHA512)?.creation_time(system_time(at));
            // Binds the signature to its readers, so that none of them can pass it on as written to somebody else
            // (RFC 9580 section 5.2.3.36).
            for cert in certs {
                signer = signer.add_intended_recipient(cert);
            }
            signer.build()?
        }
        None => message,
    };
    let mut message = LiteralWriter::new(message).build()?;
    message.write_all(entity)?;
    message.finalize()?;
    Ok(armored)
}

#[cfg(test)]
#[path = "seal_tests.rs"]
mod tests;
