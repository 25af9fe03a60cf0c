//! Searches in a store of 100,000 mails. See contrib/bench/search.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark measures time and prints figures"
)]

#[path = "../tests/support/small_house.rs"]
mod small_house;
mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use postern::adapters::clock::SystemClock;
use postern::daemon::assemble;
use postern::domain::event::Answerable;
use postern::engine::step::Adopt;
use postern::ports::{Clock, Wake};
use postern::settings::Settings;
use support::{WORDS, house, option, report};

/// Hits that a query asks for; `postern case search` asks for 20 unless told otherwise.
const HITS: usize = 50;

fn main() {
    let mails = option("mails", 100_000);
    let queries = option("queries", 1000);
    let house = house("kind = \"maildir\"\npath = \"inbox\"", "kind = \"folder\"\npath = \"out\"");
    let settings = Settings::load(&house.settings(), std::env::vars()).expect("settings");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let wake: Wake = Arc::new(|| {});
    let mut engine = assemble::engine(&settings, Some(Adopt::Ack), runtime.handle(), &wake).expect("an engine");
    engine.hold_outgoing(true);
    for first in (0..mails).step_by(200) {
        let batch = (first..(first + 200).min(mails)).map(report).collect();
        engine.ingest(batch, Answerable::Old, SystemClock.now()).expect("stored");
        while engine.step(SystemClock.now()).expect("a step").worked {}
    }
    let (mut took, mut hits) = (Vec::new(), 0);
    for number in 0..queries {
        let query = query(number);
        let started = Instant::now();
        hits += engine.store().session().search(&query, HITS).expect("an answer").len();
        took.push(started.elapsed());
    }
    took.sort();
    let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize];
    println!("{queries} queries over {mails} mails, {:.1} hits each (at most {HITS})", hits as f64 / queries as f64);
    for (name, share) in [("median", 0.5), ("95 %", 0.95), ("99 %", 0.99), ("slowest", 1.0)] {
        println!("{name:>8} {:>8.2} ms", at(share).as_secs_f64() * 1000.0);
    }
    let quick = took.iter().filter(|took| **took < Duration::from_millis(10)).count();
    println!("under 10 ms: {:.1} %", quick as f64 * 100.0 / took.len() as f64);
}

/// As people ask: a common word, two common words, a rare one, a rare one with a common one, one that is nowhere, a sender's number.
fn query(number: usize) -> String {
    let common = WORDS[number % WORDS.len()];
    let other = WORDS[(number * 7 + 3) % WORDS.len()];
    let rare = format!("{other}{}", number * 13 % 5000);
    match number % 6 {
        0 => common.to_owned(),
        1 => format!("{common} {other}"),
        2 => rare,
        3 => format!("{rare} {common}"),
        4 => format!("nowhere{number}"),
        _ => format!("module{} {common} {other}", number % 300),
    }
}
