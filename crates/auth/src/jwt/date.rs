//! Reads a `NumericDate` of a token (RFC 7519 section 2), in seconds since 1970, with or without a
//! fraction.
//!
//! A fraction is kept to the microsecond. Nothing is rounded to whole seconds, so that a token
//! expires exactly at its `exp`. (JSON numbers with a fraction are read as doubles, which represent
//! current times to a quarter of a microsecond.) A number with an exponent is accepted too. Values
//! after the year 9999 are rejected, such as milliseconds in place of seconds.

use std::time::{Duration, SystemTime};

use doorward_core::Problem;
use serde_json::Value;

/// Converts the value of a claim to a time. Fails if the value is not a number, or if it is
/// negative or after the year 9999.
pub(super) fn read(value: &Value) -> Result<SystemTime, Problem> {
    let Value::Number(number) = value else { return Err(Problem::WrongType) };
    let since = match (number.as_u64(), number.as_f64()) {
        (Some(seconds), _) if seconds <= LAST_SECOND => Duration::from_secs(seconds),
        (None, Some(seconds)) if (0.0..=LAST_SECOND as f64).contains(&seconds) => micros(seconds),
        _ => return Err(Problem::OutOfRange),
    };
    SystemTime::UNIX_EPOCH.checked_add(since).ok_or(Problem::OutOfRange)
}

/// Converts seconds to a duration, without the part below a microsecond. `seconds` must be between
/// 0 and [`LAST_SECOND`].
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the range was checked, and the fraction is to be cut off"
)]
fn micros(seconds: f64) -> Duration {
    let whole = Duration::from_secs(seconds.trunc() as u64);
    whole + Duration::from_micros((seconds.fract() * 1e6) as u64)
}

/// Last second of the year 9999, in seconds since 1970. RFC 3339 cannot express later times.
const LAST_SECOND: u64 = 253_402_300_799;

#[cfg(test)]
mod tests {
    use super::*;

    fn of(json: &str) -> Result<Duration, Problem> {
        let value = serde_json::from_str(json).map_err(|_syntax| Problem::Malformed)?;
        read(&value).map(|time| time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default())
    }

    #[test]
    fn a_time_may_have_a_fraction_or_an_exponent() {
        let second = Duration::from_secs;
        let millis = Duration::from_millis;

        assert_eq!(of("1800000060"), Ok(second(1_800_000_060)));
        assert_eq!(of("1800000060.0"), Ok(second(1_800_000_060)));
        assert_eq!(of("1.80000006e9"), Ok(second(1_800_000_060)));
        assert_eq!(of("18000000605E-1"), Ok(millis(1_800_000_060_500)));
        assert_eq!(of("1800000060.25"), Ok(millis(1_800_000_060_250)));
        assert_eq!(of("0"), Ok(Duration::ZERO));
        assert_eq!(of("-0.0"), Ok(Duration::ZERO));
        assert_eq!(of("253402300799"), Ok(second(LAST_SECOND)));
    }

    /// Some issuers write fractions. Python's `time.time()` returns seven digits after the point.
    #[test]
    fn a_fraction_is_exact_to_the_microsecond() {
        let said = Duration::new(1_800_000_060, 123_456_700);

        let read = of("1800000060.1234567").unwrap();

        assert!(read.abs_diff(said) <= Duration::from_micros(1), "{read:?}");
    }

    #[test]
    fn a_time_outside_of_the_calendar_is_refused() {
        for json in ["-1", "-0.5", "253402300800", "253402300799.5", "1800000060000", "1e300"] {
            assert_eq!(of(json), Err(Problem::OutOfRange), "{json}");
        }
        assert_eq!(of("18446744073709551615"), Err(Problem::OutOfRange));
        assert_eq!(of("18446744073709551616"), Err(Problem::OutOfRange));
    }

    #[test]
    fn a_time_that_is_not_a_number_is_refused() {
        for json in ["\"1800000060\"", "null", "true", "[1800000060]", "{}"] {
            assert_eq!(of(json), Err(Problem::WrongType), "{json}");
        }
    }
}
