//! What is known of one limit: its name, its default and its bounds.

use std::{fmt, time::Duration};

use crate::limits::Limits;

/// One field of [`Limits`]; see [`Limits::ALL`].
///
/// # Examples
/// ```
/// use doorward::Limits;
///
/// for limit in Limits::ALL {
///     println!("{} is from {} to {}", limit.name(), limit.least(), limit.most());
/// }
/// ```
pub struct Limit {
    pub(super) name: &'static str,
    pub(super) default: LimitValue,
    pub(super) least: LimitValue,
    pub(super) most: LimitValue,
    pub(super) get: fn(&Limits) -> LimitValue,
    /// `None` when the field holds a value of the other kind.
    pub(super) set: fn(&mut Limits, LimitValue) -> Option<()>,
}

/// The value of a limit. It prints as it is written in the settings of the ready server: `64`, `30s`.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use doorward::LimitValue;
///
/// assert_eq!(LimitValue::Time(Duration::from_secs(360)).to_string(), "6m");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LimitValue {
    /// A number of things, or of bytes.
    Count(usize),
    /// A time.
    Time(Duration),
}

/// Why a limit cannot be what it was set to.
///
/// # Examples
/// ```
/// use doorward::Limits;
///
/// let error = Limits { max_rooms: 0, ..Limits::default() }.check().unwrap_err();
///
/// assert_eq!(error.to_string(), "the limit max_rooms is 0, and must be from 1 to 1000000");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LimitError {
    /// It is less or more than it may be.
    #[error("the limit {limit} is {value}, and must be from {least} to {most}")]
    Bounds {
        /// The name of the field.
        limit: &'static str,
        /// What it was set to.
        value: LimitValue,
        /// The least that it may be.
        least: LimitValue,
        /// The most that it may be.
        most: LimitValue,
    },
    /// It is more than another limit that bounds it.
    #[error("the limit {limit} is {value}, and must not be more than {other}, which is {bound}")]
    Contradiction {
        /// The name of the field.
        limit: &'static str,
        /// What it was set to.
        value: LimitValue,
        /// The name of the other field.
        other: &'static str,
        /// What that one was set to.
        bound: LimitValue,
    },
    /// It is a time and was set to a number, or the other way round.
    #[error("the limit {limit} is {value}, and must be a value such as {default}")]
    Kind {
        /// The name of the field.
        limit: &'static str,
        /// What it was set to.
        value: LimitValue,
        /// What it is unless it is set.
        default: LimitValue,
    },
}

doorward_core::debug_as_sentence!(LimitError);

impl Limit {
    /// The name of the field.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// What it is unless it is set.
    #[must_use]
    pub const fn default(&self) -> LimitValue {
        self.default
    }

    /// The least that it may be.
    #[must_use]
    pub const fn least(&self) -> LimitValue {
        self.least
    }

    /// The most that it may be.
    #[must_use]
    pub const fn most(&self) -> LimitValue {
        self.most
    }

    /// Returns what it is in `limits`.
    #[must_use]
    pub fn get(&self, limits: &Limits) -> LimitValue {
        (self.get)(limits)
    }

    /// Sets it in `limits`.
    ///
    /// # Errors
    /// [`LimitError`] when it cannot be that; then `limits` is as it was.
    pub fn set(&self, limits: &mut Limits, value: LimitValue) -> Result<(), LimitError> {
        self.check(value)?;
        (self.set)(limits, value).ok_or_else(|| self.kind(value))
    }

    /// Checks whether it may be `value`.
    ///
    /// # Errors
    /// [`LimitError`] says what it may be.
    pub fn check(&self, value: LimitValue) -> Result<(), LimitError> {
        let &Self { name: limit, least, most, .. } = self;
        if value.count().is_some() != least.count().is_some() {
            return Err(self.kind(value));
        }
        if (least..=most).contains(&value) {
            Ok(())
        } else {
            Err(LimitError::Bounds { limit, value, least, most })
        }
    }

    fn kind(&self, value: LimitValue) -> LimitError {
        LimitError::Kind { limit: self.name, value, default: self.default }
    }
}

impl fmt::Debug for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limit")
            .field("name", &self.name)
            .field("default", &self.default)
            .field("least", &self.least)
            .field("most", &self.most)
            .finish_non_exhaustive()
    }
}

impl LimitValue {
    /// Returns the number; `None` when it is a time.
    #[must_use]
    pub const fn count(self) -> Option<usize> {
        match self {
            Self::Count(count) => Some(count),
            Self::Time(_) => None,
        }
    }

    /// Returns the time; `None` when it is a number.
    #[must_use]
    pub const fn time(self) -> Option<Duration> {
        match self {
            Self::Count(_) => None,
            Self::Time(time) => Some(time),
        }
    }
}

impl From<usize> for LimitValue {
    fn from(count: usize) -> Self {
        Self::Count(count)
    }
}

impl From<Duration> for LimitValue {
    fn from(time: Duration) -> Self {
        Self::Time(time)
    }
}

impl fmt::Display for LimitValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = match self {
            Self::Count(count) => return write!(f, "{count}"),
            Self::Time(time) => time,
        };
        let whole = |unit: u64| time.subsec_nanos() == 0 && time.as_secs().is_multiple_of(unit);
        let unit = UNITS.iter().find(|(_, seconds)| time.as_secs() >= *seconds && whole(*seconds));
        match unit {
            Some((name, seconds)) => write!(f, "{}{name}", time.as_secs() / seconds),
            None => write!(f, "{time:?}"),
        }
    }
}

/// The units of a setting, in seconds.
const UNITS: [(&str, u64); 4] = [("d", 24 * 60 * 60), ("h", 60 * 60), ("m", 60), ("s", 1)];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_prints_as_it_is_written_in_a_file() {
        let cases = [
            (Duration::from_secs(30), "30s"),
            (Duration::from_secs(60), "1m"),
            (Duration::from_secs(90), "90s"),
            (Duration::from_hours(1), "1h"),
            (Duration::from_hours(365 * 24), "365d"),
            (Duration::from_millis(100), "100ms"),
            (Duration::ZERO, "0ns"),
        ];
        for (time, expected) in cases {
            assert_eq!(LimitValue::Time(time).to_string(), expected);
        }
    }
}
