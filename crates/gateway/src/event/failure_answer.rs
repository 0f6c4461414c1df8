//! Decides what a client receives when an event fails.
//!
//! The exception filters of the handler, of the gateway and of the server are called first. If no
//! filter answers, an error that has a form for clients is sent in that form. Any other error is
//! logged with its cause, and the client receives `internal`. `answer` sends the result as the ack,
//! or as the event `exception` if the client asked for no ack.

use std::borrow::Cow;

use doorward_core::{BoxError, DecisionId, Exception, Refusal, wire::ErrorAnswer};
use doorward_protocol::RawArguments;
use tracing::{debug, error};

use crate::{
    event::{
        failure::{Explained, Failure},
        filter::{ErrorReply, FilterContext, Replied},
        pipeline::Routes,
    },
    room::{
        error::{EmitError, JoinError, check_event},
        socket::Socket,
    },
    runtime::{
        catch::{Panicked, catch},
        metrics::Metrics,
    },
};

impl<P: Send + Sync + 'static> Routes<P> {
    /// Translates a failure into the answer for the client, and logs it.
    pub(crate) fn explain(
        &self,
        socket: &Socket<P>,
        event: &str,
        failure: Failure,
        id: DecisionId,
    ) -> Explained {
        let route = self.table.get(event).unwrap_or(&self.unknown);
        let known = self.known(event);
        let (error, id, close): (BoxError, _, _) = match failure {
            Failure::Denied { exception, id, close } => (exception.into(), id, close),
            Failure::Error(error) if error.is::<Panicked>() => {
                error!(event = known, %id, "A handler panicked.");
                (Exception::internal().into(), id, false)
            }
            Failure::Error(error) => (error, id, false),
        };
        let context = FilterContext { socket, event };
        // Filters, and `Display` and `Drop` of the error, belong to the application and may panic. So
        // the error is moved into the closure and dropped there.
        let (exception, instead) = catch(|| {
            let filters = &route.layers.filters;
            match filters.iter().find_map(|filter| filter.catch(&error, &context)) {
                Some(ErrorReply(reply)) => replied(reply, error, known, id),
                None => (translate(error, known, id), None),
            }
        })
        .unwrap_or_else(|_panicked| {
            error!(event = known, %id, "An exception filter panicked.");
            (Exception::internal(), None)
        });
        debug!(event = known, code = exception.code(), %id, "Event failed.");
        Metrics::failed(exception.code());
        Explained { exception, instead, id, close }
    }
}

/// Returns the exception and the event of a filter's answer.
///
/// If the filter answers with an event, the exception is only for the ack, and is made from the
/// error itself.
fn replied(
    reply: Replied,
    error: BoxError,
    event: Option<&str>,
    id: DecisionId,
) -> (Exception, Option<(Cow<'static, str>, RawArguments)>) {
    let (name, data) = match reply {
        Replied::Exception(exception) => return (exception, None),
        Replied::Event { event, data } => (event, data),
    };
    // The name `exception` is reserved, but a filter may use it, because its event replaces
    // `exception`.
    let checked = if name == ErrorAnswer::EVENT { Ok(()) } else { check_event(&name) };
    match checked.and_then(|()| Ok(data?)) {
        Ok(data) => {
            (named(error).unwrap_or_else(|_unnamed| Exception::internal()), Some((name, data)))
        }
        Err(error) => {
            error!(event, emitted = &*name, %error, %id, "An exception filter emitted what cannot be sent.");
            (Exception::internal(), None)
        }
    }
}

/// Converts an error that no filter handled. An error with no client-facing form is logged, and the
/// client receives `internal`.
fn translate(error: BoxError, event: Option<&str>, id: DecisionId) -> Exception {
    named(error).unwrap_or_else(|error| {
        error!(event, error = &*error as &dyn std::error::Error, %id, "Handler failed.");
        Exception::internal()
    })
}

/// Converts an error that has a client-facing form. Returns any other error unchanged.
fn named(error: BoxError) -> Result<Exception, BoxError> {
    let emitting = |error: BoxError| match error.downcast_ref::<EmitError>() {
        Some(EmitError::NotThere) => Ok(Exception::forbidden()),
        Some(EmitError::Ended) => Ok(Exception::internal()),
        _ => Err(error),
    };
    error
        .downcast::<Exception>()
        .map(|exception| *exception)
        .or_else(|error| error.downcast::<Refusal>().map(|refusal| Exception::from(*refusal)))
        .or_else(|error| error.downcast::<JoinError>().map(|denied| Exception::from(*denied)))
        .or_else(emitting)
}
