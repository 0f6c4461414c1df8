//! Minimal server with a manual clock, one store, and sessions in the store.

use std::{
    future::poll_fn,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    task::{Context, Poll, Waker},
    time::{Duration, SystemTime},
};

use doorward_auth::{MemoryStore, NewSession, Sessions};
use doorward_core::{
    Clock, Entropy, ManualClock, Session, SessionData, SessionId, SessionKey, SessionStore,
    SessionToken, StoreError, StoreFuture, UserId,
};

/// Clock, store and sessions of a test.
pub(crate) struct World {
    pub(crate) clock: ManualClock,
    pub(crate) memory: MemoryStore,
    pub(crate) store: Arc<Watched>,
    pub(crate) sessions: Arc<Sessions>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(|sessions| sessions)
    }

    /// Creates a world whose sessions have other settings.
    pub(crate) fn with(set: impl FnOnce(Sessions) -> Sessions) -> Self {
        let memory = MemoryStore::default();
        Self::over(memory.clone(), memory, set)
    }

    /// Makes a world with the revocation state in a separate store, so a revocation removes no
    /// sessions.
    pub(crate) fn apart() -> Self {
        Self::over(MemoryStore::default(), MemoryStore::default(), |sessions| sessions)
    }

    fn over(
        memory: MemoryStore,
        revocations: MemoryStore,
        set: impl FnOnce(Sessions) -> Sessions,
    ) -> Self {
        let clock = ManualClock::new();
        let store = Arc::new(Watched::over(memory));
        let sessions = Sessions::new(
            Arc::clone(&store) as Arc<dyn SessionStore>,
            Arc::new(revocations.clone()),
            Arc::new(clock.clone()),
            Arc::new(Random),
        );
        Self { clock, memory: revocations, store, sessions: Arc::new(set(sessions)) }
    }

    pub(crate) fn now(&self) -> SystemTime {
        self.clock.wall()
    }

    pub(crate) fn pass(&self, time: Duration) {
        self.clock.advance(time);
    }

    /// Signs a user in.
    pub(crate) fn sign_in(&self, user: &str) -> (SessionToken, Session) {
        done(self.sessions.create(NewSession::new(user))).unwrap()
    }

    /// Returns `true` if the token has an active session.
    pub(crate) fn opens(&self, token: &SessionToken) -> bool {
        done(self.sessions.verify(token)).is_ok()
    }
}

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const MINUTE: Duration = Duration::from_mins(1);
pub(crate) const HOUR: Duration = Duration::from_hours(1);

/// Entropy source of the operating system.
pub(crate) struct Random;

impl Entropy for Random {
    fn fill(&self, bytes: &mut [u8]) {
        aws_lc_rs::rand::fill(bytes).expect("the system has randomness");
    }
}

/// Runs a future that must complete without waiting.
pub(crate) fn done<F: Future>(future: F) -> F::Output {
    match begin(pin!(future)) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits"),
    }
}

/// Polls a future once.
pub(crate) fn begin<F: Future + ?Sized>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Store that counts writes, and that can be made unavailable or hang.
pub(crate) struct Watched {
    inner: MemoryStore,
    touches: AtomicU32,
    is_away: AtomicBool,
    hangs: AtomicBool,
}

impl Watched {
    fn over(inner: MemoryStore) -> Self {
        let (touches, is_away, hangs) =
            (AtomicU32::new(0), AtomicBool::new(false), AtomicBool::new(false));
        Self { inner, touches, is_away, hangs }
    }

    /// Returns the number of writes of activity.
    pub(crate) fn touches(&self) -> u32 {
        self.touches.load(Ordering::SeqCst)
    }

    pub(crate) fn set_away(&self, is_away: bool) {
        self.is_away.store(is_away, Ordering::SeqCst);
    }

    /// Makes every operation wait while `hangs` is `true`. A waiting operation continues at its
    /// first poll after `hangs` is `false`.
    pub(crate) fn set_hanging(&self, hangs: bool) {
        self.hangs.store(hangs, Ordering::SeqCst);
    }

    fn pass<'a, T: Send + 'a>(&'a self, answer: StoreFuture<'a, T>) -> StoreFuture<'a, T> {
        Box::pin(async move {
            poll_fn(|_| match self.hangs.load(Ordering::SeqCst) {
                true => Poll::Pending,
                false => Poll::Ready(()),
            })
            .await;
            if self.is_away.load(Ordering::SeqCst) {
                return Err(StoreError::Unavailable("connection refused".into()));
            }
            answer.await
        })
    }
}

impl SessionStore for Watched {
    fn create<'a>(&'a self, key: &'a SessionKey, session: &'a Session) -> StoreFuture<'a, ()> {
        self.pass(Box::pin(async { self.inner.create(key, session).await }))
    }

    fn find<'a>(&'a self, key: &'a SessionKey) -> StoreFuture<'a, Option<Session>> {
        self.pass(Box::pin(async { self.inner.find(key).await }))
    }

    fn get<'a>(&'a self, id: &'a SessionId) -> StoreFuture<'a, Option<Session>> {
        self.pass(Box::pin(async { self.inner.get(id).await }))
    }

    fn of_user<'a>(&'a self, user: &'a UserId) -> StoreFuture<'a, Vec<Session>> {
        self.pass(Box::pin(async { self.inner.of_user(user).await }))
    }

    fn touch<'a>(&'a self, id: &'a SessionId, seen_at: SystemTime) -> StoreFuture<'a, bool> {
        self.touches.fetch_add(1, Ordering::SeqCst);
        self.pass(Box::pin(async move { self.inner.touch(id, seen_at).await }))
    }

    fn rotate<'a>(
        &'a self,
        id: &'a SessionId,
        key: &'a SessionKey,
        signed_in_at: Option<SystemTime>,
    ) -> StoreFuture<'a, bool> {
        self.pass(Box::pin(async move { self.inner.rotate(id, key, signed_in_at).await }))
    }

    fn put_data<'a>(&'a self, id: &'a SessionId, data: &'a SessionData) -> StoreFuture<'a, bool> {
        self.pass(Box::pin(async { self.inner.put_data(id, data).await }))
    }

    fn remove<'a>(&'a self, id: &'a SessionId) -> StoreFuture<'a, bool> {
        self.pass(Box::pin(async { self.inner.remove(id).await }))
    }

    fn sweep(&self, now: SystemTime) -> StoreFuture<'_, u64> {
        self.pass(Box::pin(async move { self.inner.sweep(now).await }))
    }
}
