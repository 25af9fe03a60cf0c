//! What a mail holds: the text for people, the attachments, the report of a mail host.
//!
//! Never renders, runs or stores a part under its own name; never leaves out a part without a trace: what is not shown
//! as text is an attachment. Never fails.

mod body;

use std::fmt;

use super::calendar_part;
use super::clean;
use super::decode;
use super::headers::Headers;
use super::limits::{Defect, Defects, Limits};
use super::mime::{Node, Tree};
use super::tnef;
use super::uuencode;
use body::Shown;

/// Bytes of a delivery-status part that are kept.
const STATUS_MAX_BYTES: usize = 256 * 1024;

/// Characters of a content type that are kept.
const TYPE_MAX_CHARS: usize = 120;

/// Attachments that are looked into.
const UNPACKED_MAX: usize = 100;

/// The type of a file whose type is not said.
const OCTETS: &str = "application/octet-stream";

/// Where the text was taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextSource {
    /// A text/plain part.
    Plain,
    /// A file or an invitation, since there was no other text. Commands are never read from it: it is somebody's
    /// attachment.
    File,
    /// An HTML part, since there was no other text. Commands are never read from it.
    Html,
    /// There is no text.
    None,
}

/// An attachment, or a part that is not shown as text.
#[derive(Clone, PartialEq, Eq)]
pub struct Part {
    /// Its file name, safe to show; never to be used as a path.
    pub name: Option<String>,
    /// `type/subtype` in lower case, as the sender claims.
    pub content_type: String,
    /// The decoded content.
    pub bytes: Vec<u8>,
    /// Whether it is no MIME part but a file from inside one: from `winmail.dat`, or uuencoded in a text.
    pub unpacked: bool,
}

/// Names and contents stay out of logs.
impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Part({:?}, {} bytes)", self.content_type, self.bytes.len())
    }
}

/// What a mail host or program reports, and the mail it gives back.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// The `report-type` of a `multipart/report` in lower case (RFC 6522), or what its parts show; empty when the mail
    /// is no report and merely has a mail attached.
    pub kind: String,
    /// The `message/delivery-status` part (RFC 3464).
    pub status: Option<String>,
    /// The header block of the first attached or returned mail.
    pub returned: Option<Headers>,
}

/// Addresses in it stay out of logs.
impl fmt::Debug for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Report({:?}, status: {}, returned: {})", self.kind, self.status.is_some(), self.returned.is_some())
    }
}

/// The content of a mail.
pub(super) struct Content {
    pub(super) text: String,
    pub(super) text_from: TextSource,
    pub(super) first_text: String,
    pub(super) has_html: bool,
    pub(super) attachments: Vec<Part>,
    pub(super) report: Option<Report>,
}

impl Content {
    /// That of a mail whose content is not looked at.
    pub(super) fn none() -> Self {
        Self {
            text: String::new(),
            text_from: TextSource::None,
            first_text: String::new(),
            has_html: false,
            attachments: Vec::new(),
            report: None,
        }
    }
}

/// The decoded bodies of all leaves, each at the place of its node, until the limit is reached.
pub(super) fn bodies(tree: &Tree<'_>, limits: &Limits, defects: &mut Defects) -> Vec<Vec<u8>> {
    let mut room = limits.decoded_bytes;
    let mut found = Vec::with_capacity(tree.nodes.len());
    for node in &tree.nodes {
        let mut body = if node.is_multipart() || room == 0 { Vec::new() } else { tree.decoded(node, defects) };
        if body.len() > room || (room == 0 && !node.is_multipart()) {
            defects.note(Defect::DecodedCut);
            body.truncate(room);
        }
        room -= body.len();
        found.push(body);
    }
    found
}

/// Reads the content below `root`; takes the bodies it keeps.
pub(super) fn read(
    tree: &Tree<'_>,
    bodies: &mut [Vec<u8>],
    root: usize,
    limits: &Limits,
    defects: &mut Defects,
) -> Content {
    let leaf = |index: &usize| tree.nodes.get(*index).is_some_and(|node| !node.is_multipart());
    let all: Vec<usize> = subtree(tree, root).filter(leaf).collect();
    let report = report(tree, bodies, &all, limits);
    let mut leaves: Vec<usize> =
        all.iter().copied().filter(|index| *index == root || !is_legacy_display(tree, *index, root)).collect();
    let mut shown = body::read(tree, bodies, &leaves, root);
    if shown.text.is_empty() && leaves.len() < all.len() {
        // What calls itself a repetition is all there is: show it.
        shown = body::read(tree, bodies, &all, root);
        leaves = all;
    }
    let mut attachments = Vec::new();
    for index in leaves {
        let (Some(node), Some(bytes)) = (tree.nodes.get(index), bodies.get_mut(index)) else { continue };
        if shown.chosen.contains(&index) || is_only_layout(tree, node, bytes) {
            continue;
        }
        attachments.push(Part {
            name: node.name().or_else(|| content_id(node)).and_then(clean::file_name),
            content_type: clean::one_line(&node.media.essence, TYPE_MAX_CHARS),
            bytes: std::mem::take(bytes),
            unpacked: false,
        });
    }
    unpack(&mut shown, &mut attachments, limits);
    let mut cut = |text: &str| {
        let cut = decode::cut(text, limits.text_bytes);
        if cut.len() < text.len() {
            defects.note(Defect::TextCut);
        }
        cut.to_owned()
    };
    Content {
        text: cut(&shown.text),
        text_from: shown.from,
        first_text: cut(&shown.first),
        has_html: shown.has_html,
        attachments,
        report,
    }
}

/// What an image within the text is called where it has no name: its Content-ID (RFC 2392).
fn content_id(node: &Node) -> Option<&str> {
    let inside = !node.media.essence.starts_with("text/") && !node.media.essence.starts_with("message/");
    let id = node.headers.first("Content-ID").filter(|_| inside)?;
    Some(id.trim_matches(['<', '>', ' '])).filter(|id| !id.is_empty())
}

/// All leaves that have a file name, mails and reports in the mail left out.
pub(super) fn named(tree: &Tree<'_>, bodies: Vec<Vec<u8>>) -> Vec<Part> {
    let leaves = tree
        .nodes
        .iter()
        .zip(bodies)
        .filter(|(node, _)| !node.is_multipart() && !node.media.essence.starts_with("message/"));
    leaves
        .filter_map(|(node, bytes)| {
            let name = Some(clean::one_line(node.name()?, clean::LINE_MAX_CHARS));
            let content_type = clean::one_line(&node.media.essence, TYPE_MAX_CHARS);
            Some(Part { name, content_type, bytes, unpacked: false })
        })
        .collect()
}

/// Adds the files that stand in the text and in winmail.dat; takes the text from there, or from an invitation, where
/// the mail has no other.
fn unpack(shown: &mut Shown, attachments: &mut Vec<Part>, limits: &Limits) {
    let unpacked = |name: &str, content_type: &str, bytes: Vec<u8>| Part {
        name: clean::file_name(name),
        content_type: clean::one_line(content_type, TYPE_MAX_CHARS).to_ascii_lowercase(),
        bytes,
        unpacked: true,
    };
    if let Some((rest, files)) = uuencode::take_files(&shown.text) {
        shown.text = rest;
        attachments.extend(files.into_iter().map(|file| unpacked(&file.name, OCTETS, file.bytes)));
    }
    let mut found = Vec::new();
    let mut room = limits.decoded_bytes;
    for part in attachments.iter().take(UNPACKED_MAX) {
        if tnef::is_tnef(&part.bytes) {
            let opened = tnef::read(&part.bytes, room);
            room = room.saturating_sub(opened.files.iter().map(|file| file.bytes.len()).sum());
            if shown.text.trim().is_empty() && !opened.text.trim().is_empty() {
                (shown.text, shown.from) = (clean::body(&opened.text), TextSource::File);
            }
            let files = opened.files.into_iter();
            found.extend(
                files.map(|file| unpacked(&file.name, file.content_type.as_deref().unwrap_or(OCTETS), file.bytes)),
            );
        }
        if part.content_type == "text/calendar"
            && shown.text.trim().is_empty()
            && let Some(line) = calendar_part::summary(&decode::text(&part.bytes, None))
        {
            (shown.text, shown.from) = (clean::body(&line), TextSource::File);
        }
    }
    attachments.extend(found);
}

/// The nodes from `root` on that stand in it. Nodes stand in document order, so a subtree is a run of them.
fn subtree<'a>(tree: &'a Tree<'_>, root: usize) -> impl Iterator<Item = usize> + 'a {
    let parent = tree.nodes.get(root).and_then(|node| node.parent);
    let sibling = parent
        .and_then(|parent| tree.nodes.get(parent))
        .and_then(|parent| parent.children.iter().copied().find(|child| *child > root));
    root..sibling.unwrap_or(tree.nodes.len())
}

/// A part that repeats, for old mail programs, the header fields that are protected at `root`.
fn is_legacy_display(tree: &Tree<'_>, index: usize, root: usize) -> bool {
    let marked = |index: usize| tree.nodes.get(index).filter(|n| n.media.parameter("protected-headers").is_some());
    marked(root).is_some() && marked(index).is_some_and(|node| node.media.essence.starts_with("text/"))
}

/// Blank text, and the HTML form of a text that is there in another form.
fn is_only_layout(tree: &Tree<'_>, node: &Node, body: &[u8]) -> bool {
    if node.name().is_some() || node.disposition.essence == "attachment" {
        return false;
    }
    let blank = node.media.essence.starts_with("text/") && body.trim_ascii().is_empty();
    blank || (node.media.essence == "text/html" && in_alternative(tree, node))
}

fn in_alternative(tree: &Tree<'_>, node: &Node) -> bool {
    let mut above = node.parent;
    // A parent always stands before its child, so this ends.
    while let Some(container) = above.and_then(|index| tree.nodes.get(index)) {
        if container.media.essence == "multipart/alternative" {
            return true;
        }
        above = container.parent;
    }
    false
}

fn report(tree: &Tree<'_>, bodies: &[Vec<u8>], leaves: &[usize], limits: &Limits) -> Option<Report> {
    let mut report = Report::default();
    let mut parts_show = "";
    for index in leaves {
        let (Some(node), Some(body)) = (tree.nodes.get(*index), bodies.get(*index)) else { continue };
        match node.media.essence.as_str() {
            "message/delivery-status" | "message/global-delivery-status" if report.status.is_none() => {
                let kept = body.get(..body.len().min(STATUS_MAX_BYTES)).unwrap_or_default();
                report.status = Some(decode::text(kept, None));
                parts_show = "delivery-status";
            }
            "message/disposition-notification" if parts_show.is_empty() => parts_show = "disposition-notification",
            "message/feedback-report" if parts_show.is_empty() => parts_show = "feedback-report",
            "message/rfc822"
            | "message/global"
            | "text/rfc822-headers"
            | "message/rfc822-headers"
            | "message/global-headers"
                if report.returned.is_none() =>
            {
                report.returned = Some(Headers::parse(body.trim_ascii_start(), limits));
            }
            _ => {}
        }
    }
    let declared = tree.nodes.iter().find(|node| node.media.essence == "multipart/report");
    let kind = declared.and_then(|node| node.media.parameter("report-type")).unwrap_or(parts_show);
    report.kind = clean::one_line(kind, TYPE_MAX_CHARS).to_ascii_lowercase();
    if report.kind.is_empty() && declared.is_some() {
        report.kind = "unknown".to_owned();
    }
    (report != Report::default()).then_some(report)
}

#[cfg(test)]
#[path = "content_tests.rs"]
mod tests;
