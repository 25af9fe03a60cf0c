//! Mail of the Sent folder: ours, that the host kept; a program's; or an answer that somebody of ours wrote by hand.
//!
//! None of it is answered, acknowledged, read for commands, or opens a case. An answer by hand joins the case that it
//! points at, when a party of that case is among its recipients; until there is such a case it is kept with what it
//! answers, and judged again when a mail that it answers joins one.

use super::{Bench, Ruling};
use crate::domain::event::{ByHand, Event, Fate, Snapshot};
use crate::domain::id::{Address, CaseId};
use crate::domain::party::PartyKey;
use crate::mail::classify::MailClass;
use crate::store::StoreError;

/// Recipients of one mail that are looked at.
const RECIPIENTS_MAX: usize = 50;
/// Why an answer joins nothing yet.
const TO_NOBODY: &str = "written by hand to somebody whom no case knows";
const BY_NOBODY: &str = "lies in the Sent folder, but neither the address nor a member wrote it";

impl Bench<'_> {
    /// Judges a mail that lay in the Sent folder.
    pub(super) fn sent(&self) -> Result<Ruling, StoreError> {
        let id = self.reading.outer_message_id.as_ref();
        if self.reading.class == MailClass::Own || id.is_some_and(|id| self.rules.key.made(id)) {
            let cases = id.map(|id| self.session.cases_of_message(id)).transpose()?.unwrap_or_default();
            let fate = cases.first().map_or(Fate::Sent(None), |(case, _)| Fate::Noted(*case));
            return Ok(Ruling::Settled(fate));
        }
        match &self.reading.class {
            MailClass::Person | MailClass::Intake { .. } => self.by_hand(),
            MailClass::Own | MailClass::Automatic(_) | MailClass::Bounce(_) | MailClass::List { .. } => {
                Ok(Ruling::Settled(Fate::Sent(None)))
            }
        }
    }

    fn by_hand(&self) -> Result<Ruling, StoreError> {
        let Some((author, writer)) = self.writer() else {
            return Ok(Ruling::Settled(Fate::Sent(Some(BY_NOBODY.to_owned()))));
        };
        let to = self.outsiders();
        if to.is_empty() {
            return Ok(Ruling::Settled(Fate::Sent(None)));
        }
        if let Some(first) = self.session.same_sent(self.mail, self.reading.outer_message_id.as_ref())? {
            return Ok(Ruling::Settled(Fate::Duplicate(first)));
        }
        let mut seen: Vec<CaseId> = Vec::new();
        for hit in self.hits(author)? {
            if seen.contains(&hit.case) {
                continue;
            }
            seen.push(hit.case);
            let Some(case) = self.session.case(hit.case)? else { continue };
            let reached = case.parties.iter().filter(|party| to.iter().any(|address| party.writes_from(address)));
            let reached: Vec<PartyKey> = reached.map(|party| party.key.clone()).collect();
            if reached.is_empty() {
                continue;
            }
            let answer = ByHand { mail: self.mail.id, writer: writer.clone(), to: reached, at: self.mail.arrived };
            let unsealed_acks = self.session.unsealed_acks(hit.case)?;
            let snapshot = Snapshot { case: Some(case), unsealed_acks, ..Snapshot::default() };
            return Ok(Ruling::happens(
                Event::AnsweredByHand(Box::new(answer)),
                Fate::Joined(hit.case, writer),
                snapshot,
            ));
        }
        self.session.await_answered(self.mail.id, &self.reading.keys.references, &to)?;
        Ok(Ruling::Settled(Fate::Sent(Some(TO_NOBODY.to_owned()))))
    }

    /// Who of ours wrote it. What a form or list names as its reporter does not count here.
    fn writer(&self) -> Option<(&Address, PartyKey)> {
        let author = self.reading.mail.author()?;
        if self.is_ours(author) {
            return Some((author, PartyKey::of_the_address()));
        }
        self.rules.member_at(author).map(|member| (author, member.key.clone()))
    }

    fn is_ours(&self, address: &Address) -> bool {
        address.without_detail().same_mailbox(&self.rules.address.without_detail())
    }

    /// Its recipients but for ourselves.
    fn outsiders(&self) -> Vec<Address> {
        let outside = |address: &&Address| !self.is_ours(address) && self.rules.member_at(address).is_none();
        self.reading.mail.recipients.iter().filter(outside).take(RECIPIENTS_MAX).cloned().collect()
    }
}
