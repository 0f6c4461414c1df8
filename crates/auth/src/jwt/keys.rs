//! Selects the key that must have signed a token.
//!
//! A key id only selects one of the trusted keys. A token without a key id is accepted only if a
//! single key is trusted. The module `header` rejects algorithms that do not fit the key.

use std::{sync::Arc, time::SystemTime};

use crate::key::{ring::KeyRing, set::KeySet, verifying::VerifyingKey};
#[cfg(feature = "issuers")]
use crate::remote::keys::RemoteKeys;

/// Keys of one authenticator.
#[derive(Clone, Debug)]
pub(super) enum Keys {
    /// A single key without an id. The `kid` of a token is ignored.
    One(Arc<VerifyingKey>),
    /// Keys that are read from their issuer.
    #[cfg(feature = "issuers")]
    Remote(Arc<RemoteKeys>),
    /// Keys of this server, which can be rotated while it runs.
    Ring(Arc<KeyRing>),
    /// Keys that an issuer has published.
    Set(Arc<KeySet>),
}

impl Keys {
    /// Returns `true` if both are the same keys in memory.
    pub(super) fn are_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::One(one), Self::One(two)) => Arc::ptr_eq(one, two),
            #[cfg(feature = "issuers")]
            (Self::Remote(one), Self::Remote(two)) => Arc::ptr_eq(one, two),
            (Self::Ring(one), Self::Ring(two)) => Arc::ptr_eq(one, two),
            (Self::Set(one), Self::Set(two)) => Arc::ptr_eq(one, two),
            _ => false,
        }
    }

    /// Returns `true` if the keys are read from their issuer.
    pub(super) fn are_remote(&self) -> bool {
        match self {
            #[cfg(feature = "issuers")]
            Self::Remote(_) => true,
            Self::One(_) | Self::Ring(_) | Self::Set(_) => false,
        }
    }

    /// Passes the key that a token names to `check`, and returns the result of `check`. Returns
    /// `None` if there is no such key. `key_id` is the `kid` of the token, and `algorithm` is its
    /// `alg`. Of remote keys, uses those that were read already.
    pub(super) fn find<T>(
        &self,
        key_id: Option<&str>,
        algorithm: &str,
        now: SystemTime,
        check: impl FnOnce(&VerifyingKey) -> T,
    ) -> Option<T> {
        match self {
            Self::One(key) => Some(check(key)),
            #[cfg(feature = "issuers")]
            Self::Remote(keys) => keys.usable(now)?.find_for(key_id, algorithm).map(check),
            Self::Ring(ring) => ring.find(key_id?, now, check),
            Self::Set(set) => set.find(key_id, algorithm).map(check),
        }
    }
}
