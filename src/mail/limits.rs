//! The bounds on what one mail may cost, and the list of what was wrong with it.
//!
//! Never refuses a mail: whatever is over a bound is left out, and a [`Defect`] says so.

/// Bounds on one mail. What is beyond a bound is not looked at; the stored bytes stay whole.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of the mail; of a larger one only the header block is read.
    pub raw_bytes: usize,
    /// MIME parts, containers included.
    pub parts: usize,
    /// Depth of containers below the mail itself.
    pub depth: usize,
    /// Bytes of one header block.
    pub header_block_bytes: usize,
    /// Bytes of one line or of one unfolded header field.
    pub line_bytes: usize,
    /// Lines of one header block.
    pub header_lines: usize,
    /// Addresses over all address headers.
    pub addresses: usize,
    /// Bytes of all parts after transfer decoding.
    pub decoded_bytes: usize,
    /// Bytes of the text that people are shown.
    pub text_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            raw_bytes: 35 * 1024 * 1024,
            parts: 250,
            depth: 20,
            header_block_bytes: 256 * 1024,
            line_bytes: 64 * 1024,
            header_lines: 1000,
            addresses: 200,
            decoded_bytes: 100 * 1024 * 1024,
            text_bytes: 1024 * 1024,
        }
    }
}

/// Something that was wrong with a mail, or was left out of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Defect {
    /// The mail is over the size limit: only its header block was read.
    TooLarge,
    /// A header block has too many lines or bytes; the rest of the block was left out.
    HeadersCut,
    /// A header field is too long and was cut.
    LineCut,
    /// A line of the header block is no header field.
    MalformedHeader,
    /// There is no From with an address in it.
    NoFrom,
    /// Two From headers, two addresses in it, or a form that two programs may read in two ways.
    AmbiguousFrom,
    /// The protected From inside differs from the one outside (RFC 9788 section 4).
    FromMismatch,
    /// A header that may stand once stands twice (RFC 5322 section 3.6).
    DuplicateHeader,
    /// More addresses than the limit; the rest was left out.
    AddressesCut,
    /// More MIME parts than the limit; the rest was left out.
    PartsCut,
    /// Containers nested deeper than the limit; the inner ones were taken as attachments.
    TooDeep,
    /// A multipart without a usable boundary: taken as text.
    NoBoundary,
    /// The last boundary of a multipart is missing: the mail may be cut off.
    Truncated,
    /// A part is not encoded as it says; taken as far as it could be read.
    BadEncoding,
    /// The decoded parts are over the limit; the rest was left out.
    DecodedCut,
    /// The text is over the limit and was cut.
    TextCut,
    /// There is no Date, or one that names no instant.
    BadDate,
    /// There is no Message-ID, or one that cannot be used.
    NoMessageId,
}

/// Defects in the order found, each at most once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Defects(Vec<Defect>);

impl Defects {
    /// Notes a defect.
    pub fn note(&mut self, defect: Defect) {
        if !self.0.contains(&defect) {
            self.0.push(defect);
        }
    }

    /// The defects found.
    #[must_use]
    pub fn into_vec(self) -> Vec<Defect> {
        self.0
    }
}
