//! Why a credential is not good: the reason, and the part of it that was at fault.
//!
//! What a client reads is decided here too: the same for every reason but two, that its token is over its time and
//! that it is too long to be looked at.

use doorward_core::{Fault, Part, Problem, Refusal, RefusalReason};

/// A credential that is not good.
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

    /// A claim that breaks the policy.
    pub(crate) const fn claim(name: &'static str, problem: Problem) -> Self {
        Self::new(RefusalReason::TokenClaims, Part::Claim, name, problem)
    }

    /// A parameter of the header of a token that breaks the policy.
    pub(crate) const fn token_header(name: &'static str, problem: Problem) -> Self {
        Self::new(RefusalReason::TokenHeader, Part::TokenHeader, name, problem)
    }

    /// A segment of a token that cannot be read.
    pub(crate) const fn segment(name: &'static str) -> Self {
        Self::new(RefusalReason::TokenMalformed, Part::Segment, name, Problem::Malformed)
    }

    /// Gives another reason to the same fault.
    pub(crate) const fn because(self, reason: RefusalReason) -> Self {
        Self { reason, ..self }
    }
}

impl From<Denied> for Refusal {
    fn from(Denied { reason, fault }: Denied) -> Self {
        let refusal = match (reason, fault.part(), fault.problem()) {
            (RefusalReason::TokenExpired, ..) => Self::token_expired(),
            // Signing in once more would bring another one that is too long.
            (reason, Part::Member, Problem::TooLong) => Self::bad_handshake().because(reason),
            (reason, ..) => Self::unauthenticated(reason),
        };
        refusal.about(fault)
    }
}
