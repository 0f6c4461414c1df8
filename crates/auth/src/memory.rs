//! Stores sessions, tickets and revocations in memory, for a single server process.
//!
//! The number of entries of each kind is limited, and new entries are rejected at the limit.
//! [`SessionStore::sweep`] removes expired entries of all three kinds. Sessions and revocations are
//! also swept when they reach the limit. Start reading at [`MemoryStore`].

mod revocations;
mod sessions;
mod tickets;

use std::{
    future::ready,
    sync::{Arc, Mutex},
    time::SystemTime,
};

use doorward_core::{
    RevocationState, RevocationStore, Session, SessionData, SessionId, SessionKey, SessionStore,
    StoreFuture, TicketKey, TicketRecord, TicketStore, TokenId, UserId, lock,
};

use crate::memory::{revocations::Marks, sessions::Sessions, tickets::Tickets};

/// Store of sessions, tickets and revocations in memory. Its contents are lost when the process
/// ends.
///
/// It implements [`SessionStore`], [`TicketStore`] and [`RevocationStore`]. Clones share their
/// contents. An operation fails only if the session or the ticket to store exists already, or if
/// the store is full. The limits are 1,000,000 sessions, 100,000 tickets and 1,000,000 revocations
/// of each kind (users, sessions, tokens). [`with_capacity`](MemoryStore::with_capacity) sets other
/// limits for sessions and revocations.
///
/// # Security
/// A restart loses all sessions and all revocations. After the restart, a revoked token is accepted
/// again until it expires. If tokens can outlive the process, keep revocations in a persistent
/// store, or start with [`refusing_before`](MemoryStore::refusing_before).
///
/// # Examples
/// ```
/// use doorward_auth::MemoryStore;
///
/// let store = MemoryStore::default();
/// ```
#[derive(Clone)]
pub struct MemoryStore(Arc<Mutex<Kept>>);

/// Contents of the store. They share one lock, because a revocation also removes sessions. The lock
/// is held for one operation.
struct Kept {
    sessions: Sessions,
    tickets: Tickets,
    marks: Marks,
}

impl MemoryStore {
    /// Creates a store for up to `sessions` sessions, and for as many revocations of each kind
    /// (users, sessions, tokens).
    #[must_use]
    pub fn with_capacity(sessions: usize) -> Self {
        Self(Arc::new(Mutex::new(Kept {
            sessions: Sessions::new(sessions),
            tickets: Tickets::default(),
            marks: Marks::new(sessions),
        })))
    }

    /// Treats all credentials that were issued before `at` as revoked. Pass the time at which the
    /// process has started, for example.
    #[must_use]
    pub fn refusing_before(self, at: SystemTime) -> Self {
        lock(&self.0).marks.refuse_before(at);
        self
    }
}

impl SessionStore for MemoryStore {
    fn create<'a>(&'a self, key: &'a SessionKey, session: &'a Session) -> StoreFuture<'a, ()> {
        Box::pin(ready(lock(&self.0).sessions.create(*key, session)))
    }

    fn find<'a>(&'a self, key: &'a SessionKey) -> StoreFuture<'a, Option<Session>> {
        Box::pin(ready(Ok(lock(&self.0).sessions.find(key))))
    }

    fn get<'a>(&'a self, id: &'a SessionId) -> StoreFuture<'a, Option<Session>> {
        Box::pin(ready(Ok(lock(&self.0).sessions.get(id))))
    }

    fn of_user<'a>(&'a self, user: &'a UserId) -> StoreFuture<'a, Vec<Session>> {
        Box::pin(ready(Ok(lock(&self.0).sessions.of_user(user))))
    }

    fn touch<'a>(&'a self, id: &'a SessionId, seen_at: SystemTime) -> StoreFuture<'a, bool> {
        Box::pin(ready(Ok(lock(&self.0).sessions.touch(id, seen_at))))
    }

    fn rotate<'a>(
        &'a self,
        id: &'a SessionId,
        key: &'a SessionKey,
        signed_in_at: Option<SystemTime>,
    ) -> StoreFuture<'a, bool> {
        Box::pin(ready(lock(&self.0).sessions.rotate(id, *key, signed_in_at)))
    }

    fn put_data<'a>(&'a self, id: &'a SessionId, data: &'a SessionData) -> StoreFuture<'a, bool> {
        Box::pin(ready(Ok(lock(&self.0).sessions.put_data(id, data))))
    }

    fn remove<'a>(&'a self, id: &'a SessionId) -> StoreFuture<'a, bool> {
        Box::pin(ready(Ok(lock(&self.0).sessions.remove(id))))
    }

    fn sweep(&self, now: SystemTime) -> StoreFuture<'_, u64> {
        let mut kept = lock(&self.0);
        kept.tickets.sweep(now);
        kept.marks.sweep(now);
        Box::pin(ready(Ok(kept.sessions.sweep(now))))
    }
}

impl TicketStore for MemoryStore {
    fn put_ticket<'a>(
        &'a self,
        key: &'a TicketKey,
        ticket: &'a TicketRecord,
    ) -> StoreFuture<'a, ()> {
        Box::pin(ready(lock(&self.0).tickets.put(*key, ticket)))
    }

    fn take_ticket<'a>(&'a self, key: &'a TicketKey) -> StoreFuture<'a, Option<TicketRecord>> {
        Box::pin(ready(Ok(lock(&self.0).tickets.take(key))))
    }
}

impl RevocationStore for MemoryStore {
    fn read<'a>(
        &'a self,
        user: &'a UserId,
        session: Option<&'a SessionId>,
        token: Option<&'a TokenId>,
    ) -> StoreFuture<'a, RevocationState> {
        Box::pin(ready(Ok(lock(&self.0).marks.read(user, session, token))))
    }

    fn bump<'a>(&'a self, user: &'a UserId, at: SystemTime) -> StoreFuture<'a, u64> {
        let mut kept = lock(&self.0);
        // The sessions are removed even if the revocation itself cannot be stored.
        kept.sessions.remove_user(user);
        Box::pin(ready(kept.marks.bump(user, at)))
    }

    fn end_session<'a>(&'a self, session: &'a SessionId, at: SystemTime) -> StoreFuture<'a, ()> {
        let mut kept = lock(&self.0);
        // The revocation is stored even without a session, because tokens may name it.
        kept.sessions.remove(session);
        Box::pin(ready(kept.marks.end_session(session, at)))
    }

    fn end_token<'a>(&'a self, token: &'a TokenId, at: SystemTime) -> StoreFuture<'a, ()> {
        Box::pin(ready(lock(&self.0).marks.end_token(token, at)))
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::with_capacity(SESSIONS)
    }
}

doorward_core::debug_fields!(MemoryStore {});

/// Default limit on sessions, and on revocations of each kind. A session takes about 500 bytes, so
/// sessions take at most half a gigabyte.
const SESSIONS: usize = 1_000_000;
