//! The renderings of an advisory: width, harmlessness, repeatability, golden files.

use super::*;
use crate::domain::advisory::AdvisoryKind;
use crate::domain::advisory::{page_path, page_url, text_path};

fn publisher() -> Publisher {
    Publisher {
        project: "Example".into(),
        contact: "security@example.org".into(),
        base_url: "https://example.org/security".into(),
        fingerprint: "0123456789ABCDEF0123456789ABCDEF01234567".into(),
    }
}

fn advisory() -> Advisory {
    Advisory {
        id: "EX-2026-0042".into(),
        kind: AdvisoryKind::Uninstall,
        title: "Visitors can read private calendars".into(),
        severity: Some("high".into()),
        body: "The calendar shows the entries of other people to anybody who knows the number of an \
               entry. Numbers are easy\nto guess – „Größe“ of a château: 42.\n\n\
               What to do:\n- Uninstall the calendar. To switch it off is not enough, because its pages stay \
               within reach.\n- Look for another one\n  that is maintained.\n\n    curl -s https://example.org/calendar/17  | head\n    \
               rm -r calendar\n\nSee https://example.org/a/very/long/address/that/does/not/fit/into/one/line/of/seventy-two/columns for more.\n"
            .into(),
    }
}

fn golden(name: &str, is: &str) {
    let path = format!("{}/testdata/golden/{name}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(std::path::Path::new(&path).parent().unwrap()).unwrap();
        std::fs::write(&path, is).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(is, expected, "{path} differs; look at it and run again with UPDATE_GOLDEN=1");
}

#[test]
fn the_mail_is_as_recorded() {
    let rendition = rendition(&advisory(), &publisher());
    golden("advisory.txt", &format!("Subject: {}\n\n{}", rendition.subject, rendition.text));
}

#[test]
fn the_page_is_as_recorded() {
    golden("advisory.html", &rendition(&advisory(), &publisher()).html);
}

#[test]
fn the_same_record_gives_the_same_bytes() {
    assert_eq!(rendition(&advisory(), &publisher()), rendition(&advisory(), &publisher()));
}

#[test]
fn no_line_is_wider_than_72_columns_unless_it_is_one_word() {
    let mut wide = advisory();
    wide.title = "A title of very many words ".repeat(12);
    wide.severity = Some("a severity of very many words ".repeat(5));
    wide.body = format!("{}\n\n- {}\n", "ä".repeat(9).repeat(3) + &" wörds".repeat(300), "item ".repeat(90));
    let text = rendition(&wide, &publisher()).text;
    for line in text.lines() {
        assert!(line.chars().count() <= text::COLUMNS_MAX, "{line}");
        assert_eq!(line.trim_end(), line, "blanks at the end are lost on the way and break signatures");
    }
    let long = "https://example.org/".to_owned() + &"x".repeat(100);
    wide.body = format!("See {long} now.");
    assert!(rendition(&wide, &publisher()).text.contains(&format!("\n{long}\n")), "a long word stays whole, alone");
}

#[test]
fn list_items_hang_and_blank_led_lines_stay_as_they_are() {
    let text = rendition(&advisory(), &publisher()).text;
    assert!(text.contains("\n- Look for another one that is maintained.\n"), "{text}");
    assert!(text.contains("\n    curl -s https://example.org/calendar/17  | head\n    rm -r calendar\n"), "{text}");
    assert!(text.contains("\n  pages stay within reach.\n") || text.contains("\n  within reach.\n"), "{text}");
}

#[test]
fn an_item_below_verbatim_lines_begins_a_list_and_words_below_an_item_a_paragraph() {
    use body::Block::{List, Paragraph, Verbatim};
    assert_eq!(
        body::blocks("  code\n- item\nwords\n\n\n  more"),
        [
            Verbatim(vec!["  code".into()]),
            List(vec!["item".into()]),
            Paragraph("words".into()),
            Verbatim(vec!["  more".into()])
        ]
    );
    assert_eq!(body::blocks(" \n\t\n"), []);
}

#[test]
fn r17_a_hostile_record_stays_text() {
    let hostile = "</title><script>alert('1')</script>\r\nBcc: a@b.org\u{202e}gpj.\u{200b}\u{1b}[31m\u{7}\" onload=\"x";
    let mut bad = advisory();
    bad.id = "EX-1\"><script>/../../x".into();
    bad.title = hostile.into();
    bad.severity = Some(hostile.into());
    bad.body = format!("{hostile}\n\n- {hostile}\n\n  {hostile}");
    let bad_publisher = Publisher {
        project: hostile.into(),
        contact: format!("a@b.org?bcc=c@d.org&{hostile}"),
        base_url: "https://example.org/\"><script>".into(),
        fingerprint: hostile.into(),
    };
    let rendition = rendition(&bad, &bad_publisher);
    assert!(!rendition.html.contains("<script") && !rendition.html.contains("\" onload"), "{}", rendition.html);
    assert!(rendition.html.contains("href=\"mailto:a@b.org%3Fbcc%3Dc@d.org%26"), "{}", rendition.html);
    assert_eq!(rendition.subject.lines().count(), 1);
    for text in [&rendition.subject, &rendition.text, &rendition.html] {
        assert!(!text.contains(['\r', '\u{202e}', '\u{200b}', '\u{1b}', '\u{7}']), "{text:?}");
    }
    assert!(
        rendition.text.contains("<script>alert('1')</script>"),
        "the mail is plain text and shows what was written"
    );
}

#[test]
fn a_title_is_one_line_of_at_most_200_characters() {
    let mut long = advisory();
    long.title = "ü\n".repeat(300);
    let subject = rendition(&long, &publisher()).subject;
    let title = subject.strip_prefix("Example security advisory EX-2026-0042: ").unwrap();
    assert!(title.chars().count() <= 200 && title.ends_with('…'), "{title}");
}

#[test]
fn paths_stay_inside_the_folder() {
    assert_eq!(page_path("EX-2026-0042"), "advisories/ex-2026-0042.html");
    assert_eq!(text_path("../../etc/X"), "advisories/______etc_x.txt");
}

#[test]
fn without_a_served_folder_no_address_of_a_page_is_shown() {
    let unserved = Publisher { base_url: String::new(), ..publisher() };
    let rendition = rendition(&advisory(), &unserved);
    assert!(!rendition.text.contains("This page") && !rendition.html.contains("canonical"));
    let slashed = Publisher { base_url: "https://example.org/".into(), ..publisher() };
    assert_eq!(page_url("EX-1", &slashed).as_deref(), Some("https://example.org/advisories/ex-1.html"));
}

#[test]
fn only_an_uninstall_advisory_says_uninstall() {
    let mut notice = advisory();
    notice.kind = AdvisoryKind::Notice;
    notice.body = "Update.".into();
    assert!(!rendition(&notice, &publisher()).text.contains("Uninstall"));
    assert!(rendition(&advisory(), &publisher()).text.contains("What to do: Uninstall"));
}
