//! Decides who a client is.
//!
//! An [`Authenticator`] turns the credential of a handshake into a [`Grant`]. [`Jwt`] verifies
//! access tokens, [`SessionCookie`] and [`SessionCredential`] look up sessions, and
//! [`authenticate_fn()`] wraps a closure. [`FirstOf`] chooses among several credentials, and `load`
//! looks up the application's own user.
//!
//! [`Sessions`] creates and ends sessions. [`Tickets`] carries a session from a socket into a
//! cookie. [`Issuer`] writes the tokens that [`Jwt::own`] accepts. Nothing here opens a socket or
//! uses the network: keys are passed in, never fetched, and stores are traits.
//! Start reading at [`Jwt`], or at [`Sessions`].
//!
//! # Examples
//! Accepts the tokens of an application that shares a secret with this server, and loads the user:
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
//! Accepts cookies from browsers, session tokens from other programs, and access tokens that end
//! with their session:
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
mod load;
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
pub use credential::shown::{Shown, ShowsCredential};
pub use first_of::FirstOf;
pub use issuer::{IssueError, Issuer};
pub use jwt::{Jwt, UnboundJwt};
pub use key::{KeyError, rsa_algorithm::RsaAlgorithm};
pub use key_ring::{KeyRing, error::KeyRingError};
pub use key_set::{KeySet, KeySetError, KeySetProblem, PassedOver};
pub use load::{
    by_id::{NamesUser, UserById, user_by_id},
    loaded::Loaded,
    loader::UserLoader,
};
pub use memory::MemoryStore;
pub use origins::{Origins, RequestKind, app::AppOrigin, error::OriginError};
pub use session_cookie::{CookieNameError, SessionCookie};
pub use session_credential::SessionCredential;
pub use sessions::{CreateSessionError, NewSession, Sessions, VerifySessionError};
pub use signed_in::SignedIn;
pub use signing_key::SigningKey;
pub use tickets::{RedeemError, Tickets};
