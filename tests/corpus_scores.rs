//! The table of scores: what `postern explain --json` says of real mails from public test suites, against what is
//! expected of them.
//!
//! Reads `corpus` below `POSTERN_SHARED` or `../shared`, whose README says how each field is compared; says that it
//! skips where neither is there, unless `POSTERN_REQUIRE_SHARED=1`. `contrib/corpus-scores` runs just this;
//! `POSTERN_CORPUS_MISSES=1` lists every answer that is not as expected.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test runs the program, measures time, prints a table and stops at what it cannot read"
)]

#[path = "corpus_scores/compare.rs"]
mod compare;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use compare::Scores;
use serde_json::Value;

/// The longest that one mail may take, the start of the program and the reading of the keys included.
const MOST: Duration = Duration::from_secs(2);

/// What has been reached, less a little: a score below is a mistake made since.
const FLOORS: [(&str, f64); 13] = [
    ("parse", 0.99),
    ("auto", 0.97),
    ("bounce: is_bounce", 0.98),
    ("bounce: recipients", 0.94),
    ("bounce: status", 0.96),
    ("bounce: original id", 1.0),
    ("reply: precision", 0.97),
    ("reply: recall", 0.92),
    ("reply: F1", 0.95),
    ("thread", 1.0),
    ("pgp", 0.94),
    ("autocrypt", 1.0),
    ("robust", 1.0),
];

/// Passphrases of test keys, as their sources give them.
const PASSPHRASES: &str = "no.secret\n";

fn corpus() -> Option<PathBuf> {
    let shared = std::env::var_os("POSTERN_SHARED").map_or_else(|| PathBuf::from("../shared"), PathBuf::from);
    shared.join("corpus").canonicalize().ok().filter(|folder| folder.is_dir())
}

/// Runs the program in the corpus; gives what it printed by file, and how long it took.
fn explain(corpus: &Path, keys: Option<&Path>, paths: &[&str]) -> (BTreeMap<String, Value>, Duration) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_postern"));
    command.current_dir(corpus).args(["explain", "--json"]);
    if let Some(keys) = keys {
        command.arg("--keys").arg(keys);
    }
    let begun = (spent(), Instant::now());
    let output = command.args(paths).output().expect("the program runs");
    // What the processors worked, where the system tells: other programs may make the program wait.
    let took = spent().zip(begun.0).map_or_else(|| begun.1.elapsed(), |(after, before)| after.saturating_sub(before));
    assert!(output.status.success(), "{paths:?}: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let objects = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("one object a line"));
    let by_file = objects.map(|object| (object["file"].as_str().expect("a file").to_owned(), object)).collect();
    (by_file, took)
}

/// The time for which processors worked on programs that this one ran: the fields cutime and cstime of proc(5).
fn spent() -> Option<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let (_, behind_the_name) = stat.rsplit_once(')')?;
    let ticks = behind_the_name.split_whitespace().skip(13).take(2).map(|field| field.parse::<u64>().ok());
    // A hundred ticks are a second on every Linux.
    ticks.sum::<Option<u64>>().map(|ticks| Duration::from_millis(ticks * 10))
}

/// The files that take too long by themselves, looked for by halves.
fn late<'a>(corpus: &Path, keys: Option<&Path>, files: &[&'a str]) -> Vec<&'a str> {
    if files.is_empty() || explain(corpus, keys, files).1 <= MOST {
        return Vec::new();
    }
    match files.split_at(files.len() / 2) {
        ([], only) => only.to_vec(),
        (one, other) => [late(corpus, keys, one), late(corpus, keys, other)].concat(),
    }
}

/// A copy of a folder's keys with the passphrases beside them.
fn keys_of(folder: &Path) -> Option<tempfile::TempDir> {
    let keys = std::fs::read_dir(folder.join("keys")).ok()?;
    let copy = tempfile::tempdir().expect("a folder");
    for key in keys.map(|key| key.expect("a key").path()) {
        let bytes = std::fs::read(&key).expect("a key");
        std::fs::write(copy.path().join(key.file_name().expect("a name")), bytes).expect("a copy");
    }
    std::fs::write(copy.path().join("passphrases"), PASSPHRASES).expect("a file");
    Some(copy)
}

fn expectations(folder: &Path) -> Vec<Value> {
    let list = std::fs::read_to_string(folder.join("expect.jsonl")).unwrap_or_default();
    let all = list.lines().map(|line| serde_json::from_str::<Value>(line).expect("one object a line"));
    // Advisories stand in lists of the same form.
    all.filter(|expected| expected["classes"].is_array()).collect()
}

fn score_folder(corpus: &Path, folder: &Path, scores: &mut Scores) -> usize {
    let expected = expectations(folder);
    if expected.is_empty() {
        return 0;
    }
    let keys = keys_of(folder);
    let keys = keys.as_ref().map(tempfile::TempDir::path);
    let name = folder.file_name().and_then(|name| name.to_str()).expect("a name");
    let (found, took) = explain(corpus, keys, &[name]);
    println!("{name}: {} mails, {} ms", expected.len(), took.as_millis());
    let files: Vec<&str> = expected.iter().map(|expected| expected["file"].as_str().expect("a file")).collect();
    let late = if took <= MOST { Vec::new() } else { late(corpus, keys, &files) };
    for (expected, file) in expected.iter().zip(files) {
        scores.compare(file, expected, found.get(file), !late.contains(&file));
    }
    scores.threads(&expected, &found);
    expected.len()
}

#[test]
fn the_mails_of_the_corpus_are_read_as_expected() {
    let Some(corpus) = corpus() else {
        assert!(std::env::var_os("POSTERN_REQUIRE_SHARED").is_none(), "the shared corpus is required and absent");
        println!("skipped: the shared corpus is absent");
        return;
    };
    let entries = std::fs::read_dir(&corpus).expect("the corpus can be listed");
    let mut folders: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    folders.sort();
    let mut scores = Scores::default();
    let read: usize = folders.iter().map(|folder| score_folder(&corpus, folder, &mut scores)).sum();
    assert!(read > 0, "the corpus holds no mail");
    let table = scores.table();
    println!("\n{read} mails\n\n{:24} {:>6} {:>6}  {}", "", "right", "of", "ratio");
    for row in &table {
        println!("{:24} {:>6} {:>6}  {:.3}", row.name, row.right, row.of, row.ratio());
    }
    for (name, floor) in FLOORS {
        let row = table.iter().find(|row| row.name == name).expect("each floor is that of a row");
        assert!(row.ratio() >= floor, "{name}: {:.3} is below {floor}", row.ratio());
    }
}
