//! Error of an authenticator that cannot be used for routes.

/// Error of [`Doorward::authentication`](crate::Doorward::authentication).
///
/// # Examples
/// ```
/// use doorward::{prelude::*, routes::AuthenticationError};
///
/// let doorward = Doorward::builder().public(Gateway::at("/")).build()?;
/// let error = doorward.authentication::<Claims>().unwrap_err();
/// assert_eq!(error, AuthenticationError::NoAuthenticator);
/// # Ok::<_, doorward::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthenticationError {
    /// The server has only public namespaces.
    #[error("the server has no authenticator: add `.authenticate(..)` before its gateways")]
    NoAuthenticator,
    /// The principal of the server is of another type.
    #[error("the clients of the server are of another type: they are `{principal}`")]
    Principal {
        /// Name of the principal type of the server.
        principal: Box<str>,
    },
}

doorward_core::debug_as_sentence!(AuthenticationError);
