//! Makes the compiler report a missing authenticator.

use crate::server::{
    builder::Builder,
    stage::{BehindAuthenticator, NoAuthenticator},
};

/// Methods whose calls never compile. Without these methods, the compiler would report a missing
/// method. With these methods, the compiler reports that the authenticator is missing.
impl Builder<NoAuthenticator> {
    /// Never compiles. The error of the compiler asks for an authenticator.
    #[doc(hidden)]
    pub fn gateway<G: BehindAuthenticator>(self, _: G) -> Self {
        self
    }

    /// Same as [`Builder::gateway`].
    #[doc(hidden)]
    pub fn guard<G: BehindAuthenticator>(self, _: G) -> Self {
        self
    }

    /// Same as [`Builder::gateway`].
    #[doc(hidden)]
    pub fn intercept<G: BehindAuthenticator>(self, _: G) -> Self {
        self
    }

    /// Same as [`Builder::gateway`].
    #[doc(hidden)]
    pub fn filter<G: BehindAuthenticator>(self, _: G) -> Self {
        self
    }
}
