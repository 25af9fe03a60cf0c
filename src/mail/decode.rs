//! Transfer encodings of MIME (RFC 2045 section 6), and the way to the other readers of fields and charsets.
//!
//! Never fails: what cannot be read is left out or given back as it stands, and the caller is told. Linear in its input.

pub use super::addresses::addresses;
pub use super::charset::text;
pub use super::parameters::{MediaType, media_type};
pub use super::words::unstructured;

/// How a body is encoded for transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transfer {
    /// Not at all: `7bit`, `8bit`, `binary`, and every name that is not known.
    Identity,
    /// `base64`.
    Base64,
    /// `quoted-printable`.
    QuotedPrintable,
    /// `x-uuencode`, from before MIME.
    Uuencode,
}

/// Reads a Content-Transfer-Encoding, also misspelt, quoted, or with something behind it.
#[must_use]
pub fn transfer(raw: &str) -> Transfer {
    let bare = raw.trim().trim_start_matches(['"', '\'', '=']);
    let end = bare.find(|c: char| ";(,\"'".contains(c) || c.is_whitespace()).unwrap_or(bare.len());
    let name: String = cut(bare, end).chars().filter(char::is_ascii_alphanumeric).collect();
    let name = name.to_ascii_lowercase();
    let name = name.strip_prefix('x').filter(|rest| rest.starts_with("uu")).unwrap_or(&name);
    match name {
        "base64" | "b64" | "baes64" | "bas64" | "base64encoded" => Transfer::Base64,
        "qp" => Transfer::QuotedPrintable,
        "uuencode" | "uue" | "uu" => Transfer::Uuencode,
        name if name.starts_with("quoted") && name.len() > 8 => Transfer::QuotedPrintable,
        _ => Transfer::Identity,
    }
}

/// Undoes base64 (RFC 2045 section 6.8). `false` beside it: something else stood between and was left out.
#[must_use]
pub fn base64(bytes: &[u8]) -> (Vec<u8>, bool) {
    let mut out = Vec::with_capacity(bytes.len() / 4 * 3 + 3);
    let (mut quantum, mut held, mut whole) = (0_u32, 0_u8, true);
    let mut padded = false;
    for (at, byte) in bytes.iter().enumerate() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' => {
                padded = true;
                end_quantum(&mut out, quantum, std::mem::take(&mut held));
                quantum = 0;
                continue;
            }
            b'\n' => {
                // Behind the end stands at times the footer of a list, as plain text.
                if padded && held == 0 && !is_base64_line(bytes.get(at + 1..).unwrap_or_default()) {
                    return (out, false);
                }
                continue;
            }
            b' ' | b'\t' | b'\r' => continue,
            _ => {
                whole = false;
                continue;
            }
        };
        quantum = quantum << 6 | u32::from(value);
        held += 1;
        if held == 4 {
            let [_, a, b, c] = quantum.to_be_bytes();
            out.extend([a, b, c]);
            (quantum, held) = (0, 0);
        }
    }
    end_quantum(&mut out, quantum, held);
    (out, whole)
}

/// The octets of a quantum that is not full.
fn end_quantum(out: &mut Vec<u8>, quantum: u32, held: u8) {
    let [_, a, b, _] = (quantum << (6 * (4 - u32::from(held.min(4))))).to_be_bytes();
    match held {
        2 => out.push(a),
        3 => out.extend([a, b]),
        _ => {}
    }
}

/// Whether the first line of `rest` can be base64, or is blank.
fn is_base64_line(rest: &[u8]) -> bool {
    let line = rest.split(|byte| *byte == b'\n').next().unwrap_or_default().trim_ascii();
    line.len().is_multiple_of(4) && line.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'='))
}

/// Undoes quoted-printable (RFC 2045 section 6.7). `false` beside it: some of it was not so encoded and stands as it was.
#[must_use]
pub fn quoted_printable(bytes: &[u8]) -> (Vec<u8>, bool) {
    let mut out = Vec::with_capacity(bytes.len());
    let mut whole = true;
    let mut rest = bytes;
    while !rest.is_empty() {
        let end = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |end| end + 1);
        let (line, tail) = rest.split_at_checked(end).unwrap_or((rest, &[]));
        rest = tail;
        let bare = line.strip_suffix(b"\n").unwrap_or(line);
        let bare = bare.strip_suffix(b"\r").unwrap_or(bare);
        let line_end = line.get(bare.len()..).unwrap_or_default();
        // Hosts add blanks at the ends of lines, which are no part of the text.
        let written = bare.trim_ascii_end();
        match written.strip_suffix(b"=") {
            Some(soft) => whole &= quoted_line(soft, &mut out),
            None => {
                whole &= quoted_line(if line_end.is_empty() { bare } else { written }, &mut out);
                out.extend(line_end);
            }
        }
    }
    (out, whole)
}

/// Undoes the codes of one line.
fn quoted_line(line: &[u8], out: &mut Vec<u8>) -> bool {
    let mut whole = true;
    let mut rest = line;
    while let Some((byte, tail)) = rest.split_first() {
        rest = tail;
        if *byte == b'=' {
            let hex = tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok()).filter(|hex| !hex.starts_with('+'));
            if let Some(code) = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
                out.push(code);
                rest = tail.get(2..).unwrap_or_default();
                continue;
            }
            whole = false;
        }
        out.push(*byte);
    }
    whole
}

/// Takes the tags out of HTML, without layout.
#[must_use]
pub fn html_without_tags(html: &str) -> String {
    mail_parser::decoders::html::html_to_text(html)
}

/// The longest beginning of `text` of at most `most` bytes that ends between two characters.
#[must_use]
pub fn cut(text: &str, most: usize) -> &str {
    text.get(..text.floor_char_boundary(most)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_known_however_they_are_written() {
        for raw in ["base64", " BASE64 ", "\"base64\"", "base64; charset=utf-8", "Base-64", "base64 (x)"] {
            assert_eq!(transfer(raw), Transfer::Base64, "{raw}");
        }
        for raw in ["quoted-printable", "Quoted_Printable;", "quoted-printeable", "quotedprintable"] {
            assert_eq!(transfer(raw), Transfer::QuotedPrintable, "{raw}");
        }
        for raw in ["", "7bit", "7-bit", "8bit", "binary", "quoted", "none", "x-base65"] {
            assert_eq!(transfer(raw), Transfer::Identity, "{raw}");
        }
        assert_eq!(transfer("x-uuencode"), Transfer::Uuencode);
    }

    #[test]
    fn broken_base64_gives_what_can_be_read() {
        assert_eq!(base64(b"aGVs\r\nbG8="), (b"hello".to_vec(), true));
        assert_eq!(base64(b"aGVs*bG8="), (b"hello".to_vec(), false));
        assert_eq!(base64(b"aGVsbG8"), (b"hello".to_vec(), true));
        assert_eq!(base64(b"aGVsbG8=\naGVsbG8=\n"), (b"hellohello".to_vec(), true));
        assert_eq!(base64(b"aGVsbG8=\n\n_______\nOur list is great\n"), (b"hello".to_vec(), false));
        assert_eq!(base64(b"===="), (Vec::new(), true));
    }

    #[test]
    fn broken_quoted_printable_gives_what_can_be_read() {
        assert_eq!(quoted_printable(b"a=3Db=\r\nc"), (b"a=bc".to_vec(), true));
        assert_eq!(quoted_printable(b"a=3d  \nb=  \nc="), (b"a=\nbc".to_vec(), true));
        assert_eq!(quoted_printable(b"a=ZZ=3D"), (b"a=ZZ=".to_vec(), false));
        assert_eq!(quoted_printable(b"gr\xfcn=\n"), (b"gr\xfcn".to_vec(), true));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
            proptest::prop_assert!(quoted_printable(&bytes).0.len() <= bytes.len());
            proptest::prop_assert!(base64(&bytes).0.len() <= bytes.len());
        }
    }
}
