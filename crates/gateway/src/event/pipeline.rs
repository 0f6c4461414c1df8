//! Runs the steps of an event, from its guards to its answer. Only this file knows their order.
//!
//! 1. The guards of the server, of the gateway and of the handler. The first denial ends the event.
//! 2. The listeners.
//! 3. The interceptors of the server, of the gateway and of the handler.
//! 4. The extractors of the handler, in the order of its arguments, then the handler.
//! 5. The same interceptors, in reverse order.
//! 6. If the event has failed, the exception filters of the handler, of the gateway and of the
//!    server.
//! 7. The answer.
//!
//! While no step waits, an event is borrowed from the receive buffer of its link. Guards that
//! answer at once, listeners and extractors read the event there, and nothing is copied or boxed
//! for them. If a guard may wait, or if there are interceptors, the event is copied into a
//! [`Stored`]. The future that owns this copy becomes the `Invocation`.
//!
//! The task of the link polls an invocation and does not spawn it, so that the events of one socket
//! begin in the order in which they arrived. Start reading at [`Routes::start`].

use std::{collections::HashMap, sync::Arc};

use doorward_core::{Action, BoxFuture, Decision, Exception};

use crate::{
    event::{
        context::EventContext,
        failure::Failure,
        handler::AnyHandler,
        incoming::{Incoming, Stored},
        interceptor::Next,
        invocation::{Started, Step, begun, behind_guards},
        reply::Outcome,
        subscription::{Layers, Listener, Subscription},
    },
    guard::authorise::{AnyGuard, Denial, authorise, authorise_at_once},
    room::socket::Socket,
    runtime::catch::catch,
};

/// The handlers of one namespace.
pub(crate) struct Routes<P> {
    pub(crate) table: HashMap<Arc<str>, Arc<Route<P>>>,
    /// Route of events without a handler.
    pub(crate) unknown: Arc<Route<P>>,
    pub(crate) listeners: Arc<[Listener<P>]>,
}

/// A handler with the guards, interceptors and filters of all levels around it.
pub(crate) type Route<P> = Subscription<P>;

/// The handler of unknown events, which answers `unknown_event`.
struct Unknown;

impl<P> AnyHandler<P> for Unknown {
    fn start(&self, _: &EventContext<'_, P>) -> Started {
        Err(Exception::unknown_event().into())
    }

    fn call<'a>(&'a self, _: &'a EventContext<'_, P>) -> BoxFuture<'a, Outcome> {
        Box::pin(std::future::ready(Err(Exception::unknown_event().into())))
    }
}

/// Returns the route of unknown events, which have no handler.
///
/// Guards are called for unknown events too. So only a client that may send events at all learns
/// from the answer which events have no handler.
pub(crate) fn unknown<P: 'static>(layers: Layers<P>) -> Route<P> {
    Subscription { handler: Arc::new(Unknown), layers }
}

impl<P: Send + Sync + 'static> Routes<P> {
    /// Starts an event and runs its steps as far as possible without waiting.
    ///
    /// The returned invocation runs the other steps when it is polled. Even a handler that is ready
    /// at once runs in the first poll, because only a poll can write the answer.
    ///
    /// # Errors
    /// A guard that answers at once denied the event, an extractor rejected the event, or code of
    /// the application panicked.
    pub(crate) fn start(&self, socket: &Socket<P>, incoming: Incoming<'_>) -> Started {
        // The name of a known event is shared. Only an unknown name is copied.
        let (name, route) = match self.table.get_key_value(incoming.event) {
            Some((name, route)) => (Arc::clone(name), route),
            None => (Arc::from(incoming.event), &self.unknown),
        };
        let Layers { guards, interceptors, .. } = &route.layers;
        // If one guard may wait, all guards run in the future, because they must be called in
        // order.
        if !guards.iter().all(|guard| guard.is_at_once()) {
            let stored = Stored::new(socket, name, incoming);
            let (route, listeners) = (Arc::clone(route), Arc::clone(&self.listeners));
            return Ok(behind_guards(through_guards(route, listeners, stored)));
        }
        if !guards.is_empty() {
            let (action, access) = (Action::Event(&name), socket.access());
            let asked = authorise_at_once(guards, socket.asks(&access, action));
            asked.map_err(|denial| denied(denial, socket, action))?;
        }
        let Incoming { data, attachments, ack, id, .. } = &incoming;
        let context = EventContext::new(socket, &name, data, attachments, ack.is_some(), *id);
        // Listeners, extractors, and a closure that returns the future of a handler belong to the
        // application. Their panic fails this event and not the link.
        let started = catch(|| {
            for listener in &self.listeners[..] {
                listener(&context);
            }
            interceptors.is_empty().then(|| route.handler.start(&context))
        });
        // The context borrows the name and the attachments, which `Stored` takes.
        drop(context);
        match started {
            Ok(Some(started)) => started,
            // Extractors run inside of the interceptors, so the event must outlive this call.
            Ok(None) => {
                let stored = Stored::new(socket, name, incoming);
                Ok(begun(through_interceptors(Arc::clone(route), stored)))
            }
            Err(panicked) => Err(panicked.into()),
        }
    }

    /// Returns the name of the event if it has a handler, and `None` otherwise. An unknown name is
    /// input of the client and must not be logged.
    pub(crate) fn known(&self, event: &str) -> Option<&str> {
        self.table.get_key_value(event).map(|(name, _)| &**name)
    }
}

/// Calls the guards and listeners of an event, and returns an invocation that runs the interceptors
/// and the handler.
///
/// The invocation is not awaited here. A handler without interceptors writes its answer into the
/// outbox, which the link lends only when it polls an invocation. The link catches panics when it
/// polls.
async fn through_guards<P: Send + Sync + 'static>(
    route: Arc<Route<P>>,
    listeners: Arc<[Listener<P>]>,
    event: Stored<P>,
) -> Result<Step, Failure> {
    ask(&route.layers.guards, &event.socket, &event.name).await?;
    let context = event.context();
    for listener in &listeners[..] {
        listener(&context);
    }
    if route.layers.interceptors.is_empty() {
        return route.handler.start(&context).map(Step::Run);
    }
    drop(context);
    Ok(Step::Run(begun(through_interceptors(route, event))))
}

/// Runs the interceptors, with the handler inside of them.
async fn through_interceptors<P: Send + Sync + 'static>(
    route: Arc<Route<P>>,
    event: Stored<P>,
) -> Result<Step, Failure> {
    let Layers { interceptors, .. } = &route.layers;
    let next = Next { interceptors, handler: &*route.handler };
    Ok(Step::Reply(next.run(&event.context()).await?))
}

/// Calls the guards of a route. Returns an error if one of them denies the event. The denial is
/// recorded in the audit.
async fn ask<P>(
    guards: &[Arc<dyn AnyGuard<P>>],
    socket: &Socket<P>,
    event: &str,
) -> Result<(), Failure> {
    let (action, access) = (Action::Event(event), socket.access());
    let services = socket.hub().services();
    let asked = authorise(guards, socket.asks(&access, action), services).await;
    asked.map_err(|denial| denied(denial, socket, action))
}

fn denied<P>(denial: Denial, socket: &Socket<P>, action: Action<'_>) -> Failure {
    let (services, subject) = (socket.hub().services(), socket.subject(Some(action)));
    let id = services.said_no(Decision::Denied, &denial.refusal, subject);
    Failure::Denied { exception: denial.refusal.into(), id, close: denial.close }
}
