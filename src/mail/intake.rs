//! Sources that stand between a reporter and us: a web form, a tracker, the mailing list that the address itself is.
//!
//! Finds out whom a source names as the reporter. Never believes it: anybody can write any address into a form, so what
//! is found here is a claim, whoever vouches for the source. Never fails: a source that names nobody is a value.

use super::classify::{IntakeKind, same_base};
use super::decode;
use super::parse::{Mailbox, ParsedMail};
use crate::domain::id::Address;

/// Lines of a form's text that are looked at for an address.
const LINES_MAX: usize = 2000;
/// Bytes of such a line.
const LINE_BYTES_MAX: usize = 1000;
/// What stands before the reporter's address in the text of a form, in lower case.
const LABELS: [&str; 4] = ["e-mail", "email", "from", "reporter"];

/// A source of reports, as the settings name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A mailing list, by its List-Id (RFC 2919) in any case of letters.
    List(String),
    /// A web form, by the From of its mails.
    Form(Address),
    /// An issue tracker, by the From of its notifications.
    Tracker(Address),
}

impl Source {
    /// What the mail is, when its From is that of this form or tracker.
    pub(super) fn by_sender(&self, mail: &ParsedMail) -> Option<IntakeKind> {
        let (address, kind) = match self {
            Self::List(_) => return None,
            Self::Form(address) => (address, IntakeKind::Form),
            Self::Tracker(address) => (address, IntakeKind::Tracker),
        };
        mail.author().filter(|author| author.same_mailbox(address)).map(|_| kind)
    }

    /// Whether it is the list with this identifier, in lower case.
    pub(super) fn is_list(&self, id: &str) -> bool {
        match self {
            Self::List(ours) => !id.is_empty() && ours.trim().eq_ignore_ascii_case(id),
            Self::Form(_) | Self::Tracker(_) => false,
        }
    }
}

/// Who reports, as far as the mail of a source says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reporter {
    /// Its author.
    Author,
    /// Somebody whom the source names, on nobody's word but its own.
    Named(Address),
    /// The source names nobody; there is only its own address.
    Unnamed,
}

/// Finds the reporter in a mail of a source. `ours` are the addresses that are never a reporter's.
#[must_use]
pub fn reporter(mail: &ParsedMail, kind: &IntakeKind, ours: &[Address]) -> Reporter {
    let Some(source) = mail.author() else {
        // The inside may contradict the From outside, which alone made the mail that of a form or tracker.
        return match kind {
            IntakeKind::List { .. } => Reporter::Author,
            IntakeKind::Form | IntakeKind::Tracker => Reporter::Unnamed,
        };
    };
    let other = |address: &Address| !same_base(source, address) && !ours.iter().any(|own| same_base(own, address));
    let found = match kind {
        IntakeKind::List { list_id } if is_list_address(mail, list_id, source, ours) => {
            only(original_from(mail), other).or_else(|| only(addresses(&mail.reply_to), other))
        }
        IntakeKind::List { .. } => return Reporter::Author,
        IntakeKind::Form | IntakeKind::Tracker => {
            only(addresses(&mail.reply_to), other).or_else(|| in_text(&mail.text, other))
        }
    };
    found.map_or(Reporter::Unnamed, Reporter::Named)
}

/// Whether a From is the list's own: a list that rewrites it puts itself there (`Ana via Security <security@…>`).
fn is_list_address(mail: &ParsedMail, list_id: &str, from: &Address, ours: &[Address]) -> bool {
    let posts_to = |raw: &str| {
        let target = raw.split_once("mailto:").map(|(_, rest)| rest.split(['>', '?', ',']).next().unwrap_or_default());
        target.and_then(Address::parse).is_some_and(|post| post.same_mailbox(from))
    };
    format!("{}.{}", from.local(), from.domain()).eq_ignore_ascii_case(list_id)
        || mail.headers.all_raw("List-Post").any(posts_to)
        || ours.iter().any(|own| same_base(own, from))
}

/// The author before the list rewrote the From.
fn original_from(mail: &ParsedMail) -> Vec<Address> {
    let entries = mail.headers.all_raw("X-Original-From").flat_map(|raw| decode::addresses(raw, 2));
    entries.filter_map(|entry| entry.address).filter_map(|address| Address::parse(&address)).collect()
}

fn addresses(mailboxes: &[Mailbox]) -> Vec<Address> {
    mailboxes.iter().filter_map(|mailbox| mailbox.address.clone()).collect()
}

/// The one address that may be a reporter's; `None` when there are two.
fn only(addresses: Vec<Address>, other: impl Fn(&Address) -> bool) -> Option<Address> {
    let mut left = addresses.into_iter().filter(other);
    let first = left.next()?;
    left.all(|more| more.same_mailbox(&first)).then_some(first)
}

/// The address in the first line such as `E-mail: ana@example.org` that has one.
fn in_text(text: &str, other: impl Fn(&Address) -> bool) -> Option<Address> {
    let lines = text.lines().take(LINES_MAX).filter(|line| line.len() <= LINE_BYTES_MAX);
    let named = lines.filter_map(|line| {
        let (label, value) = line.split_once(':')?;
        let label = label.trim_matches(|c: char| c.is_whitespace() || c == '*').to_lowercase();
        LABELS.contains(&label.as_str()).then_some(value)
    });
    let mut found = named.flat_map(|value| {
        let words = value.split(|c: char| c.is_whitespace() || "<>()[],;:*\"".contains(c));
        words.filter_map(|word| Address::parse(word.trim_end_matches('.')))
    });
    found.find(|address| other(address))
}

#[cfg(test)]
#[path = "intake_tests.rs"]
mod tests;
