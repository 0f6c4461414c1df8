//! Members of every room of one namespace.
//!
//! Rooms are distributed over shards, and each shard has its own lock. A lock is subscribed for one
//! change or for taking a snapshot, and never while anything is sent. The first broadcast to a room
//! takes a snapshot of its members. The snapshot is kept until a socket joins or leaves the room.
//! Start reading at [`Rooms::snapshot`].

use std::{
    collections::HashMap,
    hash::{BuildHasher, Hash, RandomState},
    marker::PhantomData,
    sync::{Arc, Mutex, MutexGuard},
};

use doorward_core::{SocketId, UserId, lock};

use crate::{
    bus::{channels::Subscribed, target::Target},
    room::socket::Socket,
};

/// Rooms of one namespace, with their members.
// The three maps are changed one after the other, without a common lock. A concurrent broadcast may
// find a socket in one map and not in another. The effect is the same as if the broadcast had run a
// moment earlier or later. Named rooms and the list of rooms of a socket change together, under the
// lock of that list (`socket/joining.rs`).
pub(crate) struct Rooms<P> {
    /// Every socket of the namespace.
    all: All<P>,
    /// Sockets in each room that sockets have joined.
    named: Sharded<Arc<str>, P>,
    /// Sockets of each user, without anonymous clients.
    users: Sharded<UserId, P>,
}

/// Members of a room at one moment. Broadcasts share the snapshot, so they do not copy the list.
pub(crate) type Snapshot<P> = Arc<[Socket<P>]>;

impl<P> Rooms<P> {
    pub(crate) fn new() -> Self {
        Self { all: All::new(), named: Sharded::new(), users: Sharded::new() }
    }

    /// Adds an admitted socket to the namespace, and to the sockets of `user` if it is given.
    /// `channel` is the channel of the user.
    pub(crate) fn enter(
        &self,
        socket: &Socket<P>,
        user: Option<&UserId>,
        channel: Option<Subscribed>,
    ) {
        self.all.shard(&socket.id()).insert(socket);
        if let Some(user) = user {
            self.users.insert(user.clone(), socket, channel);
        }
    }

    /// Removes a socket from the namespace and from the sockets of its user. The caller removes the
    /// socket from its named rooms, with [`part`](Rooms::part).
    pub(crate) fn leave(&self, socket: &Socket<P>) {
        // The guard of the lock is dropped at the end of this statement, before the removed values
        // are dropped.
        let gone = self.all.shard(&socket.id()).remove(socket.id());
        drop(gone);
        self.users.remove(socket.user(), socket.id());
    }

    /// Adds a socket to a room. `channel` is the channel of the room.
    pub(crate) fn join(&self, room: &Arc<str>, socket: &Socket<P>, channel: Option<Subscribed>) {
        self.named.insert(Arc::clone(room), socket, channel);
    }

    pub(crate) fn part(&self, room: &Arc<str>, id: SocketId) {
        self.named.remove(room, id);
    }

    pub(crate) fn socket(&self, id: SocketId) -> Option<Socket<P>> {
        self.all.shard(&id).members.get(&id).cloned()
    }

    /// Returns every socket of the namespace, as one snapshot for each shard.
    ///
    /// The snapshots are taken one after the other. No socket is in two of them.
    pub(crate) fn all(&self) -> Vec<Snapshot<P>> {
        self.all.shards.iter().map(|shard| lock(shard).snapshot()).collect()
    }

    /// Returns the sockets of a target. The snapshot is empty if the room or the user has no
    /// sockets.
    pub(crate) fn snapshot(&self, target: &Target) -> Snapshot<P> {
        let snapshot = match target {
            Target::Room(room) => self.named.snapshot(room),
            Target::Socket(id) => self.socket(*id).map(|socket| Arc::new([socket]) as _),
            Target::User(user) => self.users.snapshot(user),
        };
        snapshot.unwrap_or_else(|| Arc::new([]))
    }

    /// Returns the names of all named rooms.
    pub(crate) fn names(&self) -> Vec<Arc<str>> {
        let shards = self.named.shards.iter();
        shards.flat_map(|shard| lock(shard).keys().cloned().collect::<Vec<_>>()).collect()
    }

    /// Returns the number of named rooms.
    pub(crate) fn count(&self) -> usize {
        self.named.shards.iter().map(|shard| lock(shard).len()).sum()
    }
}

/// Sockets of one named room, of one user, or of one shard of [`All`].
struct Room<P> {
    members: HashMap<SocketId, Socket<P>>,
    /// Snapshot of `members`. `None` if they have changed since the last snapshot, or if no
    /// snapshot was taken.
    snapshot: Option<Snapshot<P>>,
    /// Channel on which other nodes send events for the sockets. `None` if the server is the only
    /// node, and for a shard.
    channel: Option<Subscribed>,
}

impl<P> Default for Room<P> {
    fn default() -> Self {
        Self { members: HashMap::new(), snapshot: None, channel: None }
    }
}

impl<P> Room<P> {
    fn insert(&mut self, socket: &Socket<P>) {
        // The snapshot is dropped under the lock. Its sockets are still members, so no value of the
        // application is dropped with it.
        self.snapshot = None;
        self.members.insert(socket.id(), socket.clone());
    }

    /// Removes a socket. The caller must drop the returned values after it has released the lock.
    /// They may have the last reference to the socket, and thereby to values of the application,
    /// whose destructors may take long or panic.
    #[must_use]
    fn remove(&mut self, id: SocketId) -> (Option<Snapshot<P>>, Option<Socket<P>>) {
        (self.snapshot.take(), self.members.remove(&id))
    }

    fn snapshot(&mut self) -> Snapshot<P> {
        let members = &self.members;
        Arc::clone(self.snapshot.get_or_insert_with(|| members.values().cloned().collect()))
    }
}

/// Values in shards. The hash of a key chooses the shard.
struct Shards<K, T> {
    hasher: RandomState,
    keys: PhantomData<fn(&K)>,
    /// Each lock protects one shard.
    shards: [Mutex<T>; SHARDS],
}

impl<K: Hash, T: Default> Shards<K, T> {
    fn new() -> Self {
        let shards = std::array::from_fn(|_| Mutex::default());
        Self { hasher: RandomState::new(), keys: PhantomData, shards }
    }

    fn shard(&self, key: &K) -> MutexGuard<'_, T> {
        // Clients choose the names of rooms. The hasher has a random key, so that they cannot choose
        // names that are all in one shard.
        #[expect(clippy::cast_possible_truncation, reason = "any part of a hash will do")]
        let hash = self.hasher.hash_one(key) as usize;
        lock(&self.shards[hash % SHARDS])
    }
}

/// Every socket of the namespace, by id.
type All<P> = Shards<SocketId, Room<P>>;

/// Sockets by the name of a room or by the user. An entry exists while it has sockets.
type Sharded<K, P> = Shards<K, HashMap<K, Room<P>>>;

impl<K: Hash + Eq, P> Sharded<K, P> {
    fn insert(&self, key: K, socket: &Socket<P>, channel: Option<Subscribed>) {
        let mut shard = self.shard(&key);
        let room = shard.entry(key).or_default();
        room.insert(socket);
        if room.channel.is_none() {
            room.channel = channel;
        }
    }

    fn remove(&self, key: &K, id: SocketId) {
        let mut shard = self.shard(key);
        let Some(room) = shard.get_mut(key) else { return };
        let gone = room.remove(id);
        if room.members.is_empty() {
            shard.remove(key);
        }
        // The lock is released before the values of the application are dropped.
        drop(shard);
        drop(gone);
    }

    fn snapshot(&self, key: &K) -> Option<Snapshot<P>> {
        self.shard(key).get_mut(key).map(Room::snapshot)
    }
}

/// Number of shards. There are more shards than cores, so that two cores seldom need the same lock.
const SHARDS: usize = 64;
