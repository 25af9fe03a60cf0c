//! Questions that change nothing: rows of the store in the words of the operator.

use super::rows::{
    At, AwaitedRow, CaseRow, CaseSheet, ClockRow, FoundRow, LogRow, MailRow, OutboxRow, PartyRow, Passage, WaitingRow,
};
use super::{Answer, CaseChoice, FOUND_MAX, Problem, WORDS_MAX_BYTES};
use crate::daemon::exit::USAGE;
use crate::domain::case::Case;
use crate::domain::effect::PendingAction;
use crate::domain::id::{Address, CaseId, MailId};
use crate::domain::label::Label;
use crate::domain::party::{Form, Party, PartyKey};
use crate::domain::rules::Rules;
use crate::domain::state::ReportState;
use crate::domain::time::Timestamp;
use crate::mail::parse::{Headers, Limits};
use crate::store::{
    CaseCursor, CaseFilter, CaseOverview, MailLine, OutboxCursor, OutboxGroup, OutboxLine, OutboxState, Session,
    StoreError,
};

/// Cases that one page looks at.
const CASES_PER_PAGE: usize = 500;
/// Rows of any other page.
const ROWS_PER_PAGE: usize = 200;
/// Rows of the chain followed in one answer.
const CHAIN_PER_PAGE: usize = 2000;
/// Mails, outgoing mails and clocks shown of one case.
const SHOWN_OF_CASE: usize = 200;
/// Beginning of a waiting mail that is looked at, in bytes.
const HEAD_BYTES: usize = 64 * 1024;
/// Most characters of a mail's text that are shown.
const TEXT_CHARS: usize = 1_000_000;
/// Most characters of a text in which the words of a search are looked for.
const SNIPPET_SEARCH_CHARS: usize = 20_000;
/// Characters of a snippet before its word, and from its word on.
const SNIPPET_CHARS: (usize, usize) = (30, 90);

/// The store, and the names of people in it.
pub(super) struct View<'a> {
    pub(super) session: Session<'a>,
    pub(super) rules: &'a Rules,
}

impl View<'_> {
    pub(super) fn cases(&self, choice: &CaseChoice, from: CaseCursor) -> Result<Answer, Problem> {
        let state = choice.state.as_deref().map(state_named).transpose()?;
        let owner = choice.owner.as_deref().map(|name| self.owner_named(name)).transpose()?;
        let closed = choice.all || state == Some(ReportState::Closed);
        let filter = CaseFilter { closed, state, owner, unacknowledged: choice.unacknowledged };
        let (rows, next) = self.session.case_page(&filter, from, CASES_PER_PAGE)?;
        Ok(Answer::Cases(rows.into_iter().map(|row| self.case_row(row)).collect(), next))
    }

    pub(super) fn case(&self, typed: &str, now: Timestamp) -> Result<Answer, Problem> {
        let id = self.case_named(typed)?;
        let case = self.session.case(id)?.ok_or_else(|| Problem::data("the case is gone"))?;
        let clocks = self.session.clocks_of(id, SHOWN_OF_CASE)?;
        let next = clocks.first().map(|clock| (clock.due, clock.action));
        let acknowledgement = self.session.acknowledgement_of(id)?;
        let clocks = clocks.into_iter().map(|clock| ClockRow {
            due: At(clock.due),
            action: clock.action.word().to_owned(),
            party: clock.party.map(|key| key.0),
        });
        let awaits = self.session.awaited_in(id, now, SHOWN_OF_CASE)?;
        Ok(Answer::Case(Box::new(CaseSheet {
            close_reason: case.close_reason.clone(),
            parties: case.parties.iter().map(|party| party_row(&case, party)).collect(),
            clocks: clocks.collect(),
            mails: self.session.mails_of(id, SHOWN_OF_CASE)?.into_iter().map(|mail| self.mail_row(mail)).collect(),
            outbox: self.session.outbox_of(id, SHOWN_OF_CASE)?.into_iter().map(outbox_row).collect(),
            awaits: awaits
                .into_iter()
                .map(|awaited| AwaitedRow {
                    by: self.rules.name_of(&awaited.member),
                    what: awaited_word(&awaited.action).to_owned(),
                    expires: At(awaited.expires),
                })
                .collect(),
            case: self.case_row(CaseOverview {
                id,
                label: case.label.as_str().to_owned(),
                title: case.title,
                opened_at: case.opened_at,
                report: case.report,
                severity: case.severity,
                owner: case.owner,
                embargo: case.embargo,
                embargo_until: case.embargo_until,
                publication: case.publication,
                answered_at: case.answered_at,
                acknowledgement,
                next,
            }),
        })))
    }

    pub(super) fn text(&self, typed: &str, mail: i64) -> Result<Answer, Problem> {
        let id = self.case_named(typed)?;
        let line = self.session.mail_line(MailId(mail))?.filter(|line| line.case == Some(id));
        let line = line.ok_or_else(|| Problem::data(format!("the case has no mail {mail}; `case show` lists them")))?;
        match self.session.text_of(line.mail)? {
            Some(text) => {
                let cut = text.chars().nth(TEXT_CHARS).is_some();
                Ok(Answer::Text(Passage { mail, text: text.chars().take(TEXT_CHARS).collect(), cut }))
            }
            None => Ok(Answer::Text(self.beginning(line.mail)?)),
        }
    }

    pub(super) fn log(&self, typed: &str, after: u64) -> Result<Answer, Problem> {
        let id = self.case_named(typed)?;
        let case = self.session.case(id)?;
        let lines = self.session.journal_page(id, after, ROWS_PER_PAGE)?;
        let next = lines.last().filter(|_| lines.len() == ROWS_PER_PAGE).map(|line| line.seq);
        let rows = lines.into_iter().map(|line| LogRow {
            seq: line.seq,
            at: At(line.at),
            who: line.entry.actor.as_ref().map(|key| self.who(case.as_ref(), key)),
            proof: line.entry.proof,
            what: line.entry.what,
            from: line.entry.from,
            to: line.entry.to,
            cause: line.cause.map(|id| id.as_str().to_owned()),
        });
        Ok(Answer::Log(rows.collect(), next))
    }

    pub(super) fn chain(&self, after: u64, head: &str) -> Result<Answer, Problem> {
        let part = match self.session.follow_chain(after, head, CHAIN_PER_PAGE) {
            // The daemon would not have started on it; it goes on until somebody has looked.
            Err(error @ StoreError::Damaged { .. }) => return Err(Problem::data(error.to_string())),
            part => part?,
        };
        Ok(Answer::Chain { seq: part.seq, head: part.head, end: part.end })
    }

    pub(super) fn search(&self, words: &str, limit: u32) -> Result<Answer, Problem> {
        if words.len() > WORDS_MAX_BYTES {
            return Err(Problem::Refused(USAGE, format!("at most {WORDS_MAX_BYTES} bytes are searched for")));
        }
        let limit = usize::try_from(limit.min(FOUND_MAX)).unwrap_or_default();
        let mut rows = Vec::new();
        for found in self.session.search(words, limit)? {
            let Some(line) = self.session.mail_line(found.mail)? else { continue };
            let text = self.session.text_of(found.mail)?.unwrap_or_default();
            rows.push(FoundRow {
                case: line.label,
                mail: line.mail.0,
                date: At(line.arrived),
                from: line.from.map(|from| from.to_string()),
                subject: found.subject,
                snippet: snippet(&text, words),
            });
        }
        Ok(Answer::Found(rows))
    }

    pub(super) fn waiting(&self, held: bool, before: i64) -> Result<Answer, Problem> {
        let lines = self.session.waiting_page(held, MailId(before), ROWS_PER_PAGE)?;
        let next = lines.last().filter(|_| lines.len() == ROWS_PER_PAGE).map(|line| line.mail.0);
        let rows: Result<_, Problem> = lines.into_iter().map(|line| self.waiting_row(line)).collect();
        Ok(Answer::Waiting(rows?, next))
    }

    pub(super) fn waits(&self, mail: i64) -> Result<Answer, Problem> {
        let line = self.session.mail_line(MailId(mail))?;
        let line =
            line.ok_or_else(|| Problem::data(format!("there is no mail {mail}; `quarantine list` shows them")))?;
        if !matches!(line.fate.as_str(), "held" | "quarantined") {
            return Err(Problem::data(format!("mail {mail} does not wait: {}", fate_words(&line))));
        }
        let passage = self.beginning(line.mail)?;
        Ok(Answer::Waits(Box::new(self.waiting_row(line)?), passage))
    }

    pub(super) fn outbox(
        &self,
        groups: &[OutboxGroup],
        case: Option<&str>,
        from: OutboxCursor,
    ) -> Result<Answer, Problem> {
        let case = case.map(|typed| self.case_named(typed)).transpose()?;
        let (rows, next) = self.session.outbox_page(groups, case, from, ROWS_PER_PAGE)?;
        Ok(Answer::Outbox(rows.into_iter().map(outbox_row).collect(), next))
    }

    /// The case of a label or number as people type it: `EX-2026-0042`, `ex-42`, `42`.
    fn case_named(&self, typed: &str) -> Result<CaseId, Problem> {
        let prefix = &self.rules.case_prefix;
        let typed = typed.trim();
        let last = typed.trim_start_matches('#').rsplit('-').next().unwrap_or_default();
        let number = Some(last).filter(|last| last.len() <= 12 && last.bytes().all(|byte| byte.is_ascii_digit()));
        let Some(id) = number.and_then(|digits| digits.parse().ok()).map(CaseId) else {
            let problem = format!("{typed:?} names no case; write its label or number, as in {prefix}-2026-0042 or 42");
            return Err(Problem::Refused(USAGE, problem));
        };
        let label = self.session.label_of(id)?;
        let front = typed.trim_start_matches('#').strip_suffix(last).unwrap_or_default().trim_end_matches('-');
        let ours = front.is_empty() || front.eq_ignore_ascii_case(prefix) || Label::case_in(prefix, typed) == Some(id);
        match (label, ours) {
            (Some(_), true) => Ok(id),
            (Some(label), false) => Err(Problem::data(format!(
                "there is no case {typed}; labels here begin with {prefix}: did you mean {label}?"
            ))),
            (None, _) => {
                let nearest = self.session.nearest_case(id)?;
                let advice = nearest
                    .map_or_else(|| "there are no cases yet".to_owned(), |label| format!("the nearest is {label}"));
                Err(Problem::data(format!("there is no case {typed}; {advice}")))
            }
        }
    }

    fn owner_named(&self, name: &str) -> Result<Option<PartyKey>, Problem> {
        if matches!(name, "nobody" | "-") {
            return Ok(None);
        }
        let address = Address::parse(name);
        let found = self.rules.team.iter().find(|member| {
            member.name.eq_ignore_ascii_case(name)
                || address.as_ref().is_some_and(|address| address.same_mailbox(&member.address))
        });
        let names = || self.rules.team.iter().map(|member| member.name.as_str()).collect::<Vec<_>>().join(", ");
        let unknown = || Problem::data(format!("no member is called {name:?}; the members are {}, or nobody", names()));
        found.map(|member| Some(member.key.clone())).ok_or_else(unknown)
    }

    /// How somebody is called who acts in a case.
    fn who(&self, case: Option<&Case>, key: &PartyKey) -> String {
        let party = case.and_then(|case| case.party(key));
        party.map_or_else(|| self.rules.name_of(key), |party| format!("{} {}", party.role.word(), party.address))
    }

    fn case_row(&self, case: CaseOverview) -> CaseRow {
        CaseRow {
            id: case.id.0,
            label: case.label,
            state: case.report.word().to_owned(),
            severity: case.severity,
            embargo: case.embargo.word().to_owned(),
            embargo_until: case.embargo_until.map(At),
            advisory: case.publication.word().to_owned(),
            owner: case.owner.as_ref().map(|key| self.rules.name_of(key)),
            opened: At(case.opened_at),
            next: case.next.map(|(due, _)| At(due)),
            next_action: case.next.map(|(_, action)| action.word().to_owned()),
            answered: case.answered_at.map(At),
            acknowledgement: case.acknowledgement,
            title: case.title,
        }
    }

    fn mail_row(&self, mail: MailLine) -> MailRow {
        let member = mail.party.as_ref().is_some_and(|key| self.rules.member(key).is_some() || key.0.starts_with("t-"));
        let class = match mail.fate.as_str() {
            "joined" if member => "team",
            "joined" => "outside",
            "noted" => "automatic",
            other => other,
        };
        MailRow {
            mail: mail.mail.0,
            date: At(mail.arrived),
            class: class.to_owned(),
            from: mail.from.map(|from| from.to_string()),
            party: mail.party.map(|key| if member { self.rules.name_of(&key) } else { key.0 }),
            subject: mail.subject,
        }
    }

    fn waiting_row(&self, line: MailLine) -> Result<WaitingRow, Problem> {
        let headers = Headers::parse(&self.session.head_of(line.mail, HEAD_BYTES)?, &Limits::default());
        let header = |name| headers.first(name).map(str::to_owned);
        let held = line.fate == "held";
        let unknown = || if held { "its sender is not known in the case" } else { "put aside" }.to_owned();
        Ok(WaitingRow {
            mail: line.mail.0,
            state: line.fate,
            claims: line.label,
            reason: line.reason.unwrap_or_else(unknown),
            date: At(line.arrived),
            since: line.decided_at.map(At),
            from: line.from.map(|from| from.to_string()).or_else(|| header("From")),
            subject: header("Subject"),
            attempts: line.attempts,
        })
    }

    /// The beginning of a mail as it came: a mail that could not be read is not read here either.
    fn beginning(&self, mail: MailId) -> Result<Passage, Problem> {
        let head = self.session.head_of(mail, HEAD_BYTES)?;
        Ok(Passage { mail: mail.0, cut: head.len() == HEAD_BYTES, text: String::from_utf8_lossy(&head).into_owned() })
    }
}

/// What became of a mail that does not wait, in a few words.
pub(super) fn fate_words(line: &MailLine) -> String {
    let of = line.label.as_ref().map(|label| format!(" {label}")).unwrap_or_default();
    match line.fate.as_str() {
        "undecided" => "it is about to be decided".to_owned(),
        "joined" => format!("it joined{of}"),
        "noted" => format!("it is a machine's answer, noted with{of}"),
        "duplicate" => "it is the copy of another mail".to_owned(),
        "answered" => "it was answered".to_owned(),
        other => other.to_owned(),
    }
}

fn state_named(word: &str) -> Result<ReportState, Problem> {
    let words = || ReportState::ALL.iter().map(|state| state.word()).collect::<Vec<_>>().join(", ");
    let unknown = || Problem::Refused(USAGE, format!("there is no state {word:?}; the states are {}", words()));
    ReportState::from_word(word).ok_or_else(unknown)
}

fn party_row(case: &Case, party: &Party) -> PartyRow {
    let contact = case.contacts.iter().find(|contact| contact.party == party.key);
    PartyRow {
        key: party.key.0.clone(),
        role: party.role.word().to_owned(),
        address: party.address.to_string(),
        aliases: party.aliases.iter().map(ToString::to_string).collect(),
        fingerprint: party.fingerprint.as_ref().map(ToString::to_string),
        form: match party.form {
            Form::Clear => "clear".to_owned(),
            Form::Encrypted => "encrypted".to_owned(),
        },
        contact: contact.map(|contact| contact.state.word().to_owned()),
        contacted: contact.and_then(|contact| contact.since).map(At),
    }
}

fn awaited_word(action: &PendingAction) -> &'static str {
    match action {
        PendingAction::Publish { .. } => "publish",
        PendingAction::Apply { .. } => "commands",
    }
}

fn outbox_row(row: OutboxLine) -> OutboxRow {
    let later = match row.state {
        OutboxState::Deferred => Some(row.next_at),
        OutboxState::Queued
        | OutboxState::Sealed
        | OutboxState::Claimed
        | OutboxState::Delivered
        | OutboxState::Failed
        | OutboxState::Held => None,
    };
    OutboxRow {
        id: row.id.0,
        case: row.label,
        kind: row.kind.word().to_owned(),
        to: row.recipient,
        state: OutboxGroup::of(row.state).word().to_owned(),
        attempts: row.attempts,
        unknown: row.ambiguous,
        queued: At(row.created_at),
        changed: At(row.changed_at),
        next: later.map(At),
        answer: row.detail,
    }
}

/// What stands around the first of the words in a text; its beginning where none stands there as written.
fn snippet(text: &str, words: &str) -> String {
    let flat: Vec<char> =
        text.split_whitespace().flat_map(|word| word.chars().chain([' '])).take(SNIPPET_SEARCH_CHARS).collect();
    let same = |a: char, b: char| a == b || a.to_lowercase().eq(b.to_lowercase());
    let place = |word: &str| {
        let word: Vec<char> = word.chars().filter(|c| c.is_alphanumeric()).collect();
        let at = |window: &[char]| window.iter().zip(&word).all(|(a, b)| same(*a, *b));
        flat.windows(word.len().max(1)).position(at).filter(|_| !word.is_empty())
    };
    let at = words.split_whitespace().filter_map(place).min().unwrap_or_default();
    let (before, after) = SNIPPET_CHARS;
    let begin = at.saturating_sub(before);
    let shown: String = flat.iter().skip(begin).take(at - begin + after).collect();
    let (front, back) = (if begin > 0 { "…" } else { "" }, if at + after < flat.len() { "…" } else { "" });
    format!("{front}{}{back}", shown.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snippet_shows_the_first_word_with_what_stands_around_it() {
        let text = format!("{} the LOGIN form\n\ntakes anything {}", "before ".repeat(20), "after ".repeat(40));
        let found = snippet(&text, "anything login");
        assert!(found.starts_with('…') && found.ends_with('…'), "{found}");
        assert!(found.contains("the LOGIN form takes anything"), "{found}");
        assert_eq!(snippet("short", "absent"), "short");
        assert_eq!(snippet("", "absent"), "");
    }
}
