//! Programs that print a password or an OAuth 2 token, run without a shell (as isync's `PassCmd` are).
//!
//! The one place where postern runs another program, and only one that the settings name. It gets no input, a short
//! environment, half a minute, and a process group of its own, which is killed as a whole when it takes longer. What
//! it prints is kept in wiped memory and never shown, in no log and no message; its standard error is thrown away,
//! since programs print secrets there too. When it fails, the error names the setting and what to do.

use std::io::Read;
use std::os::unix::process::CommandExt;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use crate::ports::{ErrorClass, PortError};
use crate::settings::checked::{LoginSecret, SecretCommand};

/// Longest time such a program may take.
const TIME_MAX: Duration = Duration::from_secs(30);
/// Most bytes that it may print.
const OUTPUT_MAX_BYTES: usize = 64 * 1024;
/// How often a program that has closed its output is looked at, and whether its answer is still wanted.
const TICK: Duration = Duration::from_millis(20);

/// What one logs in with, kept for as long as it may be used again.
#[derive(Debug)]
pub struct SecretHolder {
    secret: LoginSecret,
    /// A password that a program printed. Tokens are never kept.
    cached: Option<Zeroizing<String>>,
    /// What was given out last came from the program just now.
    fresh: bool,
}

impl SecretHolder {
    /// Holds what the settings say. Runs nothing yet.
    #[must_use]
    pub fn new(secret: LoginSecret) -> Self {
        Self { secret, cached: None, fresh: false }
    }

    /// Whether the secret is an OAuth 2 token, which has login mechanisms of its own.
    #[must_use]
    pub fn is_token(&self) -> bool {
        matches!(self.secret, LoginSecret::TokenCommand(_))
    }

    /// The secret to log in with now. Blocks for as long as its program takes, at most half a minute; `given_up` ends
    /// the waiting.
    ///
    /// # Errors
    /// The program cannot be run, fails, or prints no secret.
    pub fn current(&mut self, given_up: &dyn Fn() -> bool) -> Result<Zeroizing<String>, PortError> {
        match (&self.secret, &self.cached) {
            (LoginSecret::Password(text), _) => Ok(Zeroizing::new(text.text().to_owned())),
            (LoginSecret::PasswordCommand(_), Some(cached)) => {
                self.fresh = false;
                Ok(cached.clone())
            }
            (LoginSecret::PasswordCommand(command), None) => {
                let secret = run(command, given_up)?;
                self.fresh = true;
                self.cached = Some(secret.clone());
                Ok(secret)
            }
            (LoginSecret::TokenCommand(command), _) => run(command, given_up),
        }
    }

    /// The server refused it: a password that a program printed is forgotten. Says whether asking the program anew may
    /// give another one, so that one more login is worth it.
    pub fn refused(&mut self) -> bool {
        self.cached = None;
        match self.secret {
            LoginSecret::Password(_) => false,
            LoginSecret::PasswordCommand(_) => !self.fresh,
            LoginSecret::TokenCommand(_) => true,
        }
    }
}

/// Runs the program and gives the first line that it prints.
///
/// # Errors
/// Class Configuration where it cannot be started or prints no secret, class Temporary where it fails or takes too
/// long: what it asks may be out of reach at present.
pub fn run(command: &SecretCommand, given_up: &dyn Fn() -> bool) -> Result<Zeroizing<String>, PortError> {
    let wrong =
        |class, what: &str| PortError { class, message: format!("the program of `{}` {what}", command.setting) };
    let (program, arguments) = command
        .words
        .split_first()
        .ok_or_else(|| wrong(ErrorClass::Configuration, "has no name; give a program and its arguments"))?;
    let mut child = start(program, arguments, &command.environment).map_err(|error| {
        let what = format!("cannot be started ({}); correct its name, or give its whole path", error.kind());
        wrong(ErrorClass::Configuration, &what)
    })?;
    let outcome = hear(&mut child, given_up);
    if !matches!(outcome, Ok((_, Some(_)))) {
        end(&mut child);
    }
    let (output, status) = outcome.map_err(|what| wrong(ErrorClass::Temporary, what))?;
    if let Some(status) = status.filter(|status| !status.success()) {
        let how = status.code().map_or_else(|| "a signal".to_owned(), |code| format!("exit code {code}"));
        let what = format!("failed ({how}); run it by hand as the user of postern to see why");
        return Err(wrong(ErrorClass::Temporary, &what));
    }
    let configuration = |what| wrong(ErrorClass::Configuration, what);
    if output.len() > OUTPUT_MAX_BYTES {
        return Err(configuration("prints more than 64 KiB; it must print the secret alone, on its first line"));
    }
    let line = output.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let text = std::str::from_utf8(line).ok().filter(|text| !text.chars().any(char::is_control));
    match text {
        Some("") => Err(configuration("prints nothing on its first line; it must print the secret there")),
        Some(text) => Ok(Zeroizing::new(text.to_owned())),
        None => {
            Err(configuration("prints something on its first line that is not text; it must print the secret there"))
        }
    }
}

fn start(program: &str, arguments: &[String], environment: &[(String, String)]) -> std::io::Result<Child> {
    #[expect(clippy::disallowed_methods, reason = "the one place that runs the programs of the settings")]
    let mut command = std::process::Command::new(program);
    command
        .args(arguments)
        .env_clear()
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
}

/// Everything that it prints, up to the limit and a byte more, and how it ended; no end where it prints more.
fn hear(
    child: &mut Child,
    given_up: &dyn Fn() -> bool,
) -> Result<(Zeroizing<Vec<u8>>, Option<ExitStatus>), &'static str> {
    const SLOW: &str = "took longer than 30 seconds and was ended; run it by hand as the user of postern to see why";
    let until = now() + TIME_MAX;
    let mut stdout = child.stdout.take().ok_or("has no output; this is a fault of postern")?;
    let (sender, receiver) = channel();
    let reader = move || {
        // Room for all of it at once: a buffer that grows leaves copies behind that nobody wipes.
        let mut output = Zeroizing::new(Vec::with_capacity(OUTPUT_MAX_BYTES + 1));
        let limit = u64::try_from(OUTPUT_MAX_BYTES + 1).unwrap_or(u64::MAX);
        let read = stdout.by_ref().take(limit).read_to_end(&mut output);
        drop(stdout);
        // Nobody listens any more when it took too long.
        let _unheard = sender.send(read.map(|_| output));
    };
    std::thread::Builder::new()
        .name("secret".to_owned())
        .spawn(reader)
        .map_err(|_| "could not be listened to; raise the limit of tasks")?;
    let output = loop {
        match receiver.recv_timeout(TICK) {
            Ok(output) => break output.map_err(|_| "could not be read from; run it by hand to see why")?,
            Err(RecvTimeoutError::Disconnected) => return Err("could not be read from; run it by hand to see why"),
            Err(RecvTimeoutError::Timeout) if given_up() => {
                return Err("was ended, since its answer is not needed now");
            }
            Err(RecvTimeoutError::Timeout) if now() >= until => return Err(SLOW),
            Err(RecvTimeoutError::Timeout) => {}
        }
    };
    while output.len() <= OUTPUT_MAX_BYTES {
        match child.try_wait() {
            Ok(Some(status)) => return Ok((output, Some(status))),
            Ok(None) if now() < until => pause(),
            Ok(None) => return Err(SLOW),
            Err(_) => return Err("was lost sight of; try again"),
        }
    }
    // It may wait for ever to print the rest.
    Ok((output, None))
}

/// Ends the program and what it started, and takes its exit status, so that no dead process stays in the table.
fn end(child: &mut Child) {
    if let Some(group) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
        // An error means that there is nobody left in the group.
        let _nobody = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    // It may have left its group, and would then be waited for without end.
    let _dead = child.kill();
    let _taken = child.wait();
}

#[expect(clippy::disallowed_methods, reason = "an adapter measures waiting time")]
fn now() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "an adapter that waits for a program, which tells nobody when it ends")]
fn pause() {
    std::thread::sleep(TICK);
}

#[cfg(test)]
#[path = "command_tests.rs"]
mod tests;
