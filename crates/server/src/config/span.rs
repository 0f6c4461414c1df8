//! Parses a duration: a number and a unit.

use std::{str::FromStr, time::Duration};

/// A duration from one second to one year.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span(Duration);

impl Span {
    pub(crate) const MINUTE: Self = Self(Duration::from_mins(1));
    pub(crate) const FIVE_MINUTES: Self = Self(Duration::from_mins(5));
    pub(crate) const HOUR: Self = Self(Duration::from_hours(1));
    pub(crate) const HALF_A_DAY: Self = Self(Duration::from_hours(12));

    pub(crate) fn get(self) -> Duration {
        self.0
    }
}

/// Parses a whole number followed by `s`, `m`, `h` or `d`.
impl FromStr for Span {
    type Err = SpanError;

    fn from_str(text: &str) -> Result<Self, SpanError> {
        let unit = text.chars().next_back().ok_or(SpanError::Syntax)?;
        let seconds: u64 = match unit {
            's' => 1,
            'm' => 60,
            'h' => 60 * 60,
            'd' => 24 * 60 * 60,
            _ => return Err(SpanError::Syntax),
        };
        let digits = text.strip_suffix(unit).unwrap_or_default();
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(SpanError::Syntax);
        }
        // Digits that overflow a `u64` are certainly more than a year.
        let number: u64 = digits.parse().map_err(|_overflow| SpanError::TooLong)?;
        match Duration::from_secs(number.checked_mul(seconds).ok_or(SpanError::TooLong)?) {
            Duration::ZERO => Err(SpanError::Zero),
            span if span > LONGEST => Err(SpanError::TooLong),
            span => Ok(Self(span)),
        }
    }
}

/// Reasons for which a text is not a duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SpanError {
    /// The text is not a number with a unit.
    #[error("write a whole number and s, m, h or d, such as 90s, 5m, 12h or 30d")]
    Syntax,
    /// The duration is longer than a year.
    #[error("write at most a year")]
    TooLong,
    /// The duration is zero.
    #[error("write a second at least")]
    Zero,
}

const LONGEST: Duration = Duration::from_hours(365 * 24);

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Duration, SpanError> {
        text.parse().map(Span::get)
    }

    #[test]
    fn a_number_and_a_unit_are_a_time() {
        assert_eq!(parse("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(parse("5m"), Ok(Duration::from_secs(300)));
        assert_eq!(parse("1h"), Ok(Duration::from_secs(3600)));
        assert_eq!(parse("365d"), Ok(LONGEST));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "5", "m", "-5m", "+5m", "1.5h", " 5m", "5 m", "5M", "5w", "5mm", "5µ"] {
            assert_eq!(parse(text), Err(SpanError::Syntax), "{text:?}");
        }
    }

    #[test]
    fn nothing_and_too_much_are_refused() {
        assert_eq!(parse("0s"), Err(SpanError::Zero));
        for text in ["366d", "18446744073709551615h", "99999999999999999999s"] {
            assert_eq!(parse(text), Err(SpanError::TooLong), "{text:?}");
        }
    }
}
