//! The answers of a person, given as text.

use super::*;
use crate::cli::init::asker::{Hidden, put, read_line};
use std::io::{BufRead, Cursor, Write};
use zeroize::Zeroizing;

fn typed(input: &mut dyn BufRead, output: &mut dyn Write, question: &str) -> Result<Zeroizing<String>, Failure> {
    put(output, question)?;
    read_line(input)
}

/// The plan of a person who answers so, and what was shown.
fn answered(options: &InitOptions, answers: &str) -> (Result<Plan, Failure>, String) {
    let mut input = Cursor::new(answers.as_bytes().to_vec());
    let mut output = Vec::new();
    let hidden: Hidden<'_> = &typed;
    let plan = plan(options, &mut Asker::of(&mut input, &mut output, hidden));
    (plan, String::from_utf8(output).unwrap())
}

fn given() -> InitOptions {
    InitOptions {
        address: Some("security@example.org".to_owned()),
        member: vec!["Ana <ana@example.org>".to_owned()],
        ..InitOptions::default()
    }
}

#[test]
fn enter_takes_what_stands_in_brackets_and_one_password_serves_both_servers() {
    let (plan, shown) = answered(&given(), "\n\n\n\n\n\n\nsecret\n\n\n\n\n\n\n\n\n\n");
    let plan = plan.unwrap_or_else(|failure| panic!("{failure}: {shown}"));
    assert_eq!(
        (plan.name.as_str(), plan.project.as_str(), plan.case_prefix.as_str()),
        ("example", "Example", "EXAMPLE")
    );
    let (Source::Imap(imap), Outlet::Smtp(smtp)) = (&plan.inbox, &plan.relay) else { panic!("{plan:?}") };
    assert_eq!((imap.host.as_str(), smtp.host.as_str()), ("imap.example.org", "smtp.example.org"));
    assert_eq!(smtp.user.as_deref(), Some("security@example.org"));
    let password = |login: &Login| matches!(login, Login::Password(text) if text.as_str() == "secret");
    assert!(password(&imap.login) && password(&smtp.login), "{plan:?}");
    assert_eq!(plan.clear, [Audience::Reporter]);
    assert!(shown.contains("every mail host on the way can read"), "what clear text means: {shown}");
}

#[test]
fn an_answer_that_cannot_be_used_is_asked_for_again_and_not_for_ever() {
    let options = InitOptions { address: None, ..given() };
    let (plan, shown) = answered(&options, "one\ntwo\nthree\nfour\nfive\n");
    assert!(plan.unwrap_err().message.contains("--address"));
    assert_eq!(shown.matches("name@domain").count(), 5);
    let (plan, _) = answered(&options, "one\n");
    assert!(plan.unwrap_err().message.contains("ended too early"));
    let (plan, _) = answered(&options, "\u{3}");
    assert!(plan.unwrap_err().message.contains("stopped"));
}

#[test]
fn without_a_person_everything_missing_and_wrong_is_told_at_once() {
    let options = InitOptions { case_prefix: Some("x".to_owned()), imap_host: Some("mail".to_owned()), ..given() };
    let failure = plan(&options, &mut Asker::silent()).unwrap_err();
    for option in ["--case-prefix", "--imap-password-file", "--smtp-host"] {
        assert!(failure.message.contains(option), "{option}: {failure}");
    }
    assert_eq!(failure.message.lines().count(), 3, "{failure}");
}

#[test]
fn hosts_and_members_are_read_in_every_form() {
    for (text, host, port) in [
        ("h", "h", None),
        ("h:1", "h", Some(1)),
        ("[::1]:993", "::1", Some(993)),
        ("::1", "::1", None),
        ("h:x", "h:x", None),
    ] {
        assert_eq!(host_and_port(text), (host.to_owned(), port));
    }
    let print = "a1b2".repeat(10);
    let member = person(&format!("\"Ana E.\" <ana@example.org> [{print}]")).unwrap();
    assert_eq!((member.name.as_str(), member.fingerprint.is_some()), ("Ana E.", true));
    for wrong in ["ana@example.org", "Ana <nobody>", "Ana <ana@example.org> ABCD", "<ana@example.org>"] {
        assert!(person(wrong).is_err(), "{wrong}");
    }
    assert_eq!(prefix_of("Example Project", "x"), "EP");
    assert_eq!(prefix_of("9", "9"), "CASE");
}
