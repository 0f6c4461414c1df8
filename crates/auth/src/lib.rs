//! Authenticates clients by access tokens, by sessions, or by the application's own code.
//!
//! An [`Authenticator`] returns a [`Grant`] for the credential of a handshake. [`Jwt`] verifies
//! access tokens, [`SessionCookie`] and [`SessionCredential`] look up sessions, and
//! [`authenticate_fn()`] wraps a closure. [`FirstOf`] chooses one of several credentials. The
//! `load` methods, such as [`Jwt::load`], look up the application's own user.
//!
//! [`Sessions`] creates and ends sessions. [`Tickets`] carries a session from a socket into a
//! cookie. [`Issuer`] issues the tokens that [`Jwt::key_ring`] accepts. The caller passes keys as
//! arguments, and passes stores as objects that implement the traits of `doorward-core`. Start
//! reading at [`Jwt`], or at [`Sessions`].
//!
//! Only the feature `issuers` uses the network. It adds `Jwt::issuer`, which reads the keys of an
//! identity provider, and `Introspection`, which asks an authorization server about opaque tokens.
//! [`Issuers`] chooses among several issuers.
//!
//! # Examples
//! The first example accepts the tokens of an application that shares a secret with this server,
//! and loads the user:
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
//! The second example accepts cookies from browsers, session tokens from other programs, and access
//! tokens that become invalid when their session ends:
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
//!     let tokens = Jwt::key_ring(keys, "https://chat.example.org", "chat");
//!
//!     Ok(FirstOf::new(tokens.sessions(Arc::clone(&sessions)).load(Arc::clone(&users)))
//!         .or(SessionCredential::new(Arc::clone(&sessions)).load(Arc::clone(&users)))
//!         .or(SessionCookie::new(sessions, origins).load(users)))
//! }
//! ```

// Folders, from low to high. A folder imports only lower folders. `credential` finds credentials in
// a handshake, `key` has all keys and signatures, and `memory` is a store. `session` and `jwt`
// verify sessions and access tokens, and `cookie` finds a session by the cookie of a browser.
// `remote` reads the keys of issuers, `introspection` asks about opaque tokens, and `issuers` chooses
// the issuer of a token. `load` adds the application's own user to all authenticators.
mod authenticate_fn;
mod cookie;
mod credential;
mod identifier;
#[cfg(feature = "issuers")]
mod introspection;
mod issuers;
mod jwt;
mod key;
mod load;
mod memory;
#[cfg(feature = "issuers")]
mod remote;
mod session;

pub use doorward_core::{
    AuthenticateError, Authenticator, BoxError, Grant, Handshake, Refusal, RefusalReason,
    RequestKind,
};

pub use authenticate_fn::{
    AuthenticateFn, authenticate_fn,
    with_state::{AuthenticateWith, authenticate_with},
};
pub use cookie::{
    cookie_fn::{CookieFn, cookie_fn},
    find::{FoundCookie, find_cookie},
    origins::{Origins, app::AppOrigin, error::OriginError},
    session_cookie::{CookieNameError, SessionCookie},
};
pub use credential::{
    first_of::FirstOf,
    shown::{Shown, ShowsCredential},
};
pub use issuers::{error::IssuersError, set::Issuers};
pub use jwt::{
    authenticator::{Jwt, unbound::UnboundJwt},
    claims::Claims,
    issuer::{IssueError, Issuer},
    preset::Preset,
};
pub use key::{
    error::KeyError,
    ring::{KeyRing, error::KeyRingError},
    rsa_algorithm::RsaAlgorithm,
    set::{
        KeySet,
        problem::{KeySetError, KeySetProblem, PassedOver},
    },
    signing::SigningKey,
};
pub use load::{
    by_id::{HasUserId, UserById, user_by_id},
    loaded::Loaded,
    loader::UserLoader,
};
pub use memory::MemoryStore;
pub use session::{
    authenticator::SessionCredential,
    sessions::{
        Sessions,
        create::{CreateSessionError, NewSession},
        error::VerifySessionError,
    },
    signed_in::SignedIn,
    tickets::{RedeemError, Tickets},
};
#[cfg(feature = "issuers")]
pub use {
    introspection::{authenticator::Introspection, endpoint::IntrospectionEndpoint},
    jwt::remote_issuer::RemoteIssuer,
    remote::error::{IssuerError, UrlProblem},
};
