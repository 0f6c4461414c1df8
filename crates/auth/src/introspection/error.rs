//! Errors of introspection requests.

use crate::remote::error::RequestError;

/// Error of an introspection request.
#[derive(Debug, thiserror::Error)]
#[error("the introspection endpoint {url} gave no usable answer")]
pub(crate) struct IntrospectionError {
    pub(super) url: Box<str>,
    pub(super) source: Reason,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum Reason {
    #[error("all clients that waited for the answer have left")]
    Abandoned,
    #[error("it has failed several times, and receives one request in a few seconds only")]
    Broken,
    #[error("too many requests wait for it")]
    Busy,
    #[error("its answer is not that of an introspection endpoint (RFC 7662)")]
    Malformed,
    #[error(transparent)]
    Request(#[from] RequestError),
    #[error("it refused the client id or the client secret of this server (status {0})")]
    Unauthorized(u16),
}

impl Reason {
    /// Returns `true` if the failure is hardly that of a single token, so that it says something about
    /// the endpoint. A client chooses its token, and must not be able to raise an alert.
    pub(super) fn is_of_endpoint(&self) -> bool {
        self.concerns_all_tokens() || self.is_timeout()
    }

    /// Returns `true` if the failure cannot be that of a single token. A client chooses its token, and
    /// must not be able to stop the requests for others.
    pub(super) fn concerns_all_tokens(&self) -> bool {
        match self {
            // With 429 and 503, the server is overloaded, or tells this server to slow down.
            Self::Unauthorized(_) | Self::Request(RequestError::Status(429 | 503)) => true,
            Self::Request(RequestError::Failed(error)) => error.is_connect(),
            _ => false,
        }
    }

    /// Returns `true` if the endpoint did not answer in time.
    pub(super) fn is_timeout(&self) -> bool {
        matches!(self, Self::Request(RequestError::TimedOut(_)))
    }
}
