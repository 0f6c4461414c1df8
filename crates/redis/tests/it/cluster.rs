//! Cluster on a real server: leases and eras, the log, and seats of several nodes.
//!
//! Leases last 25 s, so these tests change the times that the server has stored instead of waiting.

mod bus;
mod clock;
mod contract;
mod failover;
mod leases;
mod seats;

use doorward_core::{
    Incarnation,
    cluster::{Cluster as _, Joined},
};
use doorward_redis::{RedisCluster, RedisOptions};
use doorward_testkit::RedisServer;

use crate::fixture::{Behind, Numbered};

/// Node with a connection of its own.
pub(crate) fn node(server: &RedisServer, name: &str) -> RedisCluster {
    RedisOptions::default().open(&server.url()).unwrap().cluster(name)
}

/// Lets a node join, as the incarnation with the given number.
pub(crate) async fn join(cluster: &RedisCluster, number: u64) -> (Incarnation, Joined) {
    let incarnation = incarnation(number);
    (incarnation, cluster.join(incarnation).await.unwrap())
}

pub(crate) fn incarnation(number: u64) -> Incarnation {
    Incarnation::generate(&Numbered(number))
}

/// Returns the time of the server, in milliseconds since 1970.
pub(crate) async fn now(behind: &mut Behind) -> u64 {
    let (seconds, micros): (u64, u64) = behind.run("TIME").await;
    seconds * 1_000 + micros / 1_000
}
