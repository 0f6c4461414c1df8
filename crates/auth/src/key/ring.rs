//! Holds the server's own keys: the signing key and older keys that are still trusted.
//!
//! After a rotation the old key stays trusted for the maximum lifetime of a token. Verifiers fetch
//! the public keys as a JWKS; the server stores the ring as text.
//! Start reading at [`KeyRing::rotate`].

pub(crate) mod error;
mod text;
mod trusted;

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, SystemTime},
};

use doorward_core::MAX_LIFETIME;
use serde_json::json;

use crate::key::{
    error::KeyError,
    public::PublicKey,
    ring::{
        error::KeyRingError,
        trusted::{Retiring, Trusted},
    },
    signing::SigningKey,
    verifying::VerifyingKey,
};

/// Signing key and older keys that are still trusted. Keys can be rotated while the ring is in use.
///
/// # Examples
/// ```
/// use std::{sync::Arc, time::{Duration, SystemTime}};
/// use doorward_auth::{Issuer, Jwt, KeyRing, SigningKey};
///
/// let ring = Arc::new(KeyRing::new(SigningKey::generate()?).max_lifetime(Duration::from_secs(300)));
/// let issuer = Issuer::with_ring(Arc::clone(&ring), "https://id.example.org", "chat");
/// let jwt = Jwt::key_ring(Arc::clone(&ring), "https://id.example.org", "chat");
///
/// ring.rotate(SigningKey::generate()?, SystemTime::UNIX_EPOCH);
/// # Ok::<_, doorward_auth::KeyError>(())
/// ```
pub struct KeyRing {
    /// Current keys. The lock is held only to clone or swap the `Arc`.
    keys: RwLock<Arc<Trusted>>,
    max_lifetime: Duration,
}

impl KeyRing {
    /// Makes a ring of one key. Its tokens live for [`MAX_LIFETIME`] at most.
    #[must_use]
    pub fn new(key: SigningKey) -> Self {
        Self::of(Trusted { current: Arc::new(key), retiring: Vec::new() })
    }

    /// Reads the output of [`KeyRing::to_pem`], or a single private key.
    ///
    /// # Errors
    /// [`KeyRingError`]: the text is damaged.
    pub fn from_pem(text: &str) -> Result<Self, KeyRingError> {
        text::read(text).map(Self::of)
    }

    /// Limits the lifetime of tokens to `max`, [`MAX_LIFETIME`] at most. An old key stays trusted
    /// for that long.
    #[must_use]
    pub fn max_lifetime(self, max: Duration) -> Self {
        Self { max_lifetime: max.min(MAX_LIFETIME), ..self }
    }

    /// Returns the maximum lifetime of a token.
    #[must_use]
    pub fn longest_lifetime(&self) -> Duration {
        self.max_lifetime
    }

    /// Signs with `key` from now on. The previous key stays trusted until all of its tokens have
    /// expired.
    ///
    /// If several servers share a ring, each has to receive the new one ([`KeyRing::replace`]).
    pub fn rotate(&self, key: SigningKey, now: SystemTime) {
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        // A key that is already current must not become an old key with an end.
        if keys.current.id() == key.id() {
            return;
        }
        let retired = Retiring {
            key: keys.current.public().clone(),
            until: now.checked_add(self.max_lifetime).unwrap_or(now),
        };
        let still_trusted = keys.retiring.iter().filter(|old| now < old.until).cloned();
        let mut retiring: Vec<_> = std::iter::once(retired).chain(still_trusted).collect();
        // A key that signs again is no longer an old key.
        retiring.retain(|old| old.key.id() != key.id());
        // Drops the oldest keys.
        retiring.truncate(MAX_RETIRING);
        *keys = Arc::new(Trusted { current: Arc::new(key), retiring });
    }

    /// Replaces the keys with those of `other`, such as a ring that another process has just saved.
    pub fn replace(&self, other: &Self) {
        // Read before locking, because `other` may be this ring.
        let theirs = other.trusted();
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = theirs;
    }

    /// Writes the ring as text: one PEM block `PRIVATE KEY`, then for each old key the end of its
    /// trust and a block `PUBLIC KEY`.
    ///
    /// # Errors
    /// [`KeyError::Library`]: the cryptography library could not write the key.
    ///
    /// # Security
    /// The text contains the private key: a reader can sign in as any user.
    pub fn to_pem(&self) -> Result<String, KeyError> {
        text::write(&self.trusted())
    }

    /// Returns the public keys that are trusted at `now` as a JWKS (RFC 7517 section 5), for other
    /// services that verify our tokens. It contains no secret.
    #[must_use]
    pub fn jwks(&self, now: SystemTime) -> String {
        let trusted = self.trusted();
        let old = trusted.retiring.iter().filter(|old| now < old.until).map(|old| &old.key);
        let keys: Vec<_> =
            std::iter::once(trusted.current.public()).chain(old).map(PublicKey::to_jwk).collect();
        json!({ "keys": keys }).to_string()
    }

    /// Returns the signing key.
    pub(crate) fn current(&self) -> Arc<SigningKey> {
        Arc::clone(&self.trusted().current)
    }

    /// Passes the key with this name to `check`, if it is trusted at `now`.
    pub(crate) fn find<T>(
        &self,
        id: &str,
        now: SystemTime,
        check: impl FnOnce(&VerifyingKey) -> T,
    ) -> Option<T> {
        let trusted = self.trusted();
        if trusted.current.id() == id {
            return Some(check(trusted.current.public().verifying()));
        }
        let old = trusted.retiring.iter().find(|old| old.key.id() == id && now < old.until)?;
        Some(check(old.key.verifying()))
    }

    fn of(trusted: Trusted) -> Self {
        Self { keys: RwLock::new(Arc::new(trusted)), max_lifetime: MAX_LIFETIME }
    }

    fn trusted(&self) -> Arc<Trusted> {
        // A pointer is exchanged in one step, so the keys are valid even after a panic.
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Prints the names of the keys, never the keys.
impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let trusted = self.trusted();
        let retiring: Vec<_> = trusted.retiring.iter().map(|old| old.key.id()).collect();
        f.debug_struct("KeyRing")
            .field("current", &trusted.current.id())
            .field("retiring", &retiring)
            .field("max_lifetime", &self.max_lifetime)
            .finish()
    }
}

/// Bounds the ring. An older key would still be needed only after 32 rotations within one token
/// lifetime.
const MAX_RETIRING: usize = 32;
