//! Keys of a ring, which are the signing key and older keys that are still trusted.

use std::{sync::Arc, time::SystemTime};

use crate::key::{public::PublicKey, signing::SigningKey};

/// Keys of a ring at one moment.
pub(super) struct Trusted {
    pub(super) current: Arc<SigningKey>,
    /// Old keys that are still trusted, newest first.
    pub(super) retiring: Vec<Retiring>,
}

/// Old key, which no longer signs and still verifies tokens.
#[derive(Clone)]
pub(super) struct Retiring {
    pub(super) key: PublicKey,
    /// Time from which the key is no longer trusted.
    pub(super) until: SystemTime,
}
