//! A new installation from a plan: settings, keys, database and a unit for systemd.
//!
//! All of it or nothing: never writes over anything, and takes away what it had made when a later step fails. What was
//! made has been loaded and checked as `run` does it. Touches no network.

mod draft;
mod ground;
mod unit;

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use self::ground::Ground;
use super::assemble;
use super::exit::{CANNOT_CREATE, CONFIG, DATA, Failure, NO_INPUT};
use crate::adapters::clock::SystemClock;
use crate::adapters::entropy::SystemEntropy;
use crate::domain::id::{Address, Fingerprint};
use crate::domain::token::hex;
use crate::pgp::birth;
use crate::pgp::keyring::{GeneratedKey, certificates_in};
use crate::ports::{Clock, Entropy};
use crate::settings::Settings;
use crate::settings::choice::{Audience, Security, Settle};
use crate::store::Store;

/// Largest file of certificates or with a password, in bytes.
const FILE_MAX_BYTES: u64 = 256 * 1024;

/// What the new installation is to be.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The settings file; keys and certificates lie beside it.
    pub config: PathBuf,
    /// The daemon's folder.
    pub state_dir: PathBuf,
    /// The address that reports are sent to.
    pub address: Address,
    /// The project's name as people read it.
    pub project: String,
    /// Short name of the instance.
    pub name: String,
    /// Capital letters before a case's number.
    pub case_prefix: String,
    /// Where mail is fetched from.
    pub inbox: Source,
    /// Where mail is handed over.
    pub relay: Outlet,
    /// PEM file of the authorities to trust instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// The team; the first one leads it.
    pub members: Vec<Person>,
    /// Files with certificates, to be copied and pinned.
    pub certificates: Vec<PathBuf>,
    /// Who may be written to in clear text.
    pub clear: Vec<Audience>,
    /// Folder of public pages and its address on the web.
    pub site: Option<(PathBuf, String)>,
    /// What happens to stored mail on the server.
    pub settle: Settle,
    /// A mailing list that advisories go to.
    pub list: Option<Address>,
    /// The names that the mail host writes into Authentication-Results.
    pub authserv_ids: Vec<String>,
}

/// Where mail is fetched from.
#[derive(Debug, Clone)]
pub enum Source {
    /// An IMAP server.
    Imap(Server),
    /// A Maildir on this machine, made if it is missing.
    Maildir(PathBuf),
}

/// Where mail is handed over.
#[derive(Debug, Clone)]
pub enum Outlet {
    /// A mail server.
    Smtp(Server),
    /// A folder on this machine, made if it is missing.
    Folder(PathBuf),
}

/// A server and how to log in.
#[derive(Debug, Clone)]
pub struct Server {
    /// Host name.
    pub host: String,
    /// TCP port, where it is not the usual one.
    pub port: Option<u16>,
    /// How the connection is protected.
    pub security: Security,
    /// Name to log in with.
    pub user: Option<String>,
    /// What proves that it is us.
    pub login: Login,
}

/// What proves to a server that it is us.
#[derive(Debug, Clone)]
pub enum Login {
    /// Nothing: the server asks for nothing.
    Nothing,
    /// This password, to be written into a file.
    Password(Zeroizing<String>),
    /// The password in this file, which is copied if it lies elsewhere.
    PasswordFile(PathBuf),
    /// What this command prints: words, run without a shell.
    PasswordCommand(String),
    /// The OAuth token that this command prints: words, run without a shell.
    TokenCommand(String),
}

/// A member of the team.
#[derive(Debug, Clone)]
pub struct Person {
    /// The name that the team sees.
    pub name: String,
    /// The member's own address.
    pub address: Address,
    /// The member's certificate; else the one in the files of certificates.
    pub fingerprint: Option<Fingerprint>,
}

/// What was made.
#[derive(Debug)]
pub struct Made {
    /// The settings file.
    pub config: PathBuf,
    /// The certificate to publish.
    pub certificate: PathBuf,
    /// The key of the address.
    pub fingerprint: Fingerprint,
    /// The database.
    pub database: PathBuf,
    /// The unit for systemd; `None` where the state lies in a folder that a unit cannot give.
    pub unit: Option<PathBuf>,
    /// Whose certificates were pinned: to be compared with their owners.
    pub pinned: Vec<(Address, Fingerprint)>,
}

/// A certificate that was given: its file's name and bytes, and whose it is.
struct Given {
    name: String,
    bytes: Vec<u8>,
    owners: Vec<(Address, Fingerprint)>,
}

/// Makes the installation.
///
/// # Errors
/// Something is in the way, a file cannot be read or written, or what was asked for does not pass the checks of `run`.
pub fn make(plan: &Plan) -> Result<Made, Failure> {
    let folder = plan.config.parent().unwrap_or(Path::new("/")).to_path_buf();
    let given = plan.certificates.iter().map(|path| certificate(path)).collect::<Result<Vec<_>, _>>()?;
    let pinned = given.iter().flat_map(|given| given.owners.iter().cloned()).collect::<Vec<_>>();
    agree(plan, &pinned)?;
    let mut random = SystemEntropy::open()?;
    let mut secret = |seeds: usize| Zeroizing::new((0..seeds).map(|_| hex(&random.seed().0)).collect::<String>());
    let passphrase = secret(2);
    let key = birth::generate_locked(&plan.project, &plan.address, SystemClock.now(), &passphrase)
        .map_err(|error| Failure::new(CONFIG, error.to_string()))?;
    let passwords = [
        password(plan.inbox.server(), &folder.join(draft::IMAP_PASSWORD))?,
        password(plan.relay.server(), &folder.join(draft::SMTP_PASSWORD))?,
    ];
    let settings = draft::settings(plan, &pinned).text().map_err(|error| Failure::new(CONFIG, error.to_string()))?;
    let unit = unit::text(plan);

    let mut ground = Ground::default();
    let secrets = [("instance.key", secret(4)), ("database.key", secret(4)), ("team.passphrase", passphrase)];
    for (name, text) in &secrets {
        ground.secret(folder.join(name), text.as_bytes());
    }
    for (name, text) in [draft::IMAP_PASSWORD, draft::SMTP_PASSWORD].into_iter().zip(&passwords) {
        if let Some(text) = text {
            ground.secret(folder.join(name), text.as_bytes());
        }
    }
    lay_out(&mut ground, plan, &folder, &key, &given);
    ground.public(plan.config.clone(), settings.as_bytes());
    let unit_file = folder.join("postern.service");
    if let Some(text) = &unit {
        ground.public(unit_file.clone(), text.as_bytes());
    }
    let database = plan.state_dir.join("postern.db");
    ground.later(database.clone());
    let made = ground.make()?;
    try_out(plan)?;
    made.keep();
    Ok(Made {
        config: plan.config.clone(),
        certificate: folder.join("security.asc"),
        fingerprint: key.fingerprint,
        database,
        unit: unit.map(|_| unit_file),
        pinned,
    })
}

/// The folders, and the keys that are no mere random text.
fn lay_out(ground: &mut Ground, plan: &Plan, folder: &Path, key: &GeneratedKey, given: &[Given]) {
    ground.folder(folder.to_path_buf(), 0o755);
    ground.folder(folder.join("certificates"), 0o755);
    ground.folder(plan.state_dir.clone(), 0o700);
    if let Source::Maildir(path) = &plan.inbox {
        for part in ["", "new", "cur", "tmp"] {
            ground.folder(path.join(part), 0o700);
        }
    }
    if let Outlet::Folder(path) = &plan.relay {
        ground.folder(path.clone(), 0o700);
    }
    if let Some((path, _)) = &plan.site {
        ground.folder(path.clone(), 0o755);
    }
    ground.secret(folder.join("team.key"), &key.secret_armored);
    ground.public(folder.join("security.asc"), &key.public_armored);
    for given in given {
        ground.public(folder.join("certificates").join(&given.name), &given.bytes);
    }
}

/// Loads what was made as `run` does, and makes the database.
fn try_out(plan: &Plan) -> Result<(), Failure> {
    let settings = Settings::load(&plan.config, [])
        .map_err(|mistakes| Failure::new(CONFIG, format!("nothing was made:\n{mistakes}")))?;
    assemble::setup(&settings, None, SystemClock.now())?;
    let store = Store::open(&settings.store.path, settings.store.key.bytes(), &settings.instance.name)?;
    store.check()?;
    Ok(())
}

/// Certificates, members and what they were said to be must not contradict each other.
fn agree(plan: &Plan, pinned: &[(Address, Fingerprint)]) -> Result<(), Failure> {
    for member in &plan.members {
        let own = pinned.iter().find(|(address, _)| address.same_mailbox(&member.address)).map(|(_, print)| print);
        match (&member.fingerprint, own) {
            (Some(said), Some(own)) if said != own => {
                let text =
                    format!("the certificate given for {} is {own}, and not {said}; ask the member", member.name);
                return Err(Failure::new(DATA, text));
            }
            (None, None) if !plan.clear.contains(&Audience::Team) => {
                let text = format!(
                    "{} has no certificate: give its file with --certificates, or let the team be written to in clear \
                     text with --clear team",
                    member.name
                );
                return Err(Failure::new(CONFIG, text));
            }
            (Some(_) | None, Some(_) | None) => {}
        }
    }
    let twice = |at: usize, address: &Address| pinned.iter().take(at).any(|(other, _)| other.same_mailbox(address));
    match pinned.iter().enumerate().find(|(at, (address, _))| twice(*at, address)) {
        Some((_, (_, print))) => {
            let text =
                format!("two certificates are for the same address, one of them {print}; give only the right one");
            Err(Failure::new(DATA, text))
        }
        None => Ok(()),
    }
}

fn certificate(path: &Path) -> Result<Given, Failure> {
    let bytes = read(path)?;
    let wrong = |what: &str| Failure::new(DATA, format!("{}: {what}", path.display()));
    let candidates = certificates_in(&bytes);
    if candidates.is_empty() {
        return Err(wrong("holds no OpenPGP certificate; export it anew (gpg --armor --export ADDRESS)"));
    }
    let owners: Vec<_> = candidates
        .iter()
        .flat_map(|found| found.addresses.iter().map(|address| (address.clone(), found.fingerprint.clone())))
        .collect();
    if owners.is_empty() {
        return Err(wrong("has no address in it, so that nobody can tell whose it is; ask its owner for another"));
    }
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let armored = bytes.starts_with(b"-----BEGIN PGP ");
    Ok(Given { name: format!("{stem}.{}", if armored { "asc" } else { "pgp" }), bytes, owners })
}

/// The text of a password that is to be written; `None` where there is none, or it lies in its place already.
fn password(server: Option<&Server>, place: &Path) -> Result<Option<Zeroizing<String>>, Failure> {
    match server.map(|server| &server.login) {
        Some(Login::Password(text)) => Ok(Some(Zeroizing::new(format!("{}\n", text.as_str())))),
        Some(Login::PasswordFile(path)) => {
            let same = std::fs::canonicalize(path).ok().zip(std::fs::canonicalize(place).ok());
            if same.is_some_and(|(given, place)| given == place) {
                return Ok(None);
            }
            let text = String::from_utf8(read(path)?);
            let text = text.map_err(|_| Failure::new(DATA, format!("{} is not UTF-8 text", path.display())))?;
            Ok(Some(Zeroizing::new(text)))
        }
        Some(Login::Nothing | Login::PasswordCommand(_) | Login::TokenCommand(_)) | None => Ok(None),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let unreadable = |why: String| Failure::new(NO_INPUT, format!("failed to read {}: {why}", path.display()));
    let size = std::fs::metadata(path).map_err(|error| unreadable(error.to_string()))?.len();
    if size > FILE_MAX_BYTES {
        return Err(unreadable(format!("larger than {FILE_MAX_BYTES} bytes")));
    }
    std::fs::read(path).map_err(|error| unreadable(error.to_string()))
}

impl Source {
    fn server(&self) -> Option<&Server> {
        match self {
            Self::Imap(server) => Some(server),
            Self::Maildir(_) => None,
        }
    }
}

impl Outlet {
    fn server(&self) -> Option<&Server> {
        match self {
            Self::Smtp(server) => Some(server),
            Self::Folder(_) => None,
        }
    }
}

/// A file that stands where one is to be made.
fn in_the_way(paths: &[&Path]) -> Failure {
    let listed = paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ");
    Failure::new(
        CANNOT_CREATE,
        format!(
            "nothing was made, because nothing is overwritten; in the way: {listed}; move it, or choose another --dir"
        ),
    )
}
