//! What is being worked on, written down before it is touched: what ends the process is then known after the start.
//!
//! One small row for a batch stands for a count in each of its rows, which would rewrite them all. Never says what is done about
//! a mail that was interrupted; the counts of attempts do.

use rusqlite::params;

use super::error::StoreError;
use super::row;
use super::session::Session;
use crate::domain::id::{MailId, OutboxId};

/// Which work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Received mails are read and decided.
    Deciding,
    /// Outgoing mails are composed and sealed.
    Sealing,
}

impl Work {
    fn word(self) -> &'static str {
        match self {
            Self::Deciding => "deciding",
            Self::Sealing => "sealing",
        }
    }
}

impl Session<'_> {
    /// Notes that these received mails are about to be read.
    ///
    /// # Errors
    /// What the database says.
    pub fn begin_deciding(&self, mails: &[MailId]) -> Result<(), StoreError> {
        self.begin(Work::Deciding, &mails.iter().map(|mail| mail.0).collect::<Vec<_>>())
    }

    /// Notes that these outgoing mails are about to be sealed.
    ///
    /// # Errors
    /// What the database says.
    pub fn begin_sealing(&self, rows: &[OutboxId]) -> Result<(), StoreError> {
        self.begin(Work::Sealing, &rows.iter().map(|row| row.0).collect::<Vec<_>>())
    }

    /// Notes that the work has come to its end; best in the commit that records what came of it.
    ///
    /// # Errors
    /// What the database says.
    pub fn end_work(&self, work: Work) -> Result<(), StoreError> {
        self.run("note the end of work", "DELETE FROM under_way WHERE work = ?1", [work.word()]).map(|_| ())
    }

    /// At start-up: counts an attempt for each mail that was worked on when the last process ended and that has no result. Gives
    /// their number.
    ///
    /// # Errors
    /// What the database says.
    pub fn count_interrupted(&self) -> Result<usize, StoreError> {
        let step = "count interrupted work";
        self.atomically(|| {
            let mails = "UPDATE mail SET attempts = attempts + 1 WHERE fate = 'undecided'
                AND id IN (SELECT value FROM under_way, json_each(under_way.ids) WHERE work = 'deciding')";
            let sealings = "UPDATE outbox SET seal_attempts = seal_attempts + 1 WHERE state = 'queued'
                AND id IN (SELECT value FROM under_way, json_each(under_way.ids) WHERE work = 'sealing')";
            let interrupted = self.run(step, mails, [])? + self.run(step, sealings, [])?;
            self.run(step, "DELETE FROM under_way", [])?;
            Ok(interrupted)
        })
    }

    fn begin(&self, work: Work, ids: &[i64]) -> Result<(), StoreError> {
        let step = "note work under way";
        let sql =
            "INSERT INTO under_way (work, ids) VALUES (?1, ?2) ON CONFLICT (work) DO UPDATE SET ids = excluded.ids";
        self.run(step, sql, params![work.word(), row::to_json(step, &ids)?]).map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::super::support_tests::{NOW, Room, accept_one, outgoing, queue};
    use super::*;
    use crate::domain::effect::MailKind;
    use crate::domain::event::Fate;

    #[test]
    fn what_was_under_way_when_the_process_ended_has_one_attempt_more() {
        let room = Room::new();
        let store = room.open();
        let session = store.session();
        let (done, touched, fresh) = (accept_one(&session, 1), accept_one(&session, 2), accept_one(&session, 3));
        queue(&session, None, outgoing("one", "ana@example.org", MailKind::Letter));
        let row = session.unsealed(1).unwrap()[0].id;
        session.begin_deciding(&[done, touched]).unwrap();
        session.begin_sealing(&[row]).unwrap();
        session.settle_mail(done, &Fate::Answered, NOW, None).unwrap();
        assert_eq!(session.count_interrupted().unwrap(), 2);
        assert_eq!(session.count_interrupted().unwrap(), 0, "counted once");
        let attempts: Vec<_> = session.undecided(10, 3).unwrap().iter().map(|mail| (mail.id, mail.attempts)).collect();
        assert_eq!(attempts, [(fresh, 0)], "what was tried comes after what is fresh, and alone");
        session.settle_mail(fresh, &Fate::Answered, NOW, None).unwrap();
        let attempts: Vec<_> = session.undecided(10, 3).unwrap().iter().map(|mail| (mail.id, mail.attempts)).collect();
        assert_eq!(attempts, [(touched, 1)]);
        assert_eq!(session.unsealed(1).unwrap()[0].attempts, 1);
    }

    #[test]
    fn work_that_came_to_its_end_counts_nothing() {
        let room = Room::new();
        let store = room.open();
        let session = store.session();
        let mail = accept_one(&session, 1);
        session.begin_deciding(&[mail]).unwrap();
        session.end_work(Work::Deciding).unwrap();
        session.begin_sealing(&[]).unwrap();
        assert_eq!(session.count_interrupted().unwrap(), 0);
    }
}
