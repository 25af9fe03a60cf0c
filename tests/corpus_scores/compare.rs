//! How what was said of a mail is compared with what is expected: by line, white space collapsed; addresses without
//! regard to case.

use std::collections::BTreeMap;

use serde_json::Value;

/// One line of the table.
pub struct Row {
    pub name: String,
    pub right: usize,
    pub of: usize,
    /// Where it is no quotient of counts.
    given: Option<f64>,
}

impl Row {
    pub fn ratio(&self) -> f64 {
        self.given.unwrap_or(if self.of == 0 { 1.0 } else { self.right as f64 / self.of as f64 })
    }
}

/// Lines in both texts, lines said, lines expected.
#[derive(Default, Clone, Copy)]
struct Lines {
    hit: usize,
    said: usize,
    wanted: usize,
}

/// Right answers and all of them, by class and field.
#[derive(Default)]
pub struct Scores {
    counts: BTreeMap<(&'static str, &'static str), (usize, usize)>,
    /// Mails of which every field is right, and all of them.
    whole: (usize, usize),
    reply: Lines,
    bare_reply: Lines,
}

const ADDRESSES: [&str; 3] = ["from", "to", "cc"];
const IDS: [&str; 3] = ["message_id", "in_reply_to", "references"];

impl Scores {
    fn count(&mut self, class: &'static str, field: &'static str, file: &str, right: bool, note: &str) -> bool {
        let score = self.counts.entry((class, field)).or_default();
        score.0 += usize::from(right);
        score.1 += 1;
        if !right && std::env::var_os("POSTERN_CORPUS_MISSES").is_some() {
            println!("miss {class} {field}: {file} {}", note.chars().take(400).collect::<String>());
        }
        right
    }

    fn same(&mut self, class: &'static str, field: &'static str, file: &str, wanted: &Value, said: &Value) -> bool {
        self.count(class, field, file, wanted == said, &format!("wanted {wanted} said {said}"))
    }

    /// Compares one mail by each of its classes.
    pub fn compare(&mut self, file: &str, expected: &Value, said: Option<&Value>, in_time: bool) {
        let nothing = Value::Null;
        let read = said.is_some_and(|said| said["error"].is_null());
        self.count("robust", "robust", file, said.is_some() && in_time, "no answer, or late");
        let said = said.unwrap_or(&nothing);
        for class in expected["classes"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            match class {
                "parse" => self.parse(file, expected, said, read),
                "auto" => drop(self.same("auto", "auto", file, &expected["is_auto_reply"], &said["is_auto_reply"])),
                "bounce" => self.bounce(file, expected, said),
                "reply" => self.reply(file, expected, said),
                "pgp" => self.pgp(file, expected, said),
                "autocrypt" => self.autocrypt(file, &expected["autocrypt"], &said["autocrypt"]),
                // Told above, and by all mails of a source together.
                _ => {}
            }
        }
    }

    fn parse(&mut self, file: &str, expected: &Value, said: &Value, read: bool) {
        let mut right = self.count("parse", "read", file, read, &said["error"].to_string());
        let wanted = |field: &str| !expected[field].is_null();
        if wanted("subject") {
            right &= self.text("parse", "subject", file, &expected["subject"], &said["subject"], false);
        }
        for field in ADDRESSES.into_iter().filter(|field| wanted(field)) {
            right &= self.same("parse", field, file, &lower(&expected[field]), &lower(&said[field]));
        }
        for field in IDS.into_iter().chain(["date", "has_html"]).filter(|field| wanted(field)) {
            right &= self.same("parse", field, file, &expected[field], &said[field]);
        }
        if wanted("text") {
            let cut = expected["text_cut"] == true;
            right &= self.text("parse", "text", file, &expected["text"], &said["text"], cut);
        }
        if wanted("attachments") {
            right &= self.attachments(file, &expected["attachments"], &said["attachments"]);
        }
        self.whole.0 += usize::from(right);
        self.whole.1 += 1;
    }

    fn attachments(&mut self, file: &str, wanted: &Value, said: &Value) -> bool {
        let list = |parts: &Value| parts.as_array().cloned().unwrap_or_default();
        let (wanted_parts, said_parts) = (list(wanted), list(said));
        let same = |(wanted, said): (&Value, &Value)| {
            let name = |part: &Value| words(part["filename"].as_str().unwrap_or_default());
            name(wanted) == name(said) && (wanted["sha256"].is_null() || wanted["sha256"] == said["sha256"])
        };
        let right = wanted_parts.len() == said_parts.len() && wanted_parts.iter().zip(&said_parts).all(same);
        self.count("parse", "attachments", file, right, &format!("wanted {wanted} said {said}"))
    }

    fn text(
        &mut self,
        class: &'static str,
        field: &'static str,
        file: &str,
        wanted: &Value,
        said: &Value,
        cut: bool,
    ) -> bool {
        let (wanted, said) = (words(wanted.as_str().unwrap_or_default()), words(said.as_str().unwrap_or_default()));
        let right = if cut { said.starts_with(&wanted) } else { said == wanted };
        let at = wanted.chars().zip(said.chars()).take_while(|(a, b)| a == b).count();
        let from = |text: &str| text.chars().skip(at.saturating_sub(20)).take(120).collect::<String>();
        self.count(class, field, file, right, &format!("wanted …{:?} said …{:?}", from(&wanted), from(&said)))
    }

    fn bounce(&mut self, file: &str, expected: &Value, said: &Value) {
        self.same("bounce", "is_bounce", file, &expected["is_bounce"], &said["is_bounce"]);
        if let Some(id) = expected.get("original_message_id").filter(|id| !id.is_null()) {
            self.same("bounce", "original id", file, id, &said["original_message_id"]);
        }
        let said_of = said["bounce"].as_array().cloned().unwrap_or_default();
        let mut left = said_of.clone();
        for wanted in expected["bounce"].as_array().into_iter().flatten() {
            let fits = |said: &Value| {
                let names = |of: &Value| [lower(&of["recipient"]), lower(&of["alt"])];
                let said = names(said);
                names(wanted).iter().any(|name| name.is_string() && said.contains(name))
            };
            let place = left.iter().position(fits);
            let found = place.map(|at| left.remove(at)).unwrap_or_default();
            let note = format!("wanted {wanted} said {}", said["bounce"]);
            self.count("bounce", "recipients", file, place.is_some(), &note);
            for field in ["status", "smtp_code", "permanent"] {
                if let Some(value) = wanted.get(field).filter(|value| !value.is_null()) {
                    self.same("bounce", field, file, value, &found[field]);
                }
            }
        }
        if expected["bounce"].is_array() {
            self.count("bounce", "no other recipient", file, left.is_empty(), &format!("too many: {left:?}"));
        }
    }

    fn reply(&mut self, file: &str, expected: &Value, said: &Value) {
        let misses = std::env::var_os("POSTERN_CORPUS_MISSES").is_some();
        for field in ["reply_text", "reply_text_no_signature"] {
            let Some(wanted) = expected[field].as_str() else { continue };
            let one = Lines::of(said[field].as_str().unwrap_or_default(), wanted);
            if misses && one.hit < one.said.max(one.wanted) {
                println!("miss reply {field}: {file} {} of {} lines, {} said", one.hit, one.wanted, one.said);
            }
            let sum = if field == "reply_text" { &mut self.reply } else { &mut self.bare_reply };
            sum.add(one);
        }
        if let Some(wanted) = expected["signature"].as_str() {
            self.text("reply", "signature", file, &Value::from(wanted), &said["signature"], false);
        }
        let text = words(said["reply_text"].as_str().unwrap_or_default());
        for (field, wanted) in [("must_contain", true), ("must_not_contain", false)] {
            for piece in expected[field].as_array().into_iter().flatten().filter_map(Value::as_str) {
                self.count("reply", field, file, text.contains(&words(piece)) == wanted, piece);
            }
        }
    }

    fn pgp(&mut self, file: &str, expected: &Value, said: &Value) {
        let (wanted, found) = (&expected["pgp"], &said["pgp"]);
        for field in ["kind", "decrypts", "signature", "partial"] {
            if !wanted[field].is_null() {
                self.same("pgp", field, file, &wanted[field], &found[field]);
            }
        }
        if let Some(signer) = wanted["signer"].as_str() {
            let said = found["signer"].as_str().unwrap_or_default();
            let right = !said.is_empty() && (said.ends_with(signer) || signer.ends_with(said));
            self.count("pgp", "signer", file, right, &format!("wanted {signer} said {said}"));
        }
        for field in ["inner_subject", "inner_text"] {
            if !wanted[field].is_null() {
                self.text("pgp", field, file, &wanted[field], &found[field], false);
            }
        }
        for field in ["subject_after_decrypt", "text_after_decrypt"] {
            if !expected[field].is_null() {
                self.text("pgp", field, file, &expected[field], &said[field], false);
            }
        }
        for field in ["whole_message_signed", "auto_decrypt"] {
            if !expected["safe"][field].is_null() {
                self.same("pgp", field, file, &expected["safe"][field], &said["safe"][field]);
            }
        }
    }

    fn autocrypt(&mut self, file: &str, wanted: &Value, said: &Value) {
        for field in ["valid", "addr", "prefer_encrypt", "keydata_sha256"] {
            if !wanted[field].is_null() {
                self.same("autocrypt", field, file, &lower(&wanted[field]), &lower(&said[field]));
            }
        }
    }

    /// A mail is right when it stands with just those of its source with which it is expected to.
    pub fn threads(&mut self, expected: &[Value], found: &BTreeMap<String, Value>) {
        let of = |value: &Value| value["file"].as_str().unwrap_or_default().to_owned();
        let threaded: Vec<&Value> = expected.iter().filter(|expected| !expected["thread"].is_null()).collect();
        let said = |file: &str| found.get(file).map(|said| said["thread"].clone()).unwrap_or_default();
        for one in &threaded {
            let file = of(one);
            let alike = |other: &&&Value| (other["thread"] == one["thread"]) == (said(&of(other)) == said(&file));
            let right = threaded.iter().filter(alike).count() == threaded.len();
            self.count("thread", "thread", &file, right, &said(&file).to_string());
        }
    }

    /// The whole table, a class by the sum of its fields first.
    pub fn table(&self) -> Vec<Row> {
        let sum = |class: &str| {
            let fields = self.counts.iter().filter(|((of, _), _)| *of == class);
            fields.fold((0, 0), |sum, (_, count)| (sum.0 + count.0, sum.1 + count.1))
        };
        let row = |name: &str, (right, of): (usize, usize)| Row { name: name.to_owned(), right, of, given: None };
        let mut rows = Vec::new();
        for class in ["parse", "auto", "bounce", "reply", "thread", "pgp", "autocrypt", "robust"] {
            let summed = matches!(class, "parse" | "pgp" | "autocrypt");
            if summed {
                rows.push(row(class, sum(class)));
            }
            if class == "parse" {
                rows.push(row("parse: whole mails", self.whole));
            }
            if class == "reply" {
                rows.extend(self.reply.rows("reply"));
                rows.extend(self.bare_reply.rows("reply, no signature"));
            }
            let fields = self.counts.iter().filter(|((of, _), _)| *of == class);
            rows.extend(fields.map(|((_, field), count)| {
                if *field == class { row(class, *count) } else { row(&format!("{class}: {field}"), *count) }
            }));
        }
        rows
    }
}

impl Lines {
    fn of(said: &str, wanted: &str) -> Self {
        let lines = |text: &str| text.lines().map(words).filter(|line| !line.is_empty()).collect::<Vec<_>>();
        let (said, wanted) = (lines(said), lines(wanted));
        let mut left: BTreeMap<&str, usize> = BTreeMap::new();
        wanted.iter().for_each(|line| *left.entry(line).or_default() += 1);
        let mut hit = 0;
        for line in &said {
            if let Some(count) = left.get_mut(line.as_str()).filter(|count| **count > 0) {
                *count -= 1;
                hit += 1;
            }
        }
        Self { hit, said: said.len(), wanted: wanted.len() }
    }

    fn add(&mut self, other: Self) {
        (self.hit, self.said, self.wanted) = (self.hit + other.hit, self.said + other.said, self.wanted + other.wanted);
    }

    fn rows(self, class: &str) -> [Row; 3] {
        let row = |name: &str, right, of, given| Row { name: format!("{class}: {name}"), right, of, given };
        let f1 =
            if self.said + self.wanted == 0 { 1.0 } else { 2.0 * self.hit as f64 / (self.said + self.wanted) as f64 };
        [
            row("precision", self.hit, self.said, None),
            row("recall", self.hit, self.wanted, None),
            row("F1", self.hit, self.said.max(self.wanted), Some(f1)),
        ]
    }
}

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// In lower case, each text of a list too.
fn lower(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(text.to_lowercase()),
        Value::Array(values) => Value::Array(values.iter().map(lower).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => value.clone(),
    }
}
