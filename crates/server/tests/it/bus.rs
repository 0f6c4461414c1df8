//! Events between nodes on a real Redis, in real time.

use std::{process::Command, time::Duration};

use doorward::{
    auth::{AuthenticateError, Handshake},
    prelude::*,
    test::{TestClient, TestServer},
};
use doorward_redis::RedisOptions;
use doorward_testkit::RedisServer;
use serde_json::json;

/// Starts a node whose clients join a room when they connect.
async fn node(redis: &RedisServer, name: &str) -> TestServer {
    let authenticator = authenticate_fn(async |handshake: Handshake| {
        let user = handshake.auth.get_str("user").unwrap_or_default().to_owned();
        Ok::<_, AuthenticateError>(Grant::new(user.clone(), user))
    });
    let gateway = Gateway::at("/")
        .room("r{id}", |_| async { true })
        .on_connect(|me: Socket<String>| async move { Ok(me.join("r1").await?) })
        .on_presence(|hub: Hub<String>, change: PresenceChange| async move {
            let told = (change.user.as_str(), change.is_present);
            if change.room.is_none() {
                hub.all().local().emit("presence", told).unwrap();
            }
        });
    let store = RedisOptions::default().open(&redis.url()).unwrap();
    let builder = Doorward::builder().authenticate(authenticator).cluster(store.cluster(name));
    TestServer::start(builder.gateway(gateway).build().unwrap()).await.unwrap()
}

async fn connect(server: &TestServer, user: &str) -> TestClient {
    server.connect("/", json!({ "user": user })).await
}

fn hub(server: &TestServer) -> Hub<String> {
    server.doorward().hub("/").unwrap()
}

/// Emits until the client has received an event of another node. Returns the number of events that were emitted.
async fn emits_until_heard(from: &TestServer, client: &mut TestClient) -> u32 {
    for number in 0_u32.. {
        hub(from).to("r1").emit("number", number).unwrap();
        let heard =
            tokio::time::timeout(Duration::from_millis(50), client.wait_for_event::<u32>("number"));
        if heard.await.is_ok() {
            return number + 1;
        }
    }
    unreachable!("a test ends earlier")
}

/// Waits until a client is told that a user has come or gone.
async fn presence(client: &mut TestClient, user: &str, is_present: bool) {
    let told = async {
        while client.wait_for_event::<(String, bool)>("presence").await
            != (user.to_owned(), is_present)
        {}
    };
    tokio::time::timeout(Duration::from_secs(30), told).await.expect("the client is told");
}

fn cut_subscribers(redis: &RedisServer) {
    let url = redis.url();
    let socket = url.strip_prefix("redis+unix://").unwrap();
    let cut = ["-s", socket, "CLIENT", "KILL", "TYPE", "pubsub"];
    let cut = Command::new("redis-cli").args(cut).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&cut.stdout).trim(), "2");
}

#[tokio::test]
async fn events_and_presence_go_over_redis_and_on_after_a_cut() {
    let redis = RedisServer::start(&[]).await;
    let (first, second) = (node(&redis, "eu-1").await, node(&redis, "eu-2").await);
    let mut alice = connect(&first, "alice").await;
    let bob = connect(&second, "bob").await;
    presence(&mut alice, "bob", true).await;
    hub(&second).to("r1").emit("text", "hello").unwrap();
    assert_eq!(alice.wait_for_event::<String>("text").await, "hello");
    hub(&second).to(alice.id()).emit("text", "you").unwrap();
    assert_eq!(alice.wait_for_event::<String>("text").await, "you");
    cut_subscribers(&redis);

    emits_until_heard(&second, &mut alice).await;
    drop(bob);
    presence(&mut alice, "bob", false).await;
    let found = hub(&first).all().fetch_sockets().await;
    assert_eq!((found.value.len(), found.missing.len()), (1, 0));
    assert_eq!(first.doorward().principals().nodes().await.value.len(), 2);
}

/// The bus depends on Redis. Clients of the same node do not notice.
#[tokio::test]
async fn redis_may_be_away_for_a_while() {
    let mut redis = RedisServer::start(&[]).await;
    let (first, second) = (node(&redis, "eu-1").await, node(&redis, "eu-2").await);
    let mut alice = connect(&first, "alice").await;
    let _bob = connect(&second, "bob").await;
    redis.kill();

    hub(&first).to("r1").emit("text", "here").unwrap();
    assert_eq!(alice.wait_for_event::<String>("text").await, "here");
    let found = hub(&first).all().fetch_sockets().await;
    assert_eq!(found.missing.len(), 1, "{found:?}");
    let lacks_the_bus = || first.doorward().outages().iter().any(|one| one.what == "bus");
    let noticed = async {
        while !lacks_the_bus() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), noticed).await.expect("the node notices it");
    redis.restart().await;

    emits_until_heard(&second, &mut alice).await;
    assert!(!lacks_the_bus());
}
