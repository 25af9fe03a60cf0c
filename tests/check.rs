//! `postern check` finds each thing that is wrong, says what to do in one line, goes on with the rest, and ends with the
//! code of the first.
#![expect(clippy::unwrap_used, reason = "a test runs servers and programs, and fails by panicking")]

#[path = "support/dovecot.rs"]
mod dovecot;
#[path = "support/gnupg.rs"]
mod gnupg;
#[path = "support/postfix.rs"]
#[expect(dead_code, reason = "mail only comes back here")]
mod postfix;
#[path = "support/small_house.rs"]
mod small_house;

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use dovecot::Dovecot;
use gnupg::{Gnupg, Kind};
use postfix::{Options, Postfix};
use small_house::{House, Report, now, wait_until};

// sysexits.h
const OK: i32 = 0;
const DATA: i32 = 65;
const TEMPORARY: i32 = 75;
const PROTOCOL: i32 = 76;
const NO_PERMISSION: i32 = 77;
const CONFIG: i32 = 78;

const DAY: i64 = 86_400;
const OWN: &str = "security@example.org";

fn said_into(command: &mut Command, file: &Path) {
    command.stdout(File::create(file).unwrap());
}

/// Everything that one check found.
#[derive(Debug)]
struct Checked {
    code: Option<i32>,
    /// Area, level, text.
    found: Vec<(String, String, String)>,
}

impl Checked {
    fn of(house: &House, more: &[&str]) -> Self {
        let out = house.path("checked");
        let arguments = [&["check", "--json"], more].concat();
        let ending = house.start_as(&arguments, &[], |command| said_into(command, &out)).ended();
        let text = fs::read_to_string(&out).unwrap();
        let found = text.lines().map(|line| {
            let object: serde_json::Value = serde_json::from_str(line).unwrap();
            let field = |name: &str| object.get(name).unwrap().as_str().unwrap().to_owned();
            (field("area"), field("level"), field("text"))
        });
        Self { code: ending.code, found: found.collect() }
    }

    /// There is one line of this area and level with all of these words.
    #[track_caller]
    fn has(&self, area: &str, level: &str, words: &[&str]) -> &Self {
        let fits = |(a, l, text): &&(String, String, String)| {
            a == area && l == level && words.iter().all(|word| text.contains(word))
        };
        assert_eq!(self.found.iter().filter(fits).count(), 1, "{level} {area} {words:?}: {self:#?}");
        self
    }

    /// Ended with this code, so many things being to do.
    #[track_caller]
    fn ends(&self, code: i32, to_do: usize) -> &Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        assert_eq!(self.found.iter().filter(|(_, level, _)| level == "to-do").count(), to_do, "{self:#?}");
        self
    }
}

/// A house at a Dovecot, whose mail leaves through a Postfix that knows its passwords.
fn house_at(dovecot: &Dovecot, postfix: &Postfix) -> House {
    let inbox = format!(
        "kind = \"imap\"\nhost = \"localhost\"\nport = {}\nuser = \"{}\"\npassword = \"imap.password\"\nca_file = \"{}\"",
        dovecot.imaps_port,
        dovecot.user,
        dovecot.ca_file.display()
    );
    let relay = format!(
        "kind = \"smtp\"\nhost = \"localhost\"\nport = {}\nuser = \"{}\"\npassword = \"smtp.password\"\nca_file = \"{}\"",
        postfix.tls_port,
        dovecot.user,
        postfix.ca_file().display()
    );
    let house = House::new(&inbox, &relay, "example.org");
    for name in ["imap.password", "smtp.password"] {
        house.secret(name, dovecot.password.as_bytes());
    }
    house
}

/// A Postfix that delivers the house's mail into the Dovecot.
fn postfix_for(dovecot: &Dovecot, options: &Options<'_>) -> Postfix {
    let maildir = dovecot.maildir();
    let mailboxes: [(&str, &Path); 1] = [(OWN, &maildir)];
    Postfix::start_with(&Options { mailboxes: &mailboxes, auth_port: Some(dovecot.auth_port), ..*options })
}

#[test]
fn a_house_in_order_has_nothing_to_do() {
    let house = House::of_folders();
    let early = Report::new("rita@example.org", "early");
    house.deliver(&early);
    let checked = Checked::of(&house, &[]);
    checked.ends(OK, 0).has("store", "ok", &["no database yet"]).has("inbox", "warning", &["1 mail", "--adopt quiet"]);
    assert_eq!(house.start(&["run", "--once", "--adopt", "quiet"], &[]).ended().code, Some(OK));
    let checked = Checked::of(&house, &["--roundtrip"]);
    checked.ends(OK, 0).has("store", "ok", &["journal hold"]).has("inbox", "ok", &["0 mails"]);
    checked.has("keys", "ok", &["sign and decrypt", "never expires"]).has("roundtrip", "ok", &["a folder"]);
    // For people: the level, the area, and what was found, a line each.
    let out = house.path("words");
    let people = house.start_as(&["check"], &[], |command| said_into(command, &out));
    assert_eq!(people.ended().code, Some(OK));
    let text = fs::read_to_string(out).unwrap();
    assert!(text.lines().any(|line| line.starts_with("ok       policy     the built-in policy")), "{text}");
    assert!(text.lines().any(|line| line.starts_with("warning  files      others may look into")), "{text}");
}

#[test]
fn a_secret_that_others_may_read_is_named_with_every_other_mistake_of_the_settings() {
    let house = House::of_folders();
    fs::set_permissions(house.path("instance.key"), fs::Permissions::from_mode(0o644)).unwrap();
    house.change("role = \"lead\"", "role = \"boss\"");
    let checked = Checked::of(&house, &[]);
    checked.ends(CONFIG, 2).has("settings", "to-do", &["instance.key", "chmod go="]);
    checked.has("settings", "to-do", &["member[0].role", "lead"]);
}

#[test]
fn settings_that_others_may_change_are_a_thing_to_do() {
    let house = House::of_folders();
    fs::set_permissions(house.settings(), fs::Permissions::from_mode(0o666)).unwrap();
    Checked::of(&house, &[]).ends(CONFIG, 1).has("files", "to-do", &["others may write", "chmod go-w"]);
}

#[test]
fn templates_and_policy_and_a_site_are_all_looked_at() {
    let house = House::of_folders();
    fs::create_dir(house.path("words")).unwrap();
    fs::write(house.path("words/acknowledgement.txt"), "Subject: {{ nonsense }}\n\n{{ nothing }}\n").unwrap();
    fs::write(house.path("policy.toml"), "nonsense = 1\n").unwrap();
    house.change("[daemon]", "[templates]\nfolder = \"words\"\n[policy]\nfile = \"policy.toml\"\n[daemon]");
    let checked = Checked::of(&house, &[]);
    assert_eq!(checked.code, Some(CONFIG));
    checked.has("policy", "to-do", &["policy.toml:1"]).has("inbox", "ok", &["Maildir"]);
    assert!(checked.found.iter().any(|(area, level, _)| area == "templates" && level == "to-do"), "{checked:#?}");
}

#[test]
fn a_damaged_database_and_one_with_another_key_are_told() {
    let house = House::of_folders();
    house.deliver(&Report::new("rita@example.org", "one"));
    house.start(&["run", "--once", "--adopt", "ack"], &[]).ended();
    house.secret("database.key", &[9; 32]);
    Checked::of(&house, &[]).ends(DATA, 1).has("store", "to-do", &["key"]);
    house.secret("database.key", &[8; 32]);
    Checked::of(&house, &[]).ends(OK, 0);
    let path = house.path("state/postern.db");
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, bytes).unwrap();
    Checked::of(&house, &[]).ends(DATA, 1).has("store", "to-do", &["damaged"]).has("relay", "ok", &["folder"]);
}

#[test]
fn keys_that_have_expired_or_will_soon_are_told() {
    let house = House::of_folders();
    let gpg = Gnupg::new();
    fs::create_dir(house.path("certificates")).unwrap();
    let mut prints = Vec::new();
    for (name, made, expires) in [("ana", 0, "20d"), ("bo", 3, "1d"), ("team", 0, "5d")] {
        gpg.set_clock(now().0 - made * DAY - 60);
        let print = gpg.generate(name, &format!("{name}@example.org"), Kind::Curve25519, expires);
        fs::write(house.path(&format!("certificates/{name}.asc")), gpg.export(&print)).unwrap();
        prints.push(print);
    }
    house.secret("team.key", &gpg.export_secret(&prints[2]));
    house.change("secret = [\"team.key\"]", "secret = [\"team.key\"]\ncertificates = \"certificates\"");
    house.change("role = \"lead\"", &format!("role = \"lead\"\nfingerprint = \"{}\"", prints[0]));
    house.change("name = \"Bo\"", &format!("name = \"Bo\"\nfingerprint = \"{}\"", prints[1]));
    let checked = Checked::of(&house, &[]);
    checked.ends(CONFIG, 1).has("keys", "to-do", &["member Bo", "expired", "keys.certificates"]);
    checked.has("keys", "warning", &["member Ana", "19 days", "extend it now"]);
    checked.has("keys", "warning", &["key of the address", "4 days", "today"]);
    gpg.set_clock(now().0 - 3 * DAY);
    let old = gpg.generate("old", "old@example.org", Kind::Curve25519, "1d");
    house.secret("team.key", &gpg.export_secret(&old));
    Checked::of(&house, &[]).ends(CONFIG, 1).has("keys", "to-do", &["expired"]).has("store", "ok", &["no database"]);
}

#[test]
fn a_wrong_password_and_a_wrong_certificate_are_told_for_each_server() {
    let dovecot = Dovecot::start();
    let postfix = postfix_for(&dovecot, &Options::default());
    let house = house_at(&dovecot, &postfix);
    for name in ["imap.password", "smtp.password"] {
        house.secret(name, b"guessed");
    }
    let checked = Checked::of(&house, &[]);
    checked.ends(NO_PERMISSION, 2).has("inbox", "to-do", &["localhost", "refuses the login", "password file"]);
    checked.has("relay", "to-do", &["localhost", "refused our name or password"]);

    let house = house_at(&dovecot, &postfix);
    let stranger = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap().cert.pem();
    fs::write(house.path("other.pem"), stranger).unwrap();
    house.change(&format!("ca_file = \"{}\"", dovecot.ca_file.display()), "ca_file = \"other.pem\"");
    let checked = Checked::of(&house, &[]);
    checked.ends(PROTOCOL, 1).has("inbox", "to-do", &["certificate", "issuer is unknown", "ca_file"]);
    checked.has("relay", "ok", &["over TLS", "logged in"]).has("relay", "ok", &["50 MiB"]);
}

#[test]
fn folders_that_are_not_there_are_told_and_the_archive_is_made() {
    let dovecot = Dovecot::start();
    let postfix = postfix_for(&dovecot, &Options::default());
    let house = house_at(&dovecot, &postfix);
    house.change("[[relay]]", "mailbox = \"Missing\"\njunk = \"Spam\"\n[[relay]]");
    let checked = Checked::of(&house, &[]);
    checked.ends(CONFIG, 2).has("inbox", "to-do", &["Missing", "inbox.mailbox"]);
    checked.has("inbox", "to-do", &["Spam", "inbox.junk"]).has("inbox", "ok", &["archive folder postern"]);
    assert!(dovecot.folders().contains(&"postern".to_owned()));
}

#[test]
fn a_server_that_can_less_is_told_with_what_that_means() {
    let dovecot = Dovecot::start_with(dovecot::Options { capabilities: "", ..dovecot::Options::default() });
    let postfix = postfix_for(&dovecot, &Options::default());
    let house = house_at(&dovecot, &postfix);
    let checked = Checked::of(&house, &[]);
    checked.ends(OK, 0).has("inbox", "warning", &["neither MOVE nor UIDPLUS", "keyword"]);
    checked.has("inbox", "warning", &["no IDLE", "60 seconds"]);
}

#[test]
fn a_round_trip_says_what_the_host_keeps_and_leaves_nothing_behind() {
    let dovecot = Dovecot::start();
    let results = [("example.org", "Authentication-Results: mx.example.org 1; dmarc=pass header.from=example.org")];
    let postfix = postfix_for(&dovecot, &Options { prepend: &results, ..Options::default() });
    let house = house_at(&dovecot, &postfix);
    house.rest();
    let old = Report::new("rita@example.org", "old");
    dovecot.deliver(&old.bytes);
    let checked = Checked::of(&house, &["--roundtrip"]);
    checked.ends(OK, 0).has("roundtrip", "ok", &["in the inbox after"]);
    checked.has("roundtrip", "ok", &["addressing.plus", "is delivered"]);
    checked.has("roundtrip", "ok", &["addressing.bounce_address", "keyed sender is kept"]);
    checked.has("roundtrip", "ok", &["null sender would be kept"]);
    checked.has("roundtrip", "ok", &["Message-IDs are kept"]).has("roundtrip", "ok", &["inbox.archive"]);
    checked.has("roundtrip", "warning", &["authentication.authserv_ids = [\"mx.example.org\"]"]);
    assert_eq!(dovecot.mails(""), [old.bytes], "other mail lies where it lay");
    assert_eq!(dovecot.count("postern"), 0);
    assert!(
        dovecot.files("")[0].to_str().is_some_and(|name| name.ends_with(":2,") || name.contains("/new/")),
        "unread"
    );

    house.change("[daemon]", "[authentication]\nauthserv_ids = [\"elsewhere.example\"]\n[daemon]");
    Checked::of(&house, &["--roundtrip"]).ends(CONFIG, 1).has(
        "roundtrip",
        "to-do",
        &["mx.example.org", "does not name"],
    );
    house.change("elsewhere.example", "MX.example.org");
    Checked::of(&house, &["--roundtrip"]).ends(OK, 0).has("roundtrip", "ok", &["the host writes mx.example.org"]);
}

#[test]
fn a_host_that_drops_plus_addresses_is_found_out_with_the_settings_to_change() {
    let dovecot = Dovecot::start();
    let postfix = postfix_for(&dovecot, &Options { without_detail: true, ..Options::default() });
    let house = house_at(&dovecot, &postfix);
    let checked = Checked::of(&house, &["--roundtrip"]);
    checked.ends(CONFIG, 1).has(
        "roundtrip",
        "to-do",
        &["addressing.plus = false", "550 5.1.1", "recipient_delimiter = +", "addressing.bounce_address = \"null\""],
    );
    house.change("[daemon]", "[addressing]\nplus = false\nbounce_address = \"null\"\n[daemon]");
    let checked = Checked::of(&house, &["--roundtrip"]);
    checked.ends(OK, 0).has("roundtrip", "ok", &["null sender is kept"]).has("roundtrip", "ok", &["and not used"]);
    assert_eq!((dovecot.count(""), dovecot.count("postern")), (0, 0));
}

#[test]
fn a_round_trip_waits_for_the_daemon_to_be_stopped_and_the_rest_is_looked_at_beside_it() {
    let house = House::of_folders();
    let daemon = house.start(&["run"], &[]);
    wait_until("the daemon is up", || house.is_up());
    let checked = Checked::of(&house, &["--roundtrip"]);
    checked.ends(TEMPORARY, 1).has("roundtrip", "to-do", &["a daemon is running", "stop it"]);
    checked.has("store", "ok", &["beside the running daemon"]);
    house.deliver(&Report::new("rita@example.org", "meanwhile"));
    wait_until("the daemon still works", || house.waiting() == 0);
    assert_eq!(daemon.stopped().code, Some(OK));
    Checked::of(&house, &[]).ends(OK, 0);
}
