//! Tracing spans around the handlers of events and around hooks.

use doorward_core::{DecisionId, Entropy};
use tracing::{Span, field};

use crate::room::socket::Socket;

/// Tracing span of one event, with the id that the client receives if the event fails.
///
/// Log lines of a handler are inside of the span, so they name the socket, the user and the id. If
/// no subscriber is interested in the span, it is disabled and has no id. The id is then generated
/// when it is needed.
#[derive(Debug)]
pub(crate) struct Trace {
    span: Span,
    id: Option<DecisionId>,
}

impl Trace {
    /// Creates the span of an event. `event` returns the name of the event if it has a handler, and
    /// `None` otherwise, because an unknown name is input of the client and must not be logged.
    pub(crate) fn begin<'a, P>(
        socket: &Socket<P>,
        event: impl Fn() -> Option<&'a str>,
        entropy: &dyn Entropy,
    ) -> Self {
        // If the span is disabled, none of its fields is evaluated.
        let span = tracing::info_span!(
            target: TARGET,
            "event",
            socket = %socket.id().encode(),
            user = socket.user().as_str(),
            event = event(),
            id = field::Empty,
        );
        let id = (!span.is_disabled()).then(|| DecisionId::generate(entropy));
        if let Some(id) = id {
            span.record("id", field::display(id.encode()));
        }
        Self { span, id }
    }

    /// Returns the id that the client reads if the event fails. If the span is enabled, the log
    /// lines of the handler have the same id.
    pub(crate) fn id(&self, entropy: &dyn Entropy) -> DecisionId {
        self.id.unwrap_or_else(|| DecisionId::generate(entropy))
    }

    /// Returns the id in the span, or `None` if the span is disabled.
    pub(crate) fn id_in_span(&self) -> Option<DecisionId> {
        self.id
    }

    /// Runs `part` of the event inside of the span.
    pub(crate) fn run<R>(&self, part: impl FnOnce() -> R) -> R {
        self.span.in_scope(part)
    }
}

/// Creates the span around a hook.
pub(crate) fn hook_span<P>(socket: &Socket<P>, hook: &'static str) -> Span {
    let user = socket.user().as_str();
    tracing::info_span!(target: TARGET, "hook", hook, socket = %socket.id().encode(), user)
}

/// Target of the spans. Operators can disable the spans by this target in the filter of their
/// subscriber.
const TARGET: &str = "doorward::event";
