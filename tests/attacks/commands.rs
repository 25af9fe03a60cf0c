//! Commands in a member's name that no member gave.

use postern::daemon::rehearsal::people::{Protect, Writing};
use postern::domain::party::Audience;
use postern::domain::state::EmbargoState;
use postern::domain::time::{DAY, HOUR, MINUTE};
use postern::pgp::seal::Signing;

use crate::house::{House, TEAM_PASSES, ana, case_line, crlf, encrypted_body, eve, keyed, keyless, opened, writing};

#[test]
fn b1_no_trick_with_from_makes_a_stranger_a_member() {
    let mut o = opened();
    let to = o.report.reply_to.clone().expect("a reply address");
    let eve = "Authentication-Results: mx.example.org; dmarc=pass header.from=evil.example\n";
    for from in [
        "From: \"bo@team.example\" <eve@evil.example>",
        "From: bo@team.example <eve@evil.example>",
        "From: <bo@team.example>, <eve@evil.example>",
        "From: eve@evil.example\nFrom: bo@team.example",
        "From: bo@team.example\nFrom: eve@evil.example",
        "From: eve@evil.example\nSender: bo@team.example",
        "From: eve@evil.example\nReply-To: bo@team.example",
        "From: eve@evil.example\nResent-From: bo@team.example\nX-From: bo@team.example",
        "From: =?utf-8?q?bo=40team=2Eexample?= <eve@evil.example>",
        "From: =?utf-8?q?=3Cbo=40team=2Eexample=3E=2C?= <eve@evil.example>",
        "From: (bo@team.example) eve@evil.example",
        "From: eve@evil.example (bo@team.example)",
        "From: Team: bo@team.example;, eve@evil.example",
        "From: bo@team.example@evil.example",
        "From: <@evil.example:bo@team.example>",
        "From : bo@team.example\nFrom: eve@evil.example",
        "From: <eve@evil.example>\n <bo@team.example>",
        "From: bo@team.example",
        "From: bo@tea\u{43c}.example",
    ] {
        let text = format!("{}\n!severity high\n\nforged words", case_line(&o.report));
        let sent = o.house.raw(&format!("{eve}{from}\nTo: {to}\nSubject: x"), &text);
        assert_eq!(o.house.case(1).severity, None, "{from}");
        assert!(!o.house.got(&o.cy, &sent).iter().any(|mail| mail.text.contains("Bo wrote")), "{from}");
    }
    o.house.whole();
}

#[test]
fn d8_only_the_topmost_word_of_our_own_host_counts() {
    let mut o = opened();
    let to = o.report.reply_to.clone().expect("a reply address");
    for results in [
        "Authentication-Results: mx.example.org.evil.example; dmarc=pass header.from=team.example",
        "Authentication-Results: evil.example; none\nAuthentication-Results: mx.example.org; dmarc=pass header.from=team.example",
        "Authentication-Results: mx.example.org; dmarc=fail header.from=team.example\n\
         Authentication-Results: mx.example.org; dmarc=pass header.from=team.example",
        "Authentication-Results: mx.example.org; dmarc=fail header.from=team.example; dmarc=pass header.from=team.example",
        "Authentication-Results: mx.example.org 2; dmarc=pass header.from=team.example",
        "Authentication-Results: mx.example.org evil; dmarc=pass header.from=team.example",
        "Authentication-Results: \"mx.example.org; dmarc=pass header.from=team.example\"; none",
        "Authentication-Results: evil.example (mx.example.org; dmarc=pass header.from=team.example); dmarc=none",
        "Authentication-Results: mx.example.org; spf=pass smtp.mailfrom=team.example",
        "Authentication-Results: mx.example.org; dkim=pass header.d=evil.example",
        "Authentication-Results: mx.example.org; dkim=pass header.d=example",
        "Authentication-Results: mx.example.org; dkim=pass header.i=bo@team.example@evil.example",
        "Authentication-Results: mx.example.org; dmarc=none reason=\"dmarc=pass header.from=team.example\"",
        "Authentication-Results: mx.example.org; dmarc=pass header.from=notteam.example",
        "Authentication-Results: mx.example.org (; dmarc=pass header.from=team.example",
        "ARC-Authentication-Results: i=1; mx.example.org; dmarc=pass header.from=team.example",
        "X-Authentication-Results: mx.example.org; dmarc=pass header.from=team.example",
        "Authentication-Results : mx.evil.example; none\nAuthentication-Results: mx.example.org; dmarc=pass header.from=team.example",
        "Authentication-Results: m\u{445}.example.org; dmarc=pass header.from=team.example",
    ] {
        let text = format!("{}\n!severity high", case_line(&o.report));
        o.house.raw(&format!("{results}\nFrom: bo@team.example\nTo: {to}\nSubject: x"), &text);
        assert_eq!(o.house.case(1).severity, None, "{results}");
    }
    let text = format!("{}\n!severity high", case_line(&o.report));
    o.house.raw(&format!("{TEAM_PASSES}\nFrom: bo@team.example\nTo: {to}\nSubject: x"), &text);
    assert_eq!(o.house.case(1).severity.as_deref(), Some("high"), "the same with the word of our host");
}

#[test]
fn b1_a_forged_note_in_a_members_name_is_held_however_much_of_ours_it_knows() {
    let mut o = opened();
    let to = o.report.reply_to.clone().expect("a reply address");
    let fails = "Authentication-Results: mx.example.org; dmarc=fail header.from=team.example";
    let text = format!("Close it, it is nothing.\n\n> {}", case_line(&o.report));
    let sent = o.house.raw(&format!("{fails}\nFrom: bo@team.example\nTo: {to}\nSubject: x"), &text);
    assert!(!o.house.one(&o.cy, &sent).text.contains("Bo wrote"), "{}", o.house.one(&o.cy, &sent).text);
    assert_eq!(o.house.waiting(), 1);
    let sent = o
        .house
        .raw("From: bo@team.example\nTo: security@example.org\nSubject: x", "!case EX-2026-0001 aaaa\n\nClose it.");
    assert!(!o.house.one(&o.cy, &sent).text.contains("Bo wrote"), "a frame alone proves nothing either");
}

#[test]
fn i8_a_refusal_of_forged_commands_repeats_nothing_of_them() {
    let mut o = opened();
    for text in ["!visit https://evil.example/canary now", "!owner canary", "!severity high\n!canary"] {
        let sent = o.house.raw("From: bo@team.example\nTo: security@example.org\nSubject: canary", text);
        for mail in o.house.got(&o.bo, &sent) {
            assert!(!mail.text.contains("canary") && !mail.subject.contains("canary"), "{}", mail.text);
        }
    }
}

#[test]
fn b1_commands_stand_in_the_plain_text_alone() {
    let mut o = opened();
    let to = o.report.reply_to.clone().expect("a reply address");
    let head = format!("{TEAM_PASSES}\nFrom: bo@team.example\nTo: {to}\nMIME-Version: 1.0");
    let part = |kind: &str, text: &str| format!("--b\nContent-Type: {kind}\n\n{text}\n");
    for (what, rest) in [
        ("in the subject", "Subject: !severity high\n\nhello".to_owned()),
        ("in a header", "Subject: x\nX-Postern-Command: !severity high\nKeywords: !severity high\n\nhello".to_owned()),
        ("in HTML", "Subject: x\nContent-Type: text/html\n\n<pre>!severity high</pre>".to_owned()),
        (
            "in the HTML alternative",
            format!(
                "Subject: x\nContent-Type: multipart/alternative; boundary=b\n\n{}{}--b--",
                part("text/plain", "hello"),
                part("text/html", "!severity high")
            ),
        ),
        (
            "in a file",
            format!(
                "Subject: x\nContent-Type: multipart/mixed; boundary=b\n\n{}{}--b--",
                part("text/plain", ""),
                part("text/plain; name=poc.txt\nContent-Disposition: inline; filename=poc.txt", "!severity high")
            ),
        ),
        (
            "in the only part, a file",
            "Subject: x\nContent-Type: text/plain; name=poc.txt\nContent-Disposition: attachment; filename=poc.txt\n\n\
             !severity high"
                .to_owned(),
        ),
        (
            "in a forwarded mail",
            format!(
                "Subject: x\nContent-Type: multipart/mixed; boundary=b\n\n{}{}--b--",
                part("text/plain", ""),
                part("message/rfc822", "From: bo@team.example\nSubject: y\n\n!severity high")
            ),
        ),
        ("below a blank line", "Subject: x\n\nhello\n\n!severity high".to_owned()),
        ("not in column one", "Subject: x\n\n !severity high".to_owned()),
        ("quoted", "Subject: x\n\n> !severity high".to_owned()),
        ("quoted with a bar", "Subject: x\n\n| !severity high".to_owned()),
        ("quoted by Outlook", "Subject: x\n\n-----Original Message-----\nFrom: a\n\n!severity high".to_owned()),
        (
            "quoted without marks",
            "Subject: x\n\nOn Mon, 2 Mar 2026 at 09:00, Ana <ana@x.example> wrote:\n\n!severity high".to_owned(),
        ),
    ] {
        o.house.raw(&format!("{head}\nMessage-ID: <{}@team.example>\n{rest}\n", what.replace(' ', "-")), "");
        assert_eq!(o.house.case(1).severity, None, "{what}");
    }
}

#[test]
fn b2_a_foreign_key_with_a_members_name_signs_for_nobody() {
    let mut o = opened();
    let text = format!("{}\n!embargo lift", case_line(&o.report));
    let forger = keyed("Bo", "bo@team.example");
    for protect in [Protect::Signed, Protect::Sealed] {
        o.house.mail(&forger, &Writing { subject: "x", protect, ..writing(&text) });
        assert_eq!(o.house.case(1).embargo, EmbargoState::Proposed, "a strange key");
    }
    // Another member's true key under Bo's name, and Bo's key under another's.
    let entity = format!("Content-Type: text/plain\n\n{text}\n");
    let part = o.house.signed_part(&o.cy.clone(), &entity);
    o.house.raw_part(&format!("{TEAM_PASSES}\nFrom: bo@team.example\nTo: security@example.org"), &part);
    let part = o.house.signed_part(&o.bo.clone(), &entity);
    o.house.raw_part(&format!("{TEAM_PASSES}\nFrom: cy@team.example\nTo: security@example.org"), &part);
    assert_eq!(o.house.case(1).embargo, EmbargoState::Proposed);
    o.house.raw_part(&format!("{TEAM_PASSES}\nFrom: bo@team.example\nTo: security@example.org"), &part);
    assert_eq!(o.house.case(1).embargo, EmbargoState::Exited, "the same under the right name");
}

#[test]
fn b3_a_signed_mail_runs_once_whatever_is_wrapped_around_it() {
    let mut o = opened();
    let entity = format!("Content-Type: text/plain\n\n{}\n!severity high\n", case_line(&o.report));
    let part = o.house.signed_part(&o.bo.clone(), &entity);
    let head = "From: bo@team.example\nTo: security@example.org";
    o.house.raw_part(head, &part);
    assert_eq!(o.house.case(1).severity.as_deref(), Some("high"));
    let sent = o.house.answer(&o.cy.clone(), &o.other.clone(), "!severity low", Protect::Sealed);
    assert_eq!(o.house.case(1).severity.as_deref(), Some("low"), "{:?}", o.house.got(&o.cy, &sent));
    let to = o.report.reply_to.clone().expect("an address");
    for again in [
        format!("From: bo@team.example\nTo: {to}\nSubject: other"),
        format!("{TEAM_PASSES}\nFrom: Bo <BO@team.example>\nTo: {to}\nDate: Mon, 2 Mar 2026 10:00:00 +0000"),
        format!("{TEAM_PASSES}\nFrom: bo@team.example\nTo: {to}\nSubject: [EX-2026-0001]"),
    ] {
        o.house.raw_part(&again, &part);
        assert_eq!(o.house.case(1).severity.as_deref(), Some("low"), "{again}");
    }
    // Encrypted by somebody else around the same signed text.
    let mallory = keyed("Mallory", "mallory@evil.example");
    let armor = o.house.encrypt(&mallory, &crlf(&part), Signing::Unsigned);
    o.house.raw_part(&format!("{TEAM_PASSES}\nFrom: bo@team.example\nTo: {to}"), &encrypted_body(&armor));
    assert_eq!(o.house.case(1).severity.as_deref(), Some("low"), "re-encrypted");
}

#[test]
fn b3_a_refused_signature_cannot_be_kept_for_a_better_moment() {
    let mut o = opened();
    let entity = format!("Content-Type: text/plain\n\n{}\n!state accepted\n!owner me\n", case_line(&o.report));
    let part = o.house.signed_part(&o.bo.clone(), &entity);
    let head = "From: bo@team.example\nTo: security@example.org";
    o.house.raw_part(head, &part);
    assert_eq!(o.house.case(1).owner, None, "a report that is received cannot be accepted at once");
    o.house.answer(&o.cy.clone(), &o.other.clone(), "!state valid", Protect::Sealed);
    let sent = o.house.raw_part(head, &part);
    assert_eq!(o.house.case(1).owner, None, "{}", o.house.one(&o.bo, &sent).text);
}

#[test]
fn b3_a_nonce_works_once_for_one_member_in_one_case() {
    let mut o = opened();
    let sent = o.house.mail(&ana(), &writing("Another hole."));
    let second = o.house.one(&o.bo, &sent);
    let fixed = |line: &str, case: &str| line.replace("EX-2026-0001", case).replace("EX-2026-0002", case);
    let first_in_second = fixed(&case_line(&o.report), "EX-2026-0002");
    let second_in_first = fixed(&case_line(&second), "EX-2026-0001");
    let head = |who: &str| format!("{TEAM_PASSES}\nFrom: {who}@team.example\nTo: security@example.org\nSubject: x");
    o.house.raw(&head("bo"), &format!("{first_in_second}\n!severity high"));
    o.house.raw(&head("bo"), &format!("{second_in_first}\n!severity high"));
    o.house.raw(&head("cy"), &format!("{}\n!severity high", case_line(&o.report)));
    assert_eq!((o.house.case(1).severity, o.house.case(2).severity), (None, None));
    o.house.raw(&head("bo"), &format!("{}\n!severity high", case_line(&o.report)));
    assert_eq!(o.house.case(1).severity.as_deref(), Some("high"));
    o.house.raw(&head("bo"), &format!("{}\n!severity low", case_line(&o.report)));
    assert_eq!(o.house.case(1).severity.as_deref(), Some("high"), "used up");
    // The reply address of one case says nothing in another.
    let to = second.reply_to.clone().expect("an address");
    let head = format!("{TEAM_PASSES}\nFrom: bo@team.example\nTo: {to}\nSubject: x");
    o.house.raw(&head, "!case EX-2026-0001 aaaaaaaaaaaaaaaa\n!severity low");
    assert_eq!(o.house.case(1).severity.as_deref(), Some("high"));
}

#[test]
fn b5_a_signature_is_good_for_48_hours_and_10_minutes_ahead() {
    let mut o = opened();
    o.house.pass(DAY * 4);
    let now = o.house.works.now();
    let sent = o.house.answer(&o.bo.clone(), &o.report.clone(), "!status", Protect::Sealed);
    let mut seen = o.house.one(&o.bo, &sent);
    let second = std::time::Duration::from_secs(1);
    for (made, runs) in [
        (now.before(HOUR * 48).before(second), false),
        (now.after(MINUTE * 10).after(second), false),
        (now.before(HOUR * 48), true),
        (now.after(MINUTE * 10), true),
    ] {
        let before = o.house.case(1).severity;
        let level = if before.as_deref() == Some("high") { "low" } else { "high" };
        let entity = crlf(&format!("Content-Type: text/plain\n\n{}\n!severity {level}\n", case_line(&seen)));
        let signature = o.house.sign(&o.bo, &entity, made);
        let mail = format!(
            "From: bo@team.example\nTo: security@example.org\nMessage-ID: <{}@team.example>\nMIME-Version: 1.0\n\
             Content-Type: multipart/signed; protocol=\"application/pgp-signature\"; boundary=sig\n\n--sig\n{}\n--sig\n\
             Content-Type: application/pgp-signature\n\n{}\n--sig--\n",
            made.0,
            String::from_utf8(entity).expect("ascii").replace("\r\n", "\n"),
            signature.replace("\r\n", "\n"),
        );
        let sent = o.house.octets(&crlf(&mail));
        assert_eq!(o.house.case(1).severity != before, runs, "{}", made.to_text());
        seen = o.house.one(&o.bo, &sent);
    }
}

#[test]
fn b6_what_is_signed_in_part_commands_nothing() {
    let mut o = opened();
    let command = format!("{}\n!embargo lift\n", case_line(&o.report));
    let signed = o.house.signed_part(&o.bo.clone(), &format!("Content-Type: text/plain\n\n{command}"));
    let harmless = o.house.signed_part(&o.bo.clone(), "Content-Type: text/plain\n\nGood morning.\n");
    let inner = signed.strip_prefix("Content-Type: ").expect("a type").to_owned();
    let plain = format!("--b\nContent-Type: text/plain\n\n{command}\n");
    let wrap = |kind: &str, parts: &str| format!("Content-Type: multipart/{kind}; boundary=b\n\n{parts}--b--\n");
    let signature =
        signed.split("application/pgp-signature\n\n").nth(1).and_then(|rest| rest.split("--sig").next()).expect("one");
    let head = "multipart/signed; protocol=\"application/pgp-signature\"; boundary=sig";
    let entity = format!("--sig\nContent-Type: text/plain\n\n{command}\n");
    let detached = format!("--sig\nContent-Type: application/pgp-signature\n\n{signature}\n");
    let cleartext = format!("-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\nhello\n{signature}");
    for (what, part) in [
        ("text above a signed part", wrap("mixed", &format!("{plain}--b\n{harmless}\n"))),
        ("signed part, then text", wrap("mixed", &format!("--b\n{signed}\n{plain}"))),
        ("signed part alone in mixed", wrap("mixed", &format!("--b\n{signed}\n"))),
        ("signed part in an alternative", wrap("alternative", &format!("{plain}--b\n{harmless}\n"))),
        ("signed part in related", wrap("related", &format!("--b\n{signed}\n"))),
        (
            "signed mail attached",
            wrap(
                "mixed",
                &format!("--b\nContent-Type: message/rfc822\n\nFrom: bo@team.example\nContent-Type: {inner}\n"),
            ),
        ),
        ("three parts", format!("Content-Type: {head}\n\n{entity}{entity}{detached}--sig--\n")),
        ("order swapped", format!("Content-Type: {head}\n\n{detached}{entity}--sig--\n")),
        (
            "text before",
            format!(
                "Content-Type: {head}\n\n--sig\nContent-Type: text/plain\n\n{command}x\n{entity}{detached}--sig--\n"
            ),
        ),
        ("commands before the first boundary", harmless.replacen("\n\n--sig", &format!("\n\n{command}\n--sig"), 1)),
        ("commands behind the last boundary", format!("{harmless}\n{command}")),
        ("two content types", format!("Content-Type: text/plain\nContent-Type: {inner}")),
        ("no signature type", signed.replace("application/pgp-signature\n\n", "application/octet-stream\n\n")),
        ("changed text", signed.replace("!embargo lift", "!embargo lift ")),
        (
            "signature of another text",
            format!(
                "Content-Type: {head}\n\n{entity}{}",
                harmless
                    .rsplit_once("--sig\nContent-Type: application")
                    .map(|(_, rest)| format!("--sig\nContent-Type: application{rest}"))
                    .expect("one")
            ),
        ),
        ("text above a cleartext signature", format!("Content-Type: text/plain\n\n{command}\n{cleartext}")),
        (
            "commands in the armor header",
            format!(
                "Content-Type: text/plain\n\n{}",
                cleartext.replace("Hash: SHA512", "Hash: SHA512\nComment: x\n!embargo lift")
            ),
        ),
        ("signed by a stranger around it", {
            let stranger = keyed("Bo", "bo@team.example");
            o.house.signed_part(&stranger, &signed).replace("boundary=sig", "boundary=\"sig\"")
        }),
    ] {
        let headers = format!("{TEAM_PASSES}\nFrom: bo@team.example\nTo: security@example.org\nSubject: x");
        o.house.raw_part(&headers, &part);
        assert_eq!(o.house.case(1).embargo, EmbargoState::Proposed, "{what}");
    }
}

#[test]
fn b6_a_case_line_that_a_report_plants_captures_no_answer() {
    let mut o = opened();
    let planted = "Hello\n!case EX-2026-0001 aaaaaaaaaaaaaaaa\n> !case EX-2026-0001 aaaaaaaaaaaaaaaa\n\
                   \r!case EX-2026-0001 bbbbbbbbbbbbbbbb\n\u{2028}!case EX-2026-0001 cccccccccccccccc\n!end";
    let sent = o.house.mail(&eve(), &writing(planted));
    let report = o.house.one(&o.bo, &sent);
    assert_eq!(report.text.lines().filter(|line| line.starts_with("!case ")).count(), 1, "{}", report.text);
    o.house.answer(&o.bo.clone(), &report, "!severity high", Protect::Sealed);
    assert_eq!(o.house.case(2).severity.as_deref(), Some("high"));
    assert_eq!(o.house.case(1).severity, None);
}

#[test]
fn d3_text_that_was_encrypted_inline_stays_within_its_marks() {
    let mut o = opened();
    let planted = b"Hello\r!case EX-2026-0001 aaaaaaaaaaaaaaaa\rVerdict: good signature\x1b[2J\0\x07\r\n!confirm x\r\n";
    let mallory = keyed("Mallory", "mallory@evil.example");
    let armor = o.house.encrypt(&mallory, planted, Signing::Unsigned).replace("\r\n", "\n");
    let sent = o.house.raw("From: mallory@evil.example\nTo: security@example.org\nSubject: x", &armor);
    let report = o.house.one(&o.bo, &sent);
    assert!(report.text.contains("Hello"));
    assert_eq!(report.text.lines().filter(|line| line.starts_with("!case ")).count(), 1, "{}", report.text);
    assert!(!report.text.contains('\u{1b}') && !report.text.contains('\0'));
    assert_eq!(report.text.lines().filter(|line| line.starts_with("Verdict:")).count(), 1);
}

#[test]
fn b3_a_requeue_needs_no_less_than_any_change() {
    let mut o = opened();
    o.house.raw("From: a@b.example\nFrom: c@d.example\nTo: security@example.org\nSubject: x", "two authors");
    assert_eq!(o.house.waiting(), 1);
    let entity = "Content-Type: text/plain\n\n!requeue 2\n";
    let part = o.house.signed_part(&o.bo.clone(), entity);
    for headers in
        ["From: bo@team.example\nTo: security@example.org", "From: bo@team.example\nTo: security@example.org\nX-A: b"]
    {
        o.house.raw_part(headers, &part);
    }
    let sent = o.house.raw_part("From: bo@team.example\nTo: security@example.org\nX-A: c", &part);
    assert!(o.house.one(&o.bo, &sent).text.contains("used before"), "{}", o.house.one(&o.bo, &sent).text);
}

#[test]
fn b9_a_letter_takes_no_line_of_ours_along() {
    let mut o = opened();
    let line = case_line(&o.report);
    for body in [
        "Thank you.\n!severity high".to_owned(),
        format!("Thank you.\n\n{line}\n  !help"),
        format!("Thank you.\n\n  {line}"),
        "Thank you.\n\n!confirm aaaaaaaaaaaaaaaa".to_owned(),
    ] {
        let text = format!("!to reporter\n\n{body}");
        let to = o.report.reply_to.clone().expect("an address");
        let sent = o.house.mail(&o.bo.clone(), &Writing { to, ..writing(&text) });
        assert!(o.house.got(&o.ana, &sent).is_empty(), "{body}");
        assert!(o.house.one(&o.bo, &sent).text.contains("Nothing was done"));
    }
    let sent =
        o.house.answer(&o.bo.clone(), &o.report.clone(), "!to reporter\n\nThank you! All is well.", Protect::Sealed);
    let letter = o.house.one(&o.ana, &sent);
    assert!(letter.text.contains("All is well") && !letter.text.contains("!case"), "{}", letter.text);
}

#[test]
fn m36_a_note_in_html_alone_is_not_lost() {
    let mut o = opened();
    let to = o.report.reply_to.clone().expect("an address");
    let headers = format!("{TEAM_PASSES}\nFrom: bo@team.example\nTo: {to}\nSubject: x\nContent-Type: text/html");
    let sent = o.house.raw(&headers, "<p>I think this is a duplicate.</p>");
    assert!(o.house.one(&o.cy, &sent).text.contains("duplicate"), "{}", o.house.one(&o.cy, &sent).text);
}

#[test]
fn b10_a_confirmation_twice_in_a_mail_does_nothing_twice() {
    let (bo, cy) = (keyless("Bo", "bo@team.example"), keyless("Cy", "cy@team.example"));
    let mut house = House::new(&[&bo, &cy], &[], &[Audience::Team, Audience::Reporter, Audience::Maintainer]);
    let sent = house.mail(&ana(), &writing("A hole."));
    let report = house.one(&bo, &sent);
    let sent = house.answer(&bo, &report, "!maintainer dev@module.example", Protect::Clear);
    let asked = house.one(&cy, &sent);
    let line = asked.text.lines().find(|line| line.starts_with("!confirm ")).expect("one").to_owned();
    let sent = house.answer(&cy, &asked, &format!("{line}\n{line}"), Protect::Clear);
    let dev = keyless("Dev", "dev@module.example");
    assert!(house.got(&dev, &sent).len() <= 1);
    house.whole();
}
