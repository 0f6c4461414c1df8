//! Which rooms there may be, and who may enter them.
//!
//! A policy has a pattern, such as `team:{id}`. A placeholder takes one or more characters up to the
//! text behind it, and never a `:` or a `/`, so `team:{id}` does not match `team:1:secret`. Names are
//! compared byte by byte: there is no second spelling of a room.

use std::{fmt, str::FromStr, sync::Arc};

use doorward_core::{BoxFuture, UserId, Verdict};

use crate::{Connection, Principal};

/// Somebody who asks to enter a room that a policy covers.
///
/// # Examples
/// ```
/// use doorward::{RoomRequest, prelude::*};
///
/// struct User { teams: Vec<u64> }
///
/// let gateway: Gateway<User> = Gateway::at("/")
///     .room("team:{id}", |request: RoomRequest<User>| async move {
///         request.parse("id").is_some_and(|id: u64| request.principal().teams.contains(&id))
///     });
/// # drop(gateway);
/// ```
pub struct RoomRequest<P> {
    connection: Connection<P>,
    room: Arc<str>,
    parameters: Parameters,
}

/// What stands at the placeholders of a pattern.
pub(crate) type Parameters = Vec<(Arc<str>, Box<str>)>;

impl<P> RoomRequest<P> {
    pub(crate) fn new(connection: Connection<P>, room: Arc<str>, parameters: Parameters) -> Self {
        Self { connection, room, parameters }
    }

    /// Who asks.
    #[must_use]
    pub fn connection(&self) -> &Connection<P> {
        &self.connection
    }

    /// Whom the server acts for.
    #[must_use]
    pub fn principal(&self) -> Principal<P> {
        Principal::of(&self.connection)
    }

    /// Who that is.
    #[must_use]
    pub fn user(&self) -> &UserId {
        self.connection.user()
    }

    /// The whole name of the room.
    #[must_use]
    pub fn room(&self) -> &str {
        &self.room
    }

    /// What stands at the placeholder `{name}`; empty when the pattern has no such placeholder.
    #[must_use]
    pub fn param(&self, name: &str) -> &str {
        let found = self.parameters.iter().find(|(own, _)| &**own == name);
        found.map_or("", |(_, value)| value)
    }

    /// Reads what stands at the placeholder `{name}`; `None` when it is no `T`.
    ///
    /// # Security
    /// `7` and `007` are one number and two rooms. The value is returned only if it is written the way
    /// it was asked for, so that one thing has one room.
    #[must_use]
    pub fn parse<T: FromStr + fmt::Display>(&self, name: &str) -> Option<T> {
        let text = self.param(name);
        let value: T = text.parse().ok()?;
        (value.to_string() == text).then_some(value)
    }
}

impl<P> fmt::Debug for RoomRequest<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RoomRequest").field("room", &self.room).finish_non_exhaustive()
    }
}

/// Who may enter the rooms of a pattern.
pub(crate) struct RoomPolicy<P> {
    pub(crate) pattern: Pattern,
    pub(crate) may_join: MayJoin<P>,
}

pub(crate) type MayJoin<P> =
    Box<dyn Fn(RoomRequest<P>) -> BoxFuture<'static, Verdict> + Send + Sync>;

/// The names of the rooms that a policy covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pattern {
    text: Arc<str>,
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(Box<str>),
    Placeholder(Arc<str>),
}

impl Pattern {
    /// Reads a pattern; `None` when it is none.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let (literal, behind) = rest.split_once('{').unwrap_or((rest, ""));
            if literal.contains('}') {
                return None;
            }
            if !literal.is_empty() {
                parts.push(Part::Text(literal.into()));
            } else if matches!(parts.last(), None | Some(Part::Placeholder(_))) {
                // Rooms without a prefix would be everybody's, and two placeholders side by side
                // could be read in several ways.
                return None;
            }
            if literal.len() == rest.len() {
                break;
            }
            let (name, behind) = behind.split_once('}')?;
            let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
            if name.is_empty() || !name.bytes().all(is_name) {
                return None;
            }
            parts.push(Part::Placeholder(name.into()));
            rest = behind;
        }
        let example: String = parts.iter().map(|part| part.example()).collect();
        (is_room_name(&example)).then(|| Self { text: text.into(), parts })
    }

    pub(crate) fn as_str(&self) -> &Arc<str> {
        &self.text
    }

    /// Returns what stands at the placeholders of `room`, if it matches.
    pub(crate) fn matches(&self, room: &str) -> Option<Parameters> {
        let mut parameters = Vec::new();
        let mut rest = room;
        let mut parts = self.parts.iter().peekable();
        while let Some(part) = parts.next() {
            match part {
                Part::Text(text) => rest = rest.strip_prefix(&**text)?,
                Part::Placeholder(name) => {
                    let end = match parts.peek() {
                        Some(Part::Text(next)) => rest.find(&**next)?,
                        _ => rest.len(),
                    };
                    let (value, behind) = rest.split_at(end);
                    if value.is_empty() || value.contains([':', '/']) {
                        return None;
                    }
                    parameters.push((Arc::clone(name), value.into()));
                    rest = behind;
                }
            }
        }
        rest.is_empty().then_some(parameters)
    }
}

impl Part {
    /// Some text that it matches.
    fn example(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Placeholder(_) => "x",
        }
    }
}

/// Whether a client may be in a room of this name, if everybody else agrees.
pub(crate) fn is_room_name(name: &str) -> bool {
    (1..=MAX_ROOM_NAME).contains(&name.len())
        && !name.chars().any(char::is_control)
        && RESERVED.iter().all(|prefix| !name.starts_with(prefix))
}

/// What begins like this means a user, a session or a socket, and is nobody's to join.
const RESERVED: [&str; 3] = ["session:", "socket:", "user:"];

/// Bytes in the name of a room.
const MAX_ROOM_NAME: usize = 255;

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(pattern: &str) -> Pattern {
        Pattern::parse(pattern).unwrap()
    }

    fn values(pattern: &str, room: &str) -> Option<Vec<String>> {
        let found = parsed(pattern).matches(room);
        found.map(|found| found.into_iter().map(|(_, value)| value.into()).collect())
    }

    #[test]
    fn a_pattern_matches_whole_names_only() {
        assert_eq!(values("lobby", "lobby"), Some(vec![]));
        assert_eq!(values("lobby", "lobby2"), None);
        assert_eq!(values("team:{id}", "team:7"), Some(vec!["7".into()]));
        assert_eq!(values("team:{id}:{part}", "team:7:b"), Some(vec!["7".into(), "b".into()]));
        assert_eq!(values("team:{id}/x", "team:7/x"), Some(vec!["7".into()]));
        assert_eq!(values("team:{id}", "team:"), None);
        assert_eq!(values("team:{id}", "Team:7"), None);
        assert_eq!(values("team:{id}", "xteam:7"), None);
    }

    /// Attack 80: what looks like more of the same is something else.
    #[test]
    fn a_placeholder_never_takes_a_separator() {
        assert_eq!(values("team:{id}", "team:7:secret"), None);
        assert_eq!(values("team:{id}", "team:7/secret"), None);
        assert_eq!(values("team:{id}:x", "team:1:2:x"), None);
    }

    #[test]
    fn what_covers_everything_or_can_be_read_twice_is_no_pattern() {
        for pattern in ["", "{id}", "a{b}{c}", "a{", "a}", "a{}", "a{b", "user:{id}", "socket:x"] {
            assert_eq!(Pattern::parse(pattern), None, "{pattern}");
        }
    }

    /// Attack 80.
    #[test]
    fn reserved_and_unprintable_names_are_nobodys() {
        for name in ["", "a\0", "a\n", "user:alice", "session:1", "socket:abc"] {
            assert!(!is_room_name(name), "{name:?}");
        }
        assert!(!is_room_name(&"x".repeat(256)));
        assert!(is_room_name(&"x".repeat(255)));
        assert!(is_room_name("users:all"));
    }
}
