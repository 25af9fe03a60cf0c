//! Real GnuPG opens what we seal and we open what it seals. Fails on a machine without `gpg`.
#![expect(clippy::unwrap_used, reason = "a test stops when anything fails")]

#[path = "support/gnupg.rs"]
mod gnupg;

use gnupg::{Gnupg, Kind};
use postern::domain::id::{Address, Fingerprint};
use postern::domain::time::{DAY, Timestamp};
use postern::pgp::keyring::{GeneratedKey, KeyFiles, KeyProblem, Keyring, KeyringError, certificates_in, generate};
use postern::pgp::open::{
    OpenError, Signature, SignatureProblem, decrypt, verify_cleartext, verify_detached as verify,
};
use postern::pgp::seal::{SealError, Signing, encrypt, sign_detached};

const TEXT: &[u8] = b"Content-Type: text/plain\r\n\r\nA flaw in the parser.\r\n";

#[expect(clippy::disallowed_methods, reason = "GnuPG reads the true clock, so this test must judge by it")]
fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap();
    Timestamp(i64::try_from(since.as_secs()).unwrap())
}

/// A key of ours, made a minute ago.
fn team_key() -> GeneratedKey {
    let address = Address::parse("security@example.org").unwrap();
    generate("Team", &address, now().before(std::time::Duration::from_secs(60))).unwrap()
}

/// Ana with GnuPG and the team with postern; each knows the other.
fn meet(kind: Kind) -> (Gnupg, Fingerprint, Keyring) {
    let gpg = Gnupg::new();
    let ana = gpg.generate("Ana", "ana@example.org", kind, "never");
    let team = team_key();
    gpg.import(&team.public_armored);
    let ring = Keyring::from_armored(&[&team.secret_armored], &[&gpg.export(&ana)], now()).unwrap();
    (gpg, Fingerprint::parse(&ana).unwrap(), ring)
}

fn good_by(signature: &Signature, signer: &Fingerprint) -> bool {
    matches!(signature, Signature::Good { fingerprint, .. } if fingerprint == signer)
}

#[test]
fn both_read_each_other_signed_and_encrypted() {
    for kind in [Kind::Curve25519, Kind::Rsa] {
        let (gpg, ana, ring) = meet(kind);
        let team = ring.own_fingerprint();
        let sealed = encrypt(TEXT, std::slice::from_ref(&ana), Signing::Signed, &ring, now()).unwrap();
        let (text, verdict) = gpg.decrypt(&sealed);
        assert_eq!(text, TEXT, "{kind:?}");
        assert_eq!(verdict.good.as_deref(), Some(team.as_str()), "{}", verdict.status);

        let theirs = gpg.encrypt(TEXT, &[team.as_str()], Some(ana.as_str()), &[]);
        let opened = decrypt(&theirs, &ring, now()).unwrap();
        assert_eq!(opened.plaintext, TEXT, "{kind:?}");
        assert!(good_by(&opened.signature, &ana), "{:?}", opened.signature);

        let unsigned = gpg.encrypt(TEXT, &[team.as_str()], None, &["--throw-keyids"]);
        let opened = decrypt(&unsigned, &ring, now()).unwrap();
        assert_eq!((opened.plaintext.as_slice(), opened.signature), (TEXT, Signature::None));
    }
}

#[test]
fn both_verify_each_others_detached_signatures() {
    for kind in [Kind::Curve25519, Kind::Rsa] {
        let (gpg, ana, ring) = meet(kind);
        let signed = sign_detached(TEXT, &ring, now()).unwrap();
        assert_eq!(gpg.verify_detached(TEXT, &signed.armored).good.as_deref(), Some(ring.own_fingerprint().as_str()));
        assert_eq!(gpg.verify_detached(b"other", &signed.armored).good, None);
        for extra in [&[][..], &["--textmode"]] {
            let signature = gpg.sign_detached(TEXT, ana.as_str(), extra);
            assert!(good_by(&verify(TEXT, &signature, &ring, now()), &ana));
            assert_eq!(verify(b"other", &signature, &ring, now()), Signature::Bad);
        }
    }
}

#[test]
fn a_cleartext_message_of_gnupg_is_read() {
    let (gpg, ana, ring) = meet(Kind::Curve25519);
    let message = gpg.sign_cleartext(b"!close\n- dashed\n", ana.as_str());
    let (text, signature) = verify_cleartext(&message, &ring, now()).unwrap();
    assert!(good_by(&signature, &ana), "{signature:?}");
    let lines: Vec<_> = text.split(|octet| *octet == b'\n').map(<[u8]>::trim_ascii_end).collect();
    assert_eq!(lines[..2], [b"!close".as_slice(), b"- dashed"]);
}

#[test]
fn sha1_signatures_and_future_ones_are_not_believed() {
    let (gpg, ana, ring) = meet(Kind::Rsa);
    let weak = gpg.sign_detached(TEXT, ana.as_str(), &["--digest-algo", "SHA1"]);
    assert_eq!(verify(TEXT, &weak, &ring, now()), Signature::Invalid { reason: SignatureProblem::WeakHash });
    let ahead = (now().0 + 3600).to_string();
    let future = gpg.sign_detached(TEXT, ana.as_str(), &["--faked-system-time", &ahead]);
    assert_eq!(verify(TEXT, &future, &ring, now()), Signature::Invalid { reason: SignatureProblem::FromTheFuture });
}

#[test]
fn gnupg_without_integrity_protection_is_refused() {
    let (gpg, _, ring) = meet(Kind::Rsa);
    let team = ring.own_fingerprint();
    let flags = ["--rfc2440", "--disable-mdc", "--cipher-algo", "CAST5", "--ignore-mdc-error"];
    let message = gpg.encrypt(TEXT, &[team.as_str()], None, &flags);
    assert_eq!(decrypt(&message, &ring, now()), Err(OpenError::Weak));
}

#[test]
fn an_expired_certificate_of_gnupg_is_refused() {
    let gpg = Gnupg::new();
    let ana = gpg.generate("Ana", "ana@example.org", Kind::Curve25519, "1d");
    let team = team_key();
    let ring = Keyring::from_armored(&[&team.secret_armored], &[&gpg.export(&ana)], now()).unwrap();
    let ana = Fingerprint::parse(&ana).unwrap();
    let seal = |at| encrypt(TEXT, std::slice::from_ref(&ana), Signing::Signed, &ring, at);
    assert!(seal(now()).is_ok());
    let expired = SealError::Unusable { fingerprint: ana.clone(), problem: KeyProblem::Expired };
    assert_eq!(seal(now().after(DAY * 2)), Err(expired));
}

#[test]
fn a_locked_key_of_gnupg_becomes_the_teams_key() {
    let gpg = Gnupg::new();
    let team = gpg.generate_locked("Team <team@example.org>", "a long one");
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("team.asc");
    std::fs::write(&path, gpg.export_locked(&team, "a long one")).unwrap();
    let load = |passphrase: Option<&str>| {
        let passphrase = passphrase.map(|text| zeroize::Zeroizing::new(text.to_owned()));
        Keyring::load(&KeyFiles { secret: vec![path.clone()], passphrase, certificates: None }, now())
    };
    assert!(matches!(load(None), Err(KeyringError::PassphraseNeeded { .. })));
    assert!(matches!(load(Some("another")), Err(KeyringError::PassphraseWrong { .. })));
    let ring = load(Some("a long one")).unwrap();
    let message = gpg.encrypt(TEXT, &[&team], None, &[]);
    assert_eq!(decrypt(&message, &ring, now()).unwrap().plaintext, TEXT);
    let found = certificates_in(&gpg.export(&team));
    assert_eq!(found[0].addresses, [Address::parse("team@example.org").unwrap()]);
}

#[test]
fn our_secret_key_works_in_gnupg() {
    let (gpg, team) = (Gnupg::new(), team_key());
    gpg.import(&team.secret_armored);
    let ring = Keyring::from_armored(&[&team.secret_armored], &[], now()).unwrap();
    let sealed = encrypt(TEXT, &[ring.own_fingerprint()], Signing::Signed, &ring, now()).unwrap();
    let (text, verdict) = gpg.decrypt(&sealed);
    assert_eq!(text, TEXT);
    assert_eq!(verdict.good.as_deref(), Some(team.fingerprint.as_str()));
}

#[test]
fn a_team_key_with_its_primary_kept_offline_signs_and_decrypts() {
    let gpg = Gnupg::new();
    let team = gpg.generate("Team", "team@example.org", Kind::Curve25519, "never");
    gpg.run(&["--quick-add-key", &team, "ed25519", "sign", "never"], b"");
    let ring = Keyring::from_armored(&[&gpg.export_secret_subkeys(&team)], &[], now()).unwrap();
    let signed = sign_detached(TEXT, &ring, now()).unwrap();
    assert_eq!(gpg.verify_detached(TEXT, &signed.armored).good, Some(team.clone()));
    let message = gpg.encrypt(TEXT, &[&team], None, &[]);
    assert_eq!(decrypt(&message, &ring, now()).unwrap().plaintext, TEXT);
}
