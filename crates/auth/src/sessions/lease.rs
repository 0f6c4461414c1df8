//! Decides how long the sockets of a session may stay, and when a sign of life is written down.
//!
//! All sockets of a session in this process share one lease. An event only notes the time; a renewal
//! writes it down, once a minute at most, and asks whether the session still lives, for another server
//! may have prolonged or ended it.
//! Start reading at [`SessionLease::ask`].

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, SystemTime},
};

use doorward_core::{BoxFuture, Lease, LeaseError, Session, SessionId, UserId};

use super::{VerifySessionError, records::Records};

/// The leases that somebody holds.
#[derive(Default)]
pub(super) struct Leases {
    /// Protects which lease belongs to which session, for one look-up. No lease is dropped under it:
    /// the last holder's drop takes the lock itself.
    held: Mutex<HashMap<SessionId, Weak<SessionLease>>>,
}

impl Leases {
    /// Returns the one lease of a session.
    pub(super) fn hold(
        self: &Arc<Self>,
        session: &Session,
        records: &Arc<Records>,
    ) -> Arc<SessionLease> {
        let mut held = self.lock();
        let lease = held.get(&session.id).and_then(Weak::upgrade).unwrap_or_else(|| {
            let lease = Arc::new(SessionLease::new(session, records, self));
            held.insert(session.id.clone(), Arc::downgrade(&lease));
            lease
        });
        drop(held);
        lease.was_written(session.seen_at);
        lease
    }

    pub(super) fn get(&self, id: &SessionId) -> Option<Arc<SessionLease>> {
        self.lock().get(id)?.upgrade()
    }

    /// Lets the holders know that a session has ended.
    pub(super) fn end(&self, id: &SessionId, at: SystemTime) {
        if let Some(lease) = self.get(id) {
            lease.end(at);
        }
    }

    /// Lets the holders know that what a user had before `generation` has ended.
    pub(super) fn end_user(&self, user: &UserId, generation: u64, at: SystemTime) {
        let leases: Vec<_> = self.lock().values().filter_map(Weak::upgrade).collect();
        for lease in leases {
            if lease.user == *user && lease.generation < generation {
                lease.end(at);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SessionId, Weak<SessionLease>>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The hold on one session. Times are milliseconds since 1970; each only grows, but for `ended_at`.
pub(super) struct SessionLease {
    id: SessionId,
    user: UserId,
    generation: u64,
    idle_timeout: Duration,
    ends_at: u64,
    /// When a client last did something.
    seen_at: AtomicU64,
    /// The latest of these that the store is known to have.
    stored: AtomicU64,
    /// When somebody here last wrote to the store.
    wrote_at: AtomicU64,
    /// When the session was found to have ended; [`LIVES`] until then.
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

    /// Notes what the store has.
    pub(super) fn was_written(&self, seen_at: SystemTime) {
        let seen_at = millis(seen_at);
        for known in [&self.seen_at, &self.stored, &self.wrote_at] {
            known.fetch_max(seen_at, Relaxed);
        }
    }

    fn end(&self, at: SystemTime) {
        self.ended_at.fetch_min(millis(at), Relaxed);
    }

    /// Writes down what is due, then reads the session back.
    async fn ask(&self, now: SystemTime) -> Result<SystemTime, VerifySessionError> {
        if !self.write_down(millis(now)).await? {
            return Err(VerifySessionError::Expired);
        }
        let mut found = self.records.store.get(&self.id).await?;
        if let Some(session) = &mut found {
            let stored = millis(session.seen_at);
            self.stored.fetch_max(stored, Relaxed);
            let seen_at = self.seen_at.fetch_max(stored, Relaxed).max(stored);
            // What was noted here counts before it is written down.
            session.seen_at = time(seen_at);
        }
        self.records.judge(found, now).await?;
        Ok(self.expires_at())
    }

    /// Writes the last sign of life down, if that is due, and says whether the session took it.
    async fn write_down(&self, now: u64) -> Result<bool, VerifySessionError> {
        let (seen_at, stored) = (self.seen_at.load(Relaxed), self.stored.load(Relaxed));
        let wrote_at = self.wrote_at.load(Relaxed);
        let interval = write_interval(self.idle_timeout);
        let is_due = now >= after(wrote_at, interval);
        // The store must never take a session for over that lives here.
        let is_urgent = after(now, interval) >= after(stored, self.idle_timeout);
        if seen_at <= stored || !(is_due || is_urgent) {
            return Ok(true);
        }
        // Of all who renew at the same time one writes.
        if self.wrote_at.compare_exchange(wrote_at, now, Relaxed, Relaxed).is_err() {
            return Ok(true);
        }
        match self.records.store.touch(&self.id, time(seen_at)).await {
            Ok(is_alive) => {
                self.stored.fetch_max(seen_at, Relaxed);
                Ok(is_alive)
            }
            Err(error) => {
                // It is due again for whoever asks next.
                self.wrote_at.store(wrote_at, Relaxed);
                Err(error.into())
            }
        }
    }
}

impl Lease for SessionLease {
    fn touch(&self, now: SystemTime) {
        // What is over stays so.
        if now < self.expires_at() {
            self.seen_at.fetch_max(millis(now), Relaxed);
        }
    }

    fn expires_at(&self) -> SystemTime {
        let idle = after(self.seen_at.load(Relaxed), self.idle_timeout);
        time(idle.min(self.ends_at).min(self.ended_at.load(Relaxed)))
    }

    fn renew(&self, now: SystemTime) -> BoxFuture<'_, Result<SystemTime, LeaseError>> {
        Box::pin(async move {
            match self.ask(now).await {
                Ok(expires_at) if now < expires_at => Ok(expires_at),
                Err(VerifySessionError::Unavailable(cause)) => Err(LeaseError::Unavailable(cause)),
                Ok(_) | Err(_) => {
                    // The other holders need not ask.
                    self.end(now);
                    Err(LeaseError::Ended)
                }
            }
        })
    }
}

/// Takes the session out of the list of those that are held.
impl Drop for SessionLease {
    fn drop(&mut self) {
        let mut held = self.leases.lock();
        // By now there may be a new lease in its place.
        if held.get(&self.id).is_some_and(|lease| lease.strong_count() == 0) {
            held.remove(&self.id);
        }
    }
}

/// How often a sign of life is written down: once a minute, or more often where sessions are so short
/// that a minute counts.
pub(super) fn write_interval(idle_timeout: Duration) -> Duration {
    (idle_timeout / 4).min(Duration::from_mins(1))
}

fn millis(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// A time that cannot be written is one that has passed: nobody stays by mistake.
fn time(millis: u64) -> SystemTime {
    let since = Duration::from_millis(millis);
    SystemTime::UNIX_EPOCH.checked_add(since).unwrap_or(SystemTime::UNIX_EPOCH)
}

fn after(millis: u64, by: Duration) -> u64 {
    millis.saturating_add(u64::try_from(by.as_millis()).unwrap_or(u64::MAX))
}

/// No time at all: the session has not ended as far as is known.
const LIVES: u64 = u64::MAX;

#[cfg(test)]
mod tests;
