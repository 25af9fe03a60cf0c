//! What is known about the file while it is read: the line of each key, and the mistakes so far.
//!
//! Never does IO. A key that was found wrong once is not reported a second time as missing.

use std::collections::{BTreeMap, BTreeSet};

use super::mistake::{Mistake, Mistakes};

/// Most mistakes that are kept: a file of another kind would else give one for each of its lines.
const MISTAKES_MAX: usize = 200;

/// Lines and mistakes of one settings file.
pub(super) struct Findings {
    source: String,
    lines: BTreeMap<String, u32>,
    variables: BTreeMap<String, String>,
    wrong: BTreeSet<String>,
    mistakes: Vec<Mistake>,
    unreadable: bool,
}

impl Findings {
    /// Nothing found yet; `source` is the name of the file in messages.
    pub(super) fn of(source: String) -> Self {
        Self {
            source,
            lines: BTreeMap::new(),
            variables: BTreeMap::new(),
            wrong: BTreeSet::new(),
            mistakes: Vec::new(),
            unreadable: false,
        }
    }

    /// Notes where a key, a section or an entry of a list stands.
    pub(super) fn stands(&mut self, path: &str, line: u32) {
        self.lines.insert(path.to_owned(), line);
    }

    /// Notes that a variable of the environment has the last word on a key.
    pub(super) fn overridden(&mut self, path: &str, variable: &str) {
        self.variables.insert(path.to_owned(), variable.to_owned());
    }

    /// A mistake in the file as a whole, after which there is nothing to check.
    pub(super) fn file_mistake(&mut self, line: Option<u32>, text: String) {
        self.unreadable = true;
        self.push(Mistake { source: self.source.clone(), line, key: String::new(), text });
    }

    /// A mistake in a variable of the environment.
    pub(super) fn variable_mistake(&mut self, variable: &str, text: String) {
        self.push(Mistake { source: "environment".to_owned(), line: None, key: variable.to_owned(), text });
    }

    /// A mistake at a key: reported at the variable that overrides it, else at its line or that of its section.
    pub(super) fn mistake(&mut self, path: &str, text: impl Into<String>) {
        self.wrong.insert(path.to_owned());
        if let Some(variable) = self.variables.get(path).cloned() {
            return self.variable_mistake(&variable, text.into());
        }
        let line = ancestry(path).find_map(|at| self.lines.get(at)).copied();
        self.push(Mistake { source: self.source.clone(), line, key: path.to_owned(), text: text.into() });
    }

    /// Whether the key, or a section it stands in, was found wrong.
    pub(super) fn is_wrong(&self, path: &str) -> bool {
        ancestry(path).any(|at| self.wrong.contains(at))
    }

    /// Whether the key itself was found wrong.
    pub(super) fn is_wrong_itself(&self, path: &str) -> bool {
        self.wrong.contains(path)
    }

    /// Whether the file could be read, with or without mistakes.
    pub(super) fn is_readable(&self) -> bool {
        !self.unreadable
    }

    /// Whether nothing is wrong so far.
    pub(super) fn is_clean(&self) -> bool {
        self.mistakes.is_empty()
    }

    /// Every mistake: those with a line first, in the order of the file.
    pub(super) fn into_mistakes(self) -> Mistakes {
        let mut mistakes = self.mistakes;
        mistakes.sort_by_key(|mistake| mistake.line.unwrap_or(u32::MAX));
        Mistakes(mistakes)
    }

    fn push(&mut self, mistake: Mistake) {
        if self.mistakes.len() < MISTAKES_MAX {
            self.mistakes.push(mistake);
        }
    }
}

/// The path itself, then what it stands in: `relay[0].host`, `relay[0]`, `relay`.
fn ancestry(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(path), |at| {
        let cut = at.rfind(['.', '['])?;
        at.get(..cut)
    })
}
