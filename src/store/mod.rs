//! The only SQL in the house: one encrypted SQLite file, one writer.
//!
//! Speaks the domain's words: no type of the database library stands in a public signature, and
//! every instant, seed and id that is not a row number is given by the caller. Never decides
//! anything, and never holds a transaction while something else is waited for. Every failure is a
//! [`StoreError`], whose class says whether to try again, to stop, or to read again first.

mod budget;
mod by_hand;
mod cases;
mod decision;
mod desk;
mod error;
mod inbound;
mod journal;
mod meta;
mod outbox;
mod outbox_desk;
mod row;
mod schema;
mod search;
mod session;
mod timers;
mod under_way;

pub use cases::Written;
pub use desk::{AwaitedLine, CaseCursor, CaseFilter, CaseOverview, ClockLine, MailLine};
pub use error::{StoreError, StoreErrorClass};
pub use inbound::{Accepted, NewMail, StoredMail};
pub use journal::{ChainPart, JournalLine};
pub use meta::Backlog;
pub use outbox::{ClaimedMail, OutboxRow, OutboxState, QueuedMail, Settlement};
pub use outbox_desk::{OutboxCursor, OutboxGroup, OutboxLine};
pub use schema::Store;
pub use search::Found;
pub use session::{Batch, Session};
pub use timers::{DueTimer, TIMER_ATTEMPTS_MAX};
pub use under_way::Work;

#[cfg(test)]
mod support_tests;
