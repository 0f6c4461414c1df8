//! Patterns of room names, such as `team:{id}`, and the policies that applications give them.
//!
//! A placeholder takes one or more characters up to the text after it, and never a `:` or a `/`, so
//! `team:{id}` does not match `team:1:secret`. Names are compared byte by byte: a room has one
//! spelling. `connection/rooms.rs` calls the policies, and refuses a room without one.

use std::{fmt, str::FromStr, sync::Arc};

use doorward_core::{BoxFuture, UserId, Verdict};

use crate::room::{principal::Principal, socket::Socket};

/// Somebody who asks to enter a room that a policy covers.
///
/// # Examples
/// ```
/// use doorward::{prelude::*, room::RoomRequest};
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
    connection: Socket<P>,
    principal: Arc<P>,
    room: Arc<str>,
    parameters: Parameters,
}

/// What stands at the placeholders of a pattern.
pub(crate) type Parameters = Vec<(Arc<str>, Box<str>)>;

impl<P> RoomRequest<P> {
    pub(crate) fn new(
        connection: Socket<P>,
        principal: Arc<P>,
        room: Arc<str>,
        parameters: Parameters,
    ) -> Self {
        Self { connection, principal, room, parameters }
    }

    /// Who asks.
    #[must_use]
    pub fn socket(&self) -> &Socket<P> {
        &self.connection
    }

    /// Whom the server acts for: when rights have changed, the one that is to be judged.
    #[must_use]
    pub fn principal(&self) -> Principal<P> {
        Principal::new(Arc::clone(&self.principal))
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

    /// What stands at the placeholder `{name}`.
    ///
    /// # Panics
    /// When the pattern has no such placeholder: a mistake of the program. The panic is caught, and
    /// the answer is no.
    #[must_use]
    pub fn param(&self, name: &str) -> &str {
        let found = self.parameters.iter().find(|(own, _)| &**own == name);
        &found.expect("the pattern has a placeholder of this name").1
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

    /// Returns every way in which `room` can be read by this pattern; none when it does not match.
    ///
    /// A name such as `doc-a-draft-draft` can be read in several ways by `doc-{slug}-draft`. A policy
    /// that saw only one of them could be led past.
    pub(crate) fn readings(&self, room: &str) -> Result<Vec<Parameters>, TooManyReadings> {
        let mut reading = Reading { taken: Vec::new(), found: Vec::new(), steps: 0 };
        reading.go_on(&self.parts, room)?;
        Ok(reading.found)
    }
}

/// A name that takes too long to be understood is nobody's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooManyReadings;

/// A name that is being read.
struct Reading {
    taken: Parameters,
    found: Vec<Parameters>,
    steps: usize,
}

impl Reading {
    fn go_on(&mut self, parts: &[Part], rest: &str) -> Result<(), TooManyReadings> {
        self.steps += 1;
        if self.steps > MAX_STEPS {
            return Err(TooManyReadings);
        }
        match parts {
            [] if rest.is_empty() => self.found.push(self.taken.clone()),
            [] => {}
            [Part::Text(text), behind @ ..] => {
                if let Some(rest) = rest.strip_prefix(&**text) {
                    self.go_on(behind, rest)?;
                }
            }
            [Part::Placeholder(name), behind @ ..] => {
                for end in ends(rest, behind.first()) {
                    let (value, rest) = rest.split_at(end);
                    self.taken.push((Arc::clone(name), value.into()));
                    self.go_on(behind, rest)?;
                    self.taken.pop();
                }
            }
        }
        Ok(())
    }
}

/// Where a placeholder at the front of `rest` may end, before `next`: behind one character at least,
/// and before a separator.
fn ends(rest: &str, next: Option<&Part>) -> Vec<usize> {
    let most = rest.find([':', '/']).unwrap_or(rest.len());
    match next {
        Some(Part::Text(text)) => {
            let found = rest.match_indices(&**text).map(|(at, _)| at);
            found.filter(|at| (1..=most).contains(at)).collect()
        }
        _ if most == rest.len() && most > 0 => vec![most],
        _ => Vec::new(),
    }
}

/// More than any sensible name takes; names are the client's words.
const MAX_STEPS: usize = 1_000;

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
        let mut readings = parsed(pattern).readings(room).unwrap();
        assert!(readings.len() < 2, "{pattern} reads {room} in several ways");
        readings.pop().map(|found| found.into_iter().map(|(_, value)| value.into()).collect())
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

    /// Attack 80: the strict pattern must not miss what the lax one covers.
    #[test]
    fn a_name_is_read_in_every_way_in_which_it_can_be() {
        let slugs = |room: &str| {
            let readings = parsed("doc-{slug}-draft").readings(room).unwrap();
            readings.into_iter().map(|found| found[0].1.to_string()).collect::<Vec<_>>()
        };

        assert_eq!(slugs("doc-x-draft"), ["x"]);
        assert_eq!(slugs("doc-x-draft-draft"), ["x-draft"]);
        let both = parsed("a{x}-{y}").readings("a1-2-3").unwrap();
        assert_eq!(both.len(), 2);
    }

    #[test]
    fn a_name_that_could_be_read_in_countless_ways_is_given_up() {
        let pattern = parsed("a{b}-{c}-{d}-{e}-{f}");

        assert_eq!(pattern.readings(&format!("a{}", "-".repeat(250))), Err(TooManyReadings));
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
