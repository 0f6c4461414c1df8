//! Counts the connections of a server, links included, so that it stops accepting while there are
//! descriptors left.
//!
//! A connection for which there is no room is not answered, and those behind it wait in the backlog of the
//! operating system. What a server does for
//! those who are here (revoking, writing, being asked for metrics) needs descriptors too. Start reading at
//! [`Room::take`].

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use metrics::Gauge;
use tokio::sync::Semaphore;

use crate::metrics::connections;

/// How many connections may be open.
pub(crate) struct Room {
    limit: usize,
    places: Semaphore,
    open: Gauge,
    /// A connection had to wait, and there was not much room since.
    is_full: AtomicBool,
}

/// One connection; dropping it makes room for another.
pub(crate) struct Open(Arc<Room>);

impl Room {
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        let limit = limit.min(Semaphore::MAX_PERMITS);
        let is_full = AtomicBool::new(false);
        Arc::new(Self { limit, places: Semaphore::new(limit), open: connections(limit), is_full })
    }

    /// Waits until there is room for a connection that was accepted.
    ///
    /// # Cancel safety
    /// A dropped future has taken nothing.
    pub(crate) async fn take(self: &Arc<Self>) -> Open {
        if self.places.available_permits() == 0 && !self.is_full.swap(true, Ordering::Relaxed) {
            tracing::warn!(limit = self.limit, "No room for more connections: they wait.");
        }
        match self.places.acquire().await {
            Ok(permit) => permit.forget(),
            // It is never closed.
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
