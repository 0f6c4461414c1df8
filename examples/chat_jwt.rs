//! Serves a chat with rooms to clients whose token has the scope `chat`.
//!
//! `JWT_SECRET=.. cargo run -p doorward-examples --example chat_jwt`. Clients emit `join "lobby"`, then
//! `say ("lobby", "hello")`, and listen to `said`, `joined` and `left`.

use std::time::Duration;

use doorward::{garde, prelude::*};
use serde::{Deserialize, Serialize};

struct Chat;

#[derive(Deserialize, garde::Validate)]
struct Message {
    #[garde(length(min = 1, max = 50))]
    room: String,
    #[garde(length(min = 1, max = 500))]
    text: String,
}

#[derive(Serialize, ServerEvent)]
struct Said<'a> {
    who: &'a str,
    text: String,
}

#[derive(Serialize, ServerEvent)]
struct Joined<'a> {
    who: &'a str,
}

#[derive(Serialize, ServerEvent)]
struct Left<'a> {
    who: &'a str,
}

#[gateway(namespace = "/chat")]
#[guard(Scope::new("chat"))]
impl Chat {
    /// Opens every room with a short name to all users of the chat.
    #[room("room:{name}")]
    async fn may_join(&self, _user: Principal<Claims>, name: &str) -> bool {
        name.len() <= 50
    }

    #[subscribe("join")]
    async fn join(
        &self,
        me: Socket<Claims>,
        Payload(room): Payload<String>,
    ) -> Result<usize, BoxError> {
        let room = format!("room:{room}");
        me.join(&room).await?;
        me.to(&room).emit_event(&Joined { who: me.user().as_str() })?;
        Ok(me.hub().to(&room).local_sockets().len())
    }

    #[subscribe("say")]
    #[guard(RateLimit::per_user(20, Duration::from_secs(10)))]
    async fn say(
        &self,
        me: Socket<Claims>,
        Valid(Message { room, text }): Valid<Message>,
    ) -> Result<(), EmitError> {
        // A socket can send only into rooms that it is in.
        me.within(format!("room:{room}")).emit_event(&Said { who: me.user().as_str(), text })?;
        Ok(())
    }

    #[on_disconnect]
    async fn bye(&self, me: Socket<Claims>) {
        // A socket that has left the room cannot send into it any more, so the hub sends the event.
        me.hub().emit_event(&Left { who: me.user().as_str() }).ok();
    }
}

#[tokio::main]
async fn main() -> doorward::Result {
    tracing_subscriber::fmt().init();
    let secret = std::env::var("JWT_SECRET").unwrap_or_default();
    let listen = std::env::var("LISTEN").unwrap_or("localhost:3000".into());

    Doorward::builder()
        .authenticate(Jwt::hs256(secret)?)
        .gateway(Chat)
        .build()?
        .serve(&listen)
        .await?;
    Ok(())
}
