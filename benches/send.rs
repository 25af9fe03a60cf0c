//! Sealed mails of 2 kB out of the store to an SMTP server, against smtp-source. See contrib/bench/send.
//!
//! Every mail is claimed, sent in a transaction of its own over a kept connection, and its end written down, all commits
//! durable. smtp-source sends one text from memory over kept connections and writes nothing down.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark starts programs, measures time and prints figures"
)]

#[path = "../tests/support/small_house.rs"]
mod small_house;
mod support;

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use postern::adapters::clock::SystemClock;
use postern::daemon::assemble;
use postern::domain::effect::{Automatic, Decision, Effect, MailKind, OutgoingMail, Protection};
use postern::domain::id::{Address, MessageId, Seed};
use postern::engine::step::Adopt;
use postern::ports::{Clock, Wake};
use postern::settings::Settings;
use postern::store::Store;
use small_house::House;
use support::{house, option, peak_memory_mib, rate, text_option, timed};

/// Bytes of a mail.
const SIZE: usize = 2048;

fn main() {
    if let Some(settings) = text_option("inner") {
        return send(Path::new(&settings));
    }
    let mails = option("mails", 10_000);
    support::needs("smtp-source", "postfix");
    println!("{mails} mails of {SIZE} bytes into smtp-sink");
    for connections in [1, 4, 10] {
        let sink = Sink::start();
        let peer = timed(Command::new("/usr/sbin/smtp-source").args([
            "-4",
            "-d",
            "-s",
            &connections.to_string(),
            "-m",
            &mails.to_string(),
            "-l",
            &SIZE.to_string(),
            "-f",
            "security@example.org",
            "-t",
            "reader@example.net",
            &sink.address(),
        ]));
        drop(sink);
        let sink = Sink::start();
        let (own, memory) = postern(mails, connections, &sink);
        println!(
            "{connections:>2} connections: smtp-source {:>6.0} mails/s, postern {:>6.0} mails/s, ratio {:.2}   {memory} MiB at most",
            rate(mails, peer),
            rate(mails, own),
            peer.as_secs_f64() / own.as_secs_f64()
        );
    }
}

/// A server that takes everything and keeps nothing.
struct Sink {
    child: Child,
    port: u16,
}

impl Sink {
    fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let root = rustix::process::geteuid().is_root();
        let user: &[&str] = if root { &["-u", "nobody"] } else { &[] };
        let child = Command::new("/usr/sbin/smtp-sink")
            .args(user)
            .args(["-4", &format!("127.0.0.1:{port}"), "1000"])
            .current_dir("/")
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let sink = Self { child, port };
        let started = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(started.elapsed() < Duration::from_secs(10), "smtp-sink does not listen");
            std::thread::yield_now();
        }
        sink
    }

    fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Sends in a process of its own.
fn postern(mails: usize, connections: usize, sink: &Sink) -> (Duration, u64) {
    let relay = format!(
        "kind = \"smtp\"\nhost = \"127.0.0.1\"\nport = {}\nsecurity = \"plain\"\nconnections = {connections}",
        sink.port
    );
    let house = house("kind = \"maildir\"\npath = \"inbox\"", &relay);
    fill(&house, mails);
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--inner", house.settings().to_str().unwrap()])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success(), "the inner run failed");
    let said = String::from_utf8(output.stdout).unwrap();
    let (seconds, memory) = said.trim().split_once(' ').unwrap();
    (Duration::from_secs_f64(seconds.parse().unwrap()), memory.parse().unwrap())
}

/// Lays sealed mails into the store.
fn fill(house: &House, mails: usize) {
    let settings = Settings::load(&house.settings(), std::env::vars()).expect("settings");
    let store = Store::open(&settings.store.path, settings.store.key.bytes(), &settings.instance.name).unwrap();
    let (session, now) = (store.session(), SystemClock.now());
    let numbers: Vec<usize> = (0..mails).collect();
    for some in numbers.chunks(1000) {
        let seed = Seed([1; 16]);
        let occurrence = session.open_occurrence(now, seed, "bench", None, None).unwrap();
        let effects = some.iter().map(|number| Effect::Mail(Box::new(mail(*number)))).collect();
        let decision = Decision { case: None, effects, journal: Vec::new() };
        session.record(occurrence, now, &decision, "bench").unwrap();
        let queued = session.unsealed(some.len()).unwrap();
        let sealed: Vec<_> = queued.iter().map(|mail| (mail.id, bytes(&mail.plan))).collect();
        session.store_sealed(&sealed, now).unwrap();
    }
}

fn mail(number: usize) -> OutgoingMail {
    OutgoingMail {
        kind: MailKind::Letter,
        party: None,
        to: Address::parse(&format!("reader{number}@example.net")).unwrap(),
        message_id: MessageId::of(&format!("{number}.bench"), "example.org"),
        reply_to: None,
        in_reply_to: None,
        references: Vec::new(),
        subject: "bench".to_owned(),
        outer_subject: None,
        text: "bench\n".to_owned(),
        protection: Protection::Signed,
        automatic: Automatic::Replied,
        attach: None,
        attach_key: false,
    }
}

fn bytes(plan: &OutgoingMail) -> Vec<u8> {
    let head = format!(
        "From: security@example.org\r\nTo: {}\r\nMessage-ID: <{}>\r\nSubject: bench\r\n\r\n",
        plan.to,
        plan.message_id.as_str()
    );
    let mut bytes = head.into_bytes();
    while bytes.len() < SIZE {
        bytes.extend_from_slice(b"A line of sixty-two octets that stands here for a sealed text.\r\n");
    }
    bytes.truncate(SIZE - 2);
    bytes.extend_from_slice(b"\r\n");
    bytes
}

fn send(settings: &Path) {
    let settings = Settings::load(settings, std::env::vars()).expect("settings");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (nudge, nudged) = mpsc::channel();
    let nudge = std::sync::Mutex::new(nudge);
    let wake: Wake = Arc::new(move || nudge.lock().unwrap().send(()).unwrap_or_default());
    let mut engine = assemble::engine(&settings, Some(Adopt::Ack), runtime.handle(), &wake).expect("an engine");
    let started = Instant::now();
    loop {
        let progress = engine.step(SystemClock.now()).expect("a step");
        if progress.worked {
            while nudged.try_recv().is_ok() {}
        } else if progress.in_flight == 0
            && engine.store().session().backlog(SystemClock.now()).unwrap().sealed_due == 0
        {
            break;
        } else {
            let _ = nudged.recv_timeout(Duration::from_secs(1));
        }
    }
    let took = started.elapsed();
    let backlog = engine.store().session().backlog(SystemClock.now()).unwrap();
    assert_eq!(backlog.deferred + backlog.claimed + backlog.held, 0, "everything is sent");
    println!("{} {}", took.as_secs_f64(), peak_memory_mib());
}
