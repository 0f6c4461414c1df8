//! Decides which HTTP requests are answered and which become links.
//!
//! `service` is all that another HTTP server needs; start reading at its `open`. The other files
//! are for the server's own, which `server/serve.rs` runs: `io` is the stream below hyper,
//! `requests` bounds and counts each request, `request_body` and `answer_body` are its two bodies.

pub(crate) mod answer_body;
pub(crate) mod app;
pub(crate) mod handshake;
pub(crate) mod io;
pub(crate) mod listeners;
pub(crate) mod request_body;
pub(crate) mod requests;
pub(crate) mod server;
pub(crate) mod service;
pub(crate) mod sleep;
