//! Prepares a new link, and takes the stream of an upgraded connection out of the HTTP server.
//!
//! Start reading at [`opening`].

use std::sync::Arc;

use doorward_core::{Decision, HandshakeRequest, Headers, LinkId, RefusalReason};
use http::request::Parts;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::{
    http::{
        handshake::Rejection,
        io::{Counted, HttpIo},
        server::Server,
    },
    link::state::Opening,
    presence::{
        client::client,
        services::{Services, Subject},
    },
    transport::stream::AnyStream,
};

/// Counts a new link for the address of its client, and returns the arguments that open it.
///
/// The order matters. The checks of the request are cheap, so they come before. The client is
/// authenticated later: its credential arrives with the CONNECT on the link.
pub(super) async fn opening(
    server: &Arc<Server>,
    parts: &Parts,
    upgrades: &'static [&'static str],
) -> Result<Opening, Rejection> {
    let services = &server.services;
    let peer = client(services, parts);
    let address = peer.map(|peer| peer.ip());
    let (headers, credentials) = Headers::split(&parts.headers);
    let place = services.link_places(&headers).try_take(address).ok_or_else(|| {
        let subject = Subject { peer: address, ..Subject::default() };
        services.decided(Decision::Closed(RefusalReason::TooManyAttempts), subject);
        Rejection::TooManyLinks
    })?;
    // The place is taken first, so that it also limits how many requests wait for the init hooks.
    if services.is_draining() {
        return Err(stopping(services));
    }
    if !Server::ready_beside(server).await {
        return Err(Rejection::NotNow);
    }
    let query = parts.uri.query().unwrap_or_default();
    Ok(Opening {
        id: LinkId::generate(&*services.entropy),
        upgrades,
        services: Arc::clone(services),
        namespaces: Arc::clone(&server.namespaces),
        request: Arc::new(HandshakeRequest::new(headers, query, peer)),
        credentials: Arc::new(credentials),
        place,
        open: None,
    })
}

/// Asks a client to try again later. The time is random, so that clients do not all return at once.
fn stopping(services: &Services) -> Rejection {
    let mut random = [0];
    services.entropy.fill(&mut random);
    Rejection::Stopping { retry_after: 1 + random[0] % MAX_RETRY_AFTER }
}

/// Waits for the upgrade, and returns the stream and the bytes that were read after the request.
/// Returns `None` if the connection has ended.
pub(super) async fn into_stream(upgrade: OnUpgrade) -> Option<(AnyStream, Vec<u8>)> {
    let upgraded = upgrade.await.ok()?;
    let upgraded = match upgraded.downcast::<HttpIo>() {
        Ok(parts) => {
            let (stream, open) = parts.io.into_inner();
            return Some((Box::new(Counted { stream, _open: open }), parts.read_buf.into()));
        }
        Err(upgraded) => upgraded,
    };
    Some(match hyper_util::server::conn::auto::upgrade::downcast::<TokioIo<TcpStream>>(upgraded) {
        Ok(parts) => (Box::new(parts.io.into_inner()), parts.read_buf.into()),
        Err(upgraded) => (Box::new(TokioIo::new(upgraded)), Vec::new()),
    })
}

/// Maximum time after which a client may try again when the server stops, in seconds.
const MAX_RETRY_AFTER: u8 = 5;
