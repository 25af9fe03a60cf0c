//! Open: decrypt and verify octets.
//!
//! All or nothing: no octet of plaintext leaves before the whole message was read, its integrity
//! proved and its signature judged. Never runs a password (SKESK), never decrypts a second layer,
//! never looks at MIME. A message that cannot be opened gives an [`OpenError`]; a signature that
//! cannot be believed is a value of [`Signature`], since the text is readable all the same.

use std::io::Read;

use sequoia_openpgp as openpgp;

use openpgp::Cert;
use openpgp::KeyHandle;
use openpgp::cert::amalgamation::ValidAmalgamation;
use openpgp::cert::amalgamation::key::ValidErasedKeyAmalgamation;
use openpgp::crypto::SessionKey;
use openpgp::packet::key::PublicParts;
use openpgp::packet::{PKESK, Packet, SKESK, Signature as SignaturePacket};
use openpgp::parse::Parse;
use openpgp::parse::stream::{
    DecryptionHelper, DecryptorBuilder, DetachedVerifierBuilder, MessageLayer, MessageStructure, VerificationError,
    VerificationHelper, VerifierBuilder,
};
use openpgp::parse::{PacketParser, stream::GoodChecksum};
use openpgp::policy::Policy;
use openpgp::types::{RevocationStatus, SymmetricAlgorithm};

use super::keyring::{KeyProblem, Keyring, guarded, name_of, policy, standing, system_time};
use crate::domain::id::Fingerprint;
use crate::domain::time::{MINUTE, Timestamp};
use crate::domain::token::digest_hex;

/// Largest message looked at, in bytes.
pub const MESSAGE_MAX_BYTES: usize = 35 * 1024 * 1024;
/// Largest plaintext, in bytes. The library holds back as much until everything is verified.
pub const PLAINTEXT_MAX_BYTES: usize = 25 * 1024 * 1024;
/// Most recipients (PKESK packets) of one message.
pub const PKESK_MAX: usize = 16;
/// Most signatures on one message.
pub const SIGNATURES_MAX: usize = 32;
/// Most packets in one message, of whatever kind.
const PACKETS_MAX: usize = 256;
/// How far ahead of our clock a signer's clock may be.
const AHEAD_MAX: std::time::Duration = MINUTE.saturating_mul(10);
/// How a cleartext signed message begins and ends (RFC 9580 section 7).
const CLEARTEXT_BEGIN: &[u8] = b"-----BEGIN PGP SIGNED MESSAGE-----";
const CLEARTEXT_END: &[u8] = b"-----END PGP SIGNATURE-----";

/// A message that was decrypted whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// What was encrypted.
    pub plaintext: Vec<u8>,
    /// What the signature inside is worth.
    pub signature: Signature,
    /// The own certificate whose key opened it.
    pub recipient: Fingerprint,
}

/// Why a message was not opened. What an outsider is answered must not depend on which of these it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Encrypted to none of our keys: keep the mail, open a case, ask for it again under our certificate.
    #[error("the message is encrypted to none of our keys")]
    NoKey,
    /// No OpenPGP message, or none whose outermost layer is encryption: treat it as an attachment.
    #[error("the octets are no encrypted OpenPGP message")]
    NotOpenPgp,
    /// Changed or cut on its way, or made so by an attacker: keep the mail, show the team that nothing could be read.
    #[error("the message was changed or cut on its way")]
    Modified,
    /// Without integrity protection, or with a cipher or packet of the past: ask for it again from a present-day program.
    #[error("the message is not protected in a way we accept")]
    Weak,
    /// Over 35 MiB, or over 25 MiB when decrypted, or too many layers, recipients or packets: quarantine.
    #[error("the message is over a limit of size or number")]
    TooLarge,
    /// Encrypted once more inside, or changed so that it looks like that: quarantine; the inner ciphertext may be stolen from somebody else.
    #[error("the message holds another encrypted message")]
    Nested,
}

/// What the signature on some octets is worth, judged at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signature {
    /// There is none.
    None,
    /// The only signature, and good: made by a key that is valid both when it was made and when it was judged.
    Good {
        /// Primary fingerprint of the certificate that signed; ours, if we did.
        fingerprint: Fingerprint,
        /// When it says that it was made; at most 10 minutes ahead of the time of judging.
        made_at: Timestamp,
        /// SHA-256, in hexadecimal, of signer and signed hash. The same signature gives the same value however its
        /// packet is written, so a ledger of these refuses a replay.
        digest: String,
        /// The certificates it is meant for (RFC 9580 section 5.2.3.36); empty when it does not say.
        intended_recipients: Vec<Fingerprint>,
    },
    /// It does not fit the octets, or is no signature at all.
    Bad,
    /// We have no certificate of its maker.
    UnknownKey {
        /// Fingerprint or key id in hexadecimal, as the signature claims.
        issuer: Option<String>,
    },
    /// It is not believed, whether or not it fits the octets.
    Invalid {
        /// Why.
        reason: SignatureProblem,
    },
}

/// Why a signature of a known certificate is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureProblem {
    /// The key or the signature has expired, at its making or by now.
    #[error("the key or the signature has expired")]
    Expired,
    /// The key is revoked, at its making or by now.
    #[error("the key is revoked")]
    Revoked,
    /// The signature was made before its key, or its key is not valid yet.
    #[error("the key was not valid when the signature was made")]
    NotYetValid,
    /// Made more than 10 minutes ahead of the time of judging.
    #[error("the signature is dated in the future")]
    FromTheFuture,
    /// Made with a broken hash such as SHA-1 or MD5.
    #[error("the signature uses a broken hash")]
    WeakHash,
    /// The key may not sign.
    #[error("the key may not sign")]
    NotSigningCapable,
    /// The certificate or key breaks the rules of today in another way: weak algorithm, bad binding.
    #[error("the key is not acceptable today")]
    Rejected,
    /// Meant for other readers: somebody passed it on to us as if it had been written to us.
    #[error("the signature is meant for other recipients")]
    OtherRecipients,
    /// More than one: it would not be clear who said what.
    #[error("there is more than one signature")]
    SeveralSignatures,
}

/// Decrypts a message, armored or binary, with the own keys, and judges its signature at `at`.
///
/// Encryption must be its outermost and only encryption layer, with integrity protection, around one literal.
///
/// # Errors
/// See [`OpenError`]; nothing of the plaintext is given then.
pub fn decrypt(ciphertext: &[u8], keyring: &Keyring, at: Timestamp) -> Result<Opened, OpenError> {
    decrypt_within(ciphertext, keyring, at, PLAINTEXT_MAX_BYTES)
}

/// Judges a detached signature, armored or binary, over exactly these octets, at `at`.
#[must_use]
pub fn verify_detached(signed: &[u8], signature: &[u8], keyring: &Keyring, at: Timestamp) -> Signature {
    if signed.len() > MESSAGE_MAX_BYTES || signature.len() > MESSAGE_MAX_BYTES {
        return Signature::Bad;
    }
    let mut progress = Progress::default();
    let policy = policy(at);
    let helper = Helper { keyring, at, layout: Layout::Signed, progress: &mut progress };
    let verified = guarded(|| {
        let builder = DetachedVerifierBuilder::from_bytes(signature)?;
        builder.with_policy(&policy, latest_signature(at), helper)?.verify_bytes(signed)
    });
    match (verified, progress.signature) {
        (Ok(()), Some(verdict)) => verdict,
        (Ok(()) | Err(_), _) => Signature::Bad,
    }
}

/// Verifies a cleartext signed message (RFC 9580 section 7) and gives the text that was signed. Nothing but blank
/// lines may stand before or after it. Show and read only the text returned here, never the armored form.
///
/// # Errors
/// `NotOpenPgp`, `TooLarge` or `Nested`; a signature that does not fit is a [`Signature::Bad`] beside the text.
pub fn verify_cleartext(armored: &[u8], keyring: &Keyring, at: Timestamp) -> Result<(Vec<u8>, Signature), OpenError> {
    let message = armored.trim_ascii();
    if message.len() > MESSAGE_MAX_BYTES {
        return Err(OpenError::TooLarge);
    }
    let blocks = message.windows(CLEARTEXT_BEGIN.len()).filter(|window| *window == CLEARTEXT_BEGIN).count();
    if !message.starts_with(CLEARTEXT_BEGIN) || !message.ends_with(CLEARTEXT_END) || blocks != 1 {
        return Err(OpenError::NotOpenPgp);
    }
    let mut progress = Progress::default();
    let policy = policy(at);
    let helper = Helper { keyring, at, layout: Layout::Signed, progress: &mut progress };
    let read = guarded(|| {
        let builder = VerifierBuilder::from_bytes(message)?.buffer_size(PLAINTEXT_MAX_BYTES);
        let verifier = builder.with_policy(&policy, latest_signature(at), helper)?;
        let processed = verifier.message_processed();
        read_whole(verifier, processed, PLAINTEXT_MAX_BYTES)
    });
    let text = read.map_err(|error| error.downcast_ref::<OpenError>().copied().unwrap_or(OpenError::NotOpenPgp))?;
    Ok((text, progress.signature.ok_or(OpenError::NotOpenPgp)?))
}

/// What the packets must look like.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// Encrypted once, outermost.
    Encrypted,
    /// Signed only.
    Signed,
}

/// What was seen so far. It outlives the helper, which the library drops when it fails.
#[derive(Default)]
struct Progress {
    packets: usize,
    recipients: usize,
    signatures: usize,
    compressed: usize,
    sealed: bool,
    recipient: Option<Fingerprint>,
    signature: Option<Signature>,
}

struct Helper<'k> {
    keyring: &'k Keyring,
    at: Timestamp,
    layout: Layout,
    progress: &'k mut Progress,
}

fn decrypt_within(
    ciphertext: &[u8],
    keyring: &Keyring,
    at: Timestamp,
    plaintext_max: usize,
) -> Result<Opened, OpenError> {
    if ciphertext.len() > MESSAGE_MAX_BYTES {
        return Err(OpenError::TooLarge);
    }
    let mut progress = Progress::default();
    let policy = policy(at);
    let helper = Helper { keyring, at, layout: Layout::Encrypted, progress: &mut progress };
    let read = guarded(|| {
        let builder = DecryptorBuilder::from_bytes(ciphertext)?.buffer_size(plaintext_max);
        let decryptor = builder.with_policy(&policy, latest_signature(at), helper)?;
        let processed = decryptor.message_processed();
        read_whole(decryptor, processed, plaintext_max)
    });
    let plaintext = read.map_err(|error| match error.downcast_ref::<OpenError>() {
        Some(ours) => *ours,
        // Once a session key fitted, whatever breaks was broken on the way: the cipher turns a flipped bit into noise
        // that can look like any packet.
        None if progress.recipient.is_some() => OpenError::Modified,
        None => refusal(error.downcast_ref()),
    })?;
    match (progress.recipient, progress.signature) {
        (Some(recipient), Some(signature)) => Ok(Opened { plaintext, signature, recipient }),
        (Some(_) | None, _) => Err(OpenError::NotOpenPgp),
    }
}

/// What an error from before decryption means.
fn refusal(error: Option<&openpgp::Error>) -> OpenError {
    use openpgp::Error as E;
    match error {
        Some(E::PolicyViolation(..) | E::UnsupportedSymmetricAlgorithm(_) | E::UnsupportedAEADAlgorithm(_)) => {
            OpenError::Weak
        }
        Some(E::ManipulatedMessage) => OpenError::Modified,
        Some(_) | None => OpenError::NotOpenPgp,
    }
}

/// Reads what the library has verified already; refuses when the message did not fit its buffer, since then it
/// would hand out text before the end was seen.
fn read_whole(source: impl Read, processed: bool, max: usize) -> openpgp::Result<Vec<u8>> {
    if !processed {
        return Err(OpenError::TooLarge.into());
    }
    let mut text = Vec::new();
    let limit = u64::try_from(max).unwrap_or(u64::MAX);
    source.take(limit.saturating_add(1)).read_to_end(&mut text)?;
    if text.len() > max { Err(OpenError::TooLarge.into()) } else { Ok(text) }
}

/// The library's time of judging signatures. It refuses each one made later, so it is told the latest one allowed;
/// keys it judges at the making of the signature, and [`Helper::standing_today`] at the true time.
fn latest_signature(at: Timestamp) -> std::time::SystemTime {
    system_time(at.after(AHEAD_MAX))
}

impl VerificationHelper for Helper<'_> {
    fn inspect(&mut self, pp: &PacketParser<'_>) -> openpgp::Result<()> {
        let seen = &mut *self.progress;
        seen.packets += 1;
        let inside = seen.sealed || self.layout == Layout::Signed;
        if seen.packets > PACKETS_MAX {
            return Err(OpenError::TooLarge.into());
        }
        if let Packet::PKESK(_) | Packet::SKESK(_) | Packet::SEIP(_) = &pp.packet {
            if inside {
                return Err(OpenError::Nested.into());
            }
            seen.recipients += usize::from(matches!(&pp.packet, Packet::PKESK(_)));
            seen.sealed = matches!(&pp.packet, Packet::SEIP(_));
        } else if !inside && !matches!(&pp.packet, Packet::Marker(_) | Packet::Padding(_)) {
            return Err(OpenError::NotOpenPgp.into());
        }
        seen.compressed += usize::from(matches!(&pp.packet, Packet::CompressedData(_)));
        seen.signatures += usize::from(matches!(&pp.packet, Packet::Signature(_)));
        // Nobody compresses twice but to make a little mail grow a millionfold.
        if seen.recipients > PKESK_MAX || seen.signatures > SIGNATURES_MAX || seen.compressed > 1 {
            return Err(OpenError::TooLarge.into());
        }
        Ok(())
    }

    fn get_certs(&mut self, ids: &[KeyHandle]) -> openpgp::Result<Vec<Cert>> {
        let made_by = |cert: &&Cert| cert.keys().any(|ka| ids.iter().any(|id| id.aliases(ka.key().key_handle())));
        Ok(self.keyring.certs().filter(made_by).cloned().collect())
    }

    fn check(&mut self, structure: MessageStructure<'_>) -> openpgp::Result<()> {
        let mut results = Vec::new();
        for layer in structure {
            if let MessageLayer::SignatureGroup { results: group } = layer {
                results.extend(group);
            }
        }
        let several = results.len() > 1;
        self.progress.signature = Some(match results.pop() {
            None => Signature::None,
            Some(_) if several => Signature::Invalid { reason: SignatureProblem::SeveralSignatures },
            Some(Ok(GoodChecksum { sig, ka, .. })) => {
                self.judge_good(sig, &ka).unwrap_or_else(|reason| Signature::Invalid { reason })
            }
            Some(Err(error)) => judge_refused(&error),
        });
        Ok(())
    }
}

impl DecryptionHelper for Helper<'_> {
    fn decrypt(
        &mut self,
        pkesks: &[PKESK],
        _skesks: &[SKESK],
        sym_algo: Option<SymmetricAlgorithm>,
        decrypt: &mut dyn FnMut(Option<SymmetricAlgorithm>, &SessionKey) -> bool,
    ) -> openpgp::Result<Option<Cert>> {
        let policy = policy(self.at);
        let mut named = false;
        for cert in self.keyring.own() {
            // An expired or revoked key may still read what was encrypted to it.
            let Ok(valid) = cert.with_policy(&policy, system_time(self.at)) else { continue };
            for ka in valid.keys().for_transport_encryption().for_storage_encryption().unencrypted_secret() {
                let handle = ka.key().key_handle();
                for pkesk in pkesks {
                    let to = pkesk.recipient();
                    if to.as_ref().is_some_and(|to| !to.aliases(&handle)) {
                        continue;
                    }
                    named |= to.is_some();
                    let mut pair = ka.key().clone().into_keypair()?;
                    let Some((algo, session_key)) = pkesk.decrypt(&mut pair, sym_algo) else { continue };
                    if algo.is_some_and(|algo| policy.symmetric_algorithm(algo).is_err()) {
                        return Err(OpenError::Weak.into());
                    }
                    if decrypt(algo, &session_key) {
                        self.progress.recipient = name_of(&cert.fingerprint());
                        // Giving no certificate leaves the check of intended recipients to `judge_good`.
                        return Ok(None);
                    }
                }
            }
        }
        Err(if named { OpenError::Modified } else { OpenError::NoKey }.into())
    }
}

impl Helper<'_> {
    fn judge_good(
        &self,
        sig: &SignaturePacket,
        ka: &ValidErasedKeyAmalgamation<'_, PublicParts>,
    ) -> Result<Signature, SignatureProblem> {
        let made_at = sig.signature_creation_time().and_then(timestamp).ok_or(SignatureProblem::Rejected)?;
        if made_at > self.at.after(AHEAD_MAX) {
            return Err(SignatureProblem::FromTheFuture);
        }
        self.standing_today(ka, made_at)?;
        let fingerprint = name_of(&ka.cert().fingerprint()).ok_or(SignatureProblem::Rejected)?;
        let intended_recipients: Vec<_> = sig.intended_recipients().filter_map(name_of).collect();
        let own: Vec<_> = self.keyring.own().iter().filter_map(|cert| name_of(&cert.fingerprint())).collect();
        if sig.intended_recipients().next().is_some() && !intended_recipients.iter().any(|name| own.contains(name)) {
            return Err(SignatureProblem::OtherRecipients);
        }
        let signed = sig.computed_digest().ok_or(SignatureProblem::Rejected)?;
        let digest = digest_hex(&[fingerprint.as_str().as_bytes(), signed].concat());
        Ok(Signature::Good { fingerprint, made_at, digest, intended_recipients })
    }

    /// The library asks whether the key was valid when the signature says it was made; a thief can say anything, so
    /// the key must be valid now too.
    fn standing_today(
        &self,
        ka: &ValidErasedKeyAmalgamation<'_, PublicParts>,
        made_at: Timestamp,
    ) -> Result<(), SignatureProblem> {
        let now = self.at.max(made_at);
        let policy = policy(self.at);
        let valid = standing(ka.cert(), &policy, now).map_err(|problem| match problem {
            KeyProblem::Expired => SignatureProblem::Expired,
            KeyProblem::Revoked => SignatureProblem::Revoked,
            KeyProblem::NotYetValid => SignatureProblem::NotYetValid,
            KeyProblem::Unknown | KeyProblem::NoSuitableKey | KeyProblem::Rejected => SignatureProblem::Rejected,
        })?;
        let name = ka.key().fingerprint();
        let key = valid.keys().find(|key| key.key().fingerprint() == name).ok_or(SignatureProblem::Rejected)?;
        if let RevocationStatus::Revoked(_) = key.revocation_status() {
            return Err(SignatureProblem::Revoked);
        }
        key.alive().map_err(|_| SignatureProblem::Expired)?;
        if key.for_signing() { Ok(()) } else { Err(SignatureProblem::NotSigningCapable) }
    }
}

/// What a signature is worth that the library refused.
fn judge_refused(error: &VerificationError<'_>) -> Signature {
    use SignatureProblem as P;
    use VerificationError as V;
    let because = |error: Option<&openpgp::Error>| match error {
        Some(openpgp::Error::Expired(_)) => P::Expired,
        Some(openpgp::Error::NotYetLive(_) | openpgp::Error::NoBindingSignature(_)) => P::NotYetValid,
        Some(_) | None => P::Rejected,
    };
    let reason = match error {
        V::MissingKey { sig } => {
            let issuers = sig.get_issuers();
            return Signature::UnknownKey { issuer: issuers.first().map(KeyHandle::to_hex) };
        }
        V::UnboundKey { error, .. } => because(error.downcast_ref()),
        V::BadKey { ka, error, .. } => {
            let revoked = |status| matches!(status, RevocationStatus::Revoked(_));
            if revoked(ka.valid_cert().revocation_status()) || revoked(ka.revocation_status()) {
                P::Revoked
            } else if ka.alive().is_ok() && ka.valid_cert().alive().is_ok() && !ka.for_signing() {
                P::NotSigningCapable
            } else {
                because(error.downcast_ref())
            }
        }
        V::BadSignature { error, .. } => match error.downcast_ref::<openpgp::Error>() {
            Some(openpgp::Error::Expired(_)) => P::Expired,
            Some(openpgp::Error::NotYetLive(_)) => P::FromTheFuture,
            Some(openpgp::Error::PolicyViolation(..)) => P::WeakHash,
            Some(_) | None => return Signature::Bad,
        },
        V::MalformedSignature { .. } | V::UnknownSignature { .. } => return Signature::Bad,
        // What the library may add one day.
        _ => return Signature::Bad,
    };
    Signature::Invalid { reason }
}

fn timestamp(time: std::time::SystemTime) -> Option<Timestamp> {
    let since = time.duration_since(std::time::SystemTime::UNIX_EPOCH).ok()?;
    i64::try_from(since.as_secs()).ok().map(Timestamp)
}

#[cfg(test)]
#[path = "open_tests.rs"]
mod tests;
