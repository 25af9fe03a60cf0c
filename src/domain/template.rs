//! The words of our mails: templates with named fields, checked when they are loaded.
//!
//! A template is a text file: `Subject: …` on the first line, a blank line, the body. Fields are
//! `{{ name }}`; a field that its template does not have is a mistake found at load, never a gap
//! in a mail.

use std::collections::{BTreeMap, BTreeSet};

use minijinja::{Environment, UndefinedBehavior};

/// A template cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// Not readable as a template.
    #[error("template {name}: line {line}: {problem}; see the default of the same name for the syntax")]
    Syntax {
        /// Its name.
        name: String,
        /// Where.
        line: usize,
        /// What the template language says.
        problem: String,
    },
    /// A field that this template does not have.
    #[error("template {name}: unknown field {field:?}; {hint}the fields are {known}")]
    UnknownField {
        /// Its name.
        name: String,
        /// The unknown field.
        field: String,
        /// The nearest one, as a question.
        hint: String,
        /// All it has.
        known: String,
    },
    /// No template has this name.
    #[error("template {name}: there is no template of this name; the names are {known}")]
    UnknownTemplate {
        /// The unknown name.
        name: String,
        /// All names.
        known: String,
    },
    /// The first line is no subject.
    #[error("template {name}: line 1: must be \"Subject: …\", followed by an empty line")]
    NoSubject {
        /// Its name.
        name: String,
    },
}

/// A subject and a body, ready to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// One line.
    pub subject: String,
    /// The text, LF line ends, no blank lines at its ends but one line end.
    pub text: String,
}

/// The values of a template's fields.
pub type Fields = BTreeMap<&'static str, String>;

macro_rules! templates {
    ($($(#[$doc:meta])* $variant:ident = $name:literal [$($field:literal),*]),+ $(,)?) => {
        /// The templates there are. Each also has `project`, `address` and `case`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Template { $($(#[$doc])* $variant),+ }

        impl Template {
            /// Every template.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Its file name without `.txt`.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// The fields it has of its own.
            #[must_use]
            pub fn fields(self) -> &'static [&'static str] {
                match self { $(Self::$variant => &[$($field),*]),+ }
            }

            fn default_text(self) -> &'static str {
                match self {
                    $(Self::$variant => include_str!(concat!("../../contrib/templates/en/", $name, ".txt"))),+
                }
            }
        }
    };
}

templates! {
    /// Acknowledgement to a reporter.
    Acknowledgement = "acknowledgement" ["received", "answer_by", "embargo_until", "embargo_span",
        "fingerprint", "passed_on"],
    /// Without content: something waits that may not be sent in clear.
    Notice = "notice" ["fingerprint"],
    /// A report forwarded to a member.
    Report = "report" ["title", "from", "verdict", "received", "answer_by", "embargo_until", "ack", "attachments",
        "candidates", "claims", "forwarded", "text", "case_line"],
    /// A further mail of an outside party, forwarded to a member.
    Reply = "reply" ["title", "role", "from", "verdict", "attachments", "candidates", "text", "last_answer", "case_line"],
    /// What a member wrote, for the others.
    Note = "note" ["title", "author", "audience", "text", "case_line"],
    /// The answer to a member's mail.
    Transcript = "transcript" ["outcome", "lines", "state", "next", "case_line", "errors"],
    /// A held mail, shown to the team.
    Held = "held" ["title", "from", "sender", "verdict", "points", "mail", "admit", "text", "case_line"],
    /// A held mail still waits.
    HeldWaiting = "held-waiting" ["title", "mail", "from", "since", "admit", "case_line"],
    /// What a member wrote to an outside party.
    Letter = "letter" ["text"],
    /// First contact with a maintainer.
    MaintainerNotice = "maintainer-notice" ["deadline", "embargo_until", "contact", "text", "report", "fingerprint"],
    /// Reminder to a maintainer.
    Reminder = "reminder" ["since", "deadline", "days_left", "number", "consequence"],
    /// The team: a maintainer was silent; the draft.
    UninstallDraft = "uninstall-draft" ["title", "since", "draft", "case_line"],
    /// Body of the advisory that urges to uninstall.
    AdvisoryUninstall = "advisory-uninstall" ["title"],
    /// The team: nobody has answered a reporter.
    Unanswered = "unanswered" ["title", "received", "case_line"],
    /// The team: nothing has moved.
    NoProgress = "no-progress" ["title", "state", "case_line"],
    /// The team: the embargo ends soon, or has ended.
    EmbargoNear = "embargo-near" ["title", "embargo_until", "ended", "case_line"],
    /// The team: a mail could not be delivered or sealed.
    Undelivered = "undelivered" ["title", "kind", "recipient", "outcome", "detail", "consequence", "case_line"],
    /// The team: a mail was put aside.
    Quarantined = "quarantined" ["mail", "reason"],
    /// The team: something that was due could not be recorded.
    Stuck = "stuck" ["title", "what", "case_line"],
    /// A member: the exact text, to be confirmed.
    Preview = "preview" ["title", "subject", "recipients", "page", "text", "confirm_line", "expires", "second", "case_line"],
    /// The other members: one without a key gave a strong command, which one of them must confirm.
    SecondMember = "second-member" ["title", "author", "text", "confirm_line", "expires", "case_line"],
    /// A reporter or maintainer: it is public now.
    Published = "published" ["title", "page"],
}

/// All templates, checked.
pub struct Templates {
    environment: Environment<'static>,
}

impl std::fmt::Debug for Templates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Templates(..)")
    }
}

const COMMON: &[&str] = &["project", "address", "case"];

impl Templates {
    /// The defaults with some replaced by texts of the operator, by name without `.txt`.
    ///
    /// # Errors
    /// Every template that cannot be used, in the order of their names.
    pub fn load(overrides: &BTreeMap<String, String>) -> Result<Self, Vec<TemplateError>> {
        let mut mistakes = Vec::new();
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        let known = || Template::ALL.iter().map(|t| t.name()).collect::<Vec<_>>().join(", ");
        for name in overrides.keys() {
            if !Template::ALL.iter().any(|template| template.name() == name) {
                mistakes.push(TemplateError::UnknownTemplate { name: name.clone(), known: known() });
            }
        }
        for template in Template::ALL {
            let text = overrides.get(template.name()).map_or(template.default_text(), String::as_str);
            if let Err(found) = add(&mut environment, *template, &text.replace("\r\n", "\n")) {
                mistakes.extend(found);
            }
        }
        if mistakes.is_empty() { Ok(Self { environment }) } else { Err(mistakes) }
    }

    /// Fills a template in. Line ends in values that may stand in a subject become blanks.
    #[must_use]
    pub fn render(&self, template: Template, fields: &Fields) -> Words {
        // Every template was loaded and checked against the same fields, so what fails here is a field our own
        // code forgot; the test `every_template_renders_with_its_own_fields` and the scenarios would show it.
        let full = self
            .environment
            .get_template(template.name())
            .and_then(|loaded| loaded.render(complete(template, fields)))
            .unwrap_or_else(|_| format!("Subject: {}\n\n", template.name()));
        let (subject, text) = full.split_once('\n').unwrap_or((&full, ""));
        Words {
            subject: subject.trim_start_matches("Subject:").trim().to_owned(),
            text: format!("{}\n", squeeze_blank_lines(text.trim_matches('\n'))),
        }
    }
}

/// Fields that may stand in a subject: their line ends and controls become blanks.
const ONE_LINE: &[&str] = &["project", "address", "case", "title", "subject", "errors", "mail", "outcome", "number"];

fn complete(template: Template, fields: &Fields) -> BTreeMap<&'static str, String> {
    let names = COMMON.iter().chain(template.fields());
    names.map(|name| (*name, field(name, fields.get(name).map_or("", String::as_str)))).collect()
}

fn field(name: &str, value: &str) -> String {
    if ONE_LINE.contains(&name) {
        value.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
    } else {
        value.to_owned()
    }
}

/// An optional paragraph that is empty leaves two blank lines behind; readers get one.
fn squeeze_blank_lines(text: &str) -> String {
    let mut lines: Vec<&str> = Vec::new();
    for line in text.lines() {
        if !(line.is_empty() && lines.last().is_some_and(|last| last.is_empty())) {
            lines.push(line);
        }
    }
    lines.join("\n")
}

fn add(environment: &mut Environment<'static>, template: Template, text: &str) -> Result<(), Vec<TemplateError>> {
    let name = template.name().to_owned();
    let mut lines = text.lines();
    let subject = lines.next().unwrap_or_default();
    if !subject.starts_with("Subject: ") || lines.next().is_some_and(|line| !line.trim().is_empty()) {
        return Err(vec![TemplateError::NoSubject { name }]);
    }
    environment.add_template_owned(name.clone(), text.to_owned()).map_err(|error| {
        let problem = error.detail().unwrap_or("not understood").to_owned();
        vec![TemplateError::Syntax { name: name.clone(), line: error.line().unwrap_or(1), problem }]
    })?;
    let Ok(loaded) = environment.get_template(template.name()) else { return Ok(()) };
    let known: BTreeSet<&str> = COMMON.iter().chain(template.fields()).copied().collect();
    let mut unknown: Vec<String> =
        loaded.undeclared_variables(false).into_iter().filter(|field| !known.contains(field.as_str())).collect();
    unknown.sort();
    let mistakes: Vec<_> = unknown
        .into_iter()
        .map(|field| TemplateError::UnknownField {
            name: name.clone(),
            hint: nearest(&field, known.iter().copied())
                .map_or(String::new(), |near| format!("did you mean {near:?}? ")),
            known: known.iter().copied().collect::<Vec<_>>().join(", "),
            field,
        })
        .collect();
    if !mistakes.is_empty() {
        return Err(mistakes);
    }
    // A filter or test that does not exist shows only when it is run.
    for value in ["", "x"] {
        let fields: BTreeMap<&str, &str> = known.iter().map(|field| (*field, value)).collect();
        loaded.render(fields).map_err(|error| {
            let problem = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
            vec![TemplateError::Syntax { name: name.clone(), line: error.line().unwrap_or(1), problem }]
        })?;
    }
    Ok(())
}

/// The known word nearest to an unknown one, if one is near enough to be meant.
#[must_use]
pub fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len().max(word.len()) / 4)
        .min()
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(name: &str, text: &str) -> Result<Templates, Vec<TemplateError>> {
        Templates::load(&BTreeMap::from([(name.to_owned(), text.to_owned())]))
    }

    #[test]
    fn the_defaults_load_and_render_with_their_own_fields() {
        let templates = Templates::load(&BTreeMap::new()).unwrap();
        for template in Template::ALL {
            let fields: Fields = COMMON.iter().chain(template.fields()).map(|f| (*f, format!("<{f}>"))).collect();
            let words = templates.render(*template, &fields);
            assert!(!words.subject.is_empty() && words.subject != template.name(), "{}", template.name());
            for field in template.fields() {
                let shown = format!("<{field}>");
                assert!(
                    words.text.contains(&shown) || words.subject.contains(&shown),
                    "{} does not show {field}",
                    template.name()
                );
            }
        }
    }

    #[test]
    fn an_unknown_field_is_named_with_the_nearest_one() {
        let mistakes = load("letter", "Subject: x\n\n{{ texd }}\n").unwrap_err();
        assert_eq!(mistakes.len(), 1);
        let message = mistakes[0].to_string();
        assert!(message.contains("\"texd\"") && message.contains("did you mean \"text\"?"), "{message}");
    }

    #[test]
    fn every_mistake_is_reported() {
        assert!(matches!(load("letter", "Subject: x\n\n{{ text\n").unwrap_err()[0], TemplateError::Syntax { .. }));
        let filter = load("letter", "Subject: x\n\n{{ text | nosuchfilter }}\n").unwrap_err();
        assert!(matches!(filter[0], TemplateError::Syntax { line: 3, .. }), "{filter:?}");
        assert!(matches!(load("letter", "no subject\n").unwrap_err()[0], TemplateError::NoSubject { .. }));
        assert!(matches!(load("leter", "Subject: x\n").unwrap_err()[0], TemplateError::UnknownTemplate { .. }));
    }

    #[test]
    fn values_are_put_in_as_they_are_and_never_read_as_templates() {
        let templates = load("letter", "Subject: x\n\n{{ text }}\n").unwrap();
        let fields = Fields::from([("text", "{{ address }} {% if %} <b>".to_owned())]);
        assert_eq!(templates.render(Template::Letter, &fields).text, "{{ address }} {% if %} <b>\n");
    }
}
