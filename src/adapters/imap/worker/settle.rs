//! Settling: stored mail leaves the inbox by MOVE, by COPY and EXPUNGE, or stays under a keyword.
//!
//! Never touches a mail that was not reported as stored. What the server refuses stays and is tried again in the
//! next round; what is gone was taken by somebody else and is reported, unless an answer of ours was lost.

use std::collections::HashSet;

use super::super::session::{Fault, Leave, Server};
use super::{Which, Worker};
use crate::ports::{Folder, InboxEvent, RemoteUid};

/// Mails settled by one command.
const SETTLE_MAX_MAILS: usize = 200;

impl Worker {
    /// Carries out on the server what the engine has stored.
    pub(super) fn settle(&mut self, server: &mut Server, which: Which) -> Result<(), Fault> {
        while !self.ledger(which).to_settle(1).is_empty() {
            match self.open(server, which, false) {
                Err(Fault::Refused) if which != Folder::Inbox => {
                    let uids: Vec<u32> = self.ledger(which).to_settle(usize::MAX).iter().map(|(uid, _)| *uid).collect();
                    uids.iter().for_each(|uid| self.ledger(which).settle_refused(*uid));
                    return Ok(());
                }
                outcome => outcome?,
            };
            // Opening may have shown another UIDVALIDITY, and then there is nothing to settle.
            let due = self.ledger(which).to_settle(SETTLE_MAX_MAILS);
            let uids: Vec<u32> = due.iter().map(|(uid, _)| *uid).collect();
            let present = if uids.is_empty() { HashSet::new() } else { server.present(&uids, false)? };
            let (here, gone): (Vec<_>, Vec<_>) = due.into_iter().partition(|(uid, _)| present.contains(uid));
            self.report_gone(which, &gone);
            let here: Vec<u32> = here.iter().map(|(uid, _)| *uid).collect();
            if !here.is_empty() {
                self.settle_present(server, which, &here)?;
            }
        }
        Ok(())
    }

    /// Mails that are not there any more: taken by somebody else, unless our own command did it unheard.
    fn report_gone(&mut self, which: Which, gone: &[(u32, bool)]) {
        let mailbox = self.mailbox(which);
        for (uid, tried) in gone {
            let uid_validity = self.ledger(which).validity();
            self.ledger(which).settled(&[*uid]);
            if !tried {
                let remote = RemoteUid { mailbox: mailbox.clone(), uid_validity, uid: *uid, key: String::new() };
                self.emit(InboxEvent::Vanished(remote));
            }
        }
    }

    fn settle_present(&mut self, server: &mut Server, which: Which, uids: &[u32]) -> Result<(), Fault> {
        match self.settle_on_server(server, which, uids) {
            Ok(()) => Ok(()),
            Err(Fault::Refused) if uids.len() > 1 => {
                // One of them, or the folder: find out which.
                for uid in uids {
                    self.settle_present(server, which, &[*uid])?;
                }
                Ok(())
            }
            Err(Fault::Refused) => {
                tracing::warn!(folder = ?which, "the server refuses to settle a stored mail; trying again in the next round");
                uids.iter().for_each(|uid| self.ledger(which).settle_refused(*uid));
                Ok(())
            }
            Err(fault) => Err(fault),
        }
    }

    fn settle_on_server(&mut self, server: &mut Server, which: Which, uids: &[u32]) -> Result<(), Fault> {
        if self.stays(server, which) {
            if self.ledger(which).keeps_keyword {
                match server.mark(uids, self.keyword(which)) {
                    Ok(()) => self.ledger(which).settled(uids),
                    Err(Fault::Refused) => self.ledger(which).settled_in_place(uids),
                    Err(fault) => return Err(fault),
                }
            } else {
                self.ledger(which).settled_in_place(uids);
            }
            return Ok(());
        }
        let tried: HashSet<u32> = self
            .ledger(which)
            .to_settle(usize::MAX)
            .into_iter()
            .filter(|(_, tried)| *tried)
            .map(|(uid, _)| uid)
            .collect();
        self.ledger(which).settle_tried(uids);
        if server.leave == Leave::Move {
            self.archive(server, |server| server.move_to_archive(uids))?;
        } else {
            // A copy whose answer was lost is known by the mark that follows it.
            let to_copy: Vec<u32> = if uids.iter().any(|uid| tried.contains(uid)) {
                server.present(uids, true)?.into_iter().collect()
            } else {
                uids.to_vec()
            };
            if !to_copy.is_empty() {
                self.archive(server, |server| server.copy_to_archive(&to_copy))?;
            }
            server.expunge(uids)?;
        }
        self.ledger(which).settled(uids);
        Ok(())
    }

    /// Runs a command towards the archive; when it is refused, perhaps the folder was removed: once more with a new one.
    fn archive(&self, server: &mut Server, command: impl Fn(&mut Server) -> Result<(), Fault>) -> Result<(), Fault> {
        match command(server) {
            Err(Fault::Refused) => {
                server.ensure_archive(&self.places.archive)?;
                command(server)
            }
            outcome => outcome,
        }
    }
}
