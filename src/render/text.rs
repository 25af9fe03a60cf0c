//! The advisory as list mail: plain UTF-8, at most 72 columns.
//!
//! Never adds a list's prefix, a signature or a header; it gives words. Never fails.

use crate::domain::advisory::{Advisory, AdvisoryKind, Publisher, page_url};

use super::body::{self, Block, TITLE_CHARS_MAX};

/// Columns of a line, as the public security lists ask for. Only a longer word and a verbatim line exceed them.
pub const COLUMNS_MAX: usize = 72;

/// Subject and body of the mail.
#[must_use]
pub fn text(advisory: &Advisory, publisher: &Publisher) -> (String, String) {
    let title = title(advisory);
    let project = body::one_line(&publisher.project, TITLE_CHARS_MAX);
    let id = body::one_line(&advisory.id, TITLE_CHARS_MAX);
    let subject = format!("{project} security advisory {id}: {title}");

    let head: String = facts(advisory, publisher).iter().map(|(name, value)| row(name, value)).collect();
    let titled = wrap(&title, "", "");
    let underline = "=".repeat(titled.lines().map(|line| line.chars().count()).max().unwrap_or(0));
    let mut parts = vec![head, format!("{titled}{underline}\n")];
    parts.extend(body::blocks(&advisory.body).iter().map(block));
    parts.push(footer(advisory, publisher).iter().map(|(name, value)| row(name, value)).collect());
    parts.retain(|part| !part.is_empty());
    (subject, parts.join("\n"))
}

/// The title in one line.
pub(super) fn title(advisory: &Advisory) -> String {
    body::one_line(&advisory.title, TITLE_CHARS_MAX)
}

/// What stands above the title, by name.
pub(super) fn facts(advisory: &Advisory, publisher: &Publisher) -> Vec<(&'static str, String)> {
    let line = |text: &str| body::one_line(text, TITLE_CHARS_MAX);
    let mut facts = vec![("Project", line(&publisher.project)), ("Advisory", line(&advisory.id))];
    facts.extend(advisory.severity.as_deref().map(|severity| ("Severity", line(severity))));
    match advisory.kind {
        AdvisoryKind::Notice => {}
        AdvisoryKind::Uninstall => facts.push(("What to do", "Uninstall it. No fix is available.".to_owned())),
    }
    facts
}

/// What stands below the body, by name.
fn footer(advisory: &Advisory, publisher: &Publisher) -> Vec<(&'static str, String)> {
    let rows = [
        ("Contact", body::one_line(&publisher.contact, usize::MAX)),
        ("This page", page_url(&advisory.id, publisher).unwrap_or_default()),
        ("Signed by", body::one_line(&publisher.fingerprint, usize::MAX)),
    ];
    rows.into_iter().filter(|(_, value)| !value.is_empty()).collect()
}

/// Width of the names in front of facts, with their colon and blank.
const NAME_COLUMNS: usize = 12;

fn row(name: &str, value: &str) -> String {
    wrap(value, &format!("{:NAME_COLUMNS$}", format!("{name}:")), &" ".repeat(NAME_COLUMNS))
}

fn block(block: &Block) -> String {
    match block {
        Block::Paragraph(words) => wrap(words, "", ""),
        Block::List(items) => items.iter().map(|item| wrap(item, "- ", "  ")).collect(),
        Block::Verbatim(lines) => lines.iter().map(|line| format!("{line}\n")).collect(),
    }
}

/// Fills lines greedily; the first begins with `lead`, the others with `hang`. A word that is too long stays whole.
fn wrap(words: &str, lead: &str, hang: &str) -> String {
    let mut done = String::new();
    let mut line = lead.to_owned();
    let mut columns = lead.chars().count();
    let mut empty = true;
    for word in words.split_whitespace() {
        let wide = word.chars().count();
        if !empty && columns + 1 + wide > COLUMNS_MAX {
            done.push_str(&line);
            done.push('\n');
            hang.clone_into(&mut line);
            columns = hang.chars().count();
            empty = true;
        }
        if !empty {
            line.push(' ');
            columns += 1;
        }
        line.push_str(word);
        columns += wide;
        empty = false;
    }
    if empty {
        return done;
    }
    format!("{done}{line}\n")
}
