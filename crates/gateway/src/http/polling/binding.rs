//! Binds the id of a link to the page and the session that opened it.
//!
//! An id that leaks, for example into a log of requests, must be useless to another page and to
//! another browser. A browser states the origin of the page in `Origin`, which the page cannot
//! change, and adds its cookies to each request. Start reading at [`Binding::allows`].

use std::{
    hash::{BuildHasher as _, RandomState},
    net::IpAddr,
    sync::{Arc, Mutex},
};

use doorward_core::{
    AuthPayload, AuthenticateError, BoxFuture, Decision, Handshake, HandshakeRequest, Headers,
    SessionId, lock,
};
use http::{HeaderMap, HeaderValue, header, request::Parts, uri::Authority};

use crate::{
    http::{handshake::Rejection, place::RequestPlace},
    limits::addresses::network,
    presence::{
        client::client,
        services::{Services, Subject},
    },
};

/// Function that finds the session of the cookie in a request.
pub(crate) type SessionOf = Arc<
    dyn Fn(Handshake) -> BoxFuture<'static, Result<Option<SessionId>, AuthenticateError>>
        + Send
        + Sync,
>;

/// Properties that all requests of a link must have in common, in addition to their origin.
pub(crate) struct BindingRules {
    /// Finds the session of the cookie in a request. `None` if there is no authenticator.
    pub(crate) sessions: Option<SessionOf>,
    /// `true` if a client must keep its address.
    pub(crate) is_address_bound: bool,
}

/// Origin and session that opened a link, which its later requests must have too.
#[derive(Debug)]
pub(crate) struct Binding {
    /// Origin of the request that opened the link.
    origin: Origin,
    /// Origin that a later request of a page of this host has stated, although it looks like that of
    /// another host, because a proxy changes the host.
    stated: Mutex<Option<Origin>>,
    /// Network of the client, if it must keep its address.
    network: Option<IpAddr>,
    bound: Bound,
    /// Hash of the cookies that were last found to belong to the link. Equal cookies are not looked
    /// up again.
    cookies: Mutex<Option<u64>>,
    hasher: RandomState,
}

/// Cookies that a later request must have.
#[derive(Debug)]
enum Bound {
    /// Any. The request that opened the link had no cookie of a session. The client may sign in
    /// later.
    No,
    /// A cookie of this session.
    Session(SessionId),
    /// The same cookies as the request that opened the link. They were not looked up, because the
    /// address had used up its budget of guesses.
    Same,
}

/// Origin of the page that sent a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin(
    /// Origin of a page on another host, which the application has named. `None` for a page of this
    /// host, which sends the header with some requests only, and for a client that is not a browser.
    Option<Box<str>>,
);

impl Origin {
    /// Returns the origin of a request.
    ///
    /// # Errors
    /// [`Rejection::Origin`] for a page whose origin the application has not named. Such a page could
    /// open links and read their packets in the browser of every visitor.
    pub(super) fn of(services: &Services, parts: &Parts) -> Result<Self, Rejection> {
        let site = parts.headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
        // No page can set this header (Fetch standard, forbidden request-header), and it is right
        // even if a proxy has changed the host.
        if site == Some(b"same-origin") {
            return Ok(Self(None));
        }
        let mut origins = parts.headers.get_all(header::ORIGIN).iter();
        let (origin, other) = (origins.next(), origins.next());
        let Some(origin) = origin else {
            // A page of another origin has sent the request without an `Origin`, as for an image
            // (Fetch Metadata, section 2.1). The page cannot read the response, but it could use up
            // the budgets of its visitors.
            return match site {
                None | Some(b"none") => Ok(Self(None)),
                Some(_) => Err(refused(services, "none")),
            };
        };
        // Browsers send one `Origin` (RFC 6454, section 7.3).
        let origin = origin.to_str().ok().filter(|_| other.is_none());
        let origin = origin.ok_or_else(|| refused(services, "unreadable"))?;
        // With HTTP/2, the name of the server is in the URI.
        let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let host = host.or_else(|| parts.uri.authority().map(Authority::as_str));
        let scheme = ["http://", "https://"];
        let authority = scheme.iter().find_map(|scheme| origin.strip_prefix(scheme));
        if let (Some(authority), Some(host)) = (authority, host)
            && authority.eq_ignore_ascii_case(host)
        {
            return Ok(Self(None));
        }
        let named = services.pages.iter().find(|page| ***page == *origin);
        named.map(|named| Self(Some(named.clone()))).ok_or_else(|| refused(services, origin))
    }

    /// Returns `true` for a page on another host.
    pub(super) fn is_named(&self) -> bool {
        self.0.is_some()
    }
}

fn refused(services: &Services, origin: &str) -> Rejection {
    services.warn_foreign_page(origin);
    Rejection::Origin
}

impl Binding {
    /// Returns the binding of the request that opens a link.
    pub(super) async fn open(
        services: &Services,
        rules: &BindingRules,
        origin: Origin,
        parts: &Parts,
    ) -> Result<Self, Rejection> {
        let bound = match session_of(services, rules, parts).await? {
            Found::Nothing | Found::Refused => Bound::No,
            Found::Session(session) => Bound::Session(session),
            Found::NotAsked => Bound::Same,
        };
        let hasher = RandomState::new();
        let cookies = Mutex::new(cookies(&hasher, &parts.headers));
        let network = network_of(services, rules, parts);
        if rules.is_address_bound && network.is_none() {
            return Err(Rejection::NotNow);
        }
        Ok(Self { origin, stated: Mutex::default(), network, bound, cookies, hasher })
    }

    /// Checks that a later request belongs to the link. The session of a cookie stays the same when
    /// the cookie is rotated.
    ///
    /// # Errors
    /// - [`Rejection::UnknownSid`]: the request has another origin or another session. The answer is
    ///   the same as for a link that does not exist.
    /// - [`Rejection::NotNow`]: the session could not be looked up.
    pub(super) async fn allows(
        &self,
        services: &Services,
        rules: &BindingRules,
        origin: &Origin,
        parts: &Parts,
    ) -> Result<(), Rejection> {
        if !self.is_of(origin, parts) || self.network != network_of(services, rules, parts) {
            return Err(Rejection::UnknownSid);
        }
        if matches!(self.bound, Bound::No) {
            return Ok(());
        }
        let cookies = cookies(&self.hasher, &parts.headers).ok_or(Rejection::UnknownSid)?;
        if *lock(&self.cookies) == Some(cookies) {
            return Ok(());
        }
        let Bound::Session(session) = &self.bound else { return Err(Rejection::UnknownSid) };
        match session_of(services, rules, parts).await? {
            Found::Session(found) if found == *session => {
                *lock(&self.cookies) = Some(cookies);
                Ok(())
            }
            _ => Err(Rejection::UnknownSid),
        }
    }
}

impl Binding {
    /// Returns `true` if a request comes from the page that opened the link.
    ///
    /// A GET to the page's own host has no `Origin`, while other requests have one. They belong
    /// together, unless a proxy has changed the host: then the origin of the page looks like that of
    /// another host. Only the operator's proxies can do so.
    fn is_of(&self, origin: &Origin, parts: &Parts) -> bool {
        if self.origin == *origin {
            return true;
        }
        let place = parts.extensions.get::<RequestPlace>();
        if self.origin.is_named() || !place.is_some_and(RequestPlace::is_proxied) {
            return false;
        }
        lock(&self.stated).get_or_insert_with(|| origin.clone()) == origin
    }
}

/// Returns the network of the client if its link is bound to it.
fn network_of(services: &Services, rules: &BindingRules, parts: &Parts) -> Option<IpAddr> {
    let peer = rules.is_address_bound.then(|| client(services, parts)).flatten();
    peer.map(|peer| network(peer.ip()))
}

/// Returns a hash of the cookies of a request, or `None` if there are none. The key is secret, so
/// the time of the comparison reveals nothing about the cookies.
fn cookies(hasher: &RandomState, headers: &HeaderMap) -> Option<u64> {
    let values: Vec<_> =
        headers.get_all(header::COOKIE).iter().map(|value| value.as_bytes()).collect();
    (!values.is_empty()).then(|| hasher.hash_one(values))
}

/// Result of a look-up of the session in a request.
enum Found {
    /// The request has no cookie of a session.
    Nothing,
    Session(SessionId),
    /// The cookie is not that of an active session.
    Refused,
    /// The address has used up its budget of guesses.
    NotAsked,
}

/// Looks up the session of the cookie in a request. A cookie that names no session is a guess, which
/// counts against the address and is recorded, as in a CONNECT.
async fn session_of(
    services: &Services,
    rules: &BindingRules,
    parts: &Parts,
) -> Result<Found, Rejection> {
    let Some(find) = &rules.sessions else { return Ok(Found::Nothing) };
    if !parts.headers.contains_key(header::COOKIE) {
        return Ok(Found::Nothing);
    }
    let peer = client(services, parts);
    let address = peer.map(|peer| peer.ip());
    let (headers, credentials) = Headers::split(&parts.headers);
    let (page, now) = (services.page(&headers), services.clock.now());
    if services.attempts.check_address(address, page, now).is_err() {
        return Ok(Found::NotAsked);
    }
    let request = HandshakeRequest::new(headers, parts.uri.query().unwrap_or_default(), peer);
    let handshake =
        Handshake::new(Arc::new(request), "/", AuthPayload::default(), services.clock.wall());
    let found = find(handshake.with_credentials(Arc::new(credentials)));
    match services.within(services.limits.admission_timeout, found).await {
        Some(Ok(session)) => Ok(session.map_or(Found::Nothing, Found::Session)),
        Some(Err(AuthenticateError::Refused(refusal))) => {
            services.attempts.refused(address, page, &refusal, now);
            let subject = Subject { peer: address, ..Subject::default() };
            services.said_no(Decision::Closed, &refusal, subject);
            Ok(Found::Refused)
        }
        _ => Err(Rejection::NotNow),
    }
}
