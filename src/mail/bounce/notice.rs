//! The notice that a mail host writes for people: where it ends and the returned mail begins, and whom it names.
//!
//! Never takes an address from the returned mail. Never decides whether the text is a notice at all. Never fails: who is
//! not named is absent.

use std::sync::LazyLock;

use regex::Regex;

use super::codes;
use super::dsn;
use super::phrases;
use super::{Action, BouncedRecipient};
use crate::domain::id::Address;

/// Lines of a notice that are looked at.
const LINES_MAX: usize = 400;

/// Addresses taken from one line.
const IN_LINE_MAX: usize = 20;

/// Bytes of a line that are looked at.
const LINE_MAX_BYTES: usize = 600;

/// An address between other words. In angle brackets more characters are allowed than outside.
static ADDRESS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let local = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+";
    Regex::new(&format!(r"<([^\s<>@]+@[^\s<>@]+)>|({local}@[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*)")).ok()
});

/// Words in front of an address that say: it failed.
static FAILING_LABEL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?i)^(?:failed(?: recipient| address| to deliver to)?s?|recipients?(?: address)?|undeliverable(?: address| to)?|",
        r"unknown (?:user|recipient|address)|invalid (?:final delivery )?(?:userid|user|recipient|address)|intended recipients?|",
        r"(?:final|original)-recipient|error-for|x-failed-recipients|delivery failed(?: \d+ attempts)?|delivery to|",
        r"user mailbox exceeds allowed size|mailbox (?:full|unavailable|unknown)|user (?:unknown|not found)|no such user|",
        r"bounced address|rejected recipient|could not deliver (?:mail|message)? ?to|unable to deliver (?:mail|message )?to|",
        r"addressed to|empfänger|destinataires?|destinatarios?|destinatári[oa]s?|destinatari[oa]?|ontvangers?|mottagare|modtagere?|mottakere?|",
        r"vastaanottajat?|odbiorc[ay]|adresat|příjemce|címzett|destinatar|получател[ьи]|адресат|одержувач|αποδέκτης|alıcı|",
        r"收件人|收信人|宛先|受信者|받는 ?사람|수신자)\s*[:=：]?\s*(?:rfc822\s*;|smtp:)?\s*$"
    ))
    .ok()
});

/// Other words in front of an address that may be that of the recipient.
static WEAK_LABEL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?i)^(?:to|for|address|e-?mail(?: address)?|destination|an|à|para|a|naar|till|til|do|кому|接收者|至)\s*:\s*$",
    )
    .ok()
});

/// A line that begins the returned mail.
static RETURNED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?i)\bcop(?:y|ie) (?:of|de) |copia del? |cópia d|kopie (?:der|ihrer|van)|kopi(?:a|e)? (?:av|af|wiadomo)|original message (?:follows|below|as received|is attached|attached)|",
        r"(?:headers? of|header of|headers? from) (?:the|your) (?:original|returned)|(?:message|mail) (?:headers? |text )?follows?\b|original (?:message )?headers?\b|",
        r"returned (?:mail|message)|unsent message|undelivered message(?: follows)?|old message|your message reads|",
        r"lines of (?:the|your) (?:original )?message|lines of the message|ursprüngliche (?:nachricht|mail)|originalnachricht|message (?:d'origine|original)|",
        r"mensaje original|mensagem original|messaggio originale|oorspronkelijk bericht|ursprungligt meddelande|исходное (?:сообщение|письмо)|копия (?:сообщения|письма)|",
        r"原信件|原信的|原邮件(?:如下|内容)|原郵件(?:如下|內容)|原始邮件如下|信件的原件|元のメッセージ|원본 ?메시지|start of returned"
    ))
    .ok()
});

/// Header fields that stand at the top of a returned mail.
static RETURNED_FIELD: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?i)^[>|\s]{0,4}(?:received:\s*(?:from|by|\(|$)|return-path:|mime-version:|delivered-to:|dkim-signature:|path:|",
        r"arc-seal:|x-originating-ip:|x-sender:|x-received:|domainkey-signature:|content-type:\s*(?:message/rfc822|text/rfc822-headers)|authentication-results:|received-spf:)"
    ))
    .ok()
});

/// A notice without the mail that it returns.
pub(super) struct Notice<'a> {
    lines: Vec<&'a str>,
    /// Whether a mail, or its beginning, stands behind the notice.
    pub(super) returns: bool,
}

/// How sure it is that an address is one that failed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// Named as the one the mail was for.
    Weak,
    /// In the conversation of the mail hosts.
    Transcript,
    /// Alone in a line, without a word on why.
    Bare,
    /// In a sentence about the failure.
    Sentence,
    /// Listed as failed.
    Listed,
}

struct Candidate {
    address: Address,
    rank: Rank,
    line: usize,
    /// What the address was made from by the host, when it says so.
    alt: Option<Address>,
}

/// Cuts a text where the returned mail begins.
pub(super) fn cut(text: &str) -> Notice<'_> {
    let mut lines = Vec::new();
    let mut returns = false;
    let mut seen_words = false;
    for line in text.lines().take(LINES_MAX) {
        let line = head(line);
        if seen_words && begins_returned(line) {
            returns = true;
            break;
        }
        seen_words |= !line.trim().is_empty();
        lines.push(line);
    }
    Notice { lines, returns }
}

impl Notice<'_> {
    /// The notice in the form in which phrases are looked for.
    pub(super) fn normalized(&self) -> String {
        phrases::normalized(&self.lines.join("\n"))
    }

    /// The first line that says something, in lower case.
    pub(super) fn first_line(&self) -> String {
        self.lines.iter().map(|line| line.trim().to_lowercase()).find(|line| !line.is_empty()).unwrap_or_default()
    }

    /// Whether an address is listed in the form `<address>:`, which only mail hosts write.
    pub(super) fn lists_strictly(&self) -> bool {
        self.lines
            .iter()
            .any(|line| line.trim().strip_prefix('<').is_some_and(|rest| rest.contains("@") && rest.contains(">:")))
    }

    /// Whether it names somebody as failed in so many words or lines.
    pub(super) fn names_surely(&self, ours: &[Address]) -> bool {
        self.choose(ours, 1).first().is_some_and(|candidate| candidate.rank == Rank::Listed)
    }

    /// The recipients it names, without those in `ours`; at most `most`.
    pub(super) fn recipients(&self, ours: &[Address], most: usize) -> Vec<BouncedRecipient> {
        let chosen = self.choose(ours, most);
        let delayed = phrases::is_delay(&self.normalized());
        let action = if delayed { Action::Delayed } else { Action::Failed };
        let only = chosen.len() == 1;
        let ends: Vec<usize> = chosen.iter().skip(1).map(|next| next.line).chain([self.lines.len()]).collect();
        let found = chosen.into_iter().zip(ends).map(|(candidate, end)| {
            let mut recipient = BouncedRecipient::new(Some(candidate.address.clone()), action);
            recipient.alt = candidate.alt;
            let named = self.lines_about(&candidate.address);
            let below = self.lines.get(candidate.line..end.max(candidate.line + 1)).unwrap_or_default().join("\n");
            let all = if only { self.lines.join("\n") } else { String::new() };
            recipient.say(None, &[&named, &below, &all]);
            // Who writes a notice of failure has given up, whatever the last answer was.
            recipient.permanent = !delayed;
            recipient
        });
        found.collect()
    }

    /// A word that is listed as failed where an address should stand: a mailbox of the host that writes.
    pub(super) fn listed_mailbox(&self) -> Option<&str> {
        let (mut before, mut listed) = (String::new(), false);
        for line in &self.lines {
            let text = line.trim();
            if text.is_empty() {
                continue;
            }
            let word = text.split("  ").next().and_then(|word| word.split(" (").next()).unwrap_or(text);
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '+');
            if listed && (1..=64).contains(&word.len()) && word.chars().all(plain) {
                return Some(word);
            }
            let line = phrases::normalized(text);
            listed = phrases::says_failed(&format!("{before} {line}")) && (text.ends_with(':') || text.ends_with(": "));
            before = line;
        }
        None
    }

    /// The lines that name an address with more than its name, for what they say of it.
    fn lines_about(&self, address: &Address) -> String {
        let key = address.key();
        let about = self.lines.iter().enumerate().filter(|(_, line)| line.to_lowercase().contains(&key));
        let with_next = about.flat_map(|(at, line)| [Some(line), self.lines.get(at + 1)]).flatten();
        with_next.take(LINES_MAX).copied().collect::<Vec<_>>().join("\n")
    }

    fn choose(&self, ours: &[Address], most: usize) -> Vec<Candidate> {
        let mut all = self.candidates();
        all.retain(|candidate| !ours.iter().any(|own| own.same_mailbox(&candidate.address)));
        let best = all.iter().map(|candidate| candidate.rank).max();
        let mut chosen: Vec<Candidate> = Vec::new();
        for candidate in all.into_iter().filter(|candidate| Some(candidate.rank) == best) {
            if chosen.len() < most && !chosen.iter().any(|known| known.address.same_mailbox(&candidate.address)) {
                chosen.push(candidate);
            }
        }
        chosen
    }

    fn candidates(&self) -> Vec<Candidate> {
        let mut found: Vec<Candidate> = Vec::new();
        let mut listing = false;
        let mut before: [String; 2] = [String::new(), String::new()];
        for (at, line) in self.lines.iter().enumerate() {
            let line =
                line.trim_matches(|c: char| c.is_whitespace() || matches!(c, '*' | '>' | '|' | '·' | '•' | '-' | '='));
            if line.is_empty() {
                continue;
            }
            let normal = phrases::normalized(line);
            let window = format!("{} {} {normal}", before[0], before[1]);
            listing = listing || phrases::says_failed(&window);
            if made_from(line, &mut found, at) {
                continue;
            }
            let about = is_contact(&before[1]) && !before[1].contains("delivered") || is_contact(&normal);
            for (address, rank) in ranked(line, &window, listing) {
                let passed_over = about && rank < Rank::Listed;
                if !(passed_over || is_office(&address)) {
                    found.push(Candidate { address, rank, line: at, alt: None });
                }
            }
            before = [std::mem::take(&mut before[1]), normal];
        }
        found
    }
}

/// The beginning of a line, at most [`LINE_MAX_BYTES`].
fn head(line: &str) -> &str {
    let mut end = line.len().min(LINE_MAX_BYTES);
    while !line.is_char_boundary(end) {
        end -= 1;
    }
    line.get(..end).unwrap_or_default()
}

/// The addresses in a text, in order.
pub(super) fn addresses(text: &str) -> Vec<Address> {
    places(text).into_iter().map(|(_, _, address)| address).collect()
}

fn begins_returned(line: &str) -> bool {
    let text = line.trim();
    let fits = |pattern: &LazyLock<Option<Regex>>| pattern.as_ref().is_some_and(|pattern| pattern.is_match(text));
    if fits(&RETURNED_FIELD) {
        return true;
    }
    let bare = text.trim_matches(|c: char| matches!(c, '-' | '=' | '*' | '|' | '_' | '#' | ' ')).to_lowercase();
    let ruled = text.len() >= bare.len() + 4;
    if ruled
        && matches!(bare.as_str(), "original message" | "message header" | "message headers" | "headers" | "message")
    {
        return true;
    }
    // A sentence about the copy is long, and one about who got none is no beginning.
    let about_copy = fits(&RETURNED) && text.chars().count() <= 100;
    about_copy
        && !["not receive", "did not", "not get", "was received", "transcript", "details"]
            .iter()
            .any(|word| bare.contains(word))
}

/// Addresses with the places where they begin and end, brackets included.
fn places(text: &str) -> Vec<(usize, usize, Address)> {
    let Some(pattern) = ADDRESS.as_ref() else { return Vec::new() };
    let found = pattern.captures_iter(text).take(IN_LINE_MAX).filter_map(|found| {
        let (whole, word) = (found.get(0)?, found.get(1).or_else(|| found.get(2))?);
        Some((whole.start(), whole.end(), cleaned(word.as_str())?))
    });
    found.collect()
}

fn cleaned(word: &str) -> Option<Address> {
    let word = word.trim_matches(['\'', '"', '`', '*', '.', ',', '=', ';', ':']);
    let word = word.strip_prefix("mailto:").unwrap_or(word);
    let upper = word.to_ascii_uppercase();
    // `SMTP=ana@x` of an X.400 name, `SMTP:ana@x` of Exchange.
    let word = upper.rfind("SMTP=").or_else(|| upper.rfind("SMTP:")).and_then(|at| word.get(at + 5..)).unwrap_or(word);
    dsn::encapsulated(word).or_else(|| Address::parse(word))
}

/// The addresses of a line with how sure each is.
fn ranked(line: &str, window: &str, listing: bool) -> Vec<(Address, Rank)> {
    let places = places(line);
    let Some((start, _, _)) = places.first() else { return Vec::new() };
    let end = places.last().map_or(0, |(_, end, _)| *end);
    let before = line.get(..*start).unwrap_or_default().trim().trim_end_matches(['"', '\'', '<', '(', '[']).trim_end();
    let after = line.get(end..).unwrap_or_default().trim_start_matches(['"', '\'', '>', ')', ']', ' ', '\t']);
    let fits = |pattern: &LazyLock<Option<Regex>>| pattern.as_ref().is_some_and(|pattern| pattern.is_match(before));
    let behind = after.chars().next();
    let lower = after.to_lowercase();
    let reason = matches!(behind, None | Some(':' | '(' | ';' | '-' | '[' | ','))
        || after.starts_with("...")
        || ["on ", "has ", "is ", "was ", "<", "failed", "could not"].iter().any(|word| lower.starts_with(word));
    let first = places.first().map(|(_, _, address)| address.clone());
    let all = |rank: Rank| places.iter().map(|(_, _, address)| (address.clone(), rank)).collect();
    if before.is_empty() && behind == Some(':') {
        return first.map(|address| (address, Rank::Listed)).into_iter().collect();
    }
    if fits(&FAILING_LABEL) {
        return all(Rank::Listed);
    }
    let named = before.is_empty() || (listing && is_display_name(before) && line.contains(['<', '(']));
    let lower_before = before.to_ascii_lowercase();
    let is_author = ["from", "sent by", "sorry", "message of", "sender"].iter().any(|cue| lower_before.ends_with(cue));
    if is_author || (is_sender_cue(window) && before.is_empty()) {
        return Vec::new();
    }
    if named && (after.is_empty() || after.chars().all(|c| !c.is_alphanumeric())) {
        return all(if listing { Rank::Listed } else { Rank::Bare });
    }
    if named && reason && listing {
        return first.map(|address| (address, Rank::Listed)).into_iter().collect();
    }
    if fits(&WEAK_LABEL) {
        return all(Rank::Weak);
    }
    let said = line.to_ascii_lowercase();
    let rank = if said.contains("rcpt to") {
        Rank::Transcript
    } else if phrases::says_failed(&phrases::normalized(line)) {
        Rank::Sentence
    } else if said.starts_with(|c: char| c.is_ascii_digit() || c == '<') && codes::reply_code(line).is_some() {
        Rank::Transcript
    } else if phrases::says_failed(window) {
        Rank::Sentence
    } else {
        Rank::Weak
    };
    all(rank)
}

/// `"Ana Example" <ana@…>`: a few words without the marks of a sentence.
fn is_display_name(text: &str) -> bool {
    let text = text.trim_matches(['"', '\'']);
    text.split_whitespace().count() <= 5 && !text.contains([':', '=', '.', '>', '[', ';'])
}

/// `(generated from a@b)` of Exim and `(expanded from: a@b)` of Sendmail: whom the mail was addressed to.
fn made_from(line: &str, found: &mut Vec<Candidate>, at: usize) -> bool {
    let lower = line.to_ascii_lowercase();
    let expanded = lower.contains("expanded from");
    if !(expanded || lower.contains("generated from")) {
        return false;
    }
    let Some(address) = addresses(line).into_iter().next() else { return false };
    let last = found.last_mut().filter(|last| last.line + 1 == at && last.rank == Rank::Listed);
    match last {
        Some(last) if expanded => last.alt = Some(std::mem::replace(&mut last.address, address)),
        Some(last) => last.alt = Some(address),
        None => found.push(Candidate { address, rank: Rank::Listed, line: at, alt: None }),
    }
    true
}

/// Whether the words up to this line name the author of the returned mail.
fn is_sender_cue(window: &str) -> bool {
    let before = window.rsplit_once(' ').map_or("", |(before, _)| before).trim_end_matches([' ', '<', '"']);
    ["sent by", "sent by:", "from", "from:", "sender:", "message from:"].iter().any(|cue| before.ends_with(cue))
}

/// A sentence about whom to ask.
fn is_contact(line: &str) -> bool {
    let words = [
        "contact",
        "assistance",
        "questions",
        "please send",
        "for help",
        "further help",
        "reply to",
        "report this",
        "wenden sie",
        "kontakt",
        "contacter",
        "contacte",
        "more information",
    ];
    words.iter().any(|word| line.contains(word))
}

/// Mailboxes of the people who run a host, which stand in notices for those who want to ask.
fn is_office(address: &Address) -> bool {
    let local = address.local().to_ascii_lowercase();
    matches!(local.as_str(), "postmaster" | "mailer-daemon" | "abuse" | "hostmaster" | "helpdesk")
}

#[cfg(test)]
#[path = "notice_tests.rs"]
mod tests;
