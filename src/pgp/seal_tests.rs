//! Tests of sealing: who can read it, what it says, when nothing is sealed at all.

use openpgp::packet::Packet;
use openpgp::parse::Parse;

use super::*;
use crate::domain::id::Address;
use crate::domain::time::DAY;
use crate::pgp::keyring::{GeneratedKey, generate, generate_with};
use crate::pgp::open::{OpenError, Signature, decrypt, verify_detached};

const AT: Timestamp = Timestamp(1_790_000_000);
const TEXT: &[u8] = b"Content-Type: text/plain\r\n\r\nA flaw.\r\n";

fn address() -> Address {
    Address::parse("someone@example.org").unwrap()
}

fn key() -> GeneratedKey {
    generate("Someone", &address(), AT).unwrap()
}

fn ring(own: &GeneratedKey, known: &[&GeneratedKey]) -> Keyring {
    let known: Vec<&[u8]> = known.iter().map(|key| &key.public_armored[..]).collect();
    Keyring::from_armored(&[&own.secret_armored], &known, AT).unwrap()
}

#[test]
fn a_sealed_message_is_for_its_recipients_alone() {
    let (team, ana, bo) = (key(), key(), key());
    let ours = ring(&team, &[&ana, &bo]);
    let to = [ana.fingerprint.clone(), bo.fingerprint.clone(), ana.fingerprint.clone()];
    let sealed = encrypt(TEXT, &to, Signing::Signed, &ours, AT).unwrap();
    assert!(sealed.starts_with(b"-----BEGIN PGP MESSAGE-----"));
    for reader in [&ana, &bo] {
        let opened = decrypt(&sealed, &ring(reader, &[&team]), AT).unwrap();
        assert_eq!(opened.plaintext, TEXT);
        assert_eq!(opened.recipient, reader.fingerprint);
        let Signature::Good { fingerprint, made_at, mut intended_recipients, .. } = opened.signature else {
            panic!("not good");
        };
        assert_eq!((fingerprint, made_at), (team.fingerprint.clone(), AT));
        intended_recipients.sort();
        let mut expected = [ana.fingerprint.clone(), bo.fingerprint.clone()];
        expected.sort();
        assert_eq!(intended_recipients, expected);
    }
    assert_eq!(decrypt(&sealed, &ours, AT), Err(OpenError::NoKey));
    let packets = openpgp::PacketPile::from_bytes(&sealed).unwrap();
    assert_eq!(packets.children().filter(|packet| matches!(packet, Packet::PKESK(_))).count(), 2);
}

#[test]
fn unsigned_is_unsigned_and_nothing_is_compressed() {
    let (team, ana) = (key(), key());
    let zeros = vec![0; 100_000];
    let sealed =
        encrypt(&zeros, std::slice::from_ref(&ana.fingerprint), Signing::Unsigned, &ring(&team, &[&ana]), AT).unwrap();
    assert!(sealed.len() > zeros.len());
    let opened = decrypt(&sealed, &ring(&ana, &[&team]), AT).unwrap();
    assert_eq!((opened.plaintext, opened.signature), (zeros, Signature::None));
}

#[test]
fn one_bad_recipient_refuses_the_whole() {
    let (team, ana, stranger) = (key(), key(), key());
    let short = generate_with("Short", &address(), AT, Some(DAY)).unwrap();
    let ours = ring(&team, &[&ana, &short]);
    let seal = |bad: &GeneratedKey, at| {
        encrypt(TEXT, &[ana.fingerprint.clone(), bad.fingerprint.clone()], Signing::Signed, &ours, at)
    };
    assert!(seal(&short, AT).is_ok());
    let unusable =
        |key: &GeneratedKey, problem| Err(SealError::Unusable { fingerprint: key.fingerprint.clone(), problem });
    assert_eq!(seal(&short, AT.after(DAY * 2)), unusable(&short, KeyProblem::Expired));
    assert_eq!(seal(&stranger, AT), unusable(&stranger, KeyProblem::Unknown));
    assert_eq!(encrypt(TEXT, &[], Signing::Signed, &ours, AT), Err(SealError::RecipientCount));
}

#[test]
fn an_expired_own_key_signs_nothing() {
    let short = generate_with("Team", &address(), AT, Some(DAY)).unwrap();
    let (ana, later) = (key(), AT.after(DAY * 2));
    let ours = ring(&short, &[&ana]);
    let expired = SealError::NoSigningKey(KeyProblem::Expired);
    assert_eq!(sign_detached(TEXT, &ours, later), Err(expired.clone()));
    assert_eq!(encrypt(TEXT, &[ana.fingerprint], Signing::Signed, &ours, later), Err(expired));
}

#[test]
fn a_detached_signature_names_its_hash() {
    let team = key();
    let signed = sign_detached(TEXT, &ring(&team, &[]), AT).unwrap();
    assert_eq!(signed.micalg, "pgp-sha512");
    let packets = openpgp::PacketPile::from_bytes(&signed.armored).unwrap();
    let Some(Packet::Signature(signature)) = packets.path_ref(&[0]) else { panic!("no signature") };
    assert_eq!(signature.hash_algo(), HashAlgorithm::SHA512);
    let verdict = verify_detached(TEXT, &signed.armored, &ring(&key(), &[&team]), AT);
    assert!(matches!(verdict, Signature::Good { fingerprint, .. } if fingerprint == team.fingerprint));
}
