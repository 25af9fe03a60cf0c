//! When a mail is tried again: a pure function of how often it was tried, when it began, and a seed.

use std::time::Duration;

use crate::domain::id::MessageId;
use crate::domain::time::{DAY, HOUR, MINUTE, Timestamp};
use crate::domain::token::digest_hex;

/// Longest wait between two attempts.
const WAIT_MAX: Duration = HOUR.saturating_mul(4);
/// After this the mail is given up and the team is told.
pub const GIVE_UP_AFTER: Duration = DAY.saturating_mul(5);
/// A mail that waited out a standstill of ours is tried at least this often all the same.
const ATTEMPTS_MIN: u32 = 5;
/// Wait before the one identical copy after a final dot that got no answer (RFC 1047).
pub const AFTER_SILENCE: Duration = MINUTE.saturating_mul(15);

/// The instant of the next attempt after `attempts` of them; `None` when the five days are over.
///
/// One minute, doubling to four hours, with a jitter of up to a quarter that follows from the Message-ID,
/// so that many mails deferred together do not come back together.
#[must_use]
pub fn next_attempt(attempts: u32, first: Timestamp, now: Timestamp, id: &MessageId) -> Option<Timestamp> {
    if now.since(first) >= GIVE_UP_AFTER && attempts >= ATTEMPTS_MIN {
        return None;
    }
    let doubled = MINUTE.saturating_mul(1u32.checked_shl(attempts.saturating_sub(1).min(16)).unwrap_or(u32::MAX));
    let wait = doubled.min(WAIT_MAX);
    let noise = u64::from_str_radix(digest_hex(id.as_str().as_bytes()).get(..4).unwrap_or("0"), 16).unwrap_or(0);
    let jitter = wait.as_secs().saturating_mul(noise) / (4 * 0xffff);
    Some(now.after(wait + Duration::from_secs(jitter)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(attempts: u32) -> Duration {
        let id = MessageId::parse("a@b").unwrap();
        let now = Timestamp(1_000_000);
        next_attempt(attempts, now, now, &id).unwrap().since(now)
    }

    #[test]
    fn f8_waits_double_from_a_minute_to_four_hours() {
        for (attempts, least) in [(1, MINUTE), (2, MINUTE * 2), (5, MINUTE * 16), (12, WAIT_MAX), (4_000_000, WAIT_MAX)]
        {
            assert!(wait(attempts) >= least && wait(attempts) <= least + least / 4, "{attempts}: {:?}", wait(attempts));
        }
    }

    #[test]
    fn f8_after_five_days_it_is_given_up() {
        let id = MessageId::parse("a@b").unwrap();
        let first = Timestamp(0);
        assert!(next_attempt(30, first, first.after(GIVE_UP_AFTER - MINUTE), &id).is_some());
        assert_eq!(next_attempt(30, first, first.after(GIVE_UP_AFTER), &id), None);
        assert!(next_attempt(1, first, first.after(GIVE_UP_AFTER), &id).is_some(), "after a standstill of ours");
    }
}
