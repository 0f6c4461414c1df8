//! Access tokens of any number of users, signed with the key of a server.

use std::{path::Path, sync::Arc, time::Duration};

use doorward::{
    Clock as _, Entropy as _, OsEntropy, SystemClock,
    auth::{Issuer, KeyRing},
};

/// Signs as the server of a data directory.
pub(crate) struct Tokens(Issuer);

impl Tokens {
    /// Reads the key.
    ///
    /// # Panics
    /// When there is none.
    pub(crate) fn of(data_dir: &Path) -> Self {
        let pem = std::fs::read_to_string(data_dir.join("token-key.pem")).expect("there is a key");
        let keys = Arc::new(KeyRing::from_pem(&pem).expect("the key is one"));
        Self(Issuer::with_ring(keys, "doorward", "doorward"))
    }

    /// A token for this user.
    ///
    /// # Panics
    /// When the name cannot be one.
    pub(crate) fn sign(&self, user: &str) -> String {
        let mut id = [0; 16];
        OsEntropy.fill(&mut id);
        let id = format!("{:032x}", u128::from_be_bytes(id));
        let lifetime = Duration::from_mins(30);
        self.0.issue(user, lifetime, SystemClock.wall(), &id).expect("the token can be signed")
    }
}
