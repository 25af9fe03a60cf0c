//! The arguments, as `--help`, the manual page and the completions show them.

pub mod desk;
mod init;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use desk::{CaseOptions, OutboxOptions, QuarantineOptions};
pub use init::{InitOptions, SecurityChoice, SettleChoice};

/// The daemon behind a project's security@ address: takes in reports, runs the disclosure policy, publishes advisories.
#[derive(Debug, Parser)]
#[command(name = "postern", version, about, arg_required_else_help = true)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Play a story without any server or set-up, and leave its mails and its advisory in a folder.
    Demo(DemoOptions),
    /// Make settings, keys and database for a new address, and say what to do next.
    Init(Box<InitOptions>),
    /// Try settings, keys, store and servers, and say of each whether it is well or what to do.
    Check(CheckOptions),
    /// Run the daemon.
    Run(RunOptions),
    /// Store mails from files: .eml, mbox, Maildir, or standard input.
    Ingest(IngestOptions),
    /// Tell what postern sees in mails, and why, without storing anything.
    Explain(ExplainOptions),
    /// Look at cases: list them, show one, print its journal, search.
    Case(CaseOptions),
    /// Look at mail that was put aside or is held, and decide it again.
    Quarantine(QuarantineOptions),
    /// Look at outgoing mail, try it again, or hold it.
    Outbox(OutboxOptions),
    /// Print the manual page or a shell's completions.
    Manual(ManualOptions),
}

/// Options of `demo`.
#[derive(Debug, Args)]
pub struct DemoOptions {
    /// Folder to leave everything in; made anew if it is missing, refused if it holds anything.
    #[arg(long, value_name = "DIR", default_value = "postern-demo")]
    pub dir: PathBuf,
}

/// Options of `check`.
#[derive(Debug, Args)]
pub struct CheckOptions {
    /// Settings file.
    #[arg(long, value_name = "FILE", default_value = "/etc/postern/postern.toml")]
    pub config: PathBuf,
    /// Mail itself through each relay and say what the mail host keeps; takes at most a minute a relay.
    #[arg(long)]
    pub roundtrip: bool,
    /// One JSON object a line: area, level and text.
    #[arg(long)]
    pub json: bool,
}

/// Options of `run`.
#[derive(Debug, Args)]
pub struct RunOptions {
    /// Settings file.
    #[arg(long, value_name = "FILE", default_value = "/etc/postern/postern.toml")]
    pub config: PathBuf,
    /// Do everything that is due, then end.
    #[arg(long)]
    pub once: bool,
    /// What to do with mail that lay in the inbox before the first start.
    #[arg(long, value_enum)]
    pub adopt: Option<AdoptChoice>,
}

/// What to do with mail from before the first start.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum AdoptChoice {
    /// Open cases, send no acknowledgements.
    Quiet,
    /// Open cases and acknowledge.
    Ack,
    /// Store it and put it aside.
    Ignore,
}

/// Options of `ingest`.
#[derive(Debug, Args)]
pub struct IngestOptions {
    /// Settings file.
    #[arg(long, value_name = "FILE", default_value = "/etc/postern/postern.toml")]
    pub config: PathBuf,
    /// An .eml file, an mbox file, a Maildir or folder of .eml files, or - for one mail on standard input.
    #[arg(value_name = "PATH", required = true)]
    pub paths: Vec<PathBuf>,
}

/// Options of `explain`.
#[derive(Debug, Args)]
pub struct ExplainOptions {
    /// One JSON object for each file, on a line of its own.
    #[arg(long)]
    pub json: bool,
    /// Folder of public and secret keys, armored or binary; its file `passphrases` has one passphrase a line.
    #[arg(long, value_name = "DIR")]
    pub keys: Option<PathBuf>,
    /// Take every file for the text of a mail without its header block; by itself that is done where there is none.
    #[arg(long)]
    pub body: bool,
    /// A mail, or a folder of mails, which is read with all folders in it.
    #[arg(value_name = "PATH", required = true)]
    pub paths: Vec<PathBuf>,
}

/// Options of `manual`.
#[derive(Debug, Args)]
pub struct ManualOptions {
    /// Completions for this shell instead of the manual page.
    #[arg(long, value_name = "SHELL")]
    pub completions: Option<clap_complete::Shell>,
}
