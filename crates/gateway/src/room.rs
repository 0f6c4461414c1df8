//! Policies of rooms, targets of broadcasts, and the results of sending. A room is a named group of
//! sockets in one namespace.
//!
//! [`Hub`](crate::Hub) and [`Socket`](crate::Socket) send to rooms. The policies that
//! [`Gateway::room`](crate::Gateway::room) sets decide which clients may join a room.

// This folder contains the sockets, hubs and rooms that applications use. `socket/joining.rs`
// decides if a client may join a room, and `pattern` parses the patterns of room names. Start
// reading at `socket`.

pub(crate) mod acks;
pub(crate) mod error;
pub(crate) mod hooks;
pub(crate) mod hub;
pub(crate) mod members;
pub(crate) mod pattern;
pub(crate) mod presence;
pub(crate) mod principal;
pub(crate) mod sent_results;
pub(crate) mod server_event;
pub(crate) mod socket;

pub use crate::bus::target::Target;
pub use crate::room::{
    acks::Acks,
    error::JoinError,
    hub::{Outgoing, broadcast::Delivered},
    pattern::RoomRequest,
    presence::{Presence, PresenceChange},
};
