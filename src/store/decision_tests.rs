//! Decisions: what works once, timers, counts and pages.

use super::super::support_tests::{
    NOW, Room, accept_one, address, decision, entry, occurrence, outgoing, queue, record,
};
use super::super::{DueTimer, Session, StoreError, TIMER_ATTEMPTS_MAX};
use super::*;
use crate::domain::case::Case;
use crate::domain::effect::{MailKind, PendingAction, TimerKey};
use crate::domain::event::Fate;
use crate::domain::policy::TimerAction;
use crate::domain::time::MINUTE;

fn bo() -> PartyKey {
    PartyKey("t-bo".to_owned())
}

fn case(session: &Session<'_>) -> Case {
    session.new_case("EX", NOW).unwrap()
}

#[test]
fn a_nonce_works_once_for_its_member_and_case() {
    let room = Room::new();
    let store = room.open();
    let session = store.session();
    let (one, two) = (case(&session), case(&session));
    let issue = |nonce: &str| Effect::IssueNonce { nonce: nonce.to_owned(), member: bo() };
    record(&session, Some(&one), vec![issue("n1")]).unwrap();
    record(&session, None, vec![issue("n2")]).unwrap();
    let live = |nonce: &str, member: &PartyKey, case| session.nonce_live(nonce, member, case).unwrap();
    assert!(live("n1", &bo(), Some(one.id)) && live("n2", &bo(), None));
    assert!(!live("n1", &bo(), Some(two.id)) && !live("n1", &bo(), None) && !live("n2", &bo(), Some(one.id)));
    assert!(!live("n1", &PartyKey("t-eve".to_owned()), Some(one.id)));
    record(&session, Some(&one), vec![Effect::UseNonce("n1".to_owned())]).unwrap();
    assert!(!live("n1", &bo(), Some(one.id)));
    let again = record(&session, Some(&one), vec![Effect::UseNonce("n1".to_owned())]);
    assert_eq!(again, Err(StoreError::AlreadyUsed { what: "a nonce" }));
    let unknown = record(&session, Some(&one), vec![Effect::UseNonce("n9".to_owned())]);
    assert_eq!(unknown, Err(StoreError::AlreadyUsed { what: "a nonce" }));
}

#[test]
fn a_signature_commands_once_and_a_replay_leaves_nothing() {
    let room = Room::new();
    let store = room.open();
    let session = store.session();
    let mut one = case(&session);
    let remember = || Effect::Remember { digest: "d".to_owned() };
    assert!(!session.signature_seen("d").unwrap());
    record(&session, Some(&one), vec![remember()]).unwrap();
    drop(store);
    let store = room.open();
    let session = store.session();
    assert!(session.signature_seen("d").unwrap());
    one.title = "changed by the replay".to_owned();
    let mail = Box::new(outgoing("replay", "ana@reporter.example", MailKind::Letter));
    let mut replay = decision(Some(one.clone()), vec![Effect::Mail(mail), remember()]);
    replay.journal = vec![entry("valid")];
    let refused = session.record(occurrence(&session), NOW, &replay, "policy");
    assert_eq!(refused, Err(StoreError::AlreadyUsed { what: "a signature" }));
    assert_eq!(session.case(one.id).unwrap().unwrap().title, "");
    assert!(session.outbox_rows(10).unwrap().is_empty());
    assert!(session.journal_lines(one.id, 10).unwrap().is_empty());
}

#[test]
fn a_confirmation_is_good_for_its_case_and_once() {
    let room = Room::new();
    let store = room.open();
    let session = store.session();
    let (one, two) = (case(&session), case(&session));
    let pending = |token: &str, action| Pending {
        token: token.to_owned(),
        member: bo(),
        second_member: true,
        action,
        expires: NOW.after(MINUTE),
    };
    let publish = pending("c1", PendingAction::Publish { digest: "d".to_owned() });
    let apply = pending("c2", PendingAction::Apply { block: "!close".to_owned(), body: "text\n".to_owned() });
    let both = vec![Effect::AwaitConfirmation(publish.clone()), Effect::AwaitConfirmation(apply.clone())];
    record(&session, Some(&one), both).unwrap();
    assert_eq!(session.confirmation("c1", one.id).unwrap(), Some(publish));
    assert_eq!(session.confirmation("c2", one.id).unwrap(), Some(apply));
    assert_eq!(session.confirmation("c1", two.id).unwrap(), None);
    let used = || vec![Effect::UseConfirmation("c1".to_owned())];
    assert!(record(&session, Some(&two), used()).is_err(), "another case's token");
    record(&session, Some(&one), used()).unwrap();
    assert_eq!(session.confirmation("c1", one.id).unwrap(), None);
    assert_eq!(record(&session, Some(&one), used()), Err(StoreError::AlreadyUsed { what: "a confirmation" }));
}

fn key(rule: &str, party: Option<&str>, step: u32) -> TimerKey {
    TimerKey { rule: rule.to_owned(), party: party.map(|party| PartyKey(party.to_owned())), step }
}

fn set(key: &TimerKey, due: i64, action: TimerAction) -> Effect {
    Effect::SetTimer { key: key.clone(), due: Timestamp(NOW.0 + due), action }
}

#[test]
fn timers_survive_a_restart_and_come_in_the_order_of_their_times() {
    let room = Room::new();
    let store = room.open();
    let one = case(&store.session());
    let (a, b) = (key("answer", None, 0), key("answer", Some("m1"), 1));
    let effects = vec![
        set(&a, 50, TimerAction::NudgeAnswer),
        set(&a, 20, TimerAction::NudgeAnswer),
        set(&b, 10, TimerAction::EndEmbargo),
    ];
    record(&store.session(), Some(&one), effects).unwrap();
    drop(store);
    let store = room.open();
    let session = store.session();
    assert_eq!(session.next_wake().unwrap(), Some(Timestamp(NOW.0 + 10)));
    assert!(session.due_timers(Timestamp(NOW.0 + 9), 10).unwrap().is_empty());
    let due = session.due_timers(Timestamp(NOW.0 + 20), 10).unwrap();
    let expected = [(b, 10, TimerAction::EndEmbargo), (a, 20, TimerAction::NudgeAnswer)]
        .map(|(key, due, action)| DueTimer { case: one.id, key, action, due: Timestamp(NOW.0 + due) });
    assert_eq!(due, expected);
    assert_eq!(session.due_timers(Timestamp(NOW.0 + 20), 1).unwrap().len(), 1);
    assert!(session.drop_timer(&due[0]).unwrap());
    assert!(!session.drop_timer(&due[0]).unwrap());
    record(&session, Some(&one), vec![set(&due[1].key, 90, TimerAction::NudgeAnswer)]).unwrap();
    assert!(!session.drop_timer(&due[1]).unwrap(), "it was set anew");
    assert_eq!(session.next_wake().unwrap(), Some(Timestamp(NOW.0 + 90)));
}

#[test]
fn a_clock_refused_too_often_wakes_nobody_until_it_is_set_anew() {
    let room = Room::new();
    let store = room.open();
    let session = store.session();
    let one = case(&session);
    let a = key("answer", None, 0);
    record(&session, Some(&one), vec![set(&a, 10, TimerAction::NudgeAnswer)]).unwrap();
    let due = session.due_timers(Timestamp(NOW.0 + 10), 10).unwrap();
    for attempt in 1..=TIMER_ATTEMPTS_MAX {
        assert_eq!(session.next_timer().unwrap(), Some(Timestamp(NOW.0 + 10)));
        assert_eq!(session.timer_failed(&due[0]).unwrap(), attempt);
    }
    assert!(session.due_timers(Timestamp(NOW.0 + 10), 10).unwrap().is_empty());
    assert_eq!((session.next_timer().unwrap(), session.next_wake().unwrap()), (None, None));
    record(&session, Some(&one), vec![set(&a, 90, TimerAction::NudgeAnswer)]).unwrap();
    assert_eq!(session.next_timer().unwrap(), Some(Timestamp(NOW.0 + 90)));
}

#[test]
fn clearing_stops_one_partys_clocks_or_all_of_a_rule() {
    let room = Room::new();
    let store = room.open();
    let session = store.session();
    let (one, two) = (case(&session), case(&session));
    let keys = [key("a", None, 0), key("a", Some("m1"), 0), key("a", Some("m2"), 0), key("b", None, 0)];
    let effects: Vec<_> = keys.iter().map(|key| set(key, 1, TimerAction::NudgeHeld)).collect();
    record(&session, Some(&one), effects.clone()).unwrap();
    record(&session, Some(&two), effects).unwrap();
    let left =
        || session.due_timers(Timestamp(NOW.0 + 1), 20).unwrap().iter().filter(|timer| timer.case == one.id).count();
    let clear = |party: Option<&str>| Effect::ClearTimers {
        rule: "a".to_owned(),
        party: party.map(|party| PartyKey(party.to_owned())),
    };
    record(&session, Some(&one), vec![clear(Some("m1"))]).unwrap();
    assert_eq!(left(), 3);
    record(&session, Some(&one), vec![clear(None)]).unwrap();
    assert_eq!(left(), 1);
    assert_eq!(session.due_timers(Timestamp(NOW.0 + 1), 20).unwrap().len(), 5, "the other case keeps its clocks");
    assert!(record(&session, None, vec![clear(None)]).is_err());
}

#[test]
fn every_timer_action_has_a_word_the_tables_accept() {
    use TimerAction as T;
    let all = [
        T::NudgeAnswer,
        T::NudgeProgress,
        T::RemindMaintainer,
        T::DraftUninstall,
        T::AcceptEmbargo,
        T::WarnEmbargo,
        T::EndEmbargo,
        T::NudgeHeld,
    ];
    for action in all {
        // A new action does not compile here until it is added above and in a migration.
        match action {
            T::NudgeAnswer | T::NudgeProgress | T::RemindMaintainer | T::DraftUninstall => {}
            T::AcceptEmbargo | T::WarnEmbargo | T::EndEmbargo | T::NudgeHeld => {}
        }
    }
    let room = Room::new();
    let store = room.open();
    let session = store.session();
    let one = case(&session);
    let effects = (0..).zip(all).map(|(step, action)| set(&key("a", None, step), i64::from(step), action)).collect();
    record(&session, Some(&one), effects).unwrap();
    let found = session.due_timers(NOW.after(MINUTE), 20).unwrap();
    assert_eq!(found.iter().map(|timer| timer.action).collect::<Vec<_>>(), all);
}

#[test]
fn acknowledgements_are_counted_by_address_and_by_the_hour() {
    let room = Room::new();
    let store = room.open();
    let session = store.session();
    let ack = |n: u32, to: &str, minutes_ago: u64| {
        let at = (0..minutes_ago).fold(NOW, |at, _| at.before(MINUTE));
        let mail = outgoing(&format!("ack{n}"), to, MailKind::Acknowledgement);
        let queued = decision(None, vec![Effect::Mail(Box::new(mail))]);
        session.record(occurrence(&session), at, &queued, "policy").unwrap();
    };
    ack(1, "Ana@reporter.example", 5);
    ack(2, "ana@reporter.example", 90);
    ack(3, "ana@reporter.example", 1441);
    ack(4, "eve@reporter.example", 59);
    queue(&session, None, outgoing("letter", "ana@reporter.example", MailKind::Letter));
    let counts = session.ack_counts(&address("ANA@reporter.example"), NOW).unwrap();
    assert_eq!((counts.to_address_in_a_day, counts.in_an_hour), (2, 2));
}

#[test]
fn pages_are_due_until_they_are_written() {
    let room = Room::new();
    let store = room.open();
    let session = store.session();
    let page = |path: &str| Effect::Page { path: path.to_owned(), content: "<p>".to_owned() };
    record(&session, None, vec![page("a.html"), page("b.html")]).unwrap();
    let due = session.due_pages(10).unwrap();
    assert_eq!(due.iter().map(|page| page.1.as_str()).collect::<Vec<_>>(), ["a.html", "b.html"]);
    session.page_written(due[0].0, NOW).unwrap();
    assert_eq!(session.due_pages(10).unwrap(), due[1..]);
    assert_eq!(session.backlog(NOW).unwrap().pages, 1);
}

#[test]
fn a_waiting_mail_is_admitted_by_one_decision_only() {
    let room = Room::new();
    let store = room.open();
    let session = store.session();
    let one = case(&session);
    let mail = accept_one(&session, 1);
    session.settle_mail(mail, &Fate::Held(one.id), NOW, None).unwrap();
    let admit = || vec![Effect::Requeue { mail, case: Some(one.id) }];
    record(&session, Some(&one), admit()).unwrap();
    assert!(session.is_undecided(mail).unwrap());
    assert_eq!(record(&session, Some(&one), admit()), Err(StoreError::AlreadyUsed { what: "a waiting mail" }));
}
