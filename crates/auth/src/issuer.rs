//! Writes access tokens.
//!
//! The header is always the same and the claims are those of RFC 9068 that mean something here. A
//! subject, a token id or a time that [`Jwt`](crate::Jwt) would refuse is not written. Sessions,
//! refresh tokens and scopes are absent.
//! Start reading at [`Issuer::issue`].

use std::time::{Duration, SystemTime};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::{SigningKey, identifier::is_identifier};

/// Writes access tokens that are signed with one key (ES256).
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
/// # drop(jwt);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Issuer {
    key: SigningKey,
    issuer: String,
    audience: String,
}

impl Issuer {
    /// Names the issuer (`iss`) and for whom the tokens are (`aud`).
    #[must_use]
    pub fn new(key: SigningKey, issuer: impl Into<String>, audience: impl Into<String>) -> Self {
        Self { key, issuer: issuer.into(), audience: audience.into() }
    }

    /// Writes a token that speaks for `subject` from `now` on, for `ttl`.
    ///
    /// Times are cut to whole seconds, so the token never lives longer than asked. `jti` names the
    /// token: draw it at random, at least 64 bits, and use it once.
    ///
    /// # Errors
    /// - [`IssueError::Lifetime`], [`IssueError::Subject`], [`IssueError::Time`],
    ///   [`IssueError::TokenId`]: the caller's mistake; the verifier would refuse the token.
    /// - [`IssueError::Library`]: the cryptography library did not sign.
    ///
    /// # Security
    /// Whoever reads the result is `subject` until it expires. It must not reach a log.
    pub fn issue(
        &self,
        subject: &str,
        ttl: Duration,
        now: SystemTime,
        jti: &str,
    ) -> Result<String, IssueError> {
        if !is_identifier(subject) {
            return Err(IssueError::Subject);
        }
        if !is_identifier(jti) {
            return Err(IssueError::TokenId);
        }
        if ttl.as_secs() == 0 {
            return Err(IssueError::Lifetime);
        }
        let issued_at = now
            .duration_since(SystemTime::UNIX_EPOCH)
            .map_err(|_before_1970| IssueError::Time)?
            .as_secs();
        let expires_at = issued_at.checked_add(ttl.as_secs()).ok_or(IssueError::Time)?;
        let claims = json!({
            "iss": self.issuer,
            "aud": self.audience,
            "sub": subject,
            "jti": jti,
            "iat": issued_at,
            "nbf": issued_at,
            "exp": expires_at,
        });
        self.sign(&claims)
    }

    fn sign(&self, claims: &Value) -> Result<String, IssueError> {
        let claims = URL_SAFE_NO_PAD.encode(claims.to_string());
        let signed = format!("{}.{claims}", URL_SAFE_NO_PAD.encode(HEADER));
        let signature =
            self.key.sign(signed.as_bytes()).map_err(|_unspecified| IssueError::Library)?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

/// Why no token was written.
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
    /// The cryptography library did not sign.
    #[error("the cryptography library did not sign")]
    Library,
    /// The lifetime is shorter than a second.
    #[error("the lifetime is shorter than a second")]
    Lifetime,
    /// The subject is not 1-255 printable characters.
    #[error("the subject is not 1-255 printable characters")]
    Subject,
    /// The time is before 1970, or the end is beyond what can be written.
    #[error("the time cannot be written")]
    Time,
    /// The token id is not 1-255 printable characters.
    #[error("the token id is not 1-255 printable characters")]
    TokenId,
}

/// The type says that this is an access token and nothing else (RFC 9068 section 2.1).
const HEADER: &str = r#"{"typ":"at+jwt","alg":"ES256"}"#;
