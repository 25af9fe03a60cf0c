//! Why a command ends, as one line for people and a code for scripts (sysexits.h).

use crate::engine::step::EngineError;
use crate::ports::{ErrorClass, PortError};
use crate::store::StoreError;

/// Wrong use of the command line (EX_USAGE).
pub const USAGE: u8 = 64;
/// Input data are wrong (EX_DATAERR).
pub const DATA: u8 = 65;
/// An input file cannot be read (EX_NOINPUT).
pub const NO_INPUT: u8 = 66;
/// A server is not there (EX_UNAVAILABLE).
pub const UNAVAILABLE: u8 = 69;
/// A mistake of ours (EX_SOFTWARE).
pub const SOFTWARE: u8 = 70;
/// A file of the system is missing or unusable (EX_OSFILE).
pub const OS_FILE: u8 = 72;
/// A file cannot be written (EX_CANTCREAT).
pub const CANNOT_CREATE: u8 = 73;
/// Reading or writing failed, or the disk is full (EX_IOERR).
pub const IO: u8 = 74;
/// Try again later (EX_TEMPFAIL).
pub const TEMPORARY: u8 = 75;
/// The server broke the protocol, or its certificate is wrong (EX_PROTOCOL).
pub const PROTOCOL: u8 = 76;
/// The server refuses us (EX_NOPERM).
pub const NO_PERMISSION: u8 = 77;
/// The settings are wrong (EX_CONFIG).
pub const CONFIG: u8 = 78;

/// The end of a command that did not go well.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// The exit code.
    pub code: u8,
    /// What failed and what to do, without any text of a mail.
    pub message: String,
}

impl Failure {
    /// A failure with this code.
    pub fn new(code: u8, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let code = match &error {
            StoreError::CannotOpen { .. } => CANNOT_CREATE,
            StoreError::WrongKey | StoreError::Damaged { .. } => DATA,
            StoreError::DiskFull | StoreError::Io { .. } => IO,
            StoreError::OtherInstance { .. } | StoreError::NewerSchema => CONFIG,
            StoreError::RolledBack | StoreError::CommitUnknown => TEMPORARY,
            StoreError::AlreadyUsed { .. } | StoreError::Query { .. } => SOFTWARE,
        };
        Self::new(code, error.to_string())
    }
}

impl From<PortError> for Failure {
    fn from(error: PortError) -> Self {
        let code = match error.class {
            ErrorClass::Temporary => UNAVAILABLE,
            ErrorClass::Authentication => NO_PERMISSION,
            ErrorClass::Security => PROTOCOL,
            ErrorClass::Configuration => CONFIG,
        };
        Self::new(code, error.message)
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Store(error) => error.into(),
            EngineError::Inbox(ref port) => Self { message: error.to_string(), ..Self::from(port.clone()) },
            EngineError::Adopt(_) => Self::new(CONFIG, error.to_string()),
        }
    }
}
