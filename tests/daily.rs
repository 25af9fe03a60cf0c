//! The operator's commands: on a database at rest that a whole story has filled, and while the daemon runs.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test runs the program and stops at what it cannot do"
)]

#[path = "support/small_house.rs"]
mod small_house;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use postern::daemon::rehearsal::people::{Person, Protect, Seen, Writing};
use postern::daemon::rehearsal::{Plan, Rehearsal, Sent, setup};
use postern::domain::id::{Address, Fingerprint};
use postern::domain::party::{Audience, Member, TeamRole};
use postern::domain::time::{HOUR, Timestamp};
use serde_json::Value;
use small_house::{House, Report, wait_or_explain};

const OK: i32 = 0;
const USAGE: i32 = 64;
const DATA: i32 = 65;
const NO_INPUT: i32 = 66;
const UNAVAILABLE: i32 = 69;
const TEMPORARY: i32 = 75;

/// How a command ended.
struct Ended {
    code: i32,
    out: String,
    said: String,
}

impl Ended {
    fn good(self) -> String {
        assert_eq!((self.code, self.said.as_str()), (OK, ""), "{}", self.out);
        self.out
    }

    /// Ended with this code and a complaint that holds these words.
    #[track_caller]
    fn complains(self, code: i32, words: &[&str]) {
        assert_eq!(self.code, code, "{}{}", self.out, self.said);
        for word in words {
            assert!(self.said.contains(word), "{word:?} is not in {:?}", self.said);
        }
    }
}

fn run(house: &House, arguments: &[&str]) -> Ended {
    let mut command = Command::new(env!("CARGO_BIN_EXE_postern"));
    command.args(arguments).arg("--config").arg(house.settings()).env_clear().stdin(Stdio::null());
    let output = command.output().unwrap();
    let [out, said] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    Ended { code: output.status.code().unwrap(), out, said }
}

/// The objects that a command prints with `--json`.
fn json(house: &House, arguments: &[&str]) -> Vec<Value> {
    let text = run(house, &[arguments, &["--json"]].concat()).good();
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    object[field].as_str().unwrap_or_default()
}

fn number(object: &Value, field: &str) -> String {
    object[field].as_i64().unwrap().to_string()
}

// ---- A database at rest ------------------------------------------------------------------------------------------

fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

/// What happened: Rita reports, Bo takes the case, somebody whom the case does not know writes to it; a report from an
/// address that wants no answers; a list's mail; one member has no usable certificate. Gives the house with its database.
fn filled() -> House {
    let story = tempfile::tempdir().unwrap();
    let start = Timestamp::parse("2026-03-02T09:00Z").unwrap();
    let keyed = |name: &str, at: &str| Person::with_key(name, address(at), start).unwrap();
    let (house, bo) = (keyed("Example", "security@example.org"), keyed("Bo", "bo@example.org"));
    let rita = Person::without_key("Rita", address("rita@reporter.example"));
    let plan = Plan {
        house: house.clone(),
        team: vec![bo.clone()],
        pinned: Vec::new(),
        clear: vec![Audience::Reporter],
        lists: Vec::new(),
        start,
        seed: 7,
    };
    let mut setup = setup(&plan).unwrap();
    let lost = Fingerprint::parse(&"AB".repeat(20));
    setup.rules.team.push(Member::new("Ana".to_owned(), address("ana@example.org"), TeamRole::Member, lost));
    let mut town = Rehearsal::set_up_as(story.path(), &plan, setup).unwrap();

    let write = |town: &mut Rehearsal, from: &Person, writing: &Writing<'_>| -> Vec<Sent> {
        let (seed, now) = (town.draw(), town.now());
        let raw = from.write(&house, writing, now, seed).unwrap();
        town.receive(&raw).unwrap()
    };
    let new = |subject, text| Writing {
        to: address("security@example.org"),
        subject,
        text,
        answers: None,
        protect: Protect::Clear,
        vouched: true,
    };
    let sent = write(&mut town, &rita, &new("Login bypass", "The login form accepts\u{1b}[31m anything."));
    let open = |who: &Person, town: &Rehearsal| -> Seen {
        let mail = sent.iter().find(|mail| mail.to.same_mailbox(&who.address)).unwrap();
        who.open(&house, &mail.raw, town.now()).unwrap()
    };
    let (forward, receipt) = (open(&bo, &town), open(&rita, &town));
    town.pass(HOUR).unwrap();
    let line = forward.text.lines().find(|line| line.starts_with("!case")).unwrap();
    let order = format!("{line}\n!owner me\n\nI look at it.\n");
    let to = forward.reply_to.clone().unwrap();
    let command = Writing { to, answers: Some(&forward), protect: Protect::Sealed, ..new("Re: Login bypass", &order) };
    write(&mut town, &bo, &command);
    let eve = Person::without_key("Eve", address("eve@elsewhere.example"));
    let to = receipt.reply_to.clone().unwrap();
    write(&mut town, &eve, &Writing { to, answers: Some(&receipt), ..new("Re: Login bypass", "Let me in.") });
    let silent = Person::without_key("Robot", address("noreply@reporter.example"));
    write(&mut town, &silent, &new("Second hole", "Nobody reads answers here."));
    let list = b"From: List <owner@lists.example>\r\nTo: security@example.org\r\nSubject: =?utf-8?q?Weekly=1B[31m_n=C3=BCws?=\r\n\
        Message-ID: <weekly@lists.example>\r\nList-Id: <weekly.lists.example>\r\n\r\nNews\x1b[2J of the week.\r\n";
    town.receive(list).unwrap();
    drop(town);

    let home = House::of_folders();
    home.change("name = \"test\"", "name = \"rehearsal\"");
    home.secret("database.key", b"a rehearsal keeps no secrets from anybody");
    fs::copy(story.path().join("state/postern.db"), home.path("state/postern.db")).unwrap();
    home
}

/// The fields that docs/cli.md names in each section.
fn documented() -> BTreeMap<String, BTreeSet<String>> {
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/cli.md")).unwrap();
    let sections = page.split("\n### `postern ").skip(1).map(|section| {
        let (command, rest) = section.split_once('`').unwrap();
        let rows = rest.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
        (command.to_owned(), rows.map(|(field, _)| field.to_owned()).collect())
    });
    sections.collect()
}

#[test]
fn every_list_has_the_fields_that_the_manual_names_and_no_others() {
    let house = filled();
    let mut pages = documented();
    for (more, base) in [("case show --json", "case list --json"), ("quarantine show --json", "quarantine list --json")]
    {
        let base = pages[base].clone();
        pages.get_mut(more).unwrap().extend(base);
    }
    let held = number(&json(&house, &["outbox", "list", "--state", "held"])[0], "id");
    let put_aside = number(&json(&house, &["quarantine", "list"])[0], "mail");
    let commands: &[&[&str]] = &[
        &["case", "list"],
        &["case", "show", "1"],
        &["case", "show", "1", "--mail", "1"],
        &["case", "log", "1"],
        &["case", "search", "login"],
        &["quarantine", "list"],
        &["quarantine", "show", &put_aside],
        &["outbox", "list", "--case", "1"],
        &["quarantine", "requeue", &put_aside],
        &["outbox", "retry", &held],
    ];
    for arguments in commands {
        let words: Vec<_> =
            arguments.iter().filter(|word| word.parse::<i64>().is_err() && **word != "login").copied().collect();
        let name = match words.join(" ").replace("outbox retry", "quarantine requeue") {
            name if name.starts_with("outbox list") => "outbox list --json".to_owned(),
            name => format!("{name} --json"),
        };
        let objects = json(&house, arguments);
        assert!(!objects.is_empty(), "{name}");
        for object in &objects {
            let fields: BTreeSet<String> = object.as_object().unwrap().keys().cloned().collect();
            assert_eq!(Some(&fields), pages.get(&name), "{name}");
        }
    }
    let sheet = &json(&house, &["case", "show", "1"])[0];
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/cli.md")).unwrap();
    for part in ["parties", "clocks", "mails"] {
        let line = page.lines().find(|line| line.starts_with(&format!("| `{part}`"))).unwrap();
        for field in sheet[part][0].as_object().unwrap().keys() {
            assert!(line.contains(&format!("`{field}`")), "{part} does not name {field}");
        }
    }
}

#[test]
fn cases_are_listed_shown_and_chosen() {
    let house = filled();
    let cases = json(&house, &["case", "list"]);
    assert_eq!(cases.iter().map(|case| text(case, "label")).collect::<Vec<_>>(), ["EX-2026-0001", "EX-2026-0002"]);
    assert_eq!(text(&cases[0], "owner"), "Bo");
    assert_eq!(text(&cases[0], "next_action"), "nudge:answer");
    assert_eq!(text(&cases[0], "next"), "2026-03-03T09:00:00Z");
    assert_eq!(text(&cases[0], "acknowledgement"), "sent");

    let table = run(&house, &["case", "list"]).good();
    let lines: Vec<_> = table.lines().collect();
    assert_eq!(lines.len(), 3, "{table}");
    let column = |title: &str| lines[0].find(title).unwrap();
    assert_eq!(lines[1].get(column("TITLE")..), Some("Login bypass"), "columns are aligned:\n{table}");
    assert!(
        lines[1].get(column("NEXT")..).unwrap().starts_with("2026-03-03 09:00 UTC first answer to the reporter (due)")
    );
    assert!(!table.contains(['\t', '│', '\u{1b}']), "plain where it is no terminal");

    let labels = |arguments: &[&str]| json(&house, arguments).iter().map(|case| number(case, "id")).collect::<Vec<_>>();
    assert_eq!(labels(&["case", "list", "--owner", "bo"]), ["1"]);
    assert_eq!(labels(&["case", "list", "--owner", "bo@example.org"]), ["1"]);
    assert_eq!(labels(&["case", "list", "--owner", "nobody"]), ["2"]);
    assert_eq!(labels(&["case", "list", "--state", "closed"]), [""; 0]);
    assert_eq!(labels(&["case", "list", "--state", "Received"]), ["1", "2"]);
    assert_eq!(labels(&["case", "list", "--unacknowledged"]), ["2"]);
    let table = run(&house, &["case", "list", "--unacknowledged"]).good();
    assert!(table.contains("not sent: the sender asks for no automatic answers"), "{table}");
    run(&house, &["case", "list", "--owner", "Bob"]).complains(DATA, &["Bob", "Ana, Bo"]);
    run(&house, &["case", "list", "--state", "open"]).complains(USAGE, &["open", "accepted"]);
}

#[test]
fn a_case_is_shown_whole_by_any_of_its_names() {
    let house = filled();
    let shown = run(&house, &["case", "show", "1"]).good();
    for name in ["EX-2026-0001", "ex-2026-0001", "EX-1", "ex-1", "#1", "0001"] {
        assert_eq!(run(&house, &["case", "show", name]).good(), shown, "{name}");
    }
    for part in [
        "Login bypass",
        "\nowner:           Bo\n",
        "rita@reporter.example",
        "eve@elsewhere.example",
        "held",
        "Clocks",
        "ana@example.org",
    ] {
        assert!(shown.contains(part), "{part:?} is not in\n{shown}");
    }
    run(&house, &["case", "show", "42"]).complains(DATA, &["no case 42", "EX-2026-0002"]);
    run(&house, &["case", "show", "XE-1"]).complains(DATA, &["did you mean EX-2026-0001"]);
    run(&house, &["case", "show", "login"]).complains(USAGE, &["names no case", "EX-2026-0042"]);

    let mails = json(&house, &["case", "show", "1"]).remove(0)["mails"].as_array().unwrap().clone();
    let classes: Vec<_> = mails.iter().map(|mail| text(mail, "class")).collect();
    assert_eq!(classes, ["outside", "team", "held"]);
    let body = run(&house, &["case", "show", "1", "--mail", &number(&mails[0], "mail")]).good();
    assert!(body.contains("The login form accepts") && !body.contains('\u{1b}'), "{body:?}");
    run(&house, &["case", "show", "2", "--mail", &number(&mails[0], "mail")]).complains(DATA, &["has no mail 1"]);

    let log = run(&house, &["case", "log", "1", "--verify"]).good();
    for part in
        ["reporter rita@reporter.example", "acknowledgement", "owner", "Bo", "the chain of the journal is whole: "]
    {
        assert!(log.contains(part), "{part:?} is not in\n{log}");
    }
    let rows = json(&house, &["case", "log", "1"]);
    assert!(rows.is_sorted_by_key(|row| row["seq"].as_u64()));
}

#[test]
fn a_search_finds_the_mail_with_its_case_and_what_stands_there() {
    let house = filled();
    let found = json(&house, &["case", "search", "ACCEPTS", "login"]);
    let from: Vec<_> = found.iter().map(|mail| text(mail, "from")).collect();
    assert_eq!(from, ["bo@example.org", "rita@reporter.example"], "newest first: the reply quotes the report");
    assert_eq!((text(&found[1], "case"), text(&found[1], "date")), ("EX-2026-0001", "2026-03-02T09:00:00Z"));
    assert!(text(&found[1], "snippet").contains("The login form accepts"), "{found:?}");
    assert_eq!(json(&house, &["case", "search", "login", "--limit", "1"]).len(), 1);
    assert_eq!(run(&house, &["case", "search", "absent"]).good(), "");
    run(&house, &["case", "search", &"long ".repeat(300)]).complains(USAGE, &["1000 bytes"]);
}

#[test]
fn what_waits_is_listed_apart_and_shown_without_harm() {
    let house = filled();
    let waiting = json(&house, &["quarantine", "list"]);
    assert_eq!(waiting.iter().map(|mail| text(mail, "state")).collect::<Vec<_>>(), ["quarantined", "held"]);
    assert_eq!(text(&waiting[1], "claims"), "EX-2026-0001");
    assert!(text(&waiting[0], "subject").contains("nüws"), "{waiting:?}");
    let table = run(&house, &["quarantine", "list"]).good();
    assert!(table.contains("claims EX-2026-0001") && table.contains("owner@lists.example"), "{table}");
    assert!(!table.contains('\u{1b}'));
    let shown = run(&house, &["quarantine", "show", &number(&waiting[0], "mail")]).good();
    assert!(shown.contains("List-Id: <weekly.lists.example>") && shown.contains("of the week."), "{shown}");
    assert!(!shown.contains('\u{1b}'), "{shown:?}");
    run(&house, &["quarantine", "show", "1"]).complains(DATA, &["does not wait", "joined EX-2026-0001"]);
    run(&house, &["quarantine", "show", "99"]).complains(DATA, &["there is no mail 99"]);
}

#[test]
fn without_a_daemon_the_same_changes_are_made_and_journalled() {
    let house = filled();
    let held =
        json(&house, &["quarantine", "list"]).iter().find(|mail| text(mail, "state") == "held").cloned().unwrap();
    let said = run(&house, &["quarantine", "requeue", "--all"]).good();
    assert!(said.contains("will be decided again") && said.contains("at its next start"), "{said}");
    let left = json(&house, &["quarantine", "list"]);
    assert_eq!(left.len(), 1, "held mail is not meant by --all");
    let held = number(&held, "mail");
    run(&house, &["quarantine", "requeue", &held]).good();
    run(&house, &["quarantine", "requeue", &held, "1"]).complains(DATA, &["2 of 2 were left as they are"]);
    let log = json(&house, &["case", "log", "1"]);
    let last = log.last().unwrap();
    assert_eq!((text(last, "what"), text(last, "proof"), text(last, "to")), ("requeued", "operator", held.as_str()));

    let rows = json(&house, &["outbox", "list"]);
    assert!(rows.iter().all(|row| text(row, "state") == "held" && text(row, "to") == "ana@example.org"), "{rows:?}");
    let row = number(&rows[0], "id");
    let sent = number(&json(&house, &["outbox", "list", "--state", "sent"])[0], "id");
    let ended = run(&house, &["outbox", "retry", &row, &sent, "9999"]);
    assert!(ended.out.contains(&format!("mail {row} (")) && ended.out.contains("no second copy"), "{}", ended.out);
    ended.complains(DATA, &["2 of 3"]);
    assert_eq!(number(&json(&house, &["outbox", "list", "--state", "queued"])[0], "id"), row);
    run(&house, &["outbox", "hold", &row]).good();
    run(&house, &["outbox", "hold", &row]).complains(DATA, &["1 of 1"]);
    let again = run(&house, &["outbox", "retry", "--all"]).good();
    assert_eq!(again.lines().count(), rows.len(), "{again}");
    run(&house, &["case", "log", "1", "--verify"]).good();
    let acts: Vec<_> =
        json(&house, &["case", "log", "1"]).into_iter().chain(json(&house, &["case", "log", "2"])).collect();
    let acts = acts.iter().filter(|row| text(row, "proof") == "operator").count();
    assert_eq!(acts, 3 + rows.len(), "each change has its row");
}

#[test]
fn what_cannot_be_asked_says_so_with_its_code() {
    let house = House::of_folders();
    run(&house, &["case", "list"]).complains(NO_INPUT, &["no database"]);
    assert!(!house.path("state/postern.db").exists(), "looking makes none");
    run(&house, &["outbox", "retry"]).complains(USAGE, &["required"]);
    run(&house, &["outbox", "list", "--state", "lost"]).complains(USAGE, &["held, failed, deferred"]);
    house.rest();
    assert_eq!(run(&house, &["case", "list"]).good(), "");
    let lock = fs::File::create(house.path("state/postern.lock")).unwrap();
    lock.lock().unwrap();
    run(&house, &["case", "list"]).complains(TEMPORARY, &["another postern is at work", "try again"]);
    let deaf = std::os::unix::net::UnixListener::bind(house.path("state/postern.sock")).unwrap();
    let drops = std::thread::spawn(move || drop(deaf.accept().unwrap()));
    run(&house, &["case", "list"]).complains(UNAVAILABLE, &["daemon"]);
    drops.join().unwrap();
}

// ---- While the daemon runs ---------------------------------------------------------------------------------------

/// Waits until a command prints what is waited for.
fn awaited(house: &House, arguments: &[&str], holds: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let seen = std::cell::RefCell::new(Vec::new());
    let look = || {
        seen.replace(json(house, arguments));
        holds(&seen.borrow())
    };
    wait_or_explain(&format!("{arguments:?}"), look, || format!("{:#?}", seen.borrow()));
    seen.into_inner()
}

#[test]
fn through_the_socket_a_running_daemon_is_asked_and_changes_what_it_is_told_to() {
    // A port at which nobody listens: what goes out is deferred.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let relay = format!("kind = \"smtp\"\nhost = \"localhost\"\nport = {port}\nsecurity = \"plain\"");
    let house = House::new("kind = \"maildir\"\npath = \"inbox\"", &relay, "example.org");
    let daemon = house.start(&["run"], &[]);
    wait_or_explain("the daemon is up", || house.is_up(), || daemon.said());
    let mode = fs::metadata(house.path("state/postern.sock")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    house.deliver(&Report::new("rita@reporter.example", "one"));
    let mut list = Report::new("owner@lists.example", "list");
    list.bytes = [b"List-Id: <weekly.lists.example>\r\n", list.bytes.as_slice()].concat();
    house.deliver(&list);

    let rows = awaited(&house, &["outbox", "list", "--state", "deferred"], |rows| rows.len() == 3);
    assert!(rows.iter().all(|row| row["attempts"] == 1 && row["next"].is_string()), "{rows:?}");
    assert_eq!(text(&json(&house, &["case", "list"])[0], "title"), "Hole one");
    assert_eq!(json(&house, &["case", "search", "takes", "anything"]).len(), 1);
    let shown = run(&house, &["case", "show", "1"]).good();
    assert!(shown.contains("rita@reporter.example") && shown.contains("deferred"), "{shown}");
    run(&house, &["case", "show", "7"]).complains(DATA, &["EX-"]);

    let waiting = awaited(&house, &["quarantine", "list"], |mails| mails.len() == 1);
    let said = run(&house, &["quarantine", "requeue", "--all"]).good();
    assert!(said.contains("the daemon is at it now"), "{said}");
    let since = |mails: &[Value]| mails.first().map(|mail| mail["attempts"].clone());
    awaited(&house, &["quarantine", "list"], |mails| mails.len() == 1 && since(mails) == since(&waiting));

    let held = number(rows.iter().find(|row| text(row, "kind") == "acknowledgement").unwrap(), "id");
    run(&house, &["outbox", "hold", &held]).good();
    let others: Vec<_> = rows.iter().map(|row| number(row, "id")).filter(|id| *id != held).collect();
    assert_eq!(run(&house, &["outbox", "retry", &others[0], &others[1]]).good().lines().count(), 2);
    awaited(&house, &["outbox", "list", "--state", "deferred"], |rows| {
        rows.len() == 2 && rows.iter().all(|row| row["attempts"] == 2)
    });
    run(&house, &["case", "log", "1", "--verify"]).good();
    daemon.stopped();

    // The way out is mended; what is held stays until it is told to go.
    house.change(&relay, "kind = \"folder\"\npath = \"out\"");
    let daemon = house.start(&["run"], &[]);
    wait_or_explain("the daemon is up", || house.is_up(), || daemon.said());
    run(&house, &["outbox", "retry", &others[0], &others[1]]).good();
    awaited(&house, &["outbox", "list"], |rows| rows.len() == 1 && text(&rows[0], "state") == "held");
    assert_eq!(house.sent().iter().filter(|mail| mail.recipient == "rita@reporter.example").count(), 0);
    run(&house, &["outbox", "retry", "--all"]).good();
    awaited(&house, &["outbox", "list"], <[Value]>::is_empty);
    assert_eq!(house.sent().iter().filter(|mail| mail.recipient == "rita@reporter.example").count(), 1);
    run(&house, &["outbox", "retry", &held]).complains(DATA, &["1 of 1"]);
    let acts: Vec<_> =
        json(&house, &["case", "log", "1"]).into_iter().filter(|row| text(row, "proof") == "operator").collect();
    let acts: Vec<_> = acts.iter().map(|row| text(row, "what").to_owned()).collect();
    assert_eq!(acts.first().map(String::as_str), Some("hold:acknowledgement"));
    assert_eq!(acts.len(), 6, "{acts:?}");
    daemon.stopped();
}
