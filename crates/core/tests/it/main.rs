//! Tests of the types that every crate shares: what a record says, what an error tells a client, and
//! when a session, a seat or a revocation counts.

mod audit;
mod errors;
mod handshakes;
mod ids;
mod seats;
mod time;

use doorward_core::Entropy;

/// Entropy that fills with one byte.
struct Filled(u8);

impl Entropy for Filled {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0);
    }
}
