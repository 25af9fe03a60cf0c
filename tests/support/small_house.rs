//! The shipped binary in a folder of its own: settings, keys, state, and what it said.
//!
//! Starts no server and asks no network. Every wait has an end; a process that outlives it is
//! killed, and the test fails with all that the process said.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test starts a program, waits for it and looks at what it left"
)]
#![allow(dead_code, clippy::allow_attributes, reason = "each test program uses a part of this")]

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use postern::domain::id::{Address, MessageId};
use postern::domain::time::Timestamp;
use postern::pgp::keyring::generate;
use postern::store::Store;

/// Longest wait for anything; `run --once` alone waits a minute for a server that is not there.
pub const PATIENCE: Duration = Duration::from_secs(90);
/// The name in the settings, to which the database belongs.
const INSTANCE: &str = "test";

/// One folder with everything that one daemon needs.
pub struct House {
    folder: tempfile::TempDir,
    starts: AtomicU32,
}

/// A process of ours.
pub struct Daemon {
    child: Child,
    said: PathBuf,
}

/// How a process ended.
#[derive(Debug)]
pub struct Ending {
    pub code: Option<i32>,
    pub signal: Option<i32>,
    /// Everything on standard error.
    pub said: String,
}

/// A report that a stranger sends.
#[derive(Debug, Clone)]
pub struct Report {
    pub from: String,
    pub message_id: String,
    pub subject: String,
    pub bytes: Vec<u8>,
}

/// A mail that left the house, without the lines that its way added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrived {
    pub recipient: String,
    pub message_id: String,
    pub bytes: Vec<u8>,
}

impl House {
    /// Lays down settings with these `[inbox]` and `[[relay]]` tables, keys and an empty state folder; the team is
    /// `ana@` and `bo@` at `domain`, and both they and reporters are written to in clear.
    pub fn new(inbox: &str, relay: &str, domain: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("house").tempdir().unwrap();
        let house = Self { folder, starts: AtomicU32::new(0) };
        for name in ["state", "out", "inbox/new", "inbox/cur", "inbox/tmp"] {
            fs::create_dir_all(house.path(name)).unwrap();
        }
        let own = Address::parse("security@example.org").unwrap();
        let key = generate("Example Security", &own, now()).unwrap();
        house.secret("team.key", key.secret_armored.as_slice());
        house.secret("instance.key", &[7; 32]);
        house.secret("database.key", &[8; 32]);
        let settings = format!(
            "[instance]\nname = \"{INSTANCE}\"\nproject = \"Example\"\naddress = \"{own}\"\ncase_prefix = \"EX\"\n\
             state_dir = \"state\"\nkey = \"instance.key\"\n\n[store]\nkey = \"database.key\"\n\n\
             [inbox]\n{inbox}\n\n[[relay]]\n{relay}\n\n[keys]\nsecret = [\"team.key\"]\n\n\
             [[member]]\nname = \"Ana\"\naddress = \"ana@{domain}\"\nrole = \"lead\"\n\n\
             [[member]]\nname = \"Bo\"\naddress = \"bo@{domain}\"\n\n\
             [privacy]\nclear = [\"team\", \"reporter\"]\n\n[daemon]\nfree_bytes_min = 0\n"
        );
        fs::write(house.settings(), settings).unwrap();
        house
    }

    /// One that needs no server: mail comes in by the Maildir `inbox` and goes out to the Maildir `out`.
    pub fn of_folders() -> Self {
        Self::new("kind = \"maildir\"\npath = \"inbox\"", "kind = \"folder\"\npath = \"out\"", "example.org")
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn settings(&self) -> PathBuf {
        self.path("postern.toml")
    }

    /// Writes a file that only its owner may read.
    pub fn secret(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).unwrap();
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// Changes the settings; `old` must stand in them.
    pub fn change(&self, old: &str, new: &str) {
        let text = fs::read_to_string(self.settings()).unwrap();
        assert!(text.contains(old), "{old:?} does not stand in the settings");
        fs::write(self.settings(), text.replacen(old, new, 1)).unwrap();
    }

    /// The line of the settings on which this text begins, from 1.
    pub fn line_of(&self, text: &str) -> usize {
        let settings = fs::read_to_string(self.settings()).unwrap();
        settings.lines().position(|line| line.starts_with(text)).unwrap() + 1
    }

    /// Delivers into the Maildir `inbox`.
    pub fn deliver(&self, report: &Report) {
        let name = report.message_id.replace('@', ".");
        fs::write(self.path("inbox/tmp").join(&name), &report.bytes).unwrap();
        fs::rename(self.path("inbox/tmp").join(&name), self.path("inbox/new").join(&name)).unwrap();
    }

    /// Mails that lie in the Maildir `inbox`.
    pub fn waiting(&self) -> usize {
        ["inbox/new", "inbox/cur"].iter().map(|part| fs::read_dir(self.path(part)).unwrap().count()).sum()
    }

    /// Mails that left by the folder `out`.
    pub fn sent(&self) -> Vec<Arrived> {
        arrived(&self.path("out"))
    }

    /// The database of a house at rest.
    pub fn store(&self) -> Store {
        Store::open(&self.path("state/postern.db"), &[8; 32], INSTANCE).unwrap()
    }

    /// Starts the binary with these arguments and the settings, and with these variables more.
    pub fn start(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Daemon {
        self.start_as(arguments, variables, |_| {})
    }

    /// As [`House::start`], after a last change of the command.
    pub fn start_as(
        &self,
        arguments: &[&str],
        variables: &[(&str, &str)],
        change: impl FnOnce(&mut Command),
    ) -> Daemon {
        let said = self.path(&format!("said.{}", self.starts.fetch_add(1, Ordering::SeqCst)));
        let mut command = Command::new(env!("CARGO_BIN_EXE_postern"));
        command.args(arguments).arg("--config").arg(self.settings());
        command.env_clear().envs(variables.iter().copied());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(&said).unwrap());
        change(&mut command);
        Daemon { child: command.spawn().unwrap(), said }
    }

    /// Whether a daemon of this house is up: it listens, and it heeds signals since before that.
    pub fn is_up(&self) -> bool {
        UnixStream::connect(self.path("state/postern.sock")).is_ok()
    }

    /// `postern run --once`, to its end.
    pub fn once(&self) -> Ending {
        self.start(&["run", "--once"], &[]).ended()
    }

    /// Does all that is due and must end well.
    pub fn rest(&self) {
        let ending = self.once();
        assert_eq!(ending.code, Some(0), "{ending:?}");
    }
}

impl Daemon {
    /// What it said so far.
    pub fn said(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.said).unwrap()).into_owned()
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits for its own end.
    pub fn ended(mut self) -> Ending {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return self.ending(status);
            }
            assert!(Instant::now() < until, "it does not end:\n{}", self.said());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Asks it to stop, as systemd does, and waits.
    pub fn stopped(self) -> Ending {
        let began = Instant::now();
        self.signal(rustix::process::Signal::TERM);
        let ending = self.ended();
        assert!(began.elapsed() < Duration::from_secs(10), "a stop takes too long: {ending:?}");
        ending
    }

    /// Kills it.
    pub fn killed(self) -> Ending {
        self.signal(rustix::process::Signal::KILL);
        self.ended()
    }

    fn signal(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.child), signal).unwrap();
    }

    fn ending(&self, status: ExitStatus) -> Ending {
        Ending { code: status.code(), signal: status.signal(), said: self.said() }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Ending {
    /// The lines that say why it ended, beside the log.
    pub fn complaints(&self) -> Vec<&str> {
        self.said.lines().filter_map(|line| line.strip_prefix("postern: ")).collect()
    }

    /// Ended with this code and one line that holds all these words.
    pub fn is_one_line(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, Some(code), "{self:?}");
        let complaints = self.complaints();
        assert_eq!(complaints.len(), 1, "one line says what to do: {self:?}");
        for word in words {
            assert!(complaints[0].contains(word), "{word:?} is missing in {:?}", complaints[0]);
        }
        assert!(!self.said.contains("panic"), "{self:?}");
    }
}

impl Report {
    /// A report that no other is equal to.
    pub fn new(from: &str, name: &str) -> Self {
        Self::of_size(from, name, 0)
    }

    /// One with so many bytes of further text, each line of it different.
    pub fn of_size(from: &str, name: &str, bytes: usize) -> Self {
        let (message_id, subject) = (format!("{name}@client.test"), format!("Hole {name}"));
        let mut text = format!(
            "From: Rita <{from}>\r\nTo: security@example.org\r\nSubject: {subject}\r\nMessage-ID: <{message_id}>\r\n\
             MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\
             In {name} a päge takes anything.\r\n.\r\nFrom here it goes on.\r\n"
        );
        let mut line = 0;
        while text.len() < bytes {
            text += &format!("{name}: {line:08} of a long log that shows what happens there\r\n");
            line += 1;
        }
        Self { from: from.to_owned(), message_id, subject, bytes: text.into_bytes() }
    }

    pub fn id(&self) -> MessageId {
        MessageId::parse(&self.message_id).unwrap()
    }
}

impl Arrived {
    /// The value of a header field, unfolded.
    pub fn header(&self, name: &str) -> Option<String> {
        header(&self.bytes, name)
    }
}

/// The mails in a Maildir, as they left the house.
pub fn arrived(maildir: &Path) -> Vec<Arrived> {
    let listed = ["new", "cur"].iter().filter_map(|part| fs::read_dir(maildir.join(part)).ok()).flatten();
    let mut files: Vec<PathBuf> = listed.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| without_its_way(&fs::read(file).unwrap())).collect()
}

/// Waits until the condition holds; `what` says what is waited for.
pub fn wait_until(what: &str, holds: impl FnMut() -> bool) {
    wait_or_explain(what, holds, String::new);
}

/// As [`wait_until`]; `explain` is asked when it was in vain.
pub fn wait_or_explain(what: &str, mut holds: impl FnMut() -> bool, explain: impl Fn() -> String) {
    let until = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < until, "waited in vain: {what}\n{}", explain());
        std::thread::sleep(Duration::from_millis(20));
    }
}

pub fn now() -> Timestamp {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    Timestamp(i64::try_from(seconds).unwrap())
}

/// Takes off the lines that the outgoing folder or Postfix put on top.
fn without_its_way(raw: &[u8]) -> Arrived {
    let recipient = header(raw, "Delivered-To").unwrap();
    let mut rest = raw;
    loop {
        let name = rest.split(|byte| *byte == b':').next().unwrap();
        if !["Return-Path", "X-Original-To", "Delivered-To", "Received"].iter().any(|trace| trace.as_bytes() == name) {
            break;
        }
        let end = (0..rest.len()).find(|at| rest[*at] == b'\n' && !b" \t".contains(&rest[at + 1])).unwrap();
        rest = &rest[end + 1..];
    }
    Arrived { recipient, message_id: header(rest, "Message-ID").unwrap(), bytes: rest.to_vec() }
}

fn header(raw: &[u8], name: &str) -> Option<String> {
    let text = String::from_utf8_lossy(raw).replace("\r\n", "\n");
    let head = text.split("\n\n").next().unwrap_or_default().replace("\n ", " ").replace("\n\t", " ");
    let prefix = format!("{}:", name.to_lowercase());
    let line = head.lines().find(|line| line.to_lowercase().starts_with(&prefix))?;
    Some(line[prefix.len()..].trim().to_owned())
}
