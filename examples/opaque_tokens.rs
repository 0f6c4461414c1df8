//! Accepts the opaque tokens of an authorization server, and asks it again while sockets are connected.
//!
//! `INTROSPECTION_URL=.. CLIENT_ID=.. CLIENT_SECRET=.. cargo run -p doorward-examples --example opaque_tokens`. A socket
//! closes within seconds after its token was revoked at the authorization server.

use std::time::Duration;

use doorward::{auth::Introspection, prelude::*};

struct Home;

#[gateway]
impl Home {
    #[subscribe("whoami")]
    async fn whoami(&self, me: Principal<Claims>) -> String {
        me.subject().to_owned()
    }
}

#[tokio::main]
async fn main() -> doorward::Result {
    tracing_subscriber::fmt().init();
    let setting = |name| std::env::var(name).unwrap_or_default();
    let listen = std::env::var("LISTEN").unwrap_or("localhost:3000".into());
    let tokens = Introspection::at(
        setting("INTROSPECTION_URL"),
        setting("CLIENT_ID"),
        setting("CLIENT_SECRET"),
    )
    .audience("chat")?;

    Doorward::builder()
        .authenticate(tokens)
        // The tokens of connected sockets are asked about at this interval. The default is 10 seconds.
        .limits(|limits| limits.sweep_interval = Duration::from_secs(2))
        .gateway(Home)
        .build()?
        .serve(&listen)
        .await?;
    Ok(())
}
