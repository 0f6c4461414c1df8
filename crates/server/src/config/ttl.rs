//! Parses the lifetime of a token.

use std::time::Duration;

use super::span::{Span, SpanError};

/// Maximum lifetime of a token that the server accepts.
pub(crate) const MAX_LIFETIME: Duration = Duration::from_hours(1);

/// Parses a duration of at most [`MAX_LIFETIME`].
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    match text.parse().map(Span::get) {
        Ok(life) if life <= MAX_LIFETIME => Ok(life),
        Ok(_) | Err(SpanError::TooLong) => Err(TOO_LONG.to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

const TOO_LONG: &str = "the server accepts tokens that live for 1h at most";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_lives_for_an_hour_at_most() {
        assert_eq!(parse("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(parse("3600s"), Ok(MAX_LIFETIME));
        for text in ["2h", "61m", "3601s", "1d", "99999999999999999999s"] {
            assert_eq!(parse(text), Err(TOO_LONG.to_owned()), "{text:?}");
        }
        assert_eq!(parse("5"), Err(SpanError::Syntax.to_string()));
        assert_eq!(parse("0s"), Err(SpanError::Zero.to_string()));
    }
}
