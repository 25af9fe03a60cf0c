//! Mail as bytes: reading it without ever failing, and making it.
//!
//! Never touches a network or a key. What arrives is hostile until shown otherwise.

mod addresses;
pub mod authres;
pub mod autocrypt;
pub mod bounce;
mod calendar_part;
mod charset;
pub mod classify;
pub mod clean;
pub mod compose;
mod content;
mod dates;
mod decode;
mod digest;
mod envelope;
mod flowed;
pub mod forward;
pub mod headers;
mod html;
pub mod intake;
mod layer;
mod limits;
pub mod mbox;
mod mime;
mod parameters;
pub mod parse;
pub mod quote;
mod rtf;
pub mod shape;
pub mod thread;
mod tnef;
mod uuencode;
mod words;
