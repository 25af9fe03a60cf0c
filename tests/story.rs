//! The full story on real servers: Dovecot, Postfix, GnuPG and the shipped binary, from report to advisory.
//!
//! The binary fetches over IMAP under TLS and sends over SMTP under TLS or STARTTLS. Time passes by libfaketime. Every
//! test fails without its servers.
#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a story takes its time, and one that cannot go on has failed"
)]

#[path = "support/daemon.rs"]
#[expect(dead_code, reason = "other test programs use the rest")]
mod daemon;
#[path = "support/dovecot.rs"]
mod dovecot;
#[path = "support/gnupg.rs"]
mod gnupg;
#[path = "support/people.rs"]
mod people;
#[path = "support/postfix.rs"]
#[expect(dead_code, reason = "other test programs use the rest")]
mod postfix;
#[path = "story/running.rs"]
mod running;
#[path = "support/town.rs"]
mod town;

use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use daemon::until;
use gnupg::Gnupg;
use people::{Person, signed_parts};
use postern::store::Store;
use town::{ARCHIVE, Plan, Town, Way, member, pins};

/// 2 March 2026, 09:00 UTC: before the day of anybody who runs this, so that the servers' own clocks are ahead of it.
const START: i64 = 1_772_442_000;
const DAY: i64 = 86_400;
/// What is promised: acknowledgement and forward within this time of delivery.
const ANSWER_MAX: Duration = Duration::from_secs(5);

const ANA: &str = "ana@reporter.test";
const BO: &str = "bo@team.test";
const CY: &str = "cy@team.test";
const DEV: &str = "dev@module.test";
const LIST: &str = "announce@lists.test";
const SUBJECT: &str = "Login bypass in the module";
const REPORT: &str = "The login form accepts any password.\n\n!publish\n\nAna";

/// Nothing of any mail may stand in the log: no address, subject or body.
fn assert_discreet(town: &Town) {
    let log = town.house.log();
    assert!(log.contains("inbox open") && log.contains("decided"), "the log was written: {log}");
    for secret in
        ["@", "Login", "bypass", "login form", "password", "login.php", "Ana", "dev", "BEGIN PGP", "!publish", "[EX-"]
    {
        assert!(!log.contains(secret), "the log holds {secret:?}:\n{log}");
    }
}

/// Writes a report and waits until it is acknowledged and with the team. Gives both mails.
fn report(
    town: &Town,
    reporter: &mut Person,
    member: &mut Person,
    house: Option<&str>,
) -> (people::Seen, people::Seen) {
    let mail = reporter.write(town::HOUSE, SUBJECT, REPORT, house, town.house.now());
    reporter.send(&town.postfix, &mail);
    let delivered = Instant::now();
    let (ack, copy) = (reporter.next(), member.next());
    let took = delivered.elapsed();
    eprintln!("acknowledged and forwarded {took:?} after delivery");
    assert!(took <= ANSWER_MAX, "acknowledged and forwarded only after {took:?}");
    until("the mail is moved to the archive", || town.dovecot.count("") == 0 && town.dovecot.count(ARCHIVE) == 1);
    (ack, copy)
}

/// Lets a month pass by the reminders' days; gives the draft that the member gets at its end.
fn a_silent_month(town: &Town, dev: &mut Person, member: &mut Person, began: i64) -> people::Seen {
    for (number, days) in [("first", 7), ("second", 14), ("last", 21)] {
        town.house.set_clock(began + days * DAY + 60);
        let reminder = dev.next();
        assert!(reminder.text.contains(&format!("This is our {number} reminder")), "{}", reminder.text);
        assert_eq!(reminder.encrypted, dev.key.is_some());
        assert_eq!(reminder.signed_by.as_deref(), Some(town.key.as_str()));
        assert_eq!(dev.unread(), 0, "one reminder at a time");
    }
    town.house.set_clock(began + 31 * DAY + 60);
    let draft = member.next_that("draft", |mail| mail.text.contains("the draft begins"));
    assert_eq!(dev.unread(), 0, "three reminders, no more");
    draft
}

/// What a subscriber of the list, who knows nobody, makes of the one advisory that came.
fn assert_published(town: &Town, list: &mut Person, preview: &people::Seen) {
    let advisory = list.next();
    assert!(!advisory.encrypted);
    assert!(advisory.outer_subject.starts_with("[SECURITY] "), "{}", advisory.outer_subject);
    let subscriber = Gnupg::new();
    subscriber.import(&town.certificate());
    let (entity, signature) = signed_parts(&advisory.raw);
    let verdict = subscriber.verify_detached(&entity, &signature);
    assert_eq!(verdict.good.as_deref(), Some(town.key.as_str()), "{}", verdict.status);
    assert!(!String::from_utf8_lossy(&advisory.raw).contains("security+"), "a keyed address is nothing for the public");
    assert!(
        preview.text.contains(advisory.text.trim()),
        "what was confirmed is what was sent: {} {}",
        preview.text,
        advisory.text
    );
    let mut other = entity.clone();
    other.extend_from_slice(b"\r\nMore.\r\n");
    assert_eq!(subscriber.verify_detached(&other, &signature).good, None, "nothing can be added to it");
    assert!(advisory.text.contains("ninstall"), "{}", advisory.text);
    for ending in ["txt", "html"] {
        let page = town.house.path(&format!("site/advisories/ex-2026-0001.{ending}"));
        until("the page is written", || page.exists());
        let mode = std::fs::metadata(&page).expect("a page").permissions().mode();
        assert_eq!(mode & 0o044, 0o044, "a web server can read it");
        let page = std::fs::read_to_string(page).expect("a page");
        assert!(page.contains("EX-2026-0001") && page.contains("ninstall"), "{page}");
    }
    assert_eq!(list.unread(), 0, "exactly one advisory");
}

/// Stops the daemon and looks whether its database is whole.
fn assert_whole(town: &Town, daemon: daemon::Daemon) {
    let (code, took) = daemon.stop();
    assert_eq!(code, Some(0));
    assert!(took < Duration::from_secs(5), "stopped only after {took:?}");
    let key = std::fs::read(town.house.path("database.key")).expect("a key");
    let store = Store::open(&town.house.path("state/postern.db"), &key, "story").expect("the database opens");
    store.check().expect("the journal's chain and all references hold");
}

#[test]
fn the_full_story_on_real_servers() {
    let plan =
        Plan { mailboxes: &[ANA, BO, DEV, LIST], vouched: &[], bounced: &[], way: Way::Starttls, start: Some(START) };
    let (town, boxes) = Town::build(&plan);
    let mut ana = Person::with_key("Ana", ANA, &boxes, START - DAY);
    let mut bo = Person::with_key("Bo", BO, &boxes, START - DAY);
    let mut dev = Person::with_key("Dev", DEV, &boxes, START - DAY);
    let mut list = Person::without_key("List", LIST, &boxes);
    town.introduce(&[&ana, &bo, &dev, &list]);
    let known = format!("[privacy]\nclear = []\n{}{}", member(&bo), pins(&[&ana, &dev]));
    town.configure(&known, Way::Starttls);
    let house = Some(town.key.as_str());
    let daemon = town.house.start_and_wait(&[]);

    let (ack, copy) = report(&town, &mut ana, &mut bo, house);
    assert!(ack.encrypted && ack.signed_by.as_deref() == house, "{ack:?}");
    assert!(ack.text.contains("EX-2026-0001") && !ack.text.contains("login form"), "{}", ack.text);
    assert!(copy.encrypted && copy.signed_by.as_deref() == house, "{copy:?}");
    assert_eq!(copy.outer_subject, "[EX-2026-0001]", "the subject is secret outside");
    assert!(copy.text.contains("login form") && copy.text.contains("good signature by"), "{}", copy.text);
    assert!(copy.reply_to.starts_with("security+"), "{}", copy.reply_to);
    assert_eq!(copy.attachments, ["original.eml"]);
    assert_eq!(ack.attachments.len(), 1, "our certificate: {:?}", ack.attachments);

    let mail = ana.answer(&ack, "Here is more about it.", house, town.house.now());
    ana.send(&town.postfix, &mail);
    let more = bo.next();
    assert!(more.text.contains("Here is more") && more.text.contains("EX-2026-0001"), "{}", more.text);
    assert!(!more.text.contains("This receipt is automatic"), "our own words are not sent back: {}", more.text);

    let commands =
        "!state valid\n!state accepted\n!maintainer dev@module.test\n!to maintainer\n\nPlease look at login.php.";
    let mail = bo.answer(&copy, commands, house, town.house.now());
    bo.send(&town.postfix, &mail);
    let receipt = bo.next();
    assert!(receipt.text.contains("Done"), "{}", receipt.text);
    let notice = dev.next();
    for part in ["you look after something", "login.php", ": The login form"] {
        assert!(notice.text.contains(part), "{part:?} is missing in the notice: {}", notice.text);
    }
    assert!(notice.encrypted && notice.signed_by.as_deref() == house, "{notice:?}");
    assert!(!String::from_utf8_lossy(&notice.raw).contains("ogin"), "nothing of it stands outside");

    let draft = a_silent_month(&town, &mut dev, &mut bo, town.house.now());
    let mail = bo.answer(&draft, "!publish", house, town.house.now());
    bo.send(&town.postfix, &mail);
    let preview = bo.next_that("preview", |mail| mail.text.contains("\n!confirm "));
    assert_eq!(list.unread(), 0, "nothing leaves before it is confirmed");
    let mail = bo.answer(&preview, &preview.line("!confirm "), house, town.house.now());
    bo.send(&town.postfix, &mail);
    assert_published(&town, &mut list, &preview);
    let told =
        ana.next_that("word that it is public", |mail| mail.text.contains("https://example.test/security/advisories/"));
    assert!(told.encrypted);
    assert_discreet(&town);
    assert_whole(&town, daemon);
    assert_eq!(list.unread(), 0, "exactly one advisory");
}

#[test]
fn the_full_story_in_clear_on_real_servers() {
    let vouched = ["reporter.test", "team.test", "module.test"];
    let plan = Plan {
        mailboxes: &[ANA, BO, CY, DEV, LIST],
        vouched: &vouched,
        bounced: &[],
        way: Way::Tls,
        start: Some(START),
    };
    let (town, boxes) = Town::build(&plan);
    let person = |name, address| Person::without_key(name, address, &boxes);
    let (mut ana, mut bo, mut cy, mut dev) =
        (person("Ana", ANA), person("Bo", BO), person("Cy", CY), person("Dev", DEV));
    let mut list = person("List", LIST);
    town.introduce(&[&ana, &bo, &cy, &dev, &list]);
    let clear = "[privacy]\nclear = [\"team\", \"reporter\", \"maintainer\"]\n[authentication]\nauthserv_ids = [\"mx.example.test\"]\n";
    town.configure(&format!("{clear}{}{}", member(&bo), member(&cy)), Way::Tls);
    let house = Some(town.key.as_str());
    let daemon = town.house.start_and_wait(&[]);

    let (ack, copy) = report(&town, &mut ana, &mut bo, None);
    assert!(!ack.encrypted && ack.signed_by.as_deref() == house, "{ack:?}");
    assert!(!copy.encrypted && copy.signed_by.as_deref() == house && copy.text.contains("login form"), "{copy:?}");
    assert!(cy.next().text.contains("login form"), "every member gets it");

    let mail = bo.answer(&copy, "!maintainer dev@module.test", None, town.house.now());
    bo.send(&town.postfix, &mail);
    let (own, asked) = (bo.next(), cy.next());
    assert!(own.text.contains("Waiting for a second member"), "{}", own.text);
    let confirm = asked.line("!confirm ");
    let mail = bo.answer(&own, &confirm, None, town.house.now());
    bo.send(&town.postfix, &mail);
    let refused = bo.next();
    assert!(refused.text.contains("Nothing was done"), "nobody confirms himself: {}", refused.text);
    assert_eq!(dev.unread(), 0);
    let mail = cy.answer(&asked, &confirm, None, town.house.now());
    cy.send(&town.postfix, &mail);
    let notice = dev.next();
    assert!(
        !notice.encrypted && notice.signed_by.as_deref() == house && notice.text.contains("EX-2026-0001"),
        "{notice:?}"
    );

    let draft = a_silent_month(&town, &mut dev, &mut bo, town.house.now());
    let mail = bo.answer(&draft, "!publish", None, town.house.now());
    bo.send(&town.postfix, &mail);
    let preview = cy.next_that("preview", |mail| mail.text.contains("\n!confirm "));
    assert_eq!(list.unread(), 0, "nothing leaves before it is confirmed");
    let mail = cy.answer(&preview, &preview.line("!confirm "), None, town.house.now());
    cy.send(&town.postfix, &mail);
    assert_published(&town, &mut list, &preview);
    assert_discreet(&town);
    assert_whole(&town, daemon);
    assert_eq!(list.unread(), 0, "exactly one advisory");
}
