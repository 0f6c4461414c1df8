//! Lets all nodes of a cluster sign with the same keys.
//!
//! The keys are in Redis, from which each node copies them into its key file. Or each node has its key file from
//! elsewhere, and only the names of the keys are in Redis. A node whose keys have nothing in common with those of
//! the cluster does not start. Start reading at [`SharedKeys::agree`].

use doorward::auth::KeyRing;
use doorward_core::{Causes, StoreError};
use doorward_redis::{RedisStore, SigningKeys};

use super::key_file::KeyFile;
use crate::{
    config::{KeyStore, Profile},
    terminal::{Failure, OrFail as _},
};

/// Signing keys that the nodes of a cluster share.
pub(crate) struct SharedKeys {
    store: RedisStore,
    file: KeyFile,
    place: KeyStore,
}

/// Age of the keys of this node, compared with those of the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Age {
    Same,
    /// This node has rotated its keys.
    Newer,
    /// Another node has rotated its keys.
    Older,
    /// The keys have nothing in common.
    Foreign,
}

/// What to do if the keys of the cluster are other ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum IfForeign {
    /// This node has just made its first key, with which nothing is signed yet.
    Adopt,
    Fail,
}

impl SharedKeys {
    pub(crate) fn new(store: RedisStore, file: KeyFile, place: KeyStore) -> Self {
        Self { store, file, place }
    }

    /// Returns the keys with which this node starts. `own` are those in its key file.
    pub(crate) async fn agree(
        &self,
        own: Option<KeyRing>,
        profile: Profile,
    ) -> Result<KeyRing, Failure> {
        let theirs = match self.store.signing_keys().await {
            Ok(theirs) => theirs,
            Err(error) => {
                // The keys are compared as soon as Redis answers. No authenticated client is admitted before.
                return own.ok_or_else(|| {
                    Failure::new(format_args!(
                        "Redis does not answer, and this node has no signing key yet ({}): start Redis",
                        Causes(&error)
                    ))
                });
            }
        };
        match (own, theirs) {
            (None, Some(theirs)) => self.adopt(&theirs),
            // Another node may make its first key at the same moment. The first one to store its key keeps it.
            (None, None) => {
                self.compare(self.file.read_or_create(profile)?, None, IfForeign::Adopt).await
            }
            (Some(own), theirs) => self.compare(own, theirs, IfForeign::Fail).await,
        }
    }

    /// Compares the key file with the keys of the cluster, and changes neither. Returns what the server would do with
    /// them, or fails if it would not start.
    pub(crate) async fn examine(&self, profile: Profile) -> Result<&'static str, Failure> {
        let theirs = self.store.signing_keys().await.or_fail("cannot read the signing keys")?;
        match (self.file.read()?, theirs) {
            (None, None) if profile == Profile::Production => Err(Failure::new(format_args!(
                "neither this node nor Redis has a signing key: put yours at {}, or make one: doorward keys create",
                self.file.path().display()
            ))),
            (_, None) => Ok("Redis has no key yet, and the first node that starts stores its own"),
            (None, Some(theirs)) => {
                self.text(&theirs)?;
                Ok("no key yet: the server takes over the key of the other nodes")
            }
            (Some(own), Some(theirs)) => match age(&own.names(), &theirs.names) {
                Age::Same => Ok("the same as on the other nodes"),
                Age::Newer => {
                    Ok("newer than the key of the other nodes: the server passes it on to them")
                }
                Age::Older => {
                    self.text(&theirs)?;
                    Ok("older than the key of the other nodes: the server takes theirs over")
                }
                Age::Foreign => Err(self.foreign()),
            },
        }
    }

    /// Compares the keys of the running server with those of the cluster, and exchanges them after a rotation.
    /// Does nothing while Redis does not answer, which its own log line reports.
    pub(crate) async fn exchange(&self, keys: &KeyRing) -> Result<(), Failure> {
        let theirs = match self.store.signing_keys().await {
            Err(StoreError::Unavailable(_)) => return Ok(()),
            theirs => theirs.or_fail("cannot read the signing keys")?,
        };
        let own = KeyRing::from_pem(&keys.to_pem().or_fail("cannot write a signing key")?);
        let agreed = self
            .compare(own.or_fail("cannot read a signing key")?, theirs, IfForeign::Fail)
            .await?;
        keys.replace(&agreed);
        Ok(())
    }

    async fn compare(
        &self,
        own: KeyRing,
        mut theirs: Option<SigningKeys>,
        if_foreign: IfForeign,
    ) -> Result<KeyRing, Failure> {
        for _ in 0..ATTEMPTS {
            let version = theirs.as_ref().map_or(0, |theirs| theirs.version);
            if let Some(theirs) = &theirs {
                match age(&own.names(), &theirs.names) {
                    Age::Same if !self.is_exposed(theirs) => return Ok(own),
                    Age::Older => return self.adopt(theirs),
                    Age::Foreign if if_foreign == IfForeign::Adopt => return self.adopt(theirs),
                    Age::Foreign => return Err(self.foreign()),
                    Age::Same | Age::Newer => {}
                }
            }
            let text = match self.place {
                KeyStore::Redis => Some(own.to_pem().or_fail("cannot write a signing key")?),
                KeyStore::File => None,
            };
            let names = own.names();
            let stored = self.store.put_signing_keys(version, &names, text.as_deref()).await;
            if stored.or_fail("cannot share the signing keys")? {
                return Ok(own);
            }
            // Another node was faster.
            theirs = self.store.signing_keys().await.or_fail("cannot read the signing keys")?;
        }
        Err(Failure::new(format_args!(
            "other nodes replaced the signing keys in Redis during all {ATTEMPTS} attempts: rotate the keys on one \
             node at a time, and start again"
        )))
    }

    /// Returns `true` if Redis has private keys that it must not have.
    fn is_exposed(&self, theirs: &SigningKeys) -> bool {
        self.place == KeyStore::File && theirs.text.is_some()
    }

    /// Takes over the keys of the cluster.
    fn adopt(&self, theirs: &SigningKeys) -> Result<KeyRing, Failure> {
        let keys = KeyRing::from_pem(self.text(theirs)?);
        self.file.adopt(keys.or_fail("cannot use the signing keys in Redis")?)
    }

    /// Returns the keys of the cluster as text. Fails if each node reads them from a file of its own.
    fn text<'k>(&self, theirs: &'k SigningKeys) -> Result<&'k str, Failure> {
        theirs.text.as_deref().filter(|_| self.place == KeyStore::Redis).ok_or_else(|| {
            Failure::new(format_args!(
                "the key {} is missing or older than that of the other nodes: copy the file from another node",
                self.file.path().display()
            ))
        })
    }

    fn foreign(&self) -> Failure {
        let remedy = match self.place {
            KeyStore::Redis => "move the file away to take over the key of the others",
            KeyStore::File => "copy the file from another node",
        };
        Failure::new(format_args!(
            "the key {} is not that of the other nodes, so tokens of one node would be refused by the others: \
             {remedy}, or give this server a Redis of its own",
            self.file.path().display()
        ))
    }
}

/// Compares two lists of names. The key that signs is the first of each list.
fn age(own: &[String], theirs: &[String]) -> Age {
    let (Some(first), Some(their_first)) = (own.first(), theirs.first()) else {
        return Age::Foreign;
    };
    if first == their_first {
        Age::Same
    } else if own.contains(their_first) {
        Age::Newer
    } else if theirs.contains(first) {
        Age::Older
    } else {
        Age::Foreign
    }
}

/// Maximum number of attempts to store keys while other nodes store theirs.
const ATTEMPTS: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_age_of_keys_follows_from_their_names() {
        let names = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        for (own, theirs, expected) in [
            ("a", "a", Age::Same),
            ("a b", "a", Age::Same),
            ("b a", "a", Age::Newer),
            ("a", "b a", Age::Older),
            ("a b", "c d", Age::Foreign),
            ("a b", "c b", Age::Foreign),
        ] {
            assert_eq!(age(&names(own), &names(theirs)), expected, "{own} {theirs}");
        }
        assert_eq!(age(&[], &names("a")), Age::Foreign);
    }
}
