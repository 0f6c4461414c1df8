//! Tests of rooms whose players are connected to several nodes.

use std::{sync::Arc, time::Duration};

use doorward::{
    prelude::*,
    session::MemoryStore,
    store::MemorySeats,
    test::{ManualClock, TestClient, TestServer},
};
use doorward_testkit::{MemoryCluster, MemoryNode};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{at, phase};
use crate::{Database, WHACK_A_MOLE, mole::gateway::gateway, mole::rooms::Rooms, testing};

/// Nodes with one board.
struct Nodes {
    clock: ManualClock,
    nodes: Vec<(MemoryNode, TestServer)>,
    _folder: TempDir,
}

impl Nodes {
    async fn start(count: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("test.db");
        let clock = ManualClock::new();
        let cluster = MemoryCluster::new(clock.clone(), MemoryStore::default(), MemorySeats::new());
        let mut nodes = Vec::new();
        for number in 0..count {
            let database = Database::open(&path, &[WHACK_A_MOLE]).await.unwrap();
            let accounts = Arc::new(testing::Accounts::default());
            let services = testing::services(&clock, database.tables().unwrap(), accounts);
            let node = cluster.node(&format!("n{number}"));
            let doorward = Doorward::builder()
                .authenticate(testing::authenticator())
                .clock(clock.clone())
                .cluster(node.clone())
                .gateway(gateway(Rooms::new(&services)))
                .build()
                .unwrap();
            nodes.push((node, TestServer::start(doorward).await.unwrap()));
        }
        let nodes = Self { clock, nodes, _folder: folder };
        // The nodes hear each other.
        nodes.pass(Duration::from_secs(4)).await;
        nodes
    }

    /// Advances the clock in steps of 100 ms, with turns for the tasks of all nodes.
    async fn pass(&self, time: Duration) {
        for _ in 0..time.as_millis() / 100 {
            self.clock.advance(Duration::from_millis(100));
            turns().await;
        }
    }

    async fn client(&self, number: usize, name: &str) -> TestClient {
        self.nodes[number].1.connect("/mole", json!({ "user": name })).await
    }

    /// Connects a player in the room `one`.
    async fn player(&self, number: usize, name: &str) -> TestClient {
        let mut client = self.client(number, name).await;
        client.emit_with_ack::<()>("join", json!({ "room": "one" })).await;
        client
    }

    /// Starts a round by the first of these players, and returns when it has begun for all.
    async fn begin(&self, players: &mut [&mut TestClient]) {
        players[0].emit_with_ack::<()>("start", ()).await;
        for player in &mut *players {
            phase(player, "countdown").await;
        }
        self.pass(Duration::from_secs(3)).await;
        for player in players {
            phase(player, "playing").await;
        }
    }

    /// Ends a node without a word.
    fn kill(&mut self, number: usize) -> MemoryNode {
        let (node, server) = self.nodes.remove(number);
        node.cut();
        drop(server);
        node
    }
}

async fn turns() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

/// Returns the names of the players in a state, with those that are connected.
fn here(state: &Value) -> Vec<(&str, bool)> {
    let players = state["players"].as_array().unwrap().iter();
    players.map(|player| (player["user"].as_str().unwrap(), player["here"] == true)).collect()
}

#[tokio::test]
async fn players_of_several_nodes_play_one_game() {
    let nodes = Nodes::start(3).await;
    let (mut ann, mut bob) = (nodes.player(0, "ann").await, nodes.player(1, "bob").await);
    let mut eve = nodes.client(2, "eve").await;
    eve.emit_with_ack::<()>("join", json!({ "room": "one", "watch": true })).await;
    let state: Value = eve.wait_for_event("state").await;
    assert_eq!(here(&state), [("ann", true), ("bob", true)]);
    assert_eq!((&state["playing"], &state["spectators"]), (&json!(false), &json!(1)));
    assert_eq!(eve.expect_exception("start", ()).await.code(), "forbidden");

    // A player of another node than that of the game starts the round, and hits.
    nodes.begin(&mut [&mut bob, &mut ann, &mut eve]).await;
    nodes.pass(Duration::from_millis(600)).await;
    let mole: Value = bob.wait_for_event("mole_up").await;
    nodes.pass(Duration::from_millis(200)).await;
    let struck: Value = bob.emit_with_ack("strike", at(&mole)).await;
    assert_eq!(struck["hit"], true, "{struck}");
    let twice: Value = bob.emit_with_ack("strike", at(&mole)).await;
    assert_eq!(twice, json!({ "hit": false, "reason": "twice" }));
    assert_eq!(ann.emit_with_ack::<Value>("strike", at(&mole)).await["hit"], true);
    let watching: Value = eve.emit_with_ack("strike", at(&mole)).await;
    assert_eq!(watching["reason"], "not_playing");
    nodes.pass(Duration::from_secs(11)).await;

    for client in [&mut ann, &mut bob, &mut eve] {
        let ranking: Value = client.wait_for_event("ranking").await;
        let mut users: Vec<_> = ranking.as_array().unwrap().iter().collect();
        users.sort_by_key(|row| row["user"].as_str());
        assert_eq!((&users[0]["user"], &users[0]["hits"]), (&json!("ann"), &json!(1)));
        assert_eq!((&users[1]["user"], &users[1]["hits"]), (&json!("bob"), &json!(1)));
    }
    let top: Value = eve.wait_for_event("top").await;
    assert_eq!(top.as_array().unwrap().len(), 2);
    // A player who leaves is gone for the others at once.
    bob.disconnect().await;
    let gone: Value = ann.wait_for_event("player_gone").await;
    assert_eq!(gone, json!({ "user": "bob" }));
}

#[tokio::test]
async fn a_game_is_taken_over_within_15_s_when_its_node_dies_and_the_players_are_told() {
    let mut nodes = Nodes::start(3).await;
    let (mut ann, mut bob) = (nodes.player(0, "ann").await, nodes.player(1, "bob").await);
    let mut eve = nodes.player(2, "eve").await;
    nodes.begin(&mut [&mut ann, &mut bob, &mut eve]).await;

    let dead = nodes.kill(0);
    let struck = bob.expect_exception("strike", json!({ "hole": 1 }));
    let (refused, ()) = tokio::join!(struck, nodes.pass(Duration::from_secs(3)));
    assert_eq!(refused.code(), "unavailable");
    nodes.pass(Duration::from_secs(12)).await;

    for client in [&mut bob, &mut eve] {
        let (mut state, mut is_told) = (Value::Null, false);
        while !is_told || state.is_null() {
            let event = client.next_event().await;
            match event.name.as_str() {
                "moved" => is_told = true,
                "state" => {
                    let newest: Value = event.arguments.decode().unwrap();
                    if newest["phase"] == "waiting" {
                        state = newest;
                    }
                }
                _ => {}
            }
        }
        assert!(here(&state).iter().all(|(user, is_here)| *user != "ann" && *is_here), "{state}");
    }
    nodes.begin(&mut [&mut eve, &mut bob]).await;
    nodes.pass(Duration::from_millis(600)).await;
    let mole: Value = bob.wait_for_event("mole_up").await;
    nodes.pass(Duration::from_millis(200)).await;
    for client in [&mut bob, &mut eve] {
        assert_eq!(client.emit_with_ack::<Value>("strike", at(&mole)).await["hit"], true);
    }
    drop(dead);
}

/// The node of a player has died and can tell nothing.
#[tokio::test]
async fn players_of_a_node_that_has_died_leave_the_game() {
    let mut nodes = Nodes::start(2).await;
    let mut ann = nodes.player(0, "ann").await;
    let bob = nodes.player(1, "bob").await;
    nodes.pass(Duration::from_secs(20)).await;
    let mut late = nodes.client(0, "late").await;
    late.emit_with_ack::<()>("join", json!({ "room": "one", "watch": true })).await;
    let state: Value = late.wait_for_event("state").await;
    assert_eq!(here(&state), [("ann", true), ("bob", true)], "their nodes say that they are there");

    let dead = nodes.kill(1);
    nodes.pass(Duration::from_secs(13)).await;

    let gone: Value = ann.wait_for_event("player_gone").await;
    assert_eq!(gone, json!({ "user": "bob" }));
    drop((bob, dead));
}

/// The players of this node stay connected for some seconds, and may not play a game of their own.
#[tokio::test]
async fn a_node_that_is_cut_off_stops_its_games() {
    let nodes = Nodes::start(2).await;
    let (mut ann, mut bob) = (nodes.player(0, "ann").await, nodes.player(1, "bob").await);
    nodes.begin(&mut [&mut ann, &mut bob]).await;

    nodes.nodes[0].0.cut();
    nodes.pass(Duration::from_secs(9)).await;
    let struck = ann.expect_exception("strike", json!({ "hole": 1 })).await;

    assert_eq!(struck.code(), "unavailable");
    nodes.pass(Duration::from_secs(6)).await;
    nodes.begin(&mut [&mut bob]).await;
    nodes.nodes[0].0.heal();
    nodes.pass(Duration::from_secs(6)).await;
    let mut again = nodes.player(0, "ann").await;
    let state: Value = again.wait_for_event("state").await;
    assert_eq!(here(&state), [("ann", true), ("bob", true)]);
}

/// The process was stopped for some seconds. It is still a node of the cluster, but no owner.
#[tokio::test]
async fn a_node_that_begins_a_game_again_tells_all_players() {
    let nodes = Nodes::start(2).await;
    let (mut ann, mut bob) = (nodes.player(0, "ann").await, nodes.player(1, "bob").await);
    nodes.begin(&mut [&mut ann, &mut bob]).await;

    nodes.clock.advance(Duration::from_secs(9));
    nodes.pass(Duration::from_secs(7)).await;

    for client in [&mut ann, &mut bob] {
        let moved: Value = client.wait_for_event("moved").await;
        assert_eq!(moved, json!({}));
    }
    nodes.begin(&mut [&mut bob, &mut ann]).await;
}
