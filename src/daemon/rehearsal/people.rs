//! The people of a rehearsal and their mail programs: they write, sign, encrypt, and open what they get.

use crate::domain::id::{Address, Fingerprint, MessageId, Seed};
use crate::domain::time::Timestamp;
use crate::domain::token::hex;
use crate::mail::compose::{self, Automatic, Draft};
use crate::mail::parse::{CryptoLayer, Limits, ParsedMail, parse, parse_inner};
use crate::pgp::keyring::{GeneratedKey, Keyring, generate};
use crate::pgp::open::{Signature, decrypt, verify_detached};
use crate::pgp::seal::{Signing, encrypt, sign_detached};

use super::super::exit::{Failure, SOFTWARE};
use super::MAIL_HOST;

/// Somebody with an address, and perhaps a key.
#[derive(Clone)]
pub struct Person {
    /// Name.
    pub name: String,
    /// Address.
    pub address: Address,
    key: Option<std::sync::Arc<GeneratedKey>>,
}

/// How a person protects a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protect {
    /// In clear.
    Clear,
    /// Signed, in clear.
    Signed,
    /// Signed and encrypted to the house.
    Sealed,
    /// Encrypted to the house, unsigned.
    Encrypted,
}

/// What a person writes.
pub struct Writing<'a> {
    /// To which address: the house's, or a reply address of it.
    pub to: Address,
    /// Subject.
    pub subject: &'a str,
    /// Text.
    pub text: &'a str,
    /// The mail it answers.
    pub answers: Option<&'a Seen>,
    /// Protection.
    pub protect: Protect,
    /// Whether the mail host vouches for the sender.
    pub vouched: bool,
}

/// What a person sees of a mail.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The subject, the protected one where there is one.
    pub subject: String,
    /// The subject that anybody on the way sees.
    pub outer_subject: String,
    /// The text.
    pub text: String,
    /// Whether it was encrypted.
    pub encrypted: bool,
    /// Whether the house's signature is good.
    pub signed: bool,
    /// Where answers go.
    pub reply_to: Option<Address>,
    /// Its Message-ID.
    pub message_id: Option<MessageId>,
    /// Names of attachments.
    pub attachments: Vec<String>,
}

impl Person {
    /// Somebody without a key.
    #[must_use]
    pub fn without_key(name: &str, address: Address) -> Self {
        Self { name: name.to_owned(), address, key: None }
    }

    /// Somebody with a new key.
    ///
    /// # Errors
    /// The key cannot be made.
    pub fn with_key(name: &str, address: Address, at: Timestamp) -> Result<Self, Failure> {
        let key = generate(name, &address, at).map_err(|error| Failure::new(SOFTWARE, error.to_string()))?;
        Ok(Self { key: Some(std::sync::Arc::new(key)), ..Self::without_key(name, address) })
    }

    /// The fingerprint of the key.
    #[must_use]
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        self.key.as_ref().map(|key| key.fingerprint.clone())
    }

    /// The certificate, armored.
    #[must_use]
    pub fn certificate(&self) -> Option<&[u8]> {
        self.key.as_ref().map(|key| key.public_armored.as_slice())
    }

    /// The secret key, armored.
    #[must_use]
    pub fn secret(&self) -> Option<&[u8]> {
        self.key.as_ref().map(|key| key.secret_armored.as_slice())
    }

    fn keyring(&self, other: &Self, at: Timestamp) -> Result<Keyring, Failure> {
        let secret = self.secret().ok_or_else(|| Failure::new(SOFTWARE, format!("{} has no key", self.name)))?;
        let known: Vec<&[u8]> = other.certificate().into_iter().collect();
        Keyring::from_armored(&[secret], &known, at).map_err(|error| Failure::new(SOFTWARE, error.to_string()))
    }

    /// Writes a mail to the house.
    ///
    /// # Errors
    /// A key is needed and missing.
    pub fn write(&self, house: &Self, writing: &Writing<'_>, at: Timestamp, seed: Seed) -> Result<Vec<u8>, Failure> {
        let failed =
            |error: &dyn std::fmt::Display| Failure::new(SOFTWARE, format!("{} cannot write: {error}", self.name));
        let answered = writing.answers.and_then(|seen| seen.message_id.clone());
        let draft = Draft {
            from_name: self.name.clone(),
            from: self.address.clone(),
            to: writing.to.clone(),
            reply_to: None,
            date: at,
            message_id: MessageId::of(&hex(&seed.0), self.address.domain()),
            in_reply_to: answered.clone(),
            references: answered.into_iter().collect(),
            subject: writing.subject.to_owned(),
            outer_subject: None,
            automatic: Automatic::No,
            instance: String::new(),
            headers: Vec::new(),
            text: quoted(writing),
            html: None,
            attachments: Vec::new(),
            autocrypt: None,
        };
        let entity = compose::entity(&draft).map_err(|error| failed(&error))?;
        let mail = match writing.protect {
            Protect::Clear => compose::plain(&draft).map_err(|error| failed(&error))?,
            Protect::Signed => {
                let signature =
                    sign_detached(&entity, &self.keyring(house, at)?, at).map_err(|error| failed(&error))?;
                compose::signed(&draft, &entity, &signature.armored, signature.micalg)
                    .map_err(|error| failed(&error))?
            }
            Protect::Sealed | Protect::Encrypted => {
                let signing = if writing.protect == Protect::Sealed { Signing::Signed } else { Signing::Unsigned };
                let to = house.fingerprint().ok_or_else(|| failed(&"the house has no key"))?;
                let armored =
                    encrypt(&entity, &[to], signing, &self.keyring(house, at)?, at).map_err(|error| failed(&error))?;
                compose::encrypted(&draft, &armored).map_err(|error| failed(&error))?
            }
        };
        Ok(if writing.vouched { [vouch(&self.address).into_bytes(), mail].concat() } else { mail })
    }

    /// Opens a mail of the house.
    ///
    /// # Errors
    /// It is encrypted and cannot be opened.
    pub fn open(&self, house: &Self, raw: &[u8], at: Timestamp) -> Result<Seen, Failure> {
        let limits = Limits::default();
        let outer = parse(raw, &limits);
        let good = |signature: &Signature| match signature {
            Signature::Good { fingerprint, .. } => Some(fingerprint) == house.fingerprint().as_ref(),
            Signature::None | Signature::Bad | Signature::UnknownKey { .. } | Signature::Invalid { .. } => false,
        };
        match &outer.layer {
            CryptoLayer::Encrypted { ciphertext } => {
                let opened = decrypt(ciphertext, &self.keyring(house, at)?, at)
                    .map_err(|error| Failure::new(SOFTWARE, format!("{} cannot open a mail: {error}", self.name)))?;
                let inner = parse_inner(&opened.plaintext, &outer, &limits);
                Ok(seen(&inner, &outer, true, good(&opened.signature)))
            }
            CryptoLayer::Signed { entity, signature } => {
                let certificate = house.certificate().unwrap_or_default();
                let secret = self.secret().or(house.secret()).unwrap_or_default();
                let ring = Keyring::from_armored(&[secret], &[certificate], at);
                let signed = ring.is_ok_and(|ring| good(&verify_detached(entity, signature, &ring, at)));
                Ok(seen(&outer, &outer, false, signed))
            }
            CryptoLayer::None
            | CryptoLayer::InlineEncrypted { .. }
            | CryptoLayer::InlineSigned { .. }
            | CryptoLayer::Partial => Ok(seen(&outer, &outer, false, false)),
        }
    }
}

/// The text, with the answered mail quoted below it as a mail program does.
fn quoted(writing: &Writing<'_>) -> String {
    match writing.answers {
        Some(seen) => {
            let quote: String = seen.text.lines().map(|line| format!("> {line}\n")).collect();
            format!("{}\n\nOn Mon, 2 Mar 2026 at 09:00, {} wrote:\n{quote}", writing.text, writing.to)
        }
        None => writing.text.to_owned(),
    }
}

fn vouch(address: &Address) -> String {
    let domain = address.domain();
    format!("Authentication-Results: {MAIL_HOST};\r\n dmarc=pass header.from={domain}\r\n")
}

fn seen(mail: &ParsedMail, outer: &ParsedMail, encrypted: bool, signed: bool) -> Seen {
    Seen {
        subject: mail.subject.clone(),
        outer_subject: outer.subject.clone(),
        text: mail.text.clone(),
        encrypted,
        signed,
        reply_to: mail.reply_to.iter().find_map(|mailbox| mailbox.address.clone()),
        message_id: mail.message_id.clone(),
        attachments: mail.attachments.iter().filter_map(|part| part.name.clone()).collect(),
    }
}

/// The recipient in the Delivered-To line that the outbox folder writes at the top.
pub(super) fn envelope_recipient(raw: &[u8]) -> Option<Address> {
    let head = raw.get(..raw.len().min(2048))?;
    let text = String::from_utf8_lossy(head);
    let line = text.lines().find(|line| line.starts_with("Delivered-To:"))?;
    Address::parse(line.strip_prefix("Delivered-To:")?)
}
