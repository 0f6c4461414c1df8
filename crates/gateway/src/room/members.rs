//! Who is where: the members of every room of one namespace.
//!
//! Rooms are spread over shards, each behind its own lock, which is held for one change or for taking a
//! snapshot, and never while anything is sent. The snapshot is made when somebody sends to a room and
//! kept until somebody enters or leaves. Start reading at [`Rooms::snapshot`].

use std::{
    collections::HashMap,
    hash::{BuildHasher, Hash, RandomState},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use doorward_core::{SocketId, UserId};

use crate::room::socket::Socket;

/// The rooms of one namespace.
pub(crate) struct Rooms<P> {
    everybody: Everybody<P>,
    named: Sharded<Arc<str>, P>,
    users: Sharded<UserId, P>,
}

/// Whom somebody is sent to.
///
/// A text is the name of a room. A [`SocketId`] is the socket itself, and a [`UserId`] every socket of
/// that user: no client can name these as a room.
///
/// # Examples
/// ```
/// use doorward::room::Target;
///
/// assert_eq!(Target::from("team:7"), Target::Room("team:7".into()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Target {
    /// Everybody in a room.
    Room(Arc<str>),
    /// One socket.
    Socket(SocketId),
    /// Every socket of a user.
    User(UserId),
}

impl From<&str> for Target {
    fn from(room: &str) -> Self {
        Self::Room(room.into())
    }
}

impl From<String> for Target {
    fn from(room: String) -> Self {
        Self::Room(room.into())
    }
}

impl From<&String> for Target {
    fn from(room: &String) -> Self {
        Self::Room(room.as_str().into())
    }
}

impl From<Arc<str>> for Target {
    fn from(room: Arc<str>) -> Self {
        Self::Room(room)
    }
}

impl From<SocketId> for Target {
    fn from(socket: SocketId) -> Self {
        Self::Socket(socket)
    }
}

impl From<UserId> for Target {
    fn from(user: UserId) -> Self {
        Self::User(user)
    }
}

impl From<&UserId> for Target {
    fn from(user: &UserId) -> Self {
        Self::User(user.clone())
    }
}

/// The members of a room at one moment.
pub(crate) type Snapshot<P> = Arc<[Socket<P>]>;

impl<P> Rooms<P> {
    pub(crate) fn new() -> Self {
        Self { everybody: Everybody::new(), named: Sharded::new(), users: Sharded::new() }
    }

    /// Takes in a socket that has come past every check.
    pub(crate) fn enter(&self, connection: &Socket<P>, user: Option<&UserId>) {
        self.everybody.shard(connection.id()).insert(connection);
        if let Some(user) = user {
            self.users.insert(user.clone(), connection);
        }
    }

    /// Forgets a socket, apart from the rooms that it knows to be in.
    pub(crate) fn leave(&self, connection: &Socket<P>) {
        let gone = self.everybody.shard(connection.id()).remove(connection.id());
        drop(gone);
        self.users.remove(connection.user(), connection.id());
    }

    pub(crate) fn join(&self, room: &Arc<str>, connection: &Socket<P>) {
        self.named.insert(Arc::clone(room), connection);
    }

    pub(crate) fn part(&self, room: &Arc<str>, socket: SocketId) {
        self.named.remove(room, socket);
    }

    pub(crate) fn socket(&self, socket: SocketId) -> Option<Socket<P>> {
        self.everybody.shard(socket).members.get(&socket).cloned()
    }

    /// Everybody, in parts.
    pub(crate) fn everybody(&self) -> Vec<Snapshot<P>> {
        self.everybody.shards.iter().map(|shard| lock(shard).snapshot()).collect()
    }

    pub(crate) fn snapshot(&self, target: &Target) -> Snapshot<P> {
        let snapshot = match target {
            Target::Room(room) => self.named.snapshot(room),
            Target::Socket(socket) => self.socket(*socket).map(|socket| Arc::new([socket]) as _),
            Target::User(user) => self.users.snapshot(user),
        };
        snapshot.unwrap_or_else(|| Arc::new([]))
    }

    /// How many rooms with a name there are.
    pub(crate) fn count(&self) -> usize {
        self.named.shards.iter().map(|shard| lock(shard).len()).sum()
    }
}

/// Who is in one room.
struct Room<P> {
    members: HashMap<SocketId, Socket<P>>,
    snapshot: Option<Snapshot<P>>,
}

impl<P> Default for Room<P> {
    fn default() -> Self {
        Self { members: HashMap::new(), snapshot: None }
    }
}

impl<P> Room<P> {
    fn insert(&mut self, connection: &Socket<P>) {
        self.snapshot = None;
        self.members.insert(connection.id(), connection.clone());
    }

    /// Returns what is to be dropped outside of the lock, because it holds values of the application.
    #[must_use]
    fn remove(&mut self, socket: SocketId) -> (Option<Snapshot<P>>, Option<Socket<P>>) {
        (self.snapshot.take(), self.members.remove(&socket))
    }

    fn snapshot(&mut self) -> Snapshot<P> {
        let members = &self.members;
        Arc::clone(self.snapshot.get_or_insert_with(|| members.values().cloned().collect()))
    }
}

/// Every socket, by its id.
struct Everybody<P> {
    hasher: RandomState,
    /// Each lock protects the sockets of its shard.
    shards: [Mutex<Room<P>>; SHARDS],
}

impl<P> Everybody<P> {
    fn new() -> Self {
        Self { hasher: RandomState::new(), shards: std::array::from_fn(|_| Mutex::default()) }
    }

    fn shard(&self, socket: SocketId) -> MutexGuard<'_, Room<P>> {
        lock(&self.shards[index(&self.hasher, &socket)])
    }
}

/// Rooms by key.
struct Sharded<K, P> {
    hasher: RandomState,
    /// Each lock protects the rooms of its shard.
    shards: [Mutex<HashMap<K, Room<P>>>; SHARDS],
}

impl<K: Hash + Eq, P> Sharded<K, P> {
    fn new() -> Self {
        Self { hasher: RandomState::new(), shards: std::array::from_fn(|_| Mutex::default()) }
    }

    fn insert(&self, key: K, connection: &Socket<P>) {
        self.shard(&key).entry(key).or_default().insert(connection);
    }

    fn remove(&self, key: &K, socket: SocketId) {
        let mut shard = self.shard(key);
        let Some(room) = shard.get_mut(key) else { return };
        let gone = room.remove(socket);
        if room.members.is_empty() {
            shard.remove(key);
        }
        drop(shard);
        drop(gone);
    }

    fn snapshot(&self, key: &K) -> Option<Snapshot<P>> {
        self.shard(key).get_mut(key).map(Room::snapshot)
    }

    fn shard(&self, key: &K) -> MutexGuard<'_, HashMap<K, Room<P>>> {
        lock(&self.shards[index(&self.hasher, key)])
    }
}

fn index(hasher: &RandomState, key: &impl Hash) -> usize {
    #[expect(clippy::cast_possible_truncation, reason = "any part of a hash will do")]
    let hash = hasher.hash_one(key) as usize;
    hash % SHARDS
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// More than there are cores, so that two of them seldom want the same.
const SHARDS: usize = 64;
