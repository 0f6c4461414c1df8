//! Signature algorithms of keys (RFC 7518 section 3.1, RFC 8037 section 3.1).
//!
//! Each key has one algorithm, so a token cannot choose another. `jwt/header.rs` compares the `alg`
//! of the token with the algorithm of the key.

use aws_lc_rs::{
    hmac,
    signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED,
        EcdsaVerificationAlgorithm,
    },
};

use crate::key::{error::KeyError, rsa_algorithm::RsaAlgorithm};

/// Signature algorithm. The value `none` of unsigned tokens is not supported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
    /// `EdDSA` with Ed25519. Ed448 is not supported.
    EdDsa,
    Es256,
    Es384,
    Es512,
    Hs256,
    Hs384,
    Hs512,
    Rsa(RsaAlgorithm),
}

/// Kind of the key that an algorithm uses.
pub(super) enum Kind {
    Ecdsa(&'static Curve),
    EdDsa,
    Hmac(hmac::Algorithm),
    Rsa(RsaAlgorithm),
}

/// NIST curve, with the only algorithm that JWS defines for this curve (RFC 7518 section 3.4).
pub(crate) struct Curve {
    pub(crate) algorithm: Algorithm,
    /// Name of the curve in a JWK (`crv`).
    pub(crate) name: &'static str,
    /// Length of one coordinate, in bytes.
    pub(crate) coordinate: usize,
    /// Bytes in the DER of every public key of this curve that precede the uncompressed point (RFC
    /// 5480 section 2). They contain the algorithm id-ecPublicKey, the name of the curve, and the
    /// header of the BIT STRING. Comparing these bytes excludes other curves and explicit
    /// parameters without a parser.
    pub(crate) spki_prefix: &'static [u8],
    pub(super) verification: &'static EcdsaVerificationAlgorithm,
    /// Error for a key that is not a point of this curve.
    pub(crate) error: KeyError,
}

impl Algorithm {
    pub(crate) const ALL: [Self; 13] = [
        Self::EdDsa,
        Self::Es256,
        Self::Es384,
        Self::Es512,
        Self::Hs256,
        Self::Hs384,
        Self::Hs512,
        Self::Rsa(RsaAlgorithm::Ps256),
        Self::Rsa(RsaAlgorithm::Ps384),
        Self::Rsa(RsaAlgorithm::Ps512),
        Self::Rsa(RsaAlgorithm::Rs256),
        Self::Rsa(RsaAlgorithm::Rs384),
        Self::Rsa(RsaAlgorithm::Rs512),
    ];

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.is_named(name))
    }

    /// Returns `true` if `name` is a name of this algorithm, compared byte for byte. RFC 9864 gives
    /// `EdDSA` with an Ed25519 key the new name `Ed25519`. Issuers use both names.
    pub(crate) fn is_named(self, name: &str) -> bool {
        name == self.name() || self == Self::EdDsa && name == "Ed25519"
    }

    /// Returns the name of the algorithm in the header of a token (`alg`).
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
            Self::Hs256 => "HS256",
            Self::Hs384 => "HS384",
            Self::Hs512 => "HS512",
            Self::Rsa(rsa) => rsa.name(),
        }
    }

    pub(super) fn kind(self) -> Kind {
        match self {
            Self::EdDsa => Kind::EdDsa,
            Self::Es256 => Kind::Ecdsa(&P256),
            Self::Es384 => Kind::Ecdsa(&P384),
            Self::Es512 => Kind::Ecdsa(&P521),
            Self::Hs256 => Kind::Hmac(hmac::HMAC_SHA256),
            Self::Hs384 => Kind::Hmac(hmac::HMAC_SHA384),
            Self::Hs512 => Kind::Hmac(hmac::HMAC_SHA512),
            Self::Rsa(rsa) => Kind::Rsa(rsa),
        }
    }

    /// Returns `true` if the keys of the algorithm are public.
    pub(crate) fn is_public(self) -> bool {
        !self.is_hmac()
    }

    /// Returns `true` if the keys of the algorithm are shared secrets.
    pub(crate) fn is_hmac(self) -> bool {
        matches!(self.kind(), Kind::Hmac(_))
    }
}

impl Curve {
    pub(crate) const ALL: [&'static Self; 3] = [&P256, &P384, &P521];
}

pub(crate) static P256: Curve = Curve {
    algorithm: Algorithm::Es256,
    name: "P-256",
    coordinate: 32,
    spki_prefix: &[
        0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08,
        0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
    ],
    verification: &ECDSA_P256_SHA256_FIXED,
    error: KeyError::NotP256,
};

static P384: Curve = Curve {
    algorithm: Algorithm::Es384,
    name: "P-384",
    coordinate: 48,
    spki_prefix: &[
        0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05,
        0x2b, 0x81, 0x04, 0x00, 0x22, 0x03, 0x62, 0x00,
    ],
    verification: &ECDSA_P384_SHA384_FIXED,
    error: KeyError::NotP384,
};

static P521: Curve = Curve {
    algorithm: Algorithm::Es512,
    name: "P-521",
    coordinate: 66,
    spki_prefix: &[
        0x30, 0x81, 0x9b, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06,
        0x05, 0x2b, 0x81, 0x04, 0x00, 0x23, 0x03, 0x81, 0x86, 0x00,
    ],
    verification: &ECDSA_P521_SHA512_FIXED,
    error: KeyError::NotP521,
};
