//! What postern sees in a mail and why, as one value: for people who wonder and for programs that compare.
//!
//! It is the daemon's own reading ([`Reader`]) told whole, with the mail's outside beside it. Never stores, answers or
//! joins anything; never fails: what does not apply is absent. Everything in the value is a stranger's words but the
//! class, the reasons and the verdicts.

pub mod threads;

use serde::Serialize;

use crate::domain::event::Authenticity;
use crate::domain::time::Timestamp;
use crate::domain::token::digest_hex;
use crate::engine::read::{Reader, Reading};
use crate::mail::autocrypt::{self, Found, PreferEncrypt};
use crate::mail::bounce::{BounceReport, BouncedRecipient};
use crate::mail::classify::{self, AutoKind, MailClass};
use crate::mail::parse::{self, CryptoLayer, Mailbox, ParsedMail, Part, ReturnPath, TextSource};
use crate::mail::quote;
use crate::mail::shape;
use crate::pgp::open::{Signature, SignatureProblem};

/// What is known of one file.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Explanation {
    /// The file, as it was asked for.
    pub file: String,
    /// `person`, `automatic`, `bounce`, `list`, `own`, `intake`; `body` for a text without header block.
    pub class: &'static str,
    /// Of automatic mail: `auto-reply`, `generated`, `read-receipt`, `report`, `bulk`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<&'static str>,
    /// What the class was told by, in fixed words.
    pub why: Vec<&'static str>,
    /// What the daemon would do with it.
    pub fate: &'static str,
    /// The fields of the header block; absent for a body.
    #[serde(flatten)]
    pub head: Option<Head>,
    /// The first text/plain part outside of any encryption.
    pub text: String,
    /// Where the text for people was taken from: `plain`, `html`, `file`, `none`.
    pub text_from: &'static str,
    /// Whether an HTML part is there that is no attachment.
    pub has_html: bool,
    /// Files that came along: named parts, but for mails and reports of mail hosts.
    pub attachments: Vec<Attachment>,
    /// All other parts that are no text to show.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub other_parts: Vec<Attachment>,
    /// The sender's own words, in which commands are looked for: without any quoted line.
    pub own_text: String,
    /// The newly written text as people read it, with the quoted passages that it answers line by line.
    pub reply_text: String,
    /// That text without its closing.
    pub reply_text_no_signature: String,
    /// The closing: sign-off, name, contacts, signature.
    pub signature: String,
    /// Lines that quote other mail.
    pub quoted_lines: usize,
    /// The OpenPGP layer, when there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pgp: Option<Pgp>,
    /// The subject that a person is to be shown, when there is an OpenPGP layer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject_after_decrypt: Option<String>,
    /// The text that a person is to be shown, when there is an OpenPGP layer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text_after_decrypt: Option<String>,
    /// What may be concluded from the layer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub safe: Option<Safe>,
    /// What encryption and signatures prove, in one line.
    pub verdict: String,
}

/// What the header block says, and what follows from it.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Head {
    /// The decoded subject outside of any encryption.
    pub subject: String,
    /// The addresses in From.
    pub from: Vec<String>,
    /// The addresses in To.
    pub to: Vec<String>,
    /// The addresses in Cc.
    pub cc: Vec<String>,
    /// Without angle brackets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// Without angle brackets.
    pub in_reply_to: Vec<String>,
    /// Without angle brackets, the oldest first.
    pub references: Vec<String>,
    /// In UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    /// The conversation: equal for mails that belong together.
    pub thread: String,
    /// Whether a machine wrote it.
    pub is_auto_reply: bool,
    /// Whether it tells of a failure or a delay of an earlier mail.
    pub is_bounce: bool,
    /// Whom the failure or delay is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bounce: Option<Vec<Bounced>>,
    /// The Message-ID of the mail that came back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub original_message_id: Option<String>,
    /// The one author, if there is no doubt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// What the mail system says of him: `pass`, `fail`, `unknown`.
    pub authenticity: &'static str,
    /// The envelope sender that the last host noted; empty for the null path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub return_path: Option<String>,
    /// The Autocrypt header, when there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub autocrypt: Option<Autocrypt>,
    /// What was wrong with the mail.
    pub defects: Vec<String>,
}

/// A part.
#[derive(Debug, Clone, Serialize)]
pub struct Attachment {
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
    /// Its type, as the sender claims.
    pub content_type: String,
    /// Bytes after transfer decoding.
    pub size: usize,
    /// SHA-256 of these bytes, in hexadecimal.
    pub sha256: String,
}

/// A recipient whom a mail did not reach, or not yet.
#[derive(Debug, Clone, Serialize)]
pub struct Bounced {
    /// His address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recipient: Option<String>,
    /// The other address that the report names for him (RFC 3464 section 2.3.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alt: Option<String>,
    /// The enhanced status code (RFC 3463).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// The code of the SMTP reply.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub smtp_code: Option<String>,
    /// Whether trying again is useless.
    pub permanent: bool,
}

/// The OpenPGP layer.
#[derive(Debug, Clone, Serialize)]
pub struct Pgp {
    /// `mime-encrypted`, `mime-signed`, `inline-encrypted`, `inline-signed`.
    pub kind: &'static str,
    /// Whether the keys at hand open it; absent without keys, or where nothing is encrypted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decrypts: Option<bool>,
    /// `good`, `bad`, `unknown_key`, `expired_key`, `revoked_key`, `none`.
    pub signature: &'static str,
    /// Fingerprint of the signer, or the key id that the signature claims.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signer: Option<String>,
    /// The subject inside.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inner_subject: Option<String>,
    /// The text inside.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inner_text: Option<String>,
    /// Whether it covers only a part of the mail.
    pub partial: bool,
}

/// What may be concluded from an OpenPGP layer.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Safe {
    /// Whether a good signature covers all that is shown.
    pub whole_message_signed: bool,
    /// Whether it is opened without being asked: only where it is the whole mail.
    pub auto_decrypt: bool,
}

/// The Autocrypt header.
#[derive(Debug, Clone, Serialize)]
pub struct Autocrypt {
    /// Whether exactly one header keeps the rules.
    pub valid: bool,
    /// Whose key it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub addr: Option<String>,
    /// `mutual` or `nopreference`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefer_encrypt: Option<&'static str>,
    /// SHA-256 of the decoded key, in hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keydata_sha256: Option<String>,
}

/// What a file is taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TakenFor {
    /// A mail, header block first.
    Mail,
    /// The text of a mail without its header block.
    Body,
}

/// Whether keys were given, without which nothing can be opened and nothing is said of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keys {
    /// There are some.
    Given,
    /// There are none.
    NotGiven,
}

/// Explains mails.
#[derive(Clone, Copy)]
pub struct Explainer<'a> {
    /// Reads as the daemon does.
    pub reader: Reader<'a>,
    /// Whether the reader has keys.
    pub keys: Keys,
    /// When keys and signatures are judged.
    pub at: Timestamp,
}

impl Explainer<'_> {
    /// Explains the bytes of a file; its name and its conversation are the caller's to fill in.
    #[must_use]
    pub fn explain(&self, raw: &[u8], taken_for: TakenFor) -> Explanation {
        match taken_for {
            TakenFor::Mail => {
                let (mut told, outer, reading) = self.told(raw);
                told.head = Some(head(&outer, &reading));
                told
            }
            TakenFor::Body => {
                let (mut told, _, _) = self.told(&shape::as_mail(raw));
                (told.class, told.why, told.fate) = ("body", vec!["there is no header block"], "none: it is no mail");
                told
            }
        }
    }

    /// Everything but the header block, with what it was told from.
    fn told(&self, raw: &[u8]) -> (Explanation, ParsedMail, Reading) {
        let reading = self.reader.read(raw, self.at);
        // The reading has the inside of what was opened; of all other mail it has the outside itself.
        let changed = reading.opened.is_some() || matches!(reading.mail.layer, CryptoLayer::InlineSigned { .. });
        let outer = if changed { parse::parse(raw, self.reader.limits) } else { reading.mail.clone() };
        let own = quote::own_text(&reading.mail.text);
        let why = classify::reasons(&outer, &self.reader.marks());
        let pgp = pgp(&outer, &reading, self.keys);
        let safe = pgp.as_ref().map(|pgp| Safe {
            whole_message_signed: reading.signed_by().is_some(),
            auto_decrypt: !pgp.partial && pgp.kind.ends_with("encrypted"),
        });
        let files = parse::named_parts(raw, self.reader.limits);
        let other = outer.attachments.iter().filter(|part| part.name.is_none() || part.unpacked);
        let told = Explanation {
            class: class(&reading.class),
            kind: kind_of_automatic(&reading.class),
            why: if why.is_empty() { vec!["nothing says otherwise"] } else { why },
            fate: fate(&reading),
            text: outer.first_text.clone(),
            text_from: match outer.text_from {
                TextSource::Plain => "plain",
                TextSource::File => "file",
                TextSource::Html => "html",
                TextSource::None => "none",
            },
            has_html: outer.has_html,
            attachments: files.iter().map(attachment).collect(),
            other_parts: other.map(attachment).collect(),
            own_text: own.text,
            reply_text: own.reply,
            reply_text_no_signature: own.unsigned,
            signature: own.closing.unwrap_or_default(),
            quoted_lines: own.quoted.lines().count(),
            subject_after_decrypt: pgp.as_ref().map(|_| reading.mail.subject.clone()),
            text_after_decrypt: pgp.as_ref().map(|_| reading.mail.text.clone()),
            pgp,
            safe,
            verdict: reading.verdict.clone(),
            ..Explanation::default()
        };
        (told, outer, reading)
    }
}

fn head(outer: &ParsedMail, reading: &Reading) -> Head {
    // An entry may be a name alone, or nothing between two commas.
    let addresses = |field: &[Mailbox]| field.iter().filter_map(Mailbox::addr_spec).map(str::to_owned).collect();
    let ids = |ids: &[crate::domain::id::MessageId]| ids.iter().map(|id| id.as_str().to_owned()).collect();
    let report = match &reading.class {
        MailClass::Bounce(report) => Some(report),
        MailClass::Person
        | MailClass::Intake { .. }
        | MailClass::Automatic(_)
        | MailClass::List { .. }
        | MailClass::Own => None,
    };
    Head {
        subject: outer.subject.clone(),
        from: addresses(&outer.from),
        to: addresses(&outer.to),
        cc: addresses(&outer.cc),
        message_id: outer.message_id.as_ref().map(|id| id.as_str().to_owned()),
        in_reply_to: ids(&outer.in_reply_to),
        references: ids(&outer.references),
        date: outer.date.map(|date| date.to_string()),
        is_auto_reply: matches!(reading.class, MailClass::Automatic(_) | MailClass::Bounce(_)),
        is_bounce: report.is_some(),
        bounce: report.map(|report| report.recipients.iter().map(bounced).collect()),
        original_message_id: report.and_then(original_id),
        author: reading.author.as_ref().map(ToString::to_string),
        authenticity: match reading.authenticity {
            Authenticity::Pass => "pass",
            Authenticity::Fail => "fail",
            Authenticity::Unknown => "unknown",
        },
        return_path: outer.return_path.as_ref().map(|path| match path {
            ReturnPath::Null => String::new(),
            ReturnPath::Address(address) => address.to_string(),
        }),
        autocrypt: autocrypt(outer),
        defects: outer.defects.iter().map(|defect| format!("{defect:?}")).collect(),
        ..Head::default()
    }
}

fn class(class: &MailClass) -> &'static str {
    match class {
        MailClass::Person => "person",
        MailClass::Intake { .. } => "intake",
        MailClass::Automatic(_) => "automatic",
        MailClass::Bounce(_) => "bounce",
        MailClass::List { .. } => "list",
        MailClass::Own => "own",
    }
}

fn kind_of_automatic(class: &MailClass) -> Option<&'static str> {
    match class {
        MailClass::Automatic(AutoKind::AutoReply) => Some("auto-reply"),
        MailClass::Automatic(AutoKind::Generated) => Some("generated"),
        MailClass::Automatic(AutoKind::Mdn) => Some("read-receipt"),
        MailClass::Automatic(AutoKind::Report) => Some("report"),
        MailClass::Automatic(AutoKind::Bulk) => Some("bulk"),
        MailClass::Person
        | MailClass::Intake { .. }
        | MailClass::Bounce(_)
        | MailClass::List { .. }
        | MailClass::Own => None,
    }
}

/// What the daemon would do, as far as the mail alone says: which case it belongs to only a store can tell.
fn fate(reading: &Reading) -> &'static str {
    match &reading.class {
        MailClass::Person | MailClass::Intake { .. } if reading.author.is_none() => {
            "quarantine it: the author is not clear"
        }
        MailClass::Person | MailClass::Intake { .. } if reading.may_be_answered => {
            "open a case and acknowledge it, or join it to the case that it answers"
        }
        MailClass::Person | MailClass::Intake { .. } => {
            "open a case without an acknowledgement, or join it to the case that it answers"
        }
        MailClass::Automatic(_) => "note it in the case that it answers, else quarantine it; never answer",
        MailClass::Bounce(_) => "note it at the mail that it reports, else quarantine it; never answer",
        MailClass::List { .. } => "quarantine it: it came over a list; never answer",
        MailClass::Own => "quarantine it: it is our own; never answer",
    }
}

fn attachment(part: &Part) -> Attachment {
    let sha256 = digest_hex(&part.bytes);
    Attachment { filename: part.name.clone(), content_type: part.content_type.clone(), size: part.bytes.len(), sha256 }
}

fn bounced(recipient: &BouncedRecipient) -> Bounced {
    Bounced {
        recipient: recipient.address.as_ref().map(ToString::to_string),
        alt: recipient.alt.as_ref().map(ToString::to_string),
        status: recipient.status.clone(),
        smtp_code: recipient.smtp_code.map(|code| code.to_string()),
        permanent: recipient.permanent,
    }
}

fn original_id(report: &BounceReport) -> Option<String> {
    report.original_message_ids.first().map(|id| id.as_str().to_owned())
}

fn autocrypt(outer: &ParsedMail) -> Option<Autocrypt> {
    match autocrypt::header(outer) {
        Found::None => None,
        Found::Invalid => Some(Autocrypt { valid: false, addr: None, prefer_encrypt: None, keydata_sha256: None }),
        Found::Valid(header) => Some(Autocrypt {
            valid: true,
            addr: Some(header.addr.to_string()),
            prefer_encrypt: Some(match header.prefer_encrypt {
                PreferEncrypt::Mutual => "mutual",
                PreferEncrypt::NoPreference => "nopreference",
            }),
            keydata_sha256: Some(digest_hex(&header.keydata)),
        }),
    }
}

fn pgp(outer: &ParsedMail, reading: &Reading, keys: Keys) -> Option<Pgp> {
    let kind = kind(outer)?;
    let encrypted = kind.ends_with("encrypted");
    let opened = reading.opened.is_some();
    let (signature, signer) = signature(&reading.signature);
    let readable = opened || !encrypted;
    Some(Pgp {
        kind,
        decrypts: (encrypted && keys == Keys::Given && outer.layer != CryptoLayer::Partial).then_some(opened),
        signature,
        signer,
        inner_subject: readable.then(|| reading.mail.subject.clone()),
        inner_text: readable.then(|| reading.mail.text.clone()),
        partial: reading.partial || outer.layer == CryptoLayer::Partial,
    })
}

/// The kind of the layer; of one that is not the whole mail, the first that is met.
fn kind(outer: &ParsedMail) -> Option<&'static str> {
    Some(match &outer.layer {
        CryptoLayer::None => return None,
        CryptoLayer::Encrypted { .. } => "mime-encrypted",
        CryptoLayer::Signed { .. } => "mime-signed",
        CryptoLayer::InlineEncrypted { .. } => "inline-encrypted",
        CryptoLayer::InlineSigned { .. } => "inline-signed",
        CryptoLayer::Partial => {
            let whole = outer.headers.first("Content-Type").unwrap_or_default().trim_start().to_ascii_lowercase();
            let has = |essence: &str| outer.attachments.iter().any(|part| part.content_type == essence);
            if whole.starts_with("multipart/signed") {
                "mime-signed"
            } else if whole.starts_with("multipart/encrypted") || has("application/pgp-encrypted") {
                "mime-encrypted"
            } else if outer.text.contains("-----BEGIN PGP SIGNED MESSAGE-----") {
                "inline-signed"
            } else if has("application/pgp-signature") {
                "mime-signed"
            } else {
                "inline-encrypted"
            }
        }
    })
}

fn signature(signature: &Signature) -> (&'static str, Option<String>) {
    match signature {
        Signature::None => ("none", None),
        Signature::Good { fingerprint, .. } => ("good", Some(fingerprint.to_string())),
        Signature::Bad => ("bad", None),
        Signature::UnknownKey { issuer } => ("unknown_key", issuer.clone()),
        Signature::Invalid { reason } => match reason {
            SignatureProblem::Expired => ("expired_key", None),
            SignatureProblem::Revoked => ("revoked_key", None),
            SignatureProblem::NotYetValid
            | SignatureProblem::FromTheFuture
            | SignatureProblem::WeakHash
            | SignatureProblem::NotSigningCapable
            | SignatureProblem::Rejected
            | SignatureProblem::OtherRecipients
            | SignatureProblem::SeveralSignatures => ("bad", None),
        },
    }
}
