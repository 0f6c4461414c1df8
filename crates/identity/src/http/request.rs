//! Identifies the client of a request, and the page that sent the request.
//!
//! A browser adds cookies to the requests of any page. A request that changes data must therefore come from a page of
//! an allowed origin. Its `Origin` must be allowed, and its fetch metadata (`Sec-Fetch-Site`, `Sec-Fetch-Mode`) must
//! agree. This is the only protection against the requests of other pages. Start reading at [`check_page`].

use axum::{
    Json,
    extract::{FromRequestParts, Request, State, rejection::JsonRejection},
    middleware::Next,
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use doorward::{
    __private::{FoundCookie, find_cookie},
    auth::{Headers, RequestKind},
    session::{Session, VerifySessionError},
};
use http::{HeaderMap, HeaderValue, Method, Uri, header, request::Parts};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::{Digest as _, Sha256};
use webauthn_rs::prelude::Url;

use super::{problem::Problem, routes::Routes};
use crate::{
    client::{Binding, Client},
    records::About,
    service::Service,
    wire::SignInCode,
};

/// Middleware that rejects a request if it may change data and does not come from a page of an allowed origin.
pub(super) async fn check_page(
    State(routes): State<Routes>,
    request: Request,
    next: Next,
) -> Response {
    let reads = [Method::GET, Method::HEAD, Method::OPTIONS];
    if !reads.contains(request.method()) && !routes.identity.is_own_page(request.headers()) {
        // Real origins are shorter. A longer header is not logged, because any client can send it.
        let origin = request.headers().get(header::ORIGIN).filter(|origin| origin.len() <= 255);
        tracing::info!(
            ?origin,
            "Refused: add the page's origin to `origins.allow` if it is yours."
        );
        return Problem::with_detail(SignInCode::Forbidden, FOREIGN).into_response();
    }
    next.run(request).await
}

impl Service {
    /// Returns `true` if a script of a page with an allowed origin has sent the request.
    fn is_own_page(&self, headers: &HeaderMap) -> bool {
        let one = |name: &'static str| -> Result<Option<&str>, ()> {
            let mut values = headers.get_all(name).iter();
            match (values.next(), values.next()) {
                (None, _) => Ok(None),
                (Some(value), None) => value.to_str().map(Some).map_err(drop),
                (Some(_), Some(_)) => Err(()),
            }
        };
        let Ok(Some(origin)) = one("origin") else { return false };
        let agrees = match one("sec-fetch-site") {
            Ok(None | Some("same-origin")) => true,
            // A request of a page of this server to this server is never cross-site, so one of the two headers is
            // wrong.
            Ok(Some("same-site" | "cross-site")) => *origin != *self.own_origin,
            _ => false,
        };
        // A navigation that changes data is a form submission. Only scripts may change data.
        let navigates = one("sec-fetch-mode") == Ok(Some("navigate"));
        self.origins.contains(origin) && agrees && !navigates
    }

    /// Returns the active session that the cookie of a request identifies, and records activity of the session. Fails
    /// with `SessionRequired` if there is none.
    pub(crate) async fn session_of(
        &self,
        method: &Method,
        headers: &HeaderMap,
    ) -> Result<Session, Problem> {
        let reads = [Method::GET, Method::HEAD].contains(method);
        let kind = if reads { RequestKind::Read } else { RequestKind::Write };
        let (open, secret) = Headers::split(headers);
        let token = self.cookie.token(kind, &open, &secret);
        let token = token.ok().flatten().ok_or(SignInCode::SessionRequired)?;
        let found = async {
            let session = self.sessions.verify(&token).await?;
            self.sessions.touch(&session).await?;
            Ok(session)
        };
        found.await.map_err(|error| match error {
            VerifySessionError::Unavailable(cause) => {
                self.unavailable(&*cause, About::default()).into()
            }
            _ => SignInCode::SessionRequired.into(),
        })
    }
}

/// Extractor for the active session of a request.
pub(super) struct SignedIn(pub(super) Session);

impl FromRequestParts<Routes> for SignedIn {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, routes: &Routes) -> Result<Self, Problem> {
        routes.identity.session_of(&parts.method, &parts.headers).await.map(Self)
    }
}

/// Extractor for the client of a request. The ceremony cookie identifies the client until its ceremony ends.
pub(super) struct Browser {
    pub(super) client: Client,
    /// Value of a new ceremony cookie; `None` if the browser already has a valid one.
    fresh: Option<String>,
}

impl FromRequestParts<Routes> for Browser {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, routes: &Routes) -> Result<Self, Problem> {
        let (headers, credentials) = Headers::split(&parts.headers);
        let shown = own_cookie(&credentials);
        let (key, fresh) = match shown {
            Some(key) => (key, None),
            None => {
                let mut bytes = [0; 32];
                routes.identity.entropy.fill(&mut bytes);
                (bytes, Some(URL_SAFE_NO_PAD.encode(bytes)))
            }
        };
        let binding = Binding::Browser(Sha256::digest(key).into());
        let address = routes.principals.client_ip(parts);
        Ok(Self { client: Client::new(binding, address, &headers), fresh })
    }
}

impl Browser {
    /// Adds the new ceremony cookie, if there is one, to a response.
    pub(super) fn with_cookie(&self, answer: impl IntoResponse) -> Response {
        let mut response = answer.into_response();
        if let Some(value) = &self.fresh {
            let cookie = format!(
                "{COOKIE}={value}; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age={KEPT_SECONDS}"
            );
            if let Ok(cookie) = HeaderValue::try_from(cookie) {
                response.headers_mut().append(header::SET_COOKIE, cookie);
            }
        }
        response
    }
}

/// Returns the JSON body of a request. Fails with `BadRequest` if the body is not a `T`.
pub(super) fn body<T>(body: Result<Json<T>, JsonRejection>) -> Result<T, Problem> {
    body.map(|Json(value)| value).map_err(|_malformed| SignInCode::BadRequest.into())
}

/// Returns the path of the sign-in page. Its parameter `next` contains the requested page, to which the user returns
/// after the sign-in. Both are paths of this server.
///
/// If the routes are nested below a path, `asked` starts with this path and `uri` does not. The sign-in page is
/// directly below this path.
pub(crate) fn return_address(asked: &Uri, uri: &Uri) -> String {
    let inside = asked.path().strip_suffix(uri.path()).unwrap_or_default();
    let home = own_path(&format!("{inside}/")).unwrap_or("/".to_owned());
    let asked = asked.path_and_query().and_then(|asked| own_path(asked.as_str()));
    match asked {
        Some(path) if path != home => {
            format!("{home}?next={}", utf8_percent_encode(&path, QUERY_VALUE))
        }
        _ => home,
    }
}

/// Resolves a reference as a browser does. Returns the path and the query of the result if it is on this server.
/// Returns `None` if the path starts with `//`, because a browser would resolve it to another host. An example is
/// `/..//evil.example`.
fn own_path(reference: &str) -> Option<String> {
    let base = Url::parse("https://own.invalid").ok()?;
    let url = base.join(reference).ok()?;
    let is_own = url.origin() == base.origin() && !url.path().starts_with("//");
    is_own.then(|| url.query().map_or(url.path().into(), |query| format!("{}?{query}", url.path())))
}

/// Returns the value of the ceremony cookie. Returns `None` if there is no valid cookie, or more than one.
fn own_cookie(credentials: &Headers) -> Option<[u8; 32]> {
    let FoundCookie::One(value) = find_cookie(credentials, COOKIE) else { return None };
    URL_SAFE_NO_PAD.decode(value).ok()?.try_into().ok()
}

/// Characters that must be escaped in the value of a query parameter.
const QUERY_VALUE: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.');

const COOKIE: &str = "__Host-doorward-ceremony";

/// Lifetime of the ceremony cookie, in seconds. Ceremonies themselves expire after five minutes.
const KEPT_SECONDS: u32 = 3600;

const FOREIGN: &str = "This page may not do that: its origin is not among those of the server (setting \
                       origins.allow)";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_below_a_path_are_led_back_to_with_it() {
        for (asked, uri, expected) in [
            ("/app/account?a=b", "/account?a=b", "/app/?next=/app/account%3Fa%3Db"),
            ("/app/", "/", "/app/"),
            ("/app//evil.example", "//evil.example", "/app/?next=/app//evil.example"),
        ] {
            let found = return_address(&asked.parse().unwrap(), &uri.parse().unwrap());
            assert_eq!(found, expected, "{asked}");
        }
    }

    #[test]
    fn only_own_paths_are_led_back_to() {
        for (asked, expected) in [
            ("/account", "/?next=/account"),
            ("/a/b?c=d&e=%20", "/?next=/a/b%3Fc%3Dd%26e%3D%2520"),
            ("/", "/"),
            ("//evil.example/", "/"),
            ("/\\evil.example", "/"),
            ("/..//evil.example", "/"),
            ("/.//evil.example", "/"),
            ("/a/%2e%2E//evil.example?x", "/"),
            ("/a/..\\/evil.example", "/"),
            ("/a/../b", "/?next=/b"),
            ("/a//b?//c", "/?next=/a//b%3F//c"),
            ("http://evil.example/x", "/?next=/x"),
        ] {
            let uri = asked.parse().unwrap();
            assert_eq!(return_address(&uri, &uri), expected, "{asked}");
        }
    }
}
