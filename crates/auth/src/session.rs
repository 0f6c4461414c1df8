//! Keeps users signed in: sessions, and the tickets that carry a session to a page.
//!
//! `sessions` decides how long a session lives, its `lease` when activity extends it, and
//! `authenticator` applies both to the token in a handshake. Start reading at
//! [`Sessions`](sessions::Sessions).

pub(crate) mod authenticator;
pub(crate) mod sessions;
pub(crate) mod signed_in;
pub(crate) mod tickets;
