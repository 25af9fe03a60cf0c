//! The outbox as the operator sees and changes it.

use super::super::support_tests::{NOW, Room, outgoing, queue};
use super::super::{Settlement, Store};
use super::*;
use crate::domain::time::{DAY, HOUR};

/// One mail in each state: queued, sealed, claimed, delivered, deferred, failed, held; the rows in this order.
fn one_in_each_state(store: &Store) -> Vec<OutboxId> {
    let session = store.session();
    let case = session.new_case("EX", NOW).unwrap();
    let mut rows = Vec::new();
    for state in ["claimed", "delivered", "deferred", "failed", "sealed", "held", "queued"] {
        queue(
            &session,
            Some(&case),
            outgoing(&format!("{state}{}", case.id), "ana@reporter.example", MailKind::Letter),
        );
        let row = session.unsealed(100).unwrap().last().unwrap().id;
        rows.push(row);
        match state {
            "held" => assert!(session.hold(row, "no certificate", NOW).unwrap()),
            "queued" => {}
            _ => session.store_sealed(&[(row, format!("bytes of {state}").into_bytes())], NOW).unwrap(),
        }
        let end = match state {
            "delivered" => Some(Settlement::Delivered),
            "deferred" => Some(Settlement::Deferred { next_at: NOW.after(HOUR) }),
            "failed" => Some(Settlement::Failed),
            _ => None,
        };
        if end.is_some() || state == "claimed" {
            let claimed = session.claim_due(NOW, 10).unwrap();
            let others: Vec<_> = claimed.iter().map(|mail| mail.id).filter(|id| *id != row).collect();
            session.unclaim(&others).unwrap();
        }
        if let Some(end) = end {
            assert!(session.settle(row, end, "an answer", NOW).unwrap());
        }
    }
    [6, 4, 0, 1, 2, 3, 5].iter().map(|at| rows[*at]).collect()
}

fn states(store: &Store, rows: &[OutboxId]) -> Vec<&'static str> {
    rows.iter().map(|row| store.session().row(*row).unwrap().unwrap().state.word()).collect()
}

#[test]
fn held_deferred_and_failed_mail_goes_out_again_with_its_own_bytes_and_nothing_else_does() {
    let room = Room::new();
    let mut store = room.open();
    let rows = one_in_each_state(&store);
    let before = states(&store, &rows);
    assert_eq!(before, ["queued", "sealed", "claimed", "delivered", "deferred", "failed", "held"]);
    let later = NOW.after(DAY);
    let changed: Vec<bool> = rows.iter().map(|row| store.session().retry(*row, later).unwrap()).collect();
    assert_eq!(changed, [false, false, false, false, true, true, true]);
    // One that was never sealed is sealed first.
    assert_eq!(states(&store, &rows), ["queued", "sealed", "claimed", "delivered", "sealed", "sealed", "queued"]);
    let due = store.batch::<_, StoreError>(|batch| batch.session().claim_due(later, 10)).unwrap();
    let sent: Vec<_> = due.iter().map(|mail| (mail.id, String::from_utf8_lossy(&mail.bytes).into_owned())).collect();
    assert!(sent.contains(&(rows[4], "bytes of deferred".to_owned())));
    assert!(sent.contains(&(rows[5], "bytes of failed".to_owned())));
    let attempts = |row: OutboxId| due.iter().find(|mail| mail.id == row).unwrap().attempts;
    assert_eq!((attempts(rows[4]), attempts(rows[5])), (2, 1), "a failed one begins its schedule anew");
    let unsealed: Vec<_> = store.session().unsealed(10).unwrap().iter().map(|mail| mail.id).collect();
    assert!(unsealed.contains(&rows[6]), "tried to be sealed as if for the first time");
}

#[test]
fn what_no_relay_has_is_stopped_and_comes_back_as_it_was() {
    let room = Room::new();
    let store = room.open();
    let rows = one_in_each_state(&store);
    let stopped: Vec<bool> = rows.iter().map(|row| store.session().stop(*row, "by hand", NOW).unwrap()).collect();
    assert_eq!(stopped, [true, true, false, false, true, false, false]);
    assert_eq!(states(&store, &rows), ["held", "held", "claimed", "delivered", "held", "failed", "held"]);
    assert!(store.session().claim_due(NOW.after(DAY * 9), 10).unwrap().is_empty());
    assert!(store.session().unsealed(10).unwrap().is_empty());
    assert!(store.session().retry(rows[0], NOW).unwrap() && store.session().retry(rows[1], NOW).unwrap());
    assert_eq!(states(&store, &rows[..2]), ["queued", "sealed"]);
}

#[test]
fn a_list_goes_through_its_groups_newest_first_whatever_the_pages_are() {
    let room = Room::new();
    let store = room.open();
    let session = store.session();
    let all: Vec<OutboxId> = [one_in_each_state(&store), one_in_each_state(&store)].concat();
    let list = |groups: &[OutboxGroup], case: Option<CaseId>, most: usize| {
        let (mut found, mut from) = (Vec::new(), OutboxCursor::default());
        for _ in 0..100 {
            let (page, next) = session.outbox_page(groups, case, from, most).unwrap();
            assert!(page.len() <= most);
            found.extend(page.iter().map(|row| row.id));
            let Some(next) = next else { return found };
            from = next;
        }
        panic!("the list does not end");
    };
    let of = |places: &[usize]| places.iter().map(|at| all[*at]).collect::<Vec<_>>();
    for most in [1, 2, 3, 100] {
        let unsent = [OutboxGroup::Held, OutboxGroup::Failed, OutboxGroup::Deferred];
        assert_eq!(list(&unsent, None, most), of(&[13, 6, 12, 5, 11, 4]), "{most} at once");
        assert_eq!(list(&[OutboxGroup::Queued], None, most), of(&[8, 1, 7, 0]));
        assert_eq!(list(&[OutboxGroup::Sent], None, most), of(&[10, 3]));
        assert_eq!(list(&OutboxGroup::ALL, Some(CaseId(1)), most).len(), 7);
        assert_eq!(list(&[OutboxGroup::Sending], Some(CaseId(2)), most), of(&[9]));
    }
    let shown = session.outbox_of(CaseId(2), 3).unwrap();
    assert_eq!(shown.len(), 3);
    assert!(shown.is_sorted_by_key(|row| row.id) && shown.iter().all(|row| row.case == Some(CaseId(2))));
}
