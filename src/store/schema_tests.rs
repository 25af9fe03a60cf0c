//! Opening, damage, ciphertext, batches and the full disk, on real files.

use std::os::unix::fs::PermissionsExt;

use super::super::support_tests::{KEY, NOW, Room, accept_one, mail};
use super::super::{StoreError, StoreErrorClass};
use super::*;

#[test]
fn the_migrations_are_sound_and_every_table_is_strict() {
    Migrations::from_slice(MIGRATIONS).validate().unwrap();
    let room = Room::new();
    let store = room.open();
    let loose = "SELECT count(*) FROM pragma_table_list
        WHERE type = 'table' AND strict = 0 AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'mail_text%'";
    let loose: i64 = store.raw().query_row(loose, [], |row| row.get(0)).unwrap();
    assert_eq!(loose, 0);
}

#[test]
fn the_file_is_for_its_owner_only_and_the_pragmas_hold() {
    let room = Room::new();
    std::fs::write(room.path(), b"").unwrap();
    std::fs::set_permissions(room.path(), Permissions::from_mode(0o644)).unwrap();
    let store = room.open();
    accept_one(&store.session(), 1);
    for file in std::fs::read_dir(room.folder.path()).unwrap() {
        let file = file.unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", file.file_name());
    }
    let pragma = |name: &str| store.raw().query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, i64>(0)).unwrap();
    let found = ["foreign_keys", "synchronous", "trusted_schema", "temp_store", "secure_delete"].map(pragma);
    assert_eq!(found, [1, 2, 0, 2, 2]);
}

#[test]
fn a_wrong_key_is_refused_with_what_to_do_and_harms_nothing() {
    let room = Room::new();
    accept_one(&room.open().session(), 1);
    let error = room.try_open(b"another key").unwrap_err();
    assert_eq!(error, StoreError::WrongKey);
    assert!(error.to_string().contains("give the key file it was made with"));
    assert!(room.open().session().has_mail().unwrap());
}

#[test]
fn nothing_legible_reaches_the_disk() {
    let room = Room::new();
    let store = room.open();
    let canary = b"CANARY-in-the-coal-mine-0123456789";
    let session = store.session();
    let id = session.accept(&[mail(1, canary)]).unwrap()[0].id;
    session.index_mail(id, "CANARY-in-the-coal-mine-0123456789", "CANARY-in-the-coal-mine-0123456789").unwrap();
    let holds = |bytes: &[u8], text: &[u8]| bytes.windows(text.len()).any(|window| window == text);
    let in_log = room.bytes_on_disk();
    assert!(in_log.len() > 4096, "the write-ahead log is there");
    assert!(!holds(&in_log, canary) && !holds(&in_log, b"coal-mine") && !holds(&in_log, b"SQLite format 3"));
    drop(store);
    let closed = room.bytes_on_disk();
    assert!(!holds(&closed, canary) && !holds(&closed, b"SQLite format 3"));
    assert_eq!(room.open().session().bytes_of(id).unwrap().unwrap(), canary);
}

/// A database of many pages, closed, so that all of it stands in the one file.
fn filled() -> Room {
    let room = Room::new();
    let store = room.open();
    let mails: Vec<_> = (1..=60).map(|uid| mail(uid, &vec![u8::try_from(uid).unwrap(); 6000])).collect();
    store.session().accept(&mails).unwrap();
    drop(store);
    room
}

fn refusal(room: &Room) -> StoreError {
    let refused = room.try_open(KEY).and_then(|store| store.check()).unwrap_err();
    assert_eq!(refused.to_string().lines().count(), 1);
    assert_eq!(refused.class(), StoreErrorClass::Fatal);
    refused
}

#[test]
fn a_sound_database_passes_the_check() {
    filled().open().check().unwrap();
}

#[test]
fn a_garbled_first_page_looks_like_a_wrong_key() {
    let room = filled();
    let mut bytes = std::fs::read(room.path()).unwrap();
    bytes[100] ^= 1;
    std::fs::write(room.path(), bytes).unwrap();
    assert_eq!(refusal(&room), StoreError::WrongKey);
}

#[test]
fn one_flipped_bit_anywhere_else_is_damage() {
    let room = filled();
    let sound = std::fs::read(room.path()).unwrap();
    for place in [4096 * 3 + 17, sound.len() / 2, sound.len() - 5] {
        let mut bytes = sound.clone();
        bytes[place] ^= 0x10;
        std::fs::write(room.path(), bytes).unwrap();
        let refused = refusal(&room);
        assert!(matches!(refused, StoreError::Damaged { .. }), "at {place}: {refused:?}");
        assert!(refused.to_string().contains("restore a backup"));
    }
}

#[test]
fn a_truncated_file_is_refused() {
    let room = filled();
    let sound = std::fs::read(room.path()).unwrap();
    for length in [100, 4096, sound.len() / 2, sound.len() - 4096] {
        std::fs::write(room.path(), &sound[..length]).unwrap();
        let refused = refusal(&room);
        assert!(matches!(refused, StoreError::Damaged { .. } | StoreError::WrongKey), "at {length}: {refused:?}");
    }
}

#[test]
fn a_plain_file_of_another_kind_is_refused() {
    let room = Room::new();
    std::fs::write(room.path(), "SQLite format 3\0 and then something else ".repeat(300)).unwrap();
    assert_eq!(refusal(&room), StoreError::WrongKey);
}

#[test]
fn another_instances_database_is_refused() {
    let room = Room::new();
    drop(room.open());
    let refused = Store::open(&room.path(), KEY, "another").unwrap_err();
    assert_eq!(refused, StoreError::OtherInstance { found: "example".to_owned() });
}

#[test]
fn tables_of_a_newer_program_are_left_alone() {
    let room = Room::new();
    room.open().raw().execute_batch("PRAGMA user_version = 99").unwrap();
    assert_eq!(room.try_open(KEY).unwrap_err(), StoreError::NewerSchema);
}

#[test]
fn a_missing_folder_is_named() {
    let room = Room::new();
    let refused = Store::open(&room.folder.path().join("none/postern.db"), KEY, "example").unwrap_err();
    assert!(matches!(&refused, StoreError::CannotOpen { reason } if reason.contains("none/postern.db")), "{refused}");
}

#[test]
fn one_message_that_fails_leaves_the_others_of_its_batch() {
    let room = Room::new();
    let mut store = room.open();
    let outcomes = store
        .batch(|batch| {
            let mut outcomes = Vec::new();
            for uid in 1..=3 {
                outcomes.push(batch.each(|session| {
                    let id = accept_one(session, uid);
                    session.index_mail(id, "subject", "text")?;
                    if uid == 2 { Err(StoreError::AlreadyUsed { what: "a test" }) } else { Ok(id) }
                }));
            }
            Ok::<_, StoreError>(outcomes)
        })
        .unwrap();
    assert!(outcomes[0].is_ok() && outcomes[2].is_ok());
    assert_eq!(outcomes[1], Err(StoreError::AlreadyUsed { what: "a test" }));
    drop(store);
    let store = room.open();
    let kept = store.session().undecided(10, 3).unwrap();
    let kept: Vec<_> = kept.iter().map(|mail| mail.bytes.as_slice()).collect();
    assert_eq!(kept, [b"mail 1", b"mail 3"]);
    assert_eq!(store.session().search("text", 10).unwrap().len(), 2);
}

#[test]
fn a_batch_whose_closure_errs_keeps_nothing() {
    let room = Room::new();
    let mut store = room.open();
    let failed = store.batch(|batch| {
        batch.each(|session| Ok::<_, StoreError>(accept_one(session, 1)))?;
        Err::<(), _>(StoreError::DiskFull)
    });
    assert_eq!(failed, Err(StoreError::DiskFull));
    assert!(!store.session().has_mail().unwrap());
}

#[test]
fn what_fails_within_a_batch_outside_a_message_is_undone_too() {
    let room = Room::new();
    let mut store = room.open();
    store
        .batch(|batch| {
            let session = batch.session();
            let refused = session.atomically(|| {
                accept_one(&session, 1);
                Err::<(), _>(StoreError::DiskFull)
            });
            assert_eq!(refused, Err(StoreError::DiskFull));
            accept_one(&session, 2);
            Ok::<_, StoreError>(())
        })
        .unwrap();
    assert_eq!(store.session().undecided(10, 3).unwrap().len(), 1);
}

#[test]
fn a_transaction_that_the_database_gave_up_runs_nothing_more() {
    let room = Room::new();
    let mut store = room.open();
    let outcome = store.batch(|batch| {
        let first = batch.each(|session| {
            accept_one(session, 1);
            // As SQLite itself may do when the disk is full.
            session.execute("roll back", "ROLLBACK")
        });
        assert_eq!(first, Err(StoreError::RolledBack));
        let second = batch.each(|session| Ok::<_, StoreError>(accept_one(session, 2)));
        assert_eq!(second, Err(StoreError::RolledBack));
        Ok::<_, StoreError>(())
    });
    assert_eq!(outcome, Err(StoreError::RolledBack));
    assert!(!store.session().has_mail().unwrap());
}

#[test]
fn a_full_disk_keeps_all_or_nothing() {
    let room = Room::new();
    let mut store = room.open();
    accept_one(&store.session(), 1);
    let pages: i64 = store.raw().query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
    store.raw().query_row(&format!("PRAGMA max_page_count = {}", pages + 8), [], |_| Ok(())).unwrap();
    let big: Vec<_> = (2..=5).map(|uid| mail(uid, &vec![7; 20_000])).collect();
    let refused = store.session().accept(&big).unwrap_err();
    assert_eq!((refused.class(), refused), (StoreErrorClass::Temporary, StoreError::DiskFull));
    // A message that does not fit takes its whole batch along, because SQLite itself gives the transaction up.
    let outcome = store.batch(|batch| {
        batch.each(|session| session.accept(&[mail(7, b"small")]).map(|_| ()))?;
        let large = batch.each(|session| session.accept(&[mail(6, &vec![7; 80_000])]).map(|_| ()));
        assert_eq!(large, Err(StoreError::DiskFull));
        let after = batch.each(|session| session.accept(&[mail(8, b"small")]).map(|_| ()));
        assert_eq!(after, Err(StoreError::RolledBack));
        Ok(())
    });
    assert_eq!(outcome, Err(StoreError::RolledBack));
    store.check().unwrap();
    drop(store);
    let store = room.open();
    store.check().unwrap();
    assert_eq!(store.session().undecided(10, 3).unwrap().len(), 1);
    assert_eq!(store.session().accept(&big).unwrap().len(), 4, "there is room again");
}

#[test]
fn the_first_adoption_stands() {
    let room = Room::new();
    let store = room.open();
    let session = store.session();
    assert!(!session.adopted().unwrap() && !session.has_mail().unwrap());
    session.mark_adopted(NOW).unwrap();
    session.mark_adopted(NOW).unwrap();
    accept_one(&session, 1);
    assert!(session.adopted().unwrap() && session.has_mail().unwrap());
}
