//! What holds for every case of this instance: who we are, who the team is, which policy applies.
//!
//! Made once from the checked settings; `decide` reads it and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use super::advisory::{Publisher, Render};
use super::id::{Address, Fingerprint};
use super::party::{Audience, Member, PartyKey};
use super::policy::Policy;
use super::template::Templates;
use super::token::InstanceKey;

/// A mailing list that advisories go to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalList {
    /// Its name, for people.
    pub name: String,
    /// Where to post.
    pub address: Address,
    /// What its subjects begin with, such as `[SECURITY] `; may be empty.
    pub prefix: String,
}

/// The rules of an instance.
#[derive(Debug)]
pub struct Rules {
    /// Name of the instance; tokens and the loop header are bound to it.
    pub instance: String,
    /// Who publishes: name of the project, contact, site, fingerprint.
    pub publisher: Publisher,
    /// The address the daemon stands behind.
    pub address: Address,
    /// What labels begin with.
    pub case_prefix: String,
    /// The secret of all tokens.
    pub key: InstanceKey,
    /// The team.
    pub team: Vec<Member>,
    /// Who may be written to in clear.
    pub clear: BTreeSet<Audience>,
    /// Certificates the operator pinned to addresses (by [`Address::key`]).
    pub pins: BTreeMap<String, Fingerprint>,
    /// Whether every command needs a signature.
    pub require_signature: bool,
    /// Whether reply addresses carry a `+detail`.
    pub plus_addresses: bool,
    /// Whether the relay replaces our Message-ID, so that References must carry it too.
    pub message_id_rewritten: bool,
    /// Lists that advisories go to.
    pub lists: Vec<ExternalList>,
    /// The disclosure policy.
    pub policy: Policy,
    /// Digest of the policy as loaded, for the journal.
    pub policy_digest: String,
    /// The words of our mails.
    pub templates: Templates,
    /// How an advisory looks.
    pub render: Render,
    /// Acknowledgements to one address in 24 hours.
    pub acks_per_address_per_day: u32,
    /// Acknowledgements to anybody in an hour.
    pub acks_per_hour: u32,
}

impl Rules {
    /// The member with this key.
    #[must_use]
    pub fn member(&self, key: &PartyKey) -> Option<&Member> {
        self.team.iter().find(|member| member.key == *key)
    }

    /// The member who writes from this address.
    #[must_use]
    pub fn member_at(&self, address: &Address) -> Option<&Member> {
        self.team.iter().find(|member| member.address.same_mailbox(address))
    }

    /// How a member is called; the bare key for one who has left the team.
    #[must_use]
    pub fn name_of(&self, key: &PartyKey) -> String {
        if key.is_the_address() {
            return format!("somebody at {}", self.address);
        }
        self.member(key).map_or_else(|| key.0.clone(), |member| member.name.clone())
    }
}
