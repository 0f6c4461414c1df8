//! Parses the lifetime of a token.

use std::time::Duration;

use super::span::{Span, SpanError};

/// Maximum lifetime of a token that the server accepts.
pub(crate) const MAX_LIFETIME: Duration = Duration::from_hours(1);

/// Parses a duration of at most [`MAX_LIFETIME`].
pub(crate) fn parse(text: &str) -> Result<Duration, TtlError> {
    let life = text.parse::<Span>().map_err(|error| match error {
        SpanError::TooLong => TtlError::TooLong,
        error => TtlError::Span(error),
    })?;
    if life.get() > MAX_LIFETIME { Err(TtlError::TooLong) } else { Ok(life.get()) }
}

/// Reasons for which a text is not a lifetime.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TtlError {
    /// The text is not a duration.
    #[error(transparent)]
    Span(SpanError),
    /// The lifetime is longer than [`MAX_LIFETIME`].
    #[error("the server accepts tokens that live for 1h at most")]
    TooLong,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_lives_for_an_hour_at_most() {
        assert_eq!(parse("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(parse("3600s"), Ok(MAX_LIFETIME));
        for text in ["2h", "61m", "3601s", "1d", "99999999999999999999s"] {
            assert_eq!(parse(text), Err(TtlError::TooLong), "{text:?}");
        }
        assert_eq!(parse("5"), Err(TtlError::Span(SpanError::Syntax)));
        assert_eq!(parse("0s"), Err(TtlError::Span(SpanError::Zero)));
    }
}
