//! What each mail of the story is called, and which of its paragraphs the timeline shows.
//!
//! Recognises a mail by its kind and by a phrase of the built-in templates; a phrase that changed costs a good
//! caption and nothing else.

use crate::domain::effect::MailKind;

/// A paragraph to show: a phrase in it, and how many of its lines at most.
pub(super) type Mark = (&'static str, usize);

/// How a mail is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Caption {
    /// On the screen.
    pub(super) what: &'static str,
    /// In the name of its file.
    pub(super) name: &'static str,
    /// The paragraphs that matter.
    pub(super) marks: &'static [Mark],
}

const fn caption(what: &'static str, name: &'static str, marks: &'static [Mark]) -> Caption {
    Caption { what, name, marks }
}

/// A member's mail to the team, by a phrase.
const ALERTS: &[(&str, Caption)] = &[
    (
        "This is a draft of an advisory",
        caption(
            "Draft",
            "draft",
            &[("Nothing has been published", 3), ("No fix is available. The", 5), ("You then receive", 5)],
        ),
    ),
    (
        "Nothing has been published yet",
        caption(
            "Preview",
            "preview",
            &[("Nothing has been published yet", 3), ("Subject:", 5), ("Read it to the end", 3), ("\n!confirm ", 2)],
        ),
    ),
    (
        "It is held",
        caption("Held mail", "held", &[("It is held", 3), ("\n: ", 3), ("To let it join", 3), ("!admit ", 2)]),
    ),
    ("has been held since", caption("Held mail, a day later", "still-held", &[])),
    ("was put aside", caption("Mail put aside", "put-aside", &[("Reason:", 3)])),
];

/// What the house sent.
pub(super) fn outgoing(kind: MailKind, text: &str) -> Caption {
    match kind {
        MailKind::Acknowledgement => {
            caption("Acknowledgement", "ack", &[("This receipt is automatic", 4), ("We propose to publish", 5)])
        }
        MailKind::Forward if text.contains("A new report opened") => {
            caption("Forward of the report", "report", &[("Verdict:", 6), ("\n: ", 5)])
        }
        MailKind::Forward => caption("Forward of the reply", "reply", &[("Verdict:", 6), ("\n: ", 5)]),
        MailKind::Note => caption("Note, so that the rest of the team knows", "note", &[]),
        MailKind::Transcript => caption("Receipt", "receipt", &[("", 3), ("\n    !", 12)]),
        MailKind::Letter if text.contains("The embargo is over") => {
            caption("Letter", "public", &[("Read it at", 1), ("The embargo is over", 3)])
        }
        MailKind::Letter => caption("Letter", "letter", &[("", 6)]),
        MailKind::MaintainerNotice => {
            caption("Maintainer notice", "notice", &[("Please keep everything", 4), ("Please answer by", 5)])
        }
        MailKind::Reminder => {
            caption("Reminder", "reminder", &[("reminder.", 5), ("Days left", 2), ("prepares a public advisory", 3)])
        }
        MailKind::Alert => {
            let known = ALERTS.iter().find(|(phrase, _)| text.contains(phrase));
            known.map_or(caption("Alert", "alert", &[("", 4)]), |(_, caption)| *caption)
        }
        MailKind::Notice => caption("Notice without content", "empty-notice", &[("we have something", 4)]),
        MailKind::Advisory => caption("Advisory", "advisory", &[("", 6), ("No fix is available. The", 5)]),
    }
}

/// The marked paragraphs of a text, each with the number of lines to show at most.
pub(super) fn excerpt(text: &str, marks: &[Mark]) -> Vec<(Vec<String>, usize)> {
    let text = text.replace('\r', "");
    let paragraphs: Vec<&str> =
        text.split("\n\n").map(|part| part.trim_matches('\n')).filter(|part| !part.trim().is_empty()).collect();
    let found = marks.iter().filter_map(|(phrase, most)| {
        let paragraph = paragraphs.iter().find(|part| format!("\n{part}").contains(phrase))?;
        Some((lines(paragraph), *most))
    });
    found.collect()
}

/// A paragraph of prose, quoted or not, as one long line; a table, a list or commands line by line.
pub(super) fn lines(paragraph: &str) -> Vec<String> {
    if paragraph.starts_with(": ") {
        return quoted(paragraph);
    }
    if paragraph.starts_with([' ', '!', '-', '~']) || paragraph.lines().any(is_row) {
        return paragraph.lines().map(str::to_owned).collect();
    }
    vec![paragraph.lines().collect::<Vec<_>>().join(" ")]
}

/// What stands behind colons, each of its paragraphs in one line.
fn quoted(paragraph: &str) -> Vec<String> {
    let plain: Vec<&str> = paragraph.lines().map(|line| line.trim_start_matches(':').trim()).collect();
    let parts: Vec<String> = plain.split(|line| line.is_empty()).map(|part| format!(": {}", part.join(" "))).collect();
    parts.join("\n:\n").lines().map(str::to_owned).collect()
}

/// Whether the line begins with the name of a field: `Answer by: Tuesday`.
fn is_row(line: &str) -> bool {
    line.split_once(": ").is_some_and(|(name, _)| name.len() <= 12 && name.split(' ').count() <= 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marked_paragraphs_are_found_in_the_order_of_the_marks() {
        let text = "Hello,\n\nfirst line\nsecond line\n\nFrom:   x\nTo:     y\n";
        let found = excerpt(text, &[("From:", 9), ("second", 2), ("absent", 1)]);
        assert_eq!(
            found,
            [(vec!["From:   x".to_owned(), "To:     y".to_owned()], 9), (vec!["first line second line".to_owned()], 2),]
        );
    }
}
