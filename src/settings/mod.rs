//! The settings file: as written ([`raw`]), as used ([`checked`]), and every mistake in it at once ([`mistake`]).
//!
//! The list of keys stands in [`schema`], and nowhere else: it refuses unknown keys, gives the
//! defaults and makes the reference page. Never holds a default in another room, and never keeps a
//! secret in the file: a secret is the name of a file. When anything is wrong there are no
//! settings, only the list of mistakes.

mod check;
mod check_mail;
pub mod checked;
pub mod choice;
mod findings;
pub mod mistake;
pub mod raw;
mod read;
mod reference;
pub mod schema;
pub mod secret;
mod written;

pub use checked::Settings;
pub use mistake::{Mistake, Mistakes};
pub use reference::reference;
pub use written::{Draft, UnknownSetting};
