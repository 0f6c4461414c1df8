//! From an event to its answer: the only file that knows the order.
//!
//! Guards of the server, of the gateway and of the handler; listeners; interceptors in the same order
//! inwards; the handler's extractors; the handler; interceptors outwards; exception filters of the
//! handler, of the gateway and of the server; the answer. As long as nothing waits everything happens on
//! the stack, straight from the bytes that arrived; what waits owns its event.
//! Start reading at [`Routes::start`].

use std::{borrow::Cow, collections::HashMap, sync::Arc};

use doorward_core::{
    Action, BoxError, BoxFuture, Decision, DecisionId, Entropy, Exception, Refusal,
    wire::ErrorAnswer,
};
use doorward_protocol::RawArguments;
use tracing::{debug, error};

use crate::{
    event::{
        context::EventContext,
        failure::{Explained, Failure},
        filter::{ErrorReply, FilterContext, Replied},
        handler::AnyHandler,
        incoming::{Incoming, Stored},
        interceptor::Next,
        invocation::{Invocation, Step},
        reply::Outcome,
        subscription::{Layers, Listener, Subscription},
        trace::Trace,
    },
    guard::authorise::{AnyGuard, Denial, authorise, authorise_at_once},
    room::{
        connection::Connection,
        error::{EmitError, JoinError, check_event},
    },
    runtime::{
        catch::{Panicked, catch},
        metrics::Metrics,
    },
};

/// The handlers of one namespace.
pub(crate) struct Routes<P> {
    pub(crate) table: HashMap<Arc<str>, Arc<Route<P>>>,
    /// What stands around events that nobody handles.
    pub(crate) unknown: Arc<Route<P>>,
    pub(crate) listeners: Arc<[Listener<P>]>,
}

/// A handler with everything that stands around it, on all levels.
pub(crate) type Route<P> = Subscription<P>;

/// Stands where a handler is missing.
struct Unknown;

impl<P> AnyHandler<P> for Unknown {
    fn start(&self, _: &EventContext<'_, P>) -> Result<Invocation, Failure> {
        Err(Exception::unknown_event().into())
    }

    fn call<'a>(&'a self, _: &'a EventContext<'_, P>) -> BoxFuture<'a, Outcome> {
        Box::pin(std::future::ready(Err(Exception::unknown_event().into())))
    }
}

/// What answers an event that nobody handles: its guards and filters, and then no.
pub(crate) fn unknown<P: 'static>(layers: Layers<P>) -> Route<P> {
    Subscription { handler: Arc::new(Unknown), layers }
}

impl<P: Send + Sync + 'static> Routes<P> {
    /// Starts an event, as far as it goes without waiting.
    pub(crate) fn start(
        &self,
        connection: &Connection<P>,
        incoming: Incoming<'_>,
    ) -> Result<Invocation, Failure> {
        let Incoming { event, data, attachments, asked } = incoming;
        let (name, route) = match self.table.get_key_value(event) {
            Some((name, route)) => (Arc::clone(name), route),
            None => (Arc::from(event), &self.unknown),
        };
        let Layers { guards, interceptors, .. } = &route.layers;
        if !guards.iter().all(|guard| guard.is_at_once()) {
            let stored = Stored::new(connection, name, data, attachments, asked);
            let (route, listeners) = (Arc::clone(route), Arc::clone(&self.listeners));
            return Ok(Invocation::behind_guards(through_guards(route, listeners, stored)));
        }
        if !guards.is_empty() {
            let (action, access) = (Action::Event(&name), connection.access());
            let asked = authorise_at_once(guards, connection.asks(&access, action));
            asked.map_err(|denial| denied(denial, connection, action))?;
        }
        let context = EventContext::new(connection, &name, data, &attachments, asked);
        let started = catch(|| {
            self.listen(&context);
            interceptors.is_empty().then(|| route.handler.start(&context))
        });
        drop(context);
        match started {
            Ok(Some(started)) => started,
            Ok(None) => {
                let stored = Stored::new(connection, name, data, attachments, asked);
                Ok(Invocation::new(through_interceptors(Arc::clone(route), stored)))
            }
            Err(panicked) => Err(panicked.into()),
        }
    }

    fn listen(&self, context: &EventContext<'_, P>) {
        for listener in &self.listeners[..] {
            listener(context);
        }
    }

    /// Begins the trace of an event.
    pub(crate) fn trace(
        &self,
        connection: &Connection<P>,
        event: &str,
        entropy: &dyn Entropy,
    ) -> Trace {
        Trace::begin(connection, || self.known(event), entropy)
    }

    /// The name of an event that has a handler. Any other is the client's word, and is not logged.
    fn known(&self, event: &str) -> Option<&str> {
        self.table.get_key_value(event).map(|(name, _)| &**name)
    }

    /// Says what a client reads of a failure.
    pub(crate) fn explain(
        &self,
        connection: &Connection<P>,
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
        let context = FilterContext { connection, event };
        // The error is the application's: to look at it, to print it and to drop it may panic.
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

/// What a filter has said, and what the ack of its event reads.
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
    // In its own place the event `exception` may carry what the application writes.
    let checked = if name == ErrorAnswer::EVENT { Ok(()) } else { check_event(&name) };
    match checked.and_then(|()| Ok(data?)) {
        Ok(data) => {
            (named(error).unwrap_or_else(|_unnamed| Exception::internal()), Some((name, data)))
        }
        Err(error) => {
            error!(event, emitted = &*name, %error, %id, "An exception filter emits what cannot be sent.");
            (Exception::internal(), None)
        }
    }
}

/// Asks the guards, and returns what is behind them.
async fn through_guards<P: Send + Sync + 'static>(
    route: Arc<Route<P>>,
    listeners: Arc<[Listener<P>]>,
    event: Stored<P>,
) -> Result<Step, Failure> {
    ask(&route.layers.guards, &event.connection, &event.name).await?;
    let context = event.context();
    for listener in &listeners[..] {
        listener(&context);
    }
    if route.layers.interceptors.is_empty() {
        return route.handler.start(&context).map(Step::Run);
    }
    drop(context);
    Ok(Step::Run(Invocation::new(through_interceptors(route, event))))
}

/// Interceptors, and the handler in the middle.
async fn through_interceptors<P: Send + Sync + 'static>(
    route: Arc<Route<P>>,
    event: Stored<P>,
) -> Result<Step, Failure> {
    let Layers { interceptors, .. } = &route.layers;
    let next = Next { interceptors, handler: &*route.handler };
    Ok(Step::Reply(next.run(&event.context()).await?))
}

/// Asks the guards of a route, and writes a no down.
async fn ask<P>(
    guards: &[Arc<dyn AnyGuard<P>>],
    connection: &Connection<P>,
    event: &str,
) -> Result<(), Failure> {
    let (action, access) = (Action::Event(event), connection.access());
    let services = connection.hub().services();
    let asked = authorise(guards, connection.asks(&access, action), services).await;
    asked.map_err(|denial| denied(denial, connection, action))
}

fn denied<P>(denial: Denial, connection: &Connection<P>, action: Action<'_>) -> Failure {
    let (services, subject) = (connection.hub().services(), connection.subject(action));
    let id = services.said_no(Decision::Denied, &denial.refusal, subject);
    Failure::Denied { exception: denial.refusal.into(), id, close: denial.close }
}

/// What a client reads of an error that no filter knows.
fn translate(error: BoxError, event: Option<&str>, id: DecisionId) -> Exception {
    named(error).unwrap_or_else(|error| {
        error!(event, error = &*error as &dyn std::error::Error, %id, "Handler failed.");
        Exception::internal()
    })
}

/// What a client reads of an error that has words for it; any other is given back.
fn named(error: BoxError) -> Result<Exception, BoxError> {
    let error = match error.downcast::<Exception>() {
        Ok(exception) => return Ok(*exception),
        Err(error) => error,
    };
    let error = match error.downcast::<Refusal>() {
        Ok(refusal) => return Ok(Exception::from(*refusal)),
        Err(error) => error,
    };
    let error = match error.downcast::<JoinError>() {
        Ok(denied) => return Ok(Exception::from(*denied)),
        Err(error) => error,
    };
    match error.downcast_ref::<EmitError>() {
        Some(EmitError::NotThere) => Ok(Exception::forbidden()),
        Some(EmitError::Ended) => Ok(Exception::internal()),
        _ => Err(error),
    }
}
