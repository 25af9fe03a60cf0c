//! What can go wrong in the store, and what to do about it.
//!
//! Never carries a value from the database or the text of a statement: a step of ours and a number, nothing else.

use rusqlite::ErrorCode;

/// A failure of the store.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The file cannot be made, opened or prepared.
    #[error("cannot open the database: {reason}")]
    CannotOpen {
        /// What to look at, in our own words.
        reason: String,
    },
    /// The file is not a database under this key.
    #[error(
        "the database cannot be read with this key; give the key file it was made with, \
         or it is damaged: then keep the file and restore a backup"
    )]
    WrongKey,
    /// Pages, references, stored words or the journal's chain are not as they were written.
    #[error("the database is damaged ({what}); keep the file, restore a backup")]
    Damaged {
        /// Where it was noticed.
        what: &'static str,
    },
    /// No room. Nothing of the transaction is kept, unless it was met at commit: read again.
    #[error("the disk is full; make room, nothing is lost")]
    DiskFull,
    /// The disk failed to read, write or sync. The process must end: a sync is never tried again.
    #[error("the disk failed while {step}; check it before starting again")]
    Io {
        /// What was being done.
        step: &'static str,
    },
    /// The database was made for another instance.
    #[error("the database belongs to the instance {found:?}; set that name, or another database path")]
    OtherInstance {
        /// The name in the database.
        found: String,
    },
    /// A newer program has changed the tables.
    #[error("the database was written by a newer version of postern; run that version")]
    NewerSchema,
    /// Something that is good for one time only was used before: a nonce, a signature, a confirmation, a waiting mail.
    #[error("already used: {what}")]
    AlreadyUsed {
        /// What.
        what: &'static str,
    },
    /// It is not known whether the commit is durable: read again, then try again; never compensate.
    #[error("a commit ended without a known result; read again")]
    CommitUnknown,
    /// The database gave up the whole transaction, as it may when the disk is full: nothing of it is kept.
    #[error("the database gave up a transaction; nothing of it is kept, try again later")]
    RolledBack,
    /// Any other refusal of the database.
    #[error("failed to {step} (database code {code})")]
    Query {
        /// What was being done.
        step: &'static str,
        /// SQLite's extended result code; 0 where there is none.
        code: i32,
    },
}

/// How to go on after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreErrorClass {
    /// The same call may succeed later.
    Temporary,
    /// The same call will fail again.
    Permanent,
    /// It may have happened: read again before anything else.
    Unknown,
    /// Stop the process.
    Fatal,
}

impl StoreError {
    /// How to go on.
    #[must_use]
    pub fn class(&self) -> StoreErrorClass {
        match self {
            Self::DiskFull | Self::RolledBack => StoreErrorClass::Temporary,
            Self::CommitUnknown => StoreErrorClass::Unknown,
            Self::CannotOpen { .. }
            | Self::WrongKey
            | Self::Damaged { .. }
            | Self::Io { .. }
            | Self::OtherInstance { .. }
            | Self::NewerSchema => StoreErrorClass::Fatal,
            Self::AlreadyUsed { .. } => StoreErrorClass::Permanent,
            // 19 is SQLITE_CONSTRAINT: the same row will be refused again.
            Self::Query { code, .. } if code & 0xff == 19 => StoreErrorClass::Permanent,
            Self::Query { .. } => StoreErrorClass::Temporary,
        }
    }
}

/// The error of a step.
pub(super) fn failed(step: &'static str) -> impl Fn(rusqlite::Error) -> StoreError {
    move |error| of(step, &error)
}

/// The error of a commit: whatever is not known to be the disk's fault is unknown.
pub(super) fn commit_failed(error: &rusqlite::Error) -> StoreError {
    match of("commit", error) {
        known @ (StoreError::DiskFull | StoreError::Io { .. }) => known,
        StoreError::CannotOpen { .. }
        | StoreError::WrongKey
        | StoreError::Damaged { .. }
        | StoreError::OtherInstance { .. }
        | StoreError::NewerSchema
        | StoreError::AlreadyUsed { .. }
        | StoreError::CommitUnknown
        | StoreError::RolledBack
        | StoreError::Query { .. } => StoreError::CommitUnknown,
    }
}

fn of(step: &'static str, error: &rusqlite::Error) -> StoreError {
    let Some(cause) = error.sqlite_error() else {
        // A column that does not hold what we wrote.
        let damaged = matches!(
            error,
            rusqlite::Error::FromSqlConversionFailure(..)
                | rusqlite::Error::InvalidColumnType(..)
                | rusqlite::Error::IntegralValueOutOfRange(..)
        );
        return if damaged { StoreError::Damaged { what: step } } else { StoreError::Query { step, code: 0 } };
    };
    if cause.code == ErrorCode::DiskFull {
        StoreError::DiskFull
    } else if cause.code == ErrorCode::SystemIoFailure {
        StoreError::Io { step }
    } else if cause.code == ErrorCode::DatabaseCorrupt || cause.code == ErrorCode::NotADatabase {
        StoreError::Damaged { what: step }
    } else {
        StoreError::Query { step, code: cause.extended_code }
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::ffi;

    use super::*;

    fn sqlite(code: i32) -> rusqlite::Error {
        rusqlite::Error::SqliteFailure(ffi::Error::new(code), Some("text of a statement".to_owned()))
    }

    #[test]
    fn a_commit_that_failed_is_unknown_unless_it_is_the_disk() {
        assert_eq!(commit_failed(&sqlite(ffi::SQLITE_BUSY)), StoreError::CommitUnknown);
        assert_eq!(commit_failed(&sqlite(ffi::SQLITE_FULL)), StoreError::DiskFull);
        let sync = commit_failed(&sqlite(ffi::SQLITE_IOERR_FSYNC));
        assert_eq!(sync.class(), StoreErrorClass::Fatal, "a failed sync ends the process");
    }

    #[test]
    fn messages_hold_nothing_of_a_statement() {
        for code in [ffi::SQLITE_BUSY, ffi::SQLITE_CORRUPT, ffi::SQLITE_IOERR, ffi::SQLITE_CONSTRAINT_UNIQUE] {
            let message = failed("store a mail")(sqlite(code)).to_string();
            assert!(!message.contains("text of"), "{message}");
        }
    }

    #[test]
    fn the_same_row_is_refused_again_but_a_lock_passes() {
        let class = |code| failed("store a mail")(sqlite(code)).class();
        assert_eq!(class(ffi::SQLITE_CONSTRAINT_UNIQUE), StoreErrorClass::Permanent);
        assert_eq!(class(ffi::SQLITE_BUSY), StoreErrorClass::Temporary);
    }
}
