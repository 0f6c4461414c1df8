//! Attacks the public API with forged, stale, foreign and malformed credentials.
//!
//! `forge` creates tokens without the library. They have genuine signatures where this is the
//! stronger attack, because a rule must hold even for a correctly signed token. Tests of sessions
//! use `world`, which has one clock and one store.

// `cfg(test)` is always true here. It tells Clippy that the helpers are test code, where `unwrap`
// is allowed.
#[cfg(test)]
mod algorithms;
#[cfg(test)]
mod claims;
#[cfg(test)]
mod cookie;
#[cfg(test)]
mod cookie_fn;
#[cfg(test)]
mod credential;
#[cfg(test)]
mod first_of;
#[cfg(test)]
mod forge;
#[cfg(test)]
mod header;
#[cfg(test)]
#[cfg(feature = "issuers")]
mod introspection;
#[cfg(test)]
mod issuer;
#[cfg(test)]
mod issuers;
#[cfg(test)]
mod key_ring;
#[cfg(test)]
mod key_set;
#[cfg(test)]
mod lease;
#[cfg(test)]
mod loader;
#[cfg(test)]
mod log;
#[cfg(test)]
mod memory;
#[cfg(test)]
mod own;
#[cfg(test)]
mod providers;
#[cfg(test)]
#[cfg(feature = "issuers")]
mod remote;
#[cfg(test)]
mod secrecy;
#[cfg(test)]
mod session_credential;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod sessions_of_user;
#[cfg(test)]
mod shape;
#[cfg(test)]
mod signature;
#[cfg(test)]
mod tickets;
#[cfg(test)]
mod world;
