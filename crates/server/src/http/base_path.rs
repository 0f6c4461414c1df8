//! Serves all routes below the base path of the public URL.
//!
//! The proxy forwards the path unchanged, and the base path is stripped here, so that routes do not depend on it.
//! Health checks reach the server directly and use no base path. Start reading at [`BasePath::answer`].

use axum::{
    Router,
    extract::Request,
    http::{StatusCode, Uri, header, uri::PathAndQuery},
    response::{IntoResponse, Response},
};
use tower_service::Service as _;

use crate::config::public_url::PublicUrl;

/// All routes, served below the base path of the public URL.
#[derive(Clone, Debug)]
pub(crate) struct BasePath {
    routes: Router,
    public_url: PublicUrl,
}

impl BasePath {
    pub(crate) fn new(routes: Router, public_url: &PublicUrl) -> Self {
        Self { routes, public_url: public_url.clone() }
    }

    /// Strips the base path from a request, and answers it with the routes. Redirects or rejects a request outside
    /// of the base path.
    pub(crate) async fn answer(mut self, mut request: Request) -> Response {
        let asked = request.uri();
        let Some(uri) = self.inside(asked.path()).and_then(|rest| with_path(asked, rest)) else {
            return self.elsewhere(asked);
        };
        *request.uri_mut() = uri;
        // A router is always ready, and never fails.
        let Ok(response) = self.routes.call(request).await;
        response
    }

    /// Strips the base path from `path`. Returns `None` if `path` is outside of the base path. The result starts
    /// with a slash. The path of a health check is returned unchanged.
    fn inside<'a>(&self, path: &'a str) -> Option<&'a str> {
        if PROBES.contains(&path) {
            return Some(path);
        }
        let rest = path.strip_prefix(self.public_url.base())?;
        rest.starts_with('/').then_some(rest)
    }

    /// Returns the response to a request outside of the base path. The base path without its slash is redirected,
    /// and any other path is not found.
    fn elsewhere(&self, uri: &Uri) -> Response {
        if uri.path() == self.public_url.base() {
            let location = [(header::LOCATION, self.public_url.to_string())];
            return (StatusCode::PERMANENT_REDIRECT, location).into_response();
        }
        let text = format!(
            "This server answers below {}/ (setting public_url). A proxy in front of it must pass the path on \
             unchanged.\n",
            self.public_url.base()
        );
        (StatusCode::NOT_FOUND, text).into_response()
    }
}

/// Replaces the path of a URI; `None` if the result is invalid.
fn with_path(uri: &Uri, path: &str) -> Option<Uri> {
    let query = uri.query().map_or_else(String::new, |query| format!("?{query}"));
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(format!("{path}{query}")).ok()?);
    Uri::from_parts(parts).ok()
}

/// Returns `true` for the path of a health check. Health checks use an address as host, and no base path.
pub(crate) fn is_probe(path: &str) -> bool {
    PROBES.contains(&path)
}

const PROBES: [&str; 2] = ["/healthz", "/readyz"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_below_the_path_is_inside() {
        let below = |url: &str| BasePath::new(Router::new(), &url.parse().unwrap());
        let (chat, root) = (below("https://example.org/chat/"), below("https://example.org"));

        for (path, expected) in [
            ("/chat/", Some("/")),
            ("/chat/chat", Some("/chat")),
            ("/chat/socket.io/", Some("/socket.io/")),
            ("/chat//evil.example", Some("//evil.example")),
            ("/healthz", Some("/healthz")),
            ("/chat", None),
            ("/chatter", None),
            ("/Chat/", None),
            ("/", None),
            ("/socket.io/", None),
            ("*", None),
        ] {
            assert_eq!(chat.inside(path), expected, "{path}");
        }
        assert_eq!(root.inside("/chat"), Some("/chat"));
        assert_eq!(root.inside("/"), Some("/"));
    }
}
