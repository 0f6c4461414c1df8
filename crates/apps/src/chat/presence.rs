//! Counts the connections of each user.

use std::{collections::HashMap, sync::Mutex};

use doorward::UserId;

use crate::lock::lock;

/// Number of connections by user.
#[derive(Default)]
pub(super) struct Presence {
    /// Number of connections by user. The lock is held while the first or last connection of a user is announced,
    /// so that these events are sent in the right order.
    connections: Mutex<HashMap<UserId, usize>>,
}

impl Presence {
    /// Adds a connection of a user. Calls `tell` if the user had no other connection.
    pub(super) fn come(&self, user: &UserId, tell: impl FnOnce()) {
        let mut connections = lock(&self.connections);
        let count = connections.entry(user.clone()).or_insert(0);
        *count += 1;
        if *count == 1 {
            tell();
        }
    }

    /// Removes a connection of a user. Calls `tell` if the user has no other connection.
    pub(super) fn go(&self, user: &UserId, tell: impl FnOnce()) {
        let mut connections = lock(&self.connections);
        let Some(count) = connections.get_mut(user) else { return };
        *count -= 1;
        if *count == 0 {
            connections.remove(user);
            tell();
        }
    }

    pub(super) fn is_here(&self, user: &UserId) -> bool {
        lock(&self.connections).contains_key(user)
    }
}
