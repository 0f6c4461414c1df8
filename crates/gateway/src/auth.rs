//! Authenticators, and the credentials that they accept: tokens, keys, cookies.
//!
//! An [`Authenticator`] turns the [`Handshake`] of a client into a [`Grant`], or refuses it. [`Jwt`] verifies tokens,
//! [`SessionCookie`] and [`SessionCredential`] find sessions, [`FirstOf`] takes the first credential that is shown, and
//! [`authenticate_fn`] makes an authenticator of a closure.

pub use doorward_auth::*;
pub use doorward_core::{
    Anonymous, AuthPayload, AuthPayloadError, AuthenticateError, Authenticator, Grant, Handshake,
    HandshakeRequest, Headers, Issued, RefusalCode, RefusalReason, Reload, Retry, TokenId,
};
