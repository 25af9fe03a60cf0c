//! The whole table of each machine, compared with the file that people review.

use std::fmt::Write as _;

use super::*;

macro_rules! table {
    ($out:expr, $name:literal, $state:ident, $trigger:ident) => {
        writeln!($out, "{}", $name).unwrap();
        for state in $state::ALL {
            for trigger in $trigger::ALL {
                let next = state.next(*trigger).map_or("-", |next| next.word());
                writeln!($out, "  {:<10} + {:<9} = {next}", state.word(), trigger.word()).unwrap();
            }
        }
    };
}

#[test]
fn every_state_and_trigger_is_as_reviewed() {
    let mut out = String::new();
    table!(out, "report", ReportState, ReportTrigger);
    table!(out, "embargo", EmbargoState, EmbargoTrigger);
    table!(out, "publication", PublicationState, PublicationTrigger);
    table!(out, "contact", ContactState, ContactTrigger);
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/golden/states.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(std::path::Path::new(path).parent().unwrap()).unwrap();
        std::fs::write(path, &out).unwrap();
    }
    assert_eq!(out, std::fs::read_to_string(path).unwrap(), "UPDATE_GOLDEN=1 rewrites the file");
}

#[test]
fn a_closed_report_can_be_reached_and_left_again() {
    let closed = ReportState::Received
        .next(ReportTrigger::Validate)
        .and_then(|s| s.next(ReportTrigger::Accept))
        .and_then(|s| s.next(ReportTrigger::Close))
        .unwrap();
    assert_eq!(closed, ReportState::Closed);
    assert_eq!(closed.next(ReportTrigger::Reopen), Some(ReportState::Received));
}

#[test]
fn an_embargo_that_is_over_never_comes_back() {
    for trigger in EmbargoTrigger::ALL {
        assert_eq!(EmbargoState::Exited.next(*trigger), None);
    }
}
