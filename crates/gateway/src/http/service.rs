//! The tower `Service` that opens links.
//!
//! A link outlives the HTTP request that opens it. `open` checks the request, answers it with 101,
//! and spawns `run`. When the response has been sent, hyper gives the connection to `run`, which
//! takes the stream out of hyper and gives it to the task of the link. If Doorward or axum has accepted
//! the connection, nothing of the HTTP server is left after that. Start reading at [`open`].

use std::{
    convert::Infallible,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use doorward_core::{BoxError, BoxFuture};
use http::{Request, Response, StatusCode, request::Parts};
use hyper::{body::Body, upgrade::OnUpgrade};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower_service::Service;

use crate::{
    http::{
        connection_error::refuse,
        handshake::{self, Offer, Rejection, Wanted},
        io::HttpIo,
        opening::opening,
        polling,
        response_body::ResponseBody,
        server::Server,
    },
    link::{state::Opening, task::LinkTask},
    transport::{
        stream::{ByteStream, Connection},
        websocket::WebSocket,
    },
};

/// The tower `Service` of a server. Mount it at the path of the server: `/socket.io/` by default,
/// and also `/socket.io` for clients with `addTrailingSlash: false`.
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
    pub(crate) server: Arc<Server>,
}

doorward_core::debug_fields!(DoorwardService {});

impl<B> Service<Request<B>> for DoorwardService
where
    B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
{
    type Response = Response<ResponseBody>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let server = Arc::clone(&self.server);
        let (parts, body) = request.into_parts();
        Box::pin(async move {
            Ok(if is_own(&server.path, parts.uri.path()) {
                answer(&server, parts, body).await
            } else {
                let mut response = Response::new(ResponseBody::from(Bytes::new()));
                *response.status_mut() = StatusCode::NOT_FOUND;
                response
            })
        })
    }
}

/// Returns `true` if `path` is the path of the server, with or without the slash at its end.
fn is_own(own: &str, path: &str) -> bool {
    path == own || own.strip_suffix('/').is_some_and(|short| path == short)
}

/// Checks a request, and answers it.
async fn answer<B>(server: &Arc<Server>, mut parts: Parts, body: B) -> Response<ResponseBody>
where
    B: Body<Error: Into<BoxError>>,
{
    let answered = match handshake::check(&parts, server.is_polling) {
        Ok(Wanted::Socket(offer)) => open(server, &mut parts, offer).await,
        Ok(wanted) => return polling::serve(server, wanted, parts, body).await,
        Err(rejection) => Err(rejection),
    };
    answered.unwrap_or_else(|rejection| {
        refuse(server.connection_errors.as_ref(), &server.services, &parts, rejection)
    })
}

/// Opens a link, and returns the response that upgrades the connection to a WebSocket.
async fn open(
    server: &Arc<Server>,
    parts: &mut Parts,
    offer: Offer,
) -> Result<Response<ResponseBody>, Rejection> {
    let opening = opening(server, parts, &[]).await?;
    // hyper adds `OnUpgrade` to a request that can be upgraded. Middleware or another server may
    // lose it.
    let upgrade = parts.extensions.remove::<OnUpgrade>().ok_or(Rejection::Upgrade)?;
    // Not awaited here: the upgrade completes only after the response was sent.
    tokio::spawn(run(upgrade, opening));
    Ok(handshake::switch(offer))
}

/// Waits for the upgrade, takes the stream out of the HTTP server if the type of the stream is known,
/// and starts the link.
///
/// The buffers of the HTTP server have 16 KiB and more, and are freed when the stream is taken out.
/// A stream of another HTTP server keeps them. `read_buf` contains the bytes that the HTTP
/// server has read after the request, which are the first bytes of the link.
async fn run(upgrade: OnUpgrade, opening: Opening) {
    // If the connection ended first, the place in `opening` is freed here.
    let Ok(upgraded) = upgrade.await else { return };
    // The stream of this server.
    let upgraded = match upgraded.downcast::<HttpIo>() {
        Ok(parts) => {
            let (connection, open) = parts.io.into_inner();
            let opening = Opening { open: Some(open), ..opening };
            return match connection {
                Connection::Tcp(stream) => start(stream, &parts.read_buf, opening),
                Connection::Other(stream) => start(stream, &parts.read_buf, opening),
            };
        }
        Err(upgraded) => upgraded,
    };
    // The stream of `hyper_util`, and so of axum. Any other yields the bytes after the request itself.
    match hyper_util::server::conn::auto::upgrade::downcast::<TokioIo<TcpStream>>(upgraded) {
        Ok(parts) => start(parts.io.into_inner(), &parts.read_buf, opening),
        Err(upgraded) => start(TokioIo::new(upgraded), &[], opening),
    }
}

/// Spawns the task of a link. `early` are bytes that were read after the request. [`run`] does not
/// await the link itself, because the task of `run` would then be as large as a link with the
/// largest kind of stream.
fn start<S: ByteStream + Send + 'static>(stream: S, early: &[u8], opening: Opening) {
    tokio::spawn(LinkTask::new(WebSocket::new(stream, early), opening));
}
