//! The program of README.md: clients enter the room of their team, which their token names.
//!
//! `JWT_SECRET=.. cargo run -p doorward-examples --example front`, then connect any Socket.IO client whose token is
//! signed with that secret (HS256) and has the claim `team`.

// #region program
use doorward::prelude::*;

struct Teams;

#[gateway("/")]
impl Teams {
    #[room("team:{id}")]
    async fn may_join(&self, me: Principal<Claims>, id: &str) -> bool {
        me.get("team").is_some_and(|team| team == id)
    }

    #[subscribe("join")]
    async fn join(
        &self,
        me: Socket<Claims>,
        Payload(room): Payload<String>,
    ) -> Result<usize, Exception> {
        me.join(&room).await?;
        Ok(me.to(room).emit("joined", me.user().as_str())?.local)
    }
}

#[tokio::main]
async fn main() -> doorward::Result {
    let secret = std::env::var("JWT_SECRET").unwrap_or_default();
    let listen = std::env::var("LISTEN").unwrap_or("localhost:3000".into());

    let doorward = Doorward::builder().authenticate(Jwt::hs256(secret)?).gateway(Teams).build()?;
    Ok(doorward.serve(&listen).await?)
}
// #endregion
