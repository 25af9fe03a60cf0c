//! Tests of the quote cutter. Each case is one a real client makes, or one an attacker would.

use proptest::prelude::*;

use super::*;

/// Own text, then what must be in the quote.
fn check(text: &str, own: &str, quoted: &str) {
    let got = own_text(text);
    assert_eq!(got.text, own, "own text of {text:?}");
    assert!(got.quoted.contains(quoted), "{quoted:?} is not in the quote {:?}", got.quoted);
}

#[test]
fn attributions_of_many_languages_are_cut_with_their_marked_quote() {
    for attribution in [
        "On Mon, 2 Nov 2026 at 10:00, Ana Lee <ana@example.org> wrote:",
        "On Thu, Jun 20, 2013 at 4:18 PM, matt2 via Some Long Forum Name <\nana@example.org> wrote:",
        "On Mon, Feb 1, 2016 at 6:32 PM, Ana Lee <ana@example.org>\nwrote:",
        "On Dec 16, 2011, at 12:47 PM, Ana Lee\n<ana@example.org>\nwrote:",
        "Am 02.11.26 um 10:00 schrieb Ana Lee:",
        "Am Mo., 2. Nov. 2026 um 10:00 Uhr schrieb Ana Lee\n<ana@example.org>:",
        "Ana Lee <ana@example.org> schrieb am Mo., 2.\nNov. 2026 um 10:00 Uhr:",
        "Le lun. 2 nov. 2026 à 10:00, Ana Lee <ana@example.org> a écrit :",
        "El lun, 2 nov 2026 a las 10:00, Ana Lee (<ana@example.org>) escribió:",
        "Il giorno lun 2 nov 2026 alle ore 10:00 Ana Lee <ana@example.org> ha scritto:",
        "Op ma 2 nov 2026 om 10:00 schreef Ana Lee <ana@example.org>:",
        "Em seg., 2 de nov. de 2026 às 10:00, Ana Lee <ana@example.org> escreveu:",
        "pon., 2 lis 2026 o 10:00 Ana Lee <ana@example.org> napisał(a):",
        "W dniu 2.11.2026 o 10:00, Ana Lee pisze:",
        "пн, 2 нояб. 2026 г. в 10:00, Ana Lee <ana@example.org> написала:",
        "Den mån 2 nov. 2026 kl 10:00 skrev Ana Lee <ana@example.org>:",
        "man. 2. nov. 2026 kl. 10:00 skrev Ana Lee <ana@example.org>:",
        "Den man. 2. nov. 2026 kl. 10.00 skrev Ana Lee <ana@example.org>:",
        "po 2. 11. 2026 v 10:00 odesílatel Ana Lee <ana@example.org> napsal:",
        "2026年11月2日(月) 10:00 Ana Lee <ana@example.org>:",
        "Ana Lee <ana@example.org> 于2026年11月2日周一 上午10:00写道：",
        "在 2026年11月2日，10:00，Ana Lee <ana@example.org> 写道：",
    ] {
        let quote = format!("{attribution}\n\n> old\n>> older");
        check(&format!("new\n\n{quote}"), "new", &quote);
        check(&format!("new\n\n{attribution}\n> one\nreply\n> two"), "new\n\nreply", "> two");
    }
}

#[test]
fn an_attributed_quote_without_marks_reaches_to_the_end() {
    check("new\n\nOn 2 Nov 2026, at 10:00, Ana <a@b.org> wrote:\n\nold\n\n!close\n", "new", "!close");
}

#[test]
fn a_reply_without_a_word_of_its_own_has_no_text_that_could_hold_a_command() {
    for text in [
        "On 2 Nov 2026, at 10:00, Ana <a@b.org> wrote:\n\n!publish",
        "-----Original Message-----\nFrom: Ana <a@b.org>\n\n!publish",
        "From: Ana <a@b.org>\nSent: Monday, 2 November 2026 10:00\nTo: team\nSubject: x\n\n!publish",
        "---------- Forwarded message ---------\n\n!publish",
        "> !publish",
        "  >> !publish",
    ] {
        check(text, "", "!publish");
    }
}

#[test]
fn the_end_of_a_wrapped_quoted_line_is_no_command() {
    let long = format!("> {} words", "some ".repeat(14));
    check(&format!("{long}\n!publish\n"), "", "!publish");
    check("> short\n!note\n", "!note", "> short");
    let unbroken = format!("!note{}", "\u{a0}word".repeat(11));
    check(&format!("> Hi\n{unbroken}\n"), "", &unbroken);
}

#[test]
fn outlook_header_blocks_are_cut_in_several_languages() {
    for block in [
        "________________________________\nFrom: Ana <a@b.org>\nSent: Monday, 2 November 2026 10:00\nTo: Team\nSubject: x",
        "*From:* Ana [mailto:a@b.org]\n*Sent:* Monday, 2 November 2026 10:00\n*To:* t@b.org\n*Subject:* x",
        "-----Ursprüngliche Nachricht-----\nVon: Ana\nGesendet: Montag, 2. November 2026\nAn: Team\nBetreff: x",
        "De : Ana <a@b.org>\nEnvoyé : lundi 2 novembre 2026 10:00\nÀ : Team\nObjet : x",
        "De: Ana\nEnviado: lunes, 2 de noviembre de 2026\nPara: Team\nAsunto: x",
        "Da: Ana\nInviato: lunedì 2 novembre 2026\nA: Team\nOggetto: x",
        "Van: Ana\nVerzonden: maandag 2 november 2026\nAan: Team\nOnderwerp: x",
        "От: Ana\nОтправлено: 2 ноября 2026\nКому: Team\nТема: x",
        "发件人: Ana\n发送时间: 2026年11月2日\n收件人: Team\n主题: x",
    ] {
        check(&format!("new\n\n{block}\n\nold\n"), "new", "old");
    }
}

#[test]
fn a_mail_header_shown_in_a_report_is_not_a_quote() {
    let text = "The form sends\n\nFrom: evil@example.org\nSubject: injected\n\nwithout asking.";
    check(text, text, "");
}

#[test]
fn own_lines_between_quotes_are_kept_apart() {
    check("> a\none\n> b\n> c\n\ntwo\n\nthree\n> d", "one\n\ntwo\n\nthree", "> a\n> b\n> c\n> d");
}

#[test]
fn prose_that_says_wrote_is_kept() {
    for text in [
        "On your host you can run:\n\n    id",
        "At 10:00 the server wrote:\n\n    panic",
        "In 2019 somebody found this.\nI wrote: see below.\n\nbelow",
        "a | b\n| col | col |\n| 1 | 2 |",
    ] {
        check(text, text, "");
    }
}

#[test]
fn signatures_are_cut_and_returned() {
    let got = own_text("hello\n\n-- \nAna Lee\nExample Org\n\nOn 2 Nov 2026 at 10:00, B <b@b.org> wrote:\n> old");
    assert_eq!((got.text.as_str(), got.signature.as_deref()), ("hello", Some("Ana Lee\nExample Org")));
    assert!(got.quoted.contains("> old") && !got.quoted.contains("Ana"));
    let got = own_text("hello\n\nVon meinem iPhone gesendet\n");
    assert_eq!((got.text.as_str(), got.signature.as_deref()), ("hello", Some("Von meinem iPhone gesendet")));
    assert_eq!(own_text("Sent from my desk, which is better than a phone.").signature, None);
}

#[test]
fn the_legal_notice_of_a_mail_host_is_cut_and_other_asterisks_are_not() {
    let stars = "*".repeat(40);
    let got = own_text(&format!(
        "hello\n\n{stars}\nThis email is confidential.\n{stars}\nThis email was scanned for viruses.\n"
    ));
    assert_eq!(got.text, "hello");
    assert!(got.signature.unwrap().contains("scanned"));
    let report = format!("step 1\n{stars}\nstep 2");
    assert_eq!(own_text(&report).text, report);
}

#[test]
fn a_separator_above_a_long_rest_is_text() {
    let text = format!("query\n--\n{}", "line of a report\n".repeat(tails::SIGNATURE_LINES_MAX + 1));
    assert_eq!(own_text(&text).text, text.trim_end());
}

#[test]
fn our_case_line_is_found_in_the_quote_only() {
    let quote = "On 2 Nov 2026 at 10:00, S <s@b.org> wrote:\n> !case EX-2 other\n> !case EX-2026-0042 nonce-1\n>> !case EX-3 older";
    assert_eq!(quoted_case_line(&format!("!ack\n\n{quote}")).as_deref(), Some("!case EX-2026-0042 nonce-1"));
    assert_eq!(quoted_case_line("!case EX-2026-0042 nonce-1\n\ntext"), None);
    assert_eq!(quoted_case_line("ok\n> > | !case EX-1 n ").as_deref(), Some("!case EX-1 n"));
    assert_eq!(
        quoted_case_line("ok\n\n-----Original Message-----\nFrom: S\n\n!case EX-1 n\n").as_deref(),
        Some("!case EX-1 n")
    );
}

#[test]
fn lines_past_the_limit_are_never_own() {
    let text = format!("{}!publish\n", "x\n".repeat(LINES_MAX));
    let got = own_text(&text);
    assert_eq!(got.text.lines().count(), LINES_MAX);
    assert_eq!(got.quoted, "!publish");
}

/// A text of many lines that each begin to look like an attribution, and one endless line, must not take long.
/// The work is bounded by construction; this ends the test run if it is not.
#[test]
fn hostile_texts_end() {
    for text in [
        "On 2 Nov 2026 <a@b.org\n".repeat(100_000),
        "On 2 Nov 2026 ".repeat(100_000),
        "From: a\n".repeat(100_000),
        "-----Original Message-----\n\n".repeat(50_000) + "x",
        format!("-----Original Message-----{}", "\n".repeat(500_000)),
        "--\n".repeat(100_000),
        "-----".repeat(100_000),
    ] {
        let _ = own_text(&text);
    }
}

proptest! {
    #[test]
    fn every_line_of_text_has_one_place(text in "([>|!a-zäOn:@<\\- _]{0,12}\n){0,30}") {
        let got = own_text(&text);
        let filled = |text: &str| text.lines().filter(|line| !line.trim().is_empty()).count();
        let placed = filled(&got.text) + filled(&got.quoted) + got.signature.as_deref().map_or(0, filled);
        let rules = text.lines().filter(|line| tails::is_rule(line) || tails::is_signature_separator(line) || tails::is_underscores(line)).count();
        prop_assert!(placed <= filled(&text) && placed + rules >= filled(&text));
        prop_assert!(got.text.lines().all(|line| !line.starts_with('>')));
    }
}

#[test]
fn a_line_with_an_address_above_an_attribution_is_the_authors_own() {
    for own in ["!maintainer dev@module.example", "Please ask dev@module.example"] {
        let text = format!("{own}\n\nOn Mon, 2 Nov 2026 at 10:00, S <s@b.org> wrote:\n> Hello\n");
        assert_eq!(own_text(&text).text.trim(), own);
    }
}
