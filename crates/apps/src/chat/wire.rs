//! What people who chat read and write.

use doorward::{ServerEvent, UserId, garde, is_visible_line, is_visible_text};
use serde::{Deserialize, Serialize, Serializer};

#[derive(Deserialize, garde::Validate)]
pub(super) struct Create {
    #[garde(length(chars, min = 1, max = 60), custom(visible_line))]
    pub(super) name: String,
}

#[derive(Deserialize, garde::Validate)]
pub(super) struct Invite {
    #[garde(length(max = ID))]
    pub(super) room: String,
    /// Whom, by user name.
    #[garde(inner(length(chars, min = 1, max = 64)))]
    pub(super) user: Option<String>,
    /// Whom, by id, in place of the name.
    #[garde(inner(length(chars, min = 1, max = 255)))]
    pub(super) id: Option<String>,
}

#[derive(Deserialize, garde::Validate)]
pub(super) struct InRoom {
    #[garde(length(max = ID))]
    pub(super) room: String,
}

/// What has changed behind a version.
#[derive(Deserialize, garde::Validate)]
#[serde(rename_all = "camelCase")]
pub(super) struct Since {
    #[garde(length(max = ID))]
    pub(super) room: String,
    /// The version of the last message that the client has; 0 for none.
    #[garde(range(min = 0))]
    pub(super) last_seen: i64,
}

#[derive(Deserialize, garde::Validate)]
pub(super) struct Send {
    #[garde(length(max = ID))]
    pub(super) room: String,
    /// The client's own name for this message: sent twice with one key, it is written once.
    #[garde(length(min = 1, max = ID))]
    pub(super) key: String,
    #[garde(length(chars, min = 1, max = 2000), custom(visible_text))]
    pub(super) text: String,
}

#[derive(Deserialize, garde::Validate)]
pub(super) struct Edit {
    #[garde(length(max = ID))]
    pub(super) room: String,
    #[garde(skip)]
    pub(super) seq: i64,
    #[garde(length(chars, min = 1, max = 2000), custom(visible_text))]
    pub(super) text: String,
}

/// A message in a room, to be removed or read.
#[derive(Deserialize, garde::Validate)]
pub(super) struct At {
    #[garde(length(max = ID))]
    pub(super) room: String,
    #[garde(skip)]
    pub(super) seq: i64,
}

/// A room of one's own. It is sent when somebody has come into it.
#[derive(Serialize, ServerEvent, sqlx::FromRow)]
pub(super) struct Room {
    pub(super) id: String,
    pub(super) name: String,
    /// The version of its last change.
    pub(super) version: i64,
    pub(super) members: i64,
    pub(super) unread: i64,
}

#[derive(Serialize)]
pub(super) struct Member {
    #[serde(serialize_with = "id_of")]
    pub(super) user: UserId,
    pub(super) name: String,
    pub(super) online: bool,
}

/// A user who was invited. Whether they are online is for those to see who share a room with them.
#[derive(Serialize)]
pub(super) struct Invitee {
    #[serde(serialize_with = "id_of")]
    pub(super) user: UserId,
    pub(super) name: Box<str>,
}

/// An open invitation. It is sent when the user has got it.
#[derive(Serialize, ServerEvent, sqlx::FromRow)]
#[serde(rename_all = "camelCase")]
pub(super) struct Invitation {
    pub(super) room: String,
    /// Of the room.
    pub(super) name: String,
    pub(super) inviter: String,
    pub(super) inviter_name: String,
    /// Milliseconds since 1970.
    pub(super) invited_at: i64,
}

/// An invitation was accepted or declined, in another tab, or has made way for a newer one.
#[derive(Serialize, ServerEvent)]
pub(super) struct InvitationGone<'a> {
    pub(super) room: &'a str,
}

/// Somebody has come into a room for good.
#[derive(Serialize, ServerEvent)]
pub(super) struct MemberJoined<'a> {
    pub(super) room: &'a str,
    #[serde(flatten)]
    pub(super) member: Member,
}

/// Somebody has left a room for good.
#[derive(Serialize, ServerEvent)]
pub(super) struct MemberLeft<'a> {
    pub(super) room: &'a str,
    pub(super) user: &'a str,
}

/// Somebody of one's rooms has come, or gone: their first connection, or their last.
#[derive(Serialize, ServerEvent)]
pub(super) struct Presence<'a> {
    pub(super) user: &'a str,
    pub(super) online: bool,
}

#[derive(Serialize, ServerEvent)]
pub(super) struct Typing<'a> {
    pub(super) room: &'a str,
    pub(super) user: &'a str,
    pub(super) name: &'a str,
}

/// How far somebody has read, for their other tabs.
#[derive(Serialize, ServerEvent)]
pub(super) struct Read<'a> {
    pub(super) room: &'a str,
    pub(super) unread: i64,
}

/// A message as it is now: new, edited or removed.
#[derive(Serialize, ServerEvent, sqlx::FromRow)]
#[serde(rename_all = "camelCase")]
pub(super) struct Message {
    #[serde(rename = "room")]
    pub(super) room_id: String,
    /// Its place in the room.
    pub(super) seq: i64,
    /// Grows by one with every change in the room: a client that misses one has missed something.
    pub(super) version: i64,
    #[serde(rename = "user")]
    pub(super) user_id: String,
    pub(super) name: String,
    pub(super) key: String,
    /// Empty when it was removed.
    pub(super) text: String,
    /// Milliseconds since 1970.
    pub(super) sent_at: i64,
    pub(super) is_edited: bool,
    pub(super) is_removed: bool,
}

/// A part of what has changed, in the order of the changes.
#[derive(Serialize)]
pub(super) struct History {
    /// The oldest message that is kept; what the client has of older ones is over.
    pub(super) first: i64,
    /// How far this part goes: the next `lastSeen`.
    pub(super) version: i64,
    pub(super) messages: Vec<Message>,
    pub(super) more: bool,
}

fn visible_line(line: &str, (): &()) -> garde::Result {
    if is_visible_line(line) { Ok(()) } else { Err(garde::Error::new(INVISIBLE)) }
}

fn visible_text(text: &str, (): &()) -> garde::Result {
    if is_visible_text(text) { Ok(()) } else { Err(garde::Error::new(INVISIBLE)) }
}

fn id_of<S: Serializer>(user: &UserId, out: S) -> Result<S::Ok, S::Error> {
    out.serialize_str(user.as_str())
}

const INVISIBLE: &str = "write something that can be seen, and nothing that cannot";

/// Ids of rooms and keys of clients are no longer.
const ID: usize = 64;
