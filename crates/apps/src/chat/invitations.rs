//! Stores invitations.
//!
//! An invitation counts against the limit of the inviter. The room counts against the limit of the invited user
//! only after the invitation is accepted. Start reading at [`Store::invite`].

use std::time::SystemTime;

use doorward::{UserId, store::StoreError};
use doorward_sql::store_error;
use sqlx::{SqliteConnection, query, query_as, query_scalar};

use super::{
    store::{Added, MAX_MEMBERS, Store, add, millis},
    wire::Invitation,
};
use crate::application::Person;

/// Migration that creates the table of invitations.
pub(super) const INVITATIONS: &str = include_str!("invitations.sql");

/// Result of an invitation.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Invited {
    /// The invitation was created. Contains the room of the older invitation that it replaced, if
    /// any.
    Done(Option<String>),
    /// The limit of the room or of the inviter is reached.
    Full,
    /// The user is a member, or has an open invitation to this room.
    Known,
}

impl Store {
    /// Returns the open invitations of a user, oldest first.
    pub(super) async fn invitations(&self, user: &UserId) -> Result<Vec<Invitation>, StoreError> {
        let open = query_as(
            "SELECT room.id AS room, room.name, inviter_id AS inviter, inviter_name, invited_at \
             FROM chat_invitations JOIN chat_rooms AS room ON room.id = room_id \
             WHERE user_id = ? ORDER BY invited_at, room_id",
        );
        open.bind(user.as_str()).fetch_all(self.0.readers()).await.map_err(store_error)
    }

    /// Invites a user to a room.
    pub(super) async fn invite(
        &self,
        room: &str,
        user: &UserId,
        inviter: Person,
        now: SystemTime,
    ) -> Result<Invited, StoreError> {
        let (room, user) = (room.to_owned(), user.clone());
        let invite = self.0.change(move |connection| {
            Box::pin(async move {
                if let Some(no) = refusal(connection, &room, &user, &inviter.id).await? {
                    return Ok(no);
                }
                let oldest = make_room(connection, &user).await?;
                let insert = query(
                    "INSERT INTO chat_invitations \
                     (room_id, user_id, inviter_id, inviter_name, invited_at) VALUES (?, ?, ?, ?, ?)",
                );
                let insert = insert.bind(room).bind(user.as_str()).bind(inviter.id.as_str());
                let insert = insert.bind(&*inviter.name).bind(millis(now));
                insert.execute(connection).await?;
                Ok(Invited::Done(oldest))
            })
        });
        invite.await
    }

    /// Makes an invited user a member. Returns `None` if there is no invitation. If a limit of the room or of
    /// the user is reached, the invitation remains open.
    pub(super) async fn accept(
        &self,
        room: &str,
        member: Person,
    ) -> Result<Option<Added>, StoreError> {
        let room = room.to_owned();
        let accept = self.0.change(move |connection| {
            Box::pin(async move {
                let open = query_scalar(
                    "SELECT EXISTS (SELECT 1 FROM chat_invitations WHERE room_id = ? AND user_id = ?)",
                );
                let open = open.bind(&room).bind(member.id.as_str());
                if !open.fetch_one(&mut *connection).await? {
                    return Ok(None);
                }
                let added = add(connection, &room, &member).await?;
                if added != Added::Full {
                    close(connection, &room, &member.id).await?;
                }
                Ok(Some(added))
            })
        });
        accept.await
    }

    /// Deletes an invitation.
    pub(super) async fn decline(&self, room: &str, user: &UserId) -> Result<(), StoreError> {
        let (room, user) = (room.to_owned(), user.clone());
        let decline = self
            .0
            .change(|connection| Box::pin(async move { close(connection, &room, &user).await }));
        decline.await
    }
}

/// Returns the reason to reject an invitation, or `None` if the invitation is permitted.
async fn refusal(
    connection: &mut SqliteConnection,
    room: &str,
    user: &UserId,
    inviter: &UserId,
) -> sqlx::Result<Option<Invited>> {
    let (is_known, members, for_user, by_inviter): (bool, i64, i64, i64) = query_as(
        "SELECT EXISTS (SELECT 1 FROM chat_members WHERE room_id = ?1 AND user_id = ?2) \
         OR EXISTS (SELECT 1 FROM chat_invitations WHERE room_id = ?1 AND user_id = ?2), \
         (SELECT count(*) FROM chat_members WHERE room_id = ?1), \
         (SELECT count(*) FROM chat_invitations WHERE inviter_id = ?3 AND user_id = ?2), \
         (SELECT count(*) FROM chat_invitations WHERE inviter_id = ?3)",
    )
    .bind(room)
    .bind(user.as_str())
    .bind(inviter.as_str())
    .fetch_one(connection)
    .await?;
    let is_full = members >= MAX_MEMBERS || for_user >= FOR_ONE_USER || by_inviter >= BY_INVITER;
    Ok(match (is_known, is_full) {
        (true, _) => Some(Invited::Known),
        (false, true) => Some(Invited::Full),
        (false, false) => None,
    })
}

/// Deletes the oldest invitation of a user who has [`OPEN`] invitations, and returns its room. Many invitations
/// from strangers must not block an invitation from a friend.
async fn make_room(
    connection: &mut SqliteConnection,
    user: &UserId,
) -> sqlx::Result<Option<String>> {
    let oldest = query_scalar(
        "DELETE FROM chat_invitations WHERE user_id = ?1 AND room_id = (SELECT room_id \
         FROM chat_invitations WHERE user_id = ?1 ORDER BY invited_at, room_id LIMIT 1) \
         AND (SELECT count(*) FROM chat_invitations WHERE user_id = ?1) >= ?2 RETURNING room_id",
    );
    oldest.bind(user.as_str()).bind(OPEN).fetch_optional(connection).await
}

async fn close(connection: &mut SqliteConnection, room: &str, user: &UserId) -> sqlx::Result<()> {
    let close = query("DELETE FROM chat_invitations WHERE room_id = ? AND user_id = ?");
    close.bind(room).bind(user.as_str()).execute(connection).await.map(drop)
}

/// Maximum number of open invitations of one inviter.
const BY_INVITER: i64 = 50;

/// Maximum number of open invitations of one inviter for the same user.
const FOR_ONE_USER: i64 = 3;

/// Maximum number of open invitations for one user.
const OPEN: i64 = 100;
