//! The command line: one file a subcommand, errors as one line and a sysexits code.
//!
//! Beside the subcommands stand what several of them use: `arguments` (what is typed), `door` (the way to the database),
//! `paper` and `progress` (what is shown). Never decides anything: that is the daemon's and the engine's.

pub mod arguments;
mod case;
mod check;
mod demo;
mod door;
mod explain;
mod ingest;
mod init;
mod manual;
mod outbox;
mod paper;
pub mod progress;
mod quarantine;
mod run;

use std::process::ExitCode;

use clap::Parser;

use crate::daemon::exit::{Failure, USAGE};
use arguments::{Arguments, Command};

/// Runs the command of this process's arguments.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            drop(error.print());
            let asked = !error.use_stderr();
            return if asked { ExitCode::SUCCESS } else { ExitCode::from(USAGE) };
        }
    };
    match dispatch(arguments.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            complain(&failure);
            ExitCode::from(failure.code)
        }
    }
}

fn dispatch(command: Command) -> Result<(), Failure> {
    match command {
        Command::Demo(options) => demo::demo(&options),
        Command::Init(options) => init::init(&options),
        Command::Check(options) => check::check(&options),
        Command::Run(options) => run::run(&options),
        Command::Ingest(options) => ingest::ingest(&options),
        Command::Explain(options) => explain::explain(&options),
        Command::Case(options) => case::case(&options),
        Command::Quarantine(options) => quarantine::quarantine(&options),
        Command::Outbox(options) => outbox::outbox(&options),
        Command::Manual(options) => manual::manual(&options),
    }
}

#[expect(clippy::print_stderr, reason = "the one place where a failed command says why")]
fn complain(failure: &Failure) {
    for line in failure.message.lines() {
        eprintln!("postern: {line}");
    }
}
