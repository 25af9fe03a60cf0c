//! `postern manual`: the manual page and completions, made from the same arguments that are parsed.

use std::io::Write;

use clap::CommandFactory;

use super::arguments::{Arguments, ManualOptions};
use crate::daemon::exit::{Failure, IO};

/// Prints the manual page, or the completions of a shell.
pub fn manual(options: &ManualOptions) -> Result<(), Failure> {
    let mut command = Arguments::command();
    let mut text = Vec::new();
    match options.completions {
        Some(shell) => clap_complete::generate(shell, &mut command, "postern", &mut text),
        None => clap_mangen::Man::new(command).render(&mut text).map_err(|error| failed(&error))?,
    }
    std::io::stdout().write_all(&text).map_err(|error| failed(&error))
}

fn failed(error: &std::io::Error) -> Failure {
    Failure::new(IO, format!("failed to print: {error}"))
}
