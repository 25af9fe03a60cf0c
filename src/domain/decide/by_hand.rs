//! Answers that people of ours wrote by hand, past us: they lie in the Sent folder, and count like any other answer.
//!
//! Never answers, never mails the team: the next transcript and the status say it.

use super::desk::Desk;
use crate::domain::effect::Effect;
use crate::domain::event::{AnswerByHand, ByHand};
use crate::domain::party::{PartyKey, Role};
use crate::domain::rules::Rules;

/// The word of the journal, by which such answers are found again.
pub const ANSWERED_BY_HAND: &str = "answered by hand";
/// What proves such a mail: nobody but us writes into that folder.
const PROOF: &str = "Sent folder";

/// Somebody of ours answered parties of the case. `unsealed` are those whose acknowledgement has not been sealed yet:
/// it would come after a person's own words, so it is taken back.
pub(super) fn answered(desk: &mut Desk<'_>, answer: &ByHand, unsealed: &[PartyKey]) {
    let mut to_reporter = false;
    for key in &answer.to {
        let Some(role) = desk.case.as_ref().and_then(|case| case.party(key)).map(|party| party.role) else { continue };
        let to = format!("{} {key}", role.word());
        desk.record(Some(&answer.writer), PROOF, ANSWERED_BY_HAND, &answer.mail.to_string(), &to);
        if unsealed.contains(key) {
            desk.push(Effect::DropAcknowledgement(key.clone()));
            desk.record(None, "rule", "acknowledgement", "queued", "dropped: answered by hand before it was sealed");
        }
        to_reporter |= role == Role::Reporter;
    }
    if to_reporter {
        desk.reporter_answered(&answer.writer, answer.at);
    }
}

/// One line for the team.
pub(super) fn line(rules: &Rules, answer: &AnswerByHand) -> String {
    format!("{} answered {} by hand, noticed {}", rules.name_of(&answer.writer), answer.to, answer.at.to_text())
}
