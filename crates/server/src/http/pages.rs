//! Serves the pages, and their scripts and styles.
//!
//! Pages and files are embedded in the program. A debug build reads them from the source tree at each request,
//! so that a reload shows a change. The files are public, because they contain no data of users. Most pages
//! need a session, because they are useless without one. Start reading at [`public_routes`].

use std::collections::HashMap;

use axum::{
    Router,
    body::Body,
    extract::Path,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{MethodRouter, get},
};
use doorward_apps::{ALL, Application};
use rust_embed::{EmbeddedFile, RustEmbed};

use super::etag;
use crate::config::Profile;

/// Pages and their files.
#[derive(RustEmbed)]
#[folder = "pages/"]
#[exclude = "*.toml"]
struct Pages;

/// The client library `doorward-client`. Its folder is a link to `clients/js/src`, because a package holds only
/// files below its own folder.
#[derive(RustEmbed)]
#[folder = "doorward-client/"]
#[include = "*.js"]
struct Client;

/// Returns the routes of the sign-in page, of the page for developers, of all files, and of the source of the gateways
/// that the pages explain. In profile `development` there
/// is also a page that shows every part of which pages are made.
pub(crate) fn public_routes(mounted: &[&'static dyn Application], profile: Profile) -> Router {
    let apps = apps(mounted);
    let files = get(async move |Path(path): Path<String>, headers: HeaderMap| {
        asset(&path, &headers, &apps)
    });
    let sources = mounted.iter().map(|app| (app.path(), app.source()));
    let sources: HashMap<_, _> = sources.chain([("door", include_str!("../door.rs"))]).collect();
    let source = get(async move |Path(name): Path<String>| match sources.get(&*name) {
        Some(source) => ([(header::CACHE_CONTROL, "no-cache")], *source).into_response(),
        None => nothing(),
    });
    let routes = Router::new()
        .route("/", page("home", mounted))
        .route("/developer", page("developer", mounted))
        .route("/assets/source/{name}", source)
        .route("/assets/{*path}", files);
    match profile {
        Profile::Development => routes.route("/styleguide", page("styleguide", mounted)),
        Profile::Production => routes,
    }
}

/// Returns the routes of the pages that need a session.
pub(crate) fn private_routes(mounted: &[&'static dyn Application]) -> Router {
    let routes = Router::new().route("/account", page("account", mounted));
    mounted.iter().fold(routes, |routes, app| {
        routes.route(&format!("/{}", app.path()), page(app.path(), mounted))
    })
}

fn asset(path: &str, headers: &HeaderMap, apps: &str) -> Response {
    // `chat.js` and `chat/log.js` belong to the application with the path `chat`.
    let owner = path.split(['/', '.']).next().unwrap_or_default();
    let is_mounted = apps.split(' ').any(|app| app == owner);
    let is_of_an_app = ALL.iter().any(|app| app.path() == owner);
    let found = match path.strip_prefix("doorward-client/") {
        Some(name) => Client::get(name),
        // HTML is served only by the routes of pages, because some pages need a session.
        None if path.ends_with(".html") => None,
        None if is_of_an_app && !is_mounted => None,
        None => Pages::get(path),
    };
    answer(found, path, headers, "")
}

/// Returns the route of a page. All pages are made from one HTML file, each with a different script.
fn page(script: &'static str, mounted: &[&'static dyn Application]) -> MethodRouter {
    let apps = apps(mounted);
    get(async move |headers: HeaderMap| {
        // A page without a session need not ask the server who is signed in, and reads no error.
        let session =
            if has_session(&headers) || is_from_elsewhere(&headers) { "perhaps" } else { "none" };
        let html = Pages::get(PAGE).map(|file| fill(file, script, &apps, session));
        let mut response = answer(html, PAGE, &headers, &format!("{apps} {session}"));
        response
            .headers_mut()
            .insert(header::VARY, HeaderValue::from_static("cookie, sec-fetch-site"));
        response
    })
}

/// Returns the paths of the mounted applications, in the form that the pages parse.
fn apps(mounted: &[&'static dyn Application]) -> String {
    mounted.iter().map(|app| app.path()).collect::<Vec<_>>().join(" ")
}

/// Returns `true` if a request has a cookie of a session, which may have ended.
fn has_session(headers: &HeaderMap) -> bool {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies.flat_map(|cookies| cookies.split(';')).any(|cookie| {
        cookie.trim_start().strip_prefix(SESSION_COOKIE).is_some_and(|rest| rest.starts_with('='))
    })
}

/// Returns `true` if a page of another site has opened this one. Then the browser keeps a cookie with `SameSite=Strict`
/// back, and sends it with the requests of this page.
fn is_from_elsewhere(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-site").is_some_and(|site| site != "none" && site != "same-origin")
}

fn fill(mut file: EmbeddedFile, script: &str, apps: &str, session: &str) -> EmbeddedFile {
    let html = String::from_utf8_lossy(&file.data);
    let html =
        html.replace("{script}", script).replace("{apps}", apps).replace("{session}", session);
    file.data = html.into_bytes().into();
    file
}

/// Returns the response with a file, or 404 if there is no file. `filled` is the part of its content that depends
/// on the configuration.
fn answer(found: Option<EmbeddedFile>, name: &str, headers: &HeaderMap, filled: &str) -> Response {
    let Some((file, content_type)) = found.zip(content_type(name)) else { return nothing() };
    let tag = etag::of(&file.metadata.sha256_hash(), filled);
    // File names carry no version, so browsers must revalidate.
    let cache = [(header::CACHE_CONTROL, "no-cache".to_owned()), (header::ETAG, tag.clone())];
    if etag::is_known(headers, &tag) {
        return (StatusCode::NOT_MODIFIED, cache).into_response();
    }
    (cache, [(header::CONTENT_TYPE, content_type)], Body::from(file.data)).into_response()
}

fn nothing() -> Response {
    (StatusCode::NOT_FOUND, "There is nothing here.\n").into_response()
}

/// Returns the content type for a file name, or `None` if files of that type are not served.
fn content_type(name: &str) -> Option<&'static str> {
    let (_, ending) = name.rsplit_once('.')?;
    KINDS.iter().find(|(known, _)| *known == ending).map(|(_, kind)| *kind)
}

/// Name of the HTML file from which all pages are served. Their `ETag` is the same, because it is the hash of this
/// file.
const PAGE: &str = "page.html";

/// Name of the cookie of sessions, which is the default of `SessionCookie`.
const SESSION_COOKIE: &str = "__Host-doorward";

const KINDS: &[(&str, &str)] = &[
    ("css", "text/css; charset=utf-8"),
    ("html", "text/html; charset=utf-8"),
    ("js", "application/javascript; charset=utf-8"),
    ("svg", "image/svg+xml"),
];
