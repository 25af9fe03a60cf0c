//! Own text apart from quoted mail and signatures, for the common clients and languages.
//!
//! Never interprets what it keeps: commands are read elsewhere, from [`OwnText::text`] only. Never
//! fails. In doubt a line is a quote: a quoted line taken for new text could run a stranger's
//! command, while a new line taken for a quote still stands in [`OwnText::quoted`] for people to
//! read. So a quote without marks reaches to the end of the text, even when nothing stands above it.
//! What people are shown, [`OwnText::reply`], is kinder in both cases, and never read for commands.

mod closing;
mod marks;
mod tails;
mod words;

/// Lines looked at. What follows counts as quoted, so that it is never read for commands.
pub const LINES_MAX: usize = 20_000;
/// Characters of a rule that sets a header block apart.
const RULE_CHARS_MIN: usize = 10;

/// A text taken apart; line ends are LF and no part begins or ends with a blank line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OwnText {
    /// The newly written lines. Runs between quotes are set apart by one blank line.
    pub text: String,
    /// What was cut as quoted or forwarded mail, marks and attribution lines included.
    pub quoted: String,
    /// What was cut as signature (RFC 3676 section 4.3, `Sent from my …`, the legal notice of a mail host, the footer
    /// of a list), without the line above it.
    pub signature: Option<String>,
    /// The answer as a person reads it: the own text, and the quoted passages, with their marks, that it answers below
    /// each of them. Where nothing is own and no mark is certain, the words below the attribution or divider, so that
    /// what was only forwarded is not lost. Holds words of others: never to be read for commands.
    pub reply: String,
    /// [`OwnText::reply`] without the closing.
    pub unsigned: String,
    /// Sign-off, name and contacts as far as their shape shows them, and then `signature`, with the line above it.
    pub closing: Option<String>,
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
    tails::cut(&lines, &mut fates);
    let some = |text: String| (!text.is_empty()).then_some(text);
    let shown = shown(&lines, &fates);
    let closing = closing_start(&lines, &fates);
    let closed = |at: usize, fate: Fate| match fate {
        Fate::Signature => true,
        Fate::Dropped => fates.get(at + 1) == Some(&Fate::Signature),
        Fate::Own => at >= closing,
        Fate::Marked | Fate::Announced | Fate::Unmarked => false,
    };
    OwnText {
        text: join(&lines, &fates, "\n", |_, fate| fate == Fate::Own),
        quoted: join(&lines, &fates, "", |_, fate| fate.is_quoted()),
        signature: some(join(&lines, &fates, "", |_, fate| fate == Fate::Signature)),
        reply: join(&lines, &fates, "\n", |at, _| shown.contains(at)),
        unsigned: join(&lines, &fates, "\n", |at, fate| shown.contains(at) && !closed(at, fate)),
        closing: some(join(&lines, &fates, "", closed)),
    }
}

/// The first line of the quoted part that begins, behind its quote marks, with `!case `: the line our own
/// mails carry. A `!case` in the new text is not found here.
#[must_use]
pub fn quoted_case_line(text: &str) -> Option<String> {
    if !text.contains("!case ") {
        return None;
    }
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
    /// Quoted by a mark on the line.
    Marked,
    /// An attribution, a divider or a header block: what announces a quote.
    Announced,
    /// Quoted without a mark, to the end.
    Unmarked,
    Signature,
    /// The `-- ` line or a rule at the end: shown nowhere.
    Dropped,
}

impl Fate {
    fn is_quoted(self) -> bool {
        matches!(self, Self::Marked | Self::Announced | Self::Unmarked)
    }
}

/// Where the quote that begins at a line ends.
enum Cut {
    /// One marked line.
    Line,
    /// These many lines, which announce what follows; that is judged for itself.
    Lines(usize),
    /// These many lines announce a quote of all that follows.
    Rest(usize),
}

fn cut_quotes(lines: &[&str]) -> Vec<Fate> {
    let mut fates: Vec<Fate> = Vec::with_capacity(lines.len());
    // Whether the last line that says something is quoted or announces a quote.
    let mut named = false;
    while let Some(rest) = lines.get(fates.len()..).filter(|rest| !rest.is_empty()) {
        if fates.len() >= LINES_MAX {
            break;
        }
        let above = fates.len().checked_sub(1).and_then(|at| lines.get(at)).copied();
        let blank = rest.first().is_some_and(|line| line.trim().is_empty());
        let cut = if blank { None } else { quote_at(rest, above, named) };
        named = (blank && named) || cut.is_some();
        match cut {
            None => fates.push(Fate::Own),
            Some(Cut::Line) => fates.push(Fate::Marked),
            Some(Cut::Lines(count)) => fates.resize(fates.len() + count.clamp(1, rest.len()), Fate::Announced),
            Some(Cut::Rest(count)) => {
                fates.resize(fates.len() + count.min(rest.len()), Fate::Announced);
                break;
            }
        }
    }
    fates.resize(lines.len(), Fate::Unmarked);
    fates
}

fn quote_at(rest: &[&str], above: Option<&str>, named: bool) -> Option<Cut> {
    let first = rest.first()?;
    let blanks = |from: usize| rest.iter().skip(from).take_while(|line| line.trim().is_empty()).count();
    let after = |count: usize| {
        let count = count + blanks(count);
        let marked = rest.get(count..).is_some_and(|rest| marks::is_marked_here(rest, None, true));
        Some(if marked { Cut::Lines(count) } else { Cut::Rest(count) })
    };
    if let Some(count) = marks::enclosed(rest) {
        // What closes the quote may be the quoted person's own line, so nothing below it is sure to be new.
        return Some(Cut::Rest(count));
    }
    if marks::is_angled(first) {
        return after(1);
    }
    if marks::is_marked_here(rest, above, named) {
        return Some(Cut::Line);
    }
    let ruled = above.is_some_and(|above| tails::is_rule(above) && above.trim().chars().count() >= RULE_CHARS_MIN);
    if marks::is_divider(first) {
        // Some clients put an attribution and marked lines below the divider, and replies between these.
        let below = 1 + blanks(1);
        let rest = rest.get(below..).unwrap_or_default();
        return match marks::header_block(rest, true) {
            Some(count) => Some(Cut::Rest(below + count)),
            None if marks::attribution(rest).is_some() => Some(Cut::Lines(below)),
            None => Some(Cut::Rest(below)),
        };
    }
    if let Some(count) = marks::header_block(rest, ruled).or_else(|| marks::columns_block(rest)) {
        return Some(Cut::Rest(count));
    }
    after(marks::attribution(rest)?)
}

/// Which lines [`OwnText::reply`] shows.
struct Shown {
    lines: Vec<bool>,
}

impl Shown {
    fn contains(&self, at: usize) -> bool {
        self.lines.get(at).copied().unwrap_or(false)
    }
}

fn shown(lines: &[&str], fates: &[Fate]) -> Shown {
    let filled = || lines.iter().zip(fates).enumerate().filter(|(_, (line, _))| !line.trim().is_empty());
    let only = |wanted: Fate| Shown { lines: fates.iter().map(|fate| *fate == wanted).collect() };
    if !filled().any(|(_, (_, fate))| *fate == Fate::Own) {
        let announced = filled().next().is_some_and(|(_, (_, fate))| *fate == Fate::Announced);
        let unannounced = filled().all(|(_, (_, fate))| *fate != Fate::Announced);
        return only(if announced {
            Fate::Unmarked
        } else if unannounced {
            Fate::Marked
        } else {
            Fate::Own
        });
    }
    // A marked run that is followed by own words is what these answer, unless a client put it there whole: announced,
    // and the only one.
    let mut quotes: Vec<(usize, usize, bool)> = Vec::new();
    let (mut last_own, mut previous, mut groups, mut apart) = (0, Fate::Own, 0, true);
    for (at, (_, fate)) in filled() {
        groups += usize::from(*fate == Fate::Marked && std::mem::take(&mut apart));
        apart |= *fate == Fate::Own;
        match fate {
            Fate::Marked if previous == Fate::Marked => {
                if let Some((_, end, _)) = quotes.last_mut() {
                    *end = at + 1;
                }
            }
            Fate::Marked => {
                let announced = previous == Fate::Announced || marks::announces(lines.get(at..).unwrap_or_default());
                quotes.push((at, at + 1, announced));
            }
            Fate::Own => last_own = at,
            Fate::Announced | Fate::Unmarked | Fate::Signature | Fate::Dropped => {}
        }
        previous = *fate;
    }
    let mut shown = only(Fate::Own);
    let interleaved = groups > 1;
    for (start, end, announced) in quotes {
        if end <= last_own && (interleaved || !announced) {
            for line in shown.lines.iter_mut().take(end).skip(start) {
                *line = true;
            }
        }
    }
    shown
}

/// From which line on own lines are the closing: in the last run of own lines, if the mail ends with one.
fn closing_start(lines: &[&str], fates: &[Fate]) -> usize {
    let own =
        |at: &usize| fates.get(*at) == Some(&Fate::Own) && lines.get(*at).is_some_and(|line| !line.trim().is_empty());
    let Some(last) = (0..fates.len()).rev().find(own) else { return usize::MAX };
    let start = fates.iter().take(last).rposition(|fate| *fate != Fate::Own).map_or(0, |at| at + 1);
    let signed = fates.get(last + 1) == Some(&Fate::Signature);
    let run = lines.get(start..=last).unwrap_or_default();
    closing::start(run, signed).map_or(usize::MAX, |at| start + at)
}

/// The lines that are wanted; `gap` is put between runs that stand apart.
fn join(lines: &[&str], fates: &[Fate], gap: &str, wanted: impl Fn(usize, Fate) -> bool) -> String {
    let mut out = String::new();
    let mut blanks = 0;
    let mut last = None;
    for (at, (line, _)) in lines.iter().zip(fates).enumerate().filter(|(at, (_, fate))| wanted(*at, **fate)) {
        let line = line.trim_end();
        if line.is_empty() {
            blanks += 1;
            continue;
        }
        if last.is_some() {
            // Where something was cut, one blank line is enough.
            let apart = last.is_some_and(|last: usize| last + blanks + 1 < at);
            let gap = if blanks > 0 { "\n" } else { gap };
            out.push('\n');
            out.push_str(if apart { gap } else { "" });
            out.extend(std::iter::repeat_n('\n', if apart { 0 } else { blanks }));
        }
        out.push_str(line);
        (last, blanks) = (Some(at), 0);
    }
    out
}

#[cfg(test)]
#[path = "quote_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "quote/clients_tests.rs"]
mod clients_tests;
