//! The desk: questions of the operator and their answers, the same through the daemon's socket and on a database at rest.
//!
//! Each question is answered by a bounded amount of work: lists come page by page. What cannot be done is an answer
//! too, with an exit code and what to do. Never mails anybody; each change is journalled in its own commit.

mod change;
mod look;
pub mod rows;

use serde::{Deserialize, Serialize};

use crate::daemon::exit::{DATA, USAGE};
use crate::domain::rules::Rules;
use crate::domain::time::Timestamp;
use crate::ports::Entropy;
use crate::store::{CaseCursor, OutboxCursor, OutboxGroup, Store, StoreError};
use rows::{CaseRow, CaseSheet, Change, FoundRow, LogRow, OutboxRow, Passage, WaitingRow};

/// Mails that one question may change.
pub const CHANGES_MAX: usize = 100;
/// Longest words of a search, in bytes.
pub const WORDS_MAX_BYTES: usize = 1000;
/// Most mails that one search finds.
pub const FOUND_MAX: u32 = 200;

/// What is asked.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Question {
    /// A page of cases.
    Cases {
        /// Which.
        filter: CaseChoice,
        /// Where the page begins.
        from: CaseCursor,
    },
    /// One case, whole.
    Case {
        /// Its label or number, as typed.
        case: String,
    },
    /// The text of a mail of a case.
    Text {
        /// The case, as typed.
        case: String,
        /// The mail.
        mail: i64,
    },
    /// A page of a case's journal.
    Log {
        /// The case, as typed.
        case: String,
        /// After this row.
        after: u64,
    },
    /// A stretch of the journal's chain.
    Chain {
        /// After this row.
        after: u64,
        /// The hash of that row.
        head: String,
    },
    /// Mails with all these words.
    Search {
        /// The words.
        words: String,
        /// How many at most.
        limit: u32,
    },
    /// A page of mail that waits for a member.
    Waiting {
        /// Held for a case, else put aside.
        held: bool,
        /// Before this mail.
        before: i64,
    },
    /// One mail that waits, with its beginning as it came.
    Waits {
        /// The mail.
        mail: i64,
    },
    /// Decide these mails again.
    Requeue {
        /// The mails.
        mails: Vec<i64>,
    },
    /// A page of outgoing mail.
    Outbox {
        /// In these groups.
        groups: Vec<OutboxGroup>,
        /// Of this case, as typed.
        case: Option<String>,
        /// Where the page begins.
        from: OutboxCursor,
    },
    /// Try these outgoing mails again.
    Retry {
        /// The rows.
        rows: Vec<i64>,
    },
    /// Hold these outgoing mails.
    Hold {
        /// The rows.
        rows: Vec<i64>,
    },
}

/// Which cases are asked for, as typed.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct CaseChoice {
    /// Closed ones too.
    pub all: bool,
    /// Only those in this state.
    pub state: Option<String>,
    /// Only those of this member, by name or address, or of `nobody`.
    pub owner: Option<String>,
    /// Only those whose reporter got no automatic acknowledgement.
    pub unacknowledged: bool,
}

/// What is answered.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// A page of cases, and where the next begins.
    Cases(Vec<CaseRow>, Option<CaseCursor>),
    /// One case.
    Case(Box<CaseSheet>),
    /// A text.
    Text(Passage),
    /// A page of a journal, and after which row the next begins.
    Log(Vec<LogRow>, Option<u64>),
    /// A stretch of the chain was followed.
    Chain {
        /// Up to this row.
        seq: u64,
        /// The hash of that row.
        head: String,
        /// Whether that is the end.
        end: bool,
    },
    /// What was found.
    Found(Vec<FoundRow>),
    /// A page of mail that waits, and before which mail the next begins.
    Waiting(Vec<WaitingRow>, Option<i64>),
    /// One mail that waits, and its beginning as it came.
    Waits(Box<WaitingRow>, Passage),
    /// A page of outgoing mail, and where the next begins.
    Outbox(Vec<OutboxRow>, Option<OutboxCursor>),
    /// What became of each that was to be changed.
    Changed(Vec<Change>),
    /// Not answered.
    Refused {
        /// The exit code.
        code: u8,
        /// Why, and what to do.
        reason: String,
    },
}

/// What the desk works with.
pub struct Office<'a> {
    /// The database.
    pub store: &'a mut Store,
    /// The rules: names of the team, the prefix of labels, the policy.
    pub rules: &'a Rules,
    /// Randomness for what is decided.
    pub entropy: &'a mut dyn Entropy,
}

/// Why there is no answer.
enum Problem {
    /// The question cannot be answered.
    Refused(u8, String),
    /// The store.
    Store(StoreError),
}

/// Answers a question.
///
/// # Errors
/// What the database says.
pub fn answer(office: &mut Office<'_>, question: &Question, now: Timestamp) -> Result<Answer, StoreError> {
    let view = look::View { session: office.store.session(), rules: office.rules };
    let answered = match question {
        Question::Cases { filter, from } => view.cases(filter, *from),
        Question::Case { case } => view.case(case, now),
        Question::Text { case, mail } => view.text(case, *mail),
        Question::Log { case, after } => view.log(case, *after),
        Question::Chain { after, head } => view.chain(*after, head),
        Question::Search { words, limit } => view.search(words, *limit),
        Question::Waiting { held, before } => view.waiting(*held, *before),
        Question::Waits { mail } => view.waits(*mail),
        Question::Outbox { groups, case, from } => view.outbox(groups, case.as_deref(), *from),
        Question::Requeue { mails: ids } | Question::Retry { rows: ids } | Question::Hold { rows: ids }
            if ids.len() > CHANGES_MAX =>
        {
            Err(Problem::Refused(USAGE, format!("at most {CHANGES_MAX} at once")))
        }
        Question::Requeue { mails } => change::requeue(office, mails, now),
        Question::Retry { rows } => change::retry(office, rows, now),
        Question::Hold { rows } => change::hold(office, rows, now),
    };
    match answered {
        Ok(answer) => Ok(answer),
        Err(Problem::Refused(code, reason)) => Ok(Answer::Refused { code, reason }),
        Err(Problem::Store(error)) => Err(error),
    }
}

impl Problem {
    fn data(reason: impl Into<String>) -> Self {
        Self::Refused(DATA, reason.into())
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
