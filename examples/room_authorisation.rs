//! Authorises rooms by policies with patterns, and everything else by one guard.
//!
//! `cargo run -p doorward-examples --example room_authorisation`, then connect with `auth: { token:
//! "ann:red,blue" }` (the name and the teams of a user, where a real program verifies a token) and
//! emit `join "team:red"`.

use doorward::prelude::*;

struct User {
    name: String,
    teams: Vec<String>,
}

/// Denies all connections, events and rooms to members of the team `suspended`.
struct NotSuspended;

impl Guard<User> for NotSuspended {
    async fn check(&self, context: GuardContext<'_, User>) -> Verdict {
        Verdict::allow_if(!context.principal.teams.iter().any(|team| team == "suspended"))
    }
}

struct Teams;

#[gateway]
#[guard(NotSuspended)]
impl Teams {
    #[room("team:{team}")]
    async fn may_join_team(&self, user: Principal<User>, team: &str) -> bool {
        user.teams.iter().any(|own| own == team)
    }

    /// Opens the private room of a user to all tabs of that user.
    #[room("private:{name}")]
    async fn may_join_private(&self, user: Principal<User>, name: &str) -> bool {
        user.name == name
    }

    #[subscribe("join")]
    async fn join(
        &self,
        me: Socket<User>,
        Payload(room): Payload<String>,
    ) -> Result<(), JoinError> {
        me.join(&room).await
    }

    #[subscribe("shout")]
    async fn shout(
        &self,
        me: Socket<User>,
        Payload((room, text)): Payload<(String, String)>,
    ) -> Result<usize, EmitError> {
        // A socket can send only into rooms that it is in.
        Ok(me.to(room).emit("shouted", (&me.principal().name, text))?.local)
    }
}

#[tokio::main]
async fn main() -> doorward::Result {
    tracing_subscriber::fmt().init();
    let listen = std::env::var("LISTEN").unwrap_or("localhost:3000".into());
    let authenticator = authenticate_fn(|handshake| async move {
        let token = handshake.auth.get_str("token").and_then(|token| token.split_once(':'));
        let (name, teams) = token.ok_or_else(|| Refusal::new("invalid_token", "Invalid token"))?;
        let teams = teams.split(',').map(str::to_owned).collect();
        Ok(Grant::new(User { name: name.to_owned(), teams }, name))
    });

    Doorward::builder().authenticate(authenticator).gateway(Teams).build()?.serve(&listen).await?;
    Ok(())
}
