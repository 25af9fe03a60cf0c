//! Reading a line that the terminal does not show.
//!
//! The terminal shows again what is typed when the line is read, and also when reading failed. Ctrl-C ends the line and
//! the command, so that no terminal is left silent.

use std::io::{self, BufRead, Write};

use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

use super::asker::{put, read_line};
use crate::daemon::exit::{Failure, IO};

/// Ctrl-C as a character.
const CTRL_C: u8 = 0x03;

/// The terminal as it was, put back when dropped.
struct Shown(Termios);

impl Drop for Shown {
    fn drop(&mut self) {
        // There is nothing left to do about a terminal that is gone.
        let _gone = tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
    }
}

/// Asks, and reads a line from standard input without showing it.
///
/// # Errors
/// Standard input is no terminal, or reading fails.
pub(super) fn without_echo(
    input: &mut dyn BufRead,
    output: &mut dyn Write,
    question: &str,
) -> Result<Zeroizing<String>, Failure> {
    let failed = |error: rustix::io::Errno| {
        Failure::new(IO, format!("failed to hide what is typed: {error}; name the password's file instead"))
    };
    let shown = Shown(tcgetattr(io::stdin()).map_err(failed)?);
    let mut hidden = shown.0.clone();
    hidden.local_modes.remove(LocalModes::ECHO | LocalModes::ISIG);
    // A second character that ends a line.
    hidden.special_codes[SpecialCodeIndex::VEOL] = CTRL_C;
    tcsetattr(io::stdin(), OptionalActions::Drain, &hidden).map_err(failed)?;
    let line = put(output, question).and_then(|()| read_line(input));
    drop(shown);
    line
}
