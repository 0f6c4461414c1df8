//! Reads how long a token shall live.

use std::time::Duration;

/// The longest life of a token: the server accepts none that lives longer, so none is made.
pub(crate) const MAX_LIFETIME: Duration = Duration::from_hours(1);

/// Reads a whole number and `s`, `m` or `h`, from 1 second to [`MAX_LIFETIME`].
pub(crate) fn parse(text: &str) -> Result<Duration, TtlError> {
    let unit = text.chars().next_back().ok_or(TtlError::Syntax)?;
    let seconds: u64 = match unit {
        's' => 1,
        'm' => 60,
        'h' => 60 * 60,
        _ => return Err(TtlError::Syntax),
    };
    let digits = text.strip_suffix(unit).unwrap_or_default();
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(TtlError::Syntax);
    }
    // Digits that are no `u64` are a number that is too large.
    let number: u64 = digits.parse().map_err(|_overflow| TtlError::TooLong)?;
    let life = Duration::from_secs(number.checked_mul(seconds).ok_or(TtlError::TooLong)?);
    match life {
        Duration::ZERO => Err(TtlError::Zero),
        life if life > MAX_LIFETIME => Err(TtlError::TooLong),
        life => Ok(life),
    }
}

/// Why a lifetime is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TtlError {
    /// It is not a number with a unit.
    #[error("write a whole number and s, m or h, such as 90s, 5m or 1h")]
    Syntax,
    /// The server would not accept the token.
    #[error("the server accepts tokens that live for 1h at most")]
    TooLong,
    /// It would be over before it began.
    #[error("a token lives for a second at least")]
    Zero,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_and_a_unit_are_a_lifetime() {
        assert_eq!(parse("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(parse("5m"), Ok(Duration::from_secs(300)));
        assert_eq!(parse("1h"), Ok(Duration::from_secs(3600)));
        assert_eq!(parse("3600s"), Ok(MAX_LIFETIME));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "5", "m", "-5m", "+5m", "1.5h", " 5m", "5 m", "5M", "5d", "5mm", "5µ"] {
            assert_eq!(parse(text), Err(TtlError::Syntax), "{text:?}");
        }
    }

    #[test]
    fn nothing_and_too_much_are_refused() {
        assert_eq!(parse("0s"), Err(TtlError::Zero));
        for text in ["2h", "61m", "3601s", "18446744073709551615h", "99999999999999999999s"] {
            assert_eq!(parse(text), Err(TtlError::TooLong), "{text:?}");
        }
    }
}
