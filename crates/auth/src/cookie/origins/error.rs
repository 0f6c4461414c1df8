//! Error of an origin that cannot be allowed.

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
    /// The origin is `http:` and not on this machine. An attacker on the network path could change
    /// its pages.
    #[error("an origin must begin with `https://`, except on localhost")]
    Insecure,
    /// The text is not `https://` with a host name and an optional port. Paths, patterns, users and
    /// a trailing dot are not allowed. International names must be in their `xn--` form.
    #[error(
        "not an origin such as `https://app.example.org`, `http://localhost:3000` or `capacitor://localhost`"
    )]
    Malformed,
}

doorward_core::debug_as_sentence!(OriginError);
