//! Registry of all links, and of all sockets that are admitted or being admitted.
//!
//! Adding an entry returns a guard object, and dropping this object removes the entry. So no entry
//! can be left behind. A socket is found by its id, its user, its session and its token, so every
//! revocation can find it.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, Mutex},
    time::SystemTime,
};

use doorward_core::{DisconnectReason, LinkId, SessionId, SocketId, TokenId, UserId, lock};
use tokio::sync::Notify;

use crate::presence::{expiry::Shown, mailbox::LinkHandle, resident::Resident};

/// Registry of all links and sockets of one server.
// One lock protects all three maps, because the sockets and their index must change together. With
// a lock for each, a revocation could read the index between the two changes and miss a socket that
// is being admitted. The lock is held for map operations only:
// - Letters are posted after the lock is released, because posting takes the lock of a mailbox.
// - Entries are dropped after the lock is released, because the last reference to a socket drops
//   its principal. A destructor of the application may take long, or panic.
#[derive(Default)]
pub(crate) struct Registry {
    /// Links, sockets and their index. The lock is held for one operation on one entry, or for
    /// copying a list of entries.
    entries: Mutex<Entries>,
    /// Notified when the last link has been removed.
    empty: Notify,
}

#[derive(Default)]
struct Entries {
    links: HashMap<LinkId, Arc<LinkHandle>>,
    sockets: HashMap<SocketId, (Arc<dyn Resident>, Named)>,
    index: HashMap<Key, Vec<SocketId>>,
}

/// Key by which a socket is found, in addition to its id.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    Session(SessionId),
    Token(TokenId),
    User(UserId),
}

/// Keys of one socket.
type Named = Vec<Name>;

/// Key of one socket, and the time until which it must be kept.
#[derive(Clone)]
struct Name {
    key: Key,
    /// Expiry of the token. `None` for a token that does not expire, a user and a session.
    until: Option<SystemTime>,
}

/// Entry of one link. Dropping it removes the link.
pub(crate) struct LinkEntry {
    registry: Arc<Registry>,
    id: LinkId,
}

/// Entry of one socket. Dropping it removes the socket.
pub(crate) struct SocketEntry {
    registry: Arc<Registry>,
    socket: SocketId,
}

impl Registry {
    pub(crate) fn add_link(self: &Arc<Self>, link: Arc<LinkHandle>) -> LinkEntry {
        let id = link.id();
        lock(&self.entries).links.insert(id, link);
        LinkEntry { registry: Arc::clone(self), id }
    }

    /// Adds a socket. Later revocations of its user, session or token find the socket.
    pub(crate) fn add_socket(
        self: &Arc<Self>,
        resident: Arc<dyn Resident>,
        shown: &Shown<'_>,
    ) -> SocketEntry {
        let socket = resident.id();
        let named = named(&*resident, shown);
        let mut entries = lock(&self.entries);
        entries.add_names(socket, &named);
        entries.sockets.insert(socket, (resident, named));
        drop(entries);
        SocketEntry { registry: Arc::clone(self), socket }
    }

    /// Lists a socket under the keys of the new credential that its client has shown.
    ///
    /// The keys of earlier credentials are kept too, because a revocation of an earlier credential
    /// applies to this client as well. A socket has at most [`MAX_NAMES`] keys. Beyond that number,
    /// the keys of tokens that have expired are dropped.
    ///
    /// Returns `false` and changes nothing if there are too many keys of tokens that have not
    /// expired.
    #[must_use]
    pub(crate) fn also_named(&self, socket: SocketId, shown: &Shown<'_>, now: SystemTime) -> bool {
        let mut entries = lock(&self.entries);
        let Some((resident, known)) = entries.sockets.get_mut(&socket) else { return true };
        let fresh = named(&**resident, shown);
        let mut kept = known.clone();
        kept.retain(|old| fresh.iter().all(|new| new.key != old.key));
        if kept.len() + fresh.len() > MAX_NAMES {
            kept.retain(|name| name.until.is_none_or(|until| until > now));
        }
        kept.extend(fresh.iter().cloned());
        if kept.len() > MAX_NAMES {
            return false;
        }
        let before = std::mem::replace(known, kept.clone());
        entries.remove_names(socket, &before);
        entries.add_names(socket, &kept);
        true
    }

    pub(crate) fn sockets(&self) -> usize {
        lock(&self.entries).sockets.len()
    }

    pub(crate) fn links(&self) -> usize {
        lock(&self.entries).links.len()
    }

    pub(crate) fn link(&self, id: LinkId) -> Option<Arc<LinkHandle>> {
        lock(&self.entries).links.get(&id).map(Arc::clone)
    }

    pub(crate) fn socket(&self, id: SocketId) -> Option<Arc<dyn Resident>> {
        lock(&self.entries).sockets.get(&id).map(|(resident, _)| Arc::clone(resident))
    }

    /// Returns all sockets that are registered at this moment.
    pub(crate) fn all_sockets(&self) -> Vec<Arc<dyn Resident>> {
        lock(&self.entries).sockets.values().map(|(resident, _)| Arc::clone(resident)).collect()
    }

    /// Returns all sockets of a user, a session or a token.
    pub(crate) fn of(&self, key: &Key) -> Vec<Arc<dyn Resident>> {
        let entries = lock(&self.entries);
        let found = entries.index.get(key).into_iter().flatten();
        found
            .filter_map(|id| entries.sockets.get(id))
            .map(|(resident, _)| Arc::clone(resident))
            .collect()
    }

    /// Tells every link to end.
    pub(crate) fn end_all(&self, reason: DisconnectReason) {
        let links: Vec<_> = lock(&self.entries).links.values().map(Arc::clone).collect();
        for link in links {
            link.end(reason);
        }
    }

    /// Completes when no link is registered.
    pub(crate) async fn emptied(&self) {
        loop {
            // The future is created before the check, so that a link that is removed in between is
            // not missed.
            let notified = self.empty.notified();
            if self.links() == 0 {
                return;
            }
            notified.await;
        }
    }
}

impl Entries {
    fn add_names(&mut self, socket: SocketId, names: &[Name]) {
        for Name { key, .. } in names {
            let sockets = self.index.entry(key.clone()).or_default();
            if !sockets.contains(&socket) {
                sockets.push(socket);
            }
        }
    }

    fn remove_names(&mut self, socket: SocketId, names: &[Name]) {
        for Name { key, .. } in names {
            if let Entry::Occupied(mut named) = self.index.entry(key.clone()) {
                named.get_mut().retain(|other| *other != socket);
                if named.get().is_empty() {
                    named.remove();
                }
            }
        }
    }
}

/// Returns the keys of a socket. For anonymous clients the user is not a key, because they share
/// one user id.
fn named(resident: &dyn Resident, shown: &Shown<'_>) -> Named {
    let Shown { credential, until } = *shown;
    let user = resident.is_known().then(|| Key::User(resident.user().clone()));
    let session = credential.session.clone().map(Key::Session);
    let lasting = user.into_iter().chain(session).map(|key| Name { key, until: None });
    let token = credential.token.clone().map(Key::Token);
    let token = token.map(|key| Name { key, until });
    lasting.chain(token).collect()
}

impl Drop for LinkEntry {
    fn drop(&mut self) {
        let mut entries = lock(&self.registry.entries);
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
        let mut entries = lock(&self.registry.entries);
        let gone = entries.sockets.remove(&self.socket);
        if let Some((_, names)) = &gone {
            entries.remove_names(self.socket, names);
        }
        drop(entries);
        // The socket is dropped after the lock is released, because this may run the destructor of
        // a principal, which is code of the application.
        drop(gone);
    }
}

/// Maximum number of keys under which the registry lists one socket. A client that refreshes its
/// credential every minute with tokens of one hour needs about 60.
const MAX_NAMES: usize = 64;
