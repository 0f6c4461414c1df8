//! Deletes the data of a user.

use doorward::UserId;

use crate::sql::{Connection, sql};

/// Deletes the data of a user: memberships, invitations, texts, and rooms without another member. The messages are
/// marked as removed, with new versions, so that open pages receive the change.
pub(super) async fn forget(connection: &mut Connection<'_>, user: &UserId) -> sqlx::Result<()> {
    connection.lock_users([user; 2]).await?;
    let rooms = sql(
        "SELECT 1 FROM chat_rooms WHERE id IN (SELECT room_id FROM chat_members WHERE user_id = $1 \
         UNION SELECT room_id FROM chat_messages WHERE user_id = $1 \
         UNION SELECT room_id FROM chat_invitations WHERE user_id = $1 OR inviter_id = $1) \
         ORDER BY id FOR UPDATE",
    );
    connection.lock_rows(rooms.bind(user.as_str())).await?;
    for statement in [
        "DELETE FROM chat_rooms WHERE id IN (SELECT room_id FROM chat_members WHERE user_id = $1) \
         AND NOT EXISTS (SELECT 1 FROM chat_members WHERE room_id = chat_rooms.id AND user_id <> $1)",
        "DELETE FROM chat_keys WHERE user_id = $1",
        "DELETE FROM chat_members WHERE user_id = $1",
        "DELETE FROM chat_invitations WHERE user_id = $1 OR inviter_id = $1",
        "UPDATE chat_rooms SET version = version + own.messages FROM \
         (SELECT room_id, count(*) AS messages FROM chat_messages WHERE user_id = $1 GROUP BY room_id) \
         AS own WHERE id = own.room_id",
        // The last of the messages gets the version of the room.
        "UPDATE chat_messages SET user_id = '', name = '', key = '', text = '', is_edited = false, \
         is_removed = true, version = own.version FROM \
         (SELECT room_id AS room, seq AS number, room.version + 1 - row_number() OVER \
             (PARTITION BY room_id ORDER BY seq DESC) AS version \
         FROM chat_messages JOIN chat_rooms AS room ON room.id = room_id WHERE user_id = $1) AS own \
         WHERE room_id = own.room AND seq = own.number",
    ] {
        connection.run(sql(statement).bind(user.as_str())).await?;
    }
    Ok(())
}
