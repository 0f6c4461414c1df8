//! The public half of a key of our own, in the three forms it is written in.
//!
//! A point of P-256 or of Ed25519: as a PEM block, as a JWK, and as the name that follows from it.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::{
    KeyError,
    key::{Algorithm, ED25519_SPKI_PREFIX, P256, PUBLIC_KEY, VerifyingKey},
    pem,
};

/// A public key that our own tokens are checked with.
#[derive(Clone)]
pub(crate) struct PublicKey {
    kind: PublicKeyKind,
    point: Box<[u8]>,
    verifying: VerifyingKey,
    id: Box<str>,
}

/// What our own keys may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PublicKeyKind {
    Ed25519,
    P256,
}

impl PublicKey {
    /// Takes a point: uncompressed for P-256, 32 bytes for Ed25519.
    pub(crate) fn new(kind: PublicKeyKind, point: &[u8]) -> Result<Self, KeyError> {
        let verifying = VerifyingKey::point(kind.algorithm(), point)?;
        let mut key = Self { kind, point: point.into(), verifying, id: "".into() };
        // RFC 7638 section 3: the SHA-256 of the members that make the key, sorted, without a blank.
        let hash = digest(&SHA256, key.members().to_string().as_bytes());
        key.id = URL_SAFE_NO_PAD.encode(hash).into();
        Ok(key)
    }

    /// Reads one PEM block `PUBLIC KEY` of either kind.
    pub(crate) fn from_pem(text: &str) -> Result<Self, KeyError> {
        let spki = pem::decode(PUBLIC_KEY, text).ok_or(KeyError::NotPublicKeyPem)?;
        if let Some(point) = spki.strip_prefix(P256.spki_prefix) {
            return Self::new(PublicKeyKind::P256, point);
        }
        let point = spki.strip_prefix(&ED25519_SPKI_PREFIX).ok_or(KeyError::NotSigningKey)?;
        Self::new(PublicKeyKind::Ed25519, point)
    }

    /// Writes one PEM block `PUBLIC KEY`.
    pub(crate) fn to_pem(&self) -> String {
        let prefix = match self.kind {
            PublicKeyKind::Ed25519 => &ED25519_SPKI_PREFIX[..],
            PublicKeyKind::P256 => P256.spki_prefix,
        };
        pem::encode(PUBLIC_KEY, &[prefix, &self.point].concat())
    }

    /// Writes the key for those who check our tokens (RFC 7517).
    pub(crate) fn to_jwk(&self) -> Value {
        let mut jwk = self.members();
        jwk["alg"] = json!(self.algorithm());
        jwk["kid"] = json!(self.id);
        jwk["use"] = json!("sig");
        jwk
    }

    /// The name of the key: its thumbprint (RFC 7638), so that it follows from the key alone.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn algorithm(&self) -> &'static str {
        self.verifying.algorithm().name()
    }

    pub(crate) fn verifying(&self) -> &VerifyingKey {
        &self.verifying
    }

    /// The members that make the key, in the order of the alphabet.
    fn members(&self) -> Value {
        let base64url = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match self.kind {
            PublicKeyKind::Ed25519 => {
                json!({"crv": "Ed25519", "kty": "OKP", "x": base64url(&self.point)})
            }
            PublicKeyKind::P256 => {
                // One byte says that both numbers follow.
                let (x, y) = self.point.split_at(1).1.split_at(P256.coordinate);
                json!({"crv": "P-256", "kty": "EC", "x": base64url(x), "y": base64url(y)})
            }
        }
    }
}

impl PublicKeyKind {
    fn algorithm(self) -> Algorithm {
        match self {
            Self::Ed25519 => Algorithm::EdDsa,
            Self::P256 => Algorithm::Es256,
        }
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.id)
    }
}
