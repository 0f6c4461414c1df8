//! Serves metrics to Prometheus on a separate listener.

use std::{sync::Arc, time::Duration};

use axum::{Router, http::header, routing::get};
use doorward::server::{Clock, Listeners, SystemClock};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use tokio::{net::TcpListener, sync::Semaphore};

use super::descriptors;
use crate::{
    config::listen::ListenAddress,
    terminal::{Failure, OrFail as _},
};

/// Listener that serves the metrics, and the handle that formats them.
pub(crate) struct MetricsServer {
    listeners: Listeners,
    handle: PrometheusHandle,
}

impl MetricsServer {
    /// Binds the listener and installs the recorder. Call it before the components are built whose metrics are
    /// served.
    pub(crate) async fn start(listen: &ListenAddress) -> Result<Self, Failure> {
        let listeners =
            Listeners::bind(&listen.to_string()).await.or_fail("cannot listen for metrics")?;
        let handle = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
            .and_then(PrometheusBuilder::install_recorder)
            .or_fail("cannot count")?;
        // Counters that should stay 0 exist from the start, so that alerts can use them.
        for name in ZERO {
            metrics::counter!(*name).increment(0);
        }
        for address in listeners.addresses() {
            tracing::info!(%address, "Metrics.");
        }
        Ok(Self { listeners, handle })
    }

    /// Serves requests until the future is dropped.
    pub(crate) async fn serve(self) {
        let Self { listeners, handle } = self;
        let upkeep = handle.clone();
        let answer = async move || {
            look_at_process().await;
            ([(header::CONTENT_TYPE, CONTENT_TYPE)], handle.render())
        };
        let router = Router::new().route("/metrics", get(answer));
        let mut servers = tokio::task::JoinSet::new();
        // Upkeep runs here as well, otherwise samples would accumulate without a scraper.
        servers.spawn(async move {
            loop {
                SystemClock.sleep_until(SystemClock.now() + BETWEEN_UPKEEPS).await;
                upkeep.run_upkeep();
            }
        });
        for listener in listeners.into_tcp() {
            servers.spawn(accept(listener, router.clone()));
        }
        // None of the tasks completes.
        servers.join_next().await;
    }
}

/// Answers one request per connection. A timeout and a limit of concurrent connections prevent a flood of
/// connections from using up the file descriptors of the server.
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
            // A peer that does not read its response is cut off like one that sends no request.
            tokio::select! {
                answered = answer => drop(answered),
                () = SystemClock.sleep_until(SystemClock.now() + 2 * PATIENCE) => {}
            }
            drop(place);
        });
    }
}

/// Updates the gauges of open files and memory. Counting many files takes a while, so it runs on a thread for
/// blocking work.
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

/// Returns the resident memory in bytes, as Linux reports it in `/proc/self/statm` (proc(5)). Returns `None` on
/// other systems.
fn memory() -> Option<u64> {
    let pages = std::fs::read_to_string("/proc/self/statm").ok()?;
    let resident: u64 = pages.split_whitespace().nth(1)?.parse().ok()?;
    Some(resident * u64::try_from(rustix::param::page_size()).ok()?)
}

/// Counters of failures, which exist from the start.
const ZERO: &[&str] = &[
    "doorward_audit_dropped_total",
    "doorward_log_lines_dropped_total",
    "doorward_log_lines_left_out_total",
    "doorward_slow_closes_total",
];

const MEMORY: &str = "doorward_memory_bytes";
const DESCRIPTORS: &str = "doorward_descriptors";
const DESCRIPTORS_LIMIT: &str = "doorward_descriptors_limit";

/// Maximum number of concurrent connections. Further connections wait.
const AT_ONCE: usize = 16;

/// Timeout for receiving the head of a request.
const PATIENCE: Duration = Duration::from_secs(5);

/// Pause after a failed accept.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

const BETWEEN_UPKEEPS: Duration = Duration::from_secs(5);

const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Upper bounds of the histogram buckets, in seconds.
const SECONDS: [f64; 12] =
    [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];
