//! The people of the story, each with a key of its own but for the stranger and the mailing list.

use crate::daemon::exit::{Failure, SOFTWARE};
use crate::daemon::rehearsal::Plan;
use crate::daemon::rehearsal::people::Person;
use crate::domain::id::Address;
use crate::domain::party::{Member, PartyKey, TeamRole};
use crate::domain::rules::ExternalList;
use crate::domain::time::Timestamp;

/// Where randomness begins: labels, tokens and Message-IDs are the same in each run, keys are not.
const SEED: u64 = 2026;
/// When the story begins: a Monday.
const START: &str = "2026-03-02T09:00Z";

/// Everybody.
#[derive(Clone)]
pub(super) struct Cast {
    /// The project's address, which postern looks after.
    pub(super) house: Person,
    /// She found something.
    pub(super) ana: Person,
    /// A team member.
    pub(super) bo: Person,
    /// Another one.
    pub(super) cy: Person,
    /// He maintains what is broken.
    pub(super) max: Person,
    /// A stranger without a key.
    pub(super) eve: Person,
    /// The project's announcement list.
    pub(super) list: Person,
}

impl Cast {
    /// Makes the keys.
    pub(super) fn assemble() -> Result<Self, Failure> {
        let at = start()?;
        let keyed = |name: &str, text: &str| Person::with_key(name, address(text)?, at);
        Ok(Self {
            house: keyed("Example Project", "security@example.org")?,
            ana: keyed("Ana", "ana@reporter.example")?,
            bo: keyed("Bo", "bo@team.example")?,
            cy: keyed("Cy", "cy@team.example")?,
            max: keyed("Max", "max@guestbook.example")?,
            eve: Person::without_key("Eve", address("eve@elsewhere.example")?),
            list: Person::without_key("announce list", address("announce@lists.example.org")?),
        })
    }

    /// How the house is set up for them.
    pub(super) fn plan(&self) -> Result<Plan, Failure> {
        Ok(Plan {
            house: self.house.clone(),
            team: vec![self.bo.clone(), self.cy.clone()],
            pinned: vec![self.ana.clone(), self.max.clone()],
            clear: Vec::new(),
            lists: vec![ExternalList {
                name: "announce".to_owned(),
                address: self.list.address.clone(),
                prefix: "[SECURITY] ".to_owned(),
            }],
            start: start()?,
            seed: SEED,
        })
    }

    /// Those who have keys, with the names of their files.
    pub(super) fn keyed(&self) -> [(&'static str, &Person); 5] {
        [("postern", &self.house), ("ana", &self.ana), ("bo", &self.bo), ("cy", &self.cy), ("max", &self.max)]
    }

    /// Who reads mail at this address.
    pub(super) fn reader(&self, address: &Address) -> Option<&Person> {
        let all = [&self.ana, &self.bo, &self.cy, &self.max, &self.eve, &self.list];
        all.into_iter().find(|person| person.address.same_mailbox(address))
    }

    /// The member whom the rules call so.
    pub(super) fn member(&self, key: &PartyKey) -> Option<&Person> {
        [&self.bo, &self.cy].into_iter().find(|member| key_of(member) == *key)
    }

    /// Whether this is a member of the team.
    pub(super) fn is_team(&self, person: &Person) -> bool {
        [&self.bo, &self.cy].iter().any(|member| member.address.same_mailbox(&person.address))
    }
}

/// What the rules call a member.
fn key_of(member: &Person) -> PartyKey {
    Member::new(member.name.clone(), member.address.clone(), TeamRole::Member, None).key
}

fn start() -> Result<Timestamp, Failure> {
    Timestamp::parse(START).ok_or_else(|| Failure::new(SOFTWARE, "the story has no beginning"))
}

fn address(text: &str) -> Result<Address, Failure> {
    Address::parse(text).ok_or_else(|| Failure::new(SOFTWARE, format!("no address: {text}")))
}
