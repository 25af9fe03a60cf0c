//! A case: one vulnerability, or the suspicion of one, with everybody who takes part.

use super::advisory::Advisory;
use super::id::{Address, CaseId};
use super::label::Label;
use super::party::{Party, PartyKey, Role};
use super::state::{ContactState, EmbargoState, PublicationState, ReportState};
use super::time::Timestamp;

/// The state of one case. `decide` takes one and gives the next; the store keeps the latest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// Number in this instance.
    pub id: CaseId,
    /// Name in front of people.
    pub label: Label,
    /// Title: the first report's subject until somebody gives a better one. Secret while under embargo.
    pub title: String,
    /// When the first report was decided.
    pub opened_at: Timestamp,
    /// Report state of the team.
    pub report: ReportState,
    /// Why it was closed.
    pub close_reason: Option<String>,
    /// Level of severity, one of the policy's.
    pub severity: Option<String>,
    /// The member who looks after it.
    pub owner: Option<PartyKey>,
    /// Embargo state.
    pub embargo: EmbargoState,
    /// When the embargo ends; permits publication, never obliges it.
    pub embargo_until: Option<Timestamp>,
    /// The way of the advisory.
    pub publication: PublicationState,
    /// The advisory, once there is a text.
    pub advisory: Option<Advisory>,
    /// When a member last answered a reporter by hand.
    pub answered_at: Option<Timestamp>,
    /// Who that was.
    pub answered_by: Option<PartyKey>,
    /// Reporters, maintainers and others.
    pub parties: Vec<Party>,
    /// The conversation with each maintainer.
    pub contacts: Vec<Contact>,
}

/// The conversation with one maintainer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// The maintainer.
    pub party: PartyKey,
    /// Where it stands.
    pub state: ContactState,
    /// When the relay took the notice: the start of the clock.
    pub since: Option<Timestamp>,
}

impl Case {
    /// A case in which nothing has happened yet.
    #[must_use]
    pub fn opened(id: CaseId, label: Label, opened_at: Timestamp) -> Self {
        Self {
            id,
            label,
            title: String::new(),
            opened_at,
            report: ReportState::Received,
            close_reason: None,
            severity: None,
            owner: None,
            embargo: EmbargoState::None,
            embargo_until: None,
            publication: PublicationState::None,
            advisory: None,
            answered_at: None,
            answered_by: None,
            parties: Vec::new(),
            contacts: Vec::new(),
        }
    }

    /// The party with this key.
    #[must_use]
    pub fn party(&self, key: &PartyKey) -> Option<&Party> {
        self.parties.iter().find(|party| party.key == *key)
    }

    /// The party that writes from this address.
    #[must_use]
    pub fn party_at(&self, address: &Address) -> Option<&Party> {
        self.parties.iter().find(|party| party.writes_from(address))
    }

    /// The parties with a role, in the order in which they joined.
    pub fn with_role(&self, role: Role) -> impl Iterator<Item = &Party> {
        self.parties.iter().filter(move |party| party.role == role)
    }

    /// The key that the next party of a role gets: a letter and a number never used before in this case.
    #[must_use]
    pub fn next_key(&self, role: Role) -> PartyKey {
        let letter = role.word().chars().next().unwrap_or('x');
        let of_role = self.parties.iter().filter(|party| party.role == role);
        let numbers = of_role.filter_map(|party| party.key.0.strip_prefix(letter)?.parse::<u32>().ok());
        PartyKey(format!("{letter}{}", numbers.max().unwrap_or(0).saturating_add(1)))
    }

    /// The conversation with a maintainer, if there is one.
    pub fn contact_mut(&mut self, party: &PartyKey) -> Option<&mut Contact> {
        self.contacts.iter_mut().find(|contact| contact.party == *party)
    }

    /// One line for people: report state, severity, embargo.
    #[must_use]
    pub fn summary(&self) -> String {
        let mut words = vec![self.report.word().to_owned()];
        if let Some(severity) = &self.severity {
            words.push(format!("severity {severity}"));
        }
        match (self.embargo.in_force(), self.embargo_until) {
            (true, Some(until)) => words.push(format!("embargo {} until {}", self.embargo.word(), until.to_text())),
            (true, None) => words.push(format!("embargo {}", self.embargo.word())),
            (false, _) if self.embargo == EmbargoState::Exited => words.push("embargo over".to_owned()),
            (false, _) => {}
        }
        if self.publication != PublicationState::None {
            words.push(format!("advisory {}", self.publication.word()));
        }
        words.join(", ")
    }
}
