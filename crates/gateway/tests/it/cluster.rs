//! Clusters of servers in one process: orders reach every node, and a node that is cut off serves
//! no client.

use std::time::Duration;

use doorward::{
    Limits, PerUser, Revoke, UserId,
    access::Revocation,
    prelude::*,
    server::{Clock as _, Listeners},
    session::MemoryStore,
    store::MemorySeats,
    test::{ManualClock, TestClient, TestEnd},
};
use doorward_testkit::{MemoryCluster, MemoryNode};
use serde_json::{Value, json};

use crate::{
    fixture::while_time_passes,
    lasting::{Lasting, Member, Members, echo},
};

mod contract {
    use doorward::{session::MemoryStore, store::MemorySeats, test::ManualClock};
    use doorward_testkit::{MemoryCluster, MemoryNode, conformance};

    async fn in_memory() -> ((), impl Fn(&str) -> MemoryNode) {
        let cluster =
            MemoryCluster::new(ManualClock::new(), MemoryStore::default(), MemorySeats::new());
        ((), move |name: &str| cluster.node(name))
    }

    conformance!(cluster: in_memory);
}

/// Servers that are the nodes of one cluster.
pub(crate) struct Nodes {
    pub(crate) clock: ManualClock,
    pub(crate) cluster: MemoryCluster,
    pub(crate) nodes: Vec<(MemoryNode, Lasting)>,
}

impl Nodes {
    async fn start(count: usize, policy: PerUser) -> Self {
        Self::serve(count, |builder| builder.connections(policy).gateway(gateway())).await
    }

    /// Starts nodes that all serve the same.
    pub(crate) async fn serve(count: usize, change: impl Fn(Members) -> Members) -> Self {
        let clock = ManualClock::new();
        let cluster = MemoryCluster::new(clock.clone(), MemoryStore::default(), MemorySeats::new());
        let mut started = Self { clock, cluster, nodes: Vec::new() };
        for _ in 0..count {
            started.add(&change).await;
        }
        started
    }

    /// Starts one more node.
    pub(crate) async fn add(&mut self, change: impl FnOnce(Members) -> Members) {
        let node = self.cluster.node(&format!("n{}", self.nodes.len()));
        let own = node.clone();
        let lasting = Lasting::at(self.clock.clone(), |builder| change(builder).cluster(own));
        self.nodes.push((node, lasting.await));
    }

    pub(crate) fn node(&self, number: usize) -> &MemoryNode {
        &self.nodes[number].0
    }

    pub(crate) fn server(&self, number: usize) -> &Lasting {
        &self.nodes[number].1
    }

    pub(crate) async fn connect(&self, number: usize, user: &str) -> TestClient {
        self.server(number).connect(json!({ "user": user, "token": user })).await
    }

    /// Advances the clock in steps of 100 ms, with turns for the tasks of all servers.
    pub(crate) async fn pass(&self, time: Duration) {
        for _ in 0..time.as_millis() / 100 {
            self.clock.advance(Duration::from_millis(100));
            turns().await;
        }
    }

    /// Revokes a user on one node, while time passes.
    async fn revoke(&self, number: usize, user: &str) -> Revocation {
        let principals = self.server(number).principals();
        let revoked = principals.revoke(Revoke::User(user.into()));
        while_time_passes(&self.clock, revoked).await.unwrap()
    }
}

fn gateway() -> Gateway<Member> {
    echo().on("tell", |hub: Hub<Member>, Payload(text): Payload<String>| async move {
        hub.emit("told", text).unwrap();
    })
}

pub(crate) async fn turns() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

pub(crate) fn names(nodes: &[doorward::access::NodeId]) -> Vec<&str> {
    nodes.iter().map(doorward::access::NodeId::as_str).collect()
}

async fn ends_finally(client: &mut TestClient, code: &str) {
    assert_eq!(client.ended().await, TestEnd::Final);
    let ended: Value = client.expect_event("session_ended").await;
    assert_eq!(ended["code"], code);
}

#[tokio::test]
async fn a_revocation_ends_the_sockets_of_all_nodes_and_names_them() {
    let nodes = Nodes::start(3, PerUser::Unlimited).await;
    let mut clients = Vec::new();
    for number in [0, 1, 2, 2] {
        clients.push(nodes.connect(number, "alice").await);
    }
    let mut other = nodes.connect(1, "bob").await;

    let done = nodes.revoke(0, "alice").await;

    assert_eq!((done.closed, done.missing.len(), done.lapsed.len()), (4, 0, 0));
    assert_eq!(names(&done.confirmed), ["n0", "n1", "n2"]);
    for client in &mut clients {
        ends_finally(client, "revoked").await;
    }
    assert_eq!(other.emit_with_ack::<u8>("echo", 1).await, 1);
}

/// A session, a token and a single socket are revoked on every node too.
#[tokio::test]
async fn every_kind_of_revocation_reaches_the_other_nodes() {
    let nodes = Nodes::start(2, PerUser::Unlimited).await;
    let principals = nodes.server(0).principals();
    for kind in ["session", "token", "socket"] {
        let auth = json!({ "user": "alice", "session": format!("s-{kind}"), "token": format!("t-{kind}") });
        let mut client = nodes.server(1).connect(auth).await;
        let what = match kind {
            "session" => Revoke::Session(doorward::session::SessionId::new("s-session")),
            "token" => Revoke::Token(doorward::auth::TokenId::new("t-token")),
            _ => Revoke::Socket(client.id()),
        };

        let done = while_time_passes(&nodes.clock, principals.revoke(what)).await.unwrap();

        assert_eq!((done.closed, names(&done.confirmed)), (1, vec!["n0", "n1"]), "{kind}");
        ends_finally(&mut client, "revoked").await;
    }
}

/// A client that has signed in again after the revocation is not ended by the order that arrives late.
#[tokio::test]
async fn a_late_order_spares_a_younger_credential() {
    let nodes = Nodes::start(2, PerUser::Unlimited).await;
    let mut old = nodes.connect(1, "alice").await;
    nodes.node(1).cut();
    let done = nodes.revoke(0, "alice").await;
    assert_eq!(names(&done.missing), ["n1"]);

    nodes.node(1).heal();
    let mut new = nodes.server(1).connect(json!({ "user": "alice", "generation": u64::MAX })).await;
    let done = while_time_passes(&nodes.clock, done.settled()).await;

    assert_eq!(names(&done.confirmed), ["n0", "n1"]);
    ends_finally(&mut old, "revoked").await;
    assert_eq!(new.emit_with_ack::<u8>("echo", 1).await, 1);
}

#[tokio::test]
async fn changed_rights_reach_every_node() {
    let nodes = Nodes::start(2, PerUser::Unlimited).await;
    for number in 0..2 {
        nodes.server(number).set_roles("alice", &["member"]);
    }
    let mut client = nodes.connect(1, "alice").await;
    nodes.server(1).set_roles("alice", &["admin"]);

    let user = UserId::new("alice");
    let principals = nodes.server(0).principals();
    let refreshed = principals.refresh(&user);
    let done = while_time_passes(&nodes.clock, refreshed).await.unwrap();

    assert_eq!((done.kept, done.ended, names(&done.confirmed)), (1, 0, vec!["n0", "n1"]));
    assert_eq!(client.emit_with_ack::<Vec<String>>("roles", ()).await, ["admin"]);
    nodes.server(1).set_roles("alice", &["gone"]);
    let refreshed = principals.refresh(&user);
    let done = while_time_passes(&nodes.clock, refreshed).await.unwrap();
    assert_eq!((done.kept, done.ended), (0, 1));
    ends_finally(&mut client, "revoked").await;
    nodes.node(0).cut();
    let failed = while_time_passes(&nodes.clock, principals.refresh(&user)).await.unwrap_err();
    assert_eq!(failed.to_string(), "the other nodes were not told to load the rights again");
}

/// Attack 93, guarantee 3 of `SECURITY.md`: within 30 s if a node is cut off, and `revoke` says so.
#[tokio::test]
async fn a_node_that_is_cut_off_stops_serving_before_its_lease_ends() {
    let nodes = Nodes::start(2, PerUser::Unlimited).await;
    let mut client = nodes.connect(1, "alice").await;
    nodes.pass(Duration::from_secs(6)).await;
    nodes.node(1).cut();
    let begun = nodes.clock.now();

    let done = nodes.revoke(0, "alice").await;
    assert_eq!((done.closed, names(&done.missing)), (0, vec!["n1"]));
    let settled = tokio::spawn(done.settled());

    // The last lease was extended up to five seconds ago.
    let serves_until = begun + Duration::from_secs(14);
    while nodes.clock.now() < serves_until {
        nodes.pass(Duration::from_millis(500)).await;
        assert_eq!(client.emit_with_ack::<u8>("echo", 1).await, 1);
    }
    nodes.pass(Duration::from_secs(7)).await;
    assert_eq!(client.ended().await, TestEnd::Passing);
    let late = nodes.server(1).server.visitor();
    assert!(late.try_connect("/", json!({ "user": "bob" })).await.is_err_and(|it| it.is_none()));
    nodes.pass(Duration::from_secs(10)).await;

    let done = settled.await.unwrap();
    assert_eq!((names(&done.confirmed), names(&done.lapsed)), (vec!["n0"], vec!["n1"]));
    assert!(nodes.clock.now() <= begun + Duration::from_secs(34));
}

/// `settled` ends within 30 s although the node that asks is cut off as well.
#[tokio::test]
async fn a_revocation_is_settled_even_if_the_cluster_does_not_answer_any_more() {
    let nodes = Nodes::start(2, PerUser::Unlimited).await;
    nodes.node(1).cut();
    let done = nodes.revoke(0, "alice").await;
    let begun = nodes.clock.now();
    nodes.node(0).cut();

    let settled = tokio::spawn(done.settled());
    nodes.pass(Duration::from_secs(30)).await;
    let done = settled.await.unwrap();

    assert_eq!((names(&done.lapsed), done.missing.len()), (vec!["n1"], 0));
    assert!(nodes.clock.now() <= begun + Duration::from_secs(30));
}

/// Attack 93: a process that was stopped delivers nothing and handles nothing after it continues.
#[tokio::test]
async fn a_node_that_was_stopped_delivers_nothing_afterwards() {
    let nodes = Nodes::start(2, PerUser::Unlimited).await;
    let mut client = nodes.connect(1, "alice").await;
    nodes.pass(Duration::from_secs(1)).await;
    // Both wait in the link when the process continues. No task has run in between.
    nodes.node(1).cut();
    nodes.clock.advance(Duration::from_secs(40));
    let hub = nodes.server(1).server.doorward().hub::<Member>("/").unwrap();
    hub.emit("secret", 1).unwrap();
    client.emit("tell", "again").await;

    assert_eq!(client.ended().await, TestEnd::Passing);
    client.expect_nothing().await;
    nodes.node(1).heal();
    nodes.pass(Duration::from_secs(5)).await;
    let mut back = nodes.connect(1, "alice").await;
    assert_eq!(back.emit_with_ack::<u8>("echo", 1).await, 1);
}

/// A short outage ends no socket, and orders of the meantime are carried out at the end of it.
#[tokio::test]
async fn a_short_outage_ends_only_sockets_that_were_revoked_meanwhile() {
    let nodes = Nodes::start(2, PerUser::Unlimited).await;
    let mut alice = nodes.connect(1, "alice").await;
    let mut bob = nodes.connect(1, "bob").await;
    nodes.pass(Duration::from_secs(1)).await;
    nodes.node(1).cut();
    nodes.pass(Duration::from_secs(4)).await;
    let done = nodes.revoke(0, "alice").await;
    assert_eq!(names(&done.missing), ["n1"]);
    assert_eq!(alice.emit_with_ack::<u8>("echo", 1).await, 1);

    nodes.node(1).heal();
    let done = while_time_passes(&nodes.clock, done.settled()).await;

    assert_eq!((done.closed, names(&done.confirmed)), (1, vec!["n0", "n1"]));
    ends_finally(&mut alice, "revoked").await;
    assert_eq!(bob.emit_with_ack::<u8>("echo", 1).await, 1);
}

/// A node whose log or membership is lost cannot know what it has missed.
#[tokio::test]
async fn a_node_that_may_have_missed_orders_ends_its_sockets_and_joins_again() {
    for is_all in [false, true] {
        let nodes = Nodes::start(2, PerUser::Unlimited).await;
        let mut client = nodes.connect(1, "alice").await;
        nodes.node(1).cut();
        nodes.revoke(0, "bob").await;
        if is_all {
            nodes.cluster.lose_everything();
        } else {
            nodes.cluster.lose_orders();
        }
        nodes.node(1).heal();

        nodes.pass(Duration::from_secs(10)).await;

        assert_eq!(client.ended().await, TestEnd::Passing, "{is_all}");
        let mut back = nodes.connect(1, "alice").await;
        assert_eq!(back.emit_with_ack::<u8>("echo", 1).await, 1);
    }
}

/// A lease that is extended does not confirm an order whose result was not reported.
#[tokio::test]
async fn a_node_confirms_only_with_its_result() {
    let nodes = Nodes::start(2, PerUser::Unlimited).await;
    let _client = nodes.connect(1, "alice").await;
    nodes.node(1).set_mute(true);
    let done = nodes.revoke(0, "alice").await;
    nodes.pass(Duration::from_secs(6)).await;
    assert_eq!((done.closed, names(&done.missing)), (0, vec!["n1"]));

    nodes.node(1).set_mute(false);
    let done = while_time_passes(&nodes.clock, done.settled()).await;

    assert_eq!((done.closed, names(&done.confirmed)), (1, vec!["n0", "n1"]));
}

/// Right after a loss of data, it is unknown which nodes still serve clients.
#[tokio::test]
async fn a_revocation_after_a_loss_waits_for_nodes_that_are_not_known() {
    let nodes = Nodes::start(2, PerUser::Unlimited).await;
    nodes.cluster.lose_everything();

    let done = nodes.revoke(0, "alice").await;
    assert!(names(&done.missing).contains(&"(nodes before the loss of data)"), "{done:?}");
    let settled = tokio::spawn(done.settled());
    nodes.pass(Duration::from_secs(31)).await;

    assert_eq!(names(&settled.await.unwrap().missing), Vec::<&str>::new());
}

/// A node that has answered is not called lapsed, however late the caller looks.
#[tokio::test]
async fn a_late_look_finds_the_answer() {
    let nodes = Nodes::start(2, PerUser::Unlimited).await;
    nodes.node(1).cut();
    let done = nodes.revoke(0, "alice").await;
    nodes.node(1).heal();
    nodes.pass(Duration::from_secs(60)).await;

    let done = while_time_passes(&nodes.clock, done.settled()).await;

    assert_eq!((names(&done.confirmed), done.lapsed.len()), (vec!["n0", "n1"], 0));
}

#[tokio::test]
async fn a_node_that_stops_leaves_and_is_not_waited_for() {
    let mut nodes = Nodes::start(2, PerUser::RefuseNew(1)).await;
    let client = nodes.connect(1, "alice").await;
    drop(client);
    let (_, gone) = nodes.nodes.pop().unwrap();
    drop(gone);
    nodes.pass(Duration::from_secs(6)).await;

    let done = nodes.revoke(0, "bob").await;

    assert_eq!((names(&done.confirmed), done.missing.len()), (vec!["n0"], 0));
    nodes.connect(0, "alice").await;
}

/// By the time of Redis the lease goes on for some seconds, but the node has had to stop.
#[tokio::test]
async fn a_term_that_has_ended_by_the_clocks_of_its_node_does_not_go_on() {
    let nodes = Nodes::start(2, PerUser::Unlimited).await;
    let mut client = nodes.connect(1, "alice").await;
    // To the moment after an extension.
    nodes.pass(Duration::from_millis(5_100)).await;

    nodes.clock.advance(Duration::from_secs(21));
    nodes.pass(Duration::from_secs(5)).await;

    let connections = nodes.server(1).server.doorward().connections();
    assert_eq!(connections, 0, "the term of the node went on");
    assert_eq!(client.ended().await, TestEnd::Passing);
    let mut again = nodes.connect(1, "alice").await;
    assert_eq!(again.emit_with_ack::<u8>("echo", 1).await, 1);
}

/// A client reads nothing, so its link takes longer than the grace period. The process ends then. Here it is cut off.
#[tokio::test]
async fn a_node_whose_links_outlast_its_grace_period_does_not_leave_and_lapses() {
    let nodes = Nodes::serve(2, |builder| {
        let brief = |limits: &mut Limits| limits.shutdown_grace = Duration::from_millis(100);
        builder.limits(brief).connections(PerUser::RefuseNew(1)).gateway(gateway())
    });
    let nodes = nodes.await;
    let _reads_nothing = nodes.connect(1, "alice").await;
    let doorward = nodes.server(1).server.doorward();
    let hub = doorward.hub::<Member>("/").unwrap();
    for number in 0..100 {
        hub.emit("unread", number).unwrap();
        tokio::task::yield_now().await;
    }

    let listeners = Listeners::bind("127.0.0.1:0").await.unwrap();
    let stopped = doorward.serve_with(listeners, doorward.service(), async {});
    while_time_passes(&nodes.clock, stopped).await.unwrap();
    assert_eq!((doorward.connections(), doorward.links()), (0, 1));
    nodes.node(1).cut();

    let done = nodes.revoke(0, "bob").await;
    assert_eq!((names(&done.missing), done.lapsed.len()), (vec!["n1"], 0));
    // The socket has ended in order, so its seat is free at once.
    let _back = nodes.connect(0, "alice").await;
    let settled = tokio::spawn(done.settled());
    nodes.pass(Duration::from_secs(31)).await;
    let done = settled.await.unwrap();
    assert_eq!((names(&done.lapsed), done.missing.len()), (vec!["n1"], 0));
}

/// Attack 91 on two nodes: the older socket closes before the new one enters.
#[tokio::test]
async fn a_socket_replaces_one_of_another_node() {
    let nodes = Nodes::start(2, PerUser::ReplaceOldest(1)).await;
    let mut old = nodes.connect(0, "alice").await;

    let auth = json!({ "user": "alice" });
    let new = while_time_passes(&nodes.clock, nodes.server(1).connect(auth)).await;

    let mut new: TestClient = new;
    ends_finally(&mut old, "replaced").await;
    assert_eq!(new.emit_with_ack::<u8>("echo", 1).await, 1);
    assert_eq!(nodes.server(0).server.doorward().connections(), 0);
}

/// A client on another node that answers keeps its seat. One that has left without a word does not lock its user
/// out, and neither does a node that does not answer.
#[tokio::test]
async fn a_dead_connection_on_another_node_does_not_block_its_user() {
    let nodes = Nodes::start(2, PerUser::RefuseNew(1)).await;
    let alive = nodes.connect(1, "alice").await;
    let auth = json!({ "user": "alice" });
    let connecting = nodes.server(0).server.visitor().try_connect("/", &auth);
    let refused = while_time_passes(&nodes.clock, connecting).await.unwrap_err();
    assert_eq!(refused.unwrap().code(), "already_connected");

    // A client that does not read what it is sent answers no ping either.
    let hub = nodes.server(1).server.doorward().hub::<Member>("/").unwrap();
    for number in 0..100 {
        hub.emit("unread", number).unwrap();
        tokio::task::yield_now().await;
    }
    let connecting = nodes.server(0).server.visitor().try_connect("/", &auth);
    let entered = while_time_passes(&nodes.clock, connecting).await;
    assert!(entered.is_ok(), "{entered:?}");
    drop((alive, entered));
    nodes.pass(Duration::from_millis(500)).await;

    let _held = nodes.connect(1, "alice").await;
    nodes.node(1).cut();
    let connecting = nodes.server(0).server.visitor().try_connect("/", &auth);
    let undecided = while_time_passes(&nodes.clock, connecting).await;
    assert!(undecided.is_err_and(|refused| refused.is_none()), "it is not refused for good");
}

/// A seat of a node that has lost its lease is free when the lease and its margin are over.
#[tokio::test]
async fn a_seat_on_a_dead_node_is_free_after_thirty_seconds() {
    let nodes = Nodes::start(2, PerUser::RefuseNew(1)).await;
    let client = nodes.connect(1, "alice").await;
    nodes.node(1).cut();
    let auth = json!({ "user": "alice" });
    let connecting = nodes.server(0).server.visitor().try_connect("/", &auth);
    assert!(while_time_passes(&nodes.clock, connecting).await.is_err());

    nodes.pass(Duration::from_secs(31)).await;

    let _back = nodes.connect(0, "alice").await;
    drop(client);
}
