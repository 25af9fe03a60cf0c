//! Address fields (RFC 5322 section 3.4, and the old and broken forms of section 4.4), entry by entry.
//!
//! Never checks an address, never decides which of two readings is true: that is left to [`super::envelope`]. Never fails;
//! linear in the field.

use super::words;

/// One entry of an address header before it is checked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RawAddress {
    /// Display name or comment, decoded.
    pub name: Option<String>,
    /// What stands where the address belongs; `None` when there is nothing but a name.
    pub address: Option<String>,
}

/// The entries of an address header, groups opened, at most `most` of them.
#[must_use]
pub fn addresses(raw: &str, most: usize) -> Vec<RawAddress> {
    let decoded = !words::too_many(raw);
    let mut reader = Reader { decoded, most, quotes: true, comments: true, ..Reader::default() };
    reader.read(raw);
    if reader.quoted || reader.depth > 0 {
        // A quote or comment that never ends is none: the marks stand for themselves.
        let (quotes, comments) = (!reader.quoted, reader.depth == 0);
        reader = Reader { decoded, most, quotes, comments, ..Reader::default() };
        reader.read(raw);
        if reader.quoted || reader.depth > 0 {
            reader = Reader { decoded, most, ..Reader::default() };
            reader.read(raw);
        }
    }
    reader.end_entry();
    reader.found
}

#[derive(Default)]
struct Reader {
    decoded: bool,
    most: usize,
    /// Whether quote marks and brackets mean anything.
    quotes: bool,
    comments: bool,
    quoted: bool,
    depth: usize,
    /// Within angle brackets.
    angle: bool,
    /// Outside of angle brackets: as it stands, quotes kept.
    phrase: String,
    /// The same without quote marks and escapes.
    name: String,
    address: Option<String>,
    comment: String,
    /// The entries that ended.
    found: Vec<RawAddress>,
}

impl Reader {
    fn read(&mut self, raw: &str) {
        let mut rest = raw;
        let mut escaped = false;
        while let Some(c) = rest.chars().next() {
            if self.found.len() >= self.most {
                return;
            }
            // Commas and brackets within an encoded word belong to it.
            let word = if c == '=' && !self.angle && self.decoded { words::length(rest) } else { None };
            if let Some(word) = word.and_then(|length| rest.get(..length)) {
                self.text(word);
                rest = rest.get(word.len()..).unwrap_or_default();
                continue;
            }
            rest = rest.get(c.len_utf8()..).unwrap_or_default();
            if std::mem::take(&mut escaped) {
                self.character(c);
                continue;
            }
            match c {
                '\\' if self.quoted || self.depth > 0 => {
                    escaped = true;
                    if self.depth == 0 {
                        self.phrase_only(c);
                    }
                }
                '"' if self.quotes && self.depth == 0 => {
                    self.quoted = !self.quoted;
                    self.phrase_only(c);
                }
                _ if self.quoted => self.character(c),
                '(' if self.comments => {
                    self.depth += 1;
                    if self.depth > 1 {
                        self.comment.push(c);
                    } else if !self.comment.is_empty() {
                        self.comment.push(' ');
                    }
                }
                ')' if self.depth > 0 => {
                    self.depth -= 1;
                    if self.depth > 0 {
                        self.comment.push(c);
                    }
                }
                _ if self.depth > 0 => self.comment.push(c),
                c => self.structural(c, rest),
            }
        }
    }

    fn structural(&mut self, c: char, rest: &str) {
        match c {
            '<' if !self.angle => {
                self.angle = true;
                // Of two addresses in brackets the last counts, as most programs have it.
                if self.address.as_deref().is_none_or(|address| !address.contains('@')) {
                    self.address = Some(String::new());
                } else {
                    self.end_entry();
                    self.angle = true;
                    self.address = Some(String::new());
                }
            }
            '>' if self.angle => self.angle = false,
            // A route (RFC 5322 section 4.4) has commas of its own.
            ',' if self.angle && self.address.as_deref().is_some_and(|a| a.trim_start().starts_with('@')) => {}
            ',' | ';' if self.angle && !rest.contains('>') => {
                self.angle = false;
                self.end_entry();
            }
            ',' | ';' if !self.angle => self.end_entry(),
            ':' if !self.angle && self.address.is_none() && !self.phrase.contains('@') => {
                // The name of a group.
                self.phrase.clear();
                self.name.clear();
                self.comment.clear();
            }
            ':' if self.angle => self.address = Some(String::new()),
            c => self.character(c),
        }
    }

    fn character(&mut self, c: char) {
        if self.depth > 0 {
            self.comment.push(c);
        } else if self.angle {
            self.address.get_or_insert_default().push(c);
        } else {
            self.phrase.push(c);
            self.name.push(c);
        }
    }

    /// A mark that belongs to an address but not to a name.
    fn phrase_only(&mut self, c: char) {
        if self.angle {
            self.address.get_or_insert_default().push(c);
        } else {
            self.phrase.push(c);
        }
    }

    fn text(&mut self, word: &str) {
        if self.depth > 0 {
            self.comment.push_str(word);
        } else {
            self.phrase.push_str(word);
            self.name.push_str(word);
        }
    }

    fn end_entry(&mut self) {
        let (phrase, name) = (std::mem::take(&mut self.phrase), std::mem::take(&mut self.name));
        let (comment, address) = (std::mem::take(&mut self.comment), self.address.take());
        self.angle = false;
        if self.found.len() >= self.most {
            return;
        }
        let mut entry = RawAddress::default();
        let mut shown = name;
        match address.map(|address| without_blanks(&address)) {
            Some(address) if !address.is_empty() => entry.address = Some(address),
            empty => {
                let bare = bare_address(&phrase);
                if let Some((address, around)) = bare.filter(|_| empty.is_none() || phrase.contains('@')) {
                    (entry.address, shown) = (Some(address), around);
                } else if empty.is_some() {
                    entry.address = Some(String::new());
                }
            }
        }
        if entry.address.is_none() && shown.trim().is_empty() {
            return;
        }
        let decode = |text: &str| if self.decoded { words::unstructured(text) } else { text.to_owned() };
        let said = [shown.trim(), comment.trim()].into_iter().find(|text| !text.is_empty());
        entry.name = said.map(decode);
        self.found.push(entry);
    }
}

/// The address in a text without angle brackets, and what stands around it. Blanks around dots and the `@` belong to it.
fn bare_address(phrase: &str) -> Option<(String, String)> {
    let phrase = phrase.trim().trim_end_matches('>').trim();
    if !phrase.contains('@') {
        return None;
    }
    if phrase.starts_with('"') {
        // A quoted local part, or a quoted name before a bare address.
        let end = phrase.get(1..)?.rfind('"')? + 2;
        let (quoted, rest) = phrase.split_at_checked(end)?;
        if rest.trim_start().starts_with('@') {
            return Some((format!("{quoted}{}", without_blanks(rest)), String::new()));
        }
    }
    let words: Vec<&str> = phrase.split_whitespace().collect();
    let dotted = |word: &&str| word.starts_with(['@', '.']) || word.ends_with(['@', '.']);
    if words.iter().any(dotted) && words.iter().filter(|word| word.contains('@')).count() == 1 {
        return Some((words.concat(), String::new()));
    }
    let address = words.iter().find(|word| word.contains('@'))?;
    let around: Vec<&str> = words.iter().copied().filter(|word| !word.contains('@')).collect();
    Some(((*address).trim_matches('"').to_owned(), around.join(" ")))
}

/// An address without the blanks that may stand around its parts; those in a quoted local part stay.
fn without_blanks(address: &str) -> String {
    let mut quoted = false;
    address
        .chars()
        .filter(|c| {
            quoted ^= *c == '"';
            quoted || !c.is_whitespace()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(raw: &str) -> Vec<(String, String)> {
        let entry = |e: RawAddress| (e.name.unwrap_or_default(), e.address.unwrap_or_default());
        addresses(raw, 100).into_iter().map(entry).collect()
    }

    fn both(raw: &str, expected: &[(&str, &str)]) {
        let expected: Vec<_> = expected.iter().map(|(n, a)| ((*n).to_owned(), (*a).to_owned())).collect();
        assert_eq!(read(raw), expected, "{raw}");
    }

    #[test]
    fn the_forms_of_the_standard_are_read() {
        both("Ana <a@b.example>, c@d.example", &[("Ana", "a@b.example"), ("", "c@d.example")]);
        both("\"M, Ana \\\"x\\\"\" <a@b.example>", &[("M, Ana \"x\"", "a@b.example")]);
        both("a@b.example (Ana (M))", &[("Ana (M)", "a@b.example")]);
        both("g: a@b.example, Bo <c@d.example>;", &[("", "a@b.example"), ("Bo", "c@d.example")]);
        both("undisclosed-recipients:;", &[]);
        both("<@relay.example,@x.example:a@b.example>", &[("", "a@b.example")]);
        both("Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>", &[("Pete", "pete@silly.test")]);
        both(
            "A Group(Some people)\t:Chris <c@(Chris's host.)public.example>,\tjoe@example.org; (the end)",
            &[("Chris", "c@public.example"), ("", "joe@example.org")],
        );
        both("\"a b\"@c.example", &[("", "\"a b\"@c.example")]);
        both("=?utf-8?q?M=C3=BC,_Ana?= <a@b.example>", &[("Mü, Ana", "a@b.example")]);
        both("=?utf-8?q?M, Ana?= <a@b.example>", &[("M, Ana", "a@b.example")]);
        both("a @ b . example", &[("", "a@b.example")]);
    }

    #[test]
    fn broken_forms_are_read_as_far_as_they_say_something() {
        both("\"Ana <a@b.example>", &[("\"Ana", "a@b.example")]);
        both("Ana (x <a@b.example>", &[("Ana (x", "a@b.example")]);
        both("a@b.example; c@d.example;", &[("", "a@b.example"), ("", "c@d.example")]);
        both("Ana a@b.example", &[("Ana", "a@b.example")]);
        both("a@b.example c@d.example", &[("", "a@b.example")]);
        both("Ana <a@b.example", &[("Ana", "a@b.example")]);
        both("\"x y\"@b.example>", &[("", "\"x y\"@b.example")]);
        both("\"Ana\" <>, \"LTD\" <c@d.example>", &[("Ana", ""), ("LTD", "c@d.example")]);
        both("MAILER-DAEMON", &[("MAILER-DAEMON", "")]);
        both("mailto:a@b.example", &[("", "a@b.example")]);
        both("c@d.example <a@b.example>", &[("c@d.example", "a@b.example")]);
        both("<a@b.example> <c@d.example>", &[("", "a@b.example"), ("", "c@d.example")]);
        both(", ,", &[]);
    }

    proptest::proptest! {
        #[test]
        fn any_field_is_read_without_panic_and_within_the_limit(text in "([<>@,;:\"()\\\\ .]|a|b.example|=\\?utf-8\\?q\\?x\\?=|é|.){0,60}") {
            proptest::prop_assert!(addresses(&text, 7).len() <= 7);
        }
    }
}
