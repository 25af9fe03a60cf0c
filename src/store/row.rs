//! Columns to domain types and back.
//!
//! A column that does not hold what was once written there is an error of the row, which ends as
//! [`StoreError::Damaged`](super::StoreError::Damaged); nothing is guessed.

use rusqlite::Row;
use rusqlite::types::Type;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::StoreError;
use crate::domain::event::{Answerable, Authenticity};
use crate::domain::id::{Address, CaseId, Fingerprint, MessageId, Seed};
use crate::domain::party::{Form, PartyKey};
use crate::domain::time::Timestamp;

/// Bytes of mail that are read in one batch, but for the last one, which may pass it.
pub(super) const BATCH_BYTES: i64 = 32 * 1024 * 1024;

/// A text column through a constructor that may refuse.
pub(super) fn word<T>(row: &Row<'_>, column: &'static str, read: impl Fn(&str) -> Option<T>) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    read(&text).ok_or_else(|| unreadable(column))
}

/// A text column that may be absent, through a constructor that may refuse.
pub(super) fn maybe<T>(
    row: &Row<'_>,
    column: &'static str,
    read: impl Fn(&str) -> Option<T>,
) -> rusqlite::Result<Option<T>> {
    let text: Option<String> = row.get(column)?;
    text.map(|text| read(&text).ok_or_else(|| unreadable(column))).transpose()
}

/// Reads an address column.
pub(super) fn address(row: &Row<'_>, column: &'static str) -> rusqlite::Result<Address> {
    word(row, column, Address::parse)
}

/// Reads an optional fingerprint.
pub(super) fn fingerprint(row: &Row<'_>, column: &'static str) -> rusqlite::Result<Option<Fingerprint>> {
    maybe(row, column, Fingerprint::parse)
}

/// Reads an optional Message-ID.
pub(super) fn message_id(row: &Row<'_>, column: &'static str) -> rusqlite::Result<Option<MessageId>> {
    maybe(row, column, MessageId::parse)
}

/// Reads an optional party key.
pub(super) fn party(row: &Row<'_>, column: &'static str) -> rusqlite::Result<Option<PartyKey>> {
    Ok(row.get::<_, Option<String>>(column)?.map(PartyKey))
}

/// Reads an optional case.
pub(super) fn case(row: &Row<'_>, column: &'static str) -> rusqlite::Result<Option<CaseId>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(CaseId))
}

/// Reads an instant.
pub(super) fn instant(row: &Row<'_>, column: &'static str) -> rusqlite::Result<Timestamp> {
    row.get(column).map(Timestamp)
}

/// Reads an optional instant.
pub(super) fn maybe_instant(row: &Row<'_>, column: &'static str) -> rusqlite::Result<Option<Timestamp>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(Timestamp))
}

/// Reads a number that is never negative.
pub(super) fn count(row: &Row<'_>, column: &'static str) -> rusqlite::Result<u64> {
    u64::try_from(row.get::<_, i64>(column)?).map_err(|_| unreadable(column))
}

/// Reads a seed.
pub(super) fn seed(row: &Row<'_>, column: &'static str) -> rusqlite::Result<Seed> {
    row.get(column).map(Seed)
}

/// Reads a value stored as JSON.
pub(super) fn json<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_str(text).ok()
}

/// A value as JSON.
pub(super) fn to_json<T: Serialize>(step: &'static str, value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|_| StoreError::Query { step, code: 0 })
}

/// An enum of plain words, by its serde name.
pub(super) fn from_serde_word<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_value(serde_json::Value::String(text.to_owned())).ok()
}

/// The stored word.
pub(super) fn answerable_word(answerable: Answerable) -> &'static str {
    match answerable {
        Answerable::Yes => "yes",
        Answerable::NotWanted => "not-wanted",
        Answerable::Old => "old",
    }
}

/// The value of a stored word.
pub(super) fn answerable(word: &str) -> Option<Answerable> {
    [Answerable::Yes, Answerable::NotWanted, Answerable::Old].into_iter().find(|value| answerable_word(*value) == word)
}

/// The stored word.
pub(super) fn authenticity_word(authenticity: Authenticity) -> &'static str {
    match authenticity {
        Authenticity::Pass => "pass",
        Authenticity::Fail => "fail",
        Authenticity::Unknown => "unknown",
    }
}

/// The value of a stored word.
pub(super) fn authenticity(word: &str) -> Option<Authenticity> {
    let all = [Authenticity::Pass, Authenticity::Fail, Authenticity::Unknown];
    all.into_iter().find(|value| authenticity_word(*value) == word)
}

/// The stored word.
pub(super) fn form_word(form: Form) -> &'static str {
    match form {
        Form::Clear => "clear",
        Form::Encrypted => "encrypted",
    }
}

/// A limit as SQLite takes it.
pub(super) fn limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

fn unreadable(column: &'static str) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, Type::Text, format!("column {column}").into())
}
