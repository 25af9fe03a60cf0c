//! `postern init`: all of an installation or none of it, and nothing overwritten.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test runs programs, and fails by panicking"
)]

#[path = "support/gnupg.rs"]
mod gnupg;

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use gnupg::{Gnupg, Kind};
use postern::settings::Settings;
use postern::settings::checked::{Audience, Inbox, Relay, Security, Settle};

// sysexits.h
const USAGE: i32 = 64;
const CANNOT_CREATE: i32 = 73;
const CONFIG: i32 = 78;

const FOLDERS: [&str; 4] = ["--maildir", "mail", "--outbox", "out"];
const ANA: [&str; 4] = ["--member", "Ana Example <ana@example.org>", "--clear", "team,reporter"];

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::Builder::new().prefix("init").tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.folder.path()).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command
    }

    /// `postern init` into `etc` and `state`.
    fn init(&self, more: &[&[&str]]) -> Output {
        let basis = ["init", "--yes", "--dir", "etc", "--state-dir", "state", "--address", "security@example.org"];
        let mut command = self.command(env!("CARGO_BIN_EXE_postern"));
        command.args(basis).args(more.concat()).stdin(Stdio::null()).output().unwrap()
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = self.command(env!("CARGO_BIN_EXE_postern"));
        command.args(arguments).args(["--config", "etc/postern.toml"]).stdin(Stdio::null()).output().unwrap()
    }

    /// Every file with its content and mode.
    fn files(&self) -> BTreeMap<PathBuf, (Vec<u8>, u32)> {
        let entries = walkdir::WalkDir::new(self.folder.path()).into_iter().map(Result::unwrap);
        let files = entries.filter(|entry| entry.file_type().is_file());
        files
            .map(|entry| {
                let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
                (entry.path().to_path_buf(), (fs::read(entry.path()).unwrap(), mode))
            })
            .collect()
    }

    fn settings(&self) -> Settings {
        Settings::load(&self.path("etc/postern.toml"), []).unwrap()
    }
}

#[track_caller]
fn is_done(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[track_caller]
fn is_refused(output: &Output, code: i32, words: &[&str]) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(words.iter().all(|word| said.contains(word)), "{words:?} in {said}");
}

#[test]
fn an_installation_of_folders_is_made_checked_and_runs() {
    let place = Place::new();
    let said = is_done(&place.init(&[&FOLDERS, &ANA]));
    for next in ["check --roundtrip", "run --config", "_dmarc.example.org", "security.txt", "openpgp4fpr:", "+anything"]
    {
        assert!(said.contains(next), "{next}: {said}");
    }
    assert!(said.lines().count() <= 25, "one screen:\n{said}");
    for (file, (_, mode)) in place.files() {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let public = ["postern.toml", "security.asc"].contains(&name.as_str());
        assert_eq!(mode, if public { 0o644 } else { 0o600 }, "{name}");
    }
    assert_eq!(fs::metadata(place.path("state")).unwrap().permissions().mode() & 0o777, 0o700);
    let checked = is_done(&place.run(&["check"]));
    assert!(checked.lines().all(|line| line.starts_with("ok ")), "{checked}");

    let report = b"From: rita@reporter.example\r\nTo: security@example.org\r\nSubject: x\r\nMessage-ID: <a@b>\r\n\r\nA hole.\r\n";
    let stored = place.run(&["run", "--once"]);
    is_done(&stored);
    fs::write(place.path("mail/new/1"), report).unwrap();
    is_done(&place.run(&["run", "--once"]));
    let sent = place.files().into_iter().filter(|(path, _)| path.starts_with(place.path("out")));
    let sent: Vec<String> = sent.map(|(_, (bytes, _))| String::from_utf8_lossy(&bytes).into_owned()).collect();
    assert!(sent.iter().any(|mail| mail.contains("rita@reporter.example") && mail.contains("[EXAMPLE-")), "{sent:?}");
}

#[test]
fn nothing_is_ever_overwritten_and_everything_in_the_way_is_named() {
    let place = Place::new();
    is_done(&place.init(&[&FOLDERS, &ANA]));
    let before = place.files();
    let again = place.init(&[&FOLDERS, &ANA]);
    is_refused(&again, CANNOT_CREATE, &["nothing was made", "postern.toml", "instance.key", "team.key", "postern.db"]);
    assert_eq!(place.files(), before);
    fs::remove_dir_all(place.path("etc")).unwrap();
    let before = place.files();
    is_refused(&place.init(&[&FOLDERS, &ANA]), CANNOT_CREATE, &["postern.db"]);
    assert_eq!(place.files(), before);
    assert!(!place.path("etc").exists(), "no folder is left either");
}

#[test]
fn every_option_becomes_a_setting_and_certificates_are_pinned() {
    let place = Place::new();
    let gpg = Gnupg::new();
    let prints = ["ana", "dev"].map(|name| {
        let print = gpg.generate(name, &format!("{name}@example.org"), Kind::Curve25519, "never");
        fs::write(place.path(&format!("{name}.asc")), gpg.export(&print)).unwrap();
        print
    });
    fs::create_dir(place.path("etc")).unwrap();
    fs::write(place.path("etc/imap.password"), "in its place\n").unwrap();
    fs::write(place.path("elsewhere"), "to be copied\n").unwrap();
    for file in ["etc/imap.password", "elsewhere"] {
        fs::set_permissions(place.path(file), fs::Permissions::from_mode(0o600)).unwrap();
    }
    fs::write(place.path("ca.pem"), "not read here").unwrap();
    let said = is_done(&place.init(&[
        &["--project", "The \"Example\" Project", "--name", "house", "--case-prefix", "HOUSE"],
        &["--imap-host", "imap.example.org:1993", "--imap-user", "box", "--imap-password-file", "etc/imap.password"],
        &["--smtp-host", "smtp.example.org", "--smtp-port", "2525", "--smtp-security", "starttls"],
        &["--smtp-password-file", "elsewhere", "--ca-file", "ca.pem", "--settle", "keep"],
        &["--member", "Ana Example <ana@example.org>", "--certificates", "ana.asc", "dev.asc", "--clear", "none"],
        &["--site", "www", "--base-url", "https://example.org/security/", "--list", "Announce@lists.example.org"],
        &["--authserv-id", "mx.example.org"],
    ]));
    assert!(said.contains(&format!("ana@example.org {}", prints[0])), "to be compared: {said}");
    let settings = place.settings();
    assert_eq!(settings.instance.project, "The \"Example\" Project");
    let Inbox::Imap(imap) = &settings.inbox else { panic!("{settings:?}") };
    assert_eq!((imap.host.as_str(), imap.port, imap.user.as_str()), ("imap.example.org", 1993, "box"));
    assert_eq!((imap.security, imap.settle), (Security::Tls, Settle::Keep));
    assert_eq!(imap.ca_file, Some(place.path("ca.pem")));
    let [Relay::Smtp(smtp)] = settings.relays.as_slice() else { panic!("{settings:?}") };
    assert_eq!((smtp.port, smtp.security), (2525, Security::Starttls));
    assert_eq!(smtp.login.as_ref().unwrap().user, "box");
    assert_eq!(fs::read(place.path("etc/smtp.password")).unwrap(), b"to be copied\n");
    assert_eq!(settings.members[0].fingerprint.as_ref().unwrap().as_str(), prints[0]);
    let pins: Vec<_> = settings.keys.pins.iter().map(|(at, print)| (at.to_string(), print.to_string())).collect();
    assert_eq!(pins, [("dev@example.org".to_owned(), prints[1].clone())]);
    assert!(settings.privacy.clear.is_empty());
    assert_eq!(settings.publish.lists[0].name, "announce");
    assert_eq!(settings.publish.site.as_ref().unwrap().base_url, "https://example.org/security");
    assert_eq!(settings.authentication.authserv_ids, ["mx.example.org"]);
    assert!(fs::read_to_string(place.path("etc/postern.toml")).unwrap().contains("\n#poll_seconds = 60\n"));
}

#[test]
fn what_cannot_be_used_leaves_nothing_behind() {
    let place = Place::new();
    let nothing = |output: &Output, code: i32, words: &[&str]| {
        is_refused(output, code, words);
        assert!(!place.path("etc").exists() && !place.path("state").exists() && !place.path("mail").exists());
    };
    let member = ["--member", "Ana Example <ana@example.org>"];
    nothing(&place.init(&[&FOLDERS, &member]), CONFIG, &["Ana Example", "--certificates", "--clear team"]);
    fs::write(place.path("no.asc"), "no key").unwrap();
    nothing(&place.init(&[&FOLDERS, &ANA, &["--certificates", "no.asc"]]), 65, &["no OpenPGP certificate"]);
    let unknown = format!("Ana <ana@example.org> [{}]", "A1".repeat(20));
    nothing(&place.init(&[&FOLDERS, &["--member", &unknown]]), CONFIG, &["certificate"]);
    nothing(&place.init(&[&FOLDERS, &ANA, &["--list", "nonsense"]]), USAGE, &["--list"]);
    // Clear text to another machine: found by the checks of `run`, when everything had been made.
    let plain = ["--maildir", "mail", "--smtp-host", "mail.example.org", "--smtp-security", "plain"];
    nothing(&place.init(&[&plain, &ANA]), CONFIG, &["nothing was made", "relay[0].security"]);
    let missing = place.run(&[]);
    assert!(!missing.status.success());
    let bare = place.command(env!("CARGO_BIN_EXE_postern")).args(["init", "--yes", "--dir", "etc"]).output().unwrap();
    nothing(&bare, USAGE, &["--address", "--imap-host", "--smtp-host", "--member"]);
    let nobody = place.command(env!("CARGO_BIN_EXE_postern")).arg("init").stdin(Stdio::null()).output().unwrap();
    nothing(&nobody, USAGE, &["terminal", "--yes"]);
}

/// What a terminal shows, and answers typed when their question is there.
struct Terminal {
    child: std::process::Child,
    shown: std::sync::mpsc::Receiver<u8>,
    so_far: String,
}

impl Terminal {
    fn open(place: &Place, command: &str) -> Self {
        let mut script = place.command("script");
        script.args(["-qec", command, "/dev/null"]).env("TERM", "dumb").env("SHELL", "/bin/sh");
        let mut child = script.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut out = child.stdout.take().unwrap();
        let (send, shown) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let mut octet = [0];
            while out.read(&mut octet).is_ok_and(|read| read == 1) && send.send(octet[0]).is_ok() {}
        });
        Self { child, shown, so_far: String::new() }
    }

    fn answer(&mut self, question: &str, answer: &str) {
        self.wait_for(question);
        self.child.stdin.as_mut().unwrap().write_all(format!("{answer}\n").as_bytes()).unwrap();
    }

    fn wait_for(&mut self, words: &str) {
        let end = Instant::now() + Duration::from_secs(60);
        let from = self.so_far.len();
        while !self.so_far.get(from..).is_some_and(|new| new.contains(words)) {
            let left = end.saturating_duration_since(Instant::now());
            let octet = self.shown.recv_timeout(left).unwrap_or_else(|_| panic!("{words:?} in {}", self.so_far));
            self.so_far.push(char::from(octet));
        }
    }

    fn close(mut self) -> (bool, String) {
        let ended = self.child.wait().unwrap().success();
        while let Ok(octet) = self.shown.recv_timeout(Duration::from_secs(10)) {
            self.so_far.push(char::from(octet));
        }
        (ended, self.so_far)
    }
}

#[test]
fn a_person_at_a_terminal_is_asked_and_no_password_is_shown() {
    let place = Place::new();
    let program = Path::new(env!("CARGO_BIN_EXE_postern")).display();
    let mut terminal = Terminal::open(&place, &format!("{program} init --dir etc --outbox out"));
    terminal.answer("Address", "nonsense");
    terminal.answer("Address", "security@example.org");
    terminal.answer("Name of the project", "Example Project");
    terminal.answer("Short name", "");
    terminal.answer("Letters before a case", "EX");
    terminal.answer("Folder for the database", "state");
    terminal.answer("Host of the mailbox", "");
    terminal.answer("Protection", "");
    terminal.answer("Name to log in", "");
    terminal.answer("not shown", "open sesame");
    terminal.answer("Stored mail", "keep");
    terminal.answer("Member 1", "Ana Example <ana@example.org>");
    terminal.answer("Member 2", "");
    terminal.answer("File with a certificate", "");
    terminal.answer("In clear to", "team reporter");
    terminal.answer("Folder of a web server", "");
    terminal.answer("Mailing list", "");
    let (ended, shown) = terminal.close();
    assert!(ended && shown.contains("postern check"), "{shown}");
    assert!(!shown.contains("sesame"), "{shown}");
    assert_eq!(fs::read(place.path("etc/imap.password")).unwrap(), b"open sesame\n");
    let settings = place.settings();
    assert_eq!((settings.instance.name.as_str(), settings.instance.case_prefix.as_str()), ("example", "EX"));
    let Inbox::Imap(imap) = &settings.inbox else { panic!("{settings:?}") };
    assert_eq!(
        (imap.host.as_str(), imap.user.as_str(), imap.settle),
        ("imap.example.org", "security@example.org", Settle::Keep)
    );
    assert!(settings.privacy.clear.contains(&Audience::Team));
}
