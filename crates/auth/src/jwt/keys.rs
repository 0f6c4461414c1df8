//! Selects the key that must have signed a token.
//!
//! A key id only selects one of the configured keys. A token without a key id is accepted only if a
//! single key is configured. The module `header` rejects algorithms that do not fit the key.

use std::{sync::Arc, time::SystemTime};

use crate::key::{ring::KeyRing, set::KeySet, verifying::VerifyingKey};

/// Keys of one authenticator.
#[derive(Clone, Debug)]
pub(super) enum Keys {
    /// A single key without an id. The `kid` of a token is ignored.
    One(Arc<VerifyingKey>),
    /// Keys of this server, which can be rotated while it runs.
    Ring(Arc<KeyRing>),
    /// Keys that an issuer has published.
    Set(Arc<KeySet>),
}

impl Keys {
    /// Passes the key that a token names to `check`, and returns the result of `check`. Returns
    /// `None` if there is no such key. `key_id` is the `kid` of the token, and `algorithm` is its
    /// `alg`.
    pub(super) fn find<T>(
        &self,
        key_id: Option<&str>,
        algorithm: &str,
        now: SystemTime,
        check: impl FnOnce(&VerifyingKey) -> T,
    ) -> Option<T> {
        match self {
            Self::One(key) => Some(check(key)),
            Self::Ring(ring) => ring.find(key_id?, now, check),
            Self::Set(set) => set.find(key_id, algorithm).map(check),
        }
    }
}
