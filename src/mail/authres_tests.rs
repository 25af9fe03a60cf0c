//! Proves that only our own host's word counts, and only for the author's domain.

use super::*;
use crate::mail::parse::{Limits, parse as parse_mail};

fn judged(headers: &str) -> Authentication {
    let raw = format!("{headers}\nFrom: Ana <ana@example.org>\nSubject: s\n\nt\n");
    judge(&parse_mail(raw.as_bytes(), &Limits::default()), &["mx.ours.example".to_owned()])
}

fn dkim(domain: &str) -> Authentication {
    Authentication::Pass { domain: domain.to_owned(), by: Method::Dkim }
}

fn dmarc() -> Authentication {
    Authentication::Pass { domain: "example.org".to_owned(), by: Method::Dmarc }
}

#[test]
fn dmarc_and_aligned_dkim_pass() {
    let ours = "Authentication-Results: mx.ours.example";
    for (results, expected) in [
        ("; dmarc=pass header.from=example.org", dmarc()),
        (" 1; spf=fail smtp.mailfrom=x; dmarc=pass (p=NONE sp=NONE dis=NONE) header.from=Example.ORG", dmarc()),
        (";\n dkim=pass header.d=example.org header.s=k header.b=\"a=;b\"", dkim("example.org")),
        (
            "; dkim=pass (2048-bit key; unprotected) header.i=@mail.example.org header.b=QUJD==",
            dkim("mail.example.org"),
        ),
        ("; dkim/1 = pass reason=\"good; really\" header.d = example.org", dkim("example.org")),
        ("; dkim=fail header.d=example.org; dkim=pass header.d=example.org", dkim("example.org")),
        ("; dmarc=fail header.from=example.org; dkim=pass header.d=example.org", Authentication::Fail),
        ("; dmarc=none header.from=example.org; dkim=pass header.d=other.example", Authentication::Unknown),
        ("; dmarc=pass header.from=other.example", Authentication::Unknown),
        ("; dkim=pass header.d=org", Authentication::Unknown),
        ("; dkim=pass header.d=notexample.org", Authentication::Unknown),
        ("; dkim=pass header.s=k", Authentication::Unknown),
        ("; none", Authentication::Unknown),
        (" 2; dmarc=pass header.from=example.org", Authentication::Unknown),
        ("; x=\"; dmarc=pass header.from=example.org", Authentication::Unknown),
        ("; spf=pass (; dmarc=pass header.from=example.org) smtp.mailfrom=a", Authentication::Unknown),
        ("; dkim=neutral reason=\"dkim=pass header.d=example.org\"", Authentication::Unknown),
        ("; spf=pass smtp.mailfrom=\"; dmarc=pass\"@example.org", Authentication::Unknown),
    ] {
        assert_eq!(judged(&format!("{ours}{results}")), expected, "{results}");
    }
}

#[test]
fn only_the_topmost_header_under_our_name_counts() {
    let pass = "; dmarc=pass header.from=example.org";
    assert_eq!(judged(&format!("Authentication-Results: evil.example{pass}")), Authentication::Unknown);
    assert_eq!(judged(&format!("Authentication-Results: mx.ours.example.evil.example{pass}")), Authentication::Unknown);
    assert_eq!(judged(&format!("Authentication-Results: x (mx.ours.example){pass}")), Authentication::Unknown);
    assert_eq!(judged(&format!("Authentication-Results: spf=pass mx.ours.example{pass}")), Authentication::Unknown);
    let forged =
        format!("Authentication-Results: mx.ours.example; dmarc=none\nAuthentication-Results: mx.ours.example{pass}");
    assert_eq!(judged(&forged), Authentication::Unknown);
    let below = format!("Authentication-Results: other.example; none\nAuthentication-Results: mx.ours.example{pass}");
    assert_eq!(judged(&below), Authentication::Unknown);
    assert_eq!(judged(&format!("ARC-Authentication-Results: i=1; mx.ours.example{pass}")), Authentication::Unknown);
    assert_eq!(judged(&format!("AUTHENTICATION-results: MX.ours.example{pass}")), dmarc());
}

#[test]
fn a_mail_with_two_authors_is_nobodys() {
    let header = "Authentication-Results: mx.ours.example; dmarc=pass header.from=example.org\nFrom: bo@example.org";
    assert_eq!(judged(header), Authentication::Unknown);
}

#[test]
fn hostile_headers_end() {
    for piece in ["(", "\"", "=;", ";=", "a.b=", "\\", "dkim=pass ", "a=a.b="] {
        let header = format!("Authentication-Results: mx.ours.example; {}", piece.repeat(4000));
        assert_eq!(judged(&header), Authentication::Unknown, "{piece}");
    }
}
