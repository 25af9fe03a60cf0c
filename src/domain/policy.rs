//! A disclosure policy: a closed schema of few primitives, read from a TOML file.
//!
//! This file has the primitives that the engine runs today: timers between facts, levels of
//! severity, the default embargo, and who must confirm. No organisation's name occurs in the program.

use serde::{Deserialize, Serialize};

use super::calendar::Span;

macro_rules! closed_words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $word)] $variant),+ }

        impl $name {
            /// The word in policy files and in the journal.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// The value of a stored word.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                [$(Self::$variant),+].into_iter().find(|value| value.word() == word)
            }
        }
    };
}

closed_words!(
    /// Something that became true of a case or of one party.
    Fact {
        /// A report opened the case.
        Received = "received",
        /// A member answered a reporter by hand.
        Answered = "answered",
        /// The relay took the notice to a maintainer.
        MaintainerContacted = "maintainer.contacted",
        /// A maintainer answered.
        MaintainerReplied = "maintainer.replied",
        /// The notice to a maintainer came back.
        MaintainerBounced = "maintainer.bounced",
        /// The end of the embargo was set or changed.
        EmbargoSet = "embargo.set",
        /// The embargo is over.
        EmbargoEnded = "embargo.ended",
        /// The advisory went out.
        Published = "published",
        /// The report was closed.
        Closed = "closed",
    }
);

closed_words!(
    /// What a timer does when it is due.
    TimerAction {
        /// Tell the team that nobody has answered the reporter.
        NudgeAnswer = "nudge:answer",
        /// Tell the team that work has not moved since the maintainer answered.
        NudgeProgress = "nudge:progress",
        /// Remind the maintainer.
        RemindMaintainer = "remind:maintainer",
        /// Draft the advisory that urges to uninstall, for the team to publish.
        DraftUninstall = "draft:uninstall",
        /// Silence accepts the default embargo.
        AcceptEmbargo = "accept:embargo",
        /// Tell the team that the embargo ends soon.
        WarnEmbargo = "warn:embargo",
        /// Tell the team that the embargo has ended; it permits publication and obliges nobody.
        EndEmbargo = "end:embargo",
        /// Tell the team that a held mail still waits.
        NudgeHeld = "nudge:held",
    }
);

impl Fact {
    /// Whether it is about one maintainer.
    #[must_use]
    pub fn is_about_a_maintainer(self) -> bool {
        match self {
            Self::MaintainerContacted | Self::MaintainerReplied | Self::MaintainerBounced => true,
            Self::Received
            | Self::Answered
            | Self::EmbargoSet
            | Self::EmbargoEnded
            | Self::Published
            | Self::Closed => false,
        }
    }
}

impl TimerAction {
    /// Whether it is about one maintainer.
    #[must_use]
    pub fn is_about_a_maintainer(self) -> bool {
        match self {
            Self::RemindMaintainer | Self::DraftUninstall => true,
            Self::NudgeAnswer
            | Self::NudgeProgress
            | Self::AcceptEmbargo
            | Self::WarnEmbargo
            | Self::EndEmbargo
            | Self::NudgeHeld => false,
        }
    }
}

/// A clock between two facts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimerRule {
    /// Name, unique in the policy.
    pub id: String,
    /// Any of these facts starts it, anew if it runs.
    pub start: Vec<Fact>,
    /// Any of these facts stops it.
    #[serde(default)]
    pub stop: Vec<Fact>,
    /// It is due this long after its start; several spans, several times.
    #[serde(default)]
    pub after: Vec<Span>,
    /// It is due this long before the end of the embargo, and at the end for `end:embargo`.
    #[serde(default)]
    pub before: Vec<Span>,
    /// What it does.
    #[serde(rename = "do")]
    pub action: TimerAction,
}

/// A policy, checked whole when it is loaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Name of the policy.
    pub id: String,
    /// IANA time zone in which months and hours are reckoned.
    pub zone: String,
    /// Embargo proposed to every reporter.
    pub embargo_default: Span,
    /// Levels of severity, highest first.
    pub levels: Vec<String>,
    /// Whether publication must be confirmed by a member other than the one who asked.
    #[serde(default)]
    pub second_member: bool,
    /// The clocks.
    #[serde(rename = "timer", default)]
    pub timers: Vec<TimerRule>,
}

impl Policy {
    /// The zone; UTC if the name was never checked.
    #[must_use]
    pub fn time_zone(&self) -> jiff::tz::TimeZone {
        jiff::tz::TimeZone::get(&self.zone).unwrap_or(jiff::tz::TimeZone::UTC)
    }

    /// The first span after which a rule with this action is due.
    #[must_use]
    pub fn span_of(&self, action: TimerAction) -> Option<Span> {
        self.timers.iter().find(|rule| rule.action == action).and_then(|rule| rule.after.first().copied())
    }

    /// Everything that is wrong with the policy, each in one line.
    #[must_use]
    pub fn mistakes(&self) -> Vec<String> {
        let mut found = Vec::new();
        if jiff::tz::TimeZone::get(&self.zone).is_err() {
            found.push(format!(
                "zone: {:?} is no IANA time zone; write one such as \"UTC\" or \"Europe/Berlin\"",
                self.zone
            ));
        }
        if self.levels.is_empty() {
            found.push("levels: name at least one level of severity".to_owned());
        }
        for (index, rule) in self.timers.iter().enumerate() {
            let at = format!("timer {:?}", rule.id);
            if rule.start.is_empty() {
                found.push(format!("{at}: start names no fact"));
            }
            if rule.after.is_empty() == rule.before.is_empty() {
                found.push(format!("{at}: give either after or before"));
            }
            if !rule.before.is_empty() && rule.start != [Fact::EmbargoSet] {
                found.push(format!(
                    "{at}: before counts from the end of an embargo, so start must be [\"embargo.set\"]"
                ));
            }
            if rule.action.is_about_a_maintainer() && !rule.start.iter().all(|fact| fact.is_about_a_maintainer()) {
                found.push(format!(
                    "{at}: {} needs a maintainer, so start must name maintainer facts",
                    rule.action.word()
                ));
            }
            if rule.action == TimerAction::NudgeHeld {
                found.push(format!("{at}: nudge:held belongs to held mail and is no policy's; leave the rule out"));
            }
            if self.timers.iter().skip(index + 1).any(|other| other.id == rule.id) {
                found.push(format!("{at}: the id is used twice"));
            }
        }
        found
    }
}
