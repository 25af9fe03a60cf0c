//! Received mail: stored once, decided once, found again.

use super::super::support_tests::{NOW, Room, accept_one, address, mail};
use super::*;
use crate::domain::party::PartyKey;

#[test]
fn bytes_come_back_as_they_were_received() {
    let room = Room::new();
    let store = room.open();
    let every: Vec<u8> = (0..=255).chain((0..=255).rev()).collect();
    let mut new = mail(1, &every);
    (new.oversize, new.answerable, new.junk) = (Some(70_000_000), Answerable::Old, true);
    let ids = store.session().accept(&[new.clone(), mail(2, b"")]).unwrap();
    drop(store);
    let store = room.open();
    let found = store.session().undecided(10, 3).unwrap();
    assert_eq!(found[0].bytes, every);
    assert_eq!(store.session().bytes_of(ids[0].id).unwrap(), Some(every));
    assert_eq!(store.session().bytes_of(ids[1].id).unwrap(), Some(Vec::new()));
    assert_eq!(store.session().bytes_of(MailId(99)).unwrap(), None);
    assert_eq!(found[0].oversize, Some(70_000_000));
    assert_eq!((found[0].answerable, found[0].junk, found[0].seed), (Answerable::Old, true, new.seed));
}

#[test]
fn the_same_mail_from_the_same_place_is_stored_once() {
    let room = Room::new();
    let store = room.open();
    let first = store.session().accept(&[mail(1, b"a"), mail(2, b"b"), mail(1, b"a")]).unwrap();
    assert_eq!(first.iter().map(|mail| mail.known).collect::<Vec<_>>(), [false, false, true]);
    drop(store);
    let again = room.open().session().accept(&[mail(1, b"a")]).unwrap();
    assert_eq!(again, [Accepted { id: first[0].id, known: true }]);
}

#[test]
fn a_known_uid_with_other_bytes_is_a_new_mail() {
    let room = Room::new();
    let store = room.open();
    let mut elsewhere = mail(1, b"a");
    elsewhere.uid_validity = 8;
    let mut named = mail(1, b"a");
    named.name = "1772442000.host".to_owned();
    let found = store.session().accept(&[mail(1, b"a"), mail(1, b"b"), elsewhere, named]).unwrap();
    assert!(found.iter().all(|mail| !mail.known));
    assert_eq!(store.session().undecided(10, 3).unwrap().len(), 4);
}

#[test]
fn fresh_mail_comes_first_and_tried_mail_comes_alone() {
    let room = Room::new();
    let store = room.open();
    let session = store.session();
    let ids: Vec<_> = (1..=4).map(|uid| accept_one(&session, uid)).collect();
    let next = || session.undecided(10, 3).unwrap().iter().map(|mail| mail.id).collect::<Vec<_>>();
    session.raise_attempts(&ids[..3]).unwrap();
    assert_eq!(next(), [ids[3]]);
    session.raise_attempts(&ids[3..]).unwrap();
    assert_eq!(next(), [ids[0]]);
    session.raise_attempts(&ids[..1]).unwrap();
    assert_eq!(next(), [ids[1]], "the least tried goes first");
    session.raise_attempts(&ids[..1]).unwrap();
    assert_eq!(session.exhausted(3).unwrap(), [ids[0]]);
    for id in &ids[1..] {
        assert!(session.settle_mail(*id, &Fate::Quarantined("no".to_owned()), NOW, None).unwrap());
    }
    assert!(next().is_empty(), "what has used up its attempts is not tried again");
}

#[test]
fn a_mail_gets_one_fate() {
    let room = Room::new();
    let store = room.open();
    let session = store.session();
    let id = accept_one(&session, 1);
    let case = session.new_case("EX", NOW).unwrap().id;
    assert!(session.is_undecided(id).unwrap());
    let author = address("Ana@reporter.example");
    assert!(session.settle_mail(id, &Fate::Held(case), NOW, Some(&author)).unwrap());
    assert!(!session.settle_mail(id, &Fate::Joined(case, PartyKey("r1".to_owned())), NOW, None).unwrap());
    assert!(!session.is_undecided(id).unwrap());
    let waiting = session.waiting(10).unwrap();
    assert_eq!(waiting.len(), 1);
    assert_eq!((waiting[0].claims, waiting[0].from.clone()), (Some(case), Some(author)));
    assert_eq!(session.waiting_mail(id).unwrap().as_ref(), waiting.first());
}

#[test]
fn every_fate_can_be_stored() {
    let room = Room::new();
    let store = room.open();
    let session = store.session();
    let case = session.new_case("EX", NOW).unwrap().id;
    let first = accept_one(&session, 100);
    let fates = [
        Fate::Joined(case, PartyKey("r1".to_owned())),
        Fate::Held(case),
        Fate::Quarantined("three attempts".to_owned()),
        Fate::Duplicate(first),
        Fate::Noted(case),
    ];
    for (uid, fate) in (1..).zip(&fates) {
        let id = accept_one(&session, uid);
        assert!(session.settle_mail(id, fate, NOW, None).unwrap(), "{fate:?}");
    }
    assert_eq!(session.waiting(10).unwrap().len(), 2);
}

#[test]
fn an_admitted_mail_is_decided_again_once_with_another_seed() {
    let room = Room::new();
    let store = room.open();
    let session = store.session();
    let case = session.new_case("EX", NOW).unwrap().id;
    let id = accept_one(&session, 1);
    let seed = session.undecided(1, 3).unwrap()[0].seed;
    session.raise_attempts(&[id]).unwrap();
    session.settle_mail(id, &Fate::Held(case), NOW, None).unwrap();
    session.requeue(id, Some(case), NOW).unwrap();
    let again = session.undecided(1, 3).unwrap();
    assert_eq!((again[0].id, again[0].attempts, again[0].admitted), (id, 0, Some(case)));
    assert_ne!(again[0].seed, seed);
    assert_eq!(session.requeue(id, Some(case), NOW), Err(StoreError::AlreadyUsed { what: "a waiting mail" }));
    session.settle_mail(id, &Fate::Joined(case, PartyKey("r1".to_owned())), NOW, None).unwrap();
    assert!(session.requeue(id, None, NOW).is_err(), "a mail that joined a case is not decided again");
}

#[test]
fn the_same_mail_again_is_found_but_only_where_it_joined_a_case() {
    let room = Room::new();
    let store = room.open();
    let session = store.session();
    let mut mails: Vec<_> = (1..=5).map(|uid| mail(uid, b"x")).collect();
    mails.iter_mut().take(4).for_each(|mail| mail.stable_digest = "same".to_owned());
    let case = session.new_case("EX", NOW).unwrap().id;
    let ids: Vec<_> = session.accept(&mails).unwrap().iter().map(|mail| mail.id).collect();
    session.settle_mail(ids[0], &Fate::Quarantined("spam".to_owned()), NOW, None).unwrap();
    session.settle_mail(ids[1], &Fate::Held(case), NOW, None).unwrap();
    session.settle_mail(ids[2], &Fate::Joined(case, PartyKey("r1".to_owned())), NOW, None).unwrap();
    assert_eq!(session.find_same(ids[2]).unwrap(), None);
    assert_eq!(session.find_same(ids[3]).unwrap(), Some(ids[2]));
    assert_eq!(session.find_same(ids[4]).unwrap(), None, "another mail");
}

#[test]
fn a_mail_rendered_anew_is_found_by_id_author_and_text_together() {
    let room = Room::new();
    let store = room.open();
    let session = store.session();
    let (id, before) = (accept_one(&session, 1), MailId(1_000));
    let message = MessageId::parse("mail-1@reporter.example").unwrap();
    let (ana, eve) = (address("ana@reporter.example"), address("eve@reporter.example"));
    let find = |from: &Address, text: &str| session.find_same_rendered(&message, from, text, before).unwrap();
    assert_eq!(find(&ana, "digest"), None);
    session.note_read(id, &ana, Authenticity::Pass, "digest").unwrap();
    assert_eq!(find(&ana, "digest"), None, "it has joined no case yet");
    assert!(session.said_by_another("digest", &eve, before).unwrap());
    assert!(!session.said_by_another("digest", &ana, before).unwrap());
    assert!(!session.said_by_another("digest", &eve, id).unwrap(), "what came later stole nothing");
    let case = session.new_case("EX", NOW).unwrap().id;
    session.settle_mail(id, &Fate::Joined(case, PartyKey("r1".to_owned())), NOW, None).unwrap();
    assert_eq!(find(&address("ANA@reporter.example"), "digest"), Some(id));
    assert_eq!(find(&eve, "digest"), None);
    assert_eq!(find(&ana, "another digest"), None);
    assert_eq!(session.find_same_rendered(&message, &ana, "digest", id).unwrap(), None, "a mail is not its own copy");
}

#[test]
fn mail_is_found_by_its_words_newest_first() {
    let room = Room::new();
    let store = room.open();
    let session = store.session();
    let case = session.new_case("EX", NOW).unwrap().id;
    let ids: Vec<_> = (1..=3).map(|uid| accept_one(&session, uid)).collect();
    session.index_mail(ids[0], "XSS in forms", "a payload in the Käse field").unwrap();
    session.index_mail(ids[1], "hello", "xss again").unwrap();
    session.index_mail(ids[2], "nothing", "to see").unwrap();
    session.settle_mail(ids[0], &Fate::Noted(case), NOW, None).unwrap();
    let found = |query: &str| session.search(query, 10).unwrap().into_iter().map(|hit| hit.mail).collect::<Vec<_>>();
    assert_eq!(found("xss"), [ids[1], ids[0]]);
    assert_eq!(found("xss kase"), [ids[0]]);
    assert_eq!(session.search("xss", 1).unwrap().len(), 1);
    assert_eq!(session.search("payload", 1).unwrap()[0].case, Some(case));
    assert!(found("").is_empty() && found("\" * ( AND").is_empty() && found("xss NEAR subject:hello").is_empty());
    assert_eq!(found("\"xss\" (forms)"), [ids[0]], "signs of the query language are only text");
    session.index_mail(ids[0], "renamed", "text").unwrap();
    assert_eq!(found("xss"), [ids[1]], "the new text replaces the old");
}
