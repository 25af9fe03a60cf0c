//! Decisions by tables: who is written to and how protected, and which clocks run.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::domain::advisory::{Publisher, Rendition};
use crate::domain::case::Case;
use crate::domain::command::parse;
use crate::domain::effect::{Effect, MailKind, OutgoingMail, Protection};
use crate::domain::event::{
    AckCounts, Answerable, Authenticity, Incoming, NonceSeen, OperatorAct, Proof, SignatureSeen, TeamMail, TurnedMail,
};
use crate::domain::id::{Address, CaseId, Fingerprint, MailId, OccurrenceId, Seed};
use crate::domain::label::Label;
use crate::domain::party::{Audience, Form, Member, TeamRole};
use crate::domain::policy::Policy;
use crate::domain::state::EmbargoState;
use crate::domain::template::Templates;
use crate::domain::time::{DAY, HOUR, MINUTE, Timestamp};
use crate::domain::token::InstanceKey;

const NOW: Timestamp = Timestamp(1_800_000_000);

fn fingerprint(digit: char) -> Fingerprint {
    Fingerprint::parse(&digit.to_string().repeat(40)).unwrap()
}

fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

fn rules(clear: &[Audience], pins: &[&str], members: &[(&str, bool)]) -> Rules {
    let policy: Policy = toml::from_str(include_str!("../../../contrib/policies/default.toml")).unwrap();
    assert_eq!(policy.mistakes(), [""; 0]);
    let member = |(name, keyed): &(&str, bool)| {
        let key = keyed.then(|| fingerprint('A'));
        Member::new((*name).to_owned(), address(&format!("{name}@team.example")), TeamRole::Member, key)
    };
    Rules {
        instance: "test".into(),
        publisher: Publisher {
            project: "Example".into(),
            contact: "s@x.org".into(),
            base_url: String::new(),
            fingerprint: "F".into(),
        },
        address: address("security@example.org"),
        case_prefix: "EX".into(),
        key: InstanceKey::from_secret(b"test"),
        team: members.iter().map(member).collect(),
        clear: clear.iter().copied().collect(),
        pins: pins.iter().map(|pin| (address(pin).key(), fingerprint('B'))).collect(),
        require_signature: false,
        plus_addresses: true,
        message_id_rewritten: false,
        lists: Vec::new(),
        policy,
        policy_digest: String::new(),
        templates: Templates::load(&BTreeMap::new()).unwrap(),
        render: |advisory, _| Rendition {
            subject: advisory.title.clone(),
            text: advisory.body.clone(),
            html: String::new(),
        },
        acks_per_address_per_day: 3,
        acks_per_hour: 60,
    }
}

fn incoming(from: &str, form: Form) -> Incoming {
    Incoming {
        mail: MailId(1),
        arrived: NOW,
        from: address(from),
        subject: "SECRETWORD in the parser".into(),
        text: "SECRETWORD".into(),
        partial_text: None,
        own_text: "SECRETWORD".into(),
        message_id: None,
        form,
        verdict: "verdict".into(),
        authenticity: Authenticity::Unknown,
        signed_by: None,
        attachments: Vec::new(),
        candidates: Vec::new(),
        claims: None,
        forwarded: None,
        answerable: Answerable::Yes,
    }
}

fn opened() -> Case {
    Case::opened(CaseId(1), Label::new("EX", NOW, CaseId(1)), NOW)
}

fn happens(case: Option<Case>, event: Event, rules: &Rules, at: Timestamp) -> Decision {
    let snapshot = Snapshot { case, ..Snapshot::default() };
    decide(snapshot, &Occurrence { id: OccurrenceId(1), at, seed: Seed([3; 16]), event }, rules)
}

fn report(mail: Incoming, rules: &Rules) -> Decision {
    happens(Some(opened()), Event::ReportReceived(Box::new(mail)), rules, NOW)
}

fn mails(decision: &Decision) -> Vec<&OutgoingMail> {
    let mut found = Vec::new();
    for effect in &decision.effects {
        if let Effect::Mail(mail) = effect {
            found.push(&**mail);
        }
    }
    found
}

#[test]
fn i9_a_reporter_is_written_in_clear_only_where_allowed_and_begun_in_clear() {
    for clear in [&[][..], &[Audience::Reporter], &[Audience::Team, Audience::Maintainer]] {
        for form in [Form::Clear, Form::Encrypted] {
            for pinned in [false, true] {
                let pins: &[&str] = if pinned { &["ana@x.org"] } else { &[] };
                let rules = rules(clear, pins, &[("bo", true)]);
                let decision = report(incoming("ana@x.org", form), &rules);
                let to_ana: Vec<_> =
                    mails(&decision).into_iter().filter(|mail| mail.to.as_str() == "ana@x.org").collect();
                assert_eq!(to_ana.len(), 1);
                let allowed = clear.contains(&Audience::Reporter) && form == Form::Clear;
                let expected = match (pinned, allowed) {
                    (true, _) => (MailKind::Acknowledgement, true),
                    (false, true) => (MailKind::Acknowledgement, false),
                    (false, false) => (MailKind::Notice, false),
                };
                let sealed = matches!(to_ana[0].protection, Protection::Sealed(_));
                assert_eq!((to_ana[0].kind, sealed), expected, "{clear:?} {form:?} {pinned}");
            }
        }
    }
}

#[test]
fn i8_i10_nothing_of_the_sender_stands_in_automatic_mail_or_outside_of_encryption() {
    let rules = rules(&[Audience::Reporter, Audience::Team], &[], &[("bo", true), ("cy", false)]);
    let decision = report(incoming("ana@x.org", Form::Clear), &rules);
    for mail in mails(&decision) {
        let outer = mail.outer_subject.as_ref().unwrap_or(&mail.subject);
        assert_eq!(outer, "[EX-2027-0001]", "{:?}", mail.kind);
        let secret = mail.subject.contains("SECRETWORD") || mail.text.contains("SECRETWORD");
        assert!(!secret || mail.to.domain() == "team.example", "{:?}", mail.kind);
        assert!(
            mail.attach.is_none() || matches!(mail.protection, Protection::Sealed(_)),
            "attachments go sealed only"
        );
    }
}

#[test]
fn a_keyless_member_gets_no_content_where_the_team_may_not_be_written_in_clear() {
    let rules = rules(&[Audience::Reporter], &[], &[("cy", false)]);
    let decision = report(incoming("ana@x.org", Form::Clear), &rules);
    let to_cy: Vec<_> = mails(&decision).into_iter().filter(|mail| mail.to.domain() == "team.example").collect();
    assert_eq!(to_cy[0].kind, MailKind::Notice);
    assert!(!to_cy[0].text.contains("SECRETWORD"));
}

#[test]
fn a5_acknowledgements_are_limited_and_never_sent_to_forged_old_or_unwilling_senders() {
    let rules = rules(&[Audience::Reporter], &[], &[("bo", true)]);
    let acked = |change: &dyn Fn(&mut Incoming), acks: AckCounts| {
        let mut mail = incoming("ana@x.org", Form::Clear);
        change(&mut mail);
        let acks = vec![(address("ana@x.org"), acks)];
        let snapshot = Snapshot { case: Some(opened()), acks, ..Snapshot::default() };
        let event = Event::ReportReceived(Box::new(mail));
        let decision =
            decide(snapshot, &Occurrence { id: OccurrenceId(1), at: NOW, seed: Seed([3; 16]), event }, &rules);
        mails(&decision).iter().any(|mail| mail.kind == MailKind::Acknowledgement)
    };
    let some = |to_address_in_a_day, in_an_hour| AckCounts { to_address_in_a_day, in_an_hour };
    assert!(acked(&|_| {}, some(2, 59)));
    assert!(!acked(&|_| {}, some(3, 0)));
    assert!(!acked(&|_| {}, some(0, 60)));
    assert!(!acked(&|mail| mail.authenticity = Authenticity::Fail, some(0, 0)));
    assert!(!acked(&|mail| mail.answerable = Answerable::Old, some(0, 0)));
    assert!(!acked(&|mail| mail.answerable = Answerable::NotWanted, some(0, 0)));
}

fn command(rules: &Rules, text: &str, change: impl FnOnce(&mut Proof)) -> Decision {
    let mut case = opened();
    case.embargo = EmbargoState::Active;
    let mut proof = Proof {
        authenticated: true,
        by_reply_address: false,
        nonce: Some(NonceSeen { nonce: "n".into(), live: true }),
        signature: Some(SignatureSeen {
            fingerprint: fingerprint('A'),
            made_at: NOW,
            digest: "d".into(),
            seen_before: false,
        }),
        names_case: true,
    };
    change(&mut proof);
    let member = rules.team[0].key.clone();
    let mail = TeamMail {
        incoming: incoming("bo@team.example", Form::Clear),
        member,
        proof,
        block: parse(text, None, "EX"),
        plain: true,
    };
    happens(Some(case), Event::TeamMail(Box::new(mail)), rules, NOW)
}

fn lifted(decision: &Decision) -> bool {
    decision.case.as_ref().unwrap().embargo == EmbargoState::Exited
}

#[test]
fn b5_a_signature_counts_between_48_hours_ago_and_10_minutes_ahead() {
    let rules = rules(&[], &[], &[("bo", true)]);
    let made = |at: Timestamp| {
        lifted(&command(&rules, "!embargo lift", |proof| proof.signature.as_mut().unwrap().made_at = at))
    };
    let second = std::time::Duration::from_secs(1);
    assert!(made(NOW) && made(NOW.before(HOUR * 48)) && made(NOW.after(MINUTE * 10)));
    assert!(!made(NOW.before(HOUR * 48 + second)) && !made(NOW.after(MINUTE * 10 + second)));
}

#[test]
fn i13_a_strong_command_needs_a_fresh_signature_a_live_nonce_and_the_case() {
    let rules = rules(&[], &[], &[("bo", true)]);
    let done = |change: &dyn Fn(&mut Proof)| lifted(&command(&rules, "!embargo lift", |proof| change(proof)));
    assert!(done(&|_| {}));
    assert!(!done(&|proof| proof.signature = None));
    assert!(!done(&|proof| proof.signature.as_mut().unwrap().seen_before = true));
    assert!(!done(&|proof| proof.nonce.as_mut().unwrap().live = false));
    assert!(!done(&|proof| proof.nonce = None));
    assert!(!done(&|proof| proof.names_case = false));
}

#[test]
fn a_token_command_needs_authentication_and_a_reference_of_ours() {
    let rules = rules(&[], &[], &[("bo", true)]);
    let done = |change: &dyn Fn(&mut Proof)| {
        let decision = command(&rules, "!severity high", |proof| {
            proof.signature = None;
            change(proof);
        });
        decision.case.unwrap().severity.is_some()
    };
    assert!(done(&|_| {}));
    assert!(done(&|proof| (proof.nonce, proof.by_reply_address) = (None, true)));
    assert!(!done(&|proof| proof.authenticated = false));
    assert!(!done(&|proof| proof.nonce = None));
    assert!(!done(&|proof| proof.nonce.as_mut().unwrap().live = false));
}

#[test]
fn every_mail_of_a_member_is_answered_once_and_message_ids_differ() {
    let rules = rules(&[Audience::Reporter], &[], &[("bo", true), ("cy", true)]);
    for text in
        ["a note", "!severity high", "!nonsense", "!severity high\n!nonsense", "!status", "!list", "!help", "!publish"]
    {
        let decision = command(&rules, text, |_| {});
        let answers = mails(&decision).iter().filter(|mail| mail.kind == MailKind::Transcript).count();
        assert_eq!(answers, 1, "{text}");
        let ids: BTreeSet<_> = mails(&decision).iter().map(|mail| mail.message_id.clone()).collect();
        assert_eq!(ids.len(), mails(&decision).len(), "{text}");
        assert!(!decision.journal.is_empty(), "{text}: i19");
    }
}

#[test]
fn a_decision_repeats_byte_for_byte() {
    let rules = rules(&[Audience::Reporter], &[], &[("bo", true)]);
    let first = report(incoming("ana@x.org", Form::Clear), &rules);
    assert_eq!(first, report(incoming("ana@x.org", Form::Clear), &rules));
}

#[test]
fn a_report_starts_the_clocks_of_the_policy() {
    let rules = rules(&[Audience::Reporter], &[], &[("bo", true)]);
    let decision = report(incoming("ana@x.org", Form::Clear), &rules);
    let dues: BTreeMap<String, Timestamp> = decision
        .effects
        .iter()
        .filter_map(|effect| {
            let Effect::SetTimer { key, due, .. } = effect else { return None };
            Some((format!("{}:{}", key.rule, key.step), *due))
        })
        .collect();
    let expected = [
        ("answer:0", NOW.after(DAY)),
        ("embargo-consent:0", NOW.after(DAY * 7)),
        ("embargo-end:0", NOW.after(DAY * 90)),
        ("embargo-near:0", NOW.after(DAY * 83)),
        ("embargo-near:1", NOW.after(DAY * 89)),
    ];
    assert_eq!(dues, expected.map(|(name, due)| (name.to_owned(), due)).into_iter().collect());
}

#[test]
fn what_the_operator_does_is_journalled_and_mails_nobody() {
    use crate::domain::case::Contact;
    use crate::domain::id::OutboxId;
    use crate::domain::party::PartyKey;
    use crate::domain::state::ContactState;
    let rules = rules(&[Audience::Reporter], &[], &[("bo", true)]);
    let mut case = Case::opened(CaseId(7), Label::new("EX", NOW, CaseId(7)), NOW);
    let party = PartyKey("m1".to_owned());
    case.contacts = vec![Contact { party: party.clone(), state: ContactState::Suspended, since: Some(NOW) }];
    let turned = |kind| TurnedMail { row: OutboxId(5), kind, party: Some(party.clone()), was: "failed".to_owned() };
    let acts = |act| happens(Some(case.clone()), Event::Operator(act), &rules, NOW);
    let contact = |decision: &Decision| decision.case.as_ref().unwrap().contacts[0].clone();

    let again = acts(OperatorAct::Retried(turned(MailKind::MaintainerNotice)));
    assert_eq!(
        (contact(&again).state, contact(&again).since),
        (ContactState::Notified, None),
        "his clock may start again"
    );
    let letter = acts(OperatorAct::Retried(turned(MailKind::Letter)));
    assert_eq!(letter.case.as_ref(), Some(&case), "a letter moves no clock");
    let stopped = acts(OperatorAct::Stopped(turned(MailKind::MaintainerNotice)));
    assert_eq!(stopped.case.as_ref(), Some(&case));
    let requeued = acts(OperatorAct::Requeued(MailId(3)));
    assert!(requeued.effects.contains(&Effect::Requeue { mail: MailId(3), case: None }));
    for decision in [again, letter, stopped, requeued] {
        assert!(mails(&decision).is_empty());
        assert!(decision.journal.iter().all(|entry| entry.proof == "operator" && entry.actor.is_none()));
        assert!(!decision.journal.is_empty());
    }
    let of_no_case = happens(None, Event::Operator(OperatorAct::Requeued(MailId(3))), &rules, NOW);
    assert_eq!(of_no_case.effects, [Effect::Requeue { mail: MailId(3), case: None }], "a clock belongs to a case");
}
