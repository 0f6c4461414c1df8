//! Membership of this node in its cluster: joins, extends the lease, and stops serving clients
//! before the lease ends.
//!
//! Start reading at [`start`].

use std::{
    error::Error,
    sync::{Arc, Weak},
    time::Duration,
};

use doorward_core::{
    Causes, DisconnectReason, Incarnation, StoreError,
    cluster::{Cluster, Joined, LEASE, LEASE_MARGIN, Member},
};

use crate::{
    cluster::{
        pause::pause,
        reading::{Reader, read_orders},
    },
    presence::{groups::end_in_groups, services::Services, standing::Until},
    runtime::outage_log::NoAnswer,
};

/// Tries to join the cluster of the server, and starts the task that keeps the membership until the
/// server is dropped or has [left](leave). Does nothing if the server is the only node.
///
/// If the cluster does not answer, the task tries again. Until then the server admits no authenticated client.
pub(crate) async fn start(services: &Arc<Services>) {
    let Some(cluster) = services.cluster.clone() else { return };
    let first = join(services, &*cluster).await;
    tokio::spawn(run(Arc::downgrade(services), cluster, first));
}

/// Ends the membership of a server whose links have ended. If some have not, its seats stay taken until its lease
/// has ended.
pub(crate) async fn leave(services: &Services) {
    let Some(cluster) = services.cluster.as_ref().filter(|_| services.registry.links() == 0) else {
        return;
    };
    let Some(incarnation) = services.standing.incarnation() else { return };
    services.standing.end();
    let left = services.within(ANSWERED_WITHIN, cluster.leave(incarnation)).await;
    let cause = match left {
        Some(Ok(())) => return,
        Some(Err(error)) => Causes(&error).to_string(),
        None => NoAnswer.to_string(),
    };
    tracing::warn!(
        cause,
        "This node could not leave its cluster. Its seats stay taken for up to 30 s."
    );
}

/// Membership that has begun.
struct Begun {
    incarnation: Incarnation,
    joined: Joined,
}

/// Reason why a membership has ended.
enum Lost {
    /// The lease was not extended in time.
    Lease,
    /// The cluster does not know the member any more.
    Membership,
    /// The log has lost orders that this node has not read.
    Orders,
    /// The server was dropped or has left.
    Server,
}

async fn run(services: Weak<Services>, cluster: Arc<dyn Cluster>, mut first: Option<Begun>) {
    loop {
        let begun = match first.take() {
            Some(begun) => begun,
            None => match join_again(&services, &*cluster).await {
                Some(begun) => begun,
                None => return,
            },
        };
        let reader = Arc::new(Reader::new(begun.incarnation, &begun.joined));
        let lost = tokio::select! {
            lost = extend(&services, &*cluster, &reader) => lost,
            () = read_orders(&services, &cluster, &reader) => Lost::Orders,
        };
        let Some(services) = services.upgrade() else {
            // The server was dropped, so its links have ended.
            cluster.leave(begun.incarnation).await.ok();
            return;
        };
        let has_left = services.standing.incarnation().is_none();
        services.standing.end();
        let why = match lost {
            Lost::Server => return,
            _ if has_left => return,
            Lost::Lease => "its lease was not extended in time",
            Lost::Membership => "the cluster does not know it any more",
            Lost::Orders => "the log has lost orders",
        };
        services.metrics.fenced.increment(1);
        tracing::warn!(
            why,
            "This node has lost its membership. It ends its authenticated sockets and joins again."
        );
        end_all(&services).await;
    }
}

/// Joins the cluster once.
async fn join(services: &Services, cluster: &dyn Cluster) -> Option<Begun> {
    let incarnation = Incarnation::generate(&*services.entropy);
    // The time is read before the request is sent, so that the lease of this node never outlasts
    // that in the cluster.
    let sent = Until::now(&*services.clock);
    match services.within(ANSWERED_WITHIN, cluster.join(incarnation)).await {
        Some(Ok(joined)) => {
            services.cluster_outage.answered(services.clock.now());
            services.standing.begin(incarnation, end_of(sent, LEASE));
            show(services, &joined.members);
            tracing::info!(node = %services.node, %incarnation, "Joined the cluster.");
            Some(Begun { incarnation, joined })
        }
        failed => {
            failure(services, failed.and_then(Result::err).as_ref());
            None
        }
    }
}

/// Joins the cluster, after as many attempts as needed. Returns `None` if the server was dropped or
/// shuts down.
async fn join_again(services: &Weak<Services>, cluster: &dyn Cluster) -> Option<Begun> {
    loop {
        let strong = services.upgrade().filter(|services| !services.is_draining())?;
        if let Some(begun) = join(&strong, cluster).await {
            return Some(begun);
        }
        pause(strong, RETRY).await;
    }
}

/// Extends the lease until it is lost.
async fn extend(services: &Weak<Services>, cluster: &dyn Cluster, reader: &Reader) -> Lost {
    let mut wait = EVERY;
    loop {
        let Some(strong) = services.upgrade() else { return Lost::Server };
        pause(strong, wait).await;
        let Some(services) = services.upgrade() else { return Lost::Server };
        if services.standing.incarnation().is_none() {
            return Lost::Server;
        }
        let sent = Until::now(&*services.clock);
        let extended = cluster.renew(reader.incarnation, reader.position());
        match services.within(ANSWERED_WITHIN, extended).await {
            Some(Ok(Some(renewed))) => {
                services.cluster_outage.answered(services.clock.now());
                // A term that has ended is not continued, because sockets may have ended with it.
                if services.standing.left(&*services.clock).is_zero() {
                    return Lost::Lease;
                }
                services.standing.extend(reader.incarnation, end_of(sent, renewed.lease));
                show(&services, &renewed.members);
                wait = EVERY;
            }
            Some(Ok(None)) => return Lost::Membership,
            failed => {
                failure(&services, failed.and_then(Result::err).as_ref());
                wait = RETRY;
            }
        }
        let left = services.standing.left(&*services.clock);
        if left.is_zero() {
            return Lost::Lease;
        }
        wait = wait.min(left);
    }
}

/// Ends all authenticated sockets of this node.
///
/// A link that is polled meanwhile ends without being told, because its term is over. That holds
/// also for a link whose handler blocks its thread until the node has joined again.
async fn end_all(services: &Services) {
    let known = services.registry.all_sockets();
    let known: Vec<_> = known.iter().filter(|resident| resident.is_known()).collect();
    end_in_groups(services, &known, DisconnectReason::Unavailable).await;
}

/// Records that the cluster has failed, or has not answered in time.
fn failure(services: &Services, error: Option<&StoreError>) {
    let cause: &(dyn Error + 'static) = match error {
        Some(error) => error,
        None => &NoAnswer,
    };
    services.cluster_outage.failed(services.clock.now(), cause);
}

fn show(services: &Services, members: &[Member]) {
    #[expect(clippy::cast_precision_loss, reason = "it is exact up to 2^53")]
    services.metrics.nodes.set(members.len() as f64);
    if let Some(relay) = &services.relay {
        relay.peers.set_members(members.iter().map(|member| member.node.clone()));
    }
}

/// Returns the time at which this node stops serving clients, if the request for its lease was sent
/// at `sent`.
fn end_of(sent: Until, lease: Duration) -> Until {
    sent.plus(lease.saturating_sub(LEASE_MARGIN))
}

/// Time from one extension of the lease to the next one.
const EVERY: Duration = Duration::from_secs(5);

/// Time to wait after a failure.
const RETRY: Duration = Duration::from_millis(500);

/// Time limit for an answer of the cluster.
const ANSWERED_WITHIN: Duration = Duration::from_secs(2);
