//! The tree of MIME parts of one mail (RFC 2046), found in one pass over its lines.
//!
//! Never recurses, never descends into an attached mail, never decodes; keeps offsets, so that the exact octets of
//! a signed part are at hand. Never fails: what is over a limit is left out and noted.

use super::decode::{self, MediaType, Transfer};
use super::headers::{self, Headers};
use super::limits::{Defect, Defects, Limits};
use super::uuencode;

/// Longest boundary that is looked for; RFC 2046 section 5.1.1 allows 70.
const BOUNDARY_MAX_BYTES: usize = 200;

/// Lines of a container in which a boundary that it does not say is looked for.
const UNSAID_WITHIN_LINES: usize = 100;

/// One part: a container with children, or a leaf.
#[derive(Debug)]
pub(super) struct Node {
    /// The container it stands in; `None` for the mail itself.
    pub(super) parent: Option<usize>,
    /// Its parts, when it is a container.
    pub(super) children: Vec<usize>,
    /// Its header fields.
    pub(super) headers: Headers,
    /// Content-Type, with the default of its container filled in.
    pub(super) media: MediaType,
    /// Content-Disposition, in the same form.
    pub(super) disposition: MediaType,
    /// Offset of its first header field.
    pub(super) head: usize,
    /// Offset of its body.
    pub(super) body: usize,
    /// Offset after its last octet; the line end before a boundary belongs to the boundary.
    pub(super) end: usize,
    boundary: Option<Vec<u8>>,
    closed: bool,
}

impl Node {
    /// Whether it is a container.
    pub(super) fn is_multipart(&self) -> bool {
        self.boundary.is_some()
    }

    /// Its file name, as written.
    pub(super) fn name(&self) -> Option<&str> {
        self.disposition.parameter("filename").or_else(|| self.media.parameter("name"))
    }
}

/// The parts of one mail; the first is the mail itself, containers come before their parts.
#[derive(Debug)]
pub(super) struct Tree<'a> {
    raw: &'a [u8],
    /// All parts in the order they stand.
    pub(super) nodes: Vec<Node>,
}

impl<'a> Tree<'a> {
    /// The part's exact octets, header block included.
    pub(super) fn octets(&self, node: &Node) -> &'a [u8] {
        self.raw.get(node.head..node.end).unwrap_or_default()
    }

    /// The part's body before transfer decoding.
    pub(super) fn body(&self, node: &Node) -> &'a [u8] {
        self.raw.get(node.body..node.end).unwrap_or_default()
    }

    /// The part's body after transfer decoding.
    pub(super) fn decoded(&self, node: &Node, defects: &mut Defects) -> Vec<u8> {
        let body = self.body(node);
        let encoding = node.headers.first_raw("Content-Transfer-Encoding").unwrap_or_default();
        let (bytes, whole) = match decode::transfer(encoding) {
            Transfer::Base64 => decode::base64(body),
            Transfer::QuotedPrintable => decode::quoted_printable(body),
            Transfer::Uuencode => uuencode::body(body).map_or_else(|| (body.to_vec(), false), |bytes| (bytes, true)),
            Transfer::Identity => (body.to_vec(), true),
        };
        if !whole {
            defects.note(Defect::BadEncoding);
        }
        bytes
    }
}

/// Finds the parts of a mail. Of a mail over the size limit only the header block is read.
pub(super) fn read<'a>(raw: &'a [u8], limits: &Limits, defects: &mut Defects) -> Tree<'a> {
    let mut walk = Walk { raw, limits, defects, nodes: Vec::new(), open: Vec::new() };
    let mut position = walk.begin_part(0, None);
    if raw.len() > limits.raw_bytes {
        walk.defects.note(Defect::TooLarge);
        for node in &mut walk.nodes {
            (node.boundary, node.end, node.media) = (None, node.body, MediaType::of("application/octet-stream"));
        }
        return Tree { raw, nodes: walk.nodes };
    }
    while let Some((line, next)) = headers::line_at(raw, position) {
        position = match walk.boundary(line) {
            None => next,
            Some((level, Mark::Close)) => {
                walk.end_above(level, position);
                walk.close(level);
                next
            }
            Some((level, Mark::Next)) => {
                walk.end_above(level, position);
                if walk.nodes.len() >= limits.parts {
                    walk.defects.note(Defect::PartsCut);
                    break;
                }
                walk.begin_part(next, walk.open.last().copied())
            }
        };
    }
    walk.finish();
    Tree { raw, nodes: walk.nodes }
}

/// What a boundary line says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    /// Another part begins.
    Next,
    /// The container ends.
    Close,
}

struct Walk<'a, 'd> {
    raw: &'a [u8],
    limits: &'d Limits,
    defects: &'d mut Defects,
    nodes: Vec<Node>,
    /// The part that the walk is in and the containers around it, outermost first. At most `limits.depth` + 1 long.
    open: Vec<usize>,
}

impl Walk<'_, '_> {
    /// Reads a part's header block at `head`; gives the offset of its body.
    fn begin_part(&mut self, head: usize, parent: Option<usize>) -> usize {
        let bytes = self.raw.get(head..).unwrap_or_default();
        let containers: Vec<usize> = self.open.clone();
        let nodes = &self.nodes;
        let stops = |line: &[u8]| match_boundary(nodes, &containers, line).is_some();
        let block = headers::read(bytes, self.limits, self.defects, stops);
        let default = match parent.and_then(|parent| self.nodes.get(parent)) {
            Some(parent) if parent.media.essence == "multipart/digest" => "message/rfc822",
            _ => "text/plain",
        };
        let media = effective_type(&block.headers, default);
        let boundary = media.essence.starts_with("multipart/").then(|| match media.parameter("boundary") {
            Some(said) => said.trim_end().as_bytes().to_vec(),
            None => unsaid_boundary(bytes.get(block.body..).unwrap_or_default()),
        });
        let too_deep = self.open.len() >= self.limits.depth;
        let boundary = match boundary {
            Some(_) if too_deep => {
                self.defects.note(Defect::TooDeep);
                None
            }
            Some(text) if text.is_empty() || text.len() > BOUNDARY_MAX_BYTES => {
                self.defects.note(Defect::NoBoundary);
                None
            }
            other => other,
        };
        let disposition = decode::media_type(block.headers.first_raw("Content-Disposition").unwrap_or_default());
        let (body, index) = (head + block.body, self.nodes.len());
        if let Some(parent) = parent.and_then(|parent| self.nodes.get_mut(parent)) {
            parent.children.push(index);
        }
        self.nodes.push(Node {
            parent,
            children: Vec::new(),
            headers: block.headers,
            media,
            disposition,
            head,
            body,
            end: self.raw.len(),
            boundary,
            closed: false,
        });
        self.open.push(index);
        body
    }

    fn boundary(&self, line: &[u8]) -> Option<(usize, Mark)> {
        match_boundary(&self.nodes, &self.open, line)
    }

    /// Ends every open part inside the container at `level`, before the boundary line at `position`.
    fn end_above(&mut self, level: usize, position: usize) {
        let before = self.raw.get(..position).unwrap_or_default();
        let before = before.strip_suffix(b"\n").unwrap_or(before);
        let end = before.strip_suffix(b"\r").unwrap_or(before).len();
        for index in self.open.drain((level + 1).min(self.open.len())..) {
            if let Some(node) = self.nodes.get_mut(index) {
                node.end = end.max(node.body);
            }
        }
    }

    fn close(&mut self, level: usize) {
        if let Some(node) = self.open.get(level).and_then(|index| self.nodes.get_mut(*index)) {
            node.closed = true;
        }
    }

    /// Containers that never had a part are taken as text; a missing last boundary is noted.
    fn finish(&mut self) {
        for node in self.nodes.iter_mut().filter(|node| node.boundary.is_some()) {
            if node.children.is_empty() {
                self.defects.note(Defect::NoBoundary);
                node.boundary = None;
                node.media = MediaType::of("text/plain");
            } else if !node.closed {
                self.defects.note(Defect::Truncated);
            }
        }
        for node in self.nodes.iter_mut().filter(|node| node.boundary.is_none()) {
            if node.media.essence.starts_with("multipart/") {
                let essence = if node.parent.is_none() { "text/plain" } else { "application/octet-stream" };
                node.media = MediaType::of(essence);
            }
        }
    }
}

/// The innermost open container whose boundary the line is, by its place in `open`.
fn match_boundary(nodes: &[Node], open: &[usize], line: &[u8]) -> Option<(usize, Mark)> {
    let rest = line.strip_prefix(b"--")?.trim_ascii_end();
    for (level, index) in open.iter().enumerate().rev() {
        let Some(node) = nodes.get(*index).filter(|node| !node.closed) else { continue };
        let Some(boundary) = &node.boundary else { continue };
        match rest.strip_prefix(boundary.as_slice()) {
            Some([]) => return Some((level, Mark::Next)),
            Some(b"--") => return Some((level, Mark::Close)),
            _ => {}
        }
    }
    None
}

/// The boundary of a container that does not say it: a line with two hyphens before it, and a Content- field below.
/// Empty when there is none near the beginning.
fn unsaid_boundary(body: &[u8]) -> Vec<u8> {
    let (mut position, mut before) = (0, &[][..]);
    for _ in 0..UNSAID_WITHIN_LINES {
        let Some((line, next)) = headers::line_at(body, position) else { break };
        let field = line.get(..8).is_some_and(|name| name.eq_ignore_ascii_case(b"content-"));
        if let Some(boundary) = before.strip_prefix(b"--").filter(|boundary| field && !boundary.is_empty()) {
            return boundary.trim_ascii_end().to_vec();
        }
        (position, before) = (next, line);
    }
    Vec::new()
}

/// The Content-Type, or the container's default where it is absent or cannot be read (RFC 2045 section 5.2).
fn effective_type(headers: &Headers, default: &str) -> MediaType {
    let Some(raw) = headers.first_raw("Content-Type") else { return MediaType::of(default) };
    let mut media = decode::media_type(raw);
    if media.essence == "text" || media.essence.is_empty() {
        media.essence = "text/plain".to_owned();
    } else if !media.essence.contains('/') {
        media.essence = "application/octet-stream".to_owned();
    }
    media
}

#[cfg(test)]
#[path = "mime_tests.rs"]
mod tests;
