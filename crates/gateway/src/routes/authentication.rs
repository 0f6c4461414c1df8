//! Checks the credential of a request.

use std::{fmt, net::SocketAddr, sync::Arc};

use axum::response::Response;
use doorward_core::{
    AuthPayload, Decision, Handshake, HandshakeRequest, Headers, Refusal, RefusalCode,
    RefusalReason, RequestKind,
};
use doorward_protocol::Trust;
use http::{HeaderMap, Method, header, request::Parts};
use serde_json::json;

use crate::{
    admission::vetting::{AnyAuthenticator, Attempt, Vetted, turned_away, vet},
    http::server::Server,
    link::seam::NotAdmitted,
    presence::{
        client::client,
        services::{Services, Subject},
    },
    routes::rejection,
    runtime::outage_log::NoAnswer,
};

/// Authenticator of a server, for the routes of an axum application. It is the state that the
/// extractor [`Authenticated`](crate::routes::Authenticated) needs.
///
/// [`Doorward::authentication`](crate::Doorward::authentication) returns it. Clones share the
/// authenticator, the budgets and the revocations of the server.
///
/// # Examples
/// ```
/// use axum::{Router, extract::FromRef, routing::get};
/// use doorward::{prelude::*, routes::{Authenticated, Authentication}};
///
/// /// State of an application that has more than the authentication.
/// #[derive(Clone)]
/// struct App {
///     greeting: &'static str,
///     authentication: Authentication<Claims>,
/// }
///
/// impl FromRef<App> for Authentication<Claims> {
///     fn from_ref(app: &App) -> Self {
///         app.authentication.clone()
///     }
/// }
///
/// async fn me(user: Authenticated<Claims>) -> String {
///     user.subject().to_owned()
/// }
///
/// # fn app(doorward: Doorward) -> doorward::Result<Router> {
/// let app = App { greeting: "hello", authentication: doorward.authentication()? };
/// let routes: Router = Router::new().route("/me", get(me)).with_state(app);
/// # Ok(routes) }
/// ```
pub struct Authentication<P> {
    server: Arc<Server>,
    authenticator: Arc<dyn AnyAuthenticator<P>>,
}

impl<P> Clone for Authentication<P> {
    fn clone(&self) -> Self {
        Self { server: Arc::clone(&self.server), authenticator: Arc::clone(&self.authenticator) }
    }
}

impl<P: Send + Sync + 'static> Authentication<P> {
    pub(crate) fn new(server: Arc<Server>, authenticator: Arc<dyn AnyAuthenticator<P>>) -> Self {
        Self { server, authenticator }
    }

    /// Checks the credential of a request, with the budgets for attempts, the authenticator and the
    /// revocations of the server. The error is the response for the client.
    pub(super) async fn check(&self, parts: &Parts) -> Result<Vetted<P>, Refused> {
        let services = &self.server.services;
        let peer = client(services, parts);
        let token = bearer(&parts.headers);
        let has_token = !matches!(token, Ok(None));
        let vetted = async {
            let (headers, credentials) = Headers::split(&parts.headers);
            let auth = match token {
                Ok(None) => AuthPayload::default(),
                Ok(Some(token)) => payload(token),
                Err(refusal) => return Err(malformed(refusal, &headers, peer, services)),
            };
            let query = parts.uri.query().unwrap_or_default();
            let request = HandshakeRequest::new(headers, query, peer).of_kind(kind(&parts.method));
            let (request, path) = (Arc::new(request), parts.uri.path());
            let handshake = Handshake::new(request, path, auth, services.clock.wall());
            let handshake = handshake.with_credentials(Arc::new(credentials));
            vet(&*self.authenticator, handshake, Trust::Known, services, Attempt::Request).await
        };
        let timeout = services.limits.admission_timeout;
        let vetted =
            services.within(timeout, vetted).await.unwrap_or(Err(NotAdmitted::Undecided {
                reason: RefusalReason::DeadlinePassed,
                cause: Some(NoAnswer.into()),
            }));
        match vetted {
            Ok(vetted) => {
                services.admissions.answered(services.clock.now());
                Ok(vetted)
            }
            Err(NotAdmitted::Refused { refusal, user }) => {
                // Without a credential, nothing is guessed.
                let is_empty = !has_token && !parts.headers.contains_key(header::COOKIE);
                let refusal = if is_empty && refusal.code() == RefusalCode::TooManyAttempts {
                    Refusal::unauthenticated(RefusalReason::CredentialMissing)
                } else {
                    refusal
                };
                let subject = Subject {
                    user: user.as_ref(),
                    peer: peer.map(|peer| peer.ip()),
                    ..Subject::default()
                };
                // A request without a credential is not a decision about a client.
                if refusal.reason() == RefusalReason::CredentialMissing {
                    let worded = services.worded(&refusal);
                    return Err(Refused::Missing(rejection::refused(&worded, None, has_token)));
                }
                let id = services.said_no(Decision::Refused, &refusal, subject);
                let worded = services.worded(&refusal);
                Err(Refused::Invalid(rejection::refused(&worded, Some(id), has_token)))
            }
            Err(NotAdmitted::Undecided { reason, cause }) => {
                if let Some(cause) = cause {
                    services.admissions.failed(services.clock.now(), &*cause);
                }
                let subject = Subject { peer: peer.map(|peer| peer.ip()), ..Subject::default() };
                let id = services.decided(Decision::Undecided(reason), subject);
                Err(Refused::Invalid(rejection::undecided(id)))
            }
        }
    }
}

/// Response to a request that was not authenticated.
pub(super) enum Refused {
    /// The request has no credential.
    Missing(Response),
    /// The credential was refused, or could not be checked.
    Invalid(Response),
}

/// Returns the bearer token of a request (RFC 6750 section 2.1). Returns `None` if the request has no
/// `Authorization`, or one with another scheme.
fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Refusal> {
    let malformed = || Refusal::unauthenticated(RefusalReason::TokenMalformed);
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Refusal::unauthenticated(RefusalReason::CredentialAmbiguous));
    }
    let value = value.to_str().map_err(|_not_ascii| malformed())?;
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let end = value.bytes().position(|byte| !is_token(byte)).unwrap_or(value.len());
    let (scheme, rest) = value.split_at(end);
    if !scheme.eq_ignore_ascii_case("Bearer") {
        return Ok(None);
    }
    // Any other form of a bearer token is refused, and not ignored, because a proxy may read it.
    match rest.strip_prefix(' ').map(|token| token.trim_start_matches(' ')) {
        Some(token) if !token.is_empty() => Ok(Some(token)),
        _ => Err(malformed()),
    }
}

/// Returns the payload of a CONNECT with this token, because authenticators read it there.
fn payload(token: &str) -> AuthPayload {
    let payload = json!({ "token": token }).to_string();
    AuthPayload::parse(&payload).expect("an object with one text member is a payload")
}

/// Counts a request with a malformed `Authorization` as a refused attempt.
fn malformed(
    refusal: Refusal,
    headers: &Headers,
    peer: Option<SocketAddr>,
    services: &Services,
) -> NotAdmitted {
    let (address, page) = (peer.map(|peer| peer.ip()), services.page(headers));
    let now = services.clock.now();
    if let Err(wait) = services.attempts.check_address(address, page, now) {
        return turned_away(wait, None);
    }
    services.attempts.refused(address, page, &refusal, now);
    NotAdmitted::Refused { refusal, user: None }
}

fn kind(method: &Method) -> RequestKind {
    if [Method::GET, Method::HEAD].contains(method) {
        RequestKind::Read
    } else {
        RequestKind::Write
    }
}

impl<P> fmt::Debug for Authentication<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authentication")
            .field("authenticator", &self.authenticator.name())
            .finish_non_exhaustive()
    }
}
