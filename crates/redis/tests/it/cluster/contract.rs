//! The rules that every cluster and every seat store must satisfy.

use std::sync::Arc;

use doorward_core::{
    BoxFuture, Reservation, SeatError, SeatRequest, SeatStore, cluster::Cluster as _,
};
use doorward_redis::RedisCluster;
use doorward_testkit::{RedisServer, conformance};

use super::{join, node};

async fn on_a_server() -> (Arc<RedisServer>, impl Fn(&str) -> RedisCluster) {
    let server = Arc::new(RedisServer::start(&[]).await);
    let own = Arc::clone(&server);
    (server, move |name: &str| node(&own, name))
}

conformance!(cluster: on_a_server);

/// Seats of one node.
struct Seats(Arc<dyn SeatStore>);

impl SeatStore for Seats {
    fn reserve<'a>(
        &'a self,
        request: SeatRequest<'a>,
    ) -> BoxFuture<'a, Result<Box<dyn Reservation>, SeatError>> {
        self.0.reserve(request)
    }
}

async fn seats_of_one_node() -> (RedisServer, Seats) {
    let server = RedisServer::start(&[]).await;
    let cluster = node(&server, "eu-1");
    join(&cluster, 1).await;
    (server, Seats(cluster.seats()))
}

mod seats_of_a_node {
    use super::seats_of_one_node;

    doorward_testkit::conformance!(seats: seats_of_one_node);
}
