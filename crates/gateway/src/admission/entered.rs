//! An admitted socket with everything it holds: seat, registry entry, farewell of its hooks.

use std::sync::Arc;

use doorward_core::{
    Action, BoxFuture, Decision, DisconnectReason, Handshake, Seat, SessionId, UserId,
};
use doorward_protocol::{RawArguments, Trust};
use tracing::Instrument as _;

use crate::{
    admission::{door::Door, renewal},
    event::{
        failure::{Explained, Failure},
        incoming::Incoming,
        invocation::Invocation,
        trace::{Trace, hook_span},
    },
    link::seam::{NotAdmitted, Socket},
    presence::{
        access::Lifetime,
        registry::SocketEntry,
        services::{Services, Subject},
    },
    room::connection::Connection,
    runtime::catch::Caught,
};

/// Somebody who has come past every check. Whatever happens to it, the hooks that saw the client
/// enter see it leave, and its seat and its entry are given back.
pub(crate) struct Entered<P: Send + Sync + 'static> {
    pub(crate) door: Arc<Door<P>>,
    pub(crate) connection: Connection<P>,
    /// How many gateways have seen the client enter.
    pub(crate) greeted: usize,
    pub(crate) entry: Option<SocketEntry>,
    pub(crate) seat: Option<Box<dyn Seat>>,
    /// What the hooks are told when nobody ends the socket properly.
    pub(crate) otherwise: DisconnectReason,
    /// Its admission is recorded. When no link records its end, dropping it does.
    pub(crate) is_recorded: bool,
    pub(crate) services: Arc<Services>,
}

impl<P: Send + Sync + 'static> Entered<P> {
    /// Records the admission.
    pub(crate) fn record(&mut self) {
        let subject = self.connection.subject(Action::Connect);
        self.services.decided(Decision::Admitted, subject);
        self.is_recorded = true;
    }

    /// Gives everything back and returns the farewell; a second call does nothing.
    fn leave(&mut self, reason: DisconnectReason) -> Option<BoxFuture<'static, ()>> {
        self.connection.end();
        self.seat = None;
        if self.entry.take().is_some() {
            self.services.metrics.sockets.decrement(1.0);
        }
        let greeted = std::mem::take(&mut self.greeted);
        let hooks = self.door.hooks.get(..greeted)?;
        if hooks.iter().all(|hooks| hooks.disconnect.is_none()) {
            return None;
        }
        let door = Arc::clone(&self.door);
        let connection = self.connection.clone();
        let services = Arc::clone(&self.services);
        let under_way = services.farewells.subscribe();
        Some(Box::pin(async move {
            let hooks = door.hooks.iter().take(greeted);
            for hook in hooks.filter_map(|hooks| hooks.disconnect.as_ref()) {
                let span = hook_span(&connection, "on_disconnect");
                let farewell = async { hook(connection.clone(), reason).await }.instrument(span);
                let farewell = Caught::new(farewell);
                match services.within(services.limits.handler_timeout, farewell).await {
                    Some(Ok(())) => {}
                    Some(Err(_)) => {
                        tracing::error!(socket = %connection.id(), "A disconnect hook panicked.");
                    }
                    None => {
                        tracing::error!(socket = %connection.id(), "A disconnect hook hangs.");
                    }
                }
            }
            drop(under_way);
        }))
    }
}

impl<P: Send + Sync + 'static> Socket for Entered<P> {
    fn user(&self) -> &UserId {
        self.connection.user()
    }

    fn session(&self) -> Option<SessionId> {
        self.connection.session()
    }

    fn has_credential(&self) -> bool {
        self.door.trust == Trust::Known
    }

    fn refresh(&self, handshake: Handshake) -> BoxFuture<'static, Result<Lifetime, NotAdmitted>> {
        let (door, connection) = (Arc::clone(&self.door), self.connection.clone());
        Box::pin(async move { renewal::refresh(&door.policy, &connection, handshake).await })
    }

    fn start(&self, incoming: Incoming<'_>) -> Result<Invocation, Failure> {
        self.door.routes.start(&self.connection, incoming)
    }

    fn trace(&self, event: &str) -> Trace {
        self.door.routes.trace(&self.connection, event, &*self.services.entropy)
    }

    fn explain(&self, event: &str, failure: Failure, trace: &Trace) -> Explained {
        let id = trace.id(&*self.services.entropy);
        trace.run(|| self.door.routes.explain(&self.connection, event, failure, id))
    }

    fn acknowledge(&self, id: u64, arguments: RawArguments) {
        self.connection.acknowledge(id, arguments);
    }

    fn end(mut self: Box<Self>, reason: DisconnectReason) -> Option<BoxFuture<'static, ()>> {
        self.is_recorded = false;
        self.leave(reason)
    }
}

/// Covers what has no other end: a later gateway that refuses, a client that leaves half-way.
impl<P: Send + Sync + 'static> Drop for Entered<P> {
    fn drop(&mut self) {
        let reason =
            if self.services.is_draining() { DisconnectReason::Shutdown } else { self.otherwise };
        if self.is_recorded {
            let subject = self.connection.subject(Action::Connect);
            let ended = Subject { action: None, ..subject };
            self.services.decided(Decision::Ended(reason), ended);
        }
        if let Some(farewell) = self.leave(reason)
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(farewell);
        }
    }
}
