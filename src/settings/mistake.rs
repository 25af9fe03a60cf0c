//! A mistake in the settings, and all of them together.
//!
//! Never holds the value of a key that names a secret: somebody may have written the secret there.
//! Printing cannot fail.

use std::fmt;

/// One mistake: where it is and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The settings file as it was named, or `environment`.
    pub source: String,
    /// Line in the file, counted from 1; `None` where the mistake is that something is not there, or in the environment.
    pub line: Option<u32>,
    /// The key's path (`inbox.host`, `relay[0].port`) or the variable's name; empty for the file as a whole.
    pub key: String,
    /// A lower-case fragment that says what is wrong and what to do.
    pub text: String,
}

/// `postern.toml:12: inbox.hots: unknown key; did you mean "host"?`
impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if !self.key.is_empty() {
            write!(f, ": {}", self.key)?;
        }
        write!(f, ": {}", self.text)
    }
}

/// Every mistake that was found, in the order of the file; never empty when returned as an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistakes(pub Vec<Mistake>);

/// One line for each mistake, without a line end after the last.
impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, mistake) in self.0.iter().enumerate() {
            let gap = if position == 0 { "" } else { "\n" };
            write!(f, "{gap}{mistake}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Mistakes {}
