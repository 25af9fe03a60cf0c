//! The shipped binary in an installation of its own: settings, keys and state in a temporary folder.
//!
//! Its log is collected over all its starts. Its clock is the machine's, moved by libfaketime where [`Install::set_clock`]
//! was called, also while it runs. Whatever still runs is killed with the value. A machine without libfaketime fails the test.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test runs the program, waits for it and shows its log"
)]

use std::cell::Cell;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Longest wait for anything the daemon does.
pub const PATIENCE: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// One installation.
pub struct Install {
    folder: tempfile::TempDir,
    /// Seconds between the machine's clock and the daemon's; `None` leaves the daemon the machine's own.
    offset: Cell<Option<i64>>,
}

/// A daemon at work.
pub struct Daemon {
    child: Child,
}

/// How a command ended.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Default for Install {
    fn default() -> Self {
        Self::new()
    }
}

impl Install {
    /// Folders, and random keys for tokens and database.
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("postern").tempdir().unwrap();
        let install = Self { folder, offset: Cell::new(None) };
        for name in ["state", "certificates", "site"] {
            fs::create_dir(install.path(name)).unwrap();
        }
        for name in ["instance.key", "database.key"] {
            let mut random = [0; 32];
            getrandom::fill(&mut random).unwrap();
            install.write(name, &random);
        }
        install
    }

    /// A file or folder of it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file that only its owner may read.
    pub fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).unwrap();
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// Writes the settings.
    pub fn configure(&self, settings: &str) {
        self.write("postern.toml", settings.as_bytes());
    }

    /// The daemon's clock, in seconds since 1970.
    pub fn now(&self) -> i64 {
        machine_now() + self.offset.get().unwrap_or(0)
    }

    /// Puts the clock of this daemon, which may be running, and of all later ones.
    pub fn set_clock(&self, seconds: i64) {
        let offset = seconds - machine_now();
        self.offset.set(Some(offset));
        // Whole at any moment: a running daemon reads it at each look at the clock.
        fs::write(self.path("clock.new"), format!("{offset:+}\n")).unwrap();
        fs::rename(self.path("clock.new"), self.path("clock")).unwrap();
    }

    /// A command of the binary, with the clock of this installation and no settings from outside.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_postern"));
        command.args(arguments).current_dir(self.folder.path());
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("POSTERN") {
                command.env_remove(name);
            }
        }
        if self.offset.get().is_some() {
            command
                .env("LD_PRELOAD", faketime_library())
                .env("FAKETIME_TIMESTAMP_FILE", self.path("clock"))
                .env("FAKETIME_NO_CACHE", "1")
                .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
                .env("NO_FAKE_STAT", "1");
        }
        command
    }

    /// Runs a command to its end, with text on its standard input; one that takes too long is killed and fails the test.
    pub fn run(&self, arguments: &[&str], input: &[u8]) -> Ended {
        let out = self.path("stdout");
        let err = self.path("stderr");
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(File::create(&out).unwrap()).stderr(File::create(&err).unwrap());
        let mut child = command.spawn().expect("the binary runs");
        let mut stdin = child.stdin.take().unwrap();
        // A command that reads no input may have ended already.
        let _ = stdin.write_all(input);
        drop(stdin);
        let status = wait(&mut child, PATIENCE * 2);
        let stderr = fs::read_to_string(err).unwrap();
        self.collect(&stderr);
        let status = status.unwrap_or_else(|| panic!("postern {arguments:?} does not end:\n{stderr}"));
        Ended { code: status.code(), stdout: fs::read_to_string(out).unwrap(), stderr }
    }

    /// Starts the daemon.
    pub fn start(&self, arguments: &[&str]) -> Daemon {
        self.start_with(arguments, &[])
    }

    /// Starts the daemon with further variables, and leaves it to itself.
    pub fn start_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Daemon {
        let log = OpenOptions::new().create(true).append(true).mode(0o600).open(self.path("log")).unwrap();
        let all = [&["run", "--config", "postern.toml"], arguments].concat();
        let mut command = self.command(&all);
        command.envs(variables.iter().copied()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        Daemon { child: command.spawn().expect("the binary runs") }
    }

    /// Starts the daemon and waits until its inbox is open and everything there has been taken.
    pub fn start_and_wait(&self, arguments: &[&str]) -> Daemon {
        let before = self.openings();
        let mut daemon = self.start(arguments);
        let until = Instant::now() + PATIENCE;
        while self.openings() == before {
            let ended = daemon.child.try_wait().unwrap();
            assert!(ended.is_none() && Instant::now() < until, "the daemon does not start: {ended:?}\n{}", self.log());
            sleep(LOOK_EVERY);
        }
        daemon
    }

    fn openings(&self) -> usize {
        self.log().matches("inbox open").count()
    }

    /// Everything that was written to standard error so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    fn collect(&self, text: &str) {
        let mut log = OpenOptions::new().create(true).append(true).open(self.path("log")).unwrap();
        log.write_all(text.as_bytes()).unwrap();
    }
}

impl Drop for Install {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("postern said:\n{}", self.log());
        }
    }
}

impl Daemon {
    /// Asks it to stop as systemd does. Gives the exit code and how long it took.
    pub fn stop(mut self) -> (Option<i32>, Duration) {
        let asked = Instant::now();
        let process = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(process, rustix::process::Signal::TERM).unwrap();
        let status = wait(&mut self.child, PATIENCE).expect("the daemon stops");
        (status.code(), asked.elapsed())
    }

    /// Whether it is still at work.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits for it to end by itself.
    pub fn wait(mut self) -> Option<i32> {
        wait(&mut self.child, PATIENCE).expect("the daemon ends").code()
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until something is so.
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < end, "not in time: {what}");
        sleep(LOOK_EVERY);
    }
}

fn wait(child: &mut Child, patience: Duration) -> Option<ExitStatus> {
    let end = Instant::now() + patience;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status);
        }
        if Instant::now() >= end {
            let _ = child.kill();
            let _ = child.wait();
            return None;
        }
        sleep(LOOK_EVERY);
    }
}

fn machine_now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

/// The library for programs with threads, wherever this machine's architecture has it.
fn faketime_library() -> PathBuf {
    let folders = fs::read_dir("/usr/lib").unwrap().map(|entry| entry.unwrap().path());
    let places = folders.chain([PathBuf::from("/usr/lib")]);
    let mut found =
        places.map(|folder| folder.join(Path::new("faketime/libfaketimeMT.so.1"))).filter(|file| file.exists());
    found.next().expect("the package faketime is installed")
}
