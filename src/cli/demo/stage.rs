//! The stage: a mail goes in, the engine works, and what comes out is opened by those who got it.
//!
//! Whether a mail was encrypted and signed is what its reader's program found, not what was meant.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::album::Album;
use super::captions::{self, Caption};
use super::cast::Cast;
use super::guide;
use super::screen::{Entry, Ink, Screen};
use crate::daemon::exit::{Failure, SOFTWARE};
use crate::daemon::rehearsal::people::{Person, Protect, Seen, Writing};
use crate::daemon::rehearsal::{Rehearsal, Sent};
use crate::domain::case::Case;
use crate::domain::effect::MailKind;
use crate::domain::id::{Address, CaseId};
use crate::domain::state::ContactState;
use crate::domain::time::{DAY, Timestamp};

/// The case that the story is about.
const CASE: CaseId = CaseId(1);
/// Rows of the outbox looked at; the story sends fewer.
const ROWS_MAX: usize = 1000;
/// Days after which a story that waits for something is broken.
const DAYS_MAX: usize = 60;
/// Lines shown of a mail that a person wrote.
const OWN_LINES_MAX: usize = 14;

/// What a person of the story writes.
pub(super) struct Letter<'a> {
    /// The mail it answers; without one it is a new mail.
    pub(super) answers: Option<&'a Seen>,
    /// Where a new mail goes, if not to the house.
    pub(super) to: Option<&'a Address>,
    /// Who really wrote it, where the sender is forged.
    pub(super) forger: Option<&'a Person>,
    /// Subject of a new mail.
    pub(super) subject: &'a str,
    /// Text.
    pub(super) text: &'a str,
    /// Protection.
    pub(super) protect: Protect,
    /// Whether the mail host could confirm the sender.
    pub(super) vouched: bool,
    /// What the timeline calls it.
    pub(super) what: &'a str,
    /// What its file is called.
    pub(super) name: &'a str,
}

/// A mail of the house, opened by whom it went to.
pub(super) struct Got {
    /// Address of the reader.
    pub(super) to: Address,
    /// What the reader sees.
    pub(super) seen: Seen,
    /// What it is.
    pub(super) caption: Caption,
    /// When it was decided.
    at: Timestamp,
    file: String,
    name: String,
    member: bool,
}

/// The house, its people, the screen and the folder.
pub(super) struct Stage {
    /// Everybody.
    pub(super) cast: Cast,
    dir: PathBuf,
    rehearsal: Rehearsal,
    album: Album,
    screen: Screen,
    standing: String,
    apart: Option<(String, String)>,
}

impl Stage {
    /// Makes keys and house in an empty folder.
    pub(super) fn set_up(dir: &Path) -> Result<Self, Failure> {
        let cast = Cast::assemble()?;
        let album = Album::open(dir)?;
        for (name, person) in cast.keyed() {
            album.write(&format!("keys/{name}-public.asc"), person.certificate().unwrap_or_default())?;
            album.write_secret(&format!("keys/{name}-secret.asc"), person.secret().unwrap_or_default())?;
        }
        let rehearsal = Rehearsal::set_up(dir, &cast.plan()?)?;
        let dir = dir.to_path_buf();
        Ok(Self { cast, dir, rehearsal, album, screen: Screen::detect(), standing: String::new(), apart: None })
    }

    /// Says what this is, and who is who.
    pub(super) fn title(&mut self, title: &str, about: &str, people: &[(&str, &str)]) {
        self.screen.title(title, about, people);
    }

    /// Begins a chapter.
    pub(super) fn chapter(&mut self, title: &str, about: &str) {
        self.screen.chapter(title, about);
    }

    /// Says something in between.
    pub(super) fn remark(&mut self, text: &str) {
        self.screen.remark("", Ink::Plain, text);
    }

    /// Somebody writes to the house. Gives what the house sends then.
    pub(super) fn writes(&mut self, from: &Person, letter: &Letter<'_>) -> Result<Vec<Got>, Failure> {
        let (seed, now, house) = (self.rehearsal.draw(), self.rehearsal.now(), self.cast.house.clone());
        let answered = letter.answers.map(|seen| format!("Re: {}", seen.subject));
        let answered_at = letter.answers.and_then(|seen| seen.reply_to.as_ref());
        let writing = Writing {
            to: answered_at.or(letter.to).unwrap_or(&house.address).clone(),
            subject: answered.as_deref().unwrap_or(letter.subject),
            text: letter.text,
            answers: letter.answers,
            protect: letter.protect,
            vouched: letter.vouched,
        };
        let raw = from.write(&house, &writing, now, seed)?;
        let seen = house.open(from, &raw, now)?;
        let opened = seen.encrypted.then(|| opened(&house.name, &from.name, &seen));
        let author =
            letter.forger.map_or_else(|| from.name.clone(), |forger| format!("{} as {}", forger.name, from.name));
        let name = format!("{}-from-{}", letter.name, file_word(&author));
        let file = self.album.keep(&name, &raw, opened.as_deref())?;
        let mut excerpt = Vec::new();
        for paragraph in letter.text.split("\n\n") {
            add_paragraph(&mut excerpt, captions::lines(paragraph));
        }
        self.screen.cut(&mut excerpt, OWN_LINES_MAX);
        self.screen.mail(&Entry {
            when: &date(now),
            from: &author,
            to: &house.name,
            protection: protection(&seen),
            what: letter.what,
            subject: untagged(&seen.subject),
            excerpt: &excerpt,
            file: &file,
        });
        let sent = self.rehearsal.receive(&raw)?;
        let got = self.opened(&sent)?;
        self.show(&got);
        self.show_standing()?;
        Ok(got)
    }

    /// Time goes by; what the clocks send is shown.
    pub(super) fn pass(&mut self, time: Duration) -> Result<Vec<Got>, Failure> {
        let sent = self.rehearsal.pass(time)?;
        let got = self.opened(&sent)?;
        self.show(&got);
        self.show_standing()?;
        Ok(got)
    }

    /// Days go by until a mail with this caption comes.
    pub(super) fn pass_until(&mut self, name: &str) -> Result<Vec<Got>, Failure> {
        for _ in 0..DAYS_MAX {
            let got = self.pass(DAY)?;
            if got.iter().any(|mail| mail.caption.name == name) {
                return Ok(got);
            }
        }
        Err(Failure::new(SOFTWARE, format!("the story waits in vain for: {name}")))
    }

    /// Checks the books, tells where everything lies, and writes the last files.
    pub(super) fn close(mut self) -> Result<(), Failure> {
        self.rehearsal.engine().store().check()?;
        let page = self.page()?;
        let apart = self.apart.take().unwrap_or_default();
        let guide = guide::Guide { dir: &self.dir.display().to_string(), page: &page, apart: &apart };
        guide.close(&mut self.screen);
        self.album.write("README.txt", guide.readme().as_bytes())?;
        self.album.write("timeline.txt", self.screen.plain().as_bytes())
    }

    /// Opens what left the house, as those who got it do, and keeps it.
    fn opened(&mut self, sent: &[Sent]) -> Result<Vec<Got>, Failure> {
        let now = self.rehearsal.now();
        let rows = self.rehearsal.engine().store().session().outbox_rows(ROWS_MAX)?;
        let mut all = Vec::new();
        for mail in sent {
            let reader = self.cast.reader(&mail.to).ok_or_else(|| Failure::new(SOFTWARE, "a mail to nobody"))?.clone();
            let seen = reader.open(&self.cast.house, &mail.raw, now)?;
            let row = rows.iter().find(|row| seen.message_id.as_ref() == Some(&row.message_id));
            let caption = captions::outgoing(row.map_or(MailKind::Alert, |row| row.kind), &seen.text);
            let member = self.cast.is_team(&reader);
            let word = file_word(&reader.name);
            let text = seen.encrypted.then(|| opened(&reader.name, &self.cast.house.name, &seen));
            let file = self.album.keep(&format!("{}-to-{word}", caption.name), &mail.raw, text.as_deref())?;
            if !seen.encrypted && self.apart.is_none() {
                self.apart = self.album.take_apart(file.trim_end_matches(".eml"), &mail.raw)?;
            }
            let at = row.map_or(now, |row| row.created_at);
            all.push(Got { to: mail.to.clone(), seen, caption, at, file, name: reader.name, member });
        }
        Ok(all)
    }

    /// Shows mails; what goes alike to several members is shown once.
    fn show(&mut self, got: &[Got]) {
        for alike in got.chunk_by(|one, other| one.member && other.member && one.caption == other.caption) {
            let Some(first) = alike.first() else { continue };
            let names: Vec<&str> = alike.iter().map(|mail| mail.name.as_str()).collect();
            let files: Vec<&str> = alike.iter().map(|mail| mail.file.trim_start_matches("mails/")).collect();
            let mut excerpt = Vec::new();
            for (mut lines, most) in captions::excerpt(&first.seen.text, first.caption.marks) {
                self.screen.cut(&mut lines, most);
                add_paragraph(&mut excerpt, lines);
            }
            self.screen.mail(&Entry {
                when: &date(first.at),
                from: &self.cast.house.name,
                to: &names.join(" and "),
                protection: protection(&first.seen),
                what: first.caption.what,
                subject: if first.caption.marks.is_empty() { "" } else { untagged(&first.seen.subject) },
                excerpt: &excerpt,
                file: &format!("mails/{}", files.join(", ")),
            });
        }
    }

    /// Shows where the case stands, if that has changed.
    fn show_standing(&mut self) -> Result<(), Failure> {
        let case = self.case()?;
        let mut words = vec![case.summary()];
        let owner = case.owner.as_ref().and_then(|key| self.cast.member(key));
        words.extend(owner.map(|owner| format!("owner {}", owner.name)));
        let contacts = case.contacts.iter().filter(|contact| contact.state != ContactState::None);
        words.extend(contacts.map(|contact| format!("maintainer {}", contact.state.word())));
        let standing = format!("{}: {}", case.label, words.join(", "));
        if standing != self.standing {
            self.screen.remark(&date(self.rehearsal.now()), Ink::Cyan, &standing);
            self.standing = standing;
        }
        Ok(())
    }

    /// Looks whether the page for browsers is there.
    pub(super) fn show_page(&mut self) -> Result<(), Failure> {
        let page = self.page()?;
        if !self.dir.join(&page).is_file() {
            return Err(Failure::new(SOFTWARE, format!("there is no page {page}")));
        }
        self.remark(&format!("The page for browsers is written: {page}"));
        Ok(())
    }

    fn page(&self) -> Result<String, Failure> {
        Ok(format!("site/advisories/{}.html", self.case()?.label.to_string().to_lowercase()))
    }

    fn case(&self) -> Result<Case, Failure> {
        let case = self.rehearsal.engine().store().session().case(CASE)?;
        case.ok_or_else(|| Failure::new(SOFTWARE, "the story has no case"))
    }
}

/// The mail of this caption that went to a person.
pub(super) fn one(got: Vec<Got>, who: &Person, name: &str) -> Result<Seen, Failure> {
    let mut found = got.into_iter().filter(|mail| mail.caption.name == name && mail.to.same_mailbox(&who.address));
    let missing = || Failure::new(SOFTWARE, format!("{} did not get: {name}", who.name));
    found.next().map(|mail| mail.seen).ok_or_else(missing)
}

fn add_paragraph(excerpt: &mut Vec<String>, lines: Vec<String>) {
    if !excerpt.is_empty() {
        excerpt.push(String::new());
    }
    excerpt.extend(lines);
}

/// A subject without the case in front, which is the same in all.
fn untagged(subject: &str) -> &str {
    let plain = subject.strip_prefix("Re: ").unwrap_or(subject);
    plain.strip_prefix("[EX-").and_then(|rest| rest.split_once("] ")).map_or(subject, |(_, rest)| rest)
}

fn file_word(name: &str) -> String {
    name.to_lowercase().replace(' ', "-")
}

/// ` 2 Mar 09:00`.
fn date(at: Timestamp) -> String {
    at.to_jiff().to_zoned(jiff::tz::TimeZone::UTC).strftime("%e %b %H:%M").to_string()
}

fn protection(seen: &Seen) -> (Ink, &'static str) {
    match (seen.encrypted, seen.signed) {
        (true, true) => (Ink::Green, "encrypted, signed"),
        (true, false) => (Ink::Yellow, "encrypted, not signed"),
        (false, true) => (Ink::Yellow, "in clear, signed"),
        (false, false) => (Ink::Red, "in clear, not signed"),
    }
}

/// What a reader saw of an encrypted mail.
fn opened(reader: &str, author: &str, seen: &Seen) -> String {
    let signature = if seen.signed { "good" } else { "none, or not good" };
    let attachments = match seen.attachments.as_slice() {
        [] => String::new(),
        names => format!("Attachments:     {}\n", names.join(", ")),
    };
    format!(
        "Opened by:       {reader}\nSignature:       {signature} (by {author})\nSubject outside: {}\nSubject inside:  {}\n{attachments}\n{}\n",
        seen.outer_subject,
        seen.subject,
        seen.text.replace('\r', "").trim_end()
    )
}
