//! Whack-a-mole: all players of a room strike at the same moles, and the server judges each strike.
//!
//! `gateway` handles events, `game` has the rules, `running` has the games that this node runs and the tasks that advance
//! them, `rooms` finds the node that runs a game, `call` has the messages between nodes, `top` has the best scores, and
//! `wire` has the payloads. Start reading at `Mole::strike` in `gateway`.

mod call;
mod game;
mod gateway;
mod rooms;
mod running;
#[cfg(test)]
mod tests;
mod top;
mod wire;

use doorward::{Gateway, UserId, store::BoxFuture};

use self::{
    rooms::Rooms,
    top::{POSTGRES, SQLITE, forget},
};
use crate::{
    application::{Application, NamedUser, Services},
    sql::{Connection, Migrations},
};

/// The game as an [`Application`].
#[derive(Debug)]
pub(crate) struct MoleApplication;

impl Application for MoleApplication {
    fn name(&self) -> &'static str {
        "whack-a-mole"
    }

    fn path(&self) -> &'static str {
        "mole"
    }

    fn schema(&self) -> Migrations {
        Migrations { postgres: &[POSTGRES], sqlite: &[SQLITE] }
    }

    fn forget<'c>(
        &self,
        connection: &'c mut Connection<'_>,
        user: &'c UserId,
    ) -> BoxFuture<'c, sqlx::Result<()>> {
        Box::pin(forget(connection, user))
    }

    fn source(&self) -> &'static str {
        include_str!("mole/gateway.rs")
    }

    fn gateway(&self, services: &Services) -> Gateway<NamedUser> {
        gateway::gateway(Rooms::new(services))
    }
}
