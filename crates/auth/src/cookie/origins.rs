//! Decides if the page that sent a request may use the cookies of this server.
//!
//! A browser adds the cookies of this server to the requests of every page. If the cookie alone
//! were enough, any website could open a socket as the user who visits it. Browsers state the
//! origin of the page in a header that the page cannot change. Whole origins are compared byte by
//! byte. Patterns are not supported. Start reading at [`Origins::may_use_cookie`].

pub(crate) mod app;
pub(crate) mod error;

use std::net::{Ipv4Addr, Ipv6Addr};

use doorward_core::{Headers, RequestKind};

use crate::cookie::origins::{app::AppOrigin, error::OriginError};

/// Origins whose pages may use the cookies of this server.
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
    /// Allowed origins. Origins of pages are stored as browsers write them, in lower case and
    /// without a default port. Origins of applications are stored as configured.
    allowed: Vec<Box<str>>,
}

impl Origins {
    /// Creates a set with the origin `public_url`, at which users open the pages of this server.
    ///
    /// # Errors
    /// All errors are the operator's mistake:
    /// - [`OriginError::Malformed`]: the text is not an origin, which has the scheme `http` or
    ///   `https`, a host and an optional port.
    /// - [`OriginError::Insecure`]: the scheme is `http:` and the host is not this machine.
    pub fn new(public_url: &str) -> Result<Self, OriginError> {
        let origin = public_url.strip_suffix('/').unwrap_or(public_url);
        Self { allowed: Vec::new() }.allow_page(origin)
    }

    /// Allows the pages of another origin, such as `https://app.example.org`. The origin may also
    /// be that of an application, such as `capacitor://localhost` (see [`AppOrigin`]).
    ///
    /// # Errors
    /// Same as [`Origins::new`].
    ///
    /// # Security
    /// The pages of an allowed origin can act as every user who visits them.
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

    /// Allows an origin as [`allow`](Self::allow) does, and also origins with the scheme `http:`.
    ///
    /// # Errors
    /// [`OriginError::Malformed`]: the text is neither an `http` or `https` origin nor the [origin
    /// of an application](AppOrigin).
    ///
    /// # Security
    /// An attacker on the network path can change a page with the scheme `http:`, and can then act
    /// as every user who visits the page.
    pub fn danger_allow_insecure(self, origin: &str) -> Result<Self, OriginError> {
        match parse(origin) {
            Some(serialized) => Ok(self.with(serialized)),
            None => self.allow(origin),
        }
    }

    /// Returns `true` if the text is a valid origin.
    pub(crate) fn is_origin(text: &str) -> bool {
        parse(text).is_some() || text.parse::<AppOrigin>().is_ok()
    }

    /// Returns `true` if `origin`, as written by a browser, is allowed.
    ///
    /// Browsers write an origin in lower case, without a default port and without a slash at the
    /// end. Other spellings are not allowed.
    #[must_use]
    pub fn contains(&self, origin: &str) -> bool {
        self.allowed.iter().any(|allowed| **allowed == *origin)
    }

    /// Returns `true` if the request may use cookies.
    ///
    /// This is the case if the request has exactly one `Origin` and this origin is allowed.
    /// Browsers send no `Origin` for reads of a page's own server. A read without an `Origin` may
    /// therefore use cookies if the browser states that a page of this server sent it
    /// (`Sec-Fetch-Site: same-origin`), or that the user opened the address: typed it, or chose a
    /// bookmark (`Sec-Fetch-Site: none` of a navigation to a document, Fetch Metadata Request
    /// Headers, section 2.4). Links in other programs, and redirects of what the user has opened,
    /// count as well, so a read must change nothing.
    ///
    /// # Security
    /// A request that has neither `Origin` nor `Sec-Fetch-Site` does not come from a page in a
    /// current browser, so its cookie is ignored.
    #[must_use]
    pub fn may_use_cookie(&self, kind: RequestKind, headers: &Headers) -> bool {
        let mut origins = headers.iter().filter(|(name, _)| *name == "origin");
        match (origins.next(), origins.next()) {
            (Some((_, origin)), None) => {
                std::str::from_utf8(origin).is_ok_and(|origin| self.contains(origin))
            }
            // Browsers send the header once. A second `Origin` was added on the way.
            (Some(_), Some(_)) => false,
            (None, _) => kind == RequestKind::Read && is_own(headers),
        }
    }

    fn with(mut self, origin: String) -> Self {
        if !self.contains(&origin) {
            self.allowed.push(origin.into());
        }
        self
    }
}

/// Returns `true` if a page of this server sent the request, or the user opened its address. In a
/// browser, scripts of a page cannot set headers whose names begin with `Sec-`.
fn is_own(headers: &Headers) -> bool {
    let has = |name: &str, wanted: &[u8]| {
        let mut values = headers.iter().filter(|(other, _)| *other == name);
        matches!((values.next(), values.next()), (Some((_, value)), None) if value == wanted)
    };
    has("sec-fetch-site", b"same-origin")
        || (has("sec-fetch-site", b"none")
            && has("sec-fetch-mode", b"navigate")
            && has("sec-fetch-dest", b"document"))
}

/// Normalizes an origin to the form that browsers send (HTML, "serialization of an origin").
/// Returns `None` if the text is not an `http` or `https` origin.
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
            // Parsing and printing gives the shortest form, as browsers write it.
            (format!("[{}]", address.parse::<Ipv6Addr>().ok()?), port)
        }
        None => {
            let (host, port) = authority.split_at(authority.find(':').unwrap_or(authority.len()));
            (is_host(host).then(|| host.to_owned())?, port)
        }
    };
    match parse_port(port)? {
        // Browsers omit the default port.
        Some(port) if port != default_port => Some(format!("{scheme}://{host}:{port}")),
        _ => Some(format!("{scheme}://{host}")),
    }
}

/// Parses the text after the host. Returns `Some(None)` if the text is empty, and the port if the
/// text is a colon and a port in plain digits. Returns `None` for any other text.
fn parse_port(text: &str) -> Option<Option<u16>> {
    let Some(digits) = text.strip_prefix(':') else { return text.is_empty().then_some(None) };
    let port: u16 = digits.parse().ok()?;
    // `parse` accepts a sign and leading zeros, but browsers write neither.
    (port != 0 && port.to_string() == digits).then_some(Some(port))
}

/// Returns `true` if `host` is a name, or an IPv4 address of four decimal numbers.
fn is_host(host: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    let last = host.rsplit('.').next().unwrap_or_default();
    // A browser treats a name whose last label is a number as an address (URL standard, "ends in a
    // number"), and writes it in another form.
    let is_number = last.bytes().all(|byte| byte.is_ascii_digit()) || last.starts_with("0x");
    host.len() <= 253
        && host.split('.').all(is_label)
        && (!is_number || host.parse::<Ipv4Addr>().is_ok())
}

/// Returns `true` if the origin is on this machine, so that no network path to it can be attacked.
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
