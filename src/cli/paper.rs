//! What commands print: tables for people, one JSON object a line for programs.
//!
//! On a terminal a table fits its width and has lines; elsewhere it is plain aligned columns. Never prints a character
//! that could steer a terminal, and no colours. A reader that goes away, such as `head`, ends the command quietly.

use std::io::{self, ErrorKind, IsTerminal, Write};

use comfy_table::{ColumnConstraint, ContentArrangement, Table, Width, presets};
use serde::Serialize;

use super::arguments::desk::DeskOptions;
use crate::adapters::clock::SystemClock;
use crate::daemon::desk::rows::{At, Change};
use crate::daemon::exit::{Failure, IO};
use crate::domain::rules::Rules;
use crate::domain::time::{DAY, HOUR, MINUTE, Timestamp};
use crate::mail::clean;
use crate::ports::Clock;

/// Rows of one table; a longer list is several, each under the other.
const ROWS_PER_TABLE: usize = 1000;
/// Longest cell, in characters.
const CELL_CHARS: usize = 300;
/// Space between columns without lines.
const GAP: u16 = 2;
/// Narrowest terminal that tables are fitted to.
const WIDTH_MIN: u16 = 40;

/// Where a command prints.
pub struct Paper {
    json: bool,
    /// Columns of the terminal; `None` where there is none.
    width: Option<u16>,
    zone: jiff::tz::TimeZone,
    now: Timestamp,
}

/// A table that grows row by row.
pub struct Sheet<'a> {
    paper: &'a Paper,
    columns: &'static [&'static str],
    rows: Vec<Vec<String>>,
    /// Widest cell of each column so far, so that later rows stand under earlier ones.
    widths: Vec<u16>,
    begun: bool,
}

impl Paper {
    /// Standard output, as the options ask for it, with times in the policy's zone.
    pub fn new(options: &DeskOptions, rules: &Rules) -> Self {
        let width = if io::stdout().is_terminal() { terminal_width() } else { None };
        Self { json: options.json, width, zone: rules.policy.time_zone(), now: SystemClock.now() }
    }

    /// Whether programs read it.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// A table with these columns.
    pub fn sheet(&self, columns: &'static [&'static str]) -> Sheet<'_> {
        Sheet { paper: self, columns, rows: Vec::new(), widths: vec![0; columns.len()], begun: false }
    }

    /// One object as a line.
    pub fn object(&self, object: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string(object).map_err(|error| failed(&error.into()))?;
        print(&format!("{}\n", harmless_json(&text)))
    }

    /// What became of one change.
    pub fn change(&self, change: &Change) -> Result<(), Failure> {
        if self.json { self.object(change) } else { self.line(&change.line) }
    }

    /// One line for people.
    pub fn line(&self, text: &str) -> Result<(), Failure> {
        print(&format!("{}\n", clean::one_line(text, clean::LINE_MAX_CHARS * 2)))
    }

    /// A name and its value for people; values of names of up to `width` characters stand under each other.
    pub fn field(&self, name: &str, width: usize, value: &str) -> Result<(), Failure> {
        let name = format!("{name}:");
        print(&format!("{name:<width$} {}\n", clean::one_line(value, clean::LINE_MAX_CHARS), width = width + 1))
    }

    /// A text of many lines for people.
    pub fn text(&self, text: &str) -> Result<(), Failure> {
        let visible = |c: &char| *c == '\n' || *c == '\t' || !clean::is_hidden(*c);
        let text: String = clean::body(text).chars().filter(visible).collect();
        print(&format!("{}\n", text.trim_end_matches('\n')))
    }

    /// An instant with its zone.
    pub fn time(&self, at: At) -> String {
        at.0.to_jiff().to_zoned(self.zone.clone()).strftime("%Y-%m-%d %H:%M %Z").to_string()
    }

    /// An instant that may be missing.
    pub fn maybe_time(&self, at: Option<At>) -> String {
        at.map(|at| self.time(at)).unwrap_or_default()
    }

    /// How long ago something was, in its largest unit.
    pub fn age(&self, at: At) -> String {
        let age = self.now.since(at.0);
        let (unit, word) =
            [(DAY, "d"), (HOUR, "h")].into_iter().find(|(unit, _)| age >= *unit).unwrap_or((MINUTE, "min"));
        format!("{} {word}", age.as_secs() / unit.as_secs())
    }

    /// Whether an instant is past.
    pub fn is_past(&self, at: At) -> bool {
        at.0 <= self.now
    }
}

impl Sheet<'_> {
    /// One more row.
    pub fn row(&mut self, cells: &[String]) -> Result<(), Failure> {
        self.rows.push(cells.iter().map(|cell| clean::one_line(cell, CELL_CHARS)).collect());
        if self.rows.len() < ROWS_PER_TABLE { Ok(()) } else { self.print() }
    }

    /// Prints what is left; on a terminal, where there was nothing, these words instead.
    pub fn end_or(self, nothing: &str) -> Result<(), Failure> {
        let is_empty = self.rows.is_empty() && !self.begun;
        if is_empty && self.paper.width.is_some() && !self.paper.json {
            return self.paper.line(nothing);
        }
        self.end()
    }

    /// Prints what is left. An empty table prints nothing.
    pub fn end(mut self) -> Result<(), Failure> {
        self.print()
    }

    fn print(&mut self) -> Result<(), Failure> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let text = self.render();
        self.rows.clear();
        self.begun = true;
        print(&text)
    }

    fn render(&mut self) -> String {
        let mut table = Table::new();
        let header = !self.begun || self.paper.width.is_some();
        if header {
            table.set_header(self.columns.iter().copied());
        }
        table.add_rows(self.rows.iter());
        if let Some(width) = self.paper.width {
            table.load_style(presets::UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Dynamic);
            table.set_width(width.max(WIDTH_MIN));
        } else {
            table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
            for (known, found) in self.widths.iter_mut().zip(table.column_max_content_widths()) {
                *known = found.max(*known);
            }
            for (column, width) in table.column_iter_mut().zip(&self.widths) {
                column.set_padding((0, GAP));
                column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(width.saturating_add(GAP))));
            }
        }
        let lines = table.lines().map(|line| format!("{}\n", line.trim_end()));
        lines.collect()
    }
}

/// Prints to standard output.
///
/// # Errors
/// It cannot be written; one without words and with code 0 where the reader has gone.
fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|error| failed(&error))
}

fn failed(error: &io::Error) -> Failure {
    if error.kind() == ErrorKind::BrokenPipe {
        return Failure::new(0, "");
    }
    Failure::new(IO, format!("failed to print: {error}"))
}

fn terminal_width() -> Option<u16> {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
    // A terminal that does not know its size is as wide as the oldest were.
    Some(if size.ws_col == 0 { 80 } else { size.ws_col })
}

/// JSON whose characters all show what they are: controls and invisible ones are written as escapes. Such characters
/// stand in strings only, where the escape means the same.
fn harmless_json(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        if c.is_control() || clean::is_hidden(c) {
            let mut units = [0; 2];
            c.encode_utf16(&mut units).iter().for_each(|unit| text.push_str(&format!("\\u{unit:04x}")));
        } else {
            text.push(c);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paper(width: Option<u16>) -> Paper {
        let zone = jiff::tz::TimeZone::get("Europe/Berlin").unwrap();
        Paper { json: false, width, zone, now: Timestamp(1_800_000_000) }
    }

    fn rows(sheet: &mut Sheet<'_>) -> String {
        for (a, b) in [("1", "short"), ("22", "a much longer cell with\u{1b}[31m words\u{202e}, and more of them")] {
            sheet.row(&[a.to_owned(), b.to_owned(), String::new()]).unwrap();
        }
        sheet.render()
    }

    #[test]
    fn off_a_terminal_columns_are_aligned_without_lines_and_tabs_and_trailing_blanks() {
        let paper = paper(None);
        let mut sheet = paper.sheet(&["ID", "TITLE", "NONE"]);
        let text = rows(&mut sheet);
        assert_eq!(
            text,
            "ID  TITLE                                                NONE\n\
             1   short\n\
             22  a much longer cell with[31m words, and more of them\n"
        );
        sheet.rows.clear();
        sheet.begun = true;
        sheet.row(&["3".to_owned(), "x".to_owned(), "y".to_owned()]).unwrap();
        assert_eq!(sheet.render(), format!("3   x{}y\n", " ".repeat(52)), "under the rows before, without a header");
    }

    #[test]
    fn on_a_terminal_a_table_fits_its_width() {
        for width in [40, 60] {
            let paper = paper(Some(width));
            let text = rows(&mut paper.sheet(&["ID", "TITLE", "NONE"]));
            assert!(text.starts_with('┌') && text.contains("│ 22"), "{text}");
            assert!(text.lines().all(|line| line.chars().count() <= usize::from(width)), "{text}");
        }
    }

    #[test]
    fn json_holds_the_same_text_and_no_character_that_steers_a_terminal() {
        let text = "a\u{1b}[31m\u{9b}b\u{202e}c\u{e0041}d\n\"ü\"";
        let json = harmless_json(&serde_json::to_string(text).unwrap());
        assert!(json.chars().all(|c| !c.is_control() && !clean::is_hidden(c)), "{json:?}");
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    }

    #[test]
    fn times_are_in_the_zone_of_the_policy_and_name_it() {
        let paper = paper(None);
        assert_eq!(paper.time(At(Timestamp(1_800_000_000))), "2027-01-15 09:00 CET");
        let ages = [30, 90, 7200, 200_000].map(|seconds| paper.age(At(Timestamp(1_800_000_000 - seconds))));
        assert_eq!(ages, ["0 min", "1 min", "2 h", "2 d"]);
    }
}
