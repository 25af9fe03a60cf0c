//! Mails from Dovecot into cases, against mbsync downloading the same mailbox over TLS. See contrib/bench/ingest.
//!
//! Every mail is fetched, stored, parsed, decided into a case of its own, indexed, moved to the archive on the server, and
//! its acknowledgement and the team's copy are composed, signed (the team's also encrypted) and stored, all commits durable.
//! Nothing is sent. mbsync only copies: it is the nearest thing that people run against the same mailbox.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark starts programs, measures time and prints figures"
)]

#[path = "../tests/support/dovecot.rs"]
mod dovecot;
#[path = "../tests/support/small_house.rs"]
mod small_house;
mod support;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use dovecot::{Dovecot, Options};
use postern::adapters::clock::SystemClock;
use postern::daemon::assemble;
use postern::domain::effect::MailKind;
use postern::engine::step::{Adopt, Engine};
use postern::ports::{Clock, Wake};
use postern::settings::Settings;
use small_house::House;
use support::{house, option, peak_memory_mib, processor_time, rate, report, text_option, timed};

fn main() {
    if let Some(settings) = text_option("inner") {
        return ingest(Path::new(&settings));
    }
    if let Some(settings) = text_option("fill") {
        return fill(Path::new(&settings), option("mails", 0));
    }
    let mails = option("mails", 10_000);
    let stored = option("stored", 100_000);
    support::needs("mbsync", "isync");
    println!("{mails} plain mails of {} bytes from Dovecot over TLS", report(1).len());
    let unsynced = mbsync(mails, false);
    println!("mbsync, fsync off       {:>8.0} mails/s", rate(mails, unsynced));
    let synced = mbsync(mails, true);
    println!("mbsync, fsync on        {:>8.0} mails/s", rate(mails, synced));
    let empty = postern(mails, 0);
    empty.tell("postern, empty store", mails);
    println!(
        "  to mbsync without fsync {:.2}, with fsync {:.2}",
        ratio(unsynced, empty.took),
        ratio(synced, empty.took)
    );
    if stored > 0 {
        let full = postern(mails, stored);
        full.tell(&format!("postern, {stored} stored"), mails);
        println!(
            "  a mail's cost to that in an empty store: {:.3} in time, {:.3} in processor",
            ratio(full.took, empty.took),
            ratio(full.processor, empty.processor)
        );
    }
}

fn ratio(peer: Duration, own: Duration) -> f64 {
    peer.as_secs_f64() / own.as_secs_f64()
}

fn server(mails: usize) -> Dovecot {
    let server = Dovecot::start_with(Options { fsync: "optimized", ..Options::default() });
    for number in 0..mails {
        server.deliver(&report(number));
    }
    server
}

fn mbsync(mails: usize, synced: bool) -> Duration {
    let server = server(mails);
    let folder = tempfile::tempdir().unwrap();
    let local = folder.path().join("mail");
    fs::create_dir(&local).unwrap();
    fs::write(folder.path().join("password"), &server.password).unwrap();
    let config = format!(
        "FSync {}\n\nIMAPAccount a\nHost localhost\nPort {}\nUser {}\nPassCmd \"cat {}\"\nSSLType IMAPS\nSSLVersions TLSv1.3 TLSv1.2\n\
         CertificateFile {}\n\nIMAPStore far\nAccount a\n\nMaildirStore near\nPath {}/\nInbox {}/INBOX\n\n\
         Channel c\nFar :far:\nNear :near:\nPatterns INBOX\nSync Pull\nCreate Near\nSyncState *\n",
        if synced { "yes" } else { "no" },
        server.imaps_port,
        server.user,
        folder.path().join("password").display(),
        server.ca_file.display(),
        local.display(),
        local.display(),
    );
    let file = folder.path().join("mbsyncrc");
    fs::write(&file, config).unwrap();
    let took = timed(Command::new("mbsync").arg("-q").arg("-c").arg(&file).arg("c"));
    let copied =
        ["new", "cur"].iter().map(|part| fs::read_dir(local.join("INBOX").join(part)).unwrap().count()).sum::<usize>();
    assert_eq!(copied, mails, "mbsync copies all");
    took
}

/// Runs the engine in a process of its own, whose memory is then its alone.
fn postern(mails: usize, stored: usize) -> Run {
    let server = server(mails);
    let inbox = format!(
        "kind = \"imap\"\nhost = \"localhost\"\nport = {}\nuser = \"{}\"\npassword = \"imap.password\"\nca_file = \"{}\"",
        server.imaps_port,
        server.user,
        server.ca_file.display()
    );
    let house = house(&inbox, "kind = \"folder\"\npath = \"out\"");
    house.secret("imap.password", server.password.as_bytes());
    if stored > 0 {
        child(&house, &["--fill", "--mails"], stored);
    }
    let words = child(&house, &["--inner", "--mails"], mails);
    assert_eq!(server.count(""), 0, "all mail has left the inbox");
    assert_eq!(server.count("postern"), mails, "all mail is in the archive");
    Run {
        took: Duration::from_secs_f64(words[0]),
        memory: words[1] as u64,
        all: Duration::from_secs_f64(words[3]),
        processor: Duration::from_secs_f64(words[2]),
    }
}

/// What a run took.
struct Run {
    /// Until every mail had its case and its acknowledgement was sealed and queued.
    took: Duration,
    /// Until the copies for the team were encrypted too.
    all: Duration,
    /// At most, in MiB.
    memory: u64,
    /// Of the process alone, without the server.
    processor: Duration,
}

impl Run {
    fn tell(&self, name: &str, mails: usize) {
        println!(
            "{name:<23} {:>8.0} mails/s   ({:.0} with the team's copies encrypted) {} MiB at most, {:.0} µs of processor a mail",
            rate(mails, self.took),
            rate(mails, self.all),
            self.memory,
            self.processor.as_secs_f64() * 1e6 / mails as f64
        );
    }
}

fn child(house: &House, options: &[&str], mails: usize) -> Vec<f64> {
    let output = Command::new(std::env::current_exe().unwrap())
        .args([options[0], house.settings().to_str().unwrap(), options[1], &mails.to_string()])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success(), "the inner run failed");
    let said = String::from_utf8(output.stdout).unwrap();
    said.split_whitespace().map(|word| word.parse().unwrap()).collect()
}

fn ingest(settings: &Path) {
    let settings = Settings::load(settings, std::env::vars()).expect("settings");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (nudge, nudged) = mpsc::channel();
    let nudge = std::sync::Mutex::new(nudge);
    let wake: Wake = Arc::new(move || nudge.lock().unwrap().send(()).unwrap_or_default());
    let started = Instant::now();
    let mut engine = assemble::engine(&settings, Some(Adopt::Ack), runtime.handle(), &wake).expect("an engine");
    // Opening examines the whole store; that is paid once a start, and not for a mail.
    let opened = started.elapsed();
    let used = processor_time();
    engine.hold_outgoing(true);
    let before = engine.store().session().backlog(SystemClock.now()).unwrap().sealed_due;
    let mut answered = None;
    loop {
        let progress = engine.step(SystemClock.now()).expect("a step");
        if answered.is_none() && engine.inbox_state().drained && all_answered(&engine) {
            answered = Some((started.elapsed() - opened, processor_time() - used));
        }
        if progress.worked {
            while nudged.try_recv().is_ok() {}
        } else if answered.is_some() {
            break;
        } else {
            let _ = nudged.recv_timeout(Duration::from_secs(1));
        }
    }
    let all = started.elapsed() - opened;
    let (took, processor) = answered.expect("all are answered");
    let backlog = engine.store().session().backlog(SystemClock.now()).unwrap();
    assert_eq!(backlog.undecided + backlog.waiting + backlog.queued, 0, "everything is decided and sealed");
    assert_eq!(
        backlog.sealed_due - before,
        2 * option("mails", 0) as u64,
        "an acknowledgement and a copy for the team each"
    );
    println!("{} {} {} {}", took.as_secs_f64(), peak_memory_mib(), processor.as_secs_f64(), all.as_secs_f64());
}

/// Whether every mail has its case, and every acknowledgement is sealed. Receipts are sealed first.
fn all_answered(engine: &Engine) -> bool {
    let session = engine.store().session();
    let next = session.unsealed(1).expect("the queue");
    session.undecided(1, u32::MAX).expect("the mails").is_empty()
        && next.iter().all(|mail| mail.plan.kind != MailKind::Acknowledgement)
}

/// Puts mails into the store as the engine does, from memory.
fn fill(settings: &Path, mails: usize) {
    use postern::domain::event::Answerable;
    let text = fs::read_to_string(settings).unwrap();
    let (before, inbox) = text.split_once("[inbox]").unwrap();
    let (_, after) = inbox.split_once("[[relay]]").unwrap();
    let local = settings.with_file_name("fill.toml");
    let maildir = "[inbox]\nkind = \"maildir\"\npath = \"inbox\"\n\n[[relay]]";
    fs::write(&local, format!("{before}{maildir}{after}")).unwrap();
    let settings = Settings::load(&local, std::env::vars()).expect("settings");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let wake: Wake = Arc::new(|| {});
    let mut engine = assemble::engine(&settings, Some(Adopt::Ack), runtime.handle(), &wake).expect("an engine");
    engine.hold_outgoing(true);
    let mut next = 1_000_000;
    while next < 1_000_000 + mails {
        let batch: Vec<_> = (next..(next + 200).min(1_000_000 + mails)).map(report).collect();
        next += batch.len();
        engine.ingest(batch, Answerable::Yes, SystemClock.now()).expect("stored");
        while engine.step(SystemClock.now()).expect("a step").worked {}
    }
}
