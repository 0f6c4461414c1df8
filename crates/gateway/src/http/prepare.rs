//! Prepares an accepted connection for HTTP: reads the header of the PROXY protocol, and performs the
//! TLS handshake. Start reading at [`Preparation::run`].

use std::{io, net::SocketAddr, sync::Arc};

use tokio::io::AsyncReadExt as _;

use crate::{
    http::{answer_body::Carried, tls::Tls},
    limits::{addresses::Place, capacity::Open},
    peer::proxy_header::{ProxyHeader, ProxyHeaderError, Start},
    presence::services::Services,
    runtime::metrics::Metrics,
    transport::stream::Connection,
};

/// A connection, the address that it counts for, and its places.
pub(crate) struct Accepted {
    pub(crate) stream: Connection,
    /// Other end of the connection, which is the client or a proxy.
    pub(crate) peer: SocketAddr,
    /// Place among the connections of the peer.
    pub(crate) place: Place,
    /// Place of the client whose request a trusted proxy forwards at the moment. `None` if the peer
    /// is not a trusted proxy.
    pub(crate) carried: Option<Carried>,
    /// Place among all connections of the server. It is dropped after the stream.
    pub(crate) open: Open,
}

/// Steps before the first request of a connection.
#[derive(Clone)]
pub(crate) struct Preparation {
    pub(crate) tls: Option<Tls>,
    /// `true` if each connection begins with a header of the PROXY protocol.
    pub(crate) is_proxied: bool,
}

impl Preparation {
    /// Returns `true` if HTTP begins at once.
    pub(crate) fn is_empty(&self) -> bool {
        self.tls.is_none() && !self.is_proxied
    }

    /// Performs the steps within [`Limits::header_timeout`](crate::Limits::header_timeout). Returns
    /// `None` if the connection must be closed.
    pub(crate) async fn run(
        &self,
        accepted: Accepted,
        services: &Arc<Services>,
    ) -> Option<Accepted> {
        let peer = accepted.peer;
        let steps = Box::pin(self.steps(accepted, services));
        let Some(prepared) = services.within(services.limits.header_timeout, steps).await else {
            Metrics::http_timed_out();
            tracing::debug!(%peer, "Connection closed: it did not begin in time.");
            return None;
        };
        prepared
            .inspect_err(|error| {
                if let Unprepared::Header(cause) = error {
                    services.proxy_header_is_missing(peer, cause);
                }
                if let Some(step) = error.step() {
                    Metrics::http_unprepared(step);
                }
                tracing::debug!(%peer, %error, "Connection closed before its first request.");
            })
            .ok()
    }

    async fn steps(
        &self,
        accepted: Accepted,
        services: &Arc<Services>,
    ) -> Result<Accepted, Unprepared> {
        let accepted =
            if self.is_proxied { forwarded(accepted, services).await? } else { accepted };
        let Some(tls) = &self.tls else { return Ok(accepted) };
        let stream = tls.accept(accepted.stream).await.map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData => Unprepared::Tls(error),
            _ => Unprepared::Lost(error),
        })?;
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
        tracing::debug!(%peer, "Connection closed: its address has too many.");
        return None;
    };
    Some((place, is_proxy.then(Carried::default)))
}

/// Reads the header of the PROXY protocol, and counts the connection for the client that it names.
async fn forwarded(
    mut accepted: Accepted,
    services: &Arc<Services>,
) -> Result<Accepted, Unprepared> {
    if accepted.carried.is_none() {
        return Err(Unprepared::Header(HeaderFault::Untrusted));
    }
    let mut start: Start = Default::default();
    accepted.stream.read_exact(&mut start).await.map_err(Unprepared::Lost)?;
    let header = |error| Unprepared::Header(HeaderFault::Unreadable(error));
    let mut rest = vec![0; ProxyHeader::length(&start).map_err(header)?];
    accepted.stream.read_exact(&mut rest).await.map_err(Unprepared::Lost)?;
    match ProxyHeader::parse(&start, &rest).map_err(header)? {
        ProxyHeader::Own => Ok(accepted),
        ProxyHeader::Forwarded(client) => {
            let (place, carried) = take_place(services, client).ok_or(Unprepared::TooMany)?;
            Ok(Accepted { peer: client, place, carried, ..accepted })
        }
    }
}

/// Reason for which a connection is closed before its first request.
#[derive(Debug, thiserror::Error)]
enum Unprepared {
    #[error("{0}")]
    Header(HeaderFault),
    /// The connection was lost. A load balancer that only checks if the server listens does the
    /// same, so this is no fault of the settings.
    #[error("{0}")]
    Lost(io::Error),
    #[error("TLS: {0}")]
    Tls(io::Error),
    #[error("the client has too many connections")]
    TooMany,
}

impl Unprepared {
    /// Returns the step that failed, for the metric. `None` if the client has left, or if it has too
    /// many connections, which were counted already.
    fn step(&self) -> Option<&'static str> {
        match self {
            Self::Header(_) => Some("proxy_protocol"),
            Self::Tls(_) => Some("tls"),
            Self::Lost(_) | Self::TooMany => None,
        }
    }
}

/// Fault of a header of the PROXY protocol.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HeaderFault {
    #[error(transparent)]
    Unreadable(ProxyHeaderError),
    /// Any client could name any address.
    #[error("the peer is not in trusted_proxies")]
    Untrusted,
}
