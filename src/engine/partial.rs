//! What is encrypted in a mail that is not encrypted as a whole: opened for the eyes of the team, and for nothing else.
//!
//! Anybody may wrap a ciphertext that he stole from somebody else into a mail of his own, so what comes out here is of
//! unproved origin: it is shown, marked, in encrypted mail to the team. It is never read for commands, never a title,
//! never indexed, never answered from, never quoted outward. What cannot be opened is left out.

use crate::domain::time::Timestamp;
use crate::mail::parse::{self, CryptoLayer, Limits, ParsedMail};
use crate::pgp::keyring::Keyring;
use crate::pgp::open;

/// Parts of one mail that are tried.
const PARTS_MAX: usize = 4;
/// Largest part that is tried, in bytes.
const PART_BYTES_MAX: usize = 5 * 1024 * 1024;
const BEGIN: &[u8] = b"-----BEGIN PGP MESSAGE-----";
const END: &[u8] = b"-----END PGP MESSAGE-----";

/// The text of the encrypted parts that could be opened; `None` when there is none.
pub(super) fn text(mail: &ParsedMail, keyring: &Keyring, limits: &Limits, at: Timestamp) -> Option<String> {
    let opened = parts(mail).into_iter().filter_map(|part| open::decrypt(part, keyring, at).ok());
    let texts: Vec<String> = opened.map(|opened| readable(&opened.plaintext, limits)).collect();
    (!texts.is_empty()).then(|| texts.join("\n\n"))
}

/// The encrypted parts, the first ones that are not too large.
fn parts(mail: &ParsedMail) -> Vec<&[u8]> {
    let mut found: Vec<&[u8]> = Vec::new();
    match &mail.layer {
        CryptoLayer::Encrypted { ciphertext } => found.push(ciphertext),
        CryptoLayer::InlineEncrypted { armor } => found.push(armor),
        CryptoLayer::Partial => {
            found.extend(blocks(mail.text.as_bytes()));
            for part in &mail.attachments {
                let armored = blocks(&part.bytes);
                let name = part.name.as_deref().unwrap_or_default().to_lowercase();
                if armored.is_empty() && (name.ends_with(".pgp") || name.ends_with(".gpg")) {
                    found.push(&part.bytes);
                }
                found.extend(armored);
            }
        }
        CryptoLayer::None | CryptoLayer::Signed { .. } | CryptoLayer::InlineSigned { .. } => {}
    }
    found.retain(|part| part.len() <= PART_BYTES_MAX);
    found.truncate(PARTS_MAX);
    found
}

/// The armored messages in a text, each from its first line to its last.
fn blocks(text: &[u8]) -> Vec<&[u8]> {
    let (mut found, mut begun, mut position) = (Vec::new(), None, 0);
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let start = position;
        position += line.len();
        match line.trim_ascii_end() {
            BEGIN => begun = Some(start),
            END => found.extend(begun.take().and_then(|begun| text.get(begun..position))),
            _ => {}
        }
        if found.len() >= PARTS_MAX {
            break;
        }
    }
    found
}

/// The plaintext as people read it: a MIME entity by its text, anything else as the text it is.
fn readable(plaintext: &[u8], limits: &Limits) -> String {
    let entity = parse::parse(plaintext, limits);
    let (text, beside) = if entity.headers.count("Content-Type") > 0 {
        (entity.text, entity.attachments.len())
    } else if plaintext.contains(&0) {
        return format!("(no text, but {} bytes; they lie encrypted in the original)", plaintext.len());
    } else {
        let plain = [b"Content-Type: text/plain; charset=utf-8\n\n", plaintext].concat();
        (parse::parse(&plain, limits).text, 0)
    };
    let text = if text.trim().is_empty() { "(no text)" } else { text.trim_end() };
    match beside {
        0 => text.to_owned(),
        more => format!("{text}\n\n(and {more} further parts, which lie encrypted in the original)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(raw: &str) -> ParsedMail {
        parse::parse(raw.as_bytes(), &Limits::default())
    }

    fn found(mail: &ParsedMail) -> Vec<String> {
        parts(mail).into_iter().map(|part| String::from_utf8_lossy(part).trim_end().to_owned()).collect()
    }

    fn block(word: &str) -> String {
        format!("-----BEGIN PGP MESSAGE-----\n\n{word}\n-----END PGP MESSAGE-----\n")
    }

    #[test]
    fn blocks_stand_between_their_lines_and_an_open_one_is_none() {
        let (one, two) = (block("one"), block("two"));
        let text =
            format!("Hello\n{one}and\n-----BEGIN PGP MESSAGE-----\n{two}> {one}-----END PGP MESSAGE-----\n{one}");
        let found: Vec<_> = blocks(text.as_bytes());
        assert_eq!(found, [one.as_bytes(), two.as_bytes(), one.as_bytes()]);
        assert!(blocks(b"-----BEGIN PGP MESSAGE-----\nabc").is_empty());
        assert_eq!(blocks(one.repeat(1000).as_bytes()).len(), PARTS_MAX);
    }

    #[test]
    fn a_few_parts_of_bounded_size_are_tried() {
        let mail = |parts: &str| {
            read(&format!(
                "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nHello\n{}{parts}\n--b--\n",
                block("text")
            ))
        };
        let part =
            |name: &str, body: &str| format!("--b\nContent-Type: application/octet-stream; name={name}\n\n{body}\n");
        let some = mail(&[part("a.asc", &block("a")), part("b.gpg", "binary"), part("c.txt", "none")].concat());
        assert_eq!(found(&some), [block("text").trim_end(), block("a").trim_end(), "binary"]);
        assert_eq!(parts(&mail(&part("a.gpg", "a").repeat(9))).len(), PARTS_MAX);
        let large = mail(&[part("a.gpg", &"a\n".repeat(PART_BYTES_MAX)), part("b.gpg", "b")].concat());
        assert_eq!(found(&large), [block("text").trim_end(), "b"]);
        assert!(parts(&read("\nHello\n")).is_empty());
    }

    #[test]
    fn what_was_opened_is_shown_as_text() {
        let shown = |plaintext: &[u8]| readable(plaintext, &Limits::default());
        assert_eq!(shown("Grüße\r\nAna\r\n".as_bytes()), "Grüße\nAna");
        assert_eq!(shown(b"Content-Type: text/html\n\n<p>Hello <b>you</b></p>"), "Hello you");
        assert_eq!(shown(b"PK\0\x01"), "(no text, but 4 bytes; they lie encrypted in the original)");
        let two =
            b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nHello\n--b\nContent-Type: image/png\n\nx\n--b--\n";
        assert_eq!(shown(two), "Hello\n\n(and 1 further parts, which lie encrypted in the original)");
    }
}
