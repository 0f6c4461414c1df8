//! Keys of a ring: the one that signs, and older ones that are still trusted.

use std::{sync::Arc, time::SystemTime};

use crate::key::{public::PublicKey, signing::SigningKey};

/// Keys of a ring at one moment.
pub(super) struct Trusted {
    pub(super) current: Arc<SigningKey>,
    /// Newest first.
    pub(super) retiring: Vec<Retiring>,
}

/// Key that no longer signs.
#[derive(Clone)]
pub(super) struct Retiring {
    pub(super) key: PublicKey,
    /// The key is trusted before this time only.
    pub(super) until: SystemTime,
}
