//! The shipped binary is killed at every place where a mail can be lost or doubled, against a real Dovecot and a
//! real Postfix, and started again by nobody's hand.
//!
//! What is held against it is what was delivered, what the servers hold and what the stopped
//! database says: every mail stored as it was and once, one case each, one acknowledgement and one
//! forward for each member, and a second identical copy only where the outbox says that it may exist.
#![cfg(feature = "crash-points")]
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test runs servers and threads, waits, and fails by panicking"
)]

#[path = "support/dovecot.rs"]
mod dovecot;
#[path = "support/postfix.rs"]
#[expect(dead_code, reason = "mail only ends there")]
mod postfix;
#[path = "support/small_house.rs"]
mod small_house;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use dovecot::Dovecot;
use postern::crash::POINTS;
use postern::domain::effect::MailKind;
use postern::domain::id::{CaseId, MailId};
use postern::store::{OutboxRow, OutboxState};
use postfix::Postfix;
use small_house::{Arrived, Daemon, House, Report, arrived, now, wait_or_explain, wait_until};

/// Trials under way at once: they wait for the disk and for servers most of the time.
const TRIALS_AT_ONCE: usize = 4;
/// Reports of one batch.
const BATCH: usize = 3;
/// Members who get a forward.
const MEMBERS: [&str; 2] = ["ana", "bo"];
const SIGKILL: i32 = 9;

/// One house with mail, and what is to come of it.
struct Trial {
    name: String,
    house: House,
    /// Mailboxes at Dovecot; empty for INBOX.
    mailbox: String,
    archive: String,
    domain: String,
    reports: Vec<Report>,
    /// Where outgoing mail ends.
    outlet: PathBuf,
}

impl Trial {
    fn new(name: &str, dovecot: &Dovecot, postfix: Option<(&Postfix, &Path)>) -> Self {
        let (mailbox, archive) = (format!("in-{name}"), format!("kept-{name}"));
        make_folder(dovecot, &mailbox);
        let domain = format!("{name}.test");
        let inbox = inbox(dovecot, &mailbox, &archive);
        let (relay, outlet) = match postfix {
            Some((postfix, outlet)) => (smtp(postfix), Some(outlet.to_owned())),
            None => ("kind = \"folder\"\npath = \"out\"".to_owned(), None),
        };
        let house = House::new(&inbox, &relay, &domain);
        let outlet = outlet.unwrap_or_else(|| house.path("out"));
        // The first start on an empty inbox: from now on all mail there is new.
        house.rest();
        Self { name: name.to_owned(), house, mailbox, archive, domain, reports: Vec::new(), outlet }
    }

    fn deliver(&mut self, dovecot: &Dovecot, count: usize) {
        for _ in 0..count {
            let number = self.reports.len();
            let report = Report::new(&format!("rita{number}@{}", self.domain), &format!("{}-{number}", self.name));
            if self.mailbox.is_empty() {
                dovecot.deliver(&report.bytes);
            } else {
                dovecot.deliver_to_folder(&self.mailbox, &report.bytes);
            }
            self.reports.push(report);
        }
    }

    /// Whether nothing lies in the inbox and every mail that must leave has arrived.
    fn is_quiet(&self, dovecot: &Dovecot) -> bool {
        dovecot.count(&self.mailbox) == 0
            && ids(&arrived(&self.outlet)).len() == self.reports.len() * (1 + MEMBERS.len())
    }

    /// Started as ever, it does what is left, stops when asked, and has nothing more to do.
    fn resume(&self, dovecot: &Dovecot) {
        let daemon = self.house.start(&["run"], &[]);
        let quiet = || {
            assert!(!daemon.said().contains("postern: "), "{}: {}", self.name, daemon.said());
            self.house.is_up() && self.is_quiet(dovecot)
        };
        wait_or_explain(&format!("{}: all is done after the kill", self.name), quiet, || {
            let (waiting, came) = (dovecot.count(&self.mailbox), ids(&arrived(&self.outlet)).len());
            format!("{waiting} mails wait, {came} came of {} reports\n{}", self.reports.len(), daemon.said())
        });
        let ending = daemon.stopped();
        assert_eq!(ending.code, Some(0), "{}: {ending:?}", self.name);
        self.house.rest();
    }

    /// Holds what is there against what must be there. `doubt` says whether a mail may have come twice.
    fn judge(&self, dovecot: &Dovecot, doubt: Doubt) {
        let name = &self.name;
        let sorted = |mut list: Vec<Vec<u8>>| {
            list.sort();
            list
        };
        let delivered = sorted(self.reports.iter().map(|report| report.bytes.clone()).collect());
        assert_eq!(dovecot.count(&self.mailbox), 0, "{name}: the inbox is empty");
        assert!(sorted(dovecot.mails(&self.archive)) == delivered, "{name}: the archive holds every mail once");
        let store = self.house.store();
        store.check().unwrap_or_else(|error| panic!("{name}: {error}"));
        let session = store.session();
        let records: Vec<_> = (1..).map_while(|id| session.bytes_of(MailId(id)).unwrap()).collect();
        assert!(sorted(records) == delivered, "{name}: every mail is stored once, as it was delivered");
        let mut cases = BTreeSet::new();
        for report in &self.reports {
            let found = session.cases_of_message(&report.id()).unwrap();
            assert!(
                matches!(found.as_slice(), [(_, postern::store::Written::ByOthers)]),
                "{name}: one case each: {found:?}"
            );
            let case = session.case(found[0].0).unwrap().unwrap();
            let reporter = case.parties.first().unwrap().address.to_string();
            assert_eq!((case.title.as_str(), &reporter), (report.subject.as_str(), &report.from), "{name}");
            assert!(cases.insert(case.id), "{name}: two reports share a case");
        }
        let last = i64::try_from(self.reports.len()).unwrap();
        assert_eq!(cases, (1..=last).map(CaseId).collect(), "{name}: no case but those");
        assert_eq!(session.case(CaseId(last + 1)).unwrap(), None, "{name}: no case too many");
        let backlog = session.backlog(now()).unwrap();
        assert_eq!(backlog, postern::store::Backlog::default(), "{name}: nothing waits");
        self.judge_outgoing(&session.outbox_rows(10_000).unwrap(), doubt);
    }

    fn judge_outgoing(&self, rows: &[OutboxRow], doubt: Doubt) {
        let name = &self.name;
        let mut copies: BTreeMap<String, Vec<Arrived>> = BTreeMap::new();
        for mail in arrived(&self.outlet) {
            copies.entry(mail.message_id.clone()).or_default().push(mail);
        }
        let mut due: BTreeSet<(String, String)> = BTreeSet::new();
        for report in &self.reports {
            due.insert((report.from.clone(), report.message_id.clone()));
            due.extend(MEMBERS.map(|member| (format!("{member}@{}", self.domain), report.message_id.clone())));
        }
        for row in rows {
            assert_eq!(row.state, OutboxState::Delivered, "{name}: {row:?}");
            let came = copies.remove(&format!("<{}>", row.message_id.as_str())).unwrap_or_default();
            let mail = came.first().unwrap_or_else(|| panic!("{name}: never came: {row:?}"));
            assert!(came.iter().all(|copy| copy == mail), "{name}: copies differ: {row:?}");
            let most = 1 + usize::try_from(row.ambiguous).unwrap();
            assert!(came.len() <= most, "{name}: came {} times: {row:?}", came.len());
            match doubt {
                Doubt::None => assert_eq!((came.len(), row.ambiguous), (1, 0), "{name}: {row:?}"),
                Doubt::OfOneKill => assert!(row.ambiguous <= 1, "{name}: {row:?}"),
                Doubt::OfKills => {}
            }
            assert_eq!(mail.recipient, row.recipient.to_string(), "{name}");
            let about = self.report_of(row.kind, mail);
            assert!(due.remove(&(mail.recipient.clone(), about)), "{name}: this is not due, or came before: {row:?}");
        }
        assert_eq!(due, BTreeSet::new(), "{name}: who got nothing");
        assert!(copies.is_empty(), "{name}: mail that no row stands for: {:?}", copies.keys());
    }

    /// The Message-ID of the report that a mail is about.
    fn report_of(&self, kind: MailKind, mail: &Arrived) -> String {
        let said = String::from_utf8_lossy(&mail.bytes).into_owned();
        let about = |report: &&Report| {
            if kind == MailKind::Acknowledgement {
                mail.header("In-Reply-To") == Some(format!("<{}>", report.message_id)) && mail.recipient == report.from
            } else {
                said.contains(&format!("{} ", report.from))
                    || said.contains(&format!("{}\n", report.from))
                    || said.contains(&format!("{}\r", report.from))
            }
        };
        let found: Vec<_> = self.reports.iter().filter(about).collect();
        assert_eq!(found.len(), 1, "{}: is about one report: {}", self.name, said);
        found[0].message_id.clone()
    }
}

/// How many copies a kill may explain.
#[derive(Debug, Clone, Copy)]
enum Doubt {
    None,
    OfOneKill,
    OfKills,
}

/// Until the first is handed over, nothing can have come twice.
fn doubt(point: &str) -> Doubt {
    if matches!(point, "claimed" | "submitted" | "answered" | "delivered") { Doubt::OfOneKill } else { Doubt::None }
}

fn inbox(dovecot: &Dovecot, mailbox: &str, archive: &str) -> String {
    let mailbox = if mailbox.is_empty() { "INBOX" } else { mailbox };
    format!(
        "kind = \"imap\"\nhost = \"localhost\"\nport = {}\nuser = \"{}\"\npassword = \"{}\"\nca_file = \"{}\"\n\
         mailbox = \"{mailbox}\"\narchive = \"{archive}\"\npoll_seconds = 5",
        dovecot.imaps_port,
        dovecot.user,
        password_file(dovecot).display(),
        dovecot.ca_file.display()
    )
}

fn password_file(dovecot: &Dovecot) -> PathBuf {
    dovecot.ca_file.with_file_name("password")
}

fn start_dovecot() -> Dovecot {
    use std::os::unix::fs::PermissionsExt;
    let dovecot = Dovecot::start();
    let file = password_file(&dovecot);
    fs::write(&file, format!("{}\n", dovecot.password)).unwrap();
    fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
    dovecot
}

fn smtp(postfix: &Postfix) -> String {
    let (port, ca) = (postfix.tls_port, postfix.ca_file());
    format!("kind = \"smtp\"\nhost = \"localhost\"\nport = {port}\nca_file = \"{}\"", ca.display())
}

/// An empty mailbox, so that it can be opened before the first mail comes.
fn make_folder(dovecot: &Dovecot, name: &str) {
    let folder = dovecot.maildir().join(format!(".{name}"));
    let owner = fs::metadata(dovecot.maildir()).unwrap();
    for part in ["", "new", "cur", "tmp"] {
        fs::create_dir_all(folder.join(part)).unwrap();
        chown(folder.join(part), Some(owner.uid()), Some(owner.gid())).unwrap();
    }
}

fn ids(mails: &[Arrived]) -> BTreeSet<&str> {
    mails.iter().map(|mail| mail.message_id.as_str()).collect()
}

fn crash_at(place: &str) -> [(&'static str, &str); 1] {
    [("POSTERN_CRASH_AT", place)]
}

fn dies_there(place: &str, daemon: Daemon) {
    let ending = daemon.ended();
    assert_eq!(ending.signal, Some(SIGKILL), "{place} was never reached: {ending:?}");
}

/// Runs the trials of all points, a few at a time, and gives what they give, in no order.
fn for_each_point<T: Send>(work: impl Fn(&'static str) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let worker = || {
        let mut done = Vec::new();
        while let Some(point) = POINTS.get(next.fetch_add(1, Ordering::SeqCst)) {
            done.push(work(point));
        }
        done
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..TRIALS_AT_ONCE).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("every trial goes well")).collect()
    })
}

/// Waits until Postfix has delivered all that it took, also what it took twice.
fn drained(postfix: &Postfix) {
    let spool = postfix.ca_file().parent().and_then(Path::parent).expect("its folder").join("spool");
    wait_until("Postfix has delivered everything", || {
        let queues = ["maildrop", "incoming", "active", "deferred"].map(|queue| spool.join(queue));
        let files = queues.iter().flat_map(walkdir::WalkDir::new).flatten();
        files.filter(|entry| entry.file_type().is_file()).count() == 0
    });
}

#[test]
fn i1_i5_i7_i20_killed_at_every_point_nothing_is_lost_and_nothing_comes_twice_unmarked() {
    let dovecot = start_dovecot();
    let outlets = tempfile::tempdir().unwrap();
    let boxes: Vec<(String, PathBuf)> =
        POINTS.iter().map(|point| (format!("@{point}.test"), outlets.path().join(point))).collect();
    let boxes: Vec<(&str, &Path)> = boxes.iter().map(|(domain, path)| (domain.as_str(), path.as_path())).collect();
    let postfix = Postfix::start(&boxes);
    let trials = for_each_point(|point| {
        let mut trial = Trial::new(point, &dovecot, Some((&postfix, &outlets.path().join(point))));
        trial.deliver(&dovecot, BATCH);
        // The pause lets the relay take what it was given before the kill.
        dies_there(point, trial.house.start(&["run"], &crash_at(&format!("{point}:1:300"))));
        trial.resume(&dovecot);
        (point, trial)
    });
    drained(&postfix);
    for (point, trial) in &trials {
        trial.judge(&dovecot, doubt(point));
    }
}

#[test]
fn i1_i20_killed_in_the_second_batch_and_again_at_the_same_point_nothing_is_lost() {
    let dovecot = start_dovecot();
    let trials = for_each_point(|point| {
        let mut trial = Trial::new(point, &dovecot, None);
        trial.deliver(&dovecot, BATCH);
        let place = format!("{point}:2:300");
        let mut daemon = trial.house.start(&["run"], &crash_at(&place));
        wait_until(&format!("{place}: the first batch is done"), || !daemon.is_running() || trial.is_quiet(&dovecot));
        trial.deliver(&dovecot, BATCH);
        dies_there(&place, daemon);
        // Whether the point is passed once more depends on what the kill left to do.
        let ending = trial.house.start(&["run", "--once"], &crash_at(point)).ended();
        assert!(ending.signal == Some(SIGKILL) || ending.code == Some(0), "{point}: {ending:?}");
        trial.resume(&dovecot);
        (point, trial)
    });
    for (point, trial) in &trials {
        let doubt = if matches!(doubt(point), Doubt::None) { Doubt::None } else { Doubt::OfKills };
        trial.judge(&dovecot, doubt);
    }
}

#[test]
fn g1_killed_ten_times_at_random_while_forty_mails_flow_nothing_is_lost() {
    const KILLS: usize = 10;
    const MAILS: usize = 40;
    let dovecot = start_dovecot();
    let outlet = tempfile::tempdir().unwrap();
    let postfix = Postfix::start(&[("@random.test", outlet.path())]);
    let house = House::new(&inbox(&dovecot, "", "postern"), &smtp(&postfix), "random.test");
    house.rest();
    let (mailbox, archive) = (String::new(), "postern".to_owned());
    let outlet = outlet.path().to_owned();
    let (name, domain) = ("random".to_owned(), "random.test".to_owned());
    let mut trial = Trial { name, house, mailbox, archive, domain, reports: Vec::new(), outlet };
    let mut seed = u64::from(std::process::id());
    println!("seed {seed}");
    for _ in 0..KILLS {
        let daemon = trial.house.start(&["run"], &[]);
        // Anywhere from the start of the program to long after the last answer.
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let until = Instant::now() + Duration::from_millis((seed >> 33) % 1200);
        trial.deliver(&dovecot, MAILS / KILLS);
        std::thread::sleep(until.saturating_duration_since(Instant::now()));
        let ending = daemon.killed();
        assert_eq!(ending.signal, Some(SIGKILL), "it ended by itself: {ending:?}");
    }
    trial.resume(&dovecot);
    drained(&postfix);
    trial.judge(&dovecot, Doubt::OfKills);
}
