//! Text of `format=flowed` (RFC 3676) with its lines made whole again.
//!
//! Never joins across quote depths, a signature separator or an OpenPGP armor, whose lines mean what they are. Never fails.

/// The text with flowed lines joined. `delete_space`: the blank before a soft line end is no part of the text (DelSp).
#[must_use]
pub fn unflowed(text: &str, delete_space: bool) -> String {
    if text.contains("-----BEGIN PGP ") {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    // The quote depth of the line that is still open, when it ended softly.
    let mut open: Option<usize> = None;
    for line in text.split('\n') {
        let depth = line.len() - line.trim_start_matches('>').len();
        let marked = line.get(depth..).unwrap_or_default();
        let content = marked.strip_prefix(' ').unwrap_or(marked);
        let separator = content == "-- ";
        let soft = content.ends_with(' ') && !separator;
        if open != Some(depth) || separator {
            if open.is_some() {
                out.push('\n');
            }
            out.push_str(line.get(..depth).unwrap_or_default());
            if depth > 0 {
                out.push(' ');
            }
        }
        let whole = if soft && delete_space { content.get(..content.len() - 1).unwrap_or_default() } else { content };
        out.push_str(whole);
        open = soft.then_some(depth);
        if !soft {
            out.push('\n');
        }
    }
    // What stands behind the last line end is no line.
    if open.is_none() {
        out.pop();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn soft_lines_become_one_and_hard_ones_stay() {
        assert_eq!(unflowed("one \ntwo\nthree\n", false), "one two\nthree\n");
        assert_eq!(unflowed("http://a.example/lo \nng\nword  \nnext", true), "http://a.example/long\nword next");
        assert_eq!(unflowed(" >no quote\n From here", false), ">no quote\nFrom here");
    }

    #[test]
    fn quotes_keep_their_marks_and_signatures_their_line() {
        assert_eq!(unflowed("> a \n> b\n>> c \nd\n-- \nAna", false), "> a b\n>> c \nd\n-- \nAna");
        assert_eq!(unflowed("> a \n-- \nAna \n", false), "> a \n-- \nAna ");
    }

    #[test]
    fn an_armor_is_not_touched() {
        let armor = "-----BEGIN PGP MESSAGE-----\nComment: a \n\nx\n";
        assert_eq!(unflowed(armor, true), armor);
    }
}
