//! Authenticators, and the credentials that they accept, such as tokens and cookies.
//!
//! An [`Authenticator`] turns the [`Handshake`] of a client into a [`Grant`], or refuses the
//! client. These are provided:
//!
//! - [`Jwt`] verifies tokens, and [`Issuers`] chooses among those of several issuers.
//! - [`SessionCookie`] and [`SessionCredential`] find the session of a client.
//! - [`FirstOf`] chooses among several credentials.
//! - [`authenticate_fn`] turns a closure into an authenticator.

pub use doorward_auth::{
    AppOrigin, AuthenticateFn, AuthenticateWith, Claims, CookieFn, CookieNameError, FirstOf,
    HasUserId, IssueError, Issuer, Issuers, IssuersError, Jwt, KeyError, KeyRing, KeyRingError,
    KeySet, KeySetError, KeySetProblem, Loaded, OriginError, Origins, PassedOver, Preset,
    RsaAlgorithm, SessionCookie, SessionCredential, Shown, ShowsCredential, SignedIn, SigningKey,
    UnboundJwt, UserById, UserLoader, authenticate_fn, authenticate_with, cookie_fn, user_by_id,
};
#[cfg(feature = "issuers")]
pub use doorward_auth::{
    Introspection, IntrospectionEndpoint, IssuerError, RemoteIssuer, UrlProblem,
};
pub use doorward_core::{
    Anonymous, AuthPayload, AuthPayloadError, AuthenticateError, Authenticator, Grant, Handshake,
    HandshakeRequest, Headers, Issued, RefusalCode, RefusalReason, Reload, RequestKind, Retry,
    TokenId,
};
