//! Faults: which part of a client's input was wrong, and how.
//!
//! An audit record that says only "a claim is invalid" does not help the operator. A [`Fault`]
//! names the claim, header or member and its problem. It never contains text of the client: name
//! and problem are constants of the program. Start reading at [`Fault`].

use std::fmt;

use crate::reason::reasons;

/// The part of a client's input that was at fault, and its problem.
///
/// A [`Refusal`](crate::Refusal) carries it to the audit record
/// ([`Refusal::about`](crate::Refusal::about)); the client never reads it.
///
/// # Examples
/// ```
/// use doorward_core::{Fault, Part, Problem, Refusal, RefusalReason};
///
/// let fault = Fault::new(Part::Claim, "exp", Problem::Missing);
/// let refusal = Refusal::unauthenticated(RefusalReason::TokenClaims).about(fault);
/// assert_eq!(refusal.fault().map(|fault| fault.to_string()), Some("claim exp: missing".to_owned()));
/// ```
///
/// # Security
/// A fault holds no text of a client: names are literals, such as that of a claim that the operator
/// has configured. Never turn a client's text into a name with [`String::leak`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fault {
    part: Part,
    name: &'static str,
    problem: Problem,
}

impl Fault {
    /// Creates a fault.
    #[must_use]
    pub const fn new(part: Part, name: &'static str, problem: Problem) -> Self {
        Self { part, name, problem }
    }

    /// Returns the kind of the part.
    #[must_use]
    pub const fn part(self) -> Part {
        self.part
    }

    /// Returns the name of the part, such as `exp`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.name
    }

    /// Returns the problem of the part.
    #[must_use]
    pub const fn problem(self) -> Problem {
        self.problem
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { part, name, problem } = self;
        write!(f, "{part} {name}: {problem}")
    }
}

reasons! {
    /// Kind of the part that was at fault. An audit record has a field of this name.
    ///
    /// # Examples
    /// ```
    /// assert_eq!(doorward_core::Part::Claim.as_str(), "claim");
    /// ```
    Part {
        /// A claim of a token.
        Claim = "claim",
        /// A flag of an authenticator's answer.
        Flag = "flag",
        /// A header of the HTTP request.
        Header = "header",
        /// A member of a JSON object, with the names of the objects around it: `auth.token`.
        Member = "member",
        /// One of the three segments of a token: `header`, `claims` or `signature`.
        Segment = "segment",
        /// A parameter of the header of a token, such as `alg`.
        TokenHeader = "token_header",
    }
}

reasons! {
    /// Problem of a part.
    ///
    /// # Examples
    /// ```
    /// assert_eq!(doorward_core::Problem::Missing.as_str(), "missing");
    /// ```
    Problem {
        /// It occurs more than once, and the occurrences could mean different things.
        Ambiguous = "ambiguous",
        /// It differs from the stored value and must never change.
        Changed = "changed",
        /// It is empty.
        Empty = "empty",
        /// It is a time that has not yet been reached.
        InTheFuture = "in_the_future",
        /// It is a time that has passed.
        InThePast = "in_the_past",
        /// It cannot be parsed.
        Malformed = "malformed",
        /// It differs from the value asked for.
        Mismatch = "mismatch",
        /// It is absent.
        Missing = "missing",
        /// It must not be present, or not with this value.
        NotAllowed = "not_allowed",
        /// It is a number outside its range.
        OutOfRange = "out_of_range",
        /// It has a prefix that does not belong to it, such as the scheme `Bearer` before a token.
        Prefixed = "prefixed",
        /// It is too long, or lasts too long.
        TooLong = "too_long",
        /// It is not a known value.
        Unknown = "unknown",
        /// It has the wrong type.
        WrongType = "wrong_type",
    }
}
