//! Tests of the types that all crates share, such as audit records, errors, sessions, seats and
//! revocations.

mod audit;
mod errors;
mod handshakes;
mod ids;
mod seats;
mod time;

use doorward_core::Entropy;

/// Entropy source that repeats one byte.
struct Filled(u8);

impl Entropy for Filled {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0);
    }
}
