//! Faults, which describe the part of a client's input that was wrong.
//!
//! An audit record that says only "a claim is invalid" does not help the operator. A [`Fault`]
//! names the claim, header or member and its problem. It never contains text of the client, because
//! name and problem are constants of the program. Start reading at [`Fault`].

use std::fmt;

use crate::reason::reasons;

/// Part of a client's input that was at fault, and its problem.
///
/// A [`Refusal`](crate::Refusal) carries the fault to the audit record
/// ([`Refusal::about`](crate::Refusal::about)). The client never reads it.
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
/// A fault contains no text of a client. Names are `&'static str`, such as the name of a claim that the
/// operator has configured. Never create a name from a client's text with [`String::leak`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fault {
    part: Part,
    name: &'static str,
    problem: Problem,
}

impl Fault {
    /// Creates a fault of the part with the name `name`, such as the claim `exp`.
    #[must_use]
    pub const fn new(part: Part, name: &'static str, problem: Problem) -> Self {
        Self { part, name, problem }
    }

    /// Returns the kind of the part that was at fault.
    #[must_use]
    pub const fn part(self) -> Part {
        self.part
    }

    /// Returns the name of the part that was at fault, such as `exp`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.name
    }

    /// Returns the problem of the part that was at fault.
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
    /// Kind of the part that was at fault. An audit record has one field for each kind, with the
    /// same name.
    ///
    /// # Examples
    /// ```
    /// assert_eq!(doorward_core::Part::Claim.as_str(), "claim");
    /// ```
    Part {
        /// A claim of a token.
        Claim = "claim",
        /// A flag in the answer of a passkey's authenticator.
        Flag = "flag",
        /// A header of the HTTP request.
        Header = "header",
        /// A member of a JSON object. Its name is its path, such as `auth.token`.
        Member = "member",
        /// One of the three segments of a token: `header`, `claims` or `signature`.
        Segment = "segment",
        /// A parameter of the header of a token, such as `alg`.
        TokenHeader = "token_header",
    }
}

reasons! {
    /// Problem of the part that was at fault.
    ///
    /// # Examples
    /// ```
    /// assert_eq!(doorward_core::Problem::Missing.as_str(), "missing");
    /// ```
    Problem {
        /// The part occurs more than once, and the occurrences could have different meanings.
        Ambiguous = "ambiguous",
        /// The part differs from its stored value, which must never change.
        Changed = "changed",
        /// The part is empty.
        Empty = "empty",
        /// The part is a time that has not yet been reached.
        InTheFuture = "in_the_future",
        /// The part is a time that has passed.
        InThePast = "in_the_past",
        /// The part cannot be parsed.
        Malformed = "malformed",
        /// The part differs from the expected value.
        Mismatch = "mismatch",
        /// The part is absent.
        Missing = "missing",
        /// The part must not be present, or must not have this value.
        NotAllowed = "not_allowed",
        /// The part is a number outside its range.
        OutOfRange = "out_of_range",
        /// The part has a prefix that does not belong to it, such as the scheme `Bearer` before a
        /// token.
        Prefixed = "prefixed",
        /// The part is too long, or lasts too long.
        TooLong = "too_long",
        /// The part has a value that the server does not know.
        Unknown = "unknown",
        /// The part has the wrong JSON type.
        WrongType = "wrong_type",
    }
}
