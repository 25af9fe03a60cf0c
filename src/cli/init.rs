//! `postern init`: asks what is not given, makes the installation, and says what to do next.
//!
//! Asks on a terminal only. A password is typed without echo, and is never an argument.

mod asker;
mod questions;
mod terminal;

use std::io::{self, IsTerminal, Write};

use self::asker::Asker;
use super::arguments::InitOptions;
use crate::daemon::exit::{Failure, IO, USAGE};
use crate::daemon::init::{Made, Plan, make};
use crate::pgp::birth::web_key_directory;

/// Asks, makes, and prints.
pub fn init(options: &InitOptions) -> Result<(), Failure> {
    let plan = if options.yes {
        questions::plan(options, &mut Asker::silent())?
    } else if io::stdin().is_terminal() {
        let (mut input, mut output) = (io::stdin().lock(), io::stderr().lock());
        questions::plan(options, &mut Asker::of(&mut input, &mut output, &terminal::without_echo))?
    } else {
        let text = "init asks on a terminal, and there is none; give the answers as options, and --yes";
        return Err(Failure::new(USAGE, text));
    };
    let made = make(&plan)?;
    io::stdout()
        .write_all(summary(&plan, &made).as_bytes())
        .map_err(|error| Failure::new(IO, format!("everything was made, and failed to be shown: {error}")))
}

/// What was made and what to do next: one screen.
fn summary(plan: &Plan, made: &Made) -> String {
    let (address, domain) = (&plan.address, plan.address.domain());
    let (config, fingerprint) = (made.config.display(), &made.fingerprint);
    let folder = made.config.parent().map(|folder| folder.display().to_string()).unwrap_or_default();
    let mut lines = vec![
        format!("Made: {config}, every setting with its meaning"),
        format!("  {folder}/*.key, *.password, team.passphrase: keep a copy of the keys and the passphrase elsewhere"),
        format!("  {}: the certificate of the address, {fingerprint}", made.certificate.display()),
        format!("  {}: the database, worth nothing without database.key", made.database.display()),
    ];
    for (owner, print) in &made.pinned {
        lines.push(format!("Compare with its owner, by telephone for example: {owner} {print}"));
    }
    let (local, plain) = (address.local(), "the mailbox");
    let web_key = web_key_directory(address).unwrap_or_default();
    lines.extend([
        format!("At the mail host of {domain}"),
        format!(
            "  {local}+anything@{domain} reaches {plain}; so does mail with the null sender and from {local}+anything"
        ),
        format!(
            "  IMAP is allowed for {plain}, by an app password or an OAuth token where a password alone is refused"
        ),
        "  junk goes into a folder (inbox.junk names it); nothing is deleted".to_owned(),
        "  Authentication-Results are written: their first word belongs into authentication.authserv_ids".to_owned(),
        "In the DNS".to_owned(),
        format!("  {domain} MX; {domain} TXT \"v=spf1 ...\"; SELECTOR._domainkey.{domain} TXT \"v=DKIM1; ...\";"),
        format!("  _dmarc.{domain} TXT \"v=DMARC1; p=quarantine; ...\": your mail host says what goes into each"),
        "To publish".to_owned(),
        format!("  {} beside the address; in binary form (gpg --dearmor) at", made.certificate.display()),
        format!("  {web_key}"),
        format!("  and in /.well-known/security.txt: Contact: mailto:{address}"),
        format!("  {:>39} Encryption: openpgp4fpr:{}", "", fingerprint.as_str().to_lowercase()),
        "Then".to_owned(),
        format!("  postern check --roundtrip --config {config}"),
        format!("  postern run --config {config}"),
    ]);
    lines.push(match &made.unit {
        Some(unit) => {
            format!("  install -m 644 {} /etc/systemd/system/ && systemctl enable --now postern", unit.display())
        }
        None => "  no unit for systemd was made: it gives the service a folder below /var/lib alone".to_owned(),
    });
    lines.push(String::new());
    lines.join("\n")
}
