//! The arguments of `case`, `quarantine` and `outbox`, as `--help`, the manual page and the completions show them.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::store::OutboxGroup;

/// A number of a mail, as lists show it.
fn number() -> clap::builder::RangedI64ValueParser {
    clap::value_parser!(i64).range(1..)
}

/// What every command of the desk takes.
#[derive(Debug, Args)]
pub struct DeskOptions {
    /// Settings file.
    #[arg(long, global = true, value_name = "FILE", default_value = "/etc/postern/postern.toml")]
    pub config: PathBuf,
    /// One JSON object a line, for programs.
    #[arg(long, global = true)]
    pub json: bool,
}

/// Options of `case`.
#[derive(Debug, Args)]
pub struct CaseOptions {
    /// Settings and output.
    #[command(flatten)]
    pub desk: DeskOptions,
    /// What to look at.
    #[command(subcommand)]
    pub look: CaseLook,
}

/// Options of `quarantine`.
#[derive(Debug, Args)]
pub struct QuarantineOptions {
    /// Settings and output.
    #[command(flatten)]
    pub desk: DeskOptions,
    /// What to do.
    #[command(subcommand)]
    pub act: QuarantineAct,
}

/// Options of `outbox`.
#[derive(Debug, Args)]
pub struct OutboxOptions {
    /// Settings and output.
    #[command(flatten)]
    pub desk: DeskOptions,
    /// What to do.
    #[command(subcommand)]
    pub act: OutboxAct,
}

/// The subcommands of `case`.
#[derive(Debug, Subcommand)]
pub enum CaseLook {
    /// List open cases, those whose next clock is due first on top.
    List {
        /// Closed ones too.
        #[arg(long)]
        all: bool,
        /// Only cases in this state: received, invalid, valid, accepted, deferred or closed.
        #[arg(long, value_name = "STATE")]
        state: Option<String>,
        /// Only cases of this member, by name or address; or of nobody.
        #[arg(long, value_name = "NAME")]
        owner: Option<String>,
        /// Only cases whose reporter was sent no automatic acknowledgement, with the reason.
        #[arg(long)]
        unacknowledged: bool,
    },
    /// Show one case: states, parties, clocks, mails, outgoing mail.
    Show {
        /// Its label or number: EX-2026-0042, ex-42 or 42.
        #[arg(value_name = "CASE")]
        case: String,
        /// Print the text of this mail of the case instead.
        #[arg(long, value_name = "N", value_parser = number())]
        mail: Option<i64>,
    },
    /// Print the journal of one case.
    Log {
        /// Its label or number.
        #[arg(value_name = "CASE")]
        case: String,
        /// Follow the chain of the whole journal too; fails where it is broken.
        #[arg(long)]
        verify: bool,
    },
    /// Find mails that have all these words in subject or text, newest first.
    Search {
        /// The words.
        #[arg(value_name = "WORDS", required = true)]
        words: Vec<String>,
        /// At most so many mails.
        #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=200))]
        limit: u32,
    },
}

/// The subcommands of `quarantine`.
#[derive(Debug, Subcommand)]
pub enum QuarantineAct {
    /// List mail that was put aside, and mail that is held until a member admits it to a case.
    List,
    /// Show one of them: why it waits, and its beginning as it came.
    Show {
        /// Its number.
        #[arg(value_name = "N", value_parser = number())]
        mail: i64,
    },
    /// Decide mails again, from the beginning.
    Requeue {
        /// Their numbers.
        #[arg(value_name = "N", required_unless_present = "all", conflicts_with = "all", value_parser = number())]
        mails: Vec<i64>,
        /// Every mail that was put aside; not those held for a case.
        #[arg(long)]
        all: bool,
    },
}

/// The subcommands of `outbox`.
#[derive(Debug, Subcommand)]
pub enum OutboxAct {
    /// List outgoing mail that was not sent yet, what needs somebody on top.
    List {
        /// Only mail in this state: held, failed, deferred, sending, queued or sent.
        #[arg(long, value_name = "STATE", value_parser = group)]
        state: Option<OutboxGroup>,
        /// Only mail of this case, sent mail too.
        #[arg(long, value_name = "CASE")]
        case: Option<String>,
    },
    /// Send held, deferred or failed mails again now, with the bytes that were sealed for them.
    Retry {
        /// Their numbers.
        #[arg(value_name = "N", required_unless_present = "all", conflicts_with = "all", value_parser = number())]
        rows: Vec<i64>,
        /// Every one that is held, deferred or failed.
        #[arg(long)]
        all: bool,
    },
    /// Hold mails that no relay has yet, until they are tried again.
    Hold {
        /// Their numbers.
        #[arg(value_name = "N", required = true, value_parser = number())]
        rows: Vec<i64>,
    },
}

fn group(word: &str) -> Result<OutboxGroup, String> {
    let words = || OutboxGroup::ALL.map(OutboxGroup::word).join(", ");
    let found = OutboxGroup::ALL.into_iter().find(|group| group.word().eq_ignore_ascii_case(word));
    found.ok_or_else(|| format!("the states are {}", words()))
}
