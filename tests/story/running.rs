//! The shipped binary as a service among real servers: stop, lock, systemd, first start, one round, mail from files.

use std::fs;
use std::net::TcpListener;
use std::os::unix::net::UnixDatagram;
use std::time::{Duration, Instant};

use crate::daemon::{Daemon, until};
use crate::people::Person;
use crate::town::{ARCHIVE, HOUSE, Plan, Town, Way, member};
use crate::{ANA, ANSWER_MAX, BO, assert_discreet};

/// A stop takes no longer than this.
const STOP_MAX: Duration = Duration::from_secs(5);

/// An address that takes mail and returns it.
const MOVED: &str = "moved@others.test";

/// A town with one reporter who writes in clear and one member with a key.
struct Service {
    town: Town,
    ana: Person,
    bo: Person,
    reports: u32,
}

impl Service {
    fn build(start: Option<i64>) -> Self {
        let mailboxes = [ANA, BO, "@others.test"];
        let bounced = &[MOVED][..];
        let (town, boxes) =
            Town::build(&Plan { mailboxes: &mailboxes, vouched: &[], bounced, way: Way::Starttls, start });
        let ana = Person::without_key("Ana", ANA, &boxes);
        let bo = Person::with_key("Bo", BO, &boxes, start.unwrap_or_else(|| town.house.now()) - 3 * 86_400);
        town.introduce(&[&ana, &bo]);
        town.configure(&member(&bo), Way::Starttls);
        Self { town, ana, bo, reports: 0 }
    }

    fn report(&mut self) -> Vec<u8> {
        self.reports += 1;
        let text = format!("Report number {}: the login form accepts anything.", self.reports);
        self.ana.write(HOUSE, "Login bypass", &text, None, self.town.house.now())
    }

    /// A new report comes in over the mail server; gives what its forward says.
    fn arrives(&mut self) -> String {
        let mail = self.report();
        let before = self.town.dovecot.count("");
        self.ana.send(&self.town.postfix, &mail);
        until("the mail is delivered or already fetched", || {
            self.town.dovecot.count("") > before || self.bo.unread() > 0
        });
        format!("Report number {}", self.reports)
    }

    fn is_answered(&mut self, report: &str) {
        let acknowledgement = self.ana.next();
        assert!(acknowledgement.text.contains("This receipt is automatic"), "{}", acknowledgement.text);
        let copy = self.bo.next();
        assert!(copy.text.contains(report), "{}", copy.text);
    }

    fn nobody_got_anything(&self) {
        assert_eq!((self.ana.unread(), self.bo.unread()), (0, 0));
    }

    fn once(&self, more: &[&str]) -> (Option<i32>, String) {
        let ended = self.town.house.run(&[&["run", "--config", "postern.toml", "--once"], more].concat(), b"");
        (ended.code, ended.stderr)
    }

    fn ingest(&self, path: &str, input: &[u8]) -> String {
        let ended = self.town.house.run(&["ingest", "--config", "postern.toml", path], input);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        ended.stdout.trim().to_owned()
    }
}

fn stops(daemon: Daemon) {
    let (code, took) = daemon.stop();
    assert_eq!(code, Some(0));
    assert!(took < STOP_MAX, "stopped only after {took:?}");
}

#[test]
fn it_stops_cleanly_while_it_waits_for_both_servers_and_goes_on_where_it_was() {
    let mut service = Service::build(None);
    let daemon = service.town.house.start_and_wait(&[]);
    let report = service.arrives();
    service.is_answered(&report);
    until("the mail is in the archive", || service.town.dovecot.count(ARCHIVE) == 1);
    assert!(service.town.house.path("state/postern.sock").exists());
    stops(daemon);
    assert!(!service.town.house.path("state/postern.sock").exists(), "the socket goes with the daemon");

    let daemon = service.town.house.start_and_wait(&[]);
    let report = service.arrives();
    service.is_answered(&report);
    service.nobody_got_anything();
    stops(daemon);
    assert_discreet(&service.town);
}

#[test]
fn a_stop_in_the_midst_of_work_loses_nothing_and_repeats_nothing() {
    let mut service = Service::build(None);
    let mut daemon = service.town.house.start_and_wait(&[]);
    let mails: Vec<Vec<u8>> = (0..30).map(|_| service.report()).collect();
    for (number, mail) in mails.iter().enumerate() {
        let text = String::from_utf8_lossy(mail).replace(ANA, &format!("r{number}@others.test"));
        assert_eq!(service.town.postfix.send("r@others.test", HOUSE, text.as_bytes()), 250);
    }
    for forwarded in [3, 10, 17] {
        until("some are forwarded", || service.bo.unread() >= forwarded);
        stops(daemon);
        daemon = service.town.house.start_and_wait(&[]);
    }
    let others = service.ana.maildir.parent().expect("a folder").join("@others.test");
    until("all are forwarded", || service.bo.unread() >= mails.len());
    until("all are acknowledged", || crate::postfix::mails(&others).len() >= mails.len());
    until("all are in the archive", || service.town.dovecot.count(ARCHIVE) == mails.len());
    stops(daemon);
    let mut told: Vec<String> = (0..mails.len()).map(|_| service.bo.next().line(": Report number")).collect();
    told.sort();
    told.dedup();
    assert_eq!(told.len(), mails.len(), "each report was forwarded once: {told:#?}");
    assert_eq!(service.bo.unread(), 0);
    assert_eq!(crate::postfix::mails(&others).len(), mails.len(), "each report was acknowledged once");
    assert_discreet(&service.town);
}

#[test]
fn a_stop_does_not_wait_for_servers_that_say_nothing_and_mail_goes_when_a_relay_is_there() {
    let mut service = Service::build(Some(crate::START));
    let settings = fs::read_to_string(service.town.house.path("postern.toml")).expect("settings");
    // Connections are taken by the kernel, and nobody ever speaks.
    let silent = TcpListener::bind(("127.0.0.1", 0)).expect("a port").local_addr().map(|address| address.port());
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let relay = format!("port = {}\nsecurity = \"starttls\"", service.town.postfix.port);
    let to = |port: u16| settings.replace(&relay, &format!("port = {port}\nsecurity = \"starttls\""));
    service.town.house.configure(&to(port));
    let daemon = service.town.house.start_and_wait(&[]);
    let mail = service.report();
    service.ana.send(&service.town.postfix, &mail);
    let (held, _) = listener.accept().expect("the daemon wants to send");
    stops(daemon);
    drop(held);

    // Nobody listens: the mail is put off, and one round is over all the same.
    service.town.house.configure(&to(silent.expect("a port")));
    let (code, said) = service.once(&[]);
    assert_eq!(code, Some(0), "{said}");
    service.nobody_got_anything();

    service.town.house.configure(&settings);
    service.town.house.set_clock(service.town.house.now() + 3600);
    let daemon = service.town.house.start_and_wait(&[]);
    service.is_answered("Report number 1");
    stops(daemon);
    service.nobody_got_anything();
    assert_discreet(&service.town);
}

#[test]
fn a_maintainer_whom_the_relay_refuses_is_reported_to_the_team_at_once() {
    let mut service = Service::build(Some(crate::START));
    let clear = format!("[privacy]\nclear = [\"reporter\", \"maintainer\"]\n{}", member(&service.bo));
    service.town.configure(&clear, Way::Tls);
    let daemon = service.town.house.start_and_wait(&[]);
    let _report = service.arrives();
    service.ana.next();
    let copy = service.bo.next();
    let (key, now) = (service.town.key.clone(), service.town.house.now());
    let mail = service.bo.answer(&copy, "!maintainer gone@team.test", Some(&key), now);
    service.bo.send(&service.town.postfix, &mail);
    let told = [service.bo.next().text, service.bo.next().text];
    assert!(told.iter().any(|text| text.contains("Done")), "{told:#?}");
    assert!(told.iter().any(|text| text.contains("550") || text.contains("5.1.1")), "{told:#?}");
    service.town.house.set_clock(now + 8 * 24 * 3600);
    let later = service.bo.next_that("nudge", |mail| mail.text.contains("EX-2026-0001"));
    assert!(!later.text.contains("reminder"), "no clock runs against somebody who never got our mail: {}", later.text);
    stops(daemon);
    assert_discreet(&service.town);
}

#[test]
fn a_maintainer_whose_mail_comes_back_is_reported_to_the_team_and_has_no_clock() {
    let mut service = Service::build(Some(crate::START));
    let clear = format!("[privacy]\nclear = [\"reporter\", \"maintainer\"]\n{}", member(&service.bo));
    service.town.configure(&clear, Way::Tls);
    let daemon = service.town.house.start_and_wait(&[]);
    let _report = service.arrives();
    service.ana.next();
    let copy = service.bo.next();
    let (key, now) = (service.town.key.clone(), service.town.house.now());
    let mail = service.bo.answer(&copy, &format!("!to reporter\n!maintainer {MOVED}\n\nThank you."), Some(&key), now);
    service.bo.send(&service.town.postfix, &mail);
    let told = [service.bo.next().text, service.bo.next().text];
    assert!(told.iter().any(|text| text.contains("Done")), "{told:#?}");
    assert!(told.iter().any(|text| text.contains("came back") && text.contains("5.1.1")), "{told:#?}");
    until("the bounce is in the archive", || service.town.dovecot.count(ARCHIVE) == 3);
    service.town.house.set_clock(now + 8 * 24 * 3600);
    let report = service.arrives();
    service.bo.next_that("forward", |mail| mail.text.contains(&report));
    until("everything is in the archive", || service.town.dovecot.count("") == 0);
    assert_eq!(service.town.dovecot.count(ARCHIVE), 4, "no reminder went out, and so none came back");
    stops(daemon);
    assert_discreet(&service.town);
}

#[test]
fn a_mail_server_that_was_away_is_found_again() {
    let mut service = Service::build(None);
    let daemon = service.town.house.start_and_wait(&[]);
    service.town.dovecot.kill();
    let mail = service.report();
    service.ana.send(&service.town.postfix, &mail);
    until("the loss is noticed", || service.town.house.log().contains("inbox lost"));
    service.town.dovecot.launch();
    service.is_answered("Report number 1");
    let report = service.arrives();
    service.is_answered(&report);
    stops(daemon);
    assert_discreet(&service.town);
}

#[test]
fn a_clock_that_is_set_back_keeps_no_mail_waiting() {
    let mut service = Service::build(Some(crate::START));
    let daemon = service.town.house.start_and_wait(&[]);
    for step in [0, -7200, 86_400, -86_400] {
        service.town.house.set_clock(service.town.house.now() + step);
        let report = service.arrives();
        service.bo.next_that("forward", |mail| mail.text.contains(&report));
    }
    stops(daemon);
    assert_discreet(&service.town);
}

#[test]
fn a_second_daemon_ends_at_once_and_says_why_in_one_line() {
    let service = Service::build(None);
    let mut daemon = service.town.house.start_and_wait(&[]);
    for more in [&[][..], &["--once"][..]] {
        let second = service.town.house.run(&[&["run", "--config", "postern.toml"], more].concat(), b"");
        assert_eq!(second.code, Some(75), "{}", second.stderr);
        assert_eq!(second.stderr.lines().count(), 1, "{}", second.stderr);
        assert!(second.stderr.contains("another postern is running"), "{}", second.stderr);
    }
    assert!(daemon.is_running());
    stops(daemon);
}

#[test]
fn one_round_does_all_that_is_due_and_ends() {
    let mut service = Service::build(Some(crate::START));
    assert_eq!(service.once(&[]).0, Some(0), "nothing is due");
    let report = service.arrives();
    let (code, said) = service.once(&[]);
    assert_eq!(code, Some(0), "{said}");
    service.is_answered(&report);
    assert_eq!((service.town.dovecot.count(""), service.town.dovecot.count(ARCHIVE)), (0, 1));
    assert!(!service.town.house.path("state/postern.sock").exists());

    service.town.house.set_clock(crate::START + 25 * 3600);
    assert_eq!(service.once(&[]).0, Some(0));
    let nudge = service.bo.next();
    assert!(nudge.text.contains("EX-2026-0001") && nudge.text.contains("answer"), "{}", nudge.text);
    assert_eq!(service.once(&[]).0, Some(0));
    service.nobody_got_anything();
    assert_discreet(&service.town);
}

#[test]
fn a_server_that_refuses_us_ends_the_first_start_with_its_code() {
    let service = Service::build(None);
    let password = fs::read(service.town.house.path("imap.password")).expect("a password");
    service.town.house.write("imap.password", b"wrong");
    let (code, said) = service.once(&[]);
    assert_eq!(code, Some(77), "{said}");
    assert!(!said.contains("wrong") && !said.contains('@'), "{said}");
    service.town.house.write("imap.password", &password);
    let settings = fs::read_to_string(service.town.house.path("postern.toml")).expect("settings");
    let other_ca = service.town.postfix.ca_file();
    let mixed = settings.replace(&service.town.dovecot.ca_file.display().to_string(), &other_ca.display().to_string());
    service.town.house.configure(&mixed);
    assert_eq!(service.once(&[]).0, Some(76));
    service.town.house.configure(&settings);
    assert_eq!(service.once(&[]).0, Some(0));
}

#[test]
fn systemd_hears_of_start_stop_and_that_it_is_alive() {
    let mut service = Service::build(None);
    let path = service.town.house.path("notify");
    let socket = UnixDatagram::bind(&path).expect("a socket");
    socket.set_read_timeout(Some(Duration::from_millis(100))).expect("a timeout");
    let period = Duration::from_secs(3);
    let period_text = period.as_micros().to_string();
    let variables = [("NOTIFY_SOCKET", path.to_str().expect("a path")), ("WATCHDOG_USEC", period_text.as_str())];
    let daemon = service.town.house.start_with(&[], &variables);
    assert_eq!(heard(&socket, period * 4).expect("a word"), "READY=1");

    // It has nothing to do meanwhile: silence for a whole period would make systemd kill it.
    let end = Instant::now() + period * 5;
    let mut beats = 0;
    while Instant::now() < end {
        let word = heard(&socket, period).expect("a beat within each period");
        assert_eq!(word, "WATCHDOG=1");
        beats += 1;
    }
    assert!(beats >= 10, "{beats} beats in five periods");
    let report = service.arrives();
    service.is_answered(&report);
    stops(daemon);
    until("the stop is announced", || heard(&socket, Duration::from_millis(100)).as_deref() == Some("STOPPING=1"));
}

/// The next word to systemd.
fn heard(socket: &UnixDatagram, patience: Duration) -> Option<String> {
    let end = Instant::now() + patience;
    let mut buffer = [0; 256];
    while Instant::now() < end {
        if let Ok(length) = socket.recv(&mut buffer) {
            let word = buffer.get(..length).expect("what was received");
            return Some(String::from_utf8_lossy(word).trim().to_owned());
        }
    }
    None
}

#[test]
fn the_first_start_on_a_filled_inbox_asks_what_to_do_with_it() {
    let mut service = Service::build(None);
    let mut archived = 0;
    for choice in ["quiet", "ack", "ignore"] {
        fs::remove_dir_all(service.town.house.path("state")).expect("removed");
        fs::create_dir(service.town.house.path("state")).expect("made");
        let old = service.arrives();
        for arguments in [&[][..], &["--once"][..]] {
            let refused = service.town.house.run(&[&["run", "--config", "postern.toml"], arguments].concat(), b"");
            assert_eq!(refused.code, Some(78), "{}", refused.stderr);
            assert!(
                refused.stderr.contains("already holds 1 mail") && refused.stderr.contains("--adopt quiet"),
                "{}",
                refused.stderr
            );
            assert_eq!(service.town.dovecot.count(""), 1, "nothing was touched");
        }
        service.nobody_got_anything();
        let (code, said) = service.once(&["--adopt", choice]);
        assert_eq!(code, Some(0), "{said}");
        archived += 1;
        assert_eq!((service.town.dovecot.count(""), service.town.dovecot.count(ARCHIVE)), (0, archived));
        if choice != "ignore" {
            let copy = service.bo.next();
            assert!(copy.text.contains(&old), "{}", copy.text);
        }
        if choice == "ack" {
            service.ana.next();
        }
        // From now on it is an inbox like any other.
        let new = service.arrives();
        assert_eq!(service.once(&["--adopt", "ignore"]).0, Some(0));
        archived += 1;
        service.is_answered(&new);
        service.nobody_got_anything();
    }
    assert_discreet(&service.town);
}

#[test]
fn mail_from_files_comes_in_while_the_daemon_runs() {
    let mut service = Service::build(None);
    let daemon = service.town.house.start_and_wait(&[]);
    ingests(&mut service, |_| {});
    stops(daemon);
    assert_discreet(&service.town);
}

#[test]
fn mail_from_files_comes_in_while_no_daemon_runs() {
    let mut service = Service::build(None);
    assert_eq!(service.once(&[]).0, Some(0));
    ingests(&mut service, |service| assert_eq!(service.once(&[]).0, Some(0)));
    assert_discreet(&service.town);
}

/// One mail, an mbox, a Maildir, standard input, and what is there already; `decide` lets the house work.
fn ingests(service: &mut Service, decide: impl Fn(&Service)) {
    let folder = service.town.house.path("files");
    fs::create_dir(&folder).expect("made");

    let one = service.report();
    fs::write(folder.join("one.eml"), &one).expect("written");
    assert_eq!(service.ingest("files/one.eml", b""), "1 mails read, 1 new");
    assert_eq!(service.ingest("files/one.eml", b""), "1 mails read, 0 new");
    decide(service);
    assert!(service.bo.next().text.contains("Report number 1"));

    let two: Vec<u8> = [service.report(), service.report()].iter().flat_map(|mail| mbox_entry(mail)).collect();
    fs::write(folder.join("two.mbox"), &two).expect("written");
    assert_eq!(service.ingest("files/two.mbox", b""), "2 mails read, 2 new");
    decide(service);
    let texts = [service.bo.next().text, service.bo.next().text].concat();
    assert!(texts.contains("Report number 2") && texts.contains("Report number 3"), "{texts}");

    let maildir = folder.join("Maildir");
    for part in ["new", "cur", "tmp", ".Sub/cur"] {
        fs::create_dir_all(maildir.join(part)).expect("made");
    }
    fs::write(maildir.join("new/1.a.host"), service.report()).expect("written");
    fs::write(maildir.join("cur/2.b.host:2,S"), service.report()).expect("written");
    fs::write(maildir.join("tmp/3.c.host"), "From: half a mail").expect("written");
    fs::write(maildir.join("dovecot-uidlist"), "3 V1 N3 G0\n1 :1.a.host\n").expect("written");
    fs::write(maildir.join("subscriptions"), "Sub\n").expect("written");
    assert_eq!(service.ingest("files/Maildir", b""), "2 mails read, 2 new");
    decide(service);
    let texts = [service.bo.next().text, service.bo.next().text].concat();
    assert!(texts.contains("Report number 4") && texts.contains("Report number 5"), "{texts}");
    assert_eq!(service.ana.unread(), 0, "archives are never acknowledged");

    let piped = service.report();
    let asked = Instant::now();
    assert_eq!(service.ingest("-", &piped), "1 mails read, 1 new");
    decide(service);
    service.ana.next();
    assert!(service.bo.next().text.contains("Report number 6"));
    assert!(asked.elapsed() < ANSWER_MAX * 2, "{:?}", asked.elapsed());

    let missing = service.town.house.run(&["ingest", "--config", "postern.toml", "files/missing.eml"], b"");
    assert_eq!(missing.code, Some(66), "{}", missing.stderr);
    service.nobody_got_anything();
}

fn mbox_entry(mail: &[u8]) -> Vec<u8> {
    let mail = String::from_utf8_lossy(mail).replace("\r\n", "\n");
    format!("From ana@reporter.test Mon Mar  2 09:00:00 2026\n{mail}\n").into_bytes()
}
