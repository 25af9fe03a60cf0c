//! What a server's refusal says about waiting: codes of RFC 5530 and the usual words of mail hosts.
//!
//! Pure. Reads a server's words only to compare them with these tables; they never get into a message or a log.

use std::time::Duration;

/// Codes that say: not now. `UNAVAILABLE` to `OVERQUOTA` are from RFC 5530, the others from the hosts themselves.
const WAIT_CODES: [&str; 7] =
    ["[THROTTLED]", "[UNAVAILABLE]", "[INUSE]", "[LIMIT]", "[OVERQUOTA]", "[SERVERBUG]", "[CONTACTADMIN]"];

/// Codes that waiting does not change, whatever words follow them (RFC 5530, RFC 3501 section 7.1).
const LASTING_CODES: [&str; 8] = [
    "[AUTHENTICATIONFAILED]",
    "[AUTHORIZATIONFAILED]",
    "[EXPIRED]",
    "[PRIVACYREQUIRED]",
    "[NONEXISTENT]",
    "[NOPERM]",
    "[ALREADYEXISTS]",
    "[TRYCREATE]",
];

/// Words of hosts that give no code, in upper case.
const WAIT_WORDS: [&str; 19] = [
    "TOO MANY SIMULTANEOUS CONNECTIONS",
    "TOO MANY CONNECTIONS",
    "TOO MANY LOGIN",
    "CONNECTION LIMIT",
    "MAXIMUM NUMBER OF CONNECTIONS",
    "AUTHENTICATED BUT NOT CONNECTED",
    "EXCEEDED COMMAND OR BANDWIDTH LIMITS",
    "RATE LIMIT",
    "THROTTLED",
    "TRY AGAIN LATER",
    "TRY LATER",
    "TEMPORARY",
    "TEMPORARILY",
    "SERVER BUSY",
    "SERVER IS BUSY",
    "SERVER UNAVAILABLE",
    "SERVICE UNAVAILABLE",
    "SERVICE IS NOT AVAILABLE",
    "SYSTEM ERROR (FAILURE)",
];

/// Longest wait that is taken from a server's own words.
const WAIT_MAX: Duration = Duration::from_secs(3600);
/// Longest text that is looked at, in bytes.
const TEXT_MAX_BYTES: usize = 1024;

/// A server asks us to come back later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Later {
    /// In how long, where it says so.
    pub(super) wait: Option<Duration>,
    /// It is about room or a limit of the account: what only reads may still work.
    pub(super) over_quota: bool,
}

/// Whether the words of a NO, BAD or BYE ask us to come back later.
pub(super) fn asks_to_wait(text: &str) -> Option<Later> {
    let text: String = text.chars().take(TEXT_MAX_BYTES).collect::<String>().to_ascii_uppercase();
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let lasting = says(&LASTING_CODES);
    let later = says(&WAIT_CODES) || says(&WAIT_WORDS);
    (later && !lasting).then(|| Later { wait: suggested(&text), over_quota: text.contains("[OVERQUOTA]") })
}

/// `Suggested Backoff Time: 92415 milliseconds`, as Microsoft 365 says.
fn suggested(upper: &str) -> Option<Duration> {
    let (_, rest) = upper.split_once("BACKOFF TIME: ")?;
    let (digits, unit) = rest.split_once(' ')?;
    let number: u64 = digits.parse().ok()?;
    let wait =
        if unit.starts_with("MILLISECOND") { Duration::from_millis(number) } else { Duration::from_secs(number) };
    Some(wait.min(WAIT_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_words_of_hosts_that_ask_to_wait() {
        for text in [
            "[UNAVAILABLE] LOGIN Server error - Please try again later",
            "[LIMIT] LOGIN Rate limit hit.",
            "[INUSE] Mailbox in use",
            "[throttled] slow down",
            "Too many simultaneous connections. (Failure)",
            "User is authenticated but not connected.",
            "[UNAVAILABLE] Maximum number of connections from user+IP exceeded (mail_max_userip_connections=10)",
            "Account exceeded command or bandwidth limits. (Failure)",
            "Temporary problem, please try again later",
            "[SERVERBUG] Internal error occurred. Refer to server log for more information.",
        ] {
            assert!(asks_to_wait(text).is_some(), "{text}");
        }
    }

    #[test]
    fn what_waiting_does_not_change_stays_what_it_is() {
        for text in [
            "[AUTHENTICATIONFAILED] Invalid credentials (Failure)",
            "[AUTHENTICATIONFAILED] too many logins, try again later",
            "[NONEXISTENT] Unknown Mailbox: Spam (Failure)",
            "[EXPIRED] password has expired",
            "AUTHENTICATE failed.",
            "Login failed.",
            "",
        ] {
            assert_eq!(asks_to_wait(text), None, "{text}");
        }
    }

    #[test]
    fn a_wait_that_the_server_names_is_taken_up_to_an_hour() {
        let wait = |text| asks_to_wait(text).unwrap().wait;
        assert_eq!(
            wait("Request is throttled. Suggested Backoff Time: 92415 milliseconds"),
            Some(Duration::from_millis(92_415))
        );
        assert_eq!(wait("Request is throttled. Suggested Backoff Time: 99999999999 milliseconds"), Some(WAIT_MAX));
        assert_eq!(wait("Request is throttled."), None);
        assert!(asks_to_wait("[OVERQUOTA] full").unwrap().over_quota);
    }
}
