//! Stores rooms, members and messages.
//!
//! A change increments the version of the room in the same transaction, and is acknowledged when it is on disk.

use std::time::SystemTime;

use doorward::{UserId, store::StoreError};
use doorward_sql::{SqliteFile, store_error};
use sqlx::{SqliteConnection, query, query_as, query_scalar};

use super::wire::{History, Message, Room};
use crate::application::Person;

/// Migration that creates the tables of rooms, members and messages.
pub(super) const SCHEMA: &str = include_str!("schema.sql");

/// SQL that counts the messages of other users that the member `me` has not read.
macro_rules! unread {
    () => {
        "(SELECT count(*) FROM chat_messages AS message WHERE message.room_id = me.room_id \
         AND message.seq > me.read_seq AND message.user_id <> me.user_id \
         AND NOT message.is_removed)"
    };
}

/// SQL that selects the rooms of the member `me`.
macro_rules! room {
    () => {
        concat!(
            "SELECT room.id, room.name, room.version, (SELECT count(*) FROM chat_members AS other \
             WHERE other.room_id = room.id) AS members, ",
            unread!(),
            " AS unread FROM chat_members AS me JOIN chat_rooms AS room ON room.id = me.room_id"
        )
    };
}

pub(super) struct Store(pub(super) SqliteFile);

/// Result of adding a member.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Added {
    /// The user is now a member.
    Done,
    /// The room has the maximum number of members, or the user is in the maximum number of rooms.
    Full,
    /// The user was already a member.
    Here,
}

/// Result of posting a message.
pub(super) enum Posted {
    /// The message was stored earlier with the same key.
    Again(Message),
    /// The message was stored earlier with the same key, and is no longer kept.
    Forgotten,
    New(Message),
}

impl Store {
    /// Returns the rooms of a user, sorted by name.
    pub(super) async fn rooms_of(&self, user: &UserId) -> Result<Vec<Room>, StoreError> {
        let rooms = query_as(concat!(room!(), " WHERE me.user_id = ? ORDER BY room.name, room.id"));
        rooms.bind(user.as_str()).fetch_all(self.0.readers()).await.map_err(store_error)
    }

    /// Returns one room of a user, or `None` if the user is not a member.
    pub(super) async fn room_of(
        &self,
        user: &UserId,
        room: &str,
    ) -> Result<Option<Room>, StoreError> {
        let one = query_as(concat!(room!(), " WHERE me.user_id = ? AND me.room_id = ?"));
        let one = one.bind(user.as_str()).bind(room).fetch_optional(self.0.readers());
        one.await.map_err(store_error)
    }

    pub(super) async fn ids_of(&self, user: &UserId) -> Result<Vec<String>, StoreError> {
        let ids = query_scalar("SELECT room_id FROM chat_members WHERE user_id = ?");
        ids.bind(user.as_str()).fetch_all(self.0.readers()).await.map_err(store_error)
    }

    pub(super) async fn is_member(&self, user: &UserId, room: &str) -> Result<bool, StoreError> {
        let found = query_scalar(
            "SELECT EXISTS (SELECT 1 FROM chat_members WHERE room_id = ? AND user_id = ?)",
        );
        let found = found.bind(room).bind(user.as_str()).fetch_one(self.0.readers());
        found.await.map_err(store_error)
    }

    /// Returns the ids and names of the members of a room, sorted by name.
    pub(super) async fn members(&self, room: &str) -> Result<Vec<(String, String)>, StoreError> {
        let members = query_as(
            "SELECT user_id, name FROM chat_members WHERE room_id = ? ORDER BY name, user_id",
        );
        members.bind(room).fetch_all(self.0.readers()).await.map_err(store_error)
    }

    /// Updates the name of a user in all rooms. If the name is unchanged, this method writes nothing and does not
    /// wait for other changes.
    pub(super) async fn rename(&self, user: &UserId, name: &str) -> Result<(), StoreError> {
        let is_other = query_scalar(
            "SELECT EXISTS (SELECT 1 FROM chat_members WHERE user_id = ? AND name <> ?)",
        );
        let is_other = is_other.bind(user.as_str()).bind(name).fetch_one(self.0.readers());
        if !is_other.await.map_err(store_error)? {
            return Ok(());
        }
        let rename = query("UPDATE chat_members SET name = ?2 WHERE user_id = ?1 AND name <> ?2");
        let rename = rename.bind(user.as_str()).bind(name);
        let rename = self.0.change(|connection| {
            Box::pin(async move { rename.execute(connection).await.map(drop) })
        });
        rename.await
    }

    /// Creates a room with its first member. Returns [`Added::Full`] if this user is in the maximum number of
    /// rooms.
    pub(super) async fn create(
        &self,
        room: &str,
        name: &str,
        creator: Person,
        now: SystemTime,
    ) -> Result<Added, StoreError> {
        let (room, name) = (room.to_owned(), name.to_owned());
        let create = self.0.change(move |connection| {
            Box::pin(async move {
                let rooms = count_rooms(connection, &creator.id).await?;
                if rooms >= MAX_ROOMS {
                    return Ok(Added::Full);
                }
                let insert =
                    query("INSERT INTO chat_rooms (id, name, created_at) VALUES (?, ?, ?)");
                let insert = insert.bind(&room).bind(name).bind(millis(now));
                insert.execute(&mut *connection).await?;
                add(connection, &room, &creator).await
            })
        });
        create.await
    }

    /// Removes a member from a room, and the room if it has no other member.
    pub(super) async fn remove(&self, room: &str, user: &UserId) -> Result<(), StoreError> {
        let (room, user) = (room.to_owned(), user.clone());
        let remove = self.0.change(move |connection| {
            Box::pin(async move {
                let remove = query("DELETE FROM chat_members WHERE room_id = ? AND user_id = ?");
                remove.bind(&room).bind(user.as_str()).execute(&mut *connection).await?;
                let empty = query(
                    "DELETE FROM chat_rooms WHERE id = ?1 \
                     AND NOT EXISTS (SELECT 1 FROM chat_members WHERE room_id = ?1)",
                );
                empty.bind(room).execute(connection).await.map(drop)
            })
        });
        remove.await
    }

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
    /// `None` if there is no such message, or if it was removed before.
    pub(super) async fn change(
        &self,
        room: &str,
        user: &UserId,
        seq: i64,
        text: Option<String>,
    ) -> Result<Option<Message>, StoreError> {
        let (room, user) = (room.to_owned(), user.clone());
        let change = self.0.change(move |connection| {
            Box::pin(async move {
                let changed = query_as(
                    "UPDATE chat_messages SET text = coalesce(?4, ''), is_edited = ?4 IS NOT NULL, \
                     is_removed = ?4 IS NULL, \
                     version = (SELECT version + 1 FROM chat_rooms WHERE id = ?1) \
                     WHERE room_id = ?1 AND user_id = ?2 AND seq = ?3 AND NOT is_removed RETURNING *",
                );
                let changed = changed.bind(&room).bind(user.as_str()).bind(seq).bind(text);
                let message: Option<Message> = changed.fetch_optional(&mut *connection).await?;
                if message.is_some() {
                    let next = query("UPDATE chat_rooms SET version = version + 1 WHERE id = ?");
                    next.bind(room).execute(connection).await?;
                }
                Ok(message)
            })
        });
        change.await
    }

    /// Returns one page of the changes after the version `last_seen`.
    pub(super) async fn history(&self, room: &str, last_seen: i64) -> Result<History, StoreError> {
        let room = room.to_owned();
        let history = self.0.read(move |connection| {
            Box::pin(async move {
                let (first, version): (i64, i64) = query_as(
                    "SELECT coalesce((SELECT min(seq) FROM chat_messages WHERE room_id = ?1), 1), \
                     version FROM chat_rooms WHERE id = ?1",
                )
                .bind(&room)
                .fetch_one(&mut *connection)
                .await?;
                let mut messages: Vec<Message> = query_as(
                    "SELECT * FROM chat_messages WHERE room_id = ? AND version > ? \
                     ORDER BY version LIMIT ?",
                )
                .bind(room)
                .bind(last_seen)
                .bind(AT_ONCE + 1)
                .fetch_all(connection)
                .await?;
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

    /// Stores the position up to which a member has read, and returns the number of unread messages.
    pub(super) async fn read(
        &self,
        room: &str,
        user: &UserId,
        seq: i64,
    ) -> Result<i64, StoreError> {
        let (room, user) = (room.to_owned(), user.clone());
        let read = self.0.change(move |connection| {
            Box::pin(async move {
                let read = query(
                    "UPDATE chat_members SET read_seq = max(read_seq, min(?3, \
                     (SELECT last_seq FROM chat_rooms WHERE id = ?1))) \
                     WHERE room_id = ?1 AND user_id = ?2",
                );
                let read = read.bind(&room).bind(user.as_str()).bind(seq);
                read.execute(&mut *connection).await?;
                let unread = query_scalar(concat!(
                    "SELECT ",
                    unread!(),
                    " FROM chat_members AS me WHERE room_id = ? AND user_id = ?"
                ));
                unread.bind(room).bind(user.as_str()).fetch_one(connection).await
            })
        });
        read.await
    }
}

async fn post(
    connection: &mut SqliteConnection,
    room: &str,
    sender: &Person,
    (key, text): (&str, &str),
    now: SystemTime,
) -> sqlx::Result<Posted> {
    let user = sender.id.as_str();
    // Keys are kept for longer than messages, because a busy room may delete a message before its sender repeats it.
    let before =
        query_scalar("SELECT seq FROM chat_keys WHERE room_id = ? AND user_id = ? AND key = ?");
    let before = before.bind(room).bind(user).bind(key);
    if let Some::<i64>(seq) = before.fetch_optional(&mut *connection).await? {
        let kept = query_as("SELECT * FROM chat_messages WHERE room_id = ? AND seq = ?");
        let kept = kept.bind(room).bind(seq).fetch_optional(connection).await?;
        return Ok(kept.map_or(Posted::Forgotten, Posted::Again));
    }
    let (version, seq): (i64, i64) = query_as(
        "UPDATE chat_rooms SET version = version + 1, last_seq = last_seq + 1 WHERE id = ? \
         RETURNING version, last_seq",
    )
    .bind(room)
    .fetch_one(&mut *connection)
    .await?;
    let message = query_as(
        "INSERT INTO chat_messages (room_id, seq, version, user_id, name, key, text, sent_at) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING *",
    )
    .bind(room)
    .bind(seq)
    .bind(version)
    .bind(user)
    .bind(&*sender.name)
    .bind(key)
    .bind(text)
    .bind(millis(now))
    .fetch_one(&mut *connection)
    .await?;
    let insert = query("INSERT INTO chat_keys (room_id, user_id, key, seq) VALUES (?, ?, ?, ?)");
    insert.bind(room).bind(user).bind(key).bind(seq).execute(&mut *connection).await?;
    for (forget, kept) in [
        ("DELETE FROM chat_messages WHERE room_id = ? AND seq <= ?", KEPT),
        ("DELETE FROM chat_keys WHERE room_id = ? AND seq <= ?", KEYS_KEPT),
    ] {
        query(forget).bind(room).bind(seq - kept).execute(&mut *connection).await?;
    }
    Ok(Posted::New(message))
}

/// Deletes the data of a user: memberships, invitations, texts, and rooms without another member. The messages are
/// marked as removed, with new versions, so that open pages receive the change.
pub(super) async fn forget(connection: &mut SqliteConnection, user: &UserId) -> sqlx::Result<()> {
    for statement in [
        "DELETE FROM chat_keys WHERE user_id = ?1",
        "DELETE FROM chat_members WHERE user_id = ?1",
        "DELETE FROM chat_invitations WHERE user_id = ?1 OR inviter_id = ?1",
        "UPDATE chat_messages AS message \
         SET user_id = '', name = '', key = '', text = '', is_edited = 0, is_removed = 1, \
         version = room.version + own.number \
         FROM chat_rooms AS room, (SELECT room_id, seq, row_number() OVER \
             (PARTITION BY room_id ORDER BY seq) AS number FROM chat_messages WHERE user_id = ?1) AS own \
         WHERE message.room_id = own.room_id AND message.seq = own.seq AND room.id = own.room_id",
    ] {
        query(statement).bind(user.as_str()).execute(&mut *connection).await?;
    }
    for statement in [
        "UPDATE chat_rooms AS room SET version = last.version FROM \
         (SELECT room_id, max(version) AS version FROM chat_messages GROUP BY room_id) AS last \
         WHERE room.id = last.room_id AND room.version < last.version",
        "DELETE FROM chat_rooms WHERE NOT EXISTS \
         (SELECT 1 FROM chat_members WHERE chat_members.room_id = chat_rooms.id)",
    ] {
        query(statement).execute(&mut *connection).await?;
    }
    Ok(())
}

/// Adds a member unless a limit is reached. The counts cannot change meanwhile, because there is only one writing
/// transaction at a time.
pub(super) async fn add(
    connection: &mut SqliteConnection,
    room: &str,
    member: &Person,
) -> sqlx::Result<Added> {
    let (is_present, members): (bool, i64) = query_as(
        "SELECT EXISTS (SELECT 1 FROM chat_members WHERE room_id = ?1 AND user_id = ?2), \
         (SELECT count(*) FROM chat_members WHERE room_id = ?1)",
    )
    .bind(room)
    .bind(member.id.as_str())
    .fetch_one(&mut *connection)
    .await?;
    if is_present {
        return Ok(Added::Here);
    }
    if members >= MAX_MEMBERS || count_rooms(connection, &member.id).await? >= MAX_ROOMS {
        return Ok(Added::Full);
    }
    // Messages from before the membership do not count as unread.
    let insert = query(
        "INSERT INTO chat_members (room_id, user_id, name, read_seq) \
         SELECT id, ?2, ?3, last_seq FROM chat_rooms WHERE id = ?1",
    );
    let insert = insert.bind(room).bind(member.id.as_str()).bind(&*member.name);
    insert.execute(connection).await?;
    Ok(Added::Done)
}

async fn count_rooms(connection: &mut SqliteConnection, user: &UserId) -> sqlx::Result<i64> {
    let rooms = query_scalar("SELECT count(*) FROM chat_members WHERE user_id = ?");
    rooms.bind(user.as_str()).fetch_one(connection).await
}

pub(super) fn millis(time: SystemTime) -> i64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Maximum number of messages that a room keeps.
const KEPT: i64 = 200;

/// Maximum number of message keys that a room keeps. These keys take about a megabyte.
const KEYS_KEPT: i64 = 10_000;

/// Maximum number of messages in one page. A page with the longest texts is far smaller than the largest message
/// that a client receives.
const AT_ONCE: i64 = 40;

pub(super) const MAX_MEMBERS: i64 = 2_000;

/// Maximum number of rooms of one user, below the default limit on rooms per socket.
const MAX_ROOMS: i64 = 100;
