//! Named places where a test build kills itself, to prove that nothing is lost there.
//!
//! Without the feature `crash-points` every call is empty. With it, `POSTERN_CRASH_AT=name` or
//! `name:N` makes the process send itself SIGKILL when the place is passed for the Nth time.

/// The places, in the order in which a mail passes them.
pub const POINTS: &[&str] = &[
    "fetched",
    "stored",
    "settled",
    "attempt-raised",
    "opened",
    "deciding",
    "decided",
    "sealing",
    "sealed",
    "claimed",
    "submitted",
    "answered",
    "delivered",
];

/// Passes a place.
#[cfg(not(feature = "crash-points"))]
pub fn point(_name: &'static str) {}

/// Passes a place; the process ends here if it is the chosen one.
#[cfg(feature = "crash-points")]
#[expect(clippy::disallowed_methods, reason = "a test build is steered by its environment")]
pub fn point(name: &'static str) {
    use std::sync::atomic::{AtomicU32, Ordering};
    static PASSED: AtomicU32 = AtomicU32::new(0);
    debug_assert!(POINTS.contains(&name), "every place is in the list that the tests go through");
    let Ok(chosen) = std::env::var("POSTERN_CRASH_AT") else { return };
    let (place, nth) = chosen.split_once(':').map_or((chosen.as_str(), 1), |(p, n)| (p, n.parse().unwrap_or(1)));
    if place == name && PASSED.fetch_add(1, Ordering::SeqCst) + 1 == nth {
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    }
}
