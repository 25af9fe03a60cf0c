//! A real Postfix of its own: settings, queue and data in a temporary folder, on free loopback ports.
//!
//! It delivers to the Maildirs it is told of, offers STARTTLS and, on a second port, TLS from the
//! first byte, with a certificate for `localhost` by a CA of its own. Never touches `/etc/postfix`
//! and never sends anything off the machine. It ends with the value, and after [`LIFE_SECONDS`] in any case.
#![expect(clippy::disallowed_methods, reason = "a test that runs Postfix starts a program and waits for it")]
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr, reason = "a test fails by panicking")]

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// A Postfix whose test was killed ends by itself.
const LIFE_SECONDS: &str = "1800";
const START_MAX: Duration = Duration::from_secs(30);
/// nobody and nogroup: who a mail belongs to where its Maildir belongs to root.
const NOBODY: (u32, u32) = (65534, 65534);

/// What this Postfix does besides delivering.
#[derive(Default)]
pub struct Options<'a> {
    /// Address, or `@domain` for everything else at a domain, and its Maildir. `+detail` is ignored for delivery.
    pub mailboxes: &'a [(&'a str, &'a Path)],
    /// Sender address or domain, and a whole header line written on top of its mail, as an MX writes Authentication-Results.
    pub prepend: &'a [(&'a str, &'a str)],
    /// Recipients answered with 450.
    pub deferred: &'a [&'a str],
    /// Recipients whose mail is taken and then returned to its sender as undeliverable.
    pub bounced: &'a [&'a str],
    /// Port of a Dovecot that knows the passwords; without it no login is offered.
    pub auth_port: Option<u16>,
    /// An address with `+detail` is nobody's.
    pub without_detail: bool,
}

/// A running Postfix.
pub struct Postfix {
    folder: TempDir,
    master: Child,
    /// SMTP, STARTTLS offered.
    pub port: u16,
    /// SMTP under TLS from the first byte.
    pub tls_port: u16,
}

impl Postfix {
    /// Starts one that delivers to these mailboxes.
    pub fn start(mailboxes: &[(&str, &Path)]) -> Self {
        Self::start_with(&Options { mailboxes, ..Options::default() })
    }

    /// Starts one, and waits until it answers. Somebody may take a free port first, so it tries again.
    pub fn start_with(options: &Options<'_>) -> Self {
        (0..3).find_map(|_| Self::try_start(options)).expect("Postfix did not start; is the package installed?")
    }

    fn try_start(options: &Options<'_>) -> Option<Self> {
        let folder = tempfile::Builder::new().prefix("postfix").tempdir().unwrap();
        let root = folder.path();
        fs::set_permissions(root, fs::Permissions::from_mode(0o755)).unwrap();
        for name in ["etc", "spool", "data"] {
            fs::create_dir(root.join(name)).unwrap();
        }
        let owner = fs::read_to_string("/etc/passwd").unwrap();
        let owner = owner.lines().find_map(|line| line.strip_prefix("postfix:")).expect("a user named postfix");
        let uid: u32 = owner.split(':').nth(1).unwrap().parse().unwrap();
        chown(root.join("data"), Some(uid), None).unwrap();
        let (port, tls_port) = free_ports();
        write_certificates(root);
        write_settings(root, options);
        fs::write(root.join("etc/master.cf"), services(port, tls_port)).unwrap();
        let etc = root.join("etc");
        let made = Command::new("/usr/sbin/postfix").arg("-c").arg(&etc).arg("check").output().expect("postfix runs");
        assert!(made.status.success(), "postfix check: {}", String::from_utf8_lossy(&made.stderr));
        let master = Command::new("/usr/lib/postfix/sbin/master")
            .arg("-c")
            .arg(&etc)
            .args(["-d", "-e", LIFE_SECONDS])
            .current_dir(root)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("master runs");
        let mut postfix = Self { folder, master, port, tls_port };
        let end = Instant::now() + START_MAX;
        while Instant::now() < end && postfix.master.try_wait().unwrap().is_none() {
            if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
                return Some(postfix);
            }
            sleep(Duration::from_millis(20));
        }
        eprintln!("{}", postfix.log());
        None
    }

    /// The CA that signed this server's certificate, as a PEM file.
    pub fn ca_file(&self) -> PathBuf {
        self.folder.path().join("etc/ca.pem")
    }

    /// What Postfix logged so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("mail.log")).unwrap_or_default()
    }

    /// Hands a mail in as the outside world does, without TLS; `from` empty is the null sender. Gives the last reply's code.
    pub fn send(&self, from: &str, recipient: &str, bytes: &[u8]) -> u16 {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).unwrap();
        stream.set_read_timeout(Some(START_MAX)).unwrap();
        let mut stream = BufReader::new(stream);
        let mut code = reply(&mut stream);
        let commands =
            ["EHLO outside.test".to_owned(), format!("MAIL FROM:<{from}>"), format!("RCPT TO:<{recipient}>")];
        for command in commands.iter().map(String::as_str).chain(["DATA"]) {
            if code >= 400 {
                return code;
            }
            stream.get_mut().write_all(format!("{command}\r\n").as_bytes()).unwrap();
            code = reply(&mut stream);
        }
        if code == 354 {
            let mut data = Vec::new();
            for line in bytes.strip_suffix(b"\n").unwrap_or(bytes).split(|byte| *byte == b'\n') {
                let line = line.strip_suffix(b"\r").unwrap_or(line);
                data.extend_from_slice(if line.starts_with(b".") { b"." } else { b"" });
                data.extend_from_slice(line);
                data.extend_from_slice(b"\r\n");
            }
            data.extend_from_slice(b".\r\n");
            stream.get_mut().write_all(&data).unwrap();
            code = reply(&mut stream);
        }
        stream.get_mut().write_all(b"QUIT\r\n").unwrap();
        code
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        let etc = self.folder.path().join("etc");
        // `abort` tells the whole process group; the kill is for a master that never came up.
        let _ended = Command::new("/usr/sbin/postfix").arg("-c").arg(etc).arg("abort").output();
        let end = Instant::now() + Duration::from_secs(5);
        while Instant::now() < end && matches!(self.master.try_wait(), Ok(None)) {
            sleep(Duration::from_millis(20));
        }
        let _gone = self.master.kill();
        let _reaped = self.master.wait();
    }
}

/// Waits until the Maildir holds `count` mails, in `new` or `cur`, and gives them in order of their file names.
pub fn wait_for_mail(maildir: &Path, count: usize, deadline: Duration) -> Vec<Vec<u8>> {
    let end = Instant::now() + deadline;
    loop {
        let mails = mails(maildir);
        if mails.len() >= count {
            return mails;
        }
        assert!(Instant::now() < end, "{} of {count} mails came to {}", mails.len(), maildir.display());
        sleep(Duration::from_millis(20));
    }
}

/// The mails in a Maildir now.
pub fn mails(maildir: &Path) -> Vec<Vec<u8>> {
    let listed = ["new", "cur"].into_iter().filter_map(|name| fs::read_dir(maildir.join(name)).ok()).flatten();
    let mut paths: Vec<PathBuf> = listed.map(|entry| entry.unwrap().path()).collect();
    paths.sort_by_key(|path| path.file_name().map(ToOwned::to_owned));
    // A mail that somebody moves from `new` to `cur` meanwhile is seen at the next look.
    paths.iter().filter_map(|path| fs::read(path).ok()).collect()
}

fn reply(stream: &mut BufReader<TcpStream>) -> u16 {
    loop {
        let mut line = String::new();
        assert!(stream.read_line(&mut line).unwrap() > 0, "Postfix closed the connection");
        if line.as_bytes().get(3) != Some(&b'-') {
            return line.split([' ', '-']).next().unwrap().trim().parse().unwrap();
        }
    }
}

fn free_ports() -> (u16, u16) {
    let free = || TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
    let (one, two) = (free(), free());
    (one.local_addr().unwrap().port(), two.local_addr().unwrap().port())
}

fn write_certificates(root: &Path) {
    let mut authority = rcgen::CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let key = rcgen::KeyPair::generate().unwrap();
    fs::write(root.join("etc/ca.pem"), authority.self_signed(&key).unwrap().pem()).unwrap();
    let issuer = rcgen::Issuer::new(authority, key);
    let server = rcgen::CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let chain = key.serialize_pem() + &server.signed_by(&key, &issuer).unwrap().pem();
    fs::write(root.join("etc/server.pem"), chain).unwrap();
}

fn write_settings(root: &Path, options: &Options<'_>) {
    let (mut boxes, mut uids, mut gids, mut domains) = (String::new(), String::new(), String::new(), Vec::new());
    for (address, maildir) in options.mailboxes {
        let (uid, gid) = open_to_all(maildir);
        writeln!(boxes, "{address} {}/", maildir.strip_prefix("/").expect("an absolute path").display()).unwrap();
        writeln!(uids, "{address} {uid}").unwrap();
        writeln!(gids, "{address} {gid}").unwrap();
        domains.push(address.rsplit('@').next().unwrap().to_owned());
    }
    let pairs = |pairs: &[(&str, &str)], action: &str| {
        pairs.iter().fold(String::new(), |text, (key, value)| text + &format!("{key} {action}{value}\n"))
    };
    let deferred: Vec<_> = options.deferred.iter().map(|address| (*address, "450 4.2.1 come again later")).collect();
    // The queue manager, not the listener, finds out: so it is taken first.
    let bounced: Vec<_> = options.bounced.iter().map(|address| (*address, "error:5.1.1 nobody of that name")).collect();
    let tables = [
        ("boxes", boxes),
        ("uids", uids),
        ("gids", gids),
        ("prepend", pairs(options.prepend, "PREPEND ")),
        ("deferred", pairs(&deferred, "") + &pairs(&bounced, "FILTER ")),
    ];
    for (name, text) in tables {
        fs::write(root.join("etc").join(name), text).unwrap();
    }
    let mut settings = SETTINGS.replace("ROOT", root.to_str().unwrap()).replace("DOMAINS", &domains.join(" "));
    if let Some(port) = options.auth_port {
        write!(
            settings,
            "smtpd_sasl_auth_enable = yes\nsmtpd_sasl_type = dovecot\nsmtpd_sasl_path = inet:127.0.0.1:{port}\n"
        )
        .unwrap();
    }
    if options.without_detail {
        settings = settings.replace("recipient_delimiter = +", "recipient_delimiter =");
    }
    fs::write(root.join("etc/main.cf"), settings).unwrap();
}

/// Makes the Maildir, lets everybody in, and says whom its mails shall belong to: its owner, or nobody instead of root.
fn open_to_all(maildir: &Path) -> (u32, u32) {
    for name in ["", "tmp", "new", "cur"] {
        let folder = maildir.join(name);
        fs::create_dir_all(&folder).unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
    }
    let temporary = std::env::temp_dir();
    for folder in maildir.ancestors().skip(1).filter(|folder| folder.starts_with(&temporary) && *folder != temporary) {
        let mode = fs::metadata(folder).unwrap().permissions().mode();
        fs::set_permissions(folder, fs::Permissions::from_mode(mode | 0o011)).unwrap();
    }
    let owner = fs::metadata(maildir).unwrap();
    if owner.uid() == 0 { NOBODY } else { (owner.uid(), owner.gid()) }
}

const SETTINGS: &str = "\
compatibility_level = 3.6
queue_directory = ROOT/spool
data_directory = ROOT/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = ROOT/mail.log
maillog_file_prefixes = ROOT
inet_interfaces = loopback-only
inet_protocols = ipv4
myhostname = mx.test
mydestination =
mynetworks = 127.0.0.0/8
alias_maps =
alias_database =
local_recipient_maps =
recipient_delimiter = +
virtual_mailbox_domains = DOMAINS
virtual_mailbox_base = /
virtual_mailbox_maps = texthash:ROOT/etc/boxes
virtual_uid_maps = texthash:ROOT/etc/uids
virtual_gid_maps = texthash:ROOT/etc/gids
virtual_minimum_uid = 1
virtual_transport = virtual
default_transport = error:5.4.4 nothing leaves this machine
relay_transport = error:5.4.4 nothing leaves this machine
smtpd_relay_restrictions = reject_unauth_destination
smtpd_sender_restrictions = check_sender_access texthash:ROOT/etc/prepend
smtpd_recipient_restrictions = check_recipient_access texthash:ROOT/etc/deferred
smtpd_error_sleep_time = 0
smtpd_client_connection_count_limit = 0
smtpd_tls_security_level = may
smtpd_tls_chain_files = ROOT/etc/server.pem
message_size_limit = 52428800
virtual_mailbox_limit = 0
in_flow_delay = 0
local_header_rewrite_clients =
";

fn services(port: u16, tls_port: u16) -> String {
    format!(
        "\
127.0.0.1:{port} inet n - n - - smtpd
127.0.0.1:{tls_port} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes
rewrite unix - - n - - trivial-rewrite
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
proxymap unix - - n - - proxymap
anvil unix - - n - 1 anvil
tlsmgr unix - - n 1000? 1 tlsmgr
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
scache unix - - n - 1 scache
flush unix n - n 1000? 0 flush
showq unix n - n - - showq
postlog unix-dgram n - n - 1 postlogd
"
    )
}
