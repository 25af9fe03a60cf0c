//! Encoded words of header fields (RFC 2047, RFC 2231 section 5), as they are and as programs break them.
//!
//! Never fails: what is no encoded word stays as it stands. Time is linear but for [`ENCODED_WORDS_MAX`].

use super::charset;
use super::decode;

/// Encoded words looked at in one field. A field with more is hostile and stays undecoded.
const ENCODED_WORDS_MAX: usize = 500;

/// Longest name of a charset, its language included.
const CHARSET_MAX_BYTES: usize = 60;

/// Decodes the encoded words of an unstructured field.
#[must_use]
pub fn unstructured(raw: &str) -> String {
    if !raw.contains("=?") || too_many(raw) {
        return raw.to_owned();
    }
    let mut out = String::with_capacity(raw.len());
    let mut run = Run::default();
    let mut rest = raw;
    // Blanks between two encoded words are no part of the text.
    let mut blanks = "";
    while let Some(at) = rest.find("=?") {
        let (before, word) = rest.split_at_checked(at).unwrap_or((rest, ""));
        let Some(found) = Word::at(word) else {
            run.end(&mut out);
            out.push_str(std::mem::take(&mut blanks));
            let (marks, tail) = word.split_at_checked(2).unwrap_or((word, ""));
            out.push_str(before);
            out.push_str(marks);
            rest = tail;
            continue;
        };
        if !before.trim().is_empty() || !run.open {
            run.end(&mut out);
            out.push_str(std::mem::take(&mut blanks));
            out.push_str(before);
        }
        run.add(&found, &mut out);
        rest = word.get(found.length..).unwrap_or_default();
    }
    run.end(&mut out);
    out.push_str(blanks);
    out.push_str(rest);
    out
}

/// Whether a field has more encoded words than are looked at.
#[must_use]
pub fn too_many(raw: &str) -> bool {
    raw.matches("=?").nth(ENCODED_WORDS_MAX).is_some()
}

/// How long the encoded word is that a text begins with, in bytes; `None` when it begins with none.
#[must_use]
pub fn length(text: &str) -> Option<usize> {
    Word::at(text).map(|word| word.length)
}

/// One encoded word.
struct Word<'a> {
    charset: &'a str,
    base64: bool,
    data: &'a str,
    /// Of all of it, marks included.
    length: usize,
}

impl<'a> Word<'a> {
    /// The word that `text` begins with.
    fn at(text: &'a str) -> Option<Self> {
        let inner = text.strip_prefix("=?")?;
        let head = decode::cut(inner, CHARSET_MAX_BYTES);
        let (charset, _) = head.split_once('?')?;
        if charset.is_empty() || charset.contains(|c: char| c.is_whitespace() || c == '=') {
            return None;
        }
        let coded = inner.get(charset.len() + 1..)?;
        let base64 = match coded.get(..2)? {
            "b?" | "B?" => true,
            "q?" | "Q?" => false,
            _ => return None,
        };
        let data = coded.get(2..)?;
        let begun = text.len() - data.len();
        let (data, marks) = if base64 { base64_data(data)? } else { quoted_data(data)? };
        Some(Self { charset, base64, data, length: begun + data.len() + marks })
    }
}

/// The data of a word in base64, and the length of the mark that ends it.
fn base64_data(data: &str) -> Option<(&str, usize)> {
    let inside = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=' | '-' | '_' | ' ' | '\t');
    let end = data.find(|c: char| !inside(c)).unwrap_or(data.len());
    let rest = data.get(end..)?;
    if rest.starts_with("?=") {
        return Some((data.get(..end)?, 2));
    }
    // Without its end a word reaches to the next blank, or it is none.
    let whole = data.get(..end)?.split([' ', '\t']).next()?;
    let cut_off = rest.is_empty() || rest == "?" || whole.len() < end;
    (cut_off && !whole.is_empty()).then(|| (whole, usize::from(rest == "?" && whole.len() == end)))
}

/// The data of a word in Q, and the length of the mark that ends it. Blanks and question marks may stand in it unencoded.
fn quoted_data(data: &str) -> Option<(&str, usize)> {
    let next_word = data.find("=?").filter(|at| !data.get(..*at).is_some_and(|before| before.ends_with('?')));
    let mut from = 0;
    while let Some(at) = data.get(from..).and_then(|rest| rest.find("?=")).map(|at| at + from) {
        if next_word.is_some_and(|next| next < at && data.get(..next).is_some_and(|b| b.ends_with(char::is_whitespace)))
        {
            break;
        }
        // `?=3F` is a question mark that was left as it is, if the word goes on to another end.
        let tail = data.get(at + 2..).unwrap_or_default();
        let coded = tail.get(..2).is_some_and(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let word_end = tail.find(char::is_whitespace).unwrap_or(tail.len());
        if !(coded && tail.get(..word_end).is_some_and(|word| word.contains("?=") && !word.contains("=?"))) {
            return Some((data.get(..at)?, 2));
        }
        from = at + 2;
    }
    let end = data.find(char::is_whitespace).unwrap_or(data.len());
    let cut_off = data.get(..end)?;
    let bare = cut_off.strip_suffix('?').unwrap_or(cut_off);
    (!bare.is_empty() && !bare.contains("=?")).then_some((bare, cut_off.len() - bare.len()))
}

/// Neighbouring words of one charset: many programs cut a character, or four letters of base64, in two between them.
#[derive(Default)]
struct Run {
    open: bool,
    charset: String,
    octets: Vec<u8>,
    /// Letters of base64 that are still to be decoded.
    letters: String,
}

impl Run {
    fn add(&mut self, word: &Word<'_>, out: &mut String) {
        if self.open && !self.charset.eq_ignore_ascii_case(word.charset) {
            self.end(out);
        }
        self.open = true;
        word.charset.clone_into(&mut self.charset);
        if word.base64 {
            let letters: String = word.data.chars().filter(|c| !c.is_whitespace()).collect();
            // What ends in padding, or is whole by its length, is not continued.
            if self.letters.ends_with('=') || self.letters.len().is_multiple_of(4) {
                self.decode_letters();
            }
            self.letters.push_str(&letters);
        } else {
            self.decode_letters();
            quoted(word.data, &mut self.octets);
        }
    }

    fn decode_letters(&mut self) {
        let letters = std::mem::take(&mut self.letters).replace('-', "+").replace('_', "/");
        self.octets.extend(decode::base64(letters.as_bytes()).0);
    }

    fn end(&mut self, out: &mut String) {
        if std::mem::take(&mut self.open) {
            self.decode_letters();
            out.push_str(&charset::text(&std::mem::take(&mut self.octets), Some(&self.charset)));
        }
    }
}

/// Undoes the Q encoding; what is no code stands for itself.
fn quoted(data: &str, octets: &mut Vec<u8>) {
    let mut rest = data;
    while let Some(c) = rest.chars().next() {
        let hex = rest
            .strip_prefix('=')
            .and_then(|rest| rest.get(..2))
            .filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()));
        if let Some(byte) = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            octets.push(byte);
            rest = rest.get(3..).unwrap_or_default();
            continue;
        }
        match c {
            '_' => octets.push(b' '),
            c => {
                let mut buffer = [0; 4];
                octets.extend(c.encode_utf8(&mut buffer).as_bytes());
            }
        }
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_cut_in_two_between_encoded_words_is_whole() {
        for (raw, expected) in [
            ("=?utf-8?q?gr=C3?= =?UTF-8?Q?=BCn?=", "grün"),
            ("=?utf-8?b?Z3LD?= =?utf-8?b?vG4=?= =?utf-8?b?IQ==?=", "grün!"),
            ("=?utf-8?b?Z3L?= =?utf-8?b?DvG4?=", "grün"),
            ("=?utf-8?b?Z3LD?= =?utf-8?q?=BCn?=", "grün"),
            ("a =?utf-8?q?b?= c =?iso-8859-1?q?=FC?= =?utf-8?q?d?=", "a b c üd"),
            ("=?iso-2022-jp?B?GyRCRnwbKEI=?= =?iso-2022-jp?B?GyRCS1wbKEI=?=", "日本"),
        ] {
            assert_eq!(unstructured(raw), expected, "{raw}");
        }
    }

    #[test]
    fn broken_words_are_read_as_they_were_meant() {
        for (raw, expected) in [
            ("=?utf-8?q?two words?= end", "two words end"),
            ("=?utf-8?Q?what=3F_really?=?=", "what? really?="),
            ("=?utf-8?q?really??=", "really?"),
            ("=?utf-8?q?gr=C3=BCn", "grün"),
            ("=?utf-8?B?Z3LDvG4=", "grün"),
            ("=?utf-8?B?Z3LDvG4?= x", "grün x"),
            ("=?utf-8*de?q?gr=C3=BCn?=", "grün"),
            ("x=?utf-8?q?=C3=BC?=y", "xüy"),
            ("=?utf-8?q?a?==?utf-8?q?b?=", "ab"),
            ("\"=?utf-8?q?a_b?=\"", "\"a b\""),
            ("=?utf-8?q?grün?=", "grün"),
            ("=?no-such?q?gr=FCn?=", "grün"),
            ("=?UTF-8?Q?hello=F0=?=", "hello\u{fffd}="),
            ("=?gb2312?B?xOO6ww==?=", "你好"),
        ] {
            assert_eq!(unstructured(raw), expected, "{raw}");
        }
    }

    #[test]
    fn what_is_no_word_stays() {
        for raw in ["a =? b", "=?x?y?z?=", "=?=?=", "1 =?2", "=??q?a?=", "=?utf-8?q?", "?=", "=?utf-8?b??="] {
            assert_eq!(unstructured(raw), raw.replace("=?utf-8?b??=", ""), "{raw}");
        }
        assert!(unstructured(&"=?utf-8?q?".repeat(6000)).starts_with("=?"));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "(=\\?|\\?=|\\?|=C3|=|utf-8|[qbQB]\\?|[ _a-zé=+/]){0,60}") {
            let read = unstructured(&text);
            proptest::prop_assert!(read.len() <= text.len() * 4 + 8);
        }
    }
}
