//! The date of a mail (RFC 5322 sections 3.3 and 4.3), and the forms that programs write instead.
//!
//! Never guesses an order of day and month in figures; never takes a day for one that the calendar does not have. What
//! names no instant is `None`. A weekday is not looked at: where it is wrong, the date counts.

use crate::domain::time::Timestamp;

/// Bytes of a Date header that are read; a longer one is none.
const DATE_MAX_BYTES: usize = 500;

/// The first three letters of the months, in English and where other languages differ.
const MONTHS: [(&str, i8); 34] = [
    ("jan", 1),
    ("feb", 2),
    ("mar", 3),
    ("apr", 4),
    ("may", 5),
    ("jun", 6),
    ("jul", 7),
    ("aug", 8),
    ("sep", 9),
    ("oct", 10),
    ("nov", 11),
    ("dec", 12),
    ("ene", 1),
    ("fév", 2),
    ("fev", 2),
    ("mär", 3),
    ("mrz", 3),
    ("mrt", 3),
    ("maa", 3),
    ("avr", 4),
    ("abr", 4),
    ("mai", 5),
    ("maj", 5),
    ("mag", 5),
    ("mei", 5),
    ("giu", 6),
    ("lug", 7),
    ("aoû", 8),
    ("ago", 8),
    ("set", 9),
    ("okt", 10),
    ("ott", 10),
    ("dez", 12),
    ("dic", 12),
];

/// Zone names and their offset from UTC in minutes (RFC 5322 section 4.3, and those seen in mail).
const ZONES: [(&str, i32); 43] = [
    ("ut", 0),
    ("utc", 0),
    ("gmt", 0),
    ("z", 0),
    ("wet", 0),
    ("west", 60),
    ("bst", 60),
    ("cet", 60),
    ("met", 60),
    ("mez", 60),
    ("cest", 120),
    ("mest", 120),
    ("mesz", 120),
    ("eet", 120),
    ("sast", 120),
    ("eest", 180),
    ("msk", 180),
    ("msd", 240),
    ("gst", 240),
    ("pkt", 300),
    ("ist", 330),
    ("npt", 345),
    ("ict", 420),
    ("wib", 420),
    ("hkt", 480),
    ("sgt", 480),
    ("awst", 480),
    ("jst", 540),
    ("kst", 540),
    ("acst", 570),
    ("aest", 600),
    ("aedt", 660),
    ("nzst", 720),
    ("nzdt", 780),
    ("brt", -180),
    ("art", -180),
    ("est", -300),
    ("edt", -240),
    ("cst", -360),
    ("cdt", -300),
    ("mst", -420),
    ("mdt", -360),
    ("pst", -480),
];

/// Reads a Date header; without a zone it is UTC. `None` when it names no instant.
#[must_use]
pub fn date(raw: &str) -> Option<Timestamp> {
    read(raw).map(|(at, _)| at)
}

/// Reads a date only when it says its zone.
#[must_use]
pub fn zoned_date(raw: &str) -> Option<Timestamp> {
    read(raw).filter(|(_, zoned)| *zoned).map(|(at, _)| at)
}

fn read(raw: &str) -> Option<(Timestamp, bool)> {
    if raw.len() > DATE_MAX_BYTES {
        return None;
    }
    let (bare, comments) = without_comments(raw);
    if let Some(at) = Timestamp::parse(bare.trim()) {
        return Some((at, true));
    }
    let mut date = Civil::default();
    for word in bare.split(|c: char| c.is_whitespace() || c == ',' || c == ';').filter(|word| !word.is_empty()) {
        date.word(word);
    }
    if date.offset_minutes.is_none() {
        // A zone may stand in a comment only.
        date.offset_minutes = comments.split_whitespace().find_map(zone);
    }
    date.instant()
}

/// The text outside and inside of comments (RFC 5322 section 3.2.2).
fn without_comments(raw: &str) -> (String, String) {
    let (mut bare, mut comments, mut depth) = (String::new(), String::new(), 0_usize);
    for c in raw.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            c if depth == 0 => bare.push(c),
            c => comments.push(c),
        }
        if matches!(c, '(' | ')') {
            bare.push(' ');
            comments.push(' ');
        }
    }
    (bare, comments)
}

/// What the words of a date have said so far.
#[derive(Default)]
struct Civil {
    year: Option<i16>,
    month: Option<i8>,
    day: Option<i8>,
    /// Hour, minute, second.
    time: Option<(i8, i8, i8)>,
    afternoon: Option<bool>,
    offset_minutes: Option<i32>,
}

impl Civil {
    fn word(&mut self, word: &str) {
        let first = word.chars().next().unwrap_or_default();
        if word.contains(':') && first.is_ascii_digit() {
            self.clock(word);
        } else if matches!(first, '+' | '-') {
            self.offset_minutes = self.offset_minutes.or_else(|| offset(word));
        } else if first.is_ascii_digit() {
            self.figures(word);
        } else {
            self.name(word);
        }
    }

    /// `10:00:00`, with a zone or half of the day behind it.
    fn clock(&mut self, word: &str) {
        let end = word.find(|c: char| !c.is_ascii_digit() && c != ':' && c != '.').unwrap_or(word.len());
        let (time, rest) = word.split_at_checked(end).unwrap_or((word, ""));
        let mut numbers = time.split([':', '.']).map(str::parse::<i8>);
        let (Some(Ok(hour)), Some(Ok(minute))) = (numbers.next(), numbers.next()) else { return };
        let second = numbers.next().and_then(Result::ok).unwrap_or(0);
        if self.time.is_none() {
            self.time = Some((hour, minute, second));
        }
        if !rest.is_empty() {
            self.word(rest);
        }
    }

    /// A day or year, a time with points, or `2-Mar-2026`.
    fn figures(&mut self, word: &str) {
        let parts: Vec<&str> = word.split(['-', '/', '.']).filter(|part| !part.is_empty()).take(4).collect();
        match parts.as_slice() {
            [day, month, year] if self.month_named(month) => {
                self.number(day);
                self.month = month_of(month);
                self.number(year);
            }
            [year, month, day] if year.len() == 4 && !word.contains('.') && self.month.is_none() => {
                self.number(year);
                self.month = month.parse().ok();
                self.day = day.parse().ok();
            }
            [hour, minute, second] if word.contains('.') && self.day.is_some() && self.time.is_none() => {
                self.time =
                    hour.parse().ok().zip(minute.parse().ok()).zip(second.parse().ok()).map(|((h, m), s)| (h, m, s));
            }
            [one] => {
                let digits = one.trim_end_matches(|c: char| c.is_alphabetic());
                self.number(digits);
            }
            _ => {}
        }
    }

    fn month_named(&self, word: &str) -> bool {
        self.month.is_none() && month_of(word).is_some()
    }

    fn number(&mut self, digits: &str) {
        let Ok(number) = digits.parse::<i16>() else { return };
        if self.day.is_none() && (1..=31).contains(&number) && digits.len() <= 2 {
            self.day = i8::try_from(number).ok();
        } else if self.year.is_none() {
            // RFC 5322 section 4.3: years of two and three digits.
            self.year = Some(match (digits.len(), number) {
                (1 | 2, 0..=49) => number + 2000,
                (1..=3, _) => number + 1900,
                _ => number,
            });
        }
    }

    fn name(&mut self, word: &str) {
        let lower = word.to_lowercase();
        let lower = lower.trim_matches('.');
        match lower {
            "am" => self.afternoon = Some(false),
            "pm" => self.afternoon = Some(true),
            _ if self.month_named(lower) => self.month = month_of(lower),
            _ if self.time.is_some() && self.offset_minutes.is_none() => self.offset_minutes = zone(lower),
            _ => {}
        }
    }

    fn instant(self) -> Option<(Timestamp, bool)> {
        let (mut hour, minute, second) = self.time.unwrap_or_default();
        match self.afternoon {
            Some(true) if hour < 12 => hour += 12,
            Some(false) if hour == 12 => hour = 0,
            Some(_) | None => {}
        }
        // Midnight at the end of the day; a leap second is the last second we know.
        let next_day = hour == 24 && minute == 0 && second == 0;
        let hour = if next_day { 0 } else { hour };
        let civil =
            jiff::civil::DateTime::new(self.year?, self.month?, self.day?, hour, minute, second.min(59), 0).ok()?;
        let offset = jiff::tz::Offset::from_seconds(self.offset_minutes.unwrap_or(0) * 60).ok()?;
        let at = Timestamp(offset.to_timestamp(civil).ok()?.as_second());
        let at = if next_day { at.after(crate::domain::time::DAY) } else { at };
        Some((at, self.offset_minutes.is_some()))
    }
}

fn month_of(word: &str) -> Option<i8> {
    let lower = word.to_lowercase();
    if lower.starts_with("juil") {
        return Some(7);
    }
    let named = |name: &str| lower.starts_with(name);
    // A zone or weekday is never longer than the beginnings looked for, and none is one of them.
    MONTHS.iter().find(|(name, _)| named(name)).map(|(_, month)| *month)
}

/// `+0100`, `-1:30`, `+01`.
fn offset(word: &str) -> Option<i32> {
    let digits: String = word.chars().filter(char::is_ascii_digit).collect();
    if !word.get(1..)?.chars().all(|c| c.is_ascii_digit() || c == ':') {
        return None;
    }
    let number: i32 = digits.parse().ok()?;
    let minutes = match digits.len() {
        1 | 2 => number * 60,
        3 | 4 => number / 100 * 60 + number % 100,
        _ => return None,
    };
    Some(if word.starts_with('-') { -minutes } else { minutes })
}

/// A zone by its name, with or without an offset behind it.
fn zone(word: &str) -> Option<i32> {
    let lower = word.to_lowercase();
    let end = lower.find(['+', '-']).unwrap_or(lower.len());
    let (name, rest) = lower.split_at_checked(end)?;
    if !rest.is_empty() && (name.is_empty() || matches!(name, "gmt" | "utc" | "ut")) {
        return offset(rest);
    }
    if name == "pdt" {
        return Some(-420);
    }
    ZONES.iter().find(|(known, _)| *known == name).map(|(_, minutes)| *minutes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_that_programs_write_name_the_same_instant() {
        for raw in [
            "Mon, 02 Mar 2026 10:00:00 +0100",
            "2 Mar 2026 09:00 GMT",
            "Sun, 2 Mar 26 10:00:00 CET",
            "Mon Mar  2 09:00:00 2026",
            "Mon Mar  2 10:00:00 CET 2026",
            "Mon, 02-Mar-2026 10:00:00 +0100 (CET)",
            "Mon, 2 March 2026 10:00:00 +01:00",
            "Monday, March 2, 2026 9:00 AM UTC",
            "Mo, 2 Mrz 2026 10:00:00 (MEZ)",
            "2026-03-02T10:00:00+01:00",
            "2026-03-02 09:00:00 +0000",
            "(a comment) Mon, 2 (second) Mar 2026 (now) 10:00:00 GMT+0100",
            "Mon,2 Mar 2026 10:00:00+0100",
            "Mon, 2 Mar 126 09.00.00 -0000",
        ] {
            assert_eq!(date(raw).map(|at| at.to_string()).as_deref(), Some("2026-03-02T09:00:00Z"), "{raw}");
        }
        assert_eq!(date("Sun, 1 Mar 2026 24:00 +0000").unwrap().to_string(), "2026-03-02T00:00:00Z");
        assert_eq!(date("Sun, 22 Nov 2026 10:00:60 -0130").unwrap().to_string(), "2026-11-22T11:30:59Z");
        assert_eq!(date("Fri, 1 Jan 99 00:00:00 EST").unwrap().to_string(), "1999-01-01T05:00:00Z");
        assert_eq!(date("1 Jul 2026 12:00 PM PDT").unwrap().to_string(), "2026-07-01T19:00:00Z");
    }

    #[test]
    fn dates_that_name_no_instant_are_none() {
        for bad in [
            "",
            "yesterday",
            "32 Jan 2026 10:00 +0000",
            "1 Foo 2026 10:00 +0000",
            "1 Jan 2026 25:00 +0000",
            "02/03/2026 10:00",
            "30 Feb 2026 10:00",
        ] {
            assert_eq!(date(bad), None, "{bad}");
        }
        assert_eq!(date(&format!("2 Mar 2026 10:00 {}", "(".repeat(5000))), None);
    }

    #[test]
    fn a_date_without_a_zone_is_known_as_such() {
        assert_eq!(zoned_date("Mon, 2 Mar 2026 at 10:00"), None);
        assert!(zoned_date("2 March 2026 at 10:00:00 CET").is_some());
    }
}
