//! Decides whether a request with a cookie comes from a page that may use it.
//!
//! A browser adds its cookies to whatever any page asks for, so a cookie alone proves nothing: any page
//! of the world could open a socket as the user who looks at it. Browsers name the page's origin, and
//! no page can change that. Origins are compared whole and byte by byte; there are no patterns.
//! Start reading at [`Origins::may_use_cookie`].

use std::net::{Ipv4Addr, Ipv6Addr};

use doorward_core::Headers;

pub use self::app::AppOrigin;

mod app;

/// The origins whose pages may use the cookies of this server.
///
/// # Examples
/// ```
/// use doorward_auth::Origins;
///
/// let origins = Origins::new("https://app.example.org")?.allow("https://admin.example.org")?;
/// assert!(origins.contains("https://app.example.org"));
/// assert!(!origins.contains("https://app.example.org.evil.example"));
/// # Ok::<_, doorward_auth::OriginError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origins {
    /// As browsers write them: lower case, no default port. Those of applications as they are configured.
    allowed: Vec<Box<str>>,
}

/// What a request can do: the more it can, the more it must prove.
///
/// # Examples
/// ```
/// use doorward_auth::{Origins, RequestKind};
/// use doorward_core::Headers;
///
/// let origins = Origins::new("https://app.example.org")?;
/// assert!(!origins.may_use_cookie(RequestKind::Write, &Headers::default()));
/// # Ok::<_, doorward_auth::OriginError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestKind {
    /// It only reads: GET.
    Read,
    /// It opens a channel in both directions: WebSocket.
    Upgrade,
    /// It changes something: POST, DELETE, and any other.
    Write,
}

impl Origins {
    /// Allows the pages of the server itself, which people open at `public_url`.
    ///
    /// # Errors
    /// The operator's mistake, each time:
    /// - [`OriginError::Malformed`]: it is not a scheme, a host and perhaps a port.
    /// - [`OriginError::Insecure`]: it is `http:` and not on this machine.
    pub fn new(public_url: &str) -> Result<Self, OriginError> {
        let origin = public_url.strip_suffix('/').unwrap_or(public_url);
        Self { allowed: Vec::new() }.allow_page(origin)
    }

    /// Allows the pages of one more origin, such as `https://app.example.org`, or an application, such as
    /// `capacitor://localhost`: see [`AppOrigin`].
    ///
    /// # Errors
    /// As [`Origins::new`].
    ///
    /// # Security
    /// Its pages can act as every user who looks at them.
    pub fn allow(self, origin: &str) -> Result<Self, OriginError> {
        match origin.parse::<AppOrigin>() {
            Ok(app) => Ok(self.with(app.to_string())),
            Err(_) => self.allow_page(origin),
        }
    }

    fn allow_page(self, origin: &str) -> Result<Self, OriginError> {
        let serialized = parse(origin).ok_or(OriginError::Malformed)?;
        if serialized.starts_with("http:") && !is_local(&serialized) {
            return Err(OriginError::Insecure);
        }
        Ok(self.with(serialized))
    }

    /// Allows what [`allow`](Self::allow) does, and the pages of an origin whose scheme is `http:`.
    ///
    /// # Errors
    /// [`OriginError::Malformed`]: it is not a scheme, a host and perhaps a port, nor an application.
    ///
    /// # Security
    /// Whoever sits between such a page and its reader can write into it, and so act as its reader.
    pub fn danger_allow_insecure(self, origin: &str) -> Result<Self, OriginError> {
        match parse(origin) {
            Some(serialized) => Ok(self.with(serialized)),
            None => self.allow(origin),
        }
    }

    /// Returns whether a text could be allowed.
    pub(crate) fn is_origin(text: &str) -> bool {
        parse(text).is_some() || text.parse::<AppOrigin>().is_ok()
    }

    /// Whether `origin`, as a browser has written it, is allowed.
    ///
    /// Browsers write an origin in one way only: lower case, no default port, no slash. Whoever writes
    /// it in another way is none.
    #[must_use]
    pub fn contains(&self, origin: &str) -> bool {
        self.allowed.iter().any(|allowed| **allowed == *origin)
    }

    /// Whether the cookies of a request count: its `Origin` is allowed, or it only reads and the
    /// browser says that it comes from a page of this very server (`Sec-Fetch-Site: same-origin`),
    /// for browsers do not send `Origin` then.
    ///
    /// # Security
    /// A request without either header does not come from the page of a browser of today, and its
    /// cookie does not count.
    #[must_use]
    pub fn may_use_cookie(&self, kind: RequestKind, headers: &Headers) -> bool {
        let mut origins = headers.iter().filter(|(name, _)| *name == "origin");
        match (origins.next(), origins.next()) {
            (Some((_, origin)), None) => {
                std::str::from_utf8(origin).is_ok_and(|origin| self.contains(origin))
            }
            (Some(_), Some(_)) => false,
            (None, _) => kind == RequestKind::Read && is_same_origin(headers),
        }
    }

    fn with(mut self, origin: String) -> Self {
        if !self.contains(&origin) {
            self.allowed.push(origin.into());
        }
        self
    }
}

/// Why an origin cannot be allowed.
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
    /// It is `http:`, and not of this machine: pages that anybody on the way can change.
    #[error("an origin must begin with `https://`, except on localhost")]
    Insecure,
    /// It is not `https://` and the name of a host, perhaps with a port: no path, no pattern, no user,
    /// no dot at the end, names of other alphabets in their `xn--` form.
    #[error(
        "not an origin such as `https://app.example.org`, `http://localhost:3000` or `capacitor://localhost`"
    )]
    Malformed,
}

doorward_core::debug_as_sentence!(OriginError);

/// Only the browser can set a header of this name.
fn is_same_origin(headers: &Headers) -> bool {
    let mut sites = headers.iter().filter(|(name, _)| *name == "sec-fetch-site");
    matches!((sites.next(), sites.next()), (Some((_, b"same-origin")), None))
}

/// Writes an origin as browsers do (HTML, "serialization of an origin"); `None` when it is none.
fn parse(origin: &str) -> Option<String> {
    let lower = origin.to_ascii_lowercase();
    let (scheme, authority) = lower.split_once("://")?;
    let default_port = match scheme {
        "http" => 80,
        "https" => 443,
        _ => return None,
    };
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']')?;
            (format!("[{}]", address.parse::<Ipv6Addr>().ok()?), port)
        }
        None => {
            let (host, port) = authority.split_at(authority.find(':').unwrap_or(authority.len()));
            (is_host(host).then(|| host.to_owned())?, port)
        }
    };
    match parse_port(port)? {
        Some(port) if port != default_port => Some(format!("{scheme}://{host}:{port}")),
        _ => Some(format!("{scheme}://{host}")),
    }
}

/// Reads what follows the host: nothing, or a colon and a port in plain digits.
fn parse_port(text: &str) -> Option<Option<u16>> {
    let Some(digits) = text.strip_prefix(':') else { return text.is_empty().then_some(None) };
    let port: u16 = digits.parse().ok()?;
    // Neither sign nor leading zeros.
    (port != 0 && port.to_string() == digits).then_some(Some(port))
}

/// Whether `host` is a name, or an IPv4 address in its one usual form.
fn is_host(host: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    let last = host.rsplit('.').next().unwrap_or_default();
    // A name whose last label is a number is an address to a browser (URL standard, "ends in a
    // number"): it would be written in another way than it stands here.
    let is_number = last.bytes().all(|byte| byte.is_ascii_digit()) || last.starts_with("0x");
    host.len() <= 253
        && host.split('.').all(is_label)
        && (!is_number || host.parse::<Ipv4Addr>().is_ok())
}

/// Whether an origin is one of this machine, to which nobody stands on the way.
fn is_local(serialized: &str) -> bool {
    let Some((_, authority)) = serialized.split_once("://") else { return false };
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => host,
        _ => authority,
    };
    host == "localhost"
        || host.ends_with(".localhost")
        || host == "[::1]"
        || host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests;
