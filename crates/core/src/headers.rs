//! Headers of a handshake, in a compact form.
//!
//! A `HeaderMap` from an HTTP server keeps the server's read buffer of 16 KiB alive for as long as
//! the headers live. [`Headers`] copies the few hundred bytes that matter into one allocation. A
//! lookup scans these bytes.

use std::fmt;

use http::{
    HeaderMap,
    header::{AUTHORIZATION, COOKIE, HeaderName, PROXY_AUTHORIZATION},
};

/// Headers of one HTTP request. Several values of one name are in the order in which they were
/// sent. A header with a name over 255 bytes or a value over 65,535 bytes is omitted.
///
/// # Security
/// `Debug` prints names only, because values may be credentials.
///
/// # Examples
/// ```
/// use doorward_core::Headers;
/// use http::{HeaderMap, HeaderValue, header::USER_AGENT};
///
/// let mut map = HeaderMap::new();
/// map.insert(USER_AGENT, HeaderValue::from_static("curl/8"));
///
/// let headers = Headers::from(&map);
/// assert_eq!(headers.get("User-Agent"), Some(&b"curl/8"[..]));
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers {
    /// For each header: name length (1 byte), value length (2 bytes), name, value.
    bytes: Box<[u8]>,
}

impl Headers {
    /// Returns the value of the first header `name`. Returns `None` if there is no such header.
    /// Case is ignored.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// Returns the value of the first header `name` as text. Returns `None` if there is no such
    /// header, or if its value contains other bytes than printable ASCII.
    #[must_use]
    pub fn get_str(&self, name: &str) -> Option<&str> {
        let value = std::str::from_utf8(self.get(name)?).ok()?;
        value.bytes().all(|byte| (0x20..0x7f).contains(&byte)).then_some(value)
    }

    /// Iterates over the names and values of all headers. Names are in lower case.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        // `copy` wrote these lengths, so they always parse. The `?` ensures that the bytes of a
        // request can never cause a panic.
        let mut rest = &*self.bytes;
        std::iter::from_fn(move || {
            let (&[name, high, low], tail) = rest.split_first_chunk()?;
            let (name, tail) = tail.split_at_checked(usize::from(name))?;
            let (value, tail) =
                tail.split_at_checked(usize::from(u16::from_be_bytes([high, low])))?;
            rest = tail;
            Some((std::str::from_utf8(name).ok()?, value))
        })
    }
}

impl Headers {
    /// Splits the headers of a map into two parts. The first part contains the headers that all
    /// code of the application may read. The second part contains the headers that may hold a
    /// credential (`Authorization`, `Cookie`, `Proxy-Authorization`).
    #[must_use]
    pub fn split(map: &HeaderMap) -> (Self, Self) {
        let secret = |name: &HeaderName| CREDENTIALS.contains(name);
        (Self::copy(map, |name| !secret(name)), Self::copy(map, secret))
    }

    /// Copies the headers for which `keep` returns `true`.
    fn copy(map: &HeaderMap, keep: impl Fn(&HeaderName) -> bool) -> Self {
        let mut bytes = Vec::new();
        for (name, value) in map.iter().filter(|(name, _)| keep(name)) {
            // A name over 255 bytes or a value over 65,535 does not fit into its length field. Such
            // a header is skipped. The framework's HTTP server rejects such requests before this
            // point.
            let name = name.as_str().as_bytes();
            let lengths = (u8::try_from(name.len()), u16::try_from(value.len()));
            let (Ok(name_len), Ok(value_len)) = lengths else { continue };
            bytes.push(name_len);
            bytes.extend_from_slice(&value_len.to_be_bytes());
            bytes.extend_from_slice(name);
            bytes.extend_from_slice(value.as_bytes());
        }
        Self { bytes: bytes.into_boxed_slice() }
    }
}

/// Copies all headers of a map, including those that may hold a credential.
impl From<&HeaderMap> for Headers {
    fn from(map: &HeaderMap) -> Self {
        Self::copy(map, |_| true)
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(|(name, _)| name)).finish()
    }
}

/// Headers that browsers and proxies fill with credentials.
const CREDENTIALS: [HeaderName; 3] = [AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION];

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn every_value_of_a_repeated_header_is_kept_in_order() {
        let mut map = HeaderMap::new();
        map.append("x-forwarded-for", HeaderValue::from_static("1.1.1.1"));
        map.append("host", HeaderValue::from_static("localhost:3000"));
        map.append("x-forwarded-for", HeaderValue::from_static("2.2.2.2"));

        let headers = Headers::from(&map);

        let values: Vec<_> =
            headers.iter().filter(|(name, _)| *name == "x-forwarded-for").map(|(_, v)| v).collect();
        assert_eq!(values, [b"1.1.1.1", b"2.2.2.2"]);
        assert_eq!(headers.get_str("HOST"), Some("localhost:3000"));
        assert_eq!(headers.get("cookie"), None);
    }

    #[test]
    fn headers_that_may_hold_credentials_are_kept_apart() {
        let mut map = HeaderMap::new();
        map.append("host", HeaderValue::from_static("localhost"));
        map.append("cookie", HeaderValue::from_static("canary"));
        map.append("authorization", HeaderValue::from_static("Bearer canary"));

        let (open, secret) = Headers::split(&map);

        assert_eq!(open.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["host"]);
        assert_eq!(secret.get_str("Cookie"), Some("canary"));
        assert_eq!(secret.get_str("host"), None);
    }

    #[test]
    fn debug_prints_no_value() {
        let mut map = HeaderMap::new();
        map.append("authorization", HeaderValue::from_static("Bearer canary"));

        let printed = format!("{:?}", Headers::from(&map));

        assert_eq!(printed, r#"{"authorization"}"#);
    }

    #[test]
    fn a_value_that_is_not_ascii_is_bytes_and_no_str() {
        let mut map = HeaderMap::new();
        map.append("x-name", HeaderValue::from_bytes(b"\xff").unwrap());

        let headers = Headers::from(&map);

        assert_eq!(headers.get("x-name"), Some(&b"\xff"[..]));
        assert_eq!(headers.get_str("x-name"), None);
    }
}
