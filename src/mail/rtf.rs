//! Rich text of Exchange: its compression (MS-OXRTFCP) undone, and its text taken out, roughly.
//!
//! Never renders, never follows an object or link; formatting is lost. Never fails: what is broken ends the text.

use super::decode;

/// Bytes of rich text after decompression that are looked at.
const RTF_MAX_BYTES: usize = 4 * 1024 * 1024;

/// Groups within groups that are kept apart; deeper text is left out.
const DEPTH_MAX: usize = 200;

/// What the dictionary of the compression holds at the beginning (MS-OXRTFCP section 2.1.2.1).
const DICTIONARY: &[u8; 207] = b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \
\\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx";

/// Size of that dictionary.
const WINDOW: usize = 4096;

/// Groups whose content is no text for a reader.
const SKIPPED: [&str; 14] = [
    "fonttbl",
    "colortbl",
    "stylesheet",
    "info",
    "pict",
    "object",
    "objdata",
    "header",
    "footer",
    "listtable",
    "listoverridetable",
    "themedata",
    "datastore",
    "xmlnstbl",
];

/// The rich text in a compressed property; `None` when it is none.
#[must_use]
pub fn decompress(bytes: &[u8]) -> Option<Vec<u8>> {
    let kind = bytes.get(8..12)?;
    let body = bytes.get(16..)?;
    let size = usize::try_from(u32::from_le_bytes(bytes.get(4..8)?.try_into().ok()?)).ok()?;
    match kind {
        b"MELA" => Some(body.get(..size.min(body.len()).min(RTF_MAX_BYTES))?.to_vec()),
        b"LZFu" => Some(lzfu(body, size.min(RTF_MAX_BYTES))),
        _ => None,
    }
}

fn lzfu(body: &[u8], most: usize) -> Vec<u8> {
    let mut window = [0_u8; WINDOW];
    for (place, byte) in window.iter_mut().zip(DICTIONARY) {
        *place = *byte;
    }
    let mut write = DICTIONARY.len();
    let mut out = Vec::new();
    let mut put = |byte: u8, window: &mut [u8; WINDOW], write: &mut usize| {
        if let Some(place) = window.get_mut(*write) {
            *place = byte;
        }
        *write = (*write + 1) % WINDOW;
        out.push(byte);
        out.len() < most
    };
    let mut bytes = body.iter().copied();
    'runs: while let Some(control) = bytes.next() {
        for bit in 0..8 {
            let Some(first) = bytes.next() else { break 'runs };
            if control & (1 << bit) == 0 {
                if !put(first, &mut window, &mut write) {
                    break 'runs;
                }
                continue;
            }
            let Some(second) = bytes.next() else { break 'runs };
            let offset = usize::from(first) << 4 | usize::from(second >> 4);
            if offset == write {
                break 'runs;
            }
            for step in 0..usize::from(second & 15) + 2 {
                let byte = window.get((offset + step) % WINDOW).copied().unwrap_or(0);
                if !put(byte, &mut window, &mut write) {
                    break 'runs;
                }
            }
        }
    }
    out
}

/// The text of a rich text.
#[must_use]
pub fn to_text(rtf: &[u8]) -> String {
    let mut reader = Reader { groups: vec![Group { skipped: false, fallback: 1 }], ..Reader::default() };
    let mut rest = rtf.get(..rtf.len().min(RTF_MAX_BYTES)).unwrap_or_default();
    while let Some((byte, tail)) = rest.split_first() {
        rest = match byte {
            b'\\' => reader.control(tail),
            b'{' => {
                reader.open();
                tail
            }
            b'}' => {
                reader.close();
                tail
            }
            b'\r' | b'\n' => tail,
            byte => {
                reader.octet(*byte);
                tail
            }
        };
    }
    reader.flush();
    reader.text
}

/// What holds within a pair of braces.
#[derive(Clone, Copy)]
struct Group {
    skipped: bool,
    /// Characters behind a `\u` that repeat it for old readers.
    fallback: usize,
}

#[derive(Default)]
struct Reader {
    groups: Vec<Group>,
    too_deep: usize,
    text: String,
    /// Octets in the code page of the text, not yet decoded.
    octets: Vec<u8>,
    code_page: Option<String>,
    /// Characters still to be left out behind a `\u`.
    left_out: usize,
    high: Option<u16>,
}

impl Reader {
    fn open(&mut self) {
        let group = self.groups.last().copied().unwrap_or(Group { skipped: false, fallback: 1 });
        if self.groups.len() < DEPTH_MAX {
            self.groups.push(group);
        } else {
            self.too_deep += 1;
        }
    }

    fn close(&mut self) {
        if self.too_deep > 0 {
            self.too_deep -= 1;
        } else if self.groups.len() > 1 {
            self.groups.pop();
        }
        self.left_out = 0;
    }

    fn shows(&self) -> bool {
        self.too_deep == 0 && self.groups.last().is_some_and(|group| !group.skipped)
    }

    fn octet(&mut self, byte: u8) {
        if self.left_out > 0 {
            self.left_out -= 1;
        } else if self.shows() {
            self.octets.push(byte);
        }
    }

    fn character(&mut self, c: char) {
        if self.shows() {
            self.flush();
            self.text.push(c);
        }
    }

    fn flush(&mut self) {
        if !self.octets.is_empty() {
            let octets = std::mem::take(&mut self.octets);
            self.text.push_str(&decode::text(&octets, Some(self.code_page.as_deref().unwrap_or("windows-1252"))));
        }
    }

    /// Reads what stands behind a backslash; gives what stands behind that.
    fn control<'a>(&mut self, tail: &'a [u8]) -> &'a [u8] {
        let Some((first, after)) = tail.split_first() else { return tail };
        if !first.is_ascii_alphabetic() {
            match first {
                b'\'' => {
                    let hex = after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
                    if let Some(byte) = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
                        self.octet(byte);
                        return after.get(2..).unwrap_or_default();
                    }
                }
                b'*' => self.skip(),
                b'~' => self.character('\u{a0}'),
                b'\\' | b'{' | b'}' => self.octet(*first),
                b'\r' | b'\n' => self.character('\n'),
                _ => {}
            }
            return after;
        }
        let name_end = tail.iter().position(|byte| !byte.is_ascii_alphabetic()).unwrap_or(tail.len());
        let (name, rest) = tail.split_at_checked(name_end).unwrap_or_default();
        let figures = |(at, byte): (usize, &u8)| !(byte.is_ascii_digit() || at == 0 && *byte == b'-');
        let number_end = rest.iter().enumerate().position(figures).unwrap_or(rest.len());
        let (number, rest) = rest.split_at_checked(number_end).unwrap_or_default();
        let number = std::str::from_utf8(number).ok().and_then(|number| number.parse::<i32>().ok());
        self.word(std::str::from_utf8(name).unwrap_or_default(), number);
        rest.strip_prefix(b" ").unwrap_or(rest)
    }

    fn word(&mut self, name: &str, number: Option<i32>) {
        match (name, number) {
            ("par" | "line" | "row" | "sect" | "page", _) => self.character('\n'),
            ("tab" | "cell", _) => self.character('\t'),
            ("emdash", _) => self.character('—'),
            ("endash", _) => self.character('–'),
            ("lquote", _) => self.character('‘'),
            ("rquote", _) => self.character('’'),
            ("ldblquote", _) => self.character('“'),
            ("rdblquote", _) => self.character('”'),
            ("bullet", _) => self.character('•'),
            ("ansicpg", Some(page)) if self.code_page.is_none() => self.code_page = Some(format!("windows-{page}")),
            ("uc", Some(count)) => {
                if let Some(group) = self.groups.last_mut() {
                    group.fallback = usize::try_from(count).unwrap_or(1).min(8);
                }
            }
            ("u", Some(code)) => self.unicode(code),
            (name, _) if SKIPPED.contains(&name) => self.skip(),
            _ => {}
        }
    }

    /// A character by its UTF-16 code unit, written as a signed number.
    fn unicode(&mut self, code: i32) {
        let Ok(unit) = u16::try_from(if code < 0 { code + 65_536 } else { code }) else { return };
        let pair: Vec<u16> = self.high.take().into_iter().chain([unit]).collect();
        match char::decode_utf16(pair).last() {
            Some(Ok(c)) => self.character(c),
            Some(Err(_)) => self.high = Some(unit),
            None => {}
        }
        self.left_out = self.groups.last().map_or(1, |group| group.fallback);
    }

    fn skip(&mut self) {
        if let Some(group) = self.groups.last_mut().filter(|_| self.too_deep == 0) {
            group.skipped = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_specification_is_decompressed() {
        // MS-OXRTFCP section 4.1.1.
        let compressed = [
            0x2d, 0x00, 0x00, 0x00, 0x2b, 0x00, 0x00, 0x00, 0x4c, 0x5a, 0x46, 0x75, 0xf1, 0xc5, 0xc7, 0xa7, 0x03, 0x00,
            0x0a, 0x00, 0x72, 0x63, 0x70, 0x67, 0x31, 0x32, 0x35, 0x42, 0x32, 0x0a, 0xf3, 0x20, 0x68, 0x65, 0x6c, 0x09,
            0x00, 0x20, 0x62, 0x77, 0x05, 0xb0, 0x6c, 0x64, 0x7d, 0x0a, 0x80, 0x0f, 0xa0,
        ];
        let rtf = decompress(&compressed).unwrap();
        assert_eq!(rtf, b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n");
        assert_eq!(to_text(&rtf), "hello world");
        // MS-OXRTFCP section 4.2: a copy that reads what it writes.
        let crossing = [
            0x1a, 0x00, 0x00, 0x00, 0x1c, 0x00, 0x00, 0x00, 0x4c, 0x5a, 0x46, 0x75, 0xe2, 0xd4, 0x4b, 0x51, 0x41, 0x00,
            0x04, 0x20, 0x57, 0x58, 0x59, 0x5a, 0x0d, 0x6e, 0x7d, 0x01, 0x0e, 0xb0,
        ];
        assert_eq!(decompress(&crossing).unwrap(), b"{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}");
    }

    #[test]
    fn text_is_taken_out_and_tables_are_not() {
        let rtf = br"{\rtf1\ansi\ansicpg1251{\fonttbl{\f0 Arial;}}{\*\generator X;}\uc1 a\par b\'e9\{c\}\u8364?\u-10179?\u-8704?{\*\htmltag <p>}d\tab e}";
        assert_eq!(to_text(rtf), "a\nbй{c}€😀d\te");
        assert_eq!(to_text(&b"{".repeat(100_000)), "");
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(mut bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
            let _ = to_text(&bytes);
            for (at, byte) in b"LZFu".iter().enumerate() {
                if let Some(place) = bytes.get_mut(8 + at) {
                    *place = *byte;
                }
            }
            let _ = decompress(&bytes);
        }
    }
}
