//! README's way from zero to a running daemon, with the lines that stand in it.
//!
//! The lines are run in a shell, in folders of their own, against a real Dovecot and a real Postfix: `init`,
//! `check --roundtrip`, `run`, a first mail, its receipt. The editor is a script that writes what a person would. The
//! program of this test run stands in for the release build. What a newcomer does before, `tests/readme` does: it clones
//! the repository and runs README's two commands.
#![expect(clippy::expect_used, reason = "a test stops at what it cannot do")]
#![expect(clippy::disallowed_methods, reason = "a test that runs a shell starts a program, and waits for it")]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

#[path = "support/dovecot.rs"]
mod dovecot;
#[path = "support/gnupg.rs"]
mod gnupg;
#[path = "support/postfix.rs"]
#[expect(dead_code, reason = "other test programs use the rest")]
mod postfix;

use dovecot::Dovecot;
use gnupg::{Gnupg, Kind};
use postfix::{Options, Postfix, wait_for_mail};
use regex::Regex;

const MAIL_WITHIN: Duration = Duration::from_secs(60);
const HOUSE: &str = "security@example.org";

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The lines of every block of README that is marked `run: <name>`, in their order.
fn blocks(name: &str) -> String {
    let readme = fs::read_to_string(repository().join("README.md")).expect("README.md");
    let mark = format!("<!-- run: {name} -->\n```sh\n");
    let found = readme.split(mark.as_str()).skip(1).map(|rest| rest.split("```\n").next().unwrap_or_default());
    let lines: String = found.collect();
    assert!(!lines.is_empty(), "README.md has no block marked \"run: {name}\"");
    lines
}

/// The receipt that README shows.
fn sample() -> String {
    let readme = fs::read_to_string(repository().join("README.md")).expect("README.md");
    let block = readme.split("<!-- sample: receipt -->\n```\n").nth(1).expect("README.md shows a receipt");
    like_the_sample(block.split("```\n").next().unwrap_or_default())
}

/// A text with its instants and years made equal.
fn like_the_sample(text: &str) -> String {
    let instant = Regex::new(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC").expect("a pattern");
    let label = Regex::new(r"EX-\d{4}-").expect("a pattern");
    let text = text.replace("\r\n", "\n");
    label.replace_all(&instant.replace_all(&text, "INSTANT"), "EX-YEAR-").into_owned()
}

/// The folders and programs of one walk.
struct Walk {
    dir: tempfile::TempDir,
}

impl Walk {
    /// A folder that looks like a built checkout.
    fn begin() -> Self {
        let walk = Self { dir: tempfile::tempdir().expect("a folder") };
        for folder in ["checkout/target/release", "home", "hand"] {
            fs::create_dir_all(walk.path(folder)).expect("a folder");
        }
        for name in ["contrib", "systemd"] {
            symlink(repository().join(name), walk.path("checkout").join(name)).expect("a link");
        }
        let built = walk.path("checkout/target/release/postern");
        symlink(env!("CARGO_BIN_EXE_postern"), built).expect("a link");
        walk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// An editor that writes what a person writes: it takes each file from `hand`.
    fn write_editor(&self) {
        let hand = self.path("hand");
        let editor = hand.join("editor");
        let script =
            format!("#!/bin/sh -eu\nfor file; do\n    cp {}/\"${{file##*/}}\" \"$file\"\ndone\n", hand.display());
        fs::write(&editor, script).expect("a file");
        fs::set_permissions(&editor, fs::Permissions::from_mode(0o755)).expect("a mode");
    }

    /// A shell at the checkout, as README asks for.
    fn shell(&self, lines: &str) -> Command {
        let mut shell = Command::new("/bin/sh");
        shell
            .args(["-euc", lines])
            .current_dir(self.path("checkout"))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.path("home"))
            .env("EDITOR", self.path("hand/editor"))
            .env("ETC", self.path("etc"))
            .env("STATE", self.path("state"))
            .env("BIN", self.path("bin"))
            // The servers of this test, and who vouches for them: an operator's are known to his system.
            .env("IMAP", fs::read_to_string(self.path("hand/imap")).unwrap_or_default())
            .env("SMTP", fs::read_to_string(self.path("hand/smtp")).unwrap_or_default())
            .env("SSL_CERT_FILE", self.path("hand/authorities.pem"))
            .stdin(Stdio::null());
        shell
    }
}

/// The daemon in the foreground, ended with the value.
struct Daemon(Child);

impl Daemon {
    fn stop(mut self) -> i32 {
        self.signal(rustix::process::Signal::INT);
        self.0.wait().expect("the daemon").code().unwrap_or(-1)
    }

    fn signal(&self, signal: rustix::process::Signal) {
        let _ended = rustix::process::kill_process_group(rustix::process::Pid::from_child(&self.0), signal);
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.signal(rustix::process::Signal::KILL);
        let _reaped = self.0.wait();
    }
}

const REPORT: &str = "From: Rita <rita@reporter.example>\r\nTo: security@example.org\r\nSubject: Login bypass\r\n\
    Message-ID: <first@reporter.example>\r\n\r\nThe login form accepts anything.\r\n";

/// Servers and people, and what a person has in hand before the first line.
fn prepare(walk: &Walk, members: &Gnupg) -> (Dovecot, Postfix) {
    let mailbox = Dovecot::start();
    let inbox = mailbox.maildir();
    let (rita, ana, bo) = (walk.path("mail/rita"), walk.path("mail/ana"), walk.path("mail/bo"));
    let boxes: [(&str, &Path); 4] =
        [(HOUSE, &inbox), ("rita@reporter.example", &rita), ("ana@example.org", &ana), ("bo@example.org", &bo)];
    let results = ["example.org", "reporter.example"].map(|domain| {
        let line = format!("Authentication-Results: mx.example.org; dmarc=pass header.from={domain}");
        (domain, line)
    });
    let prepend = results.each_ref().map(|(domain, line)| (*domain, line.as_str()));
    let auth_port = Some(mailbox.auth_port);
    let relay = Postfix::start_with(&Options { mailboxes: &boxes, prepend: &prepend, auth_port, ..Options::default() });
    for name in ["Ana", "Bo"] {
        let print = members.generate(name, &format!("{}@example.org", name.to_lowercase()), Kind::Curve25519, "never");
        let file = walk.path("checkout").join(format!("{}.asc", name.to_lowercase()));
        fs::write(file, members.export(&print)).expect("a certificate");
    }
    for name in ["imap.password", "smtp.password"] {
        fs::write(walk.path("hand").join(name), format!("{}\n", mailbox.password)).expect("a file");
    }
    fs::write(walk.path("hand/imap"), format!("localhost:{}", mailbox.imaps_port)).expect("a file");
    fs::write(walk.path("hand/smtp"), format!("localhost:{}", relay.tls_port)).expect("a file");
    let authorities = [&mailbox.ca_file, &relay.ca_file()].map(|file| fs::read_to_string(file).expect("an authority"));
    fs::write(walk.path("hand/authorities.pem"), authorities.concat()).expect("a file");
    walk.write_editor();
    (mailbox, relay)
}

#[test]
fn readme_leads_from_zero_to_the_receipt_of_the_first_mail() {
    let walk = Walk::begin();
    let members = Gnupg::new();
    let (mailbox, relay) = prepare(&walk, &members);
    let (rita, ana) = (walk.path("mail/rita"), walk.path("mail/ana"));

    let done = walk.shell(&blocks("zero")).output().expect("a shell");
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "README's lines failed:\n{said}");
    let names = ["instance.key", "database.key", "imap.password", "smtp.password", "team.key", "team.passphrase"];
    let settings = fs::read_to_string(walk.path("etc/postern.toml")).expect("settings");
    for secret in names {
        let mode = fs::metadata(walk.path("etc").join(secret)).expect("a secret").permissions().mode();
        assert_eq!(mode & 0o077, 0, "{secret} is open to others");
        assert!(settings.contains(&format!("\"credential:{secret}\"")), "{secret} is not a credential:\n{settings}");
    }

    let checked = walk.shell(&blocks("check")).output().expect("a shell");
    let lines = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert!(checked.status.success() && lines.lines().all(|line| line.starts_with("ok ")), "{lines}");
    for word in
        ["addressing.plus", "keyed sender is kept", "Message-IDs are kept", "writes mx.example.org", "inbox.archive"]
    {
        assert!(lines.contains(word), "{word} was not tried:\n{lines}");
    }
    assert_eq!((mailbox.count(""), mailbox.count("postern")), (0, 0), "nothing of the trial is left");

    // Without a trap the shell would end by the signal and hide how the daemon ended.
    let lines = format!("trap : INT\n{}", blocks("daemon"));
    let log = walk.path("log");
    let mut shell = walk.shell(&lines);
    shell.process_group(0).stderr(fs::File::create(&log).expect("a log"));
    let daemon = Daemon(shell.spawn().expect("a shell"));
    let end = Instant::now() + MAIL_WITHIN;
    // Mail that comes before the first look is mail from before the first start.
    while !fs::read_to_string(&log).expect("a log").contains("inbox open") {
        assert!(Instant::now() < end, "the daemon does not start: {:?}", fs::read_to_string(&log));
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(relay.send("rita@reporter.example", HOUSE, REPORT.as_bytes()), 250);
    let receipt = String::from_utf8(wait_for_mail(&rita, 1, MAIL_WITHIN).remove(0)).expect("a mail");
    let received = like_the_sample(&receipt);
    for line in sample().lines() {
        assert!(received.contains(line), "README shows a line that the receipt has not: {line}\n{received}");
    }
    assert!(receipt.contains("Content-Type: multipart/signed"), "{receipt}");
    assert!(receipt.contains("application/pgp-keys"), "the certificate of the address goes along: {receipt}");

    let shown = wait_for_mail(&ana, 1, MAIL_WITHIN).remove(0);
    assert!(!String::from_utf8_lossy(&shown).contains("login form"), "members have keys, so nothing goes in clear");
    members.import(&fs::read(walk.path("etc/security.asc")).expect("the certificate of the address"));
    let (opened, verdict) = members.decrypt(&shown);
    assert!(verdict.good.is_some(), "signed by the key that init made: {}", verdict.status);
    let opened = String::from_utf8_lossy(&opened).into_owned();
    assert!(opened.contains("The login form accepts anything."), "{opened}");
    assert!(like_the_sample(&opened).contains("!case EX-YEAR-0001 "), "{opened}");
    assert_eq!(daemon.stop(), 0, "Ctrl-C ends the daemon in order");
}

#[test]
fn readme_has_two_commands_for_a_newcomer() {
    let commands = blocks("two-commands");
    assert_eq!(commands.lines().collect::<Vec<_>>(), ["contrib/quickstart", "tests/run"]);
    for command in commands.lines() {
        let mode = fs::metadata(repository().join(command)).expect("the command").permissions().mode();
        assert_eq!(mode & 0o111, 0o111, "{command} can be run");
    }
}
