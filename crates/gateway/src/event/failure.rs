//! The failure of an event, and the answer that the client receives. `Routes::explain` in
//! `failure_answer` turns the failure into the answer.

use std::borrow::Cow;

use doorward_core::{BoxError, DecisionId, Exception};
use doorward_protocol::RawArguments;

/// Reason why an event failed.
pub(crate) enum Failure {
    /// A guard denied the event. The audit record of the denial has the id `id`, and the client
    /// receives the same id. If `close` is `true`, the socket is ended after the answer.
    Denied { exception: Exception, id: DecisionId, close: bool },
    /// Error from an extractor, an interceptor or the handler. A panic and a timeout are errors too.
    Error(BoxError),
}

impl<E: Into<BoxError>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Error(error.into())
    }
}

/// Answer to a client whose event failed.
pub(crate) struct Explained {
    /// Payload of the ack, or of the event `exception` if the client did not ask for an ack.
    pub(crate) exception: Exception,
    /// Event that an exception filter sends instead of the event `exception`.
    pub(crate) instead: Option<(Cow<'static, str>, RawArguments)>,
    /// Id that the client reads. Operators find the failure in the log by this id.
    pub(crate) id: DecisionId,
    /// `true` if the socket is ended after the answer.
    pub(crate) close: bool,
}
