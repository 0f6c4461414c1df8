//! Accepts the tokens of several issuers.
//!
//! [`Issuers`](set::Issuers) chooses the issuer by the claim `iss` of a token. `member` is one issuer
//! with its name, and `lease` ends the sockets of an issuer that is not trusted any more. Start
//! reading at [`Issuers::verify`](set::Issuers::verify).

pub(crate) mod error;
mod lease;
mod member;
pub(crate) mod set;
