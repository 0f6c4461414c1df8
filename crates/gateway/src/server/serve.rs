//! Accepts connections and speaks HTTP on them until they become links, or end.
//!
//! Each connection is one task; hyper parses its requests with a bound on headers and on the time they
//! take, `http/requests.rs` bounds the time of what follows, and everything else is the application's
//! service. Stopping is in order: no new connection, every link is told, a moment of grace, the end.

use std::{
    convert::Infallible,
    future::Future,
    io,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::Arc,
    time::{Duration, Instant},
};

use doorward_core::{Clock, DisconnectReason};
use hyper::{
    body::Incoming,
    rt::{self, Timer},
    server::conn::http1,
    service::{HttpService, service_fn},
};
use tokio::{net::TcpListener, sync::watch};

use crate::{
    http::{
        answer_body::{AnswerBody, Carried},
        app::App,
        io::HttpIo,
        listeners::Listeners,
        requests::Requests,
        server::Server,
        sleep::Sleep,
    },
    limits::addresses::Place,
    presence::services::Services,
    runtime::metrics::{HttpBound, Metrics},
};

/// Serves `app` until `shutdown` completes, then ends everything in order.
pub(crate) async fn serve(
    server: Arc<Server>,
    listeners: Listeners,
    app: impl App,
    shutdown: impl Future<Output = ()>,
) {
    // Told to stop; and every connection that speaks HTTP holds a receiver, so that the last one to
    // go is noticed.
    let (stop, stopping) = watch::channel(());
    let accepting: Vec<_> = listeners
        .0
        .into_iter()
        .map(|listener| {
            let server = Arc::clone(&server);
            AbortOnDrop(tokio::spawn(accept(server, listener, app.clone(), stopping.clone())))
        })
        .collect();
    drop(stopping);

    shutdown.await;
    server.services.drain();
    for task in accepting {
        task.stop().await;
    }
    tracing::info!(links = server.services.registry.links(), "Stopping.");
    server.services.registry.end_all(DisconnectReason::Shutdown);
    stop.send_replace(());

    let clock = &server.services.clock;
    let grace = clock.sleep_until(clock.now() + server.services.limits.shutdown_grace);
    let gone = async {
        stop.closed().await;
        server.services.registry.emptied().await;
        // Their hooks use what the application closes next.
        server.services.farewells.closed().await;
    };
    tokio::select! {
        () = gone => {}
        () = grace => {
            Metrics::hit("shutdown_grace");
            tracing::warn!("Some connections did not end in time.");
        }
    }
    // Apart from the grace of connections: theirs is not used up by a disk that stands still.
    let recorded = server.services.recorded();
    if server.services.within(RECORDED_WITHIN, recorded).await.is_none() {
        tracing::warn!("The audit has not kept its records in time.");
    }
}

/// Takes connections for as long as the task lives.
async fn accept(
    server: Arc<Server>,
    listener: TcpListener,
    app: impl App,
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
        let Some((place, carried)) = take_place(services, peer) else { continue };
        let open = services.room.take().await;
        // Without it small packets wait for the acknowledgement of the last ones, 40 ms and more.
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
                // An error would mean that the server is gone, and that is no reason to go on.
                _ = stopping.changed() => {
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
            drop(place);
        });
    }
}

/// Takes the place of a connection; `None` when its address has no more.
///
/// A trusted proxy has places of its own, and each request that it passes on takes one of its client.
fn take_place(services: &Services, peer: SocketAddr) -> Option<(Place, Option<Carried>)> {
    let is_proxy = services.proxies.trusts(peer.ip());
    let (places, bound) = if is_proxy {
        (&services.proxied, HttpBound::Proxy)
    } else {
        (&services.connections, HttpBound::Address)
    };
    let Some(place) = places.try_take(Some(peer.ip())) else {
        Metrics::http_refused(bound);
        tracing::debug!(%peer, "Connection closed: the address has too many.");
        return None;
    };
    Some((place, is_proxy.then(Carried::default)))
}

/// Speaks HTTP on one connection.
fn connection<A: App>(
    http: &http1::Builder,
    io: HttpIo,
    requests: Requests<A>,
) -> http1::UpgradeableConnection<
    HttpIo,
    impl HttpService<Incoming, ResBody = AnswerBody<A::Body>, Error = Infallible, Future: Send> + use<A>,
> {
    let service = service_fn(move |request| requests.clone().answer(request));
    http.serve_connection(io, service).with_upgrades()
}

/// Waits after a failed accept. A connection that ended while it waited is nobody's fault; when the
/// process has no descriptors left, trying again at once would only burn time.
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

/// A task that ends with its owner.
struct AbortOnDrop(tokio::task::JoinHandle<()>);

impl AbortOnDrop {
    /// Ends the task and waits until it has let go of its listener.
    async fn stop(mut self) {
        self.0.abort();
        // It was just aborted: the only answer is that it was.
        drop((&mut self.0).await);
    }
}

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// hyper's timeouts on the server's own clock.
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

/// How long the audit may take to keep its records when the server stops.
const RECORDED_WITHIN: Duration = Duration::from_secs(2);

/// The headers of a request, all together: cookies and tokens included.
const MAX_HEADER_BYTES: usize = 16 * 1024;

/// Browsers send about twenty.
const MAX_HEADERS: usize = 64;

/// Time after which an accept that failed for want of resources is tried again.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);
