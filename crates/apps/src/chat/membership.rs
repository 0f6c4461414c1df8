//! Who is in a room of the framework, and what the others are told of them.

use doorward::{Connection, Exception};

use super::wire::Presence;
use crate::application::{NamedUser, Person};

pub(super) fn tell_presence(who: &Connection<NamedUser>, rooms: &[String], online: bool) {
    let presence = Presence { user: who.user().as_str(), online };
    if let Err(error) = who.hub().to_each(rooms.iter().map(|id| room_of(id))).emit_event(&presence)
    {
        tracing::error!(%error, "A room could not be told.");
    }
}

/// Who is in the room of the framework was let in as a member, and was taken out with the membership. Who
/// has ended is in no room.
pub(super) fn check_member(me: &Connection<NamedUser>, room: &str) -> Result<(), Exception> {
    if me.is_in(&room_of(room)) { Ok(()) } else { Err(Exception::forbidden()) }
}

pub(super) fn person(me: &Connection<NamedUser>) -> Person {
    Person { id: me.user().clone(), name: me.principal().name.clone() }
}

pub(super) fn full() -> Exception {
    Exception::new("too_many", "There are too many members, or too many rooms")
}

/// What the framework calls a room.
pub(super) fn room_of(id: &str) -> String {
    format!("room:{id}")
}
