//! Issues access tokens.
//!
//! A token contains the claims that [`Jwt`](crate::Jwt) reads, in the format of RFC 9068. The issuer
//! rejects a subject, a token id, a time or a claim that [`Jwt`](crate::Jwt) would reject. Refresh
//! tokens are not supported. Start reading at [`Issuer::issue`].

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use doorward_core::{MAX_LIFETIME, Session};
use serde_json::{Map, Value, json};

use crate::{
    identifier::is_identifier,
    key::{error::KeyError, ring::KeyRing, shared_secret::SharedSecret, signing::SigningKey},
};

/// Issues access tokens that are signed with the current key of a ring (ES256 or `EdDSA`), or with a
/// secret that the verifiers share (HS256).
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
#[derive(Clone, Debug)]
pub struct Issuer {
    signer: Signer,
    issuer: Option<String>,
    audience: Option<String>,
    /// Further claims of all tokens.
    claims: Map<String, Value>,
}

/// Key that an issuer signs with.
#[derive(Clone, Debug)]
enum Signer {
    Ring(Arc<KeyRing>),
    Secret(Arc<SharedSecret>),
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
        Self::of(Signer::Ring(ring)).issued_by(issuer).audience(audience)
    }

    /// Creates an issuer that signs with a secret (HS256). [`Jwt::hs256`](crate::Jwt::hs256) with the
    /// same secret accepts its tokens. They have no `iss` and no `aud`, unless
    /// [`issued_by`](Self::issued_by) and [`audience`](Self::audience) set them.
    ///
    /// # Examples
    /// ```
    /// use std::time::{Duration, SystemTime};
    /// use doorward_auth::{IssueError, Issuer, KeyError};
    ///
    /// /// Issues a token when a user has signed in to the application's own routes.
    /// fn sign_in(issuer: &Issuer, user: u64, now: SystemTime, id: &str) -> Result<String, IssueError> {
    ///     let issuer = issuer.clone().claim("role", "member");
    ///     issuer.issue(&user.to_string(), Duration::from_secs(15 * 60), now, id)
    /// }
    /// let issuer = Issuer::hs256("4fzGDmbc1gPDeSsCcEOgxE8uSNmuXZcT")?;
    /// # Ok::<_, KeyError>(())
    /// ```
    ///
    /// # Errors
    /// Same as [`Jwt::hs256`](crate::Jwt::hs256).
    ///
    /// # Security
    /// Every holder of the secret can sign in as any user. Prefer a key pair ([`Issuer::new`]) if the
    /// verifiers belong to others.
    pub fn hs256(secret: impl AsRef<[u8]>) -> Result<Self, KeyError> {
        Ok(Self::of(Signer::Secret(Arc::new(SharedSecret::hs256(secret.as_ref())?))))
    }

    fn of(signer: Signer) -> Self {
        Self { signer, issuer: None, audience: None, claims: Map::new() }
    }

    /// Sets the `iss` of the tokens.
    #[must_use]
    pub fn issued_by(self, issuer: impl Into<String>) -> Self {
        Self { issuer: Some(issuer.into()), ..self }
    }

    /// Sets the `aud` of the tokens.
    #[must_use]
    pub fn audience(self, audience: impl Into<String>) -> Self {
        Self { audience: Some(audience.into()), ..self }
    }

    /// Adds a claim to the tokens, such as the role of a user. Clone the issuer to add claims to a
    /// single token.
    ///
    /// The claims that the issuer itself writes (`iss`, `sub`, `aud`, `exp`, `nbf`, `iat`, `jti`,
    /// `sid`, `gen` and `auth_time`) cannot be added. [`issue`](Self::issue) then fails with
    /// [`IssueError::Claim`].
    #[must_use]
    pub fn claim(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.claims.insert(name.into(), value.into());
        self
    }

    /// Issues a token for `subject` that is valid from `now` for `ttl` and belongs to no session.
    ///
    /// Times are truncated to whole seconds, so a token never lives longer than `ttl`. `jti` is the
    /// id of the token. It must differ from the ids of all other tokens, so it needs at least 64
    /// random bits.
    ///
    /// # Errors
    /// - [`IssueError::Claim`], [`IssueError::Lifetime`], [`IssueError::Subject`],
    ///   [`IssueError::Time`], [`IssueError::TokenId`]: an argument is invalid, and the verifier would
    ///   refuse the token.
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
        let longest = match &self.signer {
            // After a rotation, a token with a longer lifetime could still be valid when its key is
            // no longer trusted.
            Signer::Ring(ring) => ring.longest_lifetime(),
            Signer::Secret(_) => MAX_LIFETIME,
        };
        if ttl.as_secs() == 0 || ttl > longest {
            return Err(IssueError::Lifetime);
        }
        if OWN.iter().any(|own| self.claims.contains_key(*own)) {
            return Err(IssueError::Claim);
        }
        let mut claims = Value::Object(self.claims.clone());
        for (name, value) in [("iss", &self.issuer), ("aud", &self.audience)] {
            if let Some(value) = value {
                claims[name] = json!(value);
            }
        }
        claims["sub"] = json!(subject);
        claims["jti"] = json!(jti);
        claims["iat"] = json!(issued_at);
        claims["nbf"] = json!(issued_at);
        claims["exp"] = json!(expires_at);
        Ok(claims)
    }

    fn sign(&self, claims: &Value) -> Result<String, IssueError> {
        let encode = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
        let write = |header: &Value| format!("{}.{}", encode(header), encode(claims));
        let (signed, signature) = match &self.signer {
            Signer::Ring(ring) => {
                let key = ring.current();
                // `typ` marks the token as an access token, so that no verifier accepts it as an ID
                // token (RFC 9068 section 2.1).
                let algorithm = key.public().algorithm();
                let signed = write(&json!({"typ": "at+jwt", "alg": algorithm, "kid": key.id()}));
                let signature = key.sign(signed.as_bytes());
                (signed, signature.map_err(|_unspecified| IssueError::Library)?)
            }
            Signer::Secret(secret) => {
                let signed = write(&json!({"typ": "at+jwt", "alg": "HS256"}));
                let signature = secret.sign(signed.as_bytes());
                (signed, signature)
            }
        };
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
    /// A claim was added that the issuer itself writes.
    #[error("a claim was added that the issuer itself writes, such as `sub` or `exp`")]
    Claim,
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

/// Claims that the issuer itself writes.
const OWN: [&str; 10] =
    ["iss", "sub", "aud", "exp", "nbf", "iat", "jti", "sid", "gen", "auth_time"];
