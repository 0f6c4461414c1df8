//! A chat with members-only rooms.
//!
//! `gateway` handles events with the helpers of `state`. Only members of a room may read, write or invite in it, so
//! each such event first asks `membership`. Only the author of a message may change it. `store`, `messages`,
//! `invitations` and `forget` read and write the database. `wire` has the payloads. Start reading at `Chat::send` in `gateway`.

mod forget;
mod gateway;
mod invitations;
mod membership;
mod messages;
mod state;
mod store;
#[cfg(test)]
mod tests;
mod wire;

use doorward::{Gateway, UserId, event::IntoGateway as _, store::BoxFuture};

use self::{forget::forget, state::Chat};
use crate::{
    application::{Application, NamedUser, Services},
    sql::{Connection, Migrations},
};

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

    fn schema(&self) -> Migrations {
        Migrations {
            postgres: &[include_str!("chat/postgres.sql")],
            sqlite: &[include_str!("chat/schema.sql"), include_str!("chat/invitations.sql")],
        }
    }

    fn forget<'c>(
        &self,
        connection: &'c mut Connection<'_>,
        user: &'c UserId,
    ) -> BoxFuture<'c, sqlx::Result<()>> {
        Box::pin(forget(connection, user))
    }

    fn source(&self) -> &'static str {
        include_str!("chat/gateway.rs")
    }

    fn gateway(&self, services: &Services) -> Gateway<NamedUser> {
        Chat::new(services).into_gateway()
    }
}
