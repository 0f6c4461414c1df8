//! Something between the store and its server that can go silent: a cable that was pulled.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

/// Passes everything on, until it is told to say nothing more on the connections that it has.
pub(crate) struct Relay {
    port: u16,
    cuts: watch::Sender<u64>,
    taken: Arc<AtomicU64>,
    accepting: JoinHandle<()>,
}

impl Relay {
    pub(crate) async fn start(server: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (cuts, taken) = (watch::Sender::new(0), Arc::new(AtomicU64::new(0)));
        let (changes, count) = (cuts.clone(), taken.clone());
        let accepting = tokio::spawn(async move {
            loop {
                let (mut here, _) = listener.accept().await.unwrap();
                count.fetch_add(1, Ordering::Relaxed);
                let mut cut = changes.subscribe();
                tokio::spawn(async move {
                    let mut there = TcpStream::connect(("127.0.0.1", server)).await.unwrap();
                    tokio::select! {
                        _ = copy_bidirectional(&mut here, &mut there) => {}
                        // Both stay open, and nothing moves.
                        _ = cut.changed() => std::future::pending().await,
                    }
                });
            }
        });
        Self { port, cuts, taken, accepting }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Lets all connections that there are stand still. New ones work.
    pub(crate) fn cut(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// How many connections there were.
    pub(crate) fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}
