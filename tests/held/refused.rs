//! What the database refuses for good holds up nothing else, and the team is told.

use postern::daemon::rehearsal::people::Person;
use postern::domain::state::{ContactState, EmbargoState};
use postern::domain::time::DAY;

use crate::house::{House, address};

#[test]
fn a_clock_that_cannot_be_fired_is_put_aside_and_the_others_go_on() {
    let (mut house, _, _) = House::with_case();
    house.refuse_journal("NEW.what = 'nudge:answer'");
    let sent = house.pass(DAY * 2);
    let told = house.one(&house.bo, &sent);
    assert!(told.text.contains("the clock \"answer\": nudge:answer"), "{}", told.text);
    house.pass(DAY * 8);
    assert_eq!(house.case(1).embargo, EmbargoState::Active, "the clock after it was fired");
    house.whole();
}

#[test]
fn a_delivery_whose_consequence_is_refused_is_settled_and_not_sent_again() {
    let (mut house, seen, _) = House::with_case();
    house.refuse_journal("NEW.proof = 'relay'");
    let dev = Person::without_key("Dev", address("dev@module.example"));
    let sent = house.bo_answers(&seen, "!maintainer dev@module.example");
    assert_eq!(house.got(&dev, &sent).len(), 1);
    assert!(
        house.got(&house.cy, &sent).iter().any(|mail| mail.text.contains("the delivery of a mail")),
        "the team is told"
    );
    assert_eq!(house.case(1).contacts[0].state, ContactState::Notified);
    let sent = house.pass(DAY / 2);
    assert!(house.got(&dev, &sent).is_empty());
    house.whole();
}
