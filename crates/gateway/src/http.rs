//! The HTTP side: what turns a request into a link, as a tower `Service`.

mod app;
mod handshake;
mod io;
mod service;

pub use app::App;
pub(crate) use io::HttpIo;
pub use service::{DoorwardService, PeerAddr};
