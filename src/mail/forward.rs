//! The mail inside a forwarded mail: attached whole, or written into the text by a mail program.
//!
//! Never guesses: without exactly one address where the inner sender belongs there is no inner mail, and a mail that
//! merely answers another is no forward. What it finds is a claim of whoever forwards: a proposal to people, never
//! identity. Never fails; looks at a bounded number of lines.

mod labels;

use super::clean;
use super::dates;
use super::parse::{self, Headers, Limits, ParsedMail};
use super::thread;
use crate::domain::id::{Address, MessageId};
use crate::domain::time::Timestamp;
use labels::Label;

/// Lines in which the beginning of a forwarded mail is looked for.
const LINES_MAX: usize = 2000;

/// Lines of one header block in a text; some programs write all fields.
const BLOCK_LINES_MAX: usize = 120;

/// Lines that are not blank between the line that says "forwarded" and the header block.
const BETWEEN_MAX: usize = 2;

/// Longest line that can announce a forwarded mail, in bytes.
const MARKER_MAX_BYTES: usize = 200;

/// A mail that somebody passed on.
#[derive(Clone, PartialEq, Eq)]
pub struct Forwarded {
    /// Who wrote it, as the forwarding program says.
    pub from: Address,
    /// The writer's display name, safe to show.
    pub name: Option<String>,
    /// Its subject, safe to show; empty when it is not said.
    pub subject: String,
    /// When it was written, where that is said with a zone.
    pub date: Option<Timestamp>,
    /// Its Message-ID, where it is said.
    pub message_id: Option<MessageId>,
    /// Its text.
    pub text: String,
}

/// Addresses, names and texts stay out of logs.
impl std::fmt::Debug for Forwarded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Forwarded({:?}, {} bytes)", self.from, self.text.len())
    }
}

/// The mail that this one passes on; `None` when it passes on none, more than one, or one without a clear sender.
#[must_use]
pub fn forwarded(mail: &ParsedMail) -> Option<Forwarded> {
    // A report gives a mail back to its sender; that is no forward.
    if mail.report.as_ref().is_some_and(|report| !report.kind.is_empty()) {
        return None;
    }
    match inline(&mail.text, says_forward(&mail.subject)) {
        Found::Mail(found) => Some(*found),
        Found::Unclear => None,
        Found::Nothing => attached(mail),
    }
}

/// What a text holds.
enum Found {
    Mail(Box<Forwarded>),
    /// A forwarded mail without a clear sender.
    Unclear,
    Nothing,
}

/// Whether the subject begins with what mail programs put before that of a forwarded mail. `Re: Fwd:` is an answer.
fn says_forward(subject: &str) -> bool {
    if let Some((first, _)) = subject.split_once([':', '：']) {
        return thread::is_forward(&format!("{first}:"));
    }
    false
}

fn attached(mail: &ParsedMail) -> Option<Forwarded> {
    let is_mail = |kind: &str| matches!(kind, "message/rfc822" | "message/global");
    let mut mails = mail.attachments.iter().filter(|part| is_mail(&part.content_type));
    let (Some(only), None) = (mails.next(), mails.next()) else { return None };
    let inner = parse::parse(only.bytes.trim_ascii_start(), &Limits::default());
    Some(Forwarded {
        from: inner.author()?.clone(),
        name: inner.from.first().and_then(|from| from.name.clone()),
        subject: inner.subject,
        date: inner.date,
        message_id: inner.message_id,
        text: inner.text,
    })
}

/// The first mail that is written into a text with its header fields. `expected`: the subject says that there is one.
fn inline(text: &str, expected: bool) -> Found {
    let lines: Vec<&str> = text.lines().take(LINES_MAX).collect();
    // The line that last said "forwarded", and how many lines with text stood below it.
    let mut announced: Option<usize> = None;
    for (at, line) in lines.iter().enumerate() {
        let (depth, bare) = unquoted(line);
        if bare.is_empty() {
            continue;
        }
        if depth == 0 && bare.len() <= MARKER_MAX_BYTES && labels::is_marker(bare) {
            announced = Some(0);
            continue;
        }
        let below: &[&str] = lines.get(at..).unwrap_or_default();
        if let Some(block) = Block::read(below, depth) {
            // A quoted header block belongs to an answer, unless a line outside of the quote announces it.
            if announced.is_none() && !(expected && depth == 0) {
                return Found::Nothing;
            }
            return block.mail(text, at, depth);
        }
        announced = announced.map(|between| between + 1).filter(|between| *between <= BETWEEN_MAX);
    }
    Found::Nothing
}

/// The header block that a mail program writes above a forwarded text.
#[derive(Default)]
struct Block {
    from: Option<String>,
    subject: String,
    date: String,
    message_id: Option<String>,
    lines: usize,
}

impl Block {
    /// Reads the block that begins at the first line: a sender and two other fields. `depth`: quote marks before each line.
    fn read(lines: &[&str], depth: usize) -> Option<Self> {
        let first = lines.first().map(|line| unquoted(line).1)?;
        labels::field(first)?;
        let (mut block, mut kinds, mut blanks, mut spaced) = (Self::default(), Vec::new(), 0, false);
        let mut last = Label::Other;
        for (number, line) in lines.iter().take(BLOCK_LINES_MAX).enumerate() {
            let (here, bare) = unquoted(line);
            if bare.is_empty() {
                // Some programs set an empty line between any two fields.
                let below = lines.get(number + 1).map(|line| unquoted(line).1).unwrap_or_default();
                let goes_on = labels::field(below).is_some() && (spaced || kinds.len() < 3);
                blanks += 1;
                if blanks > 1 || !(goes_on || kinds.len() < 3) || here != depth && here != 0 {
                    break;
                }
                spaced = true;
                continue;
            }
            if here != depth {
                break;
            }
            match labels::field(bare) {
                Some((label, value)) => {
                    last = label;
                    kinds.push(label);
                    block.set(label, value);
                }
                // A line without a label belongs to the field above: a folded list of recipients, or an address alone.
                None if blanks == 0 || block.waits(last) => block.continues(last, bare),
                None => break,
            }
            blanks = 0;
            block.lines = number + 1;
        }
        let has = |label: Label| kinds.contains(&label);
        let others = [Label::Date, Label::Subject, Label::To].into_iter().filter(|label| has(*label)).count();
        (has(Label::From) && others >= 2).then_some(block)
    }

    fn set(&mut self, label: Label, value: &str) {
        match label {
            Label::From if self.from.is_none() => self.from = Some(value.to_owned()),
            Label::Subject if self.subject.is_empty() => value.clone_into(&mut self.subject),
            Label::Date if self.date.is_empty() => value.clone_into(&mut self.date),
            Label::MessageId if self.message_id.is_none() => self.message_id = Some(value.to_owned()),
            Label::From | Label::Subject | Label::Date | Label::MessageId | Label::To | Label::Other => {}
        }
    }

    /// Whether the field is still without what makes it one.
    fn waits(&self, label: Label) -> bool {
        match label {
            Label::From => self.from.as_ref().is_some_and(|from| !from.contains('@')),
            Label::Subject => self.subject.is_empty(),
            Label::Date => self.date.is_empty(),
            Label::MessageId => self.message_id.as_ref().is_some_and(String::is_empty),
            Label::To | Label::Other => false,
        }
    }

    fn continues(&mut self, label: Label, line: &str) {
        let value = match label {
            Label::From => self.from.as_mut(),
            Label::Subject => Some(&mut self.subject),
            Label::Date => Some(&mut self.date),
            Label::MessageId => self.message_id.as_mut(),
            Label::To | Label::Other => None,
        };
        if let Some(value) = value {
            value.push(' ');
            value.push_str(line);
        }
    }

    /// The mail of this block, which begins at line `at` of `text`.
    fn mail(self, text: &str, at: usize, depth: usize) -> Found {
        let Some((from, name)) = self.from.as_deref().and_then(sender) else { return Found::Unclear };
        let body = text.lines().skip(at + self.lines);
        let mut inner = String::new();
        for line in body {
            if labels::is_end_marker(line) {
                break;
            }
            inner.push_str(without_marks(line, depth));
            inner.push('\n');
        }
        let id = self.message_id.map(|id| Headers::parse(format!("Message-ID: {id}\n").as_bytes(), &Limits::default()));
        Found::Mail(Box::new(Forwarded {
            from,
            name,
            subject: clean::one_line(&self.subject, clean::LINE_MAX_CHARS),
            date: dates::zoned_date(&self.date),
            message_id: id.and_then(|headers| headers.message_ids("Message-ID").into_iter().next()),
            text: inner.trim_matches('\n').to_owned(),
        }))
    }
}

/// The one address in what stands behind "From:", and the name beside it.
fn sender(value: &str) -> Option<(Address, Option<String>)> {
    if labels::is_on_behalf(value) {
        return None;
    }
    let around = |c: char| c.is_whitespace() || "<>[]()\"',;|*".contains(c);
    let mut addresses = value.split(around).map(|word| {
        let word = word.trim_end_matches([':', '.']);
        let scheme = word.get(..7).filter(|start| start.eq_ignore_ascii_case("mailto:"));
        scheme.map_or(word, |scheme| word.get(scheme.len()..).unwrap_or_default())
    });
    let mut found: Option<Address> = None;
    for word in addresses.by_ref().filter(|word| word.contains('@')) {
        let address = Address::parse(word)?;
        if found.as_ref().is_some_and(|other| !other.same_mailbox(&address)) {
            return None;
        }
        found = found.or(Some(address));
    }
    let name = value.split(['<', '[', '(']).next().unwrap_or_default().trim_matches(|c: char| around(c));
    let name = clean::one_line(name, clean::NAME_MAX_CHARS);
    found.map(|address| (address, Some(name).filter(|name| !name.is_empty() && !name.contains('@'))))
}

/// How many quote marks stand before a line, and the line without them.
fn unquoted(line: &str) -> (usize, &str) {
    let bare = line.trim_start_matches(|c: char| c == '>' || c.is_whitespace());
    let marks = line.get(..line.len() - bare.len()).unwrap_or_default();
    (marks.matches('>').count(), bare.trim_end())
}

/// A line without its first `depth` quote marks and the blank behind them.
fn without_marks(line: &str, depth: usize) -> &str {
    let mut rest = line;
    for _ in 0..depth {
        let Some(inner) = rest.trim_start().strip_prefix('>') else { return rest };
        rest = inner;
    }
    if depth > 0 { rest.strip_prefix(' ').unwrap_or(rest) } else { rest }
}

#[cfg(test)]
#[path = "forward_tests.rs"]
mod tests;
