//! Lets the members of a team talk in the room of the team. The token of a user names the team.
//!
//! `JWT_SECRET=.. cargo run -p doorward-examples --example teams`, then `JWT_SECRET=.. node examples/clients/node/teams.mjs`.

// #region program
use doorward::prelude::*;

struct Teams;

#[gateway("/")]
impl Teams {
    #[room("team:{id}")]
    async fn may_join(&self, me: Principal<Claims>, id: &str) -> bool {
        me.get("team").and_then(|team| team.as_str()) == Some(id)
    }

    #[subscribe("join")]
    async fn join(
        &self,
        me: Socket<Claims>,
        Payload(room): Payload<String>,
    ) -> Result<(), JoinError> {
        me.join(&room).await
    }

    #[subscribe("say")]
    async fn say(
        &self,
        me: Socket<Claims>,
        Payload((room, text)): Payload<(String, String)>,
    ) -> Result<usize, EmitError> {
        // The ack is the number of sockets to which the text was sent.
        Ok(me.to(room).emit("said", (me.user().as_str(), text))?.local)
    }
}

#[tokio::main]
async fn main() -> doorward::Result {
    let secret = std::env::var("JWT_SECRET").unwrap_or_default();
    let listen = std::env::var("LISTEN").unwrap_or("localhost:3000".into());

    Doorward::builder()
        .authenticate(Jwt::hs256(secret)?)
        .gateway(Teams)
        .build()?
        .serve(&listen)
        .await?;
    Ok(())
}
// #endregion
