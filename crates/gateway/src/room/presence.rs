//! Presence of users in a namespace and its rooms, on all nodes.

use std::sync::Arc;

use doorward_core::{NodeId, UserId};

use crate::presence::roster::{Place, Roster};

/// Users that are connected to a namespace, and those in its rooms, on all nodes.
///
/// [`Hub::presence`](crate::Hub::presence) returns this handle. The answers come from the memory of this node. The other
/// nodes send it their changes within about 50 ms, and again if a message was lost. Users of a node
/// that has died are present for up to 10 s more. Users of a node that shuts down are present until 6
/// to 10 s after its last link has closed, so that a user who reconnects to another node stays
/// present.
///
/// A user counts from the moment of admission. Anonymous clients do not count.
///
/// # Examples
/// ```
/// use doorward::prelude::*;
///
/// let gateway: Gateway<Claims> = Gateway::at("/")
///     .on_presence(|hub: Hub<Claims>, change: PresenceChange| async move {
///         if change.room.is_none() {
///             let online = (change.user.as_str(), change.is_present);
///             hub.all().local().emit("online", online).ok();
///         }
///     })
///     .on("who", |hub: Hub<Claims>| async move {
///         hub.presence().users().iter().map(|user| user.as_str().to_owned()).collect::<Vec<_>>()
///     });
/// ```
#[derive(Clone)]
pub struct Presence {
    namespace: Arc<str>,
    roster: Arc<Roster>,
}

/// Change of the presence of a user.
///
/// [`Gateway::on_presence`](crate::Gateway::on_presence) receives it.
///
/// # Examples
/// ```
/// fn line(change: &doorward::room::PresenceChange) -> String {
///     let what = if change.is_present { "is here" } else { "has gone" };
///     format!("{:?} {what}", change.user)
/// }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PresenceChange {
    /// User who has come or gone.
    pub user: UserId,
    /// Room whose first connection of the user has come, or whose last one has gone. `None` for the
    /// namespace.
    pub room: Option<Arc<str>>,
    /// `true` if the first connection of the user has come, and `false` if the last one has gone.
    pub is_present: bool,
}

impl PresenceChange {
    pub(crate) fn new(user: UserId, room: Option<Arc<str>>, is_present: bool) -> Self {
        Self { user, room, is_present }
    }
}

impl Presence {
    pub(crate) fn new(namespace: Arc<str>, roster: Arc<Roster>) -> Self {
        Self { namespace, roster }
    }

    /// Returns `true` if the user has a connection to the namespace, on any node.
    #[must_use]
    pub fn is_present(&self, user: &UserId) -> bool {
        self.roster.is_present(&self.place(None), user)
    }

    /// Returns `true` if a connection of the user is in the room, on any node.
    #[must_use]
    pub fn is_in(&self, room: &str, user: &UserId) -> bool {
        self.roster.is_present(&self.place(Some(room)), user)
    }

    /// Returns the number of connections of a user to the namespace on each node that has any.
    #[must_use]
    pub fn connections(&self, user: &UserId) -> Vec<(NodeId, usize)> {
        self.roster.connections(&self.place(None), user)
    }

    /// Returns all users that are connected to the namespace, in any order.
    #[must_use]
    pub fn users(&self) -> Vec<UserId> {
        self.roster.users(&self.place(None))
    }

    /// Returns all users with a connection in the room, in any order.
    #[must_use]
    pub fn users_in(&self, room: &str) -> Vec<UserId> {
        self.roster.users(&self.place(Some(room)))
    }

    fn place(&self, room: Option<&str>) -> Place {
        Place { namespace: Arc::clone(&self.namespace), room: room.map(Into::into) }
    }
}

doorward_core::debug_fields!(Presence { namespace });
