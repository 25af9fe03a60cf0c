//! What stands below people's words and is none of them: signatures, footers of lists, legal notices, the lines of
//! phones and scanners.
//!
//! Looks at one run of own lines at a time, never at quotes. Never loses a line: what it cuts is a signature. In doubt
//! a line is text, for a report must keep its words; only a `-- ` line is trusted with more than a few lines.

use super::Fate;
use super::words::{ADDED, CONTACT, DEVICE, FOOTER, MAIL, NOTICE, NOTICE_TITLE, found, found_in, plain};

/// Non-blank lines a signature may have behind its `-- ` line; a longer rest is text.
pub(super) const SIGNATURE_LINES_MAX: usize = 30;
/// Non-blank lines that may follow a line of underscores, as in the footer of a mailing list.
const UNDERSCORED_LINES_MAX: usize = 6;
/// Non-blank lines of a footer that says what it is.
const FOOTER_LINES_MAX: usize = 15;
/// Non-blank lines of a signature below another rule, when they say how to reach somebody.
const RULED_LINES_MAX: usize = 12;
/// Non-blank lines of a signature below another rule that says less.
const NAMES_MAX: usize = 4;
/// Characters of a line in a signature.
pub(super) const SIGNATURE_LINE_CHARS_MAX: usize = 70;
/// Lines of a legal notice.
const NOTICE_LINES_MAX: usize = 60;
/// Bytes of a paragraph that are looked at for the words of a legal notice.
const NOTICE_BYTES_MAX: usize = 8 * 1024;
/// Times the end of a run is looked at anew after something was taken off it.
const TAILS_MAX: usize = 40;

/// Gives the lines of each run of own lines their fate.
pub(super) fn cut(lines: &[&str], fates: &mut [Fate]) {
    armour(lines, fates);
    let mut at = 0;
    while at < fates.len() {
        if fates.get(at) != Some(&Fate::Own) {
            at += 1;
            continue;
        }
        let length = fates.iter().skip(at).take_while(|fate| **fate == Fate::Own).count();
        if let (Some(run), Some(fates)) = (lines.get(at..at + length), fates.get_mut(at..at + length)) {
            notices(run, fates);
            separated(run, fates);
            tail(run, fates);
        }
        at += length;
    }
}

/// The armour of a text that is signed as a whole (RFC 9580 section 7), where nobody took it off.
fn armour(lines: &[&str], fates: &mut [Fate]) {
    let Some(begin) = lines.iter().position(|line| !line.trim().is_empty()) else { return };
    if lines.get(begin).is_none_or(|line| line.trim_end() != "-----BEGIN PGP SIGNED MESSAGE-----") {
        return;
    }
    let head = lines.iter().skip(begin).take_while(|line| !line.trim().is_empty()).count();
    mark(fates, begin, begin + head, Fate::Dropped);
    let Some(start) = lines.iter().position(|line| line.trim_end() == "-----BEGIN PGP SIGNATURE-----") else { return };
    let length = lines.iter().skip(start).position(|line| line.trim_end() == "-----END PGP SIGNATURE-----");
    mark(fates, start, length.map_or(lines.len(), |length| start + length + 1), Fate::Dropped);
}

fn mark(fates: &mut [Fate], start: usize, end: usize, fate: Fate) {
    for old in fates.iter_mut().take(end).skip(start) {
        *old = fate;
    }
}

/// Legal notices between two rules, and what mail hosts say right below them.
fn notices(run: &[&str], fates: &mut [Fate]) {
    let mut at = 0;
    while let Some(line) = run.get(at) {
        let length = score(line).and_then(|rule| notice_between(run.get(at..).unwrap_or_default(), rule));
        let Some(mut end) = length.map(|length| at + length) else {
            at += 1;
            continue;
        };
        loop {
            let blank = run.iter().skip(end).take_while(|line| line.trim().is_empty()).count();
            let below = run.get(end + blank..).unwrap_or_default();
            let length = below.iter().take_while(|line| !line.trim().is_empty()).count();
            let paragraph = below.get(..length).unwrap_or_default();
            if length == 0 || paragraph.iter().any(|line| score(line).is_some()) || !speaks_legally(paragraph) {
                break;
            }
            end += blank + length;
        }
        mark(fates, at, end, Fate::Signature);
        at = end;
    }
}

/// How many lines the notice takes that begins with this rule; a last one needs no second rule.
fn notice_between(rest: &[&str], rule: char) -> Option<usize> {
    let inside = rest.get(1..)?;
    let closing = inside.iter().take(NOTICE_LINES_MAX).position(|line| score(line) == Some(rule));
    let length = closing.unwrap_or(inside.len());
    let notice = inside.get(..length)?;
    // A second notice may open with the rule that would close this one.
    let legal = if rule == '*' { speaks_legally(notice) } else { is_notice(notice) };
    (length <= NOTICE_LINES_MAX && legal).then_some(1 + length + usize::from(closing.is_some()))
}

/// The character of a long rule, which may have blanks between.
fn score(line: &str) -> Option<char> {
    let mut marks = line.chars().filter(|c| !c.is_whitespace());
    let first = marks.next().filter(|c| "*-_#=".contains(*c))?;
    let mut count = 1;
    for mark in marks {
        if mark != first {
            return None;
        }
        count += 1;
    }
    (count >= 8).then_some(first)
}

fn topics(lines: &[&str]) -> (usize, bool) {
    let mut text = String::new();
    for line in lines {
        if text.len() + line.len() > NOTICE_BYTES_MAX {
            break;
        }
        text.push_str(line.trim());
        text.push(' ');
    }
    (NOTICE.iter().filter(|topic| found_in(topic, &text)).count(), found_in(&MAIL, &text))
}

/// Words that stand in a legal notice: enough where a rule sets them apart.
fn speaks_legally(lines: &[&str]) -> bool {
    let (topics, mail) = topics(lines);
    topics > 1 || (topics > 0 && mail)
}

/// A paragraph that can be nothing but a legal notice.
pub(super) fn is_notice(lines: &[&str]) -> bool {
    let (topics, mail) = topics(lines);
    topics > 1 && mail
}

/// Signatures and footers below a separator.
fn separated(run: &[&str], fates: &mut [Fate]) {
    // Counted from the end, so that every line is seen once.
    let (mut below, mut footer, mut contacts, mut others, mut long) = (0, false, 0, 0, false);
    let mut start = None;
    for at in (0..run.len()).rev() {
        let (Some(line), Some(fate)) = (run.get(at), fates.get(at)) else { continue };
        if *fate != Fate::Own || line.trim().is_empty() {
            continue;
        }
        let line = line.trim_end();
        let apart = at.checked_sub(1).and_then(|above| run.get(above)).is_none_or(|above| above.trim().is_empty());
        let reaches = contacts > 0 && others > 0 && below <= RULED_LINES_MAX && !long;
        let small = below > 0 && below <= NAMES_MAX && !long && others == 0;
        let cuts = if is_signature_separator(line) {
            below <= SIGNATURE_LINES_MAX
        } else if is_underscores(line) {
            below <= UNDERSCORED_LINES_MAX || (footer && below <= FOOTER_LINES_MAX)
        } else {
            is_rule(line) && ((footer && below <= FOOTER_LINES_MAX) || ((reaches || small) && apart))
        };
        if cuts {
            start = Some(at);
        }
        below += 1;
        if below <= FOOTER_LINES_MAX {
            let line = plain(line);
            footer |= found(&FOOTER, &line) || found(&ADDED, &line);
            contacts += usize::from(is_contact(&line));
            others += usize::from(!is_contact(&line));
            long |= line.is_empty() || line.chars().count() > SIGNATURE_LINE_CHARS_MAX || is_instruction(&line);
        }
    }
    if let Some(start) = start {
        for fate in fates.iter_mut().skip(start).filter(|fate| **fate == Fate::Own) {
            *fate = Fate::Signature;
        }
        mark(fates, start, start + 1, Fate::Dropped);
    }
}

/// Lines that a signature does not have: commands, items, sentences that end in a colon, code.
fn is_instruction(line: &str) -> bool {
    line.starts_with(['!', '$', '`', '{', '<', '#']) || line.ends_with([':', ';', '{', '}'])
}

/// Takes the lines of phones and scanners, rules and legal notices off the end of a run.
fn tail(run: &[&str], fates: &mut [Fate]) {
    for _ in 0..TAILS_MAX {
        let own = |(line, fate): (&&str, &Fate)| *fate == Fate::Own && !line.trim().is_empty();
        let Some(last) = run.iter().zip(fates.iter()).rposition(own) else { return };
        let Some(line) = run.get(last) else { return };
        if is_device_line(line) || is_added_line(line) {
            mark(fates, last, last + 1, Fate::Signature);
            continue;
        }
        if is_rule(line) {
            mark(fates, last, last + 1, Fate::Dropped);
            continue;
        }
        let paragraph = |(line, fate): (&&str, &Fate)| !line.trim().is_empty() && *fate == Fate::Own;
        let length = run
            .iter()
            .zip(fates.iter())
            .take(last + 1)
            .rev()
            .take(NOTICE_LINES_MAX)
            .take_while(|pair| paragraph(*pair))
            .count();
        let start = last + 1 - length;
        // The first paragraph of all is what somebody came to say.
        let first = run.iter().zip(fates.iter()).take(start).all(|pair| !own(pair));
        let words = run.get(start..=last).unwrap_or_default();
        let command = words.iter().any(|line| line.trim_start().starts_with('!'));
        let titled = (length == 1 && found(&NOTICE_TITLE, &plain(line)))
            || (length <= NAMES_MAX && words.first().is_some_and(|line| is_added_line(line)));
        if first || command || length == NOTICE_LINES_MAX || !(titled || is_notice(words) && is_wordy(words)) {
            return;
        }
        mark(fates, start, last + 1, Fate::Signature);
    }
}

/// A legal notice says more than one short line.
fn is_wordy(lines: &[&str]) -> bool {
    lines.iter().map(|line| line.trim().len()).sum::<usize>() >= 100
        || lines.iter().any(|line| !line.is_ascii() && line.chars().count() >= 30)
}

/// `-- ` (RFC 3676 section 4.3), also with its blank lost or escaped for OpenPGP.
pub(super) fn is_signature_separator(line: &str) -> bool {
    matches!(line.trim_end(), "--" | "- --")
}

/// A line of underscores, which lists and some people set above a footer.
pub(super) fn is_underscores(line: &str) -> bool {
    let line = line.trim();
    line.len() >= 5 && line.bytes().all(|byte| byte == b'_')
}

/// A line of nothing but rule characters.
pub(super) fn is_rule(line: &str) -> bool {
    let line = line.trim();
    let ruled = |c: char| "-_=*#~+–—. ".contains(c);
    matches!(line, "ᐧ" | "—" | "⁣" | "__") || (line.len() >= 3 && line.chars().all(ruled) && !line.starts_with("..."))
}

/// `Sent from my …` and its kin.
pub(super) fn is_device_line(line: &str) -> bool {
    found(&DEVICE, &plain(line))
}

/// A line that a scanner or a list adds.
pub(super) fn is_added_line(line: &str) -> bool {
    found(&ADDED, &plain(line))
}

/// An address, a number or a site, as people give them in a signature.
pub(super) fn is_contact(line: &str) -> bool {
    found(&CONTACT, line)
}
