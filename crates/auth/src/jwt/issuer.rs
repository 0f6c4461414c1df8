//! Issues access tokens.
//!
//! A token contains the claims that [`Jwt`](crate::Jwt) reads, in the format of RFC 9068. The issuer
//! rejects a subject, a token id or a time that [`Jwt`](crate::Jwt) would reject. Refresh tokens and
//! scopes are not supported. Start reading at [`Issuer::issue_for`].

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use doorward_core::Session;
use serde_json::{Value, json};

use crate::{
    identifier::is_identifier,
    key::{ring::KeyRing, signing::SigningKey},
};

/// Issues access tokens that are signed with the current key of a ring (ES256 or `EdDSA`).
///
/// # Examples
/// ```
/// use std::time::{Duration, SystemTime};
/// use doorward_auth::{Issuer, Jwt, SigningKey};
///
/// let key = SigningKey::generate()?;
/// let jwt = Jwt::es256(&key.public_pem())?.bound_to("https://id.example.org", "chat");
///
/// let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
/// let issuer = Issuer::new(key, "https://id.example.org", "chat");
/// let token = issuer.issue("alice", Duration::from_secs(300), now, "5zVS4TFyBWVk")?;
/// assert_eq!(token.split('.').count(), 3);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Issuer {
    ring: Arc<KeyRing>,
    issuer: String,
    audience: String,
}

impl Issuer {
    /// Creates an issuer that signs with a single key. The `iss` of its tokens is `issuer`, and
    /// their `aud` is `audience`.
    #[must_use]
    pub fn new(key: SigningKey, issuer: impl Into<String>, audience: impl Into<String>) -> Self {
        Self::with_ring(Arc::new(KeyRing::new(key)), issuer, audience)
    }

    /// Creates an issuer that signs with the signing key of `ring`. The `iss` of its tokens is
    /// `issuer`, and their `aud` is `audience`.
    #[must_use]
    pub fn with_ring(
        ring: Arc<KeyRing>,
        issuer: impl Into<String>,
        audience: impl Into<String>,
    ) -> Self {
        Self { ring, issuer: issuer.into(), audience: audience.into() }
    }

    /// Issues a token for `subject` that is valid from `now` for `ttl` and belongs to no session.
    ///
    /// Times are truncated to whole seconds, so a token never lives longer than `ttl`. `jti` is the
    /// id of the token. It must differ from the ids of all other tokens, so it needs at least 64
    /// random bits.
    ///
    /// # Errors
    /// - [`IssueError::Lifetime`], [`IssueError::Subject`], [`IssueError::Time`],
    ///   [`IssueError::TokenId`]: an argument is invalid, and the verifier would refuse the token.
    /// - [`IssueError::Library`]: the cryptography library failed to sign.
    ///
    /// # Security
    /// Every holder of the token can act as `subject` until it expires. Never log it.
    pub fn issue(
        &self,
        subject: &str,
        ttl: Duration,
        now: SystemTime,
        jti: &str,
    ) -> Result<String, IssueError> {
        self.claims(subject, ttl, now, jti).and_then(|claims| self.sign(&claims))
    }

    /// Issues a token for the user of `session`, in the same way as [`Issuer::issue`]. A verifier
    /// with [`Jwt::sessions`](crate::Jwt::sessions) refuses the token after the session has ended.
    ///
    /// The token contains the id of the session (`sid`), the generation of the session (`gen`) and
    /// the time of the user's last authentication (`auth_time`). It expires at
    /// `Session::ends_at` at the latest.
    ///
    /// # Errors
    /// Same as [`Issuer::issue`]. If `ends_at` is less than one second after `now`, or has passed,
    /// the error is [`IssueError::Lifetime`]. It is not checked whether the session is idle or revoked.
    pub fn issue_for(
        &self,
        session: &Session,
        ttl: Duration,
        now: SystemTime,
        jti: &str,
    ) -> Result<String, IssueError> {
        // If the session has ended, the result is zero, which `claims` rejects.
        let remaining = session.ends_at.duration_since(now).unwrap_or_default();
        let mut claims = self.claims(session.user.as_str(), ttl.min(remaining), now, jti)?;
        claims["sid"] = json!(session.id.as_str());
        claims["gen"] = json!(session.generation);
        claims["auth_time"] = json!(seconds(session.signed_in_at)?);
        self.sign(&claims)
    }

    /// Returns the claims that every token has. Fails if one of the arguments is invalid.
    fn claims(
        &self,
        subject: &str,
        ttl: Duration,
        now: SystemTime,
        jti: &str,
    ) -> Result<Value, IssueError> {
        if !is_identifier(subject) {
            return Err(IssueError::Subject);
        }
        if !is_identifier(jti) {
            return Err(IssueError::TokenId);
        }
        let issued_at = seconds(now)?;
        let expires_at = issued_at.checked_add(ttl.as_secs()).ok_or(IssueError::Time)?;
        // After a rotation, a token with a longer lifetime could still be valid when its key is no
        // longer trusted.
        if ttl.as_secs() == 0 || ttl > self.ring.longest_lifetime() {
            return Err(IssueError::Lifetime);
        }
        Ok(json!({
            "iss": self.issuer,
            "aud": self.audience,
            "sub": subject,
            "jti": jti,
            "iat": issued_at,
            "nbf": issued_at,
            "exp": expires_at,
        }))
    }

    fn sign(&self, claims: &Value) -> Result<String, IssueError> {
        let key = self.ring.current();
        // `typ` marks the token as an access token, so that no verifier accepts it as an ID token
        // (RFC 9068 section 2.1).
        let header = json!({"typ": "at+jwt", "alg": key.public().algorithm(), "kid": key.id()});
        let encode = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
        let signed = format!("{}.{}", encode(&header), encode(claims));
        let signature = key.sign(signed.as_bytes()).map_err(|_unspecified| IssueError::Library)?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

/// Converts a time to whole seconds since 1970. Fails if the time is before 1970.
fn seconds(time: SystemTime) -> Result<u64, IssueError> {
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    since.map(|since| since.as_secs()).map_err(|_before_1970| IssueError::Time)
}

/// Error returned when a token cannot be issued.
///
/// # Examples
/// ```
/// use std::time::{Duration, SystemTime};
/// use doorward_auth::{IssueError, Issuer, SigningKey};
///
/// let issuer = Issuer::new(SigningKey::generate()?, "https://id.example.org", "chat");
/// let token = issuer.issue("alice", Duration::ZERO, SystemTime::UNIX_EPOCH, "5zVS4TFyBWVk");
/// assert_eq!(token, Err(IssueError::Lifetime));
/// # Ok::<_, doorward_auth::KeyError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IssueError {
    /// The cryptography library failed to sign.
    #[error("the cryptography library failed to sign")]
    Library,
    /// The lifetime is shorter than a second, or longer than the ring of keys allows.
    #[error("the lifetime is shorter than a second or longer than the ring of keys allows")]
    Lifetime,
    /// The subject is not 1-255 printable characters.
    #[error("the subject is not 1-255 printable characters")]
    Subject,
    /// The time is before 1970, or the time of expiry overflows.
    #[error("the time is before 1970 or overflows")]
    Time,
    /// The token id is not 1-255 printable characters.
    #[error("the token id is not 1-255 printable characters")]
    TokenId,
}
