//! Presence of users on all nodes.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use doorward::{UserId, prelude::*, room::Presence};
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::{
    cluster::{Nodes, turns},
    fixture::while_time_passes,
    lasting::{Lasting, Member},
};

/// Changes that the hooks of all nodes were told: node, user, room, and if the user is there.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<String>>>);

impl Told {
    fn gateway(&self) -> Gateway<Member> {
        let told = self.clone();
        Gateway::at("/")
            .room("r{id}", |_| async { true })
            .on("join", |me: Socket<Member>, Payload(room): Payload<String>| async move {
                me.join(&room).await
            })
            .on("leave", |me: Socket<Member>, Payload(room): Payload<String>| async move {
                me.leave(&room).await
            })
            .on_presence(move |hub: Hub<Member>, change: PresenceChange| {
                let told = told.clone();
                async move {
                    let PresenceChange { user, room, is_present, .. } = &change;
                    let (sign, room) = (if *is_present { '+' } else { '-' }, room.as_deref());
                    let line = format!("{sign}{}{}", user.as_str(), room.unwrap_or_default());
                    told.0.lock().unwrap().push(line);
                    hub.all().local().emit("presence", (user.as_str(), room, is_present)).unwrap();
                }
            })
    }

    /// Returns what was told since the last call, in order of the text.
    fn take(&self) -> Vec<String> {
        let mut told = std::mem::take(&mut *self.0.lock().unwrap());
        told.sort();
        told
    }
}

async fn start(count: usize) -> (Nodes, Told) {
    let told = Told::default();
    let gateway = || told.gateway();
    (Nodes::serve(count, |builder| builder.gateway(gateway())).await, told)
}

fn presence(nodes: &Nodes, number: usize) -> Presence {
    nodes.server(number).server.doorward().hub::<Member>("/").unwrap().presence()
}

fn names(mut users: Vec<UserId>) -> Vec<String> {
    users.sort();
    users.iter().map(|user| user.as_str().to_owned()).collect()
}

/// Lets changes reach all nodes.
async fn soon(nodes: &Nodes) {
    nodes.pass(Duration::from_millis(200)).await;
}

#[tokio::test]
async fn the_first_and_the_last_connection_of_a_user_are_told_on_every_node() {
    let (nodes, told) = start(2).await;
    let mut first = nodes.connect(0, "alice").await;
    soon(&nodes).await;
    assert_eq!(told.take(), ["+alice", "+alice"]);
    let mut second = nodes.connect(1, "alice").await;
    let mut third = nodes.connect(1, "alice").await;
    third.emit_with_ack::<()>("join", "r1").await;
    soon(&nodes).await;
    assert_eq!(told.take(), ["+alicer1", "+alicer1"]);
    for number in 0..2 {
        let presence = presence(&nodes, number);
        assert_eq!(names(presence.users()), ["alice"]);
        assert_eq!(names(presence.users_in("r1")), ["alice"]);
        assert_eq!(names(presence.users_in("r2")).len(), 0);
        let mut by_node = presence.connections(&"alice".into());
        by_node.sort();
        let by_node: Vec<_> = by_node.iter().map(|(node, count)| (node.as_str(), *count)).collect();
        assert_eq!(by_node, [("n0", 1), ("n1", 2)]);
        assert!(presence.is_present(&"alice".into()) && presence.is_in("r1", &"alice".into()));
        assert!(!presence.is_present(&"bob".into()) && !presence.is_in("r2", &"alice".into()));
    }

    first.disconnect().await;
    third.emit_with_ack::<()>("leave", "r1").await;
    soon(&nodes).await;
    assert_eq!(told.take(), ["-alicer1", "-alicer1"]);
    third.disconnect().await;
    second.disconnect().await;
    soon(&nodes).await;

    assert_eq!(told.take(), ["-alice", "-alice"]);
    assert_eq!(presence(&nodes, 0).users().len(), 0);
}

#[tokio::test]
async fn a_server_without_a_cluster_has_presence_too() {
    let told = Told::default();
    let lasting = Lasting::serve(told.gateway()).await;
    let mut client = lasting.connect(json!({ "user": "alice" })).await;
    client.emit_with_ack::<()>("join", "r1").await;
    client.disconnect().await;
    turns().await;

    let hub = lasting.server.doorward().hub::<Member>("/").unwrap();

    assert_eq!(hub.presence().users().len(), 0);
    // What has come and gone before it was told may be left out.
    let lines = told.take();
    assert_eq!(lines.iter().filter(|line| line.starts_with('+')).count() * 2, lines.len());
    let mut stays = lasting.connect(json!({ "user": "bob" })).await;
    let said: (String, Option<String>, bool) = stays.wait_for_event("presence").await;
    assert_eq!(said, ("bob".to_owned(), None, true));
}

/// A client that is refused by a hook was never there.
#[tokio::test]
async fn only_admitted_clients_are_present() {
    let told = Told::default();
    let gateway = told.gateway().on_connect(|me: Socket<Member>| async move {
        me.join("r1").await?;
        if me.user().as_str() == "eve" { Err(Refusal::forbidden()) } else { Ok(()) }
    });
    let lasting = Lasting::serve(gateway).await;

    lasting.server.expect_refused("/", json!({ "user": "eve" })).await;
    let _client = lasting.connect(json!({ "user": "alice" })).await;
    turns().await;

    assert_eq!(told.take(), ["+alice", "+alicer1"]);
}

/// All anonymous clients have the same user id.
#[tokio::test]
async fn anonymous_clients_are_not_present() {
    let told = Told::default();
    let tells = told.clone();
    let gateway = Gateway::at("/").on_presence(move |_: Hub<Anonymous>, change: PresenceChange| {
        let tells = tells.clone();
        async move { tells.0.lock().unwrap().push(change.user.as_str().to_owned()) }
    });
    let doorward = Doorward::builder().public(gateway).build().unwrap();
    let server = doorward::test::TestServer::start(doorward).await.unwrap();

    let _client = server.connect("/", ()).await;
    turns().await;

    let hub = server.doorward().hub::<Anonymous>("/").unwrap();
    assert_eq!((hub.presence().users().len(), told.take().len()), (0, 0));
}

/// A node that dies says nothing.
#[tokio::test]
async fn the_users_of_a_dead_node_are_gone_within_ten_seconds() {
    let (nodes, told) = start(3).await;
    let _here = nodes.connect(0, "alice").await;
    let _there = nodes.connect(2, "alice").await;
    let _gone = nodes.connect(2, "bob").await;
    soon(&nodes).await;
    told.take();
    assert_eq!(names(presence(&nodes, 0).users()), ["alice", "bob"]);

    nodes.node(2).cut();
    nodes.pass(Duration::from_secs(5)).await;
    assert_eq!(names(presence(&nodes, 0).users()), ["alice", "bob"]);
    nodes.pass(Duration::from_secs(5)).await;

    assert_eq!(told.take(), ["-bob", "-bob"]);
    // The node that is cut off does not know what has become of the others.
    assert_eq!(names(presence(&nodes, 2).users()), ["alice", "bob"]);
    assert_eq!(presence(&nodes, 0).connections(&"alice".into()).len(), 1);
    nodes.node(2).heal();
    nodes.pass(Duration::from_secs(4)).await;
    assert_eq!(told.take(), ["+bob", "+bob"]);
}

#[tokio::test]
async fn changes_that_were_lost_are_repaired() {
    let (nodes, told) = start(2).await;
    let mut clients = [nodes.connect(0, "a").await, nodes.connect(0, "b").await];
    let _there = nodes.connect(1, "z").await;
    soon(&nodes).await;
    nodes.node(1).set_losing(true);
    clients[0].disconnect().await;
    let _later = nodes.connect(0, "c").await;
    nodes.pass(Duration::from_millis(500)).await;
    assert_eq!(names(presence(&nodes, 1).users()), ["a", "b", "z"]);
    told.take();

    nodes.node(1).set_losing(false);
    nodes.pass(Duration::from_secs(3)).await;

    assert_eq!(names(presence(&nodes, 1).users()), ["b", "c", "z"]);
    assert_eq!(told.take(), ["+c", "-a"]);
}

/// The clients of a node that shuts down reconnect to another one. No user is told as gone.
#[tokio::test]
async fn a_rolling_restart_reports_no_user_as_gone() {
    let (nodes, told) = start(2).await;
    let mut clients = Vec::new();
    for user in ["a", "b", "c"] {
        clients.push(nodes.connect(0, user).await);
    }
    let mut watcher = nodes.connect(1, "z").await;
    soon(&nodes).await;
    told.take();
    // It was told of all four.
    for _ in 0..4 {
        watcher.expect_event::<Value>("presence").await;
    }
    watcher.expect_nothing().await;
    let (stop, doorward) = (Arc::new(Notify::new()), nodes.server(0).server.doorward());
    let listeners = doorward::server::Listeners::bind("127.0.0.1:0").await.unwrap();
    let stopped = stop.notified();
    let served = doorward.serve_with(listeners, doorward.service(), stopped);
    stop.notify_one();
    while_time_passes(&nodes.clock, served).await.unwrap();
    // It has left in order, and is not waited for.
    assert!(nodes.server(1).principals().sockets().await.missing.is_empty());
    for client in &mut clients {
        client.ended().await;
    }
    let mut again = Vec::new();
    for user in ["a", "b"] {
        nodes.pass(Duration::from_secs(2)).await;
        again.push(nodes.connect(1, user).await);
    }

    nodes.pass(Duration::from_secs(10)).await;

    // The hook of the node that has shut down is not told either.
    assert_eq!(told.take(), ["-c"]);
    // On the node that stays, only the user who did not come back has gone.
    let said: (String, Option<String>, bool) = watcher.expect_event("presence").await;
    assert_eq!(said, ("c".to_owned(), None, false));
    watcher.expect_nothing().await;
}

#[tokio::test]
async fn a_node_that_starts_knows_all_and_tells_nothing_old() {
    let (nodes, told) = start(1).await;
    let _alice = nodes.connect(0, "alice").await;
    soon(&nodes).await;
    told.take();
    let node = nodes.cluster.node("late");
    let late =
        Lasting::at(nodes.clock.clone(), |builder| builder.gateway(told.gateway()).cluster(node))
            .await;
    nodes.pass(Duration::from_secs(3)).await;

    let presence = late.server.doorward().hub::<Member>("/").unwrap().presence();

    assert_eq!(names(presence.users()), ["alice"]);
    assert_eq!(told.take().len(), 0);
}

#[tokio::test]
#[should_panic(expected = "the presence in / is tracked if one of its gateways has a hook")]
async fn without_a_hook_there_is_no_presence() {
    let lasting = Lasting::start().await;

    drop(lasting.server.doorward().hub::<Member>("/").unwrap().presence());
}
