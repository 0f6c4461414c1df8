//! Programs follow the connections of users.

use std::{sync::Arc, time::Duration};

use doorward::{
    PerUser, Revoke,
    access::{ConnectionChange, Watch, Watched},
    audit::Decision,
    auth::RefusalReason,
    prelude::*,
};
use serde_json::{Value, json};

use crate::{
    cluster::{Nodes, turns},
    fixture::while_time_passes,
    lasting::{Lasting, echo},
};

async fn start(policy: PerUser) -> Nodes {
    Nodes::serve(2, |builder| builder.connections(policy).gateway(echo())).await
}

async fn watch(lasting: &Lasting, user: &str) -> Watch {
    while_time_passes(&lasting.clock, lasting.principals().watch(&user.into())).await.unwrap()
}

async fn watched(watch: &mut Watch) -> Watched {
    tokio::time::timeout(Duration::from_secs(10), watch.next()).await.unwrap().unwrap()
}

/// Returns the next change. A node that is heard for the first time makes a watch report that changes may be missing.
async fn next(watch: &mut Watch) -> Arc<ConnectionChange> {
    loop {
        match watched(watch).await {
            Watched::Change(change) => return change,
            other => assert_eq!(other, Watched::Missed),
        }
    }
}

/// Every change is reported to the watches of its user on all nodes, and has the id of its audit record.
#[tokio::test]
async fn what_happens_to_a_user_is_reported_on_every_node() {
    let nodes = start(PerUser::ReplaceOldest(1)).await;
    let mut here = watch(nodes.server(0), "alice").await;
    let mut there = watch(nodes.server(1), "alice").await;
    let mut all = nodes.server(0).principals().watch_all().await.unwrap();

    let _bob = nodes.connect(1, "bob").await;
    let auth = json!({ "user": "alice", "expires_in": 60 });
    let visitor = nodes.server(1).server.visitor().header("user-agent", "Walkie/1");
    let mut alice = visitor.connect("/", &auth).await;
    alice.emit_with_ack::<Value>("auth:refresh", &auth).await;
    let second = while_time_passes(&nodes.clock, nodes.connect(0, "alice")).await;
    let principals = nodes.server(1).principals();
    let revoked = principals.revoke(Revoke::User("alice".into()));
    while_time_passes(&nodes.clock, revoked).await.unwrap();
    turns().await;

    let outcomes = [
        (Decision::Admitted, alice.id(), "n1"),
        (Decision::Refreshed, alice.id(), "n1"),
        (Decision::Ended(DisconnectReason::Replaced), alice.id(), "n1"),
        (Decision::Admitted, second.id(), "n0"),
        (Decision::Ended(DisconnectReason::Revoked), second.id(), "n0"),
    ];
    for (outcome, socket, node) in outcomes {
        let change = next(&mut here).await;
        assert_eq!(
            (change.outcome, change.socket, change.node.as_str()),
            (outcome, Some(socket), node)
        );
        assert_eq!((change.user.as_str(), &*change.namespace), ("alice", "/"));
        assert_eq!(change.network.unwrap().to_string(), "127.0.0.0");
        assert_eq!(change.agent.as_deref(), (node == "n1").then_some("Walkie/1"));
        assert_eq!(next(&mut there).await, change);
        let audit = &nodes.server(if node == "n0" { 0 } else { 1 }).audit;
        let id = change.decision.to_string();
        let recorded = audit.records().into_iter().find(|it| it.id == id).unwrap();
        assert_eq!(recorded.outcome, change.outcome);
    }
    assert_eq!(next(&mut all).await.user.as_str(), "bob");
    assert_eq!(next(&mut all).await.user.as_str(), "alice");
}

/// A user sees the clients that show a credential of the user and may not connect.
#[tokio::test]
async fn a_refused_client_is_reported_to_its_user() {
    let lasting =
        Lasting::with(|builder| builder.connections(PerUser::RefuseNew(1)).gateway(echo()));
    let lasting = lasting.await;
    let mut watch = watch(&lasting, "alice").await;
    let _first = lasting.connect(json!({ "user": "alice" })).await;
    let expired = json!({ "user": "alice", "expires_in": 0 });
    lasting.server.expect_refused("/", expired).await;
    let refused = lasting.server.expect_refused("/", json!({ "user": "alice" }));

    while_time_passes(&lasting.clock, refused).await;

    assert_eq!(next(&mut watch).await.outcome, Decision::Admitted);
    for reason in [RefusalReason::TokenExpired, RefusalReason::SeatTaken] {
        let refused = next(&mut watch).await;
        assert_eq!(refused.outcome, Decision::Refused(reason));
        assert_eq!((refused.socket, &*refused.namespace), (None, "/"));
    }
}

#[tokio::test]
async fn an_expired_connection_is_reported() {
    let lasting = Lasting::start().await;
    let mut watch = watch(&lasting, "alice").await;
    let mut alice = lasting.connect(json!({ "user": "alice", "expires_in": 5 })).await;

    while_time_passes(&lasting.clock, alice.ended()).await;

    assert_eq!(next(&mut watch).await.outcome, Decision::Admitted);
    let ended = next(&mut watch).await;
    assert_eq!(ended.outcome, Decision::Ended(DisconnectReason::Expired));
}

/// Anonymous clients share one user id, so one of them must not see the others.
#[tokio::test]
async fn anonymous_clients_are_not_watched() {
    let public = Gateway::<Anonymous>::at("/public").on("hi", async || 1);
    let lasting = Lasting::with(|builder| builder.gateway(echo()).public(public)).await;
    let mut watch = lasting.principals().watch_all().await.unwrap();

    let _stranger = lasting.server.connect("/public", json!({})).await;
    let _alice = lasting.connect(json!({ "user": "alice" })).await;

    assert_eq!(next(&mut watch).await.user.as_str(), "alice");
}

/// A watch may have missed changes while the bus was away, and says so.
#[tokio::test]
async fn a_watch_tells_that_the_other_nodes_were_not_reached() {
    let nodes = start(PerUser::Unlimited).await;
    let mut watch = watch(nodes.server(0), "alice").await;
    nodes.node(0).cut();
    nodes.pass(Duration::from_secs(3)).await;

    nodes.node(0).heal();
    nodes.pass(Duration::from_secs(3)).await;
    let _alice = nodes.connect(1, "alice").await;
    turns().await;

    assert_eq!(watched(&mut watch).await, Watched::Missed);
    assert_eq!(next(&mut watch).await.node.as_str(), "n1");
}

/// The connections of a node that has died have no end that any node reports.
#[tokio::test]
async fn a_watch_tells_that_another_node_is_silent() {
    let nodes = start(PerUser::Unlimited).await;
    let _alice = nodes.connect(1, "alice").await;
    nodes.pass(Duration::from_secs(3)).await;
    let mut watch = watch(nodes.server(0), "alice").await;
    nodes.node(1).cut();

    nodes.pass(Duration::from_secs(12)).await;

    assert_eq!(watched(&mut watch).await, Watched::Missed);
}
