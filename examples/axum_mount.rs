//! Mounts a gateway beside the routes of an axum application, which send events to its sockets.
//!
//! `JWT_SECRET=.. cargo run -p doorward-examples --example axum_mount`, then connect a client and
//! `curl -X POST --data 'The door is open' localhost:3000/announce`.

use axum::{
    Router,
    extract::State,
    routing::{get, post},
};
use doorward::prelude::*;
use std::net::SocketAddr;

struct News;

#[gateway]
impl News {
    #[subscribe("whoami")]
    async fn whoami(&self, me: Principal<Claims>) -> String {
        me.subject().to_owned()
    }
}

async fn announce(State(hub): State<Hub<Claims>>, text: String) -> String {
    match hub.emit("news", text) {
        Ok(delivered) => format!("{} sockets\n", delivered.local),
        Err(error) => format!("{error}\n"),
    }
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    tracing_subscriber::fmt().init();
    let secret = std::env::var("JWT_SECRET").unwrap_or_default();
    let listen = std::env::var("LISTEN").unwrap_or("localhost:3000".into());

    let doorward = Doorward::builder()
        .authenticate(Jwt::hs256(secret)?)
        .gateway(News)
        // Names the reverse proxies in front. Otherwise all clients share the address of the proxy, and its budget.
        .trusted_proxies(["127.0.0.1", "::1"])
        .build()?;
    let hub = doorward.hub::<Claims>("/")?;
    let app = Router::new()
        .route("/", get(|| async { "Socket.IO is at /socket.io/\n" }))
        .route("/announce", post(announce))
        .with_state(hub)
        // The second path is for clients with `addTrailingSlash: false`.
        .route_service("/socket.io/", doorward.service())
        .route_service("/socket.io", doorward.service());

    let listener = tokio::net::TcpListener::bind(listen).await?;
    tracing::info!(address = %listener.local_addr()?, "Listening.");
    // With its feature `axum`, doorward reads client addresses from the connect info. Budgets count by address.
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?;
    Ok(())
}
