//! A mail within a mail: what somebody passed on to us, and who wrote it, as far as the forwarder's copy says.
//!
//! Never believes it: a forwarded header is text that the forwarder may have written himself. Never fails.

use super::decode;
use super::parse::{Limits, ParsedMail, parse};
use crate::domain::id::{Address, MessageId};
use crate::domain::time::Timestamp;

/// Lines of a text that are looked at for a forwarded mail.
const LINES_MAX: usize = 2000;
/// Header lines of an inline forward.
const HEADER_LINES_MAX: usize = 20;

/// A mail that was passed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forwarded {
    /// Its author, on the forwarder's word.
    pub from: Address,
    /// The author's name; may be empty.
    pub name: String,
    /// Its subject; may be empty.
    pub subject: String,
    /// When it says that it was written.
    pub date: Option<Timestamp>,
    /// Its Message-ID, where the whole mail is attached.
    pub message_id: Option<MessageId>,
    /// Its text.
    pub text: String,
}

/// The first mail that this one passes on, attached whole or quoted below a line of the forwarder's mail program.
#[must_use]
pub fn forwarded(mail: &ParsedMail) -> Option<Forwarded> {
    attached(mail).or_else(|| inline(&mail.text))
}

fn attached(mail: &ParsedMail) -> Option<Forwarded> {
    let part = mail.attachments.iter().find(|part| part.content_type == "message/rfc822")?;
    let inner = parse(part.bytes.trim_ascii_start(), &Limits::default());
    let from = inner.author()?.clone();
    let name = inner.from.first().and_then(|mailbox| mailbox.name.clone()).unwrap_or_default();
    Some(Forwarded {
        from,
        name,
        subject: inner.subject,
        date: inner.date,
        message_id: inner.message_id,
        text: inner.text,
    })
}

fn inline(text: &str) -> Option<Forwarded> {
    let mut lines = text.lines().take(LINES_MAX);
    lines.find(|line| line.starts_with("-----") && line.to_ascii_lowercase().contains("forwarded message"))?;
    let head: Vec<&str> = lines
        .by_ref()
        .take(HEADER_LINES_MAX)
        .skip_while(|line| line.is_empty())
        .take_while(|line| !line.is_empty())
        .collect();
    let field = |name: &str| {
        let found = head.iter().find_map(|line| {
            let (field, value) = line.split_once(':')?;
            field.trim_matches(['*', ' ']).eq_ignore_ascii_case(name).then_some(value.trim())
        });
        found.unwrap_or_default()
    };
    let author = decode::addresses(field("From"), 1).into_iter().next()?;
    Some(Forwarded {
        from: Address::parse(&author.address?)?,
        name: author.name.unwrap_or_default(),
        subject: field("Subject").to_owned(),
        date: decode::date(field("Date")),
        message_id: None,
        text: lines.collect::<Vec<_>>().join("\n"),
    })
}
