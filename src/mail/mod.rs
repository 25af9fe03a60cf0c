//! Mail as bytes: reading it without ever failing, and making it.
//!
//! Never touches a network or a key. What arrives is hostile until shown otherwise.

pub mod authres;
pub mod bounce;
pub mod classify;
pub mod compose;
pub mod parse;
pub mod quote;
pub mod thread;
