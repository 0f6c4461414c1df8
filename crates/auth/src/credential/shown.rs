//! Reports which credential a handshake contains.
//!
//! Start reading at [`ShowsCredential`].

use std::future::Future;

use doorward_core::{AuthenticateError, Authenticator, Handshake, RefusalReason, UserId};

/// Presence and origin of a credential in a handshake.
///
/// # Examples
/// ```
/// assert_ne!(doorward_auth::Shown::Ambient, doorward_auth::Shown::Explicit);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// The handshake has no such credential.
    Absent,
    /// The browser added it, regardless of the page.
    Ambient,
    /// The client's program chose it.
    Explicit,
}

/// Authenticator that reports which credential it reads, so that [`FirstOf`](crate::FirstOf) can
/// choose among several.
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
    /// Returns whether the handshake contains this kind of credential, valid or not.
    fn shown(&self, handshake: &Handshake) -> Shown;

    /// Returns the owner of the credential; `None` if it is not valid. Called for an ambient
    /// credential that accompanies an explicit one, which takes precedence.
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
                // An invalid credential names no user. An ambiguous one could name another user, so
                // it is an error.
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
