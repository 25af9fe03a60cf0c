//! The timeline as people read it: at most 80 columns, in colour on a terminal that wants it.
//!
//! Keeps a plain copy of everything for `timeline.txt`. A closed pipe ends the showing, not the story.

use std::ffi::OsStr;
use std::io::{IsTerminal, Write};

/// Columns of a line.
pub(super) const WIDTH: usize = 80;
/// Columns of the date and the blanks behind it.
const MARGIN: usize = 14;

/// Longest name of a field in front of a colon.
const NAME_MAX: usize = 12;

/// How words look on a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ink {
    /// As they are.
    Plain,
    /// What matters.
    Bold,
    /// What may be skipped.
    Faint,
    /// Well protected.
    Green,
    /// Public on purpose.
    Yellow,
    /// Not protected at all.
    Red,
    /// The state of the case.
    Cyan,
}

impl Ink {
    /// The ECMA-48 parameter.
    fn code(self) -> &'static str {
        match self {
            Self::Plain => "0",
            Self::Bold => "1",
            Self::Faint => "2",
            Self::Green => "32",
            Self::Yellow => "33",
            Self::Red => "31",
            Self::Cyan => "36",
        }
    }
}

/// Signs that a terminal may lack.
#[derive(Debug, Clone, Copy)]
struct Signs {
    arrow: &'static str,
    bar: &'static str,
    rule: &'static str,
    cut: &'static str,
}

const UNICODE: Signs = Signs { arrow: "→", bar: "│", rule: "─", cut: "…" };
const ASCII: Signs = Signs { arrow: "->", bar: "|", rule: "-", cut: "..." };

/// One mail, as the timeline shows it.
pub(super) struct Entry<'a> {
    /// Date and hour.
    pub(super) when: &'a str,
    /// Who wrote.
    pub(super) from: &'a str,
    /// Who reads.
    pub(super) to: &'a str,
    /// How it was protected, as its reader found it.
    pub(super) protection: (Ink, &'a str),
    /// What it is.
    pub(super) what: &'a str,
    /// Its subject.
    pub(super) subject: &'a str,
    /// Lines of its text.
    pub(super) excerpt: &'a [String],
    /// Where it lies.
    pub(super) file: &'a str,
}

/// The terminal, or what stands for it.
pub(super) struct Screen {
    colour: bool,
    signs: Signs,
    open: bool,
    plain: String,
}

impl Screen {
    /// Looks at standard output and at the variables by which terminals describe themselves.
    pub(super) fn detect() -> Self {
        let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let dumb = variable("TERM").is_none_or(|term| term == "dumb");
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(variable);
        Self {
            colour: std::io::stdout().is_terminal() && !dumb && variable("NO_COLOR").is_none(),
            signs: if locale.is_some_and(|name| is_utf8(&name)) { UNICODE } else { ASCII },
            open: true,
            plain: String::new(),
        }
    }

    /// Everything that was shown, without colour.
    pub(super) fn plain(&self) -> &str {
        &self.plain
    }

    /// A line of words in ink.
    pub(super) fn line(&mut self, words: &[(Ink, &str)]) {
        let plain: String = words.iter().map(|(_, text)| *text).collect();
        let inked = |(ink, text): &(Ink, &str)| {
            if *ink == Ink::Plain { (*text).to_owned() } else { format!("\u{1b}[{}m{text}\u{1b}[0m", ink.code()) }
        };
        let shown = if self.colour { words.iter().map(inked).collect() } else { plain.clone() };
        self.plain.push_str(plain.trim_end());
        self.plain.push('\n');
        self.show(shown.trim_end());
    }

    /// The first lines: what this is, and who is who.
    pub(super) fn title(&mut self, title: &str, about: &str, people: &[(&str, &str)]) {
        self.line(&[(Ink::Bold, title)]);
        self.line(&[]);
        self.paragraph(about);
        self.line(&[]);
        for (name, what) in people {
            self.line(&[(Ink::Plain, "  "), (Ink::Bold, &format!("{name:<10}")), (Ink::Plain, what)]);
        }
    }

    /// The heading of a chapter, with what to know before.
    pub(super) fn chapter(&mut self, title: &str, about: &str) {
        let rule = self.signs.rule.repeat(WIDTH.saturating_sub(title.chars().count() + 4));
        let ahead = self.signs.rule.repeat(2);
        self.line(&[]);
        self.line(&[(Ink::Faint, &ahead), (Ink::Bold, &format!(" {title} ")), (Ink::Faint, &rule)]);
        self.paragraph(about);
        self.line(&[]);
    }

    /// A paragraph over the whole width.
    pub(super) fn paragraph(&mut self, text: &str) {
        for line in wrap(text, WIDTH) {
            self.line(&[(Ink::Faint, &line)]);
        }
    }

    /// A mail.
    pub(super) fn mail(&mut self, entry: &Entry<'_>) {
        let names = format!("{} {} {}", entry.from, self.signs.arrow, entry.to);
        let (ink, protection) = entry.protection;
        let used = MARGIN + names.chars().count() + protection.chars().count();
        let gap = " ".repeat(WIDTH.saturating_sub(used).max(2));
        let when = format!("{:<MARGIN$}", entry.when);
        self.line(&[(Ink::Faint, &when), (Ink::Plain, &names), (Ink::Plain, &gap), (ink, protection)]);
        let indent = " ".repeat(MARGIN);
        let titled = match entry.subject {
            "" => entry.what.to_owned(),
            subject => format!("{}: {subject}", entry.what),
        };
        for (number, line) in wrap(&titled, WIDTH - MARGIN).iter().enumerate() {
            let kind = line.strip_prefix(entry.what).filter(|_| number == 0);
            let (bold, rest) = kind.map_or(("", line.as_str()), |rest| (entry.what, rest));
            self.line(&[(Ink::Plain, &indent), (Ink::Bold, bold), (Ink::Plain, rest)]);
        }
        let bar = format!("{} ", self.signs.bar);
        let room = WIDTH - MARGIN - bar.chars().count();
        for line in entry.excerpt.iter().flat_map(|line| fold(line, room)) {
            self.line(&[(Ink::Plain, &indent), (Ink::Faint, &bar), (Ink::Plain, &line)]);
        }
        self.line(&[(Ink::Plain, &indent), (Ink::Faint, entry.file)]);
        self.line(&[]);
    }

    /// Something that is not a mail: what changed, or that nothing did.
    pub(super) fn remark(&mut self, when: &str, ink: Ink, text: &str) {
        for (number, line) in wrap(text, WIDTH - MARGIN).iter().enumerate() {
            let margin = format!("{:<MARGIN$}", if number == 0 { when } else { "" });
            self.line(&[(Ink::Faint, &margin), (ink, line)]);
        }
        self.line(&[]);
    }

    /// Shortens a list of lines, with the sign for what was left out.
    pub(super) fn cut(&self, lines: &mut Vec<String>, most: usize) {
        if lines.len() > most {
            lines.truncate(most);
            lines.push(self.signs.cut.to_owned());
        }
    }

    /// The one place that prints.
    fn show(&mut self, line: &str) {
        if self.open {
            let mut out = std::io::stdout().lock();
            self.open = writeln!(out, "{line}").and_then(|()| out.flush()).is_ok();
        }
    }
}

/// Breaks a text at blanks; a longer word stands alone, whole.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}

/// As [`wrap`], but a line that fits keeps its blanks, and what is broken stays under its first line's beginning.
fn fold(line: &str, width: usize) -> Vec<String> {
    if line.chars().count() <= width {
        return vec![line.to_owned()];
    }
    let (indent, rest) = head(line);
    let blanks = " ".repeat(indent.chars().count());
    let hanging = if indent.starts_with(':') { indent } else { blanks.as_str() };
    let room = width.saturating_sub(blanks.len()).max(20);
    if rest.split_whitespace().any(|word| word.chars().count() > room) {
        let below = wrap(rest, width.saturating_sub(2)).into_iter().map(|part| format!("  {part}"));
        return std::iter::once(indent.trim_end().to_owned()).filter(|name| !name.is_empty()).chain(below).collect();
    }
    let broken = wrap(rest, room).into_iter().enumerate();
    broken.map(|(number, part)| format!("{}{part}", if number == 0 { indent } else { hanging })).collect()
}

/// What stands before the text of a line: blanks, the colon of a quotation, or the name of a field.
fn head(line: &str) -> (&str, &str) {
    let blanks = line.len() - line.trim_start_matches([' ', ':']).len();
    let name = line.find(":  ").filter(|colon| blanks == 0 && *colon <= NAME_MAX);
    let start = name.map_or(blanks, |colon| {
        let value = line.get(colon + 1..).unwrap_or_default();
        line.len() - value.trim_start().len()
    });
    line.split_at_checked(start).unwrap_or(("", line))
}

fn is_utf8(locale: &OsStr) -> bool {
    let name = locale.to_string_lossy().to_ascii_lowercase();
    name.ends_with("utf-8") || name.ends_with("utf8")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_broken_at_blanks_and_loses_no_word() {
        assert_eq!(wrap("one two  three", 7), ["one two", "three"]);
        assert_eq!(wrap("a incomprehensible", 5), ["a", "incomprehensible"]);
        let quoted = fold(": a quoted line that is too long", 22);
        assert_eq!(quoted, [": a quoted line that", ": is too long"]);
        assert_eq!(fold("From:   x", 9), ["From:   x"]);
        assert_eq!(fold("To:  abcdefghij klmnopqrstuvw xyz", 25), ["To:  abcdefghij", "     klmnopqrstuvw xyz"]);
    }

    #[test]
    fn without_a_terminal_no_escape_is_written_and_no_line_is_too_long() {
        let mut screen = Screen { colour: false, signs: ASCII, open: false, plain: String::new() };
        screen.chapter("A title", &"word ".repeat(60));
        screen.mail(&Entry {
            when: " 2 Mar 09:00",
            from: "Ana",
            to: "Example Project",
            protection: (Ink::Green, "encrypted, signed"),
            what: "Report",
            subject: &"long ".repeat(30),
            excerpt: &["text ".repeat(40)],
            file: "mails/01-report.eml",
        });
        assert!(!screen.plain().contains('\u{1b}'));
        assert!(screen.plain().lines().all(|line| line.chars().count() <= WIDTH), "{}", screen.plain());
    }
}
