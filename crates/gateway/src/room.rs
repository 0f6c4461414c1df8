//! Rooms: policies, targets of broadcasts, and the results of sending.
//!
//! [`Hub`](crate::Hub) and [`Socket`](crate::Socket) send to rooms. The policies that
//! [`Gateway::room`](crate::Gateway::room) sets decide which clients may join them.

// Sockets, hubs and rooms as applications use them. `socket/joining.rs` decides whether a client
// joins a room; `pattern` reads the patterns of room names. Start reading at `socket`.

pub(crate) mod acks;
pub(crate) mod error;
pub(crate) mod hooks;
pub(crate) mod hub;
pub(crate) mod members;
pub(crate) mod pattern;
pub(crate) mod principal;
pub(crate) mod server_event;
pub(crate) mod socket;

pub use crate::room::{
    acks::Acks,
    error::JoinError,
    hub::{Outgoing, broadcast::Delivered},
    members::Target,
    pattern::RoomRequest,
};
