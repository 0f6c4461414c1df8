//! Reasons why the service cannot be built.

use doorward::auth::OriginError;

/// Errors of building the service.
///
/// # Examples
/// ```
/// use doorward_identity::BuildError;
///
/// assert!(BuildError::RelyingParty.to_string().contains("public URL"));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The cryptography library failed.
    #[error("the cryptography library failed")]
    Cryptography,
    /// An origin is invalid.
    #[error("the public URL or another origin cannot be used")]
    Origin(#[from] OriginError),
    /// Passkeys cannot be bound to the public URL.
    #[error(
        "passkeys need a public URL with a host name, and a relying party that is this host or a domain \
         above it"
    )]
    RelyingParty,
}

doorward_core::debug_as_sentence!(BuildError);
