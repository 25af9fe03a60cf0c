//! How well own text is told from quotes, on replies collected from other projects' test suites.
//!
//! Reads `corpus/*/expect.jsonl` below `POSTERN_SHARED` or `../shared`; says that it skips where neither is
//! there, unless `POSTERN_REQUIRE_SHARED=1`. Prints precision, recall and F1 by line for each source, and asserts no figure.
#![expect(clippy::expect_used, reason = "a test stops at what it cannot read")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use postern::mail::parse::{Limits, parse};
use postern::mail::quote::own_text;

fn corpus() -> Option<PathBuf> {
    let shared = std::env::var_os("POSTERN_SHARED").map_or_else(|| PathBuf::from("../shared"), PathBuf::from);
    Some(shared.join("corpus")).filter(|corpus| corpus.is_dir())
}

fn collapsed(text: &str) -> Vec<String> {
    let collapse = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    text.lines().map(collapse).filter(|line| !line.is_empty()).collect()
}

/// Lines in both, lines in the result, lines expected.
#[derive(Default, Clone, Copy)]
struct Score {
    hit: usize,
    got: usize,
    wanted: usize,
}

impl Score {
    fn of(got: &str, wanted: &str) -> Self {
        let (got, wanted) = (collapsed(got), collapsed(wanted));
        let mut left: BTreeMap<&str, usize> = BTreeMap::new();
        for line in &wanted {
            *left.entry(line).or_default() += 1;
        }
        let mut hit = 0;
        for line in &got {
            if let Some(count) = left.get_mut(line.as_str()).filter(|count| **count > 0) {
                *count -= 1;
                hit += 1;
            }
        }
        Self { hit, got: got.len(), wanted: wanted.len() }
    }

    fn add(&mut self, other: Self) {
        (self.hit, self.got, self.wanted) = (self.hit + other.hit, self.got + other.got, self.wanted + other.wanted);
    }

    fn f1(self) -> f64 {
        if self.got + self.wanted == 0 { 1.0 } else { 2.0 * self.hit as f64 / (self.got + self.wanted) as f64 }
    }
}

/// A body as it is; a mail, or HTML alone, as the product reads it.
fn text_of(corpus: &Path, file: &str) -> String {
    let bytes = std::fs::read(corpus.join(file)).expect("a file that is named can be read");
    let head: &[u8] = if file.ends_with(".html") { b"Content-Type: text/html; charset=utf-8\n\n" } else { b"" };
    if file.ends_with(".eml") || !head.is_empty() {
        return parse(&[head, &bytes].concat(), &Limits::default()).text;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What one source's mails came to.
#[derive(Default)]
struct Tally {
    reply: Score,
    unsigned: Score,
    closing: Score,
    files: usize,
    words: usize,
    words_right: usize,
}

impl Tally {
    fn judge(&mut self, expect: &serde_json::Value, file: &str, text: &str) {
        let own = own_text(text);
        let closing = own.closing.clone().unwrap_or_default();
        for (field, got, score) in [
            ("reply_text", &own.reply, &mut self.reply),
            ("reply_text_no_signature", &own.unsigned, &mut self.unsigned),
            ("signature", &closing, &mut self.closing),
        ] {
            let Some(wanted) = expect[field].as_str() else { continue };
            let one = Score::of(got, wanted);
            if one.hit < one.got.max(one.wanted) {
                println!("  {file}: {field}: {} of {} lines, {} returned", one.hit, one.wanted, one.got);
            }
            score.add(one);
        }
        for (field, has) in [("must_contain", true), ("must_not_contain", false)] {
            for words in expect[field].as_array().into_iter().flatten().filter_map(|words| words.as_str()) {
                self.words += 1;
                self.words_right += usize::from(own.reply.contains(words) == has);
                if own.reply.contains(words) != has {
                    println!("  {file}: {field} {words:?}");
                }
            }
        }
        self.files += 1;
    }

    fn add(&mut self, other: &Self) {
        self.reply.add(other.reply);
        self.unsigned.add(other.unsigned);
        self.closing.add(other.closing);
        self.files += other.files;
        self.words += other.words;
        self.words_right += other.words_right;
    }

    fn print(&self, name: &str) {
        let f1 = |score: Score| if score.wanted > 0 { format!("{:.3}", score.f1()) } else { "-".to_owned() };
        println!(
            "{name}: {} files, reply F1 {} (precision {:.3}, recall {:.3}), without signature {}, signature {}, words {}/{}",
            self.files,
            f1(self.reply),
            self.reply.hit as f64 / self.reply.got.max(1) as f64,
            self.reply.hit as f64 / self.reply.wanted.max(1) as f64,
            f1(self.unsigned),
            f1(self.closing),
            self.words_right,
            self.words,
        );
    }
}

#[test]
fn own_text_of_the_corpus() {
    let Some(corpus) = corpus() else {
        let required = std::env::var_os("POSTERN_REQUIRE_SHARED").is_some_and(|value| value == "1");
        assert!(!required, "the corpus is required and not there: set POSTERN_SHARED");
        println!("skipped: no corpus (set POSTERN_SHARED)");
        return;
    };
    let mut all = Tally::default();
    let mut folders: Vec<PathBuf> =
        std::fs::read_dir(&corpus).expect("the corpus").map(|entry| entry.expect("an entry").path()).collect();
    folders.sort();
    for folder in folders {
        let Ok(expectations) = std::fs::read_to_string(folder.join("expect.jsonl")) else { continue };
        let mut tally = Tally::default();
        for line in expectations.lines() {
            let expect: serde_json::Value = serde_json::from_str(line).expect("a line of JSON");
            let is_reply = expect["classes"].as_array().is_some_and(|classes| classes.iter().any(|c| c == "reply"));
            let file = expect["file"].as_str().unwrap_or_default();
            if file.ends_with(".html") && file.contains("repl") {
                // Nothing says what is own in it: to be read by whoever runs this.
                let own = own_text(&text_of(&corpus, file));
                println!("  {file}: {:?}, {} lines quoted", own.reply, own.quoted.lines().count());
            }
            if is_reply {
                tally.judge(&expect, file, &text_of(&corpus, file));
            }
        }
        if tally.files > 0 {
            tally.print(&folder.file_name().unwrap_or_default().to_string_lossy());
        }
        all.add(&tally);
    }
    all.print("own text");
    assert!(all.files > 0, "the corpus holds no replies");
}
