//! Serves what the official test suites of Socket.IO and Engine.IO need.
//!
//! `cargo run --release -p doorward --example conformance -- --listen 127.0.0.1:3000`, then run the suites, which
//! connect to that address. Every client is admitted, so this is no server for anything else.

use std::time::Duration;

use axum::Router;
use doorward::{
    Limits,
    auth::{AuthenticateError, Authenticator, Handshake},
    event::RawArguments,
    prelude::*,
    server::{Listeners, ShutdownSignal},
};

/// Admits every client. The principal is what the client has sent as `auth`.
struct Anyone;

impl Authenticator for Anyone {
    type Principal = serde_json::Value;

    async fn authenticate(
        &self,
        handshake: Handshake,
    ) -> Result<Grant<serde_json::Value>, AuthenticateError> {
        let auth = handshake.auth.decode().unwrap_or_default();
        Ok(Grant::new(auth, "anyone"))
    }
}

fn gateway(namespace: &'static str) -> Gateway<serde_json::Value> {
    Gateway::at(namespace)
        .on_connect(|socket: Socket<serde_json::Value>| async move {
            socket.emit("auth", &*socket.principal())?;
            Ok::<_, Refusal>(())
        })
        .on("message", |socket: Socket<serde_json::Value>, arguments: RawArguments| async move {
            socket.emit("message-back", arguments)
        })
        .on("message-with-ack", |arguments: RawArguments| async move { arguments })
}

fn limits(limits: &mut Limits) {
    limits.ping_interval = Duration::from_millis(300);
    limits.ping_timeout = Duration::from_millis(200);
    limits.connect_timeout = Duration::from_secs(1);
    limits.max_message = 1_000_000;
    // All clients are one user, and the suites may run repeatedly.
    limits.max_user_attempts = 1_000_000;
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let mut arguments = std::env::args().skip_while(|argument| argument != "--listen").skip(1);
    let listen = arguments.next().unwrap_or_else(|| "127.0.0.1:3000".to_owned());
    let socket_io = Doorward::builder()
        .authenticate(Anyone)
        .gateway(gateway("/"))
        .gateway(gateway("/custom"))
        .limits(limits)
        .build()?;
    let engine_io = Doorward::builder()
        .public(Gateway::at("/"))
        .path("/engine.io/")
        .limits(limits)
        .limits(|limits| {
            limits.connect_timeout = Duration::from_hours(1);
            limits.max_connect = 1_000_000;
            limits.max_unauthenticated = 64 * 1024 * 1024;
        })
        .echo_engine()
        .build()?;
    let app = Router::new()
        .route_service("/socket.io/", socket_io.service())
        .route_service("/engine.io/", engine_io.service());
    let listeners = Listeners::bind(&listen).await?;
    socket_io.serve_with(listeners, app, ShutdownSignal::install()?.received()).await?;
    Ok(())
}
