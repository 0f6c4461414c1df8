//! Serves metrics to Prometheus, on a listener of their own.

use std::{sync::Arc, time::Duration};

use axum::{Router, http::header, routing::get};
use doorward::{Clock, Listeners, SystemClock};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use tokio::{net::TcpListener, sync::Semaphore};

use super::descriptors;
use crate::{config::listen::ListenAddress, terminal::Failure};

/// What a scraper reads, and where.
pub(crate) struct MetricsServer {
    listeners: Listeners,
    handle: PrometheusHandle,
}

impl MetricsServer {
    /// Listens, and begins to count. What was built before is not counted.
    pub(crate) async fn start(listen: &ListenAddress) -> Result<Self, Failure> {
        let listeners = Listeners::bind(listen.as_str())
            .await
            .map_err(|error| Failure::because("cannot listen for metrics", &error))?;
        let handle = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
            .and_then(PrometheusBuilder::install_recorder)
            .map_err(|error| Failure::because("cannot count", &error))?;
        // What should be 0 is there, so that an alarm can tell.
        for name in ZERO {
            metrics::counter!(*name).increment(0);
        }
        for address in listeners.addresses() {
            tracing::info!(%address, "Metrics.");
        }
        Ok(Self { listeners, handle })
    }

    /// Answers for as long as the future lives.
    pub(crate) async fn serve(self) {
        let Self { listeners, handle } = self;
        let upkeep = handle.clone();
        let router = Router::new().route(
            "/metrics",
            get(move || {
                let handle = handle.clone();
                async move {
                    look_at_process().await;
                    ([(header::CONTENT_TYPE, CONTENT_TYPE)], handle.render())
                }
            }),
        );
        let mut servers = tokio::task::JoinSet::new();
        // Samples are put together here too, or they would pile up while nobody asks.
        servers.spawn(async move {
            loop {
                SystemClock.sleep_until(SystemClock.now() + BETWEEN_UPKEEPS).await;
                upkeep.run_upkeep();
            }
        });
        for listener in listeners.into_inner() {
            servers.spawn(accept(listener, router.clone()));
        }
        // None of them ends by itself.
        servers.join_next().await;
    }
}

/// Answers one request on each connection, in time, and only so many at once: a scraper needs one, and what connects
/// here without end must not use up the descriptors of the server.
async fn accept(listener: TcpListener, router: Router) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(PATIENCE).keep_alive(false);
    let places = Arc::new(Semaphore::new(AT_ONCE));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else {
            SystemClock.sleep_until(SystemClock.now() + ACCEPT_PAUSE).await;
            continue;
        };
        let service = TowerToHyperService::new(router.clone());
        let answer = http.serve_connection(TokioIo::new(stream), service);
        tokio::spawn(async move {
            // A peer that does not read is as good as one that does not ask.
            tokio::select! {
                answered = answer => drop(answered),
                () = SystemClock.sleep_until(SystemClock.now() + 2 * PATIENCE) => {}
            }
            drop(place);
        });
    }
}

/// Reads how many files are open and how much memory is in use. With many files that takes a while, so it is
/// done beside the runtime.
async fn look_at_process() {
    let look = || (descriptors::open(), memory());
    if let Ok((open, memory)) = tokio::task::spawn_blocking(look).await {
        if let Some(open) = open {
            metrics::gauge!(DESCRIPTORS).set(open as f64);
        }
        if let Some(memory) = memory {
            metrics::gauge!(MEMORY).set(memory as f64);
        }
    }
    if let Some(limit) = descriptors::limit() {
        metrics::gauge!(DESCRIPTORS_LIMIT).set(limit as f64);
    }
}

/// Resident memory in bytes, where the system says it (Linux: proc(5), `/proc/self/statm`).
fn memory() -> Option<u64> {
    let pages = std::fs::read_to_string("/proc/self/statm").ok()?;
    let resident: u64 = pages.split_whitespace().nth(1)?.parse().ok()?;
    Some(resident * u64::try_from(rustix::param::page_size()).ok()?)
}

/// Counters that count only when something went wrong.
const ZERO: &[&str] = &[
    "doorward_audit_dropped_total",
    "doorward_log_lines_dropped_total",
    "doorward_log_lines_left_out_total",
    "doorward_slow_closes_total",
];

const MEMORY: &str = "doorward_memory_bytes";
const DESCRIPTORS: &str = "doorward_descriptors";
const DESCRIPTORS_LIMIT: &str = "doorward_descriptors_limit";

/// Connections that are answered at once; others wait.
const AT_ONCE: usize = 16;

/// How long the head of a request may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Time after which an accept that failed is tried again.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

const BETWEEN_UPKEEPS: Duration = Duration::from_secs(5);

const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// From a tenth of a millisecond to half a minute.
const SECONDS: [f64; 12] =
    [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];
