//! Trying an account out: what the server can, which folders there are, and mails of the probe's own.
//!
//! Blocks, so it is for commands and never for the daemon. Changes no mail but those it is told of by UID. The first
//! fault is the caller's to report; the session is of no use afterwards.

use std::sync::Arc;

use super::folders;
use super::session::{self, Fault, Leave, Places, Server, keeps};
use super::stream::Signals;
use super::{ImapConfig, Security, check};
use crate::adapters::command::SecretHolder;
use crate::adapters::tls;
use crate::ports::PortError;

/// A logged-in session for trying things out.
#[derive(Debug)]
pub struct Probe {
    server: Server,
    places: Places,
}

/// An open mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opened {
    /// Mails in it.
    pub waiting: u32,
    /// The UID that the next mail gets.
    pub uid_next: u32,
    /// Whether keywords of ours are kept.
    pub keeps_keywords: bool,
}

/// How stored mail leaves the inbox on this server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leaving {
    /// It is moved (RFC 6851).
    Moved,
    /// It is copied and expunged (RFC 4315).
    Copied,
    /// It stays, and a keyword marks it.
    Stays,
}

impl Probe {
    /// Connects, logs in, and makes the archive folder if mail is to be moved there.
    ///
    /// # Errors
    /// What [`super::ImapInbox`] would report.
    pub fn open(config: &ImapConfig) -> Result<Self, PortError> {
        check(config)?;
        let tls = match config.security {
            Security::Tls | Security::StartTls => Some(tls::client_config(&config.trust)?),
            Security::Plain => None,
        };
        let signals = Arc::new(Signals::default());
        let mut secret = SecretHolder::new(config.secret.clone());
        let mut server = session::connect(config, &mut secret, tls.as_ref(), &signals).map_err(Fault::into_error)?;
        let places = server.find_places(config).map_err(Fault::into_error)?;
        Ok(Self { server, places })
    }

    /// The junk folder that the daemon would look into, under the name this server knows.
    #[must_use]
    pub fn junk(&self) -> Option<&str> {
        self.places.junk.as_deref()
    }

    /// The folder of sent mail that the daemon would look into, under the name this server knows.
    #[must_use]
    pub fn sent(&self) -> Option<&str> {
        self.places.sent.as_deref()
    }

    /// Whether the server pushes new mail (IDLE, RFC 2177).
    #[must_use]
    pub fn pushes(&self) -> bool {
        self.server.can_idle
    }

    /// How stored mail leaves the inbox.
    #[must_use]
    pub fn leaving(&self) -> Leaving {
        match self.server.leave {
            Leave::Move => Leaving::Moved,
            Leave::CopyExpunge => Leaving::Copied,
            Leave::Keyword => Leaving::Stays,
        }
    }

    /// The archive folder, under the name this server knows.
    #[must_use]
    pub fn archive(&self) -> &str {
        self.server.archive()
    }

    /// The folder that the server marks as that of junk (RFC 6154), if it marks one.
    ///
    /// # Errors
    /// The session broke.
    pub fn marked_as_junk(&mut self) -> Result<Option<String>, PortError> {
        match self.server.marked_as_junk() {
            Err(Fault::Refused) => Ok(None),
            other => other.map_err(Fault::into_error),
        }
    }

    /// Opens a mailbox; `None` where the server refuses.
    ///
    /// # Errors
    /// The session broke.
    pub fn open_mailbox(&mut self, name: &str) -> Result<Option<Opened>, PortError> {
        match self.server.select(&folders::encoded(name), true) {
            Ok(Some(mailbox)) => Ok(Some(Opened {
                waiting: mailbox.exists,
                uid_next: mailbox.uid_next.unwrap_or(1),
                keeps_keywords: keeps(&mailbox, "$PosternStored"),
            })),
            Ok(None) | Err(Fault::Refused) => Ok(None),
            Err(fault) => Err(fault.into_error()),
        }
    }

    /// The first 16 KiB of each mail that came into the mailbox since it said this `uid_next`.
    ///
    /// # Errors
    /// The session broke, or the server refused.
    pub fn new_mails(&mut self, mailbox: &str, uid_next: u32) -> Result<Vec<(u32, Vec<u8>)>, PortError> {
        self.server.select(&folders::encoded(mailbox), true).map_err(Fault::into_error)?;
        self.server.heads_from(uid_next).map_err(Fault::into_error)
    }

    /// Puts these mails of the mailbox into the archive, as stored mail is; `false` where mail stays in the inbox.
    ///
    /// # Errors
    /// The session broke, or the server refused.
    pub fn archive_these(&mut self, mailbox: &str, uids: &[u32]) -> Result<bool, PortError> {
        self.server.select(&folders::encoded(mailbox), true).map_err(Fault::into_error)?;
        self.server.archive_these(uids).map_err(Fault::into_error)
    }

    /// Takes these mails away for good; `false` where the server can only mark them as deleted.
    ///
    /// # Errors
    /// The session broke, or the server refused.
    pub fn take_away(&mut self, mailbox: &str, uids: &[u32]) -> Result<bool, PortError> {
        self.server.select(&folders::encoded(mailbox), true).map_err(Fault::into_error)?;
        self.server.take_away(uids).map_err(Fault::into_error)
    }
}
