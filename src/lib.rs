//! postern: the daemon behind a project's `security@` address.
//!
//! # The map
//!
//! A module imports only from layers to its left, and siblings never import each other
//! (`tests/tidy.rs` checks it):
//!
//! `domain` ← `mail · pgp · render · store · settings · ports` ← `engine · adapters` ← `daemon` ← `cli` ← `main`
//!
//! Start reading at [`domain::decide`]: every change of a case is the value of that one pure
//! function. [`engine`] carries mail to it and its decisions away from it.
//!
//! # Glossary
//!
//! * **case**: one vulnerability (or suspicion of one) and everybody who takes part in it.
//! * **party**: a reporter, maintainer or other participant of one case, with a reply address of its own.
//! * **team member**: a person from the settings who receives every case and may give commands.
//! * **occurrence**: one thing that happened to a case (a mail, a due timer, a delivery), with its time and seed.
//! * **fate**: what became of a received mail: joined to a case, held, or quarantined.
//! * **held**: stored and shown to the team, joined to nothing until a member admits it.
//! * **settle**: to move a stored mail out of the server's INBOX, or a sent row out of the outbox.
//! * **open**, **seal**: decrypt and verify; sign and encrypt.
#![forbid(unsafe_code)]

pub mod adapters;
pub mod cli;
pub mod crash;
pub mod daemon;
pub mod domain;
pub mod engine;
pub mod mail;
pub mod pgp;
pub mod ports;
pub mod render;
pub mod settings;
pub mod store;
