//! Complete service for tests, with a database in a folder, a manual clock, and sockets and browsers without a port.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, body::Body, routing::get};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use doorward::{
    Doorward,
    auth::{Issuer, KeyRing, SigningKey},
    prelude::*,
    server::{Entropy as _, OsEntropy, PeerAddr},
    session::Sessions,
    test::{TestClient, TestServer},
};
use doorward_core::{AccountStore, SessionStore, TicketStore};
use doorward_identity::{CurrentSession, Identity, IdentityBuilder, RequireSession};
use doorward_sql::SqlStore;
use doorward_testkit::{AuditLog, ManualClock, SoftPasskey};
use http::{HeaderMap, Method, Request, StatusCode, header};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use tower_service::Service as _;

/// Public URL of the service.
pub(crate) const URL: &str = "http://localhost:3000";

/// Default address of clients.
pub(crate) const PEER: ([u8; 4], u16) = ([203, 0, 113, 7], 4711);

/// Running service with its clock, stores and audit log.
pub(crate) struct World {
    pub(crate) clock: ManualClock,
    pub(crate) audit: AuditLog,
    pub(crate) store: Arc<SqlStore>,
    pub(crate) identity: Identity,
    pub(crate) server: TestServer,
    pub(crate) app: Router,
    _folder: TempDir,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(|builder| builder).await
    }

    pub(crate) async fn with(change: impl FnOnce(IdentityBuilder) -> IdentityBuilder) -> Self {
        let folder = TempDir::new().unwrap();
        let store = Arc::new(SqlStore::open(folder.path().join("doorward.db")).await.unwrap());
        Self::on(folder, &store, (store.clone(), store.clone(), store.clone()), change).await
    }

    /// Starts a service on stores that a test has wrapped.
    pub(crate) async fn on(
        folder: TempDir,
        store: &Arc<SqlStore>,
        parts: (Arc<dyn AccountStore>, Arc<dyn SessionStore>, Arc<dyn TicketStore>),
        change: impl FnOnce(IdentityBuilder) -> IdentityBuilder,
    ) -> Self {
        let clock = ManualClock::new();
        let audit = AuditLog::default();
        let (accounts, sessions, tickets) = parts;
        let (time, random) = (Arc::new(clock.clone()), Arc::new(OsEntropy));
        let sessions = Sessions::new(sessions, store.clone(), time.clone(), random);
        let keys = Arc::new(KeyRing::new(SigningKey::generate().unwrap()));
        let builder = Identity::builder(URL, accounts, Arc::new(sessions), tickets)
            .decoy_secret([7; 32])
            .issuer(Issuer::with_ring(keys, "doorward", "doorward"))
            .audit(Arc::new(audit.clone()))
            .clock(time);
        let identity = change(builder).build().unwrap();
        let doorward = Doorward::builder()
            .clock(clock.clone())
            .revocations(Arc::clone(store))
            .authenticate(identity.cookie())
            .gateway(Gateway::at("/").on("echo", |Payload(text): Payload<String>| async { text }))
            .public(identity.gateway())
            .build()
            .unwrap();
        let app = Router::new()
            .route("/private", get(private).post(private))
            .layer(RequireSession::new(identity.clone()))
            .merge(identity.routes(doorward.principals()));
        let server = TestServer::start(doorward).await.unwrap();
        Self { clock, audit, store: Arc::clone(store), identity, server, app, _folder: folder }
    }

    pub(crate) fn browser(&self) -> Browser {
        Browser { app: self.app.clone(), cookies: BTreeMap::new(), peer: PEER.into() }
    }

    /// Connects to `/auth` as a page of the server.
    pub(crate) async fn page(&self) -> TestClient {
        let visitor = self.server.visitor().header("origin", URL).header("user-agent", AGENT);
        visitor.peer(PEER.into()).connect("/auth", ()).await
    }

    /// Creates an account over a socket, and signs a browser in.
    pub(crate) async fn sign_up(&self, name: &str) -> (SoftPasskey, Browser) {
        let (mut passkey, mut browser) = (SoftPasskey::new(), self.browser());
        let (verifier, challenge) = pair();
        let mut page = self.page().await;
        let wish = json!({ "username": name, "challenge": challenge });
        let begun = ask(&mut page, "webauthn:register", &wish).await;
        assert_eq!(begun["success"], true, "{begun}");
        let verify = attestation(&mut passkey, &begun);
        let done = ask(&mut page, "webauthn:register:verify", &verify).await;
        browser.exchange(&done, &verifier).await;
        (passkey, browser)
    }

    /// Signs a browser in with a passkey and without a user name.
    pub(crate) async fn sign_in(&self, passkey: &mut SoftPasskey, browser: &mut Browser) {
        let (verifier, challenge) = pair();
        let mut page = self.page().await;
        let begun =
            ask(&mut page, "webauthn:authenticate", &json!({ "challenge": challenge })).await;
        let verify = assertion(passkey, &begun);
        let done = ask(&mut page, "webauthn:authenticate:verify", &verify).await;
        browser.exchange(&done, &verifier).await;
    }

    /// Connects with the cookies of a browser, and waits until the socket is admitted.
    pub(crate) async fn connect(&self, browser: &Browser) -> TestClient {
        let cookie = browser.cookie_header().unwrap();
        let visitor = self.server.visitor().header("origin", URL).header("cookie", &cookie);
        visitor.connect("/", ()).await
    }

    pub(crate) fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

async fn private(CurrentSession(session): CurrentSession) -> String {
    session.user.as_str().to_owned()
}

/// Sends an event and returns its ack.
pub(crate) async fn ask(page: &mut TestClient, event: &str, payload: &Value) -> Value {
    page.emit_with_ack(event, payload.clone()).await
}

/// Returns the answer of a passkey to the options of a registration.
pub(crate) fn attestation(passkey: &mut SoftPasskey, begun: &Value) -> Value {
    json!({ "credential": passkey.attestation(&begun["options"], URL).answer(passkey) })
}

/// Returns the answer of a passkey to the options of a sign-in.
pub(crate) fn assertion(passkey: &mut SoftPasskey, begun: &Value) -> Value {
    json!({ "credential": passkey.assertion(&begun["options"], URL).answer(passkey) })
}

/// Returns a random verifier and its challenge, as in PKCE (RFC 7636, method S256).
pub(crate) fn pair() -> (String, String) {
    let mut bytes = [0; 32];
    OsEntropy.fill(&mut bytes);
    let verifier = URL_SAFE_NO_PAD.encode(bytes);
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&verifier));
    (verifier, challenge)
}

/// Browser with a cookie jar, which shows a page of the server.
#[derive(Clone)]
pub(crate) struct Browser {
    app: Router,
    pub(crate) cookies: BTreeMap<String, String>,
    pub(crate) peer: SocketAddr,
}

/// HTTP response with its body parsed as JSON. A body that is not JSON is `null`.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) json: Value,
}

impl Answer {
    /// Returns the status and the code of an error, which must be a problem document (RFC 9457).
    pub(crate) fn code(&self) -> (u16, &str) {
        assert_eq!(self.headers[header::CONTENT_TYPE], "application/problem+json", "{self:?}");
        (self.status.as_u16(), self.json["code"].as_str().unwrap())
    }
}

impl Browser {
    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.send(Method::GET, path, None, &[("sec-fetch-site", "same-origin")]).await
    }

    pub(crate) async fn post(&mut self, path: &str, body: &Value) -> Answer {
        self.change(Method::POST, path, Some(body)).await
    }

    pub(crate) async fn delete(&mut self, path: &str) -> Answer {
        self.change(Method::DELETE, path, None).await
    }

    /// Sends a request that changes data, with the headers of a page of the server.
    pub(crate) async fn change(
        &mut self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Answer {
        let headers = [("origin", URL), ("sec-fetch-site", "same-origin")];
        self.send(method, path, body, &headers).await
    }

    /// Sends a request with exactly these headers in addition to the cookies.
    pub(crate) async fn send(
        &mut self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header("user-agent", AGENT);
        if let Some(cookie) = self.cookie_header() {
            request = request.header(header::COOKIE, cookie);
        }
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let mut request = request.body(body).unwrap();
        request.extensions_mut().insert(PeerAddr(self.peer));
        let response = self.app.call(request).await.unwrap();
        let (parts, body) = response.into_parts();
        for cookie in parts.headers.get_all(header::SET_COOKIE) {
            self.keep(cookie.to_str().unwrap());
        }
        let bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
        let json = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Answer { status: parts.status, headers: parts.headers, json }
    }

    /// Exchanges the ticket of a sign-in for a session cookie.
    pub(crate) async fn exchange(&mut self, done: &Value, verifier: &str) {
        assert_eq!(done["success"], true, "{done}");
        let body = json!({ "ticket": done["ticket"], "verifier": verifier });
        let answer = self.post("/auth/session", &body).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT, "{answer:?}");
    }

    pub(crate) fn cookie_header(&self) -> Option<String> {
        let pairs: Vec<_> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    pub(crate) fn session_cookie(&self) -> Option<&str> {
        self.cookies.get("__Host-doorward").map(String::as_str)
    }

    /// Stores or removes the cookie of a `Set-Cookie` header, and asserts its attributes.
    fn keep(&mut self, cookie: &str) {
        let (pair, attributes) = cookie.split_once("; ").unwrap();
        assert!(attributes.starts_with("Path=/; Secure; HttpOnly; SameSite="), "{cookie}");
        let (name, value) = pair.split_once('=').unwrap();
        match attributes.contains("Max-Age=0") {
            true => drop(self.cookies.remove(name)),
            false => drop(self.cookies.insert(name.to_owned(), value.to_owned())),
        }
    }
}

/// User agent that the service shows as `Chrome on Linux`.
pub(crate) const AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36";
