//! Clients that stay connected to a cluster: each takes another node when its connection ends.

use std::{
    net::SocketAddr,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use doorward_testkit::RawClient;
use tokio::{
    task::AbortHandle,
    time::{Instant, sleep},
};

use crate::{nodes::Nodes, server::client_address};

/// Clients of different users, and what they have seen.
pub(crate) struct Crowd {
    addresses: Vec<SocketAddr>,
    size: usize,
    /// Number of clients that are connected, by node.
    connected: Vec<AtomicUsize>,
    /// Number of connections that have ended.
    ended: AtomicUsize,
    /// Number of final refusals.
    refused: AtomicUsize,
    clients: OnceLock<Vec<AbortHandle>>,
    /// Node that no client tries, as a load balancer does with one that does not listen.
    avoided: AtomicUsize,
}

/// Number of clients of a node, and of connections that had ended before it stops.
pub(crate) struct Before {
    pub(crate) clients: usize,
    ended: usize,
    at: Instant,
}

impl Crowd {
    /// Connects clients to all nodes in turn, and waits until all are connected. Each waits for the time `pause` before
    /// it tries again.
    ///
    /// # Panics
    /// If some are not connected after a minute.
    pub(crate) async fn gather(nodes: &Nodes, size: usize, pause: Duration) -> Arc<Self> {
        let crowd = Arc::new(Self {
            addresses: nodes.servers.iter().map(|server| server.address).collect(),
            size,
            connected: nodes.servers.iter().map(|_| AtomicUsize::new(0)).collect(),
            ended: AtomicUsize::new(0),
            refused: AtomicUsize::new(0),
            clients: OnceLock::new(),
            avoided: AtomicUsize::new(usize::MAX),
        });
        let begun = Before { clients: 0, ended: 0, at: Instant::now() };
        let clients = (0..size).map(|number| {
            let (crowd, token) = (Arc::clone(&crowd), nodes.tokens.sign(&format!("user-{number}")));
            let client = tokio::spawn(async move { crowd.stay(number, &token, pause).await });
            client.abort_handle()
        });
        crowd.clients.set(clients.collect()).ok();
        crowd.all_back(&begun, GATHERED_WITHIN).await;
        crowd
    }

    /// Lets clients avoid a node that is about to stop. Returns the present state of its clients.
    pub(crate) fn before(&self, node: usize) -> Before {
        self.avoided.store(node, Ordering::SeqCst);
        Before {
            clients: self.connected[node].load(Ordering::SeqCst),
            ended: self.ended(),
            at: Instant::now(),
        }
    }

    /// Lets clients try all nodes again.
    pub(crate) fn avoid_none(&self) {
        self.avoided.store(usize::MAX, Ordering::SeqCst);
    }

    /// Waits until the connections of the node that has stopped have ended, and all clients are connected. Returns the
    /// time since the node has stopped.
    ///
    /// # Panics
    /// If that takes longer than the time `within`.
    pub(crate) async fn all_back(&self, before: &Before, within: Duration) -> Duration {
        loop {
            let count =
                self.connected.iter().map(|node| node.load(Ordering::SeqCst)).sum::<usize>();
            let ended = self.ended() - before.ended;
            let since = before.at.elapsed();
            if count == self.size && ended >= before.clients {
                return since;
            }
            assert!(
                since < within,
                "{count} of {} clients are connected after {since:?}",
                self.size
            );
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Ends all clients, before their nodes stop.
    pub(crate) fn end(&self) {
        self.clients.get().into_iter().flatten().for_each(AbortHandle::abort);
    }

    /// Number of connections that have ended so far.
    pub(crate) fn ended(&self) -> usize {
        self.ended.load(Ordering::SeqCst)
    }

    /// Number of clients that have read a final refusal.
    pub(crate) fn refused(&self) -> usize {
        self.refused.load(Ordering::SeqCst)
    }

    async fn stay(&self, number: usize, token: &str, pause: Duration) {
        for attempt in 0.. {
            let node = (number + attempt) % self.addresses.len();
            if node == self.avoided.load(Ordering::SeqCst) {
                continue;
            }
            let address = self.addresses[node];
            let mut client = RawClient::open_from(client_address(number), address, "").await;
            client.text(&format!(r#"40{{"token":"{token}"}}"#)).await;
            match client.packet().await {
                Some(answer) if answer.starts_with("40{") => {
                    self.connected[node].fetch_add(1, Ordering::SeqCst);
                    while let Some(packet) = client.packet().await {
                        if packet == "2" {
                            client.text("3").await;
                        }
                    }
                    self.connected[node].fetch_sub(1, Ordering::SeqCst);
                    self.ended.fetch_add(1, Ordering::SeqCst);
                }
                Some(answer) if answer.starts_with("44{") => {
                    self.refused.fetch_add(1, Ordering::SeqCst);
                }
                _ => {}
            }
            sleep(pause).await;
        }
    }
}

const GATHERED_WITHIN: Duration = Duration::from_mins(1);
