//! State of the chat, and helpers that several events share.

use std::{sync::Arc, time::Duration};

use doorward::{
    UserId,
    prelude::*,
    server::{Clock, Entropy},
};
use tokio::sync::{Mutex, MutexGuard};

use super::{
    membership::{check_member, connections_of, nameless, person, room_of},
    store::Store,
    wire::{Message, Room},
};
use crate::application::{Directory, Me, Person, Services};

/// Result of a handler or of one of its helpers.
pub(super) type Result<T, E = BoxError> = std::result::Result<T, E>;

/// State of the chat, which all handlers share.
pub(super) struct Chat {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) store: Store,
    pub(super) directory: Arc<dyn Directory>,
    /// Held while a change is stored and broadcast, so that clients receive the changes of this node in the order of
    /// their versions. A change of another node may arrive before or after them. Clients sort by version, and ask for
    /// the history if a version is missing.
    turn: Mutex<()>,
}

impl Chat {
    pub(super) fn new(services: &Services) -> Self {
        Self {
            clock: Arc::clone(&services.clock),
            entropy: Arc::clone(&services.entropy),
            store: Store(services.database.clone()),
            directory: Arc::clone(&services.directory),
            turn: Mutex::default(),
        }
    }

    /// Finds the user whose account has this id, or a connected user with this id and without an account. Returns
    /// `None` if there is neither.
    pub(super) async fn with_id(&self, me: &Me, id: &UserId) -> Result<Option<Person>> {
        if let Some(account) = self.directory.with_id(id).await? {
            return Ok(Some(account));
        }
        let connected = me.hub().to_user(id.clone()).local_sockets();
        let elsewhere = || me.hub().presence().is_present(id).then(|| nameless(id));
        Ok(connected.first().map(person).or_else(elsewhere))
    }

    /// Sends a new invitation to all connections of the invited user.
    pub(super) async fn show_invitation(&self, me: &Me, user: &UserId, room: &str) -> Result<()> {
        let open = self.store.invitations(user).await?;
        if let Some(invitation) = open.iter().find(|invitation| invitation.room == room) {
            me.hub().to(user.clone()).emit_event(invitation)?;
        }
        Ok(())
    }

    /// Joins all connections of a new member to the framework room, sends them the chat room, and returns it. Fails
    /// if the user is not a member.
    pub(super) async fn welcome(&self, me: &Me, member: &UserId, room: &str) -> Result<Room> {
        let connections = connections_of(me.hub(), member);
        for (socket, error) in connections.sockets_join(&room_of(room)).await.value {
            tracing::debug!(%socket, %error, "A connection of a new member could not join the room.");
        }
        let room = self.store.room_of(member, room).await?;
        let room = room.ok_or_else(Exception::forbidden)?;
        connections.emit_event(&room)?;
        Ok(room)
    }

    /// Waits until a member may make a change ([`turn`](Self::turn)). Fails if the member has left the room or was
    /// disconnected meanwhile.
    pub(super) async fn turn_of(
        &self,
        me: &Me,
        room: &str,
    ) -> Result<MutexGuard<'_, ()>, Exception> {
        let turn = self.turn().await?;
        check_member(me, room)?;
        Ok(turn)
    }

    /// Waits until no other change is being stored and broadcast. Fails after [`PATIENCE`]. Without this bound,
    /// abandoned requests would queue before a stuck database.
    pub(super) async fn turn(&self) -> Result<MutexGuard<'_, ()>, Exception> {
        let patience = self.clock.sleep_until(self.clock.now() + PATIENCE);
        tokio::select! {
            turn = self.turn.lock() => Ok(turn),
            () = patience => Err(Exception::new("unavailable", "Try again later")),
        }
    }

    pub(super) async fn change(
        self: Arc<Self>,
        me: Me,
        room: String,
        seq: i64,
        text: Option<String>,
    ) -> Result<Message> {
        to_the_end(async move {
            let _turn = self.turn_of(&me, &room).await?;
            let changed = self.store.change(&room, me.user(), seq, text).await?;
            let message = changed.ok_or_else(Exception::forbidden)?;
            me.hub().to(room_of(&room)).emit_event(&message)?;
            Ok(message)
        })
        .await
    }

    /// Returns the rooms whose members see the presence of a user. Returns none if the database does not answer.
    pub(super) async fn rooms_of(&self, user: &UserId) -> Vec<String> {
        self.store.ids_of(user).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "Presence is not sent.");
            Vec::new()
        })
    }
}

/// Runs a change to completion on a separate task. A handler is dropped if it times out or its client leaves, but a
/// change that was stored must be broadcast.
pub(super) async fn to_the_end<T: Send + 'static>(
    change: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    tokio::spawn(change).await?
}

/// Maximum time to wait for earlier changes. A change waits for the database equally long.
const PATIENCE: Duration = Duration::from_secs(10);
