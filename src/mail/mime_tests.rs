//! Proves that the walk over parts finds what stands there and stays within its limits.

use super::*;

fn walk(raw: &str) -> (Vec<(String, String)>, Vec<Defect>) {
    let mut defects = Defects::default();
    let tree = read(raw.as_bytes(), &Limits::default(), &mut defects);
    let leaves = tree.nodes.iter().filter(|node| !node.is_multipart());
    let found = leaves
        .map(|node| (node.media.essence.clone(), String::from_utf8_lossy(tree.body(node)).into_owned()))
        .collect();
    (found, defects.into_vec())
}

#[test]
fn parts_end_before_the_line_end_of_their_boundary() {
    let (leaves, defects) = walk(
        "Content-Type: multipart/mixed; boundary=\"a b\"\r\n\r\npreamble\r\n--a b\r\n\r\none\r\n\r\n--a b  \r\n\
         Content-Type: text/html\r\n\r\ntwo\r\n--a b--\r\nepilogue\r\n--a b\r\n\r\nafter the end\r\n",
    );
    assert_eq!(leaves, [("text/plain".into(), "one\r\n".into()), ("text/html".into(), "two".into())]);
    assert!(defects.is_empty(), "{defects:?}");
}

#[test]
fn an_outer_boundary_ends_inner_containers() {
    let (leaves, defects) = walk(
        "Content-Type: multipart/mixed; boundary=o\n\n--o\nContent-Type: multipart/mixed; boundary=oi\n\n--oi\n\nin\n\
         --o\n\nout\n--o--\n",
    );
    assert_eq!(leaves, [("text/plain".into(), "in".into()), ("text/plain".into(), "out".into())]);
    assert_eq!(defects, [Defect::Truncated]);
}

#[test]
fn a_boundary_ends_a_header_block_that_has_no_empty_line() {
    let (leaves, _) = walk("Content-Type: multipart/mixed; boundary=o\n\n--o\nX: y\n--o\n\nout\n--o--\n");
    assert_eq!(leaves, [("text/plain".into(), String::new()), ("text/plain".into(), "out".into())]);
}

#[test]
fn a_container_without_parts_is_text() {
    let (leaves, defects) = walk("Content-Type: multipart/mixed; boundary=o\n\njust text\n");
    assert_eq!(leaves, [("text/plain".into(), "just text\n".into())]);
    assert_eq!(defects, [Defect::NoBoundary]);
    assert_eq!(walk("Content-Type: multipart/mixed\n\njust text\n").0.len(), 1);
}

#[test]
fn twenty_thousand_nested_containers_stop_at_the_depth_limit() {
    let mut raw = String::new();
    for level in 0..20_000 {
        raw.push_str(&format!("Content-Type: multipart/mixed; boundary=b{level}\n\n--b{level}\n"));
    }
    let mut defects = Defects::default();
    let tree = read(raw.as_bytes(), &Limits::default(), &mut defects);
    assert_eq!(tree.nodes.len(), Limits::default().depth + 1);
    assert!(defects.into_vec().contains(&Defect::TooDeep));
}

#[test]
fn a_million_nested_attached_mails_are_one_part() {
    let raw = "Content-Type: message/rfc822\n\n".repeat(1_000_000);
    let mut defects = Defects::default();
    assert_eq!(read(raw.as_bytes(), &Limits::default(), &mut defects).nodes.len(), 1);
}

#[test]
fn three_hundred_thousand_parts_stop_at_the_limit() {
    let raw = format!("Content-Type: multipart/mixed; boundary=b\n\n{}", "--b\n\nx\n".repeat(300_000));
    let mut defects = Defects::default();
    let tree = read(raw.as_bytes(), &Limits::default(), &mut defects);
    assert_eq!(tree.nodes.len(), Limits::default().parts);
    assert!(defects.into_vec().contains(&Defect::PartsCut));
}

#[test]
fn of_a_mail_over_the_size_limit_only_the_header_block_is_read() {
    let limits = Limits { raw_bytes: 60, ..Limits::default() };
    let raw = format!("Subject: s\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\n{}", "x".repeat(100));
    let mut defects = Defects::default();
    let tree = read(raw.as_bytes(), &limits, &mut defects);
    assert_eq!((tree.nodes.len(), tree.body(&tree.nodes[0]).len()), (1, 0));
    assert_eq!(tree.nodes[0].headers.first("Subject"), Some("s"));
    assert!(defects.into_vec().contains(&Defect::TooLarge));
}
