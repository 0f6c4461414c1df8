//! Verifies a signature with the key of the cryptography library.
//!
//! The algorithm is chosen by the caller: a public key was parsed for one, and a secret has its hash.

use std::sync::Arc;

use aws_lc_rs::{hmac, signature::ParsedPublicKey};

/// Key of the cryptography library.
#[derive(Clone)]
pub(super) enum Material {
    Public(ParsedPublicKey),
    /// Shared, because the state of the two hashes takes more than a kilobyte.
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
