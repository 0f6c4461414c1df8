//! Holds the server's own keys, which are the signing key and older keys that are still trusted.
//!
//! After a rotation, the old key stays trusted for the maximum lifetime of a token. Other verifiers
//! fetch the public keys as a JWKS. The server stores the ring as text. Start reading at
//! [`KeyRing::rotate`].

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

/// Signing key of this server, with the older keys that are still trusted. The keys can be rotated
/// while the ring is in use.
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
    /// Current keys. The lock is held only while the `Arc` is cloned or replaced.
    keys: RwLock<Arc<Trusted>>,
    max_lifetime: Duration,
}

impl KeyRing {
    /// Creates a ring whose signing key is `key`. Its tokens live for at most [`MAX_LIFETIME`],
    /// unless [`max_lifetime`](Self::max_lifetime) sets a shorter time.
    #[must_use]
    pub fn new(key: SigningKey) -> Self {
        Self::of(Trusted { current: Arc::new(key), retiring: Vec::new() })
    }

    /// Reads a ring from the text that [`KeyRing::to_pem`] returns, or from a single private key.
    /// The text does not contain the setting [`max_lifetime`](Self::max_lifetime).
    ///
    /// # Errors
    /// [`KeyRingError`] if the text is malformed, or if a key in it cannot be used or occurs twice.
    pub fn from_pem(text: &str) -> Result<Self, KeyRingError> {
        text::read(text).map(Self::of)
    }

    /// Limits the lifetime of tokens to `max`. The default and the maximum are [`MAX_LIFETIME`].
    /// After a rotation, the old key stays trusted for this time.
    #[must_use]
    pub fn max_lifetime(self, max: Duration) -> Self {
        Self { max_lifetime: max.min(MAX_LIFETIME), ..self }
    }

    /// Returns the maximum lifetime of a token.
    #[must_use]
    pub fn longest_lifetime(&self) -> Duration {
        self.max_lifetime
    }

    /// Makes `key` the signing key. The previous signing key stays trusted until all of its tokens
    /// have expired. Does nothing if `key` is the signing key already. At most 32 previous keys are
    /// kept, so rotate at most 32 times within the maximum lifetime of a token.
    ///
    /// If several servers share a ring, pass the new ring to each of them ([`KeyRing::replace`]).
    pub fn rotate(&self, key: SigningKey, now: SystemTime) {
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        // The current key must not become an old key, which would expire.
        if keys.current.id() == key.id() {
            return;
        }
        let retired = Retiring {
            key: keys.current.public().clone(),
            until: now.checked_add(self.max_lifetime).unwrap_or(now),
        };
        let still_trusted = keys.retiring.iter().filter(|old| now < old.until).cloned();
        let mut retiring: Vec<_> = std::iter::once(retired).chain(still_trusted).collect();
        // An old key that becomes the signing key again is removed from the old keys.
        retiring.retain(|old| old.key.id() != key.id());
        // The oldest keys are dropped.
        retiring.truncate(MAX_RETIRING);
        *keys = Arc::new(Trusted { current: Arc::new(key), retiring });
    }

    /// Replaces the keys with those of `other`, such as a ring that another process has just saved.
    /// The maximum lifetime does not change.
    pub fn replace(&self, other: &Self) {
        // The keys are read before the lock is taken, because `other` may be this ring.
        let theirs = other.trusted();
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = theirs;
    }

    /// Returns the ring as text. The text begins with the signing key, as one PEM block `PRIVATE
    /// KEY`. Each older key follows, as the time until which it is trusted and one block `PUBLIC
    /// KEY`.
    ///
    /// # Errors
    /// [`KeyError::Library`] if the cryptography library could not write the key.
    ///
    /// # Security
    /// The text contains the private key, with which any reader can sign in as any user.
    pub fn to_pem(&self) -> Result<String, KeyError> {
        text::write(&self.trusted())
    }

    /// Returns a JWKS (RFC 7517 section 5) of the public keys that are trusted at `now`. Other
    /// services use it to verify the tokens of this server. The JWKS contains no secret.
    #[must_use]
    pub fn jwks(&self, now: SystemTime) -> String {
        let trusted = self.trusted();
        let old = trusted.retiring.iter().filter(|old| now < old.until).map(|old| &old.key);
        let keys: Vec<_> =
            std::iter::once(trusted.current.public()).chain(old).map(PublicKey::to_jwk).collect();
        json!({ "keys": keys }).to_string()
    }

    /// Returns the names (`kid`) of the signing key and of the older keys, in this order. The names are
    /// public.
    ///
    /// # Examples
    /// ```
    /// use doorward_auth::{KeyRing, SigningKey};
    ///
    /// let ring = KeyRing::new(SigningKey::generate()?);
    /// assert_eq!(ring.names().len(), 1);
    /// # Ok::<_, doorward_auth::KeyError>(())
    /// ```
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let trusted = self.trusted();
        let old = trusted.retiring.iter().map(|old| old.key.id().to_owned());
        std::iter::once(trusted.current.id().to_owned()).chain(old).collect()
    }

    /// Returns the signing key.
    pub(crate) fn current(&self) -> Arc<SigningKey> {
        Arc::clone(&self.trusted().current)
    }

    /// Passes the key named `id` to `check`, and returns the result of `check`. Returns `None` if
    /// no key of this name is trusted at `now`.
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
        // Writers replace the `Arc` in one step, so the keys are valid even if a writer panicked.
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Prints the names of the keys, and not the keys themselves.
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

/// Maximum number of old keys. A key that is dropped has no valid tokens left, unless there were
/// more than 32 rotations within the maximum lifetime of a token.
const MAX_RETIRING: usize = 32;
