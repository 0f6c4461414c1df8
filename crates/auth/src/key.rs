//! Decides whether a signature was made by the one key that counts.
//!
//! A key brings its algorithm along, so no token can choose one. The check itself is
//! `jsonwebtoken`'s, through its `aws-lc` provider by name: the process-wide default, which panics
//! at first use when another crate's features make it ambiguous, is never asked. Secrets are judged
//! here once, when a server starts. Certificates, key sets and key ids are absent.
//! Start reading at [`VerifyingKey::verify`].

use std::fmt;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ParsedPublicKey};
use jsonwebtoken::{Algorithm, DecodingKey, crypto::aws_lc::DEFAULT_PROVIDER};

use crate::pem;

mod self_test;

/// A key that signatures are checked with.
#[derive(Clone)]
pub(crate) struct VerifyingKey {
    algorithm: SignatureAlgorithm,
    key: DecodingKey,
}

/// The algorithms this version knows (RFC 7518 section 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SignatureAlgorithm {
    /// ECDSA over P-256 with SHA-256.
    Es256,
    /// HMAC with SHA-256.
    Hs256,
}

impl VerifyingKey {
    /// Takes an HMAC secret.
    pub(crate) fn hs256(secret: &[u8]) -> Result<Self, KeyError> {
        if secret.len() < MIN_SECRET {
            return Err(KeyError::SecretTooShort);
        }
        if secret.trim_ascii_start().starts_with(b"-----BEGIN ") {
            return Err(KeyError::SecretIsPem);
        }
        if secret.windows(2).all(|pair| pair.first() == pair.last()) {
            return Err(KeyError::SecretRepeats);
        }
        self_test::run()?;
        Ok(Self { algorithm: SignatureAlgorithm::Hs256, key: DecodingKey::from_secret(secret) })
    }

    /// Takes a P-256 public key, as a PEM block `PUBLIC KEY` (RFC 7468 section 13).
    pub(crate) fn es256(public_key_pem: &str) -> Result<Self, KeyError> {
        let spki = pem::decode(PUBLIC_KEY, public_key_pem).ok_or(KeyError::NotPublicKeyPem)?;
        let point = spki.strip_prefix(&P256_SPKI_PREFIX).ok_or(KeyError::NotP256)?;
        // Not every 65 bytes are a point of the curve: ask now, not at the first token.
        ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
            .map_err(|_rejected| KeyError::NotP256)?;
        self_test::run()?;
        Ok(Self::p256(point))
    }

    /// The name that must stand in the header of a token.
    pub(crate) fn algorithm(&self) -> &'static str {
        match self.algorithm {
            SignatureAlgorithm::Es256 => "ES256",
            SignatureAlgorithm::Hs256 => "HS256",
        }
    }

    /// Returns whether this key made `signature` over `message`. HMAC is compared in constant time.
    pub(crate) fn verify(&self, message: &[u8], signature: &Vec<u8>) -> bool {
        let algorithm = match self.algorithm {
            SignatureAlgorithm::Es256 => Algorithm::ES256,
            SignatureAlgorithm::Hs256 => Algorithm::HS256,
        };
        // The factory refuses a key of another family only, which the constructors rule out. Should
        // it ever refuse, nobody comes in.
        (DEFAULT_PROVIDER.verifier_factory)(&algorithm, &self.key)
            .is_ok_and(|verifier| verifier.verify(message, signature).is_ok())
    }

    /// Wraps an uncompressed point that is known to be one (`DecodingKey` calls raw points DER).
    fn p256(point: &[u8]) -> Self {
        Self { algorithm: SignatureAlgorithm::Es256, key: DecodingKey::from_ec_der(point) }
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}([redacted])", self.algorithm())
    }
}

/// Why a key cannot be used.
///
/// # Examples
/// ```
/// use doorward_auth::{Jwt, KeyError};
///
/// assert!(matches!(Jwt::hs256("secret"), Err(KeyError::SecretTooShort)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The cryptography library gave a wrong answer to a known question, or none. Nothing it says
    /// can be trusted: a broken build, or broken hardware.
    #[error("the cryptography library failed its self test")]
    Library,
    /// The key is none of the curve P-256 in uncompressed form, or is no point of it.
    #[error("the key is not an uncompressed P-256 key")]
    NotP256,
    /// The text is not one PEM block `PRIVATE KEY` (PKCS#8). `openssl pkcs8 -topk8 -nocrypt` makes
    /// one out of an `EC PRIVATE KEY`.
    #[error("the key is not one PEM block `PRIVATE KEY`")]
    NotPrivateKeyPem,
    /// The text is not one PEM block `PUBLIC KEY`: a certificate, a private key, something else.
    #[error("the key is not one PEM block `PUBLIC KEY`")]
    NotPublicKeyPem,
    /// The secret is a key file. With a public key as the secret everybody could make tokens; use
    /// [`Jwt::es256`](crate::Jwt::es256) for it.
    #[error("the secret is a PEM block")]
    SecretIsPem,
    /// The secret is one byte over and over.
    #[error("the secret is one repeated byte")]
    SecretRepeats,
    /// The secret has fewer than 32 bytes: RFC 7518 section 3.2 asks for a key at least as long as
    /// the hash, and what is shorter can be guessed from a single token.
    #[error("the secret has fewer than 32 bytes")]
    SecretTooShort,
}

pub(crate) const PUBLIC_KEY: &str = "PUBLIC KEY";

/// What stands before the uncompressed point in every P-256 public key (RFC 5480 section 2): the
/// algorithm id-ecPublicKey, the named curve secp256r1, and a bit string of 66 bytes. Comparing it
/// leaves no room for other curves, for explicit parameters, or for a parser.
pub(crate) const P256_SPKI_PREFIX: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// In bytes (RFC 7518 section 3.2).
const MIN_SECRET: usize = 32;

#[cfg(test)]
mod tests;
