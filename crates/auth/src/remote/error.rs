//! Errors of requests to an issuer, and of URLs that are not requested.

use std::{net::IpAddr, time::Duration};

use doorward_core::BoxError;

use crate::key::set::problem::KeySetError;

/// Reason why a URL of an issuer is not used.
///
/// # Examples
/// ```
/// use doorward_auth::{IssuerError, Jwt, UrlProblem};
///
/// let error = Jwt::issuer("http://id.example.org").audience("chat").unwrap_err();
/// assert!(matches!(error, IssuerError::Url { problem: UrlProblem::Insecure, .. }));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlProblem {
    /// The host is an address that is not public, and no allowed network contains it.
    #[error(
        "{0} is not a public address: allow its network if the issuer is inside of your own network"
    )]
    Address(IpAddr),
    /// The URL of an issuer is that of its metadata or of its key set.
    #[error(
        "write the issuer, as in the claim `iss` of its tokens, without /.well-known/; a key set has a \
         setting of its own"
    )]
    Document,
    /// The scheme is `http`, and the host is not this machine.
    #[error("the scheme must be https, because the network could read and change what is sent")]
    Insecure,
    /// The text is not a URL with a host.
    #[error("write a URL, such as https://id.example.org")]
    Malformed,
    /// The URL contains a user name or a password.
    #[error("remove the user name and the password")]
    Password,
    /// The URL of an issuer has a query or a fragment (OpenID Connect Core, section 2, `iss`).
    #[error("remove the query and the fragment")]
    Query,
    /// The scheme is neither `https` nor `http`.
    #[error("the scheme must be https")]
    Scheme,
}

/// Error for an issuer or an authorization server that cannot be used.
///
/// # Examples
/// ```
/// use doorward_auth::Jwt;
///
/// let error = Jwt::issuer("https://169.254.169.254").audience("chat").unwrap_err();
/// assert!(error.to_string().contains("not a public address"));
/// ```
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum IssuerError {
    /// The client for TLS cannot be set up, because the system has no usable certificates.
    #[error("no requests can be sent")]
    Client(#[source] BoxError),
    /// A text is not a URL with a host.
    #[error("its URL is malformed: write a URL, such as https://id.example.org")]
    Malformed,
    /// A text is not an address or a network.
    #[error(
        "a network is malformed: write an address, such as \"10.1.2.3\", or a network, such as \
         \"10.1.0.0/16\""
    )]
    Network,
    /// A URL is not used.
    #[error("the URL {url} cannot be used: {problem}")]
    Url {
        /// URL without user name, password and query.
        url: Box<str>,
        /// Reason why it is not used.
        problem: UrlProblem,
    },
}

doorward_core::debug_as_sentence!(IssuerError);

/// Error of a request to an issuer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RequestError {
    #[error("the connection or the request failed")]
    Failed(#[source] reqwest::Error),
    #[error(
        "the client for TLS could not be set up; are the certificates of the system installed?"
    )]
    Client(#[source] reqwest::Error),
    #[error("it did not answer within {0:?}")]
    TimedOut(Duration),
    #[error("it answered with a redirect, which is not followed")]
    Redirected,
    #[error("it answered with status {0}")]
    Status(u16),
    #[error("its answer has more than {0} bytes")]
    TooLarge(usize),
    #[error("the program has no tokio runtime")]
    NoRuntime,
    #[error("the task that asked it was ended")]
    Ended,
}

/// Reason why the keys of an issuer could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    #[error("the request for {url} failed")]
    Request { url: Box<str>, source: RequestError },
    #[error("{url} is not the metadata of an issuer")]
    NotMetadata { url: Box<str> },
    #[error(
        "the issuer names itself {named:?} in its metadata, and not {configured:?}: configure its name \
         byte for byte"
    )]
    OtherIssuer { named: Box<str>, configured: Box<str> },
    #[error("the URL of its key set is not used")]
    KeySetUrl(#[source] UrlProblem),
    #[error("its key set cannot be used")]
    KeySet(#[source] KeySetError),
}

/// Error of keys that cannot be read now.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the keys of the issuer {issuer} cannot be read")]
pub(crate) struct Away {
    pub(crate) issuer: Box<str>,
    #[source]
    pub(crate) source: std::sync::Arc<FetchError>,
}
