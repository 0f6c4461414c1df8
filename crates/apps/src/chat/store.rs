//! Stores rooms and members.
//!
//! A change locks what it counts: the user for the number of rooms, the room for the number of members. See
//! [`Connection`](crate::Connection) for the order of the locks. `messages` stores the messages of a room. Start
//! reading at [`Store::create`].

use std::time::SystemTime;

use doorward::{UserId, store::StoreError};

use super::wire::Room;
use crate::{
    application::Person,
    sql::{Connection, SqlDatabase, sql},
};

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

pub(super) struct Store(pub(super) SqlDatabase);

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

impl Store {
    /// Returns `true` if other nodes change the same rooms.
    pub(super) fn is_shared(&self) -> bool {
        self.0.is_shared()
    }

    /// Returns the rooms of a user, sorted by name.
    pub(super) async fn rooms_of(&self, user: &UserId) -> Result<Vec<Room>, StoreError> {
        let rooms = sql(concat!(room!(), " WHERE me.user_id = $1 ORDER BY room.name, room.id"));
        self.0.all(rooms.bind(user.as_str())).await
    }

    /// Returns one room of a user, or `None` if the user is not a member.
    pub(super) async fn room_of(
        &self,
        user: &UserId,
        room: &str,
    ) -> Result<Option<Room>, StoreError> {
        let one = sql(concat!(room!(), " WHERE me.user_id = $1 AND me.room_id = $2"));
        self.0.first(one.bind(user.as_str()).bind(room)).await
    }

    pub(super) async fn ids_of(&self, user: &UserId) -> Result<Vec<String>, StoreError> {
        let ids = sql("SELECT room_id FROM chat_members WHERE user_id = $1");
        let ids: Vec<(String,)> = self.0.all(ids.bind(user.as_str())).await?;
        Ok(ids.into_iter().map(|(id,)| id).collect())
    }

    pub(super) async fn is_member(&self, user: &UserId, room: &str) -> Result<bool, StoreError> {
        self.0.holds(sql(IS_MEMBER).bind(room).bind(user.as_str())).await
    }

    /// Returns the ids and names of the members of a room, sorted by name.
    pub(super) async fn members(&self, room: &str) -> Result<Vec<(String, String)>, StoreError> {
        let members =
            sql("SELECT user_id, name FROM chat_members WHERE room_id = $1 ORDER BY name, user_id");
        self.0.all(members.bind(room)).await
    }

    /// Updates the name of a user in all rooms. If the name is unchanged, this method writes nothing and does not
    /// wait for other changes.
    pub(super) async fn rename(&self, user: &UserId, name: &str) -> Result<(), StoreError> {
        let is_other =
            sql("SELECT EXISTS (SELECT 1 FROM chat_members WHERE user_id = $1 AND name <> $2)");
        if !self.0.holds(is_other.bind(user.as_str()).bind(name)).await? {
            return Ok(());
        }
        let (user, name) = (user.clone(), name.to_owned());
        let rename = self.0.change(move |mut connection| {
            Box::pin(async move {
                connection.lock_users([&user; 2]).await?;
                let rename =
                    sql("UPDATE chat_members SET name = $2 WHERE user_id = $1 AND name <> $2");
                connection.run(rename.bind(user.as_str()).bind(name)).await
            })
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
        let create = self.0.change(move |mut connection| {
            Box::pin(async move {
                connection.lock_users([&creator.id; 2]).await?;
                if count_rooms(&mut connection, &creator.id).await? >= MAX_ROOMS {
                    return Ok(Added::Full);
                }
                let insert =
                    sql("INSERT INTO chat_rooms (id, name, created_at) VALUES ($1, $2, $3)");
                connection.run(insert.bind(&*room).bind(name).bind(millis(now))).await?;
                add(&mut connection, &room, &creator).await
            })
        });
        create.await
    }

    /// Removes a member from a room, and the room if it has no other member.
    pub(super) async fn remove(&self, room: &str, user: &UserId) -> Result<(), StoreError> {
        let (room, user) = (room.to_owned(), user.clone());
        let remove = self.0.change(move |mut connection| {
            Box::pin(async move {
                lock_room(&mut connection, &room).await?;
                let remove = sql("DELETE FROM chat_members WHERE room_id = $1 AND user_id = $2");
                connection.run(remove.bind(&*room).bind(user.as_str())).await?;
                let empty = sql("DELETE FROM chat_rooms WHERE id = $1 \
                     AND NOT EXISTS (SELECT 1 FROM chat_members WHERE room_id = $1)");
                connection.run(empty.bind(room)).await
            })
        });
        remove.await
    }

    /// Stores the position up to which a member has read, and returns the number of unread messages. The position
    /// never goes back, nor beyond the last message.
    pub(super) async fn read(
        &self,
        room: &str,
        user: &UserId,
        seq: i64,
    ) -> Result<i64, StoreError> {
        let (room, user) = (room.to_owned(), user.clone());
        let read = self.0.change(move |mut connection| {
            Box::pin(async move {
                let read = sql("UPDATE chat_members SET read_seq = upto.seq FROM \
                     (SELECT CASE WHEN last_seq < $3 THEN last_seq ELSE $3 END AS seq \
                     FROM chat_rooms WHERE id = $1) AS upto \
                     WHERE room_id = $1 AND user_id = $2 AND read_seq < upto.seq");
                connection.run(read.bind(&*room).bind(user.as_str()).bind(seq)).await?;
                let unread = sql(concat!(
                    "SELECT ",
                    unread!(),
                    " FROM chat_members AS me WHERE room_id = $1 AND user_id = $2"
                ));
                let unread = unread.bind(room).bind(user.as_str());
                // The user may have left the room on another node meanwhile.
                Ok(connection.first(unread).await?.map_or(0, |(unread,)| unread))
            })
        });
        read.await
    }
}

/// Locks a room until the transaction ends, so that its members and its version do not change meanwhile.
pub(super) async fn lock_room(connection: &mut Connection<'_>, room: &str) -> sqlx::Result<()> {
    connection.lock_rows(sql("SELECT 1 FROM chat_rooms WHERE id = $1 FOR UPDATE").bind(room)).await
}

/// Returns `true` if a user is a member. The caller has locked the room.
pub(super) async fn is_member(
    connection: &mut Connection<'_>,
    room: &str,
    user: &UserId,
) -> sqlx::Result<bool> {
    let (is_member,) = connection.one(sql(IS_MEMBER).bind(room).bind(user.as_str())).await?;
    Ok(is_member)
}

/// Adds a member unless a limit is reached. The caller has locked the user.
pub(super) async fn add(
    connection: &mut Connection<'_>,
    room: &str,
    member: &Person,
) -> sqlx::Result<Added> {
    lock_room(connection, room).await?;
    let counts =
        sql("SELECT EXISTS (SELECT 1 FROM chat_members WHERE room_id = $1 AND user_id = $2), \
         (SELECT count(*) FROM chat_members WHERE room_id = $1)");
    let counts = counts.bind(room).bind(member.id.as_str());
    let (is_here, members): (bool, i64) = connection.one(counts).await?;
    if is_here {
        return Ok(Added::Here);
    }
    if members >= MAX_MEMBERS || count_rooms(connection, &member.id).await? >= MAX_ROOMS {
        return Ok(Added::Full);
    }
    // Messages from before the membership do not count as unread.
    let insert = sql("INSERT INTO chat_members (room_id, user_id, name, read_seq) \
         SELECT id, $2, $3, last_seq FROM chat_rooms WHERE id = $1");
    connection.run(insert.bind(room).bind(member.id.as_str()).bind(&*member.name)).await?;
    Ok(Added::Done)
}

async fn count_rooms(connection: &mut Connection<'_>, user: &UserId) -> sqlx::Result<i64> {
    let rooms = sql("SELECT count(*) FROM chat_members WHERE user_id = $1");
    let (rooms,) = connection.one(rooms.bind(user.as_str())).await?;
    Ok(rooms)
}

pub(super) fn millis(time: SystemTime) -> i64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

const IS_MEMBER: &str =
    "SELECT EXISTS (SELECT 1 FROM chat_members WHERE room_id = $1 AND user_id = $2)";

pub(super) const MAX_MEMBERS: i64 = 2_000;

/// Maximum number of rooms of one user, below the default limit on rooms per socket.
pub(super) const MAX_ROOMS: i64 = 100;
