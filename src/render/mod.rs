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

/// Where the page of an advisory stands in the site folder: `advisories/ex-2026-0042.html`.
///
/// ```
/// assert_eq!(postern::render::page_path("EX-2026-0042"), "advisories/ex-2026-0042.html");
/// ```
#[must_use]
pub fn page_path(id: &str) -> String {
    format!("advisories/{}.html", stem(id))
}

/// Where the text of an advisory stands in the site folder: `advisories/ex-2026-0042.txt`.
#[must_use]
pub fn text_path(id: &str) -> String {
    format!("advisories/{}.txt", stem(id))
}

/// Where readers find the page; `None` when the site folder is not served.
#[must_use]
pub fn page_url(id: &str, publisher: &Publisher) -> Option<String> {
    let base = body::one_line(&publisher.base_url, usize::MAX);
    let base = base.trim_end_matches('/');
    (!base.is_empty()).then(|| format!("{base}/{}", page_path(id)))
}

/// An identifier as a file name: lower case, and nothing in it that could leave the folder.
fn stem(id: &str) -> String {
    id.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c.to_ascii_lowercase() } else { '_' }).collect()
}

#[cfg(test)]
#[path = "render_tests.rs"]
mod tests;
