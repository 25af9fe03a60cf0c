//! The command language, by examples.

use super::*;

fn check(text: &str) -> Result<Command, String> {
    let block = parse(text, None, "EX");
    block.lines[0].meaning.clone().map(|command| command.unwrap())
}

#[test]
fn a_block_ends_at_the_first_blank_line_and_the_rest_is_text() {
    let block = parse(
        "\n!case EX-2026-0042 k7f3q9\n!owner me\n!to reporter\n\nThank you.\n!severity high\n!end\n--\nsig",
        None,
        "EX",
    );
    assert_eq!(block.case, Some(CaseId(42)));
    assert_eq!(block.nonce.as_deref(), Some("k7f3q9"));
    assert_eq!(
        block.commands().cloned().collect::<Vec<_>>(),
        [Command::Owner(OwnerChoice::Me), Command::To(Letter::Reporter)]
    );
    assert_eq!(block.body, "Thank you.\n!severity high");
}

#[test]
fn prose_is_never_a_command() {
    for prose in ["Hello\n!publish", "> !publish", " see below: !publish", " !publish", "\n\t!publish", ""] {
        let block = parse(prose, None, "EX");
        assert_eq!(block.lines, [], "{prose:?}");
    }
}

#[test]
fn a_leading_blank_continues_a_line() {
    assert_eq!(
        check("!state closed\n  not reproducible"),
        Ok(Command::State(ReportTrigger::Close, Some("not reproducible".into())))
    );
}

#[test]
fn verbs_ignore_case_and_arguments_are_checked() {
    assert_eq!(check("!STATUS"), Ok(Command::Status));
    assert!(check("!maintainer dev").is_err());
    assert!(check("!maintainer dev@example.org DEADBEEF").unwrap_err().contains("full fingerprint"));
    assert!(check("!embargo tomorrow").unwrap_err().contains("zone"));
    assert!(check("!embargo 2026-03-01").is_err(), "a date without a zone is no instant");
    assert!(check("!state closed").unwrap_err().contains("reason"));
    assert!(check("!publsh").unwrap_err().contains("!publish"));
    assert!(check("!xyzzy").unwrap_err().contains("!help"));
    assert!(check("!confirm a b").is_err());
    assert!(check("!requeue -1").is_err());
}

#[test]
fn a_line_without_a_mark_inside_the_block_spoils_it() {
    let block = parse("!owner me\nplease\n!publish\n\nx", None, "EX");
    assert!(block.has_errors());
}

#[test]
fn a_mail_names_one_case() {
    assert!(parse("!case EX-2026-0001 a\n!case EX-2026-0002 b", None, "EX").has_errors());
}

#[test]
fn a_quoted_case_line_of_ours_binds_where_the_block_names_none() {
    let block = parse("!status", Some("!case EX-2026-0007 n0nce"), "EX");
    assert_eq!((block.case, block.nonce.as_deref()), (Some(CaseId(7)), Some("n0nce")));
    let block = parse("!case EX-2026-0008 own", Some("!case EX-2026-0007 n0nce"), "EX");
    assert_eq!(block.case, Some(CaseId(8)));
}

#[test]
fn every_verb_of_the_table_is_understood() {
    for verb in VERBS {
        let block = parse(&format!("!{}", verb.word), None, "EX");
        let refused = block.lines[0].meaning.as_ref().err().cloned().unwrap_or_default();
        assert!(!refused.contains("unknown command"), "{}: {refused}", verb.word);
        assert!(help_text().contains(&format!("!{}", verb.word)));
    }
}

#[test]
fn blocks_are_bounded() {
    let text = "!status\n".repeat(10_000);
    assert!(parse(&text, None, "EX").lines.len() <= LINES_MAX + 1);
    let long = format!("!owner {}", "x".repeat(5000));
    assert!(parse(&long, None, "EX").has_errors());
}

proptest::proptest! {
    #[test]
    fn reading_never_fails_and_a_written_block_reads_the_same(text in "(!?[a-z@#<>. -]{0,20}\n){0,12}") {
        let block = parse(&text, None, "EX");
        let again = parse(&block.written(), None, "EX");
        proptest::prop_assert_eq!(block.lines.len(), again.lines.len());
    }
}
