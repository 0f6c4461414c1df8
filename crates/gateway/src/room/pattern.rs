//! Patterns of room names, such as `team:{id}`, and the policies that applications set for these
//! rooms.
//!
//! A placeholder matches one or more characters up to the text after it, but never a `:` or a `/`,
//! so `team:{id}` does not match `team:1:secret`. Names are compared byte by byte, so a room has
//! one spelling. `socket/joining.rs` calls the policies, and denies a room without a policy. Start
//! reading at [`Pattern::readings`].

use std::{fmt, str::FromStr, sync::Arc};

use doorward_core::{BoxFuture, UserId, Verdict};

use crate::room::{principal::Principal, socket::Socket};

/// Request of a client to join a room. The policy of the room receives it.
///
/// [`Gateway::room`](crate::Gateway::room) sets the policy. The policy reads the placeholders of
/// its pattern with [`parse`](RoomRequest::parse) or [`param`](RoomRequest::param). The policy is
/// also called for rooms that the socket has already joined, when its client refreshes the
/// credential or the rights of its user change.
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
/// ```
pub struct RoomRequest<P> {
    pub(super) socket: Socket<P>,
    pub(super) principal: Arc<P>,
    pub(super) room: Arc<str>,
    pub(super) parameters: Parameters,
}

/// Names and values of the placeholders of a pattern.
pub(crate) type Parameters = Vec<(Arc<str>, Box<str>)>;

impl<P> RoomRequest<P> {
    /// Returns the socket that requests to join.
    #[must_use]
    pub fn socket(&self) -> &Socket<P> {
        &self.socket
    }

    /// Returns the principal that the policy checks.
    ///
    /// Use it instead of [`Socket::principal`]. If the policy is called because the principal of
    /// the socket is being replaced, [`Socket::principal`] still returns the old principal.
    #[must_use]
    pub fn principal(&self) -> Principal<P> {
        Principal(Arc::clone(&self.principal))
    }

    /// Returns the id of the user of the socket.
    #[must_use]
    pub fn user(&self) -> &UserId {
        self.socket.user()
    }

    /// Returns the whole name of the room.
    #[must_use]
    pub fn room(&self) -> &str {
        &self.room
    }

    /// Returns the text that the placeholder `{name}` matches.
    ///
    /// # Panics
    /// Panics if the pattern has no such placeholder, which is a mistake of the program. The server
    /// catches the panic and denies the request.
    #[must_use]
    pub fn param(&self, name: &str) -> &str {
        let found = self.parameters.iter().find(|(own, _)| &**own == name);
        &found.expect("the pattern has a placeholder of this name").1
    }

    /// Parses the text that the placeholder `{name}` matches. Returns `None` if the text is not a
    /// `T`, or if `Display` prints the parsed value as another text.
    ///
    /// # Panics
    /// Panics like [`param`](RoomRequest::param).
    ///
    /// # Security
    /// `7` and `007` are the same number, but they name two rooms. A value is returned only for the
    /// text that `Display` prints, so that each value belongs to one room.
    #[must_use]
    pub fn parse<T: FromStr + fmt::Display>(&self, name: &str) -> Option<T> {
        let text = self.param(name);
        let value: T = text.parse().ok()?;
        (value.to_string() == text).then_some(value)
    }
}

doorward_core::debug_fields!(RoomRequest<P> { room });

/// Policy for the rooms whose names match a pattern.
pub(crate) struct RoomPolicy<P> {
    pub(crate) pattern: Pattern,
    pub(crate) may_join: MayJoin<P>,
}

/// Function of the application that decides if a socket may join a room.
pub(crate) type MayJoin<P> =
    Box<dyn Fn(RoomRequest<P>) -> BoxFuture<'static, Verdict> + Send + Sync>;

/// Pattern of room names, such as `team:{id}`.
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
    /// Parses a pattern. Returns `None` if the pattern is not valid or matches no valid name.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let (literal, after) = rest.split_once('{').unwrap_or((rest, ""));
            if literal.contains('}') {
                return None;
            }
            if !literal.is_empty() {
                parts.push(Part::Text(literal.into()));
            } else if matches!(parts.last(), None | Some(Part::Placeholder(_))) {
                // A pattern without a prefix would cover the rooms of every other pattern. Two
                // adjacent placeholders would be ambiguous.
                return None;
            }
            if literal.len() == rest.len() {
                break;
            }
            let (name, after) = after.split_once('}')?;
            let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
            if name.is_empty() || !name.bytes().all(is_name) {
                return None;
            }
            parts.push(Part::Placeholder(name.into()));
            rest = after;
        }
        // A pattern that no valid name can match is a mistake, for example one with a reserved
        // prefix.
        let example: String = parts.iter().map(|part| part.example()).collect();
        (is_room_name(&example)).then(|| Self { text: text.into(), parts })
    }

    pub(crate) fn as_str(&self) -> &Arc<str> {
        &self.text
    }

    /// Returns the values of the placeholders for every way in which `room` matches this pattern.
    /// The list is empty if `room` does not match. Fails if matching takes more than [`MAX_STEPS`]
    /// steps.
    ///
    /// `a1-2-3` matches the pattern `a{x}-{y}` in two ways: `x` is `1` or `1-2`. Each way is called
    /// a reading. If a policy received only one reading, a client could bypass the policy with the
    /// other reading. So the caller asks the policy about each reading.
    pub(crate) fn readings(&self, room: &str) -> Result<Vec<Parameters>, TooManyReadings> {
        let mut reading = Reading { taken: Vec::new(), found: Vec::new(), steps: 0 };
        reading.go_on(&self.parts, room)?;
        Ok(reading.found)
    }
}

/// Error for a name whose matching takes more than [`MAX_STEPS`] steps. The room of this name
/// cannot be joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooManyReadings;

/// State of matching one name of a room against a pattern.
struct Reading {
    /// Placeholders before the current position, with their values.
    taken: Parameters,
    /// Complete readings.
    found: Vec<Parameters>,
    steps: usize,
}

impl Reading {
    /// Matches the rest of the name against the rest of the pattern, in every possible way. Adds
    /// each complete match to `found`.
    fn go_on(&mut self, parts: &[Part], rest: &str) -> Result<(), TooManyReadings> {
        self.steps += 1;
        if self.steps > MAX_STEPS {
            return Err(TooManyReadings);
        }
        match parts {
            [] if rest.is_empty() => self.found.push(self.taken.clone()),
            [] => {}
            [Part::Text(text), after @ ..] => {
                if let Some(rest) = rest.strip_prefix(&**text) {
                    self.go_on(after, rest)?;
                }
            }
            [Part::Placeholder(name), after @ ..] => {
                for end in ends(rest, after.first()) {
                    let (value, rest) = rest.split_at(end);
                    self.taken.push((Arc::clone(name), value.into()));
                    self.go_on(after, rest)?;
                    self.taken.pop();
                }
            }
        }
        Ok(())
    }
}

/// Returns the byte positions at which a placeholder at the start of `rest` may end.
///
/// The value of the placeholder has at least one byte, and contains no `:` and no `/`. `next` is
/// the part after the placeholder, and must match at each returned position. If `next` is `None`,
/// the placeholder must match the whole `rest`.
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

/// Maximum number of steps to match one name. Matching a sensible name takes far fewer. The limit
/// is needed because the client chooses the name, and the number of readings grows as a power of
/// the length of the name.
const MAX_STEPS: usize = 1_000;

impl Part {
    /// Returns a text that matches the part.
    fn example(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Placeholder(_) => "x",
        }
    }
}

/// Returns `true` if the name of a room is valid. A valid name has 1 to [`MAX_ROOM_NAME`] bytes, no
/// control characters and no [`RESERVED`] prefix. Guards and policies decide if a client may join
/// the room.
pub(crate) fn is_room_name(name: &str) -> bool {
    (1..=MAX_ROOM_NAME).contains(&name.len())
        && !name.chars().any(char::is_control)
        && RESERVED.iter().all(|prefix| !name.starts_with(prefix))
}

/// Prefixes that no name of a room may have. Applications and operators could mistake a room such
/// as `user:alice` for a user.
const RESERVED: [&str; 3] = ["session:", "socket:", "user:"];

/// Maximum length of the name of a room, in bytes.
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

    /// Attack 80: a policy for `team:7` does not cover `team:7:secret`.
    #[test]
    fn a_placeholder_never_takes_a_separator() {
        assert_eq!(values("team:{id}", "team:7:secret"), None);
        assert_eq!(values("team:{id}", "team:7/secret"), None);
        assert_eq!(values("team:{id}:x", "team:1:2:x"), None);
    }

    /// Attack 80: a policy must not be bypassed with another reading of the name.
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
    fn a_name_with_too_many_readings_is_rejected() {
        let pattern = parsed("a{b}-{c}-{d}-{e}-{f}");

        assert_eq!(pattern.readings(&format!("a{}", "-".repeat(250))), Err(TooManyReadings));
    }

    #[test]
    fn a_pattern_that_covers_every_room_or_is_ambiguous_is_rejected() {
        for pattern in ["", "{id}", "a{b}{c}", "a{", "a}", "a{}", "a{b", "user:{id}", "socket:x"] {
            assert_eq!(Pattern::parse(pattern), None, "{pattern}");
        }
    }

    /// Attack 80.
    #[test]
    fn reserved_and_unprintable_names_are_rejected() {
        for name in ["", "a\0", "a\n", "user:alice", "session:1", "socket:abc"] {
            assert!(!is_room_name(name), "{name:?}");
        }
        assert!(!is_room_name(&"x".repeat(256)));
        assert!(is_room_name(&"x".repeat(255)));
        assert!(is_room_name("users:all"));
    }
}
