//! Restarts the nodes of a cluster one after the other, while clients with one connection each reconnect.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use doorward_testkit::RawClient;
use tokio::time::{Instant, sleep};

use crate::{
    nodes::Nodes,
    server::{Server, client_address},
};

pub(super) async fn run() -> String {
    // A user whose connection before still counts would be refused.
    let mut nodes = Nodes::start(3, "[connections]\nper_user = 1\n").await;
    let all: Arc<All> = Arc::new(All {
        addresses: nodes.servers.iter().map(|server| server.address).collect(),
        connected: AtomicUsize::new(0),
        refused: AtomicUsize::new(0),
        restarting: AtomicUsize::new(usize::MAX),
    });
    for number in 0..CLIENTS {
        let (all, token) = (Arc::clone(&all), nodes.tokens.sign(&format!("user-{number}")));
        tokio::spawn(async move { all.stay(number, &token).await });
    }
    all.wait().await;
    let mut longest = Duration::ZERO;
    for restarting in 0..3 {
        all.restarting.store(restarting, Ordering::SeqCst);
        let server = nodes.servers.remove(restarting);
        let begun = Instant::now();
        let again = tokio::task::spawn_blocking(move || Server::end_and_restart(server));
        nodes.servers.insert(restarting, again.await.expect("it starts again"));
        all.wait().await;
        longest = longest.max(begun.elapsed());
    }
    let refused = all.refused.load(Ordering::SeqCst);
    assert_eq!(refused, 0, "refusals of clients that come back");
    format!(
        "{CLIENTS} clients on 3 nodes: none refused, all back {longest:?} after the signal at the latest"
    )
}

/// What all clients share.
struct All {
    addresses: Vec<SocketAddr>,
    /// Number of clients that are connected.
    connected: AtomicUsize,
    refused: AtomicUsize,
    /// Number of the node that restarts.
    restarting: AtomicUsize,
}

impl All {
    /// Stays connected: takes another node when a connection ends.
    async fn stay(&self, number: usize, token: &str) {
        for attempt in 0.. {
            let node = (number + attempt) % 3;
            if node == self.restarting.load(Ordering::SeqCst) {
                continue;
            }
            let address = self.addresses[node];
            let mut client = RawClient::open_from(client_address(number), address, "").await;
            client.text(&format!(r#"40{{"token":"{token}"}}"#)).await;
            match client.packet().await {
                Some(answer) if answer.starts_with("40{") => {
                    self.connected.fetch_add(1, Ordering::SeqCst);
                    while let Some(packet) = client.packet().await {
                        if packet == "2" {
                            client.text("3").await;
                        }
                    }
                    self.connected.fetch_sub(1, Ordering::SeqCst);
                }
                Some(answer) if answer.starts_with("44{") => {
                    self.refused.fetch_add(1, Ordering::SeqCst);
                }
                _ => {}
            }
            sleep(Duration::from_millis(100)).await;
        }
    }

    /// Waits until all clients are connected.
    async fn wait(&self) {
        let until = Instant::now() + WITHIN;
        while self.connected.load(Ordering::SeqCst) < CLIENTS {
            let count = self.connected.load(Ordering::SeqCst);
            assert!(Instant::now() < until, "{count} of {CLIENTS} clients are connected");
            sleep(Duration::from_millis(50)).await;
        }
    }
}

const CLIENTS: usize = 900;
const WITHIN: Duration = Duration::from_secs(30);
