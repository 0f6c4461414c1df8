//! Secrets that are handed out once and stored only as hashes.
//!
//! Stores and their backups contain only the hashes, and a hash grants nothing. The secrets have
//! 256 random bits, so a fast hash is enough and the time of a lookup by hash reveals nothing
//! useful.

use std::str::FromStr;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use crate::Entropy;

/// Declares a secret, and the key under which a store keeps the record of the secret.
macro_rules! secret {
    ($(#[$doc:meta])* $secret:ident, $(#[$key_doc:meta])* $key:ident) => {
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $secret([u8; SECRET_BYTES]);

        impl $secret {
            /// Generates a random secret of 256 bits.
            #[must_use]
            pub fn generate(entropy: &(impl Entropy + ?Sized)) -> Self {
                let mut bytes = [0; SECRET_BYTES];
                entropy.fill(&mut bytes);
                Self(bytes)
            }

            /// Returns the secret as a text of 43 characters (base64url). Send it only to the
            /// client that it belongs to, and never log it.
            #[must_use]
            pub fn expose(&self) -> String {
                URL_SAFE_NO_PAD.encode(self.0)
            }

            /// Returns the SHA-256 of the secret, which a store keeps in place of the secret.
            #[must_use]
            pub fn key(&self) -> $key {
                $key(Sha256::digest(self.0).into())
            }
        }

        /// Parses a secret that a client has sent. Each secret has exactly one valid spelling.
        impl FromStr for $secret {
            type Err = SecretError;

            fn from_str(text: &str) -> Result<Self, SecretError> {
                let mut bytes = [0; SECRET_BYTES];
                // The engine rejects padding and non-zero trailing bits. Otherwise a secret would
                // have several spellings, and a check that compares texts could be evaded.
                match URL_SAFE_NO_PAD.decode_slice(text, &mut bytes) {
                    Ok(SECRET_BYTES) => Ok(Self(bytes)),
                    _ => Err(SecretError(())),
                }
            }
        }

        $crate::debug_redacted!($secret);

        $(#[$key_doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash)]
        pub struct $key([u8; 32]);

        impl $key {
            /// Creates a key from stored bytes.
            #[must_use]
            pub fn new(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            /// Returns the bytes to store.
            #[must_use]
            pub fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }
        }

        $crate::debug_redacted!($key);
    };
}

secret! {
    /// Secret that authenticates a session. It is the value of the session cookie, or
    /// `auth.sessionToken`.
    ///
    /// # Security
    /// It is a bearer credential, so a client needs nothing else to be signed in. `Debug` prints
    /// `[redacted]`.
    ///
    /// # Examples
    /// ```
    /// # use doorward_core::{Entropy, SessionToken};
    /// # struct Fixed;
    /// # impl Entropy for Fixed { fn fill(&self, bytes: &mut [u8]) { bytes.fill(0) } }
    /// let token = SessionToken::generate(&Fixed);
    /// let same: SessionToken = token.expose().parse()?;
    /// assert_eq!(token.key(), same.key());
    /// assert_eq!(format!("{token:?}"), "SessionToken([redacted])");
    /// # Ok::<_, doorward_core::SecretError>(())
    /// ```
    SessionToken,
    /// Key under which a [`SessionStore`](crate::SessionStore) finds a session. It is the SHA-256
    /// of the session token.
    ///
    /// # Examples
    /// ```
    /// assert_eq!(doorward_core::SessionKey::new([7; 32]).as_bytes(), &[7; 32]);
    /// ```
    SessionKey
}

secret! {
    /// Secret that a page exchanges for a session over HTTP. It can be used once, within seconds.
    ///
    /// # Security
    /// A client that has the ticket and its verifier can sign in. `Debug` prints `[redacted]`.
    ///
    /// # Examples
    /// ```
    /// assert!("short".parse::<doorward_core::Ticket>().is_err());
    /// ```
    Ticket,
    /// Key under which a [`TicketStore`](crate::TicketStore) finds a ticket. It is the SHA-256 of
    /// the ticket.
    ///
    /// # Examples
    /// ```
    /// assert_eq!(format!("{:?}", doorward_core::TicketKey::new([7; 32])), "TicketKey([redacted])");
    /// ```
    TicketKey
}

/// Error for a text that is not a [`SessionToken`] or a [`Ticket`].
///
/// # Examples
/// ```
/// let error = "".parse::<doorward_core::SessionToken>().unwrap_err();
/// assert_eq!(error.to_string(), "not a secret of this server");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a secret of this server")]
pub struct SecretError(());

/// Length of a secret in bytes. 32 bytes are 256 bits, and ASVS 5.0 section 7.2.3 requires 128
/// bits.
const SECRET_BYTES: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    struct Counting;
    impl Entropy for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            for (at, byte) in (0..).zip(bytes) {
                *byte = at;
            }
        }
    }

    #[test]
    fn a_secret_can_be_written_in_one_way_only() {
        let text = SessionToken::generate(&Counting).expose();

        assert_eq!(text.len(), 43);
        let (short, _) = text.split_at(42);
        for changed in [format!("{text}="), format!(" {text}"), short.to_owned()] {
            assert!(changed.parse::<SessionToken>().is_err(), "{changed}");
        }
        // The last character holds four bits of the secret. Its other two bits must be zero.
        let trailing = format!("{short}9");
        assert_ne!(trailing, text);
        assert!(trailing.parse::<SessionToken>().is_err());
    }

    #[test]
    fn a_key_is_the_hash_and_not_the_secret() {
        let token = SessionToken::generate(&Counting);

        assert_eq!(token.key().as_bytes()[..4], [0x63, 0x0d, 0xcd, 0x29]);
    }
}
