//! What can be wrong with a key.

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
    /// The key is of another kind than its algorithm.
    #[error("the key is of another kind than its algorithm")]
    Algorithm,
    /// The cryptography library gave a wrong answer to a known question, or none. Nothing it says
    /// can be trusted: a broken build, or broken hardware.
    #[error("the cryptography library failed its self test")]
    Library,
    /// The key is no Ed25519 key, or a point that everybody can sign for.
    #[error("the key is not an Ed25519 key")]
    NotEd25519,
    /// The key is none of the curve P-256 in uncompressed form, or is no point of it.
    #[error("the key is not an uncompressed P-256 key")]
    NotP256,
    /// The key is none of the curve P-384 in uncompressed form, or is no point of it.
    #[error("the key is not an uncompressed P-384 key")]
    NotP384,
    /// The key is none of the curve P-521 in uncompressed form, or is no point of it.
    #[error("the key is not an uncompressed P-521 key")]
    NotP521,
    /// The text is not one PEM block `PRIVATE KEY` (PKCS#8). `openssl pkcs8 -topk8 -nocrypt` makes
    /// one out of an `EC PRIVATE KEY`.
    #[error("the key is not one PEM block `PRIVATE KEY`")]
    NotPrivateKeyPem,
    /// The text is not one PEM block `PUBLIC KEY`: a certificate, a private key, something else.
    #[error("the key is not one PEM block `PUBLIC KEY`")]
    NotPublicKeyPem,
    /// The key is no RSA key, or its modulus is even.
    #[error("the key is not an RSA key")]
    NotRsa,
    /// The private key is neither on the curve P-256 nor an Ed25519 key, or damaged.
    #[error("the private key is neither P-256 nor Ed25519")]
    NotSigningKey,
    /// The exponent of the RSA key is even, smaller than 65537 or longer than 32 bits. With 1 every
    /// message is its own signature; small ones have been forged again and again.
    #[error("the exponent of the RSA key is not an odd number from 65537 to 32 bits")]
    RsaExponent,
    /// The RSA key was made by a chip whose keys can be factored (ROCA, CVE-2017-15361).
    #[error("the RSA key is one of those that can be factored (ROCA)")]
    RsaRoca,
    /// The RSA key has fewer than 2048 bits (RFC 7518 section 3.3), or more than 8192.
    #[error("the RSA key does not have 2048 to 8192 bits")]
    RsaSize,
    /// The secret is a key file. With a public key as the secret everybody could make tokens; use
    /// [`Jwt::es256`](crate::Jwt::es256) and its like for it.
    #[error("the secret is a PEM block")]
    SecretIsPem,
    /// The secret stands in a tutorial, in a standard or in the defaults of a framework, or is made of
    /// the words of such: `changeme`, `secretkey`.
    #[error("the secret is a published example, or is worded like one")]
    SecretPublished,
    /// The secret is a few bytes over and over, or has fewer than eight different ones.
    #[error("the secret is a short pattern over and over")]
    SecretRepeats,
    /// The secret counts up or down.
    #[error("the secret is a sequence")]
    SecretSequence,
    /// The secret is shorter than the hash: 32 bytes for HS256, 48 for HS384, 64 for HS512. RFC 7518
    /// section 3.2 asks for that much, and what is shorter can be guessed from a single token.
    #[error("the secret is shorter than the hash: it needs 32, 48 or 64 bytes")]
    SecretTooShort,
}
