//! Keeps sessions, tickets and revocations in memory: for one server, until it stops.
//!
//! Each kind is bounded. What is over is dropped when somebody looks at it and by a sweep; when a kind
//! is full of what is not over, nothing new is taken. Start reading at [`MemoryStore`].

mod epochs;
mod sessions;
mod tickets;

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use self::{epochs::Marks, sessions::Sessions, tickets::Tickets};

/// A store that forgets everything when the process ends.
///
/// It implements [`SessionStore`](doorward_core::SessionStore),
/// [`TicketStore`](doorward_core::TicketStore) and [`Epochs`](doorward_core::Epochs); clones share
/// what they keep. It never fails, except that it can be full: it keeps 1,000,000 sessions, 100,000
/// tickets and 1,000,000 revocations unless [`with_capacity`](MemoryStore::with_capacity) says
/// otherwise.
///
/// # Security
/// Sessions end with the process, and so does the memory of what was revoked: a token that was revoked
/// and is still in time opens the door again after a restart. Where tokens outlive the process either
/// keep revocations in a store that does too, or begin with
/// [`refusing_before`](MemoryStore::refusing_before).
///
/// # Examples
/// ```
/// use doorward_auth::MemoryStore;
///
/// let store = MemoryStore::default();
/// # drop(store);
/// ```
#[derive(Clone)]
pub struct MemoryStore(Arc<Mutex<Kept>>);

/// All three kinds under one lock, because a revocation changes sessions too. It is held for one
/// operation.
struct Kept {
    sessions: Sessions,
    tickets: Tickets,
    marks: Marks,
}

impl MemoryStore {
    /// A store that keeps as many sessions, and as many revocations.
    #[must_use]
    pub fn with_capacity(sessions: usize) -> Self {
        Self(Arc::new(Mutex::new(Kept {
            sessions: Sessions::new(sessions),
            tickets: Tickets::new(TICKETS),
            marks: Marks::new(sessions),
        })))
    }

    /// Takes everything for revoked that was made before `at`, such as the start of the process.
    #[must_use]
    pub fn refusing_before(self, at: SystemTime) -> Self {
        self.lock().marks.refuse_before(at);
        self
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        // Nothing in here panics between two changes that belong together.
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

/// A session costs about 500 bytes: half a gigabyte is what a machine may lose to them.
const SESSIONS: usize = 1_000_000;

/// They live for half a minute.
const TICKETS: usize = 100_000;
