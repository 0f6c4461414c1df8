//! Limits the number of open connections of a server, including links, so that file descriptors are
//! left for other uses.
//!
//! At the limit, the server stops accepting. The connection that was accepted last waits without an
//! answer, and further connections queue in the backlog of the operating system. The remaining
//! descriptors are for everything that connected clients need, such as stores, the admin socket and
//! metrics. Start reading at [`Room::take`].

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use metrics::Gauge;
use tokio::sync::Semaphore;

use crate::runtime::metrics::connections;

/// Limit on open connections.
pub(crate) struct Room {
    limit: usize,
    places: Semaphore,
    open: Gauge,
    /// Set when a connection has to wait, and cleared when more than a tenth of the places is free.
    /// So a server that stays at its limit logs this once.
    is_full: AtomicBool,
}

/// Place of one connection. Dropping it makes room for another connection.
pub(crate) struct Open(Arc<Room>);

impl Room {
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        let limit = limit.min(Semaphore::MAX_PERMITS);
        let is_full = AtomicBool::new(false);
        Arc::new(Self { limit, places: Semaphore::new(limit), open: connections(limit), is_full })
    }

    /// Waits until there is room for an accepted connection, and takes a place for it.
    ///
    /// # Cancel safety
    /// Dropping the future takes no place.
    pub(crate) async fn take(self: &Arc<Self>) -> Open {
        if self.places.available_permits() == 0 && !self.is_full.swap(true, Ordering::Relaxed) {
            tracing::warn!(limit = self.limit, "No room for more connections: new ones wait.");
        }
        match self.places.acquire().await {
            Ok(permit) => permit.forget(),
            // The semaphore is never closed.
            Err(_) => std::future::pending().await,
        }
        let left = self.places.available_permits();
        if left > self.limit / 10 && self.is_full.swap(false, Ordering::Relaxed) {
            tracing::info!(left, "Room for connections again.");
        }
        self.open.increment(1.0);
        Open(Arc::clone(self))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.decrement(1.0);
        self.0.places.add_permits(1);
    }
}
