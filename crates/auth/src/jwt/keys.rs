//! Finds the key that a token must be signed with.
//!
//! A key id selects among keys that an operator has given; it is compared and nothing else. A token
//! that names none is accepted where there is one key only.

use std::{sync::Arc, time::SystemTime};

use crate::{KeyRing, KeySet, key::VerifyingKey};

/// The keys of one authenticator.
#[derive(Clone, Debug)]
pub(super) enum Keys {
    /// One that has no id of its own: what a token calls it says nothing.
    One(Arc<VerifyingKey>),
    /// Those of this server, which change while it runs.
    Ring(Arc<KeyRing>),
    /// Those that somebody else has published.
    Set(Arc<KeySet>),
}

impl Keys {
    /// Hands the one key that counts to `judge`; `None` when there is none. `algorithm` is what the token says.
    pub(super) fn find<T>(
        &self,
        key_id: Option<&str>,
        algorithm: &str,
        now: SystemTime,
        judge: impl FnOnce(&VerifyingKey) -> T,
    ) -> Option<T> {
        match self {
            Self::One(key) => Some(judge(key)),
            Self::Ring(ring) => ring.find(key_id?, now, judge),
            Self::Set(set) => set.find(key_id, algorithm).map(judge),
        }
    }
}
