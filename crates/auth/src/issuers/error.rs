//! Errors of a set of issuers.

/// Error for issuers that cannot be trusted together.
///
/// # Examples
/// ```
/// use doorward_auth::{Issuers, IssuersError, Jwt};
///
/// let jwt = Jwt::hs256("4fzGDmbc1gPDeSsCcEOgxE8uSNmuXZcT")?;
/// let error = Issuers::new([("corp:eu", jwt)]).unwrap_err();
/// assert_eq!(error, IssuersError::Name("corp:eu".into()));
/// # Ok::<_, doorward_auth::KeyError>(())
/// ```
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IssuersError {
    /// The name is not 1-32 lower-case letters, digits and hyphens.
    #[error("{0:?} is not the name of an issuer: write 1-32 of the characters a-z, 0-9 and -")]
    Name(Box<str>),
    /// Two issuers have the same name.
    #[error("two issuers are named {0:?}")]
    NameTaken(Box<str>),
    /// Two authenticators accept tokens with the same `iss`. Their names are given.
    #[error(
        "{0:?} and {1:?} have the same issuer: name all audiences of an issuer with one authenticator"
    )]
    SameIssuer(Box<str>, Box<str>),
    /// Two authenticators accept tokens with any `iss`. Their names are given.
    #[error("{0:?} and {1:?} accept any issuer: name the issuer of one of them (`Jwt::issued_by`)")]
    AnyIssuer(Box<str>, Box<str>),
}

doorward_core::debug_as_sentence!(IssuersError);
