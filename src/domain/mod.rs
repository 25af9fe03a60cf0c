//! The rules of the house, pure: no IO, no clock, no randomness, no SQL, no MIME.
//!
//! [`decide`] is the door: a snapshot and an occurrence go in, a complete decision comes out.

pub mod advisory;
pub mod calendar;
pub mod case;
pub mod command;
pub mod decide;
pub mod effect;
pub mod event;
pub mod id;
pub mod joining;
pub mod label;
pub mod party;
pub mod policy;
pub mod rules;
pub mod state;
pub mod template;
pub mod time;
pub mod token;
