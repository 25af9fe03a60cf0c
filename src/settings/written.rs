//! A settings file written for people: the given values, and every other key commented out with its default.
//!
//! Made from `schema`, so that it cannot name a key that the reader refuses, nor miss one. Never does IO, and never
//! checks a value: whoever writes the file loads it afterwards. A key that the schema does not have is an error.

use std::fmt::Write;

use toml::Value;

use super::schema::{Default, Key, Kind, Section, schema, section};

/// Widest line of a comment, in characters.
const COLUMNS_MAX: usize = 100;
/// Stands for a value that only its owner knows.
const OWNERS: &str = "...";

const INTRODUCTION: &str = "\
Settings of postern, made by `postern init`. Every key is here: what stands behind a \"#\" is the default, or \"...\" \
where there is none. After a change: `postern check`.
Relative paths start at the folder of this file. Secrets are never written here: their keys name a file that only its \
owner may read, or \"credential:NAME\" for a file beside this one that systemd shows to the service.";

/// The values of a settings file to be written.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Draft {
    tables: Vec<(String, Vec<(String, Value)>)>,
}

/// A key that this version does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this version has no setting {0}; leave it out")]
pub struct UnknownSetting(String);

impl Draft {
    /// Begins a table: the one of a section, or a further one of a section in double brackets.
    pub fn begin(&mut self, path: &str) {
        self.tables.push((path.to_owned(), Vec::new()));
    }

    /// Sets a key of the table begun last.
    pub fn set(&mut self, key: &str, value: impl Into<Value>) {
        if let Some((_, entries)) = self.tables.last_mut() {
            entries.push((key.to_owned(), value.into()));
        }
    }

    /// Sets a key whose value was given as one line of words: a list of them where the schema has a list.
    pub fn set_words(&mut self, key: &str, line: &str) {
        let path = self.tables.last().map_or("", |(path, _)| path.as_str());
        let is_list = section(path).and_then(|here| here.key(key)).is_some_and(|key| matches!(key.kind, Kind::Texts));
        if is_list {
            self.set(key, line.split_whitespace().map(Value::from).collect::<Vec<_>>());
        } else {
            self.set(key, line);
        }
    }

    /// The file, ended by a line end.
    ///
    /// # Errors
    /// A section or key that the schema does not have.
    pub fn text(&self) -> Result<String, UnknownSetting> {
        for (path, entries) in &self.tables {
            let here = section(path).ok_or_else(|| UnknownSetting(path.clone()))?;
            if let Some((key, _)) = entries.iter().find(|(key, _)| here.key(key).is_none()) {
                return Err(UnknownSetting(format!("{path}.{key}")));
            }
        }
        let mut text = comment(INTRODUCTION);
        for section in schema().iter().filter(|section| !section.path.is_empty()) {
            let mut given = self.tables.iter().filter(|(path, _)| path == section.path).peekable();
            text.push('\n');
            text.push_str(&comment(section.about));
            if given.peek().is_none() {
                write_table(&mut text, section, &[], section.list);
            }
            for (position, (_, entries)) in given.enumerate() {
                if position > 0 {
                    text.push('\n');
                }
                write_table(&mut text, section, entries, false);
            }
        }
        Ok(text)
    }
}

/// One table; `absent` writes it as a comment, for somebody who wants to begin it.
fn write_table(text: &mut String, section: &Section, entries: &[(String, Value)], absent: bool) {
    let (open, close) = if section.list { ("[[", "]]") } else { ("[", "]") };
    let mark = if absent { "#" } else { "" };
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{mark}{open}{}{close}", section.path);
    let given = |name: &str| entries.iter().find(|(key, _)| key == name).map(|(_, value)| value);
    let kind = given("kind").and_then(Value::as_str);
    let belongs = |key: &&Key| key.only.is_empty() || absent || kind.is_some_and(|kind| key.only.contains(&kind));
    let (tables, plain): (Vec<&Key>, Vec<&Key>) =
        section.keys.iter().filter(belongs).partition(|key| matches!(key.kind, Kind::Pairs));
    for key in plain {
        text.push_str(&comment(&about(section, key)));
        let _ = match given(key.name) {
            Some(value) => writeln!(text, "{} = {value}", key.name),
            None => writeln!(text, "#{} = {}", key.name, standing(key)),
        };
    }
    for key in tables {
        text.push('\n');
        text.push_str(&comment(&about(section, key)));
        let _ = writeln!(text, "[{}.{}]", section.path, key.name);
        for (name, value) in given(key.name).and_then(Value::as_table).into_iter().flatten() {
            let _ = writeln!(text, "{} = {value}", Value::from(name.as_str()));
        }
    }
}

fn about(section: &Section, key: &Key) -> String {
    let mut about = key.meaning.to_owned();
    if let Kind::Choice(words) | Kind::Choices(words) = key.kind {
        let _ = write!(about, ": {}", words.join(", "));
    }
    if let Default::Follows(words) = key.default {
        let _ = write!(about, "; if not set, {words}");
    }
    if !key.only.is_empty() && section.key("kind").is_some() {
        let _ = write!(about, " (kind {})", key.only.join(", "));
    }
    about
}

fn standing(key: &Key) -> String {
    match key.default {
        Default::Required | Default::Unset | Default::Follows(_) => OWNERS.to_owned(),
        Default::Text(text) => Value::from(text).to_string(),
        Default::Number(number) => number.to_string(),
        Default::Switch(switch) => switch.to_string(),
        Default::Texts(texts) => Value::from(texts.to_vec()).to_string(),
    }
}

/// Paragraphs as comment lines, broken between words.
fn comment(text: &str) -> String {
    let mut out = String::new();
    for paragraph in text.lines() {
        let mut line = "#".to_owned();
        for word in paragraph.split(' ') {
            if line.chars().count() + 1 + word.chars().count() > COLUMNS_MAX {
                out.push_str(&line);
                out.push('\n');
                "#".clone_into(&mut line);
            }
            line.push(' ');
            line.push_str(word);
        }
        out.push_str(&line);
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft() -> Draft {
        let mut draft = Draft::default();
        draft.begin("instance");
        draft.set("project", "A \"quoted\" = \\ name # no comment");
        draft.begin("inbox");
        draft.set("kind", "maildir");
        draft.set("path", "mail");
        for name in ["Ana", "Bo"] {
            draft.begin("member");
            draft.set("name", name);
        }
        draft.begin("keys");
        draft.set("pins", toml::Table::from_iter([("dev@example.org".to_owned(), Value::from("AB"))]));
        draft
    }

    #[test]
    fn what_was_given_is_read_back_and_nothing_else_is() {
        let text = draft().text().unwrap();
        let read: toml::Table = text.parse().expect("TOML");
        assert_eq!(read["instance"]["project"].as_str(), Some("A \"quoted\" = \\ name # no comment"));
        assert_eq!(read["instance"].as_table().unwrap().len(), 1);
        assert_eq!(read["member"].as_array().unwrap().len(), 2);
        assert_eq!(read["keys"]["pins"]["dev@example.org"].as_str(), Some("AB"));
        assert!(!read.contains_key("intake") && !read["limits"].as_table().unwrap().contains_key("attempts"));
    }

    #[test]
    fn every_key_that_may_stand_there_is_shown_with_its_meaning_and_default() {
        let text = draft().text().unwrap();
        for section in schema() {
            for key in section.keys.iter().filter(|key| key.only.is_empty() && !matches!(key.kind, Kind::Pairs)) {
                assert!(text.contains(&format!("{} = ", key.name)), "{}.{}", section.path, key.name);
            }
        }
        assert!(text.contains("\n#attempts = 3\n") && text.contains("\n#clear = [\"reporter\"]\n"), "{text}");
        assert!(text.contains("\n#[[intake]]\n"), "{text}");
        assert!(!text.contains("poll_seconds"), "a key of another kind of inbox: {text}");
        assert!(text.lines().all(|line| line.chars().count() <= COLUMNS_MAX || !line.starts_with("# ")), "{text}");
    }

    #[test]
    fn a_key_that_there_is_not_is_refused() {
        let mut draft = draft();
        draft.begin("relay");
        draft.set("hots", "mail");
        assert_eq!(draft.text(), Err(UnknownSetting("relay.hots".to_owned())));
    }
}
