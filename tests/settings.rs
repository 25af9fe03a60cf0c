//! The settings file, from outside: what loads, what is refused and in which words, and that the pages tell the truth.
#![expect(clippy::unwrap_used, clippy::string_slice, reason = "a test that cannot go on must fail")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use postern::domain::id::{CaseId, Seed};
use postern::settings::checked::{
    Audience, BounceAddress, FolderChoice, Inbox, Intake, LoginSecret, MemberRole, Relay, Security, Settings, Settle,
};
use postern::settings::schema::schema;
use postern::settings::{Mistakes, reference};
use tempfile::TempDir;

const ANA: &str = "89ABCDEF0123456789ABCDEF0123456789ABCDEF";
const BO: &str = "FEDCBA9876543210FEDCBA9876543210FEDCBA98";
const PASSWORD: &str = "correct horse";

/// A folder with every file that the settings of these tests name.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        for folder in ["state", "certs", "site", "templates", "Maildir", "out"] {
            fs::create_dir(place.path(folder)).unwrap();
        }
        for key in ["instance.key", "database.key"] {
            place.secret(key, &[7; 32]);
        }
        place.secret("password", format!("{PASSWORD}\n").as_bytes());
        place.secret("team.key", b"not looked into here");
        for file in ["ca.pem", "policy.toml"] {
            fs::write(place.path(file), "").unwrap();
        }
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn secret(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).unwrap();
        self.chmod(name, 0o600);
    }

    fn chmod(&self, name: &str, mode: u32) {
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(mode)).unwrap();
    }

    fn load_with(&self, text: &str, environment: &[(&str, &str)]) -> Result<Settings, Mistakes> {
        let file = self.path("postern.toml");
        fs::write(&file, text).unwrap();
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Settings::load(&file, environment)
    }

    fn load(&self, text: &str) -> Result<Settings, Mistakes> {
        self.load_with(text, &[])
    }

    /// The mistakes as printed, with the folder's name taken out.
    fn complaints_with(&self, text: &str, environment: &[(&str, &str)]) -> Vec<String> {
        let folder = format!("{}/", self.0.path().display());
        match self.load_with(text, environment) {
            Ok(_) => Vec::new(),
            Err(mistakes) => mistakes.to_string().lines().map(|line| line.replace(&folder, "")).collect(),
        }
    }

    fn complaints(&self, text: &str) -> Vec<String> {
        self.complaints_with(text, &[])
    }

    /// Asserts that the text has exactly one mistake.
    #[track_caller]
    fn refuses(&self, text: &str, complaint: &str) {
        assert_eq!(self.complaints(text), [complaint]);
    }
}

/// The smallest file that loads. Relative paths, so that it needs no replacing.
fn least() -> String {
    format!(
        r#"[instance]
name = "example"
project = "Example Project"
address = "security@example.org"
case_prefix = "EX"
state_dir = "state"
key = "instance.key"
[store]
key = "database.key"
[inbox]
kind = "imap"
host = "imap.example.org"
user = "security"
password = "password"
[[relay]]
kind = "smtp"
host = "smtp.example.org"
[keys]
secret = ["team.key"]
[[member]]
name = "Ana"
address = "ana@example.org"
fingerprint = "{ANA}"
"#
    )
}

fn named(folder: &str) -> FolderChoice {
    FolderChoice::Named(folder.to_owned())
}

fn password_of(secret: &LoginSecret) -> &str {
    let LoginSecret::Password(text) = secret else { return "" };
    text.text()
}

/// The smallest file with one piece of text exchanged for another.
#[track_caller]
fn least_but(from: &str, to: &str) -> String {
    let text = least();
    assert!(text.contains(from), "{from}");
    text.replacen(from, to, 1)
}

fn with_lines(more: &str) -> String {
    format!("{}{more}\n", least())
}

#[test]
fn the_smallest_file_gets_every_default() {
    let place = Place::new();
    let settings = place.load(&least()).unwrap();
    assert_eq!(settings.instance.language, "en");
    assert_eq!(settings.store.path, place.path("state/postern.db"));
    assert_eq!(settings.store.key.bytes(), [7; 32]);
    let Inbox::Imap(imap) = &settings.inbox else { panic!("{:?}", settings.inbox) };
    assert_eq!((imap.port, imap.security, imap.settle), (993, Security::Tls, Settle::Move));
    assert_eq!((imap.mailbox.as_str(), &imap.archive, imap.poll_seconds), ("INBOX", &named("postern"), 60));
    assert_eq!(
        (&imap.junk, &imap.sent),
        (&Some(FolderChoice::Auto), &None),
        "spam is looked at unless it is named otherwise"
    );
    assert_eq!(password_of(&imap.secret), PASSWORD);
    let Relay::Smtp(smtp) = &settings.relays[0] else { panic!("{:?}", settings.relays) };
    assert_eq!((smtp.port, smtp.connections), (465, 4));
    assert!(smtp.login.is_none());
    assert_eq!(settings.members[0].role, MemberRole::Member);
    assert_eq!(settings.privacy.clear.iter().copied().collect::<Vec<_>>(), [Audience::Reporter]);
    assert!(settings.addressing.plus);
    assert_eq!(settings.addressing.bounce_address, BounceAddress::Verp);
    assert_eq!(settings.limits.message_bytes, 36_700_160);
    assert_eq!(
        (settings.limits.acks_per_address_per_day, settings.limits.acks_per_hour, settings.limits.attempts),
        (3, 60, 3)
    );
    assert_eq!(settings.daemon.socket, place.path("state/postern.sock"));
    assert_eq!(settings.daemon.free_bytes_min, 536_870_912);
    assert!(settings.publish.site.is_none() && settings.policy.is_none() && settings.intake.is_empty());
}

#[test]
fn ports_follow_the_protection() {
    let place = Place::new();
    for (security, imap_port, smtp_port) in [("tls", 993, 465), ("starttls", 143, 587), ("plain", 143, 25)] {
        let text = least()
            .replace("imap.example.org\"", &format!("localhost\"\nsecurity = \"{security}\""))
            .replace("smtp.example.org\"", &format!("127.0.0.1\"\nsecurity = \"{security}\""));
        let settings = place.load(&text).unwrap();
        let (Inbox::Imap(imap), Relay::Smtp(smtp)) = (&settings.inbox, &settings.relays[0]) else { panic!() };
        assert_eq!((imap.port, smtp.port), (imap_port, smtp_port), "{security}");
    }
}

#[test]
fn every_mistake_is_reported_in_one_run_with_its_line() {
    let place = Place::new();
    let text = least()
        .replace("host = \"imap", "hots = \"imap")
        .replace("case_prefix = \"EX\"", "case_prefix = 7")
        .replace("address = \"ana@example.org\"", "address = \"ana\"")
        .replace("host = \"smtp.example.org\"", "host = \"smtp.example.org\"\nconnections = 51\nsecurity = \"tsl\"")
        .replace("project = \"Example Project\"\n", "");
    let expected = [
        "postern.toml:1: instance.project: missing; the project's name as people read it",
        "postern.toml:4: instance.case_prefix: expected text, found a number",
        "postern.toml:9: inbox.host: missing; host name of the IMAP server",
        "postern.toml:11: inbox.hots: unknown key; did you mean \"host\"?",
        "postern.toml:17: relay[0].connections: must lie between 1 and 50",
        "postern.toml:18: relay[0].security: must be one of \"tls\", \"starttls\", \"plain\"; did you mean \"tls\"?",
        "postern.toml:23: member[0].address: must be a mail address of the form name@domain, without a name around it",
    ];
    assert_eq!(place.complaints(&text), expected);
}

#[test]
fn a_key_that_nothing_resembles_gets_the_list_of_known_ones() {
    let place = Place::new();
    place.refuses(
        &with_lines("[log]\ncolour = true"),
        "postern.toml:25: log.colour: unknown key; known here: format, level",
    );
    place.refuses(
        &with_lines("[lof]\nlevel = \"info\""),
        "postern.toml:24: lof: unknown section; did you mean \"log\"?",
    );
    place.refuses(
        &with_lines("[publish.lists]\nname = \"a\""),
        "postern.toml:24: publish.lists: unknown section; did you mean \"list\"?",
    );
}

#[test]
fn text_that_is_no_toml_gives_its_lines_and_nothing_else() {
    let place = Place::new();
    let complaints = place.complaints("[instance]\nname = \nproject = \"x\"\naddress = nonsense\n");
    assert_eq!(complaints.len(), 2, "{complaints:?}");
    assert!(complaints[0].starts_with("postern.toml:2: not TOML: "), "{complaints:?}");
    assert!(complaints[1].starts_with("postern.toml:4: not TOML: "), "{complaints:?}");
}

#[test]
fn a_section_of_the_wrong_form_is_one_mistake() {
    let place = Place::new();
    place.refuses(
        &least_but("[[relay]]", "[relay]"),
        "postern.toml:15: relay: must be written in double brackets, [[relay]]",
    );
    let text = least_but("[store]\nkey = \"database.key\"\n", "").replace("[instance]", "store = 3\n[instance]");
    place.refuses(&text, "postern.toml:1: store: must be a section of its own, [store]");
}

#[test]
fn an_empty_file_asks_for_what_is_required_once_each() {
    let complaints = Place::new().complaints("");
    for key in ["instance.name", "instance.key", "store.key", "inbox.kind", "relay", "keys.secret", "member"] {
        let begin = format!("postern.toml: {key}: missing");
        assert_eq!(complaints.iter().filter(|line| line.starts_with(&begin)).count(), 1, "{key}: {complaints:#?}");
    }
    assert_eq!(complaints.len(), 11, "{complaints:#?}");
}

#[test]
fn a_file_that_is_not_there_is_a_mistake_with_a_way_out() {
    let error = Settings::load(Path::new("/nonexistent/postern.toml"), []).unwrap_err().to_string();
    assert!(error.contains("postern init"), "{error}");
}

#[test]
fn an_address_leaves_room_for_what_is_put_behind_its_local_part() {
    let place = Place::new();
    let address = |bytes: usize| least_but("security@example.org", &format!("{}@example.org", "s".repeat(bytes)));
    let settings = place.load(&address(24)).unwrap();
    let (key, base) = (&settings.instance.key, &settings.instance.address);
    let id = key.message_id("example.org", Seed([7; 16]), 3);
    assert_eq!(key.bounce_address(base, &id).local().len(), 64, "the longest return path fills the room exactly");
    assert!(key.reply_address(base, CaseId(i64::MAX), "r1").local().len() <= 64);
    let complaints = place.complaints(&address(25));
    assert_eq!(complaints.len(), 1, "{complaints:?}");
    assert!(
        complaints[0].starts_with("postern.toml:4: instance.address: has 25 bytes before the \"@\""),
        "{complaints:?}"
    );
    assert!(complaints[0].contains("at most 24"), "{complaints:?}");
    let without = format!("{}[addressing]\nplus = false\nbounce_address = \"plain\"\n", address(64));
    place.load(&without).unwrap_or_else(|mistakes| panic!("{mistakes}"));
}

#[test]
fn a_language_without_mails_is_refused() {
    let place = Place::new();
    place.refuses(
        &least_but("case_prefix", "language = \"pt-BR\"\ncase_prefix"),
        "postern.toml:5: instance.language: must be one of the languages that there are mails in: en",
    );
}

#[test]
fn the_environment_overrides_the_file() {
    let place = Place::new();
    let environment = [
        ("POSTERN__LIMITS__ATTEMPTS", "5"),
        ("POSTERN__INSTANCE__PROJECT", "007"),
        ("POSTERN__ADDRESSING__PLUS", "false"),
        ("POSTERN__ADDRESSING__BOUNCE_ADDRESS", "null"),
        ("POSTERN__PRIVACY__CLEAR", "team, maintainer"),
        ("POSTERN__AUTHENTICATION__AUTHSERV_IDS", "MX1.example.org"),
        ("POSTERN_PROFILE", "dev"),
        ("HOME", "/root"),
    ];
    let settings = place.load_with(&with_lines("[limits]\nattempts = 2"), &environment).unwrap();
    assert_eq!(settings.limits.attempts, 5);
    assert_eq!(settings.instance.project, "007");
    assert!(!settings.addressing.plus);
    assert_eq!(settings.addressing.bounce_address, BounceAddress::Null);
    assert_eq!(settings.privacy.clear.iter().copied().collect::<Vec<_>>(), [Audience::Team, Audience::Maintainer]);
    assert_eq!(settings.authentication.authserv_ids, ["mx1.example.org"]);
    let nobody = place.load_with(&least(), &[("POSTERN__PRIVACY__CLEAR", "")]).unwrap();
    assert!(nobody.privacy.clear.is_empty());
}

#[test]
fn mistakes_in_the_environment_name_the_variable() {
    let place = Place::new();
    let one = |variable, value| place.complaints_with(&least(), &[(variable, value)]);
    assert_eq!(
        one("POSTERN__INBOX__HOTS", "x"),
        ["environment: POSTERN__INBOX__HOTS: unknown key; did you mean \"host\"?"]
    );
    assert_eq!(
        one("POSTERN__LIMITS__ATTEMPTS", "many"),
        ["environment: POSTERN__LIMITS__ATTEMPTS: expected a whole number, found text"]
    );
    assert_eq!(
        one("POSTERN__LIMITS__ATTEMPTS", "0"),
        ["environment: POSTERN__LIMITS__ATTEMPTS: must lie between 1 and 20"]
    );
    assert_eq!(
        one("POSTERN__INSTANCE__ADDRESS", "nobody"),
        [
            "environment: POSTERN__INSTANCE__ADDRESS: must be a mail address of the form name@domain, without a name around it"
        ]
    );
    assert_eq!(one("POSTERN__LOGLEVEL", "x").len(), 1);
    assert_eq!(
        one("POSTERN__RELAY__0__HOST", "x"),
        ["environment: POSTERN__RELAY__0__HOST: a list of tables cannot be overridden; change [[relay]] in the file"]
    );
    assert_eq!(one("POSTERN__MEMBER__NAME", "x").len(), 1);
    assert_eq!(one("POSTERN__KEYS__PINS__A@B", "x").len(), 1);
}

#[test]
fn secrets_cannot_be_overridden_and_are_never_repeated() {
    let place = Place::new();
    for variable in ["INBOX__PASSWORD", "INSTANCE__KEY", "STORE__KEY", "KEYS__SECRET", "KEYS__PASSPHRASE"] {
        let variable = format!("POSTERN__{variable}");
        assert_eq!(
            place.complaints_with(&least(), &[(&variable, "hunter2")]),
            [format!("environment: {variable}: a secret's file cannot be overridden; change it in the settings file")]
        );
    }
}

#[test]
fn a_password_in_the_file_is_refused_and_not_repeated() {
    let place = Place::new();
    place.refuses(
        &least_but("password = \"password\"", "password = \"hunter2\""),
        "postern.toml:14: inbox.password: no such file; this key names a file that holds the password, \
         or credential:NAME, and never holds the password itself",
    );
    for wrong in
        ["password = 482913", "password = [\"482913\"]", "password = \"credential:482913\"", "password = \"482913\""]
    {
        let complaints = place.complaints(&least_but("password = \"password\"", wrong));
        assert_eq!(complaints.len(), 1);
        assert!(!complaints[0].contains("482913"), "{complaints:?}");
    }
}

#[test]
fn secrets_do_not_show_when_the_settings_are_printed() {
    let shown = format!("{:?}", Place::new().load(&least()).unwrap());
    assert!(!shown.contains(PASSWORD) && !shown.contains("7, 7, 7") && !shown.contains("not looked into"), "{shown}");
}

#[test]
fn a_secret_that_others_may_read_is_refused_with_the_command_that_helps() {
    let place = Place::new();
    for mode in [0o640, 0o604, 0o620, 0o601] {
        place.chmod("password", mode);
        let folder = place.0.path().display().to_string();
        let complaints = place.load(&least()).unwrap_err().to_string();
        assert!(
            complaints.ends_with(&format!("others may use {folder}/password; run: chmod go= {folder}/password")),
            "{complaints}"
        );
    }
    place.chmod("password", 0o400);
    assert!(place.load(&least()).is_ok());
}

#[test]
fn credentials_are_looked_up_where_systemd_puts_them() {
    let place = Place::new();
    fs::create_dir(place.path("credentials")).unwrap();
    place.secret("credentials/imap", b"from systemd");
    // The folder is closed to everybody else, so the files' mode is systemd's affair.
    place.chmod("credentials/imap", 0o440);
    let text = least_but("password = \"password\"", "password = \"credential:imap\"");
    let folder = place.path("credentials").display().to_string();
    let settings = place.load_with(&text, &[("CREDENTIALS_DIRECTORY", &folder)]).unwrap();
    let Inbox::Imap(imap) = settings.inbox else { panic!() };
    assert_eq!(password_of(&imap.secret), "from systemd");
    // By hand there is no such folder: the file lies beside the settings, and must be closed.
    assert!(place.complaints(&text)[0].contains("no such file"));
    place.secret("imap", b"by hand");
    let Inbox::Imap(imap) = place.load(&text).unwrap().inbox else { panic!() };
    assert_eq!(password_of(&imap.secret), "by hand");
    place.chmod("imap", 0o440);
    assert!(place.complaints(&text)[0].contains("chmod go="));
    let out = least_but("password = \"password\"", "password = \"credential:../password\"");
    assert_eq!(place.complaints_with(&out, &[("CREDENTIALS_DIRECTORY", &folder)]).len(), 1);
}

#[test]
fn a_secret_of_the_wrong_content_is_refused() {
    let place = Place::new();
    let all = |place: &Place| place.complaints(&least()).join("\n");
    place.secret("instance.key", &[7; 31]);
    assert!(all(&place).contains("holds 31 bytes, and the key needs at least 32"), "{}", all(&place));
    place.secret("instance.key", &[7; 32]);
    for (content, word) in
        [(&b""[..], "empty"), (b"\n", "empty"), (b"a\nb\n", "more than one line"), (b"\xff", "UTF-8")]
    {
        place.secret("password", content);
        assert!(all(&place).contains(word), "{}", all(&place));
    }
    place.secret("password", &vec![b'x'; (1 << 20) + 1]);
    assert!(all(&place).contains("larger than"), "{}", all(&place));
}

#[test]
fn plain_connections_are_for_this_machine_alone() {
    let place = Place::new();
    for host in ["imap.example.org", "192.0.2.1", "localhost.example.org", "::2"] {
        let text = least_but("imap.example.org\"", &format!("{host}\"\nsecurity = \"plain\""));
        let complaints = place.complaints(&text);
        assert!(
            complaints.len() == 1 && complaints[0].contains("inbox.security: \"plain\" is for this machine"),
            "{complaints:?}"
        );
    }
    for host in ["localhost", "LOCALHOST.", "127.0.0.1", "127.1.2.3", "::1"] {
        let text = least_but("smtp.example.org\"", &format!("{host}\"\nsecurity = \"plain\""));
        assert!(place.load(&text).is_ok(), "{host}");
    }
}

#[test]
fn a_member_without_key_needs_permission_for_clear_text() {
    let place = Place::new();
    let keyless = least_but(&format!("fingerprint = \"{ANA}\"\n"), "");
    place.refuses(
        &keyless,
        "postern.toml:20: member[0].fingerprint: missing, and the team may not be written to in clear text; \
         give the member's full fingerprint, or add \"team\" to clear in [privacy]",
    );
    assert!(place.load(&format!("{keyless}[privacy]\nclear = [\"team\"]\n")).is_ok());
    let pinned = place.load(&format!("{keyless}[keys.pins]\n\"Ana@example.org\" = \"{BO}\"\n")).unwrap();
    assert_eq!(pinned.members[0].fingerprint.as_ref().unwrap().as_str(), BO);
}

#[test]
fn a_pin_and_a_member_must_agree() {
    let place = Place::new();
    place.refuses(
        &with_lines(&format!("[keys.pins]\n\"ana@example.org\" = \"{BO}\"")),
        "postern.toml:23: member[0].fingerprint: differs from the one in [keys.pins]; keep the right one",
    );
    place.refuses(
        &with_lines("[keys.pins]\n\"x@example.org\" = \"DEADBEEF\""),
        "postern.toml:25: keys.pins.x@example.org: must be a full OpenPGP fingerprint of 40 or 64 hexadecimal digits; a key id is too short",
    );
    assert_eq!(place.complaints(&with_lines(&format!("[keys.pins]\nana = \"{BO}\"\n\"b@c.org\" = 3"))).len(), 2);
}

#[test]
fn members_have_addresses_of_their_own() {
    let place = Place::new();
    let another = |address: &str| {
        with_lines(&format!("[[member]]\nname = \"Bo\"\naddress = \"{address}\"\nfingerprint = \"{BO}\""))
    };
    assert!(place.load(&another("bo@example.org")).is_ok());
    place.refuses(
        &another("ANA@example.org"),
        "postern.toml:26: member[1].address: belongs to another member already; each member has an address of his own",
    );
    place.refuses(
        &another("security@example.org"),
        "postern.toml:26: member[1].address: is the instance's own address; give the member's personal one",
    );
}

#[test]
fn keys_of_another_kind_are_refused() {
    let place = Place::new();
    place.refuses(
        &least_but("kind = \"smtp\"", "kind = \"folder\"\npath = \"out\""),
        "postern.toml:18: relay[0].host: only means something with kind = \"smtp\"; remove it",
    );
    let maildir = least_but(
        "kind = \"imap\"\nhost = \"imap.example.org\"\nuser = \"security\"\npassword = \"password\"",
        "kind = \"maildir\"\npath = \"Maildir\"",
    );
    let settings = place.load(&maildir).unwrap();
    let Inbox::Maildir { path, archive } = settings.inbox else { panic!() };
    assert_eq!((path, archive), (place.path("Maildir"), place.path("Maildir/.postern")));
}

#[test]
fn a_name_and_a_password_go_together() {
    let place = Place::new();
    let relay =
        |lines: &str| least_but("host = \"smtp.example.org\"", &format!("host = \"smtp.example.org\"\n{lines}"));
    let complaints = place.complaints(&relay("user = \"x\""));
    assert_eq!(
        complaints,
        [
            "postern.toml:15: relay[0].password: missing; name a file that holds the password, or give password_command or \
         token_command"
        ]
    );
    assert_eq!(place.complaints(&relay("password = \"password\"")).len(), 1);
    let settings = place.load(&relay("user = \"x\"\npassword = \"password\"")).unwrap();
    let Relay::Smtp(smtp) = &settings.relays[0] else { panic!() };
    assert_eq!(
        smtp.login.as_ref().map(|login| (login.user.as_str(), password_of(&login.secret))),
        Some(("x", PASSWORD))
    );
}

#[test]
fn sources_and_lists_are_read() {
    let place = Place::new();
    let settings = place
        .load(&with_lines(
            "[publish]\nsite = \"site\"\nbase_url = \"https://example.org/security\"\n\
             [[publish.list]]\nname = \"oss\"\naddress = \"oss@lists.example.org\"\n\
             [[intake]]\nkind = \"list\"\nlist_id = \"<Security.example.org>\"\n\
             [[intake]]\nkind = \"form\"\naddress = \"www@example.org\"",
        ))
        .unwrap();
    assert_eq!(settings.publish.site.unwrap().base_url, "https://example.org/security");
    assert_eq!((settings.publish.lists[0].name.as_str(), settings.publish.lists[0].prefix.as_str()), ("oss", ""));
    assert_eq!(settings.intake[0], Intake::List { list_id: "security.example.org".to_owned() });
    assert!(matches!(settings.intake[1], Intake::Form { .. }));
}

#[test]
fn values_that_would_fail_later_are_refused_now() {
    let place = Place::new();
    for (text, key) in [
        (least_but("\"example\"", "\"Example\""), "instance.name"),
        (least_but("Example Project", "Example\\nBcc: x@y"), "instance.project"),
        (least_but("\"EX\"", "\"E\""), "instance.case_prefix"),
        (least_but("\"state\"", "\"nowhere\""), "instance.state_dir"),
        (least_but("imap.example.org", "imap.example.org:993"), "inbox.host"),
        (least_but("user = \"security\"", "user = \"security\"\narchive = \"INBOX\""), "inbox.archive"),
        (least_but("user = \"security\"", "user = \"security\"\npoll_seconds = 1741"), "inbox.poll_seconds"),
        (least_but("user = \"security\"", "user = \"security\"\nca_file = \"none.pem\""), "inbox.ca_file"),
        (least_but("[\"team.key\"]", "[]"), "keys.secret"),
        (least_but("[\"team.key\"]", "[\"team.key\", \"none.key\"]"), "keys.secret"),
        (with_lines("[publish]\nsite = \"site\""), "publish.base_url"),
        (with_lines("[publish]\nsite = \"site\"\nbase_url = \"https://example.org/\""), "publish.base_url"),
        (with_lines("[publish]\nsite = \"site\"\nbase_url = \"ftp://example.org\""), "publish.base_url"),
        (with_lines("[addressing]\nplus = false"), "addressing.bounce_address"),
        (with_lines("[limits]\nattempts = 2.5"), "limits.attempts"),
        (with_lines("[[intake]]\nkind = \"form\"\nlist_id = \"a.b\"\naddress = \"a@b.org\""), "intake[0].list_id"),
        (with_lines("[policy]\nfile = \"nowhere.toml\""), "policy.file"),
        (with_lines("[authentication]\nauthserv_ids = [\"mx example\"]"), "authentication.authserv_ids"),
    ] {
        let complaints = place.complaints(&text);
        assert_eq!(complaints.len(), 1, "{key}: {complaints:#?}");
        assert!(complaints[0].contains(&format!(": {key}: ")), "{key}: {complaints:#?}");
    }
}

#[test]
fn a_file_cut_off_anywhere_gives_mistakes_and_no_panic() {
    let place = Place::new();
    let text = sample(&place);
    for (end, _) in text.char_indices().step_by(61) {
        if let Err(mistakes) = place.load(&text[..end]) {
            assert!(!mistakes.0.is_empty(), "cut at {end}");
        }
    }
}

/// The sample, with the paths of a machine that has it all.
fn sample(place: &Place) -> String {
    let mut text = fs::read_to_string("contrib/postern.toml").unwrap();
    for (from, to) in [
        ("/var/lib/postern\"", "state\""),
        ("/var/lib/postern/", "state/"),
        ("/etc/postern/imap.password", "password"),
        ("/etc/postern/smtp.password", "password"),
        ("/etc/postern/team.passphrase", "password"),
        ("/etc/postern/certificates", "certs"),
        ("/etc/postern/templates", "templates"),
        ("/etc/postern/", ""),
        ("/srv/www/security", "site"),
        ("/var/spool/postern", "out"),
        ("/var/mail/security", "Maildir"),
    ] {
        let to =
            if to.is_empty() { format!("{}/", place.0.path().display()) } else { place.path(to).display().to_string() };
        assert!(text.contains(from), "{from}");
        text = text.replace(from, &to).replace("\"\"", "\"");
    }
    text.replace("state\"\"", "state\"")
}

#[test]
fn the_sample_loads() {
    let place = Place::new();
    let settings = place.load(&sample(&place)).unwrap();
    assert_eq!(settings.members.len(), 2);
}

#[test]
fn the_sample_loads_with_every_example_in_it_switched_on() {
    let place = Place::new();
    // What belongs to the other kind of inbox stays off.
    let other = ["#kind = \"maildir\"", "#path = \"", "#archive = \""];
    let mut folder_relay = false;
    let text: Vec<String> = sample(&place)
        .lines()
        .map(|line| {
            folder_relay = folder_relay || line.starts_with("#[[relay]]");
            let example = line.starts_with('#') && !line.starts_with("# ") && line.len() > 1;
            let off = other.iter().any(|begin| line.starts_with(begin))
                && line.contains(&place.0.path().display().to_string());
            // Instead of the password that stands there already.
            let instead = line.starts_with("#password_command") || line.starts_with("#token_command");
            let maildir = instead || line == "#kind = \"maildir\"" || (off && line.contains("Maildir"));
            let store = line.starts_with("#path") && line.contains("postern.db");
            if example && !maildir && !store { line[1..].to_owned() } else { line.to_owned() }
        })
        .collect();
    assert!(folder_relay);
    let settings = place.load(&text.join("\n")).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    assert_eq!((settings.relays.len(), settings.intake.len(), settings.publish.lists.len()), (2, 2, 1));
    assert!(settings.publish.site.is_some() && settings.policy.is_some() && settings.templates.is_some());
}

#[test]
fn the_sample_mentions_every_key() {
    let text = fs::read_to_string("contrib/postern.toml").unwrap();
    let mut section = String::new();
    let mut seen = std::collections::BTreeSet::new();
    for line in text.lines() {
        let line = line.strip_prefix('#').unwrap_or(line);
        if line.starts_with('[') {
            section = line.trim_matches(['[', ']']).to_owned();
            seen.insert(section.clone());
        } else if let Some((key, _)) = line.split_once(" = ") {
            seen.insert(format!("{section}.{key}"));
        }
    }
    for here in schema() {
        for key in here.keys {
            let path = format!("{}.{}", here.path, key.name);
            assert!(seen.contains(&path), "contrib/postern.toml does not mention {path}");
        }
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the one variable that every golden file is rewritten by")]
fn the_reference_page_is_the_schema() {
    let page = Path::new("docs/settings.md");
    if std::env::var("UPDATE_GOLDEN").is_ok_and(|value| value == "1") {
        fs::create_dir_all("docs").unwrap();
        fs::write(page, reference()).unwrap();
    }
    let written = fs::read_to_string(page).unwrap_or_default();
    assert!(written == reference(), "docs/settings.md is old; run UPDATE_GOLDEN=1 cargo test --test settings");
}

#[test]
fn exactly_one_way_to_log_in_is_asked_for_at_once() {
    let place = Place::new();
    place.refuses(
        &least_but("password = \"password\"\n", ""),
        "postern.toml:10: inbox.password: missing; name a file that holds the password, or give password_command or \
         token_command",
    );
    place.refuses(
        &least_but("password = \"password\"", "password = \"password\"\ntoken_command = [\"oama\", \"access\"]"),
        "postern.toml:15: inbox.token_command: says again what \"password\" says; keep one of the two",
    );
    place.refuses(
        &least_but("host = \"smtp.example.org\"", "host = \"smtp.example.org\"\ntoken_command = [\"oama\"]"),
        "postern.toml:15: relay[0].user: missing; name to log in with, if the server asks for one",
    );
    place.refuses(
        &least_but("host = \"smtp.example.org\"", "host = \"smtp.example.org\"\nuser = \"x\""),
        "postern.toml:15: relay[0].password: missing; name a file that holds the password, or give password_command or \
         token_command",
    );
}

#[test]
fn programs_that_print_secrets_are_words_and_are_looked_for() {
    let place = Place::new();
    let with = |words: &str| least_but("password = \"password\"", &format!("password_command = {words}"));
    place.refuses(
        &with("[]"),
        "postern.toml:14: inbox.password_command: names no program; give a list: the program, then its arguments",
    );
    place.refuses(
        &with("[\"pass show mail\"]"),
        "postern.toml:14: inbox.password_command: is run without a shell; write the program and each argument as a text \
         of its own",
    );
    place.refuses(
        &with("[\"./nothing-here\"]"),
        "postern.toml:14: inbox.password_command: the program is not there or may not be run; correct the path, or: \
         chmod u+x FILE",
    );
    place.refuses(
        &with("\"pass\""),
        "postern.toml:14: inbox.password_command: expected a list of texts: a program and its arguments, found text",
    );
    let loaded =
        place.load_with(&with("[\"pass\", \"show\", \"mail\"]"), &[("PATH", "/bin"), ("SECRET", "x")]).unwrap();
    let Inbox::Imap(imap) = &loaded.inbox else { panic!("an IMAP inbox") };
    let LoginSecret::PasswordCommand(command) = &imap.secret else { panic!("a program") };
    assert_eq!(command.words, ["pass", "show", "mail"]);
    assert_eq!(command.environment, [("PATH".to_owned(), "/bin".to_owned())]);
    assert_eq!(format!("{command:?}"), "SecretCommand(inbox.password_command)");
    let overridden = place.complaints_with(&least(), &[("POSTERN__INBOX__PASSWORD_COMMAND", "evil")]);
    assert_eq!(
        overridden,
        ["environment: POSTERN__INBOX__PASSWORD_COMMAND: a program to run cannot be overridden; change it in the \
          settings file"]
    );
}

#[test]
fn folders_may_be_left_to_the_server_or_left_out() {
    let place = Place::new();
    let folders = |text: &str| {
        let loaded = place.load(&least_but("[[relay]]", &format!("{text}\n[[relay]]"))).unwrap();
        let Inbox::Imap(imap) = loaded.inbox else { panic!("an IMAP inbox") };
        (imap.archive, imap.junk, imap.sent)
    };
    let auto = || FolderChoice::Auto;
    assert_eq!(folders("archive = \"auto\"\njunk = \"none\""), (auto(), None, None));
    assert_eq!(folders("settle = \"keep\""), (named("postern"), Some(auto()), Some(auto())));
    assert_eq!(folders("settle = \"keep\"\nsent = \"none\"").2, None);
    assert_eq!(folders("sent = \"Gesendet\"").2, Some(named("Gesendet")));
    place.refuses(
        &least_but("[[relay]]", "junk = \"Spam\"\nsent = \"Spam\"\n[[relay]]"),
        "postern.toml:16: inbox.sent: is the mailbox of the inbox, the archive or the spam; name the folder of sent mail, \
         or remove it",
    );
}
