//! Holds links whose clients send and read nothing, and measures what they cost others.

use std::{
    future::pending,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use doorward_protocol::ws::Opcode;
use doorward_testkit::{Poller, RawClient};
use tokio::{
    sync::Barrier,
    task::JoinSet,
    time::{Instant, sleep},
};

use crate::server::{Server, client_address};

pub(super) async fn run() -> String {
    let server = Server::start("trusted_proxies = [\"127.0.0.1\"]\n");
    let (address, tokens) = (server.address, server.tokens());
    let connect = |user: &str| format!(r#"40{{"token":"{}"}}"#, tokens.sign(user));
    let mut other = RawClient::open(address).await;
    other.text(&connect("other")).await;
    other.json("40").await;
    let (memory, before) = (server.memory(), latency(&mut other).await);

    // All are connected before the first one sends.
    let (barrier, sent) = (Arc::new(Barrier::new(LINKS + 1)), Arc::new(AtomicU64::new(0)));
    let mut mutes = JoinSet::new();
    for number in 0..LINKS {
        let connect = connect(&format!("user-{number}"));
        let (barrier, sent) = (Arc::clone(&barrier), Arc::clone(&sent));
        if number % 2 == 0 {
            mutes.spawn(async move { polls(number, address, &connect, &barrier, &sent).await });
        } else {
            mutes.spawn(async move { writes(number, address, &connect, &barrier, &sent).await });
        }
    }
    barrier.wait().await;
    let begun = Instant::now();
    let (mut highest, mut flooded, mut held) = (memory, Duration::ZERO, Duration::ZERO);
    while ended(&server) < LINKS && begun.elapsed() < LONGEST {
        let so_far = sent.load(Ordering::Relaxed);
        let measured = latency(&mut other).await;
        // Links that read nothing are held without work. Links that send take their part of the processor.
        let part = if sent.load(Ordering::Relaxed) == so_far { &mut held } else { &mut flooded };
        *part = measured.max(*part);
        highest = highest.max(server.memory());
        sleep(Duration::from_millis(200)).await;
    }
    let seconds = begun.elapsed().as_secs();
    mutes.shutdown().await;
    let after = latency(&mut other).await;

    assert_eq!(ended(&server), LINKS, "links that ended");
    // An outbox and an inbox have a MiB each (docs/limits.md).
    assert!(highest <= memory + 2 * LINKS as u64, "memory rose from {memory} to {highest} MiB");
    let usual = before.min(after).as_secs_f64();
    let (flooded, held) = (flooded.as_secs_f64() / usual, held.as_secs_f64() / usual);
    format!(
        "{LINKS} links ended within {seconds} s; memory rose from {memory} to {highest} MiB; the median of an \
         echo beside them was at most {held:.1} times as long while they were held, and {flooded:.1} times while \
         they sent"
    )
}

/// Returns the number of links that have ended because their clients do not read.
fn ended(server: &Server) -> usize {
    server.log().matches("outcome=\"ended\" reason=\"slow_consumer\"").count()
}

/// Writes events to a WebSocket and never reads an answer.
async fn writes(
    number: usize,
    address: SocketAddr,
    connect: &str,
    barrier: &Barrier,
    sent: &AtomicU64,
) {
    let mut client = RawClient::open_narrow_from(client_address(number), address).await;
    client.text(connect).await;
    client.json("40").await;
    barrier.wait().await;
    let event = RawClient::frame(Opcode::Text, event().as_bytes());
    while client.is_sent(&event).await {
        sent.fetch_add(1, Ordering::Relaxed);
    }
    pending::<()>().await;
}

/// Sends events by POST and never asks for the answers.
async fn polls(
    number: usize,
    address: SocketAddr,
    connect: &str,
    barrier: &Barrier,
    sent: &AtomicU64,
) {
    let header = format!("X-Forwarded-For: {}\r\n", client_address(number));
    let poller = Poller::open_with(address, &header).await;
    assert_eq!(poller.post(connect).await.body, "ok");
    let admitted = poller.get().await.body;
    assert!(admitted.starts_with("40{"), "{admitted}");
    barrier.wait().await;
    let event = event();
    while poller.post(&event).await.status == 200 {
        sent.fetch_add(1, Ordering::Relaxed);
    }
    pending::<()>().await;
}

/// Returns the median time of an echo.
async fn latency(client: &mut RawClient) -> Duration {
    let mut times = Vec::new();
    for _ in 0..200 {
        let begun = Instant::now();
        client.text(r#"421["echo",1]"#).await;
        loop {
            match client.packet().await.expect("the link stays open").as_str() {
                "2" => client.text("3").await,
                packet => {
                    assert_eq!(packet, "431[1]");
                    break;
                }
            }
        }
        times.push(begun.elapsed());
    }
    times.sort();
    times[times.len() / 2]
}

fn event() -> String {
    format!("421[\"echo\",\"{}\"]", "x".repeat(30_000))
}

const LINKS: usize = 500;

/// Maximum time until all of them have ended. Each link ends ten seconds (`write_stall`) after the buffers of the
/// operating system are full.
const LONGEST: Duration = Duration::from_secs(120);
