//! Sockets whose links do not react, because a handler blocks its thread.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use doorward_auth::MemoryStore;
use doorward_core::{
    BoxFuture, DisconnectReason, Issued, Lease, ManualClock, RevocationState, SocketId, UserId,
    cluster::Cluster as _,
};
use doorward_testkit::{AuditLog, MemoryCluster};
use tokio::sync::watch;

use super::membership;
use crate::{
    limits::Limits,
    presence::{
        expiry::{Credential, Shown},
        principals::Principals,
        registry::SocketEntry,
        resident::{Reloaded, Resident, SocketInfo},
        revocation::{Revocation, Revoke},
        seats::MemorySeats,
        services::Services,
    },
    runtime::system::OsEntropy,
};

/// Socket that ends when the test lets it.
struct Blocked {
    id: SocketId,
    user: UserId,
    is_closed: watch::Receiver<bool>,
}

impl Resident for Blocked {
    fn id(&self) -> SocketId {
        self.id
    }

    fn user(&self) -> &UserId {
        &self.user
    }

    fn is_known(&self) -> bool {
        true
    }

    fn credential(&self) -> Credential {
        credential()
    }

    fn lease(&self) -> Option<Arc<dyn Lease>> {
        None
    }

    fn holds(&self, _: &RevocationState) -> bool {
        false
    }

    fn cut(&self, _: DisconnectReason) {}

    fn closed(&self) -> BoxFuture<'_, ()> {
        let mut is_closed = self.is_closed.clone();
        Box::pin(async move {
            is_closed.wait_for(|is_closed| *is_closed).await.unwrap();
        })
    }

    fn reload(&self) -> BoxFuture<'_, Reloaded> {
        unreachable!("no rights change")
    }

    fn describe(&self) -> SocketInfo {
        unreachable!("no test asks for it")
    }
}

fn credential() -> Credential {
    let issued = Issued::Shown(SystemTime::UNIX_EPOCH);
    Credential { session: None, token: None, issued, signed_in_at: None }
}

/// Node with one blocked socket of alice.
struct Node {
    services: Arc<Services>,
    principals: Principals,
    close: watch::Sender<bool>,
    _entry: SocketEntry,
}

impl Node {
    async fn start(clock: &ManualClock, cluster: &MemoryCluster, name: &str) -> Self {
        let node = cluster.node(name);
        let mut services = Services::new(
            Arc::new(clock.clone()),
            Arc::new(OsEntropy),
            Limits::default(),
            Arc::new(AuditLog::default()),
            node.revocations(),
        );
        services.enter(Arc::new(node));
        let services = Arc::new(services);
        let (close, is_closed) = watch::channel(false);
        let (id, user) = (SocketId::generate(&OsEntropy), UserId::new("alice"));
        let shown = Shown { credential: &credential(), until: None };
        let resident = Arc::new(Blocked { id, user, is_closed });
        let entry = services.registry.add_socket(resident, &shown);
        let principals = Principals::unbuilt();
        principals.build(&services);
        membership::start(&services).await;
        Self { services, principals, close, _entry: entry }
    }
}

/// Advances the clock, with turns for all tasks after each step.
async fn pass(clock: &ManualClock, time: Duration) {
    for _ in 0..time.as_millis() / 100 {
        clock.advance(Duration::from_millis(100));
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
    }
}

/// Revokes alice on a node, and gives it the time that it takes.
async fn revoke(clock: &ManualClock, node: &Node) -> Revocation {
    let principals = node.principals.clone();
    let done = tokio::spawn(async move { principals.revoke(Revoke::User("alice".into())).await });
    pass(clock, Duration::from_secs(5)).await;
    done.await.unwrap().unwrap()
}

fn names(nodes: &[doorward_core::NodeId]) -> Vec<&str> {
    nodes.iter().map(doorward_core::NodeId::as_str).collect()
}

/// A handler that blocks its thread delays the confirmation of its node, and not its lease. The other nodes are
/// asked all the same, also if it blocks on the node of the caller.
#[tokio::test]
async fn a_blocked_handler_is_reported_and_costs_no_lease() {
    let clock = ManualClock::new();
    let cluster = MemoryCluster::new(clock.clone(), MemoryStore::default(), MemorySeats::new());
    let (first, second) =
        (Node::start(&clock, &cluster, "n0").await, Node::start(&clock, &cluster, "n1").await);
    second.close.send_replace(true);

    let done = revoke(&clock, &first).await;
    assert_eq!((names(&done.confirmed), names(&done.missing)), (vec!["n1"], vec!["n0"]));
    let other = revoke(&clock, &second).await;
    assert_eq!((names(&other.confirmed), names(&other.missing)), (vec!["n1"], vec!["n0"]));
    assert_eq!(cluster.stuck(), 2);
    pass(&clock, Duration::from_secs(60)).await;
    assert!(first.services.standing.term(&clock).is_some(), "it keeps its lease");

    first.close.send_replace(true);
    pass(&clock, Duration::from_secs(1)).await;

    let settled = tokio::spawn(async move { (done.settled().await, other.settled().await) });
    pass(&clock, Duration::from_secs(1)).await;
    let (done, other) = settled.await.unwrap();
    assert_eq!((done.closed, names(&done.confirmed)), (2, vec!["n0", "n1"]));
    assert_eq!(names(&other.confirmed), ["n1", "n0"]);
    assert_eq!(cluster.stuck(), 0);
}
