//! Server on a free port with a manual clock, and counters of what its handlers did.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use doorward::{
    Builder, Limits,
    auth::{AuthenticateError, Authenticator, Handshake, RefusalReason},
    prelude::*,
    server::{Clock as _, Listeners, WithAuthenticator},
};
use doorward_testkit::{AuditLog, ManualClock, RawClient};
use tokio::{sync::Notify, task::JoinHandle};

/// Principal of the test application.
#[derive(Debug)]
pub(crate) struct User {
    pub(crate) name: String,
}

/// Counters of calls, and gates that hold an authentication.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) authentications: AtomicUsize,
    pub(crate) connects: AtomicUsize,
    pub(crate) disconnects: AtomicUsize,
    pub(crate) handlers: AtomicUsize,
    /// Opened by a test: one authentication of the token `slow` continues.
    pub(crate) slow: Notify,
    /// Notified when an authentication of the token `slow` has begun.
    pub(crate) begun: Notify,
    /// Notified after each disconnect hook.
    pub(crate) disconnected: Notify,
}

impl Seen {
    pub(crate) fn count(counter: &AtomicUsize) -> usize {
        counter.load(Ordering::SeqCst)
    }
}

/// Running server; its task is aborted on drop.
pub(crate) struct Fixture {
    pub(crate) address: SocketAddr,
    pub(crate) clock: ManualClock,
    pub(crate) audit: AuditLog,
    pub(crate) seen: Arc<Seen>,
    pub(crate) doorward: Arc<Doorward>,
    pub(crate) stop: Arc<Notify>,
    pub(crate) task: JoinHandle<()>,
}

impl Drop for Fixture {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Fixture {
    /// Serves `/` and `/chat` with the gateway of these tests.
    pub(crate) async fn start() -> Self {
        Self::with(|builder, _| builder).await
    }

    /// Serves the same with the builder changed by `change`.
    pub(crate) async fn with(
        change: impl FnOnce(
            Builder<WithAuthenticator<User>>,
            &Arc<Seen>,
        ) -> Builder<WithAuthenticator<User>>,
    ) -> Self {
        // Port 0: the system picks a free port, so tests run in parallel.
        Self::on(Listeners::bind("127.0.0.1:0").await.unwrap(), change)
    }

    /// Serves the same on `listeners`. The address of a Unix socket is `127.0.0.1:0`.
    pub(crate) fn on(
        listeners: Listeners,
        change: impl FnOnce(
            Builder<WithAuthenticator<User>>,
            &Arc<Seen>,
        ) -> Builder<WithAuthenticator<User>>,
    ) -> Self {
        let seen = Arc::new(Seen::default());
        let clock = ManualClock::new();
        let audit = AuditLog::default();
        let builder = Doorward::builder()
            .authenticate(ByToken { seen: Arc::clone(&seen), clock: clock.clone() })
            .gateway(gateway("/", &seen))
            .gateway(gateway("/chat", &seen))
            .clock(clock.clone())
            .audit(audit.clone());
        let doorward = Arc::new(change(builder, &seen).build().unwrap());
        let address = listeners.addresses().first().copied();
        let address = address.unwrap_or_else(|| ([127, 0, 0, 1], 0).into());
        let stop = Arc::new(Notify::new());
        let task = tokio::spawn({
            let (doorward, stop) = (Arc::clone(&doorward), Arc::clone(&stop));
            async move {
                let stopped = async { stop.notified().await };
                doorward.serve_with(listeners, doorward.service(), stopped).await.unwrap();
            }
        });
        Self { address, clock, audit, seen, doorward, stop, task }
    }

    /// Connects a client that is admitted to `/` as alice.
    pub(crate) async fn alice(&self) -> RawClient {
        let mut client = RawClient::open(self.address).await;
        client.text(GOOD).await;
        client.json("40").await;
        client
    }

    pub(crate) fn handlers(&self) -> usize {
        Seen::count(&self.seen.handlers)
    }

    pub(crate) fn authentications(&self) -> usize {
        Seen::count(&self.seen.authentications)
    }
}

/// Authenticator whose tokens name their own outcome: `good:<name>`, `slow:<name>`, or a failure.
struct ByToken {
    seen: Arc<Seen>,
    clock: ManualClock,
}

impl Authenticator for ByToken {
    type Principal = User;

    async fn authenticate(&self, handshake: Handshake) -> Result<Grant<User>, AuthenticateError> {
        self.seen.authentications.fetch_add(1, Ordering::SeqCst);
        let token = handshake.auth.get_str("token").unwrap_or_default();
        let (kind, name) = token.split_once(':').unwrap_or((token, "unnamed"));
        let grant = Grant::new(User { name: name.into() }, name);
        if kind == "slow" {
            self.seen.begun.notify_one();
            self.seen.slow.notified().await;
        }
        match kind {
            "good" => Ok(grant),
            // Without a name, `slow` is refused after its gate opens.
            "slow" if name != "unnamed" => Ok(grant),
            "short" => Ok(grant.expires_at(self.clock.wall() + Duration::from_secs(60))),
            "brief" => Ok(grant.expires_at(self.clock.wall() + Duration::from_secs(2))),
            "expired" => Ok(grant.expires_at(self.clock.wall())),
            "panic" => panic!("an authenticator that panics"),
            "away" => Err(AuthenticateError::Unavailable("the store is away".into())),
            "own" => Err(Refusal::new("invalid_token", "Invalid token").into()),
            "" => Err(Refusal::unauthenticated(RefusalReason::CredentialMissing).into()),
            _ => Err(Refusal::unauthenticated(RefusalReason::TokenSignature).into()),
        }
    }
}

/// Gateway with an echo, a `whoami`, and hooks that count their calls.
fn gateway(namespace: &str, seen: &Arc<Seen>) -> Gateway<User> {
    let (on_connect, on_disconnect, on_event) =
        (Arc::clone(seen), Arc::clone(seen), Arc::clone(seen));
    Gateway::at(namespace)
        .on_connect(move |_: Socket<User>| {
            on_connect.connects.fetch_add(1, Ordering::SeqCst);
            async { Ok(()) }
        })
        .on_disconnect(move |_: Socket<User>, _: DisconnectReason| {
            on_disconnect.disconnects.fetch_add(1, Ordering::SeqCst);
            on_disconnect.disconnected.notify_one();
            async {}
        })
        .on("echo", move |Payload(value): Payload<serde_json::Value>| {
            on_event.handlers.fetch_add(1, Ordering::SeqCst);
            async move { value }
        })
        .on("whoami", |me: Principal<User>| async move { me.name.clone() })
}

/// Small limits, so that a test reaches them with little data.
pub(crate) fn tight(limits: &mut Limits) {
    limits.inbox = 4;
    limits.outbox = 64 * 1024;
}

/// CONNECT to `/` that is admitted as alice.
pub(crate) const GOOD: &str = r#"40{"token":"good:alice"}"#;

/// Waits for work that needs no clock, and fails the test instead of waiting forever.
pub(crate) async fn in_time<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, work).await.expect("the work should finish long before this")
}

/// Advances the clock in steps of 100 ms until the work is done.
pub(crate) async fn while_time_passes<T>(clock: &ManualClock, work: impl Future<Output = T>) -> T {
    let clock = clock.clone();
    let ticking = tokio::spawn(async move {
        loop {
            clock.advance(Duration::from_millis(100));
            // Timers that fired need a turn before the next step.
            tokio::task::yield_now().await;
        }
    });
    let done = in_time(work).await;
    ticking.abort();
    done
}

/// Far longer than any work here takes; only a hanging test reaches it.
const PATIENCE: Duration = Duration::from_secs(60);
