//! The command language: `!verb` lines at the top of a member's new text.
//!
//! Commands begin with `!` in column one and end at the first blank line; a leading blank continues
//! a line. What stands below is the text: an internal note unless a `!to` line says otherwise.
//! Reading never fails: a block has commands and errors, and a block with an error does nothing.

use serde::{Deserialize, Serialize};

use super::id::{Address, CaseId, Fingerprint, MailId};
use super::label::Label;
use super::state::ReportTrigger;
use super::template::nearest;
use super::time::Timestamp;

/// Most lines a block may have.
pub const LINES_MAX: usize = 50;
/// Longest line, in characters, with its continuations.
pub const LINE_CHARS_MAX: usize = 1000;

/// What must prove that a member gave a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Grade {
    /// Only part of the block's frame: says where or how far, does nothing by itself.
    Frame,
    /// Authenticated mail to the member's reply address, or with a live nonce. Reversible, stays inside or with known parties.
    Token,
    /// A signature by the member's pinned key over case and nonce; without a key, a second member's confirmation.
    Strong,
}

/// A verb of the language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verb {
    /// The word after `!`.
    pub word: &'static str,
    /// Its arguments, as help shows them.
    pub arguments: &'static str,
    /// What must prove it.
    pub grade: Grade,
    /// What it does, in one line.
    pub summary: &'static str,
}

/// Every verb: the parser, `!help` and the manual are made from this table.
pub const VERBS: &[Verb] = &[
    verb(
        "case",
        "<label> <nonce>",
        Grade::Frame,
        "names the case; our mails to you contain the line, quoting it is enough",
    ),
    verb("note", "", Grade::Token, "the text below is a note to the team (also without this line)"),
    verb("to", "reporter|maintainer|all", Grade::Token, "the text below goes to them"),
    verb("owner", "me|-|<member>", Grade::Token, "who looks after the case"),
    verb(
        "state",
        "valid|invalid|accepted|deferred|closed|received [reason]",
        Grade::Token,
        "moves the report; closing needs a reason",
    ),
    verb("severity", "<level>|-", Grade::Token, "sets the level of severity"),
    verb("embargo", "<date with zone>|lift", Grade::Token, "sets the end of the embargo; lifting it needs a signature"),
    verb("maintainer", "<address> [<fingerprint>]", Grade::Strong, "tells a maintainer and starts the one-month clock"),
    verb(
        "admit",
        "<mail> [<party>]",
        Grade::Token,
        "lets a held mail join, as a new reporter or as a further address of a party",
    ),
    verb(
        "reporter",
        "<address>",
        Grade::Token,
        "makes somebody a reporter whose report was passed on to us, and acknowledges it",
    ),
    verb("requeue", "<mail>", Grade::Token, "decides a quarantined mail again"),
    verb("status", "", Grade::Token, "shows the case"),
    verb("list", "", Grade::Token, "shows open cases and waiting mail"),
    verb(
        "publish",
        "",
        Grade::Strong,
        "shows the exact advisory; the text below, if any, becomes its text (\"# Title\" first)",
    ),
    verb("confirm", "<token>", Grade::Strong, "does what was shown"),
    verb("help", "", Grade::Token, "shows this list"),
    verb("end", "", Grade::Frame, "the text ends here"),
];

const fn verb(word: &'static str, arguments: &'static str, grade: Grade, summary: &'static str) -> Verb {
    Verb { word, arguments, grade, summary }
}

/// To whom a text goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Letter {
    /// All reporters of the case.
    Reporter,
    /// All maintainers of the case.
    Maintainer,
    /// All outside parties.
    All,
}

/// A command with its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// An internal note.
    Note,
    /// The text goes out.
    To(Letter),
    /// `None` takes the owner away; `me` is resolved by the caller.
    Owner(OwnerChoice),
    /// Moves the report.
    State(ReportTrigger, Option<String>),
    /// Sets or clears the severity.
    Severity(Option<String>),
    /// Sets the end of the embargo.
    EmbargoUntil(Timestamp),
    /// Ends the embargo now.
    EmbargoLift,
    /// Tells a maintainer.
    Maintainer(Address, Option<Fingerprint>),
    /// Lets a held mail join.
    Admit(MailId, Option<String>),
    /// Makes somebody a reporter whose report was passed on to us.
    Reporter(Address),
    /// Decides a mail again.
    Requeue(MailId),
    /// Shows the case.
    Status,
    /// Lists cases.
    List,
    /// Shows the advisory for confirmation.
    Publish,
    /// Does what was shown.
    Confirm(String),
    /// Shows the verbs.
    Help,
}

/// Who is to own a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OwnerChoice {
    /// The member who writes.
    Me,
    /// Nobody.
    Nobody,
    /// A member by name or address.
    Named(String),
}

impl Command {
    /// What must prove it.
    #[must_use]
    pub fn grade(&self) -> Grade {
        match self {
            Self::Maintainer(..) | Self::Publish | Self::Confirm(_) | Self::EmbargoLift => Grade::Strong,
            Self::Note
            | Self::To(_)
            | Self::Owner(_)
            | Self::State(..)
            | Self::Severity(_)
            | Self::EmbargoUntil(_)
            | Self::Admit(..)
            | Self::Reporter(_)
            | Self::Requeue(_)
            | Self::Status
            | Self::List
            | Self::Help => Grade::Token,
        }
    }

    /// Whether it is about a case at all; what is not needs no nonce, which belongs to a case.
    #[must_use]
    pub fn needs_case(&self) -> bool {
        !matches!(self, Self::List | Self::Help | Self::Requeue(_))
    }

    /// The waiting mail it is about.
    #[must_use]
    pub fn waiting_mail(&self) -> Option<MailId> {
        match self {
            Self::Admit(mail, _) | Self::Requeue(mail) => Some(*mail),
            Self::Note
            | Self::To(_)
            | Self::Owner(_)
            | Self::State(..)
            | Self::Severity(_)
            | Self::EmbargoUntil(_)
            | Self::EmbargoLift
            | Self::Maintainer(..)
            | Self::Reporter(_)
            | Self::Status
            | Self::List
            | Self::Publish
            | Self::Confirm(_)
            | Self::Help => None,
        }
    }

    /// The address that it makes a reporter's.
    #[must_use]
    pub fn new_reporter(&self) -> Option<&Address> {
        if let Self::Reporter(address) = self { Some(address) } else { None }
    }

    /// The token that it confirms.
    #[must_use]
    pub fn confirmed_token(&self) -> Option<&str> {
        if let Self::Confirm(token) = self { Some(token) } else { None }
    }

    /// Whether it changes nothing.
    #[must_use]
    pub fn only_reads(&self) -> bool {
        matches!(self, Self::Status | Self::List | Self::Help)
    }
}

/// One line of a block: what was written and what it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The line as written, continuations joined.
    pub written: String,
    /// The command, or what is wrong with it. Frame lines have neither.
    pub meaning: Result<Option<Command>, String>,
}

/// A block with the text below it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Block {
    /// The lines in order.
    pub lines: Vec<Line>,
    /// The case that is named, in the block or in a quoted line of ours.
    pub case: Option<CaseId>,
    /// The nonce beside it.
    pub nonce: Option<String>,
    /// What stands below the block.
    pub body: String,
}

impl Block {
    /// The commands, in order.
    pub fn commands(&self) -> impl Iterator<Item = &Command> {
        self.lines.iter().filter_map(|line| line.meaning.as_ref().ok().and_then(Option::as_ref))
    }

    /// Whether a line is wrong.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.lines.iter().any(|line| line.meaning.is_err())
    }

    /// The highest grade that a command of the block needs.
    #[must_use]
    pub fn grade(&self) -> Grade {
        self.commands().map(Command::grade).max().unwrap_or(Grade::Frame)
    }

    /// The lines as written, to be read again later.
    #[must_use]
    pub fn written(&self) -> String {
        self.lines.iter().map(|line| format!("{}\n", line.written)).collect()
    }
}

/// Reads the new text of a mail. `quoted_case` is a `!case` line of ours found in the quoted part.
///
/// ```
/// use postern::domain::command::{parse, Command};
/// let block = parse("!owner me\n!severty high\n\nLooks real.", None, "EX");
/// assert!(block.has_errors());
/// assert!(block.lines[1].meaning.as_ref().unwrap_err().contains("did you mean !severity?"));
/// assert_eq!(block.body, "Looks real.");
/// ```
#[must_use]
pub fn parse(own_text: &str, quoted_case: Option<&str>, prefix: &str) -> Block {
    let mut block = Block::default();
    let mut rest = own_text.lines();
    while rest.clone().next().is_some_and(|line| line.trim().is_empty()) {
        rest.next();
    }
    // Column one, and nothing else: a line that stands indented was quoted or is shown.
    if rest.clone().next().is_some_and(|line| line.starts_with('!')) {
        for written in joined_lines(&mut rest) {
            let ended = read_line(&written, prefix, &mut block);
            if ended {
                break;
            }
        }
    }
    let body: Vec<&str> = rest.take_while(|line| line.trim_end() != "!end").collect();
    block.body = body.join("\n").trim().to_owned();
    if block.case.is_none()
        && let Some((case, nonce)) = quoted_case.and_then(|line| naming(line.trim_start_matches("!case"), prefix))
    {
        block.case = Some(case);
        block.nonce = Some(nonce);
    }
    block
}

/// The first line of a text that may not leave the team: a command, which ended up below the empty line that ends the
/// commands, or a line with which our own mails to members are answered, however it is quoted.
#[must_use]
pub fn internal_line(text: &str) -> Option<&str> {
    let marked = |c: char| c.is_whitespace() || matches!(c, '>' | '|' | ':');
    text.lines().find(|line| {
        let bare = line.trim_start_matches(marked);
        let word = bare.strip_prefix('!').and_then(|rest| rest.split_whitespace().next()).unwrap_or_default();
        let verb = VERBS.iter().any(|verb| verb.word.eq_ignore_ascii_case(word));
        verb && (line.starts_with('!') || matches!(word, "case" | "confirm" | "CASE" | "CONFIRM"))
    })
}

/// Takes the lines of the block from the front, with continuations joined, up to the first blank or foreign line.
fn joined_lines(rest: &mut std::str::Lines<'_>) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    loop {
        let mut ahead = rest.clone();
        let Some(line) = ahead.next() else { break };
        if line.trim().is_empty() {
            break;
        }
        let full = lines.len() > LINES_MAX;
        match lines.last_mut() {
            Some(last) if line.starts_with([' ', '\t']) => {
                last.push(' ');
                last.push_str(line.trim());
            }
            _ if full => break,
            _ => lines.push(line.trim_end().to_owned()),
        }
        *rest = ahead;
    }
    lines
}

/// Reads one line into the block; true when it ends the block.
fn read_line(written: &str, prefix: &str, block: &mut Block) -> bool {
    let line = |meaning| Line { written: written.to_owned(), meaning };
    let Some(command) = written.strip_prefix('!') else {
        let why = "no command: a command begins with \"!\", and an empty line ends the commands";
        block.lines.push(line(Err(why.to_owned())));
        return false;
    };
    if written.chars().count() > LINE_CHARS_MAX || block.lines.len() >= LINES_MAX {
        block.lines.push(Line {
            written: String::new(),
            meaning: Err("too long: at most 50 lines of 1000 characters".to_owned()),
        });
        return true;
    }
    let (word, arguments) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
    let arguments = arguments.trim();
    let word = word.to_ascii_lowercase();
    match word.as_str() {
        "end" => {
            block.lines.push(line(Ok(None)));
            return true;
        }
        "case" => {
            let meaning = match (block.case, naming(arguments, prefix)) {
                (Some(_), _) => Err("a mail names one case".to_owned()),
                (None, Some((case, nonce))) => {
                    block.case = Some(case);
                    block.nonce = Some(nonce);
                    Ok(None)
                }
                (None, None) => Err("write !case <label> <nonce>, as our mails to you show it".to_owned()),
            };
            block.lines.push(line(meaning));
        }
        _ => block.lines.push(line(read_command(&word, arguments).map(Some))),
    }
    false
}

fn naming(arguments: &str, prefix: &str) -> Option<(CaseId, String)> {
    let mut words = arguments.split_whitespace();
    let case = Label::case_in(prefix, words.next()?)?;
    let nonce = words.next()?;
    (nonce.len() <= 64 && words.next().is_none()).then(|| (case, nonce.to_owned()))
}

fn read_command(word: &str, arguments: &str) -> Result<Command, String> {
    let nothing = |command: Command| {
        if arguments.is_empty() { Ok(command) } else { Err(format!("!{word} takes no argument")) }
    };
    match word {
        "note" => nothing(Command::Note),
        "status" => nothing(Command::Status),
        "list" => nothing(Command::List),
        "publish" => nothing(Command::Publish),
        "help" => Ok(Command::Help),
        "to" => match arguments.to_ascii_lowercase().as_str() {
            "reporter" => Ok(Command::To(Letter::Reporter)),
            "maintainer" => Ok(Command::To(Letter::Maintainer)),
            "all" => Ok(Command::To(Letter::All)),
            _ => Err("write !to reporter, !to maintainer or !to all".to_owned()),
        },
        "owner" => match arguments {
            "" => Err("write !owner me, !owner - or !owner <member>".to_owned()),
            "-" => Ok(Command::Owner(OwnerChoice::Nobody)),
            me if me.eq_ignore_ascii_case("me") => Ok(Command::Owner(OwnerChoice::Me)),
            named => Ok(Command::Owner(OwnerChoice::Named(named.to_owned()))),
        },
        "state" => read_state(arguments),
        "severity" => match arguments {
            "" => Err("write !severity <level>, or !severity - to clear it".to_owned()),
            "-" => Ok(Command::Severity(None)),
            level => Ok(Command::Severity(Some(level.to_lowercase()))),
        },
        "embargo" if arguments.eq_ignore_ascii_case("lift") => Ok(Command::EmbargoLift),
        "embargo" => Timestamp::parse(arguments).map(Command::EmbargoUntil).ok_or_else(|| {
            "write a date with hour and zone such as !embargo 2026-03-01T16:00Z, or !embargo lift".to_owned()
        }),
        "maintainer" => read_maintainer(arguments),
        "admit" => {
            let (mail, party) = arguments.split_once(char::is_whitespace).unwrap_or((arguments, ""));
            let party = Some(party.trim().to_owned()).filter(|party| !party.is_empty());
            read_mail(mail)
                .map(|mail| Command::Admit(mail, party))
                .ok_or_else(|| "write !admit <mail> [<party>], such as !admit 17 r1".to_owned())
        }
        "reporter" => Address::parse(arguments.trim_matches(['<', '>']))
            .map(Command::Reporter)
            .ok_or_else(|| "write !reporter <address>, such as !reporter ana@example.org".to_owned()),
        "requeue" => read_mail(arguments)
            .map(Command::Requeue)
            .ok_or_else(|| "write !requeue <mail>, such as !requeue 17".to_owned()),
        "confirm" => match arguments {
            token if !token.is_empty() && token.len() <= 64 && !token.contains(char::is_whitespace) => {
                Ok(Command::Confirm(token.to_lowercase()))
            }
            _ => Err("write !confirm <token>, with the token of the mail that showed what will happen".to_owned()),
        },
        unknown => Err(match nearest(unknown, VERBS.iter().map(|verb| verb.word)) {
            Some(near) => format!("unknown command; did you mean !{near}?"),
            None => "unknown command; !help lists them".to_owned(),
        }),
    }
}

fn read_state(arguments: &str) -> Result<Command, String> {
    let (word, reason) = arguments.split_once(char::is_whitespace).unwrap_or((arguments, ""));
    let words = || ReportTrigger::ALL.iter().map(|trigger| trigger.word());
    let trigger = ReportTrigger::from_word(word).ok_or_else(|| match nearest(&word.to_lowercase(), words()) {
        Some(near) => format!("unknown state; did you mean {near}?"),
        None => format!("unknown state; the states are {}", words().collect::<Vec<_>>().join(", ")),
    })?;
    let reason = Some(reason.trim().to_owned()).filter(|reason| !reason.is_empty());
    if trigger == ReportTrigger::Close && reason.is_none() {
        return Err("closing needs a reason: !state closed <reason>, such as duplicate, cannot-reproduce or disclosed"
            .to_owned());
    }
    Ok(Command::State(trigger, reason))
}

fn read_maintainer(arguments: &str) -> Result<Command, String> {
    let (address, fingerprint) = arguments.split_once(char::is_whitespace).unwrap_or((arguments, ""));
    let address = Address::parse(address.trim_matches(['<', '>']))
        .ok_or_else(|| "write !maintainer <address> [<fingerprint>], such as !maintainer dev@example.org".to_owned())?;
    if fingerprint.trim().is_empty() {
        return Ok(Command::Maintainer(address, None));
    }
    let fingerprint = Fingerprint::parse(fingerprint)
        .ok_or_else(|| "give the full fingerprint (40 or 64 digits); a short key id can be forged".to_owned())?;
    Ok(Command::Maintainer(address, Some(fingerprint)))
}

fn read_mail(text: &str) -> Option<MailId> {
    text.trim_start_matches('#').parse().ok().filter(|id| *id > 0).map(MailId)
}

/// The table of verbs, as help shows it.
#[must_use]
pub fn help_text() -> String {
    let rows = VERBS.iter().map(|verb| {
        let usage = format!("!{} {}", verb.word, verb.arguments);
        let mark = if verb.grade == Grade::Strong { "*" } else { " " };
        format!("  {mark} {}\n      {}\n", usage.trim_end(), verb.summary)
    });
    format!(
        "Commands stand at the top of your mail, one a line, and end at the first empty line.\n\n{}\n\
         * needs your OpenPGP signature, or a second member's confirmation.\n",
        rows.collect::<String>()
    )
}

#[cfg(test)]
#[path = "command_tests.rs"]
mod tests;
