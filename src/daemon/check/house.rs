//! What lies on this machine: settings, files, keys, database, policy, templates, site, clock.
//!
//! Changes nothing, but for a file in the site folder that is made and taken away at once.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::{Report, count, daemon_runs};
use crate::adapters::disk::FreeSpace;
use crate::daemon::assemble;
use crate::daemon::exit::{CANNOT_CREATE, CONFIG, IO, OS_FILE};
use crate::domain::id::Fingerprint;
use crate::domain::time::Timestamp;
use crate::pgp::keyring::Keyring;
use crate::ports::Disk;
use crate::settings::Settings;
use crate::settings::checked::Audience;
use crate::store::Store;

/// A key that ends within this many days is to be extended: the limits at which the words change.
const EXPIRY_DAYS: [i64; 3] = [7, 30, 60];
const DAY_SECONDS: i64 = 86_400;
/// The day on which this program was written: a clock before it is wrong.
const CLOCK_LEAST: Timestamp = Timestamp(1_767_225_600);
/// A file from the future by more than this shows that the clock was set back.
const CLOCK_SLACK_SECONDS: i64 = 600;

pub(super) fn settings(
    config: &Path,
    environment: impl IntoIterator<Item = (String, String)>,
    report: &mut Report<'_>,
) -> Option<Settings> {
    report.about("settings");
    match Settings::load(config, environment) {
        Ok(settings) => {
            report.well(format!("{} has no mistake", config.display()));
            Some(settings)
        }
        Err(mistakes) => {
            for mistake in mistakes.0 {
                report.needs(CONFIG, mistake.to_string());
            }
            report.warning("nothing else can be tried before the settings are right");
            None
        }
    }
}

/// Who else may use what lies here, and whether the clock can be believed.
pub(super) fn files(config: &Path, settings: &Settings, now: Timestamp, report: &mut Report<'_>) {
    report.about("files");
    let mode = |path: &Path| fs::metadata(path).map_or(0, |found| found.permissions().mode());
    let mut fine = true;
    let writable = [Some(config), settings.keys.certificates.as_deref()];
    for path in writable.into_iter().flatten().filter(|path| mode(path) & 0o022 != 0) {
        fine = false;
        report.needs(CONFIG, format!("others may write {0}; run: chmod go-w {0}", path.display()));
    }
    let state = &settings.instance.state_dir;
    if mode(state) & 0o077 != 0 {
        fine = false;
        report.warning(format!("others may look into {0}; run: chmod go= {0}", state.display()));
    }
    if fine {
        report.well("nobody else may read secrets or change settings and certificates");
    }
    report.about("clock");
    let written = fs::metadata(config).and_then(|found| found.modified()).ok();
    let written = written.and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok()).map_or(0, |age| age.as_secs());
    let last = i64::try_from(written).unwrap_or(i64::MAX).saturating_sub(CLOCK_SLACK_SECONDS);
    if now < CLOCK_LEAST || now.0 < last {
        report.needs(OS_FILE, "the clock of this machine is behind; set it, and let the machine ask a time server");
    } else {
        report.well(format!("the clock of this machine says {now}"));
    }
}

pub(super) fn keys(settings: &Settings, now: Timestamp, report: &mut Report<'_>) {
    report.about("keys");
    let ring = match assemble::keyring(settings, now) {
        Ok(ring) => ring,
        Err(failure) => return report.failed(failure),
    };
    lasts(&ring, &ring.own_fingerprint(), "the key of the address can sign and decrypt", now, report);
    for member in &settings.members {
        match &member.fingerprint {
            Some(print) => certificate(&ring, print, &format!("member {}", member.name), now, report),
            None if settings.privacy.clear.contains(&Audience::Team) => {
                report.well(format!("member {} has no certificate, and is written to in clear text", member.name));
            }
            None => report.needs(CONFIG, format!("member {} has no certificate; pin one", member.name)),
        }
    }
    for print in settings.keys.pins.values() {
        certificate(&ring, print, &format!("pinned {print}"), now, report);
    }
}

fn certificate(ring: &Keyring, print: &Fingerprint, whose: &str, now: Timestamp, report: &mut Report<'_>) {
    match ring.usable_for_encryption(print, now) {
        Ok(()) => lasts(ring, print, &format!("{whose}: the certificate can be encrypted to"), now, report),
        Err(problem) => report.needs(
            CONFIG,
            format!("{whose}: {problem}; ask its owner for one, and put it into the folder keys.certificates"),
        ),
    }
}

/// Says how long a key is of use.
fn lasts(ring: &Keyring, print: &Fingerprint, what: &str, now: Timestamp, report: &mut Report<'_>) {
    let Some(end) = ring.expiry(print, now) else { return report.well(format!("{what}, and never expires")) };
    let days = end.0.saturating_sub(now.0) / DAY_SECONDS;
    let [last, soon, early] = EXPIRY_DAYS;
    let text = format!("{what}, and expires in {}", count(usize::try_from(days).unwrap_or_default(), "day"));
    match days {
        days if days < last => report.warning(format!("{text}: mail stops then; extend it today and pass it on")),
        days if days < soon => report.warning(format!("{text}; extend it now and pass it on")),
        days if days < early => report.warning(format!("{text}; have it extended")),
        _ => report.well(text),
    }
}

/// Looks at the database; gives whether mail in the inbox needs no word of the operator any more.
pub(super) fn store(settings: &Settings, report: &mut Report<'_>) -> bool {
    report.about("store");
    let mut adopted = false;
    let beside = if daemon_runs(settings) { " (looked at beside the running daemon)" } else { "" };
    let path = &settings.store.path;
    if path.exists() {
        report.trying("reading the whole database");
        let opened = Store::open_to_look(path, settings.store.key.bytes(), &settings.instance.name);
        match opened.and_then(|store| store.check().and_then(|()| store.session().adopted())) {
            Ok(found) => {
                adopted = found;
                report.well(format!("the database opens, and its pages, references and journal hold{beside}"));
            }
            Err(error) => report.failed(error),
        }
    } else {
        report.well("there is no database yet; the first start makes it");
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    let least = settings.daemon.free_bytes_min;
    match FreeSpace::of(folder.to_path_buf()).free_bytes() {
        Some(free) if free < least => {
            report.needs(IO, format!("{} free, and no mail is fetched below {}; make room", mib(free), mib(least)));
        }
        Some(free) if free < least.saturating_mul(2) => {
            report.warning(format!("{} free, and no mail is fetched below {}; make room soon", mib(free), mib(least)));
        }
        Some(free) => report.well(format!("{} free for the database", mib(free))),
        None => report.warning("it cannot be told how much space is free for the database"),
    }
    adopted
}

/// Policy and templates.
pub(super) fn words(settings: &Settings, report: &mut Report<'_>) {
    report.about("policy");
    match assemble::policy(settings.policy.as_deref()) {
        Ok(_) => report.well(match &settings.policy {
            Some(file) => format!("{} has no mistake", file.display()),
            None => "the built-in policy holds".to_owned(),
        }),
        Err(failure) => report.failed(failure),
    }
    report.about("templates");
    match assemble::templates(settings.templates.as_deref()) {
        Ok(_) => report.well(match &settings.templates {
            Some(folder) => format!("those in {} have no mistake", folder.display()),
            None => "the built-in ones are used".to_owned(),
        }),
        Err(failure) => report.failed(failure),
    }
}

pub(super) fn site(settings: &Settings, report: &mut Report<'_>) {
    report.about("site");
    let Some(site) = &settings.publish.site else {
        return report.well("no folder for public pages is named; advisories go out by mail alone");
    };
    let trial = site.folder.join(".postern-check");
    let tried = fs::OpenOptions::new().write(true).create_new(true).open(&trial).and_then(|_| fs::remove_file(&trial));
    match tried {
        Ok(()) => report.well(format!("{} can be written", site.folder.display())),
        Err(error) => report.needs(
            CANNOT_CREATE,
            format!(
                "{} cannot be written ({}); give it to the user of the service",
                site.folder.display(),
                error.kind()
            ),
        ),
    }
}

/// Bytes as people read them.
pub(super) fn mib(bytes: u64) -> String {
    format!("{} MiB", bytes / (1024 * 1024))
}
