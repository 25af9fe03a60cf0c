//! `postern check`: one line for each thing that was tried.
//!
//! On standard output, for people or as JSON. What takes over two seconds is named on standard error meanwhile.

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use super::arguments::CheckOptions;
use super::run::environment;
use crate::daemon::check::{Finding, Level, News, check as try_everything};
use crate::daemon::exit::{Failure, IO};

/// After this time a person is told what is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// Tries everything and prints what was found.
pub fn check(options: &CheckOptions) -> Result<(), Failure> {
    let (news, told) = channel();
    let json = options.json;
    let printer = std::thread::spawn(move || print_all(&told, json));
    let result = try_everything(&options.config, environment(), options.roundtrip, &mut |news_item| {
        // A printer that has ended could not write; the exit code says so below.
        drop(news.send(news_item));
    });
    drop(news);
    let printed = printer.join().unwrap_or_else(|_| Err(io::Error::other("the printer stopped")));
    match printed {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => result,
        Err(error) => Err(Failure::new(IO, format!("failed to write: {error}"))),
        Ok(()) => result,
    }
}

fn print_all(told: &Receiver<News>, json: bool) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let mut trying: Option<String> = None;
    loop {
        let news = match &trying {
            None => told.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(_) => told.recv_timeout(PATIENCE),
        };
        match news {
            Ok(News::Trying(what)) => trying = Some(what),
            Ok(News::Found(finding)) => {
                trying = None;
                let line = if json { as_json(&finding)? } else { as_text(&finding) };
                writeln!(out, "{line}")?;
                out.flush()?;
            }
            Err(RecvTimeoutError::Timeout) => {
                if let Some(what) = trying.take() {
                    writeln!(io::stderr(), "postern: {what} ...")?;
                }
            }
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        }
    }
}

fn word(level: Level) -> &'static str {
    match level {
        Level::Well => "ok",
        Level::Warning => "warning",
        Level::ToDo => "TO DO",
    }
}

fn as_text(finding: &Finding) -> String {
    format!("{:<8} {:<10} {}", word(finding.level), finding.area, finding.text)
}

fn as_json(finding: &Finding) -> io::Result<String> {
    let level = word(finding.level).to_lowercase().replace(' ', "-");
    let object = serde_json::json!({ "area": finding.area, "level": level, "text": finding.text });
    serde_json::to_string(&object).map_err(io::Error::other)
}
