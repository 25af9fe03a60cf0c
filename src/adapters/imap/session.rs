//! One logged-in IMAP session: connecting, and the handful of commands the worker needs.
//!
//! Never decides what is fetched or moved. Each command either succeeds, is refused with NO (the session goes
//! on), or fails (the session is dropped and a new one begun). Server text never gets into an error message.

mod connect;
mod look;

use std::collections::HashSet;
use std::fmt::Write as _;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use imap::types::{Flag, Mailbox, UnsolicitedResponse};

use super::answer::{Later, asks_to_wait};
use super::folders::{self, Role};
use super::stream::{Bounded, Goodbye, OverLimit, Pace};
use super::{ARCHIVE, ImapConfig, wire_name};
use crate::adapters::tls;
use crate::domain::time::{DAY, Timestamp};
use crate::ports::{ErrorClass, Folder, PortError};
use crate::settings::checked::FolderChoice;

pub(super) use connect::{connect, is_loopback};

/// Longest header block fetched of a mail that is over the limit, in bytes.
const HEADER_MAX_BYTES: u64 = 256 * 1024;
/// Sequence numbers listed by one command, so that no line and no response grows past the limits.
const WINDOW: u32 = 5000;
/// What is asked of each mail before it is fetched.
const LISTING: &str = "(UID RFC822.SIZE INTERNALDATE)";
/// Longest wait for a server to agree to IDLE.
const IDLE_START_MAX: Duration = Duration::from_secs(3);

/// Why a command did not succeed.
#[derive(Debug)]
pub(super) enum Fault {
    /// The server said NO: the session goes on.
    Refused,
    /// The response was longer than the limits: the session is over.
    OverLimit,
    /// The server announces IDLE and does not speak it: the session is over, and IDLE is not tried again.
    NoIdle,
    /// The server did not agree to IDLE in time, and its agreement may come at any moment: the session is over.
    IdleStalled,
    /// The server asks us to come back later, in so long if it says: the session is over.
    Busy(Option<Duration>),
    /// The session is over.
    Lost(PortError),
}

impl Fault {
    pub(super) fn into_error(self) -> PortError {
        match self {
            Self::Refused => temporary("the server refused a command; trying again"),
            Self::OverLimit => temporary("the server sent more than the limit in one response; trying again"),
            Self::NoIdle => temporary("the server announces IDLE and refuses it; going on by polling"),
            Self::IdleStalled => temporary("the server did not agree to IDLE in time; going on by polling"),
            Self::Busy(_) => temporary("the server asks us to wait: it limits us, or is not available at present"),
            Self::Lost(error) => error,
        }
    }
}

/// How mail can leave the INBOX on this server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leave {
    /// `UID MOVE` (RFC 6851).
    Move,
    /// `UID COPY`, `\Deleted`, `UID EXPUNGE` (RFC 4315).
    CopyExpunge,
    /// Not at all: a keyword marks it.
    Keyword,
}

/// A mail as listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) uid: u32,
    pub(super) size: u64,
    pub(super) arrived: Option<Timestamp>,
}

/// What ended the waiting for news.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum News {
    /// There may be new mail.
    Mail,
    /// Nothing came, or somebody woke us.
    Nothing,
}

/// The folders as this server names them.
#[derive(Debug, Clone, Default)]
pub(super) struct Places {
    pub(super) junk: Option<String>,
    pub(super) sent: Option<String>,
    /// As it was asked for or found; the server may have put it under a prefix.
    pub(super) archive: String,
}

impl Places {
    /// Which of the polled folders has this name.
    pub(super) fn which(&self, mailbox: &str) -> Option<Folder> {
        let is = |place: &Option<String>| place.as_deref() == Some(mailbox);
        if is(&self.junk) { Some(Folder::Junk) } else { is(&self.sent).then_some(Folder::Sent) }
    }
}

/// A logged-in session.
#[derive(Debug)]
pub(super) struct Server {
    session: imap::Session<Bounded>,
    pace: Rc<Pace>,
    selected: Option<String>,
    /// The archive folder under the name this server knows.
    archive: String,
    /// Begins the name of a new folder.
    prefix: String,
    /// The server marks special folders where it is asked to (RFC 6154, RFC 5258).
    marks_on_request: bool,
    pub(super) leave: Leave,
    pub(super) can_idle: bool,
}

impl Server {
    /// Opens a mailbox; `again` even when it is open already, to learn of a new UIDVALIDITY.
    pub(super) fn select(&mut self, mailbox: &str, again: bool) -> Result<Option<Mailbox>, Fault> {
        if !again && self.selected.as_deref() == Some(mailbox) {
            return Ok(None);
        }
        self.selected = None;
        // What was said of the mailbox before does not matter any more.
        drop(self.session.take_all_unsolicited());
        let opened = self.session.select(mailbox).map_err(fault)?;
        self.selected = Some(mailbox.to_owned());
        Ok(Some(opened))
    }

    /// Lists the open mailbox, which holds `exists` mails: all of them, or those that do not bear `keyword`.
    pub(super) fn list(&mut self, exists: u32, without_keyword: Option<&str>) -> Result<Vec<Listed>, Fault> {
        let mut listed = Vec::new();
        let mut first = 1;
        while first <= exists {
            let last = first.saturating_add(WINDOW - 1).min(exists);
            self.list_window(first, last, without_keyword, &mut listed)?;
            first = last.saturating_add(1);
        }
        Ok(listed)
    }

    /// Lists what came into the open mailbox since an instant, without what bears `keyword`.
    pub(super) fn list_since(&mut self, since: Timestamp, keyword: Option<&str>) -> Result<Vec<Listed>, Fault> {
        let unmarked = keyword.map(|keyword| format!(" UNKEYWORD {keyword}")).unwrap_or_default();
        // SINCE knows whole days alone, in the server's zone (RFC 9051 section 6.4.4).
        let uids = self.session.uid_search(format!("SINCE {}{unmarked}", day_before(since))).map_err(fault)?;
        let mut uids: Vec<u32> = uids.into_iter().collect();
        uids.sort_unstable();
        let mut listed = Vec::new();
        for window in uids.chunks(WINDOW as usize) {
            let fetches = self.session.uid_fetch(uid_set(window.iter().copied()), LISTING).map_err(fault)?;
            listed.extend(fetches.iter().filter_map(entry));
        }
        listed.retain(|mail| mail.arrived.is_none_or(|arrived| arrived >= since));
        Ok(listed)
    }

    fn list_window(
        &mut self,
        first: u32,
        last: u32,
        without_keyword: Option<&str>,
        listed: &mut Vec<Listed>,
    ) -> Result<(), Fault> {
        let fetches = if let Some(keyword) = without_keyword {
            let uids = self.session.uid_search(format!("{first}:{last} UNKEYWORD {keyword}")).map_err(fault)?;
            self.session.uid_fetch(uid_set(uids), LISTING)
        } else {
            self.session.fetch(format!("{first}:{last}"), LISTING)
        }
        .map_err(fault)?;
        listed.extend(fetches.iter().filter_map(entry));
        Ok(())
    }

    /// Fetches whole mails without marking them as read. A mail whose payload is empty is left out.
    pub(super) fn fetch(&mut self, uids: &[u32]) -> Result<Vec<(u32, Vec<u8>)>, Fault> {
        let fetches = self.session.uid_fetch(uid_set(uids.iter().copied()), "(UID BODY.PEEK[])").map_err(fault)?;
        let full = |fetch: &imap::types::Fetch<'_>| {
            let body = fetch.body().filter(|body| !body.is_empty())?;
            Some((fetch.uid?, body.to_vec()))
        };
        Ok(fetches.iter().filter_map(full).collect())
    }

    /// Fetches the beginning of the header block of one mail.
    pub(super) fn fetch_header(&mut self, uid: u32) -> Result<Option<Vec<u8>>, Fault> {
        let query = format!("(UID BODY.PEEK[HEADER]<0.{HEADER_MAX_BYTES}>)");
        let fetches = self.session.uid_fetch(uid.to_string(), query).map_err(fault)?;
        let found = fetches.iter().find(|fetch| fetch.uid == Some(uid)).and_then(imap::types::Fetch::header);
        Ok(found.filter(|header| !header.is_empty()).map(<[u8]>::to_vec))
    }

    /// Which of these are still in the open mailbox; with `undeleted`, and are not marked `\Deleted`.
    pub(super) fn present(&mut self, uids: &[u32], undeleted: bool) -> Result<HashSet<u32>, Fault> {
        // What a rival took counts as present until this session was told (RFC 9051 section 7.5.1).
        self.session.noop().map_err(fault)?;
        let condition = if undeleted { " UNDELETED" } else { "" };
        self.session.uid_search(format!("UID {}{condition}", uid_set(uids.iter().copied()))).map_err(fault)
    }

    /// `UID MOVE` to the archive.
    pub(super) fn move_to_archive(&mut self, uids: &[u32]) -> Result<(), Fault> {
        self.session.uid_mv(uid_set(uids.iter().copied()), &self.archive).map_err(settling_fault)
    }

    /// `UID COPY` to the archive.
    pub(super) fn copy_to_archive(&mut self, uids: &[u32]) -> Result<(), Fault> {
        self.session.uid_copy(uid_set(uids.iter().copied()), &self.archive).map_err(settling_fault)
    }

    /// Marks as `\Deleted` and expunges exactly these.
    pub(super) fn expunge(&mut self, uids: &[u32]) -> Result<(), Fault> {
        let set = uid_set(uids.iter().copied());
        self.session.uid_store(&set, "+FLAGS.SILENT (\\Deleted)").map_err(settling_fault)?;
        self.session.uid_expunge(&set).map_err(settling_fault).map(|_| ())
    }

    /// Marks with a keyword.
    pub(super) fn mark(&mut self, uids: &[u32], keyword: &str) -> Result<(), Fault> {
        let change = format!("+FLAGS.SILENT ({keyword})");
        self.session.uid_store(uid_set(uids.iter().copied()), change).map_err(settling_fault).map(|_| ())
    }

    /// Lets the server tell what happened; `Mail` when it speaks of more mails.
    pub(super) fn noop(&mut self) -> Result<News, Fault> {
        self.session.noop().map_err(fault)?;
        let more = self.session.take_all_unsolicited().any(|told| matches!(told, UnsolicitedResponse::Exists(_)));
        Ok(if more { News::Mail } else { News::Nothing })
    }

    /// Waits in IDLE (RFC 2177) for new mail, at most this long, or until somebody wakes us.
    pub(super) fn idle(&mut self, at_most: Duration) -> Result<News, Fault> {
        // Data that precede the continuation would stall the crate's IDLE: drain them first, and give it little time to begin.
        if self.noop()? == News::Mail {
            return Ok(News::Mail);
        }
        self.pace.idle_starts(IDLE_START_MAX.min(at_most));
        let mut more = false;
        let outcome = {
            let mut handle = self.session.idle();
            handle.timeout(at_most).keepalive(false);
            let outcome = handle.wait_while(|told| {
                more = matches!(told, UnsolicitedResponse::Exists(_) | UnsolicitedResponse::Bye { .. });
                !more
            });
            if matches!(&outcome, Err(imap::Error::Io(error)) if error.kind() == io::ErrorKind::TimedOut) {
                // Whoever says DONE now may take the late continuation for the answer to something else. The handle
                // owns nothing, so that leaving it undone leaks nothing.
                std::mem::forget(handle);
                self.pace.idle_over();
                return Err(Fault::IdleStalled);
            }
            outcome
            // The handle is dropped here, which sends DONE and reads the tagged response.
        };
        self.pace.idle_over();
        match outcome {
            Ok(_) => Ok(if more { News::Mail } else { News::Nothing }),
            // What the crate cannot name may be anything: have a look.
            Err(imap::Error::Unexpected(_)) => Ok(News::Mail),
            Err(imap::Error::No(_) | imap::Error::Bad(_)) => Err(Fault::NoIdle),
            Err(error) => Err(fault(error)),
        }
    }

    /// Finds the folders that the settings leave to us, and makes sure of the archive where mail is moved to one.
    pub(super) fn find_places(&mut self, config: &ImapConfig) -> Result<Places, Fault> {
        let sent = config.sent.as_ref().map(|sent| &sent.folder);
        let wanted = [Some(&config.archive), config.junk.as_ref(), sent];
        let asks = wanted.iter().flatten().any(|choice| **choice == FolderChoice::Auto);
        let listed = if asks { self.list_all()? } else { Vec::new() };
        self.prefix = folders::prefix(&listed);
        let mut taken = vec![config.mailbox.clone()];
        taken.extend(wanted.into_iter().flatten().filter_map(wire_name));
        let mut places = Places::default();
        for (choice, role) in [(config.junk.as_ref(), Role::Junk), (sent, Role::Sent)] {
            let place = choice.and_then(|choice| found(choice, role, &listed, &taken));
            taken.extend(place.clone());
            match role {
                Role::Junk => places.junk = place,
                Role::Sent => places.sent = place,
                Role::Archive | Role::Other => {}
            }
        }
        if self.leave != Leave::Keyword {
            let archive = found(&config.archive, Role::Archive, &listed, &taken);
            places.archive = archive.unwrap_or_else(|| ARCHIVE.to_owned());
            self.ensure_archive(&places.archive)?;
        }
        Ok(places)
    }

    fn list_all(&mut self) -> Result<Vec<folders::Mailbox>, Fault> {
        let pattern = if self.marks_on_request { "\"*\" RETURN (SPECIAL-USE)" } else { "\"*\"" };
        let names = match self.session.list(None, Some(pattern)).map_err(fault) {
            Ok(names) => names,
            // Marks make it easier and are no necessity.
            Err(Fault::Refused) => self.session.list(None, Some("\"*\"")).map_err(fault)?,
            Err(fault) => return Err(fault),
        };
        Ok(names.iter().map(listed_mailbox).collect())
    }

    /// Creates the archive folder if it is not there, under the INBOX where the server allows it nowhere else.
    pub(super) fn ensure_archive(&mut self, wanted: &str) -> Result<(), Fault> {
        let below = match self.list_name("INBOX")?.and_then(|(_, delimiter)| delimiter) {
            Some(delimiter) => format!("INBOX{delimiter}{wanted}"),
            None => wanted.to_owned(),
        };
        let prefixed = !self.prefix.is_empty() && !wanted.starts_with(&self.prefix);
        // Where all folders stand under the INBOX, one beside it may be made and then be seen by nobody.
        let names = if prefixed { [below.as_str(), wanted] } else { [wanted, below.as_str()] };
        for name in [wanted, &below] {
            if self.list_name(name)?.is_some() {
                name.clone_into(&mut self.archive);
                return Ok(());
            }
        }
        for name in names {
            // A list may miss a folder that is there, when other folders come and go meanwhile (RFC 5530 section 3).
            let there = |error: &imap::Error| matches!(error, imap::Error::No(no) if no.information.starts_with("[ALREADYEXISTS]"));
            match self.session.create(name).or_else(|error| if there(&error) { Ok(()) } else { Err(fault(error)) }) {
                Ok(()) => {
                    name.clone_into(&mut self.archive);
                    return Ok(());
                }
                Err(Fault::Refused) => {}
                Err(fault) => return Err(fault),
            }
        }
        Err(Fault::Lost(PortError {
            class: ErrorClass::Configuration,
            message: "the server refuses to create the archive folder; create it by hand or name another in `archive`"
                .to_owned(),
        }))
    }

    fn list_name(&mut self, name: &str) -> Result<Option<(String, Option<String>)>, Fault> {
        let names = self
            .session
            .list(None, Some(&format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""))))
            .map_err(fault)?;
        Ok(names.iter().next().map(|found| (found.name().to_owned(), found.delimiter().map(str::to_owned))))
    }
}

fn found(choice: &FolderChoice, role: Role, listed: &[folders::Mailbox], taken: &[String]) -> Option<String> {
    let taken: Vec<&str> = taken.iter().map(String::as_str).collect();
    wire_name(choice).or_else(|| folders::find(role, listed, &taken))
}

fn listed_mailbox(name: &imap::types::Name<'_>) -> folders::Mailbox {
    // The library does not give out the type of its attributes, but their words.
    let marks: Vec<String> = name.attributes().iter().map(|mark| format!("{mark:?}").to_ascii_lowercase()).collect();
    let marked = |word: &str| marks.iter().any(|mark| mark == word);
    let role = [("junk", Role::Junk), ("sent", Role::Sent), ("archive", Role::Archive)];
    let other = ["all", "drafts", "trash", "flagged"].iter().any(|word| marked(word));
    folders::Mailbox {
        name: name.name().to_owned(),
        delimiter: name.delimiter().map(str::to_owned),
        role: role.into_iter().find(|(word, _)| marked(word)).map(|(_, role)| role).or(other.then_some(Role::Other)),
        selectable: !marks.iter().any(|mark| mark == "noselect" || mark.contains("nonexistent")),
    }
}

fn entry(fetch: &imap::types::Fetch<'_>) -> Option<Listed> {
    let arrived = fetch.internal_date().map(|date| Timestamp(date.timestamp()));
    Some(Listed { uid: fetch.uid?, size: u64::from(fetch.size?), arrived })
}

/// The day before an instant, as SEARCH writes days.
fn day_before(at: Timestamp) -> String {
    let day = jiff::Timestamp::from_second(at.before(DAY).0).unwrap_or_default().to_zoned(jiff::tz::TimeZone::UTC);
    day.strftime("%-d-%b-%Y").to_string()
}

/// Whether the open mailbox keeps a keyword of ours.
pub(super) fn keeps(mailbox: &Mailbox, keyword: &str) -> bool {
    let named = |flag: &Flag<'_>| matches!(flag, Flag::Custom(name) if name.eq_ignore_ascii_case(keyword));
    mailbox.permanent_flags.iter().any(|flag| *flag == Flag::MayCreate || named(flag))
}

fn uid_set(uids: impl IntoIterator<Item = u32>) -> String {
    let mut set = String::new();
    for uid in uids {
        let comma = if set.is_empty() { "" } else { "," };
        // Writing to a String cannot fail.
        let _ = write!(set, "{comma}{uid}");
    }
    set
}

#[expect(clippy::needless_pass_by_value, reason = "made for map_err")]
fn fault(error: imap::Error) -> Fault {
    // The library's errors are a foreign, growing enum: what is not named here is a broken session.
    let said = |what: &str| Fault::Lost(temporary(&format!("the server {what}; trying again")));
    if let imap::Error::Io(error) = &error {
        return lost(error);
    }
    if let Some(later) = later(&error) {
        return Fault::Busy(later.wait);
    }
    if matches!(error, imap::Error::No(_)) {
        Fault::Refused
    } else if matches!(error, imap::Error::ConnectionLost) {
        said("closed the connection")
    } else if matches!(error, imap::Error::Bye(_)) {
        said("said goodbye or sent what is not IMAP")
    } else if matches!(error, imap::Error::Bad(_)) {
        said("did not understand a command")
    } else if matches!(error, imap::Error::Validate(_)) {
        Fault::Lost(PortError {
            class: ErrorClass::Configuration,
            message: "a name or the password holds a line break; correct it".to_owned(),
        })
    } else {
        said("sent what is not understood")
    }
}

/// The fault of a command that takes a stored mail away. An account that is full may still be read.
fn settling_fault(error: imap::Error) -> Fault {
    if later(&error).is_some_and(|later| later.over_quota) { Fault::Refused } else { fault(error) }
}

fn later(error: &imap::Error) -> Option<Later> {
    if let imap::Error::No(no) = error {
        asks_to_wait(&no.information)
    } else if let imap::Error::Bad(bad) = error {
        asks_to_wait(&bad.information)
    } else if let imap::Error::Bye(bye) = error {
        asks_to_wait(&bye.information)
    } else {
        None
    }
}

fn lost(error: &io::Error) -> Fault {
    if error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<OverLimit>) {
        return Fault::OverLimit;
    }
    if let Some(Goodbye(words)) = error.get_ref().and_then(|inner| inner.downcast_ref::<Goodbye>()) {
        return match asks_to_wait(words) {
            Some(later) => Fault::Busy(later.wait),
            None => Fault::Lost(temporary("the server said goodbye and closed the connection; trying again")),
        };
    }
    if let Some(judged) = tls::tls_error(error) {
        return Fault::Lost(judged);
    }
    Fault::Lost(if error.kind() == io::ErrorKind::TimedOut {
        temporary("the server did not answer in time; trying again")
    } else {
        temporary(&format!("the connection broke ({}); trying again", error.kind()))
    })
}

fn temporary(message: &str) -> PortError {
    PortError { class: ErrorClass::Temporary, message: message.to_owned() }
}
