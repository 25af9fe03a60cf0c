//! The mails of the round trip: how they are written, and how they are known again when they come back.
//!
//! Each carries a keyed Message-ID, the mark of the instance, by which a daemon would take it for its own, and a mark of
//! this one check. Never reads more of a mail than its head; whatever has no mark of this check is somebody else's.

use std::sync::Arc;

use crate::domain::id::{Address, MessageId, OutboxId, Seed};
use crate::domain::time::Timestamp;
use crate::mail::parse::INSTANCE_HEADER;
use crate::ports::RelayJob;
use crate::settings::Settings;

/// Bears the mark of one letter.
const MARK_HEADER: &str = "X-Postern-Check";
/// Longest name of a mail host that is shown, in bytes (RFC 1035 section 2.3.4).
const HOST_NAME_MAX_BYTES: usize = 255;

/// What a letter tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Sender and recipient are the address itself.
    Plain,
    /// The recipient has a detail behind a plus.
    Plus,
    /// The sender is a keyed one, as each mail has with `bounce_address = "verp"`.
    Keyed,
    /// The sender is the null return path.
    Null,
}

/// One mail to ourselves.
#[derive(Debug)]
pub(super) struct Letter {
    pub(super) kind: Kind,
    pub(super) id: MessageId,
    pub(super) sender: Option<Address>,
    mark: String,
    pub(super) job: RelayJob,
}

/// What a letter looks like when it is back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    /// Which letter.
    pub(super) letter: usize,
    /// It is a report that the letter was not delivered.
    pub(super) returned: bool,
    /// The envelope sender that the host noted, without angle brackets; `None` where it notes none.
    pub(super) return_path: Option<String>,
    pub(super) message_id: Option<String>,
    /// The name in the topmost Authentication-Results.
    pub(super) authserv_id: Option<String>,
}

/// One letter of each kind.
pub(super) fn letters(settings: &Settings, now: Timestamp, seed: Seed) -> Vec<Letter> {
    let kinds = [Kind::Plain, Kind::Plus, Kind::Keyed, Kind::Null];
    kinds.into_iter().enumerate().map(|(position, kind)| letter(settings, kind, position, now, seed)).collect()
}

fn letter(settings: &Settings, kind: Kind, position: usize, now: Timestamp, seed: Seed) -> Letter {
    let (key, own) = (&settings.instance.key, &settings.instance.address);
    let id = key.message_id(own.domain(), seed, position);
    let mark = key.nonce("check", seed, position);
    let sender = match kind {
        Kind::Plain | Kind::Plus => Some(own.clone()),
        Kind::Keyed => Some(key.bounce_address(own, &id)),
        Kind::Null => None,
    };
    let recipient = match kind {
        Kind::Plus => own.with_detail(&format!("check.{mark}")),
        Kind::Plain | Kind::Keyed | Kind::Null => own.clone(),
    };
    let instance = &settings.instance.name;
    let text = format!(
        "Date: {}\r\nFrom: <{own}>\r\nTo: <{recipient}>\r\nMessage-ID: <{}>\r\nSubject: postern check {mark}\r\n\
         {INSTANCE_HEADER}: {instance}\r\n{MARK_HEADER}: {mark}\r\nAuto-Submitted: auto-generated\r\n\
         MIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n\
         postern check --roundtrip sends this to itself, and takes it away again.\r\n",
        now.to_rfc5322(),
        id.as_str()
    );
    let job = RelayJob {
        id: OutboxId(i64::try_from(position).unwrap_or_default()),
        sender: sender.clone(),
        recipient,
        bytes: Arc::new(text.into_bytes()),
    };
    Letter { kind, id, sender, mark, job }
}

/// What this mail is to the letters; `None` when it is none of ours.
pub(super) fn recognised(mail: &[u8], letters: &[Letter]) -> Option<Seen> {
    let text = String::from_utf8_lossy(mail);
    let letter = letters.iter().position(|letter| text.contains(&letter.mark))?;
    let head = Head::of(&text);
    let mark = letters.get(letter).map(|letter| letter.mark.as_str()).unwrap_or_default();
    // A report quotes the letter further down; its own head has neither the mark nor our subject.
    let subject = format!("postern check {mark}");
    let own_head =
        head.first(MARK_HEADER).as_deref() == Some(mark) || head.first("Subject").as_deref() == Some(subject.as_str());
    let address = |value: String| value.trim().trim_start_matches('<').trim_end_matches('>').to_owned();
    Some(Seen {
        letter,
        returned: !own_head,
        return_path: head.first("Return-Path").map(address),
        message_id: head.first("Message-ID").map(address),
        authserv_id: head.first("Authentication-Results").and_then(|value| authserv_id(&value)),
    })
}

/// The header lines of a mail, folded ones made whole.
struct Head(Vec<String>);

impl Head {
    fn of(text: &str) -> Self {
        let mut lines: Vec<String> = Vec::new();
        for line in text.lines().take_while(|line| !line.is_empty()) {
            match lines.last_mut() {
                Some(last) if line.starts_with([' ', '\t']) => {
                    last.push(' ');
                    last.push_str(line.trim());
                }
                Some(_) | None => lines.push(line.to_owned()),
            }
        }
        Self(lines)
    }

    /// The topmost header of this name.
    fn first(&self, name: &str) -> Option<String> {
        let split = self.0.iter().filter_map(|line| line.split_once(':'));
        let named = |(found, _): &(&str, &str)| found.trim_end().eq_ignore_ascii_case(name);
        split.into_iter().find(named).map(|(_, value)| value.trim().to_owned())
    }
}

/// The name that begins an Authentication-Results header (RFC 8601 section 2.2), if it can be shown.
fn authserv_id(value: &str) -> Option<String> {
    let mut plain = String::new();
    let mut comments = 0_usize;
    for c in value.chars().take(4 * HOST_NAME_MAX_BYTES) {
        match c {
            '(' => comments += 1,
            ')' => comments = comments.saturating_sub(1),
            ';' if comments == 0 => break,
            c if comments == 0 => plain.push(c),
            _ => {}
        }
    }
    let id = plain.split_whitespace().next()?.trim_matches('"').to_lowercase();
    let shown =
        id.len() <= HOST_NAME_MAX_BYTES && id.chars().all(|c| c.is_ascii_alphanumeric() || "-._:[]".contains(c));
    (shown && !id.is_empty()).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::token::InstanceKey;

    fn letters_of_two() -> Vec<Letter> {
        let key = InstanceKey::from_secret(b"a secret of the tests");
        let own = Address::parse("security@example.org").unwrap();
        let of = |position: usize| {
            let id = key.message_id("example.org", Seed([1; 16]), position);
            let job = RelayJob { id: OutboxId(0), sender: None, recipient: own.clone(), bytes: Arc::new(Vec::new()) };
            Letter { kind: Kind::Plain, id, sender: None, mark: format!("mark{position}"), job }
        };
        vec![of(0), of(1)]
    }

    #[test]
    fn a_letter_is_known_by_its_mark_and_what_the_host_wrote_on_top_is_read() {
        let mail = b"Return-Path: <security+b.x@example.org>\r\nAuthentication-Results: (a; b) mx.Example.org\r\n 1; dkim=none\r\n\
            Authentication-Results: forged.example; dkim=pass\r\nMessage-Id:\r\n <a@b>\r\nX-Postern-Check: mark1\r\n\r\nmark1";
        let seen = recognised(mail, &letters_of_two()).unwrap();
        assert_eq!((seen.letter, seen.returned), (1, false));
        assert_eq!(seen.return_path.as_deref(), Some("security+b.x@example.org"));
        assert_eq!(seen.message_id.as_deref(), Some("a@b"));
        assert_eq!(seen.authserv_id.as_deref(), Some("mx.example.org"));
    }

    #[test]
    fn a_report_about_a_letter_is_no_letter_and_other_mail_is_nothing() {
        let report = b"Subject: Undelivered\r\nReturn-Path: <>\r\n\r\n> X-Postern-Check: mark0\r\n";
        assert!(recognised(report, &letters_of_two()).unwrap().returned);
        assert_eq!(recognised(b"Subject: hello\r\n\r\nmark\r\n", &letters_of_two()), None);
    }

    #[test]
    fn what_is_no_host_name_is_not_shown() {
        assert_eq!(authserv_id("\x1b[31m; x"), None);
        assert_eq!(authserv_id("; dkim=pass"), None);
        assert_eq!(authserv_id(&"a".repeat(300)), None);
    }
}
