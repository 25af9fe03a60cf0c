//! DKIM (RFC 6376), verified by ourselves where the mail host says nothing and the settings allow the DNS.
//!
//! Asks the DNS for keys of domains aligned with the author's and for nothing else: no policy, no reports, no third
//! parties. So it tells that a mail is genuine, never that DMARC fails. Waits at most [`MAIL_PATIENCE`] for one mail and
//! [`MINUTE_PATIENCE`] in a minute for all of them; what cannot be told by then is not told. Blocks its caller, which
//! must not be a thread of the runtime. One file, one library: `mail-auth`.

use std::borrow::{Borrow, Cow};
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use mail_auth::common::crypto::Algorithm;
use mail_auth::common::verify::{DomainKey, VerifySignature};
use mail_auth::dkim::Signature;
use mail_auth::{AuthenticatedMessage, DkimResult, MessageAuthenticator, Parameters, ResolverCache, Txt};

use crate::domain::id::aligned;
use crate::ports::{DkimCheck, ErrorClass, PortError};

/// Longest wait for the DNS about one mail.
pub const MAIL_PATIENCE: Duration = Duration::from_secs(10);
/// Longest wait for the DNS about all mails together within a minute: a slow domain must not stop the engine.
pub const MINUTE_PATIENCE: Duration = Duration::from_secs(30);

/// Signatures of one mail that are looked at.
const SIGNATURES_MAX: usize = 4;
/// Keys kept until they expire; when there are more, all are forgotten and asked for again.
const KEYS_MAX: usize = 1000;
/// `t=y` of a key record: its domain is testing, and what it signs counts as unsigned (RFC 6376 section 3.6.1).
const TESTING: u64 = 0x10;
/// The time in which [`MINUTE_PATIENCE`] may be spent.
const PERIOD: Duration = Duration::from_secs(60);

/// Verifies with the keys that the system's resolver finds.
pub struct DnsDkim {
    authenticator: MessageAuthenticator,
    keys: Keys,
    runtime: tokio::runtime::Handle,
    patience: Mutex<Patience>,
}

impl DnsDkim {
    /// Sets up the resolver as the system has it. Asks nothing yet.
    ///
    /// # Errors
    /// The system's settings of the resolver cannot be used.
    pub fn start(runtime: &tokio::runtime::Handle) -> Result<Self, PortError> {
        let _context = runtime.enter();
        let authenticator = MessageAuthenticator::new_system_conf().map_err(|error| PortError {
            class: ErrorClass::Configuration,
            message: format!(
                "failed to read the resolver's settings: {error}; mend /etc/resolv.conf, or set authentication.verify_dkim = false"
            ),
        })?;
        Ok(Self::with(authenticator, runtime))
    }

    fn with(authenticator: MessageAuthenticator, runtime: &tokio::runtime::Handle) -> Self {
        let patience = Mutex::new(Patience { since: now(), left: MINUTE_PATIENCE });
        Self { authenticator, keys: Keys::default(), runtime: runtime.clone(), patience }
    }

    async fn verdict(&self, raw: &[u8], author_domain: &str) -> Option<bool> {
        let raw = with_crlf(raw);
        // Strict: a signature over a part of the body (`l=`) is none.
        let mut mail = AuthenticatedMessage::parse_with_opts(&raw, None, true)?;
        if !is_from(&mail, author_domain) {
            return None;
        }
        mail.errors.clear();
        mail.dkim_headers.retain(|header| counts(&header.header, author_domain));
        mail.dkim_headers.truncate(SIGNATURES_MAX);
        if mail.dkim_headers.is_empty() {
            return None;
        }
        for header in &mut mail.dkim_headers {
            // Neither reports nor third parties: they would make us ask the DNS for more.
            header.header.r = false;
            header.header.atps = None;
        }
        let parameters = Parameters::new(&mail).with_txt_cache(&self.keys);
        let mut unanswered = false;
        for output in self.authenticator.verify_dkim(parameters).await {
            match (output.result(), output.signature()) {
                (DkimResult::Pass, Some(signature)) if !self.is_testing(signature).await => return Some(true),
                (DkimResult::TempError(_), _) => unanswered = true,
                (
                    DkimResult::Pass
                    | DkimResult::Neutral(_)
                    | DkimResult::Fail(_)
                    | DkimResult::PermError(_)
                    | DkimResult::None,
                    _,
                ) => {}
            }
        }
        (!unanswered).then_some(false)
    }

    /// Whether the key of a signature that fits is marked as a test.
    async fn is_testing(&self, signature: &Signature) -> bool {
        let key = self.authenticator.txt_lookup::<DomainKey>(signature.domain_key(), Some(&self.keys)).await;
        key.map_or(true, |key| key.has_flag(TESTING))
    }

    fn patience(&self) -> std::sync::MutexGuard<'_, Patience> {
        self.patience.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl DkimCheck for DnsDkim {
    fn aligned_pass(&self, raw: &[u8], author_domain: &str) -> Option<bool> {
        let begun = now();
        let limit = self.patience().at(begun);
        // With no patience left, keys that are known already still serve: the verdict is looked at before the clock.
        let answer =
            self.runtime.block_on(async { tokio::time::timeout(limit, self.verdict(raw, author_domain)).await });
        self.patience().spend(begun.elapsed());
        answer.unwrap_or_else(|_| {
            tracing::warn!("the DNS did not give a DKIM key in time; the sender of a mail counts as unknown");
            None
        })
    }
}

/// Whether the library sees the one From that we see, in a domain: two readings of one header would let a signature for
/// one of them speak for the other.
fn is_from(mail: &AuthenticatedMessage<'_>, domain: &str) -> bool {
    let mut fields = mail.headers.iter().filter(|(name, _)| name.trim_ascii().eq_ignore_ascii_case(b"From"));
    let one = matches!((fields.next(), fields.next()), (Some((name, _)), None) if name.len() == 4);
    let [from] = mail.from.as_slice() else { return false };
    one && from.rsplit_once('@').is_some_and(|(_, found)| found == domain)
}

/// Whether a signature can speak for the author: aligned, over the From, and not by SHA-1 (RFC 8301).
fn counts(signature: &Signature, author_domain: &str) -> bool {
    aligned(signature.d.trim_end_matches('.'), author_domain)
        && signature.h.iter().any(|name| name.eq_ignore_ascii_case("From"))
        && signature.a != Algorithm::RsaSha1
}

/// Line ends as they were on the wire: a Maildir has bare LF (RFC 6376 section 5.3).
fn with_crlf(raw: &[u8]) -> Cow<'_, [u8]> {
    let mut last = 0;
    let bare = raw.iter().filter(|byte| std::mem::replace(&mut last, **byte) != b'\r' && **byte == b'\n').count();
    if bare == 0 {
        return Cow::Borrowed(raw);
    }
    let mut wire = Vec::with_capacity(raw.len().saturating_add(bare));
    let mut last = 0;
    for &byte in raw {
        if byte == b'\n' && last != b'\r' {
            wire.push(b'\r');
        }
        wire.push(byte);
        last = byte;
    }
    Cow::Owned(wire)
}

/// How long may still be waited in this minute.
struct Patience {
    since: Instant,
    left: Duration,
}

impl Patience {
    fn at(&mut self, now: Instant) -> Duration {
        if now.saturating_duration_since(self.since) >= PERIOD {
            *self = Self { since: now, left: MINUTE_PATIENCE };
        }
        self.left.min(MAIL_PATIENCE)
    }

    fn spend(&mut self, waited: Duration) {
        self.left = self.left.saturating_sub(waited);
    }
}

/// Keys, and answers that there is none, until they expire.
#[derive(Default)]
struct Keys(Mutex<HashMap<Box<str>, (Txt, Instant)>>);

impl Keys {
    fn map(&self) -> std::sync::MutexGuard<'_, HashMap<Box<str>, (Txt, Instant)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ResolverCache<Box<str>, Txt> for Keys {
    fn get<Q>(&self, name: &Q) -> Option<Txt>
    where
        Box<str>: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let now = now();
        self.map().get(name).filter(|(_, until)| *until > now).map(|(key, _)| key.clone())
    }

    fn remove<Q>(&self, name: &Q) -> Option<Txt>
    where
        Box<str>: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.map().remove(name).map(|(key, _)| key)
    }

    fn insert(&self, name: Box<str>, key: Txt, valid_until: Instant) {
        let mut keys = self.map();
        if keys.len() >= KEYS_MAX {
            keys.clear();
        }
        keys.insert(name, (key, valid_until));
    }
}

#[expect(clippy::disallowed_methods, reason = "an adapter measures how long it waits, and when a key expires")]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
#[path = "dkim_tests.rs"]
mod tests;
