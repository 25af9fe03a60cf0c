//! One question after the other: what was given is taken, else asked for, else the default holds.
//!
//! Reads lines from what it is given, so that a test can be the person. Without anybody to ask, everything that is
//! missing or wrong is collected and told at once.

use std::io::{BufRead, Write};

use zeroize::Zeroizing;

use crate::daemon::exit::{Failure, IO, USAGE};

/// Wrong answers to one question before it is given up.
const TRIES_MAX: usize = 5;
/// Longest answer, in bytes.
const ANSWER_MAX_BYTES: usize = 4096;

/// Reads a line that is not shown: from the first argument, after the question was put to the second. The question comes
/// once nothing is shown any more, for a quick person types as soon as it is there.
pub(super) type Hidden<'a> = &'a dyn Fn(&mut dyn BufRead, &mut dyn Write, &str) -> Result<Zeroizing<String>, Failure>;

/// Puts words before a person at once.
pub(super) fn put(output: &mut dyn Write, words: &str) -> Result<(), Failure> {
    let said = output.write_all(words.as_bytes()).and_then(|()| output.flush());
    said.map_err(|error| Failure::new(IO, format!("failed to ask: {error}")))
}

/// Who is asked.
pub(super) struct Asker<'a> {
    person: Option<(&'a mut dyn BufRead, &'a mut dyn Write, Hidden<'a>)>,
    wrong: Vec<String>,
}

impl<'a> Asker<'a> {
    /// Nobody.
    pub(super) fn silent() -> Self {
        Self { person: None, wrong: Vec::new() }
    }

    /// A person, who reads `output` and whose lines come from `input`.
    pub(super) fn of(input: &'a mut dyn BufRead, output: &'a mut dyn Write, hidden: Hidden<'a>) -> Self {
        Self { person: Some((input, output, hidden)), wrong: Vec::new() }
    }

    /// The value of an option: as given, as answered, or the default. `None` where it is missing or wrong, which is
    /// told at the end.
    pub(super) fn value<T>(
        &mut self,
        option: &str,
        given: Option<&str>,
        question: &str,
        default: Option<&str>,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Option<T>, Failure> {
        if let Some(given) = given {
            return Ok(read(given).map_err(|why| self.wrong.push(format!("{option}: {why}"))).ok());
        }
        if self.person.is_none() {
            return Ok(match default.map(&read) {
                Some(Ok(value)) => Some(value),
                Some(Err(why)) => {
                    self.wrong.push(format!("{option}: {why}"));
                    None
                }
                None => {
                    self.wrong.push(format!("{option}: is missing"));
                    None
                }
            });
        }
        for _ in 0..TRIES_MAX {
            let shown = default.map_or_else(String::new, |default| format!(" [{default}]"));
            let answer = self.line(&format!("{question}{shown}: "))?;
            let answer = if answer.is_empty() { default.unwrap_or_default() } else { &answer };
            match read(answer) {
                Ok(value) => return Ok(Some(value)),
                Err(why) => self.say(&format!("  {why}\n"))?,
            }
        }
        Err(Failure::new(USAGE, format!("no answer could be used for {option}; nothing was made")))
    }

    /// A secret that is typed without being shown; `None` where nobody can be asked.
    pub(super) fn secret(&mut self, question: &str) -> Result<Option<Zeroizing<String>>, Failure> {
        let Some((input, output, hidden)) = &mut self.person else { return Ok(None) };
        let secret = hidden(&mut **input, &mut **output, question)?;
        self.say("\n")?;
        Ok(Some(secret))
    }

    /// Whether there is somebody to ask.
    pub(super) fn is_answered(&self) -> bool {
        self.person.is_some()
    }

    /// Words to the person.
    pub(super) fn say(&mut self, words: &str) -> Result<(), Failure> {
        let Some((_, output, _)) = &mut self.person else { return Ok(()) };
        put(&mut **output, words)
    }

    /// Something that an option got wrong.
    pub(super) fn complain(&mut self, what: String) {
        self.wrong.push(what);
    }

    /// What was read, if nothing was missing or wrong.
    ///
    /// # Errors
    /// All of it, one a line.
    pub(super) fn done<T>(self, value: Option<T>) -> Result<T, Failure> {
        match value {
            Some(value) if self.wrong.is_empty() => Ok(value),
            Some(_) | None => Err(Failure::new(USAGE, self.wrong.join("\n"))),
        }
    }

    fn line(&mut self, question: &str) -> Result<String, Failure> {
        self.say(question)?;
        let Some((input, _, _)) = &mut self.person else { return Ok(String::new()) };
        read_line(&mut **input).map(|line| line.trim().to_owned())
    }
}

/// A line without its end.
///
/// # Errors
/// The input ended, or the line is too long.
pub(super) fn read_line(input: &mut dyn BufRead) -> Result<Zeroizing<String>, Failure> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(ANSWER_MAX_BYTES));
    let over = |why: &str| Failure::new(USAGE, format!("{why}; nothing was made"));
    loop {
        let buffer = input.fill_buf().map_err(|error| over(&format!("failed to read the answer: {error}")))?;
        let Some(first) = buffer.first().copied() else { return Err(over("the answers ended too early")) };
        input.consume(1);
        match first {
            b'\n' => break,
            // What Ctrl-C writes while the terminal shows nothing.
            0x03 => return Err(over("stopped")),
            _ if bytes.len() == ANSWER_MAX_BYTES => return Err(over("an answer is too long")),
            byte => bytes.push(byte),
        }
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| over("an answer is not UTF-8 text"))?;
    Ok(Zeroizing::new(text.trim_end_matches('\r').to_owned()))
}
