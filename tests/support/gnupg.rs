//! GnuPG as another person: a home in a temporary directory, driven in batch without passphrases.
//!
//! Never touches the home of whoever runs the tests. Every call panics with GnuPG's own words when it fails, and a
//! machine without `gpg` fails the tests. Include it by `#[path = "support/gnupg.rs"] mod gnupg;`.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test harness stops the test when anything fails")]
#![allow(dead_code, clippy::allow_attributes, reason = "each test file uses a part of it")]

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicI64, Ordering};

/// Kinds of keys.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// Ed25519 with a Curve25519 subkey.
    Curve25519,
    /// RSA of 2048 bits, twice.
    Rsa,
}

/// What GnuPG said about a signature, or about what it decrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Primary fingerprint of a good signature by an unexpired, unrevoked key.
    pub good: Option<String>,
    /// Everything on the status descriptor.
    pub status: String,
}

/// One GNUPGHOME, with an agent that ends when it is dropped.
pub struct Gnupg {
    home: tempfile::TempDir,
    /// What GnuPG takes for the present, in seconds since 1970; zero is the machine's clock.
    clock: AtomicI64,
}

impl Default for Gnupg {
    fn default() -> Self {
        Self::new()
    }
}

impl Gnupg {
    /// An empty home. Its path is short, because the agent's socket lies in it.
    pub fn new() -> Self {
        let home = tempfile::Builder::new().prefix("gpg").tempdir_in("/tmp").unwrap();
        Self { home, clock: AtomicI64::new(0) }
    }

    /// Stops GnuPG's clock at an instant, in seconds since 1970: keys and signatures are made then.
    pub fn set_clock(&self, seconds: i64) {
        self.clock.store(seconds, Ordering::SeqCst);
    }

    /// The directory.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Makes a key pair with a User ID and gives its primary fingerprint. `expires` is as GnuPG writes it: `never`, `1d`.
    pub fn generate(&self, name: &str, address: &str, kind: Kind, expires: &str) -> String {
        let algorithms = match kind {
            Kind::Curve25519 => {
                "Key-Type: EDDSA\nKey-Curve: ed25519\nKey-Usage: sign\nSubkey-Type: ECDH\nSubkey-Curve: cv25519"
            }
            Kind::Rsa => "Key-Type: RSA\nKey-Length: 2048\nKey-Usage: sign\nSubkey-Type: RSA\nSubkey-Length: 2048",
        };
        let recipe = format!(
            "%no-protection\n{algorithms}\nSubkey-Usage: encrypt\nName-Real: {name}\nName-Email: {address}\n\
             Expire-Date: {expires}\n%commit\n"
        );
        let (_, status) = self.run(&["--gen-key"], recipe.as_bytes());
        field(&status, "KEY_CREATED", 1).unwrap()
    }

    /// Takes in keys, public or secret.
    pub fn import(&self, keys: &[u8]) {
        self.run(&["--import"], keys);
    }

    /// The armored certificate.
    pub fn export(&self, fingerprint: &str) -> Vec<u8> {
        self.run(&["--armor", "--export", fingerprint], b"").0
    }

    /// The armored secret key.
    pub fn export_secret(&self, fingerprint: &str) -> Vec<u8> {
        self.run(&["--armor", "--export-secret-keys", fingerprint], b"").0
    }

    /// The armored secret subkeys, as people export them who keep the primary key offline.
    pub fn export_secret_subkeys(&self, fingerprint: &str) -> Vec<u8> {
        self.run(&["--armor", "--export-secret-subkeys", fingerprint], b"").0
    }

    /// Makes an RSA key pair under a passphrase, to be exported by [`Gnupg::export_locked`].
    pub fn generate_locked(&self, address: &str, passphrase: &str) -> String {
        let args = ["--passphrase", passphrase, "--quick-gen-key", address, "rsa2048", "default", "never"];
        let (_, status) = self.run(&args, b"");
        let fingerprint = field(&status, "KEY_CREATED", 1).unwrap();
        self.run(&["--passphrase", passphrase, "--quick-add-key", &fingerprint, "rsa2048", "encr", "never"], b"");
        fingerprint
    }

    /// The armored secret key, still under its passphrase.
    pub fn export_locked(&self, fingerprint: &str, passphrase: &str) -> Vec<u8> {
        self.run(&["--passphrase", passphrase, "--armor", "--export-secret-keys", fingerprint], b"").0
    }

    /// Encrypts to recipients, signed by `signer` if given; armored. `extra` are further options.
    pub fn encrypt(&self, text: &[u8], recipients: &[&str], signer: Option<&str>, extra: &[&str]) -> Vec<u8> {
        let mut args = vec!["--armor", "--trust-model", "always", "--encrypt"];
        for recipient in recipients {
            args.extend(["--recipient", recipient]);
        }
        if let Some(signer) = signer {
            args.extend(["--sign", "--local-user", signer]);
        }
        args.splice(0..0, extra.iter().copied());
        self.run(&args, text).0
    }

    /// Decrypts, and says whose signature was inside.
    pub fn decrypt(&self, message: &[u8]) -> (Vec<u8>, Verdict) {
        let (text, status) = self.run(&["--trust-model", "always", "--decrypt"], message);
        (text, verdict(status))
    }

    /// Whether GnuPG can decrypt the message at all.
    pub fn can_decrypt(&self, message: &[u8]) -> bool {
        self.try_run(&["--decrypt"], message).0
    }

    /// An armored detached signature over the octets. `extra` are further options, such as `--textmode`.
    pub fn sign_detached(&self, text: &[u8], signer: &str, extra: &[&str]) -> Vec<u8> {
        let mut args = extra.to_vec();
        args.extend(["--armor", "--local-user", signer, "--detach-sign"]);
        self.run(&args, text).0
    }

    /// A cleartext signed message.
    pub fn sign_cleartext(&self, text: &[u8], signer: &str) -> Vec<u8> {
        self.run(&["--local-user", signer, "--clear-sign"], text).0
    }

    /// Verifies a detached signature over exactly these octets.
    pub fn verify_detached(&self, text: &[u8], signature: &[u8]) -> Verdict {
        let mut file = tempfile::NamedTempFile::new_in(self.home()).unwrap();
        file.write_all(signature).unwrap();
        file.flush().unwrap();
        let path = file.path().to_str().unwrap();
        let (_, _, status) = self.try_run(&["--trust-model", "always", "--verify", path, "-"], text);
        verdict(status)
    }

    /// Runs `gpg` and gives standard output and status lines; panics when it fails.
    pub fn run(&self, args: &[&str], input: &[u8]) -> (Vec<u8>, String) {
        let (worked, output, status) = self.try_run(args, input);
        assert!(worked, "gpg {args:?} failed:\n{status}");
        (output, status)
    }

    /// Runs `gpg`: whether it succeeded, standard output, and status lines with its messages.
    pub fn try_run(&self, args: &[&str], input: &[u8]) -> (bool, Vec<u8>, String) {
        let common = ["--batch", "--yes", "--no-tty", "--pinentry-mode", "loopback", "--status-fd", "2"];
        let mut command = command("gpg");
        command.arg("--homedir").arg(self.home()).args(common);
        let clock = self.clock.load(Ordering::SeqCst);
        if clock != 0 {
            command.arg("--faked-system-time").arg(format!("{clock}!"));
        }
        if !args.contains(&"--passphrase") {
            command.args(["--passphrase", ""]);
        }
        let mut gpg = command
            .args(args)
            .env("LC_ALL", "C")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("gpg must be installed to run these tests: {error}"));
        let mut stdin = gpg.stdin.take().unwrap();
        let input = input.to_vec();
        // Written from a thread, so that a full pipe on either side blocks nobody; gpg may stop reading early.
        let writer = std::thread::spawn(move || stdin.write_all(&input).is_ok());
        let output = gpg.wait_with_output().unwrap();
        let _ = writer.join().unwrap();
        (output.status.success(), output.stdout, String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

impl Drop for Gnupg {
    fn drop(&mut self) {
        let _ = command("gpgconf").arg("--homedir").arg(self.home()).args(["--kill", "all"]).status();
    }
}

#[expect(clippy::disallowed_methods, reason = "the harness runs GnuPG, the daemon never does")]
fn command(program: &str) -> Command {
    Command::new(program)
}

fn verdict(status: String) -> Verdict {
    // VALIDSIG ends with the primary fingerprint; GOODSIG stands only for keys that are neither expired nor revoked.
    let good = status.contains("[GNUPG:] GOODSIG ").then(|| field(&status, "VALIDSIG", 9)).flatten();
    Verdict { good, status }
}

fn field(status: &str, keyword: &str, index: usize) -> Option<String> {
    let line = status.lines().find_map(|line| line.strip_prefix("[GNUPG:] ")?.strip_prefix(keyword))?;
    line.split_whitespace().nth(index).map(str::to_owned)
}
