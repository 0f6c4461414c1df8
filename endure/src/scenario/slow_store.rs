//! Runs a server on a Redis that answers every query, but slowly.

use std::{net::Ipv4Addr, time::Duration};

use doorward_testkit::{Fault, FaultProxy, RawClient, RedisServer};
use futures_util::{StreamExt as _, stream};
use tokio::time::{Instant, timeout_at};

use crate::server::{Server, client_address};

pub(super) async fn run() -> String {
    let redis = RedisServer::start_on_tcp(&[]).await;
    let port = redis.port().expect("it listens on TCP");
    let proxy = FaultProxy::start((Ipv4Addr::LOCALHOST, port).into()).await;
    let config = format!("[redis]\nurl = \"redis://{}\"\n", proxy.address());
    let server = Server::start(&config);
    // A new Redis has a new floor, and rejects tokens from before it. Only tokens that are newer even with the largest
    // clock skew are accepted.
    tokio::time::sleep(Duration::from_secs(8)).await;
    let (address, tokens) = (server.address, server.tokens());
    // 30 ms in each direction: 60 ms per query.
    proxy.set(Fault::Delay(Duration::from_millis(30)));
    let clients = stream::iter(0..SOCKETS).map(|number| {
        let token = tokens.sign(&format!("user-{number}"));
        async move {
            let mut client = RawClient::open_from(client_address(number), address, "").await;
            client.text(&format!(r#"40{{"token":"{token}"}}"#)).await;
            client.json("40").await;
            client
        }
    });
    let clients: Vec<RawClient> = clients.buffer_unordered(200).collect().await;
    // Longer than `store_grace`, after which a socket ends if its re-checks fail.
    let until = Instant::now() + Duration::from_secs(60);
    let watched = stream::iter(clients).map(|client| tokio::spawn(stays(client, until)));
    let stayed: Vec<bool> =
        watched.buffer_unordered(SOCKETS).map(|one| one.unwrap_or(false)).collect().await;

    let stayed = stayed.into_iter().filter(|stays| *stays).count();
    assert_eq!(stayed, SOCKETS, "sockets that stayed: {}", server.log());
    format!("{stayed} of {SOCKETS} sockets stayed for a minute")
}

/// Answers pings until the given time. Returns `true` if the link is still open at that time.
async fn stays(mut client: RawClient, until: Instant) -> bool {
    loop {
        match timeout_at(until, client.packet()).await {
            Err(_over) => return true,
            Ok(None) => return false,
            Ok(Some(packet)) => {
                if packet == "2" {
                    client.text("3").await;
                }
            }
        }
    }
}

const SOCKETS: usize = 15_000;
