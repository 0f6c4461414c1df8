//! Signature algorithms of RSA keys.

use crate::key::Algorithm;

/// Algorithm of the RSA keys in a set that do not state one (RFC 7518 section 3.1).
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

impl From<RsaAlgorithm> for Algorithm {
    fn from(algorithm: RsaAlgorithm) -> Self {
        match algorithm {
            RsaAlgorithm::Ps256 => Self::Ps256,
            RsaAlgorithm::Ps384 => Self::Ps384,
            RsaAlgorithm::Ps512 => Self::Ps512,
            RsaAlgorithm::Rs256 => Self::Rs256,
            RsaAlgorithm::Rs384 => Self::Rs384,
            RsaAlgorithm::Rs512 => Self::Rs512,
        }
    }
}
