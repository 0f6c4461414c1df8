//! Decides which `Host` values the server answers.
//!
//! A foreign page can point its own host name at this machine (DNS rebinding), and could then read the responses.
//! The `Host` of such a request is the name of the page, so the server answers only requests for known names. If
//! the public URL is on `localhost`, requests to a loopback address are redirected to it, so that browsers use one
//! origin. Names are compared literally and never resolved. A redirect repeats only the path and the query of a
//! request. Start reading at [`Hosts::check`].

use std::{net::SocketAddr, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, StatusCode, Uri, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::base_path::is_probe;
use crate::config::{HostName, public_url::PublicUrl};

/// Names of the server.
#[derive(Debug)]
pub(crate) struct Hosts {
    public_url: PublicUrl,
    /// Authorities for which requests are answered, in lower case.
    own: Vec<String>,
    /// Additional names from `hosts.allow`.
    allowed: Vec<HostName>,
    /// Authorities for which requests are redirected to the public URL.
    aliases: Vec<String>,
}

/// Verdict on the host of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// The host is another name of the server, and the request is redirected.
    Alias,
    /// The request names no host, several hosts or an unreadable host.
    Malformed,
    /// The host is not a name of this server.
    Misdirected,
    /// The host is a name of the server.
    Own,
}

impl Hosts {
    /// Collects the names of a server that listens on `addresses` and is known as `public_url`.
    pub(crate) fn new(
        public_url: &PublicUrl,
        addresses: &[SocketAddr],
        allowed: &[HostName],
    ) -> Self {
        let mut own = vec![public_url.authority(), public_url.authority_with_port()];
        let mut aliases = Vec::new();
        let ports = addresses.iter().filter(|at| is_reached_by_loopback(at)).map(SocketAddr::port);
        for port in ports {
            own.extend(written("localhost", port));
            aliases.extend(LOOPBACKS.iter().flat_map(|address| written(address, port)));
        }
        if public_url.is_localhost() {
            // The published port of a container may differ from the port inside.
            let port = public_url.port();
            aliases.extend(LOOPBACKS.iter().flat_map(|address| written(address, port)));
        } else {
            // Without a `localhost` to redirect to, answer the addresses directly.
            own.append(&mut aliases);
        }
        Self { public_url: public_url.clone(), own, allowed: allowed.to_vec(), aliases }
    }

    /// Returns `true` for the path of Socket.IO, or a path below it.
    fn is_socket(&self, path: &str) -> bool {
        let rest = path.strip_prefix(self.public_url.base()).unwrap_or_default();
        rest == "/socket.io" || rest.starts_with("/socket.io/")
    }

    fn check(&self, uri: &Uri, headers: &HeaderMap) -> Verdict {
        let mut hosts = headers.get_all(header::HOST).iter();
        let (Some(host), None) = (hosts.next(), hosts.next()) else { return Verdict::Malformed };
        let Ok(host) = host.to_str() else { return Verdict::Malformed };
        // The request line may name a host as well, which takes precedence (RFC 9112, section 3.2.2). Two different
        // hosts are an attempt to make a proxy and the server disagree.
        if uri.authority().is_some_and(|named| !host.eq_ignore_ascii_case(named.as_str())) {
            return Verdict::Malformed;
        }
        let has = |names: &[String]| names.iter().any(|name| host.eq_ignore_ascii_case(name));
        if has(&self.own) || self.allowed.iter().any(|name| name.is(host)) {
            Verdict::Own
        } else if has(&self.aliases) {
            Verdict::Alias
        } else {
            Verdict::Misdirected
        }
    }

    /// Redirects to the same path of the public URL.
    fn redirect(&self, uri: &Uri) -> Response {
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        // `OPTIONS *` has no path. The text after the port must never become part of the authority.
        let path = if path.starts_with('/') { path } else { "/" };
        let location = [(header::LOCATION, format!("{}{path}", self.public_url.origin()))];
        (StatusCode::PERMANENT_REDIRECT, location).into_response()
    }
}

/// Passes on requests whose `Host` is a name of the server. Redirects aliases to `public_url`, and rejects all
/// other requests. Health checks pass with any host. Socket.IO requests also pass with an alias.
pub(crate) async fn check_host(
    State(hosts): State<Arc<Hosts>>,
    request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path();
    if is_probe(path) {
        // Load balancers use an address, and the response reveals little.
        return next.run(request).await;
    }
    match hosts.check(request.uri(), request.headers()) {
        Verdict::Own => next.run(request).await,
        // Socket.IO clients other than browsers do not follow redirects.
        Verdict::Alias if hosts.is_socket(path) => next.run(request).await,
        Verdict::Alias => hosts.redirect(request.uri()),
        Verdict::Malformed => (StatusCode::BAD_REQUEST, MALFORMED).into_response(),
        Verdict::Misdirected => {
            // The host is not logged: it may contain `user:password@`.
            tracing::debug!("Wrong host.");
            let text =
                format!("{MISDIRECTED}The server answers for {}.\n", hosts.public_url.authority());
            (StatusCode::MISDIRECTED_REQUEST, text).into_response()
        }
    }
}

/// Returns `true` if a client on this machine can connect through a loopback address.
fn is_reached_by_loopback(address: &SocketAddr) -> bool {
    address.ip().is_loopback() || address.ip().is_unspecified()
}

/// Returns the forms in which clients write a host with this port.
fn written(host: &str, port: u16) -> impl Iterator<Item = String> {
    let short = DEFAULT_PORTS.contains(&port).then(|| host.to_owned());
    [format!("{host}:{port}")].into_iter().chain(short)
}

const LOOPBACKS: [&str; 2] = ["127.0.0.1", "[::1]"];

/// Default ports of HTTP, without and with TLS, which clients omit.
const DEFAULT_PORTS: [u16; 2] = [80, 443];

const MALFORMED: &str = "This request must name one host.\n";

const MISDIRECTED: &str = "\
This server does not answer for the host of this request.
If you run the server: set public_url in its configuration file to the address that browsers open,
such as public_url = \"https://chat.example.org\". A further name, such as one inside a network of
containers, goes into hosts.allow: [hosts] allow = [\"doorward\"].
If public_url is right, the proxy changes Host: it must pass it on as the client sent it, with the port.
";

#[cfg(test)]
mod tests;
