//! Judges strikes, and computes points.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use doorward::UserId;
use serde::{Deserialize, Serialize};

use crate::mole::wire::{MoleUp, Strike};

/// A visible mole.
pub(super) struct Mole {
    pub(super) number: u32,
    pub(super) hole: u8,
    /// Time at which the mole has come up.
    pub(super) up: Instant,
    /// Time at which the mole goes down.
    pub(super) down: Instant,
    /// Users who have hit the mole. Each user can hit it once.
    pub(super) hit_by: HashSet<UserId>,
}

/// Reasons for which a strike is a miss.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::mole) enum Miss {
    /// There is no mole in the hole, or not the mole that the player has seen.
    Empty,
    /// The player has struck more often in one second than a person can ([`MAX_STRIKES`]).
    Flood,
    /// No round is running, or the user does not play.
    NotPlaying,
    /// The mole has disappeared.
    Past,
    /// The player has already hit this mole.
    Twice,
    /// The strike came faster than a human reaction ([`FASTEST`]).
    TooFast,
}

impl Miss {
    /// Returns the name of the reason, for players and metrics.
    pub(in crate::mole) fn name(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Flood => "flood",
            Self::NotPlaying => "not_playing",
            Self::Past => "past",
            Self::Twice => "twice",
            Self::TooFast => "too_fast",
        }
    }
}

/// Counts the strikes of a player in the current second.
#[derive(Default)]
pub(super) struct Pace {
    second: u64,
    strikes: u32,
}

/// Returns the mole that a strike has hit, or the reason for a miss. `next` is the number of the mole that comes up
/// next.
pub(super) fn aim<'a>(
    moles: &'a mut [Mole],
    next: u32,
    user: &UserId,
    strike: Strike,
    now: Instant,
) -> Result<&'a mut Mole, Miss> {
    let number = strike.mole.ok_or(Miss::Empty)?;
    let mole = match moles.iter_mut().find(|mole| mole.number == number) {
        Some(mole) => mole,
        None if number < next => return Err(Miss::Past),
        None => return Err(Miss::Empty),
    };
    if mole.hole != strike.hole {
        Err(Miss::Empty)
    } else if now >= mole.down {
        Err(Miss::Past)
    } else if mole.hit_by.contains(user) {
        Err(Miss::Twice)
    } else if now.saturating_duration_since(mole.up) < FASTEST {
        Err(Miss::TooFast)
    } else {
        Ok(mole)
    }
}

/// Returns the points of a hit. A hit has ten points, up to ten more for speed, and one more for each previous hit
/// in a row, up to ten.
pub(super) fn worth(mole: &Mole, combo: u32, now: Instant) -> u32 {
    let (left, stays) = (mole.down.saturating_duration_since(now), mole.down - mole.up);
    let quick = u32::try_from(10 * left.as_millis() / stays.as_millis().max(1)).unwrap_or(0);
    10 + quick.min(10) + combo.min(10)
}

impl Pace {
    pub(super) fn is_flood(&mut self, since_start: Duration) -> bool {
        let second = since_start.as_secs();
        if second != self.second {
            *self = Self { second, strikes: 0 };
        }
        self.strikes += 1;
        self.strikes > MAX_STRIKES
    }
}

impl Mole {
    pub(super) fn up_at(&self, now: Instant) -> MoleUp {
        let down_in = self.down.saturating_duration_since(now);
        MoleUp { mole: self.number, hole: self.hole, down_in }
    }
}

/// Maximum number of strikes of one player in a second, more than a person manages with two hands.
pub(super) const MAX_STRIKES: u32 = 12;

/// Shortest time after which a strike at a mole can be human. Human reactions take at least 100 ms (a
/// sprinter who starts earlier has made a false start), and the network adds to that.
pub(super) const FASTEST: Duration = Duration::from_millis(100);
