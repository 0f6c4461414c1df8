//! Generates made-up passkeys for users that do not exist, so that clients cannot find out which users exist.
//!
//! An unknown user name has the same made-up passkeys each time. Their ids are derived from an HMAC of the name, and
//! are as long as the ids of real passkeys. `service/authenticating.rs` lists them in its answers. Only a sign-up
//! reveals that a name is taken.

use doorward_core::CredentialId;
use webauthn_rs_core::fake::{FakePasskeyDistribution, WebauthnFakeCredentialGenerator};

use crate::build_error::BuildError;

/// Generator of made-up passkeys.
pub(crate) struct Decoys(WebauthnFakeCredentialGenerator<FakePasskeyDistribution>);

impl Decoys {
    /// Creates a generator. If the secret changes, the generated passkeys change, which reveals that they are made up.
    pub(crate) fn new(secret: &[u8; 32]) -> Result<Self, BuildError> {
        let generator = WebauthnFakeCredentialGenerator::new(secret);
        generator.map(Self).map_err(|_invalid| BuildError::Cryptography)
    }

    /// Returns the ids of the made-up passkeys of a user name, at least one.
    pub(crate) fn of(&self, name_key: &str) -> Vec<CredentialId> {
        // An empty list would reveal that the name is unknown, so an empty draw is replaced by the next draw.
        let mut draws = (0..MOST_DRAWS).map(|draw| {
            let seed = format!("{draw}:{name_key}");
            self.0.generate(seed.as_bytes()).unwrap_or_default()
        });
        let made_up = draws.find(|made_up| !made_up.is_empty()).unwrap_or_default();
        made_up.into_iter().map(|id| CredentialId::new(id.as_ref() as &[u8])).collect()
    }
}

/// Maximum number of draws. One draw in six is empty, so the maximum is practically never reached.
const MOST_DRAWS: u32 = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_always_has_the_same_made_up_passkeys_and_another_name_has_others() {
        let decoys = Decoys::new(&[7; 32]).unwrap();

        assert_eq!(decoys.of("alice"), Decoys::new(&[7; 32]).unwrap().of("alice"));
        assert_ne!(decoys.of("alice"), decoys.of("bob"));
        assert_ne!(decoys.of("alice"), Decoys::new(&[8; 32]).unwrap().of("alice"));
        assert!((0..100).all(|number| !decoys.of(&number.to_string()).is_empty()));
    }
}
