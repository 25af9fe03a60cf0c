//! What the benchmarks share: a house with one member who has a key, mails to feed it, and a clock on the wall.
#![allow(
    dead_code,
    clippy::allow_attributes,
    clippy::indexing_slicing,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_precision_loss,
    reason = "each benchmark uses a part of this, and may fail"
)]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use postern::domain::id::Address;
use postern::pgp::keyring::generate;

use crate::small_house::{House, now};

/// A house whose only member, Ana, has an OpenPGP key; acknowledgements are not capped.
pub fn house(inbox: &str, relay: &str) -> House {
    let house = House::new(inbox, relay, "example.org");
    let ana = Address::parse("ana@example.org").expect("an address");
    let key = generate("Ana", &ana, now()).expect("a key");
    fs::create_dir(house.path("certificates")).expect("a folder");
    fs::write(house.path("certificates/ana.asc"), &key.public_armored).expect("a certificate");
    house.change("secret = [\"team.key\"]", "secret = [\"team.key\"]\ncertificates = \"certificates\"");
    house.change("role = \"lead\"", &format!("role = \"lead\"\nfingerprint = \"{}\"", key.fingerprint));
    house.change("[[member]]\nname = \"Bo\"\naddress = \"bo@example.org\"\n\n", "");
    house.change(
        "[daemon]",
        "[limits]\nacks_per_hour = 100000\nacks_per_address_per_day = 1000\n\n[log]\nlevel = \"warn\"\n\n[daemon]",
    );
    house
}

/// A plain report of about 2 kB by a stranger of its own. Every one has words of its own, so that the index is a real one.
pub fn report(number: usize) -> Vec<u8> {
    let mut text = String::new();
    let mut state = (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut column = 0;
    while text.len() < 1500 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let word = WORDS[(state >> 33) as usize % WORDS.len()];
        let _ = write!(text, "{word}");
        // One in twenty words is a rare one: an identifier, a number, a name.
        if (state >> 20).is_multiple_of(20) {
            let _ = write!(text, "{}", (state >> 40) % 5000);
        }
        column += word.len() + 1;
        text.push_str(if column > 64 { "\r\n" } else { " " });
        if column > 64 {
            column = 0;
        }
    }
    format!(
        "Return-Path: <r{number}@reporter{}.example.net>\r\nReceived: from mx.example.net by mail.example.org with ESMTPS id {number:08};\r\n\
         \tSat, 21 Nov 2026 10:00:00 +0000\r\nAuthentication-Results: mail.example.org; dmarc=pass header.from=reporter{}.example.net\r\n\
         From: Reporter {number} <r{number}@reporter{}.example.net>\r\nTo: security@example.org\r\n\
         Subject: {} {} in module{} when {}\r\nMessage-ID: <{number}.{state:016x}@reporter.example.net>\r\n\
         Date: {}\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nHello,\r\n\r\n{text}\r\n\r\nRegards\r\n",
        number % 97, number % 97, number % 97,
        WORDS[number % 41], WORDS[number % 83], number % 300, WORDS[number % 61],
        date(),
    )
    .into_bytes()
}

fn date() -> String {
    let at = jiff::Timestamp::now() - jiff::SignedDuration::from_mins(5);
    jiff::fmt::rfc2822::to_string(&at.to_zoned(jiff::tz::TimeZone::UTC)).expect("a date")
}

/// Runs a program to its end; how long it took.
pub fn timed(command: &mut Command) -> Duration {
    let started = Instant::now();
    let output = command.stdin(Stdio::null()).output().expect("a program");
    let took = started.elapsed();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    took
}

/// The most memory that this process ever held, in MiB.
pub fn peak_memory_mib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("the process's status");
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("a peak");
    line.split_whitespace().nth(1).and_then(|kilobytes| kilobytes.parse::<u64>().ok()).expect("a number") / 1024
}

/// Processor time that this process has used, user's and kernel's.
pub fn processor_time() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").expect("the process's figures");
    let (_, after_name) = stat.rsplit_once(')').expect("a name");
    let ticks = after_name.split_whitespace().skip(11).take(2).map(|field| field.parse::<u64>().expect("a number"));
    // A tick is a hundredth of a second on every Linux that people run.
    Duration::from_millis(ticks.sum::<u64>() * 10)
}

/// A number given on the command line as `--name N`.
pub fn option(name: &str, otherwise: usize) -> usize {
    text_option(name).map_or(otherwise, |given| given.parse().unwrap_or_else(|_| panic!("--{name} takes a number")))
}

/// A word given on the command line as `--name WORD`.
pub fn text_option(name: &str) -> Option<String> {
    let arguments: Vec<String> = std::env::args().collect();
    let place = arguments.iter().position(|argument| *argument == format!("--{name}"))?;
    arguments.get(place + 1).cloned()
}

/// Mails a second.
pub fn rate(mails: usize, took: Duration) -> f64 {
    mails as f64 / took.as_secs_f64()
}

/// Where a program is; the benchmark ends with what to install when it is not.
pub fn needs(program: &str, package: &str) {
    let found = std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(program).is_file()))
        || Path::new("/usr/sbin").join(program).is_file();
    assert!(found, "{program} is missing: install the Debian package {package}");
}

pub const WORDS: [&str; 96] = [
    "overflow",
    "request",
    "the",
    "a",
    "parser",
    "buffer",
    "when",
    "length",
    "of",
    "header",
    "is",
    "larger",
    "than",
    "expected",
    "attacker",
    "can",
    "read",
    "memory",
    "beyond",
    "end",
    "and",
    "leak",
    "session",
    "token",
    "to",
    "remote",
    "server",
    "without",
    "login",
    "we",
    "found",
    "this",
    "in",
    "version",
    "branch",
    "stable",
    "release",
    "function",
    "called",
    "with",
    "untrusted",
    "input",
    "value",
    "integer",
    "wraps",
    "around",
    "then",
    "copy",
    "writes",
    "past",
    "allocated",
    "space",
    "crash",
    "trace",
    "attached",
    "please",
    "confirm",
    "patch",
    "proposed",
    "below",
    "check",
    "bounds",
    "before",
    "use",
    "template",
    "escape",
    "script",
    "injection",
    "query",
    "database",
    "column",
    "user",
    "role",
    "admin",
    "page",
    "upload",
    "file",
    "path",
    "traversal",
    "symlink",
    "race",
    "lock",
    "thread",
    "cache",
    "proxy",
    "redirect",
    "cookie",
    "signature",
    "verify",
    "certificate",
    "expired",
    "nonce",
    "random",
    "seed",
    "key",
    "cipher",
];
