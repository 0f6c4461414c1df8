//! Ends all connections at shutdown, in a fixed order.
//!
//! Before this, `serve` has marked the server as draining: new handshakes are answered with 503.
//! The links are ended first. Meanwhile the server still answers requests, so that clients that poll
//! read the end, probes read that the server is not ready, and clients that come back are told when
//! to try again. Then the listeners are closed, and HTTP connections end. All of this and the hooks
//! share one grace period. The audit comes last, because connections and hooks still write records.

use std::time::Duration;

use doorward_core::DisconnectReason;
use tokio::{sync::watch, task::JoinSet};

use crate::{cluster::membership, presence::services::Services, runtime::metrics::Metrics};

/// Ends all links and HTTP connections, and waits for them and for the audit. `accepting` holds the
/// tasks with the listeners. `stop` tells the HTTP tasks to end. Each HTTP task holds a receiver of
/// `stop` until it ends.
pub(super) async fn shut_down(
    services: &Services,
    mut accepting: JoinSet<()>,
    stop: &watch::Sender<()>,
) {
    tracing::info!(links = services.registry.links(), "Stopping.");
    let (clock, time) = (&services.clock, services.limits.shutdown_grace);
    let begun = clock.now();
    let gone = async {
        end_links(services, time.mul_f64(SPREAD).min(MAX_SPREAD)).await;
        services.registry.emptied().await;
        // Disconnect hooks and running handlers (`link/ending.rs`) may use a database that the
        // application closes after `serve`.
        services.farewells.closed().await;
    };
    let mut gone = std::pin::pin!(gone);
    let are_gone = tokio::select! {
        () = gone.as_mut() => true,
        () = clock.sleep_until(begun + time.mul_f64(FOR_LINKS)) => false,
    };
    // Aborts the tasks, and waits until each has dropped its listener.
    accepting.shutdown().await;
    stop.send_replace(());
    let all = async {
        if !are_gone {
            gone.await;
        }
        stop.closed().await;
    };
    tokio::select! {
        () = all => {}
        () = clock.sleep_until(begun + time) => {
            Metrics::hit("shutdown_grace");
            tracing::warn!("Some connections did not end in time.");
        }
    }
    // The node leaves its cluster when its last socket has ended, so that its seats are not given away
    // earlier.
    if let Some(relay) = services.relay.as_ref().filter(|_| services.registry.links() == 0) {
        relay.say_farewell().await;
    }
    membership::leave(services).await;
    // The audit has its own time limit, so that a slow disk does not use up the grace period of
    // connections.
    if services.within(RECORDED_WITHIN, services.audit.written()).await.is_none() {
        tracing::warn!("The audit has not kept its records in time.");
    }
}

/// Ends all links, some at a time, so that many clients do not all reconnect at once. Takes at most
/// about `time`.
async fn end_links(services: &Services, time: Duration) {
    let links = services.registry.all_links();
    let parts = (time.as_nanos() / STEP.as_nanos()).clamp(1, links.len().max(1) as u128);
    let size = links.len().div_ceil(usize::try_from(parts).unwrap_or(1)).max(AT_ONCE);
    for (number, part) in links.chunks(size).enumerate() {
        if number > 0 {
            services.clock.sleep_until(services.clock.now() + STEP).await;
        }
        for link in part {
            link.end(DisconnectReason::Shutdown);
        }
    }
}

/// Part of the grace period over which the links are ended.
const SPREAD: f64 = 0.5;

/// Maximum time over which the links are ended.
const MAX_SPREAD: Duration = Duration::from_secs(5);

/// Time between two groups of links that are ended.
const STEP: Duration = Duration::from_millis(10);

/// Number of links that are ended at once in any case.
const AT_ONCE: usize = 100;

/// Part of the grace period after which HTTP connections end, although there still are links.
const FOR_LINKS: f64 = 0.75;

/// Time limit for the audit to store its records at shutdown.
const RECORDED_WITHIN: Duration = Duration::from_secs(2);
