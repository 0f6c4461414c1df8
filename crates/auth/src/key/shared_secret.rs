//! Signs with a secret that the verifiers share.

use aws_lc_rs::hmac;

use crate::key::{error::KeyError, secret, self_test};

/// HMAC secret with which an [`Issuer`](crate::Issuer) signs.
pub(crate) struct SharedSecret(hmac::Key);

impl SharedSecret {
    /// Creates a key for HS256. Fails if the secret is too short, or can be guessed.
    pub(crate) fn hs256(bytes: &[u8]) -> Result<Self, KeyError> {
        let algorithm = hmac::HMAC_SHA256;
        secret::check(bytes, algorithm.digest_algorithm().output_len(), "HS256")?;
        self_test::run()?;
        Ok(Self(hmac::Key::new(algorithm, bytes)))
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        hmac::sign(&self.0, message).as_ref().to_vec()
    }
}

doorward_core::debug_redacted!(SharedSecret);
