//! Proves that winmail.dat gives its text and files, and that broken ones end harmlessly.

use proptest::prelude::*;

use super::*;

fn attribute_bytes(level: u8, id: u32, data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![level];
    bytes.extend(id.to_le_bytes());
    bytes.extend(u32::try_from(data.len()).unwrap().to_le_bytes());
    bytes.extend(data);
    bytes.extend([0, 0]);
    bytes
}

fn value_property(kind: u16, id: u16, value: &[u8]) -> Vec<u8> {
    let mut bytes = [kind.to_le_bytes(), id.to_le_bytes()].concat();
    bytes.extend(1_u32.to_le_bytes());
    bytes.extend(u32::try_from(value.len()).unwrap().to_le_bytes());
    bytes.extend(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

fn properties(list: &[Vec<u8>]) -> Vec<u8> {
    [&u32::try_from(list.len()).unwrap().to_le_bytes()[..], &list.concat()].concat()
}

fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
}

/// A mail with a body in the given property and one file with short and long name.
fn winmail(body: Vec<u8>) -> Vec<u8> {
    // A number and a named property stand before the body.
    let number = [0x0003_u16.to_le_bytes(), 0x0e07_u16.to_le_bytes(), [1, 0], [0, 0]].concat();
    let mut named = [0x0003_u16.to_le_bytes(), 0x8001_u16.to_le_bytes()].concat();
    named.extend([7; 16]);
    named.extend([0; 12]);
    let file = properties(&[value_property(0x001f, PR_ATTACH_LONG_FILENAME, &wide("proof of ünder.txt"))]);
    [
        SIGNATURE.to_vec(),
        vec![1, 0],
        attribute_bytes(1, OEM_CODE_PAGE, &[0xe3, 4, 0, 0, 0, 0, 0, 0]),
        attribute_bytes(1, MESSAGE_PROPERTIES, &properties(&[number, named, body])),
        attribute_bytes(2, ATTACHMENT_BEGINS, &[0; 14]),
        attribute_bytes(2, ATTACHMENT_TITLE, b"PROOFO~1.TXT\0"),
        attribute_bytes(2, ATTACHMENT_DATA, b"content"),
        attribute_bytes(2, ATTACHMENT_PROPERTIES, &file),
    ]
    .concat()
}

#[test]
fn text_and_files_are_unpacked() {
    let opened = read(&winmail(value_property(0x001e, PR_BODY, b"\xcf\xf0\xe8\0")), 1000);
    assert_eq!(opened.text, "При");
    assert_eq!(opened.files.len(), 1);
    assert_eq!(
        (opened.files[0].name.as_str(), opened.files[0].bytes.as_slice()),
        ("proof of ünder.txt", &b"content"[..])
    );
}

#[test]
fn rich_text_and_html_are_read_where_there_is_no_plain_text() {
    let rich = [&[0; 4][..], &13_u32.to_le_bytes(), b"MELA", &[0; 4], br"{\rtf1 hello}"].concat();
    assert_eq!(read(&winmail(value_property(0x0102, PR_RTF_COMPRESSED, &rich)), 1000).text, "hello");
    assert_eq!(read(&winmail(value_property(0x0102, PR_HTML, b"<p>hello</p>")), 1000).text.trim(), "hello");
}

#[test]
fn files_are_bounded_and_other_bytes_are_none() {
    let whole = winmail(value_property(0x001e, PR_BODY, b"x"));
    assert_eq!(read(&whole, 3).files[0].bytes, b"con");
    assert_eq!(read(b"PK\x03\x04 no winmail", 1000), Opened::default());
    assert!(is_tnef(&whole) && !is_tnef(b"x"));
    let many = attribute_bytes(2, ATTACHMENT_BEGINS, &[]).repeat(1000);
    assert!(read(&[&SIGNATURE[..], &[0, 0], &many].concat(), 1000).files.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn mutated_files_are_read_without_panic(changes in proptest::collection::vec((0_usize..400, any::<u8>()), 0..12), cut in 0_usize..400) {
        let mut bytes = winmail(value_property(0x001e, PR_BODY, b"some text"));
        for (at, byte) in changes {
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
        }
        bytes.truncate(cut);
        prop_assert!(read(&bytes, 1000).files.iter().all(|file| file.bytes.len() <= 1000));
    }
}
