//! Finds explicit credentials, which the client's program puts into `auth`.
//!
//! Start reading at [`Explicit::find`].

use doorward_core::{AuthPayload, Part, Problem, RefusalReason};
use serde_json::Value;

use crate::credential::{denied::Denied, shown::Shown};

/// Explicit credential, which the client's program puts into `auth`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Explicit {
    /// Access token in `auth.token`.
    Token,
    /// Session token in `auth.sessionToken`, of a client that is not a browser.
    SessionToken,
}

impl Explicit {
    /// Returns the text of the credential. Fails if the credential is absent or not a string, or if
    /// `auth` contains another explicit credential.
    pub(crate) fn find(self, auth: &AuthPayload) -> Result<&str, Denied> {
        match (count_explicit(auth), auth.get(self.member())) {
            (0 | 1, None) => Err(self.denied(RefusalReason::CredentialMissing, Problem::Missing)),
            (1, Some(Value::String(text))) => Ok(text),
            (1, Some(_)) => Err(self.denied(self.malformed(), Problem::WrongType)),
            _ => Err(AMBIGUOUS),
        }
    }

    /// Returns [`Shown::Explicit`] if `auth` contains the credential, and [`Shown::Absent`]
    /// otherwise.
    pub(crate) fn shown(self, auth: &AuthPayload) -> Shown {
        auth.get(self.member()).map_or(Shown::Absent, |_| Shown::Explicit)
    }

    /// Creates a refusal that names the whole credential as the part at fault.
    pub(crate) const fn denied(self, reason: RefusalReason, problem: Problem) -> Denied {
        Denied::new(reason, Part::Member, self.path(), problem)
    }

    /// Returns the reason for refusing a credential that is malformed.
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

    /// Returns the name of the credential in audit records, such as `auth.token`.
    const fn path(self) -> &'static str {
        match self {
            Self::Token => "auth.token",
            Self::SessionToken => "auth.sessionToken",
        }
    }
}

/// Returns the number of explicit credentials in `auth`.
pub(crate) fn count_explicit(auth: &AuthPayload) -> usize {
    let all = [Explicit::Token, Explicit::SessionToken];
    all.into_iter().filter(|one| one.shown(auth) == Shown::Explicit).count()
}

/// Refusal of a handshake without a credential that the authenticator reads.
pub(crate) const MISSING: Denied =
    Denied::new(RefusalReason::CredentialMissing, Part::Member, EITHER, Problem::Missing);

/// Refusal of a handshake with several credentials. They could name different users.
pub(crate) const AMBIGUOUS: Denied =
    Denied::new(RefusalReason::CredentialAmbiguous, Part::Member, EITHER, Problem::Ambiguous);

/// Name of the faulty member in audit records, for the refusals [`MISSING`] and [`AMBIGUOUS`]. They
/// concern no particular credential.
const EITHER: &str = "auth.token|auth.sessionToken";
