//! Finds a cookie by its name in the `Cookie` headers.
//!
//! Pairs are split at each `;`, even inside quotes, because quotes have no meaning to browsers (RFC
//! 6265 section 5.4). A parser that honours quotes could find a cookie inside the value of another
//! cookie. Values are not decoded.

use std::fmt;

use doorward_core::Headers;

/// Result of [`find_cookie`].
///
/// # Examples
/// ```
/// use doorward_auth::{FoundCookie, find_cookie};
/// use doorward_core::Headers;
///
/// assert_eq!(find_cookie(&Headers::default(), "a"), FoundCookie::Nothing);
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum FoundCookie<'a> {
    /// No cookie has this name.
    Nothing,
    /// Value of the only cookie of this name, as the browser has sent it.
    One(&'a [u8]),
    /// Several cookies have this name. An attacker may have planted one of them, so no value is
    /// used.
    Several,
}

/// Omits the value, which may be a credential.
impl fmt::Debug for FoundCookie<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nothing => "Nothing",
            Self::One(_) => "One([redacted])",
            Self::Several => "Several",
        })
    }
}

/// Finds the cookie `name` in all `Cookie` headers. `credentials` contains the headers that may
/// hold a credential. [`Headers::split`] returns them as its second value.
///
/// # Examples
/// ```
/// use doorward_auth::{FoundCookie, find_cookie};
/// use doorward_core::Headers;
/// use http::{HeaderMap, header::COOKIE};
///
/// let mut headers = HeaderMap::new();
/// headers.insert(COOKIE, "a=1; b=2".parse()?);
/// let (_, credentials) = Headers::split(&headers);
/// assert!(find_cookie(&credentials, "b") == FoundCookie::One(b"2"));
/// # Ok::<_, http::header::InvalidHeaderValue>(())
/// ```
#[must_use]
pub fn find_cookie<'a>(credentials: &'a Headers, name: &str) -> FoundCookie<'a> {
    let headers = credentials.iter().filter(|(header, _)| *header == "cookie");
    let pairs = headers.flat_map(|(_, value)| value.split(|byte| *byte == b';'));
    let mut values = pairs.filter_map(|pair| {
        // The name ends at the `=`. A space before the `=` belongs to the name.
        let (before, value) = split_once(pair.trim_ascii())?;
        (before == name.as_bytes()).then_some(value)
    });
    match (values.next(), values.next()) {
        (None, _) => FoundCookie::Nothing,
        (Some(value), None) => FoundCookie::One(value),
        (Some(_), Some(_)) => FoundCookie::Several,
    }
}

fn split_once(pair: &[u8]) -> Option<(&[u8], &[u8])> {
    let (name, value) = pair.split_at_checked(pair.iter().position(|byte| *byte == b'=')?)?;
    Some((name, value.strip_prefix(b"=")?))
}

#[cfg(test)]
mod tests;
