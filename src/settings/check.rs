//! Turns the file as written into the settings as used, collecting every mistake on the way.
//!
//! Each function checks all of its keys before it gives up, so that one run shows everything.
//! Reads the secret files and looks whether files and folders exist; writes nothing. `None` always
//! means that a mistake was noted.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::domain::id::{Address, Fingerprint};
use crate::domain::token::InstanceKey;

use super::checked::{
    Addressing, Authentication, Commands, Daemon, Instance, Keys, Limits, Log, Member, Privacy, Settings, Store,
};
use super::choice::{Audience, BounceAddress, LogFormat, LogLevel, MemberRole, MessageIdFate};
use super::findings::Findings;
use super::mistake::Mistakes;
use super::raw::{self, Raw};
use super::read::read;
use super::schema::section;
use super::secret::{SecretBytes, SecretCommand, SecretPlace, SecretText};

/// Largest settings file, in bytes.
const FILE_MAX_BYTES: u64 = 1 << 20;
/// Fewest bytes of a key that postern itself uses: 256 bits.
const KEY_LEAST_BYTES: usize = 32;
/// Longest text that is shown to people, in characters.
const SHOWN_MAX_CHARS: usize = 100;
/// Longest short name, in characters.
const NAME_MAX_CHARS: usize = 32;
/// The languages that there are mails in.
const LANGUAGES: &[&str] = &["en"];
/// Longest local part of an address, in bytes (RFC 5321 section 4.5.3.1.1).
const LOCAL_PART_MAX_BYTES: usize = 64;
/// The longest that is put behind the instance's local part, in bytes: a keyed return path, `+b.<20>.<16>`. A reply
/// address, `+<case>.<16>`, is shorter for every case number.
const DETAIL_MAX_BYTES: usize = 40;
/// Longest text of any other kind, in characters.
const TEXT_MAX_CHARS: usize = 1000;

/// What [`Settings::load`] does.
pub(super) fn load(path: &Path, environment: impl IntoIterator<Item = (String, String)>) -> Result<Settings, Mistakes> {
    let environment: Vec<(String, String)> = environment.into_iter().collect();
    let credentials = environment.iter().find(|(name, _)| name == "CREDENTIALS_DIRECTORY");
    let base = path.parent().map(Path::to_owned).unwrap_or_default();
    let mut check = Check {
        secrets: SecretPlace {
            base,
            credentials: credentials.map(|(_, folder)| PathBuf::from(folder)),
            environment: SecretPlace::passed_on(&environment),
        },
        findings: Findings::of(path.display().to_string()),
    };
    match text_of(path) {
        Ok(text) => {
            let raw = read(&text, environment, &mut check.findings);
            // Text that is no TOML has nothing to check: everything would be missing.
            let settings = if check.findings.is_readable() { check.settings(raw) } else { None };
            match settings {
                Some(settings) if check.findings.is_clean() => return Ok(settings),
                Some(_) | None => {}
            }
        }
        Err(error) => check.findings.file_mistake(None, error),
    }
    if check.findings.is_clean() {
        check
            .findings
            .file_mistake(None, "failed to check the settings, for no reason that was noted; report this".to_owned());
    }
    Err(check.findings.into_mistakes())
}

fn text_of(path: &Path) -> Result<String, String> {
    let found = std::fs::metadata(path)
        .map_err(|error| format!("failed to open the settings file: {error}; make one with `postern init`"))?;
    if !found.is_file() || found.len() > FILE_MAX_BYTES {
        return Err(format!("not a settings file: must be a file of at most {FILE_MAX_BYTES} bytes"));
    }
    std::fs::read_to_string(path).map_err(|error| format!("failed to read the settings file: {error}"))
}

/// The place where things are looked up, and what was found.
pub(super) struct Check {
    secrets: SecretPlace,
    pub(super) findings: Findings,
}

impl Check {
    fn settings(&mut self, raw: Raw) -> Option<Settings> {
        let instance = self.instance(raw.instance);
        let state_dir = instance.as_ref().map(|instance| instance.state_dir.clone()).unwrap_or_default();
        let own = instance.as_ref().map(|instance| &instance.address);
        let store = self.store(raw.store, &state_dir);
        let inbox = self.inbox(raw.inbox);
        let relays = self.relays(raw.relay);
        let keys = self.keys(raw.keys);
        let privacy = self.privacy(raw.privacy);
        let members = self.members(raw.member, own, keys.as_ref(), privacy.as_ref());
        let commands = self.commands(&raw.commands);
        let addressing = self.addressing(raw.addressing, own);
        let authentication = self.authentication(raw.authentication);
        let policy = self.optional(raw.policy.file, |check, text| check.file("policy.file", &text));
        let templates = self.optional(raw.templates.folder, |check, text| check.folder("templates.folder", &text));
        let publish = self.publish(raw.publish);
        let intake = self.intake(raw.intake);
        let limits = self.limits(&raw.limits);
        let log = self.log(raw.log);
        let daemon = self.daemon(raw.daemon, &state_dir);
        Some(Settings {
            instance: instance?,
            store: store?,
            inbox: inbox?,
            relays: relays?,
            keys: keys?,
            members: members?,
            privacy: privacy?,
            commands: commands?,
            addressing: addressing?,
            authentication: authentication?,
            policy: policy?,
            templates: templates?,
            publish: publish?,
            intake: intake?,
            limits: limits?,
            log: log?,
            daemon: daemon?,
        })
    }

    fn instance(&mut self, raw: raw::Instance) -> Option<Instance> {
        let name = self.short_name("instance.name", raw.name);
        let project = self.shown("instance.project", raw.project);
        let address = self.address("instance.address", raw.address);
        let case_prefix =
            self.parsed("instance.case_prefix", raw.case_prefix, "must be 2 to 10 capital letters", |text| {
                let fits = (2..=10).contains(&text.len()) && text.chars().all(|c| c.is_ascii_uppercase());
                fits.then(|| text.to_owned())
            });
        let languages = format!("must be one of the languages that there are mails in: {}", LANGUAGES.join(", "));
        let language = self.parsed("instance.language", raw.language, &languages, |text| {
            LANGUAGES.contains(&text).then(|| text.to_owned())
        });
        let state_dir = self.needed_folder("instance.state_dir", raw.state_dir);
        let key = self.key("instance.key", raw.key);
        Some(Instance {
            name: name?,
            project: project?,
            address: address?,
            case_prefix: case_prefix?,
            language: language?,
            state_dir: state_dir?,
            key: InstanceKey::from_secret(key?.bytes()),
        })
    }

    fn store(&mut self, raw: raw::Store, state_dir: &Path) -> Option<Store> {
        let path = match raw.path {
            Some(text) => self.new_file("store.path", &text),
            None => Some(state_dir.join("postern.db")),
        };
        let key = self.key("store.key", raw.key);
        Some(Store { path: path?, key: key? })
    }

    fn keys(&mut self, raw: raw::Keys) -> Option<Keys> {
        let files = self.needed("keys.secret", raw.secret);
        if files.as_ref().is_some_and(Vec::is_empty) {
            self.findings.mistake("keys.secret", "names no file; give the instance's secret key");
        }
        let secret: Option<Vec<SecretBytes>> = files.and_then(|files| {
            let read: Vec<_> =
                files.iter().map(|file| self.secret_bytes("keys.secret", file, "a secret key", 1)).collect();
            read.into_iter().collect()
        });
        let passphrase =
            self.optional(raw.passphrase, |check, text| check.secret_text("keys.passphrase", &text, "the passphrase"));
        let certificates = self.optional(raw.certificates, |check, text| check.folder("keys.certificates", &text));
        let pins = self.pins(raw.pins.unwrap_or_default());
        Some(Keys { secret: secret?, passphrase: passphrase?, certificates: certificates?, pins: pins? })
    }

    fn pins(&mut self, raw: BTreeMap<String, String>) -> Option<BTreeMap<Address, Fingerprint>> {
        let mut pins: BTreeMap<Address, Fingerprint> = BTreeMap::new();
        let count = raw.len();
        for (name, text) in raw {
            let path = format!("keys.pins.{name}");
            let fingerprint = self.fingerprint(&path, text);
            let Some(address) = Address::parse(&name) else {
                self.findings.mistake(&path, "must be an address: \"name@domain\" = \"fingerprint\"");
                continue;
            };
            if pins.keys().any(|known| known.same_mailbox(&address)) {
                self.findings.mistake(&path, "stands here twice; keep one fingerprint for an address");
            } else if let Some(fingerprint) = fingerprint {
                pins.insert(address, fingerprint);
            }
        }
        (pins.len() == count).then_some(pins)
    }

    fn members(
        &mut self,
        raw: Vec<raw::Member>,
        own: Option<&Address>,
        keys: Option<&Keys>,
        privacy: Option<&Privacy>,
    ) -> Option<Vec<Member>> {
        if raw.is_empty() && !self.findings.is_wrong("member") {
            self.findings.mistake("member", "missing; give at least one [[member]] with name and address");
        }
        let count = raw.len();
        let mut members: Vec<Member> = Vec::new();
        for (position, raw) in raw.into_iter().enumerate() {
            let path = format!("member[{position}]");
            let Some(mut member) = self.member(&path, raw) else { continue };
            let at = format!("{path}.address");
            if own.is_some_and(|own| own.same_mailbox(&member.address)) {
                self.findings.mistake(&at, "is the instance's own address; give the member's personal one");
            }
            if members.iter().any(|other| other.address.same_mailbox(&member.address)) {
                self.findings.mistake(&at, "belongs to another member already; each member has an address of his own");
            }
            // Without the keys or the privacy section it is not known what the member needs; they have their own mistakes.
            if let (Some(keys), Some(privacy), false) = (keys, privacy, self.findings.is_wrong("privacy.clear")) {
                self.certificate_of(&path, &mut member, keys, privacy);
            }
            members.push(member);
        }
        (members.len() == count && count > 0).then_some(members)
    }

    fn member(&mut self, path: &str, raw: raw::Member) -> Option<Member> {
        let name = self.shown(&format!("{path}.name"), raw.name);
        let address = self.address(&format!("{path}.address"), raw.address);
        let role = self.word(&format!("{path}.role"), raw.role, MemberRole::parse);
        let at = format!("{path}.fingerprint");
        // A fingerprint of the wrong form was taken out; it is not missing.
        let known_wrong = self.findings.is_wrong(&at);
        let fingerprint = self.optional(raw.fingerprint, |check, text| check.fingerprint(&at, text));
        if known_wrong {
            return None;
        }
        Some(Member { name: name?, address: address?, role: role?, fingerprint: fingerprint? })
    }

    /// A pin stands in for the member's own key, and must not contradict it.
    fn certificate_of(&mut self, path: &str, member: &mut Member, keys: &Keys, privacy: &Privacy) {
        let at = format!("{path}.fingerprint");
        let pin =
            keys.pins.iter().find(|(address, _)| address.same_mailbox(&member.address)).map(|(_, pin)| pin.clone());
        match (&member.fingerprint, pin) {
            (Some(own), Some(pin)) if *own != pin => {
                self.findings.mistake(&at, "differs from the one in [keys.pins]; keep the right one");
            }
            (None, Some(pin)) => member.fingerprint = Some(pin),
            (None, None) if !privacy.clear.contains(&Audience::Team) => self.findings.mistake(
                &at,
                "missing, and the team may not be written to in clear text; give the member's full fingerprint, \
                 or add \"team\" to clear in [privacy]",
            ),
            (Some(_) | None, Some(_) | None) => {}
        }
    }

    fn privacy(&mut self, raw: raw::Privacy) -> Option<Privacy> {
        let words = self.needed("privacy.clear", raw.clear)?;
        Some(Privacy { clear: words.iter().filter_map(|word| Audience::parse(word)).collect() })
    }

    fn commands(&mut self, raw: &raw::Commands) -> Option<Commands> {
        let require_signature = self.needed("commands.require_signature", raw.require_signature);
        let second_member = self.needed("commands.second_member", raw.second_member);
        Some(Commands { require_signature: require_signature?, second_member: second_member? })
    }

    fn addressing(&mut self, raw: raw::Addressing, own: Option<&Address>) -> Option<Addressing> {
        let plus = self.needed("addressing.plus", raw.plus);
        let base_bytes = own.and_then(|own| own.local().split('+').next()).map_or(0, str::len);
        if plus == Some(true) && base_bytes + DETAIL_MAX_BYTES > LOCAL_PART_MAX_BYTES {
            let most = LOCAL_PART_MAX_BYTES - DETAIL_MAX_BYTES;
            let text = format!(
                "has {base_bytes} bytes before the \"@\"; with plus = true at most {most}, since postern puts up to \
                 {DETAIL_MAX_BYTES} bytes behind them and a mail host takes {LOCAL_PART_MAX_BYTES}; take a shorter \
                 address, or set plus = false"
            );
            self.findings.mistake("instance.address", text);
        }
        let bounce_address = self.word("addressing.bounce_address", raw.bounce_address, BounceAddress::parse);
        if plus == Some(false) && bounce_address == Some(BounceAddress::Verp) {
            let text = "\"verp\" needs plus = true, since each bounce comes back to an address of its own; choose \"null\" or \"plain\"";
            self.findings.mistake("addressing.bounce_address", text);
        }
        let message_id = self.word("addressing.message_id", raw.message_id, MessageIdFate::parse);
        Some(Addressing {
            plus: plus?,
            bounce_address: bounce_address?,
            message_id_rewritten: message_id? == MessageIdFate::Rewritten,
        })
    }

    fn authentication(&mut self, raw: raw::Authentication) -> Option<Authentication> {
        let at = "authentication.authserv_ids";
        let ids = self.needed(at, raw.authserv_ids);
        let plain = |c: char| c.is_ascii_graphic() && !";()\"<>".contains(c);
        if ids.iter().flatten().any(|id| id.is_empty() || !id.chars().all(plain)) {
            self.findings.mistake(
                at,
                "must hold the names that begin Authentication-Results headers, such as \"mx.example.org\"",
            );
        }
        let verify_dkim = self.needed("authentication.verify_dkim", raw.verify_dkim);
        let authserv_ids = ids?.iter().map(|id| id.to_lowercase()).collect();
        Some(Authentication { authserv_ids, verify_dkim: verify_dkim? })
    }

    fn limits(&mut self, raw: &raw::Limits) -> Option<Limits> {
        let message_bytes = self.needed("limits.message_bytes", raw.message_bytes);
        let per_day = self.needed("limits.acks_per_address_per_day", raw.acks_per_address_per_day);
        let acks_per_hour = self.needed("limits.acks_per_hour", raw.acks_per_hour);
        let attempts = self.needed("limits.attempts", raw.attempts);
        Some(Limits {
            message_bytes: message_bytes?,
            acks_per_address_per_day: per_day?,
            acks_per_hour: acks_per_hour?,
            attempts: attempts?,
        })
    }

    fn log(&mut self, raw: raw::Log) -> Option<Log> {
        let format = self.word("log.format", raw.format, LogFormat::parse);
        let level = self.word("log.level", raw.level, LogLevel::parse);
        Some(Log { format: format?, level: level? })
    }

    fn daemon(&mut self, raw: raw::Daemon, state_dir: &Path) -> Option<Daemon> {
        let socket = match raw.socket {
            Some(text) => self.new_file("daemon.socket", &text),
            None => Some(state_dir.join("postern.sock")),
        };
        let free_bytes_min = self.needed("daemon.free_bytes_min", raw.free_bytes_min);
        Some(Daemon { socket: socket?, free_bytes_min: free_bytes_min? })
    }
}

/// What every section is checked with.
impl Check {
    /// The value, or a mistake that says what the missing key is for.
    pub(super) fn needed<T>(&mut self, path: &str, value: Option<T>) -> Option<T> {
        let text = meaning(path).map_or("missing".to_owned(), |meaning| format!("missing; {meaning}"));
        self.needed_with(path, value, &text)
    }

    /// The value, or this mistake where the key was not found wrong before.
    pub(super) fn needed_with<T>(&mut self, path: &str, value: Option<T>, text: &str) -> Option<T> {
        if value.is_none() && !self.findings.is_wrong(path) {
            self.findings.mistake(path, text);
        }
        value
    }

    /// `Some(None)` when the key is not there.
    pub(super) fn optional<T>(
        &mut self,
        value: Option<String>,
        check: impl FnOnce(&mut Self, String) -> Option<T>,
    ) -> Option<Option<T>> {
        value.map_or(Some(None), |text| check(self, text).map(Some))
    }

    pub(super) fn parsed<T>(
        &mut self,
        path: &str,
        value: Option<String>,
        objection: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.needed(path, value)?;
        let parsed = parse(&text);
        if parsed.is_none() {
            self.findings.mistake(path, objection);
        }
        parsed
    }

    /// A word of a list; the reader has refused all others.
    pub(super) fn word<T>(&mut self, path: &str, value: Option<String>, parse: fn(&str) -> Option<T>) -> Option<T> {
        self.parsed(path, value, "must be one of the words that the reference lists", parse)
    }

    /// Any text on one line.
    pub(super) fn text(&mut self, path: &str, value: Option<String>) -> Option<String> {
        self.line(path, value, TEXT_MAX_CHARS)
    }

    /// Text on one line that is shown to people, in headers too.
    pub(super) fn shown(&mut self, path: &str, value: Option<String>) -> Option<String> {
        self.line(path, value, SHOWN_MAX_CHARS)
    }

    fn line(&mut self, path: &str, value: Option<String>, most: usize) -> Option<String> {
        let objection = format!("must be 1 to {most} characters without line ends and other control characters");
        self.parsed(path, value, &objection, |text| {
            let fits = !text.trim().is_empty() && text.chars().count() <= most && !text.chars().any(char::is_control);
            fits.then(|| text.trim().to_owned())
        })
    }

    pub(super) fn short_name(&mut self, path: &str, value: Option<String>) -> Option<String> {
        let objection = format!("must be 1 to {NAME_MAX_CHARS} lower-case letters, digits and hyphens");
        self.parsed(path, value, &objection, |text| {
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            let fits = (1..=NAME_MAX_CHARS).contains(&text.len()) && text.chars().all(plain);
            (fits && !text.starts_with('-') && !text.ends_with('-')).then(|| text.to_owned())
        })
    }

    pub(super) fn address(&mut self, path: &str, value: Option<String>) -> Option<Address> {
        self.parsed(
            path,
            value,
            "must be a mail address of the form name@domain, without a name around it",
            Address::parse,
        )
    }

    fn fingerprint(&mut self, path: &str, text: String) -> Option<Fingerprint> {
        let objection = "must be a full OpenPGP fingerprint of 40 or 64 hexadecimal digits; a key id is too short";
        self.parsed(path, Some(text), objection, Fingerprint::parse)
    }

    pub(super) fn folder(&mut self, path: &str, text: &str) -> Option<PathBuf> {
        let folder = self.place(path, text)?;
        if !folder.is_dir() {
            let shown = folder.display();
            self.findings
                .mistake(path, format!("no folder {shown}, or no permission to see it; make it or correct the path"));
            return None;
        }
        Some(folder)
    }

    pub(super) fn needed_folder(&mut self, path: &str, value: Option<String>) -> Option<PathBuf> {
        let text = self.needed(path, value)?;
        self.folder(path, &text)
    }

    pub(super) fn file(&mut self, path: &str, text: &str) -> Option<PathBuf> {
        let file = self.place(path, text)?;
        if !file.is_file() {
            let shown = file.display();
            self.findings.mistake(path, format!("no file {shown}, or no permission to see it; correct the path"));
            return None;
        }
        Some(file)
    }

    /// A file that need not be there, in a folder that must be.
    fn new_file(&mut self, path: &str, text: &str) -> Option<PathBuf> {
        let file = self.place(path, text)?;
        let folder = file.parent().unwrap_or(Path::new(""));
        if file.is_dir() || !(folder.as_os_str().is_empty() || folder.is_dir()) {
            let shown = file.display();
            self.findings.mistake(path, format!("{shown} must be a file in a folder that exists"));
            return None;
        }
        Some(file)
    }

    /// The path as the daemon uses it: relative ones start at the folder of the settings file.
    pub(super) fn place(&mut self, path: &str, text: &str) -> Option<PathBuf> {
        if text.is_empty() || text.chars().any(char::is_control) {
            self.findings.mistake(path, "must be a path");
            return None;
        }
        Some(self.secrets.base.join(text))
    }

    fn key(&mut self, path: &str, value: Option<String>) -> Option<SecretBytes> {
        let reference = self.needed(path, value)?;
        self.secret_bytes(path, &reference, "the key", KEY_LEAST_BYTES)
    }

    fn secret_bytes(&mut self, path: &str, reference: &str, what: &str, least: usize) -> Option<SecretBytes> {
        self.secrets.bytes(reference, what, least).map_err(|text| self.findings.mistake(path, text)).ok()
    }

    pub(super) fn secret_command(&mut self, path: &str, words: Vec<String>) -> Option<SecretCommand> {
        self.secrets.command(path, words).map_err(|text| self.findings.mistake(path, text)).ok()
    }

    pub(super) fn secret_text(&mut self, path: &str, reference: &str, what: &str) -> Option<SecretText> {
        self.secrets.text(reference, what).map_err(|text| self.findings.mistake(path, text)).ok()
    }
}

/// What the schema says about the key at `relay[0].host`.
fn meaning(path: &str) -> Option<&'static str> {
    let (place, name) = path.rsplit_once('.')?;
    let place: String = place.split('[').map(|part| part.split_once(']').map_or(part, |(_, rest)| rest)).collect();
    Some(section(&place)?.key(name)?.meaning)
}
