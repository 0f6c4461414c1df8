//! Tests of the game: the real gateway on a real server, with a manual clock.

mod nodes;

use std::{sync::Arc, time::Duration};

use doorward::{
    UserId,
    cluster::Owner,
    prelude::*,
    server::OsEntropy,
    test::{ManualClock, TestClient, TestEnd, TestServer},
};
use serde_json::{Value, json};

use super::{
    call::{Call, ClientId, Guest, Reply},
    gateway::gateway,
    rooms::Rooms,
    running::RunningGames,
    top::Top,
    wire,
};
use crate::{
    Database, NamedUser, WHACK_A_MOLE,
    testing::{self, Home, Kind, on_both},
};

on_both! {
    the_top_is_the_best_round_of_each_and_ten_of_them
    rounds_that_end_at_once_are_all_on_the_board
}

struct Arcade {
    server: TestServer,
    clock: ManualClock,
    running: Arc<RunningGames>,
    _folder: tempfile::TempDir,
}

impl Arcade {
    async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("test.db");
        let database = Database::open(&path, &[WHACK_A_MOLE]).await.unwrap();
        let clock = ManualClock::new();
        let accounts = Arc::new(testing::Accounts::default());
        let services = testing::services(&clock, database.tables().unwrap(), accounts);
        let rooms = Rooms::new(&services);
        let running = Arc::clone(&rooms.running);
        let doorward = Doorward::builder()
            .authenticate(testing::authenticator())
            .clock(clock.clone())
            .gateway(gateway(rooms))
            .build()
            .unwrap();
        let server = TestServer::start(doorward).await.unwrap();
        Self { server, clock, running, _folder: folder }
    }

    async fn client(&self, name: &str) -> TestClient {
        self.server.connect("/mole", json!({ "user": name })).await
    }

    /// Connects a player in the room `one`.
    async fn player(&self, name: &str) -> TestClient {
        let mut client = self.client(name).await;
        client.emit_with_ack::<()>("join", json!({ "room": "one" })).await;
        client
    }

    /// Starts a round, and returns when it has begun for all players.
    async fn begin(&self, players: &mut [&mut TestClient]) {
        players[0].emit_with_ack::<()>("start", ()).await;
        for player in &mut *players {
            phase(player, "countdown").await;
        }
        self.clock.advance(Duration::from_secs(3));
        for player in players {
            phase(player, "playing").await;
        }
    }

    /// Advances the clock until a mole is up and a player can have seen it.
    async fn mole(&self, watcher: &mut TestClient) -> Value {
        self.clock.advance(Duration::from_millis(500));
        let mole: Value = watcher.wait_for_event("mole_up").await;
        self.clock.advance(Duration::from_millis(200));
        mole
    }
}

async fn phase(client: &mut TestClient, wanted: &str) -> Value {
    loop {
        let phase: Value = client.wait_for_event("phase").await;
        if phase["phase"] == wanted {
            return phase;
        }
    }
}

fn at(mole: &Value) -> Value {
    json!({ "hole": mole["hole"], "mole": mole["mole"] })
}

#[tokio::test]
async fn a_round_is_played_scored_and_kept() {
    let arcade = Arcade::open().await;
    let (mut ann, mut bob) = (arcade.player("ann").await, arcade.player("bob").await);
    arcade.begin(&mut [&mut ann, &mut bob]).await;
    let mole = arcade.mole(&mut bob).await;

    let struck: Value = ann.emit_with_ack("strike", at(&mole)).await;

    assert_eq!((&struck["hit"], &struck["combo"]), (&json!(true), &json!(1)), "{struck}");
    arcade.clock.advance(Duration::from_millis(20));
    let scores: Value = bob.wait_for_event("scores").await;
    let expected = json!([{ "user": "ann", "score": struck["score"], "combo": 1, "hits": 1 }]);
    assert_eq!(scores, expected);
    arcade.clock.advance(Duration::from_secs(10));
    let ranking: Value = bob.wait_for_event("ranking").await;
    assert_eq!((&ranking[0]["name"], &ranking[0]["score"]), (&json!("ann"), &struck["score"]));
    assert_eq!((&ranking[1]["name"], &ranking[1]["score"]), (&json!("bob"), &json!(0)));
    let top: Value = bob.wait_for_event("top").await;
    assert_eq!(top, json!([{ "name": "ann", "score": struck["score"] }]));
    assert_eq!(ann.emit_with_ack::<Value>("top", ()).await, top);

    arcade.begin(&mut [&mut bob, &mut ann]).await;
}

#[tokio::test]
async fn what_is_no_hit_says_why() {
    let arcade = Arcade::open().await;
    let mut ann = arcade.player("ann").await;
    let early: Value = ann.emit_with_ack("strike", json!({ "hole": 1 })).await;
    assert_eq!(early, json!({ "hit": false, "reason": "not_playing" }));
    arcade.begin(&mut [&mut ann]).await;
    let mole = arcade.mole(&mut ann).await;

    let empty: Value = ann.emit_with_ack("strike", json!({ "hole": mole["hole"] })).await;

    assert_eq!(empty, json!({ "hit": false, "reason": "empty" }));
    for bad in [json!({ "hole": 0 }), json!({ "hole": 10 }), json!({}), json!("1")] {
        assert_eq!(ann.expect_exception("strike", bad).await.code(), "bad_payload");
    }
    assert!(ann.emit_with_ack::<Value>("strike", at(&mole)).await["hit"] == true);
}

#[tokio::test]
async fn a_second_tab_takes_the_game_over_with_its_score() {
    let arcade = Arcade::open().await;
    let (mut first, mut bob) = (arcade.player("ann").await, arcade.player("bob").await);
    arcade.begin(&mut [&mut first, &mut bob]).await;
    let mole = arcade.mole(&mut bob).await;
    let struck: Value = first.emit_with_ack("strike", at(&mole)).await;

    let mut second = arcade.player("ann").await;

    assert_eq!(first.ended().await, TestEnd::Final);
    let state: Value = second.wait_for_event("state").await;
    let ann = state["players"].as_array().unwrap().iter().find(|one| one["user"] == "ann");
    assert_eq!(
        ann.map(|ann| (&ann["score"], &ann["here"])),
        Some((&struck["score"], &json!(true)))
    );
    assert_eq!((&state["phase"], &state["playing"]), (&json!("playing"), &json!(true)));
    let twice: Value = second.emit_with_ack("strike", at(&mole)).await;
    assert_eq!(twice["reason"], "twice");
}

#[tokio::test]
async fn spectators_see_everything_and_change_nothing() {
    let arcade = Arcade::open().await;
    let (mut ann, mut eve) = (arcade.player("ann").await, arcade.client("eve").await);
    eve.emit_with_ack::<()>("join", json!({ "room": "one", "watch": true })).await;
    let state: Value = eve.wait_for_event("state").await;
    let expected = json!({
        "room": "one", "phase": "waiting", "endsIn": null, "moles": [], "spectators": 1, "playing": false,
        "players": [{ "user": "ann", "name": "ann", "here": true, "score": 0, "combo": 0, "hits": 0 }],
    });
    assert_eq!(state, expected);

    assert_eq!(eve.expect_exception("start", ()).await.code(), "forbidden");
    arcade.begin(&mut [&mut ann, &mut eve]).await;
    let mole = arcade.mole(&mut eve).await;
    let struck: Value = eve.emit_with_ack("strike", at(&mole)).await;

    assert_eq!(struck["reason"], "not_playing");
}

#[tokio::test]
async fn a_player_who_cannot_enter_a_room_stays_in_the_old_one() {
    let arcade = Arcade::open().await;
    let mut late = arcade.player("late").await;
    let hub = arcade.server.doorward().hub::<NamedUser>("/mole").unwrap();
    for number in 0..250 {
        let user = UserId::new(format!("player-{number}"));
        let client = ClientId { user, socket: doorward::SocketId::generate(&OsEntropy) };
        let guest = Guest { client, name: "player".into(), watch: false };
        let call = Call::Enter(guest);
        let reply = match arcade.running.answer("full", &call) {
            Some(reply) => reply,
            None => match hub.own("full").await.unwrap() {
                Owner::Here(ownership) => arcade.running.begin(&hub, "full", ownership, &call),
                Owner::Node(node) => panic!("{node} owns it"),
            },
        };
        assert!(matches!(reply, Reply::Entered(_)));
    }

    let exception = late.expect_exception("join", json!({ "room": "full" })).await;

    assert_eq!(exception.code(), "room_full");
    let connection = hub.local_socket(late.id()).unwrap();
    assert_eq!(connection.rooms().iter().map(|room| &**room).collect::<Vec<_>>(), ["game:one"]);
    late.emit_with_ack::<()>("start", ()).await;
    phase(&mut late, "countdown").await;
}

#[tokio::test]
async fn rooms_know_nothing_of_each_other() {
    let arcade = Arcade::open().await;
    let (mut ann, mut bob) = (arcade.player("ann").await, arcade.client("bob").await);
    bob.emit_with_ack::<()>("join", json!({ "room": "two" })).await;

    arcade.begin(&mut [&mut ann]).await;

    let state: Value = bob.wait_for_event("state").await;
    assert_eq!(
        (&state["phase"], state["players"].as_array().unwrap().len()),
        (&json!("waiting"), 1)
    );
    bob.emit_with_ack::<()>("join", json!({ "room": "one" })).await;
    let state: Value = bob.wait_for_event("state").await;
    assert_eq!(
        (&state["phase"], state["players"].as_array().unwrap().len()),
        (&json!("playing"), 2)
    );
    for bad in ["", "A", "a room", &"a".repeat(33)] {
        let exception = bob.expect_exception("join", json!({ "room": bad })).await;
        assert_eq!(exception.code(), "bad_payload", "{bad}");
    }
}

#[tokio::test]
async fn a_room_ends_with_the_last_who_leaves() {
    let arcade = Arcade::open().await;
    let mut ann = arcade.player("ann").await;
    arcade.begin(&mut [&mut ann]).await;
    arcade.clock.advance(Duration::from_secs(10));
    assert_eq!(phase(&mut ann, "over").await["endsIn"], Value::Null);

    // Until the task notices that the old room is empty, ann enters the old room again.
    loop {
        ann.disconnect().await;
        ann = arcade.player("ann").await;
        let state: Value = ann.wait_for_event("state").await;
        if state["phase"] == "waiting" {
            break;
        }
    }
}

#[tokio::test]
async fn who_leaves_between_rounds_is_gone_at_once() {
    let arcade = Arcade::open().await;
    let (ann, mut bob) = (arcade.player("ann").await, arcade.player("bob").await);

    drop(ann);

    let gone: Value = bob.wait_for_event("player_gone").await;
    assert_eq!(gone, json!({ "user": "ann" }));
}

fn ranked(user: &str, score: u32) -> wire::Ranked {
    let (user, name) = (UserId::new(user), user.into());
    wire::Ranked { user, name, score, hits: 1, misses: 0 }
}

fn time(seconds: u64) -> std::time::SystemTime {
    std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

async fn the_top_is_the_best_round_of_each_and_ten_of_them(kind: Kind) {
    let home = Home::new(kind);
    let database = home.open(&[WHACK_A_MOLE]).await;
    let top = Top(database.tables().unwrap().clone());
    let round: Vec<_> = (0..12).map(|number| ranked(&format!("u{number:02}"), number)).collect();

    top.add(&round, time(1)).await.unwrap();
    let best = top.add(&[ranked("u11", 5), ranked("u02", 11), ranked("zero", 0)], time(2)).await;

    let best: Vec<_> = best.unwrap().0.into_iter().map(|row| (row.name, row.score)).collect();
    assert_eq!(best.len(), 10);
    assert_eq!(best[..3], [("u11".into(), 11), ("u02".into(), 11), ("u10".into(), 10)]);
    database.forget(&UserId::new("u02")).await.unwrap();
    let best: Vec<_> = top.list().await.unwrap().0.into_iter().map(|row| row.name).collect();
    assert_eq!((best.len(), best.contains(&"u02".into())), (10, false));
}

/// The rounds have the same players in opposite orders, on two nodes.
async fn rounds_that_end_at_once_are_all_on_the_board(kind: Kind) {
    let home = Home::new(kind);
    let (one, other) = (home.open(&[WHACK_A_MOLE]).await, home.open(&[WHACK_A_MOLE]).await);
    let boards = [&one, &other].map(|database| Top(database.tables().unwrap().clone()));
    let round = |score: u32| (0..9).map(move |number| ranked(&format!("u{number}"), score));

    for score in 1..=20 {
        let (here, there): (Vec<_>, Vec<_>) =
            (round(2 * score).collect(), round(2 * score + 1).rev().collect());
        let (here, there) =
            tokio::join!(boards[0].add(&here, time(1)), boards[1].add(&there, time(1)));
        assert!(here.is_ok() && there.is_ok(), "{:?} {:?}", here.err(), there.err());
    }

    let best = boards[0].list().await.unwrap().0;
    assert!(best.len() == 9 && best.iter().all(|row| row.score == 41));
}

/// Scores are shown only if they are stored.
#[tokio::test]
async fn a_board_whose_file_is_gone_shows_nothing_new() {
    let folder = tempfile::tempdir().unwrap();
    let (file, aside) = (folder.path().join("test.db"), folder.path().join("aside.db"));
    let database = Database::open(&file, &[WHACK_A_MOLE]).await.unwrap();
    let top = Top(database.tables().unwrap().clone());
    top.add(&[ranked("ann", 5)], time(1)).await.unwrap();

    std::fs::rename(&file, &aside).unwrap();
    let refused = top.add(&[ranked("bob", 9)], time(2)).await;
    std::fs::rename(&aside, &file).unwrap();

    assert!(refused.is_err());
    let names: Vec<_> = top.list().await.unwrap().0.into_iter().map(|row| row.name).collect();
    assert_eq!(names, ["ann"]);
    assert_eq!(top.add(&[ranked("bob", 9)], time(3)).await.unwrap().0.len(), 2);
}
