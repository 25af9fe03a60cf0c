//! Whether a mail is written by a mail host, told from its header fields.
//!
//! Never looks at the text. Never fails. A name that people carry too, such as `postmaster`, is told apart from one that
//! only programs carry.

use crate::mail::parse::{ParsedMail, ReturnPath};

/// Local parts that mail hosts write reports under, and no person does.
const DAEMONS: [&str; 15] = [
    "mailer-daemon",
    "mailerdaemon",
    "mailer_daemon",
    "mailer.daemon",
    "mail-daemon",
    "maildaemon",
    "mail_daemon",
    "mail.daemon",
    "mdaemon",
    "daemon",
    "mail.delivery.system",
    "mail-delivery-system",
    "mail.delivery.subsystem",
    "mail-delivery-subsystem",
    "maildeliverysystem",
];

/// Local parts of mail hosts that people answer from too.
const OFFICES: [&str; 3] = ["postmaster", "post-master", "mail-administrator"];

/// Display names that only mail hosts write.
const DAEMON_NAMES: [&str; 10] = [
    "mail delivery system",
    "mail delivery subsystem",
    "mail delivery service",
    "internet mail delivery",
    "mail system internal data",
    "microsoft outlook",
    "mailer daemon",
    "mailer-daemon",
    "mail transport agent",
    "mail delivery agent",
];

/// Header fields that only reports have.
const REPORT_FIELDS: [&str; 6] = [
    "X-DSNContext",
    "X-MS-Exchange-Message-Is-Ndr",
    "X-Failed-Recipients",
    "X-Report-Type",
    "X-Bounce-Notification",
    "X-NDR-Report",
];

/// Fields in which some hosts note the envelope sender.
const PATH_FIELDS: [&str; 7] = [
    "Return-Path",
    "X-Return-Path",
    "X-Envelope-From",
    "Envelope-From",
    "X-Original-Return-Path",
    "X-Env-Sender",
    "X-MailFrom",
];

/// Parts of the names of libraries with which programs write mail.
const LIBRARIES: [&str; 8] =
    ["cdo", "phpmailer", "internet mail service", "mime::", "javamail", "swiftmailer", "blat", "daemon"];

/// Words in the names of programs that write for a host.
const ROLE_WORDS: [&str; 18] = [
    "mail",
    "smtp",
    "system",
    "administrator",
    "admin",
    "daemon",
    "server",
    "gateway",
    "delivery",
    "postmaster",
    "mta",
    "virus",
    "scan",
    "robot",
    "notification",
    "bounce",
    "imss",
    "security suite",
];

/// Whether a mail is from a name that mail hosts use; people may use `postmaster` too.
pub(super) fn is_daemon_or_office(mail: &ParsedMail) -> bool {
    is_daemon(mail) || is_office(mail)
}

/// Whether a mail is from a name that only mail hosts use.
pub(super) fn is_daemon(mail: &ParsedMail) -> bool {
    mail.from.iter().any(|from| {
        let local = local_part(&from.raw);
        let bare_name = from.raw.is_empty()
            && from.name.as_deref().is_some_and(|name| DAEMONS.contains(&local_part(name).as_str()));
        // Exchange writes as `MicrosoftExchange` and 32 digits.
        DAEMONS.contains(&local.as_str()) || local.starts_with("microsoftexchange3") || bare_name
    })
}

/// Whether a mail is from `postmaster` or the like.
pub(super) fn is_office(mail: &ParsedMail) -> bool {
    mail.from.iter().any(|from| {
        let name = from.name.as_deref().unwrap_or_default().trim().to_ascii_lowercase();
        OFFICES.contains(&local_part(&from.raw).as_str()) || (from.raw.is_empty() && OFFICES.contains(&name.as_str()))
    })
}

/// Whether other header fields say that a mail host wrote it: a null path, no author, a name or field of reports.
pub(super) fn is_host(mail: &ParsedMail) -> bool {
    let named = |name: &str| DAEMON_NAMES.contains(&name.trim().to_ascii_lowercase().as_str());
    let empty = |value: &str| value.trim().ends_with("<>");
    is_null(mail)
        || mail.from.iter().any(|from| from.name.as_deref().is_some_and(named))
        || mail.headers.all_raw("From").any(empty)
        || REPORT_FIELDS.iter().any(|name| mail.headers.count(name) > 0)
}

/// Whether the envelope sender was empty (RFC 5321 section 4.5.5), or a daemon where a host puts one in its place.
pub(super) fn is_null(mail: &ParsedMail) -> bool {
    let null = |value: &str| {
        let value = value.split_once('[').map_or(value, |(path, _)| path).trim();
        let path = value.trim_matches(['<', '>', '"']);
        value == "<>" || DAEMONS.contains(&local_part(path).as_str())
    };
    mail.return_path == Some(ReturnPath::Null) || PATH_FIELDS.iter().any(|name| mail.headers.all_raw(name).any(null))
}

/// Whether nothing in the header says that a person wrote: no display name but that of a role, no mail program for
/// people, no answer and no forwarded mail.
pub(super) fn is_nameless(mail: &ParsedMail) -> bool {
    let people = ["User-Agent", "In-Reply-To", "References", "X-Originating-Email", "Autocrypt"];
    let subject = mail.subject.trim_start().to_lowercase();
    let forwarded = ["fw:", "fwd:", "wg:", "tr:", "rv:", "enc:", "i:", "vs:", "vb:", "doorst:", "转发", "轉寄", "[fwd"];
    let role = |name: &str| {
        let lower = name.to_lowercase();
        ROLE_WORDS.iter().any(|word| lower.contains(word))
    };
    let by_library = |value: &str| {
        let value = value.to_lowercase();
        LIBRARIES.iter().any(|name| value.contains(name))
    };
    let [from] = mail.from.as_slice() else { return mail.from.is_empty() };
    let name =
        from.name.as_deref().map(str::trim).filter(|name| !name.is_empty() && !from.raw.eq_ignore_ascii_case(name));
    // Without a display name the address alone is left, which people have as well: the words of the mail decide.
    name.is_none_or(role)
        && people.iter().all(|field| mail.headers.count(field) == 0)
        && mail.headers.all("X-Mailer").all(by_library)
        && !forwarded.iter().any(|mark| subject.starts_with(mark))
}

fn local_part(address: &str) -> String {
    address.rsplit_once('@').map_or(address, |(local, _)| local).trim().trim_matches('"').to_ascii_lowercase()
}
