//! Says what is missing when a program forgets the authenticator.

use crate::server::{
    builder::Builder,
    stage::{BehindAuthenticator, NoAuthenticator},
};

/// Methods that do not compile, in place of methods that are not found: the error says what is missing.
impl Builder<NoAuthenticator> {
    /// Never compiles: the compiler asks for an authenticator, and not for a missing method.
    #[doc(hidden)]
    pub fn gateway<G: BehindAuthenticator>(self, _: G) -> Self {
        self
    }

    /// As [`Builder::gateway`].
    #[doc(hidden)]
    pub fn guard<G: BehindAuthenticator>(self, _: G) -> Self {
        self
    }

    /// As [`Builder::gateway`].
    #[doc(hidden)]
    pub fn intercept<G: BehindAuthenticator>(self, _: G) -> Self {
        self
    }

    /// As [`Builder::gateway`].
    #[doc(hidden)]
    pub fn filter<G: BehindAuthenticator>(self, _: G) -> Self {
        self
    }
}
