//! Builds the Redis keys of a store.
//!
//! Names come from outside and may contain any character. A key therefore consists of the prefix, the
//! kind, and the SHA-256 of the name in hex. No name can form the key of another name, and all keys of a
//! kind have the same length.

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

    /// Key of the floor: the generation and time before which no credential is accepted, for all users.
    pub(crate) fn floor(&self) -> String {
        self.of("floor")
    }

    /// Key of the counter that numbers sessions in order of creation.
    pub(crate) fn sequence(&self) -> String {
        self.of("sequence")
    }

    /// Key of the record of a session.
    pub(crate) fn session(&self, id: &SessionId) -> String {
        self.sessions() + &hash(id.as_str())
    }

    /// Key of the entry that maps a token to its session.
    pub(crate) fn token(&self, key: &SessionKey) -> String {
        self.tokens() + &hex(key.as_bytes())
    }

    /// Key of the list of a user's sessions.
    pub(crate) fn user(&self, user: &UserId) -> String {
        self.users() + &hash(user.as_str())
    }

    pub(crate) fn ticket(&self, key: &TicketKey) -> String {
        self.of("ticket:") + &hex(key.as_bytes())
    }

    /// Key of the revocation state of a user.
    pub(crate) fn epoch(&self, user: &UserId) -> String {
        self.of("epoch:") + &hash(user.as_str())
    }

    pub(crate) fn ended_session(&self, id: &SessionId) -> String {
        self.of("ended-session:") + &hash(id.as_str())
    }

    pub(crate) fn ended_token(&self, id: &TokenId) -> String {
        self.of("ended-token:") + &hash(id.as_str())
    }

    /// Prefix of session keys. Scripts append the hash, because they learn it only while they run.
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

/// Returns the SHA-256 of a name in hex, as keys and lists contain it.
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

/// Parses the output of [`hex`].
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
            all.extend([keys.ended_token(&token)]);
        }

        assert_eq!(all.len(), 2 + 5 * names.len());
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
