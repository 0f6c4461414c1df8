//! Builds the Redis keys of a store.
//!
//! Ids of users, sessions and tokens may contain any character. A key therefore consists of the prefix, the
//! kind of the entry, and the SHA-256 of the id in hex. No id can form the key of another id, and all keys of
//! a kind have the same length.

use std::fmt::Write as _;

use doorward_core::{SessionId, SessionKey, TicketKey, TokenId, UserId};
use sha2::{Digest, Sha256};

/// Builds the keys of one store.
#[derive(Debug)]
pub(crate) struct Keys {
    prefix: Box<str>,
}

impl Keys {
    pub(crate) fn new(prefix: &str) -> Self {
        Self { prefix: prefix.into() }
    }

    /// Returns the key of the floor, which is the generation and the time before which no credential of any
    /// user is accepted.
    pub(crate) fn floor(&self) -> String {
        self.of("floor")
    }

    /// Returns the key of the counter that numbers sessions in order of creation.
    pub(crate) fn sequence(&self) -> String {
        self.of("sequence")
    }

    /// Returns the key of the record of a session.
    pub(crate) fn session(&self, id: &SessionId) -> String {
        self.sessions() + &hash(id.as_str())
    }

    /// Returns the key of the entry that maps a session token to its session.
    pub(crate) fn token(&self, key: &SessionKey) -> String {
        self.tokens() + &hex(key.as_bytes())
    }

    /// Returns the key of the list of a user's sessions.
    pub(crate) fn user(&self, user: &UserId) -> String {
        self.users() + &hash(user.as_str())
    }

    pub(crate) fn ticket(&self, key: &TicketKey) -> String {
        self.of("ticket:") + &hex(key.as_bytes())
    }

    /// Returns the key of the revocation state of a user.
    pub(crate) fn epoch(&self, user: &UserId) -> String {
        self.of("epoch:") + &hash(user.as_str())
    }

    pub(crate) fn ended_session(&self, id: &SessionId) -> String {
        self.of("ended-session:") + &hash(id.as_str())
    }

    pub(crate) fn ended_token(&self, id: &TokenId) -> String {
        self.of("ended-token:") + &hash(id.as_str())
    }

    /// Returns the key of the signing keys of access tokens.
    pub(crate) fn signing_keys(&self) -> String {
        self.of("signing-keys")
    }

    /// Returns the key of the log of orders.
    pub(crate) fn orders(&self) -> String {
        self.of("orders")
    }

    /// Returns the prefix of the channels of the bus.
    pub(crate) fn bus(&self) -> String {
        self.of("bus:")
    }

    /// Returns the key of the seats of a user.
    pub(crate) fn seats(&self, user: &UserId) -> String {
        self.of("seats:") + &hash(user.as_str())
    }

    /// Returns the key of the owner of a name.
    pub(crate) fn owner(&self, name: &str) -> String {
        self.of("owner:") + &hash(name)
    }

    /// Returns the prefix of session keys. Scripts append the hash of the id, because they learn the id only
    /// while they run.
    pub(crate) fn sessions(&self) -> String {
        self.of("session:")
    }

    pub(crate) fn tokens(&self) -> String {
        self.of("token:")
    }

    pub(crate) fn users(&self) -> String {
        self.of("user:")
    }

    fn of(&self, kind: &str) -> String {
        format!("{}{kind}", self.prefix)
    }
}

/// Returns the SHA-256 of an id in hex, as the keys and the lists of sessions contain it.
pub(crate) fn hash(name: &str) -> String {
    hex(&Sha256::digest(name).into())
}

pub(crate) fn hex(bytes: &[u8; 32]) -> String {
    bytes.iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a `String` cannot fail.
        write!(text, "{byte:02x}").ok();
        text
    })
}

/// Parses the output of [`hex`]. Returns `None` if the text is not such output.
pub(crate) fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.len() != bytes.len() || !rest.is_empty() {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(pairs) {
        *byte = u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_name_forms_the_key_of_another_kind_or_of_another_name() {
        let keys = Keys::new("doorward:");
        let names = ["", "a", "a:b", "floor", "session:", "*", "\n", "{a}"];
        let mut all = HashSet::from([keys.floor(), keys.sequence()]);
        for name in names {
            let (session, token) = (SessionId::new(name), TokenId::new(name));
            all.extend([keys.session(&session), keys.ended_session(&session)]);
            all.extend([keys.user(&name.into()), keys.epoch(&name.into())]);
            all.extend([keys.ended_token(&token), keys.owner(name)]);
        }

        assert_eq!(all.len(), 2 + 6 * names.len());
        for key in all {
            let safe = |c: char| c.is_ascii_alphanumeric() || c == ':' || c == '-';
            assert!(key.starts_with("doorward:") && key.chars().all(safe), "{key}");
        }
    }

    #[test]
    fn hex_is_parsed_back_and_anything_else_is_rejected() {
        let bytes = std::array::from_fn(|at| u8::try_from(at * 8).unwrap());

        assert_eq!(unhex(&hex(&bytes)), Some(bytes));
        for wrong in
            ["", "00", &"0".repeat(63), &"0".repeat(65), &"g".repeat(64), &"\u{e9}".repeat(32)]
        {
            assert_eq!(unhex(wrong), None, "{wrong}");
        }
    }
}
