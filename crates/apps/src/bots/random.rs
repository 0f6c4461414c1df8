//! Draws random numbers for the behaviour of bots.

use doorward::server::{Entropy, OsEntropy};

/// Returns a random number below `end`.
pub(super) fn below(end: u64) -> u64 {
    let mut drawn = [0; 8];
    OsEntropy.fill(&mut drawn);
    u64::from_ne_bytes(drawn) % end
}
