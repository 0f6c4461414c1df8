//! Error returned for an origin that cannot be allowed.

/// Reason why an origin cannot be allowed.
///
/// # Examples
/// ```
/// use doorward_auth::{OriginError, Origins};
///
/// assert_eq!(Origins::new("https://*.example.org"), Err(OriginError::Malformed));
/// assert_eq!(Origins::new("http://example.org"), Err(OriginError::Insecure));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OriginError {
    /// The scheme of the origin is `http:` and its host is not this machine. An attacker on the
    /// network path could change its pages.
    #[error("an origin must begin with `https://`, except on localhost")]
    Insecure,
    /// The text is neither an origin of web pages nor the [origin of an
    /// application](crate::AppOrigin). An origin of web pages is `https://` or `http://` with a
    /// host and an optional port. Paths, patterns, user names and a dot at the end are not allowed.
    /// International names must be in their `xn--` form.
    #[error(
        "not an origin such as `https://app.example.org`, `http://localhost:3000` or `capacitor://localhost`"
    )]
    Malformed,
}

doorward_core::debug_as_sentence!(OriginError);
