//! Randomness: the system's, and a repeatable sequence for the demo and for tests.
//!
//! Nothing else in postern draws randomness. [`SystemEntropy`] fails only when it is opened: each
//! seed is a hash over a secret pool, a counter and fresh bytes, so that a later fault of the
//! system's source leaves the seeds unguessable and different.

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::domain::id::Seed;
use crate::ports::{Entropy, ErrorClass, PortError};

/// Seeds from the system's source of randomness.
pub struct SystemEntropy {
    pool: Zeroizing<[u8; 32]>,
    drawn: u64,
}

impl SystemEntropy {
    /// Fills the pool.
    ///
    /// # Errors
    /// The system has no randomness to give.
    pub fn open() -> Result<Self, PortError> {
        let mut pool = Zeroizing::new([0; 32]);
        draw(pool.as_mut_slice()).map_err(|_| PortError {
            class: ErrorClass::Temporary,
            message: "the system gave no randomness; check that getrandom(2) is allowed".to_owned(),
        })?;
        Ok(Self { pool, drawn: 0 })
    }
}

impl Entropy for SystemEntropy {
    fn seed(&mut self) -> Seed {
        let mut fresh = Zeroizing::new([0; 32]);
        // A failed draw leaves zeros: pool and counter alone still make a seed nobody can guess.
        let _unneeded = draw(fresh.as_mut_slice());
        self.drawn = self.drawn.wrapping_add(1);
        hashed(&[self.pool.as_slice(), &self.drawn.to_be_bytes(), fresh.as_slice()])
    }
}

/// The same sequence of seeds for the same number. Not secret: for the demo and for tests only.
#[derive(Debug, Clone)]
pub struct SeededEntropy {
    start: u64,
    drawn: u64,
}

impl SeededEntropy {
    /// The sequence number `start`.
    #[must_use]
    pub fn new(start: u64) -> Self {
        Self { start, drawn: 0 }
    }
}

impl Entropy for SeededEntropy {
    fn seed(&mut self) -> Seed {
        self.drawn = self.drawn.wrapping_add(1);
        hashed(&[&self.start.to_be_bytes(), &self.drawn.to_be_bytes()])
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that draws randomness")]
fn draw(bytes: &mut [u8]) -> Result<(), getrandom::Error> {
    getrandom::fill(bytes)
}

fn hashed(fields: &[&[u8]]) -> Seed {
    let mut hash = Sha256::new();
    for field in fields {
        hash.update(field);
    }
    let mut seed = [0; 16];
    for (to, from) in seed.iter_mut().zip(hash.finalize()) {
        *to = from;
    }
    Seed(seed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn a_seeded_sequence_repeats_and_another_differs() {
        let draw = |start| {
            let mut entropy = SeededEntropy::new(start);
            (0..50).map(|_| entropy.seed().0).collect::<Vec<_>>()
        };
        assert_eq!(draw(7), draw(7));
        let all: HashSet<_> = draw(7).into_iter().chain(draw(8)).collect();
        assert_eq!(all.len(), 100);
    }

    #[test]
    fn system_seeds_differ_within_a_source_and_between_two() {
        let (mut one, mut two) = (SystemEntropy::open().unwrap(), SystemEntropy::open().unwrap());
        let all: HashSet<_> = (0..50).flat_map(|_| [one.seed().0, two.seed().0]).collect();
        assert_eq!(all.len(), 100);
    }
}
