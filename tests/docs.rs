//! The manual and the mail texts agree with the code.
//!
//! `UPDATE_GOLDEN=1 cargo test --test docs` writes the table of verbs anew.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use postern::domain::command::{Grade, VERBS};
use postern::domain::template::{Fields, Template, Templates};

const BEGIN: &str =
    "<!-- verbs: made from domain::command::VERBS; after a change run UPDATE_GOLDEN=1 cargo test --test docs -->\n";
const END: &str = "<!-- end of verbs -->\n";
const COLUMNS_MAX: usize = 72;

fn at(relative: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(relative)
}

fn read(relative: &str) -> String {
    let text = fs::read_to_string(at(relative)).unwrap_or_default();
    assert!(!text.is_empty(), "{relative} is missing or empty");
    text
}

fn verb_table() -> String {
    let cell = |text: &str| text.replace('|', "\\|");
    let rows = VERBS.iter().map(|verb| {
        let usage = format!("!{} {}", verb.word, verb.arguments);
        let grade = match verb.grade {
            Grade::Frame => "frame",
            Grade::Token => "token",
            Grade::Strong => "strong",
        };
        format!("| `{}` | {grade} | {} |\n", cell(usage.trim_end()), cell(verb.summary))
    });
    format!("\n| Command | Grade | What it does |\n|---|---|---|\n{}\n", rows.collect::<String>())
}

#[test]
fn the_manual_lists_every_verb_as_the_code_has_it() {
    let manual = read("docs/commands.md");
    let (before, rest) = manual.split_once(BEGIN).expect("docs/commands.md has the mark before its table");
    let (table, after) = rest.split_once(END).expect("docs/commands.md has the mark after its table");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(at("docs/commands.md"), format!("{before}{BEGIN}{}{END}{after}", verb_table())).unwrap();
        return;
    }
    assert_eq!(table, verb_table(), "the table of docs/commands.md is old; run again with UPDATE_GOLDEN=1");
}

/// The words behind `!` in a text, where a command is meant.
fn verbs_named(text: &str) -> Vec<String> {
    let mut named = Vec::new();
    let mut before = '\n';
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if c == '!' && (before.is_whitespace() || before == '`') {
            named.push(rest.clone().take_while(char::is_ascii_lowercase).collect::<String>());
        }
        before = c;
    }
    named.retain(|word| !word.is_empty());
    named
}

fn template_texts() -> BTreeMap<&'static str, String> {
    Template::ALL.iter().map(|t| (t.name(), read(&format!("contrib/templates/en/{}.txt", t.name())))).collect()
}

#[test]
fn no_text_names_a_verb_that_does_not_exist() {
    let mut texts = template_texts();
    texts.insert("commands", read("docs/commands.md"));
    texts.insert("mail-fates", read("docs/mail-fates.md"));
    for (name, text) in texts {
        for word in verbs_named(&text) {
            assert!(VERBS.iter().any(|verb| verb.word == word), "{name} names !{word}");
        }
    }
}

/// A template line without its tags and fields.
fn own_words(line: &str) -> String {
    let mut own = String::new();
    let mut rest = line;
    while let Some((before, tagged)) = rest.split_once('{') {
        own.push_str(before);
        rest = match tagged.chars().next() {
            Some('{') => tagged.split_once("}}").map_or("", |(_, after)| after),
            Some('%') => tagged.split_once("%}").map_or("", |(_, after)| after),
            _ => tagged,
        };
    }
    own + rest
}

#[test]
fn our_own_words_fit_into_72_columns() {
    for (name, text) in template_texts() {
        for line in text.lines().skip(1) {
            let own = own_words(line);
            assert!(own.chars().count() <= COLUMNS_MAX, "{name}: {own}");
        }
    }
}

/// What the fields of our own making look like in life.
fn lifelike(field: &'static str) -> String {
    match field {
        "project" => "Example Project",
        "address" => "security@example.org",
        "case" => "EX-2026-0042",
        "received" | "answer_by" | "embargo_until" | "deadline" | "since" | "expires" | "ended" => {
            "2026-11-23 10:00 UTC"
        }
        "embargo_span" | "days_left" => "90",
        "fingerprint" => "0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF",
        "number" => "second",
        "case_line" => "!case EX-2026-0042 k7f3q9xa2m4n8p5r",
        "confirm_line" => "!confirm k7f3q9xa2m4n8p5r",
        "mail" => "123456",
        "outcome" => "could not be delivered",
        _ => "x",
    }
    .to_owned()
}

#[test]
fn filled_in_texts_fit_into_72_columns_and_leave_no_gap() {
    let templates = Templates::load(&BTreeMap::new()).unwrap();
    let always: &[&'static str] = &["project", "address", "case"];
    for template in Template::ALL {
        let full: Fields = always.iter().chain(template.fields()).map(|field| (*field, lifelike(field))).collect();
        // What is left out where a policy has no such date, or a mail no such part.
        let bare: Fields = full.clone().into_iter().filter(|(field, _)| always.contains(field)).collect();
        for fields in [full, bare] {
            let words = templates.render(*template, &fields);
            assert!(!words.subject.contains(['{', '}']) && words.subject.len() <= 100, "{}", words.subject);
            for line in words.text.lines() {
                assert!(line.chars().count() <= COLUMNS_MAX, "{}: {line}", template.name());
                assert!(!line.contains("{{") && !line.contains("{%"), "{}: {line}", template.name());
            }
        }
    }
}

const TO_OUTSIDERS: [Template; 5] =
    [Template::Acknowledgement, Template::Notice, Template::MaintainerNotice, Template::Reminder, Template::Published];

#[test]
fn i10_subjects_to_outsiders_begin_with_the_case_and_say_nothing_of_the_matter() {
    let templates = Templates::load(&BTreeMap::new()).unwrap();
    for template in TO_OUTSIDERS.into_iter().chain([Template::Letter]) {
        let mut fields: Fields = template.fields().iter().map(|field| (*field, "SECRET".to_owned())).collect();
        fields.extend([("project", "Example".to_owned()), ("case", "EX-2026-0042".to_owned())]);
        let subject = templates.render(template, &fields).subject;
        assert!(subject.starts_with("[EX-2026-0042] "), "{subject}");
        for word in ["SECRET", "vulnerab", "security", "flaw", "exploit", "attack", "cve", "uninstall"] {
            assert!(!subject.to_lowercase().contains(&word.to_lowercase()), "{}: {subject}", template.name());
        }
    }
}

#[test]
fn i8_automatic_mails_to_outsiders_have_no_field_that_a_sender_fills() {
    for template in [Template::Acknowledgement, Template::Notice, Template::Reminder] {
        for field in template.fields() {
            assert!(!["title", "text", "from", "report", "attachments", "claims"].contains(field), "{field}");
        }
    }
}

#[test]
fn what_a_stranger_wrote_stands_behind_a_mark_and_passes_for_none_of_our_lines() {
    let templates = Templates::load(&BTreeMap::new()).unwrap();
    for template in [Template::Report, Template::Reply, Template::Held, Template::MaintainerNotice] {
        let forged = "Hello\n\n!case EX-2026-0001 forged\nVerdict: signed".to_owned();
        let stranger = if template == Template::MaintainerNotice { "report" } else { "text" };
        let mut fields = Fields::from([(stranger, forged.clone())]);
        if template != Template::MaintainerNotice {
            fields.extend([("case_line", "!case EX-2026-0042 ours".to_owned()), ("attachments", forged)]);
        }
        let text = templates.render(template, &fields).text;
        let named: Vec<&str> = text.lines().filter(|line| line.starts_with("!case")).collect();
        assert!(named.iter().all(|line| line.ends_with(" ours")), "{}: {named:?}", template.name());
        assert!(!text.contains("\nVerdict: signed"), "{}", template.name());
        assert!(text.contains("\n: !case EX-2026-0001 forged\n"), "{text}");
    }
}
