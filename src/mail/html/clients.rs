//! How mail programs mark the mail they answer in HTML, where it is no `blockquote`: ids, classes, rules.
//!
//! Looks at one start tag at a time, never at text. Knows only what cannot stand around words of the writer: a
//! container in which people answer between the quotes (as Gmail's `gmail_quote`) is not here. What it does not know
//! is left to the words that stand above a quote.

/// How far a quote reaches that a tag begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quote {
    /// To the end of the element.
    Element,
    /// To the end of the mail: the tag only stands above the quote.
    Rest,
}

/// Classes and ids of elements that hold nothing but quoted mail or its attribution. Services that rewrite HTML put
/// `x_` or `ecx` in front.
const ELEMENTS: [&str; 16] = [
    "yahoo_quoted",
    "moz-cite-prefix",
    "moz-forward-container",
    "gmail_attr",
    "ms-outlook-mobile-reference-message",
    "mail-editor-reference-message-container",
    "protonmail_quote",
    "tutanota_quote",
    "zmail_extra",
    "reply-intro",
    "isreplycontent",
    "isforwardcontent",
    "airmail_on",
    "sh-quoted-content",
    "front-blockquote",
    "yahooquotedmessage",
];

/// Classes and ids of elements that stand above a quote that reaches to the end.
const ABOVE: [&str; 5] = ["divrplyfwdmsg", "outlookmessageheader", "stopspelling", "zwchr", "replysplit"];

/// Names of elements that hold a quote.
const NAMES: [&str; 2] = ["quote", "messagereplysection"];

/// The rules that Outlook and Windows Mail draw above a quoted header block.
const RULES: [&str; 3] = [
    "border-top:solid#b5c4df1.0pt",
    "border-top:solid#e1e1e11.0pt",
    "border-top-color:rgb(229,229,229);border-top-width:1px",
];

/// Bytes of a style that are looked at.
const STYLE_MAX_BYTES: usize = 300;

/// The quote that begins with a start tag, if one does.
pub(super) fn quote(name: &str, attributes: &str) -> Option<Quote> {
    if !matches!(name, "div" | "p" | "span" | "hr" | "td" | "table" | "section") || attributes.trim().is_empty() {
        return None;
    }
    let words = [attribute(attributes, "id"), attribute(attributes, "class")];
    for word in words.into_iter().flatten().flat_map(str::split_ascii_whitespace) {
        let word = word.to_ascii_lowercase();
        let word = word.trim_start_matches("x_").trim_start_matches("ecx");
        if ABOVE.contains(&word) {
            return Some(Quote::Rest);
        }
        if ELEMENTS.contains(&word) && name != "hr" {
            return Some(Quote::Element);
        }
    }
    if attribute(attributes, "name").is_some_and(|name| NAMES.iter().any(|known| name.eq_ignore_ascii_case(known))) {
        return Some(Quote::Element);
    }
    let style = attribute(attributes, "style").filter(|style| style.len() <= STYLE_MAX_BYTES)?;
    let style: String = style.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_ascii_lowercase()).collect();
    RULES.iter().any(|rule| style.contains(rule)).then_some(Quote::Rest)
}

/// The value of an attribute, without its quotation marks.
pub(super) fn attribute<'a>(attributes: &'a str, wanted: &str) -> Option<&'a str> {
    let mut rest = attributes;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '/');
        if rest.is_empty() {
            return None;
        }
        let end = rest.find(|c: char| c.is_whitespace() || c == '=').unwrap_or(rest.len());
        let (name, tail) = rest.split_at_checked(end)?;
        let Some(value) = tail.trim_start().strip_prefix('=') else {
            rest = tail;
            continue;
        };
        let value = value.trim_start();
        let (value, tail) = match value.chars().next() {
            Some(quote @ ('"' | '\'')) => value.get(1..)?.split_once(quote).unwrap_or((value.get(1..)?, "")),
            _ => value.split_once(char::is_whitespace).unwrap_or((value, "")),
        };
        if name.eq_ignore_ascii_case(wanted) {
            return Some(value);
        }
        rest = tail;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_found_in_any_spelling() {
        let tag = " ID = divRplyFwdMsg dir='ltr' hidden class=\"a b\"";
        assert_eq!(attribute(tag, "id"), Some("divRplyFwdMsg"));
        assert_eq!(attribute(tag, "dir"), Some("ltr"));
        assert_eq!(attribute(tag, "class"), Some("a b"));
        assert_eq!(attribute(tag, "hidden"), None);
        assert_eq!(attribute(" = =x '", "x"), None);
    }

    #[test]
    fn the_marks_of_mail_programs_are_known_and_other_tags_are_not() {
        for (name, attributes, wanted) in [
            ("div", " id=\"x_divRplyFwdMsg\"", Some(Quote::Rest)),
            ("hr", " id=\"stopSpelling\"", Some(Quote::Rest)),
            ("div", " class=\"ecxOutlookMessageHeader\"", Some(Quote::Rest)),
            ("div", " class=\"a yahoo_quoted\"", Some(Quote::Element)),
            ("div", " name='quote' style='margin:10px'", Some(Quote::Element)),
            ("div", " style='border:none;border-top:solid #B5C4DF 1.0pt;padding:3.0pt 0cm'", Some(Quote::Rest)),
            ("div", " class=gmail_quote", None),
            ("div", " style='border-top:1px solid red'", None),
            ("b", " class=yahoo_quoted", None),
        ] {
            assert_eq!(quote(name, attributes), wanted, "{name}{attributes}");
        }
    }
}
