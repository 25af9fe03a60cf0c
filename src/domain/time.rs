//! Instants. There is no `now()` here: every function is told what time it is.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Seconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Timestamp(pub i64);

/// One minute.
pub const MINUTE: Duration = Duration::from_secs(60);
/// One hour.
pub const HOUR: Duration = Duration::from_secs(3600);
/// Twenty-four hours.
pub const DAY: Duration = Duration::from_secs(24 * 3600);

impl Timestamp {
    /// This instant moved later; stays at the last representable instant instead of overflowing.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)))
    }

    /// This instant moved earlier.
    #[must_use]
    pub fn before(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)))
    }

    /// How long ago `earlier` was; zero when it lies in the future.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_secs(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// The instant in `jiff`'s type, clamped to the years it knows.
    #[must_use]
    pub fn to_jiff(self) -> jiff::Timestamp {
        jiff::Timestamp::from_second(self.0).unwrap_or(if self.0 < 0 {
            jiff::Timestamp::MIN
        } else {
            jiff::Timestamp::MAX
        })
    }

    /// Reads RFC 3339 text with a zone, such as `2026-03-01T16:00Z` or `2026-03-01T16:00:00+01:00`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        text.trim().parse::<jiff::Timestamp>().ok().map(|at| Self(at.as_second()))
    }

    /// `Sun, 22 Nov 2026 10:00:00 +0000`: the Date header (RFC 5322 section 3.3).
    #[must_use]
    pub fn to_rfc5322(self) -> String {
        self.to_jiff().to_zoned(jiff::tz::TimeZone::UTC).strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
    }

    /// `2026-11-22 10:00 UTC`: the form people are shown, always with hour and zone.
    #[must_use]
    pub fn to_text(self) -> String {
        self.to_jiff().to_zoned(jiff::tz::TimeZone::UTC).strftime("%Y-%m-%d %H:%M UTC").to_string()
    }
}

/// RFC 3339 in UTC, to the second.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.to_jiff())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shown_with_hour_and_zone() {
        let at = Timestamp::parse("2026-03-01T16:00:00+01:00").unwrap();
        assert_eq!(at.to_string(), "2026-03-01T15:00:00Z");
        assert_eq!(at.to_text(), "2026-03-01 15:00 UTC");
        assert_eq!(at.to_rfc5322(), "Sun, 01 Mar 2026 15:00:00 +0000");
    }

    #[test]
    fn moving_past_the_end_of_time_stays_there() {
        assert_eq!(Timestamp(i64::MAX).after(DAY), Timestamp(i64::MAX));
        assert!(!Timestamp(i64::MAX).to_text().is_empty());
    }
}
