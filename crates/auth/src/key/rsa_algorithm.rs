//! Signature algorithms of RSA keys (RFC 7518 sections 3.3 and 3.5).

use aws_lc_rs::signature::{
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
    RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters,
};

/// Signature algorithm of an RSA key (RFC 7518 section 3.1). Pass it to
/// [`KeySet::from_jwks_for`](crate::KeySet::from_jwks_for) for keys that do not state their
/// algorithm.
///
/// # Examples
/// ```
/// use doorward_auth::{KeySet, KeySetError, RsaAlgorithm};
///
/// /// Reads the keys of Entra ID, which signs with RS256.
/// fn read(jwks: &str) -> Result<KeySet, KeySetError> {
///     KeySet::from_jwks_for(jwks, RsaAlgorithm::Rs256)
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RsaAlgorithm {
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// RSASSA-PSS with SHA-384.
    Ps384,
    /// RSASSA-PSS with SHA-512.
    Ps512,
    /// RSASSA-PKCS1-v1_5 with SHA-256, the algorithm of most issuers.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512,
}

impl RsaAlgorithm {
    /// Returns the name of the algorithm in the header of a token (`alg`).
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
        }
    }

    pub(super) fn parameters(self) -> &'static RsaParameters {
        match self {
            Self::Ps256 => &RSA_PSS_2048_8192_SHA256,
            Self::Ps384 => &RSA_PSS_2048_8192_SHA384,
            Self::Ps512 => &RSA_PSS_2048_8192_SHA512,
            Self::Rs256 => &RSA_PKCS1_2048_8192_SHA256,
            Self::Rs384 => &RSA_PKCS1_2048_8192_SHA384,
            Self::Rs512 => &RSA_PKCS1_2048_8192_SHA512,
        }
    }
}
