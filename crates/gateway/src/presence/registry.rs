//! Who is here: every link, and every socket that is admitted or about to be.
//!
//! An entry exists exactly as long as the guard that was given out for it, so nothing can stay behind. A
//! socket is found by everything that a revocation can name: its id, its user, its session, its token.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use doorward_core::{DisconnectReason, LinkId, SessionId, SocketId, TokenId, UserId};
use tokio::sync::Notify;

use crate::presence::{access::Credential, mailbox::LinkHandle, resident::Resident};

/// All links and sockets of this process.
#[derive(Default)]
pub(crate) struct Registry {
    /// Protects all lists; held for one operation on one entry, or for taking a list of them.
    entries: Mutex<Entries>,
    /// Told when the last link has gone.
    empty: Notify,
}

#[derive(Default)]
struct Entries {
    links: HashMap<LinkId, Arc<LinkHandle>>,
    sockets: HashMap<SocketId, (Arc<dyn Resident>, Named)>,
    index: HashMap<Key, Vec<SocketId>>,
}

/// What a socket is found by, beside its id.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Key {
    Session(SessionId),
    Token(TokenId),
    User(UserId),
}

/// The keys of one socket.
type Named = Vec<Key>;

/// The entry of one link.
pub(crate) struct LinkEntry {
    registry: Arc<Registry>,
    id: LinkId,
}

/// The entry of one socket.
pub(crate) struct SocketEntry {
    registry: Arc<Registry>,
    socket: SocketId,
}

/// Whose sockets are looked for.
#[derive(Clone, Copy)]
pub(crate) enum Whose<'a> {
    Session(&'a SessionId),
    Token(&'a TokenId),
    User(&'a UserId),
}

impl Registry {
    pub(crate) fn add_link(self: &Arc<Self>, link: Arc<LinkHandle>) -> LinkEntry {
        let id = link.id();
        self.lock().links.insert(id, link);
        LinkEntry { registry: Arc::clone(self), id }
    }

    /// From here on a revocation of any of its names finds the socket.
    pub(crate) fn add_socket(
        self: &Arc<Self>,
        resident: Arc<dyn Resident>,
        credential: &Credential,
    ) -> SocketEntry {
        let socket = resident.id();
        let named = named(&*resident, credential);
        let mut entries = self.lock();
        entries.add_names(socket, &named);
        entries.sockets.insert(socket, (resident, named));
        drop(entries);
        SocketEntry { registry: Arc::clone(self), socket }
    }

    /// The socket is found by another credential too. The old names stay until it has gone: whoever
    /// revokes one of them means this client.
    pub(crate) fn also_named(&self, socket: SocketId, credential: &Credential) {
        let mut entries = self.lock();
        let Some((resident, known)) = entries.sockets.get_mut(&socket) else { return };
        // What it stands on now is at the end of the list, also when it was there before.
        let fresh = named(&**resident, credential);
        known.retain(|key| !fresh.contains(key));
        known.extend(fresh.iter().cloned());
        // What it was called long ago has ended by itself: the names of refreshes do not pile up.
        let stale = known.len().saturating_sub(MAX_NAMES);
        let dropped: Vec<_> = known.drain(..stale).collect();
        entries.remove_names(socket, &dropped);
        entries.add_names(socket, &fresh);
    }

    pub(crate) fn sockets(&self) -> usize {
        self.lock().sockets.len()
    }

    pub(crate) fn links(&self) -> usize {
        self.lock().links.len()
    }

    pub(crate) fn link(&self, id: LinkId) -> Option<Arc<LinkHandle>> {
        self.lock().links.get(&id).map(Arc::clone)
    }

    pub(crate) fn socket(&self, id: SocketId) -> Option<Arc<dyn Resident>> {
        self.lock().sockets.get(&id).map(|(resident, _)| Arc::clone(resident))
    }

    /// Returns everybody who is here at this moment.
    pub(crate) fn everybody(&self) -> Vec<Arc<dyn Resident>> {
        self.lock().sockets.values().map(|(resident, _)| Arc::clone(resident)).collect()
    }

    /// Returns all sockets of a user, a session or a token.
    pub(crate) fn of(&self, whose: Whose<'_>) -> Vec<Arc<dyn Resident>> {
        let key = match whose {
            Whose::Session(id) => Key::Session(id.clone()),
            Whose::Token(id) => Key::Token(id.clone()),
            Whose::User(id) => Key::User(id.clone()),
        };
        let entries = self.lock();
        let found = entries.index.get(&key).into_iter().flatten();
        found
            .filter_map(|id| entries.sockets.get(id))
            .map(|(resident, _)| Arc::clone(resident))
            .collect()
    }

    /// Tells every link to end.
    pub(crate) fn end_all(&self, reason: DisconnectReason) {
        let links: Vec<_> = self.lock().links.values().map(Arc::clone).collect();
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

impl Entries {
    fn add_names(&mut self, socket: SocketId, names: &[Key]) {
        for key in names {
            let sockets = self.index.entry(key.clone()).or_default();
            if !sockets.contains(&socket) {
                sockets.push(socket);
            }
        }
    }

    fn remove_names(&mut self, socket: SocketId, names: &[Key]) {
        for key in names {
            if let Entry::Occupied(mut named) = self.index.entry(key.clone()) {
                named.get_mut().retain(|other| *other != socket);
                if named.get().is_empty() {
                    named.remove();
                }
            }
        }
    }
}

/// The user first: it never changes. Strangers share a user id that means nobody.
fn named(resident: &dyn Resident, credential: &Credential) -> Named {
    let user = resident.is_known().then(|| Key::User(resident.user().clone()));
    let session = credential.session.clone().map(Key::Session);
    let token = credential.token.clone().map(Key::Token);
    [user, session, token].into_iter().flatten().collect()
}

impl Drop for LinkEntry {
    fn drop(&mut self) {
        let mut entries = self.registry.lock();
        let handle = entries.links.remove(&self.id);
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
        let mut entries = self.registry.lock();
        let gone = entries.sockets.remove(&self.socket);
        if let Some((_, names)) = &gone {
            entries.remove_names(self.socket, names);
        }
        drop(entries);
        // A principal of the application may be dropped with it.
        drop(gone);
    }
}

/// Names by which a refreshed socket is found, the last few; those of one credential are three.
const MAX_NAMES: usize = 8;
