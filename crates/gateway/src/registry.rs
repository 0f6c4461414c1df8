//! Who is here: every link, and every admitted socket.
//!
//! An entry exists exactly as long as the guard that was given out for it, so nothing can stay behind.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use doorward_core::{DisconnectReason, SocketId, UserId};
use slab::Slab;
use tokio::sync::Notify;

use crate::link::LinkHandle;

/// All links and sockets of this process.
#[derive(Default)]
pub(crate) struct Registry {
    /// Protects both lists; held for one operation on one of them.
    entries: Mutex<Entries>,
    /// Told when the last link has gone.
    empty: Notify,
}

#[derive(Default)]
struct Entries {
    links: Slab<Arc<LinkHandle>>,
    sockets: HashMap<SocketId, UserId>,
}

/// The entry of one link.
pub(crate) struct LinkEntry {
    registry: Arc<Registry>,
    key: usize,
}

/// The entry of one socket.
pub(crate) struct SocketEntry {
    registry: Arc<Registry>,
    socket: SocketId,
}

impl Registry {
    pub(crate) fn add_link(self: &Arc<Self>, link: Arc<LinkHandle>) -> LinkEntry {
        let key = self.lock().links.insert(link);
        LinkEntry { registry: Arc::clone(self), key }
    }

    pub(crate) fn add_socket(self: &Arc<Self>, socket: SocketId, user: UserId) -> SocketEntry {
        self.lock().sockets.insert(socket, user);
        SocketEntry { registry: Arc::clone(self), socket }
    }

    pub(crate) fn sockets(&self) -> usize {
        self.lock().sockets.len()
    }

    pub(crate) fn links(&self) -> usize {
        self.lock().links.len()
    }

    /// Tells every link to end.
    pub(crate) fn end_all(&self, reason: DisconnectReason) {
        let links: Vec<_> = self.lock().links.iter().map(|(_, link)| Arc::clone(link)).collect();
        for link in links {
            link.end(reason);
        }
    }

    /// Completes when no link is left.
    pub(crate) async fn emptied(&self) {
        loop {
            let notified = self.empty.notified();
            if self.links() == 0 {
                return;
            }
            notified.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for LinkEntry {
    fn drop(&mut self) {
        let mut entries = self.registry.lock();
        let handle = entries.links.remove(self.key);
        let empty = entries.links.is_empty();
        drop(entries);
        drop(handle);
        if empty {
            self.registry.empty.notify_waiters();
        }
    }
}

impl Drop for SocketEntry {
    fn drop(&mut self) {
        self.registry.lock().sockets.remove(&self.socket);
    }
}
