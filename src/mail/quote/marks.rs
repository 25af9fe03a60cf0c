//! How clients mark quotes: marks at a line's start, dividers, attributions, header blocks.
//!
//! Looks at single lines, or at the few lines from one on; never at a whole text, and never at words of its own:
//! these stand in `words`.

use super::words::{
    ABOVE, ADDRESSED, DATE, DIVIDER, FROM, LINE_BYTES_MAX, PREFIX, Pattern, QUOTING, SAID, SENT, SUBJECT, TIME, TO,
    VERB, found, may_divide, may_end_attribution, plain,
};

/// Lines over which an attribution may be wrapped, blank ones not counted.
const ATTRIBUTION_LINES_MAX: usize = 4;
/// Lines within which a quoted header block must be complete.
const HEADER_LINES_MAX: usize = 12;
/// Lines at its end that an old header block of Notes may take, which stands in columns.
const COLUMNS_LINES_MAX: usize = 24;
/// Lines an enclosed quote (`>>>>` … `<<<<`) may take.
const ENCLOSED_LINES_MAX: usize = 400;
/// Words of a short attribution (`Ana Lee wrote:`).
const SHORT_WORDS_MAX: usize = 7;
/// Letters of initials that mark a quote (`AL> text`).
const INITIALS_MAX: usize = 3;
/// Letters of a name that marks a quote below an attribution (`Ana> text`).
const NAME_MARK_MAX: usize = 12;
/// A quoted line of at least this many bytes may have been wrapped by a client that left the mark off the rest.
const WRAPPED_BYTES_MIN: usize = 60;
/// Bytes of the lines that clients wrap, and of the rest they may leave unmarked.
const WRAPPED_BYTES: std::ops::RangeInclusive<usize> = 68..=82;
const WRAPPED_REST_BYTES_MAX: usize = 40;

/// Whether a line carries a quote mark: `>` (however often, with blanks) or `|`; a row of a table is none.
pub(super) fn is_marked(line: &str) -> bool {
    let bare = line.trim_start_matches([' ', '\t', '\u{a0}', '\u{feff}']);
    if line.len() - bare.len() > 3 {
        return false;
    }
    let barred = bare == "|" || bare.starts_with("| ") || bare.starts_with("|>") || bare.starts_with("||");
    bare.starts_with(['>', '＞'])
        || bare.starts_with("&gt;")
        || (barred && (bare.trim_end().len() == 1 || !bare.trim_end().ends_with('|')))
}

/// Whether the first line is quoted by its marks; `above` is the line before it, `named` whether an attribution or a
/// line with the name of another as its mark stands there.
pub(super) fn is_marked_here(rest: &[&str], above: Option<&str>, named: bool) -> bool {
    let Some(first) = rest.first() else { return false };
    let below = rest.get(1).copied();
    if is_marked(first) {
        // mbox files escape a line that begins with "From ".
        let neighbour = |line: Option<&str>| line.is_some_and(is_marked);
        return !first.starts_with(">From ") || neighbour(above) || neighbour(below);
    }
    is_named(first, above, below, named) || is_wrapped_rest(first, above, below)
}

/// `AL> text`, in runs of two lines at least.
fn is_named(line: &str, above: Option<&str>, below: Option<&str>, attributed: bool) -> bool {
    let Some(name) = name_mark(line) else { return false };
    let again = |line: Option<&str>| line.and_then(name_mark) == Some(name);
    // These are the prompts of shells.
    let prompt = matches!(name, "SQL" | "PS" | "C" | "D") && !attributed && !line.contains("> ") && line.len() > 2;
    (name.len() <= INITIALS_MAX && !matches!(name, "SQL" | "PS") && !prompt && (again(above) || again(below)))
        || (attributed && (again(below) || again(above)))
}

fn name_mark(line: &str) -> Option<&str> {
    let (name, _) = line.trim_start().split_once('>')?;
    let letters = name.len() <= NAME_MARK_MAX && name.chars().all(char::is_alphabetic);
    (letters && name.starts_with(char::is_uppercase)).then_some(name)
}

/// A client that wraps a long quoted line may set its end at the start of an unmarked line. Such a line is
/// never a command of the writer.
fn is_wrapped_rest(line: &str, above: Option<&str>, below: Option<&str>) -> bool {
    let Some(above) = above.filter(|above| is_marked(above)).map(str::trim_end) else { return false };
    if line.trim_start().starts_with('!') {
        // A line is wrapped where the next word has no room, and that word may be long: no client breaks at a
        // no-break space, which commands take for a blank.
        let word = line.trim_start().split([' ', '\t']).next().unwrap_or_default();
        return above.len() + 1 + word.len() >= WRAPPED_BYTES_MIN;
    }
    WRAPPED_BYTES.contains(&above.len())
        && line.trim_end().len() <= WRAPPED_REST_BYTES_MAX
        && line.starts_with(char::is_lowercase)
        && !above.ends_with(['.', '?', '!', ':', ';', ')', '"'])
        && below.is_some_and(is_marked)
}

/// `-----Original Message-----` and the like: a quote or forwarded mail without marks follows.
pub(super) fn is_divider(line: &str) -> bool {
    let line = plain(line);
    may_divide(&line) && (found(&DIVIDER, &line) || found(&ABOVE, &line))
}

/// How many lines a quote takes that is enclosed in `>>> name >>>` and `<<< name <<<`, or in `>>>>` and `<<<<`.
pub(super) fn enclosed(rest: &[&str]) -> Option<usize> {
    let first = rest.first()?.trim();
    let fence = first.len() >= 4 && first.bytes().all(|byte| byte == b'>');
    if !fence && !is_angled(first) {
        return None;
    }
    let closes = |line: &&str| line.trim_start().starts_with(if fence { "<<<<" } else { "<<<" });
    rest.iter().take(ENCLOSED_LINES_MAX).position(closes).map(|at| at + 1)
}

/// `>>> Ana Lee <ana@example.org> 02/11/2026 10:00 >>>`, the attribution of GroupWise.
pub(super) fn is_angled(line: &str) -> bool {
    let line = line.trim();
    line.len() > 8 && line.len() <= LINE_BYTES_MAX && line.starts_with(">>> ") && line.ends_with(">>>")
}

/// How many lines the header block of a quoted mail takes that begins here: From, then Sent or Date, and To or Subject;
/// or all four in another order. `ruled` is whether a long rule stands above.
pub(super) fn header_block(rest: &[&str], ruled: bool) -> Option<usize> {
    let kinds: [&Pattern; 4] = [&FROM, &SENT, &TO, &SUBJECT];
    let kind = |line: &str| {
        let line = plain(line);
        kinds.iter().position(|pattern| found(pattern, &line))
    };
    let first = rest.first().filter(|line| line.contains([':', '：'])).and_then(|line| kind(line))?;
    let (mut seen, mut last, mut contiguous) = ([false; 4], 0, 0);
    for (at, line) in rest.iter().enumerate().take(HEADER_LINES_MAX) {
        let Some(found) = kind(line) else { continue };
        if let Some(seen) = seen.get_mut(found) {
            *seen = true;
        }
        contiguous += usize::from(at <= contiguous + 2);
        last = at;
    }
    let [from, sent, to, subject] = seen;
    let complete = match first {
        0 => (sent && (to || subject)) || (ruled && (sent || to || subject)),
        _ => from && sent && to && subject && contiguous >= 4,
    };
    complete.then_some(last + 1)
}

/// How many lines the header block of an old Notes client takes: a name, a date, and in columns `To`, `cc`, `Subject`.
pub(super) fn columns_block(rest: &[&str]) -> Option<usize> {
    let first = rest.first()?;
    // The name stands alone, or in the left column; below it stands the date.
    if first.trim().is_empty()
        || first.contains([':', '!'])
        || first.len() > 200
        || !first.contains(['"', '<', '@', '/', ' '])
    {
        return None;
    }
    if rest.get(1).is_some_and(|line| line.trim_start().starts_with("Sent by: ")) {
        return Some(2);
    }
    let (mut wanted, mut last) = (["To", "cc", "Subject"].into_iter().peekable(), None);
    for (at, line) in rest.iter().enumerate().take(COLUMNS_LINES_MAX).skip(1) {
        let line = line.trim();
        let name = wanted.peek().copied()?;
        let stands = line.eq_ignore_ascii_case(name)
            || line.strip_suffix(name).is_some_and(|left| left.ends_with("  "))
            || line.strip_prefix(name).is_some_and(|right| right.starts_with(['\t', ':']) || right.starts_with("  "));
        if stands {
            wanted.next();
            last = Some(at + 1);
        }
        if wanted.peek().is_none() {
            break;
        }
    }
    let mut near = rest.iter().take(6).map(|line| plain(line));
    let dated =
        wanted.peek().is_none() && near.any(|line| line.len() < 60 && found(&DATE, &line) && found(&TIME, &line));
    last.filter(|_| dated)
}

/// How many lines the attribution (`On … wrote:`) takes that begins at the first line, if one does.
pub(super) fn attribution(rest: &[&str]) -> Option<usize> {
    let first = rest.first()?;
    // A command may name an address, and stands right above the quote in a short mail.
    if first.trim().is_empty() || first.len() > LINE_BYTES_MAX || first.starts_with('!') {
        return None;
    }
    let ends = rest.iter().take(ATTRIBUTION_LINES_MAX + 2).any(|line| may_end_attribution(line));
    // Or the quote goes on in the same line.
    let goes_on = first.contains(": ") && first.contains('@');
    if !ends && !goes_on {
        return None;
    }
    let first = plain(first);
    let dated = found(&PREFIX, &first);
    let hinted = dated || first.contains(['<', '@']) || found(&DATE, &first) || found(&TIME, &first);
    if !hinted && !found(&VERB, &first) && !first.ends_with([':', '：']) {
        return None;
    }
    let wide = dated || found(&DATE, &first);
    let mut joined = String::new();
    let mut filled = 0;
    for (at, line) in rest.iter().enumerate().take(ATTRIBUTION_LINES_MAX + 2) {
        if line.trim().is_empty() {
            if dated {
                continue;
            }
            return None;
        }
        if at > 0 && (begins_another(line, rest.get(at..).unwrap_or_default(), dated) || ends_sentence(&joined)) {
            return None;
        }
        filled += 1;
        joined.push_str(plain(line).trim_start_matches(if at > 0 { "> " } else { "" }));
        joined.push(' ');
        let whole = joined.trim_end();
        if filled > ATTRIBUTION_LINES_MAX || joined.len() > LINE_BYTES_MAX || !(wide || filled <= 2) {
            return None;
        }
        if is_attribution(whole, dated, filled == 1, rest.get(at + 1..).unwrap_or_default()) {
            return Some(at + 1);
        }
    }
    None
}

/// Whether a marked quote begins with the attribution of its mail, as quotes that were HTML do.
pub(super) fn announces(rest: &[&str]) -> bool {
    let inside: Vec<&str> = rest
        .iter()
        .take(ATTRIBUTION_LINES_MAX)
        .take_while(|line| is_marked(line))
        .map(|line| line.trim_start_matches(['>', ' ']))
        .collect();
    attribution(&inside).is_some()
}

/// Whether prose ended with the lines so far: no attribution goes on behind a sentence.
fn ends_sentence(joined: &str) -> bool {
    let Some(text) = joined.trim_end().strip_suffix('.') else { return false };
    text.chars().rev().take_while(|c| c.is_lowercase()).count() >= 5
}

/// Whether the attribution begins at this line rather than at the one before.
fn begins_another(line: &str, rest: &[&str], dated: bool) -> bool {
    let line = plain(line);
    let day = found(&DATE, &line);
    let ends = !found(&VERB, &line) && (dated || (line.ends_with([':', '：']) && !line.contains('@')));
    (found(&PREFIX, &line) && day && !ends)
        || (!dated && (is_addressed(&line) || (day && found(&TIME, &line) && is_whole(&line, rest))))
}

/// Whether a line that holds a date and a time is an attribution by itself, or with the one below.
fn is_whole(line: &str, rest: &[&str]) -> bool {
    let two = || format!("{line} {}", rest.get(1).map(|line| plain(line)).unwrap_or_default());
    is_attribution(line, true, false, &[]) || is_attribution(two().trim_end(), true, false, &[])
}

/// A whole attribution without a date in front: an address, "wrote" and a colon.
fn is_addressed(text: &str) -> bool {
    text.trim_end().ends_with([':', '：']) && text.contains('@') && found(&VERB, text)
}

fn is_attribution(text: &str, dated: bool, single: bool, after: &[&str]) -> bool {
    let says = found(&VERB, text);
    let day = found(&DATE, text);
    let marked = || {
        let filled = after.iter().position(|line| !line.trim().is_empty()).and_then(|at| after.get(at..));
        filled.is_some_and(|rest| is_marked_here(rest, None, true))
    };
    if !text.ends_with([':', '：']) {
        let ended =
            text.ends_with("wrote") || text.ends_with("écrit") || text.ends_with("写道") || text.ends_with("schrieb");
        return (ended && day && marked()) || (dated && single && goes_on(text));
    }
    let time = found(&TIME, text);
    let named = found(&ADDRESSED, text);
    (day && ((dated && says) || (time && (says || named)) || (named && text.starts_with(|c: char| c.is_ascii_digit()))))
        || is_addressed(text)
        || ((says || named) && (day || time) && marked())
        || (found(&QUOTING, text) && (named || marked()))
        || (single
            && (says || found(&SAID, text))
            && is_short(text)
            && after.first().is_some_and(|line| is_marked(line)))
}

/// An attribution with the first words of its quote on the same line.
fn goes_on(text: &str) -> bool {
    text.match_indices(": ").take(SHORT_WORDS_MAX).any(|(at, _)| {
        let head = text.get(..at).unwrap_or_default();
        [&ADDRESSED, &VERB, &DATE, &TIME].into_iter().all(|pattern| found(pattern, head))
    })
}

fn is_short(text: &str) -> bool {
    text.split(' ').count() <= SHORT_WORDS_MAX
        && text.starts_with(|c: char| c.is_uppercase() || !c.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_of_names_need_a_second_line_and_prompts_are_none() {
        assert!(is_marked_here(&["AL> one", "AL> two"], None, false));
        assert!(!is_marked_here(&["AL> one", "text"], None, false));
        assert!(!is_marked_here(&["SQL> select 1", "SQL> select 2"], None, false));
        assert!(!is_marked_here(&["mysql> select 1", "mysql> select 2"], None, false));
        assert!(!is_marked_here(&["Router> show", "Router> exit"], None, false));
        assert!(is_marked_here(&["Router> show", "Router> exit"], None, true));
    }

    #[test]
    fn a_header_block_is_counted_to_its_last_field() {
        let block = ["From: A", "Sent: today", "To: B", "Cc: C", "Subject: x", "", "text"];
        assert_eq!(header_block(&block, false), Some(5));
        assert_eq!(header_block(&["Subject: x", "Date: d", "From: a", "To: b", "", "text"], false), Some(4));
        assert_eq!(header_block(&["Subject: x", "From: a", "", "text"], false), None);
        assert_eq!(header_block(&["From: a", "To: b", "", "text"], false), None);
        assert_eq!(header_block(&["From: a", "To: b", "", "text"], true), Some(2));
    }

    #[test]
    fn the_columns_of_notes_are_a_header_block() {
        let block = [
            "\"Ana Lee\" <ana@example.org>",
            "02/11/2026 10:00",
            "",
            "To",
            "\tteam@example.org",
            "cc",
            "",
            "Subject",
            "\tRe: x",
        ];
        assert_eq!(columns_block(&block), Some(8));
        assert_eq!(columns_block(&["Ana Lee <a@b.org>", "02/11/2026 10:00", "", "Subject"]), None);
    }
}
