//! Decides whether an access token speaks for somebody, and for whom.
//!
//! A token passes size, structure, header, signature and claims, in this order, and the first that
//! fails refuses it. Only a token that is good in everything but its time is told that; all others
//! are refused alike. Keys and revocation lists are never fetched, and no credential other than
//! `auth.token` is looked at.
//! Start reading at [`Jwt::verify`], then [`Policy::check`](policy::Policy::check).

use std::time::{Duration, SystemTime};

use doorward_core::{
    Auth, AuthenticateError, Authenticator, Grant, Handshake, Refusal, RefusalReason,
};
use serde_json::Value;

use self::policy::{Audience, Policy};
use crate::{Claims, KeyError, Loaded, UserLoader, key::VerifyingKey};

mod header;
mod object;
mod parts;
mod policy;
mod unbound;

pub use self::unbound::UnboundJwt;

/// Authenticates clients that show an access token: a JWT (RFC 7519) in `auth.token`.
///
/// On the client: `io(url, { auth: { token } })`. A token in the query string or in a header is
/// never looked at. Make one with [`Jwt::hs256`] for a secret that the application shares with this
/// server, or with [`Jwt::es256`] for the public key of an issuer.
///
/// | setting | default |
/// |---|---|
/// | [`issuer`](Jwt::issuer) | any, `iss` may be absent |
/// | [`audience`](Jwt::audience) | none: a token that has an `aud` is meant for somebody else |
/// | [`token_type`](Jwt::token_type) | `typ` absent, `JWT` or `at+jwt` |
/// | [`max_lifetime`](Jwt::max_lifetime) | 24 hours |
/// | [`leeway`](Jwt::leeway) | 5 seconds for `nbf` and `iat`, none for `exp` |
///
/// Always asked: at most 8 KiB; three segments of strict base64url; the algorithm of the key; no
/// `crit`, `b64`, `jwk`, `jku`, `x5u` or `x5c` in the header; no member named twice; JSON no deeper
/// than 32; `sub` of 1-255 printable characters, `jti` and `sid` too where they are present; `exp`
/// present and not reached; `exp`, `nbf` and `iat` whole seconds since 1970 in digits.
///
/// Times are compared with [`Handshake::at`], the server's own clock. The grant's user is `sub`, its
/// token `jti`, its session `sid`, and it ends at `exp`.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use doorward_auth::Jwt;
///
/// let jwt = Jwt::hs256("4fzGDmbc1gPDeSsCcEOgxE8uSNmuXZcT")?
///     .issuer("https://app.example.org")
///     .max_lifetime(Duration::from_secs(15 * 60));
/// # drop(jwt);
/// # Ok::<_, doorward_auth::KeyError>(())
/// ```
///
/// # Security
/// A `kid` is not used to find a key and opens nothing. What a client reads is the same for every
/// reason but one: `token_expired`, which only the holder of a genuine token can cause.
/// Revocation is not decided here.
#[derive(Clone, Debug)]
#[must_use = "it authenticates nobody until a server is built with it"]
pub struct Jwt {
    key: VerifyingKey,
    policy: Policy,
}

impl Jwt {
    /// Trusts whoever knows `secret` (HS256).
    ///
    /// A secret belongs to one application, so issuer and audience need not be configured: with the
    /// default policy a plain token, as NestJS's `JwtService` signs it, is accepted.
    ///
    /// # Examples
    /// ```
    /// use doorward_auth::{Jwt, KeyError};
    ///
    /// assert_eq!(Jwt::hs256("a".repeat(32)).err(), Some(KeyError::SecretRepeats));
    /// ```
    ///
    /// # Errors
    /// - [`KeyError::SecretTooShort`], [`KeyError::SecretRepeats`], [`KeyError::SecretIsPem`]: the
    ///   operator's mistake. Make a new secret: `openssl rand -base64 32`.
    /// - [`KeyError::Library`]: this machine cannot check signatures.
    ///
    /// # Security
    /// Whoever knows the secret can sign in as anybody. It is not kept in a form that prints.
    pub fn hs256(secret: impl AsRef<[u8]>) -> Result<Self, KeyError> {
        VerifyingKey::hs256(secret.as_ref()).map(Self::new)
    }

    /// Trusts whoever holds the private key behind `public_key_pem` (ES256).
    ///
    /// The key is one PEM block `PUBLIC KEY` on the curve P-256. The result authenticates nobody
    /// until it is bound: see [`UnboundJwt`].
    ///
    /// # Errors
    /// - [`KeyError::NotPublicKeyPem`], [`KeyError::NotP256`]: the operator's mistake.
    /// - [`KeyError::Library`]: this machine cannot check signatures.
    pub fn es256(public_key_pem: &str) -> Result<UnboundJwt, KeyError> {
        VerifyingKey::es256(public_key_pem).map(|key| UnboundJwt(Self::new(key)))
    }

    /// Demands an `iss` that is exactly `issuer`: no other case, no trailing slash, no list.
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.policy.issuer = Some(issuer.into());
        self
    }

    /// Demands an `aud` that is exactly `audience`, or a list of strings with it.
    ///
    /// While none is configured a token that has an `aud` is refused: a recipient that does not
    /// find itself in it must not accept the token (RFC 7519 section 4.1.3).
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.policy.audience = Audience::Is(audience.into());
        self
    }

    /// Demands a `typ` that is `token_type`, such as `at+jwt`; by default it may be absent, `JWT`
    /// or `at+jwt`.
    ///
    /// Case does not count, nor does a leading `application/` (RFC 7515 section 4.1.9). Whatever
    /// else an issuer signs with the same key, such as an ID token or a logout token, has another
    /// type and is refused (RFC 8725 section 3.11).
    pub fn token_type(mut self, token_type: impl Into<String>) -> Self {
        self.policy.token_type = Some(token_type.into());
        self
    }

    /// Refuses tokens that live longer than `max`, 24 hours by default.
    ///
    /// The lifetime is `exp - iat`; without an `iat` it is what remains. A token opens the door for
    /// as long as it lives, wherever it leaks to. A day is the longest that applications without
    /// refresh use; with refresh set it to the minutes that the issuer grants.
    pub fn max_lifetime(mut self, max: Duration) -> Self {
        self.policy.max_lifetime = max;
        self
    }

    /// Accepts `nbf` and `iat` that are ahead of the clock by up to `leeway`, 5 seconds by default.
    ///
    /// Clocks of two machines differ a little, and a token is often used at once. `exp` has no
    /// leeway: a token ends when it says so.
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.policy.leeway = leeway;
        self
    }

    /// Looks up the application's own user for every good token.
    ///
    /// # Examples
    /// ```
    /// use doorward_auth::{Authenticator, BoxError, Claims, Jwt};
    ///
    /// struct User {
    ///     name: String,
    /// }
    ///
    /// async fn find_user(id: &str) -> Result<Option<User>, std::io::Error> {
    ///     Ok((id == "alice").then(|| User { name: "Alice".to_owned() }))
    /// }
    ///
    /// let jwt = Jwt::hs256("4fzGDmbc1gPDeSsCcEOgxE8uSNmuXZcT")?
    ///     .load(|claims: Claims| async move { Ok(find_user(claims.subject()).await?) });
    /// # fn check(_: impl Authenticator<Principal = User>) {}
    /// # check(jwt);
    /// # Ok::<_, doorward_auth::KeyError>(())
    /// ```
    pub fn load<L: UserLoader>(self, loader: L) -> Loaded<L> {
        Loaded { jwt: self, loader }
    }

    fn new(key: VerifyingKey) -> Self {
        Self { key, policy: Policy::default() }
    }

    fn judge(&self, handshake: &Handshake) -> Result<Grant<Claims>, RefusalReason> {
        let claims = self.verify(credential(&handshake.auth)?, handshake.at)?;
        let (user, expires_at) = (claims.subject.clone(), claims.expires_at);
        let (session, token) = (claims.session.clone(), claims.token.clone());
        let mut grant = Grant::new(claims, user).expires_at(expires_at);
        grant.session = session;
        grant.token = token;
        Ok(grant)
    }

    /// Takes a token through every check, in an order that matters: what is cheap comes first, and
    /// no byte of the claims is decoded before their author is known.
    fn verify(&self, token: &str, now: SystemTime) -> Result<Claims, RefusalReason> {
        let parts = parts::split(token).ok_or(RefusalReason::TokenMalformed)?;
        let header = object::decode(parts.header).ok_or(RefusalReason::TokenMalformed)?;
        let token_type = self.policy.token_type.as_deref();
        if !header::is_allowed(&header, self.key.algorithm(), token_type) {
            return Err(RefusalReason::TokenHeader);
        }
        if !self.key.verify(parts.signed.as_bytes(), &parts.signature) {
            return Err(RefusalReason::TokenSignature);
        }
        let claims = object::decode(parts.claims).ok_or(RefusalReason::TokenMalformed)?;
        self.policy.check(claims, now)
    }
}

impl Authenticator for Jwt {
    type Principal = Claims;

    async fn authenticate(&self, handshake: Handshake) -> Result<Grant<Claims>, AuthenticateError> {
        self.judge(&handshake).map_err(|reason| refusal(reason).into())
    }
}

/// Finds the one credential.
fn credential(auth: &Auth) -> Result<&str, RefusalReason> {
    match (auth.get("token"), auth.get("sessionToken")) {
        // Two could name two users, and nobody could tell for whom the client meant to act.
        (Some(_), Some(_)) => Err(RefusalReason::CredentialAmbiguous),
        (Some(Value::String(token)), None) => Ok(token),
        (Some(_), None) => Err(RefusalReason::TokenMalformed),
        (None, _) => Err(RefusalReason::CredentialMissing),
    }
}

/// The client reads one answer for every reason, except for the one that it can mend by itself.
fn refusal(reason: RefusalReason) -> Refusal {
    match reason {
        RefusalReason::TokenExpired => Refusal::token_expired(),
        reason => Refusal::unauthenticated(reason),
    }
}
