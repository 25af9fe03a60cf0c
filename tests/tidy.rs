//! The rules of the house, as tests: layers, sizes, where SQL, clocks and randomness may stand, and what must be said.
//!
//! Each rule is a function from a tree (path to text) to the places that break it. It is called with the real tree,
//! where it must find nothing, and in [`wrong`] with a small tree that breaks it, where it must find just that.
//! A rule reads code with `syn`; code marked `#[cfg(test)]` is exempt where the rule says so.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at what it cannot read, and syn's enums are not ours and may grow"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use proc_macro2::{TokenStream, TokenTree};
use regex::Regex;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

/// Path with `/`, relative to the repository, to the text of the file.
type Tree = BTreeMap<String, String>;

/// Lines of a file, without those of `#[cfg(test)]` items.
const FILE_LINES_MAX: usize = 600;
/// Lines of a function, from its signature to its last brace.
const FUNCTION_LINES_MAX: usize = 70;

/// Each room, and the rooms it may name besides itself. `main` and `lib` may name all.
const LAYERS: [(&str, &[&str]); 12] = [
    ("domain", &[]),
    ("crash", &[]),
    ("mail", &["domain"]),
    ("pgp", &["domain"]),
    ("render", &["domain"]),
    ("store", &["domain", "crash"]),
    ("settings", &["domain"]),
    ("ports", &["domain"]),
    ("engine", &["domain", "mail", "pgp", "render", "store", "settings", "ports", "crash"]),
    ("adapters", &["domain", "ports", "settings", "crash"]),
    ("daemon", &["domain", "mail", "pgp", "render", "store", "settings", "ports", "engine", "adapters", "crash"]),
    (
        "cli",
        &["domain", "mail", "pgp", "render", "store", "settings", "ports", "engine", "adapters", "daemon", "crash"],
    ),
];

fn repository() -> Tree {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut tree = Tree::new();
    for top in ["src", "tests", "benches", "Cargo.toml", "ARCHITECTURE.md"] {
        for entry in walkdir::WalkDir::new(root.join(top)).into_iter().filter_map(Result::ok) {
            if !entry.file_type().is_file() {
                continue;
            }
            let path = entry.path().strip_prefix(root).expect("below the root").to_string_lossy().replace('\\', "/");
            let bytes = std::fs::read(entry.path()).expect("a file of the repository");
            tree.insert(path, String::from_utf8_lossy(&bytes).into_owned());
        }
    }
    tree
}

fn rust_sources(tree: &Tree) -> impl Iterator<Item = (&str, &str)> {
    tree.iter()
        .filter(|(path, _)| path.starts_with("src/") && path.ends_with(".rs"))
        .map(|(p, t)| (p.as_str(), t.as_str()))
}

/// The first folder or file below `src`: its name without `.rs`.
fn room(path: &str) -> &str {
    let below = path.strip_prefix("src/").unwrap_or(path);
    below.split('/').next().unwrap_or(below).trim_end_matches(".rs")
}

// ---- Reading code ------------------------------------------------------------------------------------------

/// What the rules look at in one file, `#[cfg(test)]` items left out.
#[derive(Default)]
struct Facts {
    /// Paths, also those in `use` trees and macro calls; `crate`, `self` and `super` are resolved to `crate::…`.
    paths: Vec<(usize, Vec<String>)>,
    /// String literals, documentation and other attributes left out.
    strings: Vec<(usize, String)>,
    /// Functions: name, line, lines.
    functions: Vec<(String, usize, usize)>,
    /// Lines of `#[cfg(test)]` items.
    test_lines: usize,
    /// Where the file stands: `crate`, then its modules.
    module: Vec<String>,
}

fn is_test_only(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("test")
            || (attribute.path().is_ident("cfg")
                && attribute.meta.require_list().is_ok_and(|list| list.tokens.to_string() == "test"))
    })
}

fn item_attributes(item: &syn::Item) -> &[syn::Attribute] {
    match item {
        syn::Item::Const(item) => &item.attrs,
        syn::Item::Enum(item) => &item.attrs,
        syn::Item::Fn(item) => &item.attrs,
        syn::Item::Impl(item) => &item.attrs,
        syn::Item::Macro(item) => &item.attrs,
        syn::Item::Mod(item) => &item.attrs,
        syn::Item::Static(item) => &item.attrs,
        syn::Item::Struct(item) => &item.attrs,
        syn::Item::Trait(item) => &item.attrs,
        syn::Item::Type(item) => &item.attrs,
        syn::Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

fn lines_of(node: &impl Spanned) -> (usize, usize) {
    let span = node.span();
    (span.start().line, span.end().line + 1 - span.start().line)
}

impl Facts {
    fn of(path: &str, text: &str) -> Result<Self, String> {
        let file = syn::parse_file(text).map_err(|error| format!("{path}: cannot be parsed: {error}"))?;
        let below = path.trim_start_matches("src/").trim_end_matches(".rs");
        let names = below.split('/').filter(|name| !matches!(*name, "mod" | "lib" | "main")).map(str::to_owned);
        let mut facts = Self { module: std::iter::once("crate".to_owned()).chain(names).collect(), ..Self::default() };
        facts.visit_file(&file);
        Ok(facts)
    }

    fn add_path(&mut self, line: usize, segments: Vec<String>) {
        let mut base = self.module.clone();
        let mut rest = segments.as_slice();
        match rest.first().map(String::as_str) {
            Some("super") => {
                while rest.first().is_some_and(|first| first == "super") {
                    base.pop();
                    rest = &rest[1..];
                }
                base.extend_from_slice(rest);
                self.paths.push((line, base));
            }
            Some("self") => {
                base.extend_from_slice(&rest[1..]);
                self.paths.push((line, base));
            }
            _ => self.paths.push((line, segments)),
        }
    }

    fn add_use(&mut self, line: usize, before: &[String], tree: &syn::UseTree) {
        let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
        match tree {
            syn::UseTree::Path(path) => self.add_use(line, &with(&path.ident), &path.tree),
            syn::UseTree::Name(name) => self.add_path(line, with(&name.ident)),
            syn::UseTree::Rename(rename) => self.add_path(line, with(&rename.ident)),
            syn::UseTree::Glob(_) => self.add_path(line, before.to_vec()),
            syn::UseTree::Group(group) => group.items.iter().for_each(|item| self.add_use(line, before, item)),
        }
    }

    /// Macro calls are not parsed as code: their paths and strings are taken from the tokens.
    fn add_tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut line = 0;
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        self.end_path(line, &mut path);
                        line = ident.span().start().line;
                    }
                    path.push(ident.to_string());
                    colons = 0;
                    continue;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => {
                    colons += 1;
                    continue;
                }
                TokenTree::Group(group) => self.add_tokens(group.stream()),
                TokenTree::Literal(literal) => {
                    if let Ok(string) = syn::parse_str::<syn::LitStr>(&literal.to_string()) {
                        self.strings.push((literal.span().start().line, string.value()));
                    }
                }
                TokenTree::Punct(_) => {}
            }
            self.end_path(line, &mut path);
            colons = 0;
        }
        self.end_path(line, &mut path);
    }

    fn end_path(&mut self, line: usize, path: &mut Vec<String>) {
        if !path.is_empty() {
            self.add_path(line, std::mem::take(path));
        }
    }

    fn add_function(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let first = signature.span().start().line;
        self.functions.push((signature.ident.to_string(), first, block.span().end().line + 1 - first));
    }
}

impl<'ast> Visit<'ast> for Facts {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        if is_test_only(item_attributes(item)) {
            self.test_lines += lines_of(item).1;
        } else {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.module.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.module.pop();
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.add_function(&item.sig, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if is_test_only(&item.attrs) {
            self.test_lines += lines_of(item).1;
            return;
        }
        self.add_function(&item.sig, &item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.add_use(lines_of(item).0, &[], &item.tree);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.add_path(lines_of(path).0, path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.visit_path(&call.path);
        self.add_tokens(call.tokens.clone());
    }

    fn visit_lit_str(&mut self, string: &'ast syn::LitStr) {
        self.strings.push((string.span().start().line, string.value()));
    }

    fn visit_attribute(&mut self, _: &'ast syn::Attribute) {}
}

/// Files reached from `lib.rs` and `main.rs` by `mod`; true where only through `#[cfg(test)]`.
fn reachable(tree: &Tree) -> BTreeMap<String, bool> {
    let mut found = BTreeMap::new();
    let mut waiting: Vec<(String, bool)> = ["src/lib.rs", "src/main.rs"].map(|path| (path.to_owned(), false)).into();
    while let Some((path, test)) = waiting.pop() {
        let Some(text) = tree.get(&path) else { continue };
        if found.get(&path).is_some_and(|known| !known || test) {
            continue;
        }
        found.insert(path.clone(), test);
        let Ok(file) = syn::parse_file(text) else { continue };
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", &path));
        let stem = name.trim_end_matches(".rs");
        let inside =
            if matches!(stem, "mod" | "lib" | "main") { folder.to_owned() } else { format!("{folder}/{stem}") };
        declared(&file.items, folder, &inside, test, &mut waiting);
    }
    found
}

fn declared(items: &[syn::Item], folder: &str, inside: &str, test: bool, waiting: &mut Vec<(String, bool)>) {
    for item in items {
        let syn::Item::Mod(module) = item else { continue };
        let test = test || is_test_only(&module.attrs);
        if let Some((_, items)) = &module.content {
            let within = format!("{inside}/{}", module.ident);
            declared(items, &within, &within, test, waiting);
            continue;
        }
        let named = module.attrs.iter().find(|attribute| attribute.path().is_ident("path")).and_then(|attribute| {
            let syn::Expr::Lit(value) = &attribute.meta.require_name_value().ok()?.value else { return None };
            let syn::Lit::Str(name) = &value.lit else { return None };
            Some(format!("{folder}/{}", name.value()))
        });
        match named {
            Some(path) => waiting.push((path, test)),
            None => {
                waiting.push((format!("{inside}/{}.rs", module.ident), test));
                waiting.push((format!("{inside}/{}/mod.rs", module.ident), test));
            }
        }
    }
}

/// The facts of each file of `src` that is built outside tests, and the files that cannot be parsed.
fn facts(tree: &Tree) -> (Vec<(&str, Facts)>, Vec<String>) {
    let reached = reachable(tree);
    let (mut read, mut broken) = (Vec::new(), Vec::new());
    for (path, text) in rust_sources(tree) {
        if reached.get(path) == Some(&true) {
            continue;
        }
        match Facts::of(path, text) {
            Ok(facts) => read.push((path, facts)),
            Err(error) => broken.push(error),
        }
    }
    (read, broken)
}

/// Applies `check` to each built file of `src`.
fn each(tree: &Tree, mut check: impl FnMut(&str, &Facts, &mut Vec<String>)) -> Vec<String> {
    let (read, mut complaints) = facts(tree);
    for (path, facts) in &read {
        check(path, facts, &mut complaints);
    }
    complaints
}

// ---- The rules ---------------------------------------------------------------------------------------------

/// A room names only rooms to its left, and itself.
fn layers(tree: &Tree) -> Vec<String> {
    each(tree, |path, facts, complaints| {
        let here = room(path);
        if matches!(here, "main" | "lib") {
            return;
        }
        let Some((_, allowed)) = LAYERS.iter().find(|(name, _)| *name == here) else {
            complaints.push(format!("{path}: {here} is no room of the house: give it a layer in tests/tidy.rs"));
            return;
        };
        for (line, segments) in &facts.paths {
            let [first, second, ..] = segments.as_slice() else { continue };
            let ours = matches!(first.as_str(), "crate" | "postern");
            let is_room = LAYERS.iter().any(|(name, _)| name == second);
            if ours && is_room && second != here && !allowed.contains(&second.as_str()) {
                complaints.push(format!("{path}:{line}: {here} names {second}, which is not to its left"));
            }
            if ours && second == "main" {
                complaints.push(format!("{path}:{line}: nothing names main"));
            }
        }
    })
}

/// Files and functions are short.
fn sizes(tree: &Tree) -> Vec<String> {
    each(tree, |path, facts, complaints| {
        let lines = tree.get(path).map_or(0, |text| text.lines().count()) - facts.test_lines;
        if lines > FILE_LINES_MAX {
            complaints
                .push(format!("{path}: {lines} lines without tests, at most {FILE_LINES_MAX}: split it by topic"));
        }
        for (name, line, lines) in facts.functions.iter().filter(|(_, _, lines)| *lines > FUNCTION_LINES_MAX) {
            complaints.push(format!("{path}:{line}: fn {name} has {lines} lines, at most {FUNCTION_LINES_MAX}"));
        }
    })
}

/// SQL, and the library that speaks it, stand in `store` only.
fn sql(tree: &Tree) -> Vec<String> {
    let sql = Regex::new(
        // IMAP has a SELECT too; that of SQL has a FROM, or begins with a number or a call.
        r"(?s)\bSELECT\s.*\bFROM\b|\bSELECT\s+(\d|\w+\()|\bINSERT\s+(OR\s+\w+\s+)?INTO\b|\bUPDATE\s+(OR\s+\w+\s+)?\w+\s+SET\b|\bDELETE\s+FROM\b|\bCREATE\s+(\w+\s+)*TABLE\b|\bPRAGMA\b",
    )
    .expect("a pattern");
    each(tree, |path, facts, complaints| {
        if room(path) == "store" {
            return;
        }
        for (line, _) in facts.strings.iter().filter(|(_, string)| sql.is_match(string)) {
            complaints.push(format!("{path}:{line}: SQL outside src/store"));
        }
        let library = |name: &String| matches!(name.as_str(), "rusqlite" | "rusqlite_migration");
        for (line, _) in facts.paths.iter().filter(|(_, segments)| segments.iter().any(library)) {
            complaints.push(format!("{path}:{line}: rusqlite outside src/store"));
        }
    })
}

/// The clock and randomness are read in `adapters` only; `daemon` may use tokio's timers.
fn clocks(tree: &Tree) -> Vec<String> {
    each(tree, |path, facts, complaints| {
        let here = room(path);
        if here == "adapters" {
            return;
        }
        let is = |segments: &[String], names: &[&str]| segments.iter().map(String::as_str).eq(names.iter().copied());
        let timers = facts.paths.iter().any(|(_, segments)| is(segments, &["tokio", "time", "Instant"]));
        for (line, segments) in &facts.paths {
            let end = segments.iter().rev().take(2).rev().map(String::as_str).collect::<Vec<_>>();
            let reads =
                matches!(end.as_slice(), ["SystemTime" | "Instant" | "Timestamp" | "Zoned" | "Utc" | "Local", "now"]);
            let tokio = segments.first().is_some_and(|first| first == "tokio")
                && segments.get(1).is_some_and(|second| second == "time");
            let allowed = here == "daemon" && (tokio || (timers && end == ["Instant", "now"]));
            let random =
                segments.iter().any(|name| matches!(name.as_str(), "getrandom" | "thread_rng" | "OsRng" | "fastrand"));
            if (reads || tokio) && !allowed {
                complaints.push(format!("{path}:{line}: {} reads the clock outside src/adapters", segments.join("::")));
            }
            if random {
                complaints
                    .push(format!("{path}:{line}: {} draws randomness outside src/adapters", segments.join("::")));
            }
        }
    })
}

/// What organisations differ in is settings: none is named in `src`, comments and tests included.
fn organisations(tree: &Tree) -> Vec<String> {
    let names = Regex::new(r"(?i)(^|[^a-z0-9])(moodle|mautic|drupal|php|signalen)([^a-z0-9]|$)").expect("a pattern");
    let mut complaints = Vec::new();
    for (path, text) in tree.iter().filter(|(path, _)| path.starts_with("src/")) {
        for (at, _) in text.lines().enumerate().filter(|(_, line)| names.is_match(line)) {
            complaints.push(format!("{path}:{}: names an organisation", at + 1));
        }
    }
    complaints
}

/// Every file says what it is.
fn headers(tree: &Tree) -> Vec<String> {
    rust_sources(tree)
        .filter(|(path, text)| !matches!(*path, "src/lib.rs" | "src/main.rs") && !text.starts_with("//!"))
        .map(|(path, _)| format!("{path}: does not begin with //!"))
        .collect()
}

/// Every file is part of the program or of its tests.
fn orphans(tree: &Tree) -> Vec<String> {
    let reached = reachable(tree);
    rust_sources(tree)
        .filter(|(path, _)| !reached.contains_key(*path))
        .map(|(path, _)| format!("{path}: no mod declaration leads here"))
        .collect()
}

/// `unsafe` stands only in a file named `sandbox`.
fn unsafety(tree: &Tree) -> Vec<String> {
    fn lines(tokens: TokenStream, found: &mut BTreeSet<usize>) {
        for token in tokens {
            match token {
                TokenTree::Ident(ident) if ident == "unsafe" => {
                    found.insert(ident.span().start().line);
                }
                TokenTree::Group(group) => lines(group.stream(), found),
                _ => {}
            }
        }
    }
    let mut complaints = Vec::new();
    for (path, text) in rust_sources(tree).filter(|(path, _)| !path.ends_with("/sandbox.rs")) {
        let mut found = BTreeSet::new();
        lines(text.parse().unwrap_or_default(), &mut found);
        complaints.extend(found.iter().map(|line| format!("{path}:{line}: unsafe outside a sandbox file")));
    }
    complaints
}

/// ARCHITECTURE.md gives the reason for every dependency.
fn dependencies(tree: &Tree) -> Vec<String> {
    let Some(map) = tree.get("ARCHITECTURE.md") else { return vec!["ARCHITECTURE.md is missing".to_owned()] };
    let manifest = tree.get("Cargo.toml").map_or("", String::as_str);
    let Ok(manifest) = toml::from_str::<toml::Table>(manifest) else { return vec!["Cargo.toml is no TOML".to_owned()] };
    let Some(toml::Value::Table(named)) = manifest.get("dependencies") else {
        return vec!["Cargo.toml has no [dependencies]".to_owned()];
    };
    let words: BTreeSet<&str> = map.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_')).collect();
    let missing = named.keys().filter(|name| !words.contains(name.as_str()));
    missing.map(|name| format!("ARCHITECTURE.md gives no reason for the dependency {name}")).collect()
}

/// A test that does not run says why.
fn ignored(tree: &Tree) -> Vec<String> {
    struct Bare(Vec<usize>);
    impl<'ast> Visit<'ast> for Bare {
        fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
            let reason = attribute.meta.require_name_value().is_ok_and(|value| {
                matches!(&value.value, syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. })
                    if !text.value().trim().is_empty())
            });
            if attribute.path().is_ident("ignore") && !reason {
                self.0.push(lines_of(attribute).0);
            }
        }
    }
    let mut complaints = Vec::new();
    for (path, text) in tree.iter().filter(|(path, _)| path.ends_with(".rs")) {
        let Ok(file) = syn::parse_file(text) else {
            complaints.push(format!("{path}: cannot be parsed"));
            continue;
        };
        let mut bare = Bare(Vec::new());
        bare.visit_file(&file);
        complaints.extend(bare.0.iter().map(|line| format!("{path}:{line}: #[ignore] without a reason")));
    }
    complaints
}

// ---- The real tree -----------------------------------------------------------------------------------------

fn holds(rule: fn(&Tree) -> Vec<String>) {
    let tree = repository();
    assert!(tree.contains_key("src/lib.rs"), "the tree was not found");
    let complaints = rule(&tree);
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn rooms_name_only_rooms_to_their_left() {
    holds(layers);
}

#[test]
fn files_and_functions_are_short() {
    holds(sizes);
}

#[test]
fn sql_stands_in_store_only() {
    holds(sql);
}

#[test]
fn clock_and_randomness_are_read_in_adapters_only() {
    holds(clocks);
}

#[test]
fn no_organisation_is_named() {
    holds(organisations);
}

#[test]
fn every_file_says_what_it_is() {
    holds(headers);
}

#[test]
fn no_file_is_an_orphan() {
    holds(orphans);
}

#[test]
fn nothing_is_unsafe() {
    holds(unsafety);
}

#[test]
fn every_dependency_has_its_reason() {
    holds(dependencies);
}

#[test]
fn no_test_is_ignored_without_a_reason() {
    holds(ignored);
}

#[path = "tidy/wrong.rs"]
mod wrong;
