//! What `init` must know, in the order in which a person is asked.
//!
//! Every question has an option that answers it, and a default where one makes sense. The answers become a plan; whether
//! the plan works is `daemon::init`'s to find out.

use std::path::{Path, PathBuf};

use super::asker::Asker;
use crate::cli::arguments::InitOptions;
use crate::daemon::exit::Failure;
use crate::daemon::init::{Login, Outlet, Person, Plan, Server, Source};
use crate::domain::id::{Address, Fingerprint};
use crate::settings::choice::{Audience, Security, Settle};

/// Longest short name, in characters.
const NAME_MAX_CHARS: usize = 32;
/// Most letters before a case's number.
const PREFIX_MAX_CHARS: usize = 10;
/// Most members, certificates or names that are asked for.
const ENTRIES_MAX: usize = 100;

const CLEAR: &str = "\
People without a key may get clear text, which every mail host on the way can read; the others get a notice without
content. Who may: team, reporter (only if he began in clear himself), maintainer, stakeholder, or none.
";
const MEMBERS: &str = "\
The team, one a line as: Name <address> [fingerprint]. The first one leads it. An empty line ends the list.
";

/// Asks for what the options leave open.
///
/// # Errors
/// Something is missing or cannot be read.
pub(super) fn plan(options: &InitOptions, asker: &mut Asker<'_>) -> Result<Plan, Failure> {
    let mut asker = std::mem::replace(asker, Asker::silent());
    let plan = ask(options, &mut asker)?;
    asker.done(plan)
}

fn ask(options: &InitOptions, asker: &mut Asker<'_>) -> Result<Option<Plan>, Failure> {
    let config = options.config.clone().unwrap_or_else(|| options.dir.join("postern.toml"));
    let opening = format!("This makes {} and what belongs to it.", config.display());
    asker.say(&format!("{opening} Enter takes what stands in brackets.\n"))?;
    let names = names(options, asker)?;
    let domain = names.address.as_ref().map(|address| address.domain().to_owned()).unwrap_or_default();
    let user = names.address.as_ref().map(ToString::to_string).unwrap_or_default();
    let inbox = source(options, asker, &domain, &user)?;
    let settle = settle(options, asker, inbox.as_ref())?;
    let relay = outlet(options, asker, &domain, &user, inbox.as_ref())?;
    let members = members(options, asker)?;
    let certificates = certificates(options, asker)?;
    let clear = clear(options, asker)?;
    let site = site(options, asker)?;
    let question = "Mailing list that advisories go to, if there is one";
    let list = asker.value("--list", options.list.as_deref(), question, Some(""), |text| match text {
        "" => Ok(None),
        _ => address(text).map(Some),
    })?;
    let made = || {
        Some(Plan {
            config: absolute(&config),
            state_dir: names.state_dir?,
            address: names.address?,
            project: names.project?,
            name: names.name?,
            case_prefix: names.case_prefix?,
            inbox: inbox?,
            relay: relay?,
            ca_file: options.ca_file.as_deref().map(absolute),
            members: members?,
            certificates,
            clear: clear?,
            site: site?,
            settle: settle?,
            list: list?,
            authserv_ids: options.authserv_id.clone(),
        })
    };
    Ok(made())
}

/// What the installation and its cases are called.
struct Names {
    address: Option<Address>,
    project: Option<String>,
    name: Option<String>,
    case_prefix: Option<String>,
    state_dir: Option<PathBuf>,
}

fn names(options: &InitOptions, asker: &mut Asker<'_>) -> Result<Names, Failure> {
    let question = "Address that reports are sent to";
    let address = asker.value("--address", options.address.as_deref(), question, None, address)?;
    let label = address.as_ref().and_then(|address| address.domain().rsplit('.').nth(1)).unwrap_or_default().to_owned();
    let capital = capital(&label);
    let some = |text: &'_ str| (!text.is_empty()).then(|| text.to_owned());
    let question = "Name of the project, as people read it";
    let project = asker.value("--project", options.project.as_deref(), question, some(&capital).as_deref(), shown)?;
    let question = "Short name of this installation, never to be changed";
    let name = asker.value("--name", options.name.as_deref(), question, some(&label).as_deref(), short_name)?;
    let prefix = prefix_of(project.as_deref().unwrap_or_default(), &label);
    let given = options.case_prefix.as_deref();
    let case_prefix =
        asker.value("--case-prefix", given, "Letters before a case's number", Some(&prefix), case_prefix)?;
    let state = options.state_dir.as_deref().map(|path| path.display().to_string());
    let usual = Some("/var/lib/postern");
    let state_dir = asker.value("--state-dir", state.as_deref(), "Folder for the database", usual, path)?;
    Ok(Names { address, project, name, case_prefix, state_dir })
}

fn source(options: &InitOptions, asker: &mut Asker<'_>, domain: &str, user: &str) -> Result<Option<Source>, Failure> {
    if let Some(maildir) = &options.maildir {
        return Ok(Some(Source::Maildir(absolute(maildir))));
    }
    let question = "Host of the mailbox (IMAP), or the path of a Maildir on this machine";
    let usual = format!("imap.{domain}");
    let host =
        asker.value("--imap-host", options.imap_host.as_deref(), question, asker_default(asker, &usual), text)?;
    let Some(host) = host else { return Ok(None) };
    if host.starts_with('/') {
        return Ok(Some(Source::Maildir(PathBuf::from(host))));
    }
    let given = Given {
        what: "imap",
        port: options.imap_port,
        security: options.imap_security.map(security),
        user: options.imap_user.as_deref(),
        password_file: options.imap_password_file.as_deref(),
        password_command: options.imap_password_command.as_deref(),
        token_command: options.imap_token_command.as_deref(),
        usual_user: Some(user),
        usual_password: None,
        always: true,
    };
    Ok(server(asker, &host, &given)?.map(Source::Imap))
}

fn outlet(
    options: &InitOptions,
    asker: &mut Asker<'_>,
    domain: &str,
    user: &str,
    inbox: Option<&Source>,
) -> Result<Option<Outlet>, Failure> {
    if let Some(outbox) = &options.outbox {
        return Ok(Some(Outlet::Folder(absolute(outbox))));
    }
    let question = "Host that takes our mail (SMTP), or the path of a folder for trying things out";
    let usual = format!("smtp.{domain}");
    let host =
        asker.value("--smtp-host", options.smtp_host.as_deref(), question, asker_default(asker, &usual), text)?;
    let Some(host) = host else { return Ok(None) };
    if host.starts_with('/') {
        return Ok(Some(Outlet::Folder(PathBuf::from(host))));
    }
    let same = match inbox {
        Some(Source::Imap(imap)) => Some(imap),
        Some(Source::Maildir(_)) | None => None,
    };
    let has_login = options.smtp_password_file.is_some()
        || options.smtp_password_command.is_some()
        || options.smtp_token_command.is_some()
        || options.smtp_user.is_some();
    let given = Given {
        what: "smtp",
        port: options.smtp_port,
        security: options.smtp_security.map(security),
        user: options.smtp_user.as_deref(),
        password_file: options.smtp_password_file.as_deref(),
        password_command: options.smtp_password_command.as_deref(),
        token_command: options.smtp_token_command.as_deref(),
        usual_user: Some(same.and_then(|imap| imap.user.as_deref()).unwrap_or(user)),
        usual_password: same.map(|imap| &imap.login),
        always: has_login,
    };
    Ok(server(asker, &host, &given)?.map(Outlet::Smtp))
}

/// A server's host is guessed for a person, who sees the guess; nobody else gets one.
fn asker_default<'a>(asker: &Asker<'_>, usual: &'a str) -> Option<&'a str> {
    asker.is_answered().then_some(usual)
}

/// What the options say about one server.
struct Given<'a> {
    what: &'static str,
    port: Option<u16>,
    security: Option<Security>,
    user: Option<&'a str>,
    password_file: Option<&'a Path>,
    password_command: Option<&'a str>,
    token_command: Option<&'a str>,
    usual_user: Option<&'a str>,
    usual_password: Option<&'a Login>,
    /// A login there is in any case.
    always: bool,
}

fn server(asker: &mut Asker<'_>, host: &str, given: &Given<'_>) -> Result<Option<Server>, Failure> {
    let what = given.what;
    let (host, port) = host_and_port(host);
    let usual = if is_this_machine(&host) && given.port.or(port).is_some_and(|port| matches!(port, 143 | 25)) {
        "plain"
    } else {
        "tls"
    };
    let option = format!("--{what}-security");
    let question = format!("Protection of the connection to {host}: tls, starttls or plain");
    let security = asker.value(&option, given.security.map(Security::as_str), &question, Some(usual), |text| {
        Security::parse(text).ok_or_else(|| "one of tls, starttls, plain".to_owned())
    })?;
    let none = if given.always { "" } else { "; none if it asks for no login" };
    let question = format!("Name to log in with at {host}{none}");
    // Nobody to ask, and no word of a login: the server wants none.
    let default = if given.always || asker.is_answered() { given.usual_user } else { Some("none") };
    let user = asker.value(&format!("--{what}-user"), given.user, &question, default, text)?;
    let user = user.filter(|user| given.always || user != "none");
    let login = match &user {
        None => Some(Login::Nothing),
        Some(_) => login(asker, &host, given)?,
    };
    let made = || Some(Server { host, port: given.port.or(port), security: security?, user, login: login? });
    Ok(made())
}

fn login(asker: &mut Asker<'_>, host: &str, given: &Given<'_>) -> Result<Option<Login>, Failure> {
    if let Some(file) = given.password_file {
        return Ok(Some(Login::PasswordFile(absolute(file))));
    }
    if let Some(words) = given.password_command {
        return Ok(Some(Login::PasswordCommand(words.to_owned())));
    }
    if let Some(words) = given.token_command {
        return Ok(Some(Login::TokenCommand(words.to_owned())));
    }
    let same = if given.usual_password.is_some() { ", or Enter for the one above" } else { "" };
    let typed = asker.secret(&format!("Password at {host}; it is not shown{same}: "))?;
    match (typed, given.usual_password) {
        (Some(typed), Some(usual)) if typed.is_empty() => Ok(Some(usual.clone())),
        (Some(typed), _) if !typed.is_empty() => Ok(Some(Login::Password(typed))),
        (Some(_) | None, _) => {
            asker.complain(format!(
                "--{0}-password-file: is missing (or --{0}-password-command, --{0}-token-command)",
                given.what
            ));
            Ok(None)
        }
    }
}

fn settle(options: &InitOptions, asker: &mut Asker<'_>, inbox: Option<&Source>) -> Result<Option<Settle>, Failure> {
    use crate::cli::arguments::SettleChoice;
    let given = options.settle.map(|choice| match choice {
        SettleChoice::Move => Settle::Move,
        SettleChoice::Keep => Settle::Keep,
    });
    if matches!(inbox, Some(Source::Maildir(_))) {
        return Ok(Some(given.unwrap_or(Settle::Move)));
    }
    let question = "Stored mail on the server: move it to a folder, or keep it for people who read there too";
    asker.value("--settle", given.map(Settle::as_str), question, Some("move"), |text| {
        Settle::parse(text).ok_or_else(|| "one of move, keep".to_owned())
    })
}

fn members(options: &InitOptions, asker: &mut Asker<'_>) -> Result<Option<Vec<Person>>, Failure> {
    let mut members = Vec::new();
    if options.member.is_empty() && asker.is_answered() {
        asker.say(MEMBERS)?;
        for number in 1..=ENTRIES_MAX {
            let question = format!("Member {number}");
            let first = number == 1;
            let read = |text: &str| if text.is_empty() && !first { Ok(None) } else { person(text).map(Some) };
            match asker.value("--member", None, &question, Some(""), read)? {
                Some(Some(member)) => members.push(member),
                Some(None) | None => break,
            }
        }
        return Ok(Some(members));
    }
    if options.member.is_empty() {
        asker.complain("--member: is missing".to_owned());
        return Ok(None);
    }
    for text in &options.member {
        members.extend(asker.value("--member", Some(text), "", None, person)?);
    }
    Ok((members.len() == options.member.len()).then_some(members))
}

fn certificates(options: &InitOptions, asker: &mut Asker<'_>) -> Result<Vec<PathBuf>, Failure> {
    if !options.certificates.is_empty() || !asker.is_answered() {
        return Ok(options.certificates.iter().map(|path| absolute(path)).collect());
    }
    let mut files = Vec::new();
    for _ in 0..ENTRIES_MAX {
        let question = "File with a certificate (public key) of a member; an empty line ends the list";
        let read = |text: &str| match text {
            "" => Ok(None),
            _ if Path::new(text).is_file() => Ok(Some(absolute(Path::new(text)))),
            _ => Err("there is no such file".to_owned()),
        };
        match asker.value("--certificates", None, question, Some(""), read)? {
            Some(Some(file)) => files.push(file),
            Some(None) | None => break,
        }
    }
    Ok(files)
}

fn clear(options: &InitOptions, asker: &mut Asker<'_>) -> Result<Option<Vec<Audience>>, Failure> {
    if options.clear.is_none() {
        asker.say(CLEAR)?;
    }
    asker.value("--clear", options.clear.as_deref(), "In clear to", Some("reporter"), |text| {
        let words = text.split([',', ' ']).map(str::trim).filter(|word| !word.is_empty() && *word != "none");
        words
            .map(|word| {
                Audience::parse(word).ok_or_else(|| format!("one or more of {}, or none", Audience::WORDS.join(", ")))
            })
            .collect()
    })
}

fn site(options: &InitOptions, asker: &mut Asker<'_>) -> Result<Option<Option<(PathBuf, String)>>, Failure> {
    let given = options.site.as_deref().map(|path| path.display().to_string());
    let question = "Folder of a web server for the pages of advisories, if there is one";
    let folder = asker.value("--site", given.as_deref(), question, Some(""), |text| Ok(text.to_owned()))?;
    let Some(folder) = folder.filter(|folder| !folder.is_empty()) else { return Ok(Some(None)) };
    let question = "Address of that folder on the web";
    let base_url = asker.value("--base-url", options.base_url.as_deref(), question, None, |text| {
        let web = text.starts_with("https://") || text.starts_with("http://");
        if web { Ok(text.to_owned()) } else { Err("an address that begins with https://".to_owned()) }
    })?;
    Ok(base_url.map(|base_url| Some((absolute(Path::new(&folder)), base_url))))
}

/// `Name <address> [fingerprint]`
fn person(given: &str) -> Result<Person, String> {
    let form = || "must be written as: Name <address> [fingerprint]".to_owned();
    let (name, rest) = given.split_once('<').ok_or_else(form)?;
    let (address, rest) = rest.split_once('>').ok_or_else(form)?;
    let print: String = rest.chars().filter(|c| !c.is_whitespace()).collect();
    let print = print.trim_start_matches('[').trim_end_matches(']');
    let fingerprint = match print {
        "" => None,
        _ => Some(Fingerprint::parse(print).ok_or("the fingerprint must be a full one, of 40 or 64 digits")?),
    };
    let name = shown(name.trim().trim_matches('"'))?;
    Ok(Person { name, address: Address::parse(address).ok_or_else(form)?, fingerprint })
}

/// `host`, `host:port`, `[::1]:port`
fn host_and_port(text: &str) -> (String, Option<u16>) {
    let split = text.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse::<u16>().ok()?)));
    match split {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
            (host.trim_matches(['[', ']']).to_owned(), Some(port))
        }
        Some(_) | None => (text.trim_matches(['[', ']']).to_owned(), None),
    }
}

fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn security(choice: crate::cli::arguments::SecurityChoice) -> Security {
    use crate::cli::arguments::SecurityChoice;
    match choice {
        SecurityChoice::Tls => Security::Tls,
        SecurityChoice::Starttls => Security::Starttls,
        SecurityChoice::Plain => Security::Plain,
    }
}

fn address(given: &str) -> Result<Address, String> {
    Address::parse(given)
        .ok_or_else(|| "must be an address of the form name@domain, without a name around it".to_owned())
}

fn text(given: &str) -> Result<String, String> {
    if given.is_empty() { Err("must not be empty".to_owned()) } else { Ok(given.to_owned()) }
}

fn shown(given: &str) -> Result<String, String> {
    let fits =
        !given.is_empty() && given.chars().count() <= 100 && !given.chars().any(|c| c.is_control() || "<>".contains(c));
    if fits { Ok(given.to_owned()) } else { Err("a name of 1 to 100 characters, without angle brackets".to_owned()) }
}

fn short_name(given: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let fits = (1..=NAME_MAX_CHARS).contains(&given.len()) && given.chars().all(plain);
    let fits = fits && !given.starts_with('-') && !given.ends_with('-');
    if fits { Ok(given.to_owned()) } else { Err("1 to 32 lower-case letters, digits and hyphens".to_owned()) }
}

fn case_prefix(given: &str) -> Result<String, String> {
    let fits = (2..=PREFIX_MAX_CHARS).contains(&given.len()) && given.chars().all(|c| c.is_ascii_uppercase());
    if fits { Ok(given.to_owned()) } else { Err("2 to 10 capital letters".to_owned()) }
}

fn path(given: &str) -> Result<PathBuf, String> {
    text(given).map(|given| absolute(Path::new(&given)))
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf())
}

fn capital(label: &str) -> String {
    let mut letters = label.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// The first letters of the project's words, or the beginning of its only one.
fn prefix_of(project: &str, label: &str) -> String {
    let first: String = project.split_whitespace().filter_map(|word| word.chars().next()).collect();
    let letters = |text: &str| -> String {
        text.chars().filter(char::is_ascii_alphabetic).map(|c| c.to_ascii_uppercase()).take(PREFIX_MAX_CHARS).collect()
    };
    let candidates = [letters(&first), letters(project), letters(label)];
    candidates.into_iter().find(|prefix| prefix.len() >= 2).unwrap_or_else(|| "CASE".to_owned())
}

#[cfg(test)]
#[path = "questions_tests.rs"]
mod tests;
