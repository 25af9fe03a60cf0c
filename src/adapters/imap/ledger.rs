//! What is remembered of one mailbox while the inbox runs: which mails are on their way, and which stay.
//!
//! Never does IO, and never gives a mail up. Everything here may be lost at any time: then mails are fetched once more, and the store
//! knows them again. UIDs count only within one UIDVALIDITY (RFC 9051 section 2.3.1.1).

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};

use super::session::Listed;

/// Largest number of mails in one batch.
pub(super) const BATCH_MAX_MAILS: usize = 200;
/// Connections that broke while a mail was fetched by itself, after which only its header is fetched.
const FETCH_ATTEMPTS_MAX: u8 = 5;

/// How the next mails are to be fetched.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Portion {
    /// Whole, with one command.
    Whole(Vec<Listed>),
    /// Only the header: it is over the limit, or cannot be fetched whole.
    Header(Listed),
}

#[derive(Debug, Clone, Copy, Default)]
struct Doubt {
    /// It was in a batch that broke the connection; any of them may be to blame, or none.
    suspect: bool,
    /// Connections that broke while it was fetched by itself.
    attempts: u8,
    over_limit: bool,
}

/// One mailbox.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    validity: Option<u32>,
    /// Whether the mailbox has to be listed again.
    pub(super) look: bool,
    /// Whether the server keeps our keyword, as it said when the mailbox was opened.
    pub(super) keeps_keyword: bool,
    todo: VecDeque<Listed>,
    /// Handed out, not yet known to be stored.
    awaiting: BTreeSet<u32>,
    /// Stored; to leave the mailbox. True when a command to that end was sent before, so that its effect is open.
    settling: BTreeMap<u32, bool>,
    /// As `settling`, but refused by the server: tried again in the next round.
    refused: BTreeSet<u32>,
    /// Stored and staying, on a server that keeps no keywords.
    kept: HashSet<u32>,
    /// Came without payload: tried again in the next round.
    later: HashSet<u32>,
    doubts: HashMap<u32, Doubt>,
}

impl Doubt {
    fn alone(self) -> bool {
        self.suspect || self.attempts > 0
    }

    fn header_only(self) -> bool {
        self.over_limit || self.attempts >= FETCH_ATTEMPTS_MAX
    }
}

impl Ledger {
    /// The mailbox was opened with this UIDVALIDITY. All UIDs are forgotten when it is another than before; true then.
    pub(super) fn opened(&mut self, validity: u32) -> bool {
        let changed = self.validity.is_some_and(|known| known != validity);
        if changed {
            *self = Self { look: true, ..Self::default() };
        }
        self.validity = Some(validity);
        changed
    }

    pub(super) fn validity(&self) -> u32 {
        self.validity.unwrap_or(0)
    }

    /// A new round begins: what was put off is due again.
    pub(super) fn begin_round(&mut self) {
        self.look = true;
        self.later.clear();
        self.settling.extend(std::mem::take(&mut self.refused).into_iter().map(|uid| (uid, true)));
    }

    /// A new connection: what was listed on the old one may be gone.
    pub(super) fn reconnected(&mut self) {
        self.todo.clear();
        self.begin_round();
    }

    /// Takes a new listing; false when there is nothing to fetch.
    pub(super) fn listed(&mut self, mut mails: Vec<Listed>) -> bool {
        mails.retain(|mail| self.is_open(mail.uid));
        mails.sort_by_key(|mail| {
            let doubt = self.doubt(mail.uid);
            (doubt.attempts, doubt.suspect, mail.uid)
        });
        self.todo = mails.into();
        self.look = !self.todo.is_empty();
        self.look
    }

    /// What was listed may not be so any more.
    pub(super) fn forget_list(&mut self) {
        self.todo.clear();
    }

    pub(super) fn has_todo(&self) -> bool {
        !self.todo.is_empty()
    }

    /// The next mails to fetch with one command: at most a batch, and at most `limit` bytes together.
    pub(super) fn next_portion(&mut self, limit: u64) -> Option<Portion> {
        let first = self.todo.pop_front()?;
        let doubt = self.doubt(first.uid);
        if first.size > limit || doubt.header_only() {
            return Some(Portion::Header(first));
        }
        let mut bytes = first.size;
        let mut mails = vec![first];
        while !doubt.alone() && mails.len() < BATCH_MAX_MAILS {
            let Some(next) = self.todo.front().copied() else { break };
            bytes = bytes.saturating_add(next.size);
            if bytes > limit || self.doubt(next.uid).alone() || self.doubt(next.uid).header_only() {
                break;
            }
            self.todo.pop_front();
            mails.push(next);
        }
        Some(Portion::Whole(mails))
    }

    /// The connection broke while these were fetched: next time each by itself, after all others.
    ///
    /// Only a fetch of one mail counts against that mail, since in a batch nobody knows which it was. A mail that
    /// breaks every connection is never forgotten: from [`FETCH_ATTEMPTS_MAX`] on its header stands for it, so that
    /// the team hears of it, and even a header that does not come is tried again.
    pub(super) fn fetch_failed(&mut self, mails: &[Listed]) {
        for mail in mails {
            self.doubts.entry(mail.uid).or_default().suspect = true;
        }
        let [mail] = mails else { return };
        let doubt = self.doubts.entry(mail.uid).or_default();
        doubt.attempts = doubt.attempts.saturating_add(1);
        if doubt.attempts >= FETCH_ATTEMPTS_MAX {
            tracing::error!(
                uid = mail.uid,
                size = mail.size,
                attempts = doubt.attempts,
                "the connection breaks whenever this mail is fetched; only its header is fetched from now on"
            );
        }
    }

    /// The response with these was longer than the limit: each by itself; and if it was one, only its header.
    pub(super) fn fetch_over_limit(&mut self, mails: &[Listed]) {
        self.fetch_failed(mails);
        if let [mail] = mails {
            self.doubts.entry(mail.uid).or_default().over_limit = true;
        }
    }

    /// A mail was handed out.
    pub(super) fn handed_out(&mut self, uid: u32) {
        self.doubts.remove(&uid);
        self.awaiting.insert(uid);
    }

    /// A mail was asked for and did not come.
    pub(super) fn put_off(&mut self, uid: u32) {
        self.later.insert(uid);
    }

    pub(super) fn awaiting(&self) -> usize {
        self.awaiting.len()
    }

    /// A mail is stored. False when the UID is of another UIDVALIDITY and so names nothing any more.
    pub(super) fn stored(&mut self, validity: u32, uid: u32) -> bool {
        // Before the mailbox was opened for the first time, the caller's word counts until the server's is heard.
        if *self.validity.get_or_insert(validity) != validity {
            return false;
        }
        self.awaiting.remove(&uid);
        self.settling.entry(uid).or_insert(false);
        true
    }

    /// The next mails to settle on the server, at most `most`, each with whether it was tried before.
    pub(super) fn to_settle(&self, most: usize) -> Vec<(u32, bool)> {
        self.settling.iter().take(most).map(|(uid, tried)| (*uid, *tried)).collect()
    }

    /// A command that settles these is about to be sent.
    pub(super) fn settle_tried(&mut self, uids: &[u32]) {
        for uid in uids {
            self.settling.insert(*uid, true);
        }
    }

    /// These are settled or gone.
    pub(super) fn settled(&mut self, uids: &[u32]) {
        for uid in uids {
            self.settling.remove(uid);
        }
    }

    /// These are settled and stay in the mailbox; they are remembered here.
    pub(super) fn settled_in_place(&mut self, uids: &[u32]) {
        self.settled(uids);
        self.kept.extend(uids);
    }

    /// The server refuses to settle this one for now.
    pub(super) fn settle_refused(&mut self, uid: u32) {
        self.settling.remove(&uid);
        self.refused.insert(uid);
    }

    fn doubt(&self, uid: u32) -> Doubt {
        self.doubts.get(&uid).copied().unwrap_or_default()
    }

    fn is_open(&self, uid: u32) -> bool {
        !self.awaiting.contains(&uid)
            && !self.settling.contains_key(&uid)
            && !self.refused.contains(&uid)
            && !self.kept.contains(&uid)
            && !self.later.contains(&uid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(uid: u32, size: u64) -> Listed {
        Listed { uid, size, arrived: None }
    }

    fn uids(portion: Option<Portion>) -> Vec<u32> {
        match portion {
            Some(Portion::Whole(mails)) => mails.iter().map(|mail| mail.uid).collect(),
            Some(Portion::Header(mail)) => panic!("only the header of {}", mail.uid),
            None => Vec::new(),
        }
    }

    fn opened(mails: Vec<Listed>) -> Ledger {
        let mut ledger = Ledger::default();
        ledger.opened(7);
        ledger.listed(mails);
        ledger
    }

    #[test]
    fn a_portion_is_bounded_in_number_and_in_bytes() {
        let mut many = opened((1..=320).map(|uid| mail(uid, 1)).collect());
        assert_eq!(uids(many.next_portion(1000)).len(), BATCH_MAX_MAILS);
        let mut big = opened(vec![mail(1, 600), mail(2, 300), mail(3, 300), mail(4, 1001), mail(5, 1000)]);
        assert_eq!(uids(big.next_portion(1000)), [1, 2]);
        assert_eq!(uids(big.next_portion(1000)), [3]);
        assert_eq!(big.next_portion(1000), Some(Portion::Header(mail(4, 1001))));
        assert_eq!(uids(big.next_portion(1000)), [5]);
        assert_eq!(big.next_portion(1000), None);
    }

    #[test]
    fn a_mail_that_breaks_every_connection_comes_last_and_alone_and_in_the_end_as_its_header() {
        let all = || vec![mail(1, 1), mail(2, 1), mail(3, 1)];
        let mut ledger = opened(all());
        for _ in 0..FETCH_ATTEMPTS_MAX {
            ledger.fetch_failed(&[mail(1, 1)]);
            ledger.reconnected();
            assert!(ledger.listed(all()));
            assert_eq!(uids(ledger.next_portion(100)), [2, 3]);
            if ledger.doubt(1).attempts < FETCH_ATTEMPTS_MAX {
                assert_eq!(uids(ledger.next_portion(100)), [1]);
            }
        }
        for _ in 0..300 {
            assert_eq!(ledger.next_portion(100), Some(Portion::Header(mail(1, 1))));
            ledger.fetch_failed(&[mail(1, 1)]);
            ledger.reconnected();
            assert!(ledger.listed(vec![mail(1, 1)]), "never forgotten");
        }
    }

    #[test]
    fn a_connection_that_breaks_under_a_batch_counts_against_none_of_its_mails() {
        let all = || vec![mail(1, 1), mail(2, 1)];
        let mut ledger = opened(all());
        for _ in 0..2 * FETCH_ATTEMPTS_MAX {
            ledger.fetch_failed(&all());
            ledger.reconnected();
            ledger.listed(all());
        }
        assert_eq!(uids(ledger.next_portion(100)), [1], "each by itself");
        assert_eq!(uids(ledger.next_portion(100)), [2]);
    }

    #[test]
    fn a_mail_longer_than_its_stated_size_is_fetched_alone_and_then_by_its_header() {
        let mut ledger = opened(vec![mail(1, 1), mail(2, 1)]);
        ledger.fetch_over_limit(&[mail(1, 1), mail(2, 1)]);
        ledger.listed(vec![mail(1, 1), mail(2, 1)]);
        assert_eq!(uids(ledger.next_portion(100)), [1]);
        ledger.fetch_over_limit(&[mail(1, 1)]);
        ledger.listed(vec![mail(1, 1)]);
        assert_eq!(ledger.next_portion(100), Some(Portion::Header(mail(1, 1))));
    }

    #[test]
    fn a_mail_on_its_way_is_not_fetched_again_until_its_uidvalidity_changes() {
        let mut ledger = opened(vec![mail(1, 1), mail(2, 1), mail(3, 1)]);
        ledger.handed_out(1);
        assert!(ledger.stored(7, 2));
        ledger.settled_in_place(&[3]);
        assert!(!ledger.listed(vec![mail(1, 1), mail(2, 1), mail(3, 1)]));
        ledger.reconnected();
        assert!(!ledger.listed(vec![mail(1, 1), mail(2, 1), mail(3, 1)]));
        assert!(ledger.opened(8));
        assert!(!ledger.stored(7, 1), "a UID of another validity names nothing");
        assert!(ledger.listed(vec![mail(1, 1), mail(2, 1), mail(3, 1)]));
        assert!(ledger.to_settle(10).is_empty());
    }

    #[test]
    fn what_the_server_refuses_is_tried_again_in_the_next_round_only() {
        let mut ledger = opened(vec![mail(1, 1)]);
        ledger.stored(7, 1);
        assert_eq!(ledger.to_settle(10), [(1, false)]);
        ledger.settle_refused(1);
        assert!(ledger.to_settle(10).is_empty());
        assert!(!ledger.listed(vec![mail(1, 1)]));
        ledger.begin_round();
        assert_eq!(ledger.to_settle(10), [(1, true)]);
    }
}
