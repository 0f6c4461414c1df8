//! Reads the log of orders, and carries the orders out on this node.
//!
//! Start reading at [`read_orders`].

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use doorward_core::{
    Incarnation,
    cluster::{Cluster, Joined, LogEntry, Order, Outcome, Position},
};
use futures_util::future::join_all;
use metrics::counter;
use tokio::sync::Semaphore;

use crate::{
    cluster::pause::pause,
    presence::{carried::Carrying, orders, services::Services},
};

/// Position of one member in the log.
pub(super) struct Reader {
    pub(super) incarnation: Incarnation,
    log: Arc<str>,
    /// Last order whose result was reported.
    position: AtomicU64,
    /// Permits for orders whose sockets have not ended in time and that are followed further.
    followed: Arc<Semaphore>,
}

impl Reader {
    pub(super) fn new(incarnation: Incarnation, joined: &Joined) -> Self {
        let (log, position) = (Arc::clone(&joined.log), AtomicU64::new(joined.position.0));
        Self { incarnation, log, position, followed: Arc::new(Semaphore::new(MAX_FOLLOWED)) }
    }

    pub(super) fn position(&self) -> Position {
        Position(self.position.load(Ordering::Acquire))
    }
}

/// Carries out orders as they come. Returns if the log has lost orders, or the server was dropped.
pub(super) async fn read_orders(
    services: &Weak<Services>,
    cluster: &Arc<dyn Cluster>,
    reader: &Arc<Reader>,
) {
    loop {
        let read = cluster.orders(reader.position()).await;
        let Some(services) = services.upgrade() else { return };
        let entries = match read {
            Ok(entries) => entries,
            Err(error) => {
                services.cluster_outage.failed(services.clock.now(), &error);
                pause(services, RETRY).await;
                continue;
            }
        };
        let Some(last) = entries.last().map(|entry| entry.position) else { continue };
        if !is_complete(reader.position(), &entries) {
            return;
        }
        let carried = carry_out(&services, reader, &entries).await;
        confirm(&services, cluster, reader, last, carried).await;
        // Only now: an order that is read and has no result counts as done without sockets.
        reader.position.store(last.0, Ordering::Release);
    }
}

/// Returns `true` if the first entry follows `after` and no order is missing.
fn is_complete(after: Position, entries: &[LogEntry]) -> bool {
    entries
        .iter()
        .try_fold(after, |after, entry| (entry.position == after.next()).then_some(entry.position))
        .is_some()
}

/// Carries out some orders, and waits until their sockets have ended or the time is over.
async fn carry_out(
    services: &Services,
    reader: &Reader,
    entries: &[LogEntry],
) -> Vec<(Position, Carrying)> {
    let begin = |entry: &LogEntry| {
        counter!(ORDERS, "kind" => entry.order.kind()).increment(1);
        let LogEntry { position, order, state } = entry;
        (
            *position,
            services
                .carried
                .begin(&reader.log, *position, || orders::begin(services, order, state)),
        )
    };
    let carried: Vec<_> = entries.iter().map(begin).collect();
    // A client may take its time to answer a probe, and the other orders do not wait for that.
    let is_awaited = |entry: &LogEntry| !matches!(entry.order, Order::Probe { .. });
    let awaited = carried.iter().zip(entries).filter(|(_, entry)| is_awaited(entry));
    let all = join_all(awaited.map(|((_, carrying), _)| carrying.done()));
    services.within(CARRIED_OUT_WITHIN, all).await;
    carried
}

/// Reports the results, and follows the orders whose sockets have not ended yet.
async fn confirm(
    services: &Arc<Services>,
    cluster: &Arc<dyn Cluster>,
    reader: &Arc<Reader>,
    read: Position,
    carried: Vec<(Position, Carrying)>,
) {
    let outcome = |(position, carrying): &(Position, Carrying)| (*position, carrying.outcome());
    let outcomes = carried.iter().map(outcome);
    let outcomes: Vec<_> = outcomes.filter(|(_, outcome)| *outcome != Outcome::default()).collect();
    report(services, cluster, reader, read, &outcomes).await;
    for (position, carrying) in carried {
        if carrying.outcome().is_complete() {
            continue;
        }
        // Without a permit the order stays reported as not carried out.
        let Ok(permit) = Arc::clone(&reader.followed).try_acquire_owned() else { continue };
        let (weak, cluster, reader) =
            (Arc::downgrade(services), Arc::clone(cluster), Arc::clone(reader));
        tokio::spawn(async move {
            carrying.done().await;
            if let Some(services) = weak.upgrade() {
                let outcomes = [(position, carrying.outcome())];
                report(&services, &cluster, &reader, read, &outcomes).await;
            }
            drop(permit);
        });
    }
}

/// Reports results, as often as needed while the node is a member.
async fn report(
    services: &Arc<Services>,
    cluster: &Arc<dyn Cluster>,
    reader: &Reader,
    read: Position,
    outcomes: &[(Position, Outcome)],
) {
    while services.standing.incarnation() == Some(reader.incarnation) {
        let reported = cluster.confirm(reader.incarnation, read, outcomes);
        match services.within(REPORTED_WITHIN, reported).await {
            Some(Ok(())) => return,
            Some(Err(error)) => services.cluster_outage.failed(services.clock.now(), &error),
            None => {}
        }
        pause(Arc::clone(services), RETRY).await;
    }
}

/// Time within which the sockets of an order end, unless a handler blocks its thread.
const CARRIED_OUT_WITHIN: Duration = Duration::from_secs(2);

/// Time limit for one report.
const REPORTED_WITHIN: Duration = Duration::from_secs(2);

/// Time to wait after a failure.
const RETRY: Duration = Duration::from_millis(200);

/// Maximum number of orders that are followed until their last socket has ended.
const MAX_FOLLOWED: usize = 256;

const ORDERS: &str = "doorward_cluster_orders_total";
