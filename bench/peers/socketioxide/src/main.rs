//! Does the same work as the other servers of the benchmark, on socketioxide and axum.
//!
//! All settings favour socketioxide: WebSocket only, `TCP_NODELAY`, no logs.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use axum::{Router, serve::ListenerExt};
use doorward_bench::{
    Failure, LISTEN,
    credentials::{SECRET, TokenClaims, User, Users},
    output,
};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use socketioxide::{
    SocketIo, TransportType,
    extract::{AckSender, Data, SocketRef, State, TryData},
    handler::ConnectHandler,
};
use tokio::net::TcpListener;

#[derive(Clone)]
struct Known {
    users: Arc<Users>,
    key: Arc<DecodingKey>,
    validation: Arc<Validation>,
}

/// State that a server has to keep for a client.
#[derive(Clone)]
struct Connected {
    _user: Arc<User>,
    _at: SystemTime,
}

#[derive(Deserialize)]
struct Auth {
    token: String,
}

#[derive(Debug)]
struct Unauthorized;

impl fmt::Display for Unauthorized {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Unauthorized")
    }
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let known = Known {
        users: Arc::default(),
        key: Arc::new(DecodingKey::from_secret(SECRET.as_bytes())),
        validation: Arc::new(Validation::new(Algorithm::HS256)),
    };
    let (layer, io) = SocketIo::builder()
        .with_state(known)
        .transports([TransportType::Websocket])
        .ping_interval(Duration::from_secs(25))
        .build_layer();
    io.ns("/", connected.with(authenticate));
    let listener = TcpListener::bind(LISTEN).await?;
    output::line(listener.local_addr()?)?;
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    axum::serve(listener, Router::new().layer(layer)).await?;
    Ok(())
}

async fn authenticate(
    socket: SocketRef,
    TryData(auth): TryData<Auth>,
    State(known): State<Known>,
) -> Result<(), Unauthorized> {
    let auth = auth.map_err(|_| Unauthorized)?;
    let token = jsonwebtoken::decode::<TokenClaims>(&auth.token, &known.key, &known.validation);
    let token = token.map_err(|_| Unauthorized)?;
    let user = known.users.find(&token.claims.sub).ok_or(Unauthorized)?;
    socket.extensions.insert(Connected { _user: user, _at: SystemTime::now() });
    Ok(())
}

async fn connected(socket: SocketRef) {
    socket.on("echo", async |Data::<String>(text), ack: AckSender| {
        drop(ack.send(&text));
    });
    socket.on("shout", async |io: SocketIo, Data::<String>(text)| {
        drop(io.emit("shouted", &text).await);
    });
}
