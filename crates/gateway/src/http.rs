//! Decides which HTTP requests are answered and which become links.
//!
//! An application that uses another HTTP server, such as axum, needs only `service`. Start reading
//! at `service::open`. The other files are for the HTTP server of Doorward itself, which
//! `server/serve.rs` runs: `listeners` accepts connections, `setup` reads what precedes HTTP, `io` is
//! the stream below hyper, `requests` limits and counts each request, and `request_body` and
//! `answer_body` are the bodies of a request and its response.

pub(crate) mod answer_body;
pub(crate) mod app;
pub(crate) mod connection_error;
pub(crate) mod handshake;
pub(crate) mod io;
pub(crate) mod listeners;
pub(crate) mod opening;
pub(crate) mod place;
pub(crate) mod polling;
pub(crate) mod request_body;
pub(crate) mod requests;
pub(crate) mod response_body;
pub(crate) mod server;
pub(crate) mod service;
pub(crate) mod setup;
pub(crate) mod sleep;
pub(crate) mod tls;
