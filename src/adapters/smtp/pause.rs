//! Answers that are about all our mail, not about one recipient: the whole relay rests instead of trying each mail.
//!
//! Pure tables over reply code, enhanced status (RFC 3463), the step at which it came, and whether the words speak of
//! rates and limits. What a recipient's own host may cause (greylisting, a full mailbox) never stops anybody else's
//! mail: at RCPT and after the final dot more must be said than `4.7.x`.

use std::time::Duration;

use super::reply::Reply;

/// First rest after a server asks us to slow down; doubles while it goes on asking.
pub(super) const REST_FIRST: Duration = Duration::from_secs(60);
/// Longest rest, and the rest after a day's limit: hosts count the last 24 hours, so that the limit gives way bit by
/// bit, and one mail an hour finds out.
pub(super) const REST_MAX: Duration = Duration::from_secs(3600);

/// Where in a session an answer came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Greeting, EHLO, AUTH.
    Opening,
    /// MAIL.
    Sender,
    /// RCPT.
    Recipient,
    /// DATA, before the mail.
    Data,
    /// The final dot.
    Content,
}

/// Why a relay rests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rest {
    /// It asks us to come back later.
    SlowDown,
    /// We have sent what it takes in a day.
    DayLimit,
}

/// Words of hosts about rates and limits, in lower case.
const LIMIT_WORDS: [&str; 20] = [
    "rate limit",
    "ratelimit",
    "rate exceeded",
    "sending rate",
    "throttl",
    "too many messages",
    "too many mails",
    "too many emails",
    "too many connections",
    "too many concurrent",
    "concurrent connections",
    "sending limit",
    "daily limit",
    "daily user",
    "message limit",
    "hourly limit",
    "sending quota",
    "message quota",
    "submission quota",
    "unusual sending",
];

/// Whether a line of a reply speaks of rates and limits of sending.
pub(super) fn speaks_of_limits(line: &str) -> bool {
    let line = line.to_lowercase();
    // A relay that asks the recipient's host first passes its words on, and whoever runs that host chose them.
    if line.contains(" said: ") {
        return false;
    }
    let quota = line.contains("quota")
        && ["sender", "exceeded your", "daily", "submission"].iter().any(|word| line.contains(word));
    quota || LIMIT_WORDS.iter().any(|word| line.contains(word))
}

/// Whether this answer asks the whole relay to rest.
pub(super) fn asked_by(reply: &Reply, step: Step) -> Option<Rest> {
    let status = reply.enhanced.as_deref().unwrap_or_default();
    let of_one_mail = matches!(step, Step::Recipient | Step::Content);
    match reply.code {
        421 => Some(Rest::SlowDown),
        400..=499 => {
            let system = matches!(status, "4.3.1" | "4.3.2") || status.starts_with("4.7.5");
            let policy = status.starts_with("4.7.") || reply.code == 454;
            (system || reply.limits || (policy && !of_one_mail)).then_some(Rest::SlowDown)
        }
        550 | 552 | 554 => {
            let ours_is_full = status == "5.2.2" && step == Step::Sender;
            let worded = reply.limits && !matches!(status, "5.2.2" | "5.2.3" | "5.3.4");
            (status == "5.4.5" || ours_is_full || worded).then_some(Rest::DayLimit)
        }
        _ => None,
    }
}

/// The rest after this many of them in a row.
pub(super) fn length(rest: Rest, before: u32) -> Duration {
    match rest {
        Rest::DayLimit => REST_MAX,
        Rest::SlowDown => REST_FIRST.saturating_mul(1u32.checked_shl(before.min(16)).unwrap_or(u32::MAX)).min(REST_MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(line: &str, step: Step) -> Option<Rest> {
        let (code, text) = line.split_once(' ').unwrap();
        let status = text.split(' ').next().filter(|word| word.matches('.').count() == 2);
        let reply =
            Reply { code: code.parse().unwrap(), enhanced: status.map(str::to_owned), limits: speaks_of_limits(text) };
        asked_by(&reply, step)
    }

    #[test]
    fn answers_of_large_hosts_that_ask_to_slow_down() {
        for (line, step) in [
            ("421 4.7.0 Try again later, closing connection.", Step::Sender),
            ("421 4.3.2 Service not available", Step::Opening),
            ("432 4.3.2 Concurrent connections limit exceeded. Visit the page", Step::Sender),
            ("450 4.7.0 Too many messages", Step::Recipient),
            ("451 4.7.500 Server busy. Please try again later", Step::Recipient),
            ("451 4.7.1 slow", Step::Sender),
            ("452 4.3.1 Insufficient system storage", Step::Sender),
            ("454 4.7.0 Temporary authentication failure", Step::Opening),
            ("454 Throttling failure: Maximum sending rate exceeded.", Step::Content),
        ] {
            assert_eq!(asked(line, step), Some(Rest::SlowDown), "{line}");
        }
    }

    #[test]
    fn answers_of_large_hosts_that_speak_of_a_days_limit() {
        for (line, step) in [
            ("550 5.4.5 Daily user sending limit exceeded.", Step::Content),
            ("550 5.4.6 Unusual sending activity detected.", Step::Sender),
            (
                "554 5.2.0 Submission.Exception:SubmissionQuotaExceeded; sender's submission quota was exceeded",
                Step::Content,
            ),
            ("550 5.7.1 You have exceeded your daily quota", Step::Recipient),
            ("552 5.2.2 The account is full", Step::Sender),
        ] {
            assert_eq!(asked(line, step), Some(Rest::DayLimit), "{line}");
        }
    }

    #[test]
    fn what_is_about_one_recipient_or_one_mail_stops_nobody_else() {
        for (line, step) in [
            ("450 4.7.1 <ana@example.org>: Recipient address rejected: Greylisted", Step::Recipient),
            ("450 4.2.1 mailbox busy", Step::Recipient),
            (
                "550 5.1.1 <eve@evil.example>: Recipient address rejected: undeliverable address: host mx.evil.example \
                 said: 550 daily limit exceeded",
                Step::Recipient,
            ),
            ("452 4.2.2 mailbox full, quota exceeded", Step::Recipient),
            ("451 4.7.1 looked at for spam", Step::Content),
            ("550 5.1.1 no such user", Step::Recipient),
            ("552 5.2.2 mailbox full, quota exceeded", Step::Recipient),
            ("552 5.3.4 message size limit exceeded", Step::Sender),
            ("550 5.7.1 relaying denied", Step::Recipient),
            ("554 5.7.1 rejected as spam", Step::Content),
        ] {
            assert_eq!(asked(line, step), None, "{line}");
        }
    }

    #[test]
    fn rests_double_to_an_hour() {
        assert_eq!(
            [0, 1, 5, 6, 4000].map(|before| length(Rest::SlowDown, before).as_secs()),
            [60, 120, 1920, 3600, 3600]
        );
        assert_eq!(length(Rest::DayLimit, 0), REST_MAX);
    }
}
