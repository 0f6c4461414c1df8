//! Defines where a handshake contains credentials, and which of them an authenticator reads.
//!
//! Explicit credentials are put into `auth` by the client's program. The cookie is ambient: the
//! browser adds it on its own. `first_of` chooses between them.
//! Start reading at [`ShowsCredential`].

use std::future::Future;

use doorward_core::{
    Auth, AuthenticateError, Authenticator, Handshake, Part, Problem, RefusalReason, UserId,
};
use serde_json::Value;

use crate::denied::Denied;

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

/// Explicit credential, which the client's program puts into `auth`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Explicit {
    /// Access token.
    Token,
    /// Session token, of clients other than browsers.
    SessionToken,
}

impl Explicit {
    /// Returns the text of the credential, which must be the only explicit one.
    pub(crate) fn find(self, auth: &Auth) -> Result<&str, Denied> {
        match (count_explicit(auth), auth.get(self.member())) {
            (0 | 1, None) => Err(self.denied(RefusalReason::CredentialMissing, Problem::Missing)),
            (1, Some(Value::String(text))) => Ok(text),
            (1, Some(_)) => Err(self.denied(self.malformed(), Problem::WrongType)),
            _ => Err(AMBIGUOUS),
        }
    }

    /// Returns whether `auth` contains the credential.
    pub(crate) fn shown(self, auth: &Auth) -> Shown {
        auth.get(self.member()).map_or(Shown::Absent, |_| Shown::Explicit)
    }

    /// Refuses the credential as a whole.
    pub(crate) const fn denied(self, reason: RefusalReason, problem: Problem) -> Denied {
        Denied::new(reason, Part::Member, self.path(), problem)
    }

    /// Returns the reason for a malformed credential.
    pub(crate) const fn malformed(self) -> RefusalReason {
        match self {
            Self::Token => RefusalReason::TokenMalformed,
            Self::SessionToken => RefusalReason::SessionUnknown,
        }
    }

    const fn member(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::SessionToken => "sessionToken",
        }
    }

    /// Returns the name in audit records.
    const fn path(self) -> &'static str {
        match self {
            Self::Token => "auth.token",
            Self::SessionToken => "auth.sessionToken",
        }
    }
}

/// Counts the explicit credentials.
pub(crate) fn count_explicit(auth: &Auth) -> usize {
    let all = [Explicit::Token, Explicit::SessionToken];
    all.into_iter().filter(|one| one.shown(auth) == Shown::Explicit).count()
}

/// No credential was sent, neither an explicit one nor a cookie.
pub(crate) const MISSING: Denied =
    Denied::new(RefusalReason::CredentialMissing, Part::Member, EITHER, Problem::Missing);

/// Several credentials were sent. They could name different users, so the client's intention is
/// unknown.
pub(crate) const AMBIGUOUS: Denied =
    Denied::new(RefusalReason::CredentialAmbiguous, Part::Member, EITHER, Problem::Ambiguous);

/// Name in audit records for any explicit credential.
const EITHER: &str = "auth.token|auth.sessionToken";
