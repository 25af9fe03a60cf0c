//! Reads the file and the environment into [`Raw`]: types and names are right afterwards, values not yet.
//!
//! `config` lays the environment over the file. Beside it a plain TOML pass, which knows where each
//! key stands, compares both with the schema. Never stops at a mistake that it can step over: a
//! wrong key is taken out and the rest goes on. Text that is no TOML gives its mistakes and an empty `Raw`.

use std::collections::HashMap;

use config::{Config, Environment, File, FileFormat, Value, ValueKind};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::findings::Findings;
use super::raw::Raw;
use super::schema::{Default, Kind, Section, section};

/// What every variable of ours begins with, and what stands between section and key.
const PREFIX: &str = "POSTERN";
const SEPARATOR: &str = "__";

/// Reads the file's text and the variables that override it.
pub(super) fn read(
    text: &str,
    environment: impl IntoIterator<Item = (String, String)>,
    findings: &mut Findings,
) -> Raw {
    if !scan(text, findings) {
        return Raw::default();
    }
    let overrides = Overrides::sort(environment, findings);
    let merged = merge(text, overrides).and_then(|mut value| {
        if let Some(top) = section("") {
            complete(&mut value, top, "", findings);
        }
        value.try_deserialize()
    });
    merged.unwrap_or_else(|error| {
        findings.file_mistake(None, format!("failed to read the settings: {error}"));
        Raw::default()
    })
}

/// A value as given, in the file or in the environment.
enum Given<'a> {
    Text(&'a str),
    Number(i64),
    Switch,
    Texts(Vec<&'a str>),
    Other(&'static str),
}

impl<'a> Given<'a> {
    fn in_file(value: &'a DeValue<'_>) -> Self {
        match value {
            DeValue::String(text) => Self::Text(text),
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
                .map_or(Self::Other("a number beyond all bounds"), Self::Number),
            DeValue::Boolean(_) => Self::Switch,
            DeValue::Array(items) => {
                let text = |item: &'a Spanned<DeValue<'_>>| item.get_ref().as_str();
                let texts: Option<Vec<&str>> = items.iter().map(text).collect();
                texts.map_or(Self::Other("a list of other things than texts"), Self::Texts)
            }
            DeValue::Float(_) => Self::Other("a number with a fraction"),
            DeValue::Datetime(_) => Self::Other("a date"),
            DeValue::Table(_) => Self::Other("a table"),
        }
    }

    /// A variable is text; what it is meant to be is known from its key.
    fn in_variable(text: &'a str, kind: Kind) -> Self {
        match kind {
            Kind::Number { .. } => text.parse().map_or(Self::Text(text), Self::Number),
            Kind::Switch => text.parse::<bool>().map_or(Self::Text(text), |_| Self::Switch),
            Kind::Texts | Kind::Choices(_) | Kind::Secrets | Kind::Command if text.is_empty() => {
                Self::Texts(Vec::new())
            }
            Kind::Texts | Kind::Choices(_) | Kind::Secrets | Kind::Command => Self::Texts(text.split(',').collect()),
            Kind::Text | Kind::Path | Kind::Secret | Kind::Choice(_) | Kind::Pairs => Self::Text(text),
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Number(_) => "a number",
            Self::Switch => "true or false",
            Self::Texts(_) => "a list",
            Self::Other(name) => name,
        }
    }

    /// What is wrong with it as a value of this kind. Says nothing of the value where it may be a secret.
    fn objection(&self, kind: Kind) -> Option<String> {
        match (kind, self) {
            (Kind::Text | Kind::Path | Kind::Secret, Self::Text(_))
            | (Kind::Switch, Self::Switch)
            | (Kind::Texts | Kind::Secrets | Kind::Command, Self::Texts(_)) => None,
            (Kind::Number { least, most }, Self::Number(number)) => {
                (!(least..=most).contains(number)).then(|| format!("must lie between {least} and {most}"))
            }
            (Kind::Choice(words), Self::Text(word)) => not_among(word, words),
            (Kind::Choices(words), Self::Texts(given)) => given.iter().find_map(|word| not_among(word, words)),
            (
                Kind::Text
                | Kind::Path
                | Kind::Secret
                | Kind::Secrets
                | Kind::Command
                | Kind::Number { .. }
                | Kind::Switch
                | Kind::Texts
                | Kind::Choice(_)
                | Kind::Choices(_)
                | Kind::Pairs,
                Self::Text(_) | Self::Number(_) | Self::Switch | Self::Texts(_) | Self::Other(_),
            ) => Some(format!("expected {}, found {}", expected(kind), self.name())),
        }
    }
}

fn expected(kind: Kind) -> &'static str {
    match kind {
        Kind::Text | Kind::Choice(_) => "text",
        Kind::Path => "a path as text",
        Kind::Secret => "text that names a file",
        Kind::Secrets => "a list of texts that name files",
        Kind::Command => "a list of texts: a program and its arguments",
        Kind::Number { .. } => "a whole number",
        Kind::Switch => "true or false",
        Kind::Texts | Kind::Choices(_) => "a list of texts",
        Kind::Pairs => "a table of texts",
    }
}

fn not_among(word: &str, words: &[&'static str]) -> Option<String> {
    if words.contains(&word) {
        return None;
    }
    let all = words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ");
    Some(match nearest(word, words.iter().copied()) {
        Some(near) => format!("must be one of {all}; did you mean \"{near}\"?"),
        None => format!("must be one of {all}"),
    })
}

/// The candidate that differs in the fewest letters, if it is near enough to have been meant.
fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let far = word.chars().count() / 3 + 1;
    candidates
        .map(|candidate| (strsim::damerau_levenshtein(&word, candidate), candidate))
        .filter(|(distance, _)| *distance <= far)
        .min()
        .map(|(_, candidate)| candidate)
}

fn unknown(what: &str, name: &str, section: &Section) -> String {
    let known = || section.keys.iter().map(|key| key.name).chain(section.subsections());
    match nearest(name, known()) {
        Some(near) => format!("unknown {what}; did you mean \"{near}\"?"),
        None => format!("unknown {what}; known here: {}", known().collect::<Vec<_>>().join(", ")),
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// Notes where everything stands and what does not fit the schema; false when the text is no TOML.
fn scan(text: &str, findings: &mut Findings) -> bool {
    let starts: Vec<usize> = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
    let line = |offset: usize| u32::try_from(starts.partition_point(|start| *start <= offset)).unwrap_or(u32::MAX);
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut last = None;
    for error in &errors {
        let at = error.span().map(|span| line(span.start));
        // One slip often gives several errors on its line; the first says it.
        if at.is_none() || at != last {
            findings.file_mistake(at, format!("not TOML: {}", error.message()));
        }
        last = at;
    }
    if let (true, Some(top)) = (errors.is_empty(), section("")) {
        Scan { line: &line, findings }.table(table.get_ref(), top, "");
    }
    errors.is_empty()
}

struct Scan<'a> {
    line: &'a dyn Fn(usize) -> u32,
    findings: &'a mut Findings,
}

impl Scan<'_> {
    /// Recursion ends with the schema, which is three levels deep.
    fn table(&mut self, table: &DeTable<'_>, section_here: &Section, path: &str) {
        for (name, value) in table {
            let at = join(path, name.get_ref());
            self.findings.stands(&at, (self.line)(name.span().start));
            let inner = section(&join(section_here.path, name.get_ref())).filter(|_| !name.get_ref().is_empty());
            if let Some(key) = section_here.key(name.get_ref()) {
                self.key(value.get_ref(), key.kind, &at);
            } else if let Some(inner) = inner {
                self.section(value, inner, &at);
            } else {
                let what = if Given::in_file(value.get_ref()).name() == "a table" { "section" } else { "key" };
                self.findings.mistake(&at, unknown(what, name.get_ref(), section_here));
            }
        }
    }

    fn section(&mut self, value: &Spanned<DeValue<'_>>, inner: &Section, path: &str) {
        if !inner.list {
            match value.get_ref().as_table() {
                Some(table) => self.table(table, inner, path),
                None => self.findings.mistake(path, format!("must be a section of its own, [{}]", inner.path)),
            }
            return;
        }
        let Some(entries) = value.get_ref().as_array() else {
            return self.findings.mistake(path, format!("must be written in double brackets, [[{}]]", inner.path));
        };
        for (position, entry) in entries.iter().enumerate() {
            let at = format!("{path}[{position}]");
            self.findings.stands(&at, (self.line)(entry.span().start));
            match entry.get_ref().as_table() {
                Some(table) => self.table(table, inner, &at),
                // The list as a whole is taken out, since an entry less would shift the places of the others.
                None => self.findings.mistake(path, format!("must be written in double brackets, [[{}]]", inner.path)),
            }
        }
    }

    fn key(&mut self, value: &DeValue<'_>, kind: Kind, path: &str) {
        let (Kind::Pairs, Some(pairs)) = (kind, value.as_table()) else {
            if let Some(objection) = Given::in_file(value).objection(kind) {
                self.findings.mistake(path, objection);
            }
            return;
        };
        for (name, value) in pairs {
            let at = join(path, name.get_ref());
            self.findings.stands(&at, (self.line)(name.span().start));
            if let Some(objection) = Given::in_file(value.get_ref()).objection(Kind::Text) {
                self.findings.mistake(&at, objection);
            }
        }
    }
}

/// The variables that may override the file, by what they override.
struct Overrides {
    single: HashMap<String, String>,
    lists: HashMap<String, String>,
    list_keys: Vec<String>,
    emptied: Vec<String>,
}

impl Overrides {
    fn sort(environment: impl IntoIterator<Item = (String, String)>, findings: &mut Findings) -> Self {
        let mut overrides =
            Self { single: HashMap::new(), lists: HashMap::new(), list_keys: Vec::new(), emptied: Vec::new() };
        let ours = format!("{PREFIX}{SEPARATOR}");
        let mut environment: Vec<(String, String)> =
            environment.into_iter().filter(|(variable, _)| variable.starts_with(&ours)).collect();
        environment.sort();
        for (variable, value) in environment {
            let path = variable.strip_prefix(&ours).unwrap_or_default().to_lowercase().replace(SEPARATOR, ".");
            match overridable(&path) {
                Ok(kind) => overrides.add(&variable, path, value, kind, findings),
                Err(refusal) => findings.variable_mistake(&variable, refusal),
            }
        }
        overrides
    }

    fn add(&mut self, variable: &str, path: String, value: String, kind: Kind, findings: &mut Findings) {
        let list = matches!(kind, Kind::Texts | Kind::Choices(_));
        let value = if list { value.split(',').map(str::trim).collect::<Vec<_>>().join(",") } else { value };
        findings.overridden(&path, variable);
        if let Some(objection) = Given::in_variable(&value, kind).objection(kind) {
            findings.mistake(&path, objection);
        } else if !list {
            self.single.insert(variable.to_owned(), value);
        } else if value.is_empty() {
            self.emptied.push(path);
        } else {
            self.lists.insert(variable.to_owned(), value);
            self.list_keys.push(path);
        }
    }
}

/// The kind of the key that a variable overrides, or why it may not.
fn overridable(path: &str) -> Result<Kind, String> {
    let form = "names a section and a key, as in POSTERN__LOG__LEVEL".to_owned();
    let (place, name) = path.rsplit_once('.').ok_or(form)?;
    let first = path.split('.').next().unwrap_or_default();
    let Some(here) = section(place) else {
        if section(first).is_some_and(|section| section.list) {
            return Err(format!("a list of tables cannot be overridden; change [[{first}]] in the file"));
        }
        let top = section("").map(|top| unknown("section", place, top));
        return Err(if place.starts_with("keys.pins") {
            "pins cannot be overridden; change [keys.pins] in the file".to_owned()
        } else {
            top.unwrap_or_default()
        });
    };
    if here.list {
        return Err(format!("a list of tables cannot be overridden; change [[{place}]] in the file"));
    }
    let key = here.key(name).ok_or_else(|| unknown("key", name, here))?;
    if matches!(key.kind, Kind::Command) {
        return Err("a program to run cannot be overridden; change it in the settings file".to_owned());
    }
    if key.kind.is_secret() {
        return Err("a secret's file cannot be overridden; change it in the settings file".to_owned());
    }
    if matches!(key.kind, Kind::Pairs) {
        return Err("pins cannot be overridden; change [keys.pins] in the file".to_owned());
    }
    Ok(key.kind)
}

fn merge(text: &str, overrides: Overrides) -> Result<Value, config::ConfigError> {
    let variables = |source| Environment::with_prefix(PREFIX).separator(SEPARATOR).source(Some(source));
    let mut lists = variables(overrides.lists).try_parsing(true).list_separator(",");
    for path in &overrides.list_keys {
        lists = lists.with_list_parse_key(path);
    }
    let mut builder = Config::builder()
        .add_source(File::from_str(text, FileFormat::Toml))
        .add_source(variables(overrides.single))
        .add_source(lists);
    for path in overrides.emptied {
        builder = builder.set_override(path, Vec::<String>::new())?;
    }
    Ok(builder.build()?.cache)
}

/// Takes out what was found wrong, and puts in the defaults, here and in the sections below.
fn complete(value: &mut Value, here: &Section, path: &str, findings: &mut Findings) {
    let ValueKind::Table(table) = &mut value.kind else { return };
    table.retain(|name, _| {
        let known = here.key(name).is_some() || here.subsections().any(|inner| inner == name);
        known && !findings.is_wrong_itself(&join(path, name))
    });
    let kind = table.get("kind").and_then(|kind| kind.clone().into_string().ok());
    for key in here.keys {
        let at = join(path, key.name);
        let belongs = key.only.is_empty() || kind.as_deref().is_some_and(|kind| key.only.contains(&kind));
        if belongs && !table.contains_key(key.name) {
            table.extend(standing_in(key.default).map(|value| (key.name.to_owned(), value)));
        } else if !belongs && table.remove(key.name).is_some() && kind.is_some() {
            findings
                .mistake(&at, format!("only means something with kind = \"{}\"; remove it", key.only.join("\" or \"")));
        }
    }
    if let Some(Value { kind: ValueKind::Table(pairs), .. }) = table.get_mut("pins") {
        pairs.retain(|name, _| !findings.is_wrong_itself(&join(&join(path, "pins"), name)));
    }
    for name in here.subsections() {
        let at = join(path, name);
        let Some(inner) = section(&join(here.path, name)) else { continue };
        if inner.list {
            let Some(Value { kind: ValueKind::Array(entries), .. }) = table.get_mut(name) else { continue };
            for (position, entry) in entries.iter_mut().enumerate() {
                complete(entry, inner, &format!("{at}[{position}]"), findings);
            }
        } else {
            let empty = || Value::new(None, ValueKind::Table(config::Map::new()));
            complete(table.entry(name.to_owned()).or_insert_with(empty), inner, &at, findings);
        }
    }
}

fn standing_in(default: Default) -> Option<Value> {
    let kind = match default {
        Default::Required | Default::Unset | Default::Follows(_) => return None,
        Default::Text(text) => ValueKind::from(text),
        Default::Number(number) => ValueKind::from(number),
        Default::Switch(switch) => ValueKind::from(switch),
        Default::Texts(texts) => ValueKind::from(texts.to_vec()),
    };
    Some(Value::new(None, kind))
}
