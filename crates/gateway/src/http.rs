//! The HTTP side: what turns a request into a link, as a tower `Service`.

mod app;
mod handshake;
mod service;

pub use app::App;
pub use service::{DoorwardService, PeerAddr};
