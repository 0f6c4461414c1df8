//! The HTTP side: what turns a request into a link, as a tower `Service`.

mod handshake;
mod service;

pub use service::{DoorwardService, PeerAddr};
