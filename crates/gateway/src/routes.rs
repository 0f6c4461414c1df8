//! Authenticates requests to the routes of an axum application, with the authenticator of the
//! sockets.
//!
//! [`Authentication`](authentication::Authentication) is the state of the routes, and
//! [`Authenticated`](authenticated::Authenticated) is the argument of a handler. A credential is
//! checked by the code that also checks it for a CONNECT (`admission/vetting.rs`). Start reading at
//! [`Authentication::check`](authentication::Authentication::check).

pub(crate) mod authenticated;
pub(crate) mod authentication;
mod rejection;

pub use self::{authenticated::Authenticated, authentication::Authentication};
pub use crate::error::AuthenticationError;
