//! Parses the public URL of the server.
//!
//! The URL is an origin (scheme, host and port) with an optional base path. Redirects, the accepted `Host` and the
//! content security policy are built from the URL. It may contain only characters that have no special meaning in
//! any of these.

use std::{fmt, net::Ipv6Addr, str::FromStr};

use super::listen::is_name;

/// URL of the server as browsers know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PublicUrl {
    scheme: Scheme,
    /// Host in lower case. An IPv6 address is in brackets.
    host: String,
    port: u16,
    /// Base path, which starts with a slash and does not end with one. Empty if the server has the whole host.
    base: String,
}

/// Scheme as browsers see it: `https` if the server or a proxy terminates TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scheme {
    Http,
    Https,
}

impl PublicUrl {
    /// Returns the default public URL of a server that listens on `port`.
    pub(crate) fn localhost(is_secure: bool, port: u16) -> Self {
        let scheme = if is_secure { Scheme::Https } else { Scheme::Http };
        Self { scheme, host: LOCALHOST.to_owned(), port, base: String::new() }
    }

    /// Returns `true` if the host is `localhost`.
    pub(crate) fn is_localhost(&self) -> bool {
        self.host == LOCALHOST
    }

    /// Returns `true` if browsers connect with TLS.
    pub(crate) fn is_secure(&self) -> bool {
        self.scheme == Scheme::Https
    }

    /// Returns scheme, host and port, in the form of an `Origin` header.
    pub(crate) fn origin(&self) -> String {
        format!("{}://{}", self.scheme.as_str(), self.authority())
    }

    /// Returns the base path without a trailing slash, such as `/chat`. It is empty if the server has the whole
    /// host.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// Returns the port, or the default port of the scheme if the URL names none.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Returns host and port in the form of a `Host` header, without a default port.
    pub(crate) fn authority(&self) -> String {
        if self.port == self.scheme.default_port() {
            self.host.clone()
        } else {
            self.authority_with_port()
        }
    }

    /// Returns host and port, including a default port.
    pub(crate) fn authority_with_port(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// Returns the WebSocket origin of the server.
    pub(crate) fn websocket(&self) -> String {
        let scheme = if self.is_secure() { "wss" } else { "ws" };
        format!("{scheme}://{}", self.authority())
    }
}

impl Scheme {
    fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.origin())?;
        if self.base.is_empty() { Ok(()) } else { write!(f, "{}/", self.base) }
    }
}

impl FromStr for PublicUrl {
    type Err = PublicUrlError;

    fn from_str(text: &str) -> Result<Self, PublicUrlError> {
        let (scheme, rest) = text.split_once("://").ok_or(PublicUrlError::Scheme)?;
        let scheme = match &*scheme.to_ascii_lowercase() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            _ => return Err(PublicUrlError::Scheme),
        };
        let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
        let authority = &*authority.to_ascii_lowercase();
        if authority.contains(['?', '#', '\\']) {
            return Err(PublicUrlError::Path);
        }
        let base = read_base(path).ok_or(PublicUrlError::Path)?;
        if authority.contains('@') {
            return Err(PublicUrlError::UserInfo);
        }
        let (host, port) = split_port(authority);
        let port = match port {
            None => scheme.default_port(),
            Some(port) => read_port(port).ok_or(PublicUrlError::Port)?,
        };
        Ok(Self { scheme, host: read_host(host).ok_or(PublicUrlError::Host)?, port, base })
    }
}

/// Reasons for which a text is not a public URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PublicUrlError {
    /// The host is missing or contains an invalid character.
    #[error("an origin has a valid host: write one such as https://chat.example.org")]
    Host,
    /// A path follows the origin in `origins.allow`.
    #[error("an origin ends after host and port: no path, query or fragment")]
    NoOrigin,
    /// The part after the port is not a path of plain segments.
    #[error(
        "behind host and port there may be a path of letters, digits, `-`, `.` and `_`, such as \
         https://example.org/chat/, and no query or fragment"
    )]
    Path,
    /// The port is not a number from 1 to 65535.
    #[error("the port of an origin is a number from 1 to 65535")]
    Port,
    /// The scheme is neither `http` nor `https`.
    #[error("an origin begins with http:// or https://")]
    Scheme,
    /// The authority contains user information.
    #[error("an origin does not name a user or a password")]
    UserInfo,
}

/// Parses a path of plain segments, and returns it without a trailing slash. Returns `None` for any other path. `.`
/// and `..` are rejected, because browsers resolve them.
fn read_base(path: &str) -> Option<String> {
    let base = path.strip_suffix('/').unwrap_or(path);
    let is_name = |name: &str| {
        !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
            && name.bytes().any(|byte| byte != b'.')
    };
    let mut names = base.split('/');
    (names.next() == Some("") && names.all(is_name)).then(|| base.to_owned())
}

/// Splits `host:port`. Colons inside brackets belong to the host. The port is `None` if there is no colon after the
/// host.
pub(crate) fn split_port(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    }
}

pub(crate) fn read_port(port: &str) -> Option<u16> {
    let digits = port.bytes().all(|byte| byte.is_ascii_digit());
    port.parse().ok().filter(|&port| digits && port != 0)
}

pub(crate) fn read_host(host: &str) -> Option<String> {
    if let Some(address) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        // The address is normalised as in browsers. Otherwise no `Host` would match.
        return address.parse::<Ipv6Addr>().ok().map(|address| format!("[{address}]"));
    }
    // Browsers treat a name with a trailing dot as a different host, so it is most likely a mistake.
    (is_name(host) && !host.ends_with('.')).then(|| host.to_owned())
}

const LOCALHOST: &str = "localhost";

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, PublicUrlError> {
        text.parse::<PublicUrl>().map(|url| url.to_string())
    }

    #[test]
    fn origins_are_written_as_browsers_write_them() {
        assert_eq!(read("http://localhost:3000").unwrap(), "http://localhost:3000");
        assert_eq!(read("HTTPS://Chat.Example.org/").unwrap(), "https://chat.example.org");
        assert_eq!(read("https://chat.example.org:443").unwrap(), "https://chat.example.org");
        assert_eq!(read("http://chat.example.org:443").unwrap(), "http://chat.example.org:443");
        assert_eq!(read("http://[0:0::1]:3000").unwrap(), "http://[::1]:3000");
        assert_eq!(read("http://[::1]").unwrap(), "http://[::1]");
        assert_eq!(read("https://Example.org/Chat").unwrap(), "https://example.org/Chat/");
        assert_eq!(
            read("https://example.org/a/b-c_d.e/").unwrap(),
            "https://example.org/a/b-c_d.e/"
        );
    }

    #[test]
    fn what_is_no_origin_is_refused() {
        use PublicUrlError::{Host, Path, Port, Scheme, UserInfo};

        let cases = [
            ("", Scheme),
            ("localhost:3000", Scheme),
            ("ws://localhost", Scheme),
            ("//localhost", Scheme),
            ("http://", Host),
            ("http:///", Host),
            ("http://:3000", Host),
            ("http://a b", Host),
            ("http://a;b", Host),
            ("http://a'b", Host),
            ("http://example.org.", Host),
            ("http://exämple.org", Host),
            ("http://[::1", Host),
            ("http://[1]:2", Host),
            ("http://localhost:", Port),
            ("http://localhost:0", Port),
            ("http://localhost:+1", Port),
            ("http://localhost:70000", Port),
            ("http://localhost/../chat", Path),
            ("http://localhost/./", Path),
            ("http://localhost/a//b", Path),
            ("http://localhost/a%2f", Path),
            ("http://localhost/a b", Path),
            ("http://localhost/a?b", Path),
            ("http://localhost//", Path),
            ("http://localhost?a", Path),
            ("http://localhost#a", Path),
            ("http://a\\b", Path),
            ("http://me@localhost", UserInfo),
        ];
        for (text, expected) in cases {
            assert_eq!(read(text), Err(expected), "{text:?}");
        }
    }

    #[test]
    fn a_websocket_goes_to_the_same_host() {
        let secure: PublicUrl = "https://chat.example.org".parse().unwrap();

        assert_eq!(secure.websocket(), "wss://chat.example.org");
        assert_eq!(PublicUrl::localhost(false, 3000).websocket(), "ws://localhost:3000");
    }
}
