//! Serves the Socket.IO client for browsers, at the same paths as other Socket.IO servers.
//!
//! The files are those of the released npm package, unchanged, and are embedded in the program. The version of the
//! client is the `ETag`, so that a browser revalidates each time and downloads each version once.

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};

use super::etag;

/// File of the client.
#[derive(Clone, Copy, Debug)]
struct File {
    name: &'static str,
    bytes: &'static [u8],
}

/// Returns a route below `/socket.io/` for every file.
pub(crate) fn routes() -> Router {
    FILES.iter().fold(Router::new(), |router, &file| {
        let path = format!("/socket.io/{}", file.name);
        router.route(&path, get(async move |headers: HeaderMap| file.answer(&headers)))
    })
}

impl File {
    fn answer(self, request: &HeaderMap) -> Response {
        let cache = [
            (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=0")),
            (header::ETAG, HeaderValue::from_static(ETAG)),
        ];
        if etag::is_known(request, ETAG) {
            return (StatusCode::NOT_MODIFIED, cache).into_response();
        }
        let content_type = [(header::CONTENT_TYPE, self.content_type())];
        (content_type, cache, Body::from(self.bytes)).into_response()
    }

    fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(if self.name.ends_with(".map") {
            "application/json"
        } else {
            "application/javascript; charset=utf-8"
        })
    }
}

/// Embeds files of the folder `client`.
macro_rules! files {
    ($($name:literal),* $(,)?) => {
        &[$(File { name: $name, bytes: include_bytes!(concat!("../../client/", $name)) }),*]
    };
}

const FILES: &[File] = files![
    "socket.io.esm.min.js",
    "socket.io.esm.min.js.map",
    "socket.io.js",
    "socket.io.js.map",
    "socket.io.min.js",
    "socket.io.min.js.map",
    "socket.io.msgpack.min.js",
    "socket.io.msgpack.min.js.map",
];

/// `ETag` of all files: the version of the client, in quotes.
const ETAG: &str = "\"4.8.4\"";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_etag_is_the_version_that_is_vendored() {
        let record: toml::Table = include_str!("../../client/VENDORED.toml").parse().unwrap();

        assert_eq!(ETAG, format!("\"{}\"", record["version"].as_str().unwrap()));
    }

    #[test]
    fn every_vendored_file_is_handed_out() {
        let record: toml::Table = include_str!("../../client/VENDORED.toml").parse().unwrap();
        let vendored = record["file"].as_array().unwrap().iter().map(|file| &file["name"]);

        for name in vendored.map(|name| name.as_str().unwrap()).filter(|&name| name != "LICENSE") {
            assert!(FILES.iter().any(|file| file.name == name), "{name}");
        }
    }
}
