//! The outside world behind the ports: servers, folders, the clock. Never decides anything.

pub mod clock;
pub mod command;
pub mod disk;
pub mod dkim;
pub mod entropy;
pub mod imap;
pub mod maildir;
mod oauth;
pub mod outbox_folder;
pub mod site_folder;
pub mod smtp;
pub mod tls;
