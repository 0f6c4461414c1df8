//! Registry of all links, and of all sockets that are admitted or being admitted.
//!
//! Adding an entry returns a guard object, and dropping this object removes the entry. So no entry
//! can be left behind. A socket is found by its id, its user, its session and its token, so every
//! revocation can find it.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use doorward_core::{LinkNumber, SessionId, SocketId, TokenId, UserId, lock};
use tokio::sync::Notify;

use crate::presence::{
    expiry::Shown,
    mailbox::LinkHandle,
    resident::{Resident, SocketInfo},
};

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
    links: HashMap<LinkNumber, Arc<LinkHandle>>,
    sockets: HashMap<SocketId, (Arc<dyn Resident>, Vec<ListedKey>)>,
    index: HashMap<Key, Vec<SocketId>>,
}

/// Key by which a socket is found, in addition to its id.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    Session(SessionId),
    Token(TokenId),
    User(UserId),
}

/// Key of one socket, and the time until which it must be kept.
#[derive(Clone)]
struct ListedKey {
    key: Key,
    /// Expiry of the credential. `None` if it does not expire, and for the user.
    until: Option<SystemTime>,
}

/// A socket has as many keys as allowed, and none of their credentials has expired.
#[derive(Debug)]
pub(crate) struct TooManyKeys {
    /// Time until the first of the credentials expires.
    pub(crate) retry_after: Duration,
}

/// Entry of one link. Dropping it removes the link.
pub(crate) struct LinkEntry {
    registry: Arc<Registry>,
    number: LinkNumber,
}

/// Entry of one socket. Dropping it removes the socket.
pub(crate) struct SocketEntry {
    registry: Arc<Registry>,
    socket: SocketId,
}

impl Registry {
    pub(crate) fn add_link(self: &Arc<Self>, link: Arc<LinkHandle>) -> LinkEntry {
        let number = link.number();
        lock(&self.entries).links.insert(number, link);
        LinkEntry { registry: Arc::clone(self), number }
    }

    /// Adds a socket. Later revocations of its user, session or token find the socket.
    pub(crate) fn add_socket(
        self: &Arc<Self>,
        resident: Arc<dyn Resident>,
        shown: &Shown<'_>,
    ) -> SocketEntry {
        let socket = resident.id();
        let keys = keys(&*resident, shown);
        let mut entries = lock(&self.entries);
        entries.add_keys(socket, &keys);
        entries.sockets.insert(socket, (resident, keys));
        drop(entries);
        SocketEntry { registry: Arc::clone(self), socket }
    }

    /// Lists a socket under the keys of the new credential that its client has shown.
    ///
    /// The keys of earlier credentials are kept too, because a revocation of an earlier credential
    /// applies to this client as well. A socket has at most [`MAX_KEYS`] keys. Beyond that number,
    /// the keys of credentials that have expired are dropped.
    ///
    /// # Errors
    /// Too many keys belong to credentials that have not expired. Nothing changes then.
    pub(crate) fn also_named(
        &self,
        socket: SocketId,
        shown: &Shown<'_>,
        now: SystemTime,
    ) -> Result<(), TooManyKeys> {
        let mut entries = lock(&self.entries);
        let Some((resident, known)) = entries.sockets.get_mut(&socket) else { return Ok(()) };
        let mut after = known.clone();
        for key in keys(&**resident, shown) {
            match after.iter_mut().find(|known| known.key == key.key) {
                // `None` is the latest.
                Some(known) => {
                    known.until = known.until.zip(key.until).map(|(one, other)| one.max(other));
                }
                None => after.push(key),
            }
        }
        if after.len() > MAX_KEYS {
            after.retain(|key| key.until.is_none_or(|until| until > now));
        }
        if after.len() > MAX_KEYS {
            let next = after.iter().filter_map(|key| key.until?.duration_since(now).ok()).min();
            return Err(TooManyKeys { retry_after: next.unwrap_or(Duration::from_secs(60)) });
        }
        let before = std::mem::replace(known, after.clone());
        entries.remove_keys(
            socket,
            before.iter().filter(|old| !after.iter().any(|key| key.key == old.key)),
        );
        entries.add_keys(socket, &after);
        Ok(())
    }

    pub(crate) fn sockets(&self) -> usize {
        lock(&self.entries).sockets.len()
    }

    pub(crate) fn links(&self) -> usize {
        lock(&self.entries).links.len()
    }

    pub(crate) fn link(&self, number: LinkNumber) -> Option<Arc<LinkHandle>> {
        lock(&self.entries).links.get(&number).map(Arc::clone)
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

    /// Returns descriptions of all sockets, or of those of a user.
    pub(crate) fn described(&self, user: Option<&UserId>) -> Vec<SocketInfo> {
        let found = match user {
            Some(user) => self.of(&Key::User(user.clone())),
            None => self.all_sockets(),
        };
        found.iter().map(|resident| resident.describe()).collect()
    }

    /// Returns all links.
    pub(crate) fn all_links(&self) -> Vec<Arc<LinkHandle>> {
        lock(&self.entries).links.values().map(Arc::clone).collect()
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
    fn add_keys(&mut self, socket: SocketId, keys: &[ListedKey]) {
        for ListedKey { key, .. } in keys {
            let sockets = self.index.entry(key.clone()).or_default();
            if !sockets.contains(&socket) {
                sockets.push(socket);
            }
        }
    }

    fn remove_keys<'a>(&mut self, socket: SocketId, keys: impl Iterator<Item = &'a ListedKey>) {
        for ListedKey { key, .. } in keys {
            if let Entry::Occupied(mut sockets) = self.index.entry(key.clone()) {
                sockets.get_mut().retain(|other| *other != socket);
                if sockets.get().is_empty() {
                    sockets.remove();
                }
            }
        }
    }
}

/// Returns the keys of a socket. For anonymous clients the user is not a key, because they share
/// one user id.
fn keys(resident: &dyn Resident, shown: &Shown<'_>) -> Vec<ListedKey> {
    let Shown { credential, until } = *shown;
    let user = resident.is_known().then(|| Key::User(resident.user().clone()));
    let user = user.map(|key| ListedKey { key, until: None });
    let session = credential.session.clone().map(Key::Session);
    let token = credential.token.clone().map(Key::Token);
    let shown = session.into_iter().chain(token).map(|key| ListedKey { key, until });
    user.into_iter().chain(shown).collect()
}

impl Drop for LinkEntry {
    fn drop(&mut self) {
        let mut entries = lock(&self.registry.entries);
        let handle = entries.links.remove(&self.number);
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
        if let Some((_, keys)) = &gone {
            entries.remove_keys(self.socket, keys.iter());
        }
        drop(entries);
        // The socket is dropped after the lock is released, because this may run the destructor of
        // a principal, which is code of the application.
        drop(gone);
    }
}

/// Maximum number of keys under which the registry lists one socket. A client that refreshes its
/// credential every 15 seconds with tokens of one hour needs 240.
const MAX_KEYS: usize = 256;
