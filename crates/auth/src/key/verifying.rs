//! Verifies a signature with one key and the algorithm of that key.
//!
//! A key has exactly one algorithm, so a token cannot choose another. The library `aws-lc` verifies
//! the signature, with a key that was parsed once. Guessable secrets and weak RSA keys are rejected
//! when they are loaded, so a [`VerifyingKey`] is never weak. Start reading at
//! [`VerifyingKey::verify`].

use std::{fmt, sync::Arc};

use aws_lc_rs::{
    hmac,
    signature::{ED25519, ParsedPublicKey},
};

use crate::key::{
    algorithm::{Algorithm, Kind},
    error::KeyError,
    material::Material,
    pem, rsa,
    rsa_algorithm::RsaAlgorithm,
    secret, self_test,
};

/// Key that verifies signatures.
#[derive(Clone)]
pub(crate) struct VerifyingKey {
    algorithm: Algorithm,
    material: Material,
}

impl VerifyingKey {
    /// Creates a key from an HMAC secret. Fails if the secret can be guessed.
    pub(crate) fn secret(algorithm: Algorithm, secret: &[u8]) -> Result<Self, KeyError> {
        let Kind::Hmac(hash) = algorithm.kind() else { return Err(KeyError::Algorithm) };
        secret::check(secret, hash.digest_algorithm().output_len(), algorithm.name())?;
        self_test::run()?;
        Ok(Self { algorithm, material: Material::Secret(Arc::new(hmac::Key::new(hash, secret))) })
    }

    /// Creates a key from any secret. Tests need this function, because the secrets of published
    /// test vectors are weak.
    #[cfg(test)]
    pub(crate) fn unchecked(algorithm: Algorithm, secret: &[u8]) -> Self {
        let Kind::Hmac(hash) = algorithm.kind() else { panic!("{algorithm:?} has no secret") };
        Self { algorithm, material: Material::Secret(Arc::new(hmac::Key::new(hash, secret))) }
    }

    /// Parses a public key from a single PEM block labelled `PUBLIC KEY` (RFC 7468 section 13).
    pub(crate) fn public_pem(algorithm: Algorithm, public_key_pem: &str) -> Result<Self, KeyError> {
        let spki = pem::decode(PUBLIC_KEY, public_key_pem).ok_or(KeyError::NotPublicKeyPem)?;
        let point = match algorithm.kind() {
            Kind::Ecdsa(curve) => spki.strip_prefix(curve.spki_prefix).ok_or(curve.error)?,
            Kind::EdDsa => spki.strip_prefix(&ED25519_SPKI_PREFIX).ok_or(KeyError::NotEd25519)?,
            Kind::Rsa(rsa_algorithm) => {
                let (modulus, exponent) = rsa::read_spki(&spki).ok_or(KeyError::NotRsa)?;
                return Self::rsa(rsa_algorithm, modulus, exponent);
            }
            Kind::Hmac(_) => return Err(KeyError::Algorithm),
        };
        Self::point(algorithm, point)
    }

    /// Creates a key from a point, which is uncompressed for ECDSA and has the 32 bytes of RFC 8032
    /// for `EdDSA`.
    pub(crate) fn point(algorithm: Algorithm, point: &[u8]) -> Result<Self, KeyError> {
        // Most byte strings are not points of the curve. The point is parsed here, so that a bad
        // key fails at startup and not at the first token.
        let parsed = match algorithm.kind() {
            Kind::Ecdsa(curve) if point.first() == Some(&UNCOMPRESSED) => {
                ParsedPublicKey::new(curve.verification, point).map_err(|_rejected| curve.error)?
            }
            Kind::Ecdsa(curve) => return Err(curve.error),
            Kind::EdDsa if is_low_order(point) => return Err(KeyError::NotEd25519),
            Kind::EdDsa => {
                ParsedPublicKey::new(&ED25519, point).map_err(|_rejected| KeyError::NotEd25519)?
            }
            Kind::Hmac(_) | Kind::Rsa(_) => return Err(KeyError::Algorithm),
        };
        self_test::run()?;
        Ok(Self { algorithm, material: Material::Public(parsed) })
    }

    /// Creates a key from the modulus and the exponent of an RSA key. Both are big-endian and have
    /// no leading zeros.
    pub(crate) fn rsa(
        algorithm: RsaAlgorithm,
        modulus: &[u8],
        exponent: &[u8],
    ) -> Result<Self, KeyError> {
        let parsed = rsa::parse(algorithm.parameters(), modulus, exponent)?;
        self_test::run()?;
        Ok(Self { algorithm: Algorithm::Rsa(algorithm), material: Material::Public(parsed) })
    }

    /// Returns the only algorithm whose signatures this key verifies.
    pub(crate) fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Returns `true` if this key made `signature` over `message`. HMACs are compared in constant
    /// time.
    pub(crate) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.material.verify(message, signature)
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}([redacted])", self.algorithm.name())
    }
}

/// Returns `true` if `point` is a point of small order, for which signatures can be forged without
/// the private key.
///
/// Compares the point with [`LOW_ORDER`], the encodings of the points of small order (RFC 7748
/// section 7), and ignores the sign bit.
fn is_low_order(point: &[u8]) -> bool {
    LOW_ORDER.iter().any(|low| match (point.split_last(), low.split_last()) {
        (Some((last, point)), Some((low_last, low))) => point == low && last & 0x7f == *low_last,
        _ => false,
    })
}

pub(crate) const PUBLIC_KEY: &str = "PUBLIC KEY";

/// Prefix of every Ed25519 public key before the 32 bytes of the point (RFC 8410 section 4).
pub(crate) const ED25519_SPKI_PREFIX: [u8; 12] =
    [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// First byte of an uncompressed point. Both coordinates follow it (SEC 1 section 2.3.3).
const UNCOMPRESSED: u8 = 4;

/// Encodings of the points of small order, without the sign bit. The last two encode the
/// coordinates 0 and 1 as the prime and the prime plus one, which some decoders accept.
const LOW_ORDER: [[u8; 32]; 7] = [
    filled(0x00, 0x00, 0x00),
    filled(0x01, 0x00, 0x00),
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98,
        0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53,
        0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67,
        0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac,
        0x03, 0x7a,
    ],
    filled(0xec, 0xff, 0x7f),
    filled(0xed, 0xff, 0x7f),
    filled(0xee, 0xff, 0x7f),
];

/// Returns a point of which only the first and the last byte differ from `middle`.
const fn filled(first: u8, middle: u8, last: u8) -> [u8; 32] {
    let mut point = [middle; 32];
    point[0] = first;
    point[31] = last;
    point
}

#[cfg(test)]
mod tests;
