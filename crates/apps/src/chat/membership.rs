//! Checks that a user is a member of a room, and sends presence events.
//!
//! Only members of a room may read, write and invite in it, so each such event in `gateway` asks [`check_member`].
//! A member cannot be removed by others, but can leave (`leave` in `gateway`). Only the author of a message can
//! change it (`change` in `store`).

use doorward::{Exception, Socket};

use super::wire::Presence;
use crate::application::{NamedUser, Person};

pub(super) fn tell_presence(who: &Socket<NamedUser>, rooms: &[String], online: bool) {
    let presence = Presence { user: who.user().as_str(), online };
    if let Err(error) = who.hub().to_each(rooms.iter().map(|id| room_of(id))).emit_event(&presence)
    {
        tracing::error!(%error, "An event could not be sent to a room.");
    }
}

/// Fails with `forbidden` if the socket is not in the framework room of the chat room `room`. Only members can join the
/// framework room, and a member who leaves is removed from it. A closed socket is in no room.
pub(super) fn check_member(me: &Socket<NamedUser>, room: &str) -> Result<(), Exception> {
    if me.is_in(&room_of(room)) { Ok(()) } else { Err(Exception::forbidden()) }
}

pub(super) fn person(me: &Socket<NamedUser>) -> Person {
    Person { id: me.user().clone(), name: me.principal().name.clone() }
}

pub(super) fn full() -> Exception {
    Exception::new("too_many", "There are too many members, or too many rooms")
}

/// Returns the name of the room in which the sockets of a chat room's members are.
pub(super) fn room_of(id: &str) -> String {
    format!("room:{id}")
}
