//! The instance's own secret keys and the certificates it knows.
//!
//! Never asks a network for a key, never picks a certificate by User ID (only by full
//! fingerprint), and never gives secret material out, except from [`generate`]. Every question is
//! asked *at* a time. A key file that cannot be used stops loading with an error that names it.

pub mod reading;

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use sequoia_openpgp as openpgp;

use openpgp::cert::amalgamation::key::{PrimaryKey, ValidErasedKeyAmalgamation};
use openpgp::cert::{Cert, CertBuilder, CertParser, CipherSuite, ValidCert};
use openpgp::crypto::{KeyPair, Password};
use openpgp::packet::key::{PublicParts, SecretKeyMaterial};
use openpgp::packet::{Packet, UserID};
use openpgp::parse::Parse;
use openpgp::policy::StandardPolicy;
use openpgp::serialize::SerializeInto;
use openpgp::types::{Features, KeyFlags, RevocationStatus};
use zeroize::Zeroizing;

use crate::domain::id::{Address, Fingerprint};
use crate::domain::time::Timestamp;

/// Largest key file of the operator, in bytes.
const FILE_MAX_BYTES: usize = 4 * 1024 * 1024;
/// Most files read from the folder of certificates.
const FOLDER_MAX_FILES: usize = 10_000;
/// Largest key attachment looked at, in bytes.
pub const CANDIDATE_MAX_BYTES: usize = 256 * 1024;
/// Most certificates taken from one key attachment.
pub const CANDIDATE_MAX_KEYS: usize = 8;
/// Most addresses listed for one certificate.
const CANDIDATE_MAX_ADDRESSES: usize = 32;
/// Longest name in a User ID of ours, in bytes.
const USER_ID_MAX_BYTES: usize = 256;
/// How an armored block begins (RFC 9580 section 6.2).
const ARMOR_HEADER: &[u8] = b"-----BEGIN PGP ";
/// What errors call keys that were not read from a file.
const NO_FILE: &str = "the given key";

/// Where the keys of an instance lie.
#[derive(Default)]
pub struct KeyFiles {
    /// Secret keys, in order: the first signs, all decrypt. A file may hold several.
    pub secret: Vec<PathBuf>,
    /// The passphrase of all of them, if they have one.
    pub passphrase: Option<Zeroizing<String>>,
    /// A folder: every file in it named `*.asc`, `*.pgp`, `*.gpg` or `*.key` is read, several certificates per file.
    pub certificates: Option<PathBuf>,
}

/// Own secret keys, unlocked, and known certificates. Cheap to clone; several threads may open and seal with it at once.
#[derive(Clone)]
pub struct Keyring {
    own: Arc<Vec<Cert>>,
    /// The first own certificate without secrets, armored.
    published: Arc<Vec<u8>>,
    first: Fingerprint,
    known: Arc<BTreeMap<Fingerprint, Cert>>,
}

/// Why keys could not be loaded or added.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// The file or folder is missing or may not be read.
    #[error("cannot read {file}: check that it exists and that postern may read it")]
    Unreadable {
        /// The path.
        file: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A file over 4 MiB, a folder of too many files, or an attachment over its limits.
    #[error("{file} is larger than a key file may be: export fewer keys")]
    TooLarge {
        /// The path.
        file: String,
    },
    /// The bytes are no OpenPGP keys, or keys of a version from before OpenPGP.
    #[error("{file} is no OpenPGP key: export it anew, armored or binary, as version 4 or later")]
    NotKeys {
        /// The path.
        file: String,
    },
    /// Only public keys are in the file, or no secret key was named at all.
    #[error("{file} holds no secret key: export it with its secret part (gpg --export-secret-keys --armor)")]
    NoSecretKey {
        /// The path.
        file: String,
    },
    /// The secret key is locked and no passphrase was given.
    #[error("the secret key in {file} needs a passphrase: name its file in the settings")]
    PassphraseNeeded {
        /// The path.
        file: String,
    },
    /// The passphrase does not open the secret key.
    #[error("the passphrase does not open the secret key in {file}: correct it")]
    PassphraseWrong {
        /// The path.
        file: String,
    },
    /// The first secret key cannot sign at this time: expired, revoked, not yet valid, or without a signing key.
    #[error("the secret key in {file} cannot sign now ({problem}): extend it or put a valid one first")]
    NoSigningKey {
        /// The path.
        file: String,
        /// What is wrong.
        problem: KeyProblem,
    },
    /// Nobody could encrypt to the first secret key at this time, or its decryption key is missing.
    #[error("the secret key in {file} cannot be encrypted to now ({problem}): extend it or put a valid one first")]
    NoEncryptionKey {
        /// The path.
        file: String,
        /// What is wrong.
        problem: KeyProblem,
    },
    /// The cryptographic library could not make a key.
    #[error("cannot generate a key: the name must be short and hold no angle brackets or control characters")]
    NotGenerated,
}

/// Why a certificate cannot be encrypted to (or sign) at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyProblem {
    /// Not in the keyring: ask for the certificate.
    #[error("the certificate is not known")]
    Unknown,
    /// Made later than the time of judging: check the clocks.
    #[error("the certificate is not valid yet")]
    NotYetValid,
    /// Ask its owner for an extended one.
    #[error("the certificate has expired")]
    Expired,
    /// Ask its owner for a new one.
    #[error("the certificate is revoked")]
    Revoked,
    /// No subkey of it has the capability needed, or we do not know the algorithm.
    #[error("the certificate has no usable key for this")]
    NoSuitableKey,
    /// Its self-signatures use broken algorithms.
    #[error("the certificate is bound by outdated signatures")]
    Rejected,
}

/// A certificate found in a mail: a hint for people, never trusted or pinned by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its primary key.
    pub fingerprint: Fingerprint,
    /// The addresses of its self-signed User IDs, at most 32.
    pub addresses: Vec<Address>,
}

/// A new key pair.
pub struct GeneratedKey {
    /// Armored secret key, without a passphrase: write it where only postern can read.
    pub secret_armored: Zeroizing<Vec<u8>>,
    /// Armored certificate, to publish.
    pub public_armored: Vec<u8>,
    /// Its primary key.
    pub fingerprint: Fingerprint,
}

impl Keyring {
    /// Reads and unlocks the secret keys, and reads the folder of certificates, judging them at `at`.
    ///
    /// # Errors
    /// The first file that cannot be used, by name, with what to do about it.
    pub fn load(files: &KeyFiles, at: Timestamp) -> Result<Self, KeyringError> {
        let password = files.passphrase.as_ref().map(|text| Password::from(text.as_bytes()));
        let mut own = Vec::new();
        for path in &files.secret {
            let name = path.display().to_string();
            let bytes = Zeroizing::new(read_file(path)?);
            own.extend(secret_keys(&bytes, password.as_ref(), &name)?);
        }
        let first_name = files.secret.first().map_or_else(|| NO_FILE.to_owned(), |path| path.display().to_string());
        let mut ring = Self::of(own, &first_name, at)?;
        ring.learn_folder(files.certificates.as_deref())?;
        Ok(ring)
    }

    /// A keyring of secret keys that were read already, and a folder of certificates.
    ///
    /// # Errors
    /// As [`Keyring::load`]; an error about a secret key gives its place among them, from 1, instead of a file.
    pub fn of_bytes(
        secret: &[&[u8]],
        passphrase: Option<&Zeroizing<String>>,
        certificates: Option<&Path>,
        at: Timestamp,
    ) -> Result<Self, KeyringError> {
        let password = passphrase.map(|text| Password::from(text.as_bytes()));
        let mut own = Vec::new();
        for (position, bytes) in secret.iter().enumerate() {
            own.extend(secret_keys(bytes, password.as_ref(), &format!("file {} of `secret`", position + 1))?);
        }
        let mut ring = Self::of(own, "file 1 of `secret`", at)?;
        ring.learn_folder(certificates)?;
        Ok(ring)
    }

    fn learn_folder(&mut self, folder: Option<&Path>) -> Result<(), KeyringError> {
        for path in folder.map(certificate_files).transpose()?.unwrap_or_default() {
            let name = path.display().to_string();
            self.learn(parse_certs(&read_file(&path)?, &name)?);
        }
        Ok(())
    }

    /// A keyring of keys in memory: secret keys without passphrase, and certificates; for a rehearsal or a test.
    ///
    /// # Errors
    /// As [`Keyring::load`]; errors say "the given key" instead of a file.
    pub fn from_armored(secret: &[&[u8]], certificates: &[&[u8]], at: Timestamp) -> Result<Self, KeyringError> {
        let mut own = Vec::new();
        for bytes in secret {
            own.extend(secret_keys(bytes, None, NO_FILE)?);
        }
        let mut ring = Self::of(own, NO_FILE, at)?;
        for bytes in certificates {
            ring.learn(parse_certs(bytes, NO_FILE)?);
        }
        Ok(ring)
    }

    /// The primary fingerprint of the first own key: the one that signs.
    #[must_use]
    pub fn own_fingerprint(&self) -> Fingerprint {
        self.first.clone()
    }

    /// The armored certificate of the first own key: its public half only.
    #[must_use]
    pub fn own_certificate(&self) -> Vec<u8> {
        self.published.to_vec()
    }

    /// Adds certificates, at most 256 KiB and 8 of them, merging with what is known of the same fingerprint.
    /// Secret parts are thrown away. Returns the primary fingerprints.
    ///
    /// # Errors
    /// `NotKeys` or `TooLarge`; then nothing was added.
    pub fn add_certificate(&mut self, armored: &[u8]) -> Result<Vec<Fingerprint>, KeyringError> {
        let too_large = || KeyringError::TooLarge { file: NO_FILE.to_owned() };
        if armored.len() > CANDIDATE_MAX_BYTES {
            return Err(too_large());
        }
        let certs = parse_certs(armored, NO_FILE)?;
        if certs.len() > CANDIDATE_MAX_KEYS {
            return Err(too_large());
        }
        Ok(self.learn(certs))
    }

    /// Whether a certificate with this primary fingerprint is here, one of our own included.
    #[must_use]
    pub fn knows(&self, fingerprint: &Fingerprint) -> bool {
        self.cert(fingerprint).is_some()
    }

    /// Whether the certificate can be encrypted to at `at`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn usable_for_encryption(&self, fingerprint: &Fingerprint, at: Timestamp) -> Result<(), KeyProblem> {
        let cert = self.cert(fingerprint).ok_or(KeyProblem::Unknown)?;
        encryption_keys(cert, &policy(at), at).map(|_| ())
    }

    /// Own keys with their unlocked secrets, the signing one first.
    pub(super) fn own(&self) -> &[Cert] {
        &self.own
    }

    /// Own and known certificates.
    pub(super) fn certs(&self) -> impl Iterator<Item = &Cert> {
        self.own.iter().chain(self.known.values())
    }

    /// The certificate with this primary fingerprint.
    pub(super) fn cert(&self, fingerprint: &Fingerprint) -> Option<&Cert> {
        let own = || self.own.iter().find(|cert| name_of(&cert.fingerprint()).as_ref() == Some(fingerprint));
        self.known.get(fingerprint).or_else(own)
    }

    fn of(own: Vec<Cert>, name: &str, at: Timestamp) -> Result<Self, KeyringError> {
        let file = name.to_owned();
        let Some((cert, first)) = own.first().and_then(|cert| Some((cert, name_of(&cert.fingerprint())?))) else {
            return Err(KeyringError::NoSecretKey { file });
        };
        let policy = policy(at);
        let keys = encryption_keys(cert, &policy, at)
            .map_err(|problem| KeyringError::NoEncryptionKey { file: file.clone(), problem })?;
        let secrets: Vec<_> = cert.keys().unencrypted_secret().map(|ka| ka.key().fingerprint()).collect();
        if !keys.iter().any(|ka| secrets.contains(&ka.key().fingerprint())) {
            return Err(KeyringError::NoEncryptionKey { file, problem: KeyProblem::NoSuitableKey });
        }
        if let Err(problem) = signing_key(cert, at) {
            return Err(KeyringError::NoSigningKey { file, problem });
        }
        Ok(Self::of_own(own, first))
    }

    fn of_own(own: Vec<Cert>, first: Fingerprint) -> Self {
        // Serializing a `Cert` leaves secrets out already; stripping them first makes that hold whatever the library does.
        let public = own.first().map(|cert| cert.clone().strip_secret_key_material());
        let published = public.and_then(|cert| cert.armored().to_vec().ok()).unwrap_or_default();
        Self { own: Arc::new(own), published: Arc::new(published), first, known: Arc::default() }
    }

    fn learn(&mut self, certs: Vec<Cert>) -> Vec<Fingerprint> {
        let known = Arc::make_mut(&mut self.known);
        let mut learned = Vec::new();
        for cert in certs {
            let Some(name) = name_of(&cert.fingerprint()) else { continue };
            let cert = cert.strip_secret_key_material();
            // Merging two certificates of one fingerprint cannot fail; if it did, what is pinned stays.
            let merged = match known.get(&name) {
                Some(old) => old.clone().merge_public(cert).unwrap_or_else(|_| old.clone()),
                None => cert,
            };
            known.insert(name.clone(), merged);
            learned.push(name);
        }
        learned
    }
}

/// Shows how many keys there are, nothing of them.
impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keyring({} own, {} known)", self.own.len(), self.known.len())
    }
}

/// The certificates in an attachment, armored or binary: at most 8, none when it is over 256 KiB or no keys.
#[must_use]
pub fn certificates_in(bytes: &[u8]) -> Vec<Candidate> {
    if bytes.len() > CANDIDATE_MAX_BYTES {
        return Vec::new();
    }
    let certs = parse_certs(bytes, NO_FILE).unwrap_or_default();
    certs.iter().take(CANDIDATE_MAX_KEYS).filter_map(candidate).collect()
}

/// Makes a version 4 key pair made at `at`: Ed25519 for certifying and signing, Curve25519 for encryption, no expiry.
///
/// It announces integrity protection of version 1 only (RFC 9580 section 5.13.1), because keys that announce version 2
/// get mail that a team member's GnuPG 2.2 cannot read.
///
/// # Errors
/// `NotGenerated` when name and address make no User ID, or the library fails.
pub fn generate(user_id_name: &str, address: &Address, at: Timestamp) -> Result<GeneratedKey, KeyringError> {
    generate_with(user_id_name, address, at, None).map_err(|_| KeyringError::NotGenerated)
}

/// As [`generate`], with an optional lifetime.
pub(super) fn generate_with(
    name: &str,
    address: &Address,
    at: Timestamp,
    lifetime: Option<Duration>,
) -> openpgp::Result<GeneratedKey> {
    if name.len() > USER_ID_MAX_BYTES || name.chars().any(|c| c.is_control() || c == '<' || c == '>') {
        return Err(openpgp::Error::InvalidArgument("name of the User ID".to_owned()).into());
    }
    let user_id = UserID::from(format!("{name} <{}>", address.as_str()).trim_start());
    let both = KeyFlags::empty().set_transport_encryption().set_storage_encryption();
    let (cert, _) = CertBuilder::new()
        .set_cipher_suite(CipherSuite::Cv25519)
        .set_features(Features::empty().set_seipdv1())?
        .set_creation_time(system_time(at))
        .set_validity_period(lifetime)
        .add_userid(user_id)
        .add_signing_subkey()
        .add_subkey(both, None, None)
        .generate()?;
    let fingerprint = name_of(&cert.fingerprint())
        .ok_or_else(|| openpgp::Error::InvalidOperation("a key without a full fingerprint".to_owned()))?;
    Ok(GeneratedKey {
        secret_armored: Zeroizing::new(cert.as_tsk().armored().to_vec()?),
        public_armored: cert.armored().to_vec()?,
        fingerprint,
    })
}

/// What is accepted, judged at `at`.
pub(super) fn policy(at: Timestamp) -> StandardPolicy<'static> {
    StandardPolicy::at(system_time(at))
}

/// The instant, held within the times OpenPGP can express (RFC 9580 section 3.5).
pub(super) fn system_time(at: Timestamp) -> SystemTime {
    let seconds = u32::try_from(at.0.max(0)).unwrap_or(u32::MAX);
    SystemTime::UNIX_EPOCH + Duration::from_secs(u64::from(seconds))
}

/// Runs the library on octets of strangers. It panics on some malformed input (2.4.2 does on an encrypted packet of 18
/// to 39 octets); that becomes an error, so that a mail cannot stop the daemon. Needs `panic = "unwind"`.
pub(super) fn guarded<T>(work: impl FnOnce() -> openpgp::Result<T>) -> openpgp::Result<T> {
    // Whatever the work has borrowed is dropped or only read for its flags after a panic.
    let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
    done.unwrap_or_else(|_| Err(openpgp::Error::ManipulatedMessage.into()))
}

/// The fingerprint in our type; `None` for versions before 4.
pub(super) fn name_of(fingerprint: &openpgp::Fingerprint) -> Option<Fingerprint> {
    Fingerprint::parse(&fingerprint.to_hex())
}

/// The certificate as it stands at `at`, if it is neither revoked nor expired then.
pub(super) fn standing<'a>(
    cert: &'a Cert,
    policy: &'a StandardPolicy<'_>,
    at: Timestamp,
) -> Result<ValidCert<'a>, KeyProblem> {
    let valid = cert.with_policy(policy, system_time(at)).map_err(|error| match error.downcast_ref() {
        Some(openpgp::Error::NoBindingSignature(_) | openpgp::Error::NotYetLive(_)) => KeyProblem::NotYetValid,
        Some(openpgp::Error::Expired(_)) => KeyProblem::Expired,
        Some(_) | None => KeyProblem::Rejected,
    })?;
    if let RevocationStatus::Revoked(_) = valid.revocation_status() {
        return Err(KeyProblem::Revoked);
    }
    valid.alive().map_err(|error| match error.downcast_ref() {
        Some(openpgp::Error::NotYetLive(_)) => KeyProblem::NotYetValid,
        Some(_) | None => KeyProblem::Expired,
    })?;
    Ok(valid)
}

/// All keys of the certificate that can be encrypted to at `at`; at least one.
pub(super) fn encryption_keys<'a>(
    cert: &'a Cert,
    policy: &'a StandardPolicy<'_>,
    at: Timestamp,
) -> Result<Vec<ValidErasedKeyAmalgamation<'a, PublicParts>>, KeyProblem> {
    let valid = standing(cert, policy, at)?;
    let capable = || valid.keys().supported().for_transport_encryption().for_storage_encryption();
    let keys: Vec<_> = capable().alive().revoked(false).collect();
    if !keys.is_empty() {
        return Ok(keys);
    }
    Err(match capable().next() {
        None => KeyProblem::NoSuitableKey,
        Some(_) if capable().revoked(false).next().is_none() => KeyProblem::Revoked,
        Some(_) => KeyProblem::Expired,
    })
}

/// The unlocked key of this certificate that signs at `at`.
pub(super) fn signing_key(cert: &Cert, at: Timestamp) -> Result<KeyPair, KeyProblem> {
    let policy = policy(at);
    let valid = standing(cert, &policy, at)?;
    let mut keys = valid.keys().supported().alive().revoked(false).for_signing().unencrypted_secret();
    let key = keys.next().ok_or(KeyProblem::NoSuitableKey)?.key().clone();
    key.into_keypair().map_err(|_| KeyProblem::NoSuitableKey)
}

fn candidate(cert: &Cert) -> Option<Candidate> {
    let signed = cert.userids().filter(|user_id| user_id.self_signatures().next().is_some());
    let addresses = signed
        .filter_map(|user_id| Address::parse(user_id.userid().email().ok()??))
        .take(CANDIDATE_MAX_ADDRESSES)
        .collect();
    Some(Candidate { fingerprint: name_of(&cert.fingerprint())?, addresses })
}

fn secret_keys(bytes: &[u8], password: Option<&Password>, name: &str) -> Result<Vec<Cert>, KeyringError> {
    let mut certs = parse_certs(bytes, name)?;
    certs.retain(Cert::is_tsk);
    if certs.is_empty() {
        return Err(KeyringError::NoSecretKey { file: name.to_owned() });
    }
    certs.into_iter().map(|cert| unlock(cert, password, name)).collect()
}

fn unlock(cert: Cert, password: Option<&Password>, name: &str) -> Result<Cert, KeyringError> {
    let mut unlocked = Vec::new();
    for ka in cert.keys().secret() {
        let key = ka.key().clone();
        let SecretKeyMaterial::Encrypted(locked) = key.secret() else { continue };
        // GnuPG marks secrets that lie elsewhere (an offline primary key, a card) with a private S2K: there is nothing to unlock.
        if !locked.s2k().is_supported() {
            continue;
        }
        let password = password.ok_or_else(|| KeyringError::PassphraseNeeded { file: name.to_owned() })?;
        let key = key.decrypt_secret(password).map_err(|_| KeyringError::PassphraseWrong { file: name.to_owned() })?;
        unlocked.push(match ka.primary() {
            true => Packet::from(key.role_into_primary()),
            false => Packet::from(key.role_into_subordinate()),
        });
    }
    let merged = cert.insert_packets(unlocked).map_err(|_| KeyringError::NotKeys { file: name.to_owned() })?;
    Ok(merged.0)
}

fn parse_certs(bytes: &[u8], name: &str) -> Result<Vec<Cert>, KeyringError> {
    let not_keys = || KeyringError::NotKeys { file: name.to_owned() };
    let mut certs = Vec::new();
    for block in armored_blocks(bytes) {
        let parsed = guarded(|| CertParser::from_bytes(block)?.collect::<openpgp::Result<Vec<_>>>());
        certs.extend(parsed.map_err(|_| not_keys())?);
    }
    if certs.is_empty() { Err(not_keys()) } else { Ok(certs) }
}

/// The armored blocks of a file, each to be parsed by itself; a binary file is one block.
fn armored_blocks(bytes: &[u8]) -> Vec<&[u8]> {
    // The first octet of a binary packet has its high bit set (RFC 9580 section 4.2), armored text has not.
    if bytes.first().is_some_and(|octet| octet & 0x80 != 0) {
        return vec![bytes];
    }
    let windows = bytes.windows(ARMOR_HEADER.len()).enumerate();
    let starts: Vec<usize> = windows.filter(|(_, window)| *window == ARMOR_HEADER).map(|(at, _)| at).collect();
    let ends = starts.iter().skip(1).copied().chain([bytes.len()]);
    starts.iter().zip(ends).filter_map(|(start, end)| bytes.get(*start..end)).collect()
}

fn read_file(path: &Path) -> Result<Vec<u8>, KeyringError> {
    let file = path.display().to_string();
    let unreadable = |source| KeyringError::Unreadable { file: file.clone(), source };
    let mut bytes = Vec::new();
    let limit = u64::try_from(FILE_MAX_BYTES).unwrap_or(u64::MAX);
    File::open(path).map_err(unreadable)?.take(limit + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() > FILE_MAX_BYTES { Err(KeyringError::TooLarge { file }) } else { Ok(bytes) }
}

/// The key files of a folder, by name.
fn certificate_files(folder: &Path) -> Result<Vec<PathBuf>, KeyringError> {
    let file = folder.display().to_string();
    let unreadable = |source| KeyringError::Unreadable { file: file.clone(), source };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let extension = path.extension().and_then(|text| text.to_str()).unwrap_or_default().to_lowercase();
        if ["asc", "pgp", "gpg", "key"].contains(&extension.as_str()) && path.is_file() {
            paths.push(path);
        }
        if paths.len() > FOLDER_MAX_FILES {
            return Err(KeyringError::TooLarge { file });
        }
    }
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
#[path = "keyring_tests.rs"]
mod tests;
