//! Accepts connections and speaks HTTP on them until they become links, or end.
//!
//! Each connection is one task. hyper parses its requests and bounds the headers, `http/requests.rs`
//! bounds the rest of each request, and the service of the application answers it.
//!
//! A connection is counted twice. Its `Place` counts it for its address while it speaks HTTP; the task
//! holds it, and a link takes a place of its own kind. Its `Open` counts it for the server, with all
//! links; it is part of the stream, so that it stays with the descriptor when that becomes a link.

use std::{
    convert::Infallible,
    future::Future,
    io,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::Arc,
    time::{Duration, Instant},
};

use doorward_core::Clock;
use hyper::{
    body::Incoming,
    rt::{self, Timer},
    server::conn::http1,
    service::{self, service_fn},
};
use tokio::{net::TcpListener, sync::watch, task::JoinSet};

use crate::{
    http::{
        answer_body::{AnswerBody, Carried},
        app::HttpService,
        io::HttpIo,
        listeners::Listeners,
        requests::Requests,
        server::Server,
        sleep::Sleep,
    },
    limits::addresses::Place,
    presence::services::Services,
    runtime::metrics::Metrics,
    server::shutdown::shut_down,
};

/// Serves `app` until `shutdown` completes, then closes the listeners and shuts down.
pub(crate) async fn serve(
    server: Arc<Server>,
    listeners: Listeners,
    app: impl HttpService,
    shutdown: impl Future<Output = ()>,
) {
    // Tells connections to stop, and tells when the last one has: each task that speaks HTTP holds a
    // receiver until it ends.
    let (stop, stopping) = watch::channel(());
    let mut accepting = JoinSet::new();
    for listener in listeners.0 {
        accepting.spawn(accept(Arc::clone(&server), listener, app.clone(), stopping.clone()));
    }
    // With a receiver here, `stop.closed()` would never complete.
    drop(stopping);

    shutdown.await;
    // Handshakes first, so that a client that reconnects at once finds another node or none. Before the
    // links are ended: a link that opens meanwhile sees that the server is draining.
    server.services.drain();
    // Aborts the tasks, and waits until each has dropped its listener.
    accepting.shutdown().await;
    shut_down(&server.services, &stop).await;
}

/// Accepts connections until the task is aborted.
async fn accept(
    server: Arc<Server>,
    listener: TcpListener,
    app: impl HttpService,
    stopping: watch::Receiver<()>,
) {
    let services = &server.services;
    let mut http = http1::Builder::new();
    http.timer(HttpTimer(Arc::clone(&services.clock)))
        .header_read_timeout(services.limits.header_timeout)
        .max_buf_size(MAX_HEADER_BYTES)
        .max_headers(MAX_HEADERS);
    loop {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => {
                services.accepting.answered(services.clock.now());
                accepted
            }
            Err(error) => {
                pause(services, &error).await;
                continue;
            }
        };
        // First by address: a client with too many connections is closed at once and does not wait.
        // Then for the server: while that is full, the listener accepts nothing more, and clients wait
        // in the backlog of the operating system. `limits/capacity.rs` explains that.
        let Some((place, carried)) = take_place(services, peer) else { continue };
        let open = services.room.take().await;
        // Nagle's algorithm (RFC 896) would hold a small packet back until the last one is
        // acknowledged, often 40 ms later.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::trace!(%error, "TCP_NODELAY was refused.");
        }
        let io = HttpIo::new(stream, open, carried.clone(), services);
        let requests = Requests { app: app.clone(), services: Arc::clone(services), peer, carried };
        let connection = connection(&http, io, requests);
        let mut stopping = stopping.clone();
        tokio::spawn(async move {
            let mut connection = pin!(connection);
            let ended = tokio::select! {
                ended = connection.as_mut() => ended,
                // An error means that the future of `serve` was dropped, which ends the connection too.
                _ = stopping.changed() => {
                    // Completes the request that is being answered, and takes no other.
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            if let Err(error) = ended {
                if error.is_timeout() {
                    Metrics::http_timed_out();
                }
                tracing::trace!(%error, "HTTP connection ended.");
            }
            // Also when the connection has become a link: its task owns the stream now.
            drop(place);
        });
    }
}

/// Takes a place for a connection of `peer`; `None` if it has too many.
///
/// A trusted proxy has places of its own. Its connections carry requests of many clients, so each
/// request takes a place of its client for as long as it lasts: see [`Carried`].
fn take_place(services: &Services, peer: SocketAddr) -> Option<(Place, Option<Carried>)> {
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

/// Returns the future that speaks HTTP on one connection. It completes when the connection ends or
/// becomes a link.
fn connection<A: HttpService>(
    http: &http1::Builder,
    io: HttpIo,
    requests: Requests<A>,
) -> http1::UpgradeableConnection<
    HttpIo,
    impl service::HttpService<Incoming, ResBody = AnswerBody<A::Body>, Error = Infallible, Future: Send>
    + use<A>,
> {
    let service = service_fn(move |request| requests.clone().answer(request));
    http.serve_connection(io, service).with_upgrades()
}

/// Waits after a failed accept.
///
/// A connection that its client has closed in the backlog needs no wait. Any other error, such as that
/// the process has no descriptors left, would come again at once and burn CPU time.
async fn pause(services: &Services, error: &io::Error) {
    let harmless = matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
    );
    if !harmless {
        let clock = &services.clock;
        services.accepting.failed(clock.now(), error);
        clock.sleep_until(clock.now() + ACCEPT_PAUSE).await;
    }
}

/// Timer for hyper that uses the clock of the server.
#[derive(Clone)]
struct HttpTimer(Arc<dyn Clock>);

impl Timer for HttpTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn rt::Sleep>> {
        Box::pin(Sleep::of(&*self.0, duration))
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn rt::Sleep>> {
        Box::pin(Sleep::until(&*self.0, deadline))
    }

    fn now(&self) -> Instant {
        self.0.now()
    }
}

/// Size of all headers of a request together, with cookies and tokens.
const MAX_HEADER_BYTES: usize = 16 * 1024;

/// Number of headers of a request. Browsers send about twenty.
const MAX_HEADERS: usize = 64;

/// Time between an accept that failed for lack of resources and the next.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);
