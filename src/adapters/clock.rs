//! Clocks: the system's, and one that stands still until it is told to move.
//!
//! Nothing else in postern reads the time of day. Never fails: a system clock set before 1970 reads as 1970.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::domain::time::Timestamp;
use crate::ports::Clock;

/// The clock of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the system's clock")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(0).after(since)
    }
}

/// A clock moved by hand, for the demo and for tests. Clones show the same time.
#[derive(Debug, Clone)]
pub struct ManualClock(Arc<AtomicI64>);

impl ManualClock {
    /// A clock that shows `start`.
    #[must_use]
    pub fn new(start: Timestamp) -> Self {
        Self(Arc::new(AtomicI64::new(start.0)))
    }

    /// Puts the clock, and all its clones, to `at`, forwards or backwards.
    pub fn set(&self, at: Timestamp) {
        self.0.store(at.0, Ordering::SeqCst);
    }

    /// Moves the clock, and all its clones, forward.
    pub fn advance(&self, by: Duration) {
        self.set(self.now().after(by));
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::DAY;

    #[test]
    fn clones_of_a_manual_clock_move_together() {
        let clock = ManualClock::new(Timestamp(1000));
        let other = clock.clone();
        clock.advance(DAY);
        assert_eq!(other.now(), Timestamp(1000).after(DAY));
        other.set(Timestamp(5));
        assert_eq!(clock.now(), Timestamp(5));
    }

    #[test]
    fn the_system_clock_shows_a_year_of_this_century() {
        assert!(SystemClock.now() > Timestamp::parse("2024-01-01T00:00Z").unwrap());
        assert!(SystemClock.now() < Timestamp::parse("2100-01-01T00:00Z").unwrap());
    }
}
