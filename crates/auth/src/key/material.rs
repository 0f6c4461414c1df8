//! Verifies a signature with a key of the cryptography library.
//!
//! A key has one algorithm. A public key was parsed for this algorithm, and a secret has the hash
//! function of this algorithm.

use std::sync::Arc;

use aws_lc_rs::{hmac, signature::ParsedPublicKey};

/// Key of the cryptography library.
#[derive(Clone)]
pub(super) enum Material {
    Public(ParsedPublicKey),
    /// HMAC key. It is shared, because the state of its two hashes takes more than a kilobyte.
    Secret(Arc<hmac::Key>),
}

impl Material {
    /// Returns `true` if this key made `signature` over `message`. HMACs are compared in constant
    /// time.
    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Public(key) => key.verify_sig(message, signature).is_ok(),
            Self::Secret(key) => hmac::verify(key, message, signature).is_ok(),
        }
    }
}
