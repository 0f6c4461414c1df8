//! Writes the public half of the server's own keys as PEM and as JWK, and derives the name of a
//! key.
//!
//! A key is a point of P-256 or Ed25519. The name of a key is its thumbprint (RFC 7638).

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::key::{
    algorithm::{Algorithm, P256},
    error::KeyError,
    pem,
    verifying::{ED25519_SPKI_PREFIX, PUBLIC_KEY, VerifyingKey},
};

/// Public key that verifies the server's own tokens.
#[derive(Clone)]
pub(crate) struct PublicKey {
    kind: PublicKeyKind,
    /// Bytes of the point, uncompressed for P-256.
    point: Box<[u8]>,
    verifying: VerifyingKey,
    id: Box<str>,
}

/// Kind of one of the server's own keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PublicKeyKind {
    Ed25519,
    P256,
}

impl PublicKey {
    /// Creates a key from a point, which is uncompressed for P-256 and has 32 bytes for Ed25519.
    /// Fails if the point is not valid.
    pub(crate) fn new(kind: PublicKeyKind, point: &[u8]) -> Result<Self, KeyError> {
        let algorithm = match kind {
            PublicKeyKind::Ed25519 => Algorithm::EdDsa,
            PublicKeyKind::P256 => Algorithm::Es256,
        };
        let verifying = VerifyingKey::point(algorithm, point)?;
        // The id is computed below from the other fields.
        let mut key = Self { kind, point: point.into(), verifying, id: "".into() };
        // The thumbprint (RFC 7638 section 3) is the SHA-256 of the required members, sorted and
        // without white space.
        let hash = digest(&SHA256, key.members().to_string().as_bytes());
        key.id = URL_SAFE_NO_PAD.encode(hash).into();
        Ok(key)
    }

    /// Reads a P-256 or Ed25519 key from one PEM block `PUBLIC KEY`.
    pub(crate) fn from_pem(text: &str) -> Result<Self, KeyError> {
        let spki = pem::decode(PUBLIC_KEY, text).ok_or(KeyError::NotPublicKeyPem)?;
        if let Some(point) = spki.strip_prefix(P256.spki_prefix) {
            return Self::new(PublicKeyKind::P256, point);
        }
        let point = spki.strip_prefix(&ED25519_SPKI_PREFIX).ok_or(KeyError::NotSigningKey)?;
        Self::new(PublicKeyKind::Ed25519, point)
    }

    /// Returns the key as one PEM block `PUBLIC KEY`.
    pub(crate) fn to_pem(&self) -> String {
        let prefix = match self.kind {
            PublicKeyKind::Ed25519 => &ED25519_SPKI_PREFIX[..],
            PublicKeyKind::P256 => P256.spki_prefix,
        };
        pem::encode(PUBLIC_KEY, &[prefix, &self.point].concat())
    }

    /// Returns the key as a JWK (RFC 7517). Other services use it to verify the tokens of this
    /// server.
    pub(crate) fn to_jwk(&self) -> Value {
        let mut jwk = self.members();
        jwk["alg"] = json!(self.algorithm());
        jwk["kid"] = json!(self.id);
        jwk["use"] = json!("sig");
        jwk
    }

    /// Returns the name of the key, which is its thumbprint (RFC 7638). The name depends on the key
    /// alone.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn algorithm(&self) -> &'static str {
        self.verifying.algorithm().name()
    }

    pub(crate) fn verifying(&self) -> &VerifyingKey {
        &self.verifying
    }

    /// Returns the required members of the JWK in alphabetical order, as the thumbprint needs them.
    fn members(&self) -> Value {
        let base64url = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match self.kind {
            PublicKeyKind::Ed25519 => {
                json!({"crv": "Ed25519", "kty": "OKP", "x": base64url(&self.point)})
            }
            PublicKeyKind::P256 => {
                // The first byte marks an uncompressed point.
                let (x, y) = self.point.split_at(1).1.split_at(P256.coordinate);
                json!({"crv": "P-256", "kty": "EC", "x": base64url(x), "y": base64url(y)})
            }
        }
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.id)
    }
}
