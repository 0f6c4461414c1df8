//! Sockets, hubs and rooms as applications use them, and what is sent to them.
//!
//! `connection/rooms.rs` decides whether a client enters a room; `policy` has the patterns of
//! names. Start reading at [`connection`].

pub(crate) mod acks;
pub(crate) mod data;
pub(crate) mod error;
pub(crate) mod hooks;
pub(crate) mod hub;
pub(crate) mod members;
pub(crate) mod policy;
pub(crate) mod principal;
pub(crate) mod server_event;
pub(crate) mod socket;

pub use crate::room::{
    acks::Acks,
    error::JoinError,
    hub::{Outgoing, broadcast::Delivered},
    members::Target,
    policy::RoomRequest,
};
