//! Tracks how long the sockets of a session may stay connected, and writes activity to the store.
//!
//! All sockets of a session in this process share one lease. An event of a client only records its
//! time in memory. A renewal writes the time to the store, usually at most once a minute. It then
//! reads the session back, because another server may have prolonged or ended it. Start reading at
//! [`SessionLease::ask`].

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, SystemTime},
};

use doorward_core::{BoxFuture, Lease, LeaseError, Session, SessionId, UserId, lock};

use crate::session::sessions::{error::VerifySessionError, records::Records};

/// Leases that sockets of this process hold.
#[derive(Default)]
pub(super) struct Leases {
    /// Leases by session. The lock is held for one look-up. No lease may be dropped under the lock,
    /// because dropping the last reference takes the lock.
    held: Mutex<HashMap<SessionId, Weak<SessionLease>>>,
}

impl Leases {
    /// Returns the shared lease of a session. Creates the lease if no socket of this process holds
    /// one.
    pub(super) fn hold(
        self: &Arc<Self>,
        session: &Session,
        records: &Arc<Records>,
    ) -> Arc<SessionLease> {
        let mut held = lock(&self.held);
        let lease = held.get(&session.id).and_then(Weak::upgrade).unwrap_or_else(|| {
            let lease = Arc::new(SessionLease::new(session, records, self));
            held.insert(session.id.clone(), Arc::downgrade(&lease));
            lease
        });
        // The lock is released first, because updating the lease does not need it.
        drop(held);
        lease.was_written(session.seen_at);
        lease
    }

    pub(super) fn get(&self, id: &SessionId) -> Option<Arc<SessionLease>> {
        lock(&self.held).get(id)?.upgrade()
    }

    /// Marks the lease of a session as ended, if this process holds one.
    pub(super) fn end(&self, id: &SessionId, at: SystemTime) {
        if let Some(lease) = self.get(id) {
            lease.end(at);
        }
    }

    /// Marks the leases of a user as ended if the generation of their session is below
    /// `generation`.
    pub(super) fn end_user(&self, user: &UserId, generation: u64, at: SystemTime) {
        let leases: Vec<_> = lock(&self.held).values().filter_map(Weak::upgrade).collect();
        for lease in leases {
            if lease.user == *user && lease.generation < generation {
                lease.end(at);
            }
        }
    }
}

/// Lease of one session. Times are milliseconds since 1970. `seen_at` and `stored` only grow, and
/// `ended_at` only shrinks.
pub(super) struct SessionLease {
    id: SessionId,
    user: UserId,
    generation: u64,
    idle_timeout: Duration,
    ends_at: u64,
    /// Time of the client's last activity.
    seen_at: AtomicU64,
    /// Time of the latest activity that the store is known to have.
    stored: AtomicU64,
    /// Time of the last write to the store by this process.
    wrote_at: AtomicU64,
    /// Time at which the session was found to have ended. It is [`LIVES`] until then.
    ended_at: AtomicU64,
    records: Arc<Records>,
    leases: Arc<Leases>,
}

impl SessionLease {
    fn new(session: &Session, records: &Arc<Records>, leases: &Arc<Leases>) -> Self {
        Self {
            id: session.id.clone(),
            user: session.user.clone(),
            generation: session.generation,
            idle_timeout: session.idle_timeout,
            ends_at: millis(session.ends_at),
            seen_at: AtomicU64::new(0),
            stored: AtomicU64::new(0),
            wrote_at: AtomicU64::new(0),
            ended_at: AtomicU64::new(LIVES),
            records: Arc::clone(records),
            leases: Arc::clone(leases),
        }
    }

    /// Records that the session store has the activity at `seen_at`.
    pub(super) fn was_written(&self, seen_at: SystemTime) {
        let seen_at = millis(seen_at);
        // Relaxed ordering is sufficient, because the values are independent of each other.
        for known in [&self.seen_at, &self.stored, &self.wrote_at] {
            known.fetch_max(seen_at, Relaxed);
        }
    }

    fn end(&self, at: SystemTime) {
        self.ended_at.fetch_min(millis(at), Relaxed);
    }

    /// Writes pending activity to the store, then reads the session back. Returns the time at which
    /// the session expires. Fails if the session has ended.
    async fn ask(&self, now: SystemTime) -> Result<SystemTime, VerifySessionError> {
        if !self.write_down(millis(now)).await? {
            return Err(VerifySessionError::Expired);
        }
        let mut found = self.records.store.get(&self.id).await?;
        if let Some(session) = &mut found {
            let stored = millis(session.seen_at);
            self.stored.fetch_max(stored, Relaxed);
            let seen_at = self.seen_at.fetch_max(stored, Relaxed).max(stored);
            // The latest activity counts, even if it is not written yet.
            session.seen_at = time(seen_at);
        }
        self.records.check(found, now).await?;
        Ok(self.end_at())
    }

    /// Writes the last activity to the store if a write is due. Returns `false` if a write was due
    /// and the store has no such unexpired session.
    async fn write_down(&self, now: u64) -> Result<bool, VerifySessionError> {
        let (seen_at, stored) = (self.seen_at.load(Relaxed), self.stored.load(Relaxed));
        let wrote_at = self.wrote_at.load(Relaxed);
        let interval = write_interval(self.idle_timeout);
        let is_due = now >= after(wrote_at, interval);
        // The session must not expire in the store while it is active here.
        let is_urgent = after(now, interval) >= after(stored, self.idle_timeout);
        // There is nothing new to write, or it is too early to write.
        if seen_at <= stored || !(is_due || is_urgent) {
            return Ok(true);
        }
        // If several renewals run concurrently, only one of them writes.
        if self.wrote_at.compare_exchange(wrote_at, now, Relaxed, Relaxed).is_err() {
            return Ok(true);
        }
        let touched = self.records.store.touch(&self.id, time(seen_at)).await;
        if touched.is_ok() {
            self.stored.fetch_max(seen_at, Relaxed);
        } else {
            // The next renewal writes the activity.
            self.wrote_at.store(wrote_at, Relaxed);
        }
        Ok(touched?)
    }

    /// Returns the time at which the session expires, as far as this server knows.
    fn end_at(&self) -> SystemTime {
        let idle = after(self.seen_at.load(Relaxed), self.idle_timeout);
        time(idle.min(self.ends_at).min(self.ended_at.load(Relaxed)))
    }
}

impl Lease for SessionLease {
    fn touch(&self, now: SystemTime) {
        // An ended session stays ended.
        if now < self.end_at() {
            self.seen_at.fetch_max(millis(now), Relaxed);
        }
    }

    fn expires_at(&self) -> Option<SystemTime> {
        Some(self.end_at())
    }

    fn renew(&self, now: SystemTime) -> BoxFuture<'_, Result<(), LeaseError>> {
        Box::pin(async move {
            match self.ask(now).await {
                Ok(expires_at) if now < expires_at => Ok(()),
                Err(VerifySessionError::Unavailable(cause)) => Err(LeaseError::Unavailable(cause)),
                Ok(_) | Err(_) => {
                    // The shared lease ends, so that the other sockets of the session need not ask
                    // the store.
                    self.end(now);
                    Err(LeaseError::Ended)
                }
            }
        })
    }
}

/// Removes the lease from its [`Leases`].
impl Drop for SessionLease {
    fn drop(&mut self) {
        let mut held = lock(&self.leases.held);
        // Another lease of the session may have been created since.
        if held.get(&self.id).is_some_and(|lease| lease.strong_count() == 0) {
            held.remove(&self.id);
        }
    }
}

/// Returns the minimum interval between two writes of a session's activity to the store. It is a
/// minute, or a quarter of the idle timeout if that is shorter.
pub(super) fn write_interval(idle_timeout: Duration) -> Duration {
    (idle_timeout / 4).min(Duration::from_mins(1))
}

fn millis(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Converts milliseconds since 1970 to a time. Returns the start of 1970 on overflow, so that the
/// session counts as expired.
fn time(millis: u64) -> SystemTime {
    let since = Duration::from_millis(millis);
    SystemTime::UNIX_EPOCH.checked_add(since).unwrap_or(SystemTime::UNIX_EPOCH)
}

fn after(millis: u64, by: Duration) -> u64 {
    millis.saturating_add(u64::try_from(by.as_millis()).unwrap_or(u64::MAX))
}

/// Value of `ended_at` while the session is not known to have ended.
const LIVES: u64 = u64::MAX;

#[cfg(test)]
mod tests;
