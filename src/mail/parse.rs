//! Bytes to [`ParsedMail`]: the one reading of a mail that everything else works on.
//!
//! Never fails, never panics, never recurses on its input, never decrypts, never believes. What is wrong with a mail is
//! a list of [`Defect`]s beside the value; what is over a limit is left out and noted there.

use std::borrow::Cow;
use std::fmt;

pub use super::content::{Part, Report, TextSource};
pub use super::digest::stable_digest;
pub use super::envelope::{Mailbox, ReturnPath};
pub use super::headers::{Field, Headers, INSTANCE_HEADER};
pub use super::layer::CryptoLayer;
pub use super::limits::{Defect, Limits};

use super::clean;
use super::content::{self, Content};
use super::decode;
use super::envelope::{self, Envelope};
use super::layer;
use super::limits::Defects;
use super::mime::{self, Tree};
use crate::domain::id::{Address, MessageId};
use crate::domain::time::Timestamp;

/// One mail as read. Everything in it is a stranger's claim.
#[derive(Clone)]
pub struct ParsedMail {
    /// All entries of all From headers; [`ParsedMail::author`] is the one to go by.
    pub from: Vec<Mailbox>,
    /// The Sender header.
    pub sender: Option<Mailbox>,
    /// Where answers are wanted. Never identity, never a recipient by itself.
    pub reply_to: Vec<Mailbox>,
    /// The To header.
    pub to: Vec<Mailbox>,
    /// The Cc header.
    pub cc: Vec<Mailbox>,
    /// Every address the mail was sent to as far as it says (Delivered-To, X-Original-To, Envelope-To, To, Cc): where a
    /// reply address of ours is looked for.
    pub recipients: Vec<Address>,
    /// The subject, safe to show, at most 998 characters.
    pub subject: String,
    /// The Message-ID, which another mail may carry too.
    pub message_id: Option<MessageId>,
    /// The mails this one answers.
    pub in_reply_to: Vec<MessageId>,
    /// The mails before it, oldest first, at most 100.
    pub references: Vec<MessageId>,
    /// When its sender says that it was written.
    pub date: Option<Timestamp>,
    /// The return path that the last host noted.
    pub return_path: Option<ReturnPath>,
    /// The outer header fields, in order.
    pub headers: Headers,
    /// The text for people, lines ended by LF: all texts that are no attachments, `format=flowed` undone.
    pub text: String,
    /// The first inline text/plain part as it stands, decoded; empty when there is none.
    pub first_text: String,
    /// Whether there is an inline text/html part.
    pub has_html: bool,
    /// Where the text was taken from.
    pub text_from: TextSource,
    /// All other parts. Empty when the mail is encrypted as a whole.
    pub attachments: Vec<Part>,
    /// The outermost OpenPGP layer.
    pub layer: CryptoLayer,
    /// What a mail host reports and gives back.
    pub report: Option<Report>,
    /// What was wrong with the mail.
    pub defects: Vec<Defect>,
}

impl ParsedMail {
    /// The one address the mail is from; `None` when there is none, more than one, or any doubt.
    #[must_use]
    pub fn author(&self) -> Option<&Address> {
        let doubt = [Defect::AmbiguousFrom, Defect::FromMismatch, Defect::HeadersCut];
        match self.from.as_slice() {
            [only] if !doubt.iter().any(|defect| self.defects.contains(defect)) => only.address.as_ref(),
            _ => None,
        }
    }

    /// This mail with the text that its one inline OpenPGP layer held, made as harmless as any other text.
    #[must_use]
    pub fn with_text(&self, octets: &[u8], limits: &Limits) -> Self {
        let text = clean::body(&decode::text(octets, None));
        let mut defects = Defects::default();
        self.defects.iter().for_each(|defect| defects.note(*defect));
        let cut = decode::cut(&text, limits.text_bytes);
        if cut.len() < text.len() {
            defects.note(Defect::TextCut);
        }
        Self {
            text: cut.to_owned(),
            text_from: TextSource::Plain,
            first_text: cut.to_owned(),
            defects: defects.into_vec(),
            ..self.clone()
        }
    }
}

/// Addresses, subject and text stay out of logs: the debug form shows the structure.
impl fmt::Debug for ParsedMail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParsedMail")
            .field("message_id", &self.message_id)
            .field("layer", &self.layer)
            .field("text_bytes", &self.text.len())
            .field("attachments", &self.attachments)
            .field("report", &self.report)
            .field("defects", &self.defects)
            .finish_non_exhaustive()
    }
}

/// Reads a mail as it came from the server.
#[must_use]
pub fn parse(raw: &[u8], limits: &Limits) -> ParsedMail {
    read(&with_line_ends(raw), limits).mail
}

/// A mail whose lines end by CR alone, as none does that came by SMTP; any other mail stays as it is, to the octet.
fn with_line_ends(raw: &[u8]) -> Cow<'_, [u8]> {
    if raw.contains(&b'\n') || !raw.contains(&b'\r') {
        return Cow::Borrowed(raw);
    }
    Cow::Owned(raw.iter().map(|byte| if *byte == b'\r' { b'\n' } else { *byte }).collect())
}

/// Every MIME part of a mail that has a file name, the parts of its OpenPGP layer among them, in order. Nothing is decrypted.
#[must_use]
pub fn named_parts(raw: &[u8], limits: &Limits) -> Vec<Part> {
    let mut defects = Defects::default();
    let tree = mime::read(raw, limits, &mut defects);
    let bodies = content::bodies(&tree, limits, &mut defects);
    content::named(&tree, bodies)
}

/// Reads what a decrypted or signed layer of `outer` held.
///
/// Header fields that the sender protected (RFC 9788, and the `protected-headers` drafts before it) win over the outer
/// ones; all others are those of `outer`, as are `headers` and `return_path`. A From inside that is not the one outside
/// gives [`Defect::FromMismatch`], and the mail has no author. A signature inside is in `layer`.
#[must_use]
pub fn parse_inner(entity: &[u8], outer: &ParsedMail, limits: &Limits) -> ParsedMail {
    let Entity { mail: inner, protected } = read(entity, limits);
    let mut defects = Defects::default();
    // What an entity without header fields lacks is no defect of the mail.
    let counts = |defect: &&Defect| !matches!(defect, Defect::NoFrom | Defect::BadDate | Defect::NoMessageId);
    for defect in outer.defects.iter().chain(inner.defects.iter().filter(counts)) {
        defects.note(*defect);
    }
    let inner_from = protected.as_ref().map_or(&inner.from, |protected| &protected.envelope.from);
    if !inner_from.is_empty() && !same_sender(inner_from, &outer.from) {
        defects.note(Defect::FromMismatch);
    }
    let mut mail = ParsedMail {
        from: outer.from.clone(),
        sender: outer.sender.clone(),
        reply_to: outer.reply_to.clone(),
        to: outer.to.clone(),
        cc: outer.cc.clone(),
        recipients: outer.recipients.clone(),
        subject: outer.subject.clone(),
        message_id: outer.message_id.clone(),
        in_reply_to: outer.in_reply_to.clone(),
        references: outer.references.clone(),
        date: outer.date,
        return_path: outer.return_path.clone(),
        headers: outer.headers.clone(),
        defects: defects.into_vec(),
        ..inner
    };
    if let Some(protected) = protected {
        protected.win_over(&mut mail);
    }
    mail
}

/// A mail or entity, and its header fields where they are marked as protected.
struct Entity {
    mail: ParsedMail,
    protected: Option<Protected>,
}

/// Header fields inside a layer, marked by their sender as those of the mail.
struct Protected {
    headers: Headers,
    envelope: Envelope,
}

impl Protected {
    /// Replaces each field of `mail` that is protected.
    fn win_over(self, mail: &mut ParsedMail) {
        let Self { headers, envelope } = self;
        let there = |name: &str| headers.count(name) > 0;
        replace(there("From"), &mut mail.from, envelope.from);
        replace(there("Sender"), &mut mail.sender, envelope.sender);
        replace(there("Reply-To"), &mut mail.reply_to, envelope.reply_to);
        replace(there("To"), &mut mail.to, envelope.to);
        replace(there("Cc"), &mut mail.cc, envelope.cc);
        replace(there("Subject"), &mut mail.subject, envelope.subject);
        replace(there("Message-ID"), &mut mail.message_id, envelope.message_id);
        replace(there("In-Reply-To"), &mut mail.in_reply_to, envelope.in_reply_to);
        replace(there("References"), &mut mail.references, envelope.references);
        replace(there("Date"), &mut mail.date, envelope.date);
        for address in envelope.recipients {
            if !mail.recipients.iter().any(|known| known.same_mailbox(&address)) {
                mail.recipients.push(address);
            }
        }
    }
}

fn replace<T>(wanted: bool, place: &mut T, value: T) {
    if wanted {
        *place = value;
    }
}

fn same_sender(inner: &[Mailbox], outer: &[Mailbox]) -> bool {
    let ([inner], [outer]) = (inner, outer) else { return false };
    match (&inner.address, &outer.address) {
        (Some(inner), Some(outer)) => inner.same_mailbox(outer),
        (Some(_) | None, _) => false,
    }
}

fn read(raw: &[u8], limits: &Limits) -> Entity {
    let mut defects = Defects::default();
    let tree = mime::read(raw, limits, &mut defects);
    let mut bodies = content::bodies(&tree, limits, &mut defects);
    let (layer, content_root) = layer::judge(&tree, &bodies, &mut defects);
    let content = if matches!(layer, CryptoLayer::Encrypted { .. }) {
        Content::none()
    } else {
        content::read(&tree, &mut bodies, content_root, limits, &mut defects)
    };
    let protected = protected(&tree, content_root, limits, &mut defects);
    let headers = tree.nodes.into_iter().next().map(|root| root.headers).unwrap_or_default();
    let envelope = envelope::read(&headers, limits, &mut defects);
    let mail = ParsedMail {
        from: envelope.from,
        sender: envelope.sender,
        reply_to: envelope.reply_to,
        to: envelope.to,
        cc: envelope.cc,
        recipients: envelope.recipients,
        subject: envelope.subject,
        message_id: envelope.message_id,
        in_reply_to: envelope.in_reply_to,
        references: envelope.references,
        date: envelope.date,
        return_path: envelope.return_path,
        headers,
        text: content.text,
        text_from: content.text_from,
        first_text: content.first_text,
        has_html: content.has_html,
        attachments: content.attachments,
        layer,
        report: content.report,
        defects: defects.into_vec(),
    };
    Entity { mail, protected }
}

/// The fields of the part that the content stands in, or of the whole, when its Content-Type says that they count.
fn protected(tree: &Tree<'_>, content_root: usize, limits: &Limits, defects: &mut Defects) -> Option<Protected> {
    let marked = |index: usize| {
        let node = tree.nodes.get(index)?;
        let says = node.media.parameter("protected-headers").or_else(|| node.media.parameter("hp"));
        says.map(|_| node.headers.clone())
    };
    let headers = marked(content_root).or_else(|| marked(0))?;
    let mut inside = Defects::default();
    let envelope = envelope::read(&headers, limits, &mut inside);
    if inside.into_vec().contains(&Defect::AmbiguousFrom) {
        defects.note(Defect::AmbiguousFrom);
    }
    Some(Protected { headers, envelope })
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
