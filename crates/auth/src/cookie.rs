//! Signs browsers in by the cookie of their session.
//!
//! `find` reads the cookie, `origins` decides which pages may use it, and `session_cookie` looks up
//! its session. Start reading at
//! [`SessionCookie::token`](session_cookie::SessionCookie::token).

pub(crate) mod find;
pub(crate) mod origins;
pub(crate) mod session_cookie;
