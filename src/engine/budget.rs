//! Which relays may be given mail now: those that do not rest and have not spent their daily budget.
//!
//! A relay's budget holds for any 24 hours. What it took is counted by the hour in the store, and a whole hour leaves
//! the window at once, so that the budget is never passed and an hour is lost at the most. What is under way counts
//! as taken. Where no relay may be given anything the queue waits, nothing is claimed, and the engine says until when.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::domain::id::OutboxId;
use crate::domain::time::Timestamp;
use crate::engine::step::{Engine, EngineError};
use crate::ports::{RelayOutcome, RelayVerdict};

/// Seconds of an hour.
const HOUR_SECONDS: i64 = 3600;
/// Hours before the present one that count: with it they cover 24 hours at every minute.
const HOURS_BACK: i64 = 24;
/// Hours after the present one that count, for a clock that was set back a little.
const HOURS_AHEAD: i64 = 1;

/// What each relay took, and until when all of them are closed.
#[derive(Debug, Default)]
pub(super) struct Books {
    /// One for each relay, in their order; empty until they are read from the store.
    relays: Vec<Book>,
    closed_until: Option<Timestamp>,
}

/// What one relay took.
#[derive(Debug, Default)]
struct Book {
    name: String,
    budget: Option<u64>,
    /// Mails by hour since 1970.
    hours: BTreeMap<i64, u64>,
    under_way: u64,
    /// That it is spent was said in the log.
    told: bool,
}

impl Book {
    fn room(&self, now: Timestamp) -> u64 {
        let Some(budget) = self.budget else { return u64::MAX };
        let taken: u64 = self.hours.range(window(now)).map(|(_, mails)| mails).sum();
        budget.saturating_sub(taken.saturating_add(self.under_way))
    }

    /// When an hour leaves the window and makes room; `None` where answers that are awaited may make it.
    fn room_at(&self, now: Timestamp) -> Option<Timestamp> {
        if self.under_way > 0 {
            return None;
        }
        let oldest = self.hours.range(window(now)).find(|(_, mails)| **mails > 0)?;
        Some(Timestamp((oldest.0 + HOURS_BACK + 1) * HOUR_SECONDS))
    }
}

fn first_hour(now: Timestamp) -> i64 {
    now.0.div_euclid(HOUR_SECONDS) - HOURS_BACK
}

/// The hours that count. What a clock that ran ahead wrote down lies after them, and would close a relay until then.
fn window(now: Timestamp) -> std::ops::RangeInclusive<i64> {
    first_hour(now)..=now.0.div_euclid(HOUR_SECONDS) + HOURS_AHEAD
}

impl Engine {
    /// How many mails, `wanted` at most, the relays may be given now.
    pub(super) fn room_at_relays(&mut self, wanted: usize, now: Timestamp) -> Result<usize, EngineError> {
        self.open_books(now)?;
        let (mut room, mut next) = (0u64, None::<Timestamp>);
        for (relay, book) in self.ports.relays.iter().zip(&mut self.books.relays) {
            let opens = if let Some(rest) = relay.rests_for() {
                // A second more: instants have whole seconds.
                Some(now.after(rest + Duration::from_secs(1)))
            } else if book.room(now) > 0 {
                room = room.saturating_add(book.room(now));
                book.told = false;
                None
            } else {
                let until = book.room_at(now);
                if let (Some(until), false) = (until, book.told) {
                    tracing::warn!(relay = %book.name, until = until.0, "the relay's daily budget is spent");
                    book.told = true;
                }
                until
            };
            next = [next, opens].into_iter().flatten().min();
        }
        self.books.closed_until = next.filter(|_| room == 0);
        Ok(usize::try_from(room).unwrap_or(usize::MAX).min(wanted))
    }

    /// Whether this relay may be given a mail.
    pub(super) fn may_be_given(&self, relay: usize, now: Timestamp) -> bool {
        let rests = self.ports.relays.get(relay).is_some_and(|relay| relay.rests_for().is_some());
        !rests && self.books.relays.get(relay).is_none_or(|book| book.room(now) > 0)
    }

    /// A relay was given a mail.
    pub(super) fn was_given(&mut self, relay: usize) {
        if let Some(book) = self.books.relays.get_mut(relay) {
            book.under_way += 1;
        }
    }

    /// Counts what relays took, and gives back what they never tried; what is left are the verdicts on mails.
    pub(super) fn keep_books(
        &mut self,
        outcomes: Vec<(usize, RelayOutcome)>,
        now: Timestamp,
    ) -> Result<Vec<RelayOutcome>, EngineError> {
        let hour = now.0.div_euclid(HOUR_SECONDS);
        let mut taken: BTreeMap<String, u64> = BTreeMap::new();
        let (mut verdicts, mut untried): (Vec<RelayOutcome>, Vec<OutboxId>) = (Vec::new(), Vec::new());
        for (relay, outcome) in outcomes {
            let took = matches!(outcome.verdict, RelayVerdict::Accepted | RelayVerdict::Unknown);
            if let Some(book) = self.books.relays.get_mut(relay) {
                book.under_way = book.under_way.saturating_sub(1);
                if took && book.budget.is_some() {
                    *book.hours.entry(hour).or_default() += 1;
                    *taken.entry(book.name.clone()).or_default() += 1;
                }
            }
            if outcome.verdict == RelayVerdict::Untried {
                untried.push(outcome.id);
            } else {
                verdicts.push(outcome);
            }
        }
        if !taken.is_empty() {
            self.store.session().count_relayed(&taken.into_iter().collect::<Vec<_>>(), hour)?;
        }
        if !untried.is_empty() {
            self.store.session().unclaim(&untried)?;
        }
        Ok(verdicts)
    }

    /// When something is due by the clock. While no relay takes mail, due mail is no reason to wake before one does.
    pub(super) fn next_wake(&self) -> Result<Option<Timestamp>, EngineError> {
        let session = self.store.session();
        let Some(until) = self.books.closed_until else { return Ok(session.next_wake()?) };
        Ok(Some(session.next_timer()?.map_or(until, |due| due.min(until))))
    }

    fn open_books(&mut self, now: Timestamp) -> Result<(), EngineError> {
        if self.books.relays.len() == self.ports.relays.len() {
            return Ok(());
        }
        self.books.relays.clear();
        for relay in &self.ports.relays {
            let (name, budget) = (relay.name(), relay.daily_budget().map(u64::from));
            let hours = match budget {
                Some(_) => self.store.session().relay_hours(&name, first_hour(now))?.into_iter().collect(),
                None => BTreeMap::new(),
            };
            self.books.relays.push(Book { name, budget, hours, ..Book::default() });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g6_a_clock_that_ran_ahead_does_not_close_a_relay_until_then() {
        let now = Timestamp(1_790_000_000);
        let hour = now.0.div_euclid(HOUR_SECONDS);
        let book = |at: i64| Book { budget: Some(10), hours: [(at, 10)].into(), ..Book::default() };
        for spent in [hour - HOURS_BACK, hour, hour + 1] {
            assert_eq!(book(spent).room(now), 0);
            assert_eq!(book(spent).room_at(now), Some(Timestamp((spent + HOURS_BACK + 1) * HOUR_SECONDS)));
        }
        for (other, room) in [(hour - HOURS_BACK - 1, 10), (hour + 2, 10), (hour + 50_000, 10)] {
            assert_eq!((book(other).room(now), book(other).room_at(now)), (room, None));
        }
    }
}
