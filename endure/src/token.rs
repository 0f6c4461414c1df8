//! Issues access tokens with the key of a server.

use std::{path::Path, sync::Arc, time::Duration};

use doorward::{
    auth::{Issuer, KeyRing},
    server::{Clock as _, Entropy as _, OsEntropy, SystemClock},
};

/// Issuer with the key in a data directory.
pub(crate) struct Tokens(Issuer);

impl Tokens {
    /// Reads the key in a data directory.
    ///
    /// # Panics
    /// If there is no valid key.
    pub(crate) fn of(data_dir: &Path) -> Self {
        let pem = std::fs::read_to_string(data_dir.join("token-key.pem")).expect("there is a key");
        let keys = Arc::new(KeyRing::from_pem(&pem).expect("the key is valid"));
        Self(Issuer::with_ring(keys, "doorward", "doorward"))
    }

    /// Issues a token for a user, valid for 30 minutes.
    ///
    /// # Panics
    /// If the token cannot be issued, for example because the name is invalid.
    pub(crate) fn sign(&self, user: &str) -> String {
        let mut id = [0; 16];
        OsEntropy.fill(&mut id);
        let id = format!("{:032x}", u128::from_be_bytes(id));
        let lifetime = Duration::from_mins(30);
        self.0.issue(user, lifetime, SystemClock.wall(), &id).expect("the token can be signed")
    }
}
