//! Keeps users signed in with sessions. Tickets move a session from a socket to a web page.
//!
//! `sessions` decides how long a session lives, and its submodule `lease` extends a session when
//! its client is active. `authenticator` authenticates clients by their session token. Start
//! reading at [`Sessions`](sessions::Sessions).

pub(crate) mod authenticator;
pub(crate) mod sessions;
pub(crate) mod signed_in;
pub(crate) mod tickets;
