//! Mail as bytes: reading it without ever failing, and making it.
//!
//! Never touches a network or a key. What arrives is hostile until shown otherwise.

pub mod authres;
pub mod autocrypt;
pub mod bounce;
pub mod classify;
pub mod clean;
pub mod compose;
mod content;
mod decode;
mod digest;
mod envelope;
pub mod forward;
pub mod headers;
mod html;
pub mod intake;
mod layer;
mod limits;
pub mod mbox;
mod mime;
pub mod outline;
pub mod parse;
pub mod quote;
pub mod shape;
pub mod thread;
