//! Makes signatures with a key of one's own.
//!
//! A thin wrapper of a key pair, on the curve P-256 or of Ed25519, that can be written down and read
//! back. Where the text is kept, and who may read it, is the application's business.
//! Start reading at [`SigningKey::sign`].

use std::fmt;

use aws_lc_rs::{
    error::Unspecified,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _},
};

use crate::{
    KeyError, pem,
    public_key::{PublicKey, PublicKeyKind},
};

/// A key pair: what an [`Issuer`](crate::Issuer) signs with (ES256 or `EdDSA`).
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
    pair: Pair,
    public: PublicKey,
}

enum Pair {
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl SigningKey {
    /// Draws a new key pair on the curve P-256 (ES256) from the system's random source.
    ///
    /// # Errors
    /// [`KeyError::Library`]: the cryptography library could not make one.
    pub fn generate() -> Result<Self, KeyError> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)
            .map_err(|_unspecified| KeyError::Library)?;
        Self::new(Pair::Ecdsa(pair))
    }

    /// Draws a new Ed25519 key pair (`EdDSA`) from the system's random source.
    ///
    /// Its signatures are made faster and checked slower than those of ES256, which more libraries know.
    ///
    /// # Errors
    /// [`KeyError::Library`]: the cryptography library could not make one.
    pub fn generate_ed25519() -> Result<Self, KeyError> {
        let pair = Ed25519KeyPair::generate().map_err(|_unspecified| KeyError::Library)?;
        Self::new(Pair::Ed25519(pair))
    }

    /// Reads a private key of either kind: one PEM block `PRIVATE KEY` (RFC 7468 section 10), not
    /// encrypted.
    ///
    /// # Errors
    /// The operator's mistake, each time:
    /// - [`KeyError::NotPrivateKeyPem`]: it is no such block. Convert it.
    /// - [`KeyError::NotSigningKey`]: it is a key of another kind or curve, or damaged. Make another.
    pub fn from_pkcs8_pem(private_key_pem: &str) -> Result<Self, KeyError> {
        let pkcs8 = pem::decode(PRIVATE_KEY, private_key_pem).ok_or(KeyError::NotPrivateKeyPem)?;
        let ecdsa = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8);
        let pair = match ecdsa {
            Ok(pair) => Pair::Ecdsa(pair),
            Err(_other_kind) => Ed25519KeyPair::from_pkcs8(&pkcs8)
                .map(Pair::Ed25519)
                .map_err(|_rejected| KeyError::NotSigningKey)?,
        };
        Self::new(pair)
    }

    /// Writes the private key as one PEM block `PRIVATE KEY`.
    ///
    /// # Errors
    /// [`KeyError::Library`]: the cryptography library could not write it.
    pub fn to_pkcs8_pem(&self) -> Result<String, KeyError> {
        let pkcs8 = match &self.pair {
            Pair::Ecdsa(pair) => pair.to_pkcs8v1(),
            Pair::Ed25519(pair) => pair.to_pkcs8v1(),
        };
        let pkcs8 = pkcs8.map_err(|_unspecified| KeyError::Library)?;
        Ok(pem::encode(PRIVATE_KEY, pkcs8.as_ref()))
    }

    /// Writes the public key as one PEM block `PUBLIC KEY`: what [`Jwt::es256`](crate::Jwt::es256) or
    /// [`Jwt::eddsa`](crate::Jwt::eddsa) reads. It is no secret.
    #[must_use]
    pub fn public_pem(&self) -> String {
        self.public.to_pem()
    }

    /// The name of the key in tokens and in JWKS (`kid`): its thumbprint (RFC 7638). It is no secret.
    #[must_use]
    pub fn id(&self) -> &str {
        self.public.id()
    }

    pub(crate) fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Signs as JWS wants it: 64 bytes (RFC 7518 section 3.4, RFC 8037 section 3.1).
    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Unspecified> {
        let signature = match &self.pair {
            Pair::Ecdsa(pair) => pair.sign(&SystemRandom::new(), message)?,
            Pair::Ed25519(pair) => pair.try_sign(message)?,
        };
        Ok(signature.as_ref().to_vec())
    }

    fn new(pair: Pair) -> Result<Self, KeyError> {
        let public = match &pair {
            Pair::Ecdsa(pair) => PublicKey::new(PublicKeyKind::P256, pair.public_key().as_ref()),
            Pair::Ed25519(pair) => {
                PublicKey::new(PublicKeyKind::Ed25519, pair.public_key().as_ref())
            }
        };
        Ok(Self { pair, public: public? })
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey([redacted])")
    }
}

pub(crate) const PRIVATE_KEY: &str = "PRIVATE KEY";

#[cfg(test)]
mod tests;
