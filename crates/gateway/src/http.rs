//! The HTTP side: what turns a request into a link, as a tower `Service`.

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
