//! Fetching: what lies in a folder is listed, fetched batch by batch with PEEK, and handed out.
//!
//! Never changes anything on the server. A mail that does not come is put off to the next round; a mail whose
//! fetching ends the connection is noted, so that it comes last and alone the next time.

use std::collections::HashMap;
use std::sync::atomic::Ordering;

use super::super::ledger::{BATCH_MAX_MAILS, Portion};
use super::super::session::{Fault, Listed, Server};
use super::{BATCHES_MAX, Step, Which, Worker};
use crate::adapters::maildir::header_block;
use crate::ports::{Fetched, Folder, InboxEvent, RemoteUid};

impl Worker {
    /// Fetches the next batch of a folder, if there is room for one.
    pub(super) fn fetch(&mut self, server: &mut Server, which: Which) -> Result<Step, Fault> {
        if self.awaiting() > BATCH_MAX_MAILS || self.unpolled.load(Ordering::SeqCst) >= BATCHES_MAX {
            return Ok(Step::Full);
        }
        if !self.ledger(which).has_todo() {
            if !self.ledger(which).look {
                return Ok(Step::Nothing);
            }
            if !self.list(server, which)? {
                return Ok(Step::Nothing);
            }
        }
        if self.open(server, which, false)?.1 {
            // Opened anew: the list may be of another UIDVALIDITY. Start over.
            self.ledger(which).look = true;
            self.ledger(which).forget_list();
            return Ok(Step::Worked);
        }
        let limit = self.config.message_limit_bytes;
        match self.ledger(which).next_portion(limit) {
            Some(Portion::Whole(mails)) => self.fetch_whole(server, which, mails)?,
            Some(Portion::Header(mail)) => self.fetch_header(server, which, mail)?,
            None => {}
        }
        Ok(Step::Worked)
    }

    /// Lists a folder; false when there is nothing to fetch in it.
    fn list(&mut self, server: &mut Server, which: Which) -> Result<bool, Fault> {
        let exists = match self.open(server, which, true) {
            Ok((exists, _)) => exists,
            Err(Fault::Refused) if which != Folder::Inbox => {
                tracing::warn!(folder = ?which, "the folder cannot be opened; create it, or correct it in [inbox]");
                self.ledger(which).look = false;
                return Ok(false);
            }
            Err(fault) => return Err(fault),
        };
        let by_keyword = self.stays(server, which) && self.ledger(which).keeps_keyword;
        let keyword = by_keyword.then_some(self.keyword(which));
        let listed = match (&self.config.sent, which) {
            (Some(sent), Folder::Sent) if exists > 0 => server.list_since(sent.since, keyword)?,
            (Some(_) | None, _) => server.list(exists, keyword)?,
        };
        Ok(self.ledger(which).listed(listed))
    }

    fn fetch_whole(&mut self, server: &mut Server, which: Which, mails: Vec<Listed>) -> Result<(), Fault> {
        let uids: Vec<u32> = mails.iter().map(|mail| mail.uid).collect();
        self.fetching = Some((which, mails.clone()));
        let mut bodies: HashMap<u32, Vec<u8>> = match server.fetch(&uids) {
            Ok(bodies) => bodies.into_iter().collect(),
            // Not all servers fetch a set of which one is damaged: each by itself then.
            Err(Fault::Refused) => HashMap::new(),
            Err(fault) => return Err(fault),
        };
        self.fetching = None;
        let mut batch = Vec::new();
        for mail in mails {
            if let Some(bytes) = bodies.remove(&mail.uid) {
                batch.push(self.fetched(which, mail, bytes));
            } else {
                self.ledger(which).put_off(mail.uid);
            }
        }
        self.hand_out(which, batch);
        Ok(())
    }

    fn fetch_header(&mut self, server: &mut Server, which: Which, mail: Listed) -> Result<(), Fault> {
        self.fetching = Some((which, vec![mail]));
        let header = match server.fetch_header(mail.uid) {
            Ok(header) => header,
            Err(Fault::Refused) => None,
            Err(fault) => return Err(fault),
        };
        self.fetching = None;
        let Some(header) = header else {
            self.ledger(which).put_off(mail.uid);
            return Ok(());
        };
        let mut fetched = self.fetched(which, mail, header);
        fetched.oversize = Some(mail.size.max(self.config.message_limit_bytes.saturating_add(1)));
        self.hand_out(which, vec![fetched]);
        Ok(())
    }

    fn fetched(&mut self, folder: Which, mail: Listed, mut bytes: Vec<u8>) -> Fetched {
        let mailbox = self.mailbox(folder);
        let uid_validity = self.ledger(folder).validity();
        let size = bytes.len() as u64;
        let oversize = (size > self.config.message_limit_bytes).then_some(size);
        if oversize.is_some() {
            bytes.truncate(header_block(&bytes).len());
        }
        let remote = RemoteUid { mailbox, uid_validity, uid: mail.uid, key: String::new() };
        Fetched { remote, folder, arrived: mail.arrived, bytes, oversize }
    }

    fn hand_out(&mut self, which: Which, batch: Vec<Fetched>) {
        if batch.is_empty() {
            return;
        }
        tracing::debug!(folder = ?which, mails = batch.len(), "fetched");
        for mail in &batch {
            self.ledger(which).handed_out(mail.remote.uid);
        }
        self.drained = false;
        self.unpolled.fetch_add(1, Ordering::SeqCst);
        self.emit(InboxEvent::Batch(batch));
    }
}
