//! The chain holds, and breaks under every edit.

use super::super::support_tests::{NOW, Room, accept_one, entry};
use super::super::{Session, StoreError};
use super::*;
use crate::domain::effect::Decision;
use crate::domain::id::Seed;

const BROKEN: StoreError = StoreError::Damaged { what: "the chain of the journal" };

fn three_rows(session: &Session<'_>) -> CaseId {
    let case = session.new_case("EX", NOW).unwrap();
    let mail = accept_one(session, 1);
    let occurrence = session.open_occurrence(NOW, Seed([2; 16]), "report", Some(mail), Some(case.id)).unwrap();
    let two =
        Decision { case: Some(case.clone()), effects: Vec::new(), journal: vec![entry("valid"), entry("accepted")] };
    session.record(occurrence, NOW, &two, "policy").unwrap();
    let mut third = entry("closed");
    third.actor = Some(PartyKey("t-bo".to_owned()));
    let occurrence = session.open_occurrence(NOW, Seed([3; 16]), "clock", None, Some(case.id)).unwrap();
    let one = Decision { case: Some(case.clone()), effects: Vec::new(), journal: vec![third] };
    session.record(occurrence, NOW, &one, "policy").unwrap();
    case.id
}

#[test]
fn the_chain_holds_and_its_head_moves() {
    let room = Room::new();
    let store = room.open();
    let session = store.session();
    assert_eq!(session.verify_journal().unwrap(), "");
    three_rows(&session);
    let head = session.verify_journal().unwrap();
    assert_eq!(head.len(), 64);
    three_rows_more_change_the_head(&session, &head);
    drop(store);
    assert_ne!(room.open().session().verify_journal().unwrap(), head);
}

fn three_rows_more_change_the_head(session: &Session<'_>, head: &str) {
    let occurrence = session.open_occurrence(NOW, Seed([4; 16]), "clock", None, None).unwrap();
    let more = Decision { case: None, effects: Vec::new(), journal: vec![entry("x")] };
    session.record(occurrence, NOW, &more, "policy").unwrap();
    assert_ne!(session.verify_journal().unwrap(), head);
}

#[test]
fn lines_of_a_case_tell_who_and_why() {
    let room = Room::new();
    let store = room.open();
    let session = store.session();
    let case = three_rows(&session);
    let lines = session.journal_lines(case, 10).unwrap();
    assert_eq!(lines.iter().map(|line| line.entry.to.as_str()).collect::<Vec<_>>(), ["valid", "accepted", "closed"]);
    assert_eq!(lines[0].cause, MessageId::parse("mail-1@reporter.example"));
    assert_eq!((lines[2].cause.clone(), lines[2].entry.actor.clone()), (None, Some(PartyKey("t-bo".to_owned()))));
    assert_eq!(session.journal_lines(case, 1).unwrap()[0].seq, 3);
}

#[test]
fn rows_cannot_be_edited_or_cut_by_a_statement() {
    let room = Room::new();
    let store = room.open();
    three_rows(&store.session());
    assert!(store.raw().execute_batch("UPDATE journal SET what = 'x'").is_err());
    assert!(store.raw().execute_batch("DELETE FROM journal").is_err());
    store.session().verify_journal().unwrap();
}

#[test]
fn whoever_edits_behind_our_back_breaks_the_chain() {
    let edits = [
        "UPDATE journal SET to_state = 'invalid' WHERE seq = 1",
        "UPDATE journal SET actor = 't-eve' WHERE seq = 3",
        "UPDATE journal SET actor = '' WHERE seq = 1",
        "UPDATE journal SET cause = NULL WHERE seq = 2",
        "UPDATE journal SET at = at + 1 WHERE seq = 2",
        "UPDATE journal SET case_id = NULL WHERE seq = 2",
        "UPDATE journal SET occurrence_id = 2 WHERE seq = 2",
        "UPDATE journal SET policy_digest = '' WHERE seq = 2",
        "UPDATE journal SET what = what || proof, proof = '' WHERE seq = 2",
        "UPDATE journal SET hash = 'x' WHERE seq = 3",
        "DELETE FROM journal WHERE seq = 1",
        "DELETE FROM journal WHERE seq = 2",
        "DELETE FROM journal WHERE seq = 3",
        "DELETE FROM journal",
    ];
    for edit in edits {
        let room = Room::new();
        let store = room.open();
        three_rows(&store.session());
        store.raw().execute_batch("DROP TRIGGER journal_is_not_edited; DROP TRIGGER journal_is_not_cut").unwrap();
        store.session().verify_journal().unwrap();
        store.raw().execute_batch(edit).unwrap();
        assert_eq!(store.session().verify_journal(), Err(BROKEN), "{edit}");
        assert_eq!(store.check(), Err(BROKEN), "{edit}");
    }
}
