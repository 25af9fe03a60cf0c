//! Which of our mails a report is about: the Message-IDs in it, and the return paths that it came back over.
//!
//! Never says that an id is ours: whoever wrote the report chose it. Never fails: what is not there is absent.

use super::ORIGINAL_IDS_MAX;
use super::dsn;
use crate::domain::id::{Address, MessageId};
use crate::mail::parse::{Headers, Limits, ParsedMail};

/// Lines of a text that are looked at.
const LINES_MAX: usize = 4000;

/// Bytes of an attachment that are looked at.
const ATTACHED_MAX_BYTES: usize = 64 * 1024;

/// Addresses with a `+detail` that are kept.
const PATHS_MAX: usize = 50;

/// Fields outside of the returned mail that name it.
const ORIGINAL_ID_FIELDS: [&str; 5] =
    ["X-Original-Message-ID", "Original-Message-ID", "X-Original-MsgID", "In-Reply-To", "References"];

/// Names in front of the id in the words of a notice or in a status part.
const ID_NAMES: [&str; 8] = [
    "message-id",
    "messageid",
    "message id",
    "original-message-id",
    "x-original-message-id",
    "internet message id",
    "internet-message-id",
    "internetmessageid",
];

/// The ids that may be that of the returned mail, the likeliest first.
pub(super) fn ids(mail: &ParsedMail) -> Vec<MessageId> {
    let report = mail.report.as_ref();
    let returned = report.and_then(|report| report.returned.as_ref());
    // A report that was attached whole to another one has the mail inside.
    let inner = attached(mail, "message/").flat_map(|text| ids_in_text(&text)).collect::<Vec<_>>();
    let is_report =
        |headers: &Headers| headers.first_raw("Content-Type").is_some_and(|kind| kind.contains("multipart/report"));
    let direct = returned.map(|headers| headers.message_ids("Message-ID")).unwrap_or_default();
    let (first, second) = if returned.is_some_and(is_report) { (inner, direct) } else { (direct, inner) };
    let in_status = report.and_then(|report| report.status.as_deref()).map(ids_in_text).unwrap_or_default();
    let in_files = attached(mail, "text/").flat_map(|text| ids_in_text(&text));
    let named = ORIGINAL_ID_FIELDS.iter().flat_map(|name| mail.headers.message_ids(name));
    let own = mail.message_id.as_ref();
    let mut ids: Vec<MessageId> = Vec::new();
    for id in
        first.into_iter().chain(second).chain(in_status).chain(ids_in_text(&mail.text)).chain(in_files).chain(named)
    {
        if ids.len() < ORIGINAL_IDS_MAX && !ids.contains(&id) && own != Some(&id) {
            ids.push(id);
        }
    }
    ids
}

/// The addresses with a `+detail` that the report was sent to, and the return path that the reporter saw on our mail.
pub(super) fn paths(mail: &ParsedMail) -> Vec<Address> {
    let mut found: Vec<Address> = Vec::new();
    let report = mail.report.as_ref();
    let returned = report.and_then(|report| report.returned.as_ref());
    let seen = returned.and_then(|headers| headers.first_raw("Return-Path")).and_then(dsn::typed_address);
    let status = report.and_then(|report| report.status.as_deref()).unwrap_or_default();
    let fields = Headers::parse(status.trim_start().as_bytes(), &Limits::default());
    let sender = fields.first_raw("X-Postfix-Sender").and_then(dsn::typed_address);
    for address in mail.recipients.iter().cloned().chain(sender).chain(seen) {
        if address.detail().is_some() && found.len() < PATHS_MAX && !found.contains(&address) {
            found.push(address);
        }
    }
    found
}

/// Ids behind their names in a text, such as the fields of a mail that is returned in it. The name and its id may stand in
/// two lines.
pub(super) fn ids_in_text(text: &str) -> Vec<MessageId> {
    let mut found = Vec::new();
    let mut named = false;
    for line in text.lines().take(LINES_MAX) {
        let line = line.trim_start_matches(['>', ' ', '\t', '|', '*']).trim_end();
        let value = match line.split_once([':', '=']) {
            Some((name, value)) if is_id_name(name) => Some(value),
            Some(_) | None if named => Some(line),
            Some(_) | None => None,
        };
        named = value.is_some_and(|value| value.trim().is_empty());
        let value =
            value.map(str::trim).filter(|value| value.contains('@')).and_then(|value| value.split_whitespace().next());
        found.extend(value.and_then(MessageId::parse));
        if found.len() >= ORIGINAL_IDS_MAX {
            break;
        }
    }
    found
}

fn is_id_name(name: &str) -> bool {
    let name = name.trim().trim_matches('*').to_ascii_lowercase();
    ID_NAMES.contains(&name.as_str())
}

/// The attached parts of a kind as text.
fn attached<'a>(mail: &'a ParsedMail, kind: &'a str) -> impl Iterator<Item = String> + 'a {
    let parts = mail.attachments.iter().filter(move |part| part.content_type.starts_with(kind)).take(5);
    parts.map(|part| String::from_utf8_lossy(part.bytes.get(..ATTACHED_MAX_BYTES).unwrap_or(&part.bytes)).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_text(text: &str) -> Vec<String> {
        ids_in_text(text).iter().map(|id| id.as_str().to_owned()).collect()
    }

    #[test]
    fn ids_are_found_in_returned_header_fields_and_words() {
        for text in [
            "Message-ID: <a@b>",
            "> > Message-Id: <a@b>",
            "Message-ID:\n  <a@b>\nSubject: s",
            "   message-id=<a@b>",
            "Internet Message ID: <a@b>",
            "Message ID: a@b",
            "MESSAGE-ID: <a@b> (added by postmaster@x)",
        ] {
            assert_eq!(in_text(text), ["a@b"], "{text}");
        }
        assert_eq!(
            in_text("The message identifier is: 14jRTi\nmessage-id: none\nIn-Reply-To: <c@d>"),
            Vec::<String>::new()
        );
        assert_eq!(in_text(&"Message-ID: <a@b>\n".repeat(9000)).len(), ORIGINAL_IDS_MAX);
    }
}
