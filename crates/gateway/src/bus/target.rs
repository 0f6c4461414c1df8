//! Targets of broadcasts.

use std::sync::Arc;

use doorward_core::{SocketId, UserId};

/// Target of a broadcast.
///
/// A string converts into a room with this name, a [`SocketId`] into one socket, and a [`UserId`]
/// into every socket of the user.
///
/// # Examples
/// ```
/// use doorward::{UserId, room::Target};
///
/// assert_eq!(Target::from("team:7"), Target::Room("team:7".into()));
/// assert_eq!(Target::from(UserId::new("alice")), Target::User(UserId::new("alice")));
/// ```
///
/// # Security
/// A string is always a room. A client that chooses the name of a room cannot reach a user or a
/// socket with it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Target {
    /// Every socket in the room of this name.
    Room(Arc<str>),
    /// The socket with this id.
    Socket(SocketId),
    /// Every socket of this user. Anonymous clients share one user id, and this target does not
    /// select their sockets.
    User(UserId),
}

macro_rules! targets {
    ($($from:ty: |$value:ident| $target:expr;)+) => {$(
        impl From<$from> for Target {
            fn from($value: $from) -> Self {
                $target
            }
        }
    )+};
}

targets! {
    &str: |room| Self::Room(room.into());
    String: |room| Self::Room(room.into());
    &String: |room| Self::Room(room.as_str().into());
    Arc<str>: |room| Self::Room(room);
    SocketId: |id| Self::Socket(id);
    UserId: |user| Self::User(user);
    &UserId: |user| Self::User(user.clone());
}
