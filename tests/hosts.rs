//! The hosts that people have: recorded dialogues played to the real adapters, and their habits to the whole engine.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "tests measure waiting time, run threads and fail by panicking"
)]

#[path = "support/dovecot.rs"]
mod dovecot;
#[path = "support/transcript.rs"]
mod transcript;

use std::collections::VecDeque;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use postern::adapters::disk::FreeSpace;
use postern::adapters::entropy::SeededEntropy;
use postern::adapters::imap::{
    AuthMechanism, ImapConfig, ImapInbox, MESSAGE_LIMIT_BYTES, Security, SentFolder, Settle, Timeouts,
};
use postern::adapters::maildir::{MaildirInbox, deliver};
use postern::adapters::smtp::{self, SmtpConfig, SmtpRelay};
use postern::adapters::tls::TlsTrust;
use postern::daemon::assemble;
use postern::daemon::rehearsal::people::Person;
use postern::daemon::rehearsal::{Plan, Rehearsal, setup};
use postern::domain::id::{Address, OutboxId};
use postern::domain::party::Audience;
use postern::domain::time::{DAY, HOUR, Timestamp};
use postern::engine::step::{Adopt, Engine, Ports, ReturnPath};
use postern::pgp::keyring::generate;
use postern::ports::{ErrorClass, Folder, Inbox, InboxEvent, PortError, Relay, RelayJob, RelayOutcome, RelayVerdict};
use postern::settings::Settings;
use postern::settings::checked::{FolderChoice, LoginSecret, SecretCommand};
use postern::store::Store;
use transcript::Host;
use zeroize::Zeroizing;

const PATIENCE: Duration = Duration::from_secs(30);

fn password() -> LoginSecret {
    LoginSecret::Password(Zeroizing::new("secret".to_owned()).into())
}

/// A program that prints `token-1` the first time, `token-2` the second, and so on.
fn tokens(folder: &Path) -> LoginSecret {
    let script = format!("echo x >> {0}/n; echo token-$(wc -l < {0}/n | tr -d ' ')", folder.display());
    LoginSecret::TokenCommand(SecretCommand {
        setting: "inbox.token_command".to_owned(),
        words: vec!["/bin/sh".to_owned(), "-c".to_owned(), script],
        environment: vec![("PATH".to_owned(), "/usr/bin:/bin".to_owned())],
    })
}

fn imap(host: &Host, secret: LoginSecret) -> ImapConfig {
    ImapConfig {
        host: "localhost".to_owned(),
        port: host.port,
        security: Security::Tls,
        trust: TlsTrust { ca_file: Some(host.ca_file()) },
        user: "security@example.org".to_owned(),
        secret,
        auth: AuthMechanism::Login,
        mailbox: "INBOX".to_owned(),
        junk: Some(FolderChoice::Auto),
        sent: Some(SentFolder { folder: FolderChoice::Auto, since: Timestamp(1_772_442_000) }),
        archive: FolderChoice::Auto,
        settle: Settle::Move,
        poll_every: Duration::from_secs(300),
        message_limit_bytes: MESSAGE_LIMIT_BYTES,
        timeouts: Timeouts { silence: Duration::from_secs(10), ..Timeouts::default() },
    }
}

fn open(config: ImapConfig) -> ImapInbox {
    ImapInbox::start(config, Arc::new(|| {})).unwrap()
}

fn next(inbox: &mut ImapInbox) -> InboxEvent {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(event) = inbox.poll() {
            return event;
        }
        assert!(Instant::now() < until, "no event came");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn lost(inbox: &mut ImapInbox) -> (PortError, u64) {
    match next(inbox) {
        InboxEvent::Lost { error, retry_in_seconds } => (error, retry_in_seconds),
        other => panic!("not lost: {other:?}"),
    }
}

// ---- Recorded dialogues over IMAP

/// Plays the file, logs in, and gives the folders that were opened.
fn folders_of(file: &str, secret: LoginSecret) -> Vec<String> {
    let host = Host::play(file);
    let mut inbox = open(imap(&host, secret));
    loop {
        match next(&mut inbox) {
            InboxEvent::Drained => break,
            InboxEvent::Opened { waiting: 0 } => {}
            other => {
                host.finished();
                panic!("{file}: {other:?}")
            }
        }
    }
    let selects = host.finished().into_iter().filter_map(|said| Some(said.split_once("SELECT ")?.1.replace('"', "")));
    let mut folders: Vec<String> = selects.collect();
    folders.sort();
    folders.dedup();
    folders
}

#[test]
fn gmail_takes_the_second_token_and_its_labels_are_folders() {
    let folder = tempfile::tempdir().unwrap();
    let folders = folders_of("gmail-imap.txt", tokens(folder.path()));
    assert_eq!(folders, ["INBOX", "[Gmail]/Sent Mail", "[Gmail]/Spam"]);
}

#[test]
fn microsoft_365_marks_folders_without_being_asked() {
    let folder = tempfile::tempdir().unwrap();
    let folders = folders_of("microsoft365-imap.txt", tokens(folder.path()));
    assert_eq!(folders, ["INBOX", "Junk Email", "Sent Items"]);
}

#[test]
fn hosts_with_passwords_show_their_folders_by_marks_or_by_names() {
    assert_eq!(folders_of("fastmail-imap.txt", password()), ["INBOX", "Sent", "Spam"]);
    assert_eq!(folders_of("yahoo-imap.txt", password()), ["Bulk", "INBOX", "Sent"]);
    assert_eq!(folders_of("zoho-imap.txt", password()), ["INBOX", "Sent", "Spam"]);
    let cyrus = ["INBOX", "INBOX.Gesendete Elemente", "INBOX.Unerw&APw-nscht"];
    assert_eq!(folders_of("cyrus-imap.txt", password()), cyrus);
    assert_eq!(folders_of("courier-imap.txt", password()), ["INBOX"], "nothing is there yet");
}

#[test]
fn a_token_that_is_refused_twice_counts_as_a_refused_login() {
    let folder = tempfile::tempdir().unwrap();
    let host = Host::play("dovecot-imap.txt");
    let (error, _) = lost(&mut open(imap(&host, tokens(folder.path()))));
    assert_eq!(error.class, ErrorClass::Authentication, "{error}");
    assert!(error.message.contains("token_command"), "{error}");
    host.finished();
    assert_eq!(fs::read(folder.path().join("n")).unwrap(), b"x\nx\n", "asked twice, and no third time");
}

#[test]
fn a_password_that_a_program_prints_is_asked_for_once_and_again_when_it_is_refused() {
    let server = dovecot::Dovecot::start();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("password"), &server.password).unwrap();
    let script = format!("echo x >> {0}/n; cat {0}/password", folder.path().display());
    let command = SecretCommand {
        setting: "inbox.password_command".to_owned(),
        words: vec!["/bin/sh".to_owned(), "-c".to_owned(), script],
        environment: vec![("PATH".to_owned(), "/usr/bin:/bin".to_owned())],
    };
    let config = ImapConfig {
        port: server.imaps_port,
        trust: TlsTrust { ca_file: Some(server.ca_file.clone()) },
        user: server.user.clone(),
        ..imap(&Host::play("courier-busy.txt"), LoginSecret::PasswordCommand(command))
    };
    let mut inbox = open(config.clone());
    assert!(matches!(next(&mut inbox), InboxEvent::Opened { .. }));
    drop(inbox);
    fs::write(folder.path().join("password"), "another").unwrap();
    let (error, _) = lost(&mut open(config));
    assert_eq!(error.class, ErrorClass::Authentication, "{error}");
    assert_eq!(
        fs::read(folder.path().join("n")).unwrap(),
        b"x\nx\n",
        "a program asked a moment ago is not asked again"
    );
}

#[test]
fn a_host_that_asks_to_wait_is_waited_for_and_not_given_up() {
    for file in ["gmail-busy.txt", "microsoft365-busy.txt", "yahoo-busy.txt", "dovecot-busy.txt", "courier-busy.txt"] {
        for (place, host) in Host::play_each(file).iter().enumerate() {
            let mut inbox = open(imap(host, password()));
            let (error, wait) = lost(&mut inbox);
            assert_eq!(error.class, ErrorClass::Temporary, "{file} {place}: {error}");
            let named = file.starts_with("microsoft") && place == 1;
            let expected = if named { 600..=750 } else { 15..=19 };
            assert!(expected.contains(&wait), "{file} {place}: {wait} seconds");
            inbox.nudge();
            std::thread::sleep(Duration::from_millis(50));
            assert!(inbox.poll().is_none(), "a nudge does not shorten it");
            host.finished();
        }
    }
}

#[test]
fn sent_mail_is_read_from_the_first_start_on_and_stays_where_it_is() {
    let server = dovecot::Dovecot::start();
    let text = |n: usize| format!("From: security@example.org\r\nSubject: answer {n}\r\n\r\nText {n}\r\n").into_bytes();
    server.deliver_to_folder("Sent", &text(1));
    server.deliver_to_folder("Sent", &text(2));
    let now = SystemTime::now();
    for file in server.files("Sent") {
        let old = fs::read(&file).unwrap() == text(1);
        let at = if old { now - DAY * 400 } else { now };
        fs::File::options().write(true).open(&file).unwrap().set_modified(at).unwrap();
    }
    let since = now.duration_since(UNIX_EPOCH).unwrap().as_secs() - 3600;
    let config = || ImapConfig {
        port: server.imaps_port,
        trust: TlsTrust { ca_file: Some(server.ca_file.clone()) },
        user: server.user.clone(),
        sent: Some(SentFolder { folder: FolderChoice::Auto, since: Timestamp(i64::try_from(since).unwrap()) }),
        ..imap(&Host::play("courier-busy.txt"), LoginSecret::Password(Zeroizing::new(server.password.clone()).into()))
    };
    let drain = || {
        let (mut inbox, mut all) = (open(config()), Vec::new());
        loop {
            match next(&mut inbox) {
                InboxEvent::Batch(mails) => {
                    inbox.settle(mails.iter().map(|mail| mail.remote.clone()).collect());
                    all.extend(mails);
                }
                InboxEvent::Drained => return all,
                InboxEvent::Opened { .. } => {}
                other => panic!("{other:?}"),
            }
        }
    };
    let mails = drain();
    assert_eq!(
        mails.iter().map(|mail| (mail.folder, mail.bytes.clone())).collect::<Vec<_>>(),
        [(Folder::Sent, text(2))]
    );
    assert_eq!(server.count("Sent"), 2);
    assert!(drain().is_empty(), "the keyword outlives us");
}

// ---- Recorded dialogues over SMTP

/// Plays the file to a relay, hands it so many equal mails, and gives what became of them and how long it rests.
fn relayed(file: &str, credentials: Option<LoginSecret>, mails: i64) -> (Vec<RelayOutcome>, Option<Duration>) {
    let host = Host::play(file);
    let config = SmtpConfig {
        host: "localhost".to_owned(),
        port: host.port,
        security: smtp::Security::Tls,
        trust: TlsTrust { ca_file: Some(host.ca_file()) },
        credentials: credentials.map(|secret| ("security@example.org".to_owned(), secret)),
        daily_budget: None,
        connections: 1,
        hello_name: "postern.example.org".to_owned(),
        timeouts: smtp::Timeouts { command: Duration::from_secs(20), ..smtp::Timeouts::default() },
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let mut relay = SmtpRelay::start(config, runtime.handle(), Arc::new(|| {})).unwrap();
    for id in 1..=mails {
        let job = RelayJob {
            id: OutboxId(id),
            sender: Address::parse("security@example.org"),
            recipient: Address::parse("ana@example.net").unwrap(),
            bytes: Arc::new(b"Subject: x\r\n\r\nhello\r\n".to_vec()),
        };
        relay.submit(job).unwrap();
    }
    let (mut outcomes, until) = (Vec::new(), Instant::now() + PATIENCE);
    while outcomes.len() < usize::try_from(mails).unwrap() {
        outcomes.extend(relay.poll());
        if Instant::now() > until {
            host.finished();
            panic!("{file}: no outcome, after {outcomes:?}");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    host.finished();
    (outcomes, relay.rests_for())
}

fn verdicts(outcomes: &[RelayOutcome]) -> Vec<RelayVerdict> {
    outcomes.iter().map(|outcome| outcome.verdict).collect()
}

#[test]
fn gmails_daily_limit_keeps_the_mails_and_rests_the_relay() {
    let folder = tempfile::tempdir().unwrap();
    let (outcomes, rest) = relayed("gmail-smtp.txt", Some(tokens(folder.path())), 4);
    let expected = [RelayVerdict::Accepted, RelayVerdict::Deferred, RelayVerdict::Untried, RelayVerdict::Untried];
    assert_eq!(verdicts(&outcomes), expected, "{outcomes:?}");
    assert!(rest.unwrap() > Duration::from_secs(3500), "{rest:?}");
}

#[test]
fn hosts_that_ask_to_slow_down_rest_the_relay_for_a_minute() {
    for file in ["microsoft365-smtp.txt", "yahoo-smtp.txt", "amazonses-smtp.txt"] {
        let (outcomes, rest) = relayed(file, None, 3);
        let expected = [RelayVerdict::Deferred, RelayVerdict::Untried, RelayVerdict::Untried];
        assert_eq!(verdicts(&outcomes), expected, "{file}: {outcomes:?}");
        let rest = rest.unwrap();
        assert!(rest > Duration::from_secs(50) && rest <= Duration::from_secs(60), "{file}: {rest:?}");
    }
    let (outcomes, rest) = relayed("zoho-smtp.txt", None, 2);
    assert_eq!(verdicts(&outcomes), [RelayVerdict::Deferred, RelayVerdict::Untried]);
    assert!(rest.unwrap() > Duration::from_secs(3500));
}

#[test]
fn an_ordinary_day_at_fastmail() {
    let (outcomes, rest) = relayed("fastmail-smtp.txt", Some(password()), 1);
    assert_eq!((verdicts(&outcomes), rest), (vec![RelayVerdict::Accepted], None), "{outcomes:?}");
}

// ---- Habits of hosts, and the whole engine

/// Mailboxes and their mails: name, UID, bytes as they are at this connection.
type Shelf = Vec<(&'static str, u32, String)>;

/// A plain IMAP server on which mail neither moves nor bears keywords; `shelf` is asked at each connection.
fn odd_host(shelf: impl Fn(usize) -> Shelf + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let connections = AtomicUsize::new(0);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let shelf = shelf(connections.fetch_add(1, Ordering::SeqCst));
            let mut stream = BufReader::new(stream.unwrap());
            let (mut line, mut open) = (String::new(), String::new());
            let _ = stream.get_mut().write_all(b"* OK ready\r\n");
            while stream.read_line(&mut line).is_ok_and(|read| read > 0) {
                let (tag, command) = line.trim_end().split_once(' ').unwrap_or((line.trim_end(), ""));
                let answer = answer(&shelf, &mut open, command);
                let _ = stream.get_mut().write_all(format!("{answer}{tag} OK done\r\n").as_bytes());
                line.clear();
            }
        }
    });
    port
}

fn answer(shelf: &Shelf, open: &mut String, command: &str) -> String {
    if command == "CAPABILITY" {
        return "* CAPABILITY IMAP4rev1\r\n".to_owned();
    }
    if command.starts_with("LIST") {
        return "* LIST () \"/\" INBOX\r\n* LIST (\\Junk) \"/\" Spam\r\n* LIST (\\Sent) \"/\" Sent\r\n".to_owned();
    }
    if let Some(name) = command.strip_prefix("SELECT ") {
        *open = name.replace('"', "");
        let count = shelf.iter().filter(|(mailbox, _, _)| mailbox == open).count();
        return format!("* {count} EXISTS\r\n* OK [UIDVALIDITY 3] ok\r\n");
    }
    let here: Vec<_> = shelf.iter().filter(|(mailbox, _, _)| mailbox == open).collect();
    if command.starts_with("UID SEARCH") {
        let uids: String = here.iter().map(|(_, uid, _)| format!(" {uid}")).collect();
        return format!("* SEARCH{uids}\r\n");
    }
    let whole = command.contains("BODY.PEEK[]");
    let fetch = |(place, (_, uid, bytes)): (usize, &&(&str, u32, String))| {
        if whole {
            format!("* {} FETCH (UID {uid} BODY[] {{{}}}\r\n{bytes})\r\n", place + 1, bytes.len())
        } else {
            format!("* {} FETCH (UID {uid} RFC822.SIZE {})\r\n", place + 1, bytes.len())
        }
    };
    if command.contains("FETCH") { here.iter().enumerate().map(fetch).collect() } else { String::new() }
}

/// A folder with settings that load, an inbox at this port and an outgoing folder.
struct House(tempfile::TempDir);

impl House {
    fn new(inbox: &str) -> Self {
        let house = Self(tempfile::tempdir().unwrap());
        for folder in ["state", "out"] {
            fs::create_dir(house.path(folder)).unwrap();
        }
        let own = Address::parse("security@example.org").unwrap();
        let key = generate("Example Security", &own, now()).unwrap();
        house.secret("team.key", key.secret_armored.as_slice());
        house.secret("instance.key", &[7; 32]);
        house.secret("database.key", &[8; 32]);
        house.secret("password", b"secret\n");
        let settings = format!(
            "[instance]\nname = \"test\"\nproject = \"Example\"\naddress = \"security@example.org\"\ncase_prefix = \"EX\"\n\
             state_dir = \"state\"\nkey = \"instance.key\"\n[store]\nkey = \"database.key\"\n[inbox]\n{inbox}\n\
             [[relay]]\nkind = \"folder\"\npath = \"out\"\n[keys]\nsecret = [\"team.key\"]\n\
             [[member]]\nname = \"Ana\"\naddress = \"ana@example.org\"\n[privacy]\nclear = [\"team\", \"reporter\"]\n\
             [daemon]\nfree_bytes_min = 0\n"
        );
        fs::write(house.path("postern.toml"), settings).unwrap();
        house
    }

    fn at(port: u16, more: &str) -> Self {
        Self::new(&format!(
            "kind = \"imap\"\nhost = \"127.0.0.1\"\nport = {port}\nsecurity = \"plain\"\nuser = \"x\"\n\
             password = \"password\"\n{more}"
        ))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn secret(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).unwrap();
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// Runs an engine until the inbox was read and everything was done.
    fn run(&self) {
        let settings = Settings::load(&self.path("postern.toml"), []).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let wake: postern::ports::Wake = Arc::new(|| {});
        let mut engine = assemble::engine(&settings, Some(Adopt::Ack), runtime.handle(), &wake).unwrap();
        let until = Instant::now() + PATIENCE;
        loop {
            let progress = engine.step(now()).unwrap();
            if !progress.worked && progress.in_flight == 0 && engine.inbox_state().drained {
                return;
            }
            assert!(Instant::now() < until, "it does not come to rest");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// The mails that left it for this address.
    fn mails_to(&self, recipient: &str) -> usize {
        let files = fs::read_dir(self.path("out/new")).into_iter().flatten();
        let to =
            |entry: std::io::Result<fs::DirEntry>| header(&fs::read(entry.unwrap().path()).unwrap(), "Delivered-To");
        files.map(to).filter(|to| to == recipient).count()
    }

    /// Mails stored, and cases opened by them.
    fn stored(&self) -> (usize, usize) {
        let store = Store::open(&self.path("state/postern.db"), &[8; 32], "test").unwrap();
        let cases = store.session().open_cases(100).unwrap().len();
        (store.session().backlog(now()).unwrap().undecided.try_into().unwrap(), cases)
    }
}

fn now() -> Timestamp {
    Timestamp(i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap())
}

fn report(boundary: &str) -> String {
    format!(
        "From: Rita <rita@example.net>\r\nTo: security@example.org\r\nSubject: a hole\r\n\
         Message-ID: <1@example.net>\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/alternative; boundary=\"{boundary}\"\r\n\r\n\
         --{boundary}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nThe page takes anything.\r\n\
         --{boundary}\r\nContent-Type: text/html\r\n\r\n<p>The page takes anything.</p>\r\n--{boundary}--\r\n"
    )
}

#[test]
fn a_mail_rendered_anew_at_each_fetch_is_acknowledged_once() {
    let port = odd_host(|connection| vec![("INBOX", 7, report(&format!("cut-{connection}")))]);
    let house = House::at(port, "");
    house.run();
    assert_eq!((house.mails_to("rita@example.net"), house.stored()), (1, (0, 1)));
    house.run();
    assert_eq!((house.mails_to("rita@example.net"), house.stored()), (1, (0, 1)), "the same mail with other bytes");
}

#[test]
fn a_mail_that_several_labels_show_is_one_report() {
    let port = odd_host(|_| {
        let mail = report("cut");
        vec![("INBOX", 7, mail.clone()), ("Spam", 2, mail.clone()), ("Sent", 31, mail)]
    });
    let house = House::at(port, "sent = \"auto\"\nsettle = \"keep\"\n");
    house.run();
    house.run();
    assert_eq!((house.mails_to("rita@example.net"), house.stored()), (1, (0, 1)));
}

fn plan() -> Plan {
    let address = |text: &str| Address::parse(text).unwrap();
    let start = Timestamp(1_772_442_000);
    Plan {
        house: Person::with_key("Example Security", address("security@example.org"), start).unwrap(),
        team: vec![Person::without_key("Ana", address("ana@team.example"))],
        pinned: Vec::new(),
        clear: vec![Audience::Team, Audience::Reporter],
        lists: Vec::new(),
        start: Timestamp(1_772_442_000),
        seed: 7,
    }
}

fn header(raw: &[u8], name: &str) -> String {
    let message = mail_parser::MessageParser::default().parse(raw).unwrap();
    message.header_raw(name).map(|value| value.split_whitespace().collect::<Vec<_>>().join(" ")).unwrap_or_default()
}

const REPORT: &str = "From: Rita <rita@example.net>\r\nTo: security@example.org\r\nSubject: a hole\r\n\
    Message-ID: <1@example.net>\r\n\r\nThe page takes anything.\r\n";

/// A reply to a mail of ours whose Message-ID the relay replaced, at the plain address.
fn reply_through_another_id(ack: &[u8]) -> String {
    format!(
        "From: Rita <rita@example.net>\r\nTo: security@example.org\r\nSubject: Re: your mail\r\n\
         Message-ID: <2@example.net>\r\nIn-Reply-To: <010001@ses.example.com>\r\n\
         References: {} <010001@ses.example.com>\r\n\r\nOne thing more.\r\n",
        header(ack, "References")
    )
}

#[test]
fn with_rewritten_message_ids_replies_and_bounces_still_find_their_case() {
    for rewritten in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let plan = plan();
        let mut setup = setup(&plan).unwrap();
        setup.rules.message_id_rewritten = rewritten;
        // Neither is a token in the address of any help here.
        setup.rules.plus_addresses = false;
        setup.return_path = ReturnPath::Plain;
        let mut house = Rehearsal::set_up_as(folder.path(), &plan, setup).unwrap();
        let sent = house.receive(REPORT.as_bytes()).unwrap();
        let ack =
            sent.iter().find(|mail| mail.to.as_str() == "rita@example.net").expect("an acknowledgement").raw.clone();
        let id = header(&ack, "Message-ID");
        assert_eq!(header(&ack, "References").contains(&id), rewritten);
        house.receive(reply_through_another_id(&ack).as_bytes()).unwrap();
        let held = house.engine().store().session().waiting(10).unwrap().len();
        assert_eq!(held, usize::from(!rewritten), "the reply joins by our own id, and only by that");

        let returned = String::from_utf8(ack)
            .unwrap()
            .replace(&format!("Message-ID: {id}"), "Message-ID: <010001@ses.example.com>");
        let returned: String = returned.split("\r\n\r\n").next().unwrap().to_owned();
        let bounce = format!(
            "From: MAILER-DAEMON@mx.example.net\r\nTo: security@example.org\r\nSubject: failed\r\nReturn-Path: <>\r\n\
             Message-ID: <3@mx.example.net>\r\nMIME-Version: 1.0\r\n\
             Content-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\r\n\r\n\
             --b\r\nContent-Type: text/plain\r\n\r\nIt failed.\r\n\
             --b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.net\r\n\r\n\
             Final-Recipient: rfc822; rita@example.net\r\nAction: failed\r\nStatus: 5.1.1\r\n\
             --b\r\nContent-Type: text/rfc822-headers\r\n\r\n{returned}\r\n--b--\r\n"
        );
        let told = house.receive(bounce.as_bytes()).unwrap();
        assert_eq!(!told.is_empty(), rewritten, "the team hears that the mail did not arrive");
    }
}

/// A relay that takes everything, up to a budget that the engine keeps.
struct Counter {
    name: &'static str,
    budget: Option<u32>,
    rests: Arc<Mutex<Option<Duration>>>,
    taken: Arc<AtomicUsize>,
    answers: VecDeque<RelayOutcome>,
}

impl Relay for Counter {
    fn submit(&mut self, job: RelayJob) -> Result<(), RelayJob> {
        self.taken.fetch_add(1, Ordering::SeqCst);
        self.answers.push_back(RelayOutcome { id: job.id, verdict: RelayVerdict::Accepted, detail: String::new() });
        Ok(())
    }

    fn poll(&mut self) -> Option<RelayOutcome> {
        self.answers.pop_front()
    }

    fn rests_for(&self) -> Option<Duration> {
        *self.rests.lock().unwrap()
    }

    fn daily_budget(&self) -> Option<u32> {
        self.budget
    }

    fn name(&self) -> String {
        self.name.to_owned()
    }
}

/// An engine over a Maildir with such relays: name, budget. Gives what each took, and their rests.
struct Post {
    folder: tempfile::TempDir,
    engine: Engine,
    taken: Vec<Arc<AtomicUsize>>,
    rests: Vec<Arc<Mutex<Option<Duration>>>>,
    received: usize,
}

impl Post {
    fn new(relays: &[(&'static str, Option<u32>)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let engine = Self::engine(folder.path(), relays, Timestamp(1_772_442_000));
        let (engine, taken, rests) = engine;
        Self { folder, engine, taken, rests, received: 0 }
    }

    #[expect(clippy::type_complexity, reason = "what a test looks at afterwards")]
    fn engine(
        folder: &Path,
        relays: &[(&'static str, Option<u32>)],
        at: Timestamp,
    ) -> (Engine, Vec<Arc<AtomicUsize>>, Vec<Arc<Mutex<Option<Duration>>>>) {
        for part in ["inbox/new", "inbox/cur", "inbox/tmp"] {
            fs::create_dir_all(folder.join(part)).unwrap();
        }
        let (mut ports, mut taken, mut rests): (Vec<Box<dyn Relay>>, _, _) = (Vec::new(), Vec::new(), Vec::new());
        for (name, budget) in relays {
            let (count, rest) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(None)));
            taken.push(Arc::clone(&count));
            rests.push(Arc::clone(&rest));
            ports.push(Box::new(Counter {
                name,
                budget: *budget,
                rests: rest,
                taken: count,
                answers: VecDeque::new(),
            }));
        }
        let ports = Ports {
            inbox: Box::new(MaildirInbox::new(folder.join("inbox"), folder.join("archive"), 1 << 20)),
            relays: ports,
            site: None,
            entropy: Box::new(SeededEntropy::new(9)),
            disk: Box::new(FreeSpace::of(folder.to_path_buf())),
        };
        let store =
            Store::open(&folder.join("postern.db"), b"a key of tests, long enough for it", "rehearsal").unwrap();
        (Engine::new(setup(&plan()).unwrap(), ports, store, at).unwrap(), taken, rests)
    }

    /// A new report, which gives two mails: to the reporter and to the member.
    fn receive(&mut self) {
        self.received += 1;
        let n = self.received;
        let mail = REPORT
            .replace("rita@", &format!("rita{n}@"))
            .replace("<1@", &format!("<{n}@"))
            .replace("a hole", &format!("hole {n}"));
        deliver(&self.folder.path().join("inbox"), &format!("{n}.mail"), mail.as_bytes()).unwrap();
        self.engine.nudge();
    }

    /// Steps until nothing is left to do at this instant; gives when it wants to be woken.
    fn rest(&mut self, at: Timestamp) -> Option<Timestamp> {
        for _ in 0..1000 {
            let progress = self.engine.step(at).unwrap();
            if !progress.worked && progress.in_flight == 0 {
                return progress.wake_at;
            }
        }
        panic!("it does not come to rest");
    }

    fn taken(&self) -> Vec<usize> {
        self.taken.iter().map(|count| count.load(Ordering::SeqCst)).collect()
    }
}

#[test]
fn a_spent_budget_hands_over_to_another_relay_and_then_the_queue_waits() {
    let start = Timestamp(1_772_442_000);
    let relays = [("one:465", Some(3)), ("two:465", Some(2))];
    let mut post = Post::new(&relays);
    (0..4).for_each(|_| post.receive());
    post.rest(start).expect("an instant to go on at");
    assert_eq!(post.taken(), [3, 2], "eight mails, five allowed");

    // Another process counts on.
    let Post { folder, engine, .. } = post;
    drop(engine);
    let (engine, taken, rests) = Post::engine(folder.path(), &relays, start.after(HOUR));
    let mut post = Post { folder, engine, taken, rests, received: 4 };
    // Clocks of the cases wake the engine as well.
    let mut at = start.after(HOUR);
    while post.taken() == [0, 0] {
        at = post.rest(at).expect("an instant to go on at").max(Timestamp(at.0 + 1));
        post.rest(at);
    }
    let day = start.after(DAY);
    assert!(at > day && at <= day.after(HOUR), "{at:?} is not a day after {start:?}");
    assert!(post.taken().iter().sum::<usize>() >= 3, "the rest of the eight");
}

#[test]
fn a_resting_relay_is_given_nothing_and_costs_no_attempt() {
    let start = Timestamp(1_772_442_000);
    let mut post = Post::new(&[("one:465", None)]);
    *post.rests[0].lock().unwrap() = Some(Duration::from_secs(90));
    post.receive();
    assert_eq!(post.rest(start), Some(Timestamp(start.0 + 91)));
    assert_eq!(post.taken(), [0]);
    let rows = post.engine.store().session().outbox_rows(10).unwrap();
    assert!(rows.len() == 2 && rows.iter().all(|row| row.attempts == 0), "{rows:?}");
    *post.rests[0].lock().unwrap() = None;
    post.rest(Timestamp(start.0 + 91));
    assert_eq!(post.taken(), [2]);
}

// ---- The document

#[test]
fn the_settings_in_the_document_load() {
    let page = fs::read_to_string("docs/hosts.md").unwrap();
    let mut blocks = 0;
    for block in page.split("```toml\n").skip(1) {
        let (text, _) = block.split_once("```").unwrap();
        let house = House::new("kind = \"maildir\"\npath = \"out\"");
        for name in ["imap.password", "smtp.password"] {
            house.secret(name, b"secret\n");
        }
        fs::create_dir(house.path("bin")).unwrap();
        fs::write(house.path("bin/mail-token"), "#!/bin/sh\n").unwrap();
        fs::set_permissions(house.path("bin/mail-token"), fs::Permissions::from_mode(0o700)).unwrap();
        let text = text.replace("/etc/postern/", "").replace("/usr/local/", "");
        let settings = fs::read_to_string(house.path("postern.toml")).unwrap();
        let (before, rest) = settings.split_once("[inbox]").unwrap();
        let (_, after) = rest.split_once("[keys]").unwrap();
        let has = |section: &str| text.contains(section);
        let inbox = if has("[inbox]") { "" } else { "[inbox]\nkind = \"maildir\"\npath = \"out\"\n" };
        let relay = if has("[[relay]]") { "" } else { "[[relay]]\nkind = \"folder\"\npath = \"out\"\n" };
        fs::write(house.path("postern.toml"), format!("{before}{inbox}{relay}{text}\n[keys]{after}")).unwrap();
        if let Err(mistakes) = Settings::load(&house.path("postern.toml"), []) {
            panic!("{mistakes}\nin\n{text}");
        }
        blocks += 1;
    }
    assert!(blocks >= 7, "an example for each host");
}
