//! Values of limits, and the error of a value that is not allowed.

use std::{fmt, time::Duration};

/// Value of a limit. `Display` prints it in the form of the settings of the program `doorward`,
/// such as `64` or `30s`.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use doorward::server::LimitValue;
///
/// assert_eq!(LimitValue::Time(Duration::from_secs(360)).to_string(), "6m");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LimitValue {
    /// A count, or a size in bytes.
    Count(usize),
    /// A duration.
    Time(Duration),
}

impl LimitValue {
    /// Returns the count, or `None` if the value is a duration.
    #[must_use]
    pub const fn count(self) -> Option<usize> {
        match self {
            Self::Count(count) => Some(count),
            Self::Time(_) => None,
        }
    }

    /// Returns the duration, or `None` if the value is a count.
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

/// Error returned when a limit is set to a value that is not allowed.
///
/// # Examples
/// ```
/// use doorward::Limits;
///
/// let mut limits = Limits::default();
/// limits.max_rooms = 0;
/// let error = limits.check().unwrap_err();
///
/// assert_eq!(error.to_string(), "the limit max_rooms is 0, and must be from 1 to 1000000");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LimitError {
    /// The value is below the minimum or above the maximum.
    #[error("the limit {limit} is {value}, and must be from {least} to {most}")]
    Bounds {
        /// Name of the limit.
        limit: &'static str,
        /// Value that was set.
        value: LimitValue,
        /// Minimum value of the limit.
        least: LimitValue,
        /// Maximum value of the limit.
        most: LimitValue,
    },
    /// The value is above another limit that bounds it.
    #[error("the limit {limit} is {value}, and must not be more than {other}, which is {bound}")]
    Contradiction {
        /// Name of the limit.
        limit: &'static str,
        /// Value that was set.
        value: LimitValue,
        /// Name of the other limit.
        other: &'static str,
        /// Value of the other limit.
        bound: LimitValue,
    },
    /// The limit is a duration and was set to a count, or vice versa.
    #[error("the limit {limit} is {value}, and must be a value such as {default}")]
    Kind {
        /// Name of the limit.
        limit: &'static str,
        /// Value that was set.
        value: LimitValue,
        /// Default value of the limit.
        default: LimitValue,
    },
}

/// Units of a duration in a setting, each with its length in seconds.
pub(crate) const UNITS: [(&str, u64); 4] =
    [("d", 24 * 60 * 60), ("h", 60 * 60), ("m", 60), ("s", 1)];

doorward_core::debug_as_sentence!(LimitError);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_prints_as_it_is_written_in_a_file() {
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
