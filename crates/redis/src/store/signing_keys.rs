//! Keeps the signing keys of access tokens, or only their names, so that all nodes sign with the same key.

use doorward_core::{StoreError, StoreFuture};

use super::RedisStore;
use crate::link::{Call, unreadable};

/// Signing keys that the nodes of a cluster share.
///
/// # Security
/// The text may contain a private key. `Debug` prints only the names of the keys.
///
/// # Examples
/// ```
/// use doorward_redis::SigningKeys;
///
/// let keys = SigningKeys { version: 1, names: vec!["2026-11".to_owned()], text: None };
/// assert!(keys.text.is_none(), "each node reads its keys from a file");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKeys {
    /// Number of this version of the keys.
    pub version: u64,
    /// Names of the keys, which are public. The key that signs comes first.
    pub names: Vec<String>,
    /// Keys as text. `None` if every node reads them from a file of its own.
    pub text: Option<String>,
}

doorward_core::debug_fields!(SigningKeys { version, names });

impl RedisStore {
    /// Reads the signing keys that the nodes share. Yields `None` if no node has stored any.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if the server does not answer.
    #[must_use]
    pub fn signing_keys(&self) -> StoreFuture<'_, Option<SigningKeys>> {
        let keys = &self.0.keys;
        let call = Call::question(&self.0.scripts.get_signing_keys)
            .key(keys.floor())
            .key(keys.signing_keys());
        Box::pin(async move {
            let found: Vec<Option<String>> = self.0.link.run(&call).await?;
            let [Some(version), Some(names), text] = &found[..] else { return Ok(None) };
            let malformed = |_| unreadable("the version of the signing keys is malformed");
            Ok(Some(SigningKeys {
                version: version.parse().map_err(malformed)?,
                names: names.split(' ').map(str::to_owned).collect(),
                text: text.clone().filter(|text| !text.is_empty()),
            }))
        })
    }

    /// Stores the signing keys if `before` is the version that the server has; 0 if it has none. Yields `true` if
    /// they were stored, and `false` if another node has stored other keys meanwhile.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if the server does not answer, and [`StoreError::Full`] if it is full.
    #[must_use]
    pub fn put_signing_keys<'a>(
        &'a self,
        before: u64,
        names: &'a [String],
        text: Option<&'a str>,
    ) -> StoreFuture<'a, bool> {
        let keys = &self.0.keys;
        let call = Call::change(&self.0.scripts.put_signing_keys)
            .key(keys.floor())
            .key(keys.signing_keys())
            .argument(before)
            .argument(names.join(" "))
            .argument(text.unwrap_or_default());
        Box::pin(async move { Ok::<_, StoreError>(self.0.link.run::<u8>(&call).await? == 1) })
    }
}
