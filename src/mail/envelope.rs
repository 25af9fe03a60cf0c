//! Who wrote to whom, which mail is answered: the address and identification fields (RFC 5322 sections 3.6.2 to 3.6.4).
//!
//! Never guesses: an address that two programs may read in two ways is not one. Never fails: what cannot be read is absent.

use std::fmt;

use super::clean;
use super::dates;
use super::decode;
use super::headers::Headers;
use super::limits::{Defect, Defects, Limits};
use crate::domain::id::{Address, MessageId};
use crate::domain::time::Timestamp;

/// Message-IDs taken from References; the newest stand last (RFC 5322 section 3.6.4).
const REFERENCES_MAX: usize = 100;

/// Longest From that is believed, in bytes.
const FROM_MAX_BYTES: usize = 2000;

/// Fields that may stand once (RFC 5322 section 3.6, RFC 2045 section 3).
const SINGLETONS: [&str; 13] = [
    "From",
    "Sender",
    "Reply-To",
    "To",
    "Cc",
    "Message-ID",
    "In-Reply-To",
    "References",
    "Subject",
    "Date",
    "Content-Type",
    "Content-Transfer-Encoding",
    "MIME-Version",
];

/// Where a reply address of ours is looked for; what the last host wrote comes first.
const RECIPIENT_FIELDS: [&str; 6] = ["Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "To", "Cc"];

/// One entry of an address field.
#[derive(Clone, PartialEq, Eq)]
pub struct Mailbox {
    /// The display name, safe to show. Says nothing about who it is.
    pub name: Option<String>,
    /// The address, when it is one that can be written to.
    pub address: Option<Address>,
    /// What stood in the place of the address, safe to show.
    pub raw: String,
}

impl Mailbox {
    /// What stood in the place of the address when it is one of any form, such as one with a quoted local part.
    #[must_use]
    pub fn addr_spec(&self) -> Option<&str> {
        Some(self.raw.as_str()).filter(|raw| raw.contains('@'))
    }
}

/// Names and addresses stay out of logs.
impl fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mailbox({:?})", self.address)
    }
}

/// The return path that the last host noted (RFC 5321 section 4.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReturnPath {
    /// `<>`: a notification, never to be answered (RFC 5321 section 4.5.5).
    Null,
    /// The envelope sender.
    Address(Address),
}

/// The fields of a mail that say who, to whom, when and in answer to what.
#[derive(Debug, Clone, Default)]
pub(super) struct Envelope {
    pub(super) from: Vec<Mailbox>,
    pub(super) sender: Option<Mailbox>,
    pub(super) reply_to: Vec<Mailbox>,
    pub(super) to: Vec<Mailbox>,
    pub(super) cc: Vec<Mailbox>,
    pub(super) recipients: Vec<Address>,
    pub(super) subject: String,
    pub(super) message_id: Option<MessageId>,
    pub(super) in_reply_to: Vec<MessageId>,
    pub(super) references: Vec<MessageId>,
    pub(super) date: Option<Timestamp>,
    pub(super) return_path: Option<ReturnPath>,
}

/// Reads the envelope fields of a header block.
pub(super) fn read(headers: &Headers, limits: &Limits, defects: &mut Defects) -> Envelope {
    let mut budget = limits.addresses;
    let from = mailboxes(headers, "From", &mut budget, defects);
    judge_from(headers, &from, defects);
    if SINGLETONS.iter().any(|name| headers.count(name) > 1) {
        defects.note(Defect::DuplicateHeader);
    }
    let mut recipients: Vec<Address> = Vec::new();
    let (mut to, mut cc) = (Vec::new(), Vec::new());
    for name in RECIPIENT_FIELDS {
        let entries = mailboxes(headers, name, &mut budget, defects);
        for address in entries.iter().filter_map(|entry| entry.address.as_ref()) {
            if !recipients.iter().any(|known| known.same_mailbox(address)) {
                recipients.push(address.clone());
            }
        }
        match name {
            "To" => to = entries,
            "Cc" => cc = entries,
            _ => {}
        }
    }
    let message_id = headers.message_ids("Message-ID").into_iter().next();
    if message_id.is_none() {
        defects.note(Defect::NoMessageId);
    }
    let date = headers.first_raw("Date").and_then(dates::date);
    if date.is_none() {
        defects.note(Defect::BadDate);
    }
    let mut references = headers.message_ids("References");
    references.drain(..references.len().saturating_sub(REFERENCES_MAX));
    Envelope {
        from,
        sender: mailboxes(headers, "Sender", &mut budget, defects).into_iter().next(),
        reply_to: mailboxes(headers, "Reply-To", &mut budget, defects),
        to,
        cc,
        recipients,
        subject: clean::one_line(headers.first("Subject").unwrap_or_default(), clean::LINE_MAX_CHARS),
        message_id,
        in_reply_to: headers.message_ids("In-Reply-To"),
        references,
        date,
        return_path: headers.first_raw("Return-Path").and_then(return_path),
    }
}

/// The entries of all fields of that name, until the budget of addresses is spent.
fn mailboxes(headers: &Headers, name: &str, budget: &mut usize, defects: &mut Defects) -> Vec<Mailbox> {
    let mut found = Vec::new();
    for raw in headers.all_raw(name) {
        let mut entries = decode::addresses(raw, *budget + 1);
        if entries.len() > *budget {
            defects.note(Defect::AddressesCut);
            entries.truncate(*budget);
        }
        *budget -= entries.len();
        found.extend(entries.into_iter().map(|entry| {
            let raw = entry.address.unwrap_or_default();
            Mailbox {
                name: entry.name.map(|n| clean::one_line(&n, clean::NAME_MAX_CHARS)).filter(|n| !n.is_empty()),
                address: Address::parse(&raw),
                raw: clean::one_line(&raw, clean::NAME_MAX_CHARS),
            }
        }));
    }
    found
}

fn judge_from(headers: &Headers, from: &[Mailbox], defects: &mut Defects) {
    if headers.count("From") > 1 || from.len() > 1 {
        defects.note(Defect::AmbiguousFrom);
    } else if let Some(address) = from.first().and_then(|mailbox| mailbox.address.as_ref()) {
        if !reads_one_way(headers.first_raw("From").unwrap_or_default(), address) {
            defects.note(Defect::AmbiguousFrom);
        }
    } else {
        defects.note(Defect::NoFrom);
    }
}

/// Whether every reading of a From finds this address: outside of quoted strings and comments there is no other word
/// with an `@`, and all of these end.
fn reads_one_way(raw: &str, address: &Address) -> bool {
    if raw.len() > FROM_MAX_BYTES {
        return false;
    }
    let (mut bare, mut quoted, mut comments, mut escaped) = (String::new(), false, 0_usize, false);
    for c in raw.chars() {
        let inside = quoted || comments > 0;
        match c {
            _ if escaped => escaped = false,
            '\\' if inside => escaped = true,
            '"' if comments == 0 => quoted = !quoted,
            '(' if !quoted => comments += 1,
            ')' if comments > 0 => comments -= 1,
            _ if !inside => bare.push(c),
            _ => {}
        }
        if quoted || comments > 0 {
            bare.push(' ');
        }
    }
    let mut words = bare.split(|c: char| c.is_whitespace() || "<>,;".contains(c)).filter(|word| word.contains('@'));
    let same = |word: &str| Address::parse(word).is_some_and(|found| found.same_mailbox(address));
    !quoted && comments == 0 && words.all(same)
}

fn return_path(raw: &str) -> Option<ReturnPath> {
    let text = raw.trim().trim_start_matches('<').trim_end_matches('>').trim();
    // Some hosts write the name of their daemon for the null path.
    if (text.is_empty() && raw.contains('<')) || text.eq_ignore_ascii_case("mailer-daemon") {
        return Some(ReturnPath::Null);
    }
    Address::parse(text).map(ReturnPath::Address)
}
