//! From the outbox to the relays: compose and seal (T3), claim (T4), submit, settle (T5); pages to the site.
//!
//! Sealed bytes are stored before the first of them leaves, and every retry sends the same ones.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::crash;
use crate::domain::effect::MailKind;
use crate::domain::event::{Delivery, DeliveryOutcome, Event};
use crate::domain::id::{Address, CaseId, MailId, OutboxId};
use crate::domain::time::Timestamp;
use crate::engine::aside;
use crate::engine::read::Reader;
use crate::engine::retry::{AFTER_SILENCE, next_attempt};
use crate::engine::seal::{self, Unsealed};
use crate::engine::step::{Engine, EngineError, ReturnPath};
use crate::engine::work::{ends_the_batch, in_parallel};
use crate::pgp::seal::SealError;
use crate::ports::{RelayJob, RelayOutcome, RelayVerdict};
use crate::store::{ClaimedMail, QueuedMail, Session, Settlement, StoreError, Work};

/// Mails sealed, or handed to the relays, in one step.
const MAILS_PER_STEP: usize = 256;
/// Received mails held in memory to be attached in one step, in bytes.
const ORIGINALS_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Attempts to seal one mail before it is held.
const SEAL_ATTEMPTS_MAX: u32 = 3;
/// Mails under way at most, over all relays.
const IN_FLIGHT_MAX: usize = 512;
/// Outcomes settled in one step.
const OUTCOMES_PER_STEP: usize = 512;
/// Pages written in one step.
const PAGES_PER_STEP: usize = 20;

impl Engine {
    /// Moves outgoing mail one step on; true when something moved.
    pub(super) fn dispatch(&mut self, now: Timestamp) -> Result<bool, EngineError> {
        let mut worked = self.seal_queued(now)?;
        worked |= self.submit_due(now)?;
        worked |= self.settle_outcomes(now)?;
        worked |= self.write_pages(now)?;
        Ok(worked)
    }

    /// Settles what relays have answered and begins nothing new. Gives the number of mails still under way.
    ///
    /// # Errors
    /// The store.
    pub fn settle_only(&mut self, now: Timestamp) -> Result<usize, EngineError> {
        self.settle_outcomes(now)?;
        Ok(self.in_flight)
    }

    fn seal_queued(&mut self, now: Timestamp) -> Result<bool, EngineError> {
        let mut queued = self.store.session().unsealed(MAILS_PER_STEP)?;
        if queued.is_empty() {
            return Ok(false);
        }
        // A mail that ended the process at each attempt is held instead of tried once more.
        let hopeless = queued.extract_if(.., |mail| mail.attempts >= SEAL_ATTEMPTS_MAX);
        let hopeless = hopeless.map(|mail| (mail, Unsealed::Key(SealError::Library))).collect();
        self.not_sealed(hopeless, now)?;
        self.store.session().begin_sealing(&queued.iter().map(|mail| mail.id).collect::<Vec<_>>())?;
        crash::point("sealing");
        let originals = self.originals(&mut queued, now)?;
        let (rules, keyring) = (&self.setup.rules, &self.setup.keyring);
        let results = in_parallel(&queued, self.threads.get(), |mail| {
            let original = mail.plan.attach.and_then(|id| originals.get(&id));
            seal::seal(&mail.plan, original.map(Vec::as_slice), rules, keyring, now)
        });
        let (mut sealed, mut failed) = (Vec::new(), Vec::new());
        for (mail, result) in queued.into_iter().zip(results) {
            match result.unwrap_or(Err(Unsealed::Key(SealError::Library))) {
                Ok(bytes) => sealed.push((mail.id, bytes)),
                Err(error) => failed.push((mail, error)),
            }
        }
        self.store.batch::<_, StoreError>(|batch| {
            batch.session().store_sealed(&sealed, now)?;
            batch.session().end_work(Work::Sealing)
        })?;
        crash::point("sealed");
        self.not_sealed(failed, now)?;
        Ok(true)
    }

    /// The received mails that go along, decrypted; each is read once, however many members get it. Cuts the queue
    /// where too much would be held at once.
    fn originals(
        &self,
        queued: &mut Vec<QueuedMail>,
        now: Timestamp,
    ) -> Result<BTreeMap<MailId, Vec<u8>>, EngineError> {
        let (mut originals, mut held, mut covered) = (BTreeMap::new(), 0, 0);
        for mail in queued.iter() {
            if let Some(id) = mail.plan.attach.filter(|id| !originals.contains_key(id)) {
                if held > ORIGINALS_BYTES_MAX {
                    break;
                }
                let raw = self.store.session().bytes_of(id)?.unwrap_or_default();
                let reader = Reader { dkim: None, ..self.reader() };
                let read = in_parallel(std::slice::from_ref(&raw), 1, |raw| reader.read(raw, now).opened);
                let original = read.into_iter().flatten().flatten().next().unwrap_or(raw);
                held += original.len();
                originals.insert(id, original);
            }
            covered += 1;
        }
        queued.truncate(covered);
        Ok(originals)
    }

    fn not_sealed(&mut self, failed: Vec<(QueuedMail, Unsealed)>, now: Timestamp) -> Result<(), EngineError> {
        for (mail, error) in failed {
            tracing::warn!(mail = mail.id.0, kind = mail.plan.kind.word(), %error, "a mail could not be sealed");
            if error.is_temporary() && mail.attempts + 1 < SEAL_ATTEMPTS_MAX {
                self.store.session().raise_seal_attempts(&[mail.id])?;
                continue;
            }
            let detail = error.to_string();
            let (kind, party) = (mail.plan.kind, mail.plan.party.clone());
            let recipient = mail.plan.to.clone();
            let delivery =
                Delivery { kind, party, recipient, outcome: DeliveryOutcome::Failed, detail: detail.clone() };
            let event = Some(Event::SealFailed(delivery));
            self.deliveries(vec![Settled { row: mail.id, case: mail.case, end: End::Held, detail, event }], now)?;
        }
        Ok(())
    }

    fn submit_due(&mut self, now: Timestamp) -> Result<bool, EngineError> {
        let room = IN_FLIGHT_MAX.saturating_sub(self.in_flight).min(MAILS_PER_STEP);
        let room = self.room_at_relays(room, now)?;
        if room == 0 || self.relays_full || self.outgoing_held || self.ports.relays.is_empty() {
            return Ok(false);
        }
        let claimed = self.store.session().claim_due(now, room)?;
        if claimed.is_empty() {
            return Ok(false);
        }
        crash::point("claimed");
        let mut back = Vec::new();
        for mail in claimed {
            let id = mail.id;
            if self.submit(mail, now) {
                self.in_flight += 1;
            } else {
                back.push(id);
            }
        }
        // They are full until one of them answers; trying again before would only write to the disk.
        self.relays_full = !back.is_empty() && self.in_flight > 0;
        self.store.session().unclaim(&back)?;
        crash::point("submitted");
        Ok(true)
    }

    /// Hands a mail to a relay; its row's number chooses which, and the others stand in when that one is full.
    fn submit(&mut self, mail: ClaimedMail, now: Timestamp) -> bool {
        let mut job = RelayJob {
            id: mail.id,
            sender: self.sender(&mail),
            recipient: mail.recipient,
            bytes: Arc::new(mail.bytes),
        };
        let relays = self.ports.relays.len();
        let first = usize::try_from(job.id.0).unwrap_or(0) % relays.max(1);
        for offset in 0..relays {
            let chosen = (first + offset) % relays;
            if !self.may_be_given(chosen, now) {
                continue;
            }
            let Some(relay) = self.ports.relays.get_mut(chosen) else { continue };
            match relay.submit(job) {
                Ok(()) => {
                    self.was_given(chosen);
                    return true;
                }
                Err(returned) => job = returned,
            }
        }
        false
    }

    /// The envelope sender. Mailing lists judge posts by it, so they get the plain address.
    fn sender(&self, mail: &ClaimedMail) -> Option<Address> {
        let rules = &self.setup.rules;
        match (self.setup.return_path, mail.kind == MailKind::Advisory) {
            (_, true) | (ReturnPath::Plain, false) => Some(rules.address.clone()),
            (ReturnPath::Keyed, false) => Some(rules.key.bounce_address(&rules.address, &mail.message_id)),
            (ReturnPath::Null, false) => None,
        }
    }

    fn settle_outcomes(&mut self, now: Timestamp) -> Result<bool, EngineError> {
        let mut outcomes = Vec::new();
        for (place, relay) in self.ports.relays.iter_mut().enumerate() {
            while outcomes.len() < OUTCOMES_PER_STEP {
                let Some(outcome) = relay.poll() else { break };
                outcomes.push((place, outcome));
            }
        }
        if outcomes.is_empty() {
            return Ok(false);
        }
        self.relays_full = false;
        crash::point("answered");
        self.in_flight = self.in_flight.saturating_sub(outcomes.len());
        let mut settled = Vec::new();
        for outcome in self.keep_books(outcomes, now)? {
            settled.extend(self.settlement(&outcome, now)?);
        }
        self.deliveries(settled, now)?;
        crash::point("delivered");
        Ok(true)
    }

    /// What an outcome means for its row, and whether it is the last word.
    fn settlement(&self, outcome: &RelayOutcome, now: Timestamp) -> Result<Option<Settled>, EngineError> {
        let Some(row) = self.store.session().row(outcome.id)? else { return Ok(None) };
        let event = |end| {
            Event::Delivery(Delivery {
                kind: row.kind,
                party: row.party.clone(),
                recipient: row.recipient.clone(),
                outcome: end,
                detail: outcome.detail.clone(),
            })
        };
        let failed = || (Settlement::Failed, Some(event(DeliveryOutcome::Failed)));
        let (settlement, event) = match outcome.verdict {
            RelayVerdict::Accepted => {
                // Only a maintainer's clock waits for this; other deliveries change no case.
                let clock = (row.kind == MailKind::MaintainerNotice).then(|| event(DeliveryOutcome::Accepted));
                (Settlement::Delivered, clock)
            }
            RelayVerdict::Refused => {
                tracing::warn!(mail = outcome.id.0, detail = %outcome.detail, "refused");
                failed()
            }
            RelayVerdict::Unknown if row.ambiguous > 0 => failed(),
            RelayVerdict::Unknown => {
                tracing::warn!(
                    mail = outcome.id.0,
                    "the relay did not answer the final dot; one identical copy may follow"
                );
                (Settlement::Ambiguous { next_at: now.after(AFTER_SILENCE) }, None)
            }
            RelayVerdict::Untried => return Ok(None),
            RelayVerdict::Deferred => {
                tracing::warn!(mail = outcome.id.0, detail = %outcome.detail, "deferred");
                match next_attempt(row.attempts, row.created_at, now, &row.message_id) {
                    Some(next_at) => (Settlement::Deferred { next_at }, None),
                    None => failed(),
                }
            }
        };
        let detail = outcome.detail.clone();
        Ok(Some(Settled { row: outcome.id, case: row.case, end: End::Settled(settlement), detail, event }))
    }

    /// Settles rows and decides what follows from each, one savepoint a row.
    fn deliveries(&mut self, settled: Vec<Settled>, now: Timestamp) -> Result<(), EngineError> {
        let (rules, entropy) = (&self.setup.rules, &mut self.ports.entropy);
        self.store.batch::<_, StoreError>(|batch| {
            for Settled { row, case, end, detail, event } in settled {
                let ends = |session: &Session<'_>| match end {
                    End::Settled(settlement) => session.settle(row, settlement, &detail, now),
                    End::Held => session.hold(row, &detail, now),
                };
                let (Some(event), Some(case)) = (event, case) else {
                    // Nothing follows from it, as from almost every delivery of a broadcast.
                    ends(&batch.session())?;
                    continue;
                };
                let seed = entropy.seed();
                let done: Result<(), StoreError> = batch.each(|session| {
                    if ends(session)? {
                        aside::follow(session, rules, case, event, "delivery", now, seed)
                    } else {
                        Ok(())
                    }
                });
                let Err(error) = done else { continue };
                tracing::error!(mail = row.0, %error, "what follows from a delivery could not be recorded");
                if ends_the_batch(&error) {
                    return Err(error);
                }
                // The row's end counts without what follows: else it would be sent again at each start, for ever.
                if batch.each(ends)? {
                    let what = format!("what follows from the delivery of a mail, number {row} of the outbox");
                    aside::tell(batch, rules, case, what, now, entropy.seed());
                }
            }
            Ok(())
        })?;
        Ok(())
    }

    fn write_pages(&mut self, now: Timestamp) -> Result<bool, EngineError> {
        let pages = self.store.session().due_pages(PAGES_PER_STEP)?;
        let mut wrote = false;
        for (id, path, content) in pages {
            let Some(site) = self.ports.site.as_mut() else { return Ok(wrote) };
            match site.write(&path, content.as_bytes()) {
                Ok(()) => {
                    self.store.session().page_written(id, now)?;
                    wrote = true;
                }
                Err(error) => {
                    tracing::error!(page = id, %error, "a page could not be written; it is tried again");
                    return Ok(wrote);
                }
            }
        }
        Ok(wrote)
    }
}

/// How a row ends this step, with the words for its detail, and what follows for its case.
struct Settled {
    row: OutboxId,
    case: Option<CaseId>,
    end: End,
    detail: String,
    event: Option<Event>,
}

#[derive(Clone, Copy)]
enum End {
    /// The relay has spoken.
    Settled(Settlement),
    /// It cannot be sealed.
    Held,
}
