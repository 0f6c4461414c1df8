//! Selection of sockets in a namespace, as it is sent to other nodes.

use std::sync::Arc;

use doorward_core::{SocketId, UserId};
use serde::{Deserialize, Serialize};

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

/// Sockets of a namespace: those of the targets, without those that are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Selection {
    /// Targets. `None` selects the whole namespace.
    pub(crate) to: Option<Vec<Named>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) except: Vec<Named>,
}

/// Target as it is sent to other nodes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Named {
    Room(Box<str>),
    Socket(Box<str>),
    User(Box<str>),
}

impl From<&Target> for Named {
    fn from(target: &Target) -> Self {
        match target {
            Target::Room(room) => Self::Room((&**room).into()),
            Target::Socket(id) => Self::Socket(id.encode().into()),
            Target::User(user) => Self::User(user.as_str().into()),
        }
    }
}

impl Named {
    /// Returns the target. Returns `None` if the id of a socket is malformed.
    pub(crate) fn target(&self) -> Option<Target> {
        match self {
            Self::Room(room) => Some(Target::Room((&**room).into())),
            Self::Socket(id) => id.parse().ok().map(Target::Socket),
            Self::User(user) => Some(Target::User(UserId::new(&**user))),
        }
    }
}

/// Returns a selection as it is sent.
pub(crate) fn selection(to: Option<&[Target]>, except: &[Target]) -> Selection {
    let named = |targets: &[Target]| targets.iter().map(Named::from).collect();
    Selection { to: to.map(named), except: named(except) }
}
