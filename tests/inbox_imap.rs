//! The IMAP inbox against a real Dovecot, and against scripted servers that misbehave.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "tests measure waiting time, run threads and fail by panicking"
)]

#[path = "support/dovecot.rs"]
mod dovecot;

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use dovecot::{Dovecot, Options};
use postern::adapters::imap::{AuthMechanism, ImapConfig, ImapInbox, MESSAGE_LIMIT_BYTES, Security, Settle, Timeouts};
use postern::adapters::tls::TlsTrust;
use postern::ports::{ErrorClass, Fetched, Folder, Inbox, InboxEvent, PortError, RemoteUid};
use postern::settings::checked::{FolderChoice, LoginSecret};
use zeroize::Zeroizing;

/// Longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(30);

/// An inbox and the bell it rings.
struct Ear {
    inbox: ImapInbox,
    bell: Arc<(Mutex<bool>, Condvar)>,
}

impl Ear {
    fn open(config: ImapConfig) -> Self {
        let bell = Arc::new((Mutex::new(false), Condvar::new()));
        let ring = Arc::clone(&bell);
        let wake = Arc::new(move || {
            *ring.0.lock().unwrap() = true;
            ring.1.notify_all();
        });
        Self { inbox: ImapInbox::start(config, wake).unwrap(), bell }
    }

    fn next_within(&mut self, patience: Duration) -> Option<InboxEvent> {
        let until = Instant::now() + patience;
        loop {
            if let Some(event) = self.inbox.poll() {
                return Some(event);
            }
            let left = until.checked_duration_since(Instant::now())?;
            let rung = self.bell.0.lock().unwrap();
            let (mut rung, _) = self.bell.1.wait_timeout_while(rung, left, |rung| !*rung).unwrap();
            *rung = false;
        }
    }

    fn next(&mut self) -> InboxEvent {
        self.next_within(PATIENCE).expect("an event in time")
    }

    fn lost(&mut self) -> PortError {
        match self.next() {
            InboxEvent::Lost { error, .. } => error,
            other => panic!("not lost: {other:?}"),
        }
    }

    fn opened(&mut self) -> u32 {
        match self.next() {
            InboxEvent::Opened { waiting } => waiting,
            other => panic!("not opened: {other:?}"),
        }
    }

    /// The next batch, whatever comes before it but a loss.
    fn batch(&mut self) -> Vec<Fetched> {
        loop {
            match self.next() {
                InboxEvent::Batch(mails) => return mails,
                InboxEvent::Opened { .. } | InboxEvent::Drained => {}
                other => panic!("not a batch: {other:?}"),
            }
        }
    }

    fn settle(&mut self, mails: &[Fetched]) {
        self.inbox.settle(mails.iter().map(|mail| mail.remote.clone()).collect());
    }

    /// Stores and settles everything until the inbox says that nothing is left. Losses are let pass.
    fn drain(&mut self) -> Vec<Fetched> {
        let mut all = Vec::new();
        loop {
            match self.next() {
                InboxEvent::Batch(mails) => {
                    assert!(mails.len() <= 200);
                    self.settle(&mails);
                    all.extend(mails);
                }
                InboxEvent::Drained => return all,
                InboxEvent::Opened { .. } | InboxEvent::Lost { .. } => {}
                InboxEvent::Vanished(remote) => panic!("vanished: {remote:?}"),
            }
        }
    }
}

fn config(server: &Dovecot) -> ImapConfig {
    ImapConfig {
        host: "localhost".to_owned(),
        port: server.imaps_port,
        security: Security::Tls,
        trust: TlsTrust { ca_file: Some(server.ca_file.clone()) },
        user: server.user.clone(),
        secret: password(&server.password),
        auth: AuthMechanism::Login,
        mailbox: "INBOX".to_owned(),
        junk: None,
        sent: None,
        archive: FolderChoice::Named("Archive".to_owned()),
        settle: Settle::Move,
        poll_every: Duration::from_secs(300),
        message_limit_bytes: MESSAGE_LIMIT_BYTES,
        timeouts: Timeouts::default(),
    }
}

fn password(text: &str) -> LoginSecret {
    LoginSecret::Password(Zeroizing::new(text.to_owned()).into())
}

#[expect(clippy::unnecessary_wraps, reason = "the form in which the settings have it")]
fn named(folder: &str) -> Option<FolderChoice> {
    Some(FolderChoice::Named(folder.to_owned()))
}

fn mail(number: usize) -> Vec<u8> {
    format!("From: a@example.org\r\nSubject: mail {number}\r\n\r\nText {number} {{12}}\r\nänd möre\r\n").into_bytes()
}

fn bodies(mails: &[Fetched]) -> HashSet<Vec<u8>> {
    mails.iter().map(|mail| mail.bytes.clone()).collect()
}

#[test]
fn mail_is_fetched_byte_by_byte_and_moved_to_the_archive_only_when_stored() {
    let server = Dovecot::start();
    (0..3).for_each(|n| server.deliver(&mail(n)));
    let mut ear = Ear::open(config(&server));
    assert_eq!(ear.opened(), 3);
    let batch = ear.batch();
    assert_eq!(bodies(&batch), (0..3).map(mail).collect());
    assert!(batch.iter().all(|mail| mail.folder == Folder::Inbox && mail.oversize.is_none() && mail.arrived.is_some()));
    assert!(batch.iter().all(|mail| mail.remote.uid_validity > 0 && mail.remote.uid > 0));
    assert_eq!((server.count(""), server.count("Archive")), (3, 0), "nothing moves before it is stored");
    ear.settle(&batch);
    assert!(matches!(ear.next(), InboxEvent::Drained));
    assert_eq!((server.count(""), server.count("Archive")), (0, 3));
    let unread = server.files("Archive").iter().all(|file| !file.to_str().unwrap().ends_with('S'));
    assert!(unread, "fetched with PEEK");
}

#[test]
fn without_move_mail_is_copied_and_expunged() {
    let server = Dovecot::start_with(Options { capabilities: "IDLE UIDPLUS", ..Options::default() });
    (0..3).for_each(|n| server.deliver(&mail(n)));
    let mut ear = Ear::open(ImapConfig { auth: AuthMechanism::Plain, ..config(&server) });
    assert_eq!(ear.drain().len(), 3);
    assert_eq!((server.count(""), server.count("Archive")), (0, 3));
}

#[test]
fn kept_mail_stays_and_is_not_fetched_again_even_by_a_new_start() {
    let server = Dovecot::start();
    (0..3).for_each(|n| server.deliver(&mail(n)));
    let keep = || ImapConfig { settle: Settle::Keep, ..config(&server) };
    let mut ear = Ear::open(keep());
    assert_eq!(ear.drain().len(), 3);
    drop(ear);
    assert_eq!(server.count(""), 3);
    assert!(!server.folders().contains(&"Archive".to_owned()));
    let mut again = Ear::open(keep());
    assert_eq!(again.drain().len(), 0);
    server.deliver(&mail(4));
    let batch = again.batch();
    assert_eq!(bodies(&batch), HashSet::from([mail(4)]));
}

#[test]
fn without_any_way_out_of_the_inbox_a_keyword_marks_stored_mail() {
    let server = Dovecot::start_with(Options { capabilities: "IDLE", ..Options::default() });
    server.deliver(&mail(1));
    assert_eq!(Ear::open(config(&server)).drain().len(), 1);
    assert_eq!(Ear::open(config(&server)).drain().len(), 0);
    assert_eq!(server.count(""), 1);
}

#[test]
fn new_mail_is_pushed_within_seconds() {
    let server = Dovecot::start();
    let mut ear = Ear::open(config(&server));
    assert_eq!(ear.drain().len(), 0);
    let mut took = Vec::new();
    for number in 0..5 {
        server.deliver(&mail(number));
        let began = Instant::now();
        let batch = ear.batch();
        took.push(began.elapsed());
        assert_eq!(batch.len(), 1);
        ear.settle(&batch);
        assert!(matches!(ear.next(), InboxEvent::Drained));
    }
    println!("push took {took:?}");
    assert!(took.iter().all(|took| *took < Duration::from_secs(3)), "{took:?}");
    assert_eq!(server.count("Archive"), 5);
}

#[test]
fn without_idle_a_nudge_or_the_next_poll_finds_new_mail() {
    let server = Dovecot::start_with(Options { capabilities: "MOVE UIDPLUS", ..Options::default() });
    let mut ear = Ear::open(config(&server));
    ear.drain();
    server.deliver(&mail(1));
    ear.inbox.nudge();
    assert_eq!(ear.drain().len(), 1);
    drop(ear);
    let mut ear = Ear::open(ImapConfig { poll_every: Duration::from_secs(1), ..config(&server) });
    ear.drain();
    server.deliver(&mail(2));
    assert_eq!(ear.drain().len(), 1);
}

#[test]
fn a_nudge_interrupts_idle_and_dropping_the_inbox_does_not_hang() {
    let server = Dovecot::start();
    server.deliver_to_folder("Junk", &mail(1));
    let mut ear = Ear::open(ImapConfig { junk: named("Junk"), ..config(&server) });
    assert_eq!(ear.drain().len(), 1);
    // Junk is looked at only when a round begins, so only the nudge can bring this.
    server.deliver_to_folder("Junk", &mail(2));
    assert!(ear.next_within(Duration::from_millis(500)).is_none());
    let began = Instant::now();
    ear.inbox.nudge();
    assert_eq!(ear.batch().len(), 1);
    println!("nudge took {:?}", began.elapsed());
    assert!(began.elapsed() < Duration::from_secs(3));
    let began = Instant::now();
    drop(ear);
    assert!(began.elapsed() < Duration::from_millis(1500), "{:?}", began.elapsed());
}

#[test]
fn junk_is_fetched_once_and_stays_where_it_is() {
    let server = Dovecot::start();
    server.deliver_to_folder("Junk", &mail(1));
    server.deliver(&mail(2));
    let with_junk = || ImapConfig { junk: named("Junk"), ..config(&server) };
    let mails = Ear::open(with_junk()).drain();
    let folders: HashSet<_> = mails.iter().map(|mail| (mail.folder == Folder::Junk, mail.bytes.clone())).collect();
    assert_eq!(folders, HashSet::from([(true, mail(1)), (false, mail(2))]));
    assert_eq!((server.count(""), server.count("Junk"), server.count("Archive")), (0, 1, 1));
    assert_eq!(Ear::open(with_junk()).drain().len(), 0, "the keyword outlives us");
    let missing = ImapConfig { junk: named("Missing"), ..config(&server) };
    assert_eq!(Ear::open(missing).drain().len(), 0, "a missing junk folder does not stop the inbox");
}

#[test]
fn starttls_and_loopback_clear_text_work() {
    let server = Dovecot::start();
    server.deliver(&mail(1));
    let start_tls = ImapConfig { port: server.imap_port, security: Security::StartTls, ..config(&server) };
    assert_eq!(Ear::open(start_tls).drain().len(), 1);
    server.deliver(&mail(2));
    let plain = ImapConfig { port: server.imap_port, security: Security::Plain, ..config(&server) };
    assert_eq!(Ear::open(plain).drain().len(), 1);
}

#[test]
fn clear_text_to_another_machine_is_refused_at_once() {
    let server = Dovecot::start();
    let outside = ImapConfig { host: "192.0.2.1".to_owned(), security: Security::Plain, ..config(&server) };
    let error = ImapInbox::start(outside, Arc::new(|| {})).err().unwrap();
    assert_eq!(error.class, ErrorClass::Configuration);
}

#[test]
fn each_wrong_setting_is_told_apart() {
    let mut server = Dovecot::start();
    for auth in [AuthMechanism::Login, AuthMechanism::Plain] {
        let error = Ear::open(ImapConfig { secret: password("wrong"), auth, ..config(&server) }).lost();
        assert_eq!(error.class, ErrorClass::Authentication, "{error}");
    }
    let error = Ear::open(ImapConfig { host: "127.0.0.2".to_owned(), port: 1, ..config(&server) }).lost();
    assert_eq!(error.class, ErrorClass::Temporary, "{error}");
    let error = Ear::open(ImapConfig { port: server.imap_port, ..config(&server) }).lost();
    assert_eq!(error.class, ErrorClass::Configuration, "{error}");
    let error = Ear::open(ImapConfig { mailbox: "Missing".to_owned(), ..config(&server) }).lost();
    assert_eq!(error.class, ErrorClass::Configuration, "{error}");

    let old = std::fs::read(&server.ca_file).unwrap();
    server.change_certificate();
    std::fs::write(&server.ca_file, old).unwrap();
    for (port, security) in [(server.imaps_port, Security::Tls), (server.imap_port, Security::StartTls)] {
        let error = Ear::open(ImapConfig { port, security, ..config(&server) }).lost();
        assert_eq!(error.class, ErrorClass::Security, "{error}");
        assert!(error.message.contains("`ca_file`"), "{error}");
    }
}

#[test]
fn mail_that_a_rival_takes_first_is_reported_as_vanished() {
    let server = Dovecot::start();
    (0..3).for_each(|n| server.deliver(&mail(n)));
    let mut ear = Ear::open(config(&server));
    let batch = ear.batch();
    let mut rival = Ear::open(ImapConfig { archive: FolderChoice::Named("Rival".to_owned()), ..config(&server) });
    let stolen = rival.batch().into_iter().find(|mail| mail.remote == batch[1].remote).unwrap();
    rival.inbox.settle(vec![stolen.remote]);
    let until = Instant::now() + PATIENCE;
    while server.count("Rival") == 0 || server.count("") == 3 {
        assert!(Instant::now() < until);
        std::thread::yield_now();
    }
    ear.settle(&batch);
    let mut vanished: Vec<RemoteUid> = Vec::new();
    loop {
        match ear.next() {
            InboxEvent::Vanished(remote) => vanished.push(remote),
            InboxEvent::Drained => break,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(vanished, [batch[1].remote.clone()]);
    assert_eq!((server.count(""), server.count("Archive"), server.count("Rival")), (0, 2, 1));
}

#[test]
fn a_new_uidvalidity_loses_nothing() {
    let mut server = Dovecot::start();
    (0..5).for_each(|n| server.deliver(&mail(n)));
    let mut ear = Ear::open(config(&server));
    let first = ear.batch();
    assert_eq!(first.len(), 5);
    server.kill();
    server.forget_uids();
    server.deliver(&mail(5));
    server.launch();
    ear.inbox.nudge();
    assert_eq!(ear.lost().class, ErrorClass::Temporary);
    ear.opened();
    // The old UIDs name other mails now: settling them must move nothing.
    ear.settle(&first);
    let second = ear.batch();
    assert_ne!(second[0].remote.uid_validity, first[0].remote.uid_validity);
    assert_eq!(bodies(&second), (0..6).map(mail).collect());
    assert_eq!(server.count("Archive"), 0);
    ear.settle(&second);
    assert!(matches!(ear.next(), InboxEvent::Drained));
    assert_eq!((server.count(""), server.count("Archive")), (0, 6));
}

#[test]
fn a_server_that_dies_and_comes_back_is_connected_to_again() {
    let mut server = Dovecot::start();
    let mut ear = Ear::open(config(&server));
    ear.drain();
    server.kill();
    assert_eq!(ear.lost().class, ErrorClass::Temporary);
    server.deliver(&mail(1));
    server.launch();
    assert_eq!(ear.drain().len(), 1);
    assert_eq!(server.count("Archive"), 1);
}

#[test]
fn mail_that_is_being_stored_while_the_connection_breaks_is_settled_afterwards() {
    let mut server = Dovecot::start();
    server.deliver(&mail(1));
    let mut ear = Ear::open(config(&server));
    let batch = ear.batch();
    server.kill();
    ear.settle(&batch);
    ear.lost();
    server.launch();
    assert_eq!(ear.drain().len(), 0, "not fetched twice");
    assert_eq!((server.count(""), server.count("Archive")), (0, 1));
}

#[test]
fn of_a_mail_over_the_limit_only_the_header_comes() {
    let server = Dovecot::start();
    let header = b"From: a@example.org\r\nSubject: big\r\n\r\n".to_vec();
    let big = [header.clone(), b"line of a big mail\r\n".repeat(200_000)].concat();
    server.deliver(&big);
    server.deliver(&mail(1));
    let mut ear = Ear::open(ImapConfig { message_limit_bytes: 1_000_000, ..config(&server) });
    let mails = ear.drain();
    let found = mails.iter().find(|mail| mail.oversize.is_some()).unwrap();
    assert_eq!((found.bytes.clone(), found.oversize), (header, Some(big.len() as u64)));
    assert!(mails.iter().any(|other| other.bytes == mail(1) && other.oversize.is_none()));
    assert_eq!(server.count("Archive"), 2);
    server.deliver(&big);
    let whole = Ear::open(config(&server)).drain();
    assert!(whole[0].bytes == big && whole[0].oversize.is_none(), "within the limit it comes whole");
}

#[test]
fn many_mails_come_in_batches_and_no_more_than_two_ahead() {
    let server = Dovecot::start();
    (0..650).for_each(|n| server.deliver(&mail(n)));
    let mut ear = Ear::open(config(&server));
    assert_eq!(ear.opened(), 650);
    let (first, second) = (ear.batch(), ear.batch());
    assert_eq!((first.len(), second.len()), (200, 200));
    assert!(ear.next_within(Duration::from_millis(800)).is_none(), "no third before one is settled");
    ear.settle(&first);
    ear.settle(&second);
    let rest = ear.drain();
    let all = [first, second, rest].concat();
    assert_eq!(all.len(), 650);
    assert_eq!(bodies(&all), (0..650).map(mail).collect());
    assert_eq!((server.count(""), server.count("Archive")), (0, 650));
}

// Scripted servers.

fn scripted(script: impl Fn(BufReader<TcpStream>) + Send + 'static) -> ImapConfig {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            script(BufReader::new(stream.unwrap()));
        }
    });
    let timeouts =
        Timeouts { silence: Duration::from_secs(1), response: Duration::from_secs(3), ..Timeouts::default() };
    ImapConfig {
        host: "127.0.0.1".to_owned(),
        port,
        security: Security::Plain,
        trust: TlsTrust::default(),
        user: "security".to_owned(),
        secret: password("secret"),
        auth: AuthMechanism::Login,
        mailbox: "INBOX".to_owned(),
        junk: None,
        sent: None,
        archive: FolderChoice::Named("Archive".to_owned()),
        settle: Settle::Move,
        poll_every: Duration::from_secs(300),
        message_limit_bytes: 100_000,
        timeouts,
    }
}

fn say(stream: &mut BufReader<TcpStream>, text: &str) -> bool {
    stream.get_mut().write_all(text.as_bytes()).is_ok()
}

fn hear(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = String::new();
    stream.read_line(&mut line).ok().filter(|read| *read > 0).map(|_| line)
}

/// A small server with one mail, UID 7, whose answers `special` may replace: it returns the untagged part, or `None` to hang up.
fn with_one_mail(special: impl Fn(&str) -> Option<Option<String>> + Send + 'static) -> ImapConfig {
    scripted(move |mut stream| {
        say(&mut stream, "* OK hello\r\n");
        while let Some(line) = hear(&mut stream) {
            let (tag, command) = line.trim_end().split_once(' ').unwrap_or((line.trim_end(), ""));
            let answer = match special(command) {
                Some(Some(answer)) => answer,
                Some(None) => return,
                None if command == "CAPABILITY" => "* CAPABILITY IMAP4rev1 MOVE\r\n".to_owned(),
                None if command.starts_with("LIST") => "* LIST () \"/\" \"Archive\"\r\n".to_owned(),
                None if command.starts_with("SELECT") => "* 1 EXISTS\r\n* OK [UIDVALIDITY 3] ok\r\n".to_owned(),
                None if command.starts_with("FETCH") => "* 1 FETCH (UID 7 RFC822.SIZE 30)\r\n".to_owned(),
                None if command.starts_with("UID SEARCH") => "* SEARCH 7\r\n".to_owned(),
                None => String::new(),
            };
            if !say(&mut stream, &format!("{answer}{tag} OK done\r\n")) {
                return;
            }
        }
    })
}

#[test]
fn a_preauth_greeting_is_refused() {
    let script = |mut stream: BufReader<TcpStream>| {
        say(&mut stream, "* PREAUTH welcome\r\n");
        hear(&mut stream);
    };
    let error = Ear::open(scripted(script)).lost();
    assert_eq!(error.class, ErrorClass::Security, "{error}");
    let with_tls = ImapConfig { security: Security::StartTls, ..scripted(script) };
    let error = Ear::open(with_tls).lost();
    assert_eq!(error.class, ErrorClass::Security, "{error}");
}

#[test]
fn clear_text_behind_starttls_or_a_refusal_of_it_is_a_security_error() {
    for answer in ["s1 OK go\r\n* OK injected\r\n", "s1 NO not today\r\n", "s1 BAD what\r\n"] {
        let config = scripted(move |mut stream| {
            say(&mut stream, "* OK hello\r\n");
            hear(&mut stream);
            say(&mut stream, answer);
            hear(&mut stream);
        });
        let error = Ear::open(ImapConfig { security: Security::StartTls, ..config }).lost();
        assert_eq!(error.class, ErrorClass::Security, "{answer}: {error}");
    }
}

#[test]
fn an_endless_line_is_cut_off() {
    for greeting in ["", "* OK hello\r\n"] {
        let began = Instant::now();
        let mut ear = Ear::open(scripted(move |mut stream| {
            say(&mut stream, greeting);
            while say(&mut stream, &"a".repeat(4096)) {}
        }));
        let error = ear.lost();
        assert!(error.message.contains("more than the limit"), "{error}");
        assert!(began.elapsed() < Duration::from_secs(5));
    }
}

#[test]
fn a_mail_longer_than_it_was_said_to_be_comes_as_its_header() {
    let mut ear = Ear::open(with_one_mail(|command| {
        if command.starts_with("UID FETCH 7 (UID BODY.PEEK[])") {
            return Some(Some("* 1 FETCH (UID 7 BODY[] {4000000000}\r\nFrom: a\r\n".to_owned()));
        }
        let header = "Subject: x\r\n\r\n";
        let answer = format!("* 1 FETCH (UID 7 BODY[HEADER]<0> {{{}}}\r\n{header})\r\n", header.len());
        command.contains("BODY.PEEK[HEADER]").then_some(Some(answer))
    }));
    ear.opened();
    let error = ear.lost();
    assert!(error.message.contains("more than the limit"), "{error}");
    let mails = ear.batch();
    assert_eq!(mails[0].bytes, b"Subject: x\r\n\r\n");
    assert_eq!(mails[0].oversize, Some(100_001));
}

#[test]
fn a_mail_that_breaks_every_connection_is_not_forgotten_but_comes_as_its_header() {
    let mut ear = Ear::open(with_one_mail(|command| {
        if command.starts_with("UID FETCH 7 (UID BODY.PEEK[])") {
            return Some(None);
        }
        let header = "Subject: x\r\n\r\n";
        let answer = format!("* 1 FETCH (UID 7 BODY[HEADER]<0> {{{}}}\r\n{header})\r\n", header.len());
        command.contains("BODY.PEEK[HEADER]").then_some(Some(answer))
    }));
    for _ in 0..5 {
        ear.opened();
        ear.lost();
        // Ends the waiting.
        ear.inbox.nudge();
    }
    let mails = ear.batch();
    assert_eq!(mails[0].bytes, b"Subject: x\r\n\r\n");
    assert!(mails[0].oversize.is_some(), "so that it is put aside and the team is told");
}

#[test]
fn a_silent_or_dripping_server_is_noticed_by_its_deadline() {
    let silent = scripted(|mut stream| {
        say(&mut stream, "* OK hello\r\n");
        while hear(&mut stream).is_some() {}
    });
    let dripping = scripted(|mut stream| {
        while say(&mut stream, "*") {
            std::thread::sleep(Duration::from_millis(200));
        }
    });
    for config in [silent, dripping] {
        let began = Instant::now();
        let error = Ear::open(config).lost();
        assert!(error.message.contains("did not answer in time"), "{error}");
        assert!(began.elapsed() < Duration::from_secs(6), "{:?}", began.elapsed());
    }
}

#[test]
fn a_move_whose_answer_was_lost_is_not_taken_for_a_theft() {
    let moved = std::sync::atomic::AtomicBool::new(false);
    let mut ear = Ear::open(with_one_mail(move |command| {
        let gone = moved.load(std::sync::atomic::Ordering::SeqCst);
        if command.starts_with("UID MOVE") {
            moved.store(true, std::sync::atomic::Ordering::SeqCst);
            return Some(None);
        }
        if command.starts_with("UID FETCH") {
            return Some(Some("* 1 FETCH (UID 7 BODY[] {5}\r\nA: b\n)\r\n".to_owned()));
        }
        if gone && command.starts_with("UID SEARCH") {
            return Some(Some("* SEARCH\r\n".to_owned()));
        }
        (gone && command.starts_with("SELECT")).then(|| Some("* 0 EXISTS\r\n* OK [UIDVALIDITY 3] ok\r\n".to_owned()))
    }));
    let batch = ear.batch();
    ear.settle(&batch);
    ear.lost();
    assert!(ear.drain().is_empty());
}

#[test]
fn an_empty_payload_leaves_the_mail_for_the_next_round() {
    let asked = std::sync::atomic::AtomicU32::new(0);
    let config = with_one_mail(move |command| {
        let empty = command.starts_with("UID FETCH") && asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0;
        let body = if empty { "NIL" } else { "{5}\r\nA: b\n" };
        command.starts_with("UID FETCH").then(|| Some(format!("* 1 FETCH (UID 7 BODY[] {body})\r\n")))
    });
    let mut ear = Ear::open(config);
    ear.opened();
    assert!(matches!(ear.next(), InboxEvent::Drained), "not asked for in a loop");
    ear.inbox.nudge();
    assert_eq!(ear.batch()[0].bytes, b"A: b\n");
}

/// A server that answers IDLE in its own way: `idle` makes the answer from the tag. A second mail is there from the second listing on.
fn with_odd_idle(idle: impl Fn(&str) -> String + Send + 'static) -> ImapConfig {
    let listed = std::sync::atomic::AtomicU32::new(0);
    scripted(move |mut stream| {
        say(&mut stream, "* OK hello\r\n");
        let mut idle_tag = String::new();
        while let Some(line) = hear(&mut stream) {
            let (tag, command) = line.trim_end().split_once(' ').unwrap_or((&idle_tag, line.trim_end()));
            if command == "IDLE" {
                say(&mut stream, &idle(tag));
                idle_tag = tag.to_owned();
                continue;
            }
            let answer = if command == "CAPABILITY" {
                "* CAPABILITY IMAP4rev1 IDLE MOVE\r\n"
            } else if command.starts_with("LIST") {
                "* LIST () \"/\" \"Archive\"\r\n"
            } else if command.starts_with("SELECT") && listed.fetch_add(1, std::sync::atomic::Ordering::SeqCst) < 2 {
                "* 0 EXISTS\r\n* OK [UIDVALIDITY 3] ok\r\n"
            } else if command.starts_with("SELECT") {
                "* 1 EXISTS\r\n* OK [UIDVALIDITY 3] ok\r\n"
            } else if command.starts_with("FETCH") {
                "* 1 FETCH (UID 7 RFC822.SIZE 5)\r\n"
            } else if command.starts_with("UID FETCH") {
                "* 1 FETCH (UID 7 BODY[] {5}\r\nA: b\n)\r\n"
            } else {
                ""
            };
            if !say(&mut stream, &format!("{answer}{tag} OK done\r\n")) {
                return;
            }
        }
    })
}

#[test]
fn news_that_precede_the_continuation_of_idle_do_not_stall_the_inbox() {
    let mut ear = Ear::open(with_odd_idle(|_| "* 1 EXISTS\r\n+ idling\r\n".to_owned()));
    ear.opened();
    assert!(matches!(ear.next(), InboxEvent::Drained));
    let began = Instant::now();
    assert!(ear.lost().message.contains("going on by polling"), "the session cannot be trusted to be in step");
    assert_eq!(ear.batch()[0].bytes, b"A: b\n");
    println!("news before the continuation took {:?}", began.elapsed());
    assert!(began.elapsed() < Duration::from_secs(6), "{:?}", began.elapsed());
}

#[test]
fn a_continuation_that_comes_too_late_is_never_taken_for_another_answer() {
    let idles = Arc::new(std::sync::atomic::AtomicU32::new(0));
    let count = Arc::clone(&idles);
    let mut ear = Ear::open(with_odd_idle(move |_| {
        count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(3500));
        "+ idling\r\n".to_owned()
    }));
    ear.opened();
    assert!(matches!(ear.next(), InboxEvent::Drained));
    let error = ear.lost();
    assert!(error.message.contains("going on by polling"), "{error}");
    let batch = ear.batch();
    assert_eq!(batch[0].bytes, b"A: b\n");
    ear.inbox.settle(vec![]);
    assert!(ear.next_within(Duration::from_secs(2)).is_none(), "the new session lives on");
    assert_eq!(idles.load(std::sync::atomic::Ordering::SeqCst), 1, "and does without IDLE");
}

#[test]
fn a_server_that_announces_idle_and_cannot_do_it_is_polled() {
    for idle in [|tag: &str| format!("{tag} BAD what\r\n"), |tag: &str| format!("{tag} OK done already\r\n")] {
        let mut ear = Ear::open(with_odd_idle(idle));
        ear.opened();
        assert!(matches!(ear.next(), InboxEvent::Drained));
        let error = ear.lost();
        assert!(error.message.contains("going on by polling"), "{error}");
        assert_eq!(ear.batch()[0].bytes, b"A: b\n");
        ear.inbox.settle(vec![]);
        assert!(ear.next_within(Duration::from_secs(2)).is_none(), "the session lives on");
    }
}
