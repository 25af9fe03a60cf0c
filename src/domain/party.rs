//! Who takes part: team members (from the settings) and the parties of one case.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::id::{Address, Fingerprint, MessageId};
use super::token::digest_hex;

/// The stable name of a party within its case (`r1`, `m2`) or of a team member in every case (`t-…`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PartyKey(pub String);

/// The key under which mail is journalled that was sent from the address itself, by nobody knows whom.
const THE_ADDRESS: &str = "address";

impl PartyKey {
    /// Whoever writes from the address itself. No party and no member has this key.
    #[must_use]
    pub fn of_the_address() -> Self {
        Self(THE_ADDRESS.to_owned())
    }

    /// Whether it is the address itself.
    #[must_use]
    pub fn is_the_address(&self) -> bool {
        self.0 == THE_ADDRESS
    }
}

impl fmt::Display for PartyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The part somebody plays in a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Sent the report, or a further one on the same matter.
    Reporter,
    /// Looks after the affected part of the project.
    Maintainer,
    /// Told before publication because others depend on him.
    Stakeholder,
}

impl Role {
    /// The word people and the store use.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Reporter => "reporter",
            Self::Maintainer => "maintainer",
            Self::Stakeholder => "stakeholder",
        }
    }

    /// The role of a stored word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Reporter, Self::Maintainer, Self::Stakeholder].into_iter().find(|role| role.word() == word)
    }
}

/// How a conversation began, judged by the outer structure of the first mail alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// In clear.
    Clear,
    /// Encrypted: this conversation never falls back to clear.
    Encrypted,
}

/// One outside party of one case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Party {
    /// Name within the case; part of the token of the party's reply address.
    pub key: PartyKey,
    /// The part played.
    pub role: Role,
    /// Where mail goes.
    pub address: Address,
    /// Further addresses the party writes from.
    pub aliases: Vec<Address>,
    /// The certificate mail is sealed to. Only a setting or a confirmed command pins one.
    pub fingerprint: Option<Fingerprint>,
    /// How the conversation began.
    pub form: Form,
    /// Message-ID of the party's last mail: what an answer is in reply to.
    pub last_message: Option<MessageId>,
}

impl Party {
    /// Whether the party writes from this address.
    #[must_use]
    pub fn writes_from(&self, address: &Address) -> bool {
        self.address.same_mailbox(address) || self.aliases.iter().any(|alias| alias.same_mailbox(address))
    }
}

/// The part a team member plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TeamRole {
    /// Takes every decision in the last resort.
    Lead,
    /// Stands in for the lead.
    Deputy,
    /// Works on cases.
    Member,
    /// Sorts reports before the team sees them.
    Triage,
}

/// A member of the team, from the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Stable name, derived from the address.
    pub key: PartyKey,
    /// How the member is called in notes and transcripts.
    pub name: String,
    /// Where the member writes from and is written to.
    pub address: Address,
    /// Role in the team.
    pub role: TeamRole,
    /// The pinned certificate; without one, strong commands need a second member.
    pub fingerprint: Option<Fingerprint>,
}

impl Member {
    /// A member; the key follows from the address, so that tokens survive a changed order in the settings.
    #[must_use]
    pub fn new(name: String, address: Address, role: TeamRole, fingerprint: Option<Fingerprint>) -> Self {
        let hash: String = digest_hex(address.key().as_bytes()).chars().take(12).collect();
        Self { key: PartyKey(format!("t-{hash}")), name, address, role, fingerprint }
    }
}

/// Groups of people for whom `privacy.clear` may allow mail in clear.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Audience {
    /// Members of the team.
    Team,
    /// Reporters, and only those who began in clear.
    Reporter,
    /// Maintainers.
    Maintainer,
    /// Stakeholders.
    Stakeholder,
}

impl From<Role> for Audience {
    fn from(role: Role) -> Self {
        match role {
            Role::Reporter => Self::Reporter,
            Role::Maintainer => Self::Maintainer,
            Role::Stakeholder => Self::Stakeholder,
        }
    }
}
