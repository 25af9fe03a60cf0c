//! An invitation or its answer (RFC 5546) as one line of text for people.
//!
//! Never acts on it, never looks at more than the first event, never turns local time into another zone. Never fails.

/// Bytes of a calendar that are looked at.
const CALENDAR_MAX_BYTES: usize = 256 * 1024;

/// Characters of one value that are shown.
const VALUE_MAX_CHARS: usize = 300;

/// The fields of the first event that are shown.
#[derive(Default)]
struct Event {
    method: String,
    summary: String,
    organizer: String,
    start: String,
    end: String,
    place: String,
}

/// What an iCalendar object (RFC 5545) asks; `None` when it holds no event.
#[must_use]
pub fn summary(calendar: &str) -> Option<String> {
    let text = super::decode::cut(calendar, CALENDAR_MAX_BYTES);
    let mut event = Event::default();
    // The component that the line stands in: properties of alarms and time zones are not those of the event.
    let mut inside: Vec<String> = Vec::new();
    let mut seen = false;
    for line in unfolded(text) {
        let Some((name, parameters, value)) = property(&line) else { continue };
        match name.as_str() {
            "BEGIN" if inside.len() < 8 => inside.push(value.trim().to_ascii_uppercase()),
            "END" => {
                let ended = inside.pop();
                if ended.as_deref().is_some_and(is_event) {
                    break;
                }
            }
            "METHOD" if event.method.is_empty() => event.method = shown(value).to_ascii_uppercase(),
            _ if inside.last().is_some_and(|component| is_event(component)) => {
                seen = true;
                event.set(&name, parameters, value);
            }
            _ => {}
        }
    }
    seen.then(|| event.line())
}

impl Event {
    fn set(&mut self, name: &str, parameters: &str, value: &str) {
        match name {
            "SUMMARY" => self.summary = shown(value),
            "LOCATION" => self.place = shown(value),
            "DTSTART" => self.start = time(parameters, value),
            "DTEND" | "DUE" => self.end = time(parameters, value),
            "ORGANIZER" => {
                let address = value.trim();
                let scheme = address.get(..7).filter(|start| start.eq_ignore_ascii_case("mailto:"));
                let address = shown(scheme.map_or(address, |s| address.get(s.len()..).unwrap_or_default()));
                self.organizer = match parameter(parameters, "CN") {
                    Some(name) if !name.is_empty() && name != address => format!("{name} <{address}>"),
                    Some(_) | None => address,
                };
            }
            _ => {}
        }
    }

    fn line(self) -> String {
        let kind = match self.method.as_str() {
            "CANCEL" => "Cancelled meeting",
            "REPLY" => "Answer to an invitation",
            "COUNTER" => "Other time proposed",
            "PUBLISH" | "" => "Calendar entry",
            _ => "Invitation",
        };
        let mut line = format!("{kind}: {}", if self.summary.is_empty() { "(no title)" } else { &self.summary });
        for (before, value) in [("when", when(&self.start, &self.end)), ("where", self.place), ("by", self.organizer)] {
            if !value.is_empty() {
                line.push_str(&format!("; {before}: {value}"));
            }
        }
        line
    }
}

fn is_event(component: &str) -> bool {
    matches!(component, "VEVENT" | "VTODO" | "VJOURNAL")
}

fn when(start: &str, end: &str) -> String {
    if end.is_empty() { start.to_owned() } else { format!("{start} to {end}") }
}

/// The lines of the object, folded ones joined (RFC 5545 section 3.1).
fn unfolded(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        match (line.strip_prefix([' ', '\t']), lines.last_mut()) {
            (Some(rest), Some(last)) => last.push_str(rest),
            _ => lines.push(line.to_owned()),
        }
    }
    lines
}

/// Name in upper case, parameters and value of a property; a colon in a quoted parameter does not end it.
fn property(line: &str) -> Option<(String, &str, &str)> {
    let mut quoted = false;
    let colon = line.find(|c: char| {
        quoted ^= c == '"';
        c == ':' && !quoted
    })?;
    let (head, value) = (line.get(..colon)?, line.get(colon + 1..)?);
    let (name, parameters) = head.split_once(';').unwrap_or((head, ""));
    Some((name.trim().to_ascii_uppercase(), parameters, value))
}

fn parameter(parameters: &str, wanted: &str) -> Option<String> {
    let named =
        parameters.split(';').find_map(|one| one.split_once('=').filter(|(n, _)| n.eq_ignore_ascii_case(wanted)));
    named.map(|(_, value)| shown(value.trim_matches('"')))
}

/// `20260302T100000Z` as people write it.
fn time(parameters: &str, value: &str) -> String {
    let value = value.trim();
    let digits = |from: usize, to: usize| value.get(from..to).filter(|part| part.bytes().all(|b| b.is_ascii_digit()));
    let (Some(year), Some(month), Some(day)) = (digits(0, 4), digits(4, 6), digits(6, 8)) else { return shown(value) };
    let date = format!("{year}-{month}-{day}");
    let (Some(hour), Some(minute)) = (digits(9, 11), digits(11, 13)) else { return date };
    let zone = if value.ends_with('Z') { Some("UTC".to_owned()) } else { parameter(parameters, "TZID") };
    format!("{date} {hour}:{minute} {}", zone.unwrap_or_default()).trim_end().to_owned()
}

/// A value on one line, its escapes undone (RFC 5545 section 3.3.11).
fn shown(value: &str) -> String {
    let mut text = String::with_capacity(value.len().min(VALUE_MAX_CHARS));
    let mut escaped = false;
    for c in value.chars() {
        match c {
            'n' | 'N' if escaped => text.push(' '),
            '\\' if !escaped => {
                escaped = true;
                continue;
            }
            c => text.push(c),
        }
        escaped = false;
    }
    super::clean::one_line(&text, VALUE_MAX_CHARS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invitation_reads_as_a_line() {
        let text = "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VTIMEZONE\r\nDTSTART:16010101T000000\r\nEND:VTIMEZONE\r\n\
                    BEGIN:VEVENT\r\nORGANIZER;CN=\"Ana: M\":MAILTO:ana@example.org\r\nSUMMARY;LANGUAGE=en:Talk about\r\n  \
                    the hole\\, now\r\nDTSTART;TZID=Europe/Berlin:20260302T100000\r\nDTEND:20260302T103000Z\r\n\
                    LOCATION:Room 1\r\nBEGIN:VALARM\r\nSUMMARY:no\r\nEND:VALARM\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\n\
                    SUMMARY:second\r\nEND:VEVENT\r\n";
        assert_eq!(
            summary(text).unwrap(),
            "Invitation: Talk about the hole, now; when: 2026-03-02 10:00 Europe/Berlin to 2026-03-02 10:30 UTC; where: \
             Room 1; by: Ana: M <ana@example.org>"
        );
    }

    #[test]
    fn what_holds_no_event_says_nothing() {
        for text in ["", "hello: you", "BEGIN:VCALENDAR\nEND:VCALENDAR", "SUMMARY:x", "BEGIN:VTIMEZONE\nSUMMARY:x\n"] {
            assert_eq!(summary(text), None, "{text}");
        }
        assert_eq!(
            summary("BEGIN:VEVENT\nDTSTART:20260302\n").unwrap(),
            "Calendar entry: (no title); when: 2026-03-02"
        );
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "(BEGIN:VEVENT|END:|DTSTART|[;:=\"\\\\\n\r é0-9TZ]|.){0,80}") {
            let line = summary(&text);
            proptest::prop_assert!(line.is_none_or(|line| !line.contains('\n')));
        }
    }
}
