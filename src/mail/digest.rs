//! The digest by which one mail delivered twice is known again.
//!
//! Never looks into the body; leaves out only header fields that mail hosts add on the way. Never fails.

use sha2::{Digest, Sha256};

use super::headers::line_at;
use crate::domain::token::hex;

/// Header fields that are added on the way (RFC 5321 section 4.4, RFC 8601, RFC 6376, RFC 8617, and what hosts invent).
const TRACE: [&str; 33] = [
    "return-path",
    "received",
    "delivered-to",
    "x-original-to",
    "envelope-to",
    "x-envelope-to",
    "x-envelope-from",
    "delivery-date",
    "authentication-results",
    "authentication-results-original",
    "x-authentication-results",
    "x-authentication-warning",
    "dkim-signature",
    "dkim2-signature",
    "message-instance",
    "domainkey-signature",
    "received-spf",
    "x-received",
    "x-forwarded-to",
    "x-forwarded-for",
    "x-forwarded-encrypted",
    "x-originating-ip",
    "x-originatororg",
    "x-uid",
    "x-uidl",
    "x-keywords",
    "status",
    "x-status",
    "lines",
    "content-length",
    "x-delivered-to",
    "x-resolved-to",
    "x-attached",
];

/// Beginnings of the names of more such fields.
const TRACE_PREFIXES: [&str; 18] = [
    "arc-",
    "x-spam",
    "x-google-",
    "x-gm-",
    "x-ms-",
    "x-microsoft-",
    "x-forefront-",
    "x-eop",
    "x-exchange-",
    "x-virus-",
    "x-amavis-",
    "x-rspamd-",
    "x-me-",
    "x-proofpoint-",
    "x-mailscanner",
    "x-mozilla-",
    "x-imap",
    "x-barracuda-",
];

/// The SHA-256, in hexadecimal, of a mail without trace fields, line ends made LF and empty lines at the end left out.
#[must_use]
pub fn stable_digest(raw: &[u8]) -> String {
    let mut digest = Sha256::new();
    let mut position = 0;
    let mut in_headers = true;
    let mut skipping = false;
    // Empty lines are held back until something follows them.
    let mut empty_lines = 0_usize;
    while let Some((line, next)) = line_at(raw, position) {
        let first = position == 0;
        position = next;
        if in_headers {
            if line.is_empty() {
                in_headers = false;
            } else {
                let folded = matches!(line.first(), Some(b' ' | b'\t'));
                skipping = if folded { skipping } else { is_trace(line) || (first && line.starts_with(b"From ")) };
                if skipping {
                    continue;
                }
            }
        }
        if line.is_empty() {
            empty_lines += 1;
            continue;
        }
        for _ in 0..std::mem::take(&mut empty_lines) {
            digest.update(b"\n");
        }
        digest.update(line);
        digest.update(b"\n");
    }
    hex(&digest.finalize())
}

fn is_trace(line: &[u8]) -> bool {
    let name = line.split(|byte| *byte == b':').next().unwrap_or_default().trim_ascii_end();
    let name = String::from_utf8_lossy(name.get(..name.len().min(64)).unwrap_or_default()).to_ascii_lowercase();
    TRACE.contains(&name.as_str()) || TRACE_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_mail_over_two_ways_has_one_digest() {
        let one = "Return-Path: <a@b.example>\r\nReceived: from x\r\n by y; Mon\r\nDKIM-Signature: v=1;\r\n\tb=abc\r\n\
                   X-Spam-Status: No\r\nSubject: s\r\n folded\r\n\r\nbody\r\n";
        let two = "From a@b Mon\nDelivered-To: c@d.example\nARC-Seal: i=1\nSubject: s\n folded\n\nbody\n\n";
        assert_eq!(stable_digest(one.as_bytes()), stable_digest(two.as_bytes()));
    }

    #[test]
    fn another_text_subject_or_sender_has_another_digest() {
        let base = stable_digest(b"Subject: s\n\nbody\n");
        for other in [
            "Subject: t\n\nbody\n",
            "Subject: s\n\nbodx\n",
            "From: a@b\nSubject: s\n\nbody\n",
            "Subject: s\n\nbody\n\nx",
        ] {
            assert_ne!(base, stable_digest(other.as_bytes()), "{other:?}");
        }
        // What looks like a trace field in the body counts.
        assert_ne!(base, stable_digest(b"Subject: s\n\nReceived: x\nbody\n"));
    }
}
