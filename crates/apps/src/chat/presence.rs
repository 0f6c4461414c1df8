//! Who is here: how many connections each has.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use doorward::UserId;

/// Counts connections.
#[derive(Default)]
pub(super) struct Presence {
    /// Protects the counts; held while others are told of a first or a last connection, so that they are
    /// told in the order in which it happened.
    connections: Mutex<HashMap<UserId, usize>>,
}

impl Presence {
    /// One connection more; `tell` is called when it is the first.
    pub(super) fn come(&self, user: &UserId, tell: impl FnOnce()) {
        let mut connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        let count = connections.entry(user.clone()).or_insert(0);
        *count += 1;
        if *count == 1 {
            tell();
        }
    }

    /// One connection fewer; `tell` is called when it was the last.
    pub(super) fn go(&self, user: &UserId, tell: impl FnOnce()) {
        let mut connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(count) = connections.get_mut(user) else { return };
        *count -= 1;
        if *count == 0 {
            connections.remove(user);
            tell();
        }
    }

    pub(super) fn is_here(&self, user: &UserId) -> bool {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner).contains_key(user)
    }
}
