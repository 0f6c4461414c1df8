//! Says where credentials stand in a handshake, and which of them an authenticator looks at.
//!
//! There are explicit ones, which the client's program has put into `auth`, and an ambient one, the
//! cookie, which the browser adds by itself. Which one counts is decided in `first_of`.
//! Start reading at [`ShowsCredential`].

use std::future::Future;

use doorward_core::{
    Auth, AuthenticateError, Authenticator, Handshake, Part, Problem, RefusalReason, UserId,
};
use serde_json::Value;

use crate::denied::Denied;

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

/// A credential that the client's program puts into `auth`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Explicit {
    /// The access token.
    Token,
    /// The session token, of clients that are no browser.
    SessionToken,
}

impl Explicit {
    /// Finds its text; it must be the only one that is shown.
    pub(crate) fn find(self, auth: &Auth) -> Result<&str, Denied> {
        match (count_explicit(auth), auth.get(self.member())) {
            (0 | 1, None) => Err(self.denied(RefusalReason::CredentialMissing, Problem::Missing)),
            (1, Some(Value::String(text))) => Ok(text),
            (1, Some(_)) => Err(self.denied(self.malformed(), Problem::WrongType)),
            _ => Err(AMBIGUOUS),
        }
    }

    /// Whether it is shown.
    pub(crate) fn shown(self, auth: &Auth) -> Shown {
        auth.get(self.member()).map_or(Shown::Absent, |_| Shown::Explicit)
    }

    /// Refuses it as a whole.
    pub(crate) const fn denied(self, reason: RefusalReason, problem: Problem) -> Denied {
        Denied::new(reason, Part::Member, self.path(), problem)
    }

    /// The reason for one that cannot be read.
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

    /// The name in audit records.
    const fn path(self) -> &'static str {
        match self {
            Self::Token => "auth.token",
            Self::SessionToken => "auth.sessionToken",
        }
    }
}

/// How many explicit credentials are shown.
pub(crate) fn count_explicit(auth: &Auth) -> usize {
    let all = [Explicit::Token, Explicit::SessionToken];
    all.into_iter().filter(|one| one.shown(auth) == Shown::Explicit).count()
}

/// No credential is shown, neither an explicit one nor, where one counts, a cookie.
pub(crate) const MISSING: Denied =
    Denied::new(RefusalReason::CredentialMissing, Part::Member, EITHER, Problem::Missing);

/// Two could name two users, and it cannot be told for whom the client meant to act.
pub(crate) const AMBIGUOUS: Denied =
    Denied::new(RefusalReason::CredentialAmbiguous, Part::Member, EITHER, Problem::Ambiguous);

/// What stands in audit records where any explicit credential is meant.
const EITHER: &str = "auth.token|auth.sessionToken";
