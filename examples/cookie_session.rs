//! Signs browsers in over HTTP with a cookie, which admits their sockets. A sign-out ends the session and its sockets.
//!
//! `cargo run -p doorward-examples --example cookie_session`, then `node cookie.mjs` in `examples/clients/node`. The
//! cookie counts only for pages of this origin, so a page of another site cannot use it.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{delete, post},
};
use doorward::{
    Principals, Revoke,
    auth::{Headers, Origins, RequestKind, SessionCookie, SignedIn},
    prelude::*,
    server::{Listeners, OsEntropy, ShutdownSignal, SystemClock},
    session::{MemoryStore, NewSession, Sessions},
};

/// State of the HTTP routes.
#[derive(Clone)]
struct App {
    sessions: Arc<Sessions>,
    origins: Arc<Origins>,
    cookie: SessionCookie,
    principals: Principals,
}

#[derive(serde::Deserialize)]
struct SignIn {
    user: String,
}

/// Signs in any user. A real program verifies a password or a passkey here.
async fn sign_in(State(app): State<App>, headers: HeaderMap, Json(who): Json<SignIn>) -> Response {
    // Without this check, a page of another site could sign its visitors in to an account of its owner.
    let (headers, _) = Headers::split(&headers);
    if !app.origins.may_use_cookie(RequestKind::Write, &headers) {
        return StatusCode::FORBIDDEN.into_response();
    }
    match app.sessions.create(NewSession::new(who.user)).await {
        Ok((token, _)) => {
            (StatusCode::NO_CONTENT, [(header::SET_COOKIE, app.cookie.set_cookie(&token))])
                .into_response()
        }
        Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

/// Ends the session. Its sockets have closed when the browser reads the answer.
async fn sign_out(State(app): State<App>, headers: HeaderMap) -> Result<Response, StatusCode> {
    let (headers, credentials) = Headers::split(&headers);
    let token = app.cookie.token(RequestKind::Write, &headers, &credentials);
    let token = token.ok().flatten().ok_or(StatusCode::UNAUTHORIZED)?;
    let session = app.sessions.verify(&token).await.map_err(|_unknown| StatusCode::UNAUTHORIZED)?;
    let done = app.principals.revoke(Revoke::Session(session.id)).await;
    done.map_err(|_away| StatusCode::SERVICE_UNAVAILABLE)?;
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, app.cookie.clear_cookie())]).into_response())
}

struct Home;

#[gateway]
impl Home {
    #[subscribe("whoami")]
    async fn whoami(&self, me: Principal<SignedIn>) -> String {
        me.user().as_str().to_owned()
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().init();
    let listen = std::env::var("LISTEN").unwrap_or("localhost:3000".into());
    let listeners = Listeners::bind(&listen).await?;

    let port = listeners.port().unwrap_or_default();
    let origins = Arc::new(Origins::new(&format!("http://localhost:{port}"))?);
    let store = Arc::new(MemoryStore::default());
    let (clock, entropy) = (Arc::new(SystemClock), Arc::new(OsEntropy));
    let sessions = Arc::new(Sessions::new(store.clone(), store.clone(), clock, entropy));
    let cookie = SessionCookie::new(sessions.clone(), origins.clone());

    let doorward = Doorward::builder()
        .authenticate(cookie.clone())
        .revocations(store)
        .gateway(Home)
        .build()?;
    let principals = doorward.principals();
    let app = Router::new()
        .route("/session", post(sign_in))
        .route("/session", delete(sign_out))
        .with_state(App { sessions, origins, cookie, principals })
        .route_service("/socket.io/", doorward.service());
    doorward.serve_with(listeners, app, ShutdownSignal::install()?.received()).await?;
    Ok(())
}
