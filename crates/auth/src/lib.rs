//! Decides who a client is.
//!
//! An [`Authenticator`] turns what a client showed into a [`Grant`]: [`Jwt`] does so for access
//! tokens, [`Jwt::load`] adds the application's own user, [`authenticate_fn`] takes anything that
//! can be written as a closure. [`Issuer`] writes tokens that [`Jwt`] accepts.
//! No socket, no store and no network is known here: a key is given, never fetched.
//! Start reading at [`Jwt`].
//!
//! # Examples
//! A token of an application that shares a secret with this server, and the user it speaks for:
//! ```
//! use doorward_auth::{Authenticator, Claims, Jwt, KeyError};
//!
//! struct User {
//!     name: String,
//! }
//!
//! fn authenticator(secret: &[u8]) -> Result<impl Authenticator<Principal = User>, KeyError> {
//!     Ok(Jwt::hs256(secret)?.load(|claims: Claims| async move {
//!         Ok(Some(User { name: claims.subject().to_owned() }))
//!     }))
//! }
//! # authenticator(b"4fzGDmbc1gPDeSsCcEOgxE8uSNmuXZcT")?;
//! # Ok::<_, KeyError>(())
//! ```

mod authenticate_fn;
mod claims;
mod identifier;
mod issuer;
mod jwt;
mod key;
mod loader;
mod memory;
mod pem;
mod signing_key;

pub use doorward_core::{
    AuthenticateError, Authenticator, BoxError, Grant, Handshake, Refusal, RefusalReason,
};

pub use authenticate_fn::{AuthenticateFn, authenticate_fn};
pub use claims::Claims;
pub use issuer::{IssueError, Issuer};
pub use jwt::{Jwt, UnboundJwt};
pub use key::KeyError;
pub use loader::{Loaded, UserLoader};
pub use memory::MemoryStore;
pub use signing_key::SigningKey;
