//! Which case a mail belongs to (a pure choice among what it points at).
//!
//! An unguessable reference joins the known sender to whom we gave it; any other needs proof of its
//! author. A reference without a known sender is held and shown; a subject alone never joins and
//! never holds a stranger's report back.

use super::id::CaseId;
use super::party::PartyKey;

/// How a mail points at a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pointer {
    /// A valid party token among its recipients.
    Token,
    /// It answers a mail that we sent (our Message-ID, MAC checked).
    OurMessage,
    /// It answers a stored mail that somebody else wrote.
    ForeignMessage,
    /// The label in its subject, and nothing else.
    Tag,
}

/// Somebody whom a case knows by an address or a pinned key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownSender {
    /// The party or member.
    pub party: PartyKey,
    /// Whether it is a member of the team.
    pub member: bool,
}

/// One case the mail points at, and what it knows of the sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// The case.
    pub case: CaseId,
    /// How the mail points there.
    pub pointer: Pointer,
    /// The party whose address, alias or pinned signature the mail bears.
    pub sender: Option<KnownSender>,
    /// Whether we gave the reference to this very sender, and not to another party or to the public.
    pub given: bool,
    /// The party or member to whom we gave the reference, if we gave it to one.
    pub given_to: Option<PartyKey>,
    /// What proves that the mail is this sender's.
    pub proof: AuthorProof,
}

/// Proof of the author beyond the bare address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthorProof {
    /// DMARC or aligned DKIM passed, or the sender's own pinned key signed the whole.
    Proved,
    /// Nothing but the From line.
    Claimed,
    /// The mail system says that the From line is forged (DMARC fail), and no pinned key says otherwise.
    Refuted,
}

/// Where a mail goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Joining {
    /// Joins the case as a mail of this party.
    Joins(CaseId, KnownSender),
    /// Stored and shown to the team as claiming the case, with the party or member to whom we gave what it points with.
    Held(CaseId, Option<PartyKey>),
    /// Opens a case; it may have claimed one by its subject.
    Opens {
        /// The case named in the subject, if any.
        claims: Option<CaseId>,
    },
}

/// Chooses among the hits, which stand in the order in which they count.
#[must_use]
pub fn join(hits: &[Hit]) -> Joining {
    let joins = hits.iter().find_map(|hit| {
        let sender = hit.sender.clone()?;
        let enough = match (hit.proof, hit.pointer) {
            (AuthorProof::Proved, _) => true,
            (AuthorProof::Claimed, Pointer::Token | Pointer::OurMessage) => hit.given,
            (AuthorProof::Claimed, Pointer::ForeignMessage | Pointer::Tag) | (AuthorProof::Refuted, _) => false,
        };
        enough.then_some(Joining::Joins(hit.case, sender))
    });
    let held = || {
        let pointed = hits.iter().find(|hit| match hit.pointer {
            Pointer::Token | Pointer::OurMessage | Pointer::ForeignMessage => true,
            // A subject tag holds mail back only where the sender claims to be somebody the case knows.
            Pointer::Tag => hit.sender.is_some(),
        });
        pointed.map(|hit| Joining::Held(hit.case, hit.given_to.clone()))
    };
    joins.or_else(held).unwrap_or_else(|| Joining::Opens { claims: hits.first().map(|hit| hit.case) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hit(pointer: Pointer, known: bool, given: bool, proof: AuthorProof) -> Hit {
        let sender = known.then(|| KnownSender { party: PartyKey("r1".into()), member: false });
        Hit { case: CaseId(1), pointer, sender, given, given_to: None, proof }
    }

    fn check(pointer: Pointer, known: bool, given: bool, proof: AuthorProof) -> &'static str {
        match join(&[hit(pointer, known, given, proof)]) {
            Joining::Joins(..) => "joins",
            Joining::Held(..) => "held",
            Joining::Opens { .. } => "opens",
        }
    }

    #[test]
    fn i12_a_reference_of_ours_joins_the_sender_to_whom_it_was_given() {
        for pointer in [Pointer::Token, Pointer::OurMessage] {
            assert_eq!(check(pointer, true, true, AuthorProof::Claimed), "joins");
            assert_eq!(check(pointer, true, false, AuthorProof::Claimed), "held");
            assert_eq!(check(pointer, true, false, AuthorProof::Proved), "joins");
        }
    }

    #[test]
    fn b1_what_dmarc_calls_forged_never_joins() {
        for pointer in [Pointer::Token, Pointer::OurMessage, Pointer::ForeignMessage, Pointer::Tag] {
            assert_eq!(check(pointer, true, true, AuthorProof::Refuted), "held");
        }
    }

    #[test]
    fn a2_a_stranger_with_a_leaked_reference_is_held() {
        for pointer in [Pointer::Token, Pointer::OurMessage, Pointer::ForeignMessage] {
            assert_eq!(check(pointer, false, false, AuthorProof::Proved), "held");
        }
    }

    #[test]
    fn a1_a_guessed_subject_tag_opens_a_new_case() {
        let tag = hit(Pointer::Tag, false, false, AuthorProof::Claimed);
        assert_eq!(join(&[tag]), Joining::Opens { claims: Some(CaseId(1)) });
        assert_eq!(check(Pointer::Tag, false, false, AuthorProof::Proved), "opens");
    }

    #[test]
    fn a_foreign_reference_or_a_tag_joins_only_an_authenticated_party() {
        for pointer in [Pointer::ForeignMessage, Pointer::Tag] {
            assert_eq!(check(pointer, true, false, AuthorProof::Proved), "joins");
            assert_eq!(check(pointer, true, false, AuthorProof::Claimed), "held");
        }
    }

    #[test]
    fn a_sender_whom_dmarc_refutes_joins_nothing() {
        for pointer in [Pointer::Token, Pointer::OurMessage, Pointer::ForeignMessage, Pointer::Tag] {
            assert_eq!(check(pointer, true, true, AuthorProof::Refuted), "held");
        }
    }

    #[test]
    fn the_first_pointer_with_a_known_sender_wins() {
        let first = hit(Pointer::Token, false, false, AuthorProof::Claimed);
        let mut second = hit(Pointer::OurMessage, true, true, AuthorProof::Claimed);
        second.case = CaseId(2);
        assert!(matches!(join(&[first, second]), Joining::Joins(CaseId(2), _)));
        assert_eq!(join(&[]), Joining::Opens { claims: None });
    }
}
