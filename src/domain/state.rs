//! The state machines of a case, as data: one `next` per dimension, without a wildcard arm.
//!
//! The words are those of CERT's Vultron protocol. `testdata/golden/states.txt` holds the whole
//! state × trigger table of each.

use serde::{Deserialize, Serialize};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $word)] $variant),+ }

        impl $name {
            /// Every value, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word that people and the store use.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// The value of a word, whatever its case.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.word().eq_ignore_ascii_case(word))
            }
        }
    };
}

words!(
    /// Report management (Vultron RM).
    ReportState {
        /// Here, not judged yet.
        Received = "received",
        /// Judged not to be a vulnerability; open for more evidence.
        Invalid = "invalid",
        /// Judged to be a vulnerability.
        Valid = "valid",
        /// Being worked on.
        Accepted = "accepted",
        /// Put off.
        Deferred = "deferred",
        /// Done.
        Closed = "closed",
    }
);

words!(
    /// What moves a report from state to state.
    ReportTrigger {
        /// Found to be a vulnerability.
        Validate = "valid",
        /// Found not to be one.
        Invalidate = "invalid",
        /// Taken up.
        Accept = "accepted",
        /// Put off.
        Defer = "deferred",
        /// Ended, with a reason.
        Close = "closed",
        /// New evidence on a closed report.
        Reopen = "received",
    }
);

impl ReportState {
    /// The state after the trigger; `None` where the move is not allowed.
    #[must_use]
    pub fn next(self, trigger: ReportTrigger) -> Option<Self> {
        use ReportTrigger as T;
        match (self, trigger) {
            (Self::Received | Self::Invalid, T::Validate) => Some(Self::Valid),
            (Self::Received, T::Invalidate) => Some(Self::Invalid),
            (Self::Valid | Self::Deferred, T::Accept) => Some(Self::Accepted),
            (Self::Valid | Self::Accepted, T::Defer) => Some(Self::Deferred),
            (Self::Invalid | Self::Accepted | Self::Deferred, T::Close) => Some(Self::Closed),
            (Self::Closed, T::Reopen) => Some(Self::Received),
            (Self::Received, T::Accept | T::Defer | T::Close | T::Reopen)
            | (Self::Invalid, T::Invalidate | T::Accept | T::Defer | T::Reopen)
            | (Self::Valid, T::Validate | T::Invalidate | T::Close | T::Reopen)
            | (Self::Accepted, T::Validate | T::Invalidate | T::Accept | T::Reopen)
            | (Self::Deferred, T::Validate | T::Invalidate | T::Defer | T::Reopen)
            | (Self::Closed, T::Validate | T::Invalidate | T::Accept | T::Defer | T::Close) => None,
        }
    }

    /// The words of the states that can be reached in one move, for a refusal that helps.
    #[must_use]
    pub fn reachable(self) -> Vec<&'static str> {
        ReportTrigger::ALL.iter().filter_map(|trigger| self.next(*trigger)).map(Self::word).collect()
    }
}

words!(
    /// Embargo management (Vultron EM).
    EmbargoState {
        /// No embargo.
        None = "none",
        /// An end is proposed; the policy's default counts as a proposal.
        Proposed = "proposed",
        /// In force.
        Active = "active",
        /// In force, and another end is proposed.
        Revise = "revise",
        /// Over. Never comes back.
        Exited = "exited",
    }
);

words!(
    /// What moves an embargo.
    EmbargoTrigger {
        /// An end is proposed.
        Propose = "propose",
        /// The proposal stands.
        Accept = "accept",
        /// The proposal falls.
        Reject = "reject",
        /// The embargo ends: published, lifted, leaked or attacked.
        Exit = "exit",
    }
);

impl EmbargoState {
    /// The state after the trigger; `None` where the move is not allowed.
    #[must_use]
    pub fn next(self, trigger: EmbargoTrigger) -> Option<Self> {
        use EmbargoTrigger as T;
        match (self, trigger) {
            (Self::None | Self::Proposed, T::Propose) => Some(Self::Proposed),
            (Self::Active | Self::Revise, T::Propose) => Some(Self::Revise),
            (Self::Proposed | Self::Revise, T::Accept) => Some(Self::Active),
            (Self::Proposed, T::Reject) => Some(Self::None),
            (Self::Revise, T::Reject) => Some(Self::Active),
            (Self::None | Self::Proposed | Self::Active | Self::Revise, T::Exit) => Some(Self::Exited),
            (Self::None, T::Accept | T::Reject)
            | (Self::Active, T::Accept | T::Reject)
            | (Self::Exited, T::Propose | T::Accept | T::Reject | T::Exit) => None,
        }
    }

    /// Whether something about the case is secret now.
    #[must_use]
    pub fn in_force(self) -> bool {
        matches!(self, Self::Proposed | Self::Active | Self::Revise)
    }
}

words!(
    /// The way of an advisory to the public.
    PublicationState {
        /// Nothing to publish yet.
        None = "none",
        /// A text exists.
        Draft = "draft",
        /// A member has asked for publication and the exact text was shown.
        Approved = "approved",
        /// Sent.
        Public = "public",
    }
);

words!(
    /// What moves an advisory.
    PublicationTrigger {
        /// A text was written or changed; what was approved is void.
        Write = "write",
        /// The exact text was shown for confirmation.
        Show = "show",
        /// Confirmed and handed to the outbox.
        Publish = "publish",
    }
);

impl PublicationState {
    /// The state after the trigger; `None` where the move is not allowed.
    #[must_use]
    pub fn next(self, trigger: PublicationTrigger) -> Option<Self> {
        use PublicationTrigger as T;
        match (self, trigger) {
            (Self::None | Self::Draft | Self::Approved, T::Write) => Some(Self::Draft),
            (Self::Draft | Self::Approved, T::Show) => Some(Self::Approved),
            (Self::Approved, T::Publish) => Some(Self::Public),
            (Self::None, T::Show | T::Publish)
            | (Self::Draft, T::Publish)
            | (Self::Public, T::Write | T::Show | T::Publish) => None,
        }
    }
}

words!(
    /// The conversation with a maintainer, on which the one-month rule turns.
    ContactState {
        /// Nobody has been written to.
        None = "none",
        /// The notice is queued; no clock runs until the relay has taken it.
        Notified = "notified",
        /// The relay has taken the notice: the clock runs.
        Contacted = "contacted",
        /// The notice came back: the clock is suspended and the team was told.
        Suspended = "suspended",
        /// A person has answered.
        Replied = "replied",
        /// A month went by without an answer.
        Silent = "silent",
    }
);

words!(
    /// What moves the conversation with a maintainer.
    ContactTrigger {
        /// A notice goes out.
        Notify = "notify",
        /// The relay took it.
        Accepted = "accepted",
        /// It came back, or could not be sealed or delivered.
        Bounce = "bounce",
        /// A person answered.
        Reply = "reply",
        /// The last clock ran out.
        Lapse = "lapse",
    }
);

impl ContactState {
    /// The state after the trigger; `None` where the trigger changes nothing.
    #[must_use]
    pub fn next(self, trigger: ContactTrigger) -> Option<Self> {
        use ContactTrigger as T;
        match (self, trigger) {
            (
                Self::None | Self::Notified | Self::Contacted | Self::Suspended | Self::Replied | Self::Silent,
                T::Notify,
            ) => Some(Self::Notified),
            (Self::Notified, T::Accepted) => Some(Self::Contacted),
            (Self::Notified | Self::Contacted, T::Bounce) => Some(Self::Suspended),
            (Self::Notified | Self::Contacted | Self::Suspended | Self::Silent, T::Reply) => Some(Self::Replied),
            (Self::Contacted, T::Lapse) => Some(Self::Silent),
            (Self::None, T::Accepted | T::Bounce | T::Reply | T::Lapse)
            | (Self::Notified | Self::Suspended, T::Lapse)
            | (Self::Contacted | Self::Suspended, T::Accepted)
            | (Self::Suspended, T::Bounce)
            | (Self::Replied | Self::Silent, T::Accepted | T::Bounce | T::Lapse)
            | (Self::Replied, T::Reply) => None,
        }
    }
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
