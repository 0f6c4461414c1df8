//! Stores sessions, tickets and revocations in memory, for a single server process.
//!
//! Each kind is bounded, and rejects new entries when it is full. A sweep removes expired entries;
//! sessions and revocations are also swept when they are full.
//! Start reading at [`MemoryStore`].

mod epochs;
mod sessions;
mod tickets;

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use self::{epochs::Marks, sessions::Sessions, tickets::Tickets};

/// Store that loses its contents when the process ends.
///
/// It implements [`SessionStore`](doorward_core::SessionStore),
/// [`TicketStore`](doorward_core::TicketStore) and [`Epochs`](doorward_core::Epochs). Clones share
/// their contents. Its operations fail only when it is full: it holds 1,000,000 sessions, 100,000
/// tickets and 1,000,000 revocations of each kind unless
/// [`with_capacity`](MemoryStore::with_capacity) sets other limits.
///
/// # Security
/// A restart loses all sessions and all revocations. A revoked token that has not expired is
/// accepted again after the restart. If tokens can outlive the process, keep revocations in a
/// persistent store, or start with [`refusing_before`](MemoryStore::refusing_before).
///
/// # Examples
/// ```
/// use doorward_auth::MemoryStore;
///
/// let store = MemoryStore::default();
/// ```
#[derive(Clone)]
pub struct MemoryStore(Arc<Mutex<Kept>>);

/// Contents under one lock, because a revocation changes sessions, too. The lock is held for one
/// operation.
struct Kept {
    sessions: Sessions,
    tickets: Tickets,
    marks: Marks,
}

impl MemoryStore {
    /// Makes a store for this number of sessions, and of revocations.
    #[must_use]
    pub fn with_capacity(sessions: usize) -> Self {
        Self(Arc::new(Mutex::new(Kept {
            sessions: Sessions::new(sessions),
            tickets: Tickets::new(TICKETS),
            marks: Marks::new(sessions),
        })))
    }

    /// Treats everything made before `at` as revoked, such as the start of the process.
    #[must_use]
    pub fn refusing_before(self, at: SystemTime) -> Self {
        self.lock().marks.refuse_before(at);
        self
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        // No operation panics between two related changes, so a poisoned lock is safe to use.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::with_capacity(SESSIONS)
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}

/// A session takes about 500 bytes, so sessions take at most half a gigabyte.
const SESSIONS: usize = 1_000_000;

/// Tickets expire after 30 seconds.
const TICKETS: usize = 100_000;
