//! Reads every mail of the shared corpus: none may panic or take longer than two seconds. Prints how often subject,
//! sender, Message-ID and class are as expected; only that something was read is asserted.
//!
//! Skipped where the corpus is absent; fails there under `POSTERN_REQUIRE_SHARED=1`.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test reads files, measures time and prints scores"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use postern::domain::id::Address;
use postern::domain::token::InstanceKey;
use postern::mail::classify::{MailClass, OwnMarks, classify};
use postern::mail::parse::{Limits, ParsedMail, parse};

/// The longest that reading one mail may take.
const MOST: Duration = Duration::from_secs(2);

fn corpus() -> Option<PathBuf> {
    let shared = std::env::var_os("POSTERN_SHARED").map_or_else(|| PathBuf::from("../shared"), PathBuf::from);
    Some(shared.join("corpus")).filter(|folder| folder.is_dir())
}

/// Right and wrong answers by field.
#[derive(Default)]
struct Scores(BTreeMap<&'static str, (usize, usize)>);

impl Scores {
    fn count(&mut self, field: &'static str, file: &str, right: bool) {
        let score = self.0.entry(field).or_default();
        if right {
            score.0 += 1;
        } else {
            score.1 += 1;
            if std::env::var_os("POSTERN_CORPUS_MISSES").is_some() {
                println!("miss {field}: {file}");
            }
        }
    }

    fn compare(&mut self, file: &str, raw: &[u8], expected: &serde_json::Value, mail: &ParsedMail, class: &MailClass) {
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        if let Some(subject) = expected["subject"].as_str() {
            self.count("subject", file, words(subject) == words(&mail.subject));
        }
        if let Some(from) = expected["from"].as_array() {
            let wanted: Vec<String> = from.iter().filter_map(|a| a.as_str()).map(str::to_lowercase).collect();
            let found: Vec<String> = mail.from.iter().filter_map(|m| m.addr_spec()).map(str::to_lowercase).collect();
            self.count("from", file, wanted == found);
        }
        self.compare_more(file, raw, expected, mail);
        if let Some(id) = expected["message_id"].as_str() {
            self.count("message_id", file, mail.message_id.as_ref().is_some_and(|found| found.as_str() == id));
        }
        if let Some(text) = expected["text"].as_str() {
            let (wanted, found) = (words(text), words(&mail.first_text));
            let cut = expected["text_cut"].as_bool().unwrap_or(false);
            if !(if cut { found.starts_with(&wanted) } else { found == wanted }) {
                let at = wanted.chars().zip(found.chars()).take_while(|(a, b)| a == b).count();
                let show = |t: &str| t.chars().skip(at.saturating_sub(30)).take(100).collect::<String>();
                println!("  text {} {}\n   W {:?}\n   F {:?}", wanted.len(), found.len(), show(&wanted), show(&found));
            }
            self.count("text", file, if cut { found.starts_with(&wanted) } else { found == wanted });
        }
        let bounce = matches!(class, MailClass::Bounce(_));
        if let Some(wanted) = expected["is_bounce"].as_bool() {
            self.count("is_bounce", file, wanted == bounce);
        }
        if let Some(wanted) = expected["is_auto_reply"].as_bool() {
            let automatic = bounce || matches!(class, MailClass::Automatic(_) | MailClass::Own);
            self.count("is_auto_reply", file, wanted == automatic);
        }
        if let (Some(id), MailClass::Bounce(report)) = (expected["original_message_id"].as_str(), class) {
            let found = report.original_message_ids.first().is_some_and(|first| first.as_str() == id);
            self.count("original_message_id", file, found);
        }
        if let (Some(wanted), MailClass::Bounce(report)) = (expected["bounce"].as_array(), class) {
            let found: Vec<String> =
                report.recipients.iter().filter_map(|r| r.address.as_ref()).map(Address::key).collect();
            let right = wanted.iter().all(|entry| {
                let names = [entry["recipient"].as_str(), entry["alt"].as_str()];
                names.iter().flatten().any(|name| found.contains(&name.to_lowercase()))
            });
            self.count("bounced recipients", file, right);
        }
        if let Some(kind) = expected["pgp"]["kind"].as_str() {
            let layer = format!("{:?}", mail.layer).to_lowercase();
            let wanted = kind.replace("mime-", "").replace('-', "");
            let partial = expected["pgp"]["partial"].as_bool().unwrap_or(false);
            self.count("pgp layer", file, layer.starts_with(if partial { "partial" } else { &wanted }));
        }
    }

    fn compare_more(&mut self, file: &str, raw: &[u8], expected: &serde_json::Value, mail: &ParsedMail) {
        let strings = |name: &str| -> Option<Vec<String>> {
            let list = expected[name].as_array()?;
            Some(list.iter().filter_map(|a| a.as_str()).map(str::to_lowercase).collect())
        };
        for (name, mailboxes) in [("to", &mail.to), ("cc", &mail.cc)] {
            if let Some(wanted) = strings(name) {
                let found: Vec<String> =
                    mailboxes.iter().filter_map(|m| m.addr_spec()).map(str::to_lowercase).collect();
                self.count(name, file, wanted == found);
            }
        }
        for (name, ids) in [("in_reply_to", &mail.in_reply_to), ("references", &mail.references)] {
            if let Some(wanted) = strings(name) {
                let found: Vec<String> = ids.iter().map(|id| id.as_str().to_lowercase()).collect();
                self.count(name, file, wanted == found);
            }
        }
        if let Some(wanted) = expected["date"].as_str() {
            self.count("date", file, mail.date.is_some_and(|date| date.to_string() == wanted));
        }
        if let Some(wanted) = expected["has_html"].as_bool() {
            self.count("has_html", file, wanted == mail.has_html);
        }
        if let Some(wanted) = expected["attachments"].as_array() {
            let named = postern::mail::parse::named_parts(raw, &Limits::default());
            let right = wanted.len() == named.len()
                && wanted.iter().zip(&named).all(|(wanted, part)| {
                    let digest = postern::domain::token::hex(&<sha2::Sha256 as sha2::Digest>::digest(&part.bytes));
                    wanted["filename"].as_str() == part.name.as_deref()
                        && wanted["sha256"].as_str().is_none_or(|sum| sum == digest)
                });
            if !right {
                println!(
                    "  {:?}\n  {:?}",
                    wanted,
                    named.iter().map(|p| (&p.name, &p.content_type, p.bytes.len())).collect::<Vec<_>>()
                );
            }
            self.count("attachments", file, right);
        }
    }
}

fn read_folder(folder: &Path, scores: &mut Scores) -> usize {
    let key = InstanceKey::from_secret(b"corpus");
    let own = OwnMarks { key: &key, addresses: &[], loop_header_value: "corpus", intake: &[] };
    let list = std::fs::read_to_string(folder.join("expect.jsonl")).unwrap_or_default();
    let mut read = 0;
    for line in list.lines() {
        let expected: serde_json::Value = serde_json::from_str(line).expect("expect.jsonl holds one object a line");
        let file = expected["file"].as_str().unwrap_or_default();
        // Advisories and pages stand in the same lists.
        if expected["classes"].is_null() || file.ends_with(".html") {
            continue;
        }
        let raw =
            std::fs::read(folder.parent().expect("a folder of the corpus").join(file)).expect("the file is there");
        let begun = Instant::now();
        let mail = parse(&raw, &Limits::default());
        let class = classify(&mail, &own);
        assert!(begun.elapsed() <= MOST, "{file} took {:?}", begun.elapsed());
        scores.compare(file, &raw, &expected, &mail, &class);
        read += 1;
    }
    read
}

#[test]
fn every_mail_of_the_corpus_is_read_without_panic_and_in_time() {
    let Some(corpus) = corpus() else {
        assert!(std::env::var_os("POSTERN_REQUIRE_SHARED").is_none(), "the shared corpus is required and absent");
        eprintln!("skipped: the shared corpus is absent");
        return;
    };
    let mut scores = Scores::default();
    let mut read = 0;
    let mut folders: Vec<PathBuf> =
        std::fs::read_dir(&corpus).expect("the corpus can be listed").filter_map(|e| Some(e.ok()?.path())).collect();
    folders.sort();
    for folder in folders {
        read += read_folder(&folder, &mut scores);
    }
    println!("{read} mails read");
    for (field, (right, wrong)) in &scores.0 {
        println!("{field}: {right} of {}", right + wrong);
    }
    assert!(read > 0, "no mail was read");
}
