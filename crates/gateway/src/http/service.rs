//! The tower `Service` that opens links.
//!
//! A link outlives the HTTP request that opens it. `open` checks the request and answers it with 101,
//! and spawns `run`. When the response has been sent, hyper gives the connection to `run`, which takes
//! the stream out of hyper and gives it to the task of the link. From there on nothing of the HTTP
//! server is left. Start reading at [`open`].

use std::{
    convert::Infallible,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use doorward_core::{BoxFuture, Decision, HandshakeRequest, Headers, RefusalReason};
use http::{Request, Response, StatusCode, request::Parts};
use http_body_util::Full;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower_service::Service;

use crate::{
    http::{
        handshake::{self, Rejection},
        io::HttpIo,
        server::Server,
    },
    limits::capacity::Open,
    link::{state::Opening, task::LinkTask},
    presence::{client::client, services::Subject},
    transport::websocket::WebSocket,
};

/// A server as a tower `Service`, to be mounted at its path: `/socket.io/` by default, and `/socket.io`
/// for clients with `addTrailingSlash: false`.
///
/// Requests for another path are answered with 404.
///
/// # Examples
/// ```
/// use doorward::prelude::*;
///
/// let doorward = Doorward::builder().public(Gateway::at("/")).build()?;
/// let service = doorward.service();
/// # Ok::<_, doorward::server::BuildError>(())
/// ```
#[derive(Clone)]
pub struct DoorwardService {
    server: Arc<Server>,
}

impl DoorwardService {
    pub(crate) fn new(server: Arc<Server>) -> Self {
        Self { server }
    }
}

doorward_core::debug_fields!(DoorwardService {});

impl<B: Send + 'static> Service<Request<B>> for DoorwardService {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let server = Arc::clone(&self.server);
        let (mut parts, _body) = request.into_parts();
        Box::pin(async move {
            Ok(if is_own(&server.path, parts.uri.path()) {
                open(&server, &mut parts).await.unwrap_or_else(Rejection::response)
            } else {
                let mut response = Response::new(Full::default());
                *response.status_mut() = StatusCode::NOT_FOUND;
                response
            })
        })
    }
}

/// Returns `true` if a path is that of the server, with or without the slash at its end.
fn is_own(own: &str, path: &str) -> bool {
    path == own || own.strip_suffix('/').is_some_and(|short| path == short)
}

/// Checks all that can be checked before the upgrade, and returns the response that promises it.
///
/// The order matters. The checks of the request cost nothing, so they come before the address is
/// counted. The client is authenticated later: its credential arrives with the CONNECT on the link.
async fn open(server: &Arc<Server>, parts: &mut Parts) -> Result<Response<Full<Bytes>>, Rejection> {
    let offer = handshake::check(parts)?;
    let services = &server.services;
    let peer = client(services, parts);
    let address = peer.map(|peer| peer.ip());
    let (headers, credentials) = Headers::split(&parts.headers);
    let place = services.link_place(address, &headers).ok_or_else(|| {
        let subject = Subject { peer: address, ..Subject::default() };
        services.decided(Decision::Closed(RefusalReason::TooManyAttempts), subject);
        Rejection::TooManyLinks
    })?;
    // The place is taken first, so that it also bounds how many requests wait for the init hooks.
    if services.is_draining() || !Server::ready_beside(server).await {
        return Err(Rejection::NotNow);
    }
    // hyper adds it to a request that may be upgraded. Middleware or another server may lose it.
    let upgrade = parts.extensions.remove::<OnUpgrade>().ok_or(Rejection::Upgrade)?;
    let query = parts.uri.query().unwrap_or_default();
    let opening = Opening {
        request: Arc::new(HandshakeRequest::new(headers, query, peer)),
        credentials: Arc::new(credentials),
        place,
        open: None,
    };
    // Not awaited here: the upgrade completes only after the response was sent.
    tokio::spawn(run(Arc::clone(server), upgrade, opening));
    Ok(handshake::switch(offer))
}

/// Waits for the upgrade, takes the stream out of the HTTP server, and starts the link.
async fn run(server: Arc<Server>, upgrade: OnUpgrade, mut opening: Opening) {
    // If the connection ended first, the place in `opening` is given back here.
    let Ok(upgraded) = upgrade.await else { return };
    let (io, early) = raw_stream(upgraded);
    let services = Arc::clone(&server.services);
    let namespaces = Arc::clone(&server.namespaces);
    // Spawned and not awaited here: a task is as large as its largest state, and this one has states
    // for both kinds of streams. There is one task for each link, so its size counts.
    match io {
        Raw::Tcp(io, open) => {
            opening.open = open;
            tokio::spawn(LinkTask::new(WebSocket::new(io, &early), services, namespaces, opening));
        }
        Raw::Other(io) => {
            tokio::spawn(LinkTask::new(WebSocket::new(io, &early), services, namespaces, opening));
        }
    }
}

/// Stream of a connection after the upgrade.
enum Raw {
    /// The TCP stream itself. The buffers of the HTTP server, 16 KiB and more, are freed.
    Tcp(TcpStream, Option<Open>),
    /// A stream of a type that is not known here, such as TLS. It keeps the buffers of its server.
    Other(TokioIo<Upgraded>),
}

/// Unwraps the stream if its type is known: that of this server, or of `hyper_util` and so of axum.
///
/// Also returns the bytes that the HTTP server has read after the request. They are the first bytes
/// of the link. A stream that is not unwrapped yields them itself.
fn raw_stream(upgraded: Upgraded) -> (Raw, Bytes) {
    let upgraded = match upgraded.downcast::<HttpIo>() {
        Ok(parts) => {
            let (stream, open) = parts.io.into_inner();
            return (Raw::Tcp(stream, Some(open)), parts.read_buf);
        }
        Err(upgraded) => upgraded,
    };
    match hyper_util::server::conn::auto::upgrade::downcast::<TokioIo<TcpStream>>(upgraded) {
        Ok(parts) => (Raw::Tcp(parts.io.into_inner(), None), parts.read_buf),
        Err(upgraded) => (Raw::Other(TokioIo::new(upgraded)), Bytes::new()),
    }
}
