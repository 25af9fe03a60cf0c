//! The desk on which a decision is made: the case as it becomes, and what piles up to be done.
//!
//! Chooses protection: sealed where the recipient has a key, in clear only where the settings
//! allow it for the audience, and otherwise a notice without content. Never clear by accident.

use crate::domain::case::Case;
use crate::domain::effect::{Automatic, Decision, Effect, JournalEntry, MailKind, OutgoingMail, Protection, TimerKey};
use crate::domain::event::AnswerByHand;
use crate::domain::id::{Address, MailId, MessageId, Seed};
use crate::domain::party::{Audience, Form, Member, Party, PartyKey, Role};
use crate::domain::policy::{Fact, TimerRule};
use crate::domain::rules::Rules;
use crate::domain::template::{Fields, Template, Words};
use crate::domain::time::Timestamp;

/// What stands above the content of an encrypted part, in a forward.
const PARTIAL_MARK: &str = "--- a part was encrypted; this is its content, of unproved origin ---";

/// How a mail to a party goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// As it is, sealed or allowed in clear.
    Goes,
    /// It stays here: the party got a notice without content instead.
    Withheld,
}

/// What a mail is about, beside its recipient.
pub(super) struct Letter {
    pub kind: MailKind,
    pub template: Template,
    pub fields: Fields,
    pub automatic: Automatic,
    pub attach: Option<MailId>,
    pub attach_key: bool,
    /// Shown below the text, marked, where the letter goes out encrypted.
    pub partial: Option<String>,
}

impl Letter {
    pub(super) fn new(kind: MailKind, template: Template, automatic: Automatic) -> Self {
        Self { kind, template, fields: Fields::new(), automatic, attach: None, attach_key: false, partial: None }
    }

    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.fields.insert(name, value.into());
        self
    }

    /// With the content of encrypted parts below the text; only for letters to the team.
    pub(super) fn with_partial(mut self, partial: Option<String>) -> Self {
        self.partial = partial;
        self
    }

    /// Puts the content of encrypted parts below the text. A letter in clear has it not, and does not say that there is
    /// one: whoever reads it on its way would learn what we can decrypt.
    fn show_partial(&mut self) {
        if let Some(partial) = self.partial.take() {
            let text = self.fields.entry("text").or_default();
            *text = format!("{text}\n\n{PARTIAL_MARK}\n\n{partial}").trim_start().to_owned();
        }
    }

    pub(super) fn attaching(mut self, mail: MailId) -> Self {
        self.attach = Some(mail);
        self
    }
}

#[derive(Clone)]
pub(super) struct Desk<'a> {
    pub rules: &'a Rules,
    pub at: Timestamp,
    pub case: Option<Case>,
    /// The last answers by hand, for status and transcript.
    pub by_hand: Vec<AnswerByHand>,
    seed: Seed,
    position: usize,
    effects: Vec<Effect>,
    journal: Vec<JournalEntry>,
}

impl<'a> Desk<'a> {
    pub(super) fn new(rules: &'a Rules, at: Timestamp, seed: Seed, case: Option<Case>) -> Self {
        Self { rules, at, case, by_hand: Vec::new(), seed, position: 0, effects: Vec::new(), journal: Vec::new() }
    }

    pub(super) fn into_decision(self) -> Decision {
        Decision { case: self.case, effects: self.effects, journal: self.journal }
    }

    /// The label, or the project's name where there is no case.
    pub(super) fn label(&self) -> String {
        self.case.as_ref().map_or_else(|| self.rules.publisher.project.clone(), |case| case.label.to_string())
    }

    pub(super) fn title(&self) -> String {
        self.case.as_ref().map_or_else(String::new, |case| case.title.clone())
    }

    pub(super) fn push(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    /// Whether a waiting mail is to be decided again already.
    pub(super) fn requeues(&self, mail: MailId) -> bool {
        self.effects.iter().any(|effect| matches!(effect, Effect::Requeue { mail: taken, .. } if *taken == mail))
    }

    /// A reporter has been answered by one of us: nothing waits any more for a first answer.
    pub(super) fn reporter_answered(&mut self, by: &PartyKey, at: Timestamp) {
        if let Some(case) = self.case.as_mut().filter(|case| case.answered_at.is_none_or(|last| last <= at)) {
            case.answered_at = Some(at);
            case.answered_by = Some(by.clone());
        }
        self.fact(Fact::Answered, None, at);
    }

    pub(super) fn record(&mut self, actor: Option<&PartyKey>, proof: &str, what: &str, from: &str, to: &str) {
        self.journal.push(JournalEntry {
            actor: actor.cloned(),
            proof: proof.to_owned(),
            what: what.to_owned(),
            from: from.to_owned(),
            to: to.to_owned(),
        });
    }

    /// A fact has come true: clocks start and stop as the policy says.
    pub(super) fn fact(&mut self, fact: Fact, party: Option<&PartyKey>, since: Timestamp) {
        let rules = self.rules;
        for rule in &rules.policy.timers {
            let party = party.filter(|_| per_party(rule));
            if rule.stop.contains(&fact) || rule.start.contains(&fact) {
                self.push(Effect::ClearTimers { rule: rule.id.clone(), party: party.cloned() });
            }
            if rule.start.contains(&fact) {
                self.start(rule, party, since);
            }
        }
    }

    fn start(&mut self, rule: &TimerRule, party: Option<&PartyKey>, since: Timestamp) {
        let zone = self.rules.policy.time_zone();
        let embargo_until = self.case.as_ref().and_then(|case| case.embargo_until);
        let after = rule.after.iter().map(|span| span.after(since, &zone));
        let before = rule.before.iter().filter_map(|span| embargo_until.map(|end| span.before(end, &zone)));
        let at = self.at;
        let dues: Vec<Timestamp> = after.chain(before.filter(|due| *due > at)).collect();
        for (step, due) in (0u32..).zip(dues) {
            let key = TimerKey { rule: rule.id.clone(), party: party.cloned(), step };
            self.push(Effect::SetTimer { key, due, action: rule.action });
        }
    }

    /// A token that nobody can guess, different at each call.
    pub(super) fn draw(&mut self, purpose: &str) -> String {
        self.position += 1;
        self.rules.key.nonce(purpose, self.seed, self.position)
    }

    fn message_id(&mut self) -> MessageId {
        self.position += 1;
        self.rules.key.message_id(self.rules.address.domain(), self.seed, self.position)
    }

    /// Where answers of a party or member of this case go.
    pub(super) fn reply_address(&self, party: &PartyKey) -> Address {
        match &self.case {
            Some(case) if self.rules.plus_addresses => {
                self.rules.key.reply_address(&self.rules.address, case.id, &party.0)
            }
            Some(_) | None => self.rules.address.clone(),
        }
    }

    /// One letter to every member, or to all but one.
    pub(super) fn mail_team(&mut self, except: Option<&PartyKey>, make: impl Fn() -> Letter) {
        let rules = self.rules;
        for member in rules.team.iter().filter(|member| except != Some(&member.key)) {
            self.mail_member(member, make(), None);
        }
    }

    /// A letter to a member, with a fresh nonce to answer with.
    pub(super) fn mail_member(&mut self, member: &Member, mut letter: Letter, in_reply_to: Option<MessageId>) {
        let nonce = self.draw("nonce");
        let case_line = match &self.case {
            Some(case) => format!("!case {} {nonce}", case.label),
            None => String::new(),
        };
        if self.case.is_some() {
            self.push(Effect::IssueNonce { nonce, member: member.key.clone() });
        }
        letter.fields.insert("case_line", case_line);
        let protection = match &member.fingerprint {
            Some(fingerprint) => Some(Protection::Sealed(fingerprint.clone())),
            None if self.rules.clear.contains(&Audience::Team) => {
                self.record(None, "settings", "clear:team", "", letter.kind.word());
                Some(Protection::Signed)
            }
            None => None,
        };
        let (key, to) = (member.key.clone(), member.address.clone());
        self.queue(&key, to, letter, protection, in_reply_to);
    }

    /// A letter to an outside party, or a notice without content where it may not go in clear.
    pub(super) fn mail_party(&mut self, party: &Party, letter: Letter) -> Way {
        let clear = self.rules.clear.contains(&Audience::from(party.role));
        let clear = clear && (party.role != Role::Reporter || party.form == Form::Clear);
        // A certificate pinned after the case was opened counts from then on.
        let pinned = party.fingerprint.as_ref().or_else(|| self.rules.pins.get(&party.address.key()));
        let protection = match pinned {
            Some(fingerprint) => Some(Protection::Sealed(fingerprint.clone())),
            None if clear => {
                let audience = party.role.word();
                self.record(None, "settings", &format!("clear:{audience}"), "", letter.kind.word());
                Some(Protection::Signed)
            }
            None => None,
        };
        let way = if protection.is_some() { Way::Goes } else { Way::Withheld };
        self.queue(&party.key, party.address.clone(), letter, protection, party.last_message.clone());
        way
    }

    /// The notice without content: public, empty, and the same whatever it stands for.
    pub(super) fn mail_notice(&mut self, key: &PartyKey, to: Address, in_reply_to: Option<MessageId>) {
        let letter = Letter::new(MailKind::Notice, Template::Notice, Automatic::Generated);
        self.queue(key, to, letter, None, in_reply_to);
    }

    fn queue(
        &mut self,
        key: &PartyKey,
        to: Address,
        mut letter: Letter,
        protection: Option<Protection>,
        in_reply_to: Option<MessageId>,
    ) {
        let sealed = matches!(protection, Some(Protection::Sealed(_)));
        if protection.is_none() {
            let automatic = letter.automatic;
            letter = Letter::new(MailKind::Notice, Template::Notice, automatic);
            letter.attach_key = true;
        }
        if sealed {
            letter.show_partial();
        }
        let words = self.words(letter.template, letter.fields);
        let label = self.label();
        let secret = self.case.as_ref().is_some_and(|case| case.embargo.in_force());
        let outer = format!("[{label}]");
        let (subject, outer_subject) = match (sealed, secret) {
            (true, _) => (words.subject, Some(outer)),
            (false, true) => (outer, None),
            (false, false) => (words.subject, None),
        };
        let root =
            self.case.as_ref().map(|case| self.rules.key.thread_root(self.rules.address.domain(), case.id, &key.0));
        let references = root.into_iter().chain(in_reply_to.clone()).collect();
        let mail = OutgoingMail {
            kind: letter.kind,
            party: Some(key.clone()),
            to,
            message_id: self.message_id(),
            reply_to: Some(self.reply_address(key)),
            in_reply_to,
            references,
            subject,
            outer_subject,
            text: words.text,
            protection: protection.unwrap_or(Protection::Signed),
            automatic: letter.automatic,
            attach: letter.attach.filter(|_| sealed),
            attach_key: letter.attach_key,
        };
        self.push(Effect::Mail(Box::new(mail)));
    }

    /// A public mail to a mailing list, in exactly these words.
    pub(super) fn mail_list(&mut self, to: Address, subject: String, text: String) {
        let mail = OutgoingMail {
            kind: MailKind::Advisory,
            party: None,
            to,
            message_id: self.message_id(),
            reply_to: Some(self.rules.address.clone()),
            in_reply_to: None,
            references: Vec::new(),
            subject,
            outer_subject: None,
            text,
            protection: Protection::Signed,
            automatic: Automatic::No,
            attach: None,
            attach_key: false,
        };
        self.push(Effect::Mail(Box::new(mail)));
    }

    /// A template filled in, with the fields that every template has.
    pub(super) fn words(&self, template: Template, mut fields: Fields) -> Words {
        fields.insert("project", self.rules.publisher.project.clone());
        fields.insert("address", self.rules.address.to_string());
        fields.insert("case", self.label());
        fields.entry("fingerprint").or_insert_with(|| self.rules.publisher.fingerprint.clone());
        self.rules.templates.render(template, &fields)
    }
}

/// Whether a clock runs for each maintainer apart.
fn per_party(rule: &TimerRule) -> bool {
    rule.start.iter().all(|fact| fact.is_about_a_maintainer())
}

/// Text of strangers made harmless for one line: no controls, no direction marks, bounded.
pub(super) fn one_line(text: &str) -> String {
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    let clean: String = text.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).filter(|c| !hidden(*c)).collect();
    clean.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(200).collect()
}
