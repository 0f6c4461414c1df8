//! The keys of this server: one that signs, and those before it that are still trusted.
//!
//! When the key is changed, what the old one has signed stays good for as long as a token can live, and
//! no longer. Who checks tokens finds the public keys in a JWKS; the server keeps the ring as text.
//! Start reading at [`KeyRing::rotate`].

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, SystemTime},
};

use doorward_core::MAX_LIFETIME;
use serde_json::json;

use crate::{KeyError, SigningKey, key::VerifyingKey, public_key::PublicKey};

mod text;

/// A key that signs, and those that are still trusted. It can be changed while it is in use.
///
/// # Examples
/// ```
/// use std::{sync::Arc, time::{Duration, SystemTime}};
/// use doorward_auth::{Issuer, Jwt, KeyRing, SigningKey};
///
/// let ring = Arc::new(KeyRing::new(SigningKey::generate()?).max_lifetime(Duration::from_secs(300)));
/// let issuer = Issuer::with_ring(Arc::clone(&ring), "https://id.example.org", "chat");
/// let jwt = Jwt::own(Arc::clone(&ring), "https://id.example.org", "chat");
///
/// ring.rotate(SigningKey::generate()?, SystemTime::UNIX_EPOCH);
/// # drop((issuer, jwt));
/// # Ok::<_, doorward_auth::KeyError>(())
/// ```
pub struct KeyRing {
    /// Protects which keys count; held to copy a pointer or to exchange it.
    keys: RwLock<Arc<Trusted>>,
    max_lifetime: Duration,
}

struct Trusted {
    current: Arc<SigningKey>,
    /// The latest first.
    retiring: Vec<Retiring>,
}

/// A key that signs no more.
#[derive(Clone)]
struct Retiring {
    key: PublicKey,
    /// From then on it is not trusted.
    until: SystemTime,
}

impl KeyRing {
    /// Begins with one key. Its tokens live for [`MAX_LIFETIME`] at most.
    #[must_use]
    pub fn new(key: SigningKey) -> Self {
        Self::of(Trusted { current: Arc::new(key), retiring: Vec::new() })
    }

    /// Reads what [`KeyRing::to_pem`] has written, or a single private key.
    ///
    /// # Errors
    /// [`KeyRingError`]: the text is damaged.
    pub fn from_pem(text: &str) -> Result<Self, KeyRingError> {
        text::read(text).map(Self::of)
    }

    /// Lets no token live longer than `max`, [`MAX_LIFETIME`] at most: so long an old key is trusted.
    #[must_use]
    pub fn max_lifetime(self, max: Duration) -> Self {
        Self { max_lifetime: max.min(MAX_LIFETIME), ..self }
    }

    /// How long a token may live.
    #[must_use]
    pub fn longest_lifetime(&self) -> Duration {
        self.max_lifetime
    }

    /// Signs with `key` from now on. The key before it is trusted until all of its tokens have ended.
    ///
    /// Of several servers that share a ring each has to be given the new one ([`KeyRing::replace`]).
    pub fn rotate(&self, key: SigningKey, now: SystemTime) {
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        if keys.current.id() == key.id() {
            return;
        }
        let retired = Retiring {
            key: keys.current.public().clone(),
            until: now.checked_add(self.max_lifetime).unwrap_or(now),
        };
        let still_trusted = keys.retiring.iter().filter(|old| now < old.until).cloned();
        let mut retiring: Vec<_> = std::iter::once(retired).chain(still_trusted).collect();
        retiring.retain(|old| old.key.id() != key.id());
        retiring.truncate(MAX_RETIRING);
        *keys = Arc::new(Trusted { current: Arc::new(key), retiring });
    }

    /// Takes over the keys of `other`, such as those that another process has just written down.
    pub fn replace(&self, other: &Self) {
        let theirs = other.trusted();
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = theirs;
    }

    /// Writes the ring down: one PEM block `PRIVATE KEY`, and for each old key the time until which it
    /// is trusted and a block `PUBLIC KEY`.
    ///
    /// # Errors
    /// [`KeyError::Library`]: the cryptography library could not write the key.
    ///
    /// # Security
    /// Whoever reads the text can sign in as anybody.
    pub fn to_pem(&self) -> Result<String, KeyError> {
        text::write(&self.trusted())
    }

    /// Writes the public keys that are trusted at `now`, for those who check our tokens: a JWKS (RFC
    /// 7517 section 5). It holds no secret.
    #[must_use]
    pub fn jwks(&self, now: SystemTime) -> String {
        let trusted = self.trusted();
        let old = trusted.retiring.iter().filter(|old| now < old.until).map(|old| &old.key);
        let keys: Vec<_> =
            std::iter::once(trusted.current.public()).chain(old).map(PublicKey::to_jwk).collect();
        json!({ "keys": keys }).to_string()
    }

    /// The key that signs.
    pub(crate) fn current(&self) -> Arc<SigningKey> {
        Arc::clone(&self.trusted().current)
    }

    /// Hands the key of this name to `judge`, if it is trusted at `now`.
    pub(crate) fn find<T>(
        &self,
        id: &str,
        now: SystemTime,
        judge: impl FnOnce(&VerifyingKey) -> T,
    ) -> Option<T> {
        let trusted = self.trusted();
        if trusted.current.id() == id {
            return Some(judge(trusted.current.public().verifying()));
        }
        let old = trusted.retiring.iter().find(|old| old.key.id() == id && now < old.until)?;
        Some(judge(old.key.verifying()))
    }

    fn of(trusted: Trusted) -> Self {
        Self { keys: RwLock::new(Arc::new(trusted)), max_lifetime: MAX_LIFETIME }
    }

    fn trusted(&self) -> Arc<Trusted> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Names the keys and shows none.
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

/// Why a text is no ring of keys.
///
/// # Examples
/// ```
/// use doorward_auth::{KeyRing, KeyRingError};
///
/// assert_eq!(KeyRing::from_pem("").err(), Some(KeyRingError::Shape));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyRingError {
    /// One of its keys cannot be used.
    #[error("a key of the ring cannot be used")]
    Key(#[from] KeyError),
    /// It is not one block `PRIVATE KEY` and then, for each old key, a line `Trusted-Until:` with whole
    /// seconds since 1970 and a block `PUBLIC KEY`.
    #[error("the text is not a private key and perhaps public keys with their ends")]
    Shape,
    /// A key stands there twice.
    #[error("a key of the ring stands there twice")]
    Twice,
}

doorward_core::debug_as_sentence!(KeyRingError);

/// Nobody changes keys so often that an older one is still needed.
const MAX_RETIRING: usize = 32;
