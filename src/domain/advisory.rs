//! The advisory: one record of which every format is a rendering.

use serde::{Deserialize, Serialize};

/// What readers are told to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AdvisoryKind {
    /// Something is wrong and the text says what to do.
    Notice,
    /// Nobody maintains it: remove it.
    Uninstall,
}

/// The text of an advisory, before rendering.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Advisory {
    /// Identifier: the label of its case.
    pub id: String,
    /// What kind of advisory.
    pub kind: AdvisoryKind,
    /// One line.
    pub title: String,
    /// Level of severity, where one is set.
    pub severity: Option<String>,
    /// Paragraphs, separated by blank lines.
    pub body: String,
}

/// The exact texts of an advisory, as they will be sent and served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendition {
    /// Subject of the list mail, without any list's prefix.
    pub subject: String,
    /// Body of the list mail: UTF-8, lines of at most 72 columns, LF line ends.
    pub text: String,
    /// The page for browsers.
    pub html: String,
}

/// Who publishes: what renderings need to know beside the advisory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publisher {
    /// Name of the project.
    pub project: String,
    /// Address for reports.
    pub contact: String,
    /// Where the site folder is served, without a slash at the end; empty when it is not.
    pub base_url: String,
    /// Fingerprint of the signing certificate.
    pub fingerprint: String,
}

/// A pure rendering of an advisory.
pub type Render = fn(&Advisory, &Publisher) -> Rendition;

/// Where the page of an advisory stands in the site folder: `advisories/ex-2026-0042.html`.
///
/// ```
/// assert_eq!(postern::domain::advisory::page_path("EX-2026-0042"), "advisories/ex-2026-0042.html");
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
    let base: String = publisher.base_url.chars().filter(|c| !c.is_control()).collect();
    let base = base.trim().trim_end_matches('/');
    (!base.is_empty()).then(|| format!("{base}/{}", page_path(id)))
}

/// An identifier as a file name: lower case, and nothing in it that could leave the folder.
fn stem(id: &str) -> String {
    id.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c.to_ascii_lowercase() } else { '_' }).collect()
}
