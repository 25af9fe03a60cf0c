//! The reference page of the settings, made from the schema.
//!
//! Never does IO: a test compares `docs/settings.md` with it.

use std::fmt::Write;

use super::schema::{Default, Key, Kind, Section, schema};

const INTRODUCTION: &str = "\
# Settings

This page is made from `src/settings/schema.rs`; write it anew with `UPDATE_GOLDEN=1 cargo test --test settings`.

postern reads one TOML file. Every command that needs it reports every mistake in it at once, each with its line.
`postern init` writes that file with every key, `postern check` tries what it says; a commented sample stands in
`contrib/postern.toml`.

* **Paths** that are relative start at the folder of the settings file.
* **Secrets** are never in the file: their keys name a file, or `credential:NAME` for a file that systemd's
  `LoadCredential=` provides, and that lies beside the settings when a command is run by hand. A secret file must be
  closed to everybody but its owner (`chmod go= FILE`).
* **Environment**: `POSTERN__SECTION__KEY` overrides a key, as in `POSTERN__LOG__LEVEL=debug`. A list is written
  with commas. Secrets, `keys.pins` and the sections in double brackets cannot be overridden.
";

/// The page `docs/settings.md`, ended by a line end.
#[must_use]
pub fn reference() -> String {
    let mut page = INTRODUCTION.to_owned();
    for section in schema().iter().filter(|section| !section.path.is_empty()) {
        let (open, close) = if section.list { ("[[", "]]") } else { ("[", "]") };
        // Writing to a String cannot fail.
        let _ = write!(page, "\n## `{open}{}{close}`\n\n{}\n\n", section.path, section.about);
        page.push_str("| Key | Value | Default | Meaning |\n|---|---|---|---|\n");
        for key in section.keys {
            let _ = writeln!(
                page,
                "| `{}` | {} | {} | {} |",
                key.name,
                value(key.kind),
                default(key.default),
                meaning(section, key)
            );
        }
    }
    page
}

fn value(kind: Kind) -> String {
    match kind {
        Kind::Text => "text".to_owned(),
        Kind::Path => "path".to_owned(),
        Kind::Secret => "secret file".to_owned(),
        Kind::Secrets => "list of secret files".to_owned(),
        Kind::Command => "program and arguments, a list".to_owned(),
        Kind::Number { least, most } => format!("{least} to {most}"),
        Kind::Switch => "`true` or `false`".to_owned(),
        Kind::Texts => "list of texts".to_owned(),
        Kind::Choice(words) => words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", "),
        Kind::Choices(words) => {
            format!("list of {}", words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", "))
        }
        Kind::Pairs => "table".to_owned(),
    }
}

fn default(default: Default) -> String {
    match default {
        Default::Required => "required".to_owned(),
        Default::Unset => "none".to_owned(),
        Default::Text("") => "empty".to_owned(),
        Default::Text(text) => format!("`{text}`"),
        Default::Number(number) => number.to_string(),
        Default::Switch(switch) => format!("`{switch}`"),
        Default::Texts([]) => "empty".to_owned(),
        Default::Texts(texts) => texts.iter().map(|text| format!("`{text}`")).collect::<Vec<_>>().join(", "),
        Default::Follows(words) => words.to_owned(),
    }
}

fn meaning(section: &Section, key: &Key) -> String {
    if key.only.is_empty() || section.key("kind").is_none() {
        return key.meaning.to_owned();
    }
    format!("{} (kind {})", key.meaning, key.only.join(", "))
}
