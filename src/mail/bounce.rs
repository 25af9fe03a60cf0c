//! Reports that a mail of ours did not arrive, or not yet (RFC 3464, and the plain forms of mail hosts).
//!
//! Never decides what a report is worth: anybody can write one. It is worth something only through the keyed return path
//! or the Message-ID in it, which the caller checks. Never fails: what cannot be read is absent.

use super::parse::{Headers, Limits, ParsedMail, ReturnPath};
use crate::domain::id::{Address, MessageId};

/// Recipients taken from one report.
const RECIPIENTS_MAX: usize = 50;

/// Message-IDs taken from one report.
const ORIGINAL_IDS_MAX: usize = 20;

/// Lines of a plain report that are looked at.
const PLAIN_LINES_MAX: usize = 2000;

/// Fields outside of the returned mail that name it.
const ORIGINAL_ID_FIELDS: [&str; 4] = ["X-Original-Message-ID", "Original-Message-ID", "In-Reply-To", "References"];

/// Local parts that mail hosts write reports under.
const DAEMONS: [&str; 6] = ["mailer-daemon", "mailerdaemon", "mail-daemon", "mdaemon", "postmaster", "mailer_daemon"];

/// A report about one or more recipients of an earlier mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BounceReport {
    /// Whom it is about; may be empty when the report does not say.
    pub recipients: Vec<BouncedRecipient>,
    /// Ids that may be that of the earlier mail, the likeliest first.
    pub original_message_ids: Vec<MessageId>,
    /// The addresses with a `+detail` that the report was sent to: a keyed return path stands here.
    pub verp: Vec<Address>,
}

/// What the report says about one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BouncedRecipient {
    /// The address the mail was sent to (Original-Recipient), else the one it got to (Final-Recipient).
    pub address: Option<Address>,
    /// What became of the mail.
    pub action: Action,
    /// The enhanced status code (RFC 3463), such as `5.1.1`.
    pub status: Option<String>,
    /// Whether trying again is useless: class 5, or failed without a code.
    pub permanent: bool,
}

/// The Action field (RFC 3464 section 2.3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Given up.
    Failed,
    /// Not yet delivered; the host goes on trying.
    Delayed,
    /// Delivered.
    Delivered,
    /// Passed on to a host that sends no reports.
    Relayed,
    /// Delivered to a list or alias.
    Expanded,
}

/// The report in a mail; `None` when it is none, or tells only of success.
#[must_use]
pub fn parse(mail: &ParsedMail) -> Option<BounceReport> {
    let status = mail.report.as_ref().and_then(|report| report.status.as_deref());
    let mut recipients = status.map(delivery_status).unwrap_or_default();
    let trouble = |recipient: &BouncedRecipient| matches!(recipient.action, Action::Failed | Action::Delayed);
    if !recipients.is_empty() && !recipients.iter().any(trouble) {
        return None;
    }
    if recipients.is_empty() {
        recipients = failed_recipients(&mail.headers);
    }
    if recipients.is_empty() && (status.is_some() || is_plain_report(mail)) {
        recipients = plain_recipients(&mail.text);
    }
    if recipients.is_empty() && status.is_none() && !(is_plain_report(mail) && returns_a_mail(mail)) {
        return None;
    }
    Some(BounceReport {
        recipients,
        original_message_ids: original_ids(mail),
        verp: mail.recipients.iter().filter(|address| address.detail().is_some()).cloned().collect(),
    })
}

/// Whether the mail is from a name that only mail hosts use.
#[must_use]
pub fn is_daemon(mail: &ParsedMail) -> bool {
    mail.from.iter().any(|from| {
        // Some daemons write no domain, so the raw text is looked at.
        let local = from.raw.rsplit_once('@').map_or(from.raw.as_str(), |(local, _)| local).to_ascii_lowercase();
        let bare_name = from.raw.is_empty() && from.name.as_deref().is_some_and(|name| is_daemon_name(name.trim()));
        DAEMONS.contains(&local.as_str()) || bare_name
    })
}

fn is_daemon_name(name: &str) -> bool {
    DAEMONS.iter().any(|daemon| name.eq_ignore_ascii_case(daemon))
}

/// A report without RFC 3464 parts: from a daemon with the null path, or from MAILER-DAEMON where the path is not known.
fn is_plain_report(mail: &ParsedMail) -> bool {
    let sender = is_daemon(mail);
    match mail.return_path {
        Some(ReturnPath::Null) => sender || returns_a_mail(mail),
        Some(ReturnPath::Address(_)) | None => sender,
    }
}

/// Whether a mail is attached, or its header fields stand in the text.
fn returns_a_mail(mail: &ParsedMail) -> bool {
    mail.report.as_ref().is_some_and(|report| report.returned.is_some()) || !ids_in_text(&mail.text).is_empty()
}

/// The recipients of a delivery-status part: blocks of fields, the first of which is about the whole mail.
fn delivery_status(text: &str) -> Vec<BouncedRecipient> {
    let unix = text.replace("\r\n", "\n");
    let blocks = unix.split("\n\n").map(|block| Headers::parse(block.trim_start().as_bytes(), &Limits::default()));
    blocks.filter_map(|block| bounced(&block)).take(RECIPIENTS_MAX).collect()
}

fn bounced(block: &Headers) -> Option<BouncedRecipient> {
    let typed = |name: &str| {
        let value = block.first_raw(name)?;
        let address = value.split_once(';').map_or(value, |(_, address)| address);
        Address::parse(address.trim().trim_start_matches('<').trim_end_matches('>'))
    };
    let word = block.first_raw("Action").and_then(|value| value.split_whitespace().next()).map(str::to_ascii_lowercase);
    let action = match word.as_deref() {
        Some("failed" | "failure") => Action::Failed,
        Some("delayed") => Action::Delayed,
        Some("delivered") => Action::Delivered,
        Some("relayed") => Action::Relayed,
        Some("expanded") => Action::Expanded,
        _ if block.count("Final-Recipient") > 0 => Action::Failed,
        _ => return None,
    };
    let status = block.first_raw("Status").and_then(enhanced_status);
    let status = status.or_else(|| block.first_raw("Diagnostic-Code").and_then(enhanced_status));
    Some(recipient(typed("Original-Recipient").or_else(|| typed("Final-Recipient")), action, status))
}

fn recipient(address: Option<Address>, action: Action, status: Option<String>) -> BouncedRecipient {
    let permanent = action == Action::Failed && status.as_deref().is_none_or(|code| code.starts_with('5'));
    BouncedRecipient { address, action, status, permanent }
}

/// `X-Failed-Recipients`, as Exim and Gmail write it.
fn failed_recipients(headers: &Headers) -> Vec<BouncedRecipient> {
    let names = headers.all_raw("X-Failed-Recipients").flat_map(|value| value.split(','));
    let addresses = names.filter_map(Address::parse);
    addresses.map(|address| recipient(Some(address), Action::Failed, None)).take(RECIPIENTS_MAX).collect()
}

/// Lines `<address>: reason`, as qmail and Postfix write them; the code is looked for up to the next empty line.
fn plain_recipients(text: &str) -> Vec<BouncedRecipient> {
    let mut found: Vec<BouncedRecipient> = Vec::new();
    let mut in_reason = false;
    for line in text.lines().take(PLAIN_LINES_MAX) {
        let named = line.trim().strip_prefix('<').and_then(|rest| rest.split_once(">:"));
        if let Some(address) = named.and_then(|(address, _)| Address::parse(address)) {
            if found.len() >= RECIPIENTS_MAX {
                break;
            }
            found.push(recipient(Some(address), Action::Failed, None));
            in_reason = true;
        } else if line.trim().is_empty() {
            in_reason = false;
        }
        if let Some(last) = found.last_mut().filter(|last| in_reason && last.status.is_none()) {
            last.status = enhanced_status(line);
            last.permanent = last.status.as_deref().is_none_or(|code| code.starts_with('5'));
        }
    }
    found
}

/// The first word of the form `class.subject.detail` (RFC 3463 section 2).
fn enhanced_status(text: &str) -> Option<String> {
    text.split(|c: char| !c.is_ascii_digit() && c != '.').map(|word| word.trim_end_matches('.')).find_map(|word| {
        let mut parts = word.split('.');
        let class = parts.next().filter(|class| matches!(*class, "2" | "4" | "5"))?;
        let mut number = || parts.next().filter(|part| (1..=3).contains(&part.len()));
        let (subject, detail) = (number()?, number()?);
        parts.next().is_none().then(|| format!("{class}.{subject}.{detail}"))
    })
}

fn original_ids(mail: &ParsedMail) -> Vec<MessageId> {
    let returned = mail.report.as_ref().and_then(|report| report.returned.as_ref());
    let mut ids: Vec<MessageId> = Vec::new();
    // Where a relay has put an id of its own in the place of ours, ours stands last in References.
    let returned = returned.into_iter().flat_map(|headers| {
        let references = headers.message_ids("References").into_iter().rev();
        headers.message_ids("Message-ID").into_iter().chain(references).chain(headers.message_ids("In-Reply-To"))
    });
    let named = ORIGINAL_ID_FIELDS.iter().flat_map(|name| mail.headers.message_ids(name));
    for id in returned.chain(ids_in_text(&mail.text)).chain(named) {
        if ids.len() < ORIGINAL_IDS_MAX && !ids.contains(&id) {
            ids.push(id);
        }
    }
    ids
}

/// Message-ID fields of a mail that is returned inside the text.
fn ids_in_text(text: &str) -> Vec<MessageId> {
    let value = |line: &str| {
        let (name, value) = line.trim_start_matches(['>', ' ', '\t']).split_once(':')?;
        let named = name.trim().eq_ignore_ascii_case("message-id");
        named.then(|| MessageId::parse(value)).flatten()
    };
    text.lines().take(PLAIN_LINES_MAX).filter_map(value).take(ORIGINAL_IDS_MAX).collect()
}

#[cfg(test)]
#[path = "bounce_tests.rs"]
mod tests;
