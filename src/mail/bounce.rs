//! Reports that a mail of ours did not arrive, or not yet (RFC 3464, and the plain forms of mail hosts).
//!
//! Never decides what a report is worth: anybody can write one. It is worth something only through the keyed return path
//! or the Message-ID in it, which the caller checks. Never fails: what cannot be read is absent.

mod codes;
mod dsn;
mod notice;
mod original;
mod phrases;
mod sender;

use super::parse::{Limits, ParsedMail, Part, Report, ReturnPath, parse as parse_mail};
use crate::domain::id::{Address, MessageId};
use notice::Notice;

/// Recipients taken from one report.
const RECIPIENTS_MAX: usize = 50;

/// Message-IDs taken from one report.
const ORIGINAL_IDS_MAX: usize = 20;

/// Addresses that a mailbox named without its domain may have in one report.
const MAILBOX_NAMES_MAX: usize = 5;

/// Lines of a text in which the whole name of a mailbox is looked for.
const TEXT_LINES_MAX: usize = 500;

/// Bytes of an attachment in which a status part is looked for that is not marked as one.
const STATUS_MAX_BYTES: usize = 64 * 1024;

/// What is said where the words of a mail alone show a report.
pub(super) const BY_WORDS: &[&str] = &["subject and text of a failed delivery", "no person's name or mail program"];

/// A report about one or more recipients of an earlier mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BounceReport {
    /// Whom it is about; may be empty when the report does not say.
    pub recipients: Vec<BouncedRecipient>,
    /// Ids that may be that of the earlier mail, the likeliest first.
    pub original_message_ids: Vec<MessageId>,
    /// The addresses with a `+detail` that the report was sent to, or that the reporter saw as our return path: a keyed
    /// return path stands here.
    pub verp: Vec<Address>,
}

/// What the report says about one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BouncedRecipient {
    /// The address the mail was sent to (Original-Recipient), else the one it got to (Final-Recipient).
    pub address: Option<Address>,
    /// The other of the two, where it is another one.
    pub alt: Option<Address>,
    /// What became of the mail.
    pub action: Action,
    /// The enhanced status code (RFC 3463) that the report gives, such as `5.1.1`; where it gives none, the one in its
    /// diagnostic text, else the one that its words mean.
    pub status: Option<String>,
    /// The status in the diagnostic text, where the reported one tells no more than its class.
    pub diagnosed: Option<String>,
    /// The basic reply code of SMTP (RFC 5321 section 4.2.1).
    pub smtp_code: Option<u16>,
    /// Whether trying again is useless: class 5, or failed without a code.
    pub permanent: bool,
}

/// The Action field (RFC 3464 section 2.3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Given up.
    Failed,
    /// Not yet delivered; the host goes on trying.
    Delayed,
    /// Delivered.
    Delivered,
    /// Passed on to a host that sends no reports.
    Relayed,
    /// Delivered to a list or alias.
    Expanded,
}

impl BouncedRecipient {
    /// The most exact status that is known.
    #[must_use]
    pub fn exact_status(&self) -> Option<&str> {
        self.diagnosed.as_deref().or(self.status.as_deref())
    }

    fn new(address: Option<Address>, action: Action) -> Self {
        let permanent = action == Action::Failed;
        Self { address, alt: None, action, status: None, diagnosed: None, smtp_code: None, permanent }
    }

    /// Takes codes from diagnostic texts, the closest first. `written` is a status that stands in a field of its own.
    fn say(&mut self, written: Option<String>, diagnostics: &[&str]) {
        let in_text = diagnostics.iter().find_map(|text| codes::enhanced_status(text));
        self.smtp_code = diagnostics.iter().find_map(|text| codes::reply_code(text));
        let temporary = self.action == Action::Delayed || self.smtp_code.is_some_and(|code| code < 500);
        let by_words = |text: &&str| codes::status_by_words(text, if temporary { 4 } else { 5 });
        self.status = written.or_else(|| in_text.clone()).or_else(|| diagnostics.iter().find_map(by_words));
        let class = self.status.as_deref().and_then(|status| status.chars().next());
        if self.diagnosed.is_none() && self.status.as_deref().is_some_and(codes::is_vague) {
            self.diagnosed = in_text.filter(|status| !codes::is_vague(status) && status.chars().next() == class);
        }
        let says_five = class.map_or_else(|| self.smtp_code.is_none_or(|code| code >= 500), |class| class == '5');
        self.permanent = self.action == Action::Failed && says_five;
    }
}

/// The report in a mail; `None` when it is none, or tells only of success.
#[must_use]
pub fn parse(mail: &ParsedMail) -> Option<BounceReport> {
    read(mail).map(|(report, _)| report)
}

/// The report in a mail, and by what it was known, in fixed words.
pub(super) fn read(mail: &ParsedMail) -> Option<(BounceReport, Vec<&'static str>)> {
    let signs = Signs::of(mail);
    // Words are looked for only where something else is there already: most mail is a person's.
    if !signs.any() {
        return None;
    }
    let notice = notice::cut(&mail.text);
    let status = status_text(mail, &signs);
    let written = status.as_deref().map(|text| dsn::recipients(text, RECIPIENTS_MAX)).unwrap_or_default();
    let trouble = |recipient: &BouncedRecipient| matches!(recipient.action, Action::Failed | Action::Delayed);
    let is_success = !written.is_empty() && !written.iter().any(trouble);
    if is_success || status.as_deref().is_some_and(dsn::is_challenge) {
        return None;
    }
    let mut written: Vec<BouncedRecipient> = written.into_iter().filter(trouble).collect();
    let named = in_words(mail, &notice);
    let reasons = reasons(mail, &signs, &notice, status.is_some(), &named)?;
    for recipient in &mut written {
        complete(recipient, &named);
    }
    // A part that names nobody, or nobody with an address, leaves it to the words.
    let recipients =
        if written.iter().any(|recipient| recipient.address.is_some()) || named.is_empty() { written } else { named };
    let (original_message_ids, verp) = (original::ids(mail), original::paths(mail));
    Some((BounceReport { recipients, original_message_ids, verp }, reasons))
}

/// Whether the mail is from a name that only mail hosts use.
#[must_use]
pub fn is_daemon(mail: &ParsedMail) -> bool {
    sender::is_daemon_or_office(mail)
}

/// Whether the envelope sender was empty, by any field in which hosts note it.
pub(super) fn has_null_path(mail: &ParsedMail) -> bool {
    sender::is_null(mail)
}

/// Whether the mail is from a name that no person has.
pub(super) fn is_surely_daemon(mail: &ParsedMail) -> bool {
    sender::is_daemon(mail)
}

/// The status part, also one that is not marked as such. What a person attaches counts only if [`reasons`] say so.
fn status_text(mail: &ParsedMail, signs: &Signs) -> Option<String> {
    let marked = mail.report.as_ref().and_then(|report| report.status.clone());
    if !(signs.host || signs.submitted || signs.office) {
        return marked;
    }
    let files = || {
        let files = mail.attachments.iter().filter(|part| !part.content_type.starts_with("image/")).take(5);
        let text = |part: &Part| {
            String::from_utf8_lossy(part.bytes.get(..STATUS_MAX_BYTES).unwrap_or(&part.bytes)).into_owned()
        };
        files.filter(|part| !part.content_type.starts_with("message/")).map(text).find(|text| dsn::is_status(text))
    };
    marked.or_else(files).or_else(|| dsn::is_status(&mail.text).then(|| mail.text.clone()))
}

/// The recipients that the header fields and the words of the notice name.
fn in_words(mail: &ParsedMail, notice: &Notice<'_>) -> Vec<BouncedRecipient> {
    let mut ours = mail.recipients.clone();
    ours.extend(mail.from.iter().filter_map(|from| from.address.clone()));
    let named = notice.recipients(&ours, RECIPIENTS_MAX);
    let failed = failed_recipients(mail);
    if !failed.is_empty() {
        return failed.into_iter().map(|recipient| with_words(recipient, &named)).collect();
    }
    if notice.names_surely(&ours) {
        return named;
    }
    // A mailbox that is listed without its domain is surer than an address in a sentence.
    let listed = mailboxes_of_host(mail, notice);
    if !listed.is_empty() {
        return listed;
    }
    if named.is_empty() && (sender::is_host(mail) || is_daemon(mail)) {
        let inner = inner_report(mail);
        // Else a notice to oneself, or to the list that the mail was for.
        return if inner.is_empty() { notice.recipients(&[], RECIPIENTS_MAX) } else { inner };
    }
    named
}

/// `X-Failed-Recipients`, as Exim and Gmail write it.
fn failed_recipients(mail: &ParsedMail) -> Vec<BouncedRecipient> {
    let names = mail.headers.all_raw("X-Failed-Recipients").flat_map(|value| value.split([',', ' ']));
    let addresses = names.filter_map(dsn::typed_address).take(RECIPIENTS_MAX);
    addresses.map(|address| BouncedRecipient::new(Some(address), Action::Failed)).collect()
}

/// A recipient of a header field or status part with what the words say of it.
fn with_words(mut recipient: BouncedRecipient, named: &[BouncedRecipient]) -> BouncedRecipient {
    complete(&mut recipient, named);
    recipient
}

fn complete(recipient: &mut BouncedRecipient, named: &[BouncedRecipient]) {
    let same = |a: Option<&Address>, b: Option<&Address>| a.zip(b).is_some_and(|(a, b)| a.same_mailbox(b));
    let about = |other: &&BouncedRecipient| {
        let names = [other.address.as_ref(), other.alt.as_ref()];
        names.iter().any(|name| same(recipient.address.as_ref(), *name) || same(recipient.alt.as_ref(), *name))
    };
    let Some(words) = named.iter().find(about).cloned() else { return };
    recipient.smtp_code = recipient.smtp_code.or(words.smtp_code);
    if recipient.status.is_none() {
        recipient.status = words.status;
        recipient.permanent = words.permanent;
    }
    let other =
        [words.alt, words.address].into_iter().flatten().find(|name| !same(recipient.address.as_ref(), Some(name)));
    recipient.alt = recipient.alt.take().or(other);
}

/// The recipients of a report that is attached whole to this one, as scanners of gateways do.
fn inner_report(mail: &ParsedMail) -> Vec<BouncedRecipient> {
    let attached = mail.attachments.iter().find(|part| part.content_type == "message/rfc822");
    let inner = attached.map(|part| parse_mail(&part.bytes, &Limits::default()));
    let status = inner.as_ref().and_then(|inner| inner.report.as_ref()).and_then(|report| report.status.as_deref());
    status.map(|text| dsn::recipients(text, RECIPIENTS_MAX)).unwrap_or_default()
}

/// A mailbox of the reporting host that is named without its domain; the rest of the report may have it whole.
fn mailboxes_of_host(mail: &ParsedMail, notice: &Notice<'_>) -> Vec<BouncedRecipient> {
    let Some(local) = notice.listed_mailbox() else { return Vec::new() };
    let returned = mail.report.as_ref().and_then(|report| report.returned.as_ref());
    let to = returned.into_iter().flat_map(|headers| headers.all_raw("To")).flat_map(notice::addresses);
    let in_text = mail.text.lines().take(TEXT_LINES_MAX).flat_map(notice::addresses);
    let mut known: Vec<Address> = Vec::new();
    for address in to.chain(in_text).filter(|address| address.local().eq_ignore_ascii_case(local)) {
        if known.len() < MAILBOX_NAMES_MAX && !known.contains(&address) {
            known.push(address);
        }
    }
    if known.is_empty() {
        let domain = mail.from.first().and_then(|from| from.raw.rsplit_once('@')).map(|(_, domain)| domain);
        known.extend(domain.and_then(|domain| Address::parse(&format!("{local}@{domain}"))));
    }
    let words = notice.normalized();
    let action = if phrases::is_delay(&words) { Action::Delayed } else { Action::Failed };
    let recipient = |address| {
        let mut recipient = BouncedRecipient::new(Some(address), action);
        recipient.say(None, &[&words]);
        recipient
    };
    known.into_iter().map(recipient).collect()
}

/// What the header fields say, before a word of the text is looked at.
struct Signs {
    /// The whole mail calls itself a delivery report.
    is_structure: bool,
    /// The whole mail is a status part.
    is_status_alone: bool,
    /// From a name that only mail hosts use.
    daemon: bool,
    /// Written by a mail host, by that or another sign.
    host: bool,
    /// From a name that mail hosts and the people who run them use.
    office: bool,
    /// Sent by a program (RFC 3834).
    submitted: bool,
    /// A subject as reports have it.
    subject: bool,
    /// The field in which Exim and Gmail name recipients.
    failed_field: bool,
}

impl Signs {
    fn of(mail: &ParsedMail) -> Self {
        let kind = mail.headers.first_raw("Content-Type").unwrap_or_default().to_ascii_lowercase();
        let of_delivery = |report: &Report| matches!(report.kind.as_str(), "delivery-status" | "unknown" | "");
        let is_report = kind.contains("multipart/report") || kind.contains("report-type");
        let daemon = sender::is_daemon(mail);
        let auto = |value: &str| value.trim().to_ascii_lowercase().starts_with("auto-");
        Self {
            is_structure: is_report && mail.report.as_ref().is_none_or(of_delivery),
            is_status_alone: kind.starts_with("message/delivery-status")
                || kind.starts_with("message/global-delivery-status"),
            daemon,
            host: daemon || sender::is_host(mail),
            office: sender::is_office(mail),
            submitted: mail.headers.all_raw("Auto-Submitted").any(auto),
            subject: phrases::is_subject(&phrases::normalized(&mail.subject)),
            failed_field: mail.headers.count("X-Failed-Recipients") > 0,
        }
    }

    fn any(&self) -> bool {
        self.is_structure || self.is_status_alone || self.host || self.office || self.submitted || self.subject
    }
}

/// Why a mail is a report; `None` when it is none. A person may attach or quote a report, write its words as a subject,
/// or be a postmaster: each sign alone proves nothing.
fn reasons(
    mail: &ParsedMail,
    signs: &Signs,
    notice: &Notice<'_>,
    has_status: bool,
    named: &[BouncedRecipient],
) -> Option<Vec<&'static str>> {
    let Signs { is_structure, is_status_alone, daemon, host, office, submitted, subject, failed_field } = *signs;
    let words = notice.normalized();
    let opens = phrases::opens_with_failure(&words);
    let returned = mail.report.as_ref().is_some_and(|report| report.returned.is_some());
    let returns = notice.returns || returned || !original::ids_in_text(&mail.text).is_empty();
    let names = !named.is_empty();
    // Of one whom nothing else shows as a mail host, a sentence about an address is not enough: it has to be a list.
    let surely = notice.names_surely(&mail.recipients);
    // Of signs that stand together, the first row that fits counts.
    let rows: [(bool, &[&'static str]); 8] = [
        (has_status && (is_structure || is_status_alone), &["a delivery-status part (RFC 3464)"]),
        (
            has_status && (host || submitted || (office && subject && !is_letter(notice))),
            &["a delivery-status part that is not marked as one", "written by a mail host"],
        ),
        (
            failed_field && (daemon || submitted || subject || mail.return_path == Some(ReturnPath::Null)),
            &["X-Failed-Recipients"],
        ),
        (daemon && notice.lists_strictly(), &["from a mail daemon", "addresses listed as a mail host lists them"]),
        (host && is_structure && (opens || subject || names), &["a multipart/report", "written by a mail host"]),
        (
            host && opens && ((subject || daemon) && (names || returns) || (names && returns)),
            &["written by a mail host", "text of a failed delivery"],
        ),
        (daemon && subject && (names || returns), &["from a mail daemon", "subject of a failed delivery"]),
        (
            subject
                && opens
                && names
                && !is_letter(notice)
                && (office || submitted || (surely && sender::is_nameless(mail))),
            BY_WORDS,
        ),
    ];
    rows.iter().find(|(fits, _)| *fits).map(|(_, why)| why.to_vec())
}

/// Whether a person begins to speak, or speaks of himself.
fn is_letter(notice: &Notice<'_>) -> bool {
    let first = notice.first_line();
    let greets = [
        "hi",
        "hello",
        "dear",
        "hallo",
        "hey",
        "bonjour",
        "hola",
        "ciao",
        "olá",
        "guten tag",
        "good morning",
        "sehr geehrte",
        "i ",
        "we ",
    ];
    let word = |start: &str| {
        first.strip_prefix(start).is_some_and(|rest| start.ends_with(' ') || !rest.starts_with(char::is_alphanumeric))
    };
    greets.iter().any(|start| word(start)) || notice.normalized().contains(" i found ")
}

#[cfg(test)]
#[path = "bounce_tests.rs"]
mod tests;
