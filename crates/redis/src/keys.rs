//! Under which keys everything stands.
//!
//! Names come from outside and may hold anything. In a key stands the SHA-256 of a name, in hex, behind
//! the name of its kind: so no name is part of another one's key, and all keys of a kind are of one
//! length.

use std::fmt::Write as _;

use doorward_core::{SessionId, SessionKey, TicketKey, TokenId, UserId};
use sha2::{Digest, Sha256};

/// Makes the keys of one store.
#[derive(Debug)]
pub(crate) struct Keys {
    prefix: Box<str>,
}

impl Keys {
    pub(crate) fn new(prefix: &str) -> Self {
        Self { prefix: prefix.into() }
    }

    /// What counts for everybody.
    pub(crate) fn floor(&self) -> String {
        self.of(FLOOR)
    }

    /// Numbers the sessions in the order in which they are made.
    pub(crate) fn sequence(&self) -> String {
        self.of(SEQUENCE)
    }

    /// The record of a session.
    pub(crate) fn session(&self, id: &SessionId) -> String {
        self.of(SESSION) + &hash(id.as_str())
    }

    /// Which session a token opens.
    pub(crate) fn token(&self, key: &SessionKey) -> String {
        self.of(TOKEN) + &hex(key.as_bytes())
    }

    /// The sessions of a user.
    pub(crate) fn user(&self, user: &UserId) -> String {
        self.of(USER) + &hash(user.as_str())
    }

    pub(crate) fn ticket(&self, key: &TicketKey) -> String {
        self.of(TICKET) + &hex(key.as_bytes())
    }

    /// What was revoked of a user.
    pub(crate) fn epoch(&self, user: &UserId) -> String {
        self.of(EPOCH) + &hash(user.as_str())
    }

    pub(crate) fn ended_session(&self, id: &SessionId) -> String {
        self.of(ENDED_SESSION) + &hash(id.as_str())
    }

    pub(crate) fn ended_token(&self, id: &TokenId) -> String {
        self.of(ENDED_TOKEN) + &hash(id.as_str())
    }

    /// What stands before the hash in the keys that a script finds by itself.
    pub(crate) fn sessions(&self) -> String {
        self.of(SESSION)
    }

    pub(crate) fn tokens(&self) -> String {
        self.of(TOKEN)
    }

    pub(crate) fn users(&self) -> String {
        self.of(USER)
    }

    fn of(&self, kind: &str) -> String {
        format!("{}{kind}", self.prefix)
    }
}

/// How a name stands in keys and lists.
pub(crate) fn hash(name: &str) -> String {
    hex(&Sha256::digest(name).into())
}

pub(crate) fn hex(bytes: &[u8; 32]) -> String {
    bytes.iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a string does not fail.
        write!(text, "{byte:02x}").ok();
        text
    })
}

/// Reads what [`hex`] has written.
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

const FLOOR: &str = "floor";
const SEQUENCE: &str = "sequence";
const SESSION: &str = "session:";
const TOKEN: &str = "token:";
const USER: &str = "user:";
const TICKET: &str = "ticket:";
const EPOCH: &str = "epoch:";
const ENDED_SESSION: &str = "ended-session:";
const ENDED_TOKEN: &str = "ended-token:";

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_name_makes_the_key_of_another_kind_or_of_another_name() {
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
    fn what_is_written_in_hex_is_read_back_and_nothing_else_is() {
        let bytes = std::array::from_fn(|at| u8::try_from(at * 8).unwrap());

        assert_eq!(unhex(&hex(&bytes)), Some(bytes));
        for wrong in
            ["", "00", &"0".repeat(63), &"0".repeat(65), &"g".repeat(64), &"\u{e9}".repeat(32)]
        {
            assert_eq!(unhex(wrong), None, "{wrong}");
        }
    }
}
