//! One mail read: classified, opened, its own text taken apart. Bytes in, value out, no state.
//!
//! Machine mail is recognised before anything is decrypted. Only a layer that is the whole mail is
//! opened and acted on; anything less is marked partial and commands nothing. Never fails: what
//! cannot be opened is a verdict.

use crate::domain::event::Authenticity;
use crate::domain::id::{Address, Fingerprint};
use crate::domain::party::Form;
use crate::domain::rules::Rules;
use crate::domain::time::Timestamp;
use crate::domain::token::digest_hex;
use crate::mail::authres::{self, Authentication};
use crate::mail::classify::{self, MailClass, OwnMarks};
use crate::mail::parse::{self, CryptoLayer, Limits, ParsedMail, TextSource};
use crate::mail::quote;
use crate::mail::thread::{self, ThreadKeys};
use crate::pgp::keyring::{Keyring, certificates_in};
use crate::pgp::open::{self, OpenError, Signature};

/// Most attachments that are named in a forward.
const NAMED_ATTACHMENTS_MAX: usize = 30;

/// Why the inside of a mail is not shown: what it holds is not this author's.
const NOT_HIS: &str = "NOT SHOWN: its protected author is not the author outside, so it may be stolen from somebody else; \
                       the attached original is for the team's eyes alone";
/// The same, where nothing inside names an author.
const SAID_BEFORE: &str = "NOT SHOWN: another author sent us exactly this before, so it may be stolen from him; the attached \
                           original is for the team's eyes alone";

/// What reading needs beside the mail.
#[derive(Clone, Copy)]
pub struct Reader<'a> {
    /// Who we are.
    pub rules: &'a Rules,
    /// Our keys, and those we know.
    pub keyring: &'a Keyring,
    /// Whose Authentication-Results count (RFC 8601 section 5).
    pub authserv_ids: &'a [String],
    /// Lists that are sources of reports.
    pub intake_lists: &'a [String],
    /// Limits of parsing.
    pub limits: &'a Limits,
}

/// A mail, read.
pub struct Reading {
    /// Person, machine, list, or our own.
    pub class: MailClass,
    /// The mail as its author meant it: the inside, where it was encrypted.
    pub mail: ParsedMail,
    /// The outer structure, which alone decides what an outsider is answered.
    pub form: Form,
    /// The one author.
    pub author: Option<Address>,
    /// What the mail system says of the author.
    pub authenticity: Authenticity,
    /// The signature over the whole content.
    pub signature: Signature,
    /// Whether encryption or signature covers only a part.
    pub partial: bool,
    /// One line for the team.
    pub verdict: String,
    /// The author's own words.
    pub own_text: String,
    /// A `!case` line of ours in the quoted part.
    pub quoted_case: Option<String>,
    /// When its author says that it was written, as anybody on the way could read it.
    pub sent: Option<Timestamp>,
    /// Where it points.
    pub keys: ThreadKeys,
    /// The decrypted entity, to pass on to the team.
    pub opened: Option<Vec<u8>>,
    /// Digest of everything that the mail says, whatever its MIME looks like: text, attachments, ciphertext.
    pub content_digest: String,
}

impl Reader<'_> {
    /// Reads a mail at an instant.
    #[must_use]
    pub fn read(&self, raw: &[u8], at: Timestamp) -> Reading {
        let outer = parse::parse(raw, self.limits);
        let addresses = std::slice::from_ref(&self.rules.address);
        let marks = OwnMarks {
            key: &self.rules.key,
            addresses,
            loop_header_value: &self.rules.instance,
            intake_lists: self.intake_lists,
        };
        let class = classify::classify(&outer, &marks);
        let authenticity = match authres::judge(&outer, self.authserv_ids) {
            Authentication::Pass { .. } => Authenticity::Pass,
            Authentication::Fail => Authenticity::Fail,
            Authentication::Unknown => Authenticity::Unknown,
        };
        let (sent, outside) = (outer.date, content_digest(&outer));
        let from_person = matches!(class, MailClass::Person | MailClass::Intake { .. });
        let opening = if from_person { self.open(outer, at) } else { Opening::shut(outer) };
        let own = quote::own_text(&opening.mail.text);
        Reading {
            class,
            author: opening.mail.author().cloned(),
            authenticity,
            verdict: verdict(&opening),
            own_text: own.text,
            quoted_case: quote::quoted_case_line(&opening.mail.text),
            keys: thread::keys(&opening.mail, &self.rules.case_prefix),
            form: opening.form,
            signature: opening.signature,
            partial: opening.partial,
            mail: opening.mail,
            sent,
            // What was encrypted is the same however its ciphertext is wrapped.
            content_digest: opening.opened.as_deref().map_or(outside, digest_hex),
            opened: opening.opened,
        }
    }

    fn open(&self, outer: ParsedMail, at: Timestamp) -> Opening {
        match &outer.layer {
            CryptoLayer::None => Opening::shut(outer),
            CryptoLayer::Partial => Opening { partial: true, ..Opening::shut(outer) },
            CryptoLayer::Signed { entity, signature } => {
                let signature = open::verify_detached(entity, signature, self.keyring, at);
                Opening { signature, ..Opening::shut(outer) }
            }
            CryptoLayer::InlineSigned { armored } => match open::verify_cleartext(armored, self.keyring, at) {
                Ok((text, signature)) => Opening { signature, ..Opening::shut(outer.with_text(&text, self.limits)) },
                Err(_) => Opening { signature: Signature::Bad, ..Opening::shut(outer) },
            },
            CryptoLayer::Encrypted { ciphertext } => match open::decrypt(ciphertext, self.keyring, at) {
                Ok(opened) => self.inside(&outer, opened, at),
                Err(error) => Opening::failed(outer, error),
            },
            CryptoLayer::InlineEncrypted { armor } => match open::decrypt(armor, self.keyring, at) {
                Ok(opened) => Opening {
                    signature: opened.signature,
                    form: Form::Encrypted,
                    opened: Some(opened.plaintext.clone()),
                    ..Opening::shut(outer.with_text(&opened.plaintext, self.limits))
                },
                Err(error) => Opening::failed(outer, error),
            },
        }
    }

    /// The inside of an encrypted mail; a signature may be in the same layer, or be the whole of the inside.
    fn inside(&self, outer: &ParsedMail, opened: open::Opened, at: Timestamp) -> Opening {
        let mail = parse::parse_inner(&opened.plaintext, outer, self.limits);
        if outer.author().is_some() && mail.author().is_none() {
            // Somebody else's ciphertext in a mail of this author. He learns nothing from the answer: it is the one
            // that a mail gets which we cannot open.
            let opened = Some(opened.plaintext);
            return Opening { withheld: Some(NOT_HIS), form: Form::Encrypted, opened, ..Opening::shut(outer.clone()) };
        }
        let (signature, partial) = match (&opened.signature, &mail.layer) {
            (_, CryptoLayer::Encrypted { .. } | CryptoLayer::InlineEncrypted { .. } | CryptoLayer::Partial) => {
                (Signature::None, true)
            }
            (Signature::None, CryptoLayer::Signed { entity, signature }) => {
                (open::verify_detached(entity, signature, self.keyring, at), false)
            }
            (_, CryptoLayer::Signed { .. } | CryptoLayer::InlineSigned { .. } | CryptoLayer::None) => {
                (opened.signature, false)
            }
        };
        Opening { form: Form::Encrypted, signature, partial, opened: Some(opened.plaintext), ..Opening::shut(mail) }
    }
}

impl Reading {
    /// The fingerprint whose good signature covers the whole content.
    #[must_use]
    pub fn signed_by(&self) -> Option<&Fingerprint> {
        match &self.signature {
            Signature::Good { fingerprint, .. } if !self.partial => Some(fingerprint),
            Signature::Good { .. }
            | Signature::None
            | Signature::Bad
            | Signature::UnknownKey { .. }
            | Signature::Invalid { .. } => None,
        }
    }

    /// The same mail without the words of its encrypted part, which an earlier mail of another author held.
    #[must_use]
    pub fn withheld(self) -> Self {
        let verdict = format!("{}; {SAID_BEFORE}", self.verdict);
        let mail =
            ParsedMail { text: String::new(), text_from: TextSource::None, attachments: Vec::new(), ..self.mail };
        Self { mail, verdict, own_text: String::new(), quoted_case: None, signature: Signature::None, ..self }
    }

    /// Names and sizes of the attachments.
    #[must_use]
    pub fn attachment_names(&self) -> Vec<String> {
        let named = self.mail.attachments.iter().take(NAMED_ATTACHMENTS_MAX);
        named
            .map(|part| format!("{} ({} bytes)", part.name.as_deref().unwrap_or("unnamed"), part.bytes.len()))
            .collect()
    }

    /// Certificates that came along.
    #[must_use]
    pub fn candidates(&self) -> Vec<Fingerprint> {
        let keys = self.mail.attachments.iter().filter(|part| {
            part.content_type == "application/pgp-keys"
                || part.name.as_deref().is_some_and(|name| name.to_lowercase().ends_with(".asc"))
        });
        keys.take(NAMED_ATTACHMENTS_MAX)
            .flat_map(|part| certificates_in(&part.bytes))
            .map(|found| found.fingerprint)
            .collect()
    }
}

struct Opening {
    mail: ParsedMail,
    form: Form,
    signature: Signature,
    partial: bool,
    opened: Option<Vec<u8>>,
    failure: Option<OpenError>,
    withheld: Option<&'static str>,
}

impl Opening {
    fn shut(mail: ParsedMail) -> Self {
        Self {
            mail,
            form: Form::Clear,
            signature: Signature::None,
            partial: false,
            opened: None,
            failure: None,
            withheld: None,
        }
    }

    fn failed(mail: ParsedMail, error: OpenError) -> Self {
        Self { form: Form::Encrypted, failure: Some(error), ..Self::shut(mail) }
    }
}

/// A host that renders MIME anew at each fetch changes boundaries and encodings, but none of these.
fn content_digest(mail: &ParsedMail) -> String {
    let layer = match &mail.layer {
        CryptoLayer::Encrypted { ciphertext } | CryptoLayer::InlineEncrypted { armor: ciphertext } => {
            ciphertext.as_slice()
        }
        CryptoLayer::Signed { signature, .. } => signature.as_slice(),
        CryptoLayer::InlineSigned { .. } | CryptoLayer::Partial | CryptoLayer::None => &[],
    };
    let parts = mail.attachments.iter().map(|part| part.bytes.as_slice());
    let digests: String = parts.chain([layer, mail.text.as_bytes()]).map(digest_hex).collect();
    digest_hex(digests.as_bytes())
}

/// One line that only the verifier writes; text of the mail never gets into it.
fn verdict(opening: &Opening) -> String {
    if let Some(reason) = opening.withheld {
        return format!("encrypted to us; {reason}");
    }
    let encryption = match (&opening.failure, opening.form) {
        (Some(error), _) => format!("encrypted, but it could not be opened: {error}"),
        (None, Form::Encrypted) => "encrypted to us".to_owned(),
        (None, Form::Clear) => "not encrypted".to_owned(),
    };
    let signature = match &opening.signature {
        Signature::None => "not signed".to_owned(),
        Signature::Good { fingerprint, .. } => format!("good signature by {fingerprint}"),
        Signature::Bad => "BAD SIGNATURE".to_owned(),
        Signature::UnknownKey { issuer: Some(issuer) } => format!("signed by the unknown key {issuer}"),
        Signature::UnknownKey { issuer: None } => "signed by an unknown key".to_owned(),
        Signature::Invalid { reason } => format!("signature not accepted: {reason}"),
    };
    let partial = if opening.partial { "; ONLY A PART is encrypted or signed, so it proves nothing" } else { "" };
    format!("{encryption}, {signature}{partial}")
}
