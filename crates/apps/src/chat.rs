//! A chat with members-only rooms.
//!
//! `gateway` handles events with the helpers of `state`. Each event about a room first asks `membership` whether the
//! user is a member; only a member may read, write or invite, and only the author may change a message. `store` and `invitations` read and write the database.
//! `wire` has the payloads. Start reading at `Chat::send` in `gateway`.

mod gateway;
mod invitations;
mod membership;
mod presence;
mod state;
mod store;
#[cfg(test)]
mod tests;
mod wire;

use doorward::{Gateway, UserId, event::IntoGateway as _, store::BoxFuture};
use sqlx::SqliteConnection;

use self::{
    invitations::INVITATIONS,
    state::Chat,
    store::{SCHEMA, forget},
};
use crate::application::{Application, NamedUser, Services};

/// The chat as an [`Application`].
#[derive(Debug)]
pub(crate) struct ChatApplication;

impl Application for ChatApplication {
    fn name(&self) -> &'static str {
        "chat"
    }

    fn path(&self) -> &'static str {
        "chat"
    }

    fn schema(&self) -> &'static [&'static str] {
        &[SCHEMA, INVITATIONS]
    }

    fn forget<'c>(
        &self,
        connection: &'c mut SqliteConnection,
        user: &'c UserId,
    ) -> BoxFuture<'c, sqlx::Result<()>> {
        Box::pin(forget(connection, user))
    }

    fn gateway(&self, services: &Services) -> Gateway<NamedUser> {
        Chat::new(services).into_gateway()
    }
}
