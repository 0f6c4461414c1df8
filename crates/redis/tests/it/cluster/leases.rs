//! Leases, the log of orders, and servers that have lost data.

use std::time::Duration;

use doorward_core::{
    SocketId, UserId,
    cluster::{Answer, Cluster as _, LEASE, Order, Position},
};
use doorward_testkit::RedisServer;

use super::{join, node, now};
use crate::{
    calls::wait_until_available,
    fixture::{Behind, connect, guarded, second},
};

pub(super) fn rights(user: &str) -> Order {
    Order::Rights(UserId::new(user))
}

/// Sets the end of the lease of every member to some seconds from now.
pub(super) async fn set_leases(behind: &mut Behind, seconds: i64) {
    let end = now(behind).await.saturating_add_signed(seconds * 1000);
    for member in behind.run::<Vec<String>>("ZRANGE {doorward}:nodes 0 -1").await {
        let mut redis = redis::cmd("ZADD");
        redis.arg("{doorward}:nodes").arg(end).arg(member);
        behind.send::<i64>(&redis).await;
    }
}

/// Appends an order that was written some seconds ago.
async fn append_old(behind: &mut Behind, seconds: u64) {
    let number: u64 = behind.run("INCR {doorward}:ordered").await;
    let at = now(behind).await - seconds * 1000;
    let fields = format!("at {at} kind rights name alice generation 0 revoked_at 0");
    let _id: String = behind.run(&format!("XADD {{doorward}}:orders {number}-0 {fields}")).await;
}

/// A lease outlives an order that its member has not read by 25 s only.
#[tokio::test]
async fn an_unread_order_shortens_the_lease_and_ends_it() {
    let server = RedisServer::start(&[]).await;
    let mut behind = Behind::connect(&server).await;
    let cluster = node(&server, "eu-1");
    let (own, joined) = join(&cluster, 1).await;
    append_old(&mut behind, 15).await;

    let shortened = cluster.renew(own, joined.position).await.unwrap().unwrap().lease;
    assert!(shortened <= Duration::from_secs(10) && shortened > Duration::from_secs(5));
    let whole = cluster.renew(own, joined.position.next()).await.unwrap().unwrap().lease;
    assert_eq!(whole, LEASE);

    append_old(&mut behind, 26).await;
    assert_eq!(cluster.renew(own, joined.position.next()).await.unwrap(), None);
}

/// A member whose lease has ended is none any more, but it counts for others until the margin is over.
#[tokio::test]
async fn a_lease_that_has_ended_is_not_extended_and_lapses_after_the_margin() {
    let server = RedisServer::start(&[]).await;
    let mut behind = Behind::connect(&server).await;
    let (first, second) = (node(&server, "eu-1"), node(&server, "eu-2"));
    let (own, joined) = join(&first, 1).await;
    let receipt = second.order(&rights("alice"), self::second(1)).await.unwrap();

    set_leases(&mut behind, -1).await;
    assert_eq!(first.renew(own, joined.position).await.unwrap(), None);
    assert_eq!(second.answers(&receipt).await.unwrap()[0].1, Answer::Waiting);
    assert_eq!(second.order(&rights("alice"), self::second(1)).await.unwrap().members.len(), 1);
    set_leases(&mut behind, -6).await;

    assert_eq!(second.answers(&receipt).await.unwrap()[0].1, Answer::Lapsed);
    assert_eq!(second.order(&rights("alice"), self::second(1)).await.unwrap().members, []);
}

/// The clock of the server is set back by ten minutes.
#[tokio::test]
async fn a_lease_that_ends_too_late_is_shortened() {
    let server = RedisServer::start(&[]).await;
    let mut behind = Behind::connect(&server).await;
    let (dead, alive) = (node(&server, "eu-1"), node(&server, "eu-2"));
    join(&dead, 1).await;
    let (own, joined) = join(&alive, 2).await;
    set_leases(&mut behind, 600).await;

    alive.renew(own, joined.position).await.unwrap().unwrap();

    let ends: Vec<String> = behind.run("ZRANGE {doorward}:nodes 0 -1 WITHSCORES").await;
    // The scripts round the time up.
    let latest = now(&mut behind).await + 25_001;
    for end in ends.iter().filter_map(|part| part.parse::<u64>().ok()) {
        assert!(end <= latest, "{ends:?}");
    }
}

/// A node cannot know what a trimmed log contained.
#[tokio::test]
async fn a_log_that_was_trimmed_beyond_a_member_ends_its_membership() {
    for how in ["DEL {doorward}:orders", "XTRIM {doorward}:orders MAXLEN 1"] {
        let server = RedisServer::start(&[]).await;
        let mut behind = Behind::connect(&server).await;
        let cluster = node(&server, "eu-1");
        let (own, joined) = join(&cluster, 1).await;
        for _ in 0..3 {
            cluster.order(&rights("alice"), second(1)).await.unwrap();
        }
        let _trimmed: i64 = behind.run(how).await;

        assert_eq!(cluster.renew(own, joined.position).await.unwrap(), None, "{how}");
        let read = cluster.orders(joined.position).await.unwrap();
        assert!(read.first().is_none_or(|entry| entry.position > joined.position.next()));
    }
}

/// The server comes back without its data, or is emptied.
#[tokio::test]
async fn a_server_that_has_lost_its_data_has_no_members() {
    for is_killed in [false, true] {
        let mut server = RedisServer::start(&[]).await;
        let cluster = node(&server, "eu-1");
        let (own, joined) = join(&cluster, 1).await;
        let receipt = cluster.order(&rights("alice"), second(1)).await.unwrap();
        if is_killed {
            server.restart().await;
        } else {
            let _ok: String = Behind::connect(&server).await.run("FLUSHALL").await;
        }
        wait_until_available(&connect(&server).await).await;

        let renewed = guarded(async {
            loop {
                if let Ok(renewed) = cluster.renew(own, joined.position).await {
                    break renewed;
                }
            }
        });
        assert_eq!(renewed.await, None, "{is_killed}");
        // Nothing is known about the nodes of before.
        assert_eq!(cluster.answers(&receipt).await.unwrap()[0].1, Answer::Waiting);
        let (_, again) = join(&cluster, 2).await;
        assert_eq!((again.position, again.members.len()), (Position::START, 1));
        let receipt = cluster.order(&rights("alice"), second(1)).await.unwrap();
        let unknown_for = receipt.unknown_for.as_secs();
        assert!((20..=30).contains(&unknown_for), "{unknown_for}");
    }
}

/// The server comes back with all acknowledged writes.
#[tokio::test]
async fn a_server_that_keeps_its_word_keeps_its_members_and_the_log() {
    let mut server = RedisServer::start(&["--appendonly", "yes", "--appendfsync", "always"]).await;
    let cluster = node(&server, "eu-1");
    let (own, joined) = join(&cluster, 1).await;
    let receipt = cluster.order(&rights("alice"), second(1)).await.unwrap();
    server.restart().await;

    let read = guarded(async {
        loop {
            match cluster.orders(joined.position).await {
                Ok(entries) if !entries.is_empty() => break entries,
                _ => {}
            }
        }
    });
    assert_eq!(read.await[0].position, receipt.position);
    let renewed = guarded(async {
        loop {
            if let Ok(renewed) = cluster.renew(own, receipt.position).await {
                break renewed;
            }
        }
    });
    assert_eq!(renewed.await.unwrap().members.len(), 1);
    let next = cluster.order(&rights("bob"), second(1)).await.unwrap();
    assert_eq!((next.position, next.log), (receipt.position.next(), receipt.log));
}

/// A node waits for the next order, and is woken by it.
#[tokio::test]
async fn a_node_that_waits_reads_an_order_at_once() {
    let server = RedisServer::start(&[]).await;
    let (reader, writer) = (node(&server, "eu-1"), node(&server, "eu-2"));
    let (_, joined) = join(&reader, 1).await;
    assert_eq!(guarded(reader.orders(joined.position)).await.unwrap(), []);
    let waiting = tokio::spawn({
        let reader = reader.clone();
        async move { reader.orders(joined.position).await }
    });
    let mut behind = Behind::connect(&server).await;
    let blocked = |info: &str| !info.contains("blocked_clients:0");
    guarded(async { while !blocked(&behind.run::<String>("INFO clients").await) {} }).await;

    let socket = SocketId::generate(&crate::fixture::Numbered(7));
    writer.order(&Order::Socket(socket), second(1)).await.unwrap();

    let read = guarded(waiting).await.unwrap().unwrap();
    assert_eq!(read[0].order, Order::Socket(socket));
}
