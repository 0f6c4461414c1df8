//! Constructors of [`Jwt`], one for each algorithm.
//!
//! A shared secret yields an authenticator. A public key yields an [`UnboundJwt`], because the
//! holder of the private key usually signs for many services.

use std::sync::Arc;

use crate::{
    jwt::{
        authenticator::{Jwt, Keys, unbound::UnboundJwt},
        policy::Policy,
    },
    key::{
        algorithm::Algorithm, error::KeyError, ring::KeyRing, rsa_algorithm::RsaAlgorithm,
        set::KeySet, verifying::VerifyingKey,
    },
};

/// Declares constructors for shared secrets. Their documentation differs only in the algorithm.
macro_rules! secrets {
    ($($constructor:ident($name:literal, $bytes:literal) = $algorithm:ident,)+) => {
        impl Jwt {$(
            #[doc = concat!("Trusts tokens signed with `secret` (", $name, ") of at least ", $bytes, " bytes.")]
            ///
            /// # Errors
            /// Same as [`Jwt::hs256`]. Make a new secret with `openssl rand -base64 64`.
            ///
            /// # Security
            /// Every holder of the secret can sign in as any user.
            pub fn $constructor(secret: impl AsRef<[u8]>) -> Result<Self, KeyError> {
                Self::with_secret(Algorithm::$algorithm, secret.as_ref())
            }
        )+}
    };
}

/// Declares constructors for public keys. Their documentation differs only in the algorithm.
macro_rules! public_keys {
    ($($constructor:ident($name:literal) = $algorithm:expr,)+) => {
        impl Jwt {$(
            #[doc = concat!("Trusts tokens signed with the private key of `public_key_pem` (", $name, ").")]
            ///
            /// # Errors
            /// Same as [`Jwt::es256`], with the errors of this kind of key in place of
            /// [`KeyError::NotP256`].
            pub fn $constructor(public_key_pem: &str) -> Result<UnboundJwt, KeyError> {
                Self::with_public_key($algorithm, public_key_pem)
            }
        )+}
    };
}

secrets! {
    hs384("HS384", "48") = Hs384,
    hs512("HS512", "64") = Hs512,
}

public_keys! {
    eddsa("EdDSA with Ed25519") = Algorithm::EdDsa,
    es384("ES384, on the curve P-384") = Algorithm::Es384,
    es512("ES512, on the curve P-521") = Algorithm::Es512,
    ps256("PS256, RSA of 2048 to 8192 bits") = Algorithm::Rsa(RsaAlgorithm::Ps256),
    ps384("PS384, RSA of 2048 to 8192 bits") = Algorithm::Rsa(RsaAlgorithm::Ps384),
    ps512("PS512, RSA of 2048 to 8192 bits") = Algorithm::Rsa(RsaAlgorithm::Ps512),
    rs256("RS256, RSA of 2048 to 8192 bits") = Algorithm::Rsa(RsaAlgorithm::Rs256),
    rs384("RS384, RSA of 2048 to 8192 bits") = Algorithm::Rsa(RsaAlgorithm::Rs384),
    rs512("RS512, RSA of 2048 to 8192 bits") = Algorithm::Rsa(RsaAlgorithm::Rs512),
}

impl Jwt {
    /// Trusts tokens signed with `secret` (HS256).
    ///
    /// A secret belongs to one application, so issuer and audience are optional. The default
    /// settings accept tokens that NestJS's `JwtService` signs with an `expiresIn` of up to 24
    /// hours.
    ///
    /// # Examples
    /// ```
    /// use doorward_auth::{Jwt, KeyError};
    ///
    /// assert_eq!(Jwt::hs256("a".repeat(32)).err(), Some(KeyError::SecretRepeats));
    /// ```
    ///
    /// # Errors
    /// - [`KeyError::SecretTooShort`], [`KeyError::SecretRepeats`], [`KeyError::SecretSequence`],
    ///   [`KeyError::SecretPublished`], [`KeyError::SecretIsPem`]: the operator configured an
    ///   unsuitable secret. Make a new secret with `openssl rand -base64 32`.
    /// - [`KeyError::Library`]: the cryptography library failed its self test.
    ///
    /// # Security
    /// Every holder of the secret can sign in as any user. `Debug` does not print it.
    pub fn hs256(secret: impl AsRef<[u8]>) -> Result<Self, KeyError> {
        Self::with_secret(Algorithm::Hs256, secret.as_ref())
    }

    /// Trusts tokens signed with the private key of `public_key_pem` (ES256).
    ///
    /// The key is one PEM block `PUBLIC KEY` on the curve P-256. The result becomes an
    /// authenticator when it is bound to an issuer and an audience (see [`UnboundJwt`]).
    ///
    /// # Errors
    /// - [`KeyError::NotPublicKeyPem`], [`KeyError::NotP256`]: the operator configured another kind
    ///   of key.
    /// - [`KeyError::Library`]: the cryptography library failed its self test.
    pub fn es256(public_key_pem: &str) -> Result<UnboundJwt, KeyError> {
        Self::with_public_key(Algorithm::Es256, public_key_pem)
    }

    /// Trusts tokens signed with a key of `keys`, a set that an issuer publishes.
    ///
    /// A token names its key with `kid`. A token without a `kid` is accepted only if the set has a
    /// single key. The result becomes an authenticator when it is bound to an issuer and an
    /// audience (see [`UnboundJwt`]).
    pub fn key_set(keys: KeySet) -> UnboundJwt {
        UnboundJwt(Self::new(Keys::Set(Arc::new(keys))))
    }

    /// Trusts only tokens that this server has issued with an [`Issuer`](crate::Issuer) of the same
    /// ring.
    ///
    /// Tokens of a session ([`issue_for`](crate::Issuer::issue_for)) are compared with revocations
    /// by the generation of their user (`gen`), which grows with each revocation. Other tokens are
    /// compared by their time of issue. Tokens with a lifetime longer than
    /// [`KeyRing::max_lifetime`] are refused. With [`Jwt::sessions`], a token of a session also
    /// ends with the session.
    pub fn key_ring(
        ring: Arc<KeyRing>,
        issuer: impl Into<String>,
        audience: impl Into<String>,
    ) -> Self {
        let max_lifetime = ring.longest_lifetime();
        let mut jwt = Self::new(Keys::Ring(ring))
            .issued_by(issuer)
            .audience(audience)
            .token_type("at+jwt")
            // A retired key stays trusted for this time, so no token may live longer.
            .max_lifetime(max_lifetime);
        jwt.policy.is_own = true;
        jwt
    }

    fn with_secret(algorithm: Algorithm, secret: &[u8]) -> Result<Self, KeyError> {
        VerifyingKey::secret(algorithm, secret).map(Self::with_key)
    }

    fn with_public_key(algorithm: Algorithm, pem: &str) -> Result<UnboundJwt, KeyError> {
        VerifyingKey::public_pem(algorithm, pem).map(|key| UnboundJwt(Self::with_key(key)))
    }

    fn with_key(key: VerifyingKey) -> Self {
        Self::new(Keys::One(Arc::new(key)))
    }

    pub(in crate::jwt) fn new(keys: Keys) -> Self {
        let policy = Policy::default();
        Self { keys, policy, sessions: None, takes_bearer: false, shares_users: false }
    }
}
