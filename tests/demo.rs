//! `postern demo` as a new user runs it: the program itself, in an empty folder.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a demo that cannot be run has failed"
)]

#[path = "support/gnupg.rs"]
mod gnupg;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use gnupg::Gnupg;

#[expect(clippy::disallowed_methods, reason = "the program itself is tested")]
fn postern() -> Command {
    Command::new(env!("CARGO_BIN_EXE_postern"))
}

fn demo(dir: &Path, locale: &str) -> Output {
    let mut command = postern();
    command.args(["demo", "--dir"]).arg(dir).env("TERM", "xterm-256color").env_remove("NO_COLOR").env("LC_ALL", locale);
    command.output().unwrap()
}

fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<PathBuf> = entries.filter(|path| path.to_string_lossy().ends_with(ending)).collect();
    found.sort();
    found
}

fn named(folder: &Path, part: &str) -> PathBuf {
    let found = files(folder, ".eml").into_iter().find(|path| path.to_string_lossy().contains(part));
    found.unwrap_or_else(|| panic!("no mail is called {part}"))
}

/// The signed part of a mail, exactly as it stands between the boundaries, and the signature.
fn signed_part(mail: &str) -> (String, String) {
    let (_, rest) = mail.split_once("boundary=\"").unwrap();
    let (boundary, _) = rest.split_once('"').unwrap();
    let parts: Vec<&str> = mail.split(&format!("--{boundary}")).collect();
    let part = parts[1].strip_prefix("\r\n").unwrap().strip_suffix("\r\n").unwrap();
    let armor = parts[2].find("-----BEGIN PGP SIGNATURE-----").unwrap();
    (part.to_owned(), parts[2][armor..].to_owned())
}

#[test]
#[expect(clippy::disallowed_methods, reason = "how long it took is told, not judged")]
fn the_story_is_told_in_order_and_left_in_the_folder() {
    let base = tempfile::tempdir().unwrap();
    let dir = base.path().join("made/anew");
    let began = std::time::Instant::now();
    let run = demo(&dir, "C.UTF-8");
    eprintln!("postern demo took {:.1?}", began.elapsed());
    let told = String::from_utf8(run.stdout).unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    assert!(run.stderr.is_empty(), "{}", String::from_utf8_lossy(&run.stderr));

    let mut rest = told.as_str();
    for step in [
        "Report: ",
        "Acknowledgement: ",
        "Forward of the report",
        "!owner me",
        "owner Bo",
        "Answer: ",
        "Held mail: ",
        "Forged command: ",
        "Nothing was done",
        "Maintainer notice: ",
        "maintainer contacted",
        "first reminder",
        "second reminder",
        "last reminder",
        "Draft: ",
        "maintainer silent",
        "!publish",
        "Preview: ",
        "!confirm ",
        "Advisory: [SECURITY] ",
        "embargo over, advisory",
        "What you have now",
    ] {
        let place = rest.find(step).unwrap_or_else(|| panic!("{step:?} is missing, or too early, in:\n{told}"));
        rest = &rest[place..];
    }
    assert!(!told.contains('\u{1b}'), "no colour in a pipe");
    assert!(told.lines().all(|line| line.chars().count() <= 80), "{told}");
    assert_eq!(std::fs::read_to_string(dir.join("timeline.txt")).unwrap(), told);
    assert_eq!(told.matches("in clear, signed").count(), 1, "the advisory alone leaves in clear");
    assert_eq!(told.matches("in clear, not signed").count(), 2, "the stranger alone writes in clear");

    let mails = dir.join("mails");
    for (number, mail) in files(&mails, ".eml").iter().enumerate() {
        let name = mail.file_name().unwrap().to_string_lossy().into_owned();
        assert!(name.starts_with(&format!("{:02}-", number + 1)), "{name}");
        assert!(told.contains(&name), "{name} is not in the timeline");
        let bytes = std::fs::read_to_string(mail).unwrap();
        assert_eq!(bytes.contains("multipart/encrypted"), mail.with_extension("txt").exists(), "{name}");
    }
    let page = std::fs::read_to_string(dir.join("site/advisories/ex-2026-0001.html")).unwrap();
    assert!(page.contains("No fix available") && dir.join("README.txt").exists());
}

#[test]
fn gnupg_verifies_the_advisory_and_opens_the_mails_with_the_keys_of_the_folder() {
    let base = tempfile::tempdir().unwrap();
    let dir = base.path().join("demo");
    assert!(demo(&dir, "C").status.success());
    let gnupg = Gnupg::new();
    gnupg.import(&std::fs::read(dir.join("keys/postern-public.asc")).unwrap());
    let mail = std::fs::read_to_string(named(&dir.join("mails"), "advisory-to-")).unwrap();
    let (part, signature) = signed_part(&mail);
    let verdict = gnupg.verify_detached(part.as_bytes(), signature.as_bytes());
    assert!(verdict.good.is_some(), "{}", verdict.status);
    let changed = part.replace("uninstall", "install");
    assert!(gnupg.verify_detached(changed.as_bytes(), signature.as_bytes()).good.is_none());
    for (apart, expected) in [(".signed-part", &part), (".signed-part.asc", &signature)] {
        let text = std::fs::read_to_string(&files(&dir.join("mails"), apart)[0]).unwrap();
        assert_eq!(text.replace("\r\n", "\n").trim_end(), expected.replace("\r\n", "\n").trim_end());
    }

    gnupg.import(&std::fs::read(dir.join("keys/ana-secret.asc")).unwrap());
    let (text, inside) = gnupg.decrypt(&std::fs::read(named(&dir.join("mails"), "ack-to-ana")).unwrap());
    assert!(String::from_utf8_lossy(&text).contains("thank you for writing"));
    assert_eq!(inside.good, verdict.good, "the same key signs both");
}

#[test]
fn a_folder_that_holds_anything_is_refused_and_left_alone() {
    let base = tempfile::tempdir().unwrap();
    std::fs::write(base.path().join("mine"), "x").unwrap();
    let run = demo(base.path(), "C");
    assert_eq!(run.status.code(), Some(73));
    let why = String::from_utf8(run.stderr).unwrap();
    assert!(why.lines().count() == 1 && why.contains("is not empty"), "{why}");
    assert!(run.stdout.is_empty());
    assert_eq!(std::fs::read_dir(base.path()).unwrap().count(), 1);

    let run = demo(&base.path().join("mine"), "C");
    assert_eq!(run.status.code(), Some(73), "a file is no folder");
}

#[test]
fn a_second_run_into_the_same_folder_is_refused_and_a_closed_pipe_is_no_failure() {
    let base = tempfile::tempdir().unwrap();
    let dir = base.path().join("demo");
    let mut command = postern();
    let mut first = command.args(["demo", "--dir"]).arg(&dir).stdout(std::process::Stdio::piped()).spawn().unwrap();
    drop(first.stdout.take());
    assert!(first.wait().unwrap().success());
    let told = std::fs::read_to_string(dir.join("timeline.txt")).unwrap();
    assert!(told.contains("What you have now"));
    assert_eq!(demo(&dir, "C").status.code(), Some(73));
    assert_eq!(std::fs::read_to_string(dir.join("timeline.txt")).unwrap(), told);
}

#[test]
fn a_terminal_that_knows_only_ascii_gets_ascii() {
    let base = tempfile::tempdir().unwrap();
    let run = demo(&base.path().join("demo"), "C");
    assert!(run.stdout.is_ascii(), "{}", String::from_utf8_lossy(&run.stdout));
}
