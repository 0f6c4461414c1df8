//! Signs browsers in by the cookie of their session.
//!
//! `find` reads the cookie, `origins` decides which pages may use it, and `authenticator` looks up
//! its session. Start reading at
//! [`SessionCookie::token`](authenticator::SessionCookie::token).

pub(crate) mod authenticator;
pub(crate) mod find;
pub(crate) mod origins;
