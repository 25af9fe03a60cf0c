//! What in a mail may say which case it belongs to: keyed reply addresses, referenced mails, a case label in the subject.
//!
//! Never looks anything up and never joins: each of these is a claim, and the caller checks token, party and sender.
//! Never fails.

use super::parse::ParsedMail;
use crate::domain::id::{Address, CaseId, MessageId};
use crate::domain::label::Label;
use crate::domain::token::split_reply_address;

/// Message-IDs that are looked up for one mail.
const REFERENCES_MAX: usize = 50;

/// Reply addresses that are looked up for one mail.
const TOKENS_MAX: usize = 20;

/// What mail programs of the world put before a forwarded subject, in lower case.
const FORWARD_PREFIXES: [&str; 24] = [
    "fwd",
    "fw",
    "wg",
    "tr",
    "rv",
    "rif",
    "doorst",
    "enc",
    "i",
    "vl",
    "vs",
    "vb",
    "pd",
    "továbbítás",
    "πρθ",
    "ynt",
    "ilt",
    "转发",
    "轉寄",
    "転送",
    "перенаправлено",
    "пересл",
    "transfert",
    "framsent",
];

/// The keys by which a mail's case is looked for, in the order of their worth.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ThreadKeys {
    /// Case, token and whole address of each reply address among the recipients.
    pub tokens: Vec<(CaseId, String, Address)>,
    /// The mails it answers: In-Reply-To, then References from the newest on; each once, at most 50.
    pub references: Vec<MessageId>,
    /// The case that a label such as `EX-2026-0042` in the subject names.
    pub tag: Option<CaseId>,
}

/// Collects the keys of a mail. `case_prefix` is the part of a case label before the year.
#[must_use]
pub fn keys(mail: &ParsedMail, case_prefix: &str) -> ThreadKeys {
    let token = |address: &Address| {
        split_reply_address(address).map(|(case, token)| (case, token.to_lowercase(), address.clone()))
    };
    let mut references: Vec<MessageId> = Vec::new();
    for id in mail.in_reply_to.iter().chain(mail.references.iter().rev()) {
        if references.len() < REFERENCES_MAX && !references.contains(id) {
            references.push(id.clone());
        }
    }
    ThreadKeys {
        tokens: mail.recipients.iter().filter_map(token).take(TOKENS_MAX).collect(),
        references,
        tag: case_label(&mail.subject, case_prefix),
    }
}

/// Whether a subject says that the mail is a forward. One that leads to a new topic opens a new case.
#[must_use]
pub fn is_forward(subject: &str) -> bool {
    let mut rest = subject.trim_start();
    // Answers and list tags may stand before it; each round takes one away.
    loop {
        if let Some((_, after)) = rest.strip_prefix('[').and_then(|tagged| tagged.split_once(']')) {
            if rest.to_lowercase().starts_with("[fwd:") {
                return true;
            }
            rest = after.trim_start();
            continue;
        }
        let Some((prefix, after)) = rest.split_once([':', '：']) else { return false };
        let prefix = prefix.trim().to_lowercase();
        let prefix = prefix.split(['[', '(']).next().unwrap_or_default();
        if FORWARD_PREFIXES.contains(&prefix) {
            return true;
        }
        if !matches!(prefix, "re" | "aw" | "antw" | "sv" | "ref" | "res" | "回复" | "答复") {
            return false;
        }
        rest = after.trim_start();
    }
}

/// The number of the first `<prefix>-<year>-<number>` that stands as a word of its own.
fn case_label(subject: &str, prefix: &str) -> Option<CaseId> {
    if prefix.is_empty() {
        return None;
    }
    let words = subject.split(|c: char| !c.is_alphanumeric() && !matches!(c, '-' | '_' | '.'));
    words.filter_map(|word| Label::case_in(prefix, word.trim_end_matches(['.', '-']))).next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::parse::{Limits, parse};

    fn keys_of(raw: &str) -> ThreadKeys {
        keys(&parse(raw.as_bytes(), &Limits::default()), "EX")
    }

    #[test]
    fn tokens_are_found_in_every_recipient_field() {
        for field in ["To", "Cc", "Delivered-To", "X-Original-To", "Envelope-To"] {
            let found = keys_of(&format!("{field}: S <security+42.AbcDef23@example.org>, x@example.org\n\n"));
            let address = Address::parse("security+42.AbcDef23@example.org").unwrap();
            assert_eq!(found.tokens, [(CaseId(42), "abcdef23".to_owned(), address)], "{field}");
        }
        assert!(keys_of("To: security+b.abc.def@example.org\nReply-To: s+1.x@example.org\n\n").tokens.is_empty());
    }

    #[test]
    fn a_token_is_found_behind_thousands_of_other_recipients() {
        let others = "a@b.example, ".repeat(4000);
        let raw = format!("To: {others}\nDelivered-To: security+7.tok@example.org\n\n");
        assert_eq!(keys_of(&raw).tokens.len(), 1);
    }

    #[test]
    fn references_are_newest_first_without_repeats_and_capped() {
        let found = keys_of("References: <1@a> <2@a> <3@a>\nIn-Reply-To: <3@a>\n\n").references;
        assert_eq!(found.iter().map(MessageId::as_str).collect::<Vec<_>>(), ["3@a", "2@a", "1@a"]);
        let many: String = (0..3000).map(|n| format!("<{n}@a> ")).collect();
        assert_eq!(keys_of(&format!("References: {many}\n\n")).references.len(), REFERENCES_MAX);
    }

    #[test]
    fn a_case_label_is_a_word_of_its_own() {
        for (subject, expected) in [
            ("Re: [EX-2026-0042] XSS", Some(42)),
            ("ex-2026-0042", Some(42)),
            ("about EX-2026-12345, please", Some(12345)),
            ("(EX-2026-0042).", Some(42)),
            ("XEX-2026-0042", None),
            ("NEX-EX-2026-0042", None),
            ("EX-2026-42", None),
            ("EX-26-0042", None),
            ("EX-2026-0042x", None),
            ("EX-2026-00429999999999", None),
            ("EY-2026-0042", None),
        ] {
            assert_eq!(case_label(subject, "EX"), expected.map(CaseId), "{subject}");
        }
        assert_eq!(case_label("MY-PROJ-2026-0042", "MY-PROJ"), Some(CaseId(42)));
        assert_eq!(case_label("-2026-0042", ""), None);
    }

    #[test]
    fn forwards_of_many_languages_are_known() {
        for subject in [
            "Fwd: a",
            "FW: a",
            "WG: a",
            "TR : a",
            "Re: Fwd: a",
            "[list] Fwd: a",
            "[Fwd: a]",
            "RV: a",
            "转发：a",
            "Doorst: a",
        ] {
            assert!(is_forward(subject), "{subject}");
        }
        for subject in ["Re: a", "a", "forward: compat", "XSS in x: fw", "", "[Fwd", "AW: Re: a"] {
            assert!(!is_forward(subject), "{subject}");
        }
    }
}
