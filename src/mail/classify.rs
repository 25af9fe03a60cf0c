//! What kind of mail it is: from a person, a machine, a mail host, a list, or ourselves.
//!
//! Decided from the outside alone, before anything is decrypted: a report of a mail host is never opened.
//! Never decides what is done about it; never lets a header make a mail *more* trusted. Never fails: a mail without any
//! sign is a person's.

mod automatic;
mod wording;

use super::bounce::{self, BounceReport};
use super::intake::Source;
use super::parse::{INSTANCE_HEADER, ParsedMail};
use crate::domain::id::Address;
use crate::domain::token::InstanceKey;

/// Local parts nobody reads.
const UNREAD: [&str; 8] =
    ["noreply", "no-reply", "no_reply", "donotreply", "do-not-reply", "do_not_reply", "nobody", "bounces"];

/// What kind of mail it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MailClass {
    /// A person's mail, or nothing says otherwise.
    Person,
    /// A mail by a source that the settings name as bringing reports.
    Intake {
        /// Which source.
        kind: IntakeKind,
    },
    /// Written by a machine: never answered, changes nothing.
    Automatic(AutoKind),
    /// A report that a mail of ours did not arrive, or not yet.
    Bounce(BounceReport),
    /// Came over a mailing list (RFC 2919), or is bulk mail.
    List {
        /// The identifier of its List-Id in lower case; empty when it has none.
        list_id: String,
    },
    /// A mail of this instance that came back.
    Own,
}

/// Which source of reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IntakeKind {
    /// The address people write to is this mailing list.
    List {
        /// Its identifier in lower case.
        list_id: String,
    },
    /// A web form.
    Form,
    /// An issue tracker.
    Tracker,
}

/// Which kind of machine mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AutoKind {
    /// A vacation notice or other answer by a program (RFC 3834 `auto-replied`, or the null path).
    AutoReply,
    /// A notice by a program that is no answer (RFC 3834 `auto-generated` and others).
    Generated,
    /// A read receipt (RFC 8098).
    Mdn,
    /// Another report of a mail host: a success, an abuse report (RFC 5965).
    Report,
    /// Precedence bulk or junk, without a list.
    Bulk,
}

/// By what this instance knows its own mail and its own sources.
#[derive(Debug, Clone, Copy)]
pub struct OwnMarks<'a> {
    /// Our Message-IDs carry its mark.
    pub key: &'a InstanceKey,
    /// The addresses we send from.
    pub addresses: &'a [Address],
    /// The value of `X-Postern-Instance` in our mail; empty when it is not written.
    pub loop_header_value: &'a str,
    /// Sources whose mail is a report.
    pub intake: &'a [Source],
}

/// Tells the class of a mail. The first rule that fits counts.
#[must_use]
pub fn classify(mail: &ParsedMail, own: &OwnMarks<'_>) -> MailClass {
    judge(mail, own).0
}

/// Why a mail is of the class that [`classify`] tells: the signs that counted, in fixed words without anything of the
/// mail. Empty when nothing says that it is other than a person's.
#[must_use]
pub fn reasons(mail: &ParsedMail, own: &OwnMarks<'_>) -> Vec<&'static str> {
    judge(mail, own).1
}

fn judge(mail: &ParsedMail, own: &OwnMarks<'_>) -> (MailClass, Vec<&'static str>) {
    // A report may quote our own marks, so it comes before the look for them.
    if let Some(judged) = report(mail) {
        return judged;
    }
    if is_own(mail, own) {
        return (MailClass::Own, vec!["carries the marks of this instance"]);
    }
    // Forms and trackers are machines, but a person stands behind each of their mails.
    if let Some(kind) = own.intake.iter().find_map(|source| source.by_sender(mail)) {
        return (MailClass::Intake { kind }, vec!["from a source named in the settings"]);
    }
    if let Some((kind, why)) = automatic::judge(mail) {
        return (MailClass::Automatic(kind), why);
    }
    if let Some(list_id) = list_id(mail) {
        return if own.intake.iter().any(|source| source.is_list(&list_id)) {
            (MailClass::Intake { kind: IntakeKind::List { list_id } }, vec!["over a list named in the settings"])
        } else {
            (MailClass::List { list_id }, vec!["header fields of a mailing list"])
        };
    }
    if let Some("bulk" | "junk") = automatic::precedence(mail).as_deref() {
        return (MailClass::Automatic(AutoKind::Bulk), vec!["Precedence: bulk or junk"]);
    }
    // RFC 3834 section 2 and RFC 5321 section 4.5.5: whoever sends with the null path wants no answer.
    if bounce::has_null_path(mail) {
        return (MailClass::Automatic(AutoKind::AutoReply), vec!["null return path"]);
    }
    (MailClass::Person, Vec::new())
}

/// Whether nothing but words say that a machine wrote: a person may write each of them, in a report about a mail server
/// or a vacation program for instance, so such a mail must not be put aside unseen.
#[must_use]
pub fn by_words_alone(mail: &ParsedMail, own: &OwnMarks<'_>) -> bool {
    let (class, why) = judge(mail, own);
    matches!(class, MailClass::Bounce(_) | MailClass::Automatic(_))
        && [bounce::BY_WORDS, automatic::BY_WORDS, automatic::ASKS_FOR_PROOF].iter().any(|words| why == *words)
        && !bounce::has_null_path(mail)
        && mail.headers.count("Auto-Submitted") == 0
}

/// Whether an automatic answer may go to the author (RFC 3834 section 2).
///
/// `X-Auto-Response-Suppress` counts here and not in [`classify`]: Exchange puts it on people's mail too, so it asks for
/// silence without saying that a machine wrote.
#[must_use]
pub fn may_be_answered(mail: &ParsedMail, class: &MailClass) -> bool {
    let human = match class {
        MailClass::Person | MailClass::Intake { .. } => true,
        MailClass::Automatic(_) | MailClass::Bounce(_) | MailClass::List { .. } | MailClass::Own => false,
    };
    human
        && mail.author().is_some_and(is_read)
        && !bounce::is_daemon(mail)
        && !automatic::asks_for_silence(mail)
        && !bounce::has_null_path(mail)
}

/// Whether somebody may read what is sent there, judged by the name alone.
#[must_use]
pub fn is_read(address: &Address) -> bool {
    let local = address.local().split('+').next().unwrap_or_default().to_ascii_lowercase();
    !UNREAD.contains(&local.as_str())
}

/// Reports of mail hosts and mail programs.
fn report(mail: &ParsedMail) -> Option<(MailClass, Vec<&'static str>)> {
    if let Some((report, why)) = bounce::read(mail) {
        return Some((MailClass::Bounce(report), why));
    }
    let report = mail.report.as_ref().filter(|report| !report.kind.is_empty())?;
    let kind = mail.headers.first_raw("Content-Type").unwrap_or_default().to_ascii_lowercase();
    // A person may attach a report that he got; then the mail as a whole is none.
    let is_whole = ["multipart/report", "report-type", "message/"].iter().any(|mark| kind.contains(mark));
    let by_host = bounce::is_daemon(mail) || bounce::has_null_path(mail);
    (is_whole || by_host).then(|| match report.kind.as_str() {
        "disposition-notification" => (MailClass::Automatic(AutoKind::Mdn), vec!["a read receipt (RFC 8098)"]),
        _ => (MailClass::Automatic(AutoKind::Report), vec!["a report that is no bounce (RFC 6522)"]),
    })
}

fn is_own(mail: &ParsedMail, own: &OwnMarks<'_>) -> bool {
    let looped = !own.loop_header_value.is_empty()
        && mail.headers.all(INSTANCE_HEADER).any(|value| value.trim() == own.loop_header_value);
    // A stranger may know a Message-ID of ours. He makes his own mail unread with it, so both must fit: it is ours, and
    // it claims to be from us.
    let ours = |address: &Address| own.addresses.iter().any(|own| same_base(own, address));
    let from_us = mail.from.iter().filter_map(|from| from.address.as_ref()).any(ours);
    looped || (from_us && mail.message_id.as_ref().is_some_and(|id| own.key.made(id)))
}

/// Whether two addresses are one but for their `+detail`.
pub(super) fn same_base(a: &Address, b: &Address) -> bool {
    let base = |address: &Address| address.local().split('+').next().unwrap_or_default().to_lowercase();
    a.domain() == b.domain() && base(a) == base(b)
}

/// The list a mail came over; an empty identifier when only other signs of a list are there.
fn list_id(mail: &ParsedMail) -> Option<String> {
    if let Some(raw) = mail.headers.first_raw("List-Id") {
        let id = raw.rsplit_once('<').and_then(|(_, rest)| rest.split_once('>')).map_or(raw, |(id, _)| id);
        return Some(id.trim().to_ascii_lowercase());
    }
    let signs = ["List-Post", "List-Unsubscribe", "Mailing-List", "X-Mailing-List", "X-Mailman-Version"];
    let any =
        signs.iter().any(|name| mail.headers.count(name) > 0) || automatic::precedence(mail).as_deref() == Some("list");
    any.then(String::new)
}

#[cfg(test)]
#[path = "classify_tests.rs"]
mod tests;
