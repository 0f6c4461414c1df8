//! Authentication of requests to the routes of an axum application, by the authenticator of the
//! sockets.
//!
//! [`Authentication`] is the state of the routes, and [`Authenticated`] is the argument of a handler.
//! A credential is checked in the same way as for a CONNECT, with the same budgets and revocations.

pub(crate) mod authenticated;
pub(crate) mod authentication;
mod rejection;

pub use self::{authenticated::Authenticated, authentication::Authentication};
pub use crate::error::authentication::AuthenticationError;
