//! Finds explicit credentials: those that the client's program puts into `auth`.
//!
//! Start reading at [`Explicit::find`].

use doorward_core::{AuthPayload, Part, Problem, RefusalReason};
use serde_json::Value;

use crate::credential::{denied::Denied, shown::Shown};

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
    pub(crate) fn find(self, auth: &AuthPayload) -> Result<&str, Denied> {
        match (count_explicit(auth), auth.get(self.member())) {
            (0 | 1, None) => Err(self.denied(RefusalReason::CredentialMissing, Problem::Missing)),
            (1, Some(Value::String(text))) => Ok(text),
            (1, Some(_)) => Err(self.denied(self.malformed(), Problem::WrongType)),
            _ => Err(AMBIGUOUS),
        }
    }

    /// Returns whether `auth` contains the credential.
    pub(crate) fn shown(self, auth: &AuthPayload) -> Shown {
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
pub(crate) fn count_explicit(auth: &AuthPayload) -> usize {
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
