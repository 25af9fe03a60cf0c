//! Tests of opening: what is readable, what is refused, and what a signature is worth.

use std::io::Write;

use openpgp::Packet;
use openpgp::armor;
use openpgp::packet::signature::subpacket::NotationDataFlags;
use openpgp::packet::signature::subpacket::{NotationData, Subpacket, SubpacketValue};
use openpgp::packet::{Literal, Tag};
use openpgp::serialize::stream::{Compressor, Encryptor, LiteralWriter, Message, Recipient, Signer};
use openpgp::serialize::{Serialize, SerializeInto};
use openpgp::types::CompressionAlgorithm;

use super::*;
use crate::domain::id::Address;
use crate::domain::time::DAY;
use crate::pgp::keyring::{GeneratedKey, encryption_keys, generate, generate_with, signing_key};
use crate::pgp::seal::{Signing, encrypt, sign_detached};

const AT: Timestamp = Timestamp(1_790_000_000);
const TEXT: &[u8] = b"Content-Type: text/plain\r\n\r\nA flaw in the parser.\r\n";

fn key() -> GeneratedKey {
    generate("Someone", &Address::parse("someone@example.org").unwrap(), AT).unwrap()
}

fn ring(own: &GeneratedKey, known: &[&GeneratedKey]) -> Keyring {
    let known: Vec<&[u8]> = known.iter().map(|key| &key.public_armored[..]).collect();
    Keyring::from_armored(&[&own.secret_armored], &known, AT).unwrap()
}

fn cert(key: &GeneratedKey) -> Cert {
    Cert::from_bytes(&*key.secret_armored).unwrap()
}

fn dearmor(armored: &[u8]) -> Vec<u8> {
    let mut binary = Vec::new();
    armor::Reader::from_bytes(armored, None).read_to_end(&mut binary).unwrap();
    binary
}

/// A message from Ana to the team, with the team's keyring.
fn signed_mail() -> (Vec<u8>, Keyring, GeneratedKey) {
    let (team, ana) = (key(), key());
    let sealed =
        encrypt(TEXT, std::slice::from_ref(&team.fingerprint), Signing::Signed, &ring(&ana, &[&team]), AT).unwrap();
    (sealed, ring(&team, &[&ana]), ana)
}

/// Encrypts to `key` whatever `inside` writes.
fn encrypted(key: &GeneratedKey, inside: impl FnOnce(Message<'_>) -> openpgp::Result<()>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let (cert, policy) = (cert(key), policy(AT));
    let keys = encryption_keys(&cert, &policy, AT).unwrap().into_iter().map(Recipient::from);
    inside(Encryptor::for_recipients(Message::new(&mut bytes), keys).build().unwrap()).unwrap();
    bytes
}

fn literal(message: Message<'_>, text: &[u8]) -> openpgp::Result<()> {
    let mut message = LiteralWriter::new(message).build()?;
    message.write_all(text)?;
    message.finalize()
}

fn invalid(reason: SignatureProblem) -> Signature {
    Signature::Invalid { reason }
}

#[test]
fn opens_armored_and_binary() {
    let (sealed, ours, ana) = signed_mail();
    for message in [sealed.clone(), dearmor(&sealed)] {
        let opened = decrypt(&message, &ours, AT).unwrap();
        assert_eq!(opened.plaintext, TEXT);
        assert_eq!(opened.recipient, ours.own_fingerprint());
        assert!(matches!(opened.signature, Signature::Good { fingerprint, .. } if fingerprint == ana.fingerprint));
    }
}

#[test]
fn a_flipped_bit_anywhere_gives_no_plaintext() {
    let (sealed, ours, _) = signed_mail();
    let message = dearmor(&sealed);
    // Behind the PKESK, and the tag, length and version of the SEIPD packet, everything is ciphertext.
    let pile = openpgp::PacketPile::from_bytes(&message).unwrap();
    let start = pile.path_ref(&[0]).unwrap().to_vec().unwrap().len() + 4;
    for position in 0..message.len() {
        let mut flipped = message.clone();
        flipped[position] ^= 1 << (position % 8);
        let error = decrypt(&flipped, &ours, AT).unwrap_err();
        let ciphertext = position >= start;
        // A flip can make one tag into another, which is then refused before the end was seen.
        let expected = matches!(error, OpenError::Modified | OpenError::Nested | OpenError::TooLarge);
        assert!(!ciphertext || expected, "octet {position}: {error:?}");
    }
}

#[test]
fn a_message_cut_anywhere_gives_no_plaintext() {
    let (sealed, ours, _) = signed_mail();
    let message = dearmor(&sealed);
    for length in 0..message.len() {
        assert!(decrypt(&message[..length], &ours, AT).is_err(), "{length} of {}", message.len());
    }
    let doubled = [&message[..], &message].concat();
    assert!(decrypt(&doubled, &ours, AT).is_err());
}

#[test]
fn a_message_too_short_to_hold_its_integrity_tag_is_refused() {
    let team = key();
    let ours = ring(&team, &[]);
    // The library reads past what it set aside for the tag, and panics, when less than 40 octets are encrypted.
    for length in 0..60 {
        let mut message = encrypted(&team, |message| literal(message, TEXT));
        let pile = openpgp::PacketPile::from_bytes(&message).unwrap();
        let header: usize = pile.children().next().unwrap().to_vec().unwrap().len();
        let body: Vec<u8> = message[header..].iter().copied().skip(2).take(length).collect();
        message.truncate(header);
        message.extend([0xC0 | u8::from(Tag::SEIP), u8::try_from(body.len()).unwrap()]);
        message.extend(body);
        assert!(decrypt(&message, &ours, AT).is_err(), "{length}");
    }
}

#[test]
fn changed_ciphertext_is_told_from_ciphertext_for_others() {
    let (sealed, ours, ana) = signed_mail();
    let mut message = dearmor(&sealed);
    assert_eq!(decrypt(&message, &ring(&ana, &[]), AT), Err(OpenError::NoKey));
    *message.last_mut().unwrap() ^= 1;
    assert_eq!(decrypt(&message, &ours, AT), Err(OpenError::Modified));
    assert_eq!(decrypt(b"Dear team,", &ours, AT), Err(OpenError::NotOpenPgp));
    assert_eq!(decrypt(b"", &ours, AT), Err(OpenError::NotOpenPgp));
}

#[test]
fn encryption_without_integrity_is_refused() {
    let (team, mut bytes) = (key(), Vec::new());
    let (cert, policy) = (cert(&team), policy(AT));
    let session_key = SessionKey::new(32).unwrap();
    for ka in encryption_keys(&cert, &policy, AT).unwrap() {
        let pkesk = openpgp::packet::pkesk::PKESK3::for_recipient(SymmetricAlgorithm::AES256, &session_key, ka.key());
        Packet::PKESK(pkesk.unwrap().into()).serialize(&mut bytes).unwrap();
    }
    // Symmetrically Encrypted Data (RFC 9580 section 5.7), which proves nothing.
    bytes.extend([0xC0 | u8::from(Tag::SED), 100]);
    bytes.extend([0x5a; 100]);
    assert_eq!(decrypt(&bytes, &ring(&team, &[]), AT), Err(OpenError::Weak));
}

#[test]
fn only_one_layer_of_encryption_is_opened_and_only_outermost() {
    let team = key();
    let ours = ring(&team, &[]);
    let (inner_cert, policy) = (cert(&team), policy(AT));
    let inner = encrypted(&team, |message| literal(message, TEXT));
    assert!(decrypt(&inner, &ours, AT).is_ok());
    let twice = encrypted(&team, |mut message| {
        message.write_all(&inner)?;
        message.finalize()
    });
    assert_eq!(decrypt(&twice, &ours, AT), Err(OpenError::Nested));

    let mut compressed_outside = Vec::new();
    let keys = encryption_keys(&inner_cert, &policy, AT).unwrap().into_iter().map(Recipient::from);
    let message = Compressor::new(Message::new(&mut compressed_outside)).build().unwrap();
    literal(Encryptor::for_recipients(message, keys).build().unwrap(), TEXT).unwrap();
    assert_eq!(decrypt(&compressed_outside, &ours, AT), Err(OpenError::NotOpenPgp));

    let mut plain = Vec::new();
    literal(Message::new(&mut plain), TEXT).unwrap();
    assert_eq!(decrypt(&plain, &ours, AT), Err(OpenError::NotOpenPgp));

    // Two literals, of which one would be unsigned.
    let two = encrypted(&team, |mut message| {
        for _ in 0..2 {
            let mut packet = Literal::new(openpgp::types::DataFormat::Binary);
            packet.set_body(TEXT.to_vec());
            Packet::Literal(packet).serialize(&mut message)?;
        }
        message.finalize()
    });
    assert_eq!(decrypt(&two, &ours, AT), Err(OpenError::Modified));
}

#[test]
fn passwords_are_never_tried_and_recipients_are_counted() {
    let team = key();
    let ours = ring(&team, &[]);
    let mut by_password = Vec::new();
    let message = Encryptor::with_passwords(Message::new(&mut by_password), Some("x")).build().unwrap();
    literal(message, TEXT).unwrap();
    assert_eq!(decrypt(&by_password, &ours, AT), Err(OpenError::NoKey));

    let (cert, policy) = (cert(&team), policy(AT));
    let to_many = |count: usize| {
        let mut bytes = Vec::new();
        let keys = || encryption_keys(&cert, &policy, AT).unwrap().into_iter().map(Recipient::from);
        let recipients: Vec<_> = (0..count).flat_map(|_| keys()).collect();
        literal(Encryptor::for_recipients(Message::new(&mut bytes), recipients).build().unwrap(), TEXT).unwrap();
        decrypt(&bytes, &ours, AT)
    };
    assert!(to_many(PKESK_MAX).is_ok());
    assert_eq!(to_many(PKESK_MAX + 1), Err(OpenError::TooLarge));
}

#[test]
fn a_hidden_recipient_is_found() {
    let team = key();
    let (cert, policy) = (cert(&team), policy(AT));
    let mut bytes = Vec::new();
    let keys = encryption_keys(&cert, &policy, AT).unwrap();
    let hidden = keys.iter().map(|ka| Recipient::new(None, None::<KeyHandle>, ka.key()));
    let hidden = hidden.map(|recipient| recipient.set_key_handle(None::<KeyHandle>).unwrap());
    let hidden: Vec<_> = hidden.collect();
    literal(Encryptor::for_recipients(Message::new(&mut bytes), hidden).build().unwrap(), TEXT).unwrap();
    assert_eq!(decrypt(&bytes, &ring(&team, &[]), AT).unwrap().plaintext, TEXT);
}

#[test]
fn plaintext_stops_at_its_limit() {
    let team = key();
    let message = encrypted(&team, |message| literal(message, &[7; 5000]));
    let ours = ring(&team, &[]);
    assert_eq!(decrypt_within(&message, &ours, AT, 5000).unwrap().plaintext.len(), 5000);
    assert_eq!(decrypt_within(&message, &ours, AT, 4999), Err(OpenError::TooLarge));
}

#[test]
fn a_compression_bomb_takes_no_memory() {
    const BOMB_MIB: usize = 1024;
    let team = key();
    let bomb = |layers: usize, mebibytes: usize| {
        encrypted(&team, |mut message| {
            for _ in 0..layers {
                message = Compressor::new(message).algo(CompressionAlgorithm::Zlib).build()?;
            }
            let mut message = LiteralWriter::new(message).build()?;
            for _ in 0..mebibytes {
                message.write_all(&[0; 1 << 20])?;
            }
            message.finalize()
        })
    };
    let ours = ring(&team, &[]);
    for message in [bomb(1, BOMB_MIB), bomb(2, 1)] {
        assert!(message.len() < 2 << 20);
        assert_eq!(decrypt(&message, &ours, AT), Err(OpenError::TooLarge));
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak_kib: usize = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(peak_kib < BOMB_MIB * 1024 / 2, "{peak_kib} KiB");
    // What people really send opens.
    assert_eq!(decrypt(&bomb(1, 1), &ours, AT).unwrap().plaintext.len(), 1 << 20);
}

#[test]
fn a_stranger_is_named_but_not_believed() {
    let (sealed, ours, ana) = signed_mail();
    let alone = Keyring::from_armored(&[&cert_bytes_of(&ours)], &[], AT).unwrap();
    let opened = decrypt(&sealed, &alone, AT).unwrap();
    let Signature::UnknownKey { issuer: Some(issuer) } = opened.signature else { panic!("{:?}", opened.signature) };
    let subkey = cert(&ana).keys().subkeys().find(|ka| ka.key().fingerprint().to_hex() == issuer).is_some();
    assert!(subkey, "{issuer}");
}

fn cert_bytes_of(ring: &Keyring) -> Vec<u8> {
    ring.own()[0].as_tsk().to_vec().unwrap()
}

#[test]
fn a_signature_is_judged_by_the_clock() {
    let (team, ana) = (key(), key());
    let (theirs, ours) = (ring(&ana, &[]), ring(&team, &[&ana]));
    let made = |at| sign_detached(TEXT, &theirs, at).unwrap().armored;
    let ahead = made(AT.after(AHEAD_MAX));
    let verdict = verify_detached(TEXT, &ahead, &ours, AT);
    assert!(matches!(verdict, Signature::Good { made_at, .. } if made_at == AT.after(AHEAD_MAX)));
    // Our clock is behind both the key and the signature.
    assert!(matches!(verify_detached(TEXT, &made(AT), &ours, AT.before(MINUTE)), Signature::Good { .. }));
    assert_eq!(verify_detached(TEXT, &ahead, &ours, AT.before(MINUTE)), invalid(SignatureProblem::FromTheFuture));
    let future = made(AT.after(AHEAD_MAX + MINUTE));
    assert_eq!(verify_detached(TEXT, &future, &ours, AT), invalid(SignatureProblem::FromTheFuture));
}

#[test]
fn a_key_that_expired_or_was_revoked_since_is_not_believed() {
    let team = key();
    let short = generate_with("Short", &Address::parse("s@example.org").unwrap(), AT, Some(DAY)).unwrap();
    let mut ours = ring(&team, &[&short]);
    let signature = sign_detached(TEXT, &ring(&short, &[]), AT).unwrap().armored;
    assert!(matches!(verify_detached(TEXT, &signature, &ours, AT), Signature::Good { .. }));
    let later = AT.after(DAY + MINUTE);
    assert_eq!(verify_detached(TEXT, &signature, &ours, later), invalid(SignatureProblem::Expired));

    let cert = cert(&short);
    let mut signer = cert.primary_key().key().clone().parts_into_secret().unwrap().into_keypair().unwrap();
    let revocation = openpgp::cert::CertRevocationBuilder::new()
        .set_signature_creation_time(system_time(AT.after(MINUTE)))
        .unwrap()
        .set_reason_for_revocation(openpgp::types::ReasonForRevocation::KeyRetired, b"")
        .unwrap()
        .build(&mut signer, &cert, None)
        .unwrap();
    let revoked = cert.insert_packets(revocation).unwrap().0.armored().to_vec().unwrap();
    ours.add_certificate(&revoked).unwrap();
    assert_eq!(
        verify_detached(TEXT, &signature, &ours, AT.after(MINUTE * 2)),
        invalid(SignatureProblem::Revoked),
        "made before the revocation, read after it"
    );
}

#[test]
fn a_message_passed_on_to_us_is_not_taken_for_one_written_to_us() {
    let (team, ana, other) = (key(), key(), key());
    let passed_on = encrypted(&team, |message| {
        let pair = signing_key(&cert(&ana), AT).unwrap();
        let signer = Signer::new(message, pair)?.creation_time(system_time(AT)).add_intended_recipient(&cert(&other));
        literal(signer.build()?, TEXT)
    });
    let opened = decrypt(&passed_on, &ring(&team, &[&ana]), AT).unwrap();
    assert_eq!(opened.signature, invalid(SignatureProblem::OtherRecipients));
}

#[test]
fn two_signatures_are_none() {
    let (team, ana, bo) = (key(), key(), key());
    let both = encrypted(&team, |message| {
        let signer = Signer::new(message, signing_key(&cert(&ana), AT).unwrap())?.creation_time(system_time(AT));
        literal(signer.add_signer(signing_key(&cert(&bo), AT).unwrap())?.build()?, TEXT)
    });
    let opened = decrypt(&both, &ring(&team, &[&ana, &bo]), AT).unwrap();
    assert_eq!(opened.signature, invalid(SignatureProblem::SeveralSignatures));
}

#[test]
fn a_detached_signature_fits_exactly_its_octets() {
    let (team, ana) = (key(), key());
    let (theirs, ours) = (ring(&ana, &[]), ring(&team, &[&ana]));
    let signature = sign_detached(TEXT, &theirs, AT).unwrap().armored;
    let Signature::Good { digest, .. } = verify_detached(TEXT, &signature, &ours, AT) else { panic!("not good") };
    assert_eq!(digest.len(), 64);
    assert_eq!(verify_detached(b"other text", &signature, &ours, AT), Signature::Bad);
    assert_eq!(verify_detached(TEXT, b"no signature", &ours, AT), Signature::Bad);
    assert_eq!(verify_detached(TEXT, &ours.own_certificate(), &ours, AT), Signature::Bad);
    let (sealed, ..) = signed_mail();
    assert_eq!(verify_detached(TEXT, &sealed, &ours, AT), Signature::Bad);

    // Written anew with an addition outside the signed part: the ledger must know it again.
    let Packet::Signature(mut packet) = Packet::from_bytes(&signature).unwrap() else { panic!("no signature") };
    let note = NotationData::new("a@example.org", b"again", NotationDataFlags::empty());
    packet.unhashed_area_mut().add(Subpacket::new(SubpacketValue::NotationData(note), false).unwrap()).unwrap();
    let rewritten = Packet::from(packet).to_vec().unwrap();
    let verdict = verify_detached(TEXT, &rewritten, &ours, AT);
    assert!(matches!(verdict, Signature::Good { digest: again, .. } if again == digest));
    // Our own signature is reported as ours.
    let own = sign_detached(TEXT, &ours, AT).unwrap().armored;
    let verdict = verify_detached(TEXT, &own, &ours, AT);
    assert!(matches!(verdict, Signature::Good { fingerprint, .. } if fingerprint == team.fingerprint));
}

fn cleartext(by: &GeneratedKey, text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let signer = Signer::new(Message::new(&mut bytes), signing_key(&cert(by), AT).unwrap()).unwrap();
    let mut message = signer.creation_time(system_time(AT)).cleartext().build().unwrap();
    message.write_all(text).unwrap();
    message.finalize().unwrap();
    bytes
}

#[test]
fn a_cleartext_message_is_the_whole_or_nothing() {
    let (team, ana) = (key(), key());
    let ours = ring(&team, &[&ana]);
    let message = cleartext(&ana, b"!close\n-- \ndashes\n");
    let (text, verdict) = verify_cleartext(&message, &ours, AT).unwrap();
    assert!(text.starts_with(b"!close"), "{text:?}");
    assert!(text.windows(2).any(|window| window == b"--"));
    assert!(matches!(verdict, Signature::Good { fingerprint, .. } if fingerprint == ana.fingerprint));
    assert!(verify_cleartext(&[b"\r\n", &message[..], b"\n\n"].concat(), &ours, AT).is_ok());

    for around in [[b"!publish\n", &message[..], b""].concat(), [b"", &message[..], b"!publish\n"].concat()] {
        assert_eq!(verify_cleartext(&around, &ours, AT), Err(OpenError::NotOpenPgp));
    }
    assert_eq!(verify_cleartext(&[&message[..], &message].concat(), &ours, AT), Err(OpenError::NotOpenPgp));
    let changed = String::from_utf8(message).unwrap().replace("!close", "!cl0se");
    assert_eq!(verify_cleartext(changed.as_bytes(), &ours, AT).unwrap().1, Signature::Bad);
    let (sealed, ..) = signed_mail();
    assert_eq!(verify_cleartext(&sealed, &ours, AT), Err(OpenError::NotOpenPgp));
}
