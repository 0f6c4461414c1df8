//! Accepts connections and serves HTTP on them until they become links, or end.
//!
//! Each connection has one task. hyper parses its requests and limits their headers,
//! `http/requests.rs` limits the rest of each request, and the service of the application answers
//! it.
//!
//! A connection is counted twice. Its `Place` counts for the limit of its address as long as the
//! connection carries HTTP. The task of the connection owns the `Place`, and a link takes a place
//! of another kind. Its `Open` counts for the limit of the whole server, which includes links. The
//! `Open` is part of the stream, so that it stays with the file descriptor when the connection
//! becomes a link.

use std::{
    convert::Infallible,
    future::Future,
    io,
    pin::{Pin, pin},
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use doorward_core::Clock;
use hyper::{
    body::Incoming,
    rt::{self, Timer},
    server::conn::http1,
    service::{self, service_fn},
};
use tokio::{sync::watch, task::JoinSet};

use crate::{
    http::{
        answer_body::AnswerBody,
        app::HttpService,
        io::HttpIo,
        listeners::{Listeners, ListeningSocket},
        place::ConnectionPlace,
        requests::Requests,
        server::Server,
        setup::{Accepted, ConnectionSetup, take_place},
        sleep::Sleep,
    },
    presence::services::Services,
    runtime::metrics::Metrics,
    server::shutdown::shut_down,
};

/// Serves `app` until `shutdown` completes, then shuts down.
pub(crate) async fn serve(
    server: Arc<Server>,
    listeners: Listeners,
    app: impl HttpService,
    shutdown: impl Future<Output = ()>,
) {
    // `stop` tells HTTP connections to end. Each HTTP task holds a receiver until it ends, so
    // `stop.closed()` completes when the last one has ended.
    let (stop, stopping) = watch::channel(());
    let mut accepting = JoinSet::new();
    let Listeners { sockets, setup } = listeners;
    for socket in sockets.each() {
        let (server, setup) = (Arc::clone(&server), setup.clone());
        accepting.spawn(accept(server, socket, setup, app.clone(), stopping.clone()));
    }
    // If a receiver were left here, `stop.closed()` would never complete.
    drop(stopping);

    shutdown.await;
    // The server is marked as draining before the links are ended, so that a link that opens
    // meanwhile ends as well.
    server.services.drain();
    shut_down(&server.services, accepting, &stop).await;
}

/// Accepts connections until the task is aborted.
async fn accept(
    server: Arc<Server>,
    socket: ListeningSocket,
    setup: ConnectionSetup,
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
        let (stream, peer) = match socket.accept().await {
            Ok(accepted) => {
                services.accepting.answered(services.clock.now());
                accepted
            }
            Err(error) => {
                pause(services, &error).await;
                continue;
            }
        };
        // The limit of the address is checked first, so that a client with too many connections is
        // closed at once and does not wait. Then the connection waits for a place in the server.
        // While the server is full, the listener accepts no more connections, and clients wait in
        // the backlog of the operating system. `limits/capacity.rs` explains the reason.
        let Some((place, carried)) = take_place(services, peer) else { continue };
        let open = services.room.take().await;
        let accepted = Accepted { stream, peer, place, carried, is_final: false, open };
        let (http, app, stopping) = (http.clone(), app.clone(), stopping.clone());
        if setup.is_noop() {
            tokio::spawn(serve_http(accepted, &http, app, Arc::clone(services), stopping));
        } else {
            let (setup, services) = (setup.clone(), Arc::clone(services));
            tokio::spawn(set_up_and_serve(accepted, setup, http, app, services, stopping));
        }
    }
}

/// Sets a connection up, and then serves HTTP on it.
async fn set_up_and_serve<A: HttpService>(
    accepted: Accepted,
    setup: ConnectionSetup,
    http: http1::Builder,
    app: A,
    services: Arc<Services>,
    mut stopping: watch::Receiver<()>,
) {
    let accepted = tokio::select! {
        accepted = setup.run(accepted, &services) => accepted,
        // No request has begun.
        _ = stopping.changed() => None,
    };
    if let Some(accepted) = accepted {
        // Spawned, because this task keeps the size of the handshake for as long as it lives.
        tokio::spawn(serve_http(accepted, &http, app, services, stopping));
    }
}

/// Serves HTTP on one connection until it ends or becomes a link.
fn serve_http<A: HttpService>(
    accepted: Accepted,
    http: &http1::Builder,
    app: A,
    services: Arc<Services>,
    mut stopping: watch::Receiver<()>,
) -> impl Future<Output = ()> + Send + use<A> {
    let Accepted { stream, peer, place, carried, is_final, open } = accepted;
    let io = HttpIo::new(stream, open, carried.clone(), &services);
    let is_awaited = io.is_awaited();
    let place = ConnectionPlace::new(place);
    let connection_place = place.clone();
    let requests = Requests { app, services, peer, carried, is_final, place: connection_place };
    let connection = connection(http, io, requests);
    async move {
        let mut connection = pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            // An error means that the future of `serve` was dropped, which ends the connection too.
            _ = stopping.changed() => {
                // The connection completes the request that is being answered, and accepts no
                // further request.
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            if error.is_timeout() && is_awaited.load(Ordering::Relaxed) {
                Metrics::http_timed_out();
            }
            tracing::trace!(%error, "HTTP connection ended.");
        }
        // The place is also released when the connection has become a link, because the task of
        // the link owns the stream now.
        place.free();
    }
}

/// Returns the future that serves HTTP on one connection. It completes when the connection ends or
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

/// Waits after a failed `accept`, unless the error is harmless.
///
/// If a client has closed its connection in the backlog, no wait is needed. Any other error, such
/// as a lack of file descriptors, would occur again at once and waste CPU time.
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

/// Maximum size of the buffer for the headers of a request, including cookies and tokens, in bytes.
const MAX_HEADER_BYTES: usize = 16 * 1024;

/// Maximum number of headers of a request. Browsers send about twenty.
const MAX_HEADERS: usize = 64;

/// Time from an `accept` that failed for lack of resources to the next `accept`.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);
