//! `postern explain`, as people and programs run it.
#![expect(
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a test runs the program and stops at what it cannot do"
)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use postern::domain::id::Address;
use postern::domain::time::Timestamp;
use postern::pgp::keyring::{GeneratedKey, Keyring, generate};
use postern::pgp::seal::{Signing, encrypt};
use serde_json::Value;

const REPORT: &str = "From: Ana <ana@example.org>\nTo: security@example.net\nSubject: =?utf-8?q?L=C3=BCcke?=\n\
    Date: Mon, 2 Mar 2026 10:00:00 +0100\nMessage-ID: <1@example.org>\n\nThere is a flaw.\n\n-- \nAna\n";
const ANSWER: &str = "From: Bo <bo@example.net>\nTo: ana@example.org\nSubject: Re: a flaw\nMessage-ID: <2@example.net>\n\
    In-Reply-To: <1@example.org>\n\nThanks!\n\nOn Mon, 2 Mar 2026 at 10:00, Ana <ana@example.org> wrote:\n\
    > There is a flaw.\n";
const VACATION: &str = "From: Cy <cy@example.com>\nTo: bo@example.net\nSubject: Away\nMessage-ID: <3@example.com>\n\
    Auto-Submitted: auto-replied\n\nI am away.\n";

fn explain(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_postern"));
    command.current_dir(folder).arg("explain").args(arguments).output().expect("the program runs")
}

/// The objects that the program prints, in their order.
fn objects(folder: &Path, arguments: &[&str]) -> Vec<Value> {
    let output = explain(folder, &[&["--json"], arguments].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    text.lines().map(|line| serde_json::from_str(line).expect("one object a line")).collect()
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, content) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, content).expect("a file");
    }
    folder
}

#[test]
fn a_mail_is_told_by_its_fields() {
    let folder = folder(&[("report.eml", REPORT)]);
    let told = &objects(folder.path(), &["report.eml"])[0];
    assert_eq!(told["file"], "report.eml");
    assert_eq!(told["subject"], "Lücke");
    assert_eq!(told["from"], serde_json::json!(["ana@example.org"]));
    assert_eq!(told["message_id"], "1@example.org");
    assert_eq!(told["date"], "2026-03-02T09:00:00Z");
    assert_eq!(told["is_auto_reply"], false);
    assert_eq!(told["is_bounce"], false);
    assert_eq!(told["class"], "person");
    assert_eq!(told["reply_text_no_signature"], "There is a flaw.");
    assert!(told["signature"].as_str().expect("a text").ends_with("Ana"));
    assert!(told["pgp"].is_null() && told["bounce"].is_null() && told["autocrypt"].is_null());
}

#[test]
fn a_folder_is_read_with_all_in_it_in_order_and_conversations_go_across_files() {
    let files = [("mails/b/report.eml", REPORT), ("mails/a.eml", ANSWER), ("mails/c.eml", VACATION), ("mails/.x", "x")];
    let folder = folder(&files);
    let told = objects(folder.path(), &["mails"]);
    let names: Vec<_> = told.iter().map(|one| one["file"].as_str().expect("a name")).collect();
    assert_eq!(names, ["mails/a.eml", "mails/b/report.eml", "mails/c.eml"]);
    assert_eq!(told[0]["thread"], told[1]["thread"]);
    assert_ne!(told[0]["thread"], told[2]["thread"]);
    assert_eq!(told[0]["reply_text"], "Thanks!");
    assert_eq!(told[2]["is_auto_reply"], true);
    let turned = objects(folder.path(), &["mails/c.eml", "./mails/b"]);
    assert_eq!(turned[0]["file"], "mails/c.eml");
    assert_eq!(turned[1]["file"], "./mails/b/report.eml");
    assert_eq!(turned[1]["thread"], told[1]["thread"]);
}

#[test]
fn a_text_without_header_block_is_a_body_by_itself_and_a_mail_by_request() {
    let body = "Note: it works.\n\nOn Mon, 2 Mar 2026 at 10:00, Ana <ana@example.org> wrote:\n> Does it?\n";
    let folder = folder(&[("body.txt", body), ("report.eml", REPORT)]);
    let told = objects(folder.path(), &["body.txt"]);
    assert_eq!(told[0]["class"], "body");
    assert_eq!(told[0]["reply_text"], "Note: it works.");
    assert!(told[0]["subject"].is_null() && told[0]["thread"].is_null());
    let forced = objects(folder.path(), &["--body", "report.eml"]);
    assert_eq!(forced[0]["class"], "body");
    assert!(forced[0]["text"].as_str().expect("a text").contains("Subject:"));
}

#[test]
fn what_cannot_be_read_is_told_in_its_place_and_only_nothing_at_all_fails() {
    let folder = folder(&[("empty", ""), ("report.eml", REPORT)]);
    let told = objects(folder.path(), &["missing", "empty", "report.eml"]);
    assert!(told[0]["error"].is_string() && told[0]["file"] == "missing");
    assert!(told[1]["error"].is_string());
    assert_eq!(told[2]["message_id"], "1@example.org");
    assert_eq!(explain(folder.path(), &["missing"]).status.code(), Some(66));
    assert_eq!(explain(folder.path(), &["--keys", "missing", "report.eml"]).status.code(), Some(66));
    assert_eq!(explain(folder.path(), &[]).status.code(), Some(64));
}

#[test]
fn a_mail_over_the_limit_is_told_so() {
    let folder = folder(&[("report.eml", REPORT)]);
    let large = fs::File::create(folder.path().join("large.eml")).expect("a file");
    large.set_len(36 * 1024 * 1024).expect("a sparse file");
    let told = objects(folder.path(), &["large.eml", "report.eml"]);
    assert!(told[0]["error"].as_str().expect("an error").contains("larger than"));
}

#[test]
fn a_link_that_leads_in_a_circle_is_not_followed() {
    let folder = folder(&[("mails/report.eml", REPORT)]);
    std::os::unix::fs::symlink("..", folder.path().join("mails/up")).expect("a link");
    let told = objects(folder.path(), &["mails"]);
    assert_eq!(told.len(), 2);
    assert!(told[1]["error"].is_string());
}

fn key(name: &str) -> GeneratedKey {
    let address = Address::parse(&format!("{name}@example.org")).expect("an address");
    generate(name, &address, Timestamp(1_770_000_000)).expect("a key")
}

#[test]
fn with_keys_an_encrypted_mail_is_opened_and_without_them_its_structure_is_told() {
    let (ana, at) = (key("ana"), Timestamp(1_770_000_100));
    let ring = Keyring::from_armored(&[&ana.secret_armored], &[], at).expect("a keyring");
    let inside = b"Content-Type: text/plain; protected-headers=v1\r\nSubject: secret\r\n\r\nThere is a flaw.\r\n";
    let sealed = encrypt(inside, &[ring.own_fingerprint()], Signing::Signed, &ring, at).expect("sealed");
    let mail = format!(
        "From: ana@example.org\nTo: ana@example.org\nSubject: ...\nMessage-ID: <4@example.org>\nMIME-Version: 1.0\n\
         Content-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=b\n\n\
         --b\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n\n--b\nContent-Type: application/octet-stream\n\n{}\n--b--\n",
        String::from_utf8(sealed).expect("armored")
    );
    let secret = String::from_utf8(ana.secret_armored.to_vec()).expect("armored");
    let folder = folder(&[("mail.eml", &mail), ("keys/ana.asc", &secret), ("keys/passphrases", "one\ntwo\n")]);
    let opened = &objects(folder.path(), &["--keys", "keys", "mail.eml"])[0];
    assert_eq!(opened["pgp"]["kind"], "mime-encrypted");
    assert_eq!(opened["pgp"]["decrypts"], true);
    assert_eq!(opened["pgp"]["signature"], "good");
    assert_eq!(opened["pgp"]["signer"], ana.fingerprint.to_string());
    assert_eq!((&opened["subject"], &opened["subject_after_decrypt"]), (&"...".into(), &"secret".into()));
    assert_eq!(opened["text_after_decrypt"].as_str().expect("a text").trim(), "There is a flaw.");
    assert_eq!(opened["safe"], serde_json::json!({"whole_message_signed": true, "auto_decrypt": true}));
    let shut = &objects(folder.path(), &["mail.eml"])[0];
    assert_eq!(shut["pgp"]["kind"], "mime-encrypted");
    assert!(shut["pgp"]["decrypts"].is_null() && shut["pgp"]["inner_text"].is_null());
    assert_eq!(shut["safe"]["whole_message_signed"], false);
}

#[test]
fn the_page_for_people_says_what_it_is_and_lets_nothing_steer_the_terminal() {
    let mail = "From: ana@example.org\nSubject: a\u{1b}[31m\u{202e}b\n\nhello\u{1b}]0;x\u{7}\n";
    let folder = folder(&[("mail.eml", mail), ("vacation.eml", VACATION)]);
    let output = explain(folder.path(), &["mail.eml", "vacation.eml"]);
    let page = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(!page.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{page:?}");
    for said in ["mail.eml", "hello", "author", "open a case", "automatic, auto-reply", "never answer"] {
        assert!(page.contains(said), "{said}: {page}");
    }
}

#[test]
fn the_name_of_a_file_cannot_steer_the_terminal() {
    let folder = folder(&[("report.eml", REPORT), ("x\u{1b}]0;owned\u{7}\ny.eml", "\0\u{1}\u{2}\0")]);
    let output = explain(folder.path(), &["."]);
    assert!(!output.stdout.contains(&0x1b) && !output.stdout.contains(&0x07));
    assert!(!String::from_utf8_lossy(&output.stdout).lines().any(|line| line.starts_with("y.eml")));
}
