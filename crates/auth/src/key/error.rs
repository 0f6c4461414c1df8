//! Errors for keys that are rejected. Their texts are for the operator who configures the keys.

/// Reason why a key is rejected. `Display` describes the problem and, if possible, the solution.
///
/// # Examples
/// ```
/// use doorward_auth::Jwt;
///
/// let error = Jwt::hs256("the-secret-of-31-bytes-exactly!").unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "the secret has 31 bytes and HS256 needs 32: make one with `openssl rand -base64 32`",
/// );
/// ```
///
/// # Security
/// The error contains only the size of the key, and no part of the key itself.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The kind of the key does not fit its algorithm.
    #[error("the key is of another kind than its algorithm")]
    Algorithm,
    /// The cryptography library failed a known-answer test, or it could not generate or write a
    /// key. After a failed test, the build or the hardware is broken, and no result of the library
    /// can be trusted.
    #[error(
        "the cryptography library failed in its self-test or while it made a key: do not use this machine or this build"
    )]
    Library,
    /// The key is not an Ed25519 key, or it is a point of small order. Signatures can be forged for
    /// such a point.
    #[error(
        "the key is not an Ed25519 key, which EdDSA needs: `openssl genpkey -algorithm ed25519` makes a pair"
    )]
    NotEd25519,
    /// The key is not an uncompressed point of the curve P-256.
    #[error(
        "the key is not an uncompressed P-256 key, which ES256 needs: \
         `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256` makes a pair"
    )]
    NotP256,
    /// The key is not an uncompressed point of the curve P-384.
    #[error(
        "the key is not an uncompressed P-384 key, which ES384 needs: \
         `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384` makes a pair"
    )]
    NotP384,
    /// The key is not an uncompressed point of the curve P-521.
    #[error(
        "the key is not an uncompressed P-521 key, which ES512 needs: \
         `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-521` makes a pair"
    )]
    NotP521,
    /// The text is not one PEM block `PRIVATE KEY` (PKCS#8). An `EC PRIVATE KEY` (SEC 1) must be
    /// converted.
    #[error(
        "the key is not one PEM block `PRIVATE KEY`: `openssl pkcs8 -topk8 -nocrypt -in FILE` makes one of a key \
         in another form"
    )]
    NotPrivateKeyPem,
    /// The text is not one PEM block `PUBLIC KEY`. Certificates and private keys must be converted.
    #[error(
        "the key is not one PEM block `PUBLIC KEY`: `openssl pkey -in FILE -pubout` makes one of a private key, \
         `openssl x509 -in FILE -pubkey -noout` of a certificate"
    )]
    NotPublicKeyPem,
    /// The key is not an RSA key, or its modulus is even or malformed.
    #[error(
        "the key is not an RSA key: `openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072` makes a pair"
    )]
    NotRsa,
    /// The key is neither a P-256 nor an Ed25519 key, or it is damaged. It is a private key, or a
    /// public key in the text of a key ring.
    #[error(
        "the key is neither a P-256 nor an Ed25519 key, or it is damaged: `openssl genpkey -algorithm ed25519` makes one"
    )]
    NotSigningKey,
    /// The exponent of the RSA key is even, smaller than 65537 or longer than 32 bits. With the
    /// exponent 1, every message is its own signature. Small exponents have repeatedly made
    /// forgeries possible.
    #[error(
        "the exponent of the RSA key is not an odd number from 65537 to 32 bits: make another pair, with 65537"
    )]
    RsaExponent,
    /// The RSA key can be factored, because a faulty chip library generated it (ROCA,
    /// CVE-2017-15361).
    #[error(
        "the RSA key is one of those that can be factored (ROCA): make another pair, not on that chip"
    )]
    RsaRoca,
    /// The RSA key has fewer than 2048 bits (RFC 7518 section 3.3), or more than 8192.
    #[error(
        "the RSA key has {bits} bits and needs 2048 to 8192: \
         `openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072` makes a pair"
    )]
    RsaSize {
        /// Size of the modulus, in bits.
        bits: usize,
    },
    /// The secret is a PEM file. If a public key were used as an HMAC secret, any client could sign
    /// tokens. Use [`Jwt::es256`](crate::Jwt::es256) or the constructor of the key's algorithm.
    #[error(
        "the secret is a PEM block: give a public key to the constructor of its algorithm, such as `Jwt::rs256`"
    )]
    SecretIsPem,
    /// The secret is an example from a tutorial, a standard or a framework, or it contains a
    /// typical placeholder such as `changeme` or `secretkey`.
    #[error(
        "the secret is a published example, or is worded like one: make one with `openssl rand -base64 64`"
    )]
    SecretPublished,
    /// The secret repeats a pattern of up to eight bytes, or has fewer than eight different bytes.
    #[error("the secret is a short pattern over and over: make one with `openssl rand -base64 64`")]
    SecretRepeats,
    /// The secret is an ascending or descending sequence.
    #[error("the secret is a sequence: make one with `openssl rand -base64 64`")]
    SecretSequence,
    /// The secret is shorter than the hash of its algorithm, which has 32 bytes for HS256, 48 for
    /// HS384 and 64 for HS512. RFC 7518 section 3.2 requires this length. An attacker with a single
    /// token can try short secrets offline.
    #[error(
        "the secret has {bytes} bytes and {algorithm} needs {needed}: \
         make one with `openssl rand -base64 {needed}`"
    )]
    SecretTooShort {
        /// Algorithm of the secret, such as `HS256`.
        algorithm: &'static str,
        /// Length of the secret, in bytes.
        bytes: usize,
        /// Minimum length for the algorithm, in bytes.
        needed: usize,
    },
}

doorward_core::debug_as_sentence!(KeyError);
