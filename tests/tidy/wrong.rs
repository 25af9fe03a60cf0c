//! Small trees that each break one rule: every rule must see it, and must leave the right forms alone.

use super::*;

/// A tree with these files, all declared in `lib.rs`, `mod.rs` files made up where they are missing.
fn tree(files: &[(&str, &str)]) -> Tree {
    let mut tree: Tree = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
    let mut tops = BTreeSet::new();
    for (path, _) in files.iter().filter(|(path, _)| path.starts_with("src/")) {
        let parts: Vec<&str> = path.trim_start_matches("src/").trim_end_matches(".rs").split('/').collect();
        tops.insert(parts[0].to_owned());
        if let [top, name] = parts.as_slice() {
            tree.entry(format!("src/{top}/mod.rs")).or_default().push_str(&format!("mod {name};\n"));
        }
    }
    let lib = tops.iter().filter(|top| *top != "lib").map(|top| format!("mod {top};\n")).collect();
    tree.entry("src/lib.rs".to_owned()).or_insert(lib);
    tree
}

/// `wrong` as the text of `path` must draw exactly one complaint, which names the path; `right` none.
fn check(rule: fn(&Tree) -> Vec<String>, path: &str, wrong: &[&str], right: &[&str]) {
    for text in wrong {
        let complaints = rule(&tree(&[(path, text)]));
        assert_eq!(complaints.len(), 1, "{text}\n{complaints:?}");
        assert!(complaints[0].starts_with(path), "{complaints:?}");
    }
    for text in right {
        assert_eq!(rule(&tree(&[(path, text)])), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn an_import_from_the_right_or_from_a_sibling() {
    check(
        layers,
        "src/mail/x.rs",
        &[
            "use crate::pgp::open;",
            "use crate::{domain::id, engine};",
            "use super::super::store::x;",
            "fn f() { crate::engine::step(); }",
            "fn f(x: &crate::cli::Args) {}",
            "fn f() { println!(\"{}\", crate::render::x(1)); }",
            "mod inner { use super::super::super::ports::Clock; }",
        ],
        &[
            "use crate::domain::id; use super::parse; use self::inner::x; use crate::mail::quote; use std::store::x;",
            "#[cfg(test)] mod tests { use crate::engine::x; }",
            "#[cfg(test)] use crate::pgp;",
        ],
    );
    check(
        layers,
        "src/adapters/x.rs",
        &["use crate::store::x;", "use crate::mail;", "use crate::engine;"],
        &["use crate::ports; use crate::settings; use crate::crash; use crate::domain;"],
    );
    check(
        layers,
        "src/engine/x.rs",
        &["use crate::adapters;", "use crate::daemon;"],
        &["use crate::store; use crate::crash;"],
    );
    check(layers, "src/ports.rs", &["use crate::settings;"], &["use crate::domain;"]);
    check(layers, "src/render/x.rs", &["use crate::crash;", "use crate::mail;"], &["use crate::domain;"]);
    check(layers, "src/cellar.rs", &["fn f() {}"], &[]);
}

#[test]
fn a_test_file_may_name_any_room() {
    let declared = "#[cfg(test)]\n#[path = \"x_tests.rs\"]\nmod tests;";
    let files = |declared| {
        let mut files = tree(&[("src/mail/x.rs", declared)]);
        files.insert("src/mail/x_tests.rs".to_owned(), "use crate::engine::x;".to_owned());
        files
    };
    assert!(layers(&files(declared)).is_empty());
    assert_eq!(layers(&files("#[path = \"x_tests.rs\"]\nmod tests;")).len(), 1);
}

#[test]
fn a_file_or_a_function_that_is_too_long() {
    let lines = |count: usize| "// x\n".repeat(count);
    let function = |count: usize| format!("fn f() {{\n{}}}\n", lines(count - 2));
    let method = |count: usize| format!("struct S;\nimpl S {{\n{}}}\n", function(count));
    let tests = format!("{}#[cfg(test)]\nmod tests {{\n{}}}\n", lines(598), function(100));
    check(
        sizes,
        "src/mail/x.rs",
        &[&lines(601), &function(71), &method(71)],
        &[&lines(600), &function(70), &method(70), &tests],
    );
}

#[test]
fn sql_outside_the_store() {
    let wrong = [
        "const Q: &str = \"SELECT 1\";",
        "const Q: &str = \"SELECT *\\nFROM cases\";",
        "const Q: &str = \"SELECT count(*)\";",
        "const Q: &str = r#\"\n  INSERT OR IGNORE INTO a (b) VALUES (1)\"#;",
        "fn f() { query!(\"UPDATE cases SET a = 1\"); }",
        "const Q: &str = \"DELETE FROM a\";",
        "const Q: &str = \"CREATE TABLE a (b) STRICT\";",
        "const Q: &str = \"PRAGMA query_only\";",
        "use rusqlite::Connection;",
        "enum E { Store(rusqlite::Error) }",
    ];
    let right = [
        "/// SELECT the case.\nconst Q: &str = \"Please select a case; update the file and set it. DELETE\";",
        "#[cfg(test)] const Q: &str = \"SELECT 1\";",
        "const IMAP: &str = \"a1 SELECT INBOX\";",
    ];
    check(sql, "src/engine/x.rs", &wrong, &right);
    check(sql, "src/store/x.rs", &[], &wrong);
}

#[test]
fn a_clock_or_randomness_outside_adapters() {
    let wrong = [
        "fn f() { std::time::SystemTime::now(); }",
        "use std::time::Instant; fn f() { Instant::now(); }",
        "fn f() { jiff::Timestamp::now(); }",
        "fn f() { let now = jiff::Zoned::now; }",
        "fn f() { assert!(Instant::now() > x); }",
        "fn f() { getrandom::fill(b); }",
        "use getrandom::fill;",
    ];
    let right =
        ["fn f() { clock.now(); }", "use std::time::Duration;", "#[cfg(test)] mod t { fn f() { Instant::now(); } }"];
    check(clocks, "src/engine/x.rs", &wrong, &right);
    check(clocks, "src/engine/x.rs", &["use tokio::time::sleep;"], &[]);
    check(clocks, "src/adapters/x.rs", &[], &wrong);
    check(
        clocks,
        "src/daemon/x.rs",
        &["use std::time::Instant; fn f() { Instant::now(); }"],
        &["fn f() { tokio::time::Instant::now(); }", "use tokio::time::{Instant, sleep}; fn f() { Instant::now(); }"],
    );
}

#[test]
fn an_organisation_that_is_named() {
    check(
        organisations,
        "src/domain/x.rs",
        &["// as Moodle does", "const X: &str = \"drupal\";", "fn php_window() {}", "/// MAUTIC", "// signalen."],
        &["// graphics, phpmd3, telephp"],
    );
    check(organisations, "src/store/x.sql", &["-- moodle"], &["-- text"]);
}

#[test]
fn a_file_without_a_header() {
    check(headers, "src/mail/mod.rs", &["fn f() {}", "// x", "\n//! late"], &["//! x"]);
    assert!(headers(&tree(&[("src/main.rs", "fn main() {}")])).is_empty());
}

#[test]
fn a_file_nobody_declares() {
    let mut files = tree(&[("src/mail/x.rs", "mod sub;\n#[path = \"y_tests.rs\"]\nmod tests;\nmod a { mod b; }")]);
    for path in ["src/mail/x/sub.rs", "src/mail/y_tests.rs", "src/mail/x/a/b.rs"] {
        files.insert(path.to_owned(), String::new());
    }
    assert_eq!(orphans(&files), Vec::<String>::new());
    files.insert("src/mail/lost.rs".to_owned(), String::new());
    assert_eq!(orphans(&files), ["src/mail/lost.rs: no mod declaration leads here"]);
}

#[test]
fn unsafe_code() {
    let wrong = ["fn f() { unsafe { g() } }", "unsafe fn f() {}", "m! { unsafe {} }"];
    check(unsafety, "src/pgp/x.rs", &wrong, &["#![forbid(unsafe_code)]", "// unsafe", "const X: &str = \"unsafe\";"]);
    check(unsafety, "src/adapters/sandbox.rs", &[], &wrong);
}

#[test]
fn a_dependency_without_a_reason() {
    let manifest =
        "[dependencies]\nmail-parser = \"0.11\"\nregex = { version = \"1\" }\n[dev-dependencies]\nsyn = \"2\"\n";
    let with = |map: &str| dependencies(&tree(&[("Cargo.toml", manifest), ("ARCHITECTURE.md", map)]));
    assert_eq!(with("`mail-parser` reads; `regex` finds."), Vec::<String>::new());
    assert_eq!(with("`mail-parser-x` and regex").len(), 1);
    assert_eq!(dependencies(&tree(&[("Cargo.toml", manifest)])), ["ARCHITECTURE.md is missing"]);
}

#[test]
fn a_test_that_is_ignored_without_a_reason() {
    let text = |attribute: &str| format!("mod tests {{ #[test] {attribute} fn f() {{}} }}");
    let (bare, empty, given) = (text("#[ignore]"), text("#[ignore = \" \"]"), text("#[ignore = \"needs a server\"]"));
    check(ignored, "src/mail/x.rs", &[&bare, &empty], &[&given, "// #[ignore]"]);
    check(ignored, "tests/x.rs", &[&bare], &[&given]);
}

#[test]
fn code_that_cannot_be_read() {
    check(layers, "src/mail/x.rs", &["fn {"], &[]);
}
