//! Error that occurs while the sign-in service is built.

use doorward::auth::OriginError;

/// Error returned by [`IdentityBuilder::build`](crate::IdentityBuilder::build).
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
    /// The public URL or another origin is invalid.
    #[error("the public URL or another origin cannot be used")]
    Origin(#[from] OriginError),
    /// Passkeys cannot be bound to the public URL, for example because its host is an IP address.
    /// Or the [relying party id](crate::IdentityBuilder::rp_id) is neither the host of the public
    /// URL nor a parent domain of it.
    #[error(
        "passkeys need a public URL with a host name, and a relying party that is this host or a domain \
         above it"
    )]
    RelyingParty,
}

doorward_core::debug_as_sentence!(BuildError);
