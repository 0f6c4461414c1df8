//! Reasons for refusing a credential, and the answers to the client.
//!
//! The client receives the same answer for every reason. The exceptions are an expired token, and a
//! token that is too large to be checked.

use doorward_core::{Fault, Part, Problem, Refusal, RefusalReason};

/// Refusal of a credential, with the reason and the part of the credential that is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Denied {
    pub(crate) reason: RefusalReason,
    pub(crate) fault: Fault,
}

impl Denied {
    pub(crate) const fn new(
        reason: RefusalReason,
        part: Part,
        name: &'static str,
        problem: Problem,
    ) -> Self {
        Self { reason, fault: Fault::new(part, name, problem) }
    }

    /// Creates the refusal of a token whose claim `name` breaks a rule.
    pub(crate) const fn claim(name: &'static str, problem: Problem) -> Self {
        Self::new(RefusalReason::TokenClaims, Part::Claim, name, problem)
    }

    /// Creates the refusal of a token whose header parameter `name` breaks a rule.
    pub(crate) const fn token_header(name: &'static str, problem: Problem) -> Self {
        Self::new(RefusalReason::TokenHeader, Part::TokenHeader, name, problem)
    }

    /// Creates the refusal of a token whose segment `name` cannot be decoded.
    pub(crate) const fn segment(name: &'static str) -> Self {
        Self::new(RefusalReason::TokenMalformed, Part::Segment, name, Problem::Malformed)
    }

    /// Replaces the reason and keeps the fault.
    pub(crate) const fn because(self, reason: RefusalReason) -> Self {
        Self { reason, ..self }
    }
}

impl From<Denied> for Refusal {
    fn from(Denied { reason, fault }: Denied) -> Self {
        let refusal = match (reason, fault.part(), fault.problem()) {
            // This answer tells the client to refresh its token.
            (RefusalReason::TokenExpired, ..) => Self::token_expired(),
            // The answer does not ask the user to sign in again, because the next token would be as
            // large.
            (reason, Part::Member, Problem::TooLong) => Self::bad_handshake().because(reason),
            (reason, ..) => Self::unauthenticated(reason),
        };
        refusal.about(fault)
    }
}
