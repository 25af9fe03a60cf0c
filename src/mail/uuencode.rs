//! Files that stand in a text as uuencode (POSIX `uuencode`, before MIME).
//!
//! Never takes a block without its `begin` and `end` lines for a file; never trusts its length or name. Never fails.

/// Files taken from one text.
const FILES_MAX: usize = 50;

/// Characters of a line of 45 encoded bytes, its length and what old programs put behind it.
const LINE_MAX_BYTES: usize = 64;

/// A file that stood in a text.
#[derive(Debug, PartialEq, Eq)]
pub struct File {
    /// Its name as written.
    pub name: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// Takes the files out of a text; `None` when there are none.
#[must_use]
pub fn take_files(text: &str) -> Option<(String, Vec<File>)> {
    if !text.contains("begin ") {
        return None;
    }
    let mut files = Vec::new();
    let mut rest = String::with_capacity(text.len());
    let mut lines = text.split_inclusive('\n');
    while let Some(line) = lines.next() {
        let begun = name(line).filter(|_| files.len() < FILES_MAX);
        let Some(name) = begun else {
            rest.push_str(line);
            continue;
        };
        // Each block is read once: what is no file is put back whole.
        let (mut bytes, mut taken, mut ended) = (Vec::new(), String::from(line), false);
        for line in lines.by_ref() {
            taken.push_str(line);
            let line = line.trim_end_matches(['\n', '\r']);
            if line.trim_end() == "end" {
                ended = true;
                break;
            }
            if !decode_line(line, &mut bytes) {
                break;
            }
        }
        if ended && !bytes.is_empty() {
            files.push(File { name, bytes });
        } else {
            rest.push_str(&taken);
        }
    }
    (!files.is_empty()).then_some((rest, files))
}

/// The content of a part that is uuencoded as a whole; `None` when it is not.
#[must_use]
pub fn body(bytes: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(bytes).ok()?;
    take_files(text).and_then(|(_, files)| files.into_iter().next()).map(|file| file.bytes)
}

/// The name in a line `begin 644 name`.
fn name(line: &str) -> Option<String> {
    let (mode, name) = line.trim_end().strip_prefix("begin ")?.split_once(' ')?;
    let octal = (3..=4).contains(&mode.len()) && mode.chars().all(|c| ('0'..='7').contains(&c));
    (octal && !name.trim().is_empty()).then(|| name.trim().to_owned())
}

/// Decodes one line; `false` when it is none.
fn decode_line(line: &str, bytes: &mut Vec<u8>) -> bool {
    if line.is_empty() || line.len() > LINE_MAX_BYTES || !line.bytes().all(|byte| (32..=96).contains(&byte)) {
        // Hosts take away blanks at the end of a line, and with it one that holds nothing.
        return line.is_empty();
    }
    let sextet = |byte: u8| byte.wrapping_sub(32) & 63;
    let mut encoded = line.bytes().map(sextet);
    let length = usize::from(encoded.next().unwrap_or(0));
    let mut decoded = Vec::with_capacity(48);
    while decoded.len() < length {
        let mut next = || encoded.next().unwrap_or(0);
        let (a, b, c, d) = (next(), next(), next(), next());
        decoded.extend([a << 2 | b >> 4, b << 4 | c >> 2, c << 6 | d]);
    }
    decoded.truncate(length);
    bytes.extend(decoded);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_taken_out_of_the_text() {
        let text = "see below\n\nbegin 644 cat.txt\n#0V%T\n`\nend\n\nbye\n";
        let (rest, files) = take_files(text).unwrap();
        assert_eq!(rest, "see below\n\n\nbye\n");
        assert_eq!(files, [File { name: "cat.txt".to_owned(), bytes: b"Cat".to_vec() }]);
    }

    #[test]
    fn what_only_begins_like_a_file_stays_text() {
        for text in [
            "begin 644 cat.txt\n#0V%T\n",
            "to begin 644 things\nend\n",
            "begin 644 x\nlower case text is no code\nend\n",
            "begin 999 x\n#0V%T\nend\n",
            "begin 644 x\n`\nend\n",
        ] {
            assert_eq!(take_files(text), None, "{text}");
        }
    }
}
