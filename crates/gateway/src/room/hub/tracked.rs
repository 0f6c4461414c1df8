//! Presence of the users of a namespace.

use std::sync::Arc;

use doorward_core::UserId;

use crate::{
    presence::roster::Place,
    room::{hub::Hub, presence::Presence},
};

impl<P> Hub<P> {
    /// Returns the presence of users in this namespace and its rooms, on all nodes.
    ///
    /// # Panics
    /// Panics if no gateway of the namespace has a hook
    /// [`on_presence`](crate::Gateway::on_presence), or if the server is not built yet. This is a
    /// mistake of the program: without such a hook, the presence is not tracked.
    #[must_use]
    pub fn presence(&self) -> Presence {
        assert!(
            self.is_mounted() && self.is_tracked(),
            "the presence in {} is tracked if one of its gateways has a hook `on_presence`",
            self.namespace()
        );
        Presence::new(Arc::clone(&self.0.namespace), Arc::clone(&self.services().roster))
    }

    /// Counts a connection of a user to the namespace or to a room, if its presence is tracked.
    pub(crate) fn comes(&self, room: Option<&Arc<str>>, user: &UserId) {
        if self.is_tracked() {
            self.services().roster.add(&self.place(room), user);
        }
    }

    /// Removes a connection that was counted.
    pub(crate) fn goes(&self, room: Option<&Arc<str>>, user: &UserId) {
        if self.is_tracked() {
            self.services().roster.remove(&self.place(room), user);
        }
    }

    /// Returns `true` if the presence of users is tracked.
    fn is_tracked(&self) -> bool {
        !self.mounted().shared.presence.is_empty()
    }

    fn place(&self, room: Option<&Arc<str>>) -> Place {
        Place { namespace: Arc::clone(&self.0.namespace), room: room.cloned() }
    }
}
