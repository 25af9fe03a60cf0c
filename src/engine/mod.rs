//! The steps that carry mail to `decide` and its decisions away: accept, work, timers, dispatch.
//!
//! Synchronous, told what time it is, bounded work per step; sockets belong to the adapters. No
//! step holds a transaction across network, cryptography or parsing.

pub mod accept;
mod aside;
mod budget;
pub mod dispatch;
pub mod explain;
mod fate;
mod partial;
pub mod read;
mod retry;
mod seal;
pub mod step;
pub mod timers;
pub mod work;
