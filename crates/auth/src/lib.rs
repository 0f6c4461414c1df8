//! Decides who a client is.
//!
//! An [`Authenticator`] turns what a client showed into a [`Grant`]. [`Jwt`] does so for access tokens,
//! [`SessionCookie`] and [`SessionCredential`] for sessions, [`authenticate_fn()`] for anything that can
//! be written as a closure; [`FirstOf`] chooses among several, and `load` adds the application's own
//! user. Behind them stand [`Sessions`], which makes and ends sessions, [`Tickets`], which carries one
//! from a socket into a cookie, and [`Issuer`], which writes the tokens that [`Jwt::own`] accepts.
//! No socket and no network is known here: a key is given, never fetched, and a store is a trait.
//! Start reading at [`Jwt`], or at [`Sessions`].
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
//! A server of its own: browsers come with a cookie, programs with the token of their session, and
//! both with an access token that ends with it:
//! ```
//! use std::sync::Arc;
//! use doorward_auth::{
//!     Authenticator, FirstOf, Jwt, KeyRing, OriginError, Origins, SessionCookie,
//!     SessionCredential, Sessions, user_by_id,
//! };
//!
//! fn authenticator(
//!     sessions: Arc<Sessions>,
//!     keys: Arc<KeyRing>,
//! ) -> Result<impl Authenticator<Principal = String>, OriginError> {
//!     let origins = Arc::new(Origins::new("https://chat.example.org")?);
//!     let users = Arc::new(user_by_id(|id| async move { Ok(Some(id.as_str().to_owned())) }));
//!     let tokens = Jwt::own(keys, "https://chat.example.org", "chat");
//!
//!     Ok(FirstOf::new(tokens.sessions(Arc::clone(&sessions)).load(Arc::clone(&users)))
//!         .or(SessionCredential::new(Arc::clone(&sessions)).load(Arc::clone(&users)))
//!         .or(SessionCookie::new(sessions, origins).load(users)))
//! }
//! # drop(authenticator);
//! ```

mod authenticate_fn;
mod claims;
mod cookie;
mod credential;
mod denied;
mod first_of;
mod identifier;
mod issuer;
mod jwt;
mod key;
mod key_ring;
mod key_set;
mod loader;
mod memory;
mod origins;
mod pem;
mod public_key;
mod session_cookie;
mod session_credential;
mod sessions;
mod signed_in;
mod signing_key;
mod tickets;

pub use doorward_core::{
    AuthenticateError, Authenticator, BoxError, Grant, Handshake, Refusal, RefusalReason,
};

pub use authenticate_fn::{AuthenticateFn, authenticate_fn};
pub use claims::Claims;
pub use cookie::{FoundCookie, find_cookie};
pub use credential::{Shown, ShowsCredential};
pub use first_of::FirstOf;
pub use issuer::{IssueError, Issuer};
pub use jwt::{Jwt, UnboundJwt};
pub use key::KeyError;
pub use key_ring::{KeyRing, KeyRingError};
pub use key_set::{KeySet, KeySetError, KeySetProblem, PassedOver, RsaAlgorithm};
pub use loader::{Loaded, NamesUser, UserById, UserLoader, user_by_id};
pub use memory::MemoryStore;
pub use origins::{AppOrigin, OriginError, Origins, RequestKind};
pub use session_cookie::{CookieNameError, SessionCookie};
pub use session_credential::SessionCredential;
pub use sessions::{CreateSessionError, NewSession, Sessions, VerifySessionError};
pub use signed_in::SignedIn;
pub use signing_key::SigningKey;
pub use tickets::{RedeemError, Tickets};
