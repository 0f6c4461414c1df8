//! Lets authenticators report which credential a handshake contains.
//!
//! Start reading at [`ShowsCredential`].

use std::future::Future;

use doorward_core::{AuthenticateError, Authenticator, Handshake, RefusalReason, UserId};

/// Presence of a credential in a handshake, and the party that added it.
///
/// # Examples
/// ```
/// assert_ne!(doorward_auth::Shown::Ambient, doorward_auth::Shown::Explicit);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// The handshake has no such credential.
    Absent,
    /// The browser added the credential automatically.
    Ambient,
    /// The client's program chose to send the credential.
    Explicit,
}

/// Authenticator that reports if a handshake contains its kind of credential.
/// [`FirstOf`](crate::FirstOf) uses the report to choose one of several authenticators.
///
/// # Examples
/// ```
/// use doorward_auth::{
///     AuthenticateError, Authenticator, Grant, Handshake, Refusal, RefusalReason, Shown,
///     ShowsCredential,
/// };
///
/// /// Reads `auth.apiKey`.
/// struct ApiKey;
///
/// impl Authenticator for ApiKey {
///     type Principal = String;
///
///     async fn authenticate(&self, handshake: Handshake) -> Result<Grant<String>, AuthenticateError> {
///         // ..
/// #       Err(Refusal::unauthenticated(RefusalReason::CredentialMissing).into())
///     }
/// }
///
/// impl ShowsCredential for ApiKey {
///     fn shown(&self, handshake: &Handshake) -> Shown {
///         handshake.auth.get("apiKey").map_or(Shown::Absent, |_| Shown::Explicit)
///     }
/// }
/// ```
pub trait ShowsCredential: Authenticator {
    /// Returns [`Shown::Absent`] if the handshake does not contain this kind of credential.
    /// Otherwise returns [`Shown::Ambient`] if the browser added the credential, and
    /// [`Shown::Explicit`] if the client's program sent it. An invalid credential counts as
    /// present.
    fn shown(&self, handshake: &Handshake) -> Shown;

    /// Returns the user of the credential. Returns `None` if the credential is not valid.
    ///
    /// [`FirstOf`](crate::FirstOf) calls this method for the ambient credential if the handshake
    /// also has an explicit credential. The default implementation calls
    /// [`authenticate`](Authenticator::authenticate).
    ///
    /// # Errors
    /// - [`AuthenticateError::Refused`]: the credential occurs several times.
    /// - [`AuthenticateError::Unavailable`]: a dependency did not answer.
    fn owner(
        &self,
        handshake: &Handshake,
    ) -> impl Future<Output = Result<Option<UserId>, AuthenticateError>> + Send {
        let handshake = handshake.clone();
        async move {
            match self.authenticate(handshake).await {
                Ok(grant) => Ok(Some(grant.user)),
                // An invalid credential names no user. An ambiguous credential could name another
                // user, so it is an error.
                Err(AuthenticateError::Refused(refusal))
                    if refusal.reason() != RefusalReason::CredentialAmbiguous =>
                {
                    Ok(None)
                }
                Err(error) => Err(error),
            }
        }
    }
}
