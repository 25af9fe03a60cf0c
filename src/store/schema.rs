//! Opens the one database: key, pragmas, tables.
//!
//! Never opens a file without its key, never repairs one, and never runs on an SQLite in which a
//! write-ahead log may be reset under a reader (before 3.51.3). What cannot be opened is refused
//! with one line that says what to do.

use std::fs::{OpenOptions, Permissions};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, params};
use rusqlite_migration::{M, Migrations};
use zeroize::Zeroizing;

use super::error::{StoreError, failed};
use super::session::{Batch, Session};
use crate::domain::token::digest_hex;

/// The tables, one file for each version. Files are added at the end and never edited once released.
const MIGRATIONS: &[M<'static>] = &[M::up(include_str!("migrations/0001_first.sql"))];

/// 3.51.3 mends the reset of a write-ahead log under a reader.
const SQLITE_AT_LEAST: i32 = 3_051_003;

/// How long a statement waits for another process (a reader, a backup) before it fails.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Prepared statements kept; there are fewer in the store.
const STATEMENTS_KEPT: usize = 128;

/// Set on every connection. `synchronous = FULL`: what was committed survives a power cut. Every page is encrypted, so
/// what is deleted needs no overwriting for its own sake. 24 MiB of pages are kept deciphered: each that is not costs a
/// decryption, and indexes over digests are read all over. The log is put back after 16 MiB, not 4, for a page that
/// changes in each batch is then written back once instead of often.
const PRAGMAS: &str = "PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL; PRAGMA secure_delete = FAST;
    PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF; PRAGMA cache_size = -24576; PRAGMA wal_autocheckpoint = 4096;";

/// The database of one instance. It is the only writer.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
}

impl Store {
    /// Opens the database, or makes it (mode 0600), and brings its tables up to date.
    ///
    /// `key` is the content of the key file, of any length; `instance` is the name in the settings.
    ///
    /// # Errors
    /// [`StoreError::CannotOpen`], [`StoreError::WrongKey`], [`StoreError::OtherInstance`],
    /// [`StoreError::NewerSchema`], or what the disk says.
    pub fn open(path: &Path, key: &[u8], instance: &str) -> Result<Self, StoreError> {
        if rusqlite::version_number() < SQLITE_AT_LEAST {
            return Err(cannot(format!("SQLite {} is older than 3.51.3", rusqlite::version())));
        }
        private_file(path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags)
            .map_err(|_| cannot(format!("{} cannot be read and written", path.display())))?;
        unlock(&connection, key)?;
        prepare(&connection)?;
        migrate(&mut connection)?;
        let store = Self { connection };
        store.session().belongs_to(instance)?;
        Ok(store)
    }

    /// Opens the database to look at it, also beside a running daemon: nothing is made, changed or brought up to date.
    ///
    /// # Errors
    /// As [`Store::open`]; a database that is not there is [`StoreError::CannotOpen`].
    pub fn open_to_look(path: &Path, key: &[u8], instance: &str) -> Result<Self, StoreError> {
        // Not opened read-only: the shared memory of the write-ahead log must be made where no daemon has made it.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)
            .map_err(|_| cannot(format!("{} cannot be read and written", path.display())))?;
        unlock(&connection, key)?;
        let step = "prepare to look";
        connection.busy_timeout(BUSY_TIMEOUT).map_err(failed(step))?;
        connection.execute_batch("PRAGMA query_only = ON; PRAGMA trusted_schema = OFF;").map_err(failed(step))?;
        if schema_version(&connection)? > MIGRATIONS.len() {
            return Err(StoreError::NewerSchema);
        }
        let store = Self { connection };
        store.session().belongs_to(instance)?;
        Ok(store)
    }

    /// The functions of the store, each its own commit.
    #[must_use]
    pub fn session(&self) -> Session<'_> {
        Session::of(&self.connection)
    }

    /// One transaction over many messages: one commit at the end, none when the closure errs.
    ///
    /// ```no_run
    /// # use postern::store::{Store, StoreError};
    /// # use postern::domain::id::MailId;
    /// # fn f(store: &mut Store) -> Result<(), StoreError> {
    /// store.batch(|batch| {
    ///     for mail in [MailId(1), MailId(2)] {
    ///         let _one_failure_stops_no_other = batch.each(|session| session.is_undecided(mail));
    ///     }
    ///     Ok(())
    /// })
    /// # }
    /// ```
    ///
    /// # Errors
    /// The closure's; [`StoreError::RolledBack`] when the database gave it up and nothing is kept;
    /// [`StoreError::CommitUnknown`] when it is not known whether the commit is durable: read again.
    pub fn batch<T, E: From<StoreError>>(&mut self, work: impl FnOnce(&mut Batch<'_>) -> Result<T, E>) -> Result<T, E> {
        self.session().batch(work)
    }

    /// Examines everything: pages, references, and the chain of the journal. Slow: reads the whole file.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] with where the damage was noticed.
    pub fn check(&self) -> Result<(), StoreError> {
        let session = self.session();
        let rows = |step, sql| session.all(step, sql, [], |row| row.get::<_, String>(0));
        if !rows("check every page's seal", "PRAGMA cipher_integrity_check")?.is_empty() {
            return Err(StoreError::Damaged { what: "a page's seal" });
        }
        if rows("check the pages", "PRAGMA integrity_check(1)")? != ["ok"] {
            return Err(StoreError::Damaged { what: "the structure of the pages" });
        }
        if !rows("check the references", "PRAGMA foreign_key_check")?.is_empty() {
            return Err(StoreError::Damaged { what: "references between rows" });
        }
        session.verify_journal().map(|_| ())
    }

    #[cfg(test)]
    pub(super) fn raw(&self) -> &Connection {
        &self.connection
    }
}

/// Makes the file if it is not there, for its owner only; takes everybody else's rights away if it is.
fn private_file(path: &Path) -> Result<(), StoreError> {
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path);
    file.and_then(|file| file.set_permissions(Permissions::from_mode(0o600)))
        .map_err(|error| cannot(format!("{}: {error}", path.display())))
}

/// Gives the key and reads the first page with it.
fn unlock(connection: &Connection, key: &[u8]) -> Result<(), StoreError> {
    // SQLCipher writes to standard error by itself; our errors say what is to be said.
    connection.execute_batch("PRAGMA cipher_log_level = NONE").map_err(failed("silence SQLCipher"))?;
    let statement = Zeroizing::new(format!("PRAGMA key = \"x'{}'\"", Zeroizing::new(digest_hex(key)).as_str()));
    connection.execute_batch(&statement).map_err(|_| cannot("SQLCipher takes no key".to_owned()))?;
    // Each page that is read or written is hashed; this hash is several times as fast as the default on processors that
    // have instructions for it, and no weaker for the purpose.
    connection
        .execute_batch("PRAGMA cipher_hmac_algorithm = HMAC_SHA256")
        .map_err(|_| cannot("SQLCipher does not know HMAC_SHA256".to_owned()))?;
    // Without SQLCipher the pragma above does nothing at all, silently.
    let cipher: Result<String, _> = connection.query_row("PRAGMA cipher_version", [], |row| row.get(0));
    if cipher.is_err() {
        return Err(cannot("this SQLite does not encrypt; build with SQLCipher".to_owned()));
    }
    let first_page = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0));
    first_page
        .map(|_| ())
        .map_err(failed("read the first page"))
        .map_err(|error| if matches!(error, StoreError::Damaged { .. }) { StoreError::WrongKey } else { error })
}

fn prepare(connection: &Connection) -> Result<(), StoreError> {
    let step = "prepare the database";
    connection.busy_timeout(BUSY_TIMEOUT).map_err(failed(step))?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    connection.execute_batch(PRAGMAS).map_err(failed(step))?;
    let mode: String =
        connection.query_row("PRAGMA journal_mode = WAL", params![], |row| row.get(0)).map_err(failed(step))?;
    if mode != "wal" {
        return Err(cannot(format!("the file system allows no write-ahead log (mode {mode}); use a local disk")));
    }
    Ok(())
}

fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let step = "bring the tables up to date";
    if schema_version(connection)? > MIGRATIONS.len() {
        return Err(StoreError::NewerSchema);
    }
    Migrations::from_slice(MIGRATIONS).to_latest(connection).map_err(|error| {
        if let rusqlite_migration::Error::RusqliteError { err, .. } = error {
            failed(step)(err)
        } else {
            StoreError::Query { step, code: 0 }
        }
    })
}

fn schema_version(connection: &Connection) -> Result<usize, StoreError> {
    let version: u32 =
        connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(failed("read the schema version"))?;
    Ok(usize::try_from(version).unwrap_or(usize::MAX))
}

fn cannot(reason: String) -> StoreError {
    StoreError::CannotOpen { reason }
}

#[cfg(test)]
#[path = "schema_tests.rs"]
mod tests;
