//! The parts of a mail as a list: names, types, sizes and digests, for people who ask what is in it.
//!
//! Never says what a part means: that is [`super::parse`]'s. Never descends into an attached mail; never fails.

use super::clean;
use super::limits::{Defects, Limits};
use super::mime::{self, Node};
use crate::domain::token::digest_hex;

/// Characters of a name or content type that are kept.
const NAME_MAX_CHARS: usize = 255;

/// The parts of one mail.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outline {
    /// Whether a text/html part stands in it that is no attachment.
    pub has_html: bool,
    /// The leaves that are no text to show, and those that have a name, in their order.
    pub parts: Vec<OutlinePart>,
}

/// One part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutlinePart {
    /// Its file name as the sender wrote it, safe to show; never to be used as a path.
    pub name: Option<String>,
    /// Whether it is a file: named, and neither a mail, nor a report, nor the text of this mail with a name on it.
    pub is_file: bool,
    /// `type/subtype` in lower case, as the sender claims.
    pub content_type: String,
    /// Bytes after transfer decoding.
    pub bytes: usize,
    /// SHA-256 of those bytes, in hexadecimal.
    pub sha256: String,
}

/// Lists the parts, those of a signed or encrypted mail included.
#[must_use]
pub fn outline(raw: &[u8], limits: &Limits) -> Outline {
    let mut defects = Defects::default();
    let tree = mime::read(raw, limits, &mut defects);
    let mut outline = Outline::default();
    let mut room = limits.decoded_bytes;
    // Types of text that were met in the place of the mail's own words; further ones with a name are files.
    let mut texts: Vec<&str> = Vec::new();
    for (index, node) in tree.nodes.iter().enumerate() {
        if node.is_multipart() {
            continue;
        }
        let attached = node.disposition.essence == "attachment";
        outline.has_html |= node.media.essence == "text/html" && !attached;
        if is_shown_text(node) {
            texts.push(&node.media.essence);
        }
        if is_shown_text(node) || (index == 0 && is_plain(node)) {
            continue;
        }
        let body = tree.decoded(node, &mut defects);
        let Some(left) = room.checked_sub(body.len()) else { break };
        room = left;
        let inline_text = is_text(node) && node.disposition.essence == "inline";
        let is_body = inline_text && !texts.contains(&node.media.essence.as_str());
        if is_body {
            texts.push(&node.media.essence);
        }
        outline.parts.push(OutlinePart {
            is_file: node.name().is_some() && !is_body && !node.media.essence.starts_with("message/"),
            name: node.name().map(|name| clean::one_line(name, NAME_MAX_CHARS)).filter(|name| !name.is_empty()),
            content_type: clean::one_line(&node.media.essence, NAME_MAX_CHARS),
            bytes: body.len(),
            sha256: digest_hex(&body),
        });
    }
    outline
}

/// Text that is shown as the mail, not as a file in it.
fn is_shown_text(node: &Node) -> bool {
    is_text(node) && node.disposition.essence != "attachment" && node.name().is_none()
}

fn is_text(node: &Node) -> bool {
    matches!(node.media.essence.as_str(), "text/plain" | "text/html")
}

/// A mail that is nothing but one text.
fn is_plain(node: &Node) -> bool {
    node.media.essence.starts_with("text/") && node.name().is_none() && node.disposition.essence != "attachment"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(raw: &str) -> Outline {
        outline(raw.as_bytes(), &Limits::default())
    }

    #[test]
    fn named_parts_are_listed_with_the_digest_of_what_they_hold() {
        let found = read(
            "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nHello\n--b\n\
             Content-Type: image/png; name=\"a b.png\"\nContent-Transfer-Encoding: base64\n\nAAEC\n--b\n\
             Content-Disposition: attachment; filename=notes.txt\n\nnotes\n--b\nContent-Type: application/x\n\nx\n--b--\n",
        );
        let names: Vec<_> = found.parts.iter().map(|part| part.name.as_deref()).collect();
        assert_eq!(names, [Some("a b.png"), Some("notes.txt"), None]);
        assert_eq!((found.parts[0].bytes, found.parts[0].sha256.as_str()), (3, digest_hex(&[0, 1, 2]).as_str()));
        assert!(!found.has_html);
    }

    #[test]
    fn html_counts_unless_it_is_an_attachment() {
        let part = |disposition: &str| {
            read(&format!(
                "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html\n{disposition}\n<p>x</p>\n--b--\n"
            ))
            .has_html
        };
        assert!(part(""));
        assert!(!part("Content-Disposition: attachment; filename=x.html\n"));
        assert!(read("Content-Type: text/html\n\n<p>x</p>").has_html);
    }

    #[test]
    fn a_mail_in_it_and_its_own_text_with_a_name_are_no_files() {
        let part = |head: &str| format!("--b\n{head}\n\nx\n");
        let found = read(&format!(
            "Content-Type: multipart/mixed; boundary=b\n\n{}{}{}{}--b--\n",
            part("Content-Disposition: inline; filename=first.txt"),
            part("Content-Type: message/rfc822; name=a.eml"),
            part("Content-Disposition: inline; filename=second.txt"),
            part("Content-Type: text/plain; name=third.txt"),
        ));
        let files: Vec<_> = found.parts.iter().filter(|part| part.is_file).map(|part| part.name.as_deref()).collect();
        assert_eq!(files, [Some("second.txt"), Some("third.txt")]);
        assert_eq!(found.parts.len(), 4);
    }

    #[test]
    fn a_signature_is_listed_beside_what_it_signs() {
        let found = read(
            "Content-Type: multipart/signed; boundary=b\n\n--b\nContent-Type: text/plain\n\nHello\n--b\n\
             Content-Type: application/pgp-signature; name=signature.asc\n\nx\n--b--\n",
        );
        assert_eq!(found.parts.len(), 1);
        assert_eq!(found.parts[0].content_type, "application/pgp-signature");
    }
}
