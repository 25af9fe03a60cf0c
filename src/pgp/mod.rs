//! OpenPGP (RFC 9580) on octets: open and seal. MIME is `mail`'s; choosing recipients is `domain`'s.

pub mod birth;
mod expiry;
pub mod keyring;
pub mod open;
pub mod seal;
