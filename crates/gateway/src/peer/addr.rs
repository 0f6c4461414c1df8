//! The address of the other end of a TCP connection.

use std::net::SocketAddr;

/// The address of the other end of a TCP connection, as a request extension.
///
/// [`Doorward::serve`](crate::Doorward::serve) sets it to the address of the client, even behind
/// [`trusted_proxies`](crate::Builder::trusted_proxies).
///
/// With another HTTP server, set it to the address of the other end of the TCP connection before
/// the request reaches [`DoorwardService`](crate::server::DoorwardService). The service then finds
/// the client behind `trusted_proxies` itself. Without this extension, all clients are counted as
/// one.
///
/// With axum and the feature `axum`, `into_make_service_with_connect_info::<SocketAddr>()` is
/// enough.
///
/// # Examples
/// ```
/// use doorward::server::PeerAddr;
///
/// let mut request = http::Request::new(());
/// request.extensions_mut().insert(PeerAddr(([127, 0, 0, 1], 4711).into()));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerAddr(pub SocketAddr);
