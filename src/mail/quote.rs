//! Own text apart from quoted mail and signatures, for the common clients and languages.
//!
//! Never interprets what it keeps: commands are read elsewhere, from [`OwnText::text`] only. Never
//! fails. In doubt a line is a quote: a quoted line taken for new text could run a stranger's
//! command, while a new line taken for a quote still stands in [`OwnText::quoted`] for people to
//! read. So a quote without marks reaches to the end of the text, even when nothing stands above it.

mod marks;

/// Lines looked at. What follows counts as quoted, so that it is never read for commands.
pub const LINES_MAX: usize = 20_000;
/// Non-blank lines a signature may have behind its `-- ` line; a longer rest is text.
const SIGNATURE_LINES_MAX: usize = 30;
/// Non-blank lines that may follow a line of underscores, as in the footer of a mailing list.
const FOOTER_LINES_MAX: usize = 6;
/// A quoted line of at least this many bytes may have been wrapped by a client that left the mark off the rest.
const WRAPPED_BYTES_MIN: usize = 60;

/// A text in three parts; line ends are LF and no part begins or ends with a blank line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OwnText {
    /// The newly written lines. Runs between quotes are set apart by one blank line.
    pub text: String,
    /// What was cut as quoted or forwarded mail, marks and attribution lines included.
    pub quoted: String,
    /// What was cut as signature (RFC 3676 section 4.3, `Sent from my …`, the legal notice of a mail host), without the
    /// line above it.
    pub signature: Option<String>,
}

/// Takes a plain text apart. Linear in the text.
///
/// ```
/// let own = postern::mail::quote::own_text("Thanks!\n\nOn Mon, 2 Nov 2026 at 10:00, Ana <a@b.org> wrote:\n> Hello");
/// assert_eq!(own.text, "Thanks!");
/// assert!(own.quoted.ends_with("> Hello"));
/// ```
#[must_use]
pub fn own_text(text: &str) -> OwnText {
    let lines: Vec<&str> = text.lines().collect();
    let mut fates = cut_quotes(&lines);
    cut_signatures(&lines, &mut fates);
    let signature = join(&lines, &fates, Fate::Signature, "");
    OwnText {
        text: join(&lines, &fates, Fate::Own, "\n"),
        quoted: join(&lines, &fates, Fate::Quoted, ""),
        signature: (!signature.is_empty()).then_some(signature),
    }
}

/// The first line of the quoted part that begins, behind its quote marks, with `!case `: the line our own
/// mails carry. A `!case` in the new text is not found here.
#[must_use]
pub fn quoted_case_line(text: &str) -> Option<String> {
    let quoted = own_text(text).quoted;
    let marked = |c: char| c == '>' || c == '|' || c.is_whitespace();
    // The mail that was answered is quoted least deeply, and in it our line stands near the end, below any text
    // of others.
    let lines = quoted.lines().filter(|line| line.trim_start_matches(marked).starts_with("!case "));
    let depth = |line: &str| line.chars().take_while(|c| marked(*c)).filter(|c| !c.is_whitespace()).count();
    let last = lines.rev().min_by_key(|line| depth(line))?;
    Some(last.trim_start_matches(marked).trim_end().to_owned())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Own,
    Quoted,
    Signature,
    /// The `-- ` line or a rule at the end: shown nowhere.
    Dropped,
}

/// Where the quote that begins at a line ends.
enum Cut {
    /// These many lines; what follows is judged for itself.
    Lines(usize),
    /// All that follows.
    Rest,
}

fn cut_quotes(lines: &[&str]) -> Vec<Fate> {
    let mut fates = Vec::with_capacity(lines.len());
    while let Some(rest) = lines.get(fates.len()..).filter(|rest| !rest.is_empty()) {
        if fates.len() >= LINES_MAX {
            break;
        }
        let above = fates.len().checked_sub(1).and_then(|at| lines.get(at)).copied();
        match quote_at(rest, above) {
            None => fates.push(Fate::Own),
            Some(Cut::Lines(count)) => fates.resize(fates.len() + count.clamp(1, rest.len()), Fate::Quoted),
            Some(Cut::Rest) => break,
        }
    }
    fates.resize(lines.len(), Fate::Quoted);
    fates
}

fn quote_at(rest: &[&str], above: Option<&str>) -> Option<Cut> {
    let first = rest.first()?;
    if marks::is_marked(first) || is_wrapped_quote(first, above) {
        return Some(Cut::Lines(1));
    }
    if marks::is_divider(first) {
        // Some clients put an attribution and marked lines below the divider, and replies between these.
        let below = rest.iter().skip(1).take_while(|line| line.trim().is_empty()).count() + 1;
        let attributed = rest
            .get(below..)
            .is_some_and(|below| !marks::is_header_block(below) && marks::attribution(below).is_some());
        return Some(if attributed { Cut::Lines(below) } else { Cut::Rest });
    }
    if marks::is_header_block(rest) {
        return Some(Cut::Rest);
    }
    let said = marks::attribution(rest)?;
    let count = said + rest.iter().skip(said).take_while(|line| line.trim().is_empty()).count();
    let marked = rest.get(count).is_some_and(|line| marks::is_marked(line));
    Some(if marked { Cut::Lines(count) } else { Cut::Rest })
}

/// A client that wraps a long quoted line may set its end at the start of an unmarked line. Such a line is
/// never a command of the writer.
fn is_wrapped_quote(line: &str, above: Option<&str>) -> bool {
    line.trim_start().starts_with('!')
        && above.is_some_and(|above| marks::is_marked(above) && above.len() >= WRAPPED_BYTES_MIN)
}

fn cut_signatures(lines: &[&str], fates: &mut [Fate]) {
    let mut end = fates.len();
    // Counted from the end of each run of own lines, so that every line is seen once.
    let (mut below, mut legal) = (0, false);
    let mut starts: Vec<(usize, usize)> = Vec::new();
    let mut start = None;
    for at in (0..fates.len()).rev() {
        let (Some(fate), Some(line)) = (fates.get(at), lines.get(at)) else { continue };
        if *fate != Fate::Own {
            starts.extend(start.take().map(|start| (start, end)));
            (end, below, legal) = (at, 0, false);
            continue;
        }
        let separator = marks::is_signature_separator(line) || (legal && marks::is_stars(line));
        if (separator && below <= SIGNATURE_LINES_MAX) || (marks::is_underscores(line) && below <= FOOTER_LINES_MAX) {
            start = Some(at);
        }
        legal |= marks::is_legal_notice(line);
        below += usize::from(!line.trim().is_empty());
    }
    starts.extend(start.map(|start| (start, end)));
    for (start, end) in starts {
        for fate in fates.iter_mut().take(end).skip(start) {
            *fate = Fate::Signature;
        }
        if let Some(fate) = fates.get_mut(start) {
            *fate = Fate::Dropped;
        }
    }
    cut_tails(lines, fates);
}

/// Takes `Sent from my …` lines and rules off the end of each run of own lines.
fn cut_tails(lines: &[&str], fates: &mut [Fate]) {
    let mut at_end = true;
    for (line, fate) in lines.iter().zip(fates.iter_mut()).rev() {
        if *fate != Fate::Own {
            at_end = true;
        } else if at_end && marks::is_device_line(line) {
            *fate = Fate::Signature;
        } else if at_end && marks::is_rule(line) {
            *fate = Fate::Dropped;
        } else if !line.trim().is_empty() {
            at_end = false;
        }
    }
}

/// The lines of one fate; `gap` is put between runs that stand apart.
fn join(lines: &[&str], fates: &[Fate], wanted: Fate, gap: &str) -> String {
    let mut out = String::new();
    let mut blanks = 0;
    let mut last = None;
    for (at, (line, _)) in lines.iter().zip(fates).enumerate().filter(|(_, (_, fate))| **fate == wanted) {
        let line = line.trim_end();
        if line.is_empty() {
            blanks += 1;
            continue;
        }
        if last.is_some() {
            let apart = last.is_some_and(|last: usize| last + blanks + 1 < at);
            out.push('\n');
            out.push_str(if apart && blanks == 0 { gap } else { "" });
            out.extend(std::iter::repeat_n('\n', blanks));
        }
        out.push_str(line);
        (last, blanks) = (Some(at), 0);
    }
    out
}

#[cfg(test)]
#[path = "quote_tests.rs"]
mod tests;
