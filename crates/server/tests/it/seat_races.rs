//! Many clients of one user connect to three nodes at once, with 50 ms between the nodes and Redis.

use std::{
    net::Ipv4Addr,
    sync::{Arc, Mutex},
    time::Duration,
};

use doorward::{
    PerUser, SocketId,
    auth::{AuthenticateError, Handshake},
    prelude::*,
    test::{TestClient, TestServer},
};
use doorward_redis::RedisOptions;
use doorward_testkit::{Fault, FaultProxy, RedisServer};
use serde_json::json;
use tokio::task::JoinSet;

use crate::support::in_time;

/// Three nodes, whose handlers note the order in which they serve sockets.
struct Nodes {
    servers: Vec<Arc<TestServer>>,
    served: Arc<Mutex<Vec<SocketId>>>,
    _proxy: FaultProxy,
    _redis: RedisServer,
}

impl Nodes {
    async fn start(policy: PerUser) -> Self {
        let redis = RedisServer::start_on_tcp(&[]).await;
        let proxy = FaultProxy::start((Ipv4Addr::LOCALHOST, redis.port().unwrap()).into()).await;
        let url = format!("redis://{}", proxy.address());
        let served = Arc::<Mutex<Vec<SocketId>>>::default();
        let mut servers = Vec::new();
        for name in ["eu-1", "eu-2", "eu-3"] {
            servers.push(Arc::new(node(&url, name, policy, Arc::clone(&served)).await));
        }
        proxy.set(Fault::Delay(Duration::from_millis(25)));
        Self { servers, served, _proxy: proxy, _redis: redis }
    }

    fn served(&self) -> Vec<SocketId> {
        self.served.lock().unwrap().clone()
    }

    /// Connects a client as often as needed until it is admitted or refused.
    async fn connect(server: &TestServer, number: u16) -> Option<TestClient> {
        loop {
            let visitor = server.visitor().peer(([127, 0, 0, 1], number).into());
            match visitor.try_connect("/", json!({})).await {
                Ok(client) => return Some(client),
                Err(Some(refused)) => {
                    assert_eq!(refused.code(), "already_connected");
                    return None;
                }
                // Nothing was decided, and a stock client tries again.
                Err(None) => {}
            }
        }
    }
}

async fn node(
    url: &str,
    name: &str,
    policy: PerUser,
    served: Arc<Mutex<Vec<SocketId>>>,
) -> TestServer {
    let alice = authenticate_fn(async |_: Handshake| {
        Ok::<_, AuthenticateError>(Grant::new("alice".to_owned(), "alice"))
    });
    let gateway = Gateway::at("/").on("note", move |me: Socket<String>| {
        served.lock().unwrap().push(me.id());
        async { 1 }
    });
    let store = RedisOptions::default().open(url).unwrap();
    let builder = Doorward::builder()
        .authenticate(alice)
        .limits(|limits| limits.max_user_attempts = 1_000_000)
        .connections(policy)
        .cluster(store.cluster(name));
    TestServer::start(builder.gateway(gateway).build().unwrap()).await.unwrap()
}

/// Asserts that no socket was served again after another one was served.
fn assert_one_after_the_other(served: &[SocketId]) {
    let mut turns = served.to_vec();
    turns.dedup();
    let mut distinct = turns.clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(turns.len(), distinct.len(), "two sockets were served at once: {turns:?}");
}

/// Every client is admitted and replaced by the next one, except the last.
#[tokio::test]
async fn of_many_that_replace_each_other_on_three_nodes_one_is_served_at_a_time() {
    let nodes = Nodes::start(PerUser::ReplaceOldest(1)).await;
    let mut racers = JoinSet::new();
    for number in 0..RACERS {
        let server = Arc::clone(&nodes.servers[usize::from(number % 3)]);
        racers.spawn(async move {
            let mut client = Nodes::connect(&server, number).await.expect("none is refused");
            while client.has_ended().await.is_none() {
                client.emit("note", ()).await;
                tokio::task::yield_now().await;
            }
        });
    }

    for _ in 1..RACERS {
        in_time(racers.join_next()).await.unwrap().unwrap();
    }

    // One is left, and is served.
    let before = nodes.served().len();
    in_time(async {
        while nodes.served().len() < before + 10 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(racers.len(), 1);
    let served = nodes.served();
    assert_one_after_the_other(&served);
    assert!(served[before..].iter().all(|socket| socket == served.last().unwrap()));
}

#[tokio::test]
async fn of_many_that_are_refused_on_three_nodes_one_is_served() {
    let nodes = Nodes::start(PerUser::RefuseNew(1)).await;
    let mut racers = JoinSet::new();
    for number in 0..RACERS {
        let server = Arc::clone(&nodes.servers[usize::from(number % 3)]);
        racers.spawn(async move { Nodes::connect(&server, number).await });
    }

    // A client for which nothing was decided asks again.
    let mut admitted = Vec::new();
    while let Some(done) = in_time(racers.join_next()).await {
        admitted.extend(done.unwrap());
    }

    assert_eq!(admitted.len(), 1);
    assert_eq!(in_time(admitted[0].emit_with_ack::<u8>("note", ())).await, 1);
}

const RACERS: u16 = 240;
