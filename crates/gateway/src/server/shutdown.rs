//! Ends all connections at shutdown, in a fixed order.
//!
//! Before this, `serve` has stopped the handshakes and closed the listeners. The links are ended
//! first, and idle HTTP connections after them. Connections and hooks then share one grace period.
//! The audit comes last, because connections and hooks still write records.

use std::time::Duration;

use doorward_core::DisconnectReason;
use tokio::sync::watch;

use crate::{presence::services::Services, runtime::metrics::Metrics};

/// Ends all links and HTTP connections, and waits for them and for the audit. `stop` tells the HTTP
/// tasks to end. Each HTTP task holds a receiver of `stop` until it ends.
pub(super) async fn shut_down(services: &Services, stop: &watch::Sender<()>) {
    tracing::info!(links = services.registry.links(), "Stopping.");
    services.registry.end_all(DisconnectReason::Shutdown);
    stop.send_replace(());

    let clock = &services.clock;
    let grace = clock.sleep_until(clock.now() + services.limits.shutdown_grace);
    let gone = async {
        stop.closed().await;
        services.registry.emptied().await;
        // Disconnect hooks and running handlers (`link/ending.rs`) may use a database that the
        // application closes after `serve`.
        services.farewells.closed().await;
    };
    tokio::select! {
        () = gone => {}
        () = grace => {
            Metrics::hit("shutdown_grace");
            tracing::warn!("Some connections did not end in time.");
        }
    }
    // The audit has its own time limit, so that a slow disk does not use up the grace period of
    // connections.
    if services.within(RECORDED_WITHIN, services.audit.written()).await.is_none() {
        tracing::warn!("The audit has not kept its records in time.");
    }
}

/// Time limit for the audit to store its records at shutdown.
const RECORDED_WITHIN: Duration = Duration::from_secs(2);
