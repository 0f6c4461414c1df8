//! Allows one connection per user. A new connection replaces the old one.
//!
//! `JWT_SECRET=.. cargo run -p doorward-examples --example one_connection_per_user`, then connect twice with a
//! token of the same user. The first client reads `session_ended` with the code `replaced` and does not reconnect,
//! so two tabs do not replace each other without end. `PerUser::RefuseNew(1)` would refuse the second connection
//! instead, after the first has answered a ping. `Gateway::connections` limits the sockets in one namespace.

use doorward::prelude::*;

struct Desk;

#[gateway]
impl Desk {
    #[subscribe("where")]
    async fn whereabouts(&self, me: Socket<Claims>) -> String {
        format!("{} is here, since {:?}", me.user().as_str(), me.connected_at())
    }

    #[on_disconnect]
    async fn gone(&self, me: Socket<Claims>, reason: DisconnectReason) {
        tracing::info!(user = ?me.user(), %reason, "Gone.");
    }
}

#[tokio::main]
async fn main() -> doorward::Result {
    tracing_subscriber::fmt().init();
    let secret = std::env::var("JWT_SECRET").unwrap_or_default();
    let listen = std::env::var("LISTEN").unwrap_or("localhost:3000".into());

    Doorward::builder()
        .authenticate(Jwt::hs256(secret)?)
        .connections(PerUser::ReplaceOldest(1))
        .gateway(Desk)
        .build()?
        .serve(&listen)
        .await?;
    Ok(())
}
