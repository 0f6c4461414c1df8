//! Checks that a user is a member of a room, and sends presence events.
//!
//! Only members of a room may read, write and invite in it, so each such event in `gateway` asks [`check_member`].
//! A member cannot be removed by others, but can leave (`leave` in `gateway`). Only the author of a message can
//! change it (`change` in `store`).

use doorward::{
    Broadcast, Exception, Hub, Socket, UserId,
    room::{Presence, PresenceChange},
};

use super::wire::{self, Member};
use crate::application::{NamedUser, Person};

/// Tells the clients of this node in some rooms that a user has come or gone.
pub(super) fn tell_presence(hub: &Hub<NamedUser>, change: &PresenceChange, rooms: &[String]) {
    let event = wire::Presence { user: change.user.as_str(), online: change.is_present };
    let others = hub.to_each(rooms.iter().map(|id| room_of(id))).except(&change.user);
    if let Err(error) = others.local().emit_event(&event) {
        tracing::error!(%error, "An event could not be sent to a room.");
    }
}

/// Fails with `forbidden` if the socket is not in the framework room of the chat room `room`. Only members can join the
/// framework room, and a member who leaves is removed from it. A closed socket is in no room.
pub(super) fn check_member(me: &Socket<NamedUser>, room: &str) -> Result<(), Exception> {
    if me.is_in(&room_of(room)) { Ok(()) } else { Err(Exception::forbidden()) }
}

/// Selects the connections of a user. If all are on this node, no other node is asked.
pub(super) fn connections_of(hub: &Hub<NamedUser>, user: &UserId) -> Broadcast<NamedUser> {
    let all: usize = hub.presence().connections(user).iter().map(|(_, count)| count).sum();
    let connections = hub.to(user);
    if connections.local_sockets().len() >= all { connections.local() } else { connections }
}

pub(super) fn person(me: &Socket<NamedUser>) -> Person {
    Person { id: me.user().clone(), name: me.principal().name.clone() }
}

/// Returns a user without an account who is connected to another node. Only that node knows the name.
pub(super) fn nameless(id: &UserId) -> Person {
    Person { id: id.clone(), name: id.as_str().into() }
}

pub(super) fn full() -> Exception {
    Exception::new("too_many", "There are too many members, or too many rooms")
}

/// Returns the name of the room in which the sockets of a chat room's members are.
pub(super) fn room_of(id: &str) -> String {
    format!("room:{id}")
}

pub(super) fn member(presence: &Presence, user: &UserId, name: String) -> Member {
    Member { user: user.clone(), name, online: presence.is_present(user) }
}
