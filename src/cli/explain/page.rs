//! An explanation as a page for people.
//!
//! Everything that a stranger wrote is shown indented and without control characters, so that it cannot pass for a
//! line of ours or steer a terminal. Never fails.

use crate::engine::explain::{Attachment, Bounced, Explanation, Head, Pgp};

/// Characters of one shown value.
const VALUE_MAX_CHARS: usize = 300;
/// Lines of the own words that are shown.
const LINES_MAX: usize = 40;
/// Entries of one list that are shown.
const ENTRIES_MAX: usize = 20;
/// Columns of the names before values.
const NAME_WIDTH: usize = 12;

/// The page.
pub fn page(told: &Explanation) -> String {
    let mut page = Page(format!("{}\n", plain(&told.file)));
    let kind = told.kind.map(|kind| format!(", {kind}")).unwrap_or_default();
    page.row("class", &format!("{}{kind} ({})", told.class, told.why.join("; ")));
    if let Some(head) = &told.head {
        page.head(head);
    }
    page.row("proof", &told.verdict);
    if let Some(pgp) = &told.pgp {
        page.pgp(pgp);
    }
    page.row("text", &format!("from {}, {} lines of it quoted", told.text_from, told.quoted_lines));
    page.lines("own words", &told.own_text);
    page.lines("signature", &told.signature);
    page.parts("attached", &told.attachments);
    page.parts("other parts", &told.other_parts);
    page.row(
        "postern",
        &format!("would {}", told.fate).replace("would none: it is no mail", "does nothing: it is no mail"),
    );
    page.0
}

/// The lines for a file that was not explained. Whoever put it there chose its name.
pub fn unread(file: &str, error: &str) -> String {
    format!("{}\n  {error}\n", plain(file))
}

struct Page(String);

impl Page {
    fn row(&mut self, name: &str, value: &str) {
        if !value.is_empty() {
            self.0 += &format!("  {name:NAME_WIDTH$} {}\n", plain(value));
        }
    }

    fn list(&mut self, name: &str, values: &[String]) {
        let more = values.len().saturating_sub(ENTRIES_MAX);
        let mut value = values.iter().take(ENTRIES_MAX).map(String::as_str).collect::<Vec<_>>().join(", ");
        if more > 0 {
            value += &format!(" and {more} more");
        }
        self.row(name, &value);
    }

    fn lines(&mut self, name: &str, text: &str) {
        if text.is_empty() {
            return;
        }
        let more = text.lines().count().saturating_sub(LINES_MAX);
        self.0 += &format!("  {name}\n");
        for line in text.lines().take(LINES_MAX) {
            self.0 += &format!("    | {}\n", plain(line));
        }
        if more > 0 {
            self.0 += &format!("    ({more} more lines)\n");
        }
    }

    fn head(&mut self, head: &Head) {
        self.row("subject", &head.subject);
        self.list("from", &head.from);
        let author = head.author.as_deref().unwrap_or("not clear");
        self.row("author", &format!("{author}; the mail system says: {}", head.authenticity));
        self.list("to", &head.to);
        self.list("cc", &head.cc);
        self.row("date", head.date.as_deref().unwrap_or("none"));
        match head.return_path.as_deref() {
            Some("") => self.row("return path", "<>"),
            Some(path) => self.row("return path", path),
            None => {}
        }
        self.row("id", head.message_id.as_deref().unwrap_or("none"));
        self.list("answers", &head.in_reply_to);
        self.row("thread", &head.thread);
        self.row("machine", if head.is_auto_reply { "yes: it is never answered" } else { "no" });
        for recipient in head.bounce.iter().flatten().take(ENTRIES_MAX) {
            self.bounced(recipient);
        }
        self.row("returns", head.original_message_id.as_deref().unwrap_or_default());
        if let Some(autocrypt) = &head.autocrypt {
            let key = autocrypt.keydata_sha256.as_deref().unwrap_or_default();
            let preference = autocrypt.prefer_encrypt.unwrap_or_default();
            let valid = format!("a key for answers, {preference}, SHA-256 {key}");
            self.row("autocrypt", if autocrypt.valid { &valid } else { "not valid" });
        }
        self.list("defects", &head.defects);
    }

    fn bounced(&mut self, recipient: &Bounced) {
        let address = recipient.recipient.as_deref().unwrap_or("somebody");
        let codes: Vec<&str> =
            [&recipient.status, &recipient.smtp_code].into_iter().flatten().map(String::as_str).collect();
        let kind = if recipient.permanent { "failed" } else { "not yet delivered" };
        self.row("bounced", format!("{address} {kind} {}", codes.join(" ")).trim_end());
    }

    fn pgp(&mut self, pgp: &Pgp) {
        let opened = match pgp.decrypts {
            Some(true) => ", opened",
            Some(false) => ", not opened",
            None => "",
        };
        let part = if pgp.partial { ", covers only a part" } else { "" };
        self.row("openpgp", &format!("{}{opened}, signature: {}{part}", pgp.kind, pgp.signature));
        self.row("signer", pgp.signer.as_deref().unwrap_or_default());
        self.row("inside", pgp.inner_subject.as_deref().unwrap_or_default());
    }

    fn parts(&mut self, name: &str, parts: &[Attachment]) {
        for part in parts.iter().take(ENTRIES_MAX) {
            let file = part.filename.as_deref().unwrap_or("unnamed");
            self.row(name, &format!("{file} ({}, {} bytes)", part.content_type, part.size));
        }
        let more = parts.len().saturating_sub(ENTRIES_MAX);
        if more > 0 {
            self.row(name, &format!("and {more} more"));
        }
    }
}

/// Without what steers a terminal or hides text, and not longer than is shown.
pub fn plain(text: &str) -> String {
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    text.chars()
        .map(|c| if hidden(c) { ' ' } else { c })
        .take(VALUE_MAX_CHARS)
        .collect::<String>()
        .trim_end()
        .to_owned()
}
