//! Which OpenPGP layer a mail has on the outside (RFC 3156), judged from its structure alone.
//!
//! Never decrypts, never verifies. Only a layer that is the whole mail is offered to be acted on; one anywhere else,
//! or beside other text, is [`CryptoLayer::Partial`]: for people to see, never for commands. In doubt it is partial.

use std::fmt;

use super::limits::Defects;
use super::mime::{Node, Tree};

const MESSAGE_BEGIN: &[u8] = b"-----BEGIN PGP MESSAGE-----";
const MESSAGE_END: &[u8] = b"-----END PGP MESSAGE-----";
const SIGNED_BEGIN: &[u8] = b"-----BEGIN PGP SIGNED MESSAGE-----";
const SIGNATURE_BEGIN: &[u8] = b"-----BEGIN PGP SIGNATURE-----";
const SIGNATURE_END: &[u8] = b"-----END PGP SIGNATURE-----";

/// The outermost OpenPGP layer.
#[derive(Clone, PartialEq, Eq)]
pub enum CryptoLayer {
    /// None at all.
    None,
    /// The whole mail is one `multipart/encrypted` (RFC 3156 section 4), or what Exchange makes of one.
    Encrypted {
        /// The OpenPGP message, armored or not.
        ciphertext: Vec<u8>,
    },
    /// The whole mail is one `multipart/signed` (RFC 3156 section 5).
    Signed {
        /// The signed octets, line ends as CRLF.
        entity: Vec<u8>,
        /// The detached signature, armored or not.
        signature: Vec<u8>,
    },
    /// The whole body is one armored message, blanks aside.
    InlineEncrypted {
        /// The armored message.
        armor: Vec<u8>,
    },
    /// The whole body is one cleartext-signed message (RFC 9580 section 7), blanks aside.
    InlineSigned {
        /// The cleartext-signed message.
        armored: Vec<u8>,
    },
    /// Something encrypted or signed that is not the whole mail.
    Partial,
}

/// Contents stay out of logs: the debug form shows kind and size.
impl fmt::Debug for CryptoLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::Encrypted { ciphertext } => write!(f, "Encrypted({} bytes)", ciphertext.len()),
            Self::Signed { entity, .. } => write!(f, "Signed({} bytes)", entity.len()),
            Self::InlineEncrypted { armor } => write!(f, "InlineEncrypted({} bytes)", armor.len()),
            Self::InlineSigned { armored } => write!(f, "InlineSigned({} bytes)", armored.len()),
            Self::Partial => f.write_str("Partial"),
        }
    }
}

/// The layer of a mail, and the node under which its readable content stands.
///
/// `bodies` holds the decoded body of each leaf at its place in the tree, and nothing for containers.
pub(super) fn judge(tree: &Tree<'_>, bodies: &[Vec<u8>], defects: &mut Defects) -> (CryptoLayer, usize) {
    let Some(root) = tree.nodes.first() else { return (CryptoLayer::None, 0) };
    let whole = if root.is_multipart() {
        match root.media.essence.as_str() {
            "multipart/encrypted" => encrypted(tree, bodies, &root.children),
            "multipart/mixed" => exchange_mangled(tree, bodies, &root.children),
            "multipart/signed" => return signed(tree, bodies, root, defects),
            "multipart/alternative" => armored_alternatives(tree, bodies, &root.children),
            _ => None,
        }
    } else if matches!(root.media.essence.as_str(), "text/plain" | "application/pgp") {
        inline(bodies.first().map_or(&[], Vec::as_slice))
    } else {
        None
    };
    let layer = whole.unwrap_or_else(|| {
        let any = tree.nodes.iter().zip(bodies).any(|(node, body)| smells_of_pgp(node, body));
        if any { CryptoLayer::Partial } else { CryptoLayer::None }
    });
    (layer, 0)
}

/// `multipart/encrypted` of exactly its two parts.
fn encrypted(tree: &Tree<'_>, bodies: &[Vec<u8>], children: &[usize]) -> Option<CryptoLayer> {
    let [control, data] = children else { return None };
    let control = tree.nodes.get(*control)?;
    let data_node = tree.nodes.get(*data)?;
    let fits = control.media.essence == "application/pgp-encrypted" && !data_node.is_multipart();
    fits.then(|| CryptoLayer::Encrypted { ciphertext: bodies.get(*data).cloned().unwrap_or_default() })
}

/// Exchange turns `multipart/encrypted` into `multipart/mixed` and may put an empty text before its parts.
fn exchange_mangled(tree: &Tree<'_>, bodies: &[Vec<u8>], children: &[usize]) -> Option<CryptoLayer> {
    let body = |index: &usize| bodies.get(*index).map_or(&[][..], Vec::as_slice);
    let empty_text = |index: &usize| {
        let text = tree.nodes.get(*index).is_some_and(|node| node.media.essence.starts_with("text/"));
        text && body(index).trim_ascii().is_empty()
    };
    let rest: Vec<usize> = children.iter().copied().filter(|index| !empty_text(index)).collect();
    let [control, data] = rest.as_slice() else { return None };
    let (control_node, data_node) = (tree.nodes.get(*control)?, tree.nodes.get(*data)?);
    let version = body(control).trim_ascii().eq_ignore_ascii_case(b"Version: 1");
    let octets = data_node.media.essence == "application/octet-stream";
    let message = body(data).trim_ascii().starts_with(MESSAGE_BEGIN);
    let fits = control_node.media.essence == "application/pgp-encrypted" && version && octets && message;
    fits.then(|| CryptoLayer::Encrypted { ciphertext: body(data).to_vec() })
}

/// The same armored message as text and wrapped in HTML, as some add-ons send it.
fn armored_alternatives(tree: &Tree<'_>, bodies: &[Vec<u8>], children: &[usize]) -> Option<CryptoLayer> {
    let [plain, html] = children else { return None };
    let kind = |index: &usize| tree.nodes.get(*index).map(|node| node.media.essence.as_str());
    if kind(plain) != Some("text/plain") || kind(html) != Some("text/html") {
        return None;
    }
    let repeated = bodies.get(*html).is_some_and(|body| contains(body, MESSAGE_BEGIN));
    let layer = inline(bodies.get(*plain)?)?;
    (repeated && matches!(layer, CryptoLayer::InlineEncrypted { .. })).then_some(layer)
}

/// `multipart/signed` of exactly its two parts, with nothing encrypted or signed inside.
fn signed(tree: &Tree<'_>, bodies: &[Vec<u8>], root: &Node, defects: &mut Defects) -> (CryptoLayer, usize) {
    let mut children = root.children.iter();
    let (Some(entity), Some(signature), None) = (children.next(), children.next(), children.next()) else {
        return (CryptoLayer::Partial, 0);
    };
    let (Some(entity_node), Some(signature_node)) = (tree.nodes.get(*entity), tree.nodes.get(*signature)) else {
        return (CryptoLayer::Partial, 0);
    };
    if signature_node.media.essence != "application/pgp-signature" {
        // S/MIME and the like are not read here: the mail counts as unsigned.
        let pgp = tree.nodes.iter().zip(bodies).any(|(node, body)| smells_of_pgp(node, body));
        return (if pgp { CryptoLayer::Partial } else { CryptoLayer::None }, *entity);
    }
    let inner = tree.nodes.iter().zip(bodies).take(*signature).skip(*entity);
    if inner.into_iter().any(|(node, body)| smells_of_pgp(node, body)) {
        return (CryptoLayer::Partial, *entity);
    }
    let layer = CryptoLayer::Signed {
        entity: crlf(tree.octets(entity_node)),
        signature: tree.decoded(signature_node, defects),
    };
    (layer, *entity)
}

/// A text that is wholly one armored or cleartext-signed message.
fn inline(body: &[u8]) -> Option<CryptoLayer> {
    let text = body.trim_ascii();
    let mut begins = text.split(|byte| *byte == b'\n').filter(|line| line.starts_with(b"-----BEGIN PGP "));
    let first = begins.next()?.trim_ascii_end();
    let second = begins.next().map(<[u8]>::trim_ascii_end);
    if !text.starts_with(first) || begins.next().is_some() {
        return None;
    }
    let ends = |end: &[u8]| text.ends_with(end) && lines_starting(text, b"-----END PGP ") == 1;
    if first == MESSAGE_BEGIN && second.is_none() && ends(MESSAGE_END) {
        return Some(CryptoLayer::InlineEncrypted { armor: text.to_vec() });
    }
    if first == SIGNED_BEGIN && second == Some(SIGNATURE_BEGIN) && ends(SIGNATURE_END) {
        return Some(CryptoLayer::InlineSigned { armored: text.to_vec() });
    }
    None
}

/// Whether a part is, or holds, something encrypted or signed by OpenPGP.
fn smells_of_pgp(node: &Node, body: &[u8]) -> bool {
    if matches!(node.media.essence.as_str(), "application/pgp-encrypted" | "application/pgp-signature") {
        return true;
    }
    if node.media.essence == "text/html" {
        return contains(body, MESSAGE_BEGIN) || contains(body, SIGNED_BEGIN);
    }
    let name = node.name().unwrap_or_default().to_ascii_lowercase();
    name.ends_with(".pgp")
        || name.ends_with(".gpg")
        || body
            .split(|byte| *byte == b'\n')
            .any(|line| line.starts_with(MESSAGE_BEGIN) || line.starts_with(SIGNED_BEGIN))
}

fn lines_starting(text: &[u8], prefix: &[u8]) -> usize {
    text.split(|byte| *byte == b'\n').filter(|line| line.starts_with(prefix)).count()
}

fn contains(body: &[u8], wanted: &[u8]) -> bool {
    body.windows(wanted.len()).any(|window| window == wanted)
}

/// Line ends made CRLF, as RFC 3156 section 5 has them for signing.
fn crlf(octets: &[u8]) -> Vec<u8> {
    let mut canonical = Vec::with_capacity(octets.len() + octets.len() / 32);
    let mut last = 0;
    for &byte in octets {
        if byte == b'\n' && last != b'\r' {
            canonical.push(b'\r');
        }
        canonical.push(byte);
        last = byte;
    }
    canonical
}
