//! Who sends a request, and from which page.
//!
//! A browser adds cookies to whatever any page asks for, so what changes something must come from a page that
//! may ask: its `Origin` is compared, and the fetch metadata must agree. Nothing else keeps pages of others
//! out. Start reading at [`check_page`].

use axum::{
    Json,
    extract::{FromRequestParts, Request, State, rejection::JsonRejection},
    middleware::Next,
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use doorward::{
    Headers, Session,
    auth::{FoundCookie, RequestKind, VerifySessionError, find_cookie},
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

/// Turns requests away that change something and do not come from a page that may ask.
pub(super) async fn check_page(
    State(routes): State<Routes>,
    request: Request,
    next: Next,
) -> Response {
    let reads = [Method::GET, Method::HEAD, Method::OPTIONS];
    if !reads.contains(request.method()) && !routes.identity.is_own_page(request.headers()) {
        // No page has a longer one, and a stranger may send any.
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
    /// Whether a request comes from a page that may change something.
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
            // A page of ours is never another site: one of the two headers is a lie.
            Ok(Some("same-site" | "cross-site")) => *origin != *self.own_origin,
            _ => false,
        };
        // A form that is sent off, and not a program that asks.
        let navigates = one("sec-fetch-mode") == Ok(Some("navigate"));
        self.origins.contains(origin) && agrees && !navigates
    }

    /// The session of whoever asks.
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

/// Somebody with a session.
pub(super) struct SignedIn(pub(super) Session);

impl FromRequestParts<Routes> for SignedIn {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, routes: &Routes) -> Result<Self, Problem> {
        routes.identity.session_of(&parts.method, &parts.headers).await.map(Self)
    }
}

/// The client of a request, with the cookie that its ceremonies belong to.
pub(super) struct Browser {
    pub(super) client: Client,
    /// What the browser is to keep, when it has none yet.
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
    /// Gives the browser its cookie along with an answer.
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

/// A body of JSON, or the one answer to everything that is none.
pub(super) fn body<T>(body: Result<Json<T>, JsonRejection>) -> Result<T, Problem> {
    body.map(|Json(value)| value).map_err(|_malformed| SignInCode::BadRequest.into())
}

/// Returns the page where a user signs in who asked for another one, and is led back to it. Only paths of our own
/// are named.
///
/// Where the routes are nested below a path, `asked` begins with it and `uri` does not; the page to sign in is the
/// first one below it.
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

/// Returns the path and query that a browser makes of a reference, when it stays with this server and goes on to
/// do so when it is read once more: `/..//evil.example` is the path `//evil.example`.
fn own_path(reference: &str) -> Option<String> {
    let base = Url::parse("https://own.invalid").ok()?;
    let url = base.join(reference).ok()?;
    let is_own = url.origin() == base.origin() && !url.path().starts_with("//");
    is_own.then(|| url.query().map_or(url.path().into(), |query| format!("{}?{query}", url.path())))
}

/// Finds the one cookie of our ceremonies. One that was planted finds no ceremony.
fn own_cookie(credentials: &Headers) -> Option<[u8; 32]> {
    let FoundCookie::One(value) = find_cookie(credentials, COOKIE) else { return None };
    URL_SAFE_NO_PAD.decode(value).ok()?.try_into().ok()
}

/// What needs no escape in the value of a query.
const QUERY_VALUE: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.');

const COOKIE: &str = "__Host-doorward-ceremony";

/// A browser that begins often keeps one; ceremonies themselves end after five minutes.
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
