//! Protects the sockets and the routes of an application that has its own users and its own cookie.
//!
//! `JWT_SECRET=.. cargo run -p doorward-examples --example own_users`. A browser signs in with
//! `POST /login?name=alice` and gets the cookie `sid`. A program gets a token from `GET /token`, and
//! sends it in `Authorization` or in `auth.token`. One policy applies to sockets and routes.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    extract::{FromRef, Query, State},
    http::{StatusCode, header},
    response::IntoResponse,
    routing::{get, post},
};
use doorward::{
    auth::{FirstOf, Issuer, Origins, cookie_fn},
    prelude::*,
    routes::{Authenticated, Authentication},
    server::{Clock, Entropy, Listeners, OsEntropy, ShutdownSignal, SystemClock},
};

/// User of the application. A real application reads it from its database.
#[derive(Clone)]
struct User {
    name: String,
}

/// Sessions of the application, by the value of their cookie.
#[derive(Clone, Default)]
struct OwnSessions(Arc<Mutex<HashMap<String, User>>>);

impl OwnSessions {
    fn find(&self, sid: &str) -> Option<User> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(sid).cloned()
    }

    fn create(&self, name: String) -> String {
        let mut bytes = [0; 16];
        OsEntropy.fill(&mut bytes);
        let sid = format!("{:032x}", u128::from_be_bytes(bytes));
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(sid.clone(), User { name });
        sid
    }
}

struct Home;

#[gateway]
impl Home {
    #[subscribe("whoami")]
    async fn whoami(&self, me: Principal<User>) -> String {
        me.name.clone()
    }
}

async fn whoami(user: Authenticated<User>) -> String {
    user.name.clone()
}

/// Signs in any user. A real application verifies a password here, and checks the page that sent the
/// request.
async fn login(
    State(app): State<App>,
    Query(user): Query<HashMap<String, String>>,
) -> impl IntoResponse {
    let sid = app.sessions.create(user.get("name").cloned().unwrap_or_default());
    let cookie = format!("sid={sid}; Path=/; HttpOnly; SameSite=Lax");
    (StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)])
}

/// Returns a token of 15 minutes for the signed-in user.
async fn token(State(app): State<App>, user: Authenticated<User>) -> Result<String, StatusCode> {
    let mut id = [0; 16];
    OsEntropy.fill(&mut id);
    let id = format!("{:032x}", u128::from_be_bytes(id));
    let issued =
        app.issuer.issue(&user.name, Duration::from_secs(15 * 60), SystemClock.wall(), &id);
    issued.map_err(|_error| StatusCode::INTERNAL_SERVER_ERROR)
}

#[derive(Clone)]
struct App {
    sessions: OwnSessions,
    issuer: Issuer,
    authentication: Authentication<User>,
}

impl FromRef<App> for Authentication<User> {
    fn from_ref(app: &App) -> Self {
        app.authentication.clone()
    }
}

#[tokio::main]
async fn main() -> doorward::Result {
    tracing_subscriber::fmt().init();
    let secret = std::env::var("JWT_SECRET").unwrap_or_default();
    let listen = std::env::var("LISTEN").unwrap_or("localhost:3000".into());
    let listeners = Listeners::bind(&listen).await?;
    let page = format!("http://localhost:{}", listeners.port().unwrap_or_default());

    let sessions = OwnSessions::default();
    let known = sessions.clone();
    let cookie = cookie_fn("sid", Origins::new(&page)?, move |sid: String| {
        // A real application awaits its database here.
        let user = known.find(&sid);
        async move { Ok(user.map(|user| Grant::new(user.clone(), user.name))) }
    });
    let tokens = Jwt::hs256(&secret)?
        .load(|claims: Claims| async move { Ok(Some(User { name: claims.subject().to_owned() })) });

    let doorward = Doorward::builder()
        .authenticate(FirstOf::new(tokens).or(cookie)) // protects the sockets
        .gateway(Home)
        .build()?;
    let (issuer, authentication) = (Issuer::hs256(&secret)?, doorward.authentication()?);
    let app = Router::new()
        .route("/whoami", get(whoami)) // its argument protects the route
        .route("/token", get(token))
        .route("/login", post(login))
        .with_state(App { sessions, issuer, authentication })
        .route_service("/socket.io/", doorward.service());
    doorward.serve_with(listeners, app, ShutdownSignal::install()?.received()).await?;
    Ok(())
}
