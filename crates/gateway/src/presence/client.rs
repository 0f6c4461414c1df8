//! Finds the address of the client that sent a request.

use std::net::SocketAddr;

use http::request::Parts;

use crate::{peer::addr::PeerAddr, presence::services::Services};

/// Request extension that holds the address of the client after it was determined.
#[derive(Clone, Copy)]
pub(crate) struct Client(pub(crate) SocketAddr);

/// Returns the address of the client that sent a request, or `None` if the HTTP server does not
/// provide it.
pub(crate) fn client(services: &Services, parts: &Parts) -> Option<SocketAddr> {
    if let Some(Client(client)) = parts.extensions.get() {
        return Some(*client);
    }
    let peer = parts.extensions.get().map(|PeerAddr(peer)| *peer).or_else(|| connect_info(parts));
    if peer.is_none() {
        services.warn_unknown_client();
    }
    peer.map(|peer| services.client(peer, &parts.headers))
}

#[cfg(feature = "axum")]
pub(crate) fn connect_info(parts: &Parts) -> Option<SocketAddr> {
    parts.extensions.get().map(|axum::extract::ConnectInfo(peer)| *peer)
}

#[cfg(not(feature = "axum"))]
pub(crate) fn connect_info(_: &Parts) -> Option<SocketAddr> {
    None
}
