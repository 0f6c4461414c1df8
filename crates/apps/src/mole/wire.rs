//! Payloads of the game. Times are durations in milliseconds from the moment of sending, so that the clock of a
//! client does not matter.

use std::time::Duration;

use doorward::{ServerEvent, UserId, garde};
use serde::{Deserialize, Serialize, Serializer};

/// Request to enter a room, as player or spectator.
#[derive(Deserialize, garde::Validate)]
pub(super) struct Join {
    #[garde(custom(check_name))]
    pub(super) room: String,
    #[garde(skip)]
    #[serde(default)]
    pub(super) watch: bool,
}

/// Request to strike at a hole, with the number of the mole that the player has seen there.
#[derive(Clone, Copy, Serialize, Deserialize, garde::Validate)]
pub(super) struct Strike {
    #[garde(range(min = 1, max = 9))]
    pub(super) hole: u8,
    #[garde(skip)]
    #[serde(default)]
    pub(super) mole: Option<u32>,
}

/// Result of a strike.
#[derive(Serialize)]
pub(super) struct Struck {
    hit: bool,
    /// Name of the reason for a miss.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    /// Points and score of a hit.
    #[serde(skip_serializing_if = "Option::is_none", flatten)]
    gained: Option<Hit>,
}

/// Result of a strike that has hit a mole.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Hit {
    pub(super) points: u32,
    pub(super) score: u32,
    pub(super) combo: u32,
}

impl Struck {
    pub(super) fn hit(gained: Hit) -> Self {
        Self { hit: true, reason: None, gained: Some(gained) }
    }

    pub(super) fn missed(reason: &'static str) -> Self {
        Self { hit: false, reason: Some(reason), gained: None }
    }
}

/// Full state of a room.
#[derive(Serialize, ServerEvent)]
#[serde(rename_all = "camelCase")]
pub(super) struct State {
    pub(super) room: String,
    #[serde(flatten)]
    pub(super) phase: PhaseChanged,
    pub(super) moles: Vec<MoleUp>,
    pub(super) players: Vec<Player>,
    pub(super) spectators: usize,
    /// `true` if the client that receives the state is a player.
    pub(super) playing: bool,
}

#[derive(Clone, Copy, Serialize, ServerEvent)]
#[event("phase")]
#[serde(rename_all = "camelCase")]
pub(super) struct PhaseChanged {
    /// `waiting`, `countdown`, `playing` or `over`.
    pub(super) phase: &'static str,
    #[serde(serialize_with = "optional_millis")]
    pub(super) ends_in: Option<Duration>,
}

#[derive(Clone, Copy, Serialize, ServerEvent)]
#[serde(rename_all = "camelCase")]
pub(super) struct MoleUp {
    pub(super) mole: u32,
    pub(super) hole: u8,
    #[serde(serialize_with = "millis")]
    pub(super) down_in: Duration,
}

#[derive(Clone, Copy, Serialize, ServerEvent)]
pub(super) struct MoleDown {
    pub(super) mole: u32,
    pub(super) hole: u8,
}

/// Player as shown to the room.
#[derive(Serialize, ServerEvent)]
pub(super) struct Player {
    pub(super) name: Box<str>,
    /// `true` if the player is connected.
    pub(super) here: bool,
    #[serde(flatten)]
    pub(super) score: Score,
}

/// Event: a player has left the game.
#[derive(Serialize, ServerEvent)]
pub(super) struct PlayerGone {
    #[serde(serialize_with = "text")]
    pub(super) user: UserId,
}

/// Event: the scores that have changed.
#[derive(Serialize, ServerEvent)]
pub(super) struct Scores(pub(super) Vec<Score>);

#[derive(Serialize)]
pub(super) struct Score {
    #[serde(serialize_with = "text")]
    pub(super) user: UserId,
    pub(super) score: u32,
    pub(super) combo: u32,
    pub(super) hits: u32,
}

/// Event: a new game has begun in the room, usually on another node, and the round of before is lost.
#[derive(Serialize, ServerEvent)]
pub(super) struct Moved {}

#[derive(Serialize, ServerEvent)]
pub(super) struct Spectators(pub(super) usize);

/// Ranking of a round, best first.
#[derive(Clone, Serialize, ServerEvent)]
pub(super) struct Ranking(pub(super) Vec<Ranked>);

#[derive(Clone, Serialize)]
pub(super) struct Ranked {
    #[serde(serialize_with = "text")]
    pub(super) user: UserId,
    pub(super) name: Box<str>,
    pub(super) score: u32,
    pub(super) hits: u32,
    /// Number of misses.
    pub(super) misses: u32,
}

/// The best ten scores.
#[derive(Serialize, ServerEvent)]
pub(super) struct Top(pub(super) Vec<Best>);

#[derive(Serialize, sqlx::FromRow)]
pub(super) struct Best {
    pub(super) name: String,
    pub(super) score: i64,
}

/// Returns `true` if a room may have this name.
pub(super) fn is_name(text: &str) -> bool {
    (1..=32).contains(&text.len())
        && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

fn check_name(text: &str, (): &()) -> garde::Result {
    if is_name(text) { Ok(()) } else { Err(garde::Error::new("write 1-32 of a-z, 0-9 and -")) }
}

fn text<S: Serializer>(user: &UserId, out: S) -> Result<S::Ok, S::Error> {
    out.serialize_str(user.as_str())
}

fn millis<S: Serializer>(time: &Duration, out: S) -> Result<S::Ok, S::Error> {
    out.serialize_u128(time.as_millis())
}

fn optional_millis<S: Serializer>(time: &Option<Duration>, out: S) -> Result<S::Ok, S::Error> {
    time.map(|time| time.as_millis()).serialize(out)
}
