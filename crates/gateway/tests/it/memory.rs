//! Server in memory whose clients state their name and roles.

use doorward::{
    Builder, Limits,
    auth::{AuthenticateError, Handshake},
    guard::{HasRoles, HasScopes},
    prelude::*,
    server::WithAuthenticator,
    test::{ManualClock, TestClient, TestServer},
};
use doorward_testkit::AuditLog;
use serde_json::json;

/// Principal of the test application: a name and its roles, which are its scopes as well.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) name: String,
    roles: Vec<String>,
}

impl HasRoles for Member {
    fn has_role(&self, role: &str) -> bool {
        self.roles.iter().any(|own| own == role)
    }
}

impl HasScopes for Member {
    fn has_scope(&self, scope: &str) -> bool {
        self.has_role(scope)
    }
}

/// Server in memory, its clock and its audit log.
pub(crate) struct Memory {
    pub(crate) server: TestServer,
    pub(crate) clock: ManualClock,
    pub(crate) audit: AuditLog,
}

type Members = Builder<WithAuthenticator<Member>>;

impl Memory {
    /// Serves one gateway.
    pub(crate) async fn serve(gateway: Gateway<Member>) -> Self {
        Self::with(|builder| builder.gateway(gateway)).await
    }

    /// Serves with the builder changed by `change`.
    pub(crate) async fn with(change: impl FnOnce(Members) -> Members) -> Self {
        let clock = ManualClock::new();
        let audit = AuditLog::default();
        let builder = Doorward::builder()
            .authenticate(authenticate_fn(authenticate))
            .clock(clock.clone())
            .audit(audit.clone());
        let server = TestServer::start(change(builder).build().unwrap()).await.unwrap();
        Self { server, clock, audit }
    }

    /// Connects a client to `/`; `who` is `"name role role"`.
    pub(crate) async fn connect(&self, who: &str) -> TestClient {
        self.server.connect("/", json!({ "token": who })).await
    }
}

/// Reads the token as `"name role role"`.
async fn authenticate(handshake: Handshake) -> Result<Grant<Member>, AuthenticateError> {
    let token = handshake.auth.get_str("token").unwrap_or_default();
    let mut words = token.split(' ').map(str::to_owned);
    match words.next() {
        Some(name) if !name.is_empty() => {
            Ok(Grant::new(Member { name: name.clone(), roles: words.collect() }, name))
        }
        _ => Err(Refusal::new("invalid_token", "Invalid token").into()),
    }
}

/// Small limits, so that a test reaches them with few events.
pub(crate) fn small(limits: &mut Limits) {
    limits.max_rooms = 2;
    limits.max_streams = 2;
    limits.open_acks = 2;
    limits.inbox = 4;
}
