//! Delivery-status parts (RFC 3464, its predecessor RFC 1894, and RFC 6533 for addresses in UTF-8), also broken ones.
//!
//! Never fails: blank lines too many or too few, fields in the wrong block and unknown types of address are read as far
//! as they make sense. Never takes more recipients than the limit.

use super::codes;
use super::notice;
use super::{Action, BouncedRecipient};
use crate::domain::id::Address;
use crate::mail::parse::{Headers, Limits};

/// Blocks of one status part that are looked at.
const BLOCKS_MAX: usize = 500;

/// What one block, or several that belong together, say of one recipient.
#[derive(Default)]
struct Group {
    original: Option<String>,
    reached: Option<String>,
    action: Option<String>,
    status: Option<String>,
    diagnostic: Option<String>,
    /// Whether an empty line stood behind the name of the recipient.
    closed: bool,
}

impl Group {
    fn is_named(&self) -> bool {
        self.original.is_some() || self.reached.is_some()
    }

    /// Whether a field that names a recipient begins the next group.
    fn ends_at(&self, taken: bool) -> bool {
        taken || (self.closed && self.reached.is_some())
    }
}

/// Whether a text is, or holds, a delivery status: fields that no other text has at the beginning of lines.
pub(super) fn is_status(text: &str) -> bool {
    let starts = |name: &str| text.lines().take(200).any(|line| starts_with(line.trim_start(), name));
    starts("Final-Recipient:") && (starts("Action:") || starts("Status:") || starts("Reporting-MTA:"))
}

/// The recipients of a delivery status and what became of the mail for each, in order, at most `most`.
pub(super) fn recipients(text: &str, most: usize) -> Vec<BouncedRecipient> {
    let unix = flush_left(&text.replace("\r\n", "\n"));
    let mut found = Vec::new();
    let mut group = Group::default();
    for block in unix.split("\n\n").take(BLOCKS_MAX) {
        let block = Headers::parse(block.trim_start().as_bytes(), &Limits::default());
        for field in block.iter() {
            let value = Some(field.raw.clone()).filter(|value| !value.is_empty());
            let place = match field.name.to_ascii_lowercase().as_str() {
                "original-recipient" if group.ends_at(group.original.is_some()) => {
                    found.extend(bounced(&std::mem::take(&mut group)));
                    &mut group.original
                }
                "original-recipient" => &mut group.original,
                "final-recipient" if group.ends_at(group.reached.is_some()) => {
                    found.extend(bounced(&std::mem::take(&mut group)));
                    &mut group.reached
                }
                "final-recipient" => &mut group.reached,
                "action" => &mut group.action,
                "status" => &mut group.status,
                "diagnostic-code" => &mut group.diagnostic,
                _ => continue,
            };
            if place.is_none() {
                *place = value;
            }
            if found.len() >= most {
                return found;
            }
        }
        group.closed = group.is_named();
    }
    found.extend(bounced(&group));
    // Some hosts repeat a block for each attempt.
    let mut once: Vec<BouncedRecipient> = Vec::new();
    for recipient in found {
        if once.len() < most && !once.contains(&recipient) {
            once.push(recipient);
        }
    }
    once
}

/// Whether the one that reports wants to be answered before it delivers: no failure of the mail.
pub(super) fn is_challenge(text: &str) -> bool {
    let lower = text.to_lowercase();
    lower.contains("x-boxbe-notice") || lower.contains("sender not pre-approved")
}

/// The address in a field of the form `type; address`.
pub(super) fn typed_address(value: &str) -> Option<Address> {
    let (kind, address) = value.split_once(';').unwrap_or(("", value));
    let address = without_comment(address.trim()).trim().trim_matches(['<', '>', '"', '\'']);
    let address = strip_prefix(address, "smtp:").unwrap_or(address);
    let decoded = match kind.trim().to_ascii_lowercase().as_str() {
        "utf-8" => unescaped(address),
        "x.400" | "x400" => from_x400(address)?,
        _ => address.to_owned(),
    };
    let whole = encapsulated(&decoded).or_else(|| Address::parse(&decoded));
    whole.or_else(|| Address::parse(&from_xtext(&decoded))).or_else(|| notice::addresses(&decoded).into_iter().next())
}

/// The address inside one that Exchange made for a foreign one: `IMCEASMTP-a+40b+2Eexample@gateway`.
pub(super) fn encapsulated(address: &str) -> Option<Address> {
    let inner = strip_prefix(address, "IMCEASMTP-")?;
    let (inner, _) = inner.rsplit_once('@')?;
    Address::parse(&from_xtext(inner))
}

fn bounced(group: &Group) -> Option<BouncedRecipient> {
    if !group.is_named() && group.action.is_none() {
        return None;
    }
    let original = group.original.as_deref().and_then(typed_address);
    let reached = group.reached.as_deref().and_then(typed_address);
    let (address, alt) = match (original, reached) {
        (Some(original), Some(reached)) if !original.same_mailbox(&reached) => (Some(original), Some(reached)),
        (Some(original), _) => (Some(original), None),
        (None, reached) => (reached, None),
    };
    let diagnostic = group.diagnostic.as_deref().unwrap_or_default();
    let written = group.status.as_deref().and_then(codes::enhanced_status);
    let class = written.as_deref().and_then(|status| status.chars().next());
    let word = group.action.as_deref().and_then(|value| value.split(|c: char| !c.is_ascii_alphabetic()).next());
    let action = match word.map(str::to_ascii_lowercase).as_deref() {
        Some("delayed" | "delay") => Action::Delayed,
        Some("delivered") => Action::Delivered,
        Some("relayed") => Action::Relayed,
        Some("expanded") => Action::Expanded,
        Some("failed" | "failure" | "fail") => Action::Failed,
        _ if class == Some('2') => Action::Delivered,
        _ => Action::Failed,
    };
    let mut recipient = BouncedRecipient::new(address, action);
    recipient.alt = alt;
    recipient.say(written, &[diagnostic]);
    Some(recipient)
}

/// Without the blanks that every line begins with, as where a report was indented on the way.
fn flush_left(text: &str) -> String {
    if text.lines().any(|line| starts_with(line, "Final-Recipient:")) {
        return text.to_owned();
    }
    text.lines().map(str::trim_start).collect::<Vec<_>>().join("\n")
}

fn starts_with(line: &str, prefix: &str) -> bool {
    strip_prefix(line, prefix).is_some()
}

fn strip_prefix<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(rest)
}

/// Without a comment behind the address.
fn without_comment(text: &str) -> &str {
    match text.split_once(" (") {
        Some((address, _)) if address.contains('@') => address,
        _ => text,
    }
}

/// The DDA or RFC-822 part of an X.400 address, in which `(a)` stands for the at sign (RFC 2156 section 4.1).
fn from_x400(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let at =
        ["rfc-822=", "rfc-822:", "rfc822=", "smtp="].iter().find_map(|mark| Some(lower.find(mark)? + mark.len()))?;
    let value = text.get(at..)?.split([';', '/']).next()?;
    Some(value.replace("(a)", "@").replace("(u)", "_").replace("(p)", "%"))
}

/// `\x{E9}` written out (RFC 6533 section 3).
fn unescaped(text: &str) -> String {
    let mut pieces = text.split("\\x{");
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (code, rest) = piece.split_once('}').unwrap_or(("", piece));
        out.extend(u32::from_str_radix(code, 16).ok().and_then(char::from_u32));
        out.push_str(rest);
    }
    out
}

/// `+40` written out (RFC 3461 section 4).
fn from_xtext(text: &str) -> String {
    let mut pieces = text.split('+');
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let decoded = piece.get(..2).and_then(|code| u8::from_str_radix(code, 16).ok()).filter(u8::is_ascii_graphic);
        match decoded {
            Some(byte) => {
                out.push(char::from(byte));
                out.push_str(piece.get(2..).unwrap_or_default());
            }
            None => {
                out.push('+');
                out.push_str(piece);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    type Seen = (Option<String>, Option<String>, Action, Option<String>, Option<u16>, bool);

    fn read(text: &str) -> Vec<Seen> {
        let text_of = |address: Option<&Address>| address.map(|address| address.as_str().to_owned());
        let seen = |r: &BouncedRecipient| {
            (text_of(r.address.as_ref()), text_of(r.alt.as_ref()), r.action, r.status.clone(), r.smtp_code, r.permanent)
        };
        recipients(text, 50).iter().map(seen).collect()
    }

    fn failed(address: &str, status: &str, code: Option<u16>) -> Seen {
        (Some(address.to_owned()), None, Action::Failed, Some(status.to_owned()), code, status.starts_with('5'))
    }

    #[test]
    fn both_names_of_a_recipient_are_kept() {
        let text = "Original-Recipient: rfc822;ana@example.org\nFinal-Recipient: rfc822; ana@inner.example\nAction: failed\nStatus: 5.1.1";
        let (address, alt, ..) = read(text).remove(0);
        assert_eq!((address.as_deref(), alt.as_deref()), (Some("ana@example.org"), Some("ana@inner.example")));
        assert_eq!(read(&text.replace("inner.example", "Example.org"))[0].1, None);
    }

    #[test]
    fn missing_and_needless_blank_lines_change_nothing() {
        let wanted = [failed("a@x.example", "5.1.1", None), failed("b@x.example", "5.2.2", Some(552))];
        let one = "Reporting-MTA: dns; mx.example\nFinal-Recipient: rfc822; a@x.example\nAction: failed\nStatus: 5.1.1\n\
                   Final-Recipient: rfc822; b@x.example\nAction: failed\nStatus: 5.2.2\nDiagnostic-Code: smtp;552 full";
        assert_eq!(read(one), wanted);
        assert_eq!(read(&one.replace('\n', "\r\n")), wanted);
        assert_eq!(read(&one.replace('\n', "\n\n")), wanted);
        assert_eq!(read(&one.replace('\n', "\n ").replace("Reporting", " Reporting")), wanted);
    }

    #[test]
    fn a_missing_status_is_in_the_diagnostic() {
        for (rest, status, code) in [
            ("Diagnostic-Code: smtp; 550 5.1.1 unknown", "5.1.1", Some(550)),
            ("Diagnostic-Code: smtp;\n 550-5.1.1 The email\n 550 account", "5.1.1", Some(550)),
            ("Diagnostic-Code: smtp; 550 user unknown", "5.1.1", Some(550)),
            ("Diagnostic-Code: X-Postfix; host mx said: 452 quota", "4.2.2", Some(452)),
            ("Status: 5.7.1 (refused)\nDiagnostic-Code: smtp; 554 spam", "5.7.1", Some(554)),
            ("Status: 5.0.0\nDiagnostic-Code: smtp; 550 5.1.1 who", "5.0.0", Some(550)),
        ] {
            let text = format!("Final-Recipient: rfc822; a@x.example\nAction: failed\n{rest}");
            assert_eq!(read(&text), [failed("a@x.example", status, code)], "{rest}");
        }
    }

    #[test]
    fn a_vague_status_keeps_the_exact_one_beside_it() {
        let text =
            "Final-Recipient: rfc822; a@x.example\nAction: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550 5.1.1 who";
        assert_eq!(recipients(text, 50)[0].exact_status(), Some("5.1.1"));
        assert_eq!(recipients(&text.replace("5.0.0", "5.7.1"), 50)[0].exact_status(), Some("5.7.1"));
    }

    #[test]
    fn addresses_of_every_type_are_read() {
        for (field, address) in [
            ("rfc822;a@x.example", "a@x.example"),
            ("RFC822; <a@x.example>", "a@x.example"),
            ("a@x.example", "a@x.example"),
            ("rfc822; a@x.example (Ana)", "a@x.example"),
            ("rfc822;a+40x.example", "a@x.example"),
            ("rfc822;a+tag@x.example", "a+tag@x.example"),
            ("utf-8; j\\x{F6}rg@x.example", "jörg@x.example"),
            ("x.400; /DDA:RFC-822=a(a)x.example/P=net/C=de", "a@x.example"),
            ("LOTUS; a@x.example", "a@x.example"),
            ("smtp;SMTP:a@x.example", "a@x.example"),
            ("rfc822; IMCEASMTP-a+40x+2Eexample@gate.example", "a@x.example"),
        ] {
            assert_eq!(typed_address(field), Address::parse(address), "{field}");
        }
        assert_eq!(typed_address("x.400; /G=Ana/S=Doe/C=de"), None);
    }

    #[test]
    fn what_became_of_the_mail_is_read_or_told_by_the_class() {
        for (fields, action) in [
            ("Action: delayed (soon)\nStatus: 4.4.1", Action::Delayed),
            ("Action: relayed\nStatus: 2.0.0", Action::Relayed),
            ("Status: 2.1.5", Action::Delivered),
            ("Status: 5.1.1", Action::Failed),
            ("Action: failure", Action::Failed),
        ] {
            assert_eq!(read(&format!("Final-Recipient: rfc822; a@x.example\n{fields}"))[0].2, action, "{fields}");
        }
    }
}
