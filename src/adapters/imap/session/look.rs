//! What only a probe of the server asks: capabilities, special folders, and mails of its own by their UIDs.
//!
//! Never asks for a mail that was there before the probe began, and never expunges a mail it was not told of.

use super::{Fault, Leave, Role, Server, fault, uid_set};

/// Most new mails that are looked at in one round.
const NEW_MAX: usize = 200;
/// Of each of them no more than this is read, in bytes: the head of a mail says enough.
const HEAD_BYTES: u32 = 16 * 1024;

impl Server {
    /// The folder where stored mail goes, under the name this server knows.
    pub(in crate::adapters::imap) fn archive(&self) -> &str {
        &self.archive
    }

    /// Whether the server announces a capability.
    pub(in crate::adapters::imap) fn can(&mut self, capability: &str) -> Result<bool, Fault> {
        Ok(self.session.capabilities().map_err(fault)?.has_str(capability))
    }

    /// The folder that the server marks as that of junk (RFC 6154).
    pub(in crate::adapters::imap) fn marked_as_junk(&mut self) -> Result<Option<String>, Fault> {
        let listed = self.list_all()?;
        Ok(listed.into_iter().find(|mailbox| mailbox.role == Some(Role::Junk)).map(|mailbox| mailbox.name))
    }

    /// The heads of the mails of the open mailbox from this UID on, without marking them as read.
    pub(in crate::adapters::imap) fn heads_from(&mut self, first: u32) -> Result<Vec<(u32, Vec<u8>)>, Fault> {
        // `n:*` always names the last mail, even where its UID is lower (RFC 9051 section 9, seq-range).
        let mut uids: Vec<u32> =
            self.session.uid_search(format!("UID {first}:*")).map_err(fault)?.into_iter().collect();
        uids.retain(|uid| *uid >= first);
        uids.sort_unstable();
        uids.truncate(NEW_MAX);
        if uids.is_empty() {
            return Ok(Vec::new());
        }
        let query = format!("(UID BODY.PEEK[]<0.{HEAD_BYTES}>)");
        let fetches = self.session.uid_fetch(uid_set(uids), query).map_err(fault)?;
        let head = |fetch: &imap::types::Fetch<'_>| Some((fetch.uid?, fetch.body()?.to_vec()));
        Ok(fetches.iter().filter_map(head).collect())
    }

    /// Takes exactly these away from the open mailbox; `false` where the server can only mark them as deleted.
    pub(in crate::adapters::imap) fn take_away(&mut self, uids: &[u32]) -> Result<bool, Fault> {
        if uids.is_empty() {
            return Ok(true);
        }
        if self.can("UIDPLUS")? {
            return self.expunge(uids).map(|()| true);
        }
        let set = uid_set(uids.iter().copied());
        self.session.uid_store(&set, "+FLAGS.SILENT (\\Deleted)").map_err(fault).map(|_| false)
    }

    /// Puts these into the archive as stored mail is; `false` where stored mail stays and gets a keyword.
    pub(in crate::adapters::imap) fn archive_these(&mut self, uids: &[u32]) -> Result<bool, Fault> {
        match self.leave {
            Leave::Move => self.move_to_archive(uids).map(|()| true),
            Leave::CopyExpunge => {
                self.copy_to_archive(uids)?;
                self.expunge(uids).map(|()| true)
            }
            Leave::Keyword => Ok(false),
        }
    }
}
