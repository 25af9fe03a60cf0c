//! What every format needs first: a text without harmful characters, and its blocks.
//!
//! Never decides how something looks. Never fails: every text has blocks. Work is linear in the
//! text, whose size the limit on received mail bounds.

/// Longest title shown, in characters.
pub(super) const TITLE_CHARS_MAX: usize = 200;

/// A run of lines that belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Block {
    /// Words that may be wrapped anew.
    Paragraph(String),
    /// The items of a list, each as words that may be wrapped anew.
    List(Vec<String>),
    /// Lines that begin with a blank: shown as they are.
    Verbatim(Vec<String>),
}

/// The text without what could deceive a reader or a terminal: controls, bidirectional marks, invisible characters.
/// Line ends become LF, tabs four blanks, and lines lose the blanks at their end.
pub(super) fn clean(text: &str) -> String {
    let kept = text
        .replace("\r\n", "\n")
        .replace(['\r', '\u{2028}', '\u{2029}'], "\n")
        .replace('\t', "    ")
        .chars()
        .filter(|c| *c == '\n' || !is_harmful(*c))
        .collect::<String>();
    kept.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

/// The text in one line of at most `chars_max` characters, cut with an ellipsis.
pub(super) fn one_line(text: &str, chars_max: usize) -> String {
    let line = clean(text).split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= chars_max {
        return line;
    }
    let cut: String = line.chars().take(chars_max.saturating_sub(1)).collect();
    format!("{}…", cut.trim_end())
}

/// The blocks of a text. Blank lines separate them; list items begin with `- `, and blank-led lines below an
/// item belong to it.
pub(super) fn blocks(text: &str) -> Vec<Block> {
    let mut found: Vec<Block> = Vec::new();
    let mut joined = false;
    for line in clean(text).lines() {
        if line.is_empty() {
            joined = false;
            continue;
        }
        let open = if joined { found.last_mut() } else { None };
        match (open, line.strip_prefix("- ")) {
            (Some(Block::List(items)), Some(item)) => items.push(item.trim().to_owned()),
            (Some(Block::List(items)), None) if line.starts_with(' ') => {
                if let Some(last) = items.last_mut() {
                    last.push(' ');
                    last.push_str(line.trim());
                }
            }
            (Some(Block::Verbatim(lines)), None) if line.starts_with(' ') => lines.push(line.to_owned()),
            (Some(Block::Paragraph(words)), None) if !line.starts_with(' ') => {
                words.push(' ');
                words.push_str(line);
            }
            (_, Some(item)) => found.push(Block::List(vec![item.trim().to_owned()])),
            (_, None) if line.starts_with(' ') => found.push(Block::Verbatim(vec![line.to_owned()])),
            (_, None) => found.push(Block::Paragraph(line.to_owned())),
        }
        joined = true;
    }
    found
}

/// Whether a character is invisible, or changes how its neighbours are shown (Unicode UAX #9 and the
/// default-ignorable code points). Marks that letters carry in ordinary writing stay.
fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}')
}
