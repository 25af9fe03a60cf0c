//! Everything that an operator, a server or a disk can get wrong, given to the shipped binary.
//!
//! Each time the program says what to do in one line, ends with the right code of sysexits.h (or
//! stays up where waiting helps), and no mail is lost: it lies in the inbox still, or it is stored.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test runs servers and programs, waits, and fails by panicking"
)]

#[path = "support/dovecot.rs"]
mod dovecot;
#[path = "support/postfix.rs"]
#[expect(dead_code, reason = "mail only ends there")]
mod postfix;
#[path = "support/small_house.rs"]
mod small_house;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use dovecot::Dovecot;
use postern::domain::effect::MailKind;
use postern::domain::id::{Address, MailId};
use postern::pgp::keyring::generate;
use postern::store::OutboxState;
use postfix::Postfix;
use small_house::{House, Report, now, wait_until};

// sysexits.h
const OK: i32 = 0;
const DATA: i32 = 65;
const UNAVAILABLE: i32 = 69;
const CANNOT_CREATE: i32 = 73;
const IO: i32 = 74;
const TEMPORARY: i32 = 75;
const PROTOCOL: i32 = 76;
const NO_PERMISSION: i32 = 77;
const CONFIG: i32 = 78;

fn report(name: &str) -> Report {
    Report::new("rita@example.org", name)
}

/// The mails that the stopped house has stored.
fn stored(house: &House) -> Vec<Vec<u8>> {
    let store = house.store();
    store.check().unwrap();
    (1..).map_while(|id| store.session().bytes_of(MailId(id)).unwrap()).collect()
}

fn toml_path(path: &Path) -> String {
    format!("\"{}\"", path.display())
}

/// A house whose mail comes from Dovecot and goes out into a folder.
fn house_at(dovecot: &Dovecot) -> House {
    let inbox = format!(
        "kind = \"imap\"\nhost = \"localhost\"\nport = {}\nuser = \"{}\"\npassword = \"imap.password\"\nca_file = {}",
        dovecot.imaps_port,
        dovecot.user,
        toml_path(&dovecot.ca_file)
    );
    let house = House::new(&inbox, "kind = \"folder\"\npath = \"out\"", "example.org");
    house.secret("imap.password", dovecot.password.as_bytes());
    house
}

/// The settings are wrong: the same words from `run` and `run --once`, and the mail stays where it is.
fn is_refused(house: &House, code: i32, words: &[&str]) {
    house.deliver(&report("waits"));
    for arguments in [&["run"][..], &["run", "--once"], &["run", "--adopt", "ack"]] {
        house.start(arguments, &[]).ended().is_one_line(code, words);
    }
    assert_eq!(house.waiting(), 1, "the mail still lies in the inbox");
    assert!(house.sent().is_empty());
}

#[test]
fn a_wrong_imap_password_ends_it_and_the_mail_stays() {
    let dovecot = Dovecot::start();
    let house = house_at(&dovecot);
    house.secret("imap.password", b"guessed");
    dovecot.deliver(&report("waits").bytes);
    house.start(&["run"], &[]).ended().is_one_line(NO_PERMISSION, &["refuses the login", "password file"]);
    assert_eq!(dovecot.mails(""), [report("waits").bytes]);
}

#[test]
fn f10_a_certificate_of_another_authority_ends_it_and_the_mail_stays() {
    let mut dovecot = Dovecot::start();
    let house = house_at(&dovecot);
    let old = house.path("old-ca.pem");
    fs::copy(&dovecot.ca_file, &old).unwrap();
    house.change(&toml_path(&dovecot.ca_file), &toml_path(&old));
    dovecot.change_certificate();
    dovecot.deliver(&report("waits").bytes);
    house.start(&["run"], &[]).ended().is_one_line(PROTOCOL, &["certificate", "not trusted", "ca_file"]);
    let stranger = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap().cert.pem();
    fs::write(&old, stranger).unwrap();
    house.start(&["run"], &[]).ended().is_one_line(PROTOCOL, &["certificate", "its issuer is unknown", "ca_file"]);
    assert_eq!(dovecot.mails(""), [report("waits").bytes]);
}

#[test]
fn a_mailbox_that_is_not_there_is_a_mistake_in_the_settings() {
    let dovecot = Dovecot::start();
    let house = house_at(&dovecot);
    house.change("[[relay]]", "mailbox = \"Missing\"\n[[relay]]");
    house.start(&["run"], &[]).ended().is_one_line(CONFIG, &["refuses to open the inbox", "mailbox"]);
}

#[test]
fn mail_from_before_the_first_start_is_not_touched_without_a_decision() {
    let house = House::of_folders();
    house.deliver(&report("old"));
    house.start(&["run"], &[]).ended().is_one_line(CONFIG, &["already holds 1 mail", "--adopt quiet", "--adopt ack"]);
    assert_eq!(house.waiting(), 1);
    assert_eq!(house.start(&["run", "--once", "--adopt", "quiet"], &[]).ended().code, Some(OK));
    assert_eq!(stored(&house), [report("old").bytes]);
    assert!(house.sent().iter().all(|mail| mail.recipient != "rita@example.org"), "adopted quietly");
}

#[test]
fn every_mistake_in_the_settings_is_named_at_once_with_its_key_and_line() {
    let house = House::of_folders();
    house.change("case_prefix = \"EX\"", "case_prefix = \"x\"");
    house.change("path = \"inbox\"", "path = \"nowhere\"\npol_seconds = 5");
    house.change("role = \"lead\"", "role = \"boss\"");
    house.change("clear = [\"team\", \"reporter\"]", "clear = [\"team\", \"reporters\"]");
    house.change("free_bytes_min = 0", "free_bytes_min = \"much\"");
    let ending = house.once();
    assert_eq!(ending.code, Some(CONFIG));
    let expected = [
        ("case_prefix", "instance.case_prefix", "capital letters"),
        ("path = \"nowhere\"", "inbox.path", "no folder"),
        ("pol_seconds", "inbox.pol_seconds", "did you mean \"poll_seconds\""),
        ("role = \"boss\"", "member[0].role", "\"lead\""),
        ("clear", "privacy.clear", "\"reporter\""),
        ("free_bytes_min", "daemon.free_bytes_min", "whole number"),
    ];
    let complaints = ending.complaints();
    assert_eq!(complaints.len(), expected.len(), "one line for each: {ending:?}");
    for ((line, key, word), complaint) in expected.iter().zip(complaints) {
        let place = format!("{}:{}: {key}", house.settings().display(), house.line_of(line));
        assert!(complaint.starts_with(&place) && complaint.contains(word), "{place} … {word}: {complaint}");
    }
}

#[test]
fn settings_that_are_missing_or_no_toml_are_one_line() {
    let house = House::of_folders();
    house.change("[instance]", "[instance");
    house.once().is_one_line(CONFIG, &["postern.toml:1"]);
    fs::remove_file(house.settings()).unwrap();
    house.once().is_one_line(CONFIG, &["postern.toml", "postern init"]);
}

#[test]
fn a_missing_key_file_or_one_that_others_may_read_is_refused() {
    for (file, key) in [("team.key", "keys.secret"), ("instance.key", "instance.key"), ("database.key", "store.key")] {
        let house = House::of_folders();
        fs::set_permissions(house.path(file), fs::Permissions::from_mode(0o644)).unwrap();
        house.once().is_one_line(CONFIG, &[key, "chmod go="]);
        fs::remove_file(house.path(file)).unwrap();
        is_refused(&house, CONFIG, &[key, "no such file"]);
    }
}

#[test]
fn a_secret_key_file_without_a_secret_key_is_refused() {
    let house = House::of_folders();
    let key = generate("Example Security", &Address::parse("security@example.org").unwrap(), now()).unwrap();
    house.secret("team.key", &key.public_armored);
    is_refused(&house, CONFIG, &["keys", "file 1 of `secret` holds no secret key", "--export-secret-keys"]);
    let house = House::of_folders();
    house.secret("team.key", b"the key is under the mat\n");
    is_refused(&house, CONFIG, &["keys", "no OpenPGP key"]);
}

#[test]
fn a_pinned_fingerprint_without_its_certificate_is_refused() {
    let fingerprint = "0123456789ABCDEF0123456789ABCDEF01234567";
    let house = House::of_folders();
    house.change("role = \"lead\"", &format!("role = \"lead\"\nfingerprint = \"{fingerprint}\""));
    is_refused(&house, CONFIG, &[fingerprint, "certificate", "keys.certificates"]);
    let house = House::of_folders();
    house.change("[privacy]", &format!("[keys.pins]\n\"mia@example.org\" = \"{fingerprint}\"\n[privacy]"));
    is_refused(&house, CONFIG, &[fingerprint, "certificate", "keys.certificates"]);
}

#[test]
fn a_template_with_a_mistake_is_refused_and_the_nearest_field_is_named() {
    let cases = [
        ("acknowledgement", "Subject: x\n\n{{ receivd }}\n", &["acknowledgement", "\"receivd\"", "\"received\""][..]),
        ("acknowledgement", "Subject: x\n\n{% if case %}\n", &["acknowledgement", "line "]),
        ("acknowledgement", "Hello\n", &["acknowledgement", "line 1", "Subject:"]),
        ("aknowledgement", "Subject: x\n\ny\n", &["aknowledgement", "acknowledgement"]),
    ];
    for (name, text, words) in cases {
        let house = House::of_folders();
        fs::create_dir(house.path("templates")).unwrap();
        fs::write(house.path("templates").join(format!("{name}.txt")), text).unwrap();
        house.change("[privacy]", "[templates]\nfolder = \"templates\"\n[privacy]");
        is_refused(&house, CONFIG, words);
    }
}

#[test]
fn a_policy_with_a_mistake_is_refused_with_its_line() {
    let policy =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("contrib/policies/default.toml")).unwrap();
    let cases = [
        ("zone = \"UTC\"", "zone = \"Middle/Earth\"", &["zone", "Middle/Earth", "Europe/Berlin"][..]),
        ("zone = \"UTC\"", "zone = \"UTC", &["policy.toml:3"]),
        ("levels = [", "level = [", &["policy.toml:5", "unknown field `level`", "levels"]),
        ("do = \"nudge:answer\"", "do = \"nudge:everybody\"", &["policy.toml:", "nudge:everybody"]),
    ];
    for (old, new, words) in cases {
        assert!(policy.contains(old));
        let house = House::of_folders();
        fs::write(house.path("policy.toml"), policy.replacen(old, new, 1)).unwrap();
        house.change("[privacy]", "[policy]\nfile = \"policy.toml\"\n[privacy]");
        is_refused(&house, CONFIG, words);
    }
}

/// What becomes of a database file.
type Damage = fn(&mut Vec<u8>);

#[test]
fn i20_a_broken_database_is_refused_and_left_as_it_is() {
    let random: Damage = |bytes| {
        let mut seed = 1_u64;
        for byte in bytes {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            *byte = seed.to_be_bytes()[0];
        }
    };
    let half: Damage = |bytes| bytes.truncate(bytes.len() / 2);
    let odd: Damage = |bytes| bytes.truncate(5000);
    let one_page_less: Damage = |bytes| bytes.truncate(bytes.len() - 4096);
    let a_bit: Damage = |bytes| {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
    };
    let house = House::of_folders();
    house.rest();
    house.deliver(&report("first"));
    house.rest();
    let file = house.path("state/postern.db");
    let whole = fs::read(&file).unwrap();
    house.deliver(&report("second"));
    for (name, damage) in
        [("random", random), ("half", half), ("odd", odd), ("one page less", one_page_less), ("a bit", a_bit)]
    {
        let mut broken = whole.clone();
        damage(&mut broken);
        fs::write(&file, &broken).unwrap();
        println!("{name}");
        house.start(&["run"], &[]).ended().is_one_line(DATA, &["keep the file", "restore a backup"]);
        assert!(fs::read(&file).unwrap() == broken, "{name}: the file is left as it is");
    }
    fs::write(&file, &whole).unwrap();
    house.secret("database.key", &[9; 32]);
    house.start(&["run"], &[]).ended().is_one_line(DATA, &["this key", "key file"]);
    assert_eq!(house.waiting(), 1, "the second mail lies in the inbox");
    house.secret("database.key", &[8; 32]);
    house.rest();
    assert_eq!(stored(&house), [report("first").bytes, report("second").bytes]);
}

#[test]
fn a_database_of_another_instance_is_refused() {
    let house = House::of_folders();
    house.rest();
    house.change("name = \"test\"", "name = \"other\"");
    is_refused(&house, CONFIG, &["belongs to the instance \"test\""]);
}

/// A small disk for a folder, while the value lives.
struct Disk(PathBuf);

impl Disk {
    fn mount(folder: &Path, options: &str) -> Self {
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(folder).output().unwrap();
        let said = String::from_utf8_lossy(&mounted.stderr);
        assert!(mounted.status.success(), "this test mounts a small tmpfs, so it must run as root: {said}");
        Self(folder.to_owned())
    }

    /// Takes room away.
    fn fill(&self, bytes: usize) {
        fs::write(self.0.join("ballast"), vec![0; bytes]).unwrap();
    }

    /// Takes all room away but this.
    fn fill_up_to(&self, left: u64) {
        let room = rustix::fs::statvfs(&self.0).unwrap();
        self.fill(usize::try_from((room.f_bavail * room.f_frsize).saturating_sub(left)).unwrap());
    }

    fn free(&self) {
        fs::remove_file(self.0.join("ballast")).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

const MIB: usize = 1024 * 1024;

fn large_reports() -> Vec<Report> {
    (0..20).map(|number| Report::of_size("rita@example.org", &format!("large-{number}"), 64 * 1024)).collect()
}

/// Every mail is in the archive and, once and whole, in the database.
fn all_came(house: &House, reports: &[Report]) {
    let mut records = stored(house);
    let mut expected: Vec<_> = reports.iter().map(|report| report.bytes.clone()).collect();
    records.sort();
    expected.sort();
    assert!(records == expected, "{} of {} mails are stored", records.len(), expected.len());
    assert_eq!(house.waiting(), 0);
    let forwards = reports.len() * 2;
    let rows = house.store().session().outbox_rows(1000).unwrap();
    assert_eq!(rows.iter().filter(|row| row.kind == MailKind::Forward).count(), forwards, "none was put aside");
    assert!(rows.iter().all(|row| row.state == OutboxState::Delivered));
    assert_eq!(house.sent().len(), rows.len(), "each left once");
}

#[test]
fn g4_on_a_disk_that_fills_up_it_ends_and_after_freeing_space_nothing_is_lost() {
    let house = House::of_folders();
    let disk = Disk::mount(&house.path("state"), "size=24m,mode=0700");
    house.rest();
    disk.fill(22 * MIB);
    let reports = large_reports();
    reports.iter().for_each(|report| house.deliver(report));
    house.start(&["run"], &[]).ended().is_one_line(IO, &["the disk is full", "make room"]);
    for _ in 0..3 {
        // Whatever starts it again while the disk is full gets the same answer.
        house.start(&["run"], &[]).ended().is_one_line(IO, &["the disk is full", "make room"]);
    }
    let on_disk = stored_or_waiting(&house);
    assert_eq!(on_disk, reports.len(), "each mail is stored or lies in the inbox");
    disk.free();
    house.rest();
    all_came(&house, &reports);
    drop(disk);
}

#[test]
fn g4_a_disk_that_stays_full_uses_up_no_attempt_of_any_mail() {
    let house = House::of_folders();
    let disk = Disk::mount(&house.path("state"), "size=24m,mode=0700");
    house.rest();
    let reports = &large_reports()[..4];
    for report in reports {
        let file = house.path(&format!("{}.eml", report.message_id));
        fs::write(&file, &report.bytes).unwrap();
        let ending = house.start(&["ingest", &file.display().to_string()], &[]).ended();
        assert_eq!(ending.code, Some(OK), "{ending:?}");
    }
    // Room to count an attempt, but none for a decision.
    disk.fill_up_to(128 * 1024);
    // Three attempts of each, and more, as a supervisor that starts it again and again makes them.
    for _ in 0..16 {
        house.start(&["run"], &[]).ended().is_one_line(IO, &["the disk is full", "make room"]);
    }
    disk.free();
    house.rest();
    all_came(&house, reports);
}

/// How many different mails lie in the inbox or its archive; the house may have no room to be asked.
fn stored_or_waiting(house: &House) -> usize {
    let count = |folder: &str| fs::read_dir(house.path(folder)).map_or(0, Iterator::count);
    ["inbox/new", "inbox/cur", "inbox/.postern/new", "inbox/.postern/cur"].iter().map(|folder| count(folder)).sum()
}

#[test]
fn g4_with_little_space_left_nothing_is_fetched_until_there_is_more() {
    let house = House::of_folders();
    let disk = Disk::mount(&house.path("state"), "size=32m,mode=0700");
    house.change("free_bytes_min = 0", "free_bytes_min = 20000000");
    house.rest();
    disk.fill(20 * MIB);
    let mut daemon = house.start(&["run"], &[]);
    wait_until("it says that the disk is nearly full", || daemon.said().contains("the disk is nearly full"));
    let reports = large_reports();
    reports.iter().for_each(|report| house.deliver(report));
    assert!(daemon.is_running());
    assert_eq!(house.waiting(), reports.len(), "all mail waits in the inbox");
    assert_eq!(daemon.stopped().code, Some(OK));
    house.once().is_one_line(IO, &["nearly full", "make room"]);
    let daemon = house.start(&["run"], &[]);
    wait_until("it is up again", || house.is_up());
    disk.free();
    wait_until("it fetches by itself", || house.waiting() == 0 && house.sent().len() >= reports.len() * 2);
    assert_eq!(daemon.stopped().code, Some(OK));
    house.rest();
    all_came(&house, &reports);
    drop(disk);
}

#[test]
fn a_state_folder_that_cannot_be_written_is_refused() {
    let house = House::of_folders();
    let state = house.path("state");
    let words = ["failed to make the lock file", "state/postern.lock"];
    if rustix::process::geteuid().is_root() {
        let disk = Disk::mount(&state, "ro");
        is_refused(&house, CANNOT_CREATE, &words);
        drop(disk);
    } else {
        fs::set_permissions(&state, fs::Permissions::from_mode(0o500)).unwrap();
        is_refused(&house, CANNOT_CREATE, &words);
        fs::set_permissions(&state, fs::Permissions::from_mode(0o700)).unwrap();
    }
}

#[test]
fn g7_a_second_daemon_is_refused_and_does_not_disturb_the_first() {
    let house = House::of_folders();
    let mut first = house.start(&["run"], &[]);
    wait_until("the first is up", || house.is_up());
    for arguments in [&["run"][..], &["run", "--once"]] {
        house.start(arguments, &[]).ended().is_one_line(TEMPORARY, &["another postern is running", "stop it first"]);
    }
    assert!(first.is_running() && house.is_up(), "the first still listens");
    house.deliver(&report("comes"));
    wait_until("the first still works", || house.sent().len() == 3);
    assert_eq!(first.stopped().code, Some(OK));
    assert_eq!(stored(&house), [report("comes").bytes]);
}

#[test]
fn an_unreachable_inbox_is_waited_for_and_mail_flows_when_it_is_back() {
    let mut dovecot = Dovecot::start();
    let house = house_at(&dovecot);
    house.rest();
    dovecot.deliver(&report("waits").bytes);
    dovecot.kill();
    let mut daemon = house.start(&["run"], &[]);
    wait_until("it tries again", || daemon.said().contains("retry_in_seconds=2"));
    assert!(daemon.is_running(), "{}", daemon.said());
    assert!(daemon.said().contains("no connection to the server"), "{}", daemon.said());
    dovecot.launch();
    wait_until("the mail was fetched", || house.sent().len() == 3);
    assert_eq!(daemon.stopped().code, Some(OK));
    assert_eq!(stored(&house), [report("waits").bytes]);
}

#[test]
fn once_ends_when_the_inbox_cannot_be_reached_for_a_minute() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let inbox = format!(
        "kind = \"imap\"\nhost = \"localhost\"\nport = {port}\nsecurity = \"plain\"\nuser = \"u\"\npassword = \"team.key2\""
    );
    let house = House::new(&inbox, "kind = \"folder\"\npath = \"out\"", "example.org");
    house.secret("team.key2", b"secret");
    house.once().is_one_line(UNAVAILABLE, &["cannot be reached", "try again"]);
}

#[test]
fn a_refused_recipient_is_told_to_the_team_and_stops_nobody_else() {
    let boxes = tempfile::tempdir().unwrap();
    let postfix = Postfix::start(&[("@team.test", &boxes.path().join("team"))]);
    let relay = format!(
        "kind = \"smtp\"\nhost = \"localhost\"\nport = {}\nca_file = {}",
        postfix.tls_port,
        toml_path(&postfix.ca_file())
    );
    let house = House::new("kind = \"maildir\"\npath = \"inbox\"", &relay, "team.test");
    house.rest();
    house.deliver(&Report::new("rita@nowhere.test", "refused"));
    house.rest();
    let to_team = || small_house::arrived(&boxes.path().join("team"));
    wait_until("forwards and alerts came", || to_team().len() == 4);
    for member in ["ana@team.test", "bo@team.test"] {
        let mails: Vec<_> = to_team().into_iter().filter(|mail| mail.recipient == member).collect();
        let alerts = mails.iter().map(|mail| String::from_utf8_lossy(&mail.bytes).into_owned());
        let alerts: Vec<_> = alerts.filter(|text| text.contains("could not be delivered")).collect();
        assert_eq!((mails.len(), alerts.len()), (2, 1), "{member} gets the report and one alert");
        assert!(alerts[0].contains("rita@nowhere.test") && alerts[0].contains("554"), "{}", alerts[0]);
    }
    house.rest();
    assert_eq!(to_team().len(), 4, "told once");
    assert_eq!(stored(&house).len(), 1);
    let rows = house.store().session().outbox_rows(10).unwrap();
    let failed: Vec<_> = rows.iter().filter(|row| row.state == OutboxState::Failed).map(|row| row.kind).collect();
    assert_eq!(failed, [MailKind::Acknowledgement]);
}

/// An SMTP server that refuses every password. Gives its port.
fn smtp_that_refuses_passwords() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            std::thread::spawn(move || refuse(stream.unwrap()));
        }
    });
    port
}

fn refuse(stream: TcpStream) {
    let mut write = stream.try_clone().unwrap();
    let mut answer = |text: &str| write.write_all(text.as_bytes()).is_ok();
    let mut goes_on = answer("220 mx.test ESMTP\r\n");
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    while let (true, Some(line)) = (goes_on, lines.next()) {
        goes_on = match line.split(' ').next().unwrap_or_default() {
            "EHLO" => answer("250-mx.test\r\n250-AUTH PLAIN LOGIN\r\n250 8BITMIME\r\n"),
            "AUTH" => answer("535 5.7.8 try guessing again\r\n"),
            "QUIT" => {
                answer("221 2.0.0 bye\r\n");
                false
            }
            _ => answer("530 5.7.0 log in first\r\n"),
        };
    }
}

#[test]
fn when_the_relay_cannot_be_used_mail_waits_and_the_log_says_why() {
    let postfix_boxes = tempfile::tempdir().unwrap();
    let postfix = Postfix::start(&[("@team.test", postfix_boxes.path())]);
    let other = tempfile::tempdir().unwrap();
    let other_ca = other.path().join("ca.pem");
    fs::write(&other_ca, rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap().cert.pem()).unwrap();
    let login = "user = \"security@example.org\"\npassword = \"smtp.password\"";
    let plain = |port: u16| format!("kind = \"smtp\"\nhost = \"localhost\"\nport = {port}\nsecurity = \"plain\"\n");
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let tls = format!(
        "kind = \"smtp\"\nhost = \"localhost\"\nport = {}\nca_file = {}",
        postfix.tls_port,
        toml_path(&other_ca)
    );
    let cases = [
        (plain(smtp_that_refuses_passwords()) + login, "the server refused our name or password"),
        (tls, "certificate is not trusted"),
        (plain(nobody), "the connection failed"),
    ];
    for (relay, words) in cases {
        let house = House::new("kind = \"maildir\"\npath = \"inbox\"", &relay, "team.test");
        house.secret("smtp.password", b"guessed");
        house.rest();
        house.deliver(&Report::new("rita@team.test", "waits"));
        let mut daemon = house.start(&["run"], &[]);
        wait_until(&format!("the log says: {words}"), || daemon.said().contains(words));
        assert!(daemon.is_running(), "a relay that cannot be used does not end it");
        let ending = daemon.stopped();
        assert_eq!((ending.code, ending.complaints().len()), (Some(OK), 0), "{ending:?}");
        assert!(!ending.said.contains("guess"), "neither our password nor the server's words: {ending:?}");
        house.rest();
        assert_eq!(stored(&house).len(), 1);
        let backlog = house.store().session().backlog(now()).unwrap();
        assert_eq!((backlog.deferred + backlog.sealed_due, backlog.held), (3, 0), "{words}: all three mails wait");
    }
}
