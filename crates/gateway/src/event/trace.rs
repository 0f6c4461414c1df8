//! What the log knows of an event while its handler runs.

use doorward_core::{DecisionId, Entropy};
use tracing::{Span, field};

use crate::room::connection::Connection;

/// The span of one event, and the id of its failure.
///
/// Everything that a handler logs stands in the span, so that a line says whose event it was. When nothing
/// listens to the span, it is not made, and no id is drawn before the event fails.
#[derive(Debug)]
pub(crate) struct Trace {
    span: Span,
    id: Option<DecisionId>,
}

impl Trace {
    /// Begins an event; `event` returns a name of the program's own, or nothing when no handler has it.
    pub(super) fn begin<'a, P>(
        connection: &Connection<P>,
        event: impl Fn() -> Option<&'a str>,
        entropy: &dyn Entropy,
    ) -> Self {
        // Where the span is off nothing of this is evaluated.
        let span = tracing::info_span!(
            target: TARGET,
            "event",
            socket = %connection.id().encode(),
            user = connection.user().as_str(),
            event = event(),
            id = field::Empty,
        );
        let id = (!span.is_disabled()).then(|| DecisionId::generate(entropy));
        if let Some(id) = id {
            span.record("id", field::display(id.encode()));
        }
        Self { span, id }
    }

    /// The id that a client reads when the event fails; the lines of its handler have it too.
    pub(crate) fn id(&self, entropy: &dyn Entropy) -> DecisionId {
        self.id.unwrap_or_else(|| DecisionId::generate(entropy))
    }

    /// Runs a part of the event inside its span.
    pub(crate) fn run<R>(&self, part: impl FnOnce() -> R) -> R {
        self.span.in_scope(part)
    }
}

/// The span around a hook.
pub(crate) fn hook_span<P>(connection: &Connection<P>, hook: &'static str) -> Span {
    let user = connection.user().as_str();
    tracing::info_span!(target: TARGET, "hook", hook, socket = %connection.id().encode(), user)
}

/// A target of its own, so that operators can switch the spans off.
const TARGET: &str = "doorward::event";
