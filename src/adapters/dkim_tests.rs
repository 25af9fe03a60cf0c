//! Mail signed by a key made here, judged with keys put into the cache: no packet leaves the machine.

use super::*;
use mail_auth::common::crypto::{Ed25519Key, SigningKey};
use mail_auth::common::headers::HeaderWriter;
use mail_auth::common::parse::TxtRecordParser;
use mail_auth::dkim::{Canonicalization, DkimSigner, Done};
use mail_auth::hickory_resolver::config::{ResolverConfig, ResolverOpts};
use mail_auth::{DnsError, Error};

const MAIL: &str =
    "From: Ana <ana@reporter.example>\r\nTo: security@example.org\r\nSubject: A flaw\r\n\r\nIt is here.\r\n";

/// A verifier that no network stands behind, and the key of `reporter.example` and others.
struct Bench {
    runtime: tokio::runtime::Runtime,
    key: Vec<u8>,
    dkim: DnsDkim,
}

impl Bench {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let authenticator = {
            let _context = runtime.enter();
            MessageAuthenticator::new(ResolverConfig::default(), ResolverOpts::default()).unwrap()
        };
        let dkim = DnsDkim::with(authenticator, runtime.handle());
        let bench = Self { key: Ed25519Key::generate_pkcs8().unwrap(), dkim, runtime };
        for domain in ["reporter.example", "mail.reporter.example", "other.example", "example"] {
            bench.publish(domain, "");
        }
        bench
    }

    fn key(&self) -> Ed25519Key {
        Ed25519Key::from_pkcs8_der(&self.key).unwrap()
    }

    fn publish(&self, domain: &str, flags: &str) {
        let record = format!("v=DKIM1; k=ed25519; {flags} p={}", base64(&self.key().public_key()));
        let record = DomainKey::parse(record.as_bytes()).unwrap();
        self.put(domain, record.into());
    }

    fn put(&self, domain: &str, record: Txt) {
        self.dkim.keys.insert(format!("s1._domainkey.{domain}.").into(), record, now() + Duration::from_secs(600));
    }

    fn signer(&self, domain: &str, headers: &[&str]) -> DkimSigner<Ed25519Key, Done> {
        DkimSigner::from_key(self.key()).domain(domain).selector("s1").headers(headers.iter().copied())
    }

    /// The mail, signed for a domain.
    fn signed(&self, domain: &str) -> String {
        signed(&self.signer(domain, &["From", "To", "Subject"]))
    }

    fn judge(&self, mail: &str) -> Option<bool> {
        self.dkim.aligned_pass(mail.as_bytes(), "reporter.example")
    }
}

fn signed<T: SigningKey>(signer: &DkimSigner<T, Done>) -> String {
    format!("{}{MAIL}", signer.sign(MAIL.as_bytes()).unwrap().to_header())
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let bits = group.iter().fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte)) << (8 * (3 - group.len()));
        let digit = |at: usize| if at <= group.len() { char::from(DIGITS[bits >> (18 - 6 * at) & 63]) } else { '=' };
        text.extend((0..4).map(digit));
    }
    text
}

#[test]
fn an_aligned_signature_that_fits_passes() {
    let bench = Bench::new();
    assert_eq!(bench.judge(&bench.signed("reporter.example")), Some(true));
    assert_eq!(bench.judge(&bench.signed("mail.reporter.example")), Some(true));
    let simple = bench.signer("reporter.example", &["From"]).body_canonicalization(Canonicalization::Simple);
    assert_eq!(bench.judge(&signed(&simple)), Some(true));
    // A Maildir keeps bare line ends.
    assert_eq!(bench.judge(&bench.signed("reporter.example").replace("\r\n", "\n")), Some(true));
    // A wrong one before it, such as a gateway's, takes nothing away.
    let wrong = bench.signed("reporter.example").replace(MAIL, "").replace("bh=", "bh=A");
    assert_eq!(bench.judge(&format!("{wrong}{}", bench.signed("reporter.example"))), Some(true));
}

#[test]
fn what_was_changed_does_not_pass() {
    let bench = Bench::new();
    let mail = bench.signed("reporter.example");
    for changed in [mail.replace("here", "there"), mail.replace("A flaw", "!publish"), mail.replace("Ana", "Bo")] {
        assert_eq!(bench.judge(&changed), Some(false));
    }
}

#[test]
fn a_signature_of_another_domain_says_nothing() {
    let bench = Bench::new();
    assert_eq!(bench.judge(MAIL), None);
    assert_eq!(bench.judge(&bench.signed("other.example")), None);
    assert_eq!(bench.judge(&bench.signed("example")), None, "a single label is nobody's domain");
}

#[test]
fn a_signature_that_leaves_out_the_from_or_the_end_of_the_body_says_nothing() {
    let bench = Bench::new();
    assert_eq!(bench.judge(&signed(&bench.signer("reporter.example", &["To", "Subject"]))), None);
    let part = signed(&bench.signer("reporter.example", &["From"]).body_length(true));
    assert_eq!(bench.judge(&format!("{part}and more")), None);
}

#[test]
fn a_second_from_makes_the_signature_say_nothing() {
    let bench = Bench::new();
    let mail = bench.signed("reporter.example");
    assert_eq!(bench.judge(&format!("From: boss@reporter.example\r\n{mail}")), None);
    assert_eq!(bench.judge(&format!("From : boss@reporter.example\r\n{mail}")), None);
    assert_eq!(bench.dkim.aligned_pass(mail.as_bytes(), "mail.reporter.example"), None, "not the From that we read");
}

#[test]
fn a_key_that_is_missing_expired_or_a_test_does_not_pass() {
    let bench = Bench::new();
    bench.put("reporter.example", Txt::Error(Error::Dns(DnsError::InvalidRecordType)));
    assert_eq!(bench.judge(&bench.signed("reporter.example")), Some(false));
    bench.publish("reporter.example", "t=y;");
    assert_eq!(bench.judge(&bench.signed("reporter.example")), Some(false));
    bench.publish("reporter.example", "");
    let mut expired = bench.signer("reporter.example", &["From"]).sign(MAIL.as_bytes()).unwrap();
    expired.x = expired.t + 1;
    expired.t = 1;
    assert_eq!(bench.judge(&format!("{}{MAIL}", expired.to_header())), Some(false));
}

#[test]
fn a_dns_that_does_not_answer_leaves_the_question_open() {
    let bench = Bench::new();
    bench.dkim.keys.map().clear();
    assert_eq!(bench.judge(&bench.signed("reporter.example")), None);
}

#[test]
fn a_silent_dns_is_waited_for_once_and_known_keys_still_serve() {
    // A server that takes questions and never answers.
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut bench = Bench::new();
    bench.dkim.authenticator = {
        let _context = bench.runtime.enter();
        let mut server = mail_auth::hickory_resolver::config::NameServerConfig::udp("127.0.0.1".parse().unwrap());
        server.connections[0].port = silent.local_addr().unwrap().port();
        MessageAuthenticator::new(ResolverConfig::from_parts(None, vec![], vec![server]), ResolverOpts::default())
            .unwrap()
    };
    bench.dkim.patience().left = Duration::from_millis(200);
    let unknown =
        signed(&DkimSigner::from_key(bench.key()).domain("reporter.example").selector("s2").headers(["From"]));
    assert_eq!(bench.judge(&unknown), None);
    assert!(silent.recv(&mut [0; 512]).unwrap() > 0, "it was asked");
    assert_eq!(bench.dkim.patience().at(now()), Duration::ZERO);
    let begun = now();
    assert_eq!(bench.judge(&unknown), None);
    assert!(begun.elapsed() < Duration::from_secs(5), "no patience is left, so nothing waits");
    assert_eq!(bench.judge(&bench.signed("reporter.example")), Some(true));
    let later = now() + PERIOD;
    assert_eq!(bench.dkim.patience().at(later), MAIL_PATIENCE);
}

#[test]
fn a_flood_of_signatures_is_not_looked_at() {
    let bench = Bench::new();
    let good = bench.signed("reporter.example");
    let wrong = good.replace(MAIL, "").replace("bh=", "bh=A");
    assert_eq!(bench.judge(&format!("{}{good}", wrong.repeat(SIGNATURES_MAX))), Some(false));
    for number in 0..=KEYS_MAX {
        bench.put(&format!("d{number}.example"), Txt::Error(Error::Dns(DnsError::InvalidRecordType)));
    }
    assert!(bench.dkim.keys.map().len() <= KEYS_MAX);
}
