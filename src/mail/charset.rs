//! Octets to text by the name of a charset, however it is written, wrong or missing.
//!
//! Never refuses: what no rule can read becomes Windows-1252, in which every octet is a character; never guesses a charset
//! from the frequency of letters.

use mail_parser::decoders::charsets::map::charset_decoder;

/// Names that say nothing about what octets above 127 mean, letters and figures only.
const VAGUE: [&str; 18] = [
    "",
    "usascii",
    "ascii",
    "ansix341968",
    "iso646us",
    "unknown8bit",
    "unknown",
    "8bit",
    "7bit",
    "binary",
    "default",
    "none",
    "auto",
    "undefined",
    "asciius",
    "charset",
    "plain",
    "english",
];

/// Names that programs invent, by letters and figures only, and what they mean.
const INVENTED: [(&str, &str); 34] = [
    ("ksc5601", "ks_c_5601-1987"),
    ("ksc56011987", "ks_c_5601-1987"),
    ("cp949", "windows-949"),
    ("ms949", "windows-949"),
    ("uhc", "windows-949"),
    ("euckr", "euc-kr"),
    ("cp936", "gbk"),
    ("gb231280", "gbk"),
    ("gb2312", "gb18030"),
    ("gb18030", "gb18030"),
    ("euccn", "gbk"),
    ("cp950", "big5"),
    ("big5eten", "big5"),
    ("big5hkscs", "big5"),
    ("cp932", "shift_jis"),
    ("windows932", "shift_jis"),
    ("shiftjis", "shift_jis"),
    ("sjiswin", "shift_jis"),
    ("eucjp", "euc-jp"),
    ("iso2022jp1", "iso-2022-jp"),
    ("iso2022jp2", "iso-2022-jp"),
    ("iso2022jpms", "iso-2022-jp"),
    ("cp50220", "iso-2022-jp"),
    ("cp50221", "iso-2022-jp"),
    ("unicode11utf7", "utf-7"),
    ("utf7", "utf-7"),
    ("utf16", "utf-16"),
    ("cp850", "ibm850"),
    ("cp437", "ibm850"),
    ("cp866", "ibm866"),
    ("koi8r", "koi8-r"),
    ("koi8u", "koi8-u"),
    ("iso88598i", "iso-8859-8-i"),
    ("ansi", "windows-1252"),
];

/// Text in a charset (RFC 2978 name). Without one, or with one that means nothing, UTF-8 is tried first and Windows-1252 last.
#[must_use]
pub fn text(bytes: &[u8], charset: Option<&str>) -> String {
    let name = plain_name(charset.unwrap_or_default());
    if is_utf8_name(&name) {
        return utf8(bytes);
    }
    if VAGUE.contains(&name.as_str()) {
        return unnamed(bytes);
    }
    let seven_bit = bytes.is_ascii();
    // What is plain ASCII is no UTF-16, whatever it says, and UTF-7 has no other octets.
    let contradicted = match name.as_str() {
        "utf16" | "utf16le" | "utf16be" | "ucs2" | "iso10646ucs2" | "unicode" => seven_bit && !bytes.contains(&0),
        "utf7" | "unicode11utf7" => !seven_bit,
        "replacement" | "xuserdefined" => true,
        _ => false,
    };
    if contradicted {
        return unnamed(bytes);
    }
    let bytes = if name.starts_with("iso2022jp") { &without_empty_runs(bytes) } else { bytes };
    decoder(charset.unwrap_or_default(), &name).map_or_else(|| unnamed(bytes), |decode| decode(bytes))
}

/// Text of a header field that is not encoded: UTF-8 if it can be that, else `charset`, which the body declares.
#[must_use]
pub fn header(bytes: &[u8], charset: Option<&str>) -> String {
    std::str::from_utf8(bytes)
        .map_or_else(|_| text(bytes, charset.filter(|name| !is_utf8_name(&plain_name(name)))), str::to_owned)
}

/// Whether the name is one of UTF-8, of which one word of an encoded field may end within a character.
fn is_utf8_name(name: &str) -> bool {
    matches!(
        name,
        "utf8"
            | "unicode11utf8"
            | "utf8mb4"
            | "unicode20utf8"
            | "xutf8"
            | "cputf8"
            | "65001"
            | "cp65001"
            | "ut8"
            | "uft8"
    )
}

/// Letters and figures of a name in lower case; a language behind `*` (RFC 2231 section 5) is left out.
fn plain_name(charset: &str) -> String {
    let name = charset.split('*').next().unwrap_or_default();
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).take(40).collect();
    let lower = plain.to_ascii_lowercase();
    match lower.strip_prefix("xunknown") {
        Some(_) => String::new(),
        None => lower,
    }
}

fn decoder(charset: &str, plain: &str) -> Option<fn(&[u8]) -> String> {
    let named = |name: &str| charset_decoder(name.as_bytes());
    let invented = |plain: &str| INVENTED.iter().find(|(known, _)| *known == plain).and_then(|(_, name)| named(name));
    let written = charset
        .split('*')
        .next()
        .unwrap_or_default()
        .trim_matches(|c: char| !c.is_ascii_alphanumeric())
        .to_ascii_lowercase();
    let page = plain.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    let family = plain.strip_suffix(page).unwrap_or_default();
    invented(plain)
        .or_else(|| invented(plain.trim_start_matches('x')))
        .or_else(|| named(&written))
        .or_else(|| named(written.trim_start_matches("x-")))
        .or_else(|| match (family, page.len()) {
            ("cp" | "windows" | "win" | "mswindows" | "ms" | "xcp" | "ansi", 3..=4) => {
                invented(&format!("cp{page}")).or_else(|| named(&format!("windows-{page}")))
            }
            ("iso" | "xiso" | "is", 5..=6) => {
                page.strip_prefix("8859").and_then(|part| named(&format!("iso-8859-{part}")))
            }
            ("latin" | "isolatin" | "l", 1..=2) => named(&format!("latin{page}")),
            _ => None,
        })
}

/// UTF-8, where each wrong octet becomes U+FFFD; where nothing is UTF-8 but the letters of ASCII, Windows-1252.
fn utf8(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.trim_start_matches('\u{feff}').to_owned(),
        Err(_) => String::from_utf8_lossy(bytes).into_owned(),
    }
}

fn unnamed(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        // Japanese mail of old often says nothing, and shows itself by its escapes.
        Ok(text) if contains(bytes, b"\x1b$B") || contains(bytes, b"\x1b$@") => {
            charset_decoder(b"iso-2022-jp").map_or_else(|| text.to_owned(), |decode| decode(bytes))
        }
        Ok(text) => text.trim_start_matches('\u{feff}').to_owned(),
        Err(_) if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") => {
            charset_decoder(b"utf-16").map_or_else(|| utf8(bytes), |decode| decode(bytes))
        }
        Err(_) => charset_decoder(b"windows-1252").map_or_else(|| utf8(bytes), |decode| decode(bytes)),
    }
}

/// ISO-2022-JP without escapes to ASCII that another escape follows at once, as stand between two encoded words: the
/// decoder has them for an error.
fn without_empty_runs(bytes: &[u8]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((byte, tail)) = rest.split_first() {
        rest = if rest.starts_with(b"\x1b(B\x1b$") || rest.starts_with(b"\x1b(J\x1b$") {
            rest.get(3..).unwrap_or_default()
        } else {
            kept.push(*byte);
            tail
        };
    }
    kept
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.contains(&0x1b) && bytes.windows(wanted.len()).any(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_however_they_are_written() {
        for (name, bytes, expected) in [
            ("utf8", "grün".as_bytes(), "grün"),
            ("\"UTF-8\"", "grün".as_bytes(), "grün"),
            ("unicode-1-1-utf-7", b"gr+APw-n", "grün"),
            ("cp1252", b"\x80", "€"),
            ("windows1251", b"\xcf\xf0\xe8", "При"),
            ("win-1251", b"\xcf\xf0\xe8", "При"),
            ("iso8859-8-i", b"\xf9", "ש"),
            ("ISO_8859-8-I", b"\xf9", "ש"),
            ("iso-8859-1*en", b"\xfc", "ü"),
            ("iso88592", b"\xb9", "š"),
            ("ks_c_5601", b"\xc7\xd1", "한"),
            ("cp949", b"\xc7\xd1", "한"),
            ("GB2312", b"\x96\x5d\x81\x30\x81\x30", "朷\u{80}"),
            ("x-sjis", b"\x93\xfa", "日"),
            ("Shift-JIS", b"\x93\xfa", "日"),
            ("utf-16le", b"a\0\xac\x20", "a€"),
            ("koi8r", b"\xd0\xd2\xc9", "при"),
        ] {
            assert_eq!(text(bytes, Some(name)), expected, "{name}");
        }
    }

    #[test]
    fn a_name_that_cannot_be_true_is_not_believed() {
        for name in ["", "us-ascii", "x-unknown", "no-such-thing", "utf-7", "7bit", "replacement"] {
            assert_eq!(text("grün".as_bytes(), Some(name)), "grün", "{name}");
            assert_eq!(text(b"gr\xfcn", Some(name)), "grün", "{name}");
        }
        assert_eq!(text(b"plain text", Some("utf-16")), "plain text");
        assert_eq!(text(b"\x1b$BF|\x1b(B!", Some("us-ascii")), "日!");
        assert_eq!(text(b"\xff\xfea\0", None), "a");
        assert!(text(b"a\xff", Some("utf-8")).starts_with('a'));
    }

    #[test]
    fn a_raw_header_is_utf_8_or_what_its_body_says() {
        assert_eq!(header("日".as_bytes(), Some("shift_jis")), "日");
        assert_eq!(header(b"\x93\xfa", Some("shift_jis")), "日");
        assert_eq!(header(b"gr\xfcn", Some("utf-8")), "grün");
        assert_eq!(header(b"gr\xfcn", None), "grün");
    }
}
