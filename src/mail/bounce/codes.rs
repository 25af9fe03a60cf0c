//! Status codes and reply codes in what mail hosts say, and what their words mean where they give no code.
//!
//! Never guesses from a number that stands anywhere: a code stands where codes stand. Never fails: what says nothing
//! gives nothing.

use std::sync::LazyLock;

use regex::Regex;

/// A reply code (RFC 5321 section 4.2) with a character on each side that no longer number has.
static REPLY: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"(?:^|[\s(\[<>:;,"'=#-])([45][0-5]\d)(?:$|[\s)\],:;"'.-])"#).ok());

/// Words before a number that make it a reply code.
const BEFORE_REPLY: [&str; 22] = [
    "said",
    "says",
    "code",
    "error",
    "reply",
    "replied",
    "response",
    "responded",
    "reason",
    "status",
    "smtp",
    "host",
    "server",
    "with",
    "returned",
    "received",
    "result",
    "failed",
    "failure",
    "rejected",
    "bounce",
    "diagnostic",
];

/// Words behind a number that make it an amount, or a kind of codes.
const AMOUNTS: [&str; 13] = [
    "type",
    "bytes",
    "byte",
    "kb",
    "mb",
    "gb",
    "messages",
    "hours",
    "hour",
    "days",
    "minutes",
    "seconds",
    "characters",
];

/// What words mean, as subject and detail of a status code (RFC 3463); the first that fits counts.
const MEANINGS: [(&str, &str); 8] = [
    (
        ".2.2",
        "quota|mailbox is full|mailbox full|full mailbox|inbox is full|mailbox has exceeded|exceeded storage|\
        insufficient storage|out of space|over disk|mailbox size|exceeds allowed size|zuviele mails|\
        postfach ist voll|postfach voll|speicherplatz|boîte pleine|boîte aux lettres pleine|casella piena|\
        buzón lleno|caixa cheia|mailbox vol|skrzynka pełna|переполнен|已满|已滿|空间不足|容量|용량",
    ),
    (
        ".2.1",
        "account is disabled|account disabled|mailbox disabled|mailbox is disabled|account has been disabled|\
        deactivated|account is inactive|mailbox is inactive|account inactive|suspended|discontinued|\
        account closed|is not active|gesperrt|désactivé|disabilitat|deshabilitad",
    ),
    (
        ".1.2",
        "host unknown|unknown host|host not found|domain not found|domain does not exist|domain doesn't exist|\
        no such domain|unknown domain|name server|nameserver|name service error|unrouteable|unroutable|\
        couldn't find any host|no mx|dns error|cannot resolve|could not resolve|bad destination system",
    ),
    (
        ".1.1",
        "user unknown|unknown user|no such user|no such mailbox|no such recipient|no such account|\
        no such address|unknown recipient|recipient unknown|unknown address|address unknown|addressee unknown|\
        unknown mailbox|user not found|user not known|recipient not found|mailbox not found|account not found|\
        mailbox unavailable|does not exist|doesn't exist|not exist|no mailbox here|no account by that name|\
        no user by that name|invalid mailbox|invalid recipient|invalid user|invalid address|\
        invalid final delivery|doesn't have a|does not have a|not listed in|name is not recognized|\
        no longer valid|couldn't be found|could not be found|wasn't found|was not found|not a valid mailbox|\
        bad address|recipient rejected|unbekannt|existiert nicht|inconnu|n'existe pas|desconocid|no existe|\
        não existe|sconosciut|non esiste|inesistente|onbekend|bestaat niet|okänd|finns inte|ukendt|ukjent|\
        findes ikke|tuntematon|nieznany|nie istnieje|neexistuje|ismeretlen|nu există|неизвестн|не существует|\
        не найден|не існує|bulunamadı|άγνωστος|不存在|找不到|存在しません|見つかりません|존재하지|찾을 수 없|\
        غير موجود|לא קיים|tidak ditemukan|không tồn tại",
    ),
    (
        ".3.4",
        "too large|too big|size limit|maximum size|message size|size exceeds|exceeds size|zu groß|\
        trop volumineux",
    ),
    (".4.6", "too many hops|mail loop|looping|loops back|routing loop|hop count"),
    (
        ".7.1",
        "spam|blocked|blacklist|blocklist|block list|policy|relay|access denied|not authorized|not authorised|\
        unsolicited|permission|not accepting mail|prohibited|refused by|virus|dmarc|spf",
    ),
    (
        ".4.1",
        "timed out|time out|timeout|connection refused|not responding|did not respond|no answer|unreachable|\
        connection dropped|connection lost|queue too long|delivery time expired|not reachable",
    ),
];

/// The first word of the form `class.subject.detail` (RFC 3463 section 2) of a class that reports use.
pub(super) fn enhanced_status(text: &str) -> Option<String> {
    text.split(|c: char| !c.is_ascii_digit() && c != '.').map(|word| word.trim_end_matches('.')).find_map(|word| {
        let mut parts = word.split('.');
        let class = parts.next().filter(|class| matches!(*class, "2" | "4" | "5"))?;
        let mut number = || parts.next().filter(|part| (1..=3).contains(&part.len()));
        let (subject, detail) = (number()?, number()?);
        parts.next().is_none().then(|| format!("{class}.{subject}.{detail}"))
    })
}

/// The first reply code for trouble, from 400 to 559, that stands where such a code stands.
pub(super) fn reply_code(text: &str) -> Option<u16> {
    let pattern = REPLY.as_ref()?;
    text.lines().find_map(|line| {
        let codes = pattern.captures_iter(line).filter_map(|found| found.get(1));
        codes.filter(|code| is_reply(line, code.start(), code.end())).find_map(|code| code.as_str().parse().ok())
    })
}

fn is_reply(line: &str, start: usize, end: usize) -> bool {
    let before = line.get(..start).unwrap_or_default().trim_end().to_lowercase();
    let after = line.get(end..).unwrap_or_default().trim_start_matches([' ', '-', ')', ']', ':', '#', '\'', '"']);
    let next = after.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_lowercase();
    if AMOUNTS.contains(&next.as_str()) {
        return false;
    }
    let word = before.rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    let marked = before.ends_with("--")
        || before.chars().next_back().is_none_or(|c| !c.is_alphanumeric() && !matches!(c, ',' | '.' | '-' | '='));
    marked || BEFORE_REPLY.contains(&word) || enhanced_status(after.get(..12).unwrap_or(after)).is_some()
}

/// The status that the words of a reason mean, where it has no code; `class` is 4 or 5.
pub(super) fn status_by_words(text: &str, class: u8) -> Option<String> {
    let lower = text.to_lowercase();
    let (ending, _) = MEANINGS.iter().find(|(_, words)| words.split('|').any(|word| lower.contains(word)))?;
    Some(format!("{class}{ending}"))
}

/// Whether a status says no more than its class.
pub(super) fn is_vague(status: &str) -> bool {
    status.ends_with(".0.0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_status_codes_are_taken() {
        assert_eq!(enhanced_status("550 5.1.1 no").as_deref(), Some("5.1.1"));
        assert_eq!(enhanced_status("at 10.5.1.1 (4.2.2)").as_deref(), Some("4.2.2"));
        assert_eq!(enhanced_status("550-5.7.26.").as_deref(), Some("5.7.26"));
        assert_eq!(enhanced_status("(#5.1.1)").as_deref(), Some("5.1.1"));
        assert_eq!(enhanced_status("5.1, 3.1.1, 5..1, 5.1.1234"), None);
    }

    #[test]
    fn reply_codes_are_found_where_hosts_write_them() {
        for (text, code) in [
            ("host mx[192.0.2.1] said: 550 5.1.1 <a@b> unknown", 550),
            ("<<< 554 no thanks", 554),
            ("smtp; 452 later", 452),
            ("smtp;550-5.1.1 gone", 550),
            ("mailbox unavailable. [SMTP Error Code 550]", 550),
            ("#550 5.4.1 Recipient address rejected", 550),
            ("Remote host said: 501 bad", 501),
            ("Remote Server returned '550 5.1.10 RESOLVER'", 550),
            ("    421-4.7.0 try again", 421),
            (" <-- 550 <a@b>, unknown", 550),
            ("500-type error: [552] full", 552),
            ("the server responded with 550", 550),
            ("The error that the other server returned was: 553 sorry", 553),
        ] {
            assert_eq!(reply_code(text), Some(code), "{text}");
        }
    }

    #[test]
    fn other_numbers_are_no_reply_codes() {
        for text in [
            "Message size: 500 bytes",
            "sent at 450.512.3",
            "after 421 days",
            "room 550 of the building",
            "id 550abc",
            "10.5.500.4",
            "at most: 550 messages",
            "1,550 mails",
            "port 25",
        ] {
            assert_eq!(reply_code(text), None, "{text}");
        }
    }

    #[test]
    fn words_stand_for_codes_in_many_languages() {
        for (words, status) in [
            ("User unknown", "5.1.1"),
            ("Benutzer unbekannt", "5.1.1"),
            ("用户不存在", "5.1.1"),
            ("the domain does not exist", "5.1.2"),
            ("The mailbox is full", "5.2.2"),
            ("Too many hops 26", "5.4.6"),
            ("Message looks like SPAM", "5.7.1"),
        ] {
            assert_eq!(status_by_words(words, 5).as_deref(), Some(status), "{words}");
        }
        assert_eq!(status_by_words("connection timed out", 4).as_deref(), Some("4.4.1"));
        assert_eq!(status_by_words("something", 5), None);
    }
}
