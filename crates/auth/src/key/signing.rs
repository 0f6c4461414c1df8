//! Signs with a key pair of the server.
//!
//! A [`SigningKey`] is a P-256 or Ed25519 key pair that can be saved as text and loaded again. The
//! application decides where the text is stored and which processes may read it. Start reading at
//! [`SigningKey::sign`].

use aws_lc_rs::{
    error::Unspecified,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _},
};

use crate::key::{
    error::KeyError,
    pem,
    public::{PublicKey, PublicKeyKind},
};

/// Key pair with which an [`Issuer`](crate::Issuer) signs (ES256 or `EdDSA`).
///
/// # Security
/// Every reader of the text that [`SigningKey::to_pkcs8_pem`] returns can sign in as any user.
/// `Debug` prints `[redacted]`.
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
    /// Generates a key pair on the curve P-256 (ES256) from the system's random source.
    ///
    /// # Errors
    /// [`KeyError::Library`]: the cryptography library failed.
    pub fn generate() -> Result<Self, KeyError> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)
            .map_err(|_unspecified| KeyError::Library)?;
        Self::new(Pair::Ecdsa(pair))
    }

    /// Generates an Ed25519 key pair (`EdDSA`) from the system's random source.
    ///
    /// Compared with ES256, signing is faster and verifying is slower. Fewer libraries support
    /// `EdDSA`.
    ///
    /// # Errors
    /// [`KeyError::Library`]: the cryptography library failed.
    pub fn generate_ed25519() -> Result<Self, KeyError> {
        let pair = Ed25519KeyPair::generate().map_err(|_unspecified| KeyError::Library)?;
        Self::new(Pair::Ed25519(pair))
    }

    /// Reads a P-256 or Ed25519 private key from one PEM block `PRIVATE KEY` (RFC 7468 section 10).
    /// The key must not be encrypted.
    ///
    /// # Errors
    /// The operator must correct the configured key:
    /// - [`KeyError::NotPrivateKeyPem`]: the text is not one block `PRIVATE KEY`. Convert the key.
    /// - [`KeyError::NotSigningKey`]: the key is of another kind or on another curve, or it is
    ///   damaged. Make a new key.
    pub fn from_pkcs8_pem(private_key_pem: &str) -> Result<Self, KeyError> {
        let pkcs8 = pem::decode(PRIVATE_KEY, private_key_pem).ok_or(KeyError::NotPrivateKeyPem)?;
        // PKCS#8 states the kind of key, so at most one of the two parsers accepts it.
        let ecdsa = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8);
        let pair = match ecdsa {
            Ok(pair) => Pair::Ecdsa(pair),
            Err(_other_kind) => Ed25519KeyPair::from_pkcs8(&pkcs8)
                .map(Pair::Ed25519)
                .map_err(|_rejected| KeyError::NotSigningKey)?,
        };
        Self::new(pair)
    }

    /// Returns the private key as one PEM block `PRIVATE KEY`.
    ///
    /// # Errors
    /// [`KeyError::Library`]: the cryptography library failed.
    pub fn to_pkcs8_pem(&self) -> Result<String, KeyError> {
        let pkcs8 = match &self.pair {
            Pair::Ecdsa(pair) => pair.to_pkcs8v1(),
            Pair::Ed25519(pair) => pair.to_pkcs8v1(),
        };
        let pkcs8 = pkcs8.map_err(|_unspecified| KeyError::Library)?;
        Ok(pem::encode(PRIVATE_KEY, pkcs8.as_ref()))
    }

    /// Returns the public key as one PEM block `PUBLIC KEY`, for [`Jwt::es256`](crate::Jwt::es256)
    /// or [`Jwt::eddsa`](crate::Jwt::eddsa). The text is not secret.
    #[must_use]
    pub fn public_pem(&self) -> String {
        self.public.to_pem()
    }

    /// Returns the name of the key in tokens and in JWKS (`kid`), which is its thumbprint (RFC
    /// 7638). The name is not secret.
    #[must_use]
    pub fn id(&self) -> &str {
        self.public.id()
    }

    pub(crate) fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Returns the signature of `message` in the 64 bytes that JWS defines (RFC 7518 section 3.4,
    /// RFC 8037 section 3.1).
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

doorward_core::debug_redacted!(SigningKey);

pub(crate) const PRIVATE_KEY: &str = "PRIVATE KEY";

#[cfg(test)]
mod tests;
