//! `winmail.dat`: the text and the files that Outlook packs into `application/ms-tnef` (MS-OXTNEF).
//!
//! Never descends into a packed mail, never believes a length. Never fails: what is broken ends the reading, and what was
//! found so far counts.

use super::decode;
use super::html;
use super::rtf;

/// The first four bytes of every such file.
const SIGNATURE: [u8; 4] = [0x78, 0x9f, 0x3e, 0x22];

/// Files taken from one.
const FILES_MAX: usize = 100;

/// Attributes and properties looked at.
const ATTRIBUTES_MAX: usize = 5000;

/// Bytes of a text body or name that are looked at.
const TEXT_MAX_BYTES: usize = 1024 * 1024;

// Attributes (MS-OXTNEF section 2.1.3.3): type above, name below.
const OEM_CODE_PAGE: u32 = 0x0006_9007;
const BODY: u32 = 0x0002_800c;
const MESSAGE_PROPERTIES: u32 = 0x0006_9003;
const ATTACHMENT_BEGINS: u32 = 0x0006_9002;
const ATTACHMENT_TITLE: u32 = 0x0001_8010;
const ATTACHMENT_DATA: u32 = 0x0006_800f;
const ATTACHMENT_PROPERTIES: u32 = 0x0006_9005;

// Properties (MS-OXPROPS).
const PR_BODY: u16 = 0x1000;
const PR_RTF_COMPRESSED: u16 = 0x1009;
const PR_HTML: u16 = 0x1013;
const PR_ATTACH_DATA: u16 = 0x3701;
const PR_ATTACH_FILENAME: u16 = 0x3704;
const PR_ATTACH_LONG_FILENAME: u16 = 0x3707;
const PR_ATTACH_MIME_TAG: u16 = 0x370e;

/// What was packed.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Opened {
    /// The text of the mail, empty when there is none.
    pub text: String,
    /// Its attachments.
    pub files: Vec<File>,
}

/// A packed file.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct File {
    /// Its name as written, empty when it has none.
    pub name: String,
    /// Its media type, where that is said.
    pub content_type: Option<String>,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// Whether these are the bytes of such a file, whatever it is called.
#[must_use]
pub fn is_tnef(bytes: &[u8]) -> bool {
    bytes.starts_with(&SIGNATURE)
}

/// Unpacks text and files; of the files at most `most` bytes.
#[must_use]
pub fn read(bytes: &[u8], most: usize) -> Opened {
    let mut packed = Packed { room: most, ..Packed::default() };
    let mut input = Input(bytes);
    if input.take(4) != Some(&SIGNATURE) || input.take(2).is_none() {
        return Opened::default();
    }
    for _ in 0..ATTRIBUTES_MAX {
        let Some((id, data)) = attribute(&mut input) else { break };
        packed.attribute(id, data);
    }
    packed.finish()
}

/// Bytes still to be read.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn u16(&mut self) -> Option<u16> {
        Some(u16::from_le_bytes(self.take(2)?.try_into().ok()?))
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }

    fn length(&mut self) -> Option<usize> {
        usize::try_from(self.u32()?).ok()
    }

    /// A value with its length before it, filled up to four bytes.
    fn value(&mut self) -> Option<&'a [u8]> {
        let length = self.length()?;
        let value = self.take(length)?;
        // The last one may lack its filling.
        let _ = self.take(length.wrapping_neg() % 4);
        Some(value)
    }
}

/// Level, id, length, data, checksum. A wrong checksum is no reason not to read: what is read is a stranger's claim anyway.
fn attribute<'a>(input: &mut Input<'a>) -> Option<(u32, &'a [u8])> {
    input.take(1)?;
    let id = input.u32()?;
    let length = input.length()?;
    // A file that was cut off still gives what is there.
    let data = input.take(length.min(input.0.len()))?;
    let _ = input.take(2);
    Some((id, data))
}

#[derive(Default)]
struct Packed {
    room: usize,
    code_page: Option<String>,
    plain: Option<String>,
    html: Option<String>,
    rich: Option<String>,
    files: Vec<File>,
}

impl Packed {
    fn attribute(&mut self, id: u32, data: &[u8]) {
        match id {
            OEM_CODE_PAGE => self.code_page = Input(data).u32().map(|page| format!("windows-{page}")),
            BODY => self.plain = Some(self.narrow(data)),
            MESSAGE_PROPERTIES => self.properties(data, Self::message_property),
            ATTACHMENT_BEGINS if self.files.len() < FILES_MAX => self.files.push(File::default()),
            ATTACHMENT_TITLE => {
                let title = self.narrow(data);
                self.with_file(|file| {
                    if file.name.is_empty() {
                        file.name = title;
                    }
                });
            }
            ATTACHMENT_DATA => self.content(data),
            ATTACHMENT_PROPERTIES => self.properties(data, Self::file_property),
            _ => {}
        }
    }

    fn with_file(&mut self, change: impl FnOnce(&mut File)) {
        if let Some(file) = self.files.last_mut() {
            change(file);
        }
    }

    fn content(&mut self, data: &[u8]) {
        let kept = data.get(..data.len().min(self.room)).unwrap_or_default();
        if let Some(file) = self.files.last_mut().filter(|file| file.bytes.is_empty()) {
            file.bytes = kept.to_vec();
            self.room -= kept.len();
        }
    }

    /// Text in the code page of the mail, up to its NUL.
    fn narrow(&self, data: &[u8]) -> String {
        let text = data.split(|byte| *byte == 0).next().unwrap_or_default();
        decode::text(text.get(..text.len().min(TEXT_MAX_BYTES)).unwrap_or_default(), self.code_page.as_deref())
    }

    /// Reads a list of properties (MS-OXTNEF section 2.1.3.4).
    fn properties(&mut self, data: &[u8], take: fn(&mut Self, u16, u16, &[u8])) {
        let mut input = Input(data);
        let count = input.length().unwrap_or(0).min(ATTRIBUTES_MAX);
        for _ in 0..count {
            let Some((kind, id, value)) = property(&mut input) else { return };
            take(self, kind, id, value);
        }
    }

    fn string(&self, kind: u16, value: &[u8]) -> String {
        if kind == 0x001f {
            let units = value.chunks_exact(2).take(TEXT_MAX_BYTES / 2);
            let units: Vec<u16> = units.filter_map(|pair| Some(u16::from_le_bytes(pair.try_into().ok()?))).collect();
            return String::from_utf16_lossy(&units).trim_end_matches('\0').to_owned();
        }
        self.narrow(value)
    }

    fn message_property(&mut self, kind: u16, id: u16, value: &[u8]) {
        match id {
            PR_BODY => self.plain = Some(self.string(kind, value)),
            PR_HTML => {
                let html = self.string(kind, value);
                self.html = Some(html::to_text(&html));
            }
            PR_RTF_COMPRESSED => self.rich = rtf::decompress(value).map(|rtf| rtf::to_text(&rtf)),
            _ => {}
        }
    }

    fn file_property(&mut self, kind: u16, id: u16, value: &[u8]) {
        match id {
            PR_ATTACH_LONG_FILENAME => {
                let name = self.string(kind, value);
                self.with_file(|file| file.name = name);
            }
            PR_ATTACH_FILENAME => {
                let name = self.string(kind, value);
                self.with_file(|file| {
                    if file.name.is_empty() {
                        file.name = name;
                    }
                });
            }
            PR_ATTACH_MIME_TAG => {
                let tag = Some(self.string(kind, value)).filter(|tag| tag.contains('/'));
                self.with_file(|file| file.content_type = tag);
            }
            // An object begins with the id of its interface.
            PR_ATTACH_DATA if kind == 0x000d => self.content(value.get(16..).unwrap_or_default()),
            PR_ATTACH_DATA => self.content(value),
            _ => {}
        }
    }

    fn finish(self) -> Opened {
        let said = |text: &String| !text.trim().is_empty();
        let text = self.plain.filter(said).or(self.html.filter(said)).or(self.rich.filter(said)).unwrap_or_default();
        Opened { text, files: self.files.into_iter().filter(|file| !file.bytes.is_empty()).collect() }
    }
}

/// One property: type, id and its first value.
fn property<'a>(input: &mut Input<'a>) -> Option<(u16, u16, &'a [u8])> {
    let (kind, id) = (input.u16()?, input.u16()?);
    if id >= 0x8000 {
        // A named property: the set, then a number or a name.
        input.take(16)?;
        if input.u32()? == 0 {
            input.take(4)?;
        } else {
            input.value()?;
        }
    }
    let several = kind & 0x1000 != 0;
    let kind = kind & !0x1000;
    let fixed = match kind {
        0x0002 | 0x0003 | 0x0004 | 0x000a | 0x000b => Some(4),
        0x0005 | 0x0006 | 0x0007 | 0x0014 | 0x0040 => Some(8),
        0x0048 => Some(16),
        0x000d | 0x001e | 0x001f | 0x0102 => None,
        _ => return None,
    };
    let count = if several || fixed.is_none() { input.length()? } else { 1 };
    let mut first: &[u8] = &[];
    for number in 0..count {
        let value = match fixed {
            Some(size) => input.take(size)?,
            None => input.value()?,
        };
        if number == 0 {
            first = value;
        }
    }
    Some((kind, id, first))
}

#[cfg(test)]
#[path = "tnef_tests.rs"]
mod tests;
