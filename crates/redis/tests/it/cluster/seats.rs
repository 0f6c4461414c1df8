//! Seats of users on several nodes.

use doorward_core::{
    LinkNumber, NodeId, PerUser, Reservation, SeatError, SeatRequest, SocketId, UserId,
    cluster::{Cluster as _, Order},
};
use doorward_redis::RedisCluster;
use doorward_testkit::RedisServer;

use super::{join, node, now};
use crate::fixture::{Behind, Numbered, guarded};

/// Requests a seat for socket and link `number` of a user.
pub(super) async fn reserve(
    cluster: &RedisCluster,
    user: &str,
    number: u64,
    policy: PerUser,
) -> Result<Box<dyn Reservation>, SeatError> {
    let (node, user) = (cluster.node().clone(), UserId::new(user));
    let request = SeatRequest::new(&node, &user, socket(number), LinkNumber::new(number), "/");
    cluster.seats().reserve(request.with_links(policy)).await
}

fn socket(number: u64) -> SocketId {
    SocketId::generate(&Numbered(number))
}

fn holders(refused: Result<Box<dyn Reservation>, SeatError>) -> Vec<(NodeId, u64)> {
    match refused {
        Err(SeatError::Full(holders)) => {
            holders.into_iter().map(|holder| (holder.node, holder.link.get())).collect()
        }
        other => panic!("{:?}", other.err()),
    }
}

pub(super) const ONE: PerUser = PerUser::RefuseNew(1);

#[tokio::test]
async fn a_seat_on_one_node_is_taken_on_all() {
    let server = RedisServer::start(&[]).await;
    let (first, second) = (node(&server, "eu-1"), node(&server, "eu-2"));
    join(&first, 1).await;
    join(&second, 2).await;

    let seat = reserve(&first, "alice", 1, ONE).await.unwrap().commit().await.unwrap();
    let refused = holders(reserve(&second, "alice", 2, ONE).await);
    assert_eq!(refused, [(NodeId::new("eu-1"), 1)]);
    let _bob = reserve(&second, "bob", 3, ONE).await.unwrap();
    drop(seat);

    guarded(async { while reserve(&second, "alice", 4, ONE).await.is_err() {} }).await;
}

/// The links of two nodes may have the same number.
#[tokio::test]
async fn links_of_two_nodes_are_different_links() {
    let server = RedisServer::start(&[]).await;
    let (first, second) = (node(&server, "eu-1"), node(&server, "eu-2"));
    join(&first, 1).await;
    join(&second, 2).await;
    let _seat = reserve(&first, "alice", 1, ONE).await.unwrap().commit().await.unwrap();
    let user = UserId::new("alice");
    let other = NodeId::new("eu-2");

    let request = SeatRequest::new(&other, &user, socket(2), LinkNumber::new(1), "/");
    let refused = second.seats().reserve(request.with_links(ONE)).await;

    assert_eq!(holders(refused).len(), 1);
}

/// A commit on one node orders the other node to end the older socket, and waits until it has closed.
#[tokio::test]
async fn a_commit_waits_for_the_socket_that_it_replaces_on_another_node() {
    let server = RedisServer::start(&[]).await;
    let (first, second) = (node(&server, "eu-1"), node(&server, "eu-2"));
    let (_, joined) = join(&first, 1).await;
    join(&second, 2).await;
    let policy = PerUser::ReplaceOldest(1);
    let old = reserve(&first, "alice", 1, policy).await.unwrap().commit().await.unwrap();

    let new = reserve(&second, "alice", 2, policy).await.unwrap();
    let committing = tokio::spawn(new.commit());
    let orders = guarded(async {
        loop {
            let orders = first.orders(joined.position).await.unwrap();
            if !orders.is_empty() {
                break orders;
            }
        }
    });
    assert_eq!(orders.await[0].order, Order::Replaced(socket(1)));
    assert!(!committing.is_finished());
    drop(old);

    let taken = guarded(committing).await.unwrap().unwrap();
    assert_eq!(taken.replaced, []);
    let third = reserve(&second, "alice", 3, policy).await.unwrap().commit().await.unwrap();
    assert_eq!(third.replaced, [socket(2)], "a socket of its own node is ended by the server");
}

/// A row that is gone does not mean that its socket has closed, if Redis has lost all rows.
#[tokio::test]
async fn a_commit_that_waits_while_redis_loses_the_seats_fails() {
    let server = RedisServer::start(&[]).await;
    let (first, second) = (node(&server, "eu-1"), node(&server, "eu-2"));
    let (_, joined) = join(&first, 1).await;
    join(&second, 2).await;
    let policy = PerUser::ReplaceOldest(1);
    let _served = reserve(&first, "alice", 1, policy).await.unwrap().commit().await.unwrap();
    let new = reserve(&second, "alice", 2, policy).await.unwrap();
    let committing = tokio::spawn(new.commit());
    guarded(async { while first.orders(joined.position).await.unwrap().is_empty() {} }).await;
    assert!(!committing.is_finished());

    Behind::connect(&server).await.run::<()>("FLUSHALL").await;

    let failed = guarded(committing).await.unwrap();
    assert!(matches!(failed, Err(SeatError::Unavailable(_))), "the first socket is still served");
}

/// The log tells the node of a replaced socket also if the client that replaces it leaves before it has the answer.
#[tokio::test]
async fn a_replaced_socket_is_told_although_its_successor_leaves() {
    let server = RedisServer::start(&[]).await;
    let (first, second) = (node(&server, "eu-1"), node(&server, "eu-2"));
    let (_, joined) = join(&first, 1).await;
    join(&second, 2).await;
    let policy = PerUser::ReplaceOldest(1);
    let old = reserve(&first, "alice", 1, policy).await.unwrap().commit().await.unwrap();
    drop(reserve(&first, "alice", 2, policy).await.unwrap().commit().await.unwrap());

    let orders = guarded(first.orders(joined.position)).await.unwrap();
    assert_eq!(orders[0].order, Order::Replaced(socket(1)));
    drop(old);
    let third = reserve(&second, "alice", 3, policy).await.unwrap();
    guarded(third.commit()).await.unwrap();
}

/// A reservation that was lost with the data decides nothing about the client.
#[tokio::test]
async fn a_reservation_that_is_gone_refuses_no_client() {
    let server = RedisServer::start(&[]).await;
    let mut behind = Behind::connect(&server).await;
    let cluster = node(&server, "eu-1");
    join(&cluster, 1).await;
    let reserved = reserve(&cluster, "alice", 1, ONE).await.unwrap();
    let _deleted: u64 = behind
        .run(
            "DEL {doorward}:seats:2bd806c97f0e00af1a1fc3328fa763a9269723c8db8fac4f93af71db186d6e90",
        )
        .await;

    assert!(matches!(reserved.commit().await, Err(SeatError::Unavailable(_))));
}

/// Many seats that are given back at once do not delay the lease.
#[tokio::test]
async fn the_lease_is_extended_before_thousands_of_seats_are_given_back() {
    let server = RedisServer::start(&[]).await;
    let (first, second) = (node(&server, "eu-1"), node(&server, "eu-2"));
    let (own, joined) = join(&first, 1).await;
    join(&second, 2).await;
    let mut kept = Vec::new();
    for number in 0..3_000 {
        kept.push(reserve(&first, &format!("user-{number}"), number, ONE).await.unwrap());
    }
    server.suspend();
    drop(kept);
    assert!(guarded(first.renew(own, joined.position)).await.is_err());
    server.resume();

    guarded(async { while first.renew(own, joined.position).await.is_err() {} }).await;
    guarded(async { while reserve(&second, "user-2999", 9_999, ONE).await.is_err() {} }).await;
}

/// A process that has known the server before finds that another one has begun the era without a wait.
#[tokio::test]
async fn a_loss_is_waited_for_also_if_a_new_process_connects_first() {
    let mut server = RedisServer::start(&[]).await;
    let old = node(&server, "eu-1");
    join(&old, 1).await;
    server.restart().await;
    let fresh = node(&server, "eu-2");
    join(&fresh, 2).await;
    drop(reserve(&fresh, "alice", 1, ONE).await.unwrap());

    guarded(async { while old.join(super::incarnation(3)).await.is_err() {} }).await;

    assert!(matches!(reserve(&fresh, "alice", 2, ONE).await, Err(SeatError::Unavailable(_))));
}

/// A socket that does not close makes the newcomer wait, and its seat is free for the next one.
#[tokio::test]
async fn a_commit_fails_if_the_replaced_socket_does_not_close() {
    let server = RedisServer::start(&[]).await;
    let (first, second) = (node(&server, "eu-1"), node(&server, "eu-2"));
    join(&first, 1).await;
    join(&second, 2).await;
    let policy = PerUser::ReplaceOldest(1);
    let _old = reserve(&first, "alice", 1, policy).await.unwrap().commit().await.unwrap();

    let new = reserve(&second, "alice", 2, policy).await.unwrap();

    assert!(matches!(guarded(new.commit()).await, Err(SeatError::Unavailable(_))));
}

/// Attack 95: the seats of a dead node are free when its lease and the margin are over.
#[tokio::test]
async fn the_seats_of_a_node_are_free_when_it_is_gone() {
    let server = RedisServer::start(&[]).await;
    let mut behind = Behind::connect(&server).await;
    let (dead, alive) = (node(&server, "eu-1"), node(&server, "eu-2"));
    let (own, joined) = join(&alive, 2).await;
    join(&dead, 1).await;
    let mut kept = Vec::new();
    for number in 0..300 {
        let user = format!("user-{number}");
        kept.push(reserve(&dead, &user, number, ONE).await.unwrap().commit().await.unwrap());
    }
    let members: Vec<String> = behind.run("ZRANGE {doorward}:nodes 0 -1").await;
    let gone = members.iter().find(|member| member.ends_with("eu-1")).unwrap();
    for (ago, is_free) in [(1_000, false), (6_000, true)] {
        let ends = now(&mut behind).await - ago;
        let mut redis = redis::cmd("ZADD");
        redis.arg("{doorward}:nodes").arg(ends).arg(gone);
        behind.send::<i64>(&redis).await;
        let reserved = reserve(&alive, "user-1", 1_000, ONE).await;
        assert_eq!(reserved.is_ok(), is_free, "{ends}");
    }

    // Nothing of the dead node stays, although its other users never come back.
    for _ in 0..3 {
        alive.renew(own, joined.position).await.unwrap().unwrap();
    }
    let left: Vec<String> = behind.run("KEYS {doorward}:seat*").await;
    let is_own = |key: &String| key.contains("eu-2") || key.contains("seat-number");
    let others: Vec<_> = left.iter().filter(|key| !is_own(key)).collect();
    assert!(others.len() <= 1, "{others:?}");
    assert_eq!(behind.run::<u64>("EXISTS {doorward}:abandoned").await, 0);
}

/// A seat that could not be given back during an outage is given back with the next renewal.
#[tokio::test]
async fn a_seat_is_given_back_after_an_outage() {
    let server = RedisServer::start(&[]).await;
    let (first, second) = (node(&server, "eu-1"), node(&server, "eu-2"));
    let (own, joined) = join(&first, 1).await;
    join(&second, 2).await;
    let seat = reserve(&first, "alice", 1, ONE).await.unwrap().commit().await.unwrap();
    server.suspend();
    drop(seat);
    assert!(guarded(first.renew(own, joined.position)).await.is_err());
    server.resume();

    guarded(async { while first.renew(own, joined.position).await.is_err() {} }).await;

    guarded(async { while reserve(&second, "alice", 2, ONE).await.is_err() {} }).await;
}

/// A request that was given up leaves no seat behind.
#[tokio::test]
async fn a_dropped_request_leaves_no_seat() {
    let server = RedisServer::start(&[]).await;
    let cluster = node(&server, "eu-1");
    join(&cluster, 1).await;
    for number in 0..50 {
        let mut reserving = Box::pin(reserve(&cluster, "alice", number, ONE));
        for _ in 0..number % 5 {
            let waker = std::task::Waker::noop();
            let _poll = reserving.as_mut().poll(&mut std::task::Context::from_waker(waker));
            tokio::task::yield_now().await;
        }
        drop(reserving);
    }

    reserve(&cluster, "alice", 1_000, ONE).await.unwrap();
}

/// After a server has lost its data, no node knows which seats others still hold.
#[tokio::test]
async fn no_seat_is_given_away_right_after_a_loss() {
    let server = RedisServer::start(&[]).await;
    let mut behind = Behind::connect(&server).await;
    let cluster = node(&server, "eu-1");
    join(&cluster, 1).await;
    drop(reserve(&cluster, "alice", 1, ONE).await.unwrap());
    let _ok: String = behind.run("FLUSHALL").await;
    join(&cluster, 2).await;

    let early = reserve(&cluster, "alice", 2, ONE).await;
    assert!(matches!(early, Err(SeatError::Unavailable(_))));
    let free = reserve(&cluster, "alice", 3, PerUser::Unlimited).await;
    assert!(free.is_ok());
    let at: u64 = behind.run("HGET {doorward}:floor seats_from").await;
    let time = now(&mut behind).await;
    assert!(at > time + 20_000 && at <= time + 30_001);
    let _set: u64 = behind.run(&format!("HSET {{doorward}}:floor seats_from {time}")).await;

    reserve(&cluster, "alice", 4, ONE).await.unwrap();
}

/// The limit is exact under a race of three nodes.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_at_once_on_three_nodes_one_sits() {
    let server = RedisServer::start(&[]).await;
    let nodes = ["eu-1", "eu-2", "eu-3"].map(|name| node(&server, name));
    for (number, cluster) in (1..).zip(&nodes) {
        join(cluster, number).await;
    }
    for round in 0..20 {
        let racers = (0..30).map(|racer: u64| {
            let cluster = nodes[usize::try_from(racer % 3).unwrap()].clone();
            tokio::spawn(async move {
                let number = round * 100 + racer;
                reserve(&cluster, "alice", number, ONE).await.ok()?.commit().await.ok()
            })
        });
        let racers: Vec<_> = racers.collect();
        let mut seated = Vec::new();
        for racer in racers {
            seated.extend(racer.await.unwrap());
        }
        assert_eq!(seated.len(), 1);
        drop(seated);
        guarded(async {
            while reserve(&nodes[0], "alice", round * 100 + 99, ONE).await.is_err() {}
        })
        .await;
    }
}
