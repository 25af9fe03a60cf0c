//! Tests of the keyring: what loads, what is refused and by which name, what never leaves.

use openpgp::PacketPile;
use openpgp::cert::Preferences;
use openpgp::types::ReasonForRevocation;

use super::*;
use crate::domain::time::DAY;

const AT: Timestamp = Timestamp(1_790_000_000);

fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

fn key(name: &str) -> GeneratedKey {
    generate(name, &address(&format!("{name}@example.org")), AT).unwrap()
}

fn locked(password: &str) -> Vec<u8> {
    let (cert, _) = CertBuilder::general_purpose(Some("locked@example.org"))
        .set_creation_time(system_time(AT))
        .set_password(Some(password.into()))
        .generate()
        .unwrap();
    cert.as_tsk().armored().to_vec().unwrap()
}

fn load(secret: &Path, passphrase: Option<&str>, certificates: Option<&Path>) -> Result<Keyring, KeyringError> {
    let files = KeyFiles {
        secret: vec![secret.to_owned()],
        passphrase: passphrase.map(|text| Zeroizing::new(text.to_owned())),
        certificates: certificates.map(Path::to_owned),
    };
    Keyring::load(&files, AT)
}

#[test]
fn loads_secret_keys_and_a_folder_of_certificates() {
    let dir = tempfile::tempdir().unwrap();
    let (team, ana, bo, cy) = (key("team"), key("ana"), key("bo"), key("cy"));
    std::fs::write(dir.path().join("team.sec"), &*team.secret_armored).unwrap();
    // Two armored blocks in one file, a binary file, and one that is no key and is not named like one.
    std::fs::write(dir.path().join("both.asc"), [&ana.public_armored[..], b"\n", &bo.public_armored].concat()).unwrap();
    let binary = Cert::from_bytes(&cy.public_armored).unwrap().to_vec().unwrap();
    std::fs::write(dir.path().join("cy.PGP"), binary).unwrap();
    std::fs::write(dir.path().join("README"), b"our keys").unwrap();

    let ring = load(&dir.path().join("team.sec"), None, Some(dir.path())).unwrap();
    assert_eq!(ring.own_fingerprint(), team.fingerprint);
    for known in [&team, &ana, &bo, &cy] {
        assert!(ring.knows(&known.fingerprint));
        assert_eq!(ring.usable_for_encryption(&known.fingerprint, AT), Ok(()));
    }
}

#[test]
fn several_threads_may_use_one_keyring() {
    let check = |_: &(dyn Send + Sync)| ();
    check(&Keyring::from_armored(&[&key("team").secret_armored], &[], AT).unwrap());
}

#[test]
fn a_file_that_cannot_be_used_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("k.asc");
    let refused = |bytes: &[u8], passphrase: Option<&str>| {
        std::fs::write(&path, bytes).unwrap();
        let error = load(&path, passphrase, None).unwrap_err();
        assert!(error.to_string().contains("k.asc"), "{error}");
        error
    };
    assert!(matches!(refused(b"nonsense", None), KeyringError::NotKeys { .. }));
    assert!(matches!(refused(b"", None), KeyringError::NotKeys { .. }));
    assert!(matches!(refused(&key("ana").public_armored, None), KeyringError::NoSecretKey { .. }));
    assert!(matches!(refused(&locked("right"), None), KeyringError::PassphraseNeeded { .. }));
    assert!(matches!(refused(&locked("right"), Some("wrong")), KeyringError::PassphraseWrong { .. }));
    assert!(matches!(refused(&vec![b'a'; FILE_MAX_BYTES + 1], None), KeyringError::TooLarge { .. }));

    std::fs::remove_file(&path).unwrap();
    let missing = load(&path, None, None).unwrap_err();
    assert!(matches!(&missing, KeyringError::Unreadable { file, .. } if file.ends_with("k.asc")));

    std::fs::write(&path, &*key("team").secret_armored).unwrap();
    let folder = dir.path().join("certificates");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("broken.asc"), b"-----BEGIN PGP nothing").unwrap();
    let broken = load(&path, None, Some(&folder)).unwrap_err();
    assert!(matches!(&broken, KeyringError::NotKeys { file } if file.ends_with("broken.asc")));
}

#[test]
fn a_locked_key_opens_with_its_passphrase() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("k.asc");
    std::fs::write(&path, locked("right")).unwrap();
    let ring = load(&path, Some("right"), None).unwrap();
    assert!(ring.own().iter().all(|cert| cert.keys().unencrypted_secret().count() == cert.keys().count()));
}

#[test]
fn a_key_that_cannot_work_now_does_not_come_first() {
    let short = generate_with("old", &address("old@example.org"), AT, Some(DAY)).unwrap();
    let later = AT.after(DAY * 2);
    let error = Keyring::from_armored(&[&short.secret_armored], &[], later).unwrap_err();
    assert!(matches!(error, KeyringError::NoEncryptionKey { problem: KeyProblem::Expired, .. }));
    // Behind a valid one it still reads old mail.
    let ring = Keyring::from_armored(&[&key("new").secret_armored, &short.secret_armored], &[], later).unwrap();
    assert_eq!(ring.own().len(), 2);
    assert!(Keyring::from_armored(&[], &[], AT).is_err());

    let (signless, _) = CertBuilder::new()
        .set_creation_time(system_time(AT))
        .add_userid("x <x@example.org>")
        .add_transport_encryption_subkey()
        .generate()
        .unwrap();
    let error = Keyring::from_armored(&[&signless.as_tsk().to_vec().unwrap()], &[], AT).unwrap_err();
    assert!(matches!(error, KeyringError::NoSigningKey { problem: KeyProblem::NoSuitableKey, .. }));
}

#[test]
fn secrets_never_leave_the_keyring() {
    let (team, ana) = (key("team"), key("ana"));
    let mut ring = Keyring::from_armored(&[&team.secret_armored], &[], AT).unwrap();
    let public = PacketPile::from_bytes(&ring.own_certificate()).unwrap();
    let secret = |packet: &Packet| matches!(packet, Packet::SecretKey(_) | Packet::SecretSubkey(_));
    assert!(public.descendants().count() >= 5);
    assert!(!public.descendants().any(secret));
    assert_eq!(certificates_in(&ring.own_certificate())[0].fingerprint, team.fingerprint);
    // A secret key that somebody sends is kept without its secret.
    ring.add_certificate(&ana.secret_armored).unwrap();
    assert!(!ring.cert(&ana.fingerprint).unwrap().is_tsk());
    assert_eq!(format!("{ring:?}"), "Keyring(1 own, 1 known)");
}

#[test]
fn certificates_are_added_and_their_revocation_counts_from_then_on() {
    let ana = key("ana");
    let mut ring = Keyring::from_armored(&[&key("team").secret_armored], &[], AT).unwrap();
    let shared = ring.clone();
    assert_eq!(ring.usable_for_encryption(&ana.fingerprint, AT), Err(KeyProblem::Unknown));
    assert_eq!(ring.add_certificate(&ana.public_armored).unwrap(), std::slice::from_ref(&ana.fingerprint));
    assert_eq!(ring.usable_for_encryption(&ana.fingerprint, AT), Ok(()));
    assert!(!shared.knows(&ana.fingerprint));

    let cert = Cert::from_bytes(&*ana.secret_armored).unwrap();
    let mut signer = cert.primary_key().key().clone().parts_into_secret().unwrap().into_keypair().unwrap();
    let revocation = openpgp::cert::CertRevocationBuilder::new()
        .set_signature_creation_time(system_time(AT.after(DAY)))
        .unwrap()
        .set_reason_for_revocation(ReasonForRevocation::KeyRetired, b"gone")
        .unwrap()
        .build(&mut signer, &cert, None)
        .unwrap();
    let revoked = cert.insert_packets(revocation).unwrap().0.armored().to_vec().unwrap();
    ring.add_certificate(&revoked).unwrap();
    assert_eq!(ring.usable_for_encryption(&ana.fingerprint, AT.after(DAY * 2)), Err(KeyProblem::Revoked));
    // The old copy does not take the revocation back.
    ring.add_certificate(&ana.public_armored).unwrap();
    assert_eq!(ring.usable_for_encryption(&ana.fingerprint, AT.after(DAY * 2)), Err(KeyProblem::Revoked));
}

#[test]
fn certificates_that_cannot_be_encrypted_to_say_why() {
    let short = generate_with("old", &address("old@example.org"), AT, Some(DAY)).unwrap();
    let (signs, _) = CertBuilder::new()
        .set_creation_time(system_time(AT))
        .add_userid("x <x@example.org>")
        .add_signing_subkey()
        .generate()
        .unwrap();
    let signs_bytes = signs.to_vec().unwrap();
    let ring =
        Keyring::from_armored(&[&key("team").secret_armored], &[&short.public_armored, &signs_bytes], AT).unwrap();
    assert_eq!(ring.usable_for_encryption(&short.fingerprint, AT), Ok(()));
    assert_eq!(ring.usable_for_encryption(&short.fingerprint, AT.after(DAY * 2)), Err(KeyProblem::Expired));
    assert_eq!(ring.usable_for_encryption(&short.fingerprint, AT.before(DAY)), Err(KeyProblem::NotYetValid));
    let signs = name_of(&signs.fingerprint()).unwrap();
    assert_eq!(ring.usable_for_encryption(&signs, AT), Err(KeyProblem::NoSuitableKey));
}

#[test]
fn candidates_are_listed_within_limits() {
    let ana = key("ana");
    let found = certificates_in(&ana.public_armored);
    assert_eq!(found, [Candidate { fingerprint: ana.fingerprint, addresses: vec![address("ana@example.org")] }]);
    assert!(certificates_in(b"Dear team,").is_empty());

    let many: Vec<u8> = (0..9).flat_map(|i| key(&format!("k{i}")).public_armored).collect();
    assert_eq!(certificates_in(&many).len(), CANDIDATE_MAX_KEYS);
    let mut ring = Keyring::from_armored(&[&key("team").secret_armored], &[], AT).unwrap();
    assert!(matches!(ring.add_certificate(&many), Err(KeyringError::TooLarge { .. })));
    let long = [many, vec![b'\n'; CANDIDATE_MAX_BYTES]].concat();
    assert!(certificates_in(&long).is_empty());
    assert!(matches!(ring.add_certificate(&long), Err(KeyringError::TooLarge { .. })));
}

#[test]
fn generated_keys_announce_only_what_gnupg_reads() {
    let team = key("team");
    let cert = Cert::from_bytes(&team.public_armored).unwrap();
    let policy = policy(AT);
    let valid = cert.with_policy(&policy, system_time(AT)).unwrap();
    let features = valid.features().unwrap();
    assert!(features.supports_seipdv1() && !features.supports_seipdv2());
    assert!(cert.keys().all(|ka| ka.key().version() == 4 && ka.key().creation_time() == system_time(AT)));
    assert_eq!(valid.keys().for_signing().count(), 1);
    assert_eq!(team.fingerprint.as_str().len(), 40);
    let named = generate("Sécurité, Inc. (core)", &address("a@example.org"), AT).unwrap();
    assert_eq!(certificates_in(&named.public_armored)[0].addresses, [address("a@example.org")]);
    assert!(generate("a\nb", &address("a@example.org"), AT).is_err());
}
