//! The advisory as a web page: HTML5 without scripts, fonts, pictures or links to other hosts.
//!
//! Never lets a character of the record become markup. Never fails.

use std::fmt::Write as _;

use crate::domain::advisory::{Advisory, Publisher, page_url, text_path};

use super::body::{self, Block, TITLE_CHARS_MAX};
use super::text;

/// Forbids whatever the page does not need, should markup ever slip through.
const CONTENT_SECURITY_POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// Contrast is at least 7 : 1 on both grounds (WCAG 2.2, 1.4.6).
const STYLE: &str = "\
:root { color-scheme: light dark; --ink: #1b1b1b; --ground: #fff; --rule: #767676; --link: #0b3d91; }
@media (prefers-color-scheme: dark) { :root { --ink: #ededed; --ground: #161616; --rule: #8f8f8f; --link: #9ecbff; } }
body { margin: 0 auto; max-width: 44rem; padding: 1.5rem; font: 1.0625rem/1.6 system-ui, sans-serif;
  color: var(--ink); background: var(--ground); overflow-wrap: anywhere; }
a { color: var(--link); }
h1 { line-height: 1.25; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; margin: 1.5rem 0; }
dt { font-weight: 600; }
dd { margin: 0; }
pre { overflow-x: auto; padding: .75rem; border: 1px solid var(--rule); overflow-wrap: normal; }
footer { margin-top: 2rem; border-top: 1px solid var(--rule); }
";

/// The whole page.
#[must_use]
pub fn page(advisory: &Advisory, publisher: &Publisher) -> String {
    let title = escape(&text::title(advisory));
    let id = escape(&body::one_line(&advisory.id, TITLE_CHARS_MAX));
    let project = escape(&body::one_line(&publisher.project, TITLE_CHARS_MAX));
    let canonical = page_url(&advisory.id, publisher)
        .map_or(String::new(), |url| format!("<link rel=\"canonical\" href=\"{}\">\n", escape(&url)));
    let facts: String =
        text::facts(advisory, publisher).iter().map(|(name, value)| fact(name, &escape(value))).collect();
    let blocks: String = body::blocks(&advisory.body).iter().map(block).collect();
    let footer = footer(publisher);
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{CONTENT_SECURITY_POLICY}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title} ({id}) – {project}</title>\n{canonical}\
         <link rel=\"alternate\" type=\"text/plain\" href=\"{plain}\">\n\
         <style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n<article>\n<h1>{title}</h1>\n\
         <dl>\n{facts}</dl>\n{blocks}</article>\n</main>\n{footer}</body>\n</html>\n",
        plain = escape(text_path(&advisory.id).trim_start_matches("advisories/")),
    )
}

fn fact(name: &str, value: &str) -> String {
    format!("<dt>{name}</dt><dd>{value}</dd>\n")
}

fn block(block: &Block) -> String {
    match block {
        Block::Paragraph(words) => format!("<p>{}</p>\n", escape(words)),
        Block::List(items) => {
            let items: String = items.iter().map(|item| format!("<li>{}</li>\n", escape(item))).collect();
            format!("<ul>\n{items}</ul>\n")
        }
        // Long lines scroll, so the block must be reachable with the keyboard.
        Block::Verbatim(lines) => format!("<pre tabindex=\"0\">{}</pre>\n", escape(&lines.join("\n"))),
    }
}

fn footer(publisher: &Publisher) -> String {
    let contact = body::one_line(&publisher.contact, usize::MAX);
    let fingerprint = body::one_line(&publisher.fingerprint, usize::MAX);
    let mut rows = String::new();
    if !contact.is_empty() {
        let link = format!("<a href=\"mailto:{}\">{}</a>", mailto(&contact), escape(&contact));
        rows.push_str(&fact("Contact", &link));
    }
    if !fingerprint.is_empty() {
        rows.push_str(&fact("Signed by", &format!("<code>{}</code>", escape(&fingerprint))));
    }
    if rows.is_empty() { rows } else { format!("<footer>\n<dl>\n{rows}</dl>\n</footer>\n") }
}

/// Text as text, in elements and in quoted attributes alike.
fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

/// An address in a `mailto` link (RFC 6068 section 2): whatever could end it or add a field is percent-encoded.
fn mailto(address: &str) -> String {
    address.bytes().fold(String::new(), |mut link, byte| {
        if byte.is_ascii_alphanumeric() || b"@.-_+".contains(&byte) {
            link.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(link, "%{byte:02X}");
        }
        link
    })
}
