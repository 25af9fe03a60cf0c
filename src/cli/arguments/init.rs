//! The arguments of `init`. None of them is ever a secret: a password is asked for, or named by its file.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Options of `init`. What is not given is asked for, on a terminal; with `--yes` the defaults hold.
#[derive(Debug, Args, Default)]
pub struct InitOptions {
    /// Ask nothing: take the defaults, and refuse where there is none.
    #[arg(long)]
    pub yes: bool,
    /// Folder for settings, keys and certificates.
    #[arg(long, value_name = "DIR", default_value = "/etc/postern", conflicts_with = "config")]
    pub dir: PathBuf,
    /// Settings file to make, instead of DIR/postern.toml; keys lie beside it.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Folder of the daemon, for the database.
    #[arg(long, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
    /// Address that reports are sent to.
    #[arg(long)]
    pub address: Option<String>,
    /// The project's name as people read it.
    #[arg(long, value_name = "NAME")]
    pub project: Option<String>,
    /// Short name of the instance, never to be changed: lower-case letters, digits and hyphens.
    #[arg(long)]
    pub name: Option<String>,
    /// 2 to 10 capital letters before a case's number.
    #[arg(long, value_name = "LETTERS")]
    pub case_prefix: Option<String>,
    /// Host of the mailbox, as HOST or HOST:PORT.
    #[arg(long, value_name = "HOST", conflicts_with = "maildir")]
    pub imap_host: Option<String>,
    /// Port, where it is not the usual one.
    #[arg(long, value_name = "PORT")]
    pub imap_port: Option<u16>,
    /// Protection of the connection.
    #[arg(long, value_name = "HOW", value_enum)]
    pub imap_security: Option<SecurityChoice>,
    /// Name to log in with; the address, if not given.
    #[arg(long, value_name = "NAME")]
    pub imap_user: Option<String>,
    /// File with the password; copied into DIR as imap.password if it lies elsewhere.
    #[arg(long, value_name = "FILE", group = "imap_login")]
    pub imap_password_file: Option<PathBuf>,
    /// Command that prints the password: words, run without a shell.
    #[arg(long, value_name = "WORDS", group = "imap_login")]
    pub imap_password_command: Option<String>,
    /// Command that prints an OAuth token: words, run without a shell.
    #[arg(long, value_name = "WORDS", group = "imap_login")]
    pub imap_token_command: Option<String>,
    /// Maildir on this machine instead of an IMAP server; made if it is missing.
    #[arg(long, value_name = "DIR")]
    pub maildir: Option<PathBuf>,
    /// Mail server that takes our mail, as HOST or HOST:PORT.
    #[arg(long, value_name = "HOST", conflicts_with = "outbox")]
    pub smtp_host: Option<String>,
    /// Port, where it is not the usual one.
    #[arg(long, value_name = "PORT")]
    pub smtp_port: Option<u16>,
    /// Protection of the connection.
    #[arg(long, value_name = "HOW", value_enum)]
    pub smtp_security: Option<SecurityChoice>,
    /// Name to log in with; the same as for IMAP, if a password is given and no name.
    #[arg(long, value_name = "NAME")]
    pub smtp_user: Option<String>,
    /// File with the password; copied into DIR as smtp.password if it lies elsewhere.
    #[arg(long, value_name = "FILE", group = "smtp_login")]
    pub smtp_password_file: Option<PathBuf>,
    /// Command that prints the password: words, run without a shell.
    #[arg(long, value_name = "WORDS", group = "smtp_login")]
    pub smtp_password_command: Option<String>,
    /// Command that prints an OAuth token: words, run without a shell.
    #[arg(long, value_name = "WORDS", group = "smtp_login")]
    pub smtp_token_command: Option<String>,
    /// Folder that gets one file for each mail, instead of a mail server; made if it is missing.
    #[arg(long, value_name = "DIR")]
    pub outbox: Option<PathBuf>,
    /// PEM file of the authorities to trust instead of the system's.
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// Member of the team, the first one leads it: "Name <address> [fingerprint]". May be repeated.
    #[arg(long, value_name = "MEMBER")]
    pub member: Vec<String>,
    /// Files with certificates of members and other people, to be copied and pinned.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub certificates: Vec<PathBuf>,
    /// Who may be written to in clear text: team, reporter, maintainer, stakeholder, or none; with commas.
    #[arg(long, value_name = "PEOPLE")]
    pub clear: Option<String>,
    /// Folder of a web server, for the pages of advisories; made if it is missing.
    #[arg(long, value_name = "DIR", requires = "base_url")]
    pub site: Option<PathBuf>,
    /// Address of that folder on the web.
    #[arg(long, value_name = "URL", requires = "site")]
    pub base_url: Option<String>,
    /// What happens to stored mail on the server: moved away, or kept for people who read there too.
    #[arg(long, value_name = "HOW", value_enum)]
    pub settle: Option<SettleChoice>,
    /// Mailing list that advisories go to.
    #[arg(long, value_name = "ADDRESS")]
    pub list: Option<String>,
    /// Name that the mail host writes first into Authentication-Results. May be repeated.
    #[arg(long, value_name = "NAME")]
    pub authserv_id: Vec<String>,
}

/// How a connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SecurityChoice {
    /// TLS from the first byte.
    Tls,
    /// TLS after a command.
    Starttls,
    /// None, to this machine only.
    Plain,
}

/// What happens to stored mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SettleChoice {
    /// It moves to the archive folder.
    Move,
    /// It stays and gets a keyword.
    Keep,
}
