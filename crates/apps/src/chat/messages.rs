//! Stores messages.
//!
//! A change locks the room, and increments its version in the same transaction. So the versions of a room have no gap
//! and are committed in their order, also if several nodes change the room. A change is acknowledged after its commit.
//! Start reading at [`Store::post`].

use std::time::SystemTime;

use doorward::{UserId, store::StoreError};

use super::{
    store::{Store, is_member, lock_room, millis},
    wire::{History, Message},
};
use crate::{
    application::Person,
    sql::{Connection, sql},
};

/// Result of posting a message.
pub(super) enum Posted {
    /// The message was stored earlier with the same key.
    Again(Message),
    /// The sender is not a member of the room.
    Forbidden,
    /// The message was stored earlier with the same key, and is no longer kept.
    Forgotten,
    New(Message),
}

impl Store {
    /// Stores a message and deletes the oldest messages beyond the limit. Stores nothing if the sender has used the
    /// same key before.
    pub(super) async fn post(
        &self,
        room: &str,
        sender: Person,
        (key, text): (String, String),
        now: SystemTime,
    ) -> Result<Posted, StoreError> {
        let room = room.to_owned();
        let post = self.0.change(move |connection| {
            Box::pin(async move { post(connection, &room, &sender, (&key, &text), now).await })
        });
        post.await
    }

    /// Replaces the text of a message that the user has sent, or removes the message if `text` is `None`. Returns
    /// `None` if the user is not a member, if there is no such message, or if it was removed before.
    pub(super) async fn change(
        &self,
        room: &str,
        user: &UserId,
        seq: i64,
        text: Option<String>,
    ) -> Result<Option<Message>, StoreError> {
        let (room, user) = (room.to_owned(), user.clone());
        let change = self.0.change(move |mut connection| {
            Box::pin(async move {
                lock_room(&mut connection, &room).await?;
                if !is_member(&mut connection, &room, &user).await? {
                    return Ok(None);
                }
                let changed = sql(
                    "UPDATE chat_messages SET text = coalesce($4, ''), is_edited = ($4 IS NOT NULL), \
                     is_removed = ($4 IS NULL), \
                     version = (SELECT version + 1 FROM chat_rooms WHERE id = $1) \
                     WHERE room_id = $1 AND user_id = $2 AND seq = $3 AND NOT is_removed RETURNING *",
                );
                let changed = changed.bind(&*room).bind(user.as_str()).bind(seq).bind(text);
                let message: Option<Message> = connection.first(changed).await?;
                if message.is_some() {
                    let next = sql("UPDATE chat_rooms SET version = version + 1 WHERE id = $1");
                    connection.run(next.bind(room)).await?;
                }
                Ok(message)
            })
        });
        change.await
    }

    /// Returns one page of the changes after the version `last_seen`.
    pub(super) async fn history(&self, room: &str, last_seen: i64) -> Result<History, StoreError> {
        let room = room.to_owned();
        let history = self.0.read(move |mut connection| {
            Box::pin(async move {
                let state = sql(
                    "SELECT coalesce((SELECT min(seq) FROM chat_messages WHERE room_id = $1), 1), \
                     version FROM chat_rooms WHERE id = $1",
                );
                let (first, version): (i64, i64) = connection.one(state.bind(&*room)).await?;
                let changes =
                    sql("SELECT * FROM chat_messages WHERE room_id = $1 AND version > $2 \
                     ORDER BY version LIMIT $3");
                let changes = changes.bind(room).bind(last_seen).bind(AT_ONCE + 1);
                let mut messages: Vec<Message> = connection.all(changes).await?;
                // The query has read one row more than a page, to find out if there is another page.
                let more = messages.len() > usize::try_from(AT_ONCE).unwrap_or(usize::MAX);
                if more {
                    messages.pop();
                }
                let last = messages.last().map_or(version, |last| last.version);
                Ok(History { first, version: if more { last } else { version }, messages, more })
            })
        });
        history.await
    }
}

async fn post(
    mut connection: Connection<'_>,
    room: &str,
    sender: &Person,
    (key, text): (&str, &str),
    now: SystemTime,
) -> sqlx::Result<Posted> {
    let user = sender.id.as_str();
    lock_room(&mut connection, room).await?;
    // The sender may have left the room on another node, which has not yet removed the socket from it.
    if !is_member(&mut connection, room, &sender.id).await? {
        return Ok(Posted::Forbidden);
    }
    // Keys are kept for longer than messages, because a busy room may delete a message before its sender repeats it.
    let before = sql("SELECT seq FROM chat_keys WHERE room_id = $1 AND user_id = $2 AND key = $3");
    let before = before.bind(room).bind(user).bind(key);
    if let Some((seq,)) = connection.first::<(i64,)>(before).await? {
        let kept = sql("SELECT * FROM chat_messages WHERE room_id = $1 AND seq = $2");
        let kept = connection.first(kept.bind(room).bind(seq)).await?;
        return Ok(kept.map_or(Posted::Forgotten, Posted::Again));
    }
    let next =
        sql("UPDATE chat_rooms SET version = version + 1, last_seq = last_seq + 1 WHERE id = $1 \
         RETURNING version, last_seq");
    let (version, seq): (i64, i64) = connection.one(next.bind(room)).await?;
    let insert = sql(
        "INSERT INTO chat_messages (room_id, seq, version, user_id, name, key, text, sent_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING *",
    );
    let insert = insert.bind(room).bind(seq).bind(version).bind(user).bind(&*sender.name);
    let message = connection.one(insert.bind(key).bind(text).bind(millis(now))).await?;
    let keep = sql("INSERT INTO chat_keys (room_id, user_id, key, seq) VALUES ($1, $2, $3, $4)");
    connection.run(keep.bind(room).bind(user).bind(key).bind(seq)).await?;
    for (forget, kept) in [
        ("DELETE FROM chat_messages WHERE room_id = $1 AND seq <= $2", KEPT),
        ("DELETE FROM chat_keys WHERE room_id = $1 AND seq <= $2", KEYS_KEPT),
    ] {
        connection.run(sql(forget).bind(room).bind(seq - kept)).await?;
    }
    Ok(Posted::New(message))
}

/// Maximum number of messages that a room keeps.
const KEPT: i64 = 200;

/// Maximum number of message keys that a room keeps. These keys take about a megabyte.
const KEYS_KEPT: i64 = 10_000;

/// Maximum number of messages in one page. A page with the longest texts is far smaller than the largest message
/// that a client receives.
const AT_ONCE: i64 = 40;
