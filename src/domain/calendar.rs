//! Spans of the calendar: hours and days as durations, months that clamp to the month's end.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::time::{DAY, HOUR, MINUTE, Timestamp};

/// A length of time as a policy writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Span {
    /// Seconds that pass alike everywhere.
    Fixed(Duration),
    /// Calendar months in the policy's zone: 31 January and one month is the last day of February.
    Months(u16),
}

impl Span {
    /// Reads `30m`, `24h`, `7d`, `2w` or `1 month`.
    ///
    /// ```
    /// use postern::domain::calendar::Span;
    /// assert_eq!(Span::parse("1 month"), Some(Span::Months(1)));
    /// assert_eq!(Span::parse("7d"), Span::parse("168h"));
    /// assert_eq!(Span::parse("soon"), None);
    /// ```
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let split = text.find(|c: char| !c.is_ascii_digit())?;
        let (number, unit) = text.split_at_checked(split)?;
        let number: u32 = number.parse().ok().filter(|n| *n <= 36_500)?;
        let fixed = |unit: Duration| Some(Self::Fixed(unit.saturating_mul(number)));
        match unit.trim() {
            "m" | "min" => fixed(MINUTE),
            "h" => fixed(HOUR),
            "d" => fixed(DAY),
            "w" => fixed(DAY * 7),
            "month" | "months" => u16::try_from(number).ok().filter(|n| *n <= 120).map(Self::Months),
            _ => None,
        }
    }

    /// `90 days`, `24 hours`, `1 month`: the form people are shown.
    #[must_use]
    pub fn words(self) -> String {
        let counted = |number: u64, unit: &str| format!("{number} {unit}{}", if number == 1 { "" } else { "s" });
        match self {
            Self::Months(months) => counted(u64::from(months), "month"),
            Self::Fixed(duration) => match duration.as_secs() {
                seconds if seconds % 86_400 == 0 => counted(seconds / 86_400, "day"),
                seconds if seconds % 3_600 == 0 => counted(seconds / 3_600, "hour"),
                seconds => counted(seconds / 60, "minute"),
            },
        }
    }

    /// The instant this long after another, reckoned in the zone.
    #[must_use]
    pub fn after(self, at: Timestamp, zone: &jiff::tz::TimeZone) -> Timestamp {
        match self {
            Self::Fixed(duration) => at.after(duration),
            Self::Months(months) => {
                let local = at.to_jiff().to_zoned(zone.clone());
                local
                    .checked_add(jiff::Span::new().months(i32::from(months)))
                    .map_or(at.after(DAY * 31 * u32::from(months)), |later| Timestamp(later.timestamp().as_second()))
            }
        }
    }

    /// The instant this long before another, reckoned in the zone.
    #[must_use]
    pub fn before(self, at: Timestamp, zone: &jiff::tz::TimeZone) -> Timestamp {
        match self {
            Self::Fixed(duration) => at.before(duration),
            Self::Months(months) => {
                let local = at.to_jiff().to_zoned(zone.clone());
                local
                    .checked_sub(jiff::Span::new().months(i32::from(months)))
                    .map_or(at.before(DAY * 31 * u32::from(months)), |sooner| Timestamp(sooner.timestamp().as_second()))
            }
        }
    }
}

impl TryFrom<String> for Span {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or_else(|| format!("not a span such as 30m, 24h, 7d, 2w or 1 month: {text:?}"))
    }
}

impl From<Span> for String {
    fn from(span: Span) -> Self {
        match span {
            Span::Months(1) => "1 month".to_owned(),
            Span::Months(n) => format!("{n} months"),
            Span::Fixed(duration) => match duration.as_secs() {
                s if s % 86_400 == 0 => format!("{}d", s / 86_400),
                s if s % 3_600 == 0 => format!("{}h", s / 3_600),
                s => format!("{}m", s / 60),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn month_after(from: &str, zone: &str) -> String {
        let zone = jiff::tz::TimeZone::get(zone).unwrap();
        Span::Months(1).after(Timestamp::parse(from).unwrap(), &zone).to_string()
    }

    #[test]
    fn a_calendar_month_clamps_to_the_months_end() {
        assert_eq!(month_after("2026-01-31T12:00Z", "UTC"), "2026-02-28T12:00:00Z");
        assert_eq!(month_after("2028-01-31T12:00Z", "UTC"), "2028-02-29T12:00:00Z");
        assert_eq!(month_after("2026-03-15T12:00Z", "UTC"), "2026-04-15T12:00:00Z");
    }

    #[test]
    fn a_month_keeps_the_local_hour_across_a_change_of_clocks() {
        assert_eq!(month_after("2026-03-15T11:00Z", "Europe/Berlin"), "2026-04-15T10:00:00Z");
    }

    #[test]
    fn spans_read_back_as_written() {
        for text in ["30m", "24h", "7d", "1 month", "3 months"] {
            let span = Span::parse(text).unwrap();
            assert_eq!(Span::parse(&String::from(span)), Some(span), "{text}");
        }
        for bad in ["", "7", "d", "-1d", "1 year", "99999999999d"] {
            assert_eq!(Span::parse(bad), None, "{bad:?}");
        }
    }
}
