//! A client that upgrades to a WebSocket while it sends and receives.
//!
//! It does what socket.io-client does: it goes on polling and posting until the server has answered
//! its probe, waits for its last GET and POST, and then says that it has upgraded.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::atomic::{AtomicBool, Ordering},
};

use crate::{Poller, RawClient};

/// Connects with the CONNECT packet `connect`, sends `total` events `echo` with the numbers from 0, and returns
/// the packets that it has received, except the answers to its CONNECT. The upgrade begins after `before` events.
///
/// # Examples
/// ```no_run
/// # async fn run(address: std::net::SocketAddr) {
/// let seen = doorward_testkit::echo_across_an_upgrade(address, "40", 1_000, 300).await;
///
/// assert_eq!(seen[7], "437[7]");
/// # }
/// ```
///
/// # Panics
/// If the server does anything unexpected.
pub async fn echo_across_an_upgrade(
    address: SocketAddr,
    connect: &str,
    total: usize,
    before: usize,
) -> Vec<String> {
    let poller = Poller::open(address).await;
    assert_eq!(poller.post(connect).await.body, "ok");
    let admitted = poller.get().await.body;
    assert!(admitted.starts_with("40{"), "{admitted}");

    let is_paused = AtomicBool::new(false);
    let (mut seen, (mut socket, mut sent)) =
        tokio::join!(poll(&poller, &is_paused), post_and_probe(&poller, &is_paused, total, before));
    socket.text("5").await;
    while seen.len() < total {
        // At most this many events are on their way, so that no side waits for the other one.
        let more = total.min(seen.len() + IN_FLIGHT).saturating_sub(sent);
        socket.texts((sent..sent + more).map(echo)).await;
        sent += more;
        match socket.packet().await.expect("the link stays open").as_str() {
            "2" => socket.text("3").await,
            "6" => {}
            packet => seen.push(packet.to_owned()),
        }
    }
    seen
}

/// Sends GETs until the client pauses, and returns the packets.
async fn poll(poller: &Poller, is_paused: &AtomicBool) -> Vec<String> {
    let mut seen = Vec::new();
    while !is_paused.load(Ordering::Relaxed) {
        let answer = poller.get().await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let packets = answer.body.split('\u{1e}');
        seen.extend(packets.filter(|packet| !matches!(*packet, "2" | "6")).map(str::to_owned));
    }
    seen
}

/// Sends events by POST, and opens the WebSocket after `before` events. Returns the WebSocket and the number
/// of events that were sent.
async fn post_and_probe(
    poller: &Poller,
    is_paused: &AtomicBool,
    total: usize,
    before: usize,
) -> (RawClient, usize) {
    let mut sizes = VecDeque::from([1, 7, 64, 300]);
    let mut sent = 0;
    let mut post = async |until: usize| {
        sizes.rotate_left(1);
        let end = until.min(sent + sizes[0]);
        let body: Vec<String> = (sent..end).map(echo).collect();
        sent = end;
        if !body.is_empty() {
            assert_eq!(poller.post(&body.join("\u{1e}")).await.body, "ok");
        }
        sent
    };
    while post(before).await < before {}
    let request = format!(
        "GET /socket.io/?EIO=4&transport=websocket&sid={} HTTP/1.1\r\nhost: {}\r\nconnection: upgrade\r\nupgrade: \
         websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        poller.sid, poller.address
    );
    let is_probed = AtomicBool::new(false);
    let probe = async {
        let (mut socket, head) = RawClient::request(poller.address, request.as_bytes()).await;
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        socket.text("2probe").await;
        assert_eq!(socket.packet().await.as_deref(), Some("3probe"));
        is_probed.store(true, Ordering::Relaxed);
        socket
    };
    let posts = async {
        let mut sent = before;
        while !is_probed.load(Ordering::Relaxed) {
            sent = post(total).await;
            tokio::task::yield_now().await;
        }
        is_paused.store(true, Ordering::Relaxed);
        sent
    };
    tokio::join!(probe, posts)
}

fn echo(number: usize) -> String {
    format!("42{number}[\"echo\",{number}]")
}

/// Maximum number of events on the WebSocket that are not answered yet.
const IN_FLIGHT: usize = 500;
