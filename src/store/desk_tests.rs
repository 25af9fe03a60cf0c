//! Pages of cases and mail, over more of them than one page holds.

use super::super::support_tests::{NOW, Room, accept_one, decision, entry, occurrence, record};
use super::super::{Store, StoreError};
use super::*;
use crate::domain::case::Case;
use crate::domain::effect::{Effect, JournalEntry, TimerKey};
use crate::domain::event::Fate;
use crate::domain::time::{DAY, HOUR};

/// A case with a clock at each of these hours from now.
fn case_with_clocks(session: &Session<'_>, hours: &[u32]) -> Case {
    let case = session.new_case("EX", NOW).unwrap();
    let effects = hours.iter().zip(0..).map(|(hour, step)| Effect::SetTimer {
        key: TimerKey { rule: "answer".to_owned(), party: None, step },
        due: NOW.after(HOUR * *hour),
        action: TimerAction::NudgeAnswer,
    });
    record(session, Some(&case), effects.collect()).unwrap();
    case
}

/// Every page of a list; each must look at no more than `most` cases.
fn all_pages(store: &Store, filter: &CaseFilter, most: usize) -> Vec<CaseOverview> {
    let (mut rows, mut from) = (Vec::new(), CaseCursor::Clock { due: i64::MIN, timer: 0 });
    for _ in 0..1000 {
        let (page, next) = store.session().case_page(filter, from, most).unwrap();
        assert!(page.len() <= most);
        rows.extend(page);
        let Some(next) = next else { return rows };
        from = next;
    }
    panic!("the list does not end");
}

fn numbers(rows: &[CaseOverview]) -> Vec<i64> {
    rows.iter().map(|row| row.id.0).collect()
}

#[test]
fn cases_are_listed_once_by_their_first_clock_then_those_without_whatever_the_pages_are() {
    let room = Room::new();
    let store = room.open();
    let session = store.session();
    for hours in [&[5, 50][..], &[], &[3, 4], &[40, 2, 60], &[], &[5]] {
        case_with_clocks(&session, hours);
    }
    for most in [1, 2, 3, 100] {
        let rows = all_pages(&store, &CaseFilter::default(), most);
        assert_eq!(numbers(&rows), [4, 3, 1, 6, 5, 2], "{most} at once");
        assert_eq!(rows[0].next, Some((NOW.after(HOUR * 2), TimerAction::NudgeAnswer)));
        assert_eq!(rows[5].next, None);
    }
}

#[test]
fn a_choice_finds_its_cases_on_whatever_page_they_are() {
    let room = Room::new();
    let store = room.open();
    let session = store.session();
    let owner = PartyKey("t-1".to_owned());
    for number in 1..=40 {
        let clocks = if number % 2 == 0 { vec![number] } else { Vec::new() };
        let mut case = case_with_clocks(&session, &clocks);
        case.owner = (number % 10 == 0).then(|| owner.clone());
        case.report = if number % 8 == 0 { ReportState::Closed } else { ReportState::Received };
        let what = if number == 9 { "not sent: a reason" } else { "sent" };
        let acknowledged = JournalEntry { what: "acknowledgement".to_owned(), ..entry(what) };
        let decided =
            crate::domain::effect::Decision { journal: vec![acknowledged], ..decision(Some(case), Vec::new()) };
        session.record(occurrence(&session), NOW, &decided, "policy").unwrap();
    }
    let open = CaseFilter::default();
    let found = |filter: &CaseFilter| numbers(&all_pages(&store, filter, 3));
    assert_eq!(found(&open).len(), 35);
    assert_eq!(found(&CaseFilter { closed: true, ..open.clone() }).len(), 40);
    assert_eq!(found(&CaseFilter { owner: Some(Some(owner)), ..open.clone() }), [10, 20, 30]);
    assert_eq!(found(&CaseFilter { owner: Some(None), ..open.clone() }).len(), 32);
    let closed = CaseFilter { closed: true, state: Some(ReportState::Closed), ..open.clone() };
    assert_eq!(found(&closed), [8, 16, 24, 32, 40]);
    let rows = all_pages(&store, &CaseFilter { unacknowledged: true, ..open }, 3);
    assert_eq!(numbers(&rows), [9]);
    assert_eq!(rows[0].acknowledgement.as_deref(), Some("not sent: a reason"));
}

#[test]
fn the_nearest_case_is_the_one_next_to_the_number_on_either_side() {
    let room = Room::new();
    let store = room.open();
    let session = store.session();
    assert_eq!(session.nearest_case(CaseId(7)).unwrap(), None);
    let labels: Vec<_> = (0..3).map(|_| case_with_clocks(&session, &[]).label.as_str().to_owned()).collect();
    for (asked, nearest) in [(-5, 0), (1, 0), (2, 1), (99, 2)] {
        assert_eq!(session.nearest_case(CaseId(asked)).unwrap().as_ref(), labels.get(nearest), "{asked}");
    }
    assert_eq!(session.label_of(CaseId(2)).unwrap().as_ref(), labels.get(1));
    assert_eq!(session.label_of(CaseId(9)).unwrap(), None);
}

#[test]
fn waiting_mail_is_listed_apart_by_how_it_waits() {
    let room = Room::new();
    let store = room.open();
    let session = store.session();
    let case = case_with_clocks(&session, &[]);
    for uid in 1..=6 {
        let mail = accept_one(&session, uid);
        let fate = if uid % 2 == 0 { Fate::Held(case.id) } else { Fate::Quarantined(format!("reason {uid}")) };
        session.settle_mail(mail, &fate, NOW.after(DAY), None).unwrap();
    }
    accept_one(&session, 7);
    let held = session.waiting_page(true, MailId(i64::MAX), 2).unwrap();
    assert_eq!(held.iter().map(|line| line.mail.0).collect::<Vec<_>>(), [6, 4]);
    assert_eq!(held[0].label.as_deref(), Some(case.label.as_str()));
    let rest = session.waiting_page(true, MailId(4), 2).unwrap();
    assert_eq!(rest.iter().map(|line| line.mail.0).collect::<Vec<_>>(), [2]);
    let aside = session.waiting_page(false, MailId(i64::MAX), 10).unwrap();
    assert_eq!(aside.iter().map(|line| line.mail.0).collect::<Vec<_>>(), [5, 3, 1]);
    assert_eq!((aside[0].reason.as_deref(), aside[0].decided_at), (Some("reason 5"), Some(NOW.after(DAY))));
}

#[test]
fn only_the_head_of_a_mail_is_loaded() {
    let room = Room::new();
    let store = room.open();
    let session = store.session();
    let bytes: Vec<u8> = (0..200_000_u32).map(|at| u8::try_from(at % 251).unwrap()).collect();
    let mail = session.accept(&[super::super::support_tests::mail(1, &bytes)]).unwrap()[0].id;
    assert_eq!(session.head_of(mail, 70_000).unwrap(), bytes[..70_000]);
    assert_eq!(session.head_of(mail, 1_000_000).unwrap(), bytes);
    assert_eq!(session.head_of(MailId(99), 10).unwrap(), b"");
}

#[test]
fn the_chain_is_followed_stretch_by_stretch_and_a_break_is_found_in_its_stretch() {
    let room = Room::new();
    let store = room.open();
    let session = store.session();
    let case = session.new_case("EX", NOW).unwrap();
    for number in 0..5 {
        let journal = vec![entry(&number.to_string()), entry("again")];
        let decided = crate::domain::effect::Decision { journal, ..decision(Some(case.clone()), Vec::new()) };
        session.record(occurrence(&session), NOW, &decided, "policy").unwrap();
    }
    let follow = |after: u64, head: &str| session.follow_chain(after, head, 4);
    let first = follow(0, "").unwrap();
    let second = follow(first.seq, &first.head).unwrap();
    let third = follow(second.seq, &second.head).unwrap();
    assert_eq!([first.seq, second.seq, third.seq], [4, 8, 10]);
    assert_eq!([first.end, second.end, third.end], [false, false, true]);
    assert_eq!(third.head, session.verify_journal().unwrap());
    assert!(follow(10, &third.head).unwrap().end);
    assert!(matches!(follow(4, &second.head), Err(StoreError::Damaged { .. })), "from another hash");
    let raw = store.raw();
    raw.execute_batch("DROP TRIGGER journal_is_not_edited; UPDATE journal SET what = 'x' WHERE seq = 7").unwrap();
    assert_eq!(follow(0, "").unwrap(), first);
    assert!(matches!(follow(first.seq, &first.head), Err(StoreError::Damaged { .. })));
    let lines = session.journal_page(case.id, 3, 2).unwrap();
    assert_eq!(lines.iter().map(|line| line.seq).collect::<Vec<_>>(), [4, 5]);
}
