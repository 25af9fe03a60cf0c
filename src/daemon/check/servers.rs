//! The servers: connection, login, folders, limits. Sends no mail and changes none.

use std::fs;
use std::path::Path;
use std::time::Duration;

use tokio::runtime::Runtime;

use super::house::mib;
use super::{Report, count};
use crate::adapters::clock::SystemClock;
use crate::adapters::imap::probe::{Leaving, Probe};
use crate::adapters::imap::{ImapConfig, Timeouts as ImapTimeouts};
use crate::adapters::smtp::{SmtpConfig, Timeouts as SmtpTimeouts, probe};
use crate::daemon::assemble;
use crate::daemon::exit::{CANNOT_CREATE, CONFIG, Failure};
use crate::ports::{Clock, PortError};
use crate::settings::Settings;
use crate::settings::checked::{FolderChoice, ImapInbox, Inbox, Relay, Security, Settle, SmtpRelay};

/// A person waits: a server that is slower than this is not well.
const PATIENCE: Duration = Duration::from_secs(20);

/// The account as the daemon uses it, with less patience.
pub(super) fn imap_config(inbox: &ImapInbox, settings: &Settings) -> ImapConfig {
    let timeouts = ImapTimeouts { connect: PATIENCE, silence: PATIENCE, response: PATIENCE };
    // Which mails of the sent folder are fetched is no matter here; that it is found is.
    let since = inbox.sent.as_ref().map(|_| SystemClock.now());
    ImapConfig { timeouts, ..assemble::imap_config(inbox, settings.limits.message_bytes, since) }
}

/// The relay as the daemon uses it, with less patience.
pub(super) fn smtp_config(smtp: &SmtpRelay, settings: &Settings) -> SmtpConfig {
    let timeouts = SmtpTimeouts {
        connect: PATIENCE,
        greeting: PATIENCE,
        command: PATIENCE,
        data: PATIENCE,
        final_dot: PATIENCE.saturating_mul(3),
    };
    SmtpConfig { timeouts, ..assemble::smtp_config(smtp, settings) }
}

pub(super) fn inbox(settings: &Settings, adopted: bool, report: &mut Report<'_>) {
    report.about("inbox");
    match &settings.inbox {
        Inbox::Maildir { path, .. } => maildir(path, adopted, report),
        Inbox::Imap(imap) => {
            report.trying(format!("connecting to {} port {}", imap.host, imap.port));
            let config = imap_config(imap, settings);
            match Probe::open(&config) {
                Ok(mut probe) => {
                    report.well(format!(
                        "connected to {} port {} {}, and logged in",
                        imap.host,
                        imap.port,
                        protected(imap.security)
                    ));
                    abilities(imap, &probe, report);
                    if let Err(error) = folders(imap, &mut probe, adopted, report) {
                        report.failed(named(&error, &imap.host));
                    }
                }
                Err(error) => report.failed(named(&error, &imap.host)),
            }
        }
    }
}

fn maildir(path: &Path, adopted: bool, report: &mut Report<'_>) {
    let parts = ["new", "cur"].map(|part| fs::read_dir(path.join(part)));
    let mut waiting = 0;
    for part in parts {
        match part {
            Ok(files) => waiting += files.count(),
            Err(error) => {
                let shown = path.display();
                return report.needs(
                    CONFIG,
                    format!("{shown} is no Maildir that can be read ({}); make new, cur and tmp in it", error.kind()),
                );
            }
        }
    }
    let trial = path.join("tmp/postern-check");
    match fs::write(&trial, b"").and_then(|()| fs::remove_file(&trial)) {
        Ok(()) => {
            report.well(format!("{} is a Maildir, with {}", path.display(), count(waiting, "mail")));
            waits(waiting, adopted, report);
        }
        Err(error) => report.needs(
            CANNOT_CREATE,
            format!("{} cannot be written ({}); mail could not leave it", path.display(), error.kind()),
        ),
    }
}

/// Mail from before the first start is nobody's to answer without a word.
fn waits(waiting: usize, adopted: bool, report: &mut Report<'_>) {
    if waiting > 0 && !adopted {
        report.warning(format!(
            "{} from before the first start: start once with --adopt quiet (open cases), --adopt ack (acknowledge too) \
             or --adopt ignore (put aside)",
            count(waiting, "mail")
        ));
    }
}

/// What the server can.
fn abilities(imap: &ImapInbox, probe: &Probe, report: &mut Report<'_>) {
    match (imap.settle, probe.leaving()) {
        (Settle::Keep, _) => report.well("stored mail stays in the inbox and gets a keyword (inbox.settle = \"keep\")"),
        (Settle::Move, Leaving::Moved) => report.well("the server can MOVE mail"),
        (Settle::Move, Leaving::Copied) => report.well("the server has UIDPLUS: mail is copied and expunged"),
        (Settle::Move, Leaving::Stays) => report.warning(
            "the server has neither MOVE nor UIDPLUS: stored mail stays in the inbox and gets a keyword, as with \
             inbox.settle = \"keep\"",
        ),
    }
    if probe.pushes() {
        report.well("the server pushes new mail (IDLE)");
    } else {
        report.warning(format!(
            "the server has no IDLE: new mail is seen within {} seconds (inbox.poll_seconds)",
            imap.poll_seconds
        ));
    }
}

fn folders(imap: &ImapInbox, probe: &mut Probe, adopted: bool, report: &mut Report<'_>) -> Result<(), PortError> {
    let keyword = probe.leaving() == Leaving::Stays;
    match probe.open_mailbox(&imap.mailbox)? {
        None => report.needs(CONFIG, format!("the server refuses to open {}; correct inbox.mailbox", imap.mailbox)),
        Some(opened) if keyword && !opened.keeps_keywords => report.needs(
            CONFIG,
            "the server keeps no keywords, so that stored mail could not be told from new; set inbox.settle = \"move\"",
        ),
        Some(opened) => {
            let waiting = usize::try_from(opened.waiting).unwrap_or_default();
            report.well(format!("{} opens, with {}", imap.mailbox, count(waiting, "mail")));
            waits(waiting, adopted, report);
        }
    }
    if !keyword {
        let archive = probe.archive().to_owned();
        match probe.open_mailbox(&archive)? {
            Some(_) => report.well(format!("the archive folder {archive} is there")),
            None => report.needs(CONFIG, format!("the server refuses to open {archive}; correct inbox.archive")),
        }
    }
    let marked = probe.marked_as_junk()?;
    let (junk, sent) = (probe.junk().map(str::to_owned), probe.sent().map(str::to_owned));
    match (&imap.junk, junk, marked) {
        (Some(_), Some(junk), _) => match probe.open_mailbox(&junk)? {
            Some(_) => report.well(format!("the junk folder {junk} opens")),
            None => report.needs(CONFIG, format!("the server refuses to open {junk}; correct inbox.junk")),
        },
        (Some(FolderChoice::Named(junk)), None, _) => {
            report.needs(CONFIG, format!("the server has no folder {junk}; correct inbox.junk"));
        }
        (None, _, Some(marked)) => report.warning(format!(
            "the host puts junk into {marked}, where a report would not be seen; set inbox.junk = \"{marked}\""
        )),
        (Some(FolderChoice::Auto) | None, _, None) | (Some(FolderChoice::Auto), None, Some(_)) => {
            report.well("the host has no folder that is marked or named as that of junk");
        }
    }
    match (&imap.sent, sent) {
        (Some(_), Some(sent)) => report.well(format!("mail that people send by hand is looked for in {sent}")),
        (Some(_), None) => {
            report.needs(CONFIG, "no folder of sent mail was found; name it in inbox.sent, or leave that key out");
        }
        (None, _) => {}
    }
    Ok(())
}

pub(super) fn relays(settings: &Settings, runtime: &Runtime, report: &mut Report<'_>) {
    report.about("relay");
    for relay in &settings.relays {
        match relay {
            Relay::Folder { path } => {
                let trial = path.join(".postern-check");
                match fs::write(&trial, b"").and_then(|()| fs::remove_file(&trial)) {
                    Ok(()) => report.well(format!("mail is laid into the folder {}; nothing is sent", path.display())),
                    Err(error) => {
                        report.needs(CANNOT_CREATE, format!("{} cannot be written ({})", path.display(), error.kind()));
                    }
                }
            }
            Relay::Smtp(smtp) => server(smtp, settings, runtime, report),
        }
    }
}

fn server(smtp: &SmtpRelay, settings: &Settings, runtime: &Runtime, report: &mut Report<'_>) {
    report.trying(format!("connecting to {} port {}", smtp.host, smtp.port));
    let config = smtp_config(smtp, settings);
    let offer = match runtime.block_on(probe::look(&config)) {
        Ok(offer) => offer,
        Err(error) => return report.failed(named(&error, &smtp.host)),
    };
    let login = if config.credentials.is_some() { "logged in" } else { "no login is asked for by the settings" };
    report.well(format!("connected to {} port {} {}; {login}", smtp.host, smtp.port, protected(smtp.security)));
    let read = settings.limits.message_bytes;
    match offer.size_max {
        Some(size) if size < read => report.warning(format!(
            "{} takes mails up to {}, and reports up to {} are read: a larger one could not be passed on to the team; \
             raise the host's limit, or lower limits.message_bytes",
            smtp.host,
            mib(size),
            mib(read)
        )),
        Some(size) => report.well(format!("{} takes mails up to {}", smtp.host, mib(size))),
        None => report.well(format!("{} names no limit for a mail", smtp.host)),
    }
}

/// A fault with the name of the server; a person looks on, so nothing is tried again.
pub(super) fn named(error: &PortError, host: &str) -> Failure {
    let failure = Failure::from(error.clone());
    let message = failure.message.trim_end_matches("; trying again");
    Failure::new(failure.code, format!("{host}: {message}"))
}

fn protected(security: Security) -> &'static str {
    match security {
        Security::Tls => "over TLS",
        Security::Starttls => "over TLS (STARTTLS)",
        Security::Plain => "in clear, on this machine",
    }
}
