//! What can be wrong with a key, in words for the operator who has configured it.

/// Why a key cannot be used. The text says what the key has, what it needs and how to make one.
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
/// It holds nothing of the key but its size.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The key is of another kind than its algorithm.
    #[error("the key is of another kind than its algorithm")]
    Algorithm,
    /// The cryptography library gave a wrong answer to a known question, or none. Nothing it says
    /// can be trusted: a broken build, or broken hardware.
    #[error("the cryptography library failed its self test: do not use this machine or this build")]
    Library,
    /// The key is no Ed25519 key, or a point that everybody can sign for.
    #[error(
        "the key is not an Ed25519 key, which EdDSA needs: `openssl genpkey -algorithm ed25519` makes a pair"
    )]
    NotEd25519,
    /// The key is none of the curve P-256 in uncompressed form, or is no point of it.
    #[error(
        "the key is not an uncompressed P-256 key, which ES256 needs: \
         `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256` makes a pair"
    )]
    NotP256,
    /// The key is none of the curve P-384 in uncompressed form, or is no point of it.
    #[error(
        "the key is not an uncompressed P-384 key, which ES384 needs: \
         `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384` makes a pair"
    )]
    NotP384,
    /// The key is none of the curve P-521 in uncompressed form, or is no point of it.
    #[error(
        "the key is not an uncompressed P-521 key, which ES512 needs: \
         `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-521` makes a pair"
    )]
    NotP521,
    /// The text is not one PEM block `PRIVATE KEY` (PKCS#8), such as an `EC PRIVATE KEY`.
    #[error(
        "the key is not one PEM block `PRIVATE KEY`: `openssl pkcs8 -topk8 -nocrypt -in FILE` makes one of a key \
         in another form"
    )]
    NotPrivateKeyPem,
    /// The text is not one PEM block `PUBLIC KEY`: a certificate, a private key, something else.
    #[error(
        "the key is not one PEM block `PUBLIC KEY`: `openssl pkey -in FILE -pubout` makes one of a private key, \
         `openssl x509 -in FILE -pubkey -noout` of a certificate"
    )]
    NotPublicKeyPem,
    /// The key is no RSA key, or its modulus is even.
    #[error(
        "the key is not an RSA key: `openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072` makes a pair"
    )]
    NotRsa,
    /// The private key is neither on the curve P-256 nor an Ed25519 key, or damaged.
    #[error(
        "the private key is neither P-256 nor Ed25519: `openssl genpkey -algorithm ed25519` makes one"
    )]
    NotSigningKey,
    /// The exponent of the RSA key is even, smaller than 65537 or longer than 32 bits. With 1 every
    /// message is its own signature; small ones have been forged again and again.
    #[error(
        "the exponent of the RSA key is not an odd number from 65537 to 32 bits: make another pair, with 65537"
    )]
    RsaExponent,
    /// The RSA key was made by a chip whose keys can be factored (ROCA, CVE-2017-15361).
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
        /// Of its modulus.
        bits: usize,
    },
    /// The secret is a key file. With a public key as the secret everybody could make tokens; use
    /// [`Jwt::es256`](crate::Jwt::es256) and its like for it.
    #[error(
        "the secret is a PEM block: give a public key to the constructor of its algorithm, such as `Jwt::rs256`"
    )]
    SecretIsPem,
    /// The secret stands in a tutorial, in a standard or in the defaults of a framework, or is made of
    /// the words of such: `changeme`, `secretkey`.
    #[error(
        "the secret is a published example, or is worded like one: make one with `openssl rand -base64 64`"
    )]
    SecretPublished,
    /// The secret is a few bytes over and over, or has fewer than eight different ones.
    #[error("the secret is a short pattern over and over: make one with `openssl rand -base64 64`")]
    SecretRepeats,
    /// The secret counts up or down.
    #[error("the secret is a sequence: make one with `openssl rand -base64 64`")]
    SecretSequence,
    /// The secret is shorter than the hash: 32 bytes for HS256, 48 for HS384, 64 for HS512. RFC 7518
    /// section 3.2 asks for that much, and what is shorter can be guessed from a single token.
    #[error(
        "the secret has {bytes} bytes and {algorithm} needs {needed}: \
         make one with `openssl rand -base64 {needed}`"
    )]
    SecretTooShort {
        /// What it is for, such as `HS256`.
        algorithm: &'static str,
        /// How long it is.
        bytes: usize,
        /// How long it has to be.
        needed: usize,
    },
}

doorward_core::debug_as_sentence!(KeyError);
