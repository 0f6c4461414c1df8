//! Makes signatures with a key of one's own.
//!
//! A thin wrapper of a P-256 key pair that can be written down and read back. Where the text is
//! kept, and who may read it, is the application's business.
//! Start reading at [`SigningKey::sign`].

use std::fmt;

use aws_lc_rs::{
    error::Unspecified,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};

use crate::{
    KeyError,
    key::{P256_SPKI_PREFIX, PUBLIC_KEY},
    pem,
};

/// An ES256 key pair: what an [`Issuer`](crate::Issuer) signs with.
///
/// # Security
/// Who reads [`SigningKey::to_pkcs8_pem`] can sign in as anybody. `Debug` prints `[redacted]`.
///
/// # Examples
/// ```
/// use doorward_auth::{Jwt, SigningKey};
///
/// let key = SigningKey::generate()?;
/// let same = SigningKey::from_pkcs8_pem(&key.to_pkcs8_pem()?)?;
/// assert_eq!(key.public_pem(), same.public_pem());
///
/// let jwt = Jwt::es256(&key.public_pem())?.bound_to("https://id.example.org", "chat");
/// # drop(jwt);
/// # Ok::<_, doorward_auth::KeyError>(())
/// ```
pub struct SigningKey {
    pair: EcdsaKeyPair,
}

impl SigningKey {
    /// Draws a new key pair from the system's random source.
    ///
    /// # Errors
    /// [`KeyError::Library`]: the cryptography library could not make one.
    pub fn generate() -> Result<Self, KeyError> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)
            .map_err(|_unspecified| KeyError::Library)?;
        Ok(Self { pair })
    }

    /// Reads a private key: one PEM block `PRIVATE KEY` (RFC 7468 section 10), not encrypted.
    ///
    /// # Errors
    /// The operator's mistake, each time:
    /// - [`KeyError::NotPrivateKeyPem`]: it is no such block. Convert it.
    /// - [`KeyError::NotP256`]: it is a key of another kind or curve, or damaged. Make another.
    pub fn from_pkcs8_pem(private_key_pem: &str) -> Result<Self, KeyError> {
        let pkcs8 = pem::decode(PRIVATE_KEY, private_key_pem).ok_or(KeyError::NotPrivateKeyPem)?;
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8)
            .map_err(|_rejected| KeyError::NotP256)?;
        Ok(Self { pair })
    }

    /// Writes the private key as one PEM block `PRIVATE KEY`.
    ///
    /// # Errors
    /// [`KeyError::Library`]: the cryptography library could not write it.
    pub fn to_pkcs8_pem(&self) -> Result<String, KeyError> {
        let pkcs8 = self.pair.to_pkcs8v1().map_err(|_unspecified| KeyError::Library)?;
        Ok(pem::encode(PRIVATE_KEY, pkcs8.as_ref()))
    }

    /// Writes the public key as one PEM block `PUBLIC KEY`: what [`Jwt::es256`](crate::Jwt::es256)
    /// reads. It is no secret.
    #[must_use]
    pub fn public_pem(&self) -> String {
        pem::encode(PUBLIC_KEY, &[&P256_SPKI_PREFIX, self.pair.public_key().as_ref()].concat())
    }

    /// Signs as JWS wants it: the two numbers side by side, 64 bytes (RFC 7518 section 3.4).
    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Unspecified> {
        Ok(self.pair.sign(&SystemRandom::new(), message)?.as_ref().to_vec())
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey([redacted])")
    }
}

const PRIVATE_KEY: &str = "PRIVATE KEY";

#[cfg(test)]
mod tests;
