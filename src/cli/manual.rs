//! `postern manual`: the manual page and completions, made from the same arguments that are parsed.
//!
//! One page has everything: each subcommand is a section of it, since there are no pages of theirs. Never reads
//! settings or the clock, so the same program prints the same page. A failed write is an [`IO`] failure.

use std::io::{self, Write};

use clap::{Command, CommandFactory};
use clap_mangen::Man;

use super::arguments::{Arguments, ManualOptions};
use crate::daemon::exit::{Failure, IO};

/// What the arguments do not say.
const CLOSING: &str = r#".SH "EXIT STATUS"
0 when all went well, otherwise a code of sysexits.h: 64 wrong command line; 65 data that cannot be read, such as a
database with another key; 66 a file that cannot be read; 69 a server that is not there; 70 a mistake of postern's own; 72 a
file of the system; 73 a file that cannot be written; 74 input or output failed, or the disk is full; 75 try again later, as
when another postern is running; 76 a server that broke the protocol or has a wrong certificate; 77 a server that refuses the
password; 78 wrong settings.
.SH ENVIRONMENT
.TP
\fBPOSTERN__SECTION__KEY\fR
Overrides a key of the settings, as in POSTERN__LOG__LEVEL=debug; secrets excepted.
.TP
\fBCREDENTIALS_DIRECTORY\fR
Where the settings' "credential:NAME" is looked up; systemd sets it. Without it the file lies beside the settings.
.SH SIGNALS
SIGTERM and SIGINT end the daemon in order: the step under way is finished, and mail that is being sent gets a moment
to be answered.
.SH FILES
.TP
\fI/etc/postern/postern.toml\fR
The settings.
.TP
\fI/var/lib/postern\fR
The folder that the settings name as state_dir: postern.db with its write\-ahead log, postern.lock, postern.sock.
"#;

/// Prints the manual page, or the completions of a shell.
pub fn manual(options: &ManualOptions) -> Result<(), Failure> {
    let mut command = Arguments::command();
    let mut text = Vec::new();
    match options.completions {
        Some(shell) => clap_complete::generate(shell, &mut command, "postern", &mut text),
        None => text = page(&command).map_err(|error| failed(&error))?.into_bytes(),
    }
    io::stdout().write_all(&text).map_err(|error| failed(&error))
}

fn page(command: &Command) -> io::Result<String> {
    let whole = Man::new(command.clone());
    let mut page = rendered(|out| whole.render_title(out))?;
    page += &rendered(|out| whole.render_name_section(out))?;
    page += &rendered(|out| whole.render_synopsis_section(out))?;
    page += &rendered(|out| whole.render_description_section(out))?;
    page += &rendered(|out| whole.render_options_section(out))?;
    for subcommand in command.get_subcommands() {
        page += &section(command.get_name(), subcommand)?;
        // The groups have commands of their own; none of those has.
        for inner in subcommand.get_subcommands() {
            page += &section(&format!("{} {}", command.get_name(), subcommand.get_name()), inner)?;
        }
    }
    Ok(page + CLOSING)
}

/// A subcommand as a section: its headings are taken out, since they would be sections of the page.
fn section(group: &str, subcommand: &Command) -> io::Result<String> {
    let name = format!("{group} {}", subcommand.get_name());
    let man = Man::new(subcommand.clone().bin_name(&name));
    let usage = rendered(|out| man.render_synopsis_section(out))?;
    let about = rendered(|out| man.render_description_section(out))?;
    let options = rendered(|out| man.render_options_section(out))?;
    let mut text = format!(".SH \"{}\"\n", name.to_uppercase());
    for line in usage.lines().chain([".PP"]).chain(about.lines()).chain(options.lines()) {
        // Each piece brings the preamble of a page of its own.
        if !line.starts_with(".SH") && !line.starts_with(".ie") && !line.starts_with(".el") {
            text += line;
            text.push('\n');
        }
    }
    Ok(text)
}

fn rendered(render: impl Fn(&mut dyn Write) -> io::Result<()>) -> io::Result<String> {
    let mut text = Vec::new();
    render(&mut text)?;
    String::from_utf8(text).map_err(io::Error::other)
}

fn failed(error: &io::Error) -> Failure {
    Failure::new(IO, format!("failed to print: {error}"))
}
