//! Payloads of the chat.

use doorward::{
    __private::{is_visible_line, is_visible_text},
    ServerEvent, UserId, garde,
};
use serde::{Deserialize, Serialize, Serializer};

#[derive(Deserialize, garde::Validate)]
pub(super) struct Create {
    #[garde(length(chars, min = 1, max = 60), custom(visible_line))]
    pub(super) name: String,
}

#[derive(Deserialize, garde::Validate)]
pub(super) struct Invite {
    #[garde(length(max = ID), custom(storable))]
    pub(super) room: String,
    /// User name of the invited user.
    #[garde(inner(length(chars, min = 1, max = 64), custom(storable)))]
    pub(super) user: Option<String>,
    /// Id of the invited user. The client sends the id or the name.
    #[garde(inner(length(chars, min = 1, max = 255), custom(storable)))]
    pub(super) id: Option<String>,
}

#[derive(Deserialize, garde::Validate)]
pub(super) struct InRoom {
    #[garde(length(max = ID), custom(storable))]
    pub(super) room: String,
}

/// Request for the changes after a version.
#[derive(Deserialize, garde::Validate)]
#[serde(rename_all = "camelCase")]
pub(super) struct Since {
    #[garde(length(max = ID), custom(storable))]
    pub(super) room: String,
    /// Version of the last change that the client has received, or 0 if it has received none.
    #[garde(range(min = 0))]
    pub(super) last_seen: i64,
}

#[derive(Deserialize, garde::Validate)]
pub(super) struct Send {
    #[garde(length(max = ID), custom(storable))]
    pub(super) room: String,
    /// Key that the client has chosen. If a client sends two messages with the same key, only the first
    /// is stored.
    #[garde(length(min = 1, max = ID), custom(storable))]
    pub(super) key: String,
    #[garde(length(chars, min = 1, max = 2000), custom(visible_text))]
    pub(super) text: String,
}

#[derive(Deserialize, garde::Validate)]
pub(super) struct Edit {
    #[garde(length(max = ID), custom(storable))]
    pub(super) room: String,
    #[garde(skip)]
    pub(super) seq: i64,
    #[garde(length(chars, min = 1, max = 2000), custom(visible_text))]
    pub(super) text: String,
}

/// Request that names one message of a room, to remove it or to mark it as read.
#[derive(Deserialize, garde::Validate)]
pub(super) struct At {
    #[garde(length(max = ID), custom(storable))]
    pub(super) room: String,
    #[garde(skip)]
    pub(super) seq: i64,
}

/// Chat room as one of its members sees it. It is sent when a user becomes a member.
#[derive(Serialize, ServerEvent, sqlx::FromRow)]
pub(super) struct Room {
    pub(super) id: String,
    pub(super) name: String,
    /// Version of the last change of the room.
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

/// Answer to an invitation: the invited user. The answer does not tell if the user is online, because only members
/// of a common room may know.
#[derive(Serialize)]
pub(super) struct Invitee {
    #[serde(serialize_with = "id_of")]
    pub(super) user: UserId,
    pub(super) name: Box<str>,
}

/// Open invitation. It is sent to the invited user.
#[derive(Serialize, ServerEvent, sqlx::FromRow)]
#[serde(rename_all = "camelCase")]
pub(super) struct Invitation {
    pub(super) room: String,
    /// Name of the room.
    pub(super) name: String,
    pub(super) inviter: String,
    pub(super) inviter_name: String,
    /// Time of the invitation, in milliseconds since 1970.
    pub(super) invited_at: i64,
}

/// Event: an invitation was accepted or declined in a tab of the user, or replaced by a newer one.
#[derive(Serialize, ServerEvent)]
pub(super) struct InvitationGone<'a> {
    pub(super) room: &'a str,
}

/// Event: a user has become a member of a room.
#[derive(Serialize, ServerEvent)]
pub(super) struct MemberJoined<'a> {
    pub(super) room: &'a str,
    #[serde(flatten)]
    pub(super) member: Member,
}

/// Event: a user is no longer a member of a room.
#[derive(Serialize, ServerEvent)]
pub(super) struct MemberLeft<'a> {
    pub(super) room: &'a str,
    pub(super) user: &'a str,
}

/// Event: a member came online (opened its first connection) or went offline (closed its last
/// connection).
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

/// Event for the other tabs of the user: the number of unread messages.
#[derive(Serialize, ServerEvent)]
pub(super) struct Read<'a> {
    pub(super) room: &'a str,
    pub(super) unread: i64,
}

/// A message in its current state: new, edited or removed.
#[derive(Serialize, ServerEvent, sqlx::FromRow)]
#[serde(rename_all = "camelCase")]
pub(super) struct Message {
    #[serde(rename = "room")]
    pub(super) room_id: String,
    /// Position of the message in the room, which never changes.
    pub(super) seq: i64,
    /// Version of the room after the last change of the message. Every change in the room increases the version by
    /// one, so a gap means that the client has missed a change.
    pub(super) version: i64,
    #[serde(rename = "user")]
    pub(super) user_id: String,
    pub(super) name: String,
    pub(super) key: String,
    /// Text of the message. Empty if the message was removed.
    pub(super) text: String,
    /// Time at which the message was sent, in milliseconds since 1970.
    pub(super) sent_at: i64,
    pub(super) is_edited: bool,
    pub(super) is_removed: bool,
}

/// One page of changes, sorted by version.
#[derive(Serialize)]
pub(super) struct History {
    /// Position of the oldest message that is kept. The client drops older messages.
    pub(super) first: i64,
    /// Version of the last change in this page, which is the next `lastSeen`.
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

/// Rejects the character NUL, which PostgreSQL cannot store.
fn storable(text: &str, (): &()) -> garde::Result {
    if text.contains('\0') { Err(garde::Error::new(INVISIBLE)) } else { Ok(()) }
}

fn id_of<S: Serializer>(user: &UserId, out: S) -> Result<S::Ok, S::Error> {
    out.serialize_str(user.as_str())
}

const INVISIBLE: &str = "write something that can be seen, and nothing that cannot";

/// Maximum length of room ids and message keys in bytes.
const ID: usize = 64;
