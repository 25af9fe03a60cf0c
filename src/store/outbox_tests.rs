//! The way of an outgoing mail, crashes included.

use super::super::support_tests::{NOW, Room, outgoing, queue, record};
use super::super::{Session, StoreError, StoreErrorClass};
use super::*;
use crate::domain::effect::Effect;
use crate::domain::id::MailId;
use crate::domain::time::{HOUR, MINUTE};

/// Queues and seals `count` mails; their rows, oldest first.
fn sealed(session: &Session<'_>, count: usize) -> Vec<OutboxId> {
    for n in 0..count {
        queue(session, None, outgoing(&format!("u{n}"), "ana@reporter.example", MailKind::Letter));
    }
    let rows: Vec<_> = session.unsealed(100).unwrap().iter().map(|mail| mail.id).collect();
    let bytes: Vec<_> = rows.iter().map(|id| (*id, format!("bytes {id}").into_bytes())).collect();
    session.store_sealed(&bytes, NOW).unwrap();
    rows
}

fn ids(mails: &[ClaimedMail]) -> Vec<OutboxId> {
    mails.iter().map(|mail| mail.id).collect()
}

fn state(session: &Session<'_>, id: OutboxId) -> OutboxState {
    session.row(id).unwrap().unwrap().state
}

#[test]
fn a_plan_is_read_back_whole() {
    let room = Room::new();
    let store = room.open();
    let session = store.session();
    let case = session.new_case("EX", NOW).unwrap();
    let mut mail = outgoing("u", "ana@reporter.example", MailKind::MaintainerNotice);
    mail.party = Some(PartyKey("m1".to_owned()));
    mail.attach = Some(MailId(3));
    mail.outer_subject = Some("...".to_owned());
    queue(&session, Some(&case), mail.clone());
    let found = session.unsealed(10).unwrap();
    assert_eq!((found[0].plan.clone(), found[0].case, found[0].created_at), (mail.clone(), Some(case.id), NOW));
    assert_eq!(session.plan_of(found[0].id).unwrap(), Some(mail));
    let row = session.row_of_message_unique("u").unwrap().unwrap();
    assert_eq!(
        (row.id, row.party, row.kind),
        (found[0].id, Some(PartyKey("m1".to_owned())), MailKind::MaintainerNotice)
    );
    assert_eq!(session.row_of_message_unique("v").unwrap(), None);
}

#[test]
fn a_row_goes_from_queued_to_delivered_once() {
    let room = Room::new();
    let store = room.open();
    let session = store.session();
    let rows = sealed(&session, 1);
    assert!(session.unsealed(10).unwrap().is_empty());
    let claimed = session.claim_due(NOW, 10).unwrap();
    assert_eq!((claimed[0].attempts, claimed[0].bytes.as_slice()), (1, b"bytes 1".as_slice()));
    assert!(session.claim_due(NOW, 10).unwrap().is_empty(), "a claimed row is nobody else's");
    assert!(session.settle(rows[0], Settlement::Delivered, "250 2.0.0", NOW).unwrap());
    assert!(!session.settle(rows[0], Settlement::Failed, "550", NOW).unwrap());
    let row = session.row(rows[0]).unwrap().unwrap();
    assert_eq!((row.state, row.detail.as_str(), row.attempts), (OutboxState::Delivered, "250 2.0.0", 1));
    assert!(session.claim_due(NOW.after(HOUR), 10).unwrap().is_empty());
}

#[test]
fn sealed_bytes_are_stored_once_and_sent_at_every_attempt() {
    let room = Room::new();
    let store = room.open();
    let session = store.session();
    let rows = sealed(&session, 1);
    session.store_sealed(&[(rows[0], b"other bytes".to_vec())], NOW).unwrap();
    session.claim_due(NOW, 1).unwrap();
    session.settle(rows[0], Settlement::Deferred { next_at: NOW.after(MINUTE) }, "451", NOW).unwrap();
    assert!(session.claim_due(NOW, 1).unwrap().is_empty());
    assert_eq!(session.next_wake().unwrap(), Some(NOW.after(MINUTE)));
    let again = session.claim_due(NOW.after(MINUTE), 1).unwrap();
    assert_eq!((again[0].bytes.as_slice(), again[0].attempts), (b"bytes 1".as_slice(), 2));
}

#[test]
fn claims_outlive_a_crash_as_due_again_and_marked() {
    let room = Room::new();
    let store = room.open();
    let rows = sealed(&store.session(), 3);
    assert_eq!(ids(&store.session().claim_due(NOW, 2).unwrap()), rows[..2]);
    drop(store);
    let store = room.open();
    let session = store.session();
    assert_eq!(session.reclaim_all(NOW).unwrap(), rows[..2]);
    assert_eq!(session.reclaim_all(NOW).unwrap(), []);
    let marks: Vec<_> = rows.iter().map(|id| session.row(*id).unwrap().unwrap().ambiguous).collect();
    assert_eq!(marks, [1, 1, 0]);
    let again = session.claim_due(NOW, 10).unwrap();
    assert_eq!(again.iter().map(|mail| mail.attempts).collect::<Vec<_>>(), [2, 2, 1]);
}

#[test]
fn an_unanswered_final_dot_is_marked() {
    let room = Room::new();
    let store = room.open();
    let session = store.session();
    let rows = sealed(&session, 1);
    session.claim_due(NOW, 1).unwrap();
    session.settle(rows[0], Settlement::Ambiguous { next_at: NOW.after(HOUR) }, "no answer", NOW).unwrap();
    let row = session.row(rows[0]).unwrap().unwrap();
    assert_eq!((row.state, row.ambiguous), (OutboxState::Deferred, 1));
}

#[test]
fn what_the_relay_gave_back_counts_no_attempt() {
    let room = Room::new();
    let store = room.open();
    let session = store.session();
    let rows = sealed(&session, 2);
    session.claim_due(NOW, 2).unwrap();
    session.settle(rows[1], Settlement::Failed, "550", NOW).unwrap();
    session.unclaim(&rows).unwrap();
    let again = session.claim_due(NOW, 2).unwrap();
    assert_eq!((ids(&again), again[0].attempts), (vec![rows[0]], 1));
    assert_eq!(state(&session, rows[1]), OutboxState::Failed);
}

#[test]
fn a_mail_that_cannot_be_sealed_is_held_and_stops_no_other() {
    let room = Room::new();
    let store = room.open();
    let session = store.session();
    for n in 0..3 {
        queue(&session, None, outgoing(&format!("u{n}"), "ana@reporter.example", MailKind::Letter));
    }
    let rows: Vec<_> = session.unsealed(10).unwrap().iter().map(|mail| mail.id).collect();
    session.raise_seal_attempts(&rows[..2]).unwrap();
    assert_eq!(session.unsealed(10).unwrap().iter().map(|mail| mail.id).collect::<Vec<_>>(), rows[2..]);
    assert!(session.hold(rows[2], "no certificate", NOW).unwrap());
    assert!(!session.hold(rows[2], "no certificate", NOW).unwrap());
    let alone = session.unsealed(10).unwrap();
    assert_eq!((alone.len(), alone[0].id, alone[0].attempts), (1, rows[0], 1));
    assert_eq!(state(&session, rows[2]), OutboxState::Held);
}

#[test]
fn settling_many_is_one_commit() {
    let room = Room::new();
    let mut store = room.open();
    let rows = sealed(&store.session(), 3);
    store.session().claim_due(NOW, 10).unwrap();
    store
        .batch(|batch| {
            for id in &rows {
                batch.each(|session| session.settle(*id, Settlement::Delivered, "250", NOW))?;
            }
            Ok::<_, StoreError>(())
        })
        .unwrap();
    let backlog = store.session().backlog(NOW).unwrap();
    assert_eq!((backlog.claimed, backlog.sealed_due), (0, 0));
}

#[test]
fn two_mails_never_share_a_message_id() {
    let room = Room::new();
    let store = room.open();
    let session = store.session();
    let mail = || Effect::Mail(Box::new(outgoing("u", "ana@reporter.example", MailKind::Letter)));
    record(&session, None, vec![mail()]).unwrap();
    let refused = record(&session, None, vec![mail()]).unwrap_err();
    assert_eq!(refused.class(), StoreErrorClass::Permanent);
    assert_eq!(session.outbox_rows(10).unwrap().len(), 1);
}

#[test]
fn what_waits_is_counted() {
    let room = Room::new();
    let store = room.open();
    let session = store.session();
    let rows = sealed(&session, 4);
    queue(&session, None, outgoing("queued", "ana@reporter.example", MailKind::Letter));
    session.claim_due(NOW, 2).unwrap();
    session.settle(rows[0], Settlement::Deferred { next_at: NOW.after(HOUR) }, "451", NOW).unwrap();
    let found = session.backlog(NOW).unwrap();
    assert_eq!((found.queued, found.sealed_due, found.deferred, found.claimed), (1, 2, 1, 1));
    assert_eq!(session.backlog(NOW.after(HOUR)).unwrap().sealed_due, 3);
}

#[test]
fn every_kind_of_mail_has_a_word_the_tables_accept() {
    use MailKind as K;
    let all = [
        K::Acknowledgement,
        K::Forward,
        K::Note,
        K::Transcript,
        K::Letter,
        K::MaintainerNotice,
        K::Reminder,
        K::Alert,
        K::Notice,
        K::Advisory,
    ];
    let room = Room::new();
    let store = room.open();
    let session = store.session();
    for kind in all {
        // A new kind does not compile here until it is added above and in a migration.
        match kind {
            K::Acknowledgement | K::Forward | K::Note | K::Transcript | K::Letter => {}
            K::MaintainerNotice | K::Reminder | K::Alert | K::Notice | K::Advisory => {}
        }
        queue(&session, None, outgoing(kind.word(), "ana@reporter.example", kind));
        assert_eq!(session.outbox_rows(1).unwrap()[0].kind, kind);
    }
}
