//! Text from strangers made harmless to show: subjects, names, file names, bodies.
//!
//! Never judges; it only leaves characters out. Control characters, and in one-line fields those that
//! reorder or hide text, do not pass (a name must look like what it is).

/// Characters of a subject line, as RFC 5322 section 2.1.1 bounds a line.
pub const LINE_MAX_CHARS: usize = 998;

/// Characters of a display name.
pub const NAME_MAX_CHARS: usize = 200;

/// Characters of an attachment's name.
const FILE_NAME_MAX_CHARS: usize = 120;

/// One line: white space collapsed; controls, direction marks and invisible characters left out.
#[must_use]
pub fn one_line(text: &str, most_chars: usize) -> String {
    let mut line = String::new();
    let mut blank = false;
    let mut count = 0;
    for c in text.chars() {
        if c.is_whitespace() {
            blank = !line.is_empty();
            continue;
        }
        if c.is_control() || is_hidden(c) {
            continue;
        }
        if count + usize::from(blank) + 1 > most_chars {
            break;
        }
        if std::mem::take(&mut blank) {
            line.push(' ');
            count += 1;
        }
        line.push(c);
        count += 1;
    }
    line
}

/// The last component of a file name, of letters that mean nothing to a path, shell or terminal; `None` when nothing is left.
#[must_use]
pub fn file_name(name: &str) -> Option<String> {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let plain: String = one_line(last, FILE_NAME_MAX_CHARS)
        .chars()
        .map(|c| if "<>:\"|?*;&$`'".contains(c) { '_' } else { c })
        .collect();
    let plain = plain.trim_start_matches(['.', '-', ' ']).trim_end_matches(['.', ' ']);
    (!plain.is_empty()).then(|| plain.to_owned())
}

/// A body: line ends become LF; control characters other than LF and TAB are left out.
///
/// Direction marks stay: a report about them must be readable as it was written.
#[must_use]
pub fn body(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut after_cr = false;
    for c in text.chars() {
        match c {
            '\r' => clean.push('\n'),
            '\n' if after_cr => {}
            '\n' | '\t' => clean.push(c),
            c if c.is_control() || c == '\u{feff}' => {}
            c => clean.push(c),
        }
        after_cr = c == '\r';
    }
    clean
}

/// Characters that show nothing or change the order of others (Unicode Cf, fillers, tags, line separators).
#[must_use]
pub fn is_hidden(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_can_neither_hide_nor_reorder_nor_colour_text() {
        assert_eq!(one_line("a\r\nBcc: b\u{202e}c\u{200b}d\u{1b}[31m\0", 99), "a Bcc: bcd[31m");
        assert_eq!(one_line("  a \t b  ", 99), "a b");
        assert_eq!(one_line("äöü äöü", 5), "äöü ä");
    }

    #[test]
    fn a_file_name_is_never_a_path_or_an_option() {
        assert_eq!(file_name("../../etc/passwd").unwrap(), "passwd");
        assert_eq!(file_name("C:\\x\\poc.py").unwrap(), "poc.py");
        assert_eq!(file_name("-rf $(id).txt").unwrap(), "rf _(id).txt");
        assert_eq!(file_name("...").as_deref(), None);
        assert_eq!(file_name("a\u{202e}fdp.exe").unwrap(), "afdp.exe");
        assert!(file_name(&"x".repeat(5000)).unwrap().len() <= FILE_NAME_MAX_CHARS);
    }

    #[test]
    fn a_body_keeps_its_lines_and_loses_its_escapes() {
        assert_eq!(body("a\r\nb\rc\n\td\u{1b}[2J\0"), "a\nb\nc\n\td[2J");
    }
}
