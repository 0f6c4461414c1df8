//! Selection of sockets in a namespace, as it is sent to other nodes.

use doorward_core::UserId;
use serde::{Deserialize, Serialize};

use super::target::Target;

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
