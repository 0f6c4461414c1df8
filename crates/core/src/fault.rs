//! What was wrong with what a client sent: which part of it, and how.
//!
//! A record that says only "a claim is not good" leaves the operator to guess. A [`Fault`] names the claim, header
//! or member and the problem. What the client wrote there cannot get in: both are constants of the program.
//! Start reading at [`Fault`].

use std::fmt;

use crate::reason::reasons;

/// The part of what a client sent that was at fault, and what was wrong with it.
///
/// A [`Refusal`](crate::Refusal) carries it to the audit record ([`Refusal::about`](crate::Refusal::about)); the
/// client never reads it.
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
/// It holds no text of a client: names are literals, such as that of a claim that the operator has configured.
/// Do not make one of a client's text with [`String::leak`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fault {
    part: Part,
    name: &'static str,
    problem: Problem,
}

impl Fault {
    /// Says that the part of this name has this problem.
    #[must_use]
    pub const fn new(part: Part, name: &'static str, problem: Problem) -> Self {
        Self { part, name, problem }
    }

    /// The kind of part.
    #[must_use]
    pub const fn part(self) -> Part {
        self.part
    }

    /// The name of the part, such as `exp`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.name
    }

    /// What was wrong with it.
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
    /// What kind of part was at fault. A record has a field of this name.
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
    /// What was wrong with a part.
    ///
    /// # Examples
    /// ```
    /// assert_eq!(doorward_core::Problem::Missing.as_str(), "missing");
    /// ```
    Problem {
        /// There is more than one, and they could mean two things.
        Ambiguous = "ambiguous",
        /// It differs from what was stored, in a way in which it never may.
        Changed = "changed",
        /// It has no content.
        Empty = "empty",
        /// It is a time that has not come.
        InTheFuture = "in_the_future",
        /// It is a time that is over.
        InThePast = "in_the_past",
        /// It cannot be read.
        Malformed = "malformed",
        /// It is another one than the one asked for.
        Mismatch = "mismatch",
        /// It is not there.
        Missing = "missing",
        /// It may not be there, or not with this value.
        NotAllowed = "not_allowed",
        /// It is a number outside its range.
        OutOfRange = "out_of_range",
        /// Something stands in front of it, such as the scheme `Bearer` before a token.
        Prefixed = "prefixed",
        /// It is too long, or lasts too long.
        TooLong = "too_long",
        /// It is none that is known.
        Unknown = "unknown",
        /// It is of another type than it must be.
        WrongType = "wrong_type",
    }
}
