//! Stores a token of another service with each session, on the server.
//!
//! `cargo run -p doorward-examples --example upstream_token`. The program starts a small service in place of a real
//! one. A client emits `orders` and receives the answer of the service. The token of the service is in no frame, no
//! page and no log.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, StatusCode, header},
    response::Html,
    routing::{get, post},
};
use doorward::{
    BoxError, Exception,
    auth::SignedIn,
    prelude::*,
    server::{Entropy as _, Listeners, OsEntropy, ShutdownSignal, SystemClock},
    session::{SessionData, Sessions},
};
use doorward_core::AccountStore as _;
use doorward_identity::{Identity, SignInError};
use doorward_sql::SqlStore;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

/// Gateway with the address of the other service, and with the sessions, whose data contain its tokens.
struct Orders {
    sessions: Arc<Sessions>,
    service: SocketAddr,
}

#[gateway]
impl Orders {
    #[subscribe("orders")]
    async fn orders(&self, me: Principal<SignedIn>) -> Result<String, Exception> {
        let data =
            self.sessions.data(me.session()).await.map_err(|_ended| Exception::internal())?;
        let token = data.0.get("upstream").and_then(|token| token.as_str()).unwrap_or_default();
        let answer = ask(self.service, "GET", "/orders", token).await;
        answer.map_err(|_away| Exception::new("upstream_away", "The orders cannot be read now"))
    }
}

/// Sends a request with a token to the other service, and returns the body of the answer. Fails unless the answer
/// is 200.
async fn ask(at: SocketAddr, method: &str, path: &str, token: &str) -> Result<String, BoxError> {
    let stream = TokioIo::new(TcpStream::connect(at).await?);
    let (mut sender, connection) = http1::handshake(stream).await?;
    tokio::spawn(connection);
    let request = Request::builder().method(method).uri(path).header(header::HOST, "upstream");
    let request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    let response = sender.send_request(request.body(Body::empty())?).await?;
    if response.status() != StatusCode::OK {
        return Err(format!("the service says {}", response.status()).into());
    }
    let body = to_bytes(Body::new(response.into_body()), 4096).await?;
    Ok(String::from_utf8(body.to_vec())?)
}

/// Starts the other service, which issues one token and accepts it. Returns its address.
async fn service() -> std::io::Result<SocketAddr> {
    const TOKEN: &str = "upstream-canary-4711";
    let orders = |request: Request<Body>| async move {
        let shown = request.headers().get(header::AUTHORIZATION);
        let is_known =
            shown.is_some_and(|shown| shown.as_bytes() == format!("Bearer {TOKEN}").as_bytes());
        if is_known { Ok("2 orders") } else { Err(StatusCode::UNAUTHORIZED) }
    };
    let routes = Router::new().route("/token", post(TOKEN)).route("/orders", get(orders));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move { axum::serve(listener, routes).await });
    Ok(address)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).init();
    let listen = std::env::var("LISTEN").unwrap_or("localhost:3000".into());
    let listeners = Listeners::bind(&listen).await?;
    let port = listeners.port().unwrap_or_default();
    let public_url = format!("http://localhost:{port}");
    let service = service().await?;

    let folder = tempfile::tempdir()?; // a real program uses a permanent one
    let store = Arc::new(SqlStore::open(folder.path().join("example.db")).await?);
    let (clock, entropy) = (Arc::new(SystemClock), Arc::new(OsEntropy));
    let sessions = Arc::new(Sessions::new(store.clone(), store.clone(), clock, entropy));
    let mut drawn = [0; 32];
    OsEntropy.fill(&mut drawn);
    let identity = Identity::builder(&public_url, store.clone(), sessions.clone(), store.clone())
        .decoy_secret(store.decoy_secret(&drawn).await?)
        .on_sign_in(move |_who| async move {
            let token =
                ask(service, "POST", "/token", "").await.map_err(SignInError::Unavailable)?;
            let mut data = SessionData::default();
            data.0.insert("upstream".into(), token.into());
            Ok(data)
        })
        .build()?;

    let doorward = Doorward::builder()
        .authenticate(identity.cookie())
        .revocations(store)
        .gateway(Orders { sessions, service })
        .public(identity.gateway())
        .build()?;
    let app = Router::new()
        .route("/", get(Html("<!doctype html><title>Orders</title>")))
        .merge(identity.routes(doorward.principals()))
        .route_service("/socket.io/", doorward.service());
    doorward.serve_with(listeners, app, ShutdownSignal::install()?.received()).await?;
    Ok(())
}
