//! The SMTP relay against a real Postfix, and against a scripted server that misbehaves.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

#[path = "support/postfix.rs"]
mod postfix;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use postern::adapters::smtp::{Security, SmtpConfig, SmtpRelay, Timeouts};
use postern::adapters::tls::TlsTrust;
use postern::domain::id::{Address, OutboxId};
use postern::ports::{ErrorClass, Relay, RelayJob, RelayOutcome, RelayVerdict};
use postern::settings::checked::LoginSecret;
use postfix::{Options, Postfix, mails, wait_for_mail};

const PATIENCE: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(300);
const MAIL: &[u8] = b"Subject: x\r\n\r\nhello\r\n";

/// A relay on a runtime of its own, and a channel that its wake-ups come in by.
struct Out {
    relay: SmtpRelay,
    woken: mpsc::Receiver<()>,
    _runtime: tokio::runtime::Runtime,
}

impl Out {
    fn start(config: SmtpConfig) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let (wake, woken) = mpsc::channel();
        let wake = Arc::new(move || wake.send(()).unwrap_or_default());
        let relay = SmtpRelay::start(config, runtime.handle(), wake).unwrap();
        Self { relay, woken, _runtime: runtime }
    }

    /// Submits all jobs, as fast as they are taken, and gives their outcomes in order of their ids.
    fn send(&mut self, jobs: Vec<RelayJob>) -> Vec<RelayOutcome> {
        let mut outcomes = Vec::new();
        let expected = jobs.len();
        let mut jobs = jobs.into_iter().rev().collect::<Vec<_>>();
        while outcomes.len() < expected {
            while let Some(job) = jobs.pop() {
                if let Err(job) = self.relay.submit(job) {
                    jobs.push(job);
                    break;
                }
            }
            self.woken.recv_timeout(PATIENCE).expect("the relay wakes us for every outcome");
            outcomes.extend(std::iter::from_fn(|| self.relay.poll()));
        }
        outcomes.sort_by_key(|outcome| outcome.id);
        outcomes
    }

    fn send_one(&mut self, job: RelayJob) -> RelayOutcome {
        self.send(vec![job]).remove(0)
    }
}

fn job(id: i64, recipient: &str, bytes: &[u8]) -> RelayJob {
    RelayJob {
        id: OutboxId(id),
        sender: Address::parse("security@example.test"),
        recipient: Address::parse(recipient).unwrap(),
        bytes: Arc::new(bytes.to_vec()),
    }
}

fn config(host: &str, port: u16, security: Security, ca_file: Option<PathBuf>) -> SmtpConfig {
    SmtpConfig {
        host: host.to_owned(),
        port,
        security,
        trust: TlsTrust { ca_file },
        credentials: None,
        daily_budget: None,
        connections: 1,
        hello_name: "postern.example.test".to_owned(),
        timeouts: Timeouts::default(),
    }
}

fn plain(port: u16) -> SmtpConfig {
    config("127.0.0.1", port, Security::Plain, None)
}

// ---- against Postfix

/// The certificate of somebody else.
fn other_ca(folder: &Path) -> PathBuf {
    let other = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let path = folder.join("other.pem");
    std::fs::write(&path, other.cert.pem()).unwrap();
    path
}

fn maildir(folder: &Path, name: &str) -> PathBuf {
    folder.join(name)
}

#[test]
fn bytes_arrive_as_they_were_given_and_each_recipient_has_a_verdict_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let ana = maildir(folder.path(), "ana");
    let postfix = Postfix::start_with(&Options {
        mailboxes: &[("ana@example.test", &ana)],
        deferred: &["later@example.test"],
        ..Options::default()
    });
    let mut out = Out::start(plain(postfix.port));
    let long = "x".repeat(900);
    let text = format!(
        "Subject: dots\r\nMIME-Version: 1.0\r\n\r\n.\r\n..\r\n.leading\r\n...\r\ntrailing blanks  \t \r\n{long}\r\n\r\n\r\nSchl\u{fc}ssel\r\n.\r\n"
    );
    let mut bytes = text.into_bytes();
    bytes.extend_from_slice(b"not utf-8: \xff\xfe\r\nlast line\r\n\r\n");
    let outcomes = out.send(vec![
        job(1, "nobody@example.test", &bytes),
        job(2, "ana+42.token@example.test", &bytes),
        job(3, "later@example.test", &bytes),
        RelayJob { sender: None, ..job(4, "ana@example.test", MAIL) },
        job(5, "ana@elsewhere.test", MAIL),
    ]);
    let verdicts: Vec<_> = outcomes.iter().map(|outcome| (outcome.verdict, outcome.detail.as_str())).collect();
    let expected = [
        (RelayVerdict::Refused, "550 5.1.1"),
        (RelayVerdict::Accepted, "250 2.0.0"),
        (RelayVerdict::Deferred, "450 4.2.1"),
        (RelayVerdict::Accepted, "250 2.0.0"),
        (RelayVerdict::Refused, "554 5.7.1"),
    ];
    assert_eq!(verdicts, expected, "{}", postfix.log());
    assert_eq!(out.relay.last_error(), None);

    let arrived = wait_for_mail(&ana, 2, PATIENCE);
    // A Maildir has LF where the wire has CRLF; nothing else may differ.
    let stored: Vec<u8> = bytes.iter().copied().filter(|byte| *byte != b'\r').collect();
    let first = arrived.iter().find(|mail| !mail.ends_with(b"hello\n")).expect("the first mail");
    assert!(first.ends_with(&stored), "{}", String::from_utf8_lossy(first));
    let null = arrived.iter().find(|mail| mail.ends_with(b"hello\n")).expect("the second mail");
    assert!(null.starts_with(b"Return-Path: <>\n"), "{}", String::from_utf8_lossy(null));
    // The look whether the port is open, and one session for all five.
    assert!(postfix.log().matches(": connect from").count() <= 2, "{}", postfix.log());
}

#[test]
fn starttls_and_implicit_tls_reach_the_server_that_the_ca_vouches_for() {
    let folder = tempfile::tempdir().unwrap();
    let ana = maildir(folder.path(), "ana");
    let postfix = Postfix::start(&[("@example.test", &ana)]);
    for (id, host, port, security) in [
        (1, "localhost", postfix.port, Security::StartTls),
        (2, "localhost", postfix.tls_port, Security::Tls),
        (3, "127.0.0.1", postfix.tls_port, Security::Tls),
    ] {
        let mut out = Out::start(config(host, port, security, Some(postfix.ca_file())));
        let outcome = out.send_one(job(id, "anybody@example.test", MAIL));
        assert_eq!(outcome.verdict, RelayVerdict::Accepted, "{} {}", outcome.detail, postfix.log());
    }
    let arrived = wait_for_mail(&ana, 3, PATIENCE);
    assert!(arrived.iter().all(|mail| String::from_utf8_lossy(mail).contains("with ESMTPS")));
}

#[test]
fn f10_a_certificate_of_another_ca_stops_all_mail_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let ana = maildir(folder.path(), "ana");
    let postfix = Postfix::start(&[("ana@example.test", &ana)]);
    let ca_file = other_ca(folder.path());
    for (port, security) in [(postfix.port, Security::StartTls), (postfix.tls_port, Security::Tls)] {
        let mut out = Out::start(config("localhost", port, security, Some(ca_file.clone())));
        for outcome in out.send(vec![job(1, "ana@example.test", MAIL), job(2, "ana@example.test", MAIL)]) {
            assert_eq!(outcome.verdict, RelayVerdict::Deferred, "{}", outcome.detail);
            assert!(outcome.detail.contains("certificate"), "{}", outcome.detail);
        }
        assert_eq!(out.relay.last_error().unwrap().class, ErrorClass::Security);
    }
    assert!(!postfix.log().contains("cleanup"), "no mail was begun: {}", postfix.log());
    assert_eq!(mails(&ana).len(), 0);
}

#[test]
fn two_hundred_mails_go_over_four_connections_each_once() {
    let folder = tempfile::tempdir().unwrap();
    let ana = maildir(folder.path(), "ana");
    let postfix = Postfix::start(&[("ana@example.test", &ana)]);
    let mut out = Out::start(SmtpConfig { connections: 4, ..plain(postfix.port) });
    let jobs = (0..200).map(|n| job(n, "ana@example.test", format!("Subject: {n}.\r\n\r\nbody\r\n").as_bytes()));
    let outcomes = out.send(jobs.collect());
    assert!(outcomes.iter().all(|outcome| outcome.verdict == RelayVerdict::Accepted), "{outcomes:?}");
    let arrived = wait_for_mail(&ana, 200, PATIENCE);
    let text: String = arrived.iter().map(|mail| String::from_utf8_lossy(mail).into_owned()).collect();
    for n in 0..200 {
        assert_eq!(text.matches(&format!("Subject: {n}.\n")).count(), 1, "mail {n}");
    }
    let connects = postfix.log().matches(": connect from").count();
    assert!((1..=9).contains(&connects), "{connects} connections");
}

#[test]
fn the_postfix_of_the_tests_writes_headers_on_top_by_sender() {
    let folder = tempfile::tempdir().unwrap();
    let team = maildir(folder.path(), "team");
    let line = "Authentication-Results: mx.test; dmarc=pass header.from=reporter.test";
    let postfix = Postfix::start_with(&Options {
        mailboxes: &[("security@example.test", &team)],
        prepend: &[("ana@reporter.test", line)],
        ..Options::default()
    });
    assert_eq!(postfix.send("ana@reporter.test", "security+1.x@example.test", b"Subject: a\n\n.dot\n"), 250);
    assert_eq!(postfix.send("", "nobody@example.test", b"Subject: b\n\nb\n"), 550);
    let arrived = wait_for_mail(&team, 1, PATIENCE).remove(0);
    let text = String::from_utf8(arrived).unwrap();
    assert!(text.contains(&format!("\n{line}\n")) && text.ends_with("\n\n.dot\n"), "{text}");
}

// ---- against a scripted server

/// One accepted connection of the scripted server.
struct Line(BufReader<TcpStream>);

impl Line {
    fn say(&mut self, text: &str) {
        // The relay may have hung up already, which some tests are about.
        let _gone = self.0.get_mut().write_all(text.as_bytes());
    }

    /// One line of the relay, without its CRLF; empty at the end.
    fn hear(&mut self) -> String {
        let mut line = Vec::new();
        let _cut = self.0.read_until(b'\n', &mut line);
        String::from_utf8_lossy(&line).trim_end_matches("\r\n").to_owned()
    }

    fn greet(&mut self, offers: &[&str]) {
        self.say("220 scripted\r\n");
        // Lettre's EHLO and ours.
        for _ in 0..2 {
            assert!(self.hear().starts_with("EHLO postern.example.test"));
            self.say(&ehlo(offers));
        }
    }

    fn envelope(&mut self, answers: [&str; 3]) {
        for (command, answer) in ["MAIL", "RCPT", "DATA"].into_iter().zip(answers) {
            let heard = self.hear();
            assert!(heard.starts_with(command), "{heard}");
            self.say(answer);
        }
    }

    /// Reads the mail up to and with the final dot.
    fn content(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            let line = self.hear();
            assert!(lines.len() < 1000, "the mail never ends");
            if line == "." {
                return lines;
            }
            lines.push(line);
        }
    }

    /// Everything else the relay says before it hangs up.
    fn rest(&mut self) -> String {
        let mut rest = Vec::new();
        let _cut = self.0.read_to_end(&mut rest);
        String::from_utf8_lossy(&rest).into_owned()
    }
}

fn ehlo(offers: &[&str]) -> String {
    let lines: String = offers.iter().map(|offer| format!("250-{offer}\r\n")).collect();
    format!("250-scripted\r\n{lines}250 HELP\r\n")
}

/// A server that follows `script` for its connections, and what the script gives back.
fn scripted<T: Send + 'static>(script: impl FnOnce(&TcpListener) -> T + Send + 'static) -> (u16, JoinHandle<T>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    (port, std::thread::spawn(move || script(&listener)))
}

fn accept(listener: &TcpListener) -> Line {
    let (stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    Line(BufReader::new(stream))
}

const DONE: [&str; 3] = ["250 2.1.0 ok\r\n", "250 2.1.5 ok\r\n", "354 go on\r\n"];

#[test]
fn f7_a_final_dot_without_an_answer_leaves_the_verdict_unknown() {
    for silent in [true, false] {
        let (port, server) = scripted(move |listener| {
            let mut line = accept(listener);
            line.greet(&["PIPELINING"]);
            line.envelope(DONE);
            let content = line.content();
            if silent {
                assert_eq!(line.rest(), "");
            }
            content
        });
        let timeouts = Timeouts { final_dot: SHORT, ..Timeouts::default() };
        let mut out = Out::start(SmtpConfig { timeouts, ..plain(port) });
        let outcome = out.send_one(job(1, "ana@example.test", MAIL));
        assert_eq!(outcome.verdict, RelayVerdict::Unknown, "{}", outcome.detail);
        assert_eq!(server.join().unwrap(), ["Subject: x", "", "hello"]);
    }
}

#[test]
fn a_job_whose_task_ends_without_an_answer_is_not_left_under_way() {
    for (begun, expected) in [(false, RelayVerdict::Deferred), (true, RelayVerdict::Unknown)] {
        let (reached, there) = mpsc::channel();
        let (port, server) = scripted(move |listener| {
            let mut line = accept(listener);
            if begun {
                line.greet(&["PIPELINING"]);
                line.envelope(DONE);
                line.content();
            }
            reached.send(()).unwrap();
            line.rest();
        });
        let Out { mut relay, woken, _runtime: runtime } = Out::start(plain(port));
        relay.submit(job(1, "ana@example.test", MAIL)).unwrap();
        there.recv_timeout(PATIENCE).unwrap();
        // Ends the task in the middle of its work, as a panic would.
        drop(runtime);
        woken.recv_timeout(PATIENCE).expect("an outcome all the same");
        assert_eq!(relay.poll().map(|outcome| outcome.verdict), Some(expected));
        server.join().unwrap();
    }
}

#[test]
fn a_task_that_panics_is_followed_by_another() {
    let (port, server) = scripted(|listener| {
        for _ in 0..2 {
            let mut line = accept(listener);
            line.greet(&["PIPELINING"]);
            line.envelope(DONE);
            line.content();
            line.say("250 2.0.0 taken\r\n");
            line.rest();
        }
    });
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (wake, woken) = mpsc::channel();
    let first = std::sync::atomic::AtomicBool::new(true);
    let wake = Arc::new(move || {
        wake.send(()).unwrap_or_default();
        assert!(!first.swap(false, std::sync::atomic::Ordering::SeqCst), "a panic, for the test");
    });
    let mut relay = SmtpRelay::start(plain(port), runtime.handle(), wake).unwrap();
    for id in [1, 2] {
        relay.submit(job(id, "ana@example.test", MAIL)).unwrap();
        woken.recv_timeout(Duration::from_secs(20)).expect("an outcome for each job");
        assert_eq!(
            relay.poll().map(|outcome| (outcome.id, outcome.verdict)),
            Some((OutboxId(id), RelayVerdict::Accepted))
        );
    }
    drop(relay);
    drop(runtime);
    server.join().unwrap();
}

#[test]
fn a_connection_cut_before_the_dot_was_sent_defers() {
    // At DATA, and in the middle of a mail too large for any socket buffer.
    for answer in ["", "354 go on\r\n"] {
        let (port, server) = scripted(move |listener| {
            let mut line = accept(listener);
            line.greet(&["PIPELINING", "8BITMIME"]);
            line.envelope([DONE[0], DONE[1], answer]);
            drop(line);
        });
        let bytes = b"a line of some length, many times over\r\n".repeat(500_000);
        let outcome = Out::start(plain(port)).send_one(job(1, "ana@example.test", &bytes));
        assert_eq!(outcome.verdict, RelayVerdict::Deferred, "{}", outcome.detail);
        server.join().unwrap();
    }
}

#[test]
fn a_server_without_pipelining_is_asked_one_by_one_and_the_session_is_kept() {
    let (port, server) = scripted(|listener| {
        let mut line = accept(listener);
        line.greet(&["SIZE 1000"]);
        // Refused at RCPT: DATA is never sent.
        line.envelope_until_rcpt("550 5.1.1 no such user\r\n");
        assert_eq!(line.hear(), "RSET");
        line.say("250\r\n");
        for answer in DONE {
            // Nothing may lie behind a command before it is answered.
            let _command = line.hear();
            assert_eq!(line.0.buffer(), b"");
            line.say(answer);
        }
        line.content();
        line.say("250\r\n");
        line.rest()
    });
    let mut out = Out::start(plain(port));
    let outcomes = out.send(vec![job(1, "nobody@example.test", MAIL), job(2, "ana@example.test", MAIL)]);
    let seen: Vec<_> = outcomes.iter().map(|outcome| (outcome.verdict, outcome.detail.as_str())).collect();
    assert_eq!(seen, [(RelayVerdict::Refused, "550 5.1.1"), (RelayVerdict::Accepted, "250")]);
    drop(out);
    assert!(matches!(server.join().unwrap().as_str(), "QUIT\r\n" | ""));
}

impl Line {
    fn envelope_until_rcpt(&mut self, answer: &str) {
        let mail = self.hear();
        assert_eq!(mail, format!("MAIL FROM:<security@example.test> SIZE={}", MAIL.len()));
        self.say("250 2.1.0 ok\r\n");
        assert_eq!(self.hear(), "RCPT TO:<nobody@example.test>");
        self.say(answer);
    }
}

#[test]
fn a_refused_recipient_whose_data_was_taken_gets_no_mail() {
    for (answer, expected) in
        [("550 5.1.1 no\r\n", RelayVerdict::Refused), ("451 4.3.0 not now\r\n", RelayVerdict::Deferred)]
    {
        let (port, server) = scripted(move |listener| {
            let mut line = accept(listener);
            line.greet(&["PIPELINING"]);
            line.envelope([DONE[0], answer, DONE[2]]);
            let content = line.content();
            line.say("554 5.5.1 no valid recipients\r\n");
            assert_eq!(line.hear(), "RSET");
            line.say("250 2.0.0 ok\r\n");
            content
        });
        let outcome = Out::start(plain(port)).send_one(job(1, "ana@example.test", MAIL));
        assert_eq!(outcome.verdict, expected);
        assert!(outcome.detail == "550 5.1.1" || outcome.detail == "451 4.3.0", "{}", outcome.detail);
        assert_eq!(server.join().unwrap(), [""; 0], "nothing but the dot");
    }
}

#[test]
fn f9_a_silent_server_is_noticed_in_every_phase() {
    for phase in 0..4 {
        let (port, server) = scripted(move |listener| {
            let mut line = accept(listener);
            if phase > 0 {
                line.say("220 scripted\r\n");
            }
            if phase > 1 {
                line.hear();
                line.say(&ehlo(&[]));
                line.hear();
                line.say(&ehlo(&[]));
            }
            if phase > 2 {
                line.hear();
                line.say("250 ok, and now a word that nev");
            }
            line.rest()
        });
        let timeouts = Timeouts { greeting: SHORT, command: SHORT, ..Timeouts::default() };
        let mut out = Out::start(SmtpConfig { timeouts, ..plain(port) });
        let outcome = out.send_one(job(1, "ana@example.test", MAIL));
        assert_eq!(outcome.verdict, RelayVerdict::Deferred, "phase {phase}: {}", outcome.detail);
        assert_eq!(out.relay.last_error().unwrap().class, ErrorClass::Temporary);
        assert!(!server.join().unwrap().contains("hello"));
    }
}

#[test]
fn f1_starttls_that_is_missing_or_followed_by_clear_text_ends_the_session() {
    let folder = tempfile::tempdir().unwrap();
    let trap = "220 go ahead\r\n250-injected\r\n250 PIPELINING\r\n";
    for (offers, answer) in [(vec![], ""), (vec!["STARTTLS"], trap)] {
        let injected = !answer.is_empty();
        let (port, server) = scripted(move |listener| {
            let mut line = accept(listener);
            line.say("220 scripted\r\n");
            line.hear();
            line.say(&ehlo(&offers));
            if injected {
                assert_eq!(line.hear(), "STARTTLS");
                line.say(answer);
            }
            line.rest()
        });
        let mut out = Out::start(config("localhost", port, Security::StartTls, Some(other_ca(folder.path()))));
        let outcome = out.send_one(job(1, "ana@example.test", MAIL));
        assert_eq!(outcome.verdict, RelayVerdict::Deferred);
        assert_eq!(out.relay.last_error().unwrap().class, ErrorClass::Security, "{}", outcome.detail);
        assert_eq!(server.join().unwrap(), "", "nothing more is said in clear");
    }
}

#[test]
fn f1_clear_text_in_place_of_the_handshake_after_starttls_is_a_matter_of_security() {
    let folder = tempfile::tempdir().unwrap();
    let (port, server) = scripted(|listener| {
        let mut line = accept(listener);
        line.say("220 scripted\r\n");
        line.hear();
        line.say(&ehlo(&["STARTTLS"]));
        line.hear();
        line.say("220 go ahead\r\n");
        // The first byte of the handshake has come, so this cannot arrive together with the 220.
        line.0.fill_buf().unwrap();
        line.say("250 injected\r\n");
        line.rest()
    });
    let mut out = Out::start(config("localhost", port, Security::StartTls, Some(other_ca(folder.path()))));
    assert_eq!(out.send_one(job(1, "ana@example.test", MAIL)).verdict, RelayVerdict::Deferred);
    assert_eq!(out.relay.last_error().unwrap().class, ErrorClass::Security);
    assert!(!server.join().unwrap().contains("EHLO"));
}

#[test]
fn a_dropped_relay_does_not_begin_the_jobs_that_wait() {
    let (reached, at_data) = mpsc::channel();
    let (dropped, go_on) = mpsc::channel();
    let (port, server) = scripted(move |listener| {
        let mut line = accept(listener);
        line.greet(&["PIPELINING"]);
        line.envelope(DONE);
        reached.send(()).unwrap();
        go_on.recv_timeout(PATIENCE).unwrap();
        line.content();
        line.say("250 2.0.0 taken\r\n");
        line.rest()
    });
    let Out { mut relay, woken: _woken, _runtime } = Out::start(plain(port));
    for id in 0..5 {
        relay.submit(job(id, "ana@example.test", MAIL)).unwrap();
    }
    at_data.recv_timeout(PATIENCE).unwrap();
    drop(relay);
    dropped.send(()).unwrap();
    assert_eq!(server.join().unwrap(), "QUIT\r\n");
}

#[test]
fn a_refused_password_defers_and_is_named() {
    let (port, server) = scripted(|listener| {
        let mut line = accept(listener);
        line.say("220 scripted\r\n");
        line.hear();
        line.say(&ehlo(&["AUTH PLAIN LOGIN"]));
        // base64 of NUL user NUL pass
        assert_eq!(line.hear(), "AUTH PLAIN AHVzZXIAcGFzcw==");
        line.say("535 5.7.8 a word about user\r\n");
        drop(line);
        listener.set_nonblocking(true).unwrap();
        listener.accept().is_err()
    });
    let credentials =
        Some(("user".to_owned(), LoginSecret::Password(zeroize::Zeroizing::new("pass".to_owned()).into())));
    let mut out = Out::start(SmtpConfig { credentials, connections: 4, ..plain(port) });
    let outcomes = out.send((0..20).map(|id| job(id, "ana@example.test", MAIL)).collect());
    for outcome in &outcomes {
        assert_eq!(outcome.verdict, RelayVerdict::Deferred);
        assert!(outcome.detail.contains("535") && !outcome.detail.contains("a word"), "{}", outcome.detail);
    }
    assert_eq!(out.relay.last_error().unwrap().class, ErrorClass::Authentication);
    assert!(server.join().unwrap(), "twenty jobs made one connection");
}

#[test]
fn a_kept_session_that_the_server_closed_is_opened_anew() {
    let (port, server) = scripted(|listener| {
        let mut carried = 0;
        for _ in 0..2 {
            let mut line = accept(listener);
            line.greet(&["PIPELINING"]);
            line.envelope(DONE);
            carried += line.content().len();
            line.say("250 2.0.0 taken\r\n421 4.4.2 closing for lack of work\r\n");
        }
        carried
    });
    let mut out = Out::start(plain(port));
    for id in 0..2 {
        assert_eq!(out.send_one(job(id, "ana@example.test", MAIL)).verdict, RelayVerdict::Accepted);
    }
    assert_eq!(server.join().unwrap(), 6);
}

#[test]
fn a_full_queue_gives_the_job_back() {
    let (port, server) = scripted(|listener| accept(listener).rest());
    let mut out = Out::start(plain(port));
    let refused = (0..1000).find_map(|id| out.relay.submit(job(id, "ana@example.test", MAIL)).err()).unwrap();
    assert!((1..600).contains(&refused.id.0), "{}", refused.id);
    drop(out);
    // The relay may have been dropped before it connected; then nobody else would let the server go.
    drop(TcpStream::connect(("127.0.0.1", port)));
    server.join().unwrap();
}
