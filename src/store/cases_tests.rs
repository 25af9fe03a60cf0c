//! Cases read back as written; numbers, lists and look-ups.

use super::super::support_tests::{
    NOW, Room, accept_one, address, decision, mail, occurrence, outgoing, queue, record,
};
use super::super::{Session, StoreError};
use super::*;
use crate::domain::advisory::{Advisory, AdvisoryKind};
use crate::domain::effect::MailKind;
use crate::domain::event::Fate;
use crate::domain::party::Form;
use crate::domain::time::DAY;

fn full(session: &Session<'_>) -> Case {
    let mut case = session.new_case("EX", NOW).unwrap();
    case.title = "XSS in forms".to_owned();
    case.report = ReportState::Accepted;
    case.close_reason = Some(String::new());
    case.severity = Some("high".to_owned());
    case.owner = Some(PartyKey("t-bo".to_owned()));
    case.embargo = EmbargoState::Active;
    case.embargo_until = Some(NOW.after(DAY));
    case.publication = PublicationState::Draft;
    case.advisory = Some(Advisory {
        id: case.label.as_str().to_owned(),
        kind: AdvisoryKind::Uninstall,
        title: "Remove it".to_owned(),
        severity: None,
        body: "One.\n\nTwo.".to_owned(),
    });
    case.answered_at = Some(NOW);
    case.answered_by = Some(PartyKey("t-bo".to_owned()));
    for (key, role) in [("r1", Role::Reporter), ("m1", Role::Maintainer), ("s1", Role::Stakeholder)] {
        case.parties.push(Party {
            key: PartyKey(key.to_owned()),
            role,
            address: address(&format!("{key}@reporter.example")),
            aliases: vec![address(&format!("z-{key}@b.example")), address(&format!("a-{key}@b.example"))],
            fingerprint: (role == Role::Reporter).then(|| Fingerprint::parse(&"AB".repeat(20)).unwrap()),
            form: if role == Role::Reporter { Form::Encrypted } else { Form::Clear },
            last_message: MessageId::parse("last@reporter.example"),
        });
    }
    let contact = |key: &str, state, since| Contact { party: PartyKey(key.to_owned()), state, since };
    case.contacts = vec![contact("s1", ContactState::Silent, None), contact("m1", ContactState::Contacted, Some(NOW))];
    case
}

#[test]
fn a_case_is_read_back_as_it_was_written() {
    let room = Room::new();
    let store = room.open();
    let case = full(&store.session());
    record(&store.session(), Some(&case), Vec::new()).unwrap();
    drop(store);
    assert_eq!(room.open().session().case(case.id).unwrap(), Some(case));
}

#[test]
fn a_later_decision_replaces_what_is_there() {
    let room = Room::new();
    let store = room.open();
    let session = store.session();
    let mut case = full(&session);
    record(&session, Some(&case), Vec::new()).unwrap();
    case.parties[1].aliases.clear();
    case.parties[0].address = address("new@reporter.example");
    case.contacts[0].state = ContactState::Replied;
    (case.severity, case.advisory, case.embargo) = (None, None, EmbargoState::Exited);
    record(&session, Some(&case), Vec::new()).unwrap();
    assert_eq!(session.case(case.id).unwrap(), Some(case));
    assert_eq!(session.case(CaseId(77)).unwrap(), None);
}

#[test]
fn every_state_has_a_word_the_tables_accept() {
    let room = Room::new();
    let store = room.open();
    let session = store.session();
    let mut case = full(&session);
    let mut check = |change: &dyn Fn(&mut Case)| {
        change(&mut case);
        record(&session, Some(&case), Vec::new()).unwrap();
        assert_eq!(session.case(case.id).unwrap().as_ref(), Some(&case));
    };
    ReportState::ALL.iter().for_each(|state| check(&|case| case.report = *state));
    EmbargoState::ALL.iter().for_each(|state| check(&|case| case.embargo = *state));
    PublicationState::ALL.iter().for_each(|state| check(&|case| case.publication = *state));
    ContactState::ALL.iter().for_each(|state| check(&|case| case.contacts[0].state = *state));
}

#[test]
fn numbers_of_cases_are_never_used_again() {
    let room = Room::new();
    let mut store = room.open();
    let first = store.session().new_case("EX", NOW).unwrap();
    assert_eq!((first.id, first.label.as_str()), (CaseId(1), "EX-2026-0001"));
    store.raw().execute_batch("DELETE FROM cases").unwrap();
    drop(store);
    store = room.open();
    assert_eq!(store.session().new_case("EX", NOW).unwrap().id, CaseId(2));
}

#[test]
fn a_case_that_was_never_opened_is_not_written() {
    let room = Room::new();
    let store = room.open();
    let case = Case::opened(CaseId(5), Label::new("EX", NOW, CaseId(5)), NOW);
    let occurrence = occurrence(&store.session());
    let refused = store.session().record(occurrence, NOW, &decision(Some(case), Vec::new()), "policy");
    assert!(matches!(refused, Err(StoreError::Query { .. })));
}

#[test]
fn closed_cases_are_not_listed_among_the_open_ones() {
    let room = Room::new();
    let store = room.open();
    let session = store.session();
    let mut first = full(&session);
    let second = session.new_case("EX", NOW).unwrap();
    record(&session, Some(&first), Vec::new()).unwrap();
    let lines = session.open_cases(10).unwrap();
    let labels: Vec<_> = lines.iter().map(|line| line.label.as_str()).collect();
    assert_eq!(labels, [second.label.as_str(), first.label.as_str()]);
    assert_eq!((lines[1].summary.clone(), lines[1].owner.clone()), (first.summary(), first.owner.clone()));
    assert_eq!(session.open_cases(1).unwrap().len(), 1);
    first.report = ReportState::Closed;
    record(&session, Some(&first), Vec::new()).unwrap();
    assert_eq!(session.open_cases(10).unwrap().len(), 1);
}

#[test]
fn our_ids_are_known_whatever_their_domain_and_held_mail_leads_nowhere() {
    let room = Room::new();
    let store = room.open();
    let session = store.session();
    let case = session.new_case("EX", NOW).unwrap();
    queue(&session, Some(&case), outgoing("ours", "ana@reporter.example", MailKind::Letter));
    let cases = |id: &str| session.cases_of_message(&MessageId::parse(id).unwrap()).unwrap();
    assert_eq!(cases("ours.mac@rewritten.example"), [(case.id, Written::ByUs(None))]);
    assert_eq!(cases("ours.other@example.org"), []);
    let joined = accept_one(&session, 1);
    session.settle_mail(joined, &Fate::Joined(case.id, PartyKey("r1".to_owned())), NOW, None).unwrap();
    let held = session.accept(&[mail(2, b"held")]).unwrap()[0].id;
    session.settle_mail(held, &Fate::Held(case.id), NOW, None).unwrap();
    assert_eq!(cases("mail-1@reporter.example"), [(case.id, Written::ByOthers)]);
    assert_eq!(cases("mail-1@elsewhere.example"), []);
    assert_eq!(cases("mail-2@reporter.example"), []);
}
