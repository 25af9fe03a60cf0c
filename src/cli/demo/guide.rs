//! What to look at afterwards: the last lines of the timeline, and README.txt of the folder.

use super::screen::{Ink, Screen};

/// What the guide names.
pub(super) struct Guide<'a> {
    /// The folder, as the user named it.
    pub(super) dir: &'a str,
    /// The page for browsers.
    pub(super) page: &'a str,
    /// The signed part of the advisory and its signature.
    pub(super) apart: &'a (String, String),
}

/// What lies where, in the order in which to look.
const PLACES: &[(&str, &str)] = &[
    ("timeline.txt", "this story, without colour"),
    ("mails/", "every mail in order: .eml as sent, .txt as its reader opened it"),
    ("site/", "what a web server would show: the advisory as a page and as text"),
    ("keys/", "everybody's keys, made for this demo; use them for nothing else"),
    ("inbox/ archive/ outbox/ state/", "how postern works: Maildirs in and out, and its database"),
];

impl Guide<'_> {
    /// The end of the timeline.
    pub(super) fn close(&self, screen: &mut Screen) {
        let about = format!("Everything lies in {}. README.txt there says more.", self.dir);
        screen.chapter("What you have now", &about);
        for (place, what) in PLACES.iter().filter(|(place, _)| !place.contains(' ')) {
            screen.line(&[(Ink::Plain, "  "), (Ink::Bold, &format!("{place:<14}")), (Ink::Plain, what)]);
        }
        screen.line(&[]);
        screen.line(&[(Ink::Plain, "Look at the advisory, and let GnuPG judge its signature:")]);
        screen.line(&[]);
        for command in self.commands() {
            screen.line(&[(Ink::Plain, "  "), (Ink::Cyan, &command)]);
        }
    }

    /// Commands to try, in the folder.
    fn commands(&self) -> Vec<String> {
        vec![
            format!("cd {}", for_shell(self.dir)),
            format!("xdg-open {}", self.page),
            "export GNUPGHOME=$(mktemp -d)".to_owned(),
            "gpg --import keys/*.asc".to_owned(),
            format!("gpg --verify {} \\", self.apart.1),
            format!("             {}", self.apart.0),
        ]
    }

    /// README.txt.
    pub(super) fn readme(&self) -> String {
        let places: String = PLACES.iter().map(|(place, what)| format!("{place}\n    {what}\n")).collect();
        let commands: String = self.commands().iter().skip(1).map(|command| format!("    {command}\n")).collect();
        format!(
            "What postern demo left here\n===========================\n\n\
             The story of one report, from the first mail to the public advisory. It was\n\
             played on a clock set by hand, with keys made for it, without any server; the\n\
             engine that played it is the one of the daemon. Nobody in it exists, and no\n\
             mail went anywhere. You may delete the folder at any time.\n\n\
             {places}\n\
             To look at the advisory, and to let GnuPG judge its signature (in a keyring of\n\
             its own, so that yours stays clean):\n\n{commands}\n\
             The same keyring opens every encrypted mail, since the secret keys of everybody\n\
             lie in keys/ without a passphrase:\n\n    \
             gpg --decrypt mails/02-*.eml\n\n\
             Your own keyring should never see these keys.\n",
        )
    }
}

/// A path as a shell reads it back.
fn for_shell(path: &str) -> String {
    if path.chars().all(|c| c.is_alphanumeric() || "/._-+".contains(c)) {
        return path.to_owned();
    }
    format!("'{}'", path.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_blanks_can_be_pasted() {
        assert_eq!(for_shell("a/b-c.d"), "a/b-c.d");
        assert_eq!(for_shell("it's here"), r"'it'\''s here'");
    }
}
