//! Server in memory whose credentials state their lifetime, session and token, and whose users' roles
//! can change.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use doorward::{
    BoxError, Builder, Principals,
    auth::{AuthenticateError, Authenticator, Handshake, Issued, RefusalReason, TokenId},
    prelude::*,
    server::{Clock as _, WithAuthenticator},
    session::{Lease, LeaseError, MemoryStore, SessionId},
    store::{BoxFuture, RevocationStore as _},
    test::{ManualClock, TestClient, TestServer},
};
use doorward_testkit::AuditLog;
use serde_json::Value;
use tokio::sync::Notify;

/// Principal of the test application: its roles.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) roles: Vec<String>,
}

impl HasRoles for Member {
    fn has_role(&self, role: &str) -> bool {
        self.roles.iter().any(|own| own == role)
    }
}

/// Roles of each user, as the application's database would hold them.
pub(crate) type Users = Arc<Mutex<HashMap<String, Vec<String>>>>;

/// Server in memory, and the clock, stores and gates that its sockets depend on.
pub(crate) struct Lasting {
    pub(crate) server: TestServer,
    pub(crate) clock: ManualClock,
    pub(crate) audit: AuditLog,
    pub(crate) store: MemoryStore,
    pub(crate) users: Users,
    /// Lease shared by all clients that show a session.
    pub(crate) lease: Arc<OneLease>,
    pub(crate) gate: Arc<Gate>,
}

/// Holds authentications of users whose name begins with `slow` until a test opens it.
#[derive(Default)]
pub(crate) struct Gate {
    pub(crate) begun: Notify,
    pub(crate) open: Notify,
    pub(crate) passed: AtomicUsize,
}

pub(crate) type Members = Builder<WithAuthenticator<Member>>;

impl Lasting {
    /// Serves with the builder changed by `change`.
    pub(crate) async fn with(change: impl FnOnce(Members) -> Members) -> Self {
        Self::at(ManualClock::new(), change).await
    }

    /// Does the same as [`with`](Self::with), on a clock that other servers share.
    pub(crate) async fn at(clock: ManualClock, change: impl FnOnce(Members) -> Members) -> Self {
        let (audit, store) = (AuditLog::default(), MemoryStore::default());
        let (users, gate) = (Users::default(), Arc::new(Gate::default()));
        let lease = Arc::new(OneLease::new(clock.wall() + HOUR));
        let authenticator = ByPayload {
            clock: clock.clone(),
            users: Arc::clone(&users),
            lease: Arc::clone(&lease),
            gate: Arc::clone(&gate),
        };
        let builder = Doorward::builder()
            .authenticate(authenticator)
            .clock(clock.clone())
            .audit(audit.clone())
            .revocations(store.clone());
        let server = TestServer::start(change(builder).build().unwrap()).await.unwrap();
        Self { server, clock, audit, store, users, lease, gate }
    }

    /// Serves one gateway.
    pub(crate) async fn serve(gateway: Gateway<Member>) -> Self {
        Self::with(|builder| builder.gateway(gateway)).await
    }

    /// Serves an echo.
    pub(crate) async fn start() -> Self {
        Self::serve(echo()).await
    }

    pub(crate) async fn connect(&self, auth: Value) -> TestClient {
        self.server.connect("/", auth).await
    }

    pub(crate) fn principals(&self) -> Principals {
        self.server.doorward().principals()
    }

    pub(crate) async fn generation(&self, user: &str) -> u64 {
        self.store.read(&user.into(), None, None).await.unwrap().generation
    }

    pub(crate) fn set_roles(&self, user: &str, roles: &[&str]) {
        let roles = roles.iter().map(|role| (*role).to_owned()).collect();
        self.users.lock().unwrap().insert(user.to_owned(), roles);
    }
}

/// Gateway with an echo and the roles of the client.
pub(crate) fn echo() -> Gateway<Member> {
    Gateway::at("/")
        .on("echo", |Payload(value): Payload<Value>| async move { value })
        .on("roles", |me: Principal<Member>| async move { me.roles.clone() })
}

/// Authenticator that believes the payload: `user`, and what the credential shall state.
///
/// | member | effect |
/// |---|---|
/// | `error` | the authenticator is unavailable, or `undecided` |
/// | `expires_in` | seconds until the credential expires |
/// | `session`, `token` | ids that can be revoked |
/// | `signed_in_ago`, `issued_ago` | seconds before now |
/// | `generation` | generation of the user's revocation state |
struct ByPayload {
    clock: ManualClock,
    users: Users,
    lease: Arc<OneLease>,
    gate: Arc<Gate>,
}

impl Authenticator for ByPayload {
    type Principal = Member;

    async fn authenticate(&self, handshake: Handshake) -> Result<Grant<Member>, AuthenticateError> {
        let auth = &handshake.auth;
        let Some(name) = auth.get_str("user") else {
            return Err(Refusal::new("invalid_token", "Invalid token").into());
        };
        match auth.get_str("error") {
            Some("undecided") => {
                return Err(AuthenticateError::Undecided(RefusalReason::KeyUnknown));
            }
            Some(_) => return Err(AuthenticateError::Unavailable("the store is away".into())),
            None => {}
        }
        let roles = roles_of(&self.users, name);
        let mut grant = Grant::new(Member { roles }, name);
        let ago = |seconds| self.clock.wall() - Duration::from_secs(seconds);
        let number = |key| auth.get(key).and_then(Value::as_u64);
        if let Some(seconds) = number("expires_in") {
            grant = grant.expires_at(self.clock.wall() + Duration::from_secs(seconds));
        }
        if let Some(session) = auth.get_str("session") {
            grant = grant.session(SessionId::new(session)).lease(Arc::clone(&self.lease) as _);
        }
        if let Some(token) = auth.get_str("token") {
            grant = grant.token(TokenId::new(token));
        }
        if let Some(seconds) = number("signed_in_ago") {
            grant = grant.signed_in_at(ago(seconds));
        }
        if let Some(seconds) = number("issued_ago") {
            grant = grant.issued(Issued::At(ago(seconds)));
        }
        if let Some(generation) = number("generation") {
            grant = grant.issued(Issued::Generation(generation));
        }
        let (users, user) = (Arc::clone(&self.users), name.to_owned());
        grant =
            grant.reload(Arc::new(move || Box::pin(std::future::ready(reloaded(&users, &user)))));
        if name.starts_with("slow") {
            self.gate.begun.notify_one();
            self.gate.open.notified().await;
            self.gate.passed.fetch_add(1, Ordering::SeqCst);
        }
        Ok(grant)
    }
}

fn roles_of(users: &Users, name: &str) -> Vec<String> {
    users.lock().unwrap().get(name).cloned().unwrap_or_default()
}

/// Reloads a user. The role `gone` stands for a removed user, and `away` for a database that fails.
fn reloaded(users: &Users, name: &str) -> Result<Option<Member>, BoxError> {
    let roles = roles_of(users, name);
    match roles.first().map(String::as_str) {
        Some("away") => Err("the database is away".into()),
        Some("gone") => Ok(None),
        _ => Ok(Some(Member { roles })),
    }
}

/// Lease of a session whose store answers as a test says.
pub(crate) struct OneLease {
    state: Mutex<LeaseState>,
    /// Notified at each renewal.
    pub(crate) asked: Notify,
}

struct LeaseState {
    expires_at: SystemTime,
    idle: Duration,
    /// Answer of the store in place of `expires_at`; set by a test.
    answer: Option<fn(SystemTime) -> Result<SystemTime, LeaseError>>,
    touched: usize,
}

impl OneLease {
    fn new(expires_at: SystemTime) -> Self {
        let state = LeaseState { expires_at, idle: HOUR, answer: None, touched: 0 };
        Self { state: Mutex::new(state), asked: Notify::new() }
    }

    pub(crate) fn answers(&self, answer: fn(SystemTime) -> Result<SystemTime, LeaseError>) {
        self.state.lock().unwrap().answer = Some(answer);
    }

    pub(crate) fn touched(&self) -> usize {
        self.state.lock().unwrap().touched
    }
}

impl Lease for OneLease {
    fn touch(&self, now: SystemTime) {
        let mut state = self.state.lock().unwrap();
        state.touched += 1;
        state.expires_at = now + state.idle;
    }

    fn expires_at(&self) -> Option<SystemTime> {
        Some(self.state.lock().unwrap().expires_at)
    }

    fn renew(&self, now: SystemTime) -> BoxFuture<'_, Result<(), LeaseError>> {
        let mut state = self.state.lock().unwrap();
        let end = state.expires_at;
        let known = if end > now { Ok(end) } else { Err(LeaseError::Ended) };
        let answer = state.answer.map_or(known, |answer| answer(now));
        if let Ok(until) = answer {
            state.expires_at = until;
        }
        self.asked.notify_one();
        Box::pin(std::future::ready(answer.map(drop)))
    }
}

/// Idle timeout of the session.
pub(crate) const HOUR: Duration = Duration::from_secs(3600);
