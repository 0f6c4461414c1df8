//! Sets up an accepted connection: reads the header of the PROXY protocol, and performs the TLS
//! handshake. Start reading at [`ConnectionSetup::run`].

use std::{io, net::SocketAddr, sync::Arc};

use doorward_core::Causes;
use tokio::io::AsyncReadExt as _;

use crate::{
    http::{answer_body::Carried, tls::Tls},
    limits::{addresses::Place, capacity::Open},
    peer::proxy_header::{FixedPart, ProxyHeader, ProxyHeaderError},
    presence::services::Services,
    runtime::metrics::{Metrics, SetupStep},
    transport::stream::Connection,
};

/// An accepted connection, and the limits that it counts towards.
pub(crate) struct Accepted {
    pub(crate) stream: Connection,
    /// Other end of the connection, which is the client or a proxy.
    pub(crate) peer: SocketAddr,
    /// Place among the connections of the peer.
    pub(crate) place: Place,
    /// Place of the client whose request a trusted proxy forwards at the moment. `None` if the peer
    /// is not a trusted proxy.
    pub(crate) carried: Option<Carried>,
    /// `true` if `peer` is the client, and `X-Forwarded-For` of its requests is not read.
    pub(crate) is_final: bool,
    /// Place among all connections of the server. It is dropped after the stream.
    pub(crate) open: Open,
}

/// What precedes the first request of a connection.
#[derive(Clone, Default)]
pub(crate) struct ConnectionSetup {
    pub(crate) tls: Option<Tls>,
    /// `true` if each connection begins with a header of the PROXY protocol.
    pub(crate) proxy_protocol: bool,
}

impl ConnectionSetup {
    /// Returns `true` if HTTP begins at once.
    pub(crate) fn is_noop(&self) -> bool {
        self.tls.is_none() && !self.proxy_protocol
    }

    /// Performs the steps within [`Limits::header_timeout`](crate::Limits::header_timeout). Returns
    /// `None` if the connection must be closed.
    pub(crate) async fn run(
        &self,
        accepted: Accepted,
        services: &Arc<Services>,
    ) -> Option<Accepted> {
        // The header of the PROXY protocol names another peer.
        let mut peer = accepted.peer;
        let steps = Box::pin(self.steps(accepted, services, &mut peer));
        match services.within(services.limits.header_timeout, steps).await {
            Some(Ok(accepted)) => return Some(accepted),
            Some(Err(error)) => error.report(peer, services),
            None => {
                Metrics::http_timed_out();
                tracing::debug!(%peer, "Connection closed: its TLS handshake or PROXY header took too long.");
            }
        }
        None
    }

    async fn steps(
        &self,
        mut accepted: Accepted,
        services: &Arc<Services>,
        peer: &mut SocketAddr,
    ) -> Result<Accepted, SetupError> {
        if self.proxy_protocol {
            accepted = forwarded(accepted, services).await?;
            *peer = accepted.peer;
        }
        let Some(tls) = &self.tls else { return Ok(accepted) };
        let stream = tls.accept(accepted.stream).await.map_err(SetupError::Tls)?;
        Ok(Accepted { stream: Connection::Other(Box::new(stream)), ..accepted })
    }
}

/// Takes a place for a connection of `peer`. Returns `None` if `peer` has too many connections.
///
/// Connections of trusted proxies are counted separately. They carry requests of many clients, so
/// each request takes a place of its client until the request has ended. See [`Carried`].
pub(crate) fn take_place(
    services: &Services,
    peer: SocketAddr,
) -> Option<(Place, Option<Carried>)> {
    let is_proxy = services.proxies.trusts(peer.ip());
    let (places, bound) =
        if is_proxy { (&services.proxied, "proxy") } else { (&services.connections, "address") };
    let Some(place) = places.try_take(Some(peer.ip())) else {
        Metrics::http_refused(bound);
        tracing::debug!(%peer, "Connection closed: its address has too many connections.");
        return None;
    };
    Some((place, is_proxy.then(Carried::default)))
}

/// Reads the header of the PROXY protocol, and counts the connection for the client that it names.
async fn forwarded(
    mut accepted: Accepted,
    services: &Arc<Services>,
) -> Result<Accepted, SetupError> {
    if accepted.carried.is_none() {
        return Err(SetupError::Untrusted);
    }
    let mut start: FixedPart = Default::default();
    accepted.stream.read_exact(&mut start).await.map_err(SetupError::Lost)?;
    let length = ProxyHeader::length(&start).map_err(SetupError::Header)?;
    let mut rest = vec![0; length];
    accepted.stream.read_exact(&mut rest).await.map_err(SetupError::Lost)?;
    let (peer, taken) = match ProxyHeader::parse(&start, &rest).map_err(SetupError::Header)? {
        ProxyHeader::Forwarded(client) => (client, take_place(services, client)),
        // The connection may carry requests of a client whose address the proxy does not know. The
        // proxy has not read them, so their headers are those of the client.
        ProxyHeader::Local => {
            let place = services.connections.try_take(Some(accepted.peer.ip()));
            (accepted.peer, place.map(|place| (place, None)))
        }
    };
    let (place, carried) = taken.ok_or(SetupError::TooMany)?;
    let is_final = carried.is_none();
    Ok(Accepted { peer, place, carried, is_final, ..accepted })
}

/// Reason for which a connection is closed before its first request.
#[derive(Debug, thiserror::Error)]
enum SetupError {
    #[error("the header of the PROXY protocol cannot be read")]
    Header(#[source] ProxyHeaderError),
    /// Programs that only check if the server listens leave in the same way.
    #[error("the connection was lost before the header of the PROXY protocol was complete")]
    Lost(#[source] io::Error),
    #[error("the TLS handshake failed")]
    Tls(#[source] io::Error),
    #[error("the client has too many connections")]
    TooMany,
    /// Otherwise any client could claim any address.
    #[error("the peer is not in trusted_proxies")]
    Untrusted,
}

impl SetupError {
    fn report(&self, peer: SocketAddr, services: &Services) {
        match self {
            Self::Header(error) => services.warn_no_proxy_header(peer, error),
            Self::Untrusted => services.warn_untrusted_proxy(peer),
            Self::Lost(_) | Self::Tls(_) | Self::TooMany => {}
        }
        match self {
            Self::Header(_) | Self::Untrusted => Metrics::http_failed(SetupStep::ProxyProtocol),
            // tokio-rustls reports every error of rustls with this kind.
            Self::Tls(error) if error.kind() == io::ErrorKind::InvalidData => {
                Metrics::http_failed(SetupStep::Tls);
            }
            // A client that leaves in the middle has cost the server a signature.
            Self::Tls(_) => Metrics::http_failed(SetupStep::TlsLost),
            // The latter was counted already.
            Self::Lost(_) | Self::TooMany => {}
        }
        let error = Causes(self);
        tracing::debug!(%peer, %error, "Connection closed before its first request.");
    }
}
