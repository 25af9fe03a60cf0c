//! The end of a letter: sign-off, name, and how to reach the writer.
//!
//! Guesses from shape and a few words, so nothing depends on it: it only tells where a reader would see a signature
//! that no mark sets apart. Never looks further up than [`LINES_MAX`] lines; finds nothing rather than too much.

use std::borrow::Cow;

use super::tails::{SIGNATURE_LINE_CHARS_MAX, is_contact, is_device_line};
use super::words::{SIGN_OFF, found, plain};

/// Non-blank lines of a closing.
const LINES_MAX: usize = 12;
/// Non-blank lines below a sign-off that give no contact.
const BARE_LINES_MAX: usize = 5;
/// Words of a name.
const NAME_WORDS_MAX: usize = 5;
/// Characters of a sign-off.
const SIGN_OFF_CHARS_MAX: usize = 50;

/// Where the closing of these lines begins, if they end with one; they end where the own text ends, and
/// `signed` is whether a signature follows in the same paragraph.
pub(super) fn start(lines: &[&str], signed: bool) -> Option<usize> {
    let filled: Vec<(usize, Cow<'_, str>)> = lines
        .iter()
        .enumerate()
        .rev()
        .filter(|(_, line)| !line.trim().is_empty())
        .take(LINES_MAX + 1)
        .map(|(at, line)| (at, plain(line)))
        .collect();
    // Something must have been said above.
    let said = |index: usize| filled.get(index + 1).is_some();
    let mut best = None;
    let mut contacts = 0;
    for (index, (at, line)) in filled.iter().enumerate() {
        if line.is_empty() || line.chars().count() > SIGNATURE_LINE_CHARS_MAX || line.starts_with(['!', '>']) {
            break;
        }
        if is_sign_off(line) && said(index) && (index <= BARE_LINES_MAX || contacts > 0) {
            best = Some(*at);
        }
        contacts += usize::from(is_contact(line) || is_device_line(line));
    }
    best.or_else(|| {
        card(lines, &filled, signed).filter(|at| lines.iter().take(*at).any(|line| !line.trim().is_empty()))
    })
}

fn is_sign_off(line: &str) -> bool {
    line.chars().count() <= SIGN_OFF_CHARS_MAX && found(&SIGN_OFF, line)
}

/// A last paragraph of short lines that holds a name or a trade and a contact; or a dash and a name.
fn card(lines: &[&str], filled: &[(usize, Cow<'_, str>)], signed: bool) -> Option<usize> {
    let (last, text) = filled.first()?;
    let name = text.trim_start_matches(['-', '–', '—', '/', '~', ' ']);
    if name.len() < text.len() && !text.starts_with("- ") && is_name(name) {
        return Some(*last);
    }
    let mut top = *last;
    let (mut contacts, mut others) = (usize::from(signed), 0);
    for (at, line) in filled {
        if lines.get(*at..top).is_some_and(|between| between.iter().skip(1).any(|line| line.trim().is_empty())) {
            break;
        }
        if line.is_empty() || line.chars().count() > SIGNATURE_LINE_CHARS_MAX || line.ends_with([':', ';', '?', '!']) {
            return None;
        }
        if is_contact(line) {
            contacts += 1;
        } else {
            others += 1;
        }
        top = *at;
    }
    let first = filled.iter().find(|(at, _)| *at == top).map(|(_, line)| &**line).unwrap_or_default();
    let named = is_name(first) && contacts > 0;
    (named || (contacts > 1 && (1..=LINES_MAX / 2).contains(&others))).then_some(top)
}

/// A few capitalised words without an end of sentence.
fn is_name(text: &str) -> bool {
    let words: Vec<&str> = text.split(' ').collect();
    let capital = |word: &&str| word.starts_with(|c: char| c.is_uppercase() || !(c.is_lowercase() || c.is_ascii()));
    (1..=NAME_WORDS_MAX).contains(&words.len())
        && !text.ends_with(['.', ':', '?', '!'])
        && words.iter().filter(|word| capital(word)).count() * 2 > words.len()
        && words.first().is_some_and(capital)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn closing(text: &str) -> Option<String> {
        let lines: Vec<&str> = text.lines().collect();
        start(&lines, false).map(|at| lines[at..].join("|"))
    }

    #[test]
    fn sign_offs_of_several_languages_begin_a_closing() {
        for end in [
            "Thank you,\nNoam",
            "Thanks\n\nAna",
            "Best regards,\nAna Lee\nExample Org",
            "Mit freundlichen Grüßen\nAna Lee",
            "Cordialement,\nAna",
            "Saludos\nAna",
            "Cordiali saluti\nAna",
            "Met vriendelijke groet,\nAna",
            "Pozdrawiam\nAna",
            "С уважением,\nАнна",
            "Mvh\nAna",
            "Cheers,",
        ] {
            let text = format!("A sentence that says what this mail is about.\n\n{end}");
            assert_eq!(closing(&text).as_deref(), Some(end.replace('\n', "|").as_str()));
        }
    }

    #[test]
    fn a_card_with_a_contact_is_a_closing_and_a_list_of_links_is_none() {
        let text = "Something is said here.\n\nAna Lee\nana@example.org\n(555) 010-0001";
        assert_eq!(closing(text).as_deref(), Some("Ana Lee|ana@example.org|(555) 010-0001"));
        assert_eq!(closing("See\n\nhttps://example.org/a/b\nhttps://example.org/c/d"), None);
        assert_eq!(closing("It works.\n\n-Ana Lee").as_deref(), Some("-Ana Lee"));
    }

    #[test]
    fn a_text_of_nothing_but_a_greeting_has_no_closing() {
        assert_eq!(closing("Thanks"), None);
        assert_eq!(
            closing("Can you please look?\n\nThe log is below and it is long, thanks to the debug switch."),
            None
        );
    }
}
