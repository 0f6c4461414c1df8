//! From an event to its answer: the only file that knows the order.
//!
//! Route, then the handler's extractors, then the handler, then the answer. Every question is answered
//! exactly once, because [`Answer::reply`] is the only way to write one and each call of a handler
//! ends in it: with a value, with an exception, or, for a panic and a timeout, with what stands here.
//! Start reading at [`Routes::start`].

use std::{collections::HashMap, sync::Arc};

use doorward_core::{DecisionId, Entropy, Exception, wire::ErrorAnswer};
use doorward_protocol::{packet, ws, ws::Opcode};
use serde::Serialize;
use tracing::{debug, error};

use crate::{
    Connection, EventContext,
    catch::{Panicked, catch},
    handler::{Handler, Invocation},
};

/// The handlers of one namespace.
pub(crate) struct Routes<P>(RouteTable<P>);

/// Handlers by the name of their event.
pub(crate) type RouteTable<P> = HashMap<Arc<str>, Arc<dyn Route<P>>>;

/// A handler whose arguments are forgotten.
pub(crate) trait Route<P>: Send + Sync {
    fn start(&self, context: &EventContext<'_, P>) -> Result<Invocation, Exception>;
}

/// The arguments of a handler are part of its type; here they are put aside.
struct Erased<H, M>(H, std::marker::PhantomData<fn() -> M>);

impl<P, M, H: Handler<P, M>> Route<P> for Erased<H, M> {
    fn start(&self, context: &EventContext<'_, P>) -> Result<Invocation, Exception> {
        self.0.start(context)
    }
}

pub(crate) fn erase<P: 'static, M: 'static>(handler: impl Handler<P, M>) -> Arc<dyn Route<P>> {
    Arc::new(Erased(handler, std::marker::PhantomData))
}

impl<P> Routes<P> {
    pub(crate) fn new(routes: RouteTable<P>) -> Self {
        Self(routes)
    }

    /// Finds the handler of an event and makes its arguments.
    pub(crate) fn start(
        &self,
        connection: &Connection<P>,
        event: &str,
        data: &str,
    ) -> Result<Invocation, Exception> {
        let (name, route) = self.0.get_key_value(event).ok_or_else(Exception::unknown_event)?;
        let context = EventContext::new(connection, name, data);
        catch(|| route.start(&context)).unwrap_or_else(|panicked| Err(broken(event, panicked)))
    }
}

/// What a panic is answered with.
pub(crate) fn broken(event: &str, panicked: Panicked) -> Exception {
    error!(event = ?event, %panicked, "Handler failed.");
    Exception::internal()
}

/// Where the answer to one event goes.
pub(crate) struct Answer<'a> {
    pub(crate) out: &'a mut Vec<u8>,
    pub(crate) namespace: &'a str,
    pub(crate) event: &'a str,
    pub(crate) ack: Option<u64>,
    pub(crate) entropy: &'a dyn Entropy,
}

impl Answer<'_> {
    /// Writes the answer; without an ack a value is not asked for, and an error becomes an event.
    pub(crate) fn reply(&mut self, reply: Result<impl Serialize, Exception>) {
        match reply {
            Ok(value) => self.value(&value),
            Err(exception) => self.exception(&exception),
        }
    }

    fn value(&mut self, value: &impl Serialize) {
        let Some(id) = self.ack else { return };
        let start = self.out.len();
        let mut written = Ok(());
        ws::append(self.out, Opcode::Text, |out| {
            written = packet::write_ack(out, self.namespace, id, value);
        });
        if let Err(cause) = written {
            self.out.truncate(start);
            error!(event = ?self.event, %cause, "The answer of a handler is no JSON.");
            self.exception(&Exception::internal());
        }
    }

    pub(crate) fn exception(&mut self, exception: &Exception) {
        let id = DecisionId::generate(self.entropy);
        // The name of an unknown event is whatever the client has written.
        let known = (exception.code() != Exception::unknown_event().code()).then_some(self.event);
        debug!(event = known, code = exception.code(), %id, "Event failed.");
        ws::append(self.out, Opcode::Text, |out| {
            let written = match self.ack {
                Some(ack) => {
                    packet::write_ack(out, self.namespace, ack, &ErrorAnswer::ack(exception, id))
                }
                None => packet::write_event(
                    out,
                    self.namespace,
                    ErrorAnswer::EVENT,
                    &ErrorAnswer::event(exception, id, self.event),
                ),
            };
            written.expect("wire types are strings, numbers and plain structs");
        });
    }
}
