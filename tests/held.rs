//! People around a case: answers that are written by hand, reports that are passed on, and senders whom a case does not
//! know. Each story is told to the real engine.
#![expect(clippy::expect_used, reason = "a story that cannot go on has failed")]

#[path = "held/admitted.rs"]
mod admitted;
#[path = "held/by_hand.rs"]
mod by_hand;
#[path = "held/house.rs"]
mod house;
#[path = "held/passed_on.rs"]
mod passed_on;
#[path = "held/refused.rs"]
mod refused;
