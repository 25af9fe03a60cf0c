//! The settings file: as written (`raw`), as used (`checked`), and every mistake in it at once (`mistake`).

pub mod checked;
pub mod mistake;
pub mod raw;
