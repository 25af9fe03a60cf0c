//! An advisory in the formats that people read: list mail and web page.
//!
//! Every format is a pure rendering of one record, the same bytes for the same record. Nothing here
//! reads a clock, a file or a setting, and nothing fails: whatever stands in the record comes out
//! harmless.

mod body;
pub mod html;
pub mod text;

use crate::domain::advisory::{Advisory, Publisher, Rendition};

/// The texts of an advisory as they will be sent and served; a [`Render`](crate::domain::advisory::Render).
#[must_use]
pub fn rendition(advisory: &Advisory, publisher: &Publisher) -> Rendition {
    let (subject, text) = text::text(advisory, publisher);
    Rendition { subject, text, html: html::page(advisory, publisher) }
}

#[cfg(test)]
#[path = "render_tests.rs"]
mod tests;
