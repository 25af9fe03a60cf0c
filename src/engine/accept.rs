//! From the inbox into the store (T1), and only then off the server.
//!
//! Everything that was fetched is stored, whatever it is. When the disk runs low nothing is
//! fetched: mail is safest where it lies.

use crate::crash;
use crate::domain::event::{Answerable, Fate};
use crate::domain::id::Seed;
use crate::domain::time::Timestamp;
use crate::domain::token::digest_hex;
use crate::engine::step::{Adopt, Engine, EngineError, needs_a_person};
use crate::mail::parse::{Headers, Limits, stable_digest};
use crate::ports::{Entropy, Fetched, Folder, InboxEvent, RemoteUid};
use crate::store::{Accepted, NewMail, Store, StoreError};

/// Events of the inbox that one step takes.
const EVENTS_PER_STEP: usize = 4;

impl Engine {
    /// Takes what the inbox has; true when there was something.
    pub(super) fn accept(&mut self, now: Timestamp) -> Result<bool, EngineError> {
        if self.disk_is_low() {
            return Ok(false);
        }
        for taken in 0..EVENTS_PER_STEP {
            let Some(event) = self.ports.inbox.poll() else { return Ok(taken > 0) };
            self.take(event, now)?;
        }
        Ok(true)
    }

    fn disk_is_low(&mut self) -> bool {
        let minimum = self.setup.free_bytes_min;
        let low = self.ports.disk.free_bytes().is_some_and(|free| free < minimum);
        if low && !self.disk_low {
            tracing::error!(minimum, "the disk is nearly full: no mail is fetched, it waits in the inbox; make room");
        }
        self.disk_low = low;
        low
    }

    /// Whether fetching is stopped because the disk is nearly full.
    #[must_use]
    pub fn waits_for_disk(&self) -> bool {
        self.disk_low
    }

    fn take(&mut self, event: InboxEvent, now: Timestamp) -> Result<(), EngineError> {
        match event {
            InboxEvent::Opened { waiting } => {
                tracing::info!(waiting, "inbox open");
                self.inbox_state.open = true;
                self.inbox_state.was_open = true;
                self.inbox_state.drained = false;
                if self.adopting && self.setup.adopt.is_none() && waiting > 0 {
                    return Err(EngineError::Adopt(waiting));
                }
                if self.adopting && waiting == 0 {
                    self.adopted(now)?;
                }
            }
            InboxEvent::Batch(mails) => self.store_batch(mails, now)?,
            InboxEvent::Drained => {
                self.inbox_state.drained = true;
                if self.adopting {
                    self.adopted(now)?;
                }
            }
            InboxEvent::Vanished(_) => {
                tracing::warn!("a stored mail was moved away by somebody else before it was settled");
            }
            InboxEvent::Lost { error, retry_in_seconds } => {
                self.inbox_state.open = false;
                if !self.inbox_state.was_open && needs_a_person(error.class) {
                    return Err(EngineError::Inbox(error));
                }
                tracing::warn!(class = ?error.class, error = %error, retry_in_seconds, "inbox lost");
            }
        }
        Ok(())
    }

    fn adopted(&mut self, now: Timestamp) -> Result<(), EngineError> {
        self.store.session().mark_adopted(now)?;
        self.adopting = false;
        Ok(())
    }

    fn store_batch(&mut self, mails: Vec<Fetched>, now: Timestamp) -> Result<(), EngineError> {
        crash::point("fetched");
        let answerable = match (self.adopting, self.setup.adopt) {
            (true, Some(Adopt::Quiet | Adopt::Ignore)) => Answerable::Old,
            (true, Some(Adopt::Ack) | None) | (false, _) => Answerable::Yes,
        };
        let ignored = self.adopting && self.setup.adopt == Some(Adopt::Ignore);
        let remotes: Vec<_> = mails.iter().map(|mail| mail.remote.clone()).collect();
        let (limits, entropy) = (&self.setup.limits, &mut self.ports.entropy);
        let new: Vec<NewMail> =
            mails.into_iter().map(|mail| new_mail(mail, limits, entropy.seed(), answerable, now)).collect();
        let accepted = if ignored { self.accept_ignored(&new, now)? } else { self.store.session().accept(&new)? };
        crash::point("stored");
        tracing::info!(mails = accepted.len(), known = accepted.iter().filter(|mail| mail.known).count(), "stored");
        self.ports.inbox.settle(remotes);
        crash::point("settled");
        Ok(())
    }

    /// Stores mails and puts them aside without a word, in one commit: they were there before the first start, and the
    /// operator chose to ignore them. A start that ends in between must not find them undecided.
    fn accept_ignored(&mut self, mails: &[NewMail], now: Timestamp) -> Result<Vec<Accepted>, EngineError> {
        let accepted = self.store.batch::<_, StoreError>(|batch| {
            let accepted = batch.session().accept(mails)?;
            for (mail, stored) in mails.iter().zip(&accepted) {
                let before = "was there before the first start".to_owned();
                let fate = if mail.sent { Fate::Sent(None) } else { Fate::Quarantined(before) };
                batch.session().settle_mail(stored.id, &fate, now, None)?;
            }
            Ok(accepted)
        })?;
        Ok(accepted)
    }

    /// Stores mail that came by another door than the inbox, such as `postern ingest`. Gives how many were new.
    ///
    /// # Errors
    /// The store.
    pub fn ingest(
        &mut self,
        mails: Vec<Vec<u8>>,
        answerable: Answerable,
        now: Timestamp,
    ) -> Result<usize, EngineError> {
        store(&self.store, self.ports.entropy.as_mut(), &self.setup.limits, mails, answerable, now)
    }
}

/// Stores mails that came as files, in one commit. Gives how many were new; the same bytes are stored once.
///
/// # Errors
/// The store.
pub fn store(
    store: &Store,
    entropy: &mut dyn Entropy,
    limits: &Limits,
    mails: Vec<Vec<u8>>,
    answerable: Answerable,
    now: Timestamp,
) -> Result<usize, EngineError> {
    let new = mails.into_iter().map(|bytes| {
        let remote = RemoteUid { mailbox: "ingest".to_owned(), uid_validity: 0, uid: 0, key: digest_hex(&bytes) };
        let fetched = Fetched { remote, folder: Folder::Inbox, arrived: None, bytes, oversize: None };
        new_mail(fetched, limits, entropy.seed(), answerable, now)
    });
    let accepted = store.session().accept(&new.collect::<Vec<_>>())?;
    Ok(accepted.iter().filter(|mail| !mail.known).count())
}

fn new_mail(mail: Fetched, limits: &Limits, seed: Seed, answerable: Answerable, now: Timestamp) -> NewMail {
    let headers = Headers::parse(&mail.bytes, limits);
    NewMail {
        mailbox: mail.remote.mailbox,
        uid_validity: mail.remote.uid_validity,
        uid: mail.remote.uid,
        name: mail.remote.key,
        junk: mail.folder == Folder::Junk,
        sent: mail.folder == Folder::Sent,
        // An arrival in the future is a wrong clock somewhere; every deadline counts from here, so it is not believed.
        arrived: mail.arrived.map_or(now, |arrived| arrived.min(now)),
        accepted_at: now,
        seed,
        answerable,
        oversize: mail.oversize,
        stable_digest: stable_digest(&mail.bytes),
        message_id: headers.message_ids("Message-ID").into_iter().next(),
        bytes: mail.bytes,
    }
}
