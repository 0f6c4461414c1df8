//! Says what is missing when a program forgets the authenticator.

use crate::server::{
    builder::Builder,
    stage::{BehindAuthenticator, NoAuthenticator},
};

/// Methods whose calls never compile. Without them the error would report a missing method; with
/// them it says that the authenticator is missing.
impl Builder<NoAuthenticator> {
    /// Never compiles: the error asks for an authenticator.
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
