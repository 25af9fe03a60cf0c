//! Which parts of a mail are its text for people, and that text.
//!
//! Never takes an attachment for the text while there is another; never shows one text twice. Never fails.

use super::super::clean;
use super::super::decode;
use super::super::flowed;
use super::super::html;
use super::super::mime::{Node, Tree};
use super::TextSource;

/// The text of a mail and where it stood.
pub(super) struct Shown {
    /// The leaves that it was taken from.
    pub(super) chosen: Vec<usize>,
    /// All of it.
    pub(super) text: String,
    pub(super) from: TextSource,
    /// The first inline text/plain part, as it stands.
    pub(super) first: String,
    pub(super) has_html: bool,
}

/// The text among `leaves`: all inline text/plain that says something, else all inline HTML, else the first file.
pub(super) fn read(tree: &Tree<'_>, bodies: &[Vec<u8>], leaves: &[usize], root: usize) -> Shown {
    let leaf = Leaf { tree, bodies, root };
    let inline = |essence: &'static str| leaves.iter().copied().filter(move |index| leaf.is(*index, essence, false));
    let says = |index: &usize| bodies.get(*index).is_some_and(|body| !body.trim_ascii().is_empty());
    let first_text = || leaves.iter().copied().filter(|index| leaf.is_first_text(*index));
    let first = first_text().find(says).or_else(|| first_text().next());
    let mut shown = Shown {
        chosen: Vec::new(),
        text: String::new(),
        from: TextSource::None,
        first: String::new(),
        has_html: leaves.iter().any(|index| leaf.is_inline_html(*index)),
    };
    for index in inline("text/plain") {
        if shown.chosen.iter().any(|chosen| leaf.is_repeated(*chosen, index)) {
            continue;
        }
        let text = clean::body(&leaf.decoded(index));
        if Some(index) == first {
            shown.first.clone_from(&text);
        }
        if !text.trim().is_empty() {
            let from = if leaf.is_file(index) { TextSource::File } else { TextSource::Plain };
            shown.add(index, &leaf.whole_lines(index, text), from);
        }
    }
    if let Some(index) = first.filter(|_| shown.first.is_empty()) {
        shown.first = clean::body(&leaf.decoded(index));
    }
    if shown.chosen.is_empty() {
        for index in inline("text/html") {
            if !shown.chosen.iter().any(|chosen| leaf.is_repeated(*chosen, index)) {
                shown.add(index, &clean::body(&html::to_text(&leaf.decoded(index))), TextSource::Html);
            }
        }
    }
    if shown.chosen.is_empty() {
        leaf.file(leaves, &mut shown);
    }
    shown
}

impl Shown {
    fn add(&mut self, index: usize, text: &str, from: TextSource) {
        if !self.text.is_empty() {
            if !self.text.ends_with('\n') {
                self.text.push('\n');
            }
            self.text.push('\n');
        }
        self.text.push_str(text);
        self.chosen.push(index);
        self.from = from;
    }
}

#[derive(Clone, Copy)]
struct Leaf<'a, 't> {
    tree: &'a Tree<'t>,
    bodies: &'a [Vec<u8>],
    root: usize,
}

impl<'a> Leaf<'a, '_> {
    fn node(&self, index: usize) -> Option<&'a Node> {
        self.tree.nodes.get(index)
    }

    /// Whether a leaf is of that type and no attachment. `named`: one that has a name counts too.
    fn is(&self, index: usize, essence: &str, named: bool) -> bool {
        self.node(index).is_some_and(|node| {
            let attached = node.disposition.essence == "attachment" || (node.name().is_some() && !named);
            node.media.essence == essence && (!attached || index == self.root)
        })
    }

    /// Whether a leaf calls itself a file.
    fn is_file(&self, index: usize) -> bool {
        self.node(index).is_some_and(|node| node.disposition.essence == "attachment" || node.name().is_some())
    }

    fn is_first_text(&self, index: usize) -> bool {
        self.node(index)
            .is_some_and(|node| node.media.essence == "text/plain" && node.disposition.essence != "attachment")
    }

    fn is_inline_html(&self, index: usize) -> bool {
        self.node(index)
            .is_some_and(|node| node.media.essence == "text/html" && node.disposition.essence != "attachment")
    }

    /// Whether the text of `chosen` stands for that of `index`: both are alternatives of one text, or parts of one report.
    fn is_repeated(&self, chosen: usize, index: usize) -> bool {
        let mut above = self.node(index).and_then(|node| node.parent);
        // A parent always stands before its child, so this ends.
        while let Some((at, container)) = above.and_then(|at| Some((at, self.node(at)?))) {
            let one_text = matches!(container.media.essence.as_str(), "multipart/alternative" | "multipart/report");
            if one_text && chosen > at {
                return true;
            }
            above = container.parent;
        }
        false
    }

    fn decoded(&self, index: usize) -> String {
        let node = self.node(index);
        let charset = node.and_then(|node| node.media.parameter("charset"));
        let text = decode::text(self.bodies.get(index).map_or(&[], Vec::as_slice), charset);
        let repeats = node.is_some_and(|node| node.media.parameter("hp-legacy-display") == Some("1"));
        if repeats { without_first_paragraph(&text) } else { text }
    }

    /// The text of a part with `format=flowed` undone.
    fn whole_lines(&self, index: usize, text: String) -> String {
        let says = |name: &str, value: &str| {
            let parameter = self.node(index).and_then(|node| node.media.parameter(name));
            parameter.is_some_and(|parameter| parameter.eq_ignore_ascii_case(value))
        };
        if says("format", "flowed") { flowed::unflowed(&text, says("delsp", "yes")) } else { text }
    }

    /// A named text shown for want of another.
    fn file(&self, leaves: &[usize], shown: &mut Shown) {
        let named = |essence: &'static str| leaves.iter().copied().filter(move |index| self.is(*index, essence, true));
        for index in named("text/plain") {
            let text = clean::body(&self.decoded(index));
            if !text.trim().is_empty() {
                return shown.add(index, &self.whole_lines(index, text), TextSource::File);
            }
        }
        if let Some(index) = named("text/html").next() {
            return shown.add(index, &clean::body(&html::to_text(&self.decoded(index))), TextSource::Html);
        }
        if let Some(blank) = named("text/plain").next() {
            shown.add(blank, "", TextSource::Plain);
        }
    }
}

/// Takes away the protected headers that RFC 9788 section 5.2.2 lets a sender repeat above the text.
fn without_first_paragraph(text: &str) -> String {
    let unix = text.replace("\r\n", "\n");
    unix.split_once("\n\n").map_or_else(|| unix.clone(), |(_, rest)| rest.to_owned())
}
