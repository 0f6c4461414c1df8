//! The shortest program: an echo for clients with a valid token.
//!
//! `JWT_SECRET=.. cargo run -p doorward-examples --example echo`, then connect any Socket.IO client with
//! `auth: { token }`, where the token is signed with that secret (HS256).

use doorward::prelude::*;

struct Events;

#[gateway]
impl Events {
    #[subscribe("echo")]
    async fn echo(&self, Payload(text): Payload<String>) -> String {
        text
    }
}

#[tokio::main]
async fn main() -> doorward::Result {
    tracing_subscriber::fmt().init();
    let secret = std::env::var("JWT_SECRET").unwrap_or_default();
    let listen = std::env::var("LISTEN").unwrap_or("localhost:3000".into());

    Doorward::builder()
        .authenticate(Jwt::hs256(secret)?)
        .gateway(Events)
        .build()?
        .serve(&listen)
        .await?;
    Ok(())
}
