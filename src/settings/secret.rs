//! Secrets, which the settings name by file and never hold themselves.
//!
//! A reference is a path, or `credential:NAME` for a file that systemd put into `$CREDENTIALS_DIRECTORY`, or, where
//! there is no such variable, for the file of that name beside the settings; or a secret is what a program prints, which
//! is named here and run elsewhere. Never prints a secret, and never prints a reference that is not the
//! path of a file, because then it may be the secret itself. Bytes are wiped when dropped.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

/// Largest secret file, in bytes: an armoured secret key with many signatures stays far below.
const SECRET_MAX_BYTES: u64 = 1 << 20;

/// The bytes of a secret file, as they are.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretBytes(Zeroizing<Vec<u8>>);

impl SecretBytes {
    /// The bytes. Give them to nothing that logs.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretBytes(..)")
    }
}

/// A password or passphrase: the file's text without the line end after it.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretText(Zeroizing<String>);

impl SecretText {
    /// The text. Give it to nothing that logs.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }
}

impl From<Zeroizing<String>> for SecretText {
    fn from(text: Zeroizing<String>) -> Self {
        Self(text)
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(..)")
    }
}

/// A program that prints a password or token, and what is needed to run it. Never run here.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretCommand {
    /// The key it comes from, `inbox.token_command`, for messages.
    pub setting: String,
    /// The program, then its arguments; at least one word. A relative path with a slash was made absolute.
    pub words: Vec<String>,
    /// All of the environment that it is given.
    pub environment: Vec<(String, String)>,
}

impl fmt::Debug for SecretCommand {
    /// Arguments are not shown: somebody may have written a secret among them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretCommand({})", self.setting)
    }
}

/// What one logs in with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoginSecret {
    /// A password, from a file.
    Password(SecretText),
    /// A program that prints the password.
    PasswordCommand(SecretCommand),
    /// A program that prints an OAuth 2 access token (RFC 6749 section 1.4).
    TokenCommand(SecretCommand),
}

/// Where references are looked up.
pub(super) struct SecretPlace {
    /// Relative paths start here: the folder of the settings file.
    pub(super) base: PathBuf,
    /// What `$CREDENTIALS_DIRECTORY` says.
    pub(super) credentials: Option<PathBuf>,
    /// What the programs that print secrets are given of our environment.
    pub(super) environment: Vec<(String, String)>,
}

/// The variables that a program which prints a secret is given, where we have them: to be found, to find its files
/// and its agent, to speak with the user's bus, and to reach a token server.
const PASSED_ON: [&str; 20] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "LC_ALL",
    "TZ",
    "TMPDIR",
    "XDG_RUNTIME_DIR",
    "XDG_CONFIG_HOME",
    "XDG_CACHE_HOME",
    "XDG_DATA_HOME",
    "DBUS_SESSION_BUS_ADDRESS",
    "GNUPGHOME",
    "PASSWORD_STORE_DIR",
    "CREDENTIALS_DIRECTORY",
    "SSL_CERT_FILE",
    "https_proxy",
    "HTTPS_PROXY",
    "no_proxy",
];
/// Most words of such a program and its arguments.
const WORDS_MAX: usize = 100;
/// Longest word, in bytes.
const WORD_MAX_BYTES: usize = 4096;

impl SecretPlace {
    /// Reads a key: at least `least` bytes. The error is a lower-case fragment for a mistake.
    pub(super) fn bytes(&self, reference: &str, what: &str, least: usize) -> Result<SecretBytes, String> {
        let (path, bytes) = self.read(reference, what)?;
        if bytes.len() < least {
            let shown = path.display();
            return Err(format!(
                "{shown} holds {} bytes, and {what} needs at least {least}; make one with: head -c 32 /dev/urandom",
                bytes.len()
            ));
        }
        Ok(SecretBytes(bytes))
    }

    /// Reads a password or passphrase: one line of text.
    pub(super) fn text(&self, reference: &str, what: &str) -> Result<SecretText, String> {
        let (path, bytes) = self.read(reference, what)?;
        let shown = path.display();
        let text = std::str::from_utf8(&bytes).map_err(|_| format!("{shown} is not UTF-8 text"))?;
        let line = text.strip_suffix('\n').unwrap_or(text);
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.is_empty() {
            return Err(format!("{shown} is empty; write {what} into it"));
        }
        if line.chars().any(char::is_control) {
            return Err(format!("{shown} holds more than one line or a control character; it must hold {what} alone"));
        }
        Ok(SecretText(Zeroizing::new(line.to_owned())))
    }

    /// The part of the environment that programs are given.
    pub(super) fn passed_on(environment: &[(String, String)]) -> Vec<(String, String)> {
        environment.iter().filter(|(name, _)| PASSED_ON.contains(&name.as_str())).cloned().collect()
    }

    /// A program that prints a secret. One that is named by a path must be there; the error is a lower-case fragment.
    pub(super) fn command(&self, setting: &str, mut words: Vec<String>) -> Result<SecretCommand, String> {
        let odd = |word: &String| word.len() > WORD_MAX_BYTES || word.contains('\0');
        if words.len() > WORDS_MAX || words.iter().any(odd) {
            return Err("has too many or too long words; call a script that does it".to_owned());
        }
        let Some(program) = words.first_mut().filter(|program| !program.is_empty()) else {
            return Err("names no program; give a list: the program, then its arguments".to_owned());
        };
        if program.contains('/') {
            let path = self.base.join(&*program);
            // A relative path would otherwise depend on the folder that the daemon was started in.
            let path = std::path::absolute(&path).unwrap_or(path);
            let mode = std::fs::metadata(&path).ok().filter(std::fs::Metadata::is_file).map(|meta| meta.permissions());
            if mode.is_none_or(|mode| mode.mode() & 0o111 == 0) {
                return Err(
                    "the program is not there or may not be run; correct the path, or: chmod u+x FILE".to_owned()
                );
            }
            *program = path.to_string_lossy().into_owned();
        } else if program.contains(char::is_whitespace) {
            return Err("is run without a shell; write the program and each argument as a text of its own".to_owned());
        }
        Ok(SecretCommand { setting: setting.to_owned(), words, environment: self.environment.clone() })
    }

    fn read(&self, reference: &str, what: &str) -> Result<(PathBuf, Zeroizing<Vec<u8>>), String> {
        let path = self.path(reference)?;
        let found = std::fs::metadata(&path);
        if !found.as_ref().is_ok_and(std::fs::Metadata::is_file) {
            return Err(match found {
                Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
                    format!("no permission to look at the file that holds {what}; run as the user who owns it")
                }
                Ok(_) | Err(_) => {
                    format!(
                        "no such file; this key names a file that holds {what}, or credential:NAME, and never holds {what} itself"
                    )
                }
            });
        }
        let shown = path.display();
        let failed = |error: std::io::Error| format!("failed to read {shown}: {error}");
        let file = File::open(&path).map_err(failed)?;
        // systemd gives credentials to the service's user alone, whatever their mode says.
        if !self.credentials.as_ref().is_some_and(|folder| path.starts_with(folder)) {
            let mode = file.metadata().map_err(failed)?.permissions().mode();
            if mode & 0o077 != 0 {
                return Err(format!("others may use {shown}; run: chmod go= {}", quoted(&path)));
            }
        }
        // Room for all of it at once: a vector that grows leaves copies behind that nobody wipes.
        let room = file.metadata().map_err(failed)?.len().min(SECRET_MAX_BYTES) + 2;
        let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(room).unwrap_or_default()));
        file.take(SECRET_MAX_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
        if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > SECRET_MAX_BYTES {
            return Err(format!("{shown} is larger than {SECRET_MAX_BYTES} bytes; it must hold {what} alone"));
        }
        Ok((path, bytes))
    }

    fn path(&self, reference: &str) -> Result<PathBuf, String> {
        let Some(name) = reference.strip_prefix("credential:") else { return Ok(self.base.join(reference)) };
        let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if name.is_empty() || name.starts_with('.') || !name.chars().all(plain) {
            return Err("credential: takes a plain name of letters, digits, dots and hyphens".to_owned());
        }
        // Without systemd the same settings serve by hand: the file lies beside them, and its mode is looked at.
        Ok(self.credentials.as_ref().unwrap_or(&self.base).join(name))
    }
}

/// The path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    if text.chars().all(|c| c.is_ascii_alphanumeric() || "/._-+@".contains(c)) {
        return text;
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}
