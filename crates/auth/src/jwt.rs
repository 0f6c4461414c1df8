//! Verifies access tokens, and writes those of this server.
//!
//! `authenticator` runs the checks in order; each other file has the rules for one part of a token.
//! Start reading at [`Jwt`](authenticator::Jwt); [`Issuer`](issuer::Issuer) writes tokens.

pub(crate) mod authenticator;
pub(crate) mod claims;
mod date;
mod header;
pub(crate) mod issuer;
mod keys;
mod object;
mod parts;
mod policy;
