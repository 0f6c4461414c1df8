//! Bus on a real server that fails, cuts or forbids connections.

use std::sync::Arc;

use bytes::Bytes;
use doorward_core::{
    Causes,
    bus::{Bus, Channel, Message},
    cluster::Cluster as _,
};
use doorward_redis::RedisOptions;
use doorward_testkit::RedisServer;

use super::node;
use crate::fixture::{Behind, guarded};

async fn open(server: &RedisServer, name: &str) -> Arc<dyn Bus> {
    let bus = node(server, name).bus();
    bus.open().await.unwrap();
    bus.subscribe(&[all()]).await.unwrap();
    bus
}

fn all() -> Channel {
    Channel::new("all")
}

fn message(bytes: impl Into<Bytes>) -> Message {
    Message { channel: all(), bytes: bytes.into() }
}

/// The server cuts subscribers that read too slowly, and an operator may do the same.
#[tokio::test]
async fn a_connection_that_is_cut_is_noticed_and_replaced() {
    let server = RedisServer::start(&[]).await;
    let (bus, other) = (open(&server, "a").await, open(&server, "b").await);
    let waits = Arc::clone(&bus);
    let waits = tokio::spawn(async move { waits.receive().await });

    Behind::connect(&server).await.run::<u64>("CLIENT KILL TYPE pubsub").await;

    assert!(guarded(waits).await.unwrap().is_err());
    assert!(bus.publish(&[message("lost")]).await.is_err());
    for bus in [&bus, &other] {
        bus.open().await.unwrap();
        bus.subscribe(&[all()]).await.unwrap();
    }
    other.publish(&[message("again")]).await.unwrap();
    assert_eq!(guarded(bus.receive()).await.unwrap().messages, ["again"]);
}

#[tokio::test]
async fn a_server_that_ends_or_hangs_is_noticed() {
    let mut server = RedisServer::start(&[]).await;
    let bus = open(&server, "a").await;
    server.suspend();
    assert!(guarded(bus.publish(&[message("1")])).await.is_err());
    server.resume();
    bus.open().await.unwrap();
    bus.subscribe(&[all()]).await.unwrap();
    bus.publish(&[message("2")]).await.unwrap();
    assert_eq!(guarded(bus.receive()).await.unwrap().messages, ["2"]);

    server.kill();

    assert!(guarded(bus.receive()).await.is_err());
    assert!(guarded(bus.open()).await.is_err());
    server.restart().await;
    bus.open().await.unwrap();
}

/// A node that is busy takes its messages late. The server is read nevertheless, so that it does not cut the
/// connection, and what does not fit is counted.
#[tokio::test]
async fn messages_that_are_not_taken_are_bounded_and_counted() {
    const SIZE: usize = 1024 * 1024;
    const COUNT: usize = 60;
    // The server cuts a subscriber that is 4 MiB behind.
    let limit = ["--client-output-buffer-limit", "pubsub 4mb 4mb 0"];
    let server = RedisServer::start(&limit).await;
    let (busy, sender) = (open(&server, "a").await, node(&server, "b").bus());
    sender.open().await.unwrap();
    for _ in 0..COUNT {
        sender.publish(&[message(vec![7; SIZE])]).await.unwrap();
        // The answer to the next command of the busy node comes behind its messages.
        busy.subscribe(&[Channel::new("other")]).await.unwrap();
    }

    let received = guarded(busy.receive()).await.unwrap();

    assert_eq!(received.messages.len() + usize::try_from(received.dropped).unwrap(), COUNT);
    assert!(received.dropped > 0 && received.messages.len() * SIZE <= 32 * SIZE, "{received:?}");
    sender.publish(&[message("next")]).await.unwrap();
    assert_eq!(guarded(busy.receive()).await.unwrap().messages, ["next"]);
}

/// Since Redis 7, a user has no channels unless its rules name them.
#[tokio::test]
async fn a_user_without_channels_is_told_so() {
    let server = RedisServer::start(&[]).await;
    let mut behind = Behind::connect(&server).await;
    let user = "ACL SETUSER doorward on >secret ~{doorward}:* +@all resetchannels";
    behind.run::<()>(user).await;
    let url = server.url() + "?user=doorward&pass=secret";
    let bus = RedisOptions::default().open(&url).unwrap().cluster("a").bus();
    bus.open().await.unwrap();

    let error = bus.subscribe(&[all()]).await.unwrap_err();

    let told = Causes(&error).to_string();
    assert!(told.contains("no permissions to access one of the channels"), "{told}");
    behind.run::<()>("ACL SETUSER doorward &{doorward}:*").await;
    bus.subscribe(&[all()]).await.unwrap();
    bus.publish(&[message("hi")]).await.unwrap();
    assert_eq!(guarded(bus.receive()).await.unwrap().messages, ["hi"]);
}
