//! The name a case has in front of people: `EX-2026-0042`.
//!
//! Prefix from the settings, year of opening, number in this instance. The number alone identifies
//! the case. The year helps people: read back, it must be four digits, and which ones does not matter.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::id::CaseId;
use super::time::Timestamp;

/// A case label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label(String);

impl Label {
    /// The label of a case opened at this instant (the year is taken in UTC).
    #[must_use]
    pub fn new(prefix: &str, opened: Timestamp, case: CaseId) -> Self {
        let year = opened.to_jiff().to_zoned(jiff::tz::TimeZone::UTC).year();
        Self(format!("{prefix}-{year}-{:04}", case.0))
    }

    /// The number in a label with this prefix, whatever its year.
    ///
    /// ```
    /// use postern::domain::{id::CaseId, label::Label};
    /// assert_eq!(Label::case_in("EX", "EX-2026-0042"), Some(CaseId(42)));
    /// assert_eq!(Label::case_in("EX", "XE-2026-0042"), None);
    /// ```
    #[must_use]
    pub fn case_in(prefix: &str, text: &str) -> Option<CaseId> {
        let rest =
            text.get(..prefix.len()).filter(|head| head.eq_ignore_ascii_case(prefix)).and(text.get(prefix.len()..))?;
        let (year, number) = rest.strip_prefix('-')?.split_once('-')?;
        let digits = |s: &str| !s.is_empty() && s.len() <= 12 && s.bytes().all(|b| b.is_ascii_digit());
        (year.len() == 4 && digits(year) && number.len() >= 4 && digits(number))
            .then(|| number.parse().ok().map(CaseId))?
    }

    /// A label as it was stored.
    #[must_use]
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    /// The label as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
