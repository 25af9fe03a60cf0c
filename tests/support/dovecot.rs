//! A real Dovecot in a folder of its own, on free loopback ports, with a certificate of its own.
//!
//! Runs as root (mail then belongs to `nobody`) or as an ordinary user. Ends its processes when dropped.
#![expect(dead_code, reason = "each test program uses a part of this")]
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a test starts a program, waits for it and shows its log"
)]

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

/// What the server is to announce beside what it must.
#[derive(Debug, Clone)]
pub struct Options {
    pub capabilities: &'static str,
    /// When it syncs its files to the disk, in its own word.
    pub fsync: &'static str,
}

impl Default for Options {
    fn default() -> Self {
        Self { capabilities: "IDLE UIDPLUS MOVE", fsync: "always" }
    }
}

pub struct Dovecot {
    folder: tempfile::TempDir,
    pub imap_port: u16,
    pub imaps_port: u16,
    /// Where another server may ask whether a password is right.
    pub auth_port: u16,
    pub ca_file: PathBuf,
    pub user: String,
    pub password: String,
    options: Options,
    child: Option<Child>,
    delivered: std::sync::atomic::AtomicU32,
}

impl Dovecot {
    pub fn start() -> Self {
        Self::start_with(Options::default())
    }

    pub fn start_with(options: Options) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let [imap_port, imaps_port, auth_port] = free_ports();
        let mut server = Self {
            ca_file: folder.path().join("ca.pem"),
            folder,
            imap_port,
            imaps_port,
            auth_port,
            user: "security@example.org".to_owned(),
            password: "pass \"word\\ 1".to_owned(),
            options,
            child: None,
            delivered: std::sync::atomic::AtomicU32::new(0),
        };
        server.write_certificates();
        server.write_config();
        for part in ["new", "cur", "tmp"] {
            fs::create_dir_all(server.maildir().join(part)).unwrap();
        }
        server.give_away(&server.folder.path().join("mail"));
        server.launch();
        server
    }

    /// The user's Maildir, which is the INBOX; a folder `F` is `.F` in it.
    pub fn maildir(&self) -> PathBuf {
        self.folder.path().join("mail").join(&self.user).join("Maildir")
    }

    /// Puts a mail into the INBOX as a delivery agent does.
    pub fn deliver(&self, bytes: &[u8]) {
        self.deliver_to(&self.maildir(), bytes);
    }

    /// Puts a mail into a folder, which is created if it is missing.
    pub fn deliver_to_folder(&self, name: &str, bytes: &[u8]) {
        let folder = self.maildir().join(format!(".{name}"));
        for part in ["new", "cur", "tmp"] {
            fs::create_dir_all(folder.join(part)).unwrap();
        }
        self.give_away(&folder);
        self.deliver_to(&folder, bytes);
    }

    fn deliver_to(&self, maildir: &Path, bytes: &[u8]) {
        let number = self.delivered.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let name = format!("{}.M{number:06}P1.test", 1_700_000_000 + number);
        let temporary = maildir.join("tmp").join(&name);
        fs::write(&temporary, bytes).unwrap();
        self.give_away(&temporary);
        fs::rename(temporary, maildir.join("new").join(name)).unwrap();
    }

    /// The mails in a folder (`""` is INBOX), as bytes.
    pub fn mails(&self, folder: &str) -> Vec<Vec<u8>> {
        self.files(folder).iter().map(|file| fs::read(file).unwrap()).collect()
    }

    /// The number of mails in a folder (`""` is INBOX).
    pub fn count(&self, folder: &str) -> usize {
        self.files(folder).len()
    }

    /// The files of a folder, new ones first.
    pub fn files(&self, folder: &str) -> Vec<PathBuf> {
        let base = if folder.is_empty() { self.maildir() } else { self.maildir().join(format!(".{folder}")) };
        let list = |part: &str| {
            let entries = fs::read_dir(base.join(part)).into_iter().flatten();
            let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
            files.sort();
            files
        };
        [list("new"), list("cur")].concat()
    }

    /// Names of the folders beside INBOX.
    pub fn folders(&self) -> Vec<String> {
        let entries = fs::read_dir(self.maildir()).unwrap();
        let names = entries.filter_map(|entry| entry.unwrap().file_name().into_string().ok());
        names.filter_map(|name| name.strip_prefix('.').map(str::to_owned)).collect()
    }

    /// Forgets all UIDs of INBOX, so that it comes back with another UIDVALIDITY.
    pub fn forget_uids(&self) {
        for name in
            ["dovecot-uidlist", "dovecot-uidvalidity", "dovecot.index", "dovecot.index.log", "dovecot.index.cache"]
        {
            let _ = fs::remove_file(self.maildir().join(name));
        }
        for entry in fs::read_dir(self.maildir()).unwrap() {
            let path = entry.unwrap().path();
            if path.file_name().unwrap().to_string_lossy().starts_with("dovecot-uidvalidity.") {
                fs::remove_file(path).unwrap();
            }
        }
        // UIDVALIDITY is the second of its making: without this a quick test could get the same again.
        let list = self.maildir().join("dovecot-uidlist");
        fs::write(&list, "3 V4242 N1\n").unwrap();
        self.give_away(&list);
    }

    /// Ends the server and all its connections at once.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let group = rustix::process::Pid::from_child(&child);
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
            let _ = child.wait();
        }
        // A lock file of a process killed in the midst of its work would hold the next server for minutes.
        for entry in walkdir::WalkDir::new(self.folder.path().join("mail")).into_iter().flatten() {
            if entry.path().extension().is_some_and(|extension| extension == "lock") {
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    /// Starts it again after `kill`.
    pub fn launch(&mut self) {
        let child = Command::new("/usr/sbin/dovecot")
            .arg("-F")
            .arg("-c")
            .arg(self.folder.path().join("dovecot.conf"))
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("dovecot-imapd is installed");
        self.child = Some(child);
        let until = Instant::now() + Duration::from_secs(20);
        while !self.greets() {
            assert!(Instant::now() < until, "dovecot does not start:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Replaces authority and certificate and starts again: `ca_file` then names the new authority.
    pub fn change_certificate(&mut self) {
        self.kill();
        self.write_certificates();
        self.launch();
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("dovecot.log")).unwrap_or_default()
    }

    fn greets(&self) -> bool {
        let Ok(stream) = TcpStream::connect(("127.0.0.1", self.imap_port)) else { return false };
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).is_ok() && line.starts_with("* OK")
    }

    fn write_certificates(&self) {
        let mut authority = CertificateParams::new(Vec::new()).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.distinguished_name.push(DnType::CommonName, "test authority");
        let authority_key = KeyPair::generate().unwrap();
        fs::write(&self.ca_file, authority.self_signed(&authority_key).unwrap().pem()).unwrap();
        let issuer = Issuer::new(authority, authority_key);
        let key = KeyPair::generate().unwrap();
        let server = CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
        let certificate = server.signed_by(&key, &issuer).unwrap();
        fs::write(self.folder.path().join("cert.pem"), certificate.pem()).unwrap();
        fs::write(self.folder.path().join("key.pem"), key.serialize_pem()).unwrap();
    }

    fn write_config(&self) {
        let dir = self.folder.path().display();
        let root = rustix::process::geteuid().is_root();
        let (uid, gid) = self.owner();
        let own_users = if root {
            String::new()
        } else {
            let (user, group) = (name_of("/etc/passwd", uid), name_of("/etc/group", gid));
            format!("default_internal_user = {user}\ndefault_login_user = {user}\ndefault_internal_group = {group}\n")
        };
        fs::write(self.folder.path().join("users"), format!("{}:{{PLAIN}}{}\n", self.user, self.password)).unwrap();
        fs::set_permissions(self.folder.path().join("users"), fs::Permissions::from_mode(0o644)).unwrap();
        let (imap_port, imaps_port, auth_port) = (self.imap_port, self.imaps_port, self.auth_port);
        let Options { capabilities, fsync } = self.options.clone();
        let config = format!(
            "base_dir = {dir}/run\nstate_dir = {dir}/run\nlog_path = {dir}/dovecot.log\n\
             protocols = imap\nlisten = 127.0.0.1\n{own_users}\
             ssl = yes\nssl_cert = <{dir}/cert.pem\nssl_key = <{dir}/key.pem\n\
             disable_plaintext_auth = no\nauth_mechanisms = plain login\n\
             first_valid_uid = 1\nmail_fsync = {fsync}\nmail_max_userip_connections = 100\n\
             mail_location = maildir:~/Maildir\n\
             imap_capability = IMAP4rev1 ENABLE NAMESPACE {capabilities}\n\
             mailbox_idle_check_interval = 1 secs\n\
             passdb {{\n driver = passwd-file\n args = {dir}/users\n}}\n\
             userdb {{\n driver = static\n args = uid={uid} gid={gid} home={dir}/mail/%u\n}}\n\
             service imap-login {{\n chroot =\n inet_listener imap {{\n port = {imap_port}\n }}\n\
             inet_listener imaps {{\n port = {imaps_port}\n ssl = yes\n }}\n}}\n\
             service auth {{\n inet_listener {{\n address = 127.0.0.1\n port = {auth_port}\n }}\n}}\n\
             service anvil {{\n chroot =\n}}\nservice stats {{\n chroot =\n}}\n"
        );
        fs::write(self.folder.path().join("dovecot.conf"), config).unwrap();
    }

    /// Whom the mail belongs to: Dovecot never reads mail as root.
    fn owner(&self) -> (u32, u32) {
        let me = rustix::process::geteuid();
        if me.is_root() { (65534, 65534) } else { (me.as_raw(), rustix::process::getegid().as_raw()) }
    }

    fn give_away(&self, path: &Path) {
        if !rustix::process::geteuid().is_root() {
            return;
        }
        let (uid, gid) = self.owner();
        // A running server may take its temporary files away under our eyes.
        for entry in walkdir::WalkDir::new(path).into_iter().flatten() {
            let _ = chown(entry.path(), Some(uid), Some(gid));
        }
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("dovecot said:\n{}", self.log());
        }
    }
}

/// The name of a user or group, by its number.
fn name_of(table: &str, number: u32) -> String {
    let table = fs::read_to_string(table).unwrap();
    let is_it = |line: &&str| line.split(':').nth(2) == Some(&number.to_string());
    table.lines().find(is_it).and_then(|line| line.split(':').next()).unwrap_or("nobody").to_owned()
}

fn free_ports() -> [u16; 3] {
    let listeners = [(); 3].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}
