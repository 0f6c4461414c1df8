//! Rooms, members and messages as rows.
//!
//! Every change of a room takes its next version in the transaction that makes it. A transaction that is
//! dropped half-way has changed nothing.

use std::time::SystemTime;

use doorward::UserId;
use sqlx::{Sqlite, SqlitePool, Transaction, query, query_as, query_scalar};

use super::wire::{History, Message, Room};

/// Made when the database is opened.
pub(crate) const SCHEMA: &str = include_str!("schema.sql");

/// How many messages of others a member `me` has not read.
macro_rules! unread {
    () => {
        "(SELECT count(*) FROM chat_messages AS message WHERE message.room_id = me.room_id \
         AND message.seq > me.read_seq AND message.user_id <> me.user_id \
         AND NOT message.is_removed)"
    };
}

/// The rooms of a member `me`.
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

pub(super) struct Store(pub(super) SqlitePool);

/// What became of a new member.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Added {
    /// They are one.
    Done,
    /// The room, or they themselves, have as many as may be.
    Full,
    /// They were one before.
    Here,
}

/// What became of a message.
pub(super) enum Posted {
    /// It was written before, with the same key.
    Again(Message),
    /// So it was, and is not among those that are kept any more.
    Forgotten,
    New(Message),
}

impl Store {
    /// The rooms of somebody, by name.
    pub(super) async fn rooms_of(&self, user: &UserId) -> sqlx::Result<Vec<Room>> {
        let rooms = query_as(concat!(room!(), " WHERE me.user_id = ? ORDER BY room.name, room.id"));
        rooms.bind(user.as_str()).fetch_all(&self.0).await
    }

    /// One of somebody's rooms.
    pub(super) async fn room_of(&self, user: &UserId, room: &str) -> sqlx::Result<Option<Room>> {
        let one = query_as(concat!(room!(), " WHERE me.user_id = ? AND me.room_id = ?"));
        one.bind(user.as_str()).bind(room).fetch_optional(&self.0).await
    }

    pub(super) async fn ids_of(&self, user: &UserId) -> sqlx::Result<Vec<String>> {
        let ids = query_scalar("SELECT room_id FROM chat_members WHERE user_id = ?");
        ids.bind(user.as_str()).fetch_all(&self.0).await
    }

    pub(super) async fn is_member(&self, user: &UserId, room: &str) -> sqlx::Result<bool> {
        let found = query_scalar(
            "SELECT EXISTS (SELECT 1 FROM chat_members WHERE room_id = ? AND user_id = ?)",
        );
        found.bind(room).bind(user.as_str()).fetch_one(&self.0).await
    }

    /// Ids and names, by name.
    pub(super) async fn members(&self, room: &str) -> sqlx::Result<Vec<(String, String)>> {
        let members = query_as(
            "SELECT user_id, name FROM chat_members WHERE room_id = ? ORDER BY name, user_id",
        );
        members.bind(room).fetch_all(&self.0).await
    }

    /// Writes down what somebody is called now.
    pub(super) async fn rename(&self, user: &UserId, name: &str) -> sqlx::Result<()> {
        let rename = query("UPDATE chat_members SET name = ?2 WHERE user_id = ?1 AND name <> ?2");
        rename.bind(user.as_str()).bind(name).execute(&self.0).await?;
        Ok(())
    }

    /// Makes a room with its first member.
    pub(super) async fn create(
        &self,
        room: &str,
        name: &str,
        user: (&UserId, &str),
        now: SystemTime,
    ) -> sqlx::Result<Added> {
        let mut transaction = self.0.begin().await?;
        let insert = query("INSERT INTO chat_rooms (id, name, created_at) VALUES (?, ?, ?)");
        insert.bind(room).bind(name).bind(millis(now)).execute(&mut *transaction).await?;
        let added = add(&mut transaction, room, user).await?;
        if added == Added::Done {
            transaction.commit().await?;
        }
        Ok(added)
    }

    /// Makes somebody a member.
    pub(super) async fn add(&self, room: &str, user: (&UserId, &str)) -> sqlx::Result<Added> {
        let mut transaction = self.0.begin().await?;
        let added = add(&mut transaction, room, user).await?;
        transaction.commit().await?;
        Ok(added)
    }

    /// Somebody is no member any more; a room without members is gone.
    pub(super) async fn remove(&self, room: &str, user: &UserId) -> sqlx::Result<()> {
        let mut transaction = self.0.begin().await?;
        let remove = query("DELETE FROM chat_members WHERE room_id = ? AND user_id = ?");
        remove.bind(room).bind(user.as_str()).execute(&mut *transaction).await?;
        let empty = query(
            "DELETE FROM chat_rooms WHERE id = ?1 \
             AND NOT EXISTS (SELECT 1 FROM chat_members WHERE room_id = ?1)",
        );
        empty.bind(room).execute(&mut *transaction).await?;
        transaction.commit().await
    }

    /// Writes a message, once for each key of its sender, and forgets what is too old.
    pub(super) async fn post(
        &self,
        room: &str,
        (user, name): (&UserId, &str),
        key: &str,
        text: &str,
        now: SystemTime,
    ) -> sqlx::Result<Posted> {
        let mut transaction = self.0.begin().await?;
        let before =
            query_scalar("SELECT seq FROM chat_keys WHERE room_id = ? AND user_id = ? AND key = ?");
        let before = before.bind(room).bind(user.as_str()).bind(key);
        if let Some::<i64>(seq) = before.fetch_optional(&mut *transaction).await? {
            let kept = query_as("SELECT * FROM chat_messages WHERE room_id = ? AND seq = ?");
            let kept = kept.bind(room).bind(seq).fetch_optional(&mut *transaction).await?;
            return Ok(kept.map_or(Posted::Forgotten, Posted::Again));
        }
        let (version, seq): (i64, i64) = query_as(
            "UPDATE chat_rooms SET version = version + 1, last_seq = last_seq + 1 WHERE id = ? \
             RETURNING version, last_seq",
        )
        .bind(room)
        .fetch_one(&mut *transaction)
        .await?;
        let message = query_as(
            "INSERT INTO chat_messages (room_id, seq, version, user_id, name, key, text, sent_at) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING *",
        )
        .bind(room)
        .bind(seq)
        .bind(version)
        .bind(user.as_str())
        .bind(name)
        .bind(key)
        .bind(text)
        .bind(millis(now))
        .fetch_one(&mut *transaction)
        .await?;
        let insert =
            query("INSERT INTO chat_keys (room_id, user_id, key, seq) VALUES (?, ?, ?, ?)");
        let insert = insert.bind(room).bind(user.as_str()).bind(key).bind(seq);
        insert.execute(&mut *transaction).await?;
        for (forget, kept) in [
            ("DELETE FROM chat_messages WHERE room_id = ? AND seq <= ?", KEPT),
            ("DELETE FROM chat_keys WHERE room_id = ? AND seq <= ?", KEYS_KEPT),
        ] {
            query(forget).bind(room).bind(seq - kept).execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        Ok(Posted::New(message))
    }

    /// Replaces the text of somebody's own message, or removes it; `None` when there is no such message.
    pub(super) async fn change(
        &self,
        room: &str,
        user: &UserId,
        seq: i64,
        text: Option<&str>,
    ) -> sqlx::Result<Option<Message>> {
        let mut transaction = self.0.begin().await?;
        let changed = query_as(
            "UPDATE chat_messages SET text = coalesce(?4, ''), is_edited = ?4 IS NOT NULL, \
             is_removed = ?4 IS NULL, \
             version = (SELECT version + 1 FROM chat_rooms WHERE id = ?1) \
             WHERE room_id = ?1 AND user_id = ?2 AND seq = ?3 AND NOT is_removed RETURNING *",
        );
        let changed = changed.bind(room).bind(user.as_str()).bind(seq).bind(text);
        let Some(message) = changed.fetch_optional(&mut *transaction).await? else {
            return Ok(None);
        };
        let next = query("UPDATE chat_rooms SET version = version + 1 WHERE id = ?");
        next.bind(room).execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(Some(message))
    }

    /// What has changed behind a version, as much as fits into one answer.
    pub(super) async fn history(&self, room: &str, last_seen: i64) -> sqlx::Result<History> {
        let mut transaction = self.0.begin().await?;
        let (first, version): (i64, i64) = query_as(
            "SELECT coalesce((SELECT min(seq) FROM chat_messages WHERE room_id = ?1), 1), version \
             FROM chat_rooms WHERE id = ?1",
        )
        .bind(room)
        .fetch_one(&mut *transaction)
        .await?;
        let mut messages: Vec<Message> = query_as(
            "SELECT * FROM chat_messages WHERE room_id = ? AND version > ? ORDER BY version LIMIT ?",
        )
        .bind(room)
        .bind(last_seen)
        .bind(AT_ONCE + 1)
        .fetch_all(&mut *transaction)
        .await?;
        let more = messages.len() > usize::try_from(AT_ONCE).unwrap_or(usize::MAX);
        if more {
            messages.pop();
        }
        let last = messages.last().map_or(version, |last| last.version);
        Ok(History { first, version: if more { last } else { version }, messages, more })
    }

    /// Writes down how far somebody has read, and returns how many messages of others are behind it.
    pub(super) async fn read(&self, room: &str, user: &UserId, seq: i64) -> sqlx::Result<i64> {
        let mut transaction = self.0.begin().await?;
        let read = query(
            "UPDATE chat_members SET read_seq = max(read_seq, min(?3, \
             (SELECT last_seq FROM chat_rooms WHERE id = ?1))) WHERE room_id = ?1 AND user_id = ?2",
        );
        read.bind(room).bind(user.as_str()).bind(seq).execute(&mut *transaction).await?;
        let unread = query_scalar(concat!(
            "SELECT ",
            unread!(),
            " FROM chat_members AS me WHERE room_id = ? AND user_id = ?"
        ));
        let unread = unread.bind(room).bind(user.as_str()).fetch_one(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(unread)
    }
}

/// Forgets somebody: their memberships, what they have written, and rooms that nobody is in any more. That
/// there were messages stays, as changes with versions of their own, so that a page that is open hears of them.
pub(crate) async fn forget(database: &SqlitePool, user: &UserId) -> sqlx::Result<()> {
    let mut transaction = database.begin().await?;
    for statement in [
        "DELETE FROM chat_keys WHERE user_id = ?1",
        "DELETE FROM chat_members WHERE user_id = ?1",
        "UPDATE chat_messages AS message \
         SET user_id = '', name = '', key = '', text = '', is_edited = 0, is_removed = 1, \
         version = room.version + own.number \
         FROM chat_rooms AS room, (SELECT room_id, seq, row_number() OVER \
             (PARTITION BY room_id ORDER BY seq) AS number FROM chat_messages WHERE user_id = ?1) AS own \
         WHERE message.room_id = own.room_id AND message.seq = own.seq AND room.id = own.room_id",
    ] {
        query(statement).bind(user.as_str()).execute(&mut *transaction).await?;
    }
    for statement in [
        "UPDATE chat_rooms AS room SET version = last.version FROM \
         (SELECT room_id, max(version) AS version FROM chat_messages GROUP BY room_id) AS last \
         WHERE room.id = last.room_id AND room.version < last.version",
        "DELETE FROM chat_rooms WHERE NOT EXISTS \
         (SELECT 1 FROM chat_members WHERE chat_members.room_id = chat_rooms.id)",
    ] {
        query(statement).execute(&mut *transaction).await?;
    }
    transaction.commit().await
}

/// A room never has more members than allowed, nor somebody more rooms: the transaction is the only writer.
async fn add(
    transaction: &mut Transaction<'_, Sqlite>,
    room: &str,
    (user, name): (&UserId, &str),
) -> sqlx::Result<Added> {
    let (is_here, members, rooms): (bool, i64, i64) = query_as(
        "SELECT EXISTS (SELECT 1 FROM chat_members WHERE room_id = ?1 AND user_id = ?2), \
         (SELECT count(*) FROM chat_members WHERE room_id = ?1), \
         (SELECT count(*) FROM chat_members WHERE user_id = ?2)",
    )
    .bind(room)
    .bind(user.as_str())
    .fetch_one(&mut **transaction)
    .await?;
    if is_here {
        return Ok(Added::Here);
    }
    if members >= MAX_MEMBERS || rooms >= MAX_ROOMS {
        return Ok(Added::Full);
    }
    // What was written before they came is nothing that they have not read.
    let insert = query(
        "INSERT INTO chat_members (room_id, user_id, name, read_seq) \
         SELECT id, ?2, ?3, last_seq FROM chat_rooms WHERE id = ?1",
    );
    insert.bind(room).bind(user.as_str()).bind(name).execute(&mut **transaction).await?;
    Ok(Added::Done)
}

fn millis(time: SystemTime) -> i64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Messages that a room keeps.
const KEPT: i64 = 200;

/// Keys that a room keeps: about a megabyte.
const KEYS_KEPT: i64 = 10_000;

/// Messages in one answer: with the longest texts it is still much smaller than what a client may be sent.
const AT_ONCE: i64 = 40;

const MAX_MEMBERS: i64 = 2_000;

/// Fewer than a socket may be in.
const MAX_ROOMS: i64 = 100;
