//! Sessions and batches: the same functions in a commit of their own or as part of a bigger one.
//!
//! A [`Batch`] is one immediate transaction; each message in it has a savepoint and is undone
//! alone. Never commits half of anything. An error from a commit means *unknown*.

use rusqlite::{Connection, Params, Row, Transaction, TransactionBehavior};

use super::error::{StoreError, commit_failed, failed};

/// The store's functions. Outside a batch each call that writes is its own commit.
#[derive(Debug, Clone, Copy)]
pub struct Session<'a> {
    connection: &'a Connection,
}

/// One transaction over many messages.
#[derive(Debug)]
pub struct Batch<'a> {
    connection: &'a Connection,
    broken: bool,
}

impl Batch<'_> {
    /// Runs the work of one message; when it errs, what it wrote is undone, and nothing else.
    ///
    /// # Errors
    /// The closure's own, or [`StoreError::RolledBack`] once the database has given up the whole
    /// transaction (as it may when the disk is full): then nothing of the batch is kept.
    pub fn each<T, E: From<StoreError>>(&mut self, work: impl FnOnce(&Session<'_>) -> Result<T, E>) -> Result<T, E> {
        if self.broken {
            return Err(StoreError::RolledBack.into());
        }
        let session = Session::of(self.connection);
        let outcome = session.within_savepoint(|| work(&session));
        // The database may have rolled back everything: what follows must not run outside a transaction.
        self.broken = self.connection.is_autocommit();
        outcome
    }

    /// The functions of the store within this transaction, outside any savepoint.
    #[must_use]
    pub fn session(&self) -> Session<'_> {
        Session::of(self.connection)
    }
}

impl<'a> Session<'a> {
    pub(super) fn of(connection: &'a Connection) -> Self {
        Self { connection }
    }

    /// The connection, for statements that the helpers here do not cover.
    pub(super) fn connection(&self) -> &'a Connection {
        self.connection
    }

    pub(super) fn execute(&self, step: &'static str, sql: &str) -> Result<(), StoreError> {
        self.connection.execute_batch(sql).map_err(failed(step))
    }

    /// Runs a statement; the number of rows it changed.
    pub(super) fn run(&self, step: &'static str, sql: &str, params: impl Params) -> Result<usize, StoreError> {
        self.connection.prepare_cached(sql).and_then(|mut statement| statement.execute(params)).map_err(failed(step))
    }

    /// Inserts a row; its number.
    pub(super) fn insert(&self, step: &'static str, sql: &str, params: impl Params) -> Result<i64, StoreError> {
        self.connection.prepare_cached(sql).and_then(|mut statement| statement.insert(params)).map_err(failed(step))
    }

    /// The first row, if there is one.
    pub(super) fn one<T>(
        &self,
        step: &'static str,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, StoreError> {
        let read_first = || {
            let mut statement = self.connection.prepare_cached(sql)?;
            let mut rows = statement.query(params)?;
            rows.next()?.map(read).transpose()
        };
        read_first().map_err(failed(step))
    }

    /// All rows; the statement has the limit.
    pub(super) fn all<T>(
        &self,
        step: &'static str,
        sql: &str,
        params: impl Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        let read_all = || {
            let mut statement = self.connection.prepare_cached(sql)?;
            statement.query_map(params, read)?.collect::<rusqlite::Result<Vec<T>>>()
        };
        read_all().map_err(failed(step))
    }

    /// Whether the statement finds a row.
    pub(super) fn any(&self, step: &'static str, sql: &str, params: impl Params) -> Result<bool, StoreError> {
        Ok(self.one(step, sql, params, |_| Ok(()))?.is_some())
    }

    /// Does all or nothing: in its own commit, or, within a batch, as part of it.
    pub(super) fn atomically<T, E: From<StoreError>>(&self, work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        if !self.connection.is_autocommit() {
            return self.within_savepoint(work);
        }
        let transaction = Transaction::new_unchecked(self.connection, TransactionBehavior::Immediate)
            .map_err(failed("begin a transaction"))?;
        // An early return drops the transaction, which rolls it back.
        let value = work()?;
        transaction.commit().map_err(|error| commit_failed(&error))?;
        Ok(value)
    }

    /// One transaction over many messages; see [`Store::batch`](super::Store::batch).
    pub(super) fn batch<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&mut Batch<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let transaction = Transaction::new_unchecked(self.connection, TransactionBehavior::Immediate)
            .map_err(failed("begin a transaction"))?;
        let mut batch = Batch { connection: self.connection, broken: false };
        let value = work(&mut batch)?;
        if batch.broken || self.connection.is_autocommit() {
            return Err(StoreError::RolledBack.into());
        }
        transaction.commit().map_err(|error| commit_failed(&error))?;
        Ok(value)
    }

    /// Undoes what the work wrote when it errs, and nothing else. Savepoints of one name nest.
    fn within_savepoint<T, E: From<StoreError>>(&self, work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        self.execute("begin a savepoint", "SAVEPOINT part")?;
        let outcome = work();
        if self.connection.is_autocommit() {
            return outcome.and(Err(StoreError::RolledBack.into()));
        }
        let end = if outcome.is_ok() { "RELEASE part" } else { "ROLLBACK TO part; RELEASE part" };
        self.execute("end a savepoint", end).map_err(E::from).and(outcome)
    }
}
