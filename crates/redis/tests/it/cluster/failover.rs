//! A replica that lacks the last writes of its primary takes its place.

use std::net::{Ipv4Addr, SocketAddr};

use doorward_core::{
    Incarnation, PerUser, SeatError, UserId,
    cluster::{Answer, Cluster as _, Joined, Order},
};
use doorward_redis::{RedisCluster, RedisOptions};
use doorward_testkit::{Fault, FaultProxy, RedisServer};

use super::{
    join,
    leases::rights,
    now,
    seats::{ONE, reserve},
};
use crate::{
    calls::wait_until_available,
    fixture::{Behind, connect, guarded, second},
    floor::{assert_raised, moment_later, read},
};

/// Primary and its replica, and the address that leads to one of them.
struct Pair {
    primary: RedisServer,
    replica: RedisServer,
    /// Address that the nodes use.
    address: FaultProxy,
    /// Connection of the replica to the primary.
    copying: FaultProxy,
}

fn address_of(server: &RedisServer) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, server.port().unwrap()).into()
}

impl Pair {
    async fn start() -> Self {
        let durable =
            ["--appendonly", "yes", "--appendfsync", "always", "--repl-diskless-sync-delay", "0"];
        let primary = RedisServer::start_on_tcp(&durable).await;
        let replica = RedisServer::start_on_tcp(&durable).await;
        let address = FaultProxy::start(address_of(&primary)).await;
        let copying = FaultProxy::start(address_of(&primary)).await;
        let port = copying.address().port();
        let mut behind = Behind::connect(&replica).await;
        behind.run::<()>(&format!("REPLICAOF 127.0.0.1 {port}")).await;
        Self { primary, replica, address, copying }
    }

    fn node(&self, name: &str) -> RedisCluster {
        let url = format!("redis://{}", self.address.address());
        RedisOptions::default().open(&url).unwrap().cluster(name)
    }

    /// Waits until the replica has a key.
    async fn is_copied(&self, key: &str) {
        let mut behind = Behind::connect(&self.replica).await;
        let exists = format!("EXISTS {key}");
        guarded(async { while behind.run::<u64>(&exists).await == 0 {} }).await;
    }

    /// Kills the primary, and lets the replica take its place.
    async fn fail_over(&mut self) {
        self.primary.kill();
        Behind::connect(&self.replica).await.run::<()>("REPLICAOF NO ONE").await;
        self.address.lead_to(address_of(&self.replica));
    }
}

/// Asserts that a node is no member any more.
async fn is_no_member(node: &RedisCluster, (own, joined): &(Incarnation, Joined)) {
    let renewed = guarded(async {
        loop {
            if let Ok(renewed) = node.renew(*own, joined.position).await {
                break renewed;
            }
        }
    });
    assert_eq!(renewed.await, None, "{node:?}");
}

/// Attack 92 on two nodes: the replica knows the nodes, and lacks a revocation that the primary has acknowledged.
#[tokio::test]
async fn a_replica_that_is_behind_has_no_members_and_accepts_no_earlier_credential() {
    let mut pair = Pair::start().await;
    let (first, second) = (pair.node("eu-1"), pair.node("eu-2"));
    let joined = [join(&first, 1).await, join(&second, 2).await];
    let _seat = reserve(&first, "alice", 1, ONE).await.unwrap().commit().await.unwrap();
    let store = connect(&pair.primary).await;
    let before = read(&store).await;
    pair.is_copied("{doorward}:seat-number").await;
    let mut behind = Behind::connect(&pair.replica).await;
    moment_later(&mut behind, &before).await;
    pair.copying.set(Fault::HalfOpen);
    let revoked = Order::User(UserId::new("alice"));
    let receipt = second.order(&revoked, self::second(1)).await.unwrap();
    assert_eq!(receipt.members.len(), 2);

    pair.fail_over().await;

    assert_eq!(behind.run::<Vec<String>>("KEYS {doorward}:epoch:*").await, [""; 0]);
    let store = connect(&pair.replica).await;
    wait_until_available(&store).await;
    assert_raised(&before, &read(&store).await);
    is_no_member(&first, &joined[0]).await;
    is_no_member(&second, &joined[1]).await;
    // Nothing is known about the nodes of before.
    assert!(first.answers(&receipt).await.unwrap().iter().all(|(_, it)| *it == Answer::Waiting));
    join(&first, 3).await;
    assert_eq!(join(&second, 4).await.1.members.len(), 2);
    let receipt = second.order(&rights("bob"), self::second(1)).await.unwrap();
    assert_eq!(receipt.members.len(), 2);
    assert!((20..=30).contains(&receipt.unknown_for.as_secs()), "{receipt:?}");

    // The nodes of before may still serve connections that are limited.
    let early = reserve(&second, "alice", 2, ONE).await;
    assert!(matches!(early, Err(SeatError::Unavailable(_))));
    drop(reserve(&second, "alice", 3, PerUser::Unlimited).await.unwrap());
    let time = now(&mut behind).await;
    let _set: u64 = behind.run(&format!("HSET {{doorward}}:floor seats_from {time}")).await;
    reserve(&second, "alice", 4, ONE).await.unwrap();
}
