//! One mail read: classified, opened, its own text taken apart. Bytes in, value out, no state.
//!
//! Machine mail is recognised before anything is decrypted. Only a layer that is the whole mail is
//! opened and acted on; anything less is marked partial, commands nothing, and is opened beside the
//! mail for the team to see. Never fails: what cannot be opened is a verdict.

use crate::domain::event::Authenticity;
use crate::domain::id::{Address, Fingerprint, MessageId};
use crate::domain::party::Form;
use crate::domain::rules::Rules;
use crate::domain::time::Timestamp;
use crate::domain::token::{InstanceKey, digest_hex};
use crate::engine::partial;
use crate::mail::authres::{self, Authentication};
use crate::mail::classify::{self, IntakeKind, MailClass, OwnMarks};
use crate::mail::forward::{self, Forwarded};
use crate::mail::intake::{self, Reporter, Source};
use crate::mail::parse::{self, CryptoLayer, Limits, ParsedMail, TextSource};
use crate::mail::quote;
use crate::mail::thread::{self, ThreadKeys};
use crate::pgp::keyring::{Keyring, certificates_in};
use crate::pgp::open::{self, OpenError, Signature};
use crate::ports::DkimCheck;

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
    pub instance: Instance<'a>,
    /// Our keys, and those we know.
    pub keyring: &'a Keyring,
    /// Whose Authentication-Results count (RFC 8601 section 5).
    pub authserv_ids: &'a [String],
    /// Verifies DKIM where those say nothing.
    pub dkim: Option<&'a dyn DkimCheck>,
    /// Sources of reports that stand between the reporter and us.
    pub intake: &'a [Source],
    /// Limits of parsing.
    pub limits: &'a Limits,
}

/// Who we are, as far as reading needs it.
#[derive(Clone, Copy)]
pub struct Instance<'a> {
    /// The addresses we send from; none where there is no instance, only somebody who looks at a mail.
    pub addresses: &'a [Address],
    /// Our Message-IDs carry its mark.
    pub key: &'a InstanceKey,
    /// The value of our loop header.
    pub name: &'a str,
    /// The part of a case label before the year; empty to look for none.
    pub case_prefix: &'a str,
}

impl<'a> From<&'a Rules> for Instance<'a> {
    fn from(rules: &'a Rules) -> Self {
        Self {
            addresses: std::slice::from_ref(&rules.address),
            key: &rules.key,
            name: &rules.instance,
            case_prefix: &rules.case_prefix,
        }
    }
}

/// A mail, read.
pub struct Reading {
    /// Person, machine, list, or our own.
    pub class: MailClass,
    /// The mail as its author meant it: the inside, where it was encrypted.
    pub mail: ParsedMail,
    /// The outer structure, which alone decides what an outsider is answered.
    pub form: Form,
    /// The one author; in a mail of an intake source the reporter whom it names, else the source.
    pub author: Option<Address>,
    /// How the author is known.
    pub reporter: Reporter,
    /// Whether the outside of the mail alone names that reporter. Only then may he be answered, so that answers do not
    /// show what we could decrypt.
    pub named_outside: bool,
    /// What the mail system says of the author. It never vouches for one whom a source names.
    pub authenticity: Authenticity,
    /// The signature over the whole content.
    pub signature: Signature,
    /// Whether encryption or signature covers only a part.
    pub partial: bool,
    /// What the encrypted parts hold where encryption covers only a part: for the team to see, and for nothing else.
    pub partial_text: Option<String>,
    /// One line for the team.
    pub verdict: String,
    /// The author's own words.
    pub own_text: String,
    /// A `!case` line of ours in the quoted part.
    pub quoted_case: Option<String>,
    /// Where it points, by its protected headers where it has some.
    pub keys: ThreadKeys,
    /// Where it points by its outer headers alone.
    pub outer_keys: ThreadKeys,
    /// The Date outside, which alone decides whether it is too old to be acknowledged.
    pub outer_date: Option<Timestamp>,
    /// The Message-ID outside, which is the one that its author's mail program knows.
    pub outer_message_id: Option<MessageId>,
    /// Whether the outside asks for no automatic answer, or could not get one.
    pub may_be_answered: bool,
    /// Only its words say that a machine wrote it, and a person may have.
    pub by_words_alone: bool,
    /// A mail that was passed on in this one.
    pub forwarded: Option<Forwarded>,
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
        let Instance { addresses, case_prefix, .. } = self.instance;
        let class = classify::classify(&outer, &self.marks());
        let by_words_alone = classify::by_words_alone(&outer, &self.marks());
        let from_person = matches!(class, MailClass::Person | MailClass::Intake { .. });
        let own_from = matches!(class, MailClass::Person | MailClass::Intake { kind: IntakeKind::List { .. } });
        let authenticity = match authres::judge(&outer, self.authserv_ids) {
            Authentication::Pass { .. } => Authenticity::Pass,
            Authentication::Fail => Authenticity::Fail,
            Authentication::Unknown if own_from => self.by_dkim(raw, &outer),
            Authentication::Unknown => Authenticity::Unknown,
        };
        let content_digest = content_digest(&outer);
        let source = source_of(&class);
        let reporter_in =
            |mail: &ParsedMail| source.map_or(Reporter::Author, |kind| intake::reporter(mail, kind, addresses));
        let outside = reporter_in(&outer);
        let named_outside = matches!(outside, Reporter::Named(_));
        let outer_keys = thread::keys(&outer, case_prefix);
        let outer_date = outer.date;
        let (outer_message_id, may_be_answered) = (outer.message_id.clone(), classify::may_be_answered(&outer, &class));
        let opening = if from_person { self.open(outer, at) } else { Opening::shut(outer) };
        let own = quote::own_text(&opening.mail.text);
        let parts = opening.partial.then(|| partial::text(&opening.mail, self.keyring, self.limits, at));
        let reporter = if named_outside { outside } else { reporter_in(&opening.mail) };
        let (author, authenticity) = authorship(&opening.mail, &reporter, authenticity);
        Reading {
            author,
            authenticity,
            verdict: verdict(&opening) + &named_by(source, &reporter),
            partial_text: parts.flatten(),
            reporter,
            named_outside,
            class,
            own_text: own.text,
            quoted_case: quote::quoted_case_line(&opening.mail.text),
            keys: thread::keys(&opening.mail, case_prefix),
            outer_keys,
            outer_date,
            outer_message_id,
            may_be_answered,
            by_words_alone,
            form: opening.form,
            signature: opening.signature,
            partial: opening.partial,
            forwarded: if from_person { forward::forwarded(&opening.mail) } else { None },
            mail: opening.mail,
            // What was encrypted is the same however its ciphertext is wrapped.
            content_digest: opening.opened.as_deref().map_or(content_digest, digest_hex),
            opened: opening.opened,
        }
    }

    /// By what we know our own mail and our sources.
    pub(super) fn marks(&self) -> OwnMarks<'_> {
        let Instance { addresses, key, name, .. } = self.instance;
        OwnMarks { key, addresses, loop_header_value: name, intake: self.intake }
    }

    /// Our own word on the author. A signature that does not fit is no forgery: only DMARC says that.
    fn by_dkim(&self, raw: &[u8], outer: &ParsedMail) -> Authenticity {
        let passed = self.dkim.zip(outer.author()).and_then(|(dkim, author)| dkim.aligned_pass(raw, author.domain()));
        if passed == Some(true) { Authenticity::Pass } else { Authenticity::Unknown }
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
        Self {
            mail,
            verdict,
            own_text: String::new(),
            quoted_case: None,
            forwarded: None,
            signature: Signature::None,
            ..self
        }
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

fn source_of(class: &MailClass) -> Option<&IntakeKind> {
    match class {
        MailClass::Intake { kind } => Some(kind),
        MailClass::Person
        | MailClass::Automatic(_)
        | MailClass::Bounce(_)
        | MailClass::List { .. }
        | MailClass::Own => None,
    }
}

/// The author, and what is known of him. What the mail system says of a source does not speak for whom it names.
fn authorship(mail: &ParsedMail, reporter: &Reporter, said: Authenticity) -> (Option<Address>, Authenticity) {
    let source = mail.author().cloned();
    match (reporter, said) {
        (Reporter::Author, said) => (source, said),
        (Reporter::Named(address), Authenticity::Fail) => (Some(address.clone()), Authenticity::Fail),
        (Reporter::Named(address), Authenticity::Pass | Authenticity::Unknown) => {
            (Some(address.clone()), Authenticity::Unknown)
        }
        (Reporter::Unnamed, Authenticity::Fail) => (source, Authenticity::Fail),
        (Reporter::Unnamed, Authenticity::Pass | Authenticity::Unknown) => (source, Authenticity::Unknown),
    }
}

fn named_by(source: Option<&IntakeKind>, reporter: &Reporter) -> String {
    let source = match source {
        Some(IntakeKind::List { .. }) => "list",
        Some(IntakeKind::Form) => "form",
        Some(IntakeKind::Tracker) => "tracker",
        None => return String::new(),
    };
    match reporter {
        Reporter::Author => String::new(),
        Reporter::Named(_) => format!("; reporter as named by the {source}, unverified"),
        Reporter::Unnamed => format!("; the {source} names no reporter, so nobody can be answered"),
    }
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

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
