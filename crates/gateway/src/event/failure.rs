//! The failure of an event, and the answer that its client reads. `Routes::explain` in
//! `failure_answer` makes one of the other.

use std::borrow::Cow;

use doorward_core::{BoxError, DecisionId, Exception};
use doorward_protocol::RawArguments;

/// Reason why an event has no value as its answer.
pub(crate) enum Failure {
    /// A guard denied the event. The audit has the decision under `id`, and the client receives the
    /// same id; with `close` the socket is ended after the answer.
    Denied { exception: Exception, id: DecisionId, close: bool },
    /// Any other error: of an extractor, an interceptor or the handler, a panic, or a timeout.
    Error(BoxError),
}

impl<E: Into<BoxError>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Error(error.into())
    }
}

/// Answer that the client of a failed event reads.
pub(crate) struct Explained {
    /// Payload of the ack, or of the event `exception` if the client did not ask for an ack.
    pub(crate) exception: Exception,
    /// Event that an exception filter sends instead of the event `exception`.
    pub(crate) instead: Option<(Cow<'static, str>, RawArguments)>,
    /// Id that the client reads, for finding the failure in the log.
    pub(crate) id: DecisionId,
    /// The socket is ended after the answer.
    pub(crate) close: bool,
}
