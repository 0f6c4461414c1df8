//! Stores invitations.
//!
//! An invitation counts against the limit of the inviter. The room counts against the limit of the invited user
//! only after the invitation is accepted. Start reading at [`Store::invite`].

use std::time::SystemTime;

use doorward::{UserId, store::StoreError};

use super::{
    store::{Added, MAX_MEMBERS, Store, add, is_member, lock_room, millis},
    wire::Invitation,
};
use crate::{
    application::Person,
    sql::{Connection, sql},
};

/// Result of an invitation.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Invited {
    /// The invitation was created. Contains the room of the older invitation that it replaced, if
    /// any.
    Done(Option<String>),
    /// The inviter is not a member of the room.
    Forbidden,
    /// The limit of the room or of the inviter is reached.
    Full,
    /// The user is a member, or has an open invitation to this room.
    Known,
}

impl Store {
    /// Returns the open invitations of a user, oldest first.
    pub(super) async fn invitations(&self, user: &UserId) -> Result<Vec<Invitation>, StoreError> {
        let open = sql(
            "SELECT room.id AS room, room.name, inviter_id AS inviter, inviter_name, invited_at \
             FROM chat_invitations JOIN chat_rooms AS room ON room.id = room_id \
             WHERE user_id = $1 ORDER BY invited_at, room_id",
        );
        self.0.all(open.bind(user.as_str())).await
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
        let invite = self.0.change(move |mut connection| {
            Box::pin(async move {
                connection.lock_users([&user, &inviter.id]).await?;
                lock_room(&mut connection, &room).await?;
                // The inviter may have left the room on another node meanwhile.
                if !is_member(&mut connection, &room, &inviter.id).await? {
                    return Ok(Invited::Forbidden);
                }
                if let Some(no) = refusal(&mut connection, &room, &user, &inviter.id).await? {
                    return Ok(no);
                }
                let oldest = make_room(&mut connection, &user).await?;
                let insert = sql(
                    "INSERT INTO chat_invitations (room_id, user_id, inviter_id, inviter_name, invited_at) \
                     VALUES ($1, $2, $3, $4, $5)",
                );
                let insert = insert.bind(room).bind(user.as_str()).bind(inviter.id.as_str());
                connection.run(insert.bind(&*inviter.name).bind(millis(now))).await?;
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
        let accept = self.0.change(move |mut connection| {
            Box::pin(async move {
                connection.lock_users([&member.id; 2]).await?;
                lock_room(&mut connection, &room).await?;
                let open =
                    sql("SELECT 1 = 1 FROM chat_invitations WHERE room_id = $1 AND user_id = $2");
                let open = open.bind(&*room).bind(member.id.as_str());
                if connection.first::<(bool,)>(open).await?.is_none() {
                    return Ok(None);
                }
                let added = add(&mut connection, &room, &member).await?;
                if added != Added::Full {
                    close(&mut connection, &room, &member.id).await?;
                }
                Ok(Some(added))
            })
        });
        accept.await
    }

    /// Deletes an invitation.
    pub(super) async fn decline(&self, room: &str, user: &UserId) -> Result<(), StoreError> {
        let (room, user) = (room.to_owned(), user.clone());
        let decline = self.0.change(|mut connection| {
            Box::pin(async move { close(&mut connection, &room, &user).await })
        });
        decline.await
    }
}

/// Returns the reason to reject an invitation, or `None` if the invitation is permitted.
async fn refusal(
    connection: &mut Connection<'_>,
    room: &str,
    user: &UserId,
    inviter: &UserId,
) -> sqlx::Result<Option<Invited>> {
    let counts =
        sql("SELECT EXISTS (SELECT 1 FROM chat_members WHERE room_id = $1 AND user_id = $2) \
         OR EXISTS (SELECT 1 FROM chat_invitations WHERE room_id = $1 AND user_id = $2), \
         (SELECT count(*) FROM chat_members WHERE room_id = $1), \
         (SELECT count(*) FROM chat_invitations WHERE inviter_id = $3 AND user_id = $2), \
         (SELECT count(*) FROM chat_invitations WHERE inviter_id = $3)");
    let counts = counts.bind(room).bind(user.as_str()).bind(inviter.as_str());
    let (is_known, members, for_user, by_inviter): (bool, i64, i64, i64) =
        connection.one(counts).await?;
    let is_full = members >= MAX_MEMBERS || for_user >= FOR_ONE_USER || by_inviter >= BY_INVITER;
    Ok(match (is_known, is_full) {
        (true, _) => Some(Invited::Known),
        (false, true) => Some(Invited::Full),
        (false, false) => None,
    })
}

/// Deletes the oldest invitation of a user who has [`OPEN`] invitations, and returns its room. Many invitations
/// from strangers must not block an invitation from a friend.
async fn make_room(connection: &mut Connection<'_>, user: &UserId) -> sqlx::Result<Option<String>> {
    let oldest =
        sql("DELETE FROM chat_invitations WHERE user_id = $1 AND room_id = (SELECT room_id \
         FROM chat_invitations WHERE user_id = $1 ORDER BY invited_at, room_id LIMIT 1) \
         AND (SELECT count(*) FROM chat_invitations WHERE user_id = $1) >= $2 RETURNING room_id");
    let oldest = connection.first(oldest.bind(user.as_str()).bind(OPEN)).await?;
    Ok(oldest.map(|(room,)| room))
}

async fn close(connection: &mut Connection<'_>, room: &str, user: &UserId) -> sqlx::Result<()> {
    let close = sql("DELETE FROM chat_invitations WHERE room_id = $1 AND user_id = $2");
    connection.run(close.bind(room).bind(user.as_str())).await
}

/// Maximum number of open invitations of one inviter.
const BY_INVITER: i64 = 50;

/// Maximum number of open invitations of one inviter for the same user.
const FOR_ONE_USER: i64 = 3;

/// Maximum number of open invitations for one user.
const OPEN: i64 = 100;
