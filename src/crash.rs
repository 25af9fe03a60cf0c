//! Named places where a test build kills itself, to prove that nothing is lost there.
//!
//! Without the feature `crash-points` every call is empty. With it, `POSTERN_CRASH_AT=name` or
//! `name:N` makes the process send itself SIGKILL when the place is passed for the Nth time. With
//! `name:N:MS` the thread stands still there for so many milliseconds first, while the others go on
//! with what they were told: that shows what was told too early.

/// The places, in the order in which a mail passes them.
pub const POINTS: &[&str] = &[
    "fetched",
    "stored",
    "settled",
    "reading",
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
    let mut parts = chosen.split(':');
    let place = parts.next();
    let mut numbers = parts.map(|part| part.parse::<u32>().unwrap_or(0));
    let (nth, pause) = (numbers.next().unwrap_or(1), numbers.next().unwrap_or(0));
    if place == Some(name) && PASSED.fetch_add(1, Ordering::SeqCst) + 1 == nth {
        std::thread::sleep(std::time::Duration::from_millis(pause.into()));
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    }
}
