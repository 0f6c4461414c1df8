//! Authenticates browsers by their session cookie.
//!
//! `find` reads the cookie, `origins` decides which pages may use it, and `session_cookie` looks up
//! the session of the cookie. Start reading at
//! [`SessionCookie::token`](session_cookie::SessionCookie::token).

pub(crate) mod cookie_fn;
pub(crate) mod find;
pub(crate) mod origins;
mod reading;
pub(crate) mod session_cookie;
