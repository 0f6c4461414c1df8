//! Decides for which hosts the server answers.
//!
//! A page of a stranger can have its own name point to this machine (DNS rebinding) and would then
//! read our answers as its own. Its name stands in `Host`, so only names that are ours are answered.
//! On loopback there is one origin: the addresses lead to `localhost`. Letters are compared, nothing
//! is resolved, and nothing that the request says becomes part of a redirect but its path.
//! Start reading at [`Hosts::judge`].

use std::{net::SocketAddr, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, StatusCode, Uri, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::base_path::is_probe;
use crate::config::{HostName, public_url::PublicUrl};

/// The names of the server.
#[derive(Debug)]
pub(crate) struct Hosts {
    public_url: PublicUrl,
    /// Authorities that are answered, in lower case.
    own: Vec<String>,
    /// Names that the operator allows beside them.
    allowed: Vec<HostName>,
    /// Authorities that lead to the public URL.
    aliases: Vec<String>,
}

/// What a request is to be answered with, as far as its host is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// The server knows itself by another name.
    Alias,
    /// It names no host, or several.
    Malformed,
    /// It is meant for somebody else.
    Misdirected,
    /// It is ours.
    Own,
}

impl Hosts {
    /// The names of a server that listens on `addresses` and is known as `public_url`.
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
            // A container's port has another number outside.
            let port = public_url.port();
            aliases.extend(LOOPBACKS.iter().flat_map(|address| written(address, port)));
        } else {
            // There is no `localhost` to lead to: the addresses are as good.
            own.append(&mut aliases);
        }
        Self { public_url: public_url.clone(), own, allowed: allowed.to_vec(), aliases }
    }

    /// Whether a client asks for a socket.
    fn is_socket(&self, path: &str) -> bool {
        let rest = path.strip_prefix(self.public_url.base()).unwrap_or_default();
        rest == "/socket.io" || rest.starts_with("/socket.io/")
    }

    fn judge(&self, uri: &Uri, headers: &HeaderMap) -> Verdict {
        let mut hosts = headers.get_all(header::HOST).iter();
        let (Some(host), None) = (hosts.next(), hosts.next()) else { return Verdict::Malformed };
        let Ok(host) = host.to_str() else { return Verdict::Malformed };
        // A request line may name a host too, and then it is the one that counts (RFC 9112, section
        // 3.2.2). Whoever writes two different ones wants one of us to read the wrong one.
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

    /// Leads to the same path under the name that counts.
    fn redirect(&self, uri: &Uri) -> Response {
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        // `OPTIONS *` has no path. Whatever follows the port must not become part of it.
        let path = if path.starts_with('/') { path } else { "/" };
        let location = [(header::LOCATION, format!("{}{path}", self.public_url.origin()))];
        (StatusCode::PERMANENT_REDIRECT, location).into_response()
    }
}

/// Answers requests that are not for one of our names, and passes the others on.
pub(crate) async fn check_host(
    State(hosts): State<Arc<Hosts>>,
    request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path();
    if is_probe(path) {
        // Load balancers ask by address, and it tells little.
        return next.run(request).await;
    }
    match hosts.judge(request.uri(), request.headers()) {
        Verdict::Own => next.run(request).await,
        // Socket.IO clients that are no browsers do not follow redirects.
        Verdict::Alias if hosts.is_socket(path) => next.run(request).await,
        Verdict::Alias => hosts.redirect(request.uri()),
        Verdict::Malformed => (StatusCode::BAD_REQUEST, MALFORMED).into_response(),
        Verdict::Misdirected => {
            // Its value stays out of the log: `user:password@` may stand in it.
            tracing::debug!("Wrong host.");
            (StatusCode::MISDIRECTED_REQUEST, MISDIRECTED).into_response()
        }
    }
}

/// Whether a client on this machine gets here by a loopback address.
fn is_reached_by_loopback(address: &SocketAddr) -> bool {
    address.ip().is_loopback() || address.ip().is_unspecified()
}

/// A host and a port as clients write them.
fn written(host: &str, port: u16) -> impl Iterator<Item = String> {
    let short = (port == HTTP).then(|| host.to_owned());
    [format!("{host}:{port}")].into_iter().chain(short)
}

const LOOPBACKS: [&str; 2] = ["127.0.0.1", "[::1]"];

/// The port that nobody writes.
const HTTP: u16 = 80;

const MALFORMED: &str = "This request must name one host.\n";

const MISDIRECTED: &str = "\
This server does not answer for the host of this request.
If you run the server: set public_url in its configuration file to the address that browsers open,
such as public_url = \"https://chat.example.org\". A further name, such as one inside a network of
containers, goes into hosts.allow: [hosts] allow = [\"doorward\"].
";

#[cfg(test)]
mod tests;
