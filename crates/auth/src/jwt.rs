//! Verifies access tokens, and issues the tokens of this server.
//!
//! `authenticator` runs the checks in order. Most other modules have the rules for one part of a
//! token, and `keys` selects the key. [`Issuer`](issuer::Issuer) issues tokens. Start reading at
//! [`Jwt`](authenticator::Jwt).

pub(crate) mod authenticator;
pub(crate) mod claims;
mod date;
mod header;
pub(crate) mod issuer;
mod keys;
mod object;
mod parts;
pub(crate) mod policy;
pub(crate) mod preset;
#[cfg(feature = "issuers")]
pub(crate) mod remote_issuer;
pub(crate) mod shape;
pub(crate) mod unverified;
