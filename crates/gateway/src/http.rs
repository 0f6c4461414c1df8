//! The HTTP side: what turns a request into a link, as a tower `Service`.

mod answer_body;
mod app;
mod handshake;
mod io;
mod request_body;
mod requests;
mod service;
mod sleep;

pub(crate) use answer_body::{AnswerBody, Carried};
pub use app::App;
pub(crate) use io::HttpIo;
pub use request_body::{RequestBody, RequestBodyError};
pub(crate) use requests::Requests;
pub(crate) use service::client;
pub use service::{DoorwardService, PeerAddr};
pub(crate) use sleep::Sleep;
