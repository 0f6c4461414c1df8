//! Hands out the pages of the server, which are part of the program.

use axum::{
    Router,
    http::{HeaderValue, header},
    routing::get,
};

/// One file of a page.
#[derive(Clone, Copy, Debug)]
struct Page {
    path: &'static str,
    content_type: &'static str,
    text: &'static str,
}

/// Adds a route for every file.
pub(crate) fn routes() -> Router {
    PAGES.iter().fold(Router::new(), |router, page| {
        let headers = [
            (header::CONTENT_TYPE, HeaderValue::from_static(page.content_type)),
            // They change with the program and say nothing of it in their names.
            (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        ];
        router.route(page.path, get(async move || (headers, page.text)))
    })
}

const PAGES: &[Page] = &[
    Page {
        path: "/",
        content_type: "text/html; charset=utf-8",
        text: include_str!("../pages/index.html"),
    },
    Page {
        path: "/app.js",
        content_type: "application/javascript; charset=utf-8",
        text: include_str!("../pages/app.js"),
    },
    Page {
        path: "/icon.svg",
        content_type: "image/svg+xml",
        text: include_str!("../pages/icon.svg"),
    },
    Page {
        path: "/style.css",
        content_type: "text/css; charset=utf-8",
        text: include_str!("../pages/style.css"),
    },
];
