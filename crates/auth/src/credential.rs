//! Says where credentials stand in a handshake, and which of them an authenticator looks at.
//!
//! There are explicit ones, which the client's program has put into `auth`, and an ambient one, the
//! cookie, which the browser adds by itself. Which one counts is decided in `first_of`.
//! Start reading at [`ShowsCredential`].

use std::future::Future;

use doorward_core::{Auth, AuthenticateError, Authenticator, Handshake, RefusalReason, UserId};
use serde_json::Value;

/// Whether a handshake shows a credential, and who has put it there.
///
/// # Examples
/// ```
/// assert_ne!(doorward_auth::Shown::Ambient, doorward_auth::Shown::Explicit);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// It does not.
    Absent,
    /// The browser added it, for whatever page.
    Ambient,
    /// The client's program chose it.
    Explicit,
}

/// An authenticator that says which credential it looks at, so that
/// [`FirstOf`](crate::FirstOf) can choose among several.
///
/// # Examples
/// ```
/// use doorward_auth::{
///     AuthenticateError, Authenticator, Grant, Handshake, Refusal, RefusalReason, Shown,
///     ShowsCredential,
/// };
///
/// /// Looks at `auth.apiKey`.
/// struct ApiKey;
///
/// impl Authenticator for ApiKey {
///     type Principal = String;
///
///     async fn authenticate(&self, handshake: Handshake) -> Result<Grant<String>, AuthenticateError> {
///         // ..
/// #       drop(handshake);
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
    /// Whether the handshake shows this kind of credential, good or bad.
    fn shown(&self, handshake: &Handshake) -> Shown;

    /// Whose credential it is; `None` when it is nobody's. It is asked of an ambient one that stands
    /// beside an explicit one, which counts.
    ///
    /// # Errors
    /// - [`AuthenticateError::Refused`]: it is more than one.
    /// - [`AuthenticateError::Unavailable`]: a dependency did not answer.
    fn owner(
        &self,
        handshake: &Handshake,
    ) -> impl Future<Output = Result<Option<UserId>, AuthenticateError>> + Send {
        let handshake = handshake.clone();
        async move {
            match self.authenticate(handshake).await {
                Ok(grant) => Ok(Some(grant.user)),
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

/// Finds the text of an explicit credential; it must be the only one.
pub(crate) fn explicit<'a>(
    auth: &'a Auth,
    name: &str,
    malformed: RefusalReason,
) -> Result<&'a str, RefusalReason> {
    match (count_explicit(auth), auth.get(name)) {
        (0 | 1, None) => Err(RefusalReason::CredentialMissing),
        (1, Some(Value::String(text))) => Ok(text),
        (1, Some(_)) => Err(malformed),
        // Two could name two users, and nobody could tell for whom the client meant to act.
        _ => Err(RefusalReason::CredentialAmbiguous),
    }
}

/// Whether an explicit credential of this name is shown.
pub(crate) fn shows_explicit(auth: &Auth, name: &str) -> Shown {
    auth.get(name).map_or(Shown::Absent, |_| Shown::Explicit)
}

/// How many explicit credentials are shown.
pub(crate) fn count_explicit(auth: &Auth) -> usize {
    [TOKEN, SESSION_TOKEN].into_iter().filter(|name| auth.get(name).is_some()).count()
}

/// The access token in `auth`.
pub(crate) const TOKEN: &str = "token";

/// The session token in `auth`, of clients that are no browser.
pub(crate) const SESSION_TOKEN: &str = "sessionToken";
