//! The manual page, the completions and README's list of subcommands are those of the program, and no page names a file
//! that is not there.
//!
//! `UPDATE_GOLDEN=1 cargo test --test manual` writes page, completions and list anew.
#![expect(
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a test stops at what it cannot do, and runs the program"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::CommandFactory;
use postern::cli::arguments::Arguments;
use postern::domain::command::VERBS;
use regex::Regex;

const BEGIN: &str =
    "<!-- subcommands: made from the arguments; after a change run UPDATE_GOLDEN=1 cargo test --test manual -->\n";
const END: &str = "<!-- end of subcommands -->\n";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn is_golden_update() -> bool {
    std::env::var_os("UPDATE_GOLDEN").is_some()
}

/// What the program prints, as it was installed.
fn printed(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_postern")).args(arguments).output().expect("the program runs");
    assert!(output.status.success(), "postern {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// Compares a file with what the program prints, or writes it.
#[track_caller]
fn is_printed(file: &str, arguments: &[&str]) {
    let printed = printed(arguments);
    if is_golden_update() {
        fs::write(root().join(file), printed).expect("the file is written");
        return;
    }
    let stored = fs::read_to_string(root().join(file)).unwrap_or_default();
    assert_eq!(stored, printed, "{file} is old; run again with UPDATE_GOLDEN=1");
}

#[test]
fn the_manual_page_is_what_the_program_prints() {
    is_printed("docs/postern.1", &["manual"]);
}

#[test]
fn the_completions_are_what_the_program_prints() {
    for (shell, file) in [("bash", "postern.bash"), ("zsh", "_postern"), ("fish", "postern.fish")] {
        is_printed(&format!("contrib/completions/{file}"), &["manual", "--completions", shell]);
    }
}

#[test]
fn the_manual_page_has_every_option_of_the_program_itself() {
    let page = printed(&["manual"]).replace("\\-", "-");
    for subcommand in Arguments::command().get_subcommands() {
        assert!(page.contains(subcommand.get_name()), "the page does not name {}", subcommand.get_name());
    }
}

fn table() -> String {
    let command = Arguments::command();
    let rows = command.get_subcommands().map(|subcommand| {
        let about = subcommand.get_about().map(ToString::to_string).unwrap_or_default();
        assert!(!about.is_empty(), "postern {} says what it does", subcommand.get_name());
        format!("| `postern {}` | {} |\n", subcommand.get_name(), about.trim_end_matches('.'))
    });
    format!("\n| Command | What it does |\n|---|---|\n{}\n", rows.collect::<String>())
}

#[test]
fn readme_lists_every_subcommand_as_the_program_has_it() {
    let path = root().join("README.md");
    let readme = fs::read_to_string(&path).expect("README.md");
    let (before, rest) = readme.split_once(BEGIN).expect("README.md has the mark before its list");
    let (listed, after) = rest.split_once(END).expect("README.md has the mark after its list");
    if is_golden_update() {
        fs::write(&path, format!("{before}{BEGIN}{}{END}{after}", table())).expect("README.md is written");
        return;
    }
    assert_eq!(listed, table(), "the list of README.md is old; run again with UPDATE_GOLDEN=1");
}

/// The pages for people: at the top, and below `docs`.
fn pages() -> Vec<PathBuf> {
    let mut pages = Vec::new();
    for (folder, depth) in [(root().to_path_buf(), 1), (root().join("docs"), 8)] {
        let files = walkdir::WalkDir::new(folder).max_depth(depth).into_iter().filter_map(Result::ok);
        let pages_of = files.map(walkdir::DirEntry::into_path);
        pages.extend(pages_of.filter(|path| path.extension().is_some_and(|extension| extension == "md")));
    }
    pages.sort();
    assert!(pages.len() >= 8, "the pages were not found: {pages:?}");
    pages
}

#[test]
fn every_linked_file_is_there() {
    let link = Regex::new(r"\]\(([^)\s]+)\)").expect("a pattern");
    let mut missing = Vec::new();
    for page in pages() {
        let text = fs::read_to_string(&page).expect("a page");
        // Blocks of code have no links.
        let prose: String = text.split("```").step_by(2).collect();
        for found in link.captures_iter(&prose) {
            let target = found.get(1).map_or("", |target| target.as_str());
            let file = target.split('#').next().unwrap_or_default();
            let elsewhere = target.contains("://") || target.starts_with("mailto:") || file.is_empty();
            if !elsewhere && !page.parent().expect("a folder").join(file).exists() {
                missing.push(format!("{}: {target}", page.display()));
            }
        }
    }
    assert!(missing.is_empty(), "\n{}\n", missing.join("\n"));
}

/// Files that pages name in code marks, such as `src/lib.rs`, are there too.
#[test]
fn every_named_file_is_there() {
    let name = Regex::new(r"`((?:src|tests|contrib|docs|systemd|testdata|benches|fuzz|[.]ci)/[\w./{},*-]*)`")
        .expect("a pattern");
    let mut missing = Vec::new();
    for page in pages() {
        let text = fs::read_to_string(&page).expect("a page");
        for found in name.captures_iter(&text) {
            let file = found.get(1).map_or("", |file| file.as_str());
            // A pattern, not a file.
            if !file.contains(['*', '{']) && !root().join(file).exists() {
                missing.push(format!("{}: {file}", page.display()));
            }
        }
    }
    assert!(missing.is_empty(), "\n{}\n", missing.join("\n"));
}

#[test]
fn pages_name_only_subcommands_that_exist() {
    let word = Regex::new(r"postern ([a-z]+)\b").expect("a pattern");
    let command = Arguments::command();
    let known = |word: &str| word == "help" || command.find_subcommand(word).is_some();
    let mut unknown = Vec::new();
    for page in ["README.md", "docs/running.md", "CHANGELOG.md", "CONTRIBUTING.md"] {
        let text = fs::read_to_string(root().join(page)).expect("a page");
        // Only what stands in code marks or in a block is a command; prose may say what postern does.
        for code in text.split('`').skip(1).step_by(2) {
            for found in word.captures_iter(code) {
                let named = found.get(1).map_or("", |named| named.as_str());
                if !known(named) {
                    unknown.push(format!("{page}: postern {named}"));
                }
            }
        }
    }
    assert!(unknown.is_empty(), "\n{}\n", unknown.join("\n"));
}

#[test]
fn pages_name_only_verbs_that_exist() {
    let verb = Regex::new(r"(?m)(?:^|[\s`])!([a-z]+)").expect("a pattern");
    for page in ["README.md", "docs/running.md", "CHANGELOG.md", "ARCHITECTURE.md"] {
        let text = fs::read_to_string(root().join(page)).expect("a page");
        for found in verb.captures_iter(&text) {
            let named = found.get(1).map_or("", |named| named.as_str());
            assert!(VERBS.iter().any(|verb| verb.word == named), "{page} names !{named}");
        }
    }
}
