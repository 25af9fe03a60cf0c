//! What our own mail host found out about the sender (RFC 8601, RFC 7489, RFC 6376).
//!
//! Never believes a header of another host: only the topmost Authentication-Results counts, and only under a configured
//! authserv-id. Never authorises anything by itself. In doubt the answer is [`Authentication::Unknown`].

use super::parse::ParsedMail;
use crate::domain::id::aligned;

/// Bytes of one header that are read; longer ones are not from a mail host.
const HEADER_MAX_BYTES: usize = 16 * 1024;

/// Whether the author's domain stands behind a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Authentication {
    /// It does.
    Pass {
        /// The domain that was authenticated, in lower case: the author's, or one aligned with it.
        domain: String,
        /// By which method.
        by: Method,
    },
    /// The host says that it does not (DMARC fail).
    Fail,
    /// Nobody we trust says anything.
    Unknown,
}

/// How a domain was authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// DMARC passed for the author's domain.
    Dmarc,
    /// A DKIM signature of an aligned domain is good.
    Dkim,
}

/// Judges a mail by the topmost Authentication-Results, when its authserv-id is one of ours.
#[must_use]
pub fn judge(mail: &ParsedMail, authserv_ids: &[String]) -> Authentication {
    let (Some(author), Some(header)) = (mail.author(), mail.headers.first_raw("Authentication-Results")) else {
        return Authentication::Unknown;
    };
    let Some(results) = parse(header, authserv_ids) else { return Authentication::Unknown };
    let domain = author.domain();
    let dmarc = |verdict: &str| {
        results.iter().any(|result| {
            let about_author = result.property("header.from").is_none_or(|from| domain_of(from) == domain);
            result.method == "dmarc" && result.verdict == verdict && about_author
        })
    };
    if dmarc("fail") {
        return Authentication::Fail;
    }
    if dmarc("pass") {
        return Authentication::Pass { domain: domain.to_owned(), by: Method::Dmarc };
    }
    let signer =
        results.iter().filter(|result| result.method == "dkim" && result.verdict == "pass").find_map(|result| {
            let named = result.property("header.d").or_else(|| result.property("header.i"))?;
            Some(domain_of(named)).filter(|signer| aligned(signer, domain))
        });
    signer.map_or(Authentication::Unknown, |domain| Authentication::Pass { domain, by: Method::Dkim })
}

/// The domain of `user@domain`, `@domain` or `domain`, in lower case.
fn domain_of(text: &str) -> String {
    text.rsplit('@').next().unwrap_or_default().trim_end_matches('.').to_lowercase()
}

/// One `method=verdict` with its properties.
#[derive(Debug, PartialEq, Eq)]
struct MethodResult {
    method: String,
    verdict: String,
    properties: Vec<(String, String)>,
}

impl MethodResult {
    fn property(&self, name: &str) -> Option<&str> {
        self.properties.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Reads a header of one of our hosts; `None` when it is of another.
fn parse(header: &str, authserv_ids: &[String]) -> Option<Vec<MethodResult>> {
    if header.len() > HEADER_MAX_BYTES {
        return None;
    }
    let clauses = clauses(header)?;
    let (head, rest) = clauses.split_first()?;
    // authserv-id [ CFWS version ]; an id with anything else behind it is not what we configured.
    let (id, version) = match head.as_slice() {
        [Token::Word(id)] => (id, "1"),
        [Token::Word(id), Token::Word(version)] => (id, version.as_str()),
        _ => return None,
    };
    let ours = authserv_ids.iter().any(|ours| ours.eq_ignore_ascii_case(id));
    (ours && version == "1").then(|| rest.iter().filter_map(|clause| method_result(clause)).collect())
}

/// A piece of the header outside of comments.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    /// A word or quoted string.
    Word(String),
    /// `=`
    Equals,
}

/// The header cut at its semicolons, comments left out; `None` when a quoted string or comment does not end.
fn clauses(header: &str) -> Option<Vec<Vec<Token>>> {
    let mut clauses = vec![Vec::new()];
    let (mut word, mut in_word) = (String::new(), false);
    let (mut quoted, mut comments, mut escaped) = (false, 0_usize, false);
    for c in header.chars().chain([' ']) {
        if escaped {
            escaped = false;
            if quoted {
                word.push(c);
            }
            continue;
        }
        match c {
            '\\' if quoted || comments > 0 => escaped = true,
            '"' if comments == 0 => (quoted, in_word) = (!quoted, true),
            _ if quoted => word.push(c),
            '(' => comments += 1,
            ')' if comments > 0 => comments -= 1,
            _ if comments > 0 => {}
            ';' | '=' | ' ' | '\t' => {
                let clause = clauses.last_mut()?;
                if std::mem::take(&mut in_word) {
                    clause.push(Token::Word(std::mem::take(&mut word)));
                }
                match c {
                    '=' => clause.push(Token::Equals),
                    ';' => clauses.push(Vec::new()),
                    _ => {}
                }
            }
            _ => {
                in_word = true;
                word.push(c);
            }
        }
    }
    (!quoted && comments == 0).then_some(clauses)
}

/// `method[/version] = verdict *( [reason = text] / ptype.property = value )`
fn method_result(clause: &[Token]) -> Option<MethodResult> {
    let [Token::Word(method), Token::Equals, Token::Word(verdict), rest @ ..] = clause else { return None };
    let mut properties = Vec::new();
    let mut rest = rest;
    while let [Token::Word(name), Token::Equals, tail @ ..] = rest {
        // Base64 values may hold or end in `=`: take everything up to the word before the next `=`.
        let until = next_property(tail);
        let value = tail.get(..until)?.iter().map(|token| match token {
            Token::Word(word) => word.as_str(),
            Token::Equals => "=",
        });
        properties.push((name.to_ascii_lowercase(), value.collect()));
        rest = tail.get(until..)?;
    }
    let method = method.split('/').next().unwrap_or_default().to_ascii_lowercase();
    Some(MethodResult { method, verdict: verdict.to_ascii_lowercase(), properties })
}

/// How many tokens belong to a value: its first word, and what is glued to that by `=`.
fn next_property(tail: &[Token]) -> usize {
    let next = tail.iter().enumerate().skip(1).find(|(at, token)| {
        let name = matches!(token, Token::Word(word) if word.contains('.') || word.eq_ignore_ascii_case("reason"));
        name && matches!(tail.get(at + 1), Some(Token::Equals))
    });
    next.map_or(tail.len(), |(at, _)| at)
}

#[cfg(test)]
#[path = "authres_tests.rs"]
mod tests;
