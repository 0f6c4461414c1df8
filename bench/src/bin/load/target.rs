//! Address and process of the server that is measured.

use std::net::SocketAddr;

/// The measured server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    pub(crate) pid: u32,
}
