//! Reasons for which an event has no value as its answer.

use std::borrow::Cow;

use doorward_core::{BoxError, DecisionId, Exception};
use doorward_protocol::RawArguments;

/// Why an event has no value for an answer.
pub(crate) enum Failure {
    /// A guard said no, under this decision.
    Denied { exception: Exception, id: DecisionId, close: bool },
    /// Anything else.
    Error(BoxError),
}

impl<E: Into<BoxError>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Error(error.into())
    }
}

/// What a client reads in place of a value.
pub(crate) struct Explained {
    pub(crate) exception: Exception,
    /// An event in place of the event `exception`.
    pub(crate) instead: Option<(Cow<'static, str>, RawArguments)>,
    pub(crate) id: DecisionId,
    /// The socket is to end behind it.
    pub(crate) close: bool,
}
